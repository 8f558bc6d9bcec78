r"""What do more layers buy? Pieces of a ReLU network of one input, networks that fold or are narrow, and a chain.

Constructions and closed forms, not training. A network here is a list of layers, each a weight (width in, width out)
and a bias (width out,): ReLU after every layer but the last, no factors in front.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments, _validation
from ntklib.approximation import Shallow

__all__ = [
    "Layers",
    "apply_layers",
    "chain_steps",
    "chain_time",
    "count_pieces",
    "max_pieces",
    "narrow",
    "sawtooth_network",
]

Layers = Sequence[tuple[NDArray, NDArray]]


def apply_layers(layers: Layers, x: ArrayLike) -> NDArray:
    """The outputs of a ReLU network, without rounding if weights, biases and inputs are exact.

    Args:
        layers: weights (width in, width out) and biases (width out,), of floats or of fractions (dtype object).
        x: inputs, (n, d).

    Returns:
        (n, k), in the dtype that NumPy gives to products of weights and inputs.

    Raises:
        ValueError: if the shapes do not fit.

    >>> apply_layers(sawtooth_network(2), [[0.25], [0.375]]).tolist()
    [[1.0], [0.5]]
    """
    h = _numbers("x", x)
    if h.ndim != 2 or not h.shape[1]:
        raise ValueError(f"x must have shape (n, d), got {_arguments.got(x)}")
    checked = _layers(layers, h.shape[1])
    for weight, bias in checked[:-1]:
        h = np.maximum(h @ weight + bias, 0)
    weight, bias = checked[-1]
    outputs: NDArray = h @ weight + bias
    return outputs


def max_pieces(widths: Sequence[int]) -> int:
    r"""The most affine pieces that a ReLU network of one input can have on a line: :math:`\prod_l(n_l + 1)`.

    Between two neighbouring kinks each of the n units of the next layer is affine and changes sign once at most.

    Args:
        widths: of the hidden layers, each at least 1; with none the network is affine.

    Raises:
        ValueError: if a width is not a positive integer.

    >>> max_pieces([16]), max_pieces([4, 4, 4, 4])
    (17, 625)
    """
    if isinstance(widths, str) or not isinstance(widths, Sequence | np.ndarray):
        raise ValueError(f"widths must be a sequence of positive integers, got {_arguments.got(widths)}")
    return math.prod(_validation.count("widths", width, 1) + 1 for width in widths)


def count_pieces(layers: Layers, low: float, high: float) -> int:
    """Into how many intervals the kinks of the units cut [low, high], for a ReLU network of one input.

    No grid is used: between two kinks every unit of the next layer is affine, and its zero is computed. Zeros closer
    than rounding count once, and a kink that the later layers do not pass on counts too.

    Args:
        layers: a network of one input, in floats.
        low: left end.
        high: right end, above `low`.

    Raises:
        ValueError: if the shapes do not fit, or `low` is not below `high`.

    >>> count_pieces(sawtooth_network(3), 0.0, 1.0)
    8
    """
    for name, end in (("low", low), ("high", high)):
        if not _arguments.is_number(end) or not math.isfinite(end):
            raise ValueError(f"{name} must be a finite number, got {_arguments.got(end)}")
    if not low < high:
        raise ValueError(f"high must be above low = {low}, got {high}")
    checked = _layers(layers, 1)
    kinks = np.array([low, high], float)
    values = kinks[:, None]
    for weight, bias in checked[:-1]:
        z = (values @ weight + bias).astype(float)
        before, after = z[:-1], z[1:]
        interval, unit = np.nonzero(before * after < 0)
        share = before[interval, unit] / (before[interval, unit] - after[interval, unit])
        zeros = kinks[interval] + share * (kinks[interval + 1] - kinks[interval])
        inner = (zeros > kinks[interval]) & (zeros < kinks[interval + 1])
        places, first = np.unique(zeros[inner], return_index=True)
        left, part = interval[inner][first], share[inner][first]
        between = z[left] + part[:, None] * (z[left + 1] - z[left])
        between[np.arange(len(first)), unit[inner][first]] = 0.0
        order = np.argsort(np.concatenate([kinks, places]), kind="stable")
        kinks = np.concatenate([kinks, places])[order]
        values = np.maximum(np.concatenate([z, between])[order], 0)
    return len(kinks) - 1


def sawtooth_network(k: int) -> Layers:
    r"""The tent map composed with itself k times, as a ReLU network of k hidden layers with two units each.

    Neighbouring tents share their layers, so the depth is half of that of :func:`ntklib.approximation.sawtooth`. All
    weights are powers of two: on [0, 1] nothing is rounded (Telgarsky 2016).

    Args:
        k: number of folds, at least 1.

    Raises:
        ValueError: if `k` is not a positive integer.

    >>> apply_layers(sawtooth_network(1), [[0.0], [0.5], [0.75]]).ravel().tolist()
    [0.0, 1.0, 0.5]
    """
    k = _validation.count("k", k, 1)
    bias = np.array([0.0, -0.5])
    slopes = np.array([[2.0], [-4.0]])
    inner = [(np.repeat(slopes, 2, axis=1), bias)] * (k - 1)
    return [(np.ones((1, 2)), bias), *inner, (slopes, np.zeros(1))]


def narrow(net: Shallow) -> Layers:
    """A network of one hidden layer as a deep one of width d + 3, with a layer for each unit; for inputs that are >= 0.

    Every layer carries the inputs on, holds one unit, and adds the unit before to a positive or to a negative sum.

    Args:
        net: n units on d inputs; its arrays are floats, or fractions (dtype object), which stay exact.

    Returns:
        n hidden layers. The outputs are those of `net.apply` with ReLU.

    Raises:
        ValueError: if the shapes of `net` do not fit.

    >>> tent = Shallow(np.array([[1.0, 1.0]]), np.array([0.0, -0.5]), np.array([2.0, -4.0]), np.array(0.0))
    >>> apply_layers(narrow(tent), [[0.25], [0.75]]).ravel().tolist()
    [0.5, 0.5]
    """
    if not isinstance(net, Shallow):
        raise ValueError(f"net must be a Shallow, got {_arguments.got(net)}")
    weight, bias, readout = (_numbers("net", part) for part in (net.weight, net.bias, net.readout))
    if weight.ndim != 2 or 0 in weight.shape or bias.shape != (weight.shape[1],) or readout.shape != bias.shape:
        raise ValueError(
            "net must have a weight (d, n), a bias (n,) and a readout (n,), got "
            f"{weight.shape}, {bias.shape} and {readout.shape}"
        )
    d, n = weight.shape
    zero = weight.flat[0] * 0
    layers = []
    for unit in range(n):  # what a layer holds: d inputs, the unit, the positive sum, the negative sum
        matrix = np.full((d + 3 if unit else d, d + 3), zero, dtype=weight.dtype)
        matrix[range(d), range(d)] = zero + 1
        matrix[:d, d] = weight[:, unit]
        if unit:
            matrix[d + 1, d + 1] = matrix[d + 2, d + 2] = zero + 1
            matrix[d, d + 1] = max(readout[unit - 1], zero)
            matrix[d, d + 2] = max(-readout[unit - 1], zero)
        shift = np.full(d + 3, zero, dtype=weight.dtype)
        shift[d] = bias[unit]
        layers.append((matrix, shift))
    last = np.full((d + 3, 1), zero, dtype=weight.dtype)
    last[d, 0], last[d + 1, 0], last[d + 2, 0] = readout[-1], zero + 1, zero - 1
    return [*layers, (last, np.asarray(net.offset).reshape(1))]


def chain_time(depth: int, start: float, target: float, tol: float) -> float:
    r"""Until when gradient flow brings a product of `depth` equal weights within a share `tol` of the target.

    The loss is :math:`\frac12(w_1\cdots w_L - s)^2`. From equal weights :math:`u` the flow is
    :math:`\dot u = u^{L-1}(s - u^L)`, and the time is :math:`\int du/[u^{L-1}(s - u^L)]`, by
    quadrature in the logarithm of u (after Saxe, McClelland and Ganguli 2014).

    Args:
        depth: L, at least 1.
        start: each weight at time 0, above 0, with :math:`u^L` below the target.
        target: s, above 0.
        tol: the share of the target that is still missing at the end, between 0 and 1.

    Returns:
        the time; 0 if the start is near enough.

    Raises:
        ValueError: if a number is out of its range.

    >>> round(chain_time(1, 0.5, 4.0, 0.01), 4), round(math.log(3.5 / 0.04), 4)
    (4.4716, 4.4716)
    """
    from scipy.integrate import quad

    depth = _chain(depth, start, target, tol)
    end = ((1 - tol) * target) ** (1 / depth)
    if start >= end:
        return 0.0

    def slowness(log: float) -> float:
        return math.exp((2 - depth) * log) / (target - math.exp(depth * log))

    return float(quad(slowness, math.log(start), math.log(end), limit=500, epsabs=0, epsrel=1e-10)[0])


def chain_steps(depth: int, start: float, target: float, tol: float, rate: float, *, limit: int = 2_000_000) -> int:
    """After how many steps of gradient descent the product of :func:`chain_time` is within the share `tol`.

    Args:
        depth: number of weights, at least 1.
        start: each weight at the beginning, above 0, with a product below the target.
        target: above 0.
        tol: the share of the target by which the product may be wrong, between 0 and 1.
        rate: learning rate, above 0.
        limit: where to stop.

    Returns:
        the number of steps, or `limit` if that many were not enough.

    Raises:
        ValueError: if a number is out of its range.

    >>> chain_steps(1, 0.5, 4.0, 0.01, 1.0), chain_steps(1, 0.5, 4.0, 0.01, 0.5)
    (1, 7)
    """
    depth = _chain(depth, start, target, tol)
    _validation.number("rate", rate, positive=True)
    limit = _validation.count("limit", limit, 0)
    weight = float(start)
    for steps in range(limit):
        power = weight ** (depth - 1)
        missing = target - power * weight
        if abs(missing) <= tol * target:
            return steps
        weight += rate * missing * power
        if not abs(weight) < 1e30 ** (1 / depth):  # diverged
            return limit
    return limit


def _chain(depth: int, start: float, target: float, tol: float) -> int:
    depth = _validation.count("depth", depth, 1)
    for name, value in (("start", start), ("target", target), ("tol", tol)):
        _validation.number(name, value, positive=True)
    if tol >= 1:
        raise ValueError(f"tol must be below 1, got {tol}")
    if start**depth >= target:
        raise ValueError(f"start must have a power start**{depth} below the target {target}, got {start}")
    return depth


def _layers(layers: Layers, inputs: int) -> list[tuple[NDArray, NDArray]]:
    """The layers as arrays, refused unless the shapes fit one another."""
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise ValueError(f"layers must be a list of pairs (weight, bias), got {_arguments.got(layers)}")
    pairs = []
    for number, pair in enumerate(layers):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"layers[{number}] must be a pair (weight, bias), got {_arguments.got(pair)}")
        weight, bias = (_numbers(f"layers[{number}]", part) for part in pair)
        if weight.ndim != 2 or weight.shape[0] != inputs or bias.shape != weight.shape[1:]:
            raise ValueError(
                f"layers[{number}] must have a weight ({inputs}, n) and a bias (n,), "
                f"got {weight.shape} and {bias.shape}"
            )
        inputs = weight.shape[1]
        pairs.append((weight, bias))
    return pairs


def _numbers(name: str, values: ArrayLike) -> NDArray:
    """An array of finite numbers; objects, which are not rounded, are integers or fractions."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        for entry in values.flat:
            if not isinstance(entry, int | Fraction):
                raise ValueError(f"{name} must hold integers or fractions if its dtype is object, got {entry!r}")
        return values
    array: NDArray = _validation.read(name, values, np.asarray)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold floats or fractions, got {_arguments.got(values)}")
    _validation.refuse_unless_finite(name, array)
    return array
