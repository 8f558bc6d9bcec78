"""What does a figure of the book look like? One style, one colour for each kind of object, and the recurring plots.

Colours mean the same thing through the whole book: see :data:`COLORS`. Readers who do not see them apart, or print in
grey, have the dashes and markers that go with them.
"""

import itertools
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments
from ntklib.book._needs import needed_for
from ntklib.book._roles import COLORS as SCALES
from ntklib.book._roles import ROLES
from ntklib.book._widget import someone_watches

with needed_for("ntklib.book.figures"):
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

__all__ = ["COLORS", "MARKERS", "agreement", "gram", "power_law", "spectrum", "use_style"]

#: What is data, a finite network, a kernel or a prediction, and what is only there for comparison: as in the explorers.
COLORS: Mapping[str, str] = {
    **{name: ROLES[name].light for name in ("network", "kernel", "data", "prediction")},
    "reference": ROLES["neutral"].light,
}

MARKERS: Mapping[str, str] = {"network": "s", "kernel": "^", "data": ".", "prediction": "D", "reference": "x"}

# From the ground to its opposite: turned light on dark in the dark theme, small still is what is near the ground.
_PALE_TO_DEEP = LinearSegmentedColormap.from_list("pale to deep", SCALES["sequential"][0])
mpl.colormaps.register(_PALE_TO_DEEP, force=True)


