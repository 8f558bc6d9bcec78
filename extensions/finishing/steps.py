"""What is done to a finished page, and in which order?

A Sphinx extension. When Sphinx has written its pages, each that is new goes once through the steps below: it is parsed
(:mod:`extensions.finishing.page`), each step changes the tree, and the page is written back. Pages that an earlier
build finished are left alone; if one of the files here changes, all are written and finished anew.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from extensions.finishing import (
    accessibility,
    folds,
    heights,
    icons,
    listings,
    pictures,
    previews,
    rules,
    scripts,
    search,
    titles,
)
from extensions.finishing.page import Page, Site

#: A step changes a page in place, and finds one that has been through it as it should be.
STEPS: tuple[Callable[[Page], None], ...] = (
    # what goes, goes first: nothing after it has to look at it
    scripts.no_icon_script,
    scripts.no_thebe,
    search.of_the_book,
    listings.quiet_signs,
    # these change each other elements, and could stand in any order
    titles.of_the_book,
    scripts.deferred,
    accessibility.own_labels,
    folds.quiet_code,
    accessibility.named_folds,
    accessibility.silent_icons,
    accessibility.plain_bibliography,
    accessibility.different_ids,
    accessibility.landmarks,
    pictures.sized,
    heights.reserved,
    # the sheet holds the rules for what the pages have: no step after it may give an element a class
    rules.one_sheet,
)

#: Files that the theme brings and that no page asks for once it has been through the steps.
UNUSED = (
    "_static/scripts/fontawesome.js*",
    "_static/scripts/*.map",
    "_static/styles/*.map",
    "_static/sphinx-thebe.*",
    "_static/play-solid.svg",
)


def key() -> str:
    """Changes with everything that decides what is done to a page."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), search.SYNONYMS]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def finish(site: Site, names: list[str]) -> None:
    """Finish the pages and files of a site that are new; `names` are the pages of the book, which have previews."""
    for pattern in UNUSED:
        for path in site.folder.glob(pattern):
            path.unlink()
    pictures.lighten_drawings(site)
    icons.lighten_fonts(site)  # before the sheets that name these fonts become one
    for name in site.written:
        page = Page(site, name)
        site.facts[name].passages = search.passages(page)
        for step in STEPS:
            step(page)
        page.write()
        site.facts[name].sheets = page.sheets()
    rules.forget_unused(site)
    search.write(site, names)
    previews.write(site, names)  # they show pieces of finished pages
    site.remember()


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        memory = Path(app.doctreedir) / "finished.json"
        book = {"front": f"{app.config.root_doc}.html", "title": app.config.html_title or app.config.project}
        site = Site(Path(app.outdir), memory, key(), **book)
        finish(site, [name for name in site.pages if name.removesuffix(".html") in app.env.all_docs])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.finishing.previews")
    app.setup_extension("extensions.finishing.search")
    app.add_config_value("book_finishing", key(), "html", str)  # pages finished otherwise are written anew
    app.connect("build-finished", _finish, priority=900)  # when everything that others add to the site is there
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
