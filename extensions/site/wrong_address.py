"""What does a reader with a wrong address get? A page that leads back, from any depth and wherever the site is put.

A Sphinx extension. sphinx-notfound-page does not do: its page asks for style sheets, scripts and links by addresses
that begin at the top of one server, as `/en/latest/`. This book is read in a folder of any name, in a release's own
below it, and from files, and whoever builds it need not say where it will stand.
"""

import html
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from extensions.site.sharing import site_address

FIND_TOP = """
(async () => {
  if (!location.protocol.startsWith("http")) return;
  for (let top = location.pathname; top; ) {
    top = top.replace(/[^/]*\\/?$/, "");
    const answer = top && (await fetch(top + "objects.inv", { method: "HEAD" }).catch(() => null));
    if (answer && answer.ok) {
      document.querySelectorAll("a").forEach((a) => { a.href = top + a.getAttribute("href"); });
      return;
    }
  }
})();
"""


def not_found(book: str, pages: list[tuple[str, str]], address: str | None) -> str:
    """The page for a wrong address: alone in its file, as it may be shown at any depth.

    Where the site's address is known, its links are absolute. Otherwise they are relative, and a script looks for the
    top of the site: the deepest folder of the address that has the book's `objects.inv`.
    """
    base = address or ""
    links = "\n".join(
        f'<li><a href="{html.escape(base + page)}">{html.escape(title)}</a></li>' for title, page in pages
    )
    script = "" if address else f"<script>{FIND_TOP}</script>"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Not found – {html.escape(book)}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1rem; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #121212; color: #ddd; }} a {{ color: #8ab8f5; }} }}
</style>
</head>
<body>
<main>
<h1>There is no such page</h1>
<p>It may have moved, or the address has a slip in it. This is what the book has:</p>
<ul>
{links}
</ul>
</main>
{script}
</body>
</html>
"""


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    env = app.env
    names = [env.config.root_doc, *env.toctree_includes.get(env.config.root_doc, [])]  # not what lies below these
    pages = [(env.titles[name].astext(), f"{name}.html") for name in names if name in env.titles]
    book = app.config.html_title or app.config.project
    (Path(app.outdir) / "404.html").write_text(not_found(book, pages, site_address()), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
