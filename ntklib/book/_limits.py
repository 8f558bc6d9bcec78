"""Which part of its axes, and of its scale of colours, does an explorer show?"""

from collections.abc import Sequence

import numpy as np

from ntklib.book._drawings import Array, Frame, axes

__all__ = ["color_limits", "limits"]


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


def color_limits(frames: Sequence[Frame], index: int) -> list[float] | None:
    """The values at the ends of the colours of an image; `None` for what is none."""
    item = frames[0].items[index]
    if item["kind"] != "image" or item["limits"]:
        return item.get("limits")
    values = np.concatenate([frame.arrays[index][2].ravel() for frame in frames])
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if not np.isnan(values).all() else (0.0, 1.0)
    if item["diverging"]:
        high = max(-low, high)
        low = -high
    return [low, high] if high > low else [low, low + 1.0]
