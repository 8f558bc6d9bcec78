"""Each chapter can be taken along as a notebook that says the same and runs anywhere, and opened where readers are."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jupytext
import nbformat
import pytest
import yaml
from browser import ROOT
from test_build import build, chapter, make_book

from extensions.site import downloads
from tools import repository

SITE = ROOT / "_build" / "html"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))
MADE = SITE / "_sources" / "chapters"
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("appendix/*.md"), *ROOT.glob("chapters/*.md")]
EXECUTED = sorted(path for path in PAGES if "\njupytext:\n" in path.read_text(encoding="utf-8").partition("\n---\n")[0])


@pytest.mark.skipif(not MADE.exists(), reason="there is no site yet: make book")
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_there_as_a_clean_notebook(name):
    made = nbformat.read(MADE / f"{name}.ipynb", as_version=4)
    nbformat.validate(made)
    source = jupytext.read(ROOT / "chapters" / f"{name}.md", fmt="md:myst")
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert "ntklib" in code[0]
    assert "find_spec" in code[0]
    assert code[1:] == [cell.source.rstrip() for cell in source.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in made.cells if cell.cell_type == "code")
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    outside = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", "", text, flags=re.DOTALL)
    assert not re.search(r"\{[a-z:]+\}|:::|\?\?\?", outside), "MyST is left in the text"
    assert not re.search(r"\\[REN](?![A-Za-z])", text), "a macro of the book is left in a formula"
    headings = re.findall(r"^## (.+)$", (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(re.findall(r"^## .+$", text, re.MULTILINE)) == len(headings)
    assert not re.search(r"^#+\s*$|^\*\*\s", text, re.MULTILINE), "a heading is empty"
    assert re.search(r"\*\*Exercise \d+\.\d+\*\* \(", text)
    assert re.search(r"\*\*Theorem \d+\.\d+\*\* \(", text)
    assert (MADE / f"{name}.md").read_text(encoding="utf-8") == (ROOT / "chapters" / f"{name}.md").read_text(
        encoding="utf-8"
    )


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
    assert "pip install '.[notebook]'" in downloads.install_cell(None)
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
    assert unquote(links["Open in Binder"]).endswith("/someone/book/main?urlpath=lab/tree/chapters/ntk.md")
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
    assert "@v0.1.0" in downloads.install_cell(repository.find())


def test_the_pages_of_a_known_repository_have_the_links_and_the_others_have_none(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY", "someone/book")
    book = make_book(tmp_path, {"sound": chapter("sound")})
    status, output = build(book)
    assert status == 0, output
    page = (book / "_build" / "html" / "sound.html").read_text(encoding="utf-8")
    for address in ("colab.research.google.com/github/someone/book", "mybinder.org/v2/gh/someone/book", "issues/new?"):
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


def test_binder_installs_the_ranges_and_not_the_lock():
    script = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    assert '".[notebook,lab]"' in script
    assert "requirements" not in script
    assert re.fullmatch(r"python-3\.\d+\n", (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8"))
    assert not (Path(ROOT) / "binder" / "requirements.txt").exists()
