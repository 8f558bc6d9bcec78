"""What does a saved notebook show of the laboratory where nothing trains? The data, and what the kernel predicts."""

import io
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib.book._needs import needed_for
from ntklib.book._roles import ROLES
from ntklib.mlp import MLP

with needed_for("the still picture of the laboratory"):
    from matplotlib.figure import Figure

__all__ = ["picture", "prediction"]

Floats = NDArray[np.float64]


def _tangent(setting: Any, x1: Floats, x2: Floats) -> Floats:
    """The kernel at infinite width, as the scale and the width make it: (n1, n2)."""
    w, b, width = setting.w_std, setting.b_std, setting.width

    def network(depth: int) -> MLP:
        return MLP(depth=depth, activation=setting.activation, w_std=w, b_std=b)

    if setting.scale != "standard":
        kernel = np.asarray(network(setting.depth).ntk(x1, x2))
        return kernel / width if setting.scale == "mean_field" else kernel
    nngp, ntk = (
        [np.asarray(getattr(network(depth), kind)(x1, x2)) for depth in range(setting.depth + 1)]
        for kind in ("nngp", "ntk")
    )
    theta = x1.shape[1] / w**2 * (nngp[0] - b**2) + (b > 0)
    for layer in range(1, setting.depth + 1):  # each layer's part, times fan-in / w²
        below = ntk[layer - 1]
        slopes = np.divide(ntk[layer] - nngp[layer], below, where=below != 0, out=np.zeros_like(theta))
        theta = width / w**2 * (nngp[layer] - b**2) + (b > 0) + slopes * theta
    return theta


def _inputs(domain: str, places: Floats) -> Floats:
    if domain == "circle":
        turn = np.radians(places)
        return 2**0.5 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return places.reshape(len(places), -1)


def prediction(setting: Any, places: ArrayLike) -> tuple[Floats, Floats]:
    """What the kernel predicts at other places for networks that start at zero: at this step, and after infinite time.

    Args:
        setting: a :class:`ntklib.book.laboratory.Laboratory`.
        places: as its `x`.

    Returns:
        Two arrays of one number a place.
    """
    with jax.enable_x64(True):
        x, y = _inputs(setting.domain, setting.x), setting.y
        theta = _tangent(setting, x, x)
        cross = _tangent(setting, _inputs(setting.domain, np.asarray(places, float)), x)
    values, vectors = np.linalg.eigh(theta)
    known = values > 1e-14 * max(values[-1], 0)  # along the others nothing is learned
    values, vectors = values[known], vectors[:, known]
    rate = 2 * setting.learning_rate / values[-1] if len(values) else 0.0
    learned = np.array([_coefficient(rate, value, setting.momentum, setting.step) for value in values])
    onto = vectors.T @ y
    return cross @ (vectors @ (learned * onto)), cross @ (vectors @ (onto / values))


def _coefficient(rate: float, value: float, momentum: float, step: int) -> float:
    """What so many steps of descent make of a coefficient that starts at zero and is to become 1 / value."""
    turn = np.array([[1 - rate * value, momentum, rate], [-rate * value, momentum, rate], [0, 0, 1]])
    with np.errstate(all="ignore"):  # above the threshold it leaves all numbers
        end = np.linalg.matrix_power(turn, step)[0, 2]
    return float(np.clip(np.nan_to_num(end, nan=1e150), -1e150, 1e150))


def picture(setting: Any, *, curves: bool = True) -> bytes:
    """A PNG of the data and of the kernel's predictions.

    Args:
        setting: a :class:`ntklib.book.laboratory.Laboratory`.
        curves: whether the predictions are computed; without them the data stand alone.
    """
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    kernel, ever = ROLES["kernel"].light, ROLES["prediction"].light
    now = f"what the kernel predicts for step {setting.step:,}"
    looks = ((now, kernel, "--"), ("after infinite time", ever, "-."))
    if setting.domain == "plane":
        ticks = np.linspace(-1, 1, 41)
        grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
        for values, (name, color, style) in zip(prediction(setting, grid) if curves else (), looks, strict=curves):
            if values.min() < 0 < values.max():
                axes.contour(ticks, ticks, values.reshape(41, 41), [0.0], colors=[color], linestyles=[style])
                axes.plot([], [], color=color, ls=style, label=f"{name}: zero")
        for label, role, marker in ((-1, "negative", "o"), (1, "positive", "^")):
            of = setting.x[setting.y == label]
            axes.scatter(*of.T, color=ROLES[role].light, marker=marker, label=f"label {label}".replace("-", "−"))
        axes.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), box_aspect=1)
    else:
        reach = 180 if setting.domain == "circle" else 2
        places = np.linspace(-reach, reach, 241)
        for values, (name, color, style) in zip(prediction(setting, places) if curves else (), looks, strict=curves):
            axes.plot(places, np.clip(values, -1e3, 1e3), color=color, ls=style, label=name)
        axes.scatter(setting.x, setting.y, color=ROLES["data"].light, zorder=3, label="data")
        across = "angle of the point x, degrees" if reach == 180 else "x"
        axes.set(xlim=(-reach, reach), ylim=(-2.2, 2.2), xlabel=across, ylabel="output")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110, facecolor="white", transparent=False)
    return drawn.getvalue()
