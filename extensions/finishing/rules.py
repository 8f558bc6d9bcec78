"""Which rules does a page of the site need? One style sheet in place of many, with what can apply and nothing else.

A step of :mod:`extensions.finishing.steps`. The theme's sheets are made for every site. Half a megabyte of rules holds
up the first paint of each page, and six tenths of them are about elements that this book does not have.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborNode

from extensions.finishing import icons
from extensions.finishing.page import Page, Site
from extensions.finishing.sheets import remembered

PREFIX = "book-"  # of the names of these sheets

IMPORT = re.compile(r"""@import\s+(?:url\()?["']?([^"')]+)["']?\)?\s*;""")
URL = re.compile(r"""url\((["']?)([^"':)]+)\1\)""")
Rules = list[dict[str, Any]]  # as :mod:`extensions.finishing.sheets` finds them
AT_RUNTIME = ("mjx",)  # what a formula that is typeset in the browser consists of


def applicable(sheet: Rules, names: set[str]) -> str:
    """A style sheet without comments, and without the selectors that ask for a class which is not among the names.

    A name that ends in a hyphen stands for all that begin so: scripts put such names together.

    >>> from extensions.finishing.sheets import parsed
    >>> rules = ".a, .b:not(.c) { top: 0 } @media print { .d p { top: 0 } } .tip-1 {top: 0}"
    >>> applicable(parsed(rules), {"b", "tip-"})
    '.b:not(.c){top: 0}\\n.tip-1{top: 0}'
    """
    beginnings = (*AT_RUNTIME, *(name for name in names if name.endswith("-") and len(name) > 3))

    def known(name: str) -> bool:
        return name in names or name.startswith(beginnings)

    def kept(rules: Rules) -> list[str]:
        result = []
        for rule in rules:
            if "selectors" in rule:
                selectors = [selector for selector, classes in rule["selectors"] if all(map(known, classes))]
                if selectors:
                    result.append(f"{','.join(selectors)}{{{rule['content']}}}")
            elif "inside" in rule:
                inside = kept(rule["inside"])
                if inside:
                    result.append(f"{rule['head']}{{{''.join(inside)}}}")
            else:
                result.append(rule["text"])
        return result

    return "\n".join(kept(sheet))


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
        memory = Path(os.environ.get("BOOK_SHEETS", site.memory.parent / "sheets"))
        shown = icons.of_site(site)
        sheets = [icons.without_unused(_moved(path, site.folder), shown) for path in paths]
        parts = [applicable(remembered(sheet, memory), site.names) for sheet in sheets]
        rules = "\n".join(part for part in parts if part)
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
