"""What a build keeps for the next one is small: it is read before anything else is done."""

import re
from pathlib import Path

import pytest
from browser import ROOT
from docutils import nodes
from docutils.utils import new_document
from small_books import build_linked

from extensions.authoring.reference import modules
from extensions.store import alone

KEPT = ROOT / "_build" / ".doctrees" / "environment.pickle"


def test_a_part_of_a_page_that_is_kept_does_not_hold_the_page():
    page = new_document("page")
    page += nodes.section("", nodes.paragraph("", "", nodes.Text("One "), nodes.strong("", "two")), ids=["one"])
    paragraph = page[0][0]
    kept = alone(paragraph)
    assert kept.astext() == "One two"
    assert kept.parent is None
    assert {part.document for part in kept.findall()} == {None}
    assert all(part.document is page for part in paragraph.findall()), "the page itself is as it was"


@pytest.mark.skipif(not KEPT.exists(), reason="there is no site yet: make book")
def test_no_text_of_a_chapter_is_kept_beside_its_page():
    """With it, a third of a build in which nothing has changed was spent on reading what no step asks for."""
    kept, found = KEPT.read_bytes(), []
    for path in sorted((ROOT / "chapters").glob("*.md")):
        prose = re.findall(r"^(?:[A-Z][\w ,.:;()-]{120,})", path.read_text(encoding="utf-8"), re.MULTILINE)
        found += [line for line in prose if line[20:100].encode() in kept]
    assert found == []


CHAPTER = """# Of one thing

This paragraph describes the page.

Nothing but this paragraph says that a whole page is never kept.

## What is true about it

:::{admonition} "Is $x$ one?"
**True.** It is *so*. And more.
:::

```{exercise} Of $y$
:label: ex-one

Find it.
```

```{solution} ex-one
There.
```
"""
OTHER = "# Another\n\n{ref}`ex-one` is there.\n\n```{verdicts}\n```\n"


def test_an_edit_of_prose_reads_one_page_and_writes_what_depends_on_it(tmp_path):
    """The pages that gather from others were read or written by each build, whatever had changed."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    parts = "parts:\n  - numbered: true\n    chapters:\n      - file: one\n      - file: other\n"
    lister = "      - file: appendix/library\n"
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: intro\n{parts}{lister}", encoding="utf-8")
    (tmp_path / "appendix").mkdir()
    listed = "".join(f"{name.removeprefix('ntklib.')}\n" for name in modules(ROOT / "ntklib"))
    library = f"# The library\n\n```{{library-modules}}\n{listed}```\n"
    pages = {"intro": "# A small book\n", "one": CHAPTER, "other": OTHER, "appendix/library": library}
    for name, text in pages.items():
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    site = build_linked(tmp_path)
    doctrees = site.parent / ".doctrees"
    shown = [(site / "other.html").read_text(encoding="utf-8")]
    assert b"Nothing but this paragraph" not in (doctrees / "environment.pickle").read_bytes()
    new = _edited(tmp_path, "one.md", CHAPTER.replace("whole page", "whole chapter"))
    assert new & {"one.doctree", "other.doctree", "library.doctree", "ntklib.mlp.doctree"} == {"one.doctree"}
    # the title page is always written; the others of these have no text of the book
    assert new - {"one.doctree"} <= {"one.html", "intro.html", "index.html", "search.html", "genindex.html", "404.html",
                                     "py-modindex.html"}  # fmt: skip
    assert "one.html" in new
    new = _edited(tmp_path, "other.md", OTHER + "\nMore.\n")
    assert new & {"one.doctree", "other.doctree"} == {"other.doctree"}, "what is kept of a page is enough for another"
    shown.append((site / "other.html").read_text(encoding="utf-8"))
    for page in shown:
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
        assert "True. It is so." in text
        assert "Exercise 1.1 is there." in text


def _edited(folder: Path, name: str, text: str) -> set[str]:
    """The names of the files that a build after this edit writes anew."""
    written = folder / "_build"
    before = {path: path.stat().st_mtime_ns for path in _pages(written)}
    (folder / name).write_text(text, encoding="utf-8")
    for link in ("extensions", "tools", "ntklib", "requirements.txt", "references.bib"):
        (folder / link).unlink()
    build_linked(folder)
    return {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}


def _pages(folder: Path) -> list[Path]:
    return [*folder.rglob("*.html"), *folder.rglob("*.doctree")]
