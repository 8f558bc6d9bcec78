"""What can be found in the book, and by which words?

A part of :mod:`extensions.finishing.steps`: `search.js` looks for a reader's words in the passages that are written
here, each a section, a numbered statement, a term or a function, in place of Sphinx's index of whole pages. Sphinx
asks for every word of a question on one page, knows no second name and no second spelling, finds no sections, and
fetches pages to show a piece of them, which files may not do. Its stemmer stays. Other names of one thing stand in
`synonyms.yml`; British and American spellings are one in the script.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from selectolax.lexbor import LexborNode
from sphinx.application import Sphinx

from extensions.finishing.page import Page, Site
from extensions.typesetting.styles import to_static

SCRIPT = Path(__file__).with_suffix(".js")
SYNONYMS = Path(__file__).with_name("synonyms.yml")
INDEX = "passages.js"
#: What a passage on a page counts beside one in a chapter: the first that the name of the page begins with.
WORTH = {
    "chapters/": 1.0,
    "intro": 0.8,
    "laboratory": 0.6,
    "glossary": 0.7,
    "appendix/references": 0.15,
    "appendix/library/": 0.4,
    "appendix/": 0.6,
    "notation": 0.6,
    "formulas": 0.3,
    "verdicts": 0.5,
    "claims": 0.3,
    "CHANGELOG": 0.2,
}
NOWHERE = ("genindex.html", "search.html", "py-modindex.html", "404.html")
# the words of these are not a reader's
DROPPED = (
    "script, style, svg, pre, button, summary, noscript, a.headerlink, .cell_input, .claim-links, .toctree-wrapper"
)
OWN = "section, div.proof, dl.glossary > dt, dl.py > dt"  # what is a passage of its own
LONGEST = 6000


def passages(page: Page) -> list[list[str]]:
    """What stands under each heading, in each statement, and behind each term: its id, its title and its text."""
    article = page.tree.css_first("article.bd-article")
    if article is None or page.name in NOWHERE:
        return []
    article = article.clone()
    for node in article.css(DROPPED):
        node.decompose()
    for title in article.css("div.admonition:not(.proof) > p.admonition-title"):
        title.decompose()
    for formula in article.css("div.math"):
        formula.replace_with(" … ")
    for formula in article.css("[data-mathml]"):  # its letters are italic ones, which nobody types
        formula.replace_with(unicodedata.normalize("NFKC", formula.text()))
    for block in article.css("p, li, dt, dd, td, th, figcaption"):  # their words do not run into each other
        block.insert_after(" ")
    found = [passage for node in article.css(OWN) if (passage := _passage(node))]
    return [[name, title, text[:LONGEST]] for name, title, text in found]


def _passage(node: LexborNode) -> tuple[str, str, str] | None:
    """One passage without those inside of it, or None if nothing leads to it."""
    name = node.attributes.get("id") or ""
    if node.tag == "dt":
        title: LexborNode | None = node
        body = _behind(node)
    else:
        title = next((child for child in node.iter() if re.fullmatch("h[1-6]", child.tag or "")), None)
        title = title or node.css_first("p.admonition-title")
        body = [child for child in node.iter(include_text=True) if child != title and not _own(child)]
    if not name or title is None:
        return None
    return name, _line(title.text()), _line(" ".join(child.text() for child in body))


def _own(node: LexborNode) -> bool:
    """Whether what stands in it are passages of their own."""
    classes = (node.attributes.get("class") or "").split()
    if node.tag == "section":
        return any(re.fullmatch("h[1-6]", child.tag or "") for child in node.iter())
    if node.tag == "div":
        return "proof" in classes and bool(node.attributes.get("id"))
    return node.tag == "dl" and ("glossary" in classes or "py" in classes)


def _behind(term: LexborNode) -> list[LexborNode]:
    """What explains a term: the first `dd` behind it, which several names may share."""
    node = term.next
    while node is not None and node.tag != "dd":
        node = node.next
    return [node] if node is not None else []


def _line(text: str) -> str:
    return re.sub(r"\s+([.,;:)])", r"\1", re.sub(r"\s+", " ", text.replace("¶", ""))).strip()


def worth(name: str) -> float:
    """What a passage on this page counts.

    >>> worth("chapters/ntk.html"), worth("appendix/library/ntklib.mlp.html"), worth("other.html")
    (1.0, 0.4, 0.5)
    """
    return next((value for beginning, value in WORTH.items() if name.startswith(beginning)), 0.5)


def of_the_book(page: Page) -> None:
    """The page of the search asks for the book's script and passages, and no longer for Sphinx's."""
    scripts = page.tree.css('script[src*="searchtools.js"], script[src*="searchindex.js"]')
    if not scripts:
        return
    for script in scripts:
        script.decompose()
    head = page.tree.head
    assert head is not None
    for source in (f"_static/{INDEX}", f"_static/{SCRIPT.name}"):
        script = page.tree.create_node("script")
        script.attrs["src"], script.attrs["defer"] = source, ""
        head.insert_child(script)


def write(site: Site, names: Iterable[str]) -> None:
    """Write what can be found on these pages."""
    pages: list[Any] = []
    for name in names:
        found = site.facts[name].passages
        if found:
            pages.append([name, found[0][1], worth(name), found])
    synonyms = yaml.safe_load(SYNONYMS.read_text(encoding="utf-8"))
    content = json.dumps({"pages": pages, "synonyms": synonyms}, ensure_ascii=False, separators=(",", ":"))
    path = site.folder / "_static" / INDEX
    text = f"const bookPassages = {content};\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _copy(app: Sphinx) -> None:
    to_static(app, SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
