"""What does a page need for the observations of an explorer to be dragged? One script, where there is such an explorer.

A Sphinx extension. `ntklib.book.dragging.Draggable` leaves its matrices in the page, beside what every explorer leaves
there; ``dragging.js`` takes over the explorer when a reader comes near.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from extensions.typesetting.styles import to_static
from ntklib.book.dragging import MARK

SCRIPT = Path(__file__).with_suffix(".js")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if doctree is not None and any(MARK in raw.astext() for raw in doctree.findall(nodes.raw)):
        app.add_js_file(SCRIPT.name, loading_method="defer")


def _copy_script(app: Sphinx) -> None:
    to_static(app, SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _copy_script)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
