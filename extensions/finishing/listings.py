"""Which signs of a listing need an element of their own? Those that have another colour than the code around them.

A step of :mod:`extensions.finishing.steps`. Pygments puts each name, bracket and space into an element, and most have
the colour of plain code in both schemes: six in ten of a listing's elements say nothing, and took a sixth of the time
until a page was there.
"""

import re
from functools import cache
from pathlib import Path

from extensions.finishing.page import Page

SHEET = "_static/pygments.css"
RULE = re.compile(r'html\[data-theme="(\w+)"\] \.highlight( \.[\w-]+)? \{([^}]*)\}')


@cache
def plain(sheet: str) -> frozenset[str]:
    """The classes that a style sheet of Pygments gives the colour of plain code, in every scheme.

    >>> rules = "{0} {{ background: #fff; color: #000 }} {0} .n {{ color: #000 }} {0} .k {{ color: #00f }}"
    >>> sorted(plain(rules.format('html[data-theme="light"] .highlight')))
    ['n']
    """
    rules: dict[str, dict[str, str]] = {}
    for scheme, name, style in RULE.findall(sheet):
        rules.setdefault(name.strip(" ."), {})[scheme] = style.strip()
    base = rules.pop("", {})
    colours = {scheme: re.sub(r".*(?<![\w-])(color: *[^;]+).*", r"\1", style) for scheme, style in base.items()}
    return frozenset(name for name, styles in rules.items() if styles == colours)


def quiet_signs(page: Page) -> None:
    """What looks like plain code in a listing is plain text."""
    sheet: Path = page.site.folder / SHEET
    if not sheet.exists():
        return
    names = plain(sheet.read_text(encoding="utf-8"))
    for sign in page.tree.css("div.highlight pre span[class]"):
        if sign.attributes["class"] in names and len(sign.attributes) == 1:
            sign.unwrap()
