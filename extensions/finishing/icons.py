"""Which icons does the site show? The theme's fonts are made to hold these and no others."""

import logging
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from extensions.finishing.page import Site

ICONS = re.compile(r"\bfa-[a-z][a-z0-9-]*")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
PRIVATE = re.compile("[\ue000-\uf8ff]")
CODE_POINT = re.compile(r"\\(e[0-9a-f]{3}|f[0-9a-f]{3})\b")
FACE = re.compile(
    r'url\((\.\./vendor/fontawesome/webfonts/([\w-]+))\.woff2\) format\("woff2"\),url\([^)]*\) format\("truetype"\)'
)

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table


def used_icons(names: set[str], rules: str) -> set[int]:
    """The code points of the icons that pages and scripts name, and of those that style sheets draw themselves."""
    own = ICON_RULE.sub("", rules)
    found = {int(code, 16) for code in CODE_POINT.findall(own)} | {ord(sign) for sign in PRIVATE.findall(own)}
    for selectors, code in ICON_RULE.findall(rules):
        if names & set(ICONS.findall(selectors)):
            found.add(int(code, 16))
    return found


def without_unused(rules: str, shown: set[int]) -> str:
    """Some rules of the site without those of icons that are not among these code points."""
    return ICON_RULE.sub(lambda rule: rule[0] if int(rule[2], 16) in shown else "", rules)


def _sheets(site: Site) -> list[Path]:
    return [
        path
        for path in sorted((site.folder / "_static").rglob("*.css"))
        if "vendor" not in path.parts and not path.name.startswith("book-")
    ]


def of_site(site: Site) -> set[int]:
    """The code points of the icons that the site shows."""
    return used_icons(site.names, "".join(path.read_text(encoding="utf-8") for path in _sheets(site)))


def lighten_fonts(site: Site) -> None:
    """Make the icons' fonts, where Sphinx has just copied them, hold what is used, and have the style sheets say so.

    Raises:
        ExtensionError: if the theme keeps them somewhere else than it did.
    """
    folder = site.folder / "_static" / "vendor" / "fontawesome" / "webfonts"
    copied = sorted(folder.glob("*.ttf"))
    icons = of_site(site) if copied else set()
    for path in copied:
        font = TTFont(path)
        maker = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True, flavor="woff"))
        maker.populate(unicodes=icons & set(font.getBestCmap()))
        maker.subset(font)
        font.flavor = "woff"
        font.save(path.with_suffix(".woff"))
        path.unlink()
        path.with_suffix(".woff2").unlink(missing_ok=True)
    for sheet in _sheets(site) if copied else []:
        text = sheet.read_text(encoding="utf-8")
        if (changed := FACE.sub(r'url(\1.woff) format("woff")', text)) != text:
            sheet.write_text(changed, encoding="utf-8")
    if not any((folder / name).exists() for name in ("fa-solid-900.woff", "fa-solid-900.woff2")):
        raise ExtensionError(f"the theme's icons are not where they were: there is no fa-solid-900 in {folder}")
