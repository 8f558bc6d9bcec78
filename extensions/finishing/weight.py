"""What does a page carry that no reader needs? Taken out when the pages have been written.

A Sphinx extension. Icons come from a font that holds only those that are used, not from a script of a megabyte that
holds them all; scripts do not hold up the first paint; pictures say how large they are, so that nothing jumps when
they arrive, and drawings keep no digits that nobody sees. `tests/extensions/test_weight.py` holds every page to its budget.
"""

import base64
import hashlib
import io
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from extensions.finishing import rules

ICONS = re.compile(r"\bfa-[a-z][a-z0-9-]*")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
PRIVATE = re.compile("[\ue000-\uf8ff]")
CODE_POINT = re.compile(r"\\(e[0-9a-f]{3}|f[0-9a-f]{3})\b")
FACE = re.compile(
    r'url\((\.\./vendor/fontawesome/webfonts/([\w-]+))\.woff2\) format\("woff2"\),url\([^)]*\) format\("truetype"\)'
)

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table

UNUSED = (
    "_static/scripts/fontawesome.js*",
    "_static/scripts/*.map",
    "_static/styles/*.map",
    "_static/sphinx-thebe.*",
    "_static/play-solid.svg",
)

ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*scripts/fontawesome\.js[^"]*"></script>')
THEBE = re.compile(
    r'\s*<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName = [^<]*</script>', re.DOTALL
)
SCRIPT = re.compile(r'<script(?![^>]*\b(?:defer|async|type)\b)(?=[^>]* src=")(?![^>]*documentation_options)')
IMAGE = re.compile(r'<img (?![^>]*\b(?:width|height)=")[^>]*?\bsrc="([^"]*)"[^>]*>')
SVG_SIZE = re.compile(r'<svg[^>]*?\swidth="([\d.]+)(pt|px|)"\s+height="([\d.]+)(?:pt|px|)"')
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
PIXELS = {"pt": 96 / 72, "px": 1.0, "": 1.0}


def picture_size(content: bytes) -> tuple[int, int] | None:
    """The natural size of a picture in CSS pixels, rounded; `None` if it does not say."""
    if content.lstrip()[:5] in (b"<?xml", b"<svg "):
        match = SVG_SIZE.search(content[:4000].decode("utf-8", "replace"))
        if match is None:
            return None
        scale = PIXELS[match[2]]
        return round(float(match[1]) * scale), round(float(match[3]) * scale)
    try:
        return Image.open(io.BytesIO(content)).size
    except OSError:
        return None


def lighter_page(page: str, folder: Path) -> str:
    """A page without what nobody needs; `folder` is where its relative addresses begin.

    >>> lighter_page('<script src="copybutton.js"></script>', Path())
    '<script defer src="copybutton.js"></script>'
    """

    def sized(match: re.Match[str]) -> str:
        address = unescape(match[1])
        content = b""
        if address.startswith("data:"):
            content = base64.b64decode(address.partition(",")[2]) if ";base64," in address else b""
        elif "://" not in address and (path := folder / address.partition("?")[0]).is_file():
            content = path.read_bytes()
        size = picture_size(content)
        return match[0] if size is None else f'<img width="{size[0]}" height="{size[1]}" {match[0][5:]}'

    page = THEBE.sub("", ICON_SCRIPT.sub("", page))
    return IMAGE.sub(sized, SCRIPT.sub("<script defer", page))


def _lighter_png(encoded: str) -> str:
    """The same pixels in fewer bytes: with a palette where there are few colours, else packed harder."""
    content = base64.b64decode(encoded)
    image = Image.open(io.BytesIO(content)).convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    if image.mode == "RGB" and image.getcolors(256):
        image = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    packed = io.BytesIO()
    image.save(packed, "PNG", optimize=True)
    best = min(content, packed.getvalue(), key=len)
    return base64.b64encode(best).decode()


def lighter_drawing(drawing: str) -> str:
    """An SVG that looks the same: a hundredth of a point is enough, and pictures inside are packed.

    >>> lighter_drawing('<path d="M 57.612345 41.400001 L 3 4" style="stroke-width: 0.8"/>')
    '<path d="M57.61 41.4L3 4" style="stroke-width: 0.8"/>'
    """

    def rounded(match: re.Match[str]) -> str:
        return f"{float(match[0]):.2f}".rstrip("0").rstrip(".") if "." in match[0] else match[0]

    def path(match: re.Match[str]) -> str:
        text = re.sub(r"-?\d+\.\d+", rounded, match[2])
        return match[1] + re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"\s+", " ", text)).strip() + '"'

    drawing = re.sub(r'(\sd=")([^"]*)"', path, drawing)
    drawing = re.sub(r'(\s[xy]=")(-?\d+\.\d+)"', lambda m: f'{m[1]}{rounded(re.match(".*", m[2]))}"', drawing)  # type: ignore[arg-type]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    return EMBEDDED.sub(lambda m: "data:image/png;base64," + _lighter_png(m[1]), drawing)


