"""Where is what stood here once? An address that the book has given away leads to where its subject is now.

A Sphinx extension. `moved.yml` says for a page which of its anchors went, and where to: to another anchor of the page,
or, where a chapter was split, to another page. The page gets a small script that leads on. No server is asked, as the
book is also read from files; without scripts such an address shows the top of the page. The addresses that were given
away are kept in `tests/extensions/addresses.txt`.
"""

import json
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from extensions.store import changed

logger = logging.getLogger(__name__)

FILE = Path(__file__).with_suffix(".yml")
LEAD_ON = """
(() => {
  const moved = %s;
  const lead = () => {
    let to = null;
    try { to = moved[decodeURIComponent(location.hash.slice(1))]; } catch { /* a damaged address leads nowhere */ }
    if (to) location.replace(new URL(to, location.href));
  };
  addEventListener("hashchange", lead);
  lead();
})();
"""


def moved(file: Path = FILE) -> dict[str, dict[str, str]]:
    """By page and anchor: the page and the anchor where its subject is now, as ``page#anchor`` without an ending.

    Raises:
        ValueError: for what is not a page with anchors and their new addresses.
    """
    read = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    found: dict[str, dict[str, str]] = {}
    for page, anchors in read.items():
        if not isinstance(anchors, dict):
            raise ValueError(f"{file.name}: {page} wants its anchors, each with where it is now, got {anchors!r}")
        for old, new in anchors.items():
            target, mark, anchor = str(new).partition("#")
            if not (mark and anchor):
                raise ValueError(f"{file.name}: {page}#{old} wants an address with an anchor, got {new!r}")
            found.setdefault(page, {})[old] = f"{target or page}#{anchor}"
    return found


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    """Both ends are pages of the book, or a reader would be led nowhere."""
    for page, anchors in app.config.book_moved.items():
        for name in {page, *(new.partition("#")[0] for new in anchors.values())} - set(env.all_docs):
            if page in env.all_docs:
                message = "moved.yml leads from %s to %s, which is not in the book"
                logger.warning(message, page, name, type="book", subtype="moved")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if anchors := app.config.book_moved.get(pagename):
        there = {}
        for old, new in anchors.items():
            page, _, anchor = new.partition("#")
            there[old] = f"{app.builder.get_relative_uri(pagename, page)}#{anchor}"
        app.add_js_file(None, body=LEAD_ON % json.dumps(there, ensure_ascii=False))


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages whose anchors have moved since they were written."""
    pages = {*app.config.book_moved} & set(env.all_docs)
    return sorted(pages) if changed(env, "moved", app.config.book_moved) else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_config_value("book_moved", moved(), "", dict)
    app.connect("env-updated", _pages_to_write)
    app.connect("env-check-consistency", _check)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
