"""How high will an explorer be when its script has started? As much is kept free on the page, or the text would move.

A step of :mod:`extensions.finishing.steps`. An explorer is a still picture until its script draws it with its controls,
and is then up to twice as high. What it will consist of stands in its data: the parts below are those that
`ntklib/book/explorer.js` stacks, and a test compares what is kept with what is drawn.
"""

import base64
import functools
import json
import math
import zlib
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
from matplotlib import ft2font
from selectolax.lexbor import LexborNode

from extensions.finishing.page import Page

COLUMN, PHONE = 672, 358  # widths of an explorer on a desktop and on a phone
SCALE = 93  # of colours, with its least and largest value, in the legend
LINE = 23  # of the title and of the sentence
BESIDE = 27  # what a box saves that stands beside its label, and not below as a slider on a phone
REST = 69  # the numbers, the note and what is between the parts


def data(explorer: LexborNode) -> dict[str, Any]:
    """What an explorer says of itself: title, parameters, items, texts."""
    script = explorer.css_first("script")
    if script is None:
        return {}
    packed = zlib.decompress(base64.b64decode(script.text()))
    return json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])


@functools.cache
def _font(bold: bool) -> ft2font.FT2Font:
    return ft2font.FT2Font(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf")


@functools.cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in pixels, in letters of this size: those of DejaVu Sans, which are wide.

    >>> round(text_width("million", 16)), round(text_width("mmmmmmm", 16)), text_width("", 16)
    (53, 109, 0.0)
    """
    font = _font(bold)
    font.set_size(size, 72)
    font.set_text(text, 0, flags=ft2font.LoadFlags.NO_HINTING)
    return font.get_width_height()[0] / 64


def lines(widths: Iterable[float], room: float) -> int:
    """How many lines entries of these widths take beside each other.

    >>> lines([60, 60, 30], 100), lines([], 100)
    (2, 0)
    """
    count, pen = 0, math.inf
    for width in widths:
        pen += width
        if pen >= room:
            count, pen = count + 1, width
    return count


def height(spec: dict[str, Any], width: int) -> int:
    """How high an explorer will be, in pixels, in a column of this width."""
    phone = width < COLUMN
    plot = (
        max(170.0, min(430.0, (width - 60) * spec["aspect"]))
        if spec["aspect"] < 0.8
        else min(430.0, (width - 42) * spec["aspect"])
    )
    entries = (
        55 + text_width(item["name"], 14) + (SCALE if item["kind"] == "image" else 0)
        for item in spec["items"]
        if item.get("name")
    )
    legend = lines(entries, width + 17)
    first, other = (55, 58) if phone else (28, 30.5)
    boxes = sum(parameter.get("kind") == "check" for parameter in spec["parameters"]) if phone else 0
    buttons = (max(106, 24.5 + text_width(words, 16)) for words, _ in spec.get("views", []))
    longest = max(text_width(text, 16) for text in spec["texts"])
    return math.ceil(
        LINE * math.ceil(text_width(spec["title"], 16, bold=True) / width)
        + 22 * legend - (2 if legend else 0)
        + plot + 70
        + first + other * (len(spec["parameters"]) - 1) - BESIDE * boxes
        + 33.5 * lines(buttons, width + 6)
        + LINE * math.ceil(longest / (0.96 * width))
        + REST + (19 if phone else 0)
    )  # fmt: skip


def reserved(page: Page) -> None:
    """Each explorer says how high it will be; the sheet keeps that free where scripts run."""
    for explorer in page.tree.css("div.ntk-explorer"):
        if spec := data(explorer):
            high, low = height(spec, COLUMN), height(spec, PHONE)
            explorer.attrs["style"] = f"--desktop: {high}px; --phone: {low}px"
