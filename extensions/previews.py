"""What does a reader see while pointing at a link inside of the book?

A Sphinx extension. `previews.js` shows what the link leads to: on the same page it copies it; what stands on other
pages is handed to it in a small file for each page, which is loaded when it is needed first. Shown are entries of the
glossary and of the bibliography, definitions and theorems, equations, figures, exercises and claims. Packages do
not do: sphinx-tippy takes its scripts from a network, and sphinx-hoverxref asks a server for what it shows.
"""

import html
import json
import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sphinx.application import Sphinx

from extensions.styles import to_static

SCRIPT = Path(__file__).with_suffix(".js")
FOLDER = "_previews"
ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
LINK = re.compile(r'<a\b[^>]*?\bhref="([^"#:]+\.html)#([^"]+)"')
SHOWN = {"proof", "exercise", "math", "claim", "citation"}
DROPPED = re.compile(r'<a class="headerlink".*?</a>|<script\b.*?</script>|<button\b.*?</button>', re.DOTALL)


def element(page: str, start: int) -> str:
    """The element whose opening tag begins at `start`, up to the tag that closes it.

    >>> element('<p><b>a<b>c</b></b>d</p>', 3)
    '<b>a<b>c</b></b>'
    """
    name = re.compile(r"<(\w+)").match(page, start)
    if name is None:
        return ""
    depth = 0
    for tag in re.compile(rf"<(/?){name[1]}\b[^>]*>").finditer(page, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return page[start : tag.end()]
    return ""


def preview(page: str, identifier: str) -> str | None:
    """What is shown of the element with this id, or None if nothing is.

    >>> preview('<dl><dt id="term-a">a</dt><dd><p>The <a href="b.html">first</a>.</p></dd></dl>', "term-a")
    '<strong>a</strong><p>The <span>first</span>.</p>'
    """
    at = page.rfind("<", 0, max(page.find(f' id="{html.escape(identifier)}"'), 0))
    place = re.compile(r"<(\w+)\b").match(page, max(at, 0))
    if at < 0 or place is None:
        return None
    tag = place[1]
    if tag == "span" and not re.sub(r"<[^>]+>", "", element(page, at)).strip():  # a mark before what it names
        following = re.compile(r"\s*(?:</?p>\s*)?<(\w+)").match(page, at + len(element(page, at)))
        if following is None:
            return None
        tag, at = following[1], page.index("<" + following[1], at + len(element(page, at)))
    classes = re.search(r'\bclass="([^"]*)"', page[at : page.index(">", at)])
    if tag == "dt":
        meaning = page.find("<dd", at)
        name = re.sub(r"^<dt[^>]*>|</dt>$", "", DROPPED.sub("", element(page, at)).strip())
        if meaning < 0 or "sig" in (classes[1] if classes else ""):
            return None
        shown = f"<strong>{name.strip()}</strong>" + re.sub(r"^<dd[^>]*>|</dd>$", "", element(page, meaning))
    elif tag == "figure" or (tag == "div" and classes and SHOWN & set(classes[1].split())):
        shown = element(page, at)
    else:
        return None
    if "ntk-explorer" in shown:
        return None
    shown = re.sub(r' (?:id|tabindex)="[^"]*"', "", DROPPED.sub("", shown))
    shown = re.sub(r'<p class="claim-links">.*?</p>|<div class="claim-links[^>]*>.*?</div>', "", shown, flags=re.DOTALL)
    shown = re.sub(r"<a\b[^>]*>", "<span>", shown).replace("</a>", "</span>")
    return re.sub(r"\s*\n\s*", " ", shown)


def moved(shown: str, source: str, target: str) -> str:
    """A piece of one page with the addresses of its pictures as another page writes them.

    >>> moved('<img src="../_images/a.svg">', "chapters/a.html", "index.html")
    '<img src="_images/a.svg">'
    """

    def address(match: re.Match[str]) -> str:
        if re.match(r"[a-z]+:|/", match[1]):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        return f'src="{posixpath.relpath(path, posixpath.dirname(target) or ".")}"'

    return re.sub(r'src="([^"]*)"', address, shown)


def of_page(pages: dict[str, str], name: str) -> dict[str, str]:
    """The previews that a page needs of others, by the address in the link."""
    found = {}
    article = ARTICLE.search(pages[name])
    for path, identifier in LINK.findall(article[0] if article else ""):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if target != name and target in pages and f"{path}#{identifier}" not in found:
            shown = preview(pages[target], unquote(identifier))
            if shown is not None:
                found[f"{path}#{identifier}"] = moved(shown, target, name)
    return found


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    names = [f"{docname}.html" for docname in app.env.all_docs if (out / f"{docname}.html").exists()]
    pages = {name: (out / name).read_text(encoding="utf-8") for name in names}
    for name in pages:
        target = out / FOLDER / name.replace(".html", ".js")
        target.parent.mkdir(parents=True, exist_ok=True)
        shown = json.dumps(of_page(pages, name), ensure_ascii=False, separators=(",", ":"))
        target.write_text(f"bookPreviews({shown})\n", encoding="utf-8")
    to_static(app, SCRIPT)


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if doctree is not None and "pathto" in context:
        previews = context["pathto"](f"{FOLDER}/{pagename}.js", 1)
        app.add_js_file(SCRIPT.name, loading_method="defer", **{"data-previews": previews})


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("html-page-context", _add_script)
    app.connect("build-finished", _write, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
