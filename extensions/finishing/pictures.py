"""How large is a picture, on the page and in bytes?

A step of :mod:`extensions.finishing.steps`: pictures say their size, so that nothing jumps when they arrive. And
drawings keep no digits that nobody sees.
"""

import base64
import io
import re

from PIL import Image

from extensions.finishing.page import Page, Site

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


def sized(page: Page) -> None:
    """Each picture says how large it is."""
    for image in page.tree.css("img[src]:not([width]):not([height])"):
        address = image.attributes["src"] or ""
        content = b""
        if address.startswith("data:"):
            content = base64.b64decode(address.partition(",")[2]) if ";base64," in address else b""
        elif (path := page.file(address)) is not None:
            content = path.read_bytes()
        if (size := picture_size(content)) is not None:
            image.attrs["width"], image.attrs["height"] = map(str, size)


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


def lighten_drawings(site: Site) -> None:
    """Make the drawings of a site lighter that are new."""
    for name in site.drawn:
        path = site.folder / name
        drawing = path.read_text(encoding="utf-8")
        if len(lighter := lighter_drawing(drawing)) < len(drawing):
            path.write_text(lighter, encoding="utf-8")
