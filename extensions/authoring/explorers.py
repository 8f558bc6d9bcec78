"""What does a page need for its explorers to move, and what must not come along?

A Sphinx extension. A page with an explorer, and no other, gets the explorers' script. Of the representations of a
widget a page takes the HTML; the state of the widgets and the scripts that would bring them to life, which come from
content-delivery networks, are left out. A widget that has no HTML, so that readers without Python would find a dead
or missing figure, is a warning.
"""

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from extensions.typesetting.styles import to_static

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).parents[2] / "ntklib" / "book" / "explorer.js"
MARK = '<div class="ntk-explorer">'
WIDGET = "application/vnd.jupyter.widget-view+json"


def has_explorer(tree: nodes.Node) -> bool:
    """Whether there is an explorer in a page or a part of it."""
    return any(MARK in raw.astext() for raw in tree.findall(nodes.raw) if raw.get("format") == "html")


def _prefer_html(app: Sphinx, config: Config) -> None:
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, ("html", "text/html", 0)]
    config.nb_ipywidgets_js = {}


def _check_outputs(app: Sphinx, doctree: nodes.document) -> None:
    """Give the still picture of each explorer its alternative text, and find the widgets that have no HTML."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        types = [child.get("mime_type") for child in bundle.children if isinstance(child, nodes.Element)]
        if WIDGET in types and "text/html" not in types:
            message = "this widget needs Python, which readers of the page do not have: show an Explorer instead"
            logger.warning(message, location=bundle, type="book", subtype="explorer")
        if has_explorer(bundle):
            source = next(raw.astext() for raw in bundle.findall(nodes.raw) if MARK in raw.astext())
            text = re.search(r' alt="([^"]*)"', source)
            for image in bundle.findall(nodes.image):
                image["alt"] = html.unescape(text[1]) if text else ""


def _drop_widget_state(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    known = getattr(app.env, "nb_metadata", {})
    scripts = known[pagename].get("js_files", {}) if pagename in known else {}
    for key in [key for key in scripts if key.startswith("ipywidgets")]:
        del scripts[key]


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if doctree is not None and has_explorer(doctree):
        app.add_js_file("explorer.js", loading_method="defer")


def _copy_script(app: Sphinx) -> None:
    to_static(app, SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", _prefer_html)
    app.connect("builder-inited", _copy_script)
    app.connect("doctree-read", _check_outputs, priority=400)  # before anyone asks for alternative texts
    app.connect("html-page-context", _drop_widget_state, priority=400)  # before MyST-NB adds them to the page
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
