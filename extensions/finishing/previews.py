"""What does a reader see while pointing at a link inside of the book?

A Sphinx extension. `previews.js` shows what the link leads to: on the same page it copies it; what stands on other
pages is handed to it in a small file for each page, which is loaded when it is needed first. Shown are entries of the
glossary and of the bibliography, definitions and theorems, equations, figures, exercises and claims. The files are
made from the finished pages, as the last of :mod:`extensions.finishing.steps`.
"""

import json
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborNode
from sphinx.application import Sphinx

from extensions.finishing.page import ELSEWHERE, Page, Site, destination
from extensions.typesetting.styles import to_static

SCRIPT = Path(__file__).with_suffix(".js")
FOLDER = "_previews"
SHOWN = {"proof", "exercise", "math", "claim", "citation"}
DROPPED = 'a.headerlink, script, button, p.claim-links, div[class^="claim-links"]'


def _classes(node: LexborNode) -> set[str]:
    return set((node.attributes.get("class") or "").split())


def _following(mark: LexborNode) -> LexborNode | None:
    """The element behind an empty mark, with nothing but the edge of a paragraph between them."""
    node = mark.next
    if node is None and mark.parent is not None and mark.parent.tag == "p":
        node = mark.parent.next
    while node is not None and node.is_text_node and not node.text().strip():
        node = node.next
    if node is not None and node.tag == "p" and not node.attributes:
        return node.css_first("p > *")
    return node if node is not None and node.is_element_node else None


def _bare(node: LexborNode) -> LexborNode:
    """A copy of an element without what only the page itself can use: names, links, buttons."""
    copy = node.clone()
    for dropped in copy.css(DROPPED):
        dropped.decompose()
    for link in copy.css("a"):
        link.unwrap()
    for named in copy.css("[id], [tabindex]"):
        for attribute in {"id", "tabindex"} & set(named.attrs):
            del named.attrs[attribute]
    return copy


def preview(page: Page, identifier: str, viewer: str) -> str | None:
    """What the page `viewer` shows of the element with this id, or None if nothing is."""
    node = page.by_id.get(identifier)
    if node is not None and node.tag == "span" and not node.text().strip():  # a mark before what it names
        node = _following(node)
    if node is None:
        return None
    if node.tag == "dt":
        meaning = node.next
        while meaning is not None and meaning.tag != "dd":
            meaning = meaning.next
        if meaning is None or "sig" in _classes(node):
            return None
        name = (_bare(node).inner_html or "").strip()
        shown = f"<strong>{name}</strong>{_placed(page, meaning, viewer).inner_html}"
    elif node.tag == "figure" or (node.tag in ("div", "details") and SHOWN & _classes(node)):
        copy = _placed(page, node, viewer)
        if node.tag == "details":
            copy.attrs["open"] = None
        shown = copy.html or ""
    else:
        return None
    return None if "ntk-explorer" in shown else re.sub(r"\s*\n\s*", " ", shown)


def _placed(page: Page, node: LexborNode, viewer: str) -> LexborNode:
    """A bare copy of an element with the addresses of its pictures as `viewer` writes them."""
    copy = _bare(node)
    for picture in copy.css("[src]"):
        address = picture.attributes["src"] or ""
        if not ELSEWHERE.match(address):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), address))
            picture.attrs["src"] = posixpath.relpath(path, posixpath.dirname(viewer) or ".")
    return copy


def write(site: Site, names: Iterable[str]) -> None:
    """Write what these pages show of others, where they or the others were written."""
    written, known = set(site.written), set(names)
    wanted: dict[str, dict[str, tuple[str, str]]] = {}
    for name in known:
        links = {address: destination(name, address) for address in site.facts[name].links}
        if name in written or written & {page for page, _ in links.values()}:
            wanted[name] = {address: to for address, to in links.items() if to[0] in known and to[0] != name}
    found: dict[tuple[str, str], str] = {}
    for other in sorted({page for links in wanted.values() for page, _ in links.values()}):
        page, made = Page(site, other), {}
        for name, links in wanted.items():
            for address, (target, identifier) in links.items():
                if target == other:
                    key = identifier, posixpath.dirname(name)
                    if key not in made:
                        made[key] = preview(page, identifier, name)
                    if (shown := made[key]) is not None:
                        found[name, address] = shown
    for name, links in wanted.items():
        shown_here = {address: found[name, address] for address in links if (name, address) in found}
        text = json.dumps(shown_here, ensure_ascii=False, separators=(",", ":"))
        path = site.folder / FOLDER / name.replace(".html", ".js")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"bookPreviews({text})\n", encoding="utf-8")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if doctree is not None and "pathto" in context:
        previews = context["pathto"](f"{FOLDER}/{pagename}.js", 1)
        app.add_js_file(SCRIPT.name, loading_method="defer", **{"data-previews": previews})


def _copy_script(app: Sphinx) -> None:
    to_static(app, SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _copy_script)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
