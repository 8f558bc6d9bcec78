"""What do search engines, previews of links, and a reader with a wrong address get?

A Sphinx extension. Each page gets a description (a chapter's card, else its first paragraph) and the tags that make a
preview where its link is posted; the preview's picture and the icon are drawn by two cells of the title page, tagged
`book-preview` and `book-icon`. Addresses that have to be absolute, and `sitemap.xml`, are written only where the
site's address is known: the environment variable `BOOK_URL`. `404.html` is one file that works at any depth.
"""

import html
import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

from extensions.store import changed, findings, in_order

LONGEST = 200
PREVIEW, ICON = "preview.png", "icon.svg"
DRAWN = {"book-preview": PREVIEW, "book-icon": ICON}  # by the tag of the cell
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={page}">
{head}
</head>
<body><p>The book begins at <a href="{page}">{page}</a>.</p></body>
</html>
"""
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


def site_address() -> str | None:
    """Where the site is to be found, with a slash at the end; None if nobody said so."""
    address = os.environ.get("BOOK_URL", "").strip()
    if not address:
        return None
    if not re.fullmatch(r"https?://[^\s\"<>]+", address):
        raise ValueError(f"BOOK_URL must be an address such as https://example.org/book/, got {address!r}")
    return address.rstrip("/") + "/"


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut after a sentence or, with an ellipsis, after a word.

    >>> shortened("One. Two three. Four", 16), shortened("One two three", 9)
    ('One. Two three.', 'One two …')
    """
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= longest:
        return line
    sentences = [match.end() for match in re.finditer(r"[.!?](?= )", line[: longest + 1])]
    if sentences and sentences[-1] > longest // 2:
        return line[: sentences[-1]]
    return line[: line.rindex(" ", 0, longest - 1)].rstrip(",;:") + " …"


def first_paragraph(doctree: nodes.document) -> str:
    """The first paragraph of running text that has no formula, or nothing."""
    for paragraph in doctree.findall(nodes.paragraph):
        parent: nodes.Node | None = paragraph.parent
        if not isinstance(parent, nodes.section) or any(True for _ in paragraph.findall(nodes.math)):
            continue
        if text := paragraph.astext().strip():
            return text
    return ""


def _describe(app: Sphinx, doctree: nodes.document) -> None:
    """Remember what a page is about."""
    docname = app.env.docname
    card = findings(app.env, "cards").get(docname)
    text = card["about"] if card else first_paragraph(doctree)
    findings(app.env, "descriptions")[docname] = shortened(text)


class Pictures(SphinxTransform):
    """Takes the cells that draw the preview and the icon out of the page, and keeps what they drew."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Find the cells by their tags."""
        drawn: dict[str, bytes] = {}
        for cell in list(self.document.findall(nodes.container)):
            for tag, name in DRAWN.items():
                if f"tag_{tag}" in cell["classes"]:
                    for image in cell.findall(nodes.image):
                        path = Path(self.env.app.outdir).parent / "jupyter_execute" / Path(image["uri"]).name
                        if path.suffix == Path(name).suffix and path.exists():
                            drawn[name] = path.read_bytes()
                    cell.parent.remove(cell)
        if drawn:
            findings(self.env, "drawn")[self.env.docname] = drawn


def _pictures(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Put the pictures into the site; every page has to be written again when there are others, or another address."""
    if app.builder.format != "html":
        return []
    drawn = {name: content for page in findings(env, "drawn").values() for name, content in page.items()}
    for name, content in drawn.items():
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        (Path(app.outdir) / "_static" / name).write_bytes(content)
    return sorted(env.all_docs) if changed(env, "shared", [sorted(drawn), site_address()]) else []


def tags(title: str, description: str, book: str, page: str, picture: bool, address: str | None) -> str:
    """What the head of a page says about it."""
    facts = [("name", "description", description)] if description else []
    facts += [("property", "og:type", "article"), ("property", "og:site_name", book), ("property", "og:title", title)]
    if description:
        facts += [("property", "og:description", description)]
    facts += [("name", "twitter:card", "summary_large_image" if picture and address else "summary")]
    if address:
        facts += [("property", "og:url", address + page)]
        if picture:
            facts += [
                ("property", "og:image", f"{address}_static/{PREVIEW}"),
                ("property", "og:image:width", "1200"),
                ("property", "og:image:height", "630"),
                ("property", "og:image:alt", "Networks of growing width, and the kernel that they fall onto"),
            ]
    lines = [f'<meta {kind}="{name}" content="{html.escape(value)}" />' for kind, name, value in facts]
    if address:
        lines.append(f'<link rel="canonical" href="{html.escape(address + page)}" />')
    return "\n".join(lines)


def _head(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    drawn = {name for page in findings(app.env, "drawn").values() for name in page}
    if ICON in drawn:
        icon = context["favicon_url"] = context["pathto"](f"_static/{ICON}", 1)
        logo = {"text": context.get("docstitle", ""), **(context.get("theme_logo") or {})}
        context["theme_logo"] = {**logo, "image_relative": {"light": icon, "dark": icon}}
    if pagename in app.env.all_docs:
        title = re.sub(r"<[^>]+>", "", html.unescape(str(context.get("title", ""))))
        description = findings(app.env, "descriptions").get(pagename, "")
        book = app.config.html_title or app.config.project
        page = app.builder.get_target_uri(pagename)
        context["metatags"] = (
            context.get("metatags", "") + tags(title, description, book, page, PREVIEW in drawn, site_address()) + "\n"
        )


def sitemap(address: str, pages: list[str]) -> str:
    """The pages of the site, for search engines."""
    lines = "".join(f"  <url><loc>{html.escape(address + page)}</loc></url>\n" for page in pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</urlset>\n'
    )


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


def front_page(page: str, name: str) -> str:
    """What stands at the top of the site: a way to the title page, with the same title and tags."""
    head = re.findall(r"<title>.*?</title>|<meta (?:name|property)=\"(?:description|og:|twitter:)[^>]*>", page)
    head += re.findall(r'<link rel="(?:canonical|icon)"[^>]*>', page)
    return REDIRECT.format(page=name, head="\n".join(head))


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    out, env, address = Path(app.outdir), app.env, site_address()
    book = app.config.html_title or app.config.project
    names = in_order(env, env.all_docs)
    pages = [(env.titles[name].astext(), f"{name}.html") for name in names if name in env.titles]
    (out / "404.html").write_text(not_found(book, pages, address), encoding="utf-8")
    if address:
        (out / "sitemap.xml").write_text(sitemap(address, [page for _, page in pages]), encoding="utf-8")
    else:
        (out / "sitemap.xml").unlink(missing_ok=True)
    root = out / f"{app.config.root_doc}.html"
    page = root.read_text(encoding="utf-8")  # its title would be the name of the book twice
    root.write_text(re.sub(r"<title>.*?</title>", f"<title>{html.escape(book)}</title>", page), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.connect("doctree-read", _describe)
    app.connect("env-updated", _pictures)
    app.add_transform(Pictures)
    app.connect("html-page-context", _head, priority=900)  # after the theme has set its logo
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
