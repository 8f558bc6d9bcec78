"""How is a formula drawn in few elements? As lines of text in a font that is made for the book.

MathJax draws a formula with two or three elements for each of its signs, and a page of this book has thousands of them:
laying them out took most of the time until the page was there. What it says of a formula is where each sign stands.
Signs of one size that follow each other on one line become one text here, so that a formula is five elements in the
mean, where it was forty. The signs are letters in the order in which one reads them: find-in-page finds them, and
without the font they can still be read.

The font (:func:`font_file`) has MathJax's outlines of the signs that occur, and TeX's spaces. A browser may round the
widths of letters; so each text has its own place, and where a space is none of TeX's, another text begins.
"""

import hashlib
import html
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree as ET

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path
from fontTools.ttLib.tables._g_l_y_f import Glyph

FAMILY = "BookFormulas"
SVG = "{http://www.w3.org/2000/svg}"
#: The spaces that TeX puts between signs, in thousandths of their size, as Unicode has them.
SPACES = {111: "\u200a", 167: "\u2006", 222: "\u205f", 278: "\u2005", 333: "\u2004"}
BLANK = "\N{NO-BREAK SPACE}"  # between words
SIZES = {0.707: "s", 0.5: "ss"}
NUMBER = r"(-?[\d.]+)"
MOVED = re.compile(rf"translate\({NUMBER}[ ,]{NUMBER}\)")
SCALED = re.compile(rf"scale\({NUMBER}(?:[ ,]{NUMBER})?\)")
SCRIPT = {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"}  # Unicode had these before
OPERATORS = "∑∏∐∫∬∭∮⋀⋁⋂⋃⨀⨁⨂⨄⨆"
PRIVATE = 0xF0000, 0xFFFD  # where signs stand that Unicode has no second place for, such as larger brackets


class Outline(NamedTuple):
    """A sign of the font: its outline as an SVG path in thousandths of the font's size, and how wide it is."""

    path: str
    width: int


class _Sign(NamedTuple):
    char: str
    x: float
    y: float
    scale: float
    width: float


@dataclass
class _Parts:
    """What a drawing consists of, in thousandths of the size of its font, from the left end of its baseline."""

    signs: list[_Sign] = field(default_factory=list)
    bars: list[tuple[float, float, float, float]] = field(default_factory=list)  # left, top, width, thickness
    stretched: list[tuple[float, float, float, ET.Element]] = field(default_factory=list)  # left, baseline, scale


def character(code: str, font: str, path: str) -> str:
    """The letter that stands for a sign of MathJax: its code in hexadecimal digits, the name of its font, its outline.

    >>> character("1D465", "italic", ""), character("4E", "-tex-calligraphic", "")
    ('𝑥', '𝒩')
    """
    char = chr(int(code, 16))
    if font == "-tex-calligraphic" and "A" <= char <= "Z":
        return SCRIPT.get(char, chr(0x1D49C + ord(char) - ord("A")))
    if font in ("normal", "italic", "double-struck") or (font == "bold" and int(code, 16) >= 0x1D400):
        return char
    if font == "-smallop" and char in OPERATORS:  # a bracket or a root of this font is larger than the ordinary one
        return char
    if font == "-tex-variant" and char in "′″‴⁗":
        return char
    digest = hashlib.sha256(f"{font} {path}".encode()).digest()
    return chr(PRIVATE[0] + int.from_bytes(digest[:4]) % PRIVATE[1])


def gap(width: float) -> str | None:
    """The space of this width in thousandths; none where there is no such space.

    >>> gap(0), gap(166.6) == SPACES[167], gap(200)
    ('', True, None)
    """
    if abs(width) <= 1:
        return ""
    return next((space for wide, space in SPACES.items() if abs(width - wide) <= 1), None)


def _flat(node: ET.Element, x: float, y: float, scale: float, parts: _Parts, outlines: dict[str, Outline]) -> None:
    """Collect what stands in a node of MathJax's drawing, whose origin is at (x, y)."""
    tag, transform = node.tag.removeprefix(SVG), node.get("transform", "")
    for right, up in MOVED.findall(transform):
        x, y = x + scale * float(right), y + scale * float(up)
    if tag == "g":
        scaled = SCALED.search(transform)
        for child in node:
            _flat(child, x, y, scale * (float(scaled[1]) if scaled else 1), parts, outlines)
    elif tag == "path":
        path, width = node.get("d", ""), round(1000 * float(node.get("data-width", "0")))
        if not path and node.get("data-c") not in ("20", "A0"):
            return  # what is between signs is seen from where they stand
        char = character(node.get("data-c", ""), node.get("data-font", ""), path) if path else BLANK
        if outlines.setdefault(char, Outline(path, width)) != (path, width):
            raise ValueError(f"two signs have the place {ord(char):X} in the font of formulas")
        parts.signs.append(_Sign(char, x, y, scale, scale * width))
    elif tag == "rect":
        left, bottom, wide, thick = (scale * float(node.get(name, "0")) for name in ("x", "y", "width", "height"))
        parts.bars.append((x + left, y + bottom + thick, wide, thick))
    elif tag == "svg":
        parts.stretched.append((x, y, scale, node))
    else:
        raise ValueError(f"MathJax draws a formula with what has no place in a text: <{tag}>")


def _runs(signs: list[_Sign]) -> list[tuple[_Sign, str]]:
    """Texts, and the first sign of each: what has one size, stands on one line, and follows with a space of TeX's."""
    runs: list[tuple[_Sign, str]] = []
    pen = 0.0
    for sign in signs:
        first, text = runs[-1] if runs else (sign, "")
        room = (sign.x - pen) / sign.scale
        same = round(first.y) == round(sign.y) and round(first.scale, 3) == round(sign.scale, 3)
        if text and same and (space := gap(room)) is not None:
            runs[-1] = (first, text + space + sign.char)
            wide = next((width for width, known in SPACES.items() if known == space), 0)
            pen += sign.scale * wide + sign.width
        else:
            runs.append((sign, sign.char))
            pen = sign.x + sign.width
    return runs


def _em(value: float) -> str:
    """Thousandths as a length.

    >>> _em(20500), _em(0), _em(-12.34)
    ('20.5em', '0', '-.012em')
    """
    digits = re.sub(r"^(-?)0\.", r"\1.", f"{value / 1000:.3f}".rstrip("0").rstrip("."))
    return f"{digits}em" if round(value) else "0"


def _placed(scale: float, **lengths: float) -> str:
    """Attributes of an element of this size at these places, in thousandths of what is around it."""
    size = SIZES.get(round(scale, 3), "")
    styles = [f"{name}:{_em(value / scale)}" for name, value in lengths.items()]
    styles += [f"font-size:{scale:.3f}em"] if not size and round(scale, 3) != 1 else []
    return (f' size="{size}"' if size else "") + f' style="{";".join(styles)}"'


def _stretched(x: float, top: float, scale: float, node: ET.Element) -> str:
    """A sign that MathJax stretches, the middle of a tall bracket or a long bar, as a drawing."""
    left, bottom, width, height = (float(node.get(name, "0")) for name in ("x", "y", "width", "height"))
    from_x, from_y, wide, high = map(float, (node.get("viewBox") or "").split())
    [path] = node
    across, up = SCALED.fullmatch(path.get("transform", "")).groups()  # type: ignore[union-attr]
    place = _placed(
        scale, left=x + scale * left, top=top - scale * (bottom + height), width=scale * width, height=scale * height
    )
    return (
        f'<svg{place} viewBox="{from_x:g} {-from_y - high:g} {wide:g} {high:g}" preserveAspectRatio="none">'
        f'<path transform="scale({across},-{up})" d="{path.get("d")}"/></svg>'
    )


def drawn(drawing: str, outlines: dict[str, Outline]) -> tuple[str, str]:
    """What MathJax draws, as lines of text: the style of the element around them, and what is in it.

    Args:
        drawing: MathJax's SVG, as `formulas.js` gives it.
        outlines: the signs of the font so far; those of this formula are added.

    Raises:
        ValueError: if the drawing has something in it that MathJax is not known to draw.
    """
    svg = ET.fromstring(drawing)
    if (box := svg.get("viewBox")) is None:
        raise ValueError(r"a formula with a \tag is as wide as its column, and is not drawn: give it a label")
    _, top, width, height = map(float, box.split())
    above, below = max(-top, 0.0), max(height + top, 0.0)  # a star is above the line, and no padding is negative
    parts = _Parts()
    for child in svg[0]:
        _flat(child, 0, 0, 1, parts, outlines)
    runs = _runs(parts.signs)
    on_the_line = [n for n, (sign, _) in enumerate(runs) if round(sign.y) == 0 and round(sign.scale, 3) == 1]
    base, start = (on_the_line[0], max(runs[on_the_line[0]][0].x, 0)) if on_the_line else (-1, 0.0)
    text = "" if on_the_line else "\N{ZERO WIDTH SPACE}"  # a line of text has the baseline
    for number, (first, letters) in enumerate(runs):
        place = "" if number == base else _placed(first.scale, left=first.x, top=above - first.y)
        text += f"<mjx-c{place}>{html.escape(letters)}</mjx-c>" if place else html.escape(letters)
    for left, upper, wide, thick in parts.bars:
        place = _placed(1, left=left, top=above - upper, width=wide)
        text += f'<mjx-line{place[:-1]};border-width:{_em(thick)} 0 0"></mjx-line>'
    for x, y, scale, node in parts.stretched:
        text += _stretched(x, above - y, scale, node)
    return f"width:{_em(width - start)};padding:{_em(above)} 0 {_em(below)} {_em(start)}".removesuffix(" 0"), text


def font_file(outlines: Mapping[str, Outline]) -> bytes:
    """The font of these signs and the spaces, as WOFF."""
    glyphs, widths, names = {".notdef": Glyph()}, {".notdef": (500, 0)}, {}
    signs = (
        {space: Outline("", wide) for wide, space in SPACES.items()}
        | {"\N{ZERO WIDTH SPACE}": Outline("", 0)}
        | dict(outlines)
    )
    for char, (path, width) in sorted(signs.items()):
        name = f"u{ord(char):X}"
        pen = TTGlyphPen(None)
        if path:
            parse_path(path, pen)
        glyphs[name], names[ord(char)] = pen.glyph(), name
        widths[name] = (width, 0)
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    metrics = builder.font["glyf"]
    builder.setupHorizontalMetrics(
        {name: (width, getattr(metrics[name], "xMin", 0)) for name, (width, _) in widths.items()}
    )
    builder.setupHorizontalHeader(
        ascent=500, descent=-500
    )  # equal: a line without height has its baseline in its middle
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=500, sTypoDescender=-500, sTypoLineGap=0, usWinAscent=500, usWinDescent=500)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = 0  # the same signs give the same bytes
    builder.font.flavor = "woff"
    written = io.BytesIO()
    builder.font.save(written)
    return written.getvalue()
