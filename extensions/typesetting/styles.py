"""What does the book change in the look of the theme? The style sheets of `extensions/`, on every page.

A Sphinx extension: a sheet stands beside the extension that it belongs to, those of the whole page beside this file.
All are copied into the site and linked. A page has the reader's scheme, light or dark, from its first paint on.
Sphinx's `html_static_path` would do for the sheets, but Jupyter Book then adds every script in such a folder to every
page.
"""

import hashlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from ntklib.book.practice.selfcheck import SHEET as SELF_CHECKS

SHEETS = sorted([*Path(__file__).parents[1].rglob("*.css"), SELF_CHECKS], key=lambda path: path.name)

# The theme asks for the reader's scheme in a script that comes late: until then a page would be light, with two logos.
SCHEME = (
    'if (document.documentElement.dataset.theme === "auto") document.documentElement.dataset.theme = '
    'matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";'
)


def to_static(app: Sphinx, *files: Path) -> None:
    """Copy files into the site's `_static`, where pages can ask for them."""
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static"
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            (target / file.name).write_bytes(file.read_bytes())


def _copy(app: Sphinx) -> None:
    to_static(app, *SHEETS)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    for sheet in SHEETS:
        app.add_css_file(sheet.name)
    app.add_js_file(None, body=SCHEME)
    digest = hashlib.sha256(b"".join(sheet.read_bytes() for sheet in SHEETS) + SCHEME.encode()).hexdigest()
    app.add_config_value("book_styles", digest, "html", str)  # all pages are written anew when a style sheet changes
    app.connect("builder-inited", _copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
