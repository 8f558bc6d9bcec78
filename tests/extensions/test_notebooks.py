"""Each chapter can be taken along as a notebook that says the same and runs anywhere, and opened where readers are."""

import ast
import builtins
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jupytext
import nbformat
import pytest
import yaml
from browser import ROOT
from docutils import nodes
from selectolax.lexbor import LexborHTMLParser
from test_build import build, chapter, make_book

from coursework.masters.reading import available, load
from extensions.site import downloads
from extensions.site.exercises import exercises, way_there
from extensions.site.notebook_install import install_cell
from extensions.site.notebook_links import pending, settled
from extensions.site.solutions import without_solutions
from extensions.typesetting.formulas import Renderer, node_program
from ntklib.book.practice import check_answer
from tools import editions, repository

SITE = ROOT / "_build" / "html"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))
MADE = SITE / "_sources" / "chapters"
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("appendix/*.md"), *ROOT.glob("chapters/*.md")]
EXECUTED = sorted(path for path in PAGES if "\njupytext:\n" in path.read_text(encoding="utf-8").partition("\n---\n")[0])
needs_a_site = pytest.mark.skipif(not MADE.exists(), reason="there is no site yet: make book")


@cache
def made(name):
    return nbformat.read(MADE / f"{name}.ipynb", as_version=4)


def prose(cell):
    """The text of a Markdown cell without listings."""
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", cell.source, flags=re.DOTALL | re.MULTILINE)


FORMULA = re.compile(r"\$\$(?P<shown>.*?)\$\$|(?<!\\)\$(?P<inline>[^$]*)\$", re.DOTALL)


def assert_no_markup_of_the_source(notebook):
    texts = [prose(cell) for cell in notebook.cells if cell.cell_type == "markdown"]
    for text in texts:
        outside = re.sub(r"`[^`]*`", "", FORMULA.sub("", text))
        assert not re.search(r"\{[a-z:-]+\}|:::|\?\?\?|```|^:[\w-]+:|^---$|\\\[\\\]", outside, re.MULTILINE), text
        unlinked = re.sub(r"\]\([^)\s]*\)", "]", outside)
        assert not re.search(r"\b(?:thm|def|lem|prop|cor|eq|fig|ex|sol|sec)-[a-z]", unlinked), (
            "a label is left: " + text
        )
        assert not re.search("[\ue000-\ue002]", text), "a link is pending: " + text
        assert not re.search(r"^#+\s*$|^\*\*\s", text, re.MULTILINE), "a heading is empty: " + text
        for tag in ("blockquote", "details", "summary"):
            assert text.count(f"<{tag}") == text.count(f"</{tag}>"), text
        assert set(re.findall(r"</?(\w+)", outside)) <= {"blockquote", "details", "summary", "b"}, text
    return texts


