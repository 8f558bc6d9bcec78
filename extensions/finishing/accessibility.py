"""What does the theme do that a screen reader stumbles over?

Steps of :mod:`extensions.finishing.steps`. `tests/extensions/test_site.py` holds every page to the rules of axe-core,
and fails when a new release of the theme writes something else than what is mended here.
"""

from extensions.finishing.page import Page


def own_labels(page: Page) -> None:
    """A folded cell and the search button are called what stands on them."""
    for node in page.tree.css('summary[aria-label="Toggle hidden content"], button.search-button__button[aria-label]'):
        del node.attrs["aria-label"]


def named_folds(page: Page) -> None:
    """The button that unfolds the pages below another says so."""
    for node in page.tree.css("li > details > summary:has(> .toctree-toggle)"):
        link = node.parent.parent.css_first("a") if node.parent is not None and node.parent.parent is not None else None
        if link is not None:
            node.attrs["aria-label"] = f"Pages below {link.text()}"


def silent_icons(page: Page) -> None:
    """An icon of the theme's switch is a picture, and its title no text."""
    for node in page.tree.css("i.theme-switch[title]"):
        del node.attrs["title"]


def plain_bibliography(page: Page) -> None:
    """The bibliography has neither a role that its standard has withdrawn nor that of a list of what are no items."""
    for node in page.tree.css('[role="doc-biblioentry"], div.citation-list[role="list"]'):
        del node.attrs["role"]


def different_ids(page: Page) -> None:
    """The proofs of a page do not all have the same id."""
    for node in page.tree.css("div.proof.admonition#proof"):
        del node.attrs["id"]


def landmarks(page: Page) -> None:
    """The sidebar, and with it the book's title, is a landmark."""
    for node in page.tree.css("div#pst-primary-sidebar"):
        node.attrs["role"] = "complementary"
        node.attrs["aria-label"] = "Book"
