"""Does every figure have a picture, a name, a caption and an alternative text? And does it follow the theme?

A Sphinx extension that warns about those that lack one; in a strict build a warning fails the build. A picture that a
cell shows needs ``mystnb: figure: {name, caption}`` and ``mystnb: image: {alt}`` in the head of the cell, a picture in
the text needs the `figure` directive with ``:name:`` and ``:alt:``. Pictures are drawn on a transparent ground; in the
dark theme `figures.css` turns them light on dark. A picture is fetched when it is about to be seen: drawings that are
read while the page is, hold up its first paint.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _enclosing_figure(node: nodes.Node) -> nodes.figure | None:
    while node is not None:
        if isinstance(node, nodes.figure):
            return node
        node = node.parent
    return None


def missing_parts(image: nodes.image) -> list[str]:
    """What an image of the book lacks: `a name`, `a caption`, `an alternative text`."""
    figure = _enclosing_figure(image)
    missing = []
    if figure is None or not figure["names"]:
        missing.append("a name")
    if figure is None or not any(isinstance(child, nodes.caption) for child in figure.children):
        missing.append("a caption")
    if not image.get("alt", "").strip():
        missing.append("an alternative text")
    return missing


def _check(app: Sphinx, doctree: nodes.document) -> None:
    for image in doctree.findall(nodes.image):
        image["classes"].append("dark-light")  # the theme puts no white ground behind it; figures.css turns it dark
        image["loading"] = "lazy"
        missing = missing_parts(image)
        if missing:
            logger.warning("this figure lacks %s", ", ".join(missing), location=image, type="book", subtype="figure")
    for figure in doctree.findall(nodes.figure):
        if not any(True for _ in figure.findall(nodes.image)):
            logger.warning("this figure shows no picture", location=figure, type="book", subtype="figure")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
