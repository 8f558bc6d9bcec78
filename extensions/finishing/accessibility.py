"""What does the theme do that a screen reader stumbles over? Mended in the pages when they have been written.

A Sphinx extension. `tests/extensions/test_site.py` holds every page to the rules of axe-core, and fails when a new release of
the theme writes something else than what is replaced here.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

#: Each fault as (what the theme writes, what is written instead).
MENDED = [
    # the label of a folded cell and of the search button is not what stands on it
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'(<button class="[^"]*search-button__button[^"]*"[^>]*?) aria-label="Search"'), r"\1"),
    # icons are pictures, not text
    (re.compile(r'(<i class="theme-switch [^>]*?) +title="[^"]*"'), r"\1"),
    # a role that its standard has withdrawn, and a list of what are not list items
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    # every proof of a page had the same id
    (re.compile(r'<div class="proof admonition" id="proof">'), '<div class="proof admonition">'),
    # the sidebar's title stood outside of every landmark
    (
        re.compile(r'<div id="pst-primary-sidebar" class="bd-sidebar-primary bd-sidebar">'),
        '<div id="pst-primary-sidebar" class="bd-sidebar-primary bd-sidebar" role="complementary" aria-label="Book">',
    ),
]


def mend(page: str) -> str:
    """A page without the theme's faults; a mended page stays as it is."""
    for fault, instead in MENDED:
        page = fault.sub(instead, page)
    return page


def _mend_all(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            page = path.read_text(encoding="utf-8")
            if (mended := mend(page)) != page:
                path.write_text(mended, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", _mend_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