def use_style() -> None:
    """Make the book's style the default, and show figures as SVG in a notebook: call it once, in the first cell."""
    # a page has a ground of its own, light or dark, and shows figures on it; a notebook shows them as they are
    ground = "white" if "IPython" in sys.modules and someone_watches() else "none"
    mpl.rcParams.update(
        {
            "figure.figsize": (5.8, 3.5),  # narrower than the text: on a phone it is not made so small
            "figure.constrained_layout.use": True,
            "figure.facecolor": ground,
            "axes.facecolor": "none",
            "savefig.facecolor": ground,
            "font.size": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.8,
            "axes.titlesize": 11,
            "axes.prop_cycle": cycler(color=list(COLORS.values())),
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "legend.frameon": False,
            "legend.fontsize": 10,
            "image.cmap": _PALE_TO_DEEP.name,
            "svg.hashsalt": "book",  # the same figure is the same file
            "svg.fonttype": "path",
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # not in a notebook
        return
    set_matplotlib_formats("svg", metadata={"Date": None})


def power_law(
    sizes: ArrayLike,
    values: Mapping[str, ArrayLike],
    exponents: Mapping[str, float],
    *,
    x_label: str,
    y_label: str,
    roles: Sequence[str] = ("network", "prediction", "kernel"),
) -> Figure:
    """Measurements against size on two logarithmic axes, each with the power law that is claimed for it.

    The law is drawn through the geometric mean of the measurements, so only its slope is compared.

    Args:
        sizes: (s,), positive.
        values: name of a series to its measurements, (s,) or (s, repetitions); repetitions become a band from
            the 10th to the 90th percentile around their mean.
        exponents: name of a series to the slope of its law.
        x_label: what the sizes are.
        y_label: what is measured.
        roles: the key of :data:`COLORS` of each series, in order.

    Raises:
        ValueError: if there are fewer roles than series, or a series has another shape.
    """
    sizes = _numbers("sizes", sizes)
    if sizes.ndim != 1 or not np.all(sizes > 0):
        raise ValueError(f"sizes must be positive, of shape (s,), got {sizes.tolist()}")
    _arguments.mapping("values", values, "names of series to measurements")
    if not values:
        raise ValueError("values must have at least one series, got {}")
    _arguments.mapping("exponents", exponents, "names of series to slopes")
    if set(exponents) != set(values) or not all(map(_arguments.is_number, exponents.values())):
        raise ValueError(
            f"exponents must have a number for each of {list(values)} and no others, got {dict(exponents)}"
        )
    if isinstance(roles, str) or not isinstance(roles, Sequence) or not set(roles) <= set(COLORS):
        raise ValueError(f"roles must be some of {', '.join(COLORS)}, got {roles!r}")
    _check_labels(x_label=x_label, y_label=y_label)
    figure = Figure()
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
    if len(roles) < len(values):
        raise ValueError(f"roles must name one for each of the {len(values)} series, got {len(roles)}")
    for (name, given), role in zip(values.items(), roles, strict=False):
        series = _numbers(f"values[{name!r}]", given)
        if series.ndim not in (1, 2) or len(series) != len(sizes):
            raise ValueError(
                f"values[{name!r}] must have shape ({len(sizes)},) or ({len(sizes)}, repetitions), got {series.shape}"
            )
        series = series.reshape(len(sizes), -1)
        mean = series.mean(1)
        if series.shape[1] > 1:
            low, high = np.percentile(series, [10, 90], axis=1)
            axes.fill_between(sizes, low, high, color=COLORS[role], alpha=0.18, linewidth=0)
        axes.plot(sizes, mean, MARKERS[role], color=COLORS[role], label=name)
        law = np.exp(np.log(mean).mean()) * (sizes / np.exp(np.log(sizes).mean())) ** exponents[name]
        slope = f"slope {exponents[name]:g}".replace("-", "−")
        axes.plot(sizes, law, "--", color=COLORS[role], linewidth=1.2, label=slope)
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.minorticks_off()
    figure.legend(loc="outside upper left", ncols=min(len(values), 3))  # each series above its law
    return figure


def spectrum(series: Mapping[str, tuple[ArrayLike, ArrayLike]], *, x_label: str, y_label: str, floor: float) -> Figure:
    """Eigenvalues on a logarithmic axis; those that are zero to rounding are drawn on the floor, hollow.

    Args:
        series: name to (indices, eigenvalues).
        x_label: what the index is.
        y_label: what the eigenvalue is.
        floor: values below this are drawn there.

    Raises:
        ValueError: if there are more than three series.
    """
    roles = ("kernel", "network", "prediction")
    _arguments.mapping("series", series, "names to pairs of indices and eigenvalues")
    _arguments.number("floor", floor, positive=True)
    _check_labels(x_label=x_label, y_label=y_label)
    pairs = {name: _pair("series", name, pair) for name, pair in series.items()}
    if len(series) > len(roles):
        raise ValueError(f"series must be at most {len(roles)}, got {len(series)}")
    figure = Figure()
    axes = figure.add_subplot(yscale="log", xlabel=x_label, ylabel=y_label)
    for (name, (at, values)), role in zip(pairs.items(), roles, strict=False):
        null = values < floor
        color, marker = COLORS[role], MARKERS[role]
        axes.plot(at[~null], values[~null], marker, color=color, label=name)
        if null.any():
            hollow = np.full(null.sum(), floor)
            axes.plot(at[null], hollow, marker, color=color, markerfacecolor="none", label=f"{name}: zero")
        axes.set_xticks(at[:: max(1, len(at) // 16)])
    axes.legend()
    return figure


def gram(matrix: ArrayLike, boundaries: Sequence[int], labels: Sequence[str], *, label: str) -> Figure:
    """A matrix without negative entries as an image, pale where they are small, with lines between groups of rows.

    The scale begins at zero, or at the least entry if nothing is near zero.

    Args:
        matrix: (n, n).
        boundaries: the first row of each group, and n.
        labels: of the groups.
        label: what the entries are, for the colour bar.
    """
    entries = _numbers("matrix", matrix)
    if entries.ndim != 2 or entries.shape[0] != entries.shape[1] or not entries.size or entries.min() < 0:
        least = f", entries from {entries.min():.3g}" if entries.size else ""
        raise ValueError(f"matrix must have shape (n, n) and no negative entries, got shape {entries.shape}{least}")
    edges = np.asarray(_arguments.read("boundaries", boundaries, np.asarray))
    if edges.ndim != 1 or edges.dtype.kind not in "iu" or len(edges) < 2 or np.any(np.diff(edges) <= 0):
        raise ValueError(f"boundaries must be integers that increase, got {list(boundaries)!r}")
    if edges[0] != 0 or edges[-1] != len(entries):
        raise ValueError(f"boundaries must go from 0 to {len(entries)}, got {edges.tolist()}")
    if isinstance(labels, str) or not isinstance(labels, Sequence) or len(labels) != len(edges) - 1:
        raise ValueError(f"labels must be {len(edges) - 1} texts, one for each group, got {labels!r}")
    _check_labels(label=label)
    figure = Figure(figsize=(5.2, 4.3))
    axes: Axes = figure.add_subplot()
    pale = float(entries.min()) if entries.min() > 0.15 * entries.max() else 0.0
    image = axes.imshow(entries, interpolation="nearest", vmin=pale, cmap=_PALE_TO_DEEP)
    for edge in boundaries[1:-1]:
        axes.axhline(edge - 0.5, color="white", linewidth=0.6)
        axes.axvline(edge - 0.5, color="white", linewidth=0.6)
    centres = [(a + b - 1) / 2 for a, b in itertools.pairwise(boundaries)]
    axes.set_xticks(centres, labels)
    axes.set_yticks(centres, labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=label, shrink=0.85)
    return figure


def agreement(panels: Mapping[str, tuple[ArrayLike, ArrayLike]], *, x_label: str, y_label: str) -> Figure:
    """Two predictions of the same thing against each other, side by side for each panel, on equal axes.

    Args:
        panels: title to (horizontal values, vertical values).
        x_label: what the horizontal values are.
        y_label: what the vertical values are.
    """
    _arguments.mapping("panels", panels, "titles to pairs of values")
    _check_labels(x_label=x_label, y_label=y_label)
    drawn = {title: _pair("panels", title, pair) for title, pair in panels.items()}
    if not drawn:
        raise ValueError("panels must be at least one, got none")
    figure = Figure(figsize=(6.2, 3.2))
    everything = np.concatenate([np.ravel(v) for pair in drawn.values() for v in pair])
    low, high = everything.min(), everything.max()
    for index, (title, (x, y)) in enumerate(drawn.items()):
        axes = figure.add_subplot(1, len(panels), index + 1, aspect="equal", title=title, xlabel=x_label)
        axes.plot([low, high], [low, high], "--", color=COLORS["reference"], linewidth=1)
        axes.plot(np.ravel(x), np.ravel(y), ".", color=COLORS["network"], markersize=2.5, alpha=0.4, rasterized=True)
        axes.set(xlim=(low, high), ylim=(low, high))
        if index == 0:
            axes.set_ylabel(y_label)
    return figure


def _numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    return _arguments.array_of_numpy(name, values).astype(float)


def _pair(argument: str, name: str, pair: tuple[ArrayLike, ArrayLike]) -> tuple[NDArray, NDArray]:
    """Two arrays of one shape, of which a drawing takes an entry of each."""
    its = f"{argument}[{name!r}]"
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"{its} must be a pair of arrays, got {_arguments.got(pair)}")
    first, second = (_arguments.array_of_numpy(its, values) for values in pair)
    if first.shape != second.shape:
        raise ValueError(f"{its} must be two arrays of one shape, got {first.shape} and {second.shape}")
    return first, second


def _check_labels(**labels: str) -> None:
    for name, label in labels.items():
        _arguments.text(name, label, empty=True)
