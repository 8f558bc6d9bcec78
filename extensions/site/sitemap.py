"""Which pages do search engines hear of? All, where the site's address is known.

A Sphinx extension. sphinx-sitemap does not do: it names the pages that a build has written, which after the first one
are those that changed, in no order, and warns, which fails a strict build, where the address is not known.
"""

import html
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from extensions.site.sharing import site_address
from extensions.store import in_order


def sitemap(address: str, pages: list[str]) -> str:
    """The pages of the site, for search engines."""
    lines = "".join(f"  <url><loc>{html.escape(address + page)}</loc></url>\n" for page in pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</urlset>\n'
    )


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    target, address = Path(app.outdir) / "sitemap.xml", site_address()
    if address:
        pages = [f"{name}.html" for name in in_order(app.env, app.env.all_docs)]
        target.write_text(sitemap(address, pages), encoding="utf-8")
    else:
        target.unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