@needs_a_site
def test_no_markup_of_the_source_is_left_in_any_notebook():
    paths = [*(SITE / "_sources").rglob("*.ipynb"), *(ROOT / "_build" / "notebooks").rglob("*.ipynb")]
    assert len(paths) >= 2 * len(CHAPTERS)
    for path in paths:
        assert_no_markup_of_the_source(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("name", available())
def test_no_markup_of_the_source_is_left_in_a_problem_set(name):
    texts = assert_no_markup_of_the_source(load(name).release(7))
    assert len("".join(texts)) > 1000


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_no_markup_of_the_source_is_left_in_a_notebook(name):
    texts = [prose(cell) for cell in made(name).cells if cell.cell_type == "markdown"]
    text = "\n".join(texts)
    headings = re.findall(r"^## (.+)$", (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(re.findall(r"^## .+$", text, re.MULTILINE)) == len(headings)
    assert re.search(r"^\*\*(Theorem|Proposition) \d+\.\d+\*\* \(", text, re.MULTILINE)
    assert (MADE / f"{name}.md").read_text(encoding="utf-8") == (ROOT / "chapters" / f"{name}.md").read_text(
        encoding="utf-8"
    )


def there(name, folder=MADE):
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    return "\n".join(prose(cell) for cell in notebook.cells if cell.cell_type == "markdown")


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_reference_to_another_chapter_leads_to_its_notebook_where_that_is_beside(name):
    page = LexborHTMLParser((SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8"))
    found = {}
    for link in page.css("article a.reference.internal[href]"):
        other = re.fullmatch(r"([\w-]+)\.html(#.*)?", link.attributes["href"])
        outside = {"self-check", "claim"} & {
            c for p in ancestors(link) for c in (p.attributes.get("class") or "").split()
        }
        if other and other[1] in set(CHAPTERS) - {name} and not outside:
            found.setdefault(other[1], set()).add(" ".join(link.text().split()))
    text = " ".join(there(name, ROOT / "_build" / "notebooks" / "chapters").split())
    for other, words in found.items():
        for word in words:
            assert re.search(rf"\[`?{re.escape(word)}`?\]\({other}\.ipynb\)", text), (other, word)
    assert found, "every chapter mentions another"
    assert ".ipynb)" not in there(name), "alone it has nothing beside it"


def ancestors(node):
    while (node := node.parent) is not None and node.tag != "-undef":
        yield node


def test_a_link_leads_beside_or_to_the_site_or_nowhere():
    text = (
        f"By {pending('Theorem 1', 'chapters/a', '../chapters/b.html#thm-one')}, {pending('here', 'chapters/a', '#x')}."
    )
    text += pending("term", "chapters/a", "../glossary.html#term-t") + pending("", "chapters/a", "b.html")
    assert settled(text) == "By Theorem 1, here.term"
    assert settled(text, ["chapters/b"]) == "By [Theorem 1](b.ipynb), here.term"
    site = "https://example.org/book/"
    linked = f"By [Theorem 1]({site}chapters/b.html#thm-one), here.[term]({site}glossary.html#term-t)"
    assert settled(text, site=site) == linked
    assert pending("w", "a", "https://example.org/") == "[w](https://example.org/)"


@needs_a_site
def test_every_formula_of_a_notebook_is_understood_without_the_macros_of_the_book(tmp_path):
    if (program := node_program()) is None:
        pytest.skip("no Node: pip install playwright")
    cells = [cell for name in CHAPTERS for cell in made(name).cells if cell.cell_type == "markdown"]
    found = {(m["shown"] or m["inline"], m["shown"] is not None) for c in cells for m in FORMULA.finditer(prose(c))}
    renderer = Renderer(program, {}, tmp_path / "formulas.json")
    for tex, display in sorted(found):
        renderer.render(re.sub(r"\\tag\{[^}]*\}", "", tex).strip(), display)  # or it raises
    renderer.close()
    assert len(found) > 1000


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_notebook_has_the_code_of_its_chapter_with_what_it_shows(name):
    nbformat.validate(made(name))
    text = (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8")
    open_code = [c.source.rstrip() for c in jupytext.reads(without_solutions(text), fmt="md:myst").cells if is_code(c)]
    all_code = [c.source.rstrip() for c in jupytext.reads(text, fmt="md:myst").cells if is_code(c)]
    cells = [cell for cell in made(name).cells if is_code(cell)]
    assert "find_spec" in cells[0].source
    own = [cell for cell in cells[1:] if not re.match(r"(answer|check|question)-", cell.id)]
    assert [cell.source for cell in own] == open_code
    folded = "\n".join(cell.source for cell in made(name).cells if cell.cell_type == "markdown")
    for solution in set(all_code) - set(open_code):
        assert f"```python\n{solution}\n```" in folded
    shown = [kind for cell in own for output in cell.outputs for kind in output.get("data", {"stream": ""})]
    assert {"image/png", "text/html"} <= set(shown)
    assert not any("widget" in kind or "papermill" in kind for kind in shown)
    drawn = [o.data for cell in own for o in cell.outputs if "image/svg+xml" in o.get("data", {})]
    figures = [cell for cell in own if re.search(r"^(figures\.(?!use_style)\w+\(|figure$)", cell.source, re.MULTILINE)]
    assert bool(drawn) >= bool(figures)
    assert {data["text/plain"] for data in drawn} <= {"Run this cell to see its figure."}
    assert all(cell.execution_count is None for cell in cells)
    assert editions.untouched(made(name))


def is_code(cell):
    return cell.cell_type == "code"


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_an_exercise_is_answered_in_a_notebook_and_its_page_leads_there(name):
    text = (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8")
    known = list(exercises(text).values())
    assert [exercise.label for exercise in known] == re.findall(r"^:label: (ex-\S+)$", text, re.MULTILINE)
    cells = made(name).cells
    for exercise in known:
        place = next(n for n, cell in enumerate(cells) if cell.id == f"answer-{exercise.label}")
        check, answer, run, solution = cells[place - 1 : place + 3]
        assert f"def {exercise.check}(" in check.source
        assert check.metadata["jupyter"]["source_hidden"]
        assert re.match(rf"# your answer\b.*\n(def {exercise.answer}\(|{exercise.answer} = \.\.\.$)", answer.source)
        assert run.source.endswith(f'check_answer({exercise.check}, "{exercise.answer}")')
        assert run.id == f"check-{exercise.label}"
        assert answer.metadata["id"] == answer.id == exercise.place, "where Colab is told to scroll"
        assert re.match(r"<details><summary><b>Solution to Exercise \d+\.\d+", solution.source)
        task, hint = cells[place - 2].source.rsplit("<blockquote", 1)[1].split("</blockquote>")
        assert re.search(r"\*\*Exercise \d+\.\d+\*\* \(", task)
        assert hint.strip().startswith("<details><summary><b>Hint</b></summary>")
    page = LexborHTMLParser((SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8"))
    folds = [fold for fold in page.css("details.hide") if "def check_" in fold.text()]
    assert len(folds) == len(known)
    for fold in folds:
        assert [title.text() for title in fold.css("summary p")] == ["Check your answer, in the notebook"] * 2
        link = fold.css_first("a[href$='.ipynb']").attributes["href"]
        assert (SITE / "chapters" / link).resolve() == MADE / f"{name}.ipynb"


def bound(tree):
    """The names that a cell gives a meaning, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_run_all_goes_through_before_anything_is_solved(name, capsys):
    # the chapters themselves are executed elsewhere; here no cell needs what only a solution would have defined
    known, checks = {*dir(builtins), "get_ipython"}, 0
    for cell in filter(is_code, made(name).cells):
        tree = ast.parse(cell.source)
        known |= set(bound(tree))
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert used <= known, (used - known, cell.source)
        if cell.id.startswith("check-"):  # what it says to the cell above, as it is handed out
            answer = next(c.source for c in made(name).cells if c.id == cell.id.replace("check-", "answer-"))
            function = re.search(r"check_answer\((\w+), ", cell.source)[1]
            code = next(c.source for c in made(name).cells if is_code(c) and f"def {function}(" in c.source)
            space = {"check_answer": check_answer}
            wanted = [node for node in ast.parse(code).body if getattr(node, "name", "") == function]
            exec(compile(ast.Module(wanted, []), "<check>", "exec"), space)
            exec(answer, space)
            exec(cell.source, space)
            assert capsys.readouterr().out.startswith("Not answered yet: write `")
            checks += 1
    assert checks > 2


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_question_is_in_the_notebook_as_on_the_page_and_its_answer_in_no_text(name):
    page = LexborHTMLParser((SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8"))
    cells = {cell.id: cell for cell in made(name).cells if cell.id.startswith("question-")}
    checks = page.css("div.self-check")
    assert [f"question-{check.id}" for check in checks] == list(cells)
    for check, cell in zip(checks, cells.values(), strict=True):
        (shown,) = cell.outputs
        there = LexborHTMLParser(shown.data["text/html"]).css_first("div.self-check")
        for key in ("data-kind", "data-right", "data-answer", "data-tolerance", "data-unit"):
            assert there.attributes.get(key) == check.attributes.get(key)
        for item in ("li.right", "li.wrong"):
            assert len(there.css(item)) == len(check.css(item))
        assert "mjx" not in shown.data["text/html"]
        told = max(re.findall(r"[\w ,]{12,}", there.css_first("li.right").text()), key=len, default="no words")
        assert told not in cell.source
        assert cell.metadata["jupyter"]["source_hidden"]


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_what_looks_like_a_code_cell_is_executed(path):
    # one fence too many makes a listing of the cells that follow
    written = re.findall(r"^```\{code-cell\}", path.read_text(encoding="utf-8"), re.MULTILINE)
    read = [cell for cell in jupytext.read(path, fmt="md:myst").cells if cell.cell_type == "code"]
    assert len(read) == len(written) > 0


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_norm_in_a_table_becomes_an_absolute_value(path):
    # in a table Markdown takes \\| for a single bar, in formulas too; \\lVert and \\rVert are safe
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"\|.*\|\s*$", line)]
    assert not [row for row in rows if "\\|" in row]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("https://github.com/someone/book.git", "someone/book"),
        ("git@github.com:someone/book", "someone/book"),
        ("ssh://git@github.com/someone/book.git", "someone/book"),
        ("someone/the.book", "someone/the.book"),
        ("https://example.org/someone/book", None),
        ("/srv/git/book", None),
        ("", None),
    ],
)
def test_an_address_is_taken_apart(text, slug):
    assert repository.parsed(text) == slug


@pytest.fixture
def unknown(monkeypatch):
    for name in ("BOOK_REPOSITORY", "GITHUB_REPOSITORY", "GITHUB_REF_TYPE", "GITHUB_REF_NAME", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(repository, "_git", lambda *arguments: "")
    return monkeypatch


def test_where_nobody_knows_the_repository_none_is_invented(unknown):
    assert repository.find() is None
    assert "pip install '.[notebook]'" in install_cell(None)
    unknown.setenv("BOOK_REPOSITORY", "https://example.org/a/b")
    with pytest.raises(ValueError, match=r"owner/name .* got 'https://example.org/a/b'"):
        repository.find()


def test_a_release_links_to_itself_and_main_to_main(unknown):
    unknown.setenv("GITHUB_REPOSITORY", "someone/book")
    unknown.setenv("GITHUB_SHA", "0123456789")
    found = repository.find()
    assert found == repository.Repository("someone/book", "main", "0123456789")
    links = {text: address for text, address, _ in downloads.open_links(found, "chapters/ntk")}
    assert links["Open in Colab"].endswith("/github/someone/book/blob/gh-pages/_sources/chapters/ntk.ipynb")
    assert unquote(links["Open in Binder"]).endswith("/someone/book/main?urlpath=lab/tree/lab/ntk.ipynb")
    assert links["The whole book in Codespaces"] == "https://codespaces.new/someone/book/tree/main?quickstart=1"
    asked = parse_qs(urlsplit(links["Report an error"]).query)
    assert asked["page"] == ["chapters/ntk.html"]
    assert asked["version"] == [repository.edition()]
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / asked["template"][0]).read_text(encoding="utf-8"))
    assert {"page", "version"} <= {field.get("id") for field in form["body"]}
    unknown.setenv("GITHUB_REF_TYPE", "tag")
    unknown.setenv("GITHUB_REF_NAME", "v0.1.0")
    links = {text: address for text, address, _ in downloads.open_links(repository.find(), "chapters/ntk")}
    assert "/gh-pages/v0.1.0/_sources/" in links["Open in Colab"]
    assert "/book/v0.1.0?" in links["Open in Binder"]
    assert "/blob/v0.1.0/chapters/ntk.md" in links["Source on GitHub"]
    assert "@v0.1.0" in install_cell(repository.find())


def test_the_fold_of_a_check_leads_to_its_exercise_in_the_notebook(unknown):
    exercise = next(iter(exercises((ROOT / "chapters" / "svm.md").read_text(encoding="utf-8")).values()))

    def links():
        way = way_there("chapters/svm", exercise)
        return {link.astext(): link["refuri"] for link in way.findall(nodes.reference)}

    assert links() == {"download it": "../_sources/chapters/svm.ipynb"}
    unknown.setenv("BOOK_REPOSITORY", "someone/book")
    colab = "https://colab.research.google.com/github/someone/book/blob/gh-pages/_sources/chapters/svm.ipynb"
    assert links()["open it at this exercise in Colab"] == f"{colab}#scrollTo={exercise.place}"
    assert way_there("chapters/svm", exercise).astext().endswith("make lab in the folder of the book and open svm.")


def test_the_pages_of_a_known_repository_have_the_links_and_the_others_have_none(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY", "someone/book")
    monkeypatch.setenv("BOOK_URL", "https://example.org/book")
    book = make_book(tmp_path, {"sound": chapter("sound") + "\nSee {doc}`other`.\n", "other": "# Other\n"})
    status, output = build(book)
    assert status == 0, output
    page = (book / "_build" / "html" / "sound.html").read_text(encoding="utf-8")
    addresses = ["colab.research.google.com/github/someone/book", "mybinder.org/v2/gh/someone/book"]
    for address in (*addresses, "codespaces.new/someone/book", "issues/new?"):
        assert address in page
    assert "_sources/sound.ipynb" in page
    assert "colab" not in (book / "_build" / "html" / "intro.html").read_text(encoding="utf-8"), (
        "there is no code to run"
    )
    made = json.loads((book / "_build" / "html" / "_sources" / "sound.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(cell["source"]) for cell in made["cells"])
    assert "git+https://github.com/someone/book@main" in text
    assert "**Theorem 1** (Two)." in text
    assert "It is 0.25, as Figure 1 shows." in text
    assert "**Figure 1.** A line." in text
    assert "See [Other](https://example.org/book/other.html)." in text


def test_binder_installs_the_ranges_and_not_the_lock():
    script = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    assert '".[notebook,lab]"' in script
    assert "requirements" not in script
    assert re.fullmatch(r"python-3\.\d+\n", (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8"))
    assert not (Path(ROOT) / "binder" / "requirements.txt").exists()
