"""What is a page of the site in an EPUB? Its text as XHTML, without what only a browser can do.

Formulas become MathML, explorers their still pictures, folds what is in them; code that the site folds away is left
out, as on paper (`tools/pdf.js`). Links lead to other pages of the EPUB, or to the published site where that is known.
"""

import base64
import hashlib
import html
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urldefrag

from selectolax.lexbor import LexborHTMLParser, LexborNode

XHTML = "http://www.w3.org/1999/xhtml"
NAMESPACES = {"svg": "http://www.w3.org/2000/svg", "math": "http://www.w3.org/1998/Math/MathML"}
DRAWN = ("svg", "path", "circle", "rect", "line", "text", "tspan", "g", "desc", "defs", "marker", "polyline")
EMPTY = ("img", "br", "hr", "col", "wbr", "path", "circle", "rect", "line")
GONE = (
    "script, style, noscript, button, dialog, form, input, a.headerlink, .copybtn, .claims-controls, "
    ".measure-setting, .measure-result, "
    ".claims-controls + [role=status], div.cell > details.hide.above-input, details.cell-code, "
    "details.self-check-hint:empty, .genindex-jumpbox, .modindex-jumpbox"
)
KEPT = ("id", "class", "href", "src", "alt", "colspan", "rowspan", "scope", "start", "type", "title", "lang", "dir")
DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\s*|<\?xml[^>]*\?>\s*")
KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif"}


def file_name(page: str) -> str:
    """The file of a page in an EPUB.

    >>> file_name("chapters/ntk.html")
    'chapters-ntk.xhtml'
    """
    return page.replace("/", "-").removesuffix(".html") + ".xhtml"


class Article:
    """The text of one page.

    Args:
        site: the folder of the built site.
        page: the address of the page within it.

    Attributes:
        node: the text as elements, without what only a browser can do.
        title: of the page.
        sections: the id and the heading of each section.
        pictures: content of each picture by its name, filled by :meth:`write`.
        dead: links of the page that lead nowhere, filled by :meth:`write`.

    Raises:
        ValueError: if the page has no text.
    """

    def __init__(self, site: Path, page: str) -> None:
        self.site, self.page = site, page
        tree = LexborHTMLParser((site / page).read_text(encoding="utf-8"))
        article = tree.css_first("article.bd-article")
        if article is None:
            raise ValueError(f"{page} has no text")
        self.tree, self.node = tree, article
        for node in article.css(GONE):
            node.decompose()
        heading = article.css_first("h1")
        self.title = _line(heading.text()) if heading is not None else page
        self.sections = [
            (section.attributes.get("id") or "", _line(title.text()))
            for section in article.css("section:has(> h2)")
            if (title := section.css_first("h2")) is not None
        ]
        self.ids = [node.attributes["id"] or "" for node in article.css("[id]")]
        self.pictures: dict[str, bytes] = {}
        self.dead: list[str] = []

    def write(self, ids: Mapping[str, set[str]], home: str) -> str:
        """The page as XHTML.

        Args:
            ids: the places on each page of the EPUB, to which a link can lead.
            home: where the site is published, ending in a slash; empty where nobody knows.
        """
        self._links(ids, home)
        self._explorers(home)
        for picture in self.node.css("img[src]"):
            picture.attrs["src"] = self._picture(picture.attributes["src"] or "")
        inside = "".join(self._element(child, set()) for child in self.node.iter(include_text=True))
        kind = ' class="claims"' if self.node.css_first("table.claims-ledger") is not None else ""
        return (
            f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="{XHTML}" lang="en" xml:lang="en">\n'
            f'<head><meta charset="utf-8"/><title>{html.escape(self.title)}</title>'
            f'<link rel="stylesheet" href="style.css"/></head>\n<body{kind}>{inside}</body>\n</html>\n'
        )

    def _links(self, ids: Mapping[str, set[str]], home: str) -> None:
        for link in self.node.css("a[href]"):
            address = link.attributes["href"] or ""
            if re.match(r"[a-z]+:", address):
                continue
            path, place = urldefrag(unquote(address))
            page = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), path)) if path else self.page
            if page in ids:
                if place and place not in ids[page]:
                    self.dead.append(f"{self.page}: {address}")
                link.attrs["href"] = file_name(page) + (f"#{place}" if place else "")
            elif home:
                link.attrs["href"] = home + page + (f"#{place}" if place else "")
            else:
                del link.attrs["href"]

    def _explorers(self, home: str) -> None:
        """Below the still of an explorer it says where it answers, as on paper."""
        for explorer in self.node.css(".ntk-explorer"):
            figure = explorer.parent
            while figure is not None and figure.tag != "figure":
                figure = figure.parent
            where = f"{self.page}#{figure.id}" if figure is not None and figure.id else self.page
            link = f'<a href="{home}{where}">{home}{where}</a>' if home else where
            said = LexborHTMLParser(f'<p class="explorer">This figure answers on its page: {link}</p>').css("p")
            explorer.insert_after(said[0])

    def _picture(self, address: str) -> str:
        if address.startswith("data:"):
            kind, content = address[5:].split(";base64,")
            data = base64.b64decode(content)
            name = hashlib.sha256(data).hexdigest()[:16] + next(end for end, mime in KINDS.items() if mime == kind)
        else:
            path = self.site / posixpath.normpath(posixpath.join(posixpath.dirname(self.page), address))
            name, data = path.name, path.read_bytes()
        if name.endswith(".svg"):  # no definition outside of the book
            data = DOCTYPE.sub("", data.decode("utf-8")).encode("utf-8")
        self.pictures[name] = data
        return f"images/{name}"

    def _element(self, node: LexborNode, seen: set[str]) -> str:
        """An element and what is in it, as XML; `seen` has the ids so far."""
        if node.is_text_node:
            return html.escape(node.text_content or "", quote=False)
        tag = node.tag or ""
        if tag.startswith("-") or tag == "!doctype":
            return ""
        if "data-mathml" in node.attributes:
            return formula(node.attributes["data-mathml"] or "", node.attributes.get("aria-label") or "")
        name = node.attributes.get("id") or ""
        first = bool(name) and name not in seen
        seen.add(name)
        inside = "".join(self._element(child, seen) for child in node.iter(include_text=True))
        if tag == "mjx-container":
            return inside
        if tag == "summary":
            return f'<p class="summary">{inside}</p>'
        tag = {"details": "div", "article": "section"}.get(tag, tag)
        drawn = tag in DRAWN
        kept = {n: v or "" for n, v in node.attributes.items() if n in KEPT or (drawn and n not in ("role", "style"))}
        kept |= {"xmlns": NAMESPACES["svg"]} if tag == "svg" else {}
        if not first:
            kept.pop("id", None)
        if "text-align: right" in (node.attributes.get("style") or ""):
            kept["class"] = f"{kept.get('class', '')} number".strip()
        written = "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())
        return f"<{tag}{written}/>" if tag in EMPTY and not inside else f"<{tag}{written}>{inside}</{tag}>"


def formula(mathml: str, words: str) -> str:
    """A formula of a page as MathML that stands alone; a reader that cannot show it has its words.

    >>> formula("<math><mi>x</mi></math>", "x")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" alttext="x"><mi>x</mi></math>'
    """
    start = f'<math xmlns="{NAMESPACES["math"]}" alttext="{html.escape(words)}"'
    return mathml.replace("<math", start, 1)


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("¶", "")).strip()
