"""Who wants to hear of a new release, and what it changes? A feed of them (Atom, RFC 4287), where the address is known.

A Sphinx extension. An entry is a release, with what its section on the page of changes says; what is not released yet
has no day and no entry. The feed stands at the top of the site, beside the newest state: a release that is read in its
own folder, which stays as it is, links to that one and has none of its own.
"""

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

from selectolax.lexbor import LexborHTMLParser
from sphinx.application import Sphinx

from extensions.site.releases import CHANGES, Release, known, top
from extensions.site.sharing import site_address

FILE = "changes.atom"
ATOM = "http://www.w3.org/2005/Atom"
KIND = "application/atom+xml"
UNREAD = "a.headerlink, script, style, h2"


def sections(page: str, address: str) -> dict[str, str]:
    """What a built page of changes says of each release, by its heading; links are absolute.

    Args:
        page: the page, as HTML.
        address: of that page.
    """
    found = {}
    for section in LexborHTMLParser(page).css("article section:has(> h2)"):
        [title] = [heading.text(deep=False).strip() for heading in section.css("h2")]  # without the link to itself
        for node in section.css(UNREAD):
            node.decompose()
        for node in section.css(
            "[data-mathml]"
        ):  # as drawn it needs the sheets of the site; MathML any reader understands
            node.inner_html = node.attributes["data-mathml"] or ""
            for name in ("role", "aria-roledescription", "aria-label", "data-mathml", "style"):
                del node.attrs[name]
        for node in section.css("[href], [src]"):
            for name in ("href", "src"):
                if place := node.attributes.get(name):
                    node.attrs[name] = urljoin(address, place)
        inner = re.sub(r"^<section[^>]*>|</section>$", "", section.html or "")
        found[title] = inner.strip()
    return found


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element


def feed(title: str, author: str, address: str, entries: list[tuple[Release, str]]) -> str:
    """The feed of a site at this address, an entry for each release with what it says, as HTML; newest first.

    Raises:
        ValueError: if there is no release: a feed has to say when it last changed.
    """
    if not entries:
        raise ValueError("a feed needs a release: its last change is that of the newest")
    ElementTree.register_namespace("", ATOM)
    root = ElementTree.Element(f"{{{ATOM}}}feed", {"xml:lang": "en"})
    _add(root, "id", address)
    _add(root, "title", f"{title}: releases")
    _add(root, "updated", f"{max(release.date for release, _ in entries)}T00:00:00Z")
    _add(_add(root, "author"), "name", author)
    _add(root, "link", rel="self", type=KIND, href=address + FILE)
    _add(root, "link", rel="alternate", type="text/html", href=f"{address}{CHANGES}.html")
    for release, said in entries:
        entry = _add(root, "entry")
        _add(entry, "id", f"{address}{release.tag}/")
        _add(entry, "title", f"Version {release.version}")
        _add(entry, "updated", f"{release.date}T00:00:00Z")
        _add(entry, "link", rel="alternate", type="text/html", href=f"{address}{release.tag}/")
        _add(entry, "content", said, type="html")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    target, address, found = Path(app.outdir) / FILE, top(), known(app)
    if not address or address != site_address() or not found:
        target.unlink(missing_ok=True)
        return
    page = (Path(app.outdir) / f"{CHANGES}.html").read_text(encoding="utf-8")
    said = sections(page, f"{address}{CHANGES}.html")
    title = app.config.html_title or app.config.project
    entries = [(release, said[release.version]) for release in found]
    target.write_text(feed(title, app.config.author, address, entries), encoding="utf-8")


def _link(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Browsers and programs that read feeds look in the head of a page."""
    address = top()
    if address and known(app):
        title = html.escape(f"{app.config.html_title or app.config.project}: releases")
        place = html.escape(address + FILE)
        link = f'<link rel="alternate" type="{KIND}" title="{title}" href="{place}" />\n'
        context["metatags"] = context.get("metatags", "") + link  # what Sphinx adds, as the search, may have none


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.site.releases")
    app.connect("html-page-context", _link, priority=400)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
