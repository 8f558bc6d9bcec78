r"""What can an explorer draw, and how is a drawing stored in a page?

A drawing is a list of the small objects below and of at most one line of text. Its numbers are stored as integers of
16 bits between the least and the greatest value of each array, so that each differs from what was computed by at most
:math:`(\max - \min)/131068` (on a logarithmic axis: in :math:`\log_{10}`). An array that occurs in several settings is
stored once; differences of neighbours, high bytes first, make the rest small for the compression.
"""

import base64
import dataclasses
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ROLES", "Band", "Bars", "Frame", "Image", "Item", "Line", "Points", "Role", "Rule", "Store", "frame"]

Array = NDArray[np.float64]


class Role(NamedTuple):
    """How an object of the book looks in every figure: a colour on white and on dark, a dash pattern, a marker."""

    light: str
    dark: str
    dash: str
    marker: str


# The colours differ for all common kinds of colour-blindness and have a contrast of at least 4.5 to their background.
ROLES = {
    "data": Role("#24292f", "#e6e6e6", "2 3", "circle"),
    "network": Role("#1f6fb4", "#6cb4ee", "", "square"),
    "kernel": Role("#c2491d", "#ff9361", "7 4", "triangle"),
    "prediction": Role("#0a7f5f", "#3ecfa3", "9 3 2 3", "diamond"),
    "neutral": Role("#6e7681", "#9aa4af", "2 3", "cross"),
    "negative": Role("#7b3fa0", "#c89bea", "5 3", "circle"),
    "positive": Role("#9a6700", "#e3b341", "", "triangle"),
}
DASHES = ("", "7 4", "2 3", "9 3 2 3", "5 3")
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "ring")
# From the least to the greatest value, on white and on dark; the diverging ones run between two roles of two classes,
# and the class below zero ends further from the ground, so that the two are not the same grey.
COLORS = {
    "sequential": (
        ["#f4f6f8", "#a9c9e6", "#4a8fc9", "#1c5791", "#0b2545"],
        ["#1b222b", "#1f4468", "#2f78b4", "#86bfee", "#eef7ff"],
    ),
    "diverging": (
        ["#4c1f6e", "#ae86c9", "#f7f6f4", "#ead9ad", "#c39a3f"],
        ["#e6d0f8", "#84609f", "#1d222a", "#574618", "#a57d22"],
    ),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """A line through the points (x, y), or several: `x` is (n,), `y` (n,) or (lines, n); a masked `y` is a gap."""

    kind: ClassVar = "line"
    x: ArrayLike
    y: ArrayLike
    name: str = ""
    role: str = "neutral"
    dash: str | None = None

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        return [("x", "x", self.x), ("y", "y", self.y)]


@dataclasses.dataclass(frozen=True, eq=False)
class Band:
    """The region between the lines `lower` and `upper` over `x`, all (n,)."""

    kind: ClassVar = "band"
    x: ArrayLike
    lower: ArrayLike
    upper: ArrayLike
    name: str = ""
    role: str = "neutral"

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        return [("x", "x", self.x), ("lower", "y", self.lower), ("upper", "y", self.upper)]


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """Markers at (x, y), both (n,); n may differ between settings and be 0. A `"ring"` goes around another marker."""

    kind: ClassVar = "points"
    x: ArrayLike
    y: ArrayLike
    name: str = ""
    role: str = "data"
    marker: str | None = None

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        return [("x", "x", self.x), ("y", "y", self.y)]


@dataclasses.dataclass(frozen=True, eq=False)
class Bars:
    """Bars between neighbouring `edges` (n + 1,) with `heights` (n,), as `numpy.histogram` counts them."""

    kind: ClassVar = "bars"
    edges: ArrayLike
    heights: ArrayLike
    name: str = ""
    role: str = "data"

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        return [("edges", "x", self.edges), ("heights", "y", self.heights)]


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
    """A heat map of `z` (rows, columns), the first row between y0 and the next, in ``extent = (x0, x1, y0, y1)``.

    `colors` is ``"sequential"`` or ``"diverging"``; `limits` are the values at its ends, by default the least and the
    greatest of all settings (with opposite signs if diverging). `contours` are levels at which lines are drawn,
    by linear interpolation between the stored values.
    """

    kind: ClassVar = "image"
    z: ArrayLike
    extent: tuple[float, float, float, float]
    name: str = ""
    colors: str = "sequential"
    limits: tuple[float, float] | None = None
    contours: tuple[float, ...] = ()
    role: ClassVar = "data"

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        return [("extent", "x", self.extent[:2]), ("extent", "y", self.extent[2:]), ("z", "z", self.z)]


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """A straight line across the figure, upright at `x` or level at `y`."""

    kind: ClassVar = "rule"
    x: float | None = None
    y: float | None = None
    name: str = ""
    role: str = "neutral"
    dash: str | None = None

    def parts(self) -> list[tuple[str, str, Any]]:
        """Each array with its name and its axis."""
        axis = "x" if self.y is None else "y"
        return [(axis, axis, np.atleast_1d(getattr(self, axis)))]


Item = Line | Band | Points | Bars | Image | Rule


class Frame(NamedTuple):
    """A drawing that was checked: for each item what does not change and its arrays, and the line of text."""

    items: list[dict[str, Any]]
    arrays: list[list[Array]]
    text: str

    def structure(self) -> list[tuple[str, str, str, Any]]:
        """What has to agree between settings."""
        return [(item["kind"], item["name"], item["role"], item.get("columns")) for item in self.items]


def frame(drawing: Item | Iterable[Item | str], scales: dict[str, str]) -> Frame:
    """Check a drawing; masked values come out as nan.

    Args:
        drawing: an item, or items and at most one line of text.
        scales: `"linear"` or `"log"` for the axes `"x"` and `"y"`.

    Raises:
        ValueError: naming the item and what is wrong with it.

    >>> frame([Line([0, 1], [2, 3], "loss"), "done"], {"x": "linear", "y": "linear"}).text
    'done'
    """
    given = [drawing] if isinstance(drawing, Item | str) else list(drawing)
    texts = [part for part in given if isinstance(part, str)]
    items = [part for part in given if isinstance(part, Item)]
    for part in given:
        if not isinstance(part, Item | str):
            raise ValueError(f"a drawing is made of Line, Band, Points, Bars, Image, Rule and text, got {part!r}")
    if not items or len(texts) > 1:
        raise ValueError(f"a drawing has one item or more and at most one text, got {len(items)} and {len(texts)}")
    arrays = [_arrays(item, scales) for item in items]
    dashes: dict[str, list[str]] = {}
    return Frame([_attributes(i, a, dashes) for i, a in zip(items, arrays, strict=True)], arrays, "".join(texts))


def _arrays(item: Item, scales: dict[str, str]) -> list[Array]:
    what = f"{type(item).__name__} {item.name!r}"
    if isinstance(item, Rule) and (item.x is None) == (item.y is None):
        raise ValueError(f"{what} needs either x or y")
    arrays = []
    for name, axis, given in item.parts():
        try:
            values = np.ma.asarray(given if np.ma.isMaskedArray(given) else np.asarray(given), np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} of {what} is not an array of numbers: {error}") from None
        mask = np.ma.getmaskarray(values)
        if mask.any() and name in ("x", "edges", "extent"):
            raise ValueError(f"{name} of {what} must not be masked")
        present = values.data[~mask]
        wrong = present[~(np.abs(present) < 1e37)]
        if wrong.size:
            hint = (
                "; mask what is missing (numpy.ma.masked_invalid) to leave a gap" if name not in ("x", "edges") else ""
            )
            raise ValueError(
                f"{wrong.size} of {values.size} values of {name} of {what} are not finite ({wrong[0]}){hint}"
            )
        if scales.get(axis) == "log" and (present <= 0).any():
            raise ValueError(
                f"{name} of {what} has values that are not positive, on a logarithmic axis: {present.min()}"
            )
        arrays.append(np.where(mask, np.nan, values.data))
    _check_shapes(item, what, arrays, scales)
    return arrays


def _check_shapes(item: Item, what: str, arrays: list[Array], scales: dict[str, str]) -> None:
    shapes = {name: array.shape for (name, _, _), array in zip(item.parts(), arrays, strict=True)}
    if isinstance(item, Image):
        fits = arrays[2].ndim == 2 and arrays[2].size > 0 and len(item.extent) == 4
        want = "z with rows and columns, an extent of four"
        if "log" in scales.values():
            raise ValueError(f"{what} needs linear axes")
        if item.colors not in COLORS:
            raise ValueError(f"colors of {what} must be one of {', '.join(COLORS)}, got {item.colors!r}")
    elif isinstance(item, Bars):
        fits = arrays[0].ndim == arrays[1].ndim == 1 and len(arrays[0]) == len(arrays[1]) + 1
        want = "one edge more than heights"
    elif isinstance(item, Rule):
        fits, want = arrays[0].shape == (1,), "a number"
    else:
        last = {array.shape[-1:] for array in arrays}
        most = 2 if isinstance(item, Line) else 1
        fits = len(last) == 1 and arrays[0].ndim == 1 and all(1 <= a.ndim <= most for a in arrays)
        want = "arrays of equal length"
    if not fits:
        raise ValueError(f"{what} needs {want}, got " + ", ".join(f"{k} {v}" for k, v in shapes.items()))
    if item.role not in ROLES:
        raise ValueError(f"role of {what} must be one of {', '.join(ROLES)}, got {item.role!r}")
    dash, marker = getattr(item, "dash", None), getattr(item, "marker", None)
    if dash not in (None, *DASHES) or marker not in (None, *MARKERS):
        raise ValueError(f"{what} must have a dash of {DASHES} and a marker of {MARKERS}, got {dash!r}, {marker!r}")


def _attributes(item: Item, arrays: list[Array], dashes: dict[str, list[str]]) -> dict[str, Any]:
    """What the script has to know about an item besides its arrays."""
    role = ROLES[item.role]
    known: dict[str, Any] = {"kind": item.kind, "name": item.name, "role": item.role, "color": [role.light, role.dark]}
    if isinstance(item, Line | Rule):
        used = dashes.setdefault(item.role, [])
        free = [dash for dash in (role.dash, *DASHES) if dash not in used] or [role.dash]
        known["dash"] = free[0] if item.dash is None else item.dash
        used.append(known["dash"])
    if isinstance(item, Rule):
        known["axis"] = "x" if item.y is None else "y"
    if isinstance(item, Points):
        known["marker"] = item.marker or role.marker
    if isinstance(item, Image):
        known |= {"columns": arrays[2].shape[1], "colors": list(COLORS[item.colors]), "contours": list(item.contours)}
        known["diverging"] = item.colors == "diverging"
        known["limits"] = item.limits and [float(value) for value in item.limits]
    return known


class Store:
    """Arrays as they are stored: each once, in 16 bits a number, or as float32 where those would be too coarse."""

    MISSING = 65535  # the code of a gap; values have the codes from 0 to 65534

    def __init__(self) -> None:
        self._index: dict[tuple[bytes, bool], int] = {}
        self._codes: list[NDArray[np.uint16]] = []
        self._floats: list[NDArray[np.float32]] = []
        self.heads: list[list[Any]] = []

    def add(self, values: Array, *, log: bool = False, resolution: float = np.inf) -> int:
        """The number of an array, which is stored unless an equal one is.

        Args:
            values: numbers, nan for gaps, flattened row by row.
            log: whether to store logarithms.
            resolution: the greatest error that is not seen; beyond it the array is stored as float32.
        """
        flat = np.ascontiguousarray(values, np.float64).ravel()
        key = (flat.tobytes(), log)
        if key not in self._index:
            self._index[key] = len(self.heads)
            scaled = np.log10(flat) if log else flat
            missing = np.isnan(flat)
            low, high = (float(np.nanmin(scaled)), float(np.nanmax(scaled))) if not missing.all() else (0.0, 0.0)
            if (high - low) / (2 * 65534) > resolution:
                self._floats.append(flat.astype(np.float32))
                self.heads.append([flat.size])
            else:
                unit = (high - low) / 65534 if high - low > 1e-300 else 1.0
                codes = np.where(missing, self.MISSING, np.rint((scaled - low) / unit)).astype(np.uint16)
                self._codes.append(np.diff(codes, prepend=np.uint16(0)))  # wraps around, and back when summed
                self.heads.append([flat.size, low, high, int(log)])
        return self._index[key]

    def pack(self, header: dict[str, Any]) -> str:
        """The header, the heads of the arrays and their contents, compressed, as text that HTML leaves alone."""
        text = json.dumps({**header, "arrays": self.heads}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        codes = np.concatenate([np.empty(0, np.uint16), *self._codes])
        floats = np.concatenate([np.empty(0, np.float32), *self._floats])
        parts = [text.encode(), (codes >> 8).astype(np.uint8).tobytes(), codes.astype(np.uint8).tobytes()]
        payload = b"".join([len(parts[0]).to_bytes(4, "little"), *parts, floats.astype("<f4").tobytes()])
        return base64.b64encode(zlib.compress(payload, 9)).decode()


def limits(frames: Sequence[Frame], axis: str, scale: str) -> list[float]:
    """The least interval that shows everything on an axis, with room around it where that helps."""
    found: list[Array] = []
    flush = zero = False  # does something reach from edge to edge, does something stand on the axis
    for drawn in frames:
        for item, arrays in zip(drawn.items, drawn.arrays, strict=True):
            found += [array[~np.isnan(array)] for array, of in zip(arrays, axes(item), strict=True) if of == axis]
            flush |= item["kind"] == "image" or (axis == "x" and item["kind"] in ("line", "band", "bars"))
            zero |= axis == "y" and item["kind"] == "bars" and scale == "linear"
    values = np.concatenate([np.empty(0), *map(np.ravel, found)])
    if not values.size:
        return [1.0, 10.0] if scale == "log" else [0.0, 1.0]
    low, high = float(values.min()), float(values.max())
    if scale == "log":
        low, high = np.log10(low), np.log10(high)
    elif zero or (not flush and 0 <= low < 0.25 * high):
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.05 * (high - low) or (0.5 if scale == "log" else 0.5 * abs(high) or 1.0)
    stands = low == 0 and high > 0 and scale == "linear"
    bottom = low if stands or (flush and high > low) else low - room
    top = high if flush and high > low else high + room
    return [float(10**bottom), float(10**top)] if scale == "log" else [bottom, top]


def axes(item: dict[str, Any]) -> str:
    """The axis of each array of an item, a letter for each."""
    return {"line": "xy", "band": "xyy", "points": "xy", "bars": "xy", "image": "xyz", "rule": item.get("axis", "")}[
        item["kind"]
    ]