def used_icons(texts: list[str], rules: str) -> set[int]:
    """The code points of the icons that pages and scripts name, and of those that style sheets draw themselves."""
    named = {name for text in texts for name in ICONS.findall(text)}
    own = ICON_RULE.sub("", rules)
    found = {int(code, 16) for code in CODE_POINT.findall(own)} | {ord(sign) for sign in PRIVATE.findall(own)}
    for selectors, code in ICON_RULE.findall(rules):
        if named & set(ICONS.findall(selectors)):
            found.add(int(code, 16))
    return found


def without_icons(icons: set[int]) -> Callable[[str], str]:
    """Takes out of a style sheet the rules of all icons but these."""
    return lambda rules: ICON_RULE.sub(lambda rule: rule[0] if int(rule[2], 16) in icons else "", rules)


def _lighten_icons(site: Path, pages: list[str]) -> set[int]:
    """Make the icons' fonts hold what is used, and have the style sheet ask for these; returns what is used."""
    found = [
        path
        for path in sorted((site / "_static").rglob("*.css"))
        if "vendor" not in path.parts and not path.name.startswith("book-")
    ]
    rules = "".join(path.read_text(encoding="utf-8") for path in found)
    scripts = [path.read_text(encoding="utf-8") for path in (site / "_static" / "scripts").glob("*.js")]
    icons = used_icons(pages + scripts, rules)
    folder = site / "_static" / "vendor" / "fontawesome" / "webfonts"
    for path in sorted(folder.glob("*.ttf")):
        font = TTFont(path)
        options = subset.Options(layout_features=[], notdef_outline=True, flavor="woff")
        maker = subset.Subsetter(options)
        maker.populate(unicodes=icons & set(font.getBestCmap()))
        maker.subset(font)
        font.flavor = "woff"
        font.save(path.with_suffix(".woff"))
        path.unlink()
        path.with_suffix(".woff2").unlink(missing_ok=True)
    for sheet in found:
        text = sheet.read_text(encoding="utf-8")
        if (changed := FACE.sub(r'url(\1.woff) format("woff")', text)) != text:
            sheet.write_text(changed, encoding="utf-8")
    if not any((folder / name).exists() for name in ("fa-solid-900.woff", "fa-solid-900.woff2")):
        raise ExtensionError(f"the theme's icons are not where they were: there is no fa-solid-900 in {folder}")
    return icons


def _lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for pattern in UNUSED:
        for path in site.glob(pattern):
            path.unlink()
    for path in site.glob("_images/*.svg"):
        drawing = path.read_text(encoding="utf-8")
        if len(lighter := lighter_drawing(drawing)) < len(drawing):
            path.write_text(lighter, encoding="utf-8")
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html")) if path.is_file()}
    icons = _lighten_icons(site, list(pages.values()))
    for path in site.glob("_static/book-*.css"):
        if not any(path.name in page for page in pages.values()):  # of an earlier build
            path.unlink()
    bundle = rules.Bundle(site, pages.values(), without_icons(icons))
    for path, page in pages.items():
        lighter = bundle.put_into(lighter_page(page, path.parent), path.parent)
        if lighter != page:
            path.write_text(lighter, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    digest = hashlib.sha256(b"".join(Path(file).read_bytes() for file in (__file__, rules.__file__))).hexdigest()
    app.add_config_value("book_weight", digest, "html", str)  # pages made lighter otherwise are written anew
    app.connect("build-finished", _lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
