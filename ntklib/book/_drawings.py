"""What can an explorer draw?

A drawing is a list of the small objects below and of at most one line of text; :func:`frame` checks it.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments
from ntklib.book._roles import COLORS, DASHES, MARKERS, ROLES
from ntklib.book._values import without_negative_zeros

__all__ = ["Array", "Band", "Bars", "Drawing", "Frame", "Image", "Item", "Line", "Points", "Rule", "axes", "frame"]

Array = NDArray[np.float64]


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
Drawing = Item | Iterable[Item | str]


class Frame(NamedTuple):
    """A drawing that was checked: for each item what does not change and its arrays, and the line of text."""

    items: list[dict[str, Any]]
    arrays: list[list[Array]]
    text: str

    def structure(self) -> list[tuple[str, str, str, Any]]:
        """What has to agree between settings."""
        return [(item["kind"], item["name"], item["role"], item.get("columns")) for item in self.items]


def frame(drawing: Drawing, scales: dict[str, str]) -> Frame:
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
    return Frame(
        [_attributes(i, a, dashes) for i, a in zip(items, arrays, strict=True)],
        arrays,
        without_negative_zeros("".join(texts)),
    )


def _arrays(item: Item, scales: dict[str, str]) -> list[Array]:
    _arguments.text(f"name of {type(item).__name__}", item.name, empty=True)
    what = f"{type(item).__name__} {item.name!r}"
    _check_choices(item, what)
    if isinstance(item, Rule) and (item.x is None) == (item.y is None):
        raise ValueError(f"{what} needs either x or y")
    arrays = []
    for name, axis, given in item.parts():
        found: Any = given
        if not np.ma.isMaskedArray(given):
            found = _arguments.read(f"{name} of {what}", given, np.asarray)
        if found.dtype.kind not in "biuf":
            raise ValueError(f"{name} of {what} must hold real numbers, got {found.dtype}")
        values = np.ma.asarray(found, np.float64)
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


def _check_choices(item: Item, what: str) -> None:
    """Refuse what is none of the things that an item can be chosen to be."""
    _arguments.choice(f"role of {what}", item.role, ROLES)
    for name, choices in (("dash", DASHES), ("marker", MARKERS)):
        if (value := getattr(item, name, None)) is not None:
            _arguments.choice(f"{name} of {what}", value, choices)
    if isinstance(item, Image):
        _arguments.choice(f"colors of {what}", item.colors, COLORS)
        _arguments.interval(f"limits of {what}", item.limits)
        for name, values in (("extent", item.extent), ("contours", item.contours)):
            numbers = isinstance(values, Sequence | np.ndarray) and all(map(_arguments.is_number, values))
            if not numbers or (name == "extent" and len(values) != 4):
                raise ValueError(f"{name} of {what} must be {'four ' * (name == 'extent')}numbers, got {values!r}")


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


def axes(item: dict[str, Any]) -> str:
    """The axis of each array of an item, a letter for each."""
    return {"line": "xy", "band": "xyy", "points": "xy", "bars": "xy", "image": "xyz", "rule": item.get("axis", "")}[
        item["kind"]
    ]
