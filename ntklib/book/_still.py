"""What does an explorer look like where nothing moves: in print, in a feed, in a notebook on the web?"""

import io
from typing import Any

import numpy as np

from ntklib.book._drawings import Array, Frame
from ntklib.book._needs import needed_for

with needed_for("the still picture of an explorer"):
    import PIL.Image
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

__all__ = ["picture"]

MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "x", "ring": "o"}


def picture(spec: dict[str, Any], frame: Frame, limits: dict[str, Any], setting: str) -> bytes:
    """A PNG of one drawing.

    Args:
        spec: the labels, scales and ticks of the explorer.
        frame: the drawing.
        limits: the ends of the axes `"x"` and `"y"`, and `"z"` with those of the colours of each item.
        setting: in words, for the title.
    """
    figure = Figure(figsize=(6.4, max(2.6, min(6.4 * spec["aspect"], 6.0)) + 0.6), layout="constrained")
    axes = figure.subplots()
    bars = [item["kind"] for item in frame.items].count("bars")
    for index, (item, arrays) in enumerate(zip(frame.items, frame.arrays, strict=True)):
        first = all(other["kind"] != "bars" for other in frame.items[:index])
        _draw(axes, item, arrays, limits["z"][index], 2 + index, filled=bars == 1 or not first)
    for axis in "xy":
        getattr(axes, f"set_{axis}scale")(spec[axis]["scale"])
        getattr(axes, f"set_{axis}lim")(limits[axis])
        getattr(axes, f"set_{axis}label")(spec[axis]["label"])
        if spec[axis]["ticks"] is not None:
            places, texts = [place for place, _ in spec[axis]["ticks"]], [text for _, text in spec[axis]["ticks"]]
            getattr(axes, f"set_{axis}ticks")(places, texts)
    if 0.8 <= spec["aspect"] <= 1.25:
        axes.set_box_aspect(spec["aspect"])
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{spec['title']}\n{setting}", fontsize="medium", loc="left")
    handles, names = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110, facecolor="white", transparent=False)  # whatever the style says
    with PIL.Image.open(drawn) as image:  # 128 colours take a third of the bytes, in every page
        image.convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def _draw(
    axes: Axes, item: dict[str, Any], arrays: list[Array], ends: list[float] | None, order: int, *, filled: bool
) -> None:
    color, kind = item["color"][0], item["kind"]
    style: dict[str, Any] = {"label": item["name"] or None, "zorder": order}
    dash = (0, tuple(int(part) / 1.8 for part in item["dash"].split())) if item.get("dash") else "-"
    if kind == "line":
        lines = np.atleast_2d(arrays[1])
        for line in lines:
            axes.plot(arrays[0], line, color=color, ls=dash, lw=1.8 if len(lines) == 1 else 0.9, **style)
            style["label"] = None
    elif kind == "band":
        axes.fill_between(arrays[0], arrays[1], arrays[2], color=color, alpha=0.2, lw=0, **style)
    elif kind == "points":
        ring, marker = item["marker"] == "ring", MARKERS[item["marker"]]
        style |= {"color": color} if marker == "x" else {"facecolors": color, "edgecolors": "white", "linewidths": 0.6}
        style |= {"facecolors": "none", "edgecolors": color, "linewidths": 1.4} if ring else {}
        axes.scatter(arrays[0], arrays[1], s=90 if ring else 30, marker=marker, **style)
    elif kind == "bars":
        style |= {"fill": True, "alpha": 0.4} if filled else {"linewidth": 1.2}
        axes.stairs(np.nan_to_num(arrays[1]), arrays[0], color=color, **style)
    elif kind == "rule":
        getattr(axes, "axvline" if item["axis"] == "x" else "axhline")(
            arrays[0][0], color=color, ls=dash, lw=1.4, **style
        )
    else:
        x, y, z = arrays
        colors = LinearSegmentedColormap.from_list("explorer", item["colors"][0])
        shown = axes.imshow(z, cmap=colors, origin="lower", extent=(*x, *y), aspect="auto", clim=ends, zorder=order)
        axes.figure.colorbar(shown, ax=axes, label=item["name"], shrink=0.8)
        if item["contours"] and min(z.shape) > 1:
            _contours(axes, x, y, z, item["contours"], order)


def _contours(axes: Axes, x: Array, y: Array, z: Array, levels: list[float], order: int) -> None:
    inside = [level for level in levels if np.nanmin(z) < level < np.nanmax(z)]
    if inside:  # matplotlib warns if there is nothing to draw
        rows, columns = z.shape
        across, up = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
        where = x[0] + across * (x[1] - x[0]), y[0] + up * (y[1] - y[0])
        styles = ["-" if level == 0 or len(inside) == 1 else "--" for level in sorted(inside)]
        axes.contour(
            *where, z, levels=sorted(inside), colors="#24292f", linewidths=1.2, linestyles=styles, zorder=order
        )
