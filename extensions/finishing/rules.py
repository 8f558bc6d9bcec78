"""Which rules does a page of the site need? One style sheet in place of many, with what can apply and nothing else.

The theme's sheets are made for every site. Half a megabyte of rules holds up the first paint of each page, and six
tenths of them are about elements that this book does not have.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import tinycss2

SHEET = re.compile(r'\s*<link(?=[^>]* rel="stylesheet")(?![^>]* media=)[^>]*? href="([^"]+)"[^>]*>')
IMPORT = re.compile(r"""@import\s+(?:url\()?["']?([^"')]+)["']?\)?\s*;""")
URL = re.compile(r"""url\((["']?)([^"':)]+)\1\)""")
CLASS = re.compile(r'\bclass="([^"]*)"')
SCRIPT = re.compile(r"<script[^>]*>([^<]+)")
NAME = re.compile(r"[A-Za-z_][\w-]*")
CONDITIONAL = ("media", "supports", "layer", "container")  # rules that hold rules
AT_RUNTIME = ("mjx",)  # what a formula that is typeset in the browser consists of


def names_in(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """All classes that elements have, and every word of a script: it may give or take one.

    >>> sorted(names_in(['<p class="a b">c</p><script>add("on")</script>'], ["toggle('off-' + x)"]))
    ['a', 'add', 'b', 'off-', 'on', 'toggle', 'x']
    """
    names: set[str] = set()
    for page in pages:
        for value in set(CLASS.findall(page)):
            names.update(value.split())
        for script in SCRIPT.findall(page):
            names.update(NAME.findall(script))
    for script in scripts:
        names.update(NAME.findall(script))
    return names


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


class Bundle:
    """One style sheet for the pages that ask for the same ones.

    Args:
        site: the root of the site.
        pages: all of its pages, as they are written.
        lighten: what else to take out of a sheet.
    """

    def __init__(self, site: Path, pages: Iterable[str], lighten: Callable[[str], str]) -> None:
        self.site, self.pages, self.lighten = site, pages, lighten
        self.made: dict[tuple[Path, ...], str] = {}

    @cached_property
    def names(self) -> set[str]:
        """What the rules may be about."""
        scripts = (path for path in (self.site / "_static").rglob("*.js") if "mathjax" not in path.parts)
        return names_in(self.pages, (path.read_text(encoding="utf-8") for path in scripts))

    def put_into(self, page: str, folder: Path) -> str:
        """A page that asks for one sheet in place of many; `folder` is where its relative addresses begin."""
        links = [match for match in SHEET.finditer(page) if "://" not in match[1]]
        paths = tuple((folder / match[1].partition("?")[0]).resolve() for match in links)
        if len(links) < 2 or not all(path.is_file() for path in paths):
            return page
        if paths not in self.made:
            rules = "\n".join(_moved(path, self.site) for path in paths)
            rules = applicable(self.lighten(rules), self.names)
            self.made[paths] = f"book-{hashlib.sha256(rules.encode()).hexdigest()[:12]}.css"
            (self.site / "_static" / self.made[paths]).write_text(rules, encoding="utf-8")
        root = "../" * len(folder.resolve().relative_to(self.site.resolve()).parts)
        link = f'<link rel="stylesheet" href="{root}_static/{self.made[paths]}" />'
        for match in reversed(links):
            page = page[: match.start()] + (link if match is links[0] else "") + page[match.end() :]
        return page


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
