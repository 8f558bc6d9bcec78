"""What a build keeps for the next one is small: it is read before anything else is done."""

import re

import pytest
from browser import ROOT
from docutils import nodes
from docutils.utils import new_document

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
    assert len(found) < 10, found  # the first sentence of a verdict is shown on another page
