"""What is a page called in the window and among the hits of a search engine?

A step of :mod:`extensions.finishing.steps`.
"""

import html

from extensions.finishing.page import Page


def of_the_book(page: Page) -> None:
    """The title page is called what the book is called: with the page's own title, its name would be there twice."""
    title = page.tree.css_first("head > title")
    if title is not None and page.name == page.site.front:
        title.inner_html = html.escape(page.site.title)
