"""What a build keeps for the next one is small: it is read before anything else is done."""

import re

import pytest
from browser import ROOT
from docutils import nodes
from docutils.utils import new_document
from small_books import build_linked

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


def test_what_is_kept_of_a_page_is_enough_to_write_another(tmp_path):
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    toc = "format: jb-book\nroot: intro\nchapters:\n  - file: one\n  - file: other\n"
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    for name, text in {"intro": "# A small book\n", "one": CHAPTER, "other": OTHER}.items():
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    shown = [(build_linked(tmp_path) / "other.html").read_text(encoding="utf-8")]
    kept = (tmp_path / "_build" / ".doctrees" / "environment.pickle").read_bytes()
    assert b"Nothing but this paragraph" not in kept
    (tmp_path / "other.md").write_text(OTHER + "\nMore.\n", encoding="utf-8")
    for name in ("extensions", "tools", "ntklib", "requirements.txt", "references.bib"):
        (tmp_path / name).unlink()
    shown.append((build_linked(tmp_path) / "other.html").read_text(encoding="utf-8"))
    for page in shown:
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
        assert "True. It is so." in text
        assert "Exercise 1 is there." in text
