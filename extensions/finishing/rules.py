"""Which rules does a page of the site need? One style sheet in place of many, with what can apply and nothing else.

A step of :mod:`extensions.finishing.steps`. The theme's sheets are made for every site. Half a megabyte of rules holds
up the first paint of each page, and six tenths of them are about elements that this book does not have.
"""

import hashlib
import itertools
import re
from pathlib import Path
from typing import Any

import tinycss2
from selectolax.lexbor import LexborNode

from extensions.finishing import icons
from extensions.finishing.page import Page, Site

PREFIX = "book-"  # of the names of these sheets

IMPORT = re.compile(r"""@import\s+(?:url\()?["']?([^"')]+)["']?\)?\s*;""")
URL = re.compile(r"""url\((["']?)([^"':)]+)\1\)""")
CONDITIONAL = ("media", "supports", "layer", "container")  # rules that hold rules
AT_RUNTIME = ("mjx",)  # what a formula that is typeset in the browser consists of


def applicable(rules: str, names: set[str]) -> str:
    """A style sheet without comments, and without the selectors that ask for a class which is not among the names.

    A name that ends in a hyphen stands for all that begin so: scripts put such names together.

    >>> applicable(".a, .b:not(.c) { top: 0 } @media print { .d p { top: 0 } } .tip-1 {top: 0}", {"b", "tip-"})
    '.b:not(.c){top: 0}\\n.tip-1{top: 0}'
    """
    beginnings = (*AT_RUNTIME, *(name for name in names if name.endswith("-") and len(name) > 3))

    def known(name: str) -> bool:
        return name in names or name.startswith(beginnings)

    def kept(nodes: list[Any]) -> list[str]:
        result = []
        for node in nodes:
            if node.type == "qualified-rule":
                selectors = [part for part in _split(node.prelude) if all(map(known, _classes(part)))]
                if selectors:
                    texts = (tinycss2.serialize(selector).strip() for selector in selectors)
                    result.append(f"{','.join(texts)}{{{tinycss2.serialize(node.content).strip()}}}")
            elif node.type == "at-rule" and node.lower_at_keyword in CONDITIONAL and node.content is not None:
                inside = kept(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
                if inside:
                    result.append(f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}{{{''.join(inside)}}}")
            elif node.type == "error":
                raise ValueError(f"line {node.source_line} of a style sheet cannot be read: {node.message}")
            else:
                result.append(node.serialize())
        return result

    return "\n".join(kept(tinycss2.parse_stylesheet(rules, skip_comments=True, skip_whitespace=True)))


def _split(prelude: list[Any]) -> list[list[Any]]:
    """The selectors of a rule."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _classes(selector: list[Any]) -> list[str]:
    """The classes that a selector asks for; not those inside of `:not()` and its like, which need not be there."""
    pairs = itertools.pairwise(selector)
    return [name.value for dot, name in pairs if dot.type == "literal" and dot.value == "." and name.type == "ident"]


def one_sheet(page: Page) -> None:
    """The page asks for one style sheet in place of many, with the rules that can apply."""
    links = [link for link in page.tree.css('link[rel="stylesheet"][href]:not([media])') if _own(link)]
    files = [page.file(link.attributes["href"] or "") for link in links]
    paths = tuple(path for path in files if path is not None)
    if len(links) < 2 or len(paths) < len(links):
        return  # it has been through, or is none of Sphinx's pages
    root = "../" * page.name.count("/")
    first, *others = links
    for name in list(first.attrs):
        del first.attrs[name]
    first.attrs["rel"], first.attrs["href"] = "stylesheet", f"{root}_static/{_written(page.site, paths)}"
    for link in others:
        link.decompose()


def _own(link: LexborNode) -> bool:
    return "://" not in (link.attributes["href"] or "")


def _written(site: Site, paths: tuple[Path, ...]) -> str:
    """The name of the one sheet that stands for these, written if need be."""
    if paths not in site.sheets:
        rules = "\n".join(_moved(path, site.folder) for path in paths)
        rules = applicable(icons.without_unused(rules, site), site.names)
        site.sheets[paths] = f"{PREFIX}{hashlib.sha256(rules.encode()).hexdigest()[:12]}.css"
        (site.folder / "_static" / site.sheets[paths]).write_text(rules, encoding="utf-8")
    return site.sheets[paths]


def forget_unused(site: Site) -> None:
    """Delete the sheets of earlier builds that no page asks for any more."""
    used = {address.rpartition("/")[2] for facts in site.facts.values() for address in facts.sheets}
    for path in (site.folder / "_static").glob(f"{PREFIX}*.css"):
        if path.name not in used:
            path.unlink()


def _moved(sheet: Path, site: Path) -> str:
    """The rules of a style sheet, for another one in the site's `_static`."""
    static = (site / "_static").resolve()

    def address(match: re.Match[str]) -> str:
        path = match[2].partition("?")[0].partition("#")[0]
        if not (sheet.parent / path).exists():
            return match[0]  # a foreign address, or one inside of the sheet
        return f"url({(sheet.parent / path).resolve().relative_to(static).as_posix()})"

    text = IMPORT.sub(lambda rule: _moved((sheet.parent / rule[1]).resolve(), site), sheet.read_text(encoding="utf-8"))
    text = URL.sub(address, text)
    return re.sub(r"/\*# sourceMappingURL=.*?\*/|@charset [^;]*;", "", text)
