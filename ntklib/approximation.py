r"""Which functions can a network represent, and how many units does it need?

Constructions, not training: units placed where a proof puts them. Networks with one hidden layer are a
:class:`Shallow`, by interpolation (:func:`interpolant`) or by Barron's sampling (:func:`barron_sample`); deep ones are
:func:`sawtooth` and :func:`square`. :func:`exact_rank` counts, without rounding, what a polynomial activation spans.
"""

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike
from numpy.typing import NDArray

from ntklib import _precision, _validation

__all__ = [
    "Shallow",
    "barron_constant",
    "barron_sample",
    "exact_rank",
    "interpolant",
    "polynomial_units",
    "sawtooth",
    "square",
    "step",
]


def step(z: ArrayLike) -> Array:
    """The step activation: 1 where `z` is positive and 0 elsewhere, in the dtype of `z`.

    >>> step(jnp.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    z = _validation.floating("z", z)
    return (z > 0).astype(z.dtype)


class Shallow(NamedTuple):
    r"""A network with one hidden layer, :math:`f(x) = c + \sum_j a_j\,\phi(w_j^\top x + b_j)`; no factors in front.

    Attributes:
        weight: the :math:`w_j` as columns, (d, n).
        bias: the :math:`b_j`, (n,).
        readout: the :math:`a_j`, (n,).
        offset: c, a number.
    """

    weight: Array
    bias: Array
    readout: Array
    offset: Array

    def apply(self, x: ArrayLike, activation: Callable[[Array], Array] = jax.nn.relu) -> Array:
        """The outputs (n_x,) at the inputs `x` (n_x, d).

        Raises:
            ValueError: if the shape or dtype of `x` does not fit.

        >>> absolute = Shallow(jnp.array([[1.0, -1.0]]), jnp.zeros(2), jnp.ones(2), jnp.array(0.0))
        >>> absolute.apply(jnp.array([[-2.0], [3.0]])).tolist()
        [2.0, 3.0]
        """
        _validation.function("activation", activation, "activation(z)")
        x = _validation.matrix("x", x, columns=self.weight.shape[0])
        return _evaluate(self, x, activation)


def interpolant(knots: ArrayLike, values: ArrayLike) -> Shallow:
    r"""Place n ReLU units so that the network takes n + 1 given values, and is linear in between.

    Unit j sits at knot j, and its readout is the change of slope there. Between the first and the last knot this is
    the piecewise linear interpolant; to the left it is constant, to the right it goes on with the last slope.
    The outputs are sums of the earlier units, so rounding is multiplied by the ratio of the steepest slope to the
    slope from the first knot to the last: knots that lie very close where the function is steep can lose the values.

    Args:
        knots: increasing, (n + 1,), at least two.
        values: at the knots, (n + 1,).

    Returns:
        a :class:`Shallow` with one input and n units, for the activation ReLU.

    Raises:
        ValueError: if the shapes or dtypes do not fit, or, not checked while JAX traces, if the knots do not increase,
            a number is not finite, or rounding loses more than a hundredth of the range of the values at the knots.

    >>> tent = interpolant(jnp.array([0.0, 0.5, 1.0]), jnp.array([0.0, 1.0, 0.0]))
    >>> tent.readout.tolist(), tent.apply(jnp.array([[0.25], [0.75]])).tolist()
    ([2.0, -4.0], [0.5, 0.5])
    """
    t, v = _validation.floating("knots", knots), _validation.floating("values", values)
    if t.ndim != 1 or len(t) < 2:
        raise ValueError(f"knots must have shape (n + 1,) with n at least 1, got {t.shape}")
    if v.shape != t.shape:
        raise ValueError(f"values must have shape {t.shape} like the knots, got {v.shape}")
    if not isinstance(knots, jax.core.Tracer) and not np.all(np.diff(np.asarray(t)) > 0):
        raise ValueError("knots must increase, got some that are equal or decrease")
    net = _interpolant(t, v)
    if not any(isinstance(array, jax.core.Tracer) for array in (t, v, *net)):
        _refuse_lost_values(net, np.asarray(t), np.asarray(v))
    return net


def _refuse_lost_values(net: Shallow, knots: NDArray, values: NDArray) -> None:
    """Refuse a network that does not take its values: of many knots some hundreds tell, and the last among them."""
    some = np.unique(np.linspace(0, len(knots) - 1, min(len(knots), 500)).astype(int))
    taken = np.asarray(net.apply(knots[some, None]), float)
    lost, spread = float(np.max(np.abs(taken - values[some]))), float(np.ptp(values))
    if not lost <= _precision.LOST * max(spread, float(np.abs(values).max())):
        advice = "take knots that are less graded" + (
            "" if knots.dtype == np.float64 else ", or float64 (jax.config.update('jax_enable_x64', True))"
        )
        raise ValueError(
            f"in {knots.dtype} the network loses its values: it is off by {lost:.2g} at the knots, where they have a "
            f"range of {spread:.2g}; {advice}"
        )


def barron_constant(dim: int) -> float:
    r"""Barron's :math:`C_f` of the function :math:`\exp(-\|x\|^2/2)` in `dim` dimensions.

    Its Fourier measure is the standard normal distribution, so :math:`C_f = \mathbb E\|\omega\| =
    \sqrt2\,\Gamma(\frac{d+1}{2})/\Gamma(\frac d2)`, about :math:`\sqrt d`.

    Raises:
        ValueError: if `dim` is not a positive integer.

    >>> [round(barron_constant(dim), 3) for dim in (1, 10, 100)]
    [0.798, 3.084, 9.975]
    """
    dim = _validation.count("dim", dim, 1)
    return math.sqrt(2) * math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2))


def barron_sample(key: Array, dim: int, units: int, radius: float, *, dtype: DTypeLike = float) -> Shallow:
    r"""Draw the step units of Barron's proof for the function :math:`\exp(-\|x\|^2/2)` on the ball of a radius r.

    For every x of the ball, :math:`\mathbb E[-2rC_f\sin(\rho t)\,1\{u^\top x > t\}] = f(x) - f(0)`, where u is uniform
    on the sphere, :math:`\rho` has the density of :math:`\|\omega\|` times :math:`\rho/C_f` (for a standard normal
    :math:`\omega` that is the chi distribution with d + 1 degrees of freedom), and t is uniform on [0, r]. The network
    is the average of n such terms, plus f(0) = 1, so its squared error under any distribution on the ball is, in
    expectation, at most :math:`(2rC_f)^2/n` (the argument of Barron 1993, Theorem 1).

    Args:
        key: a JAX random key.
        dim: number of inputs, d.
        units: number of units, n.
        radius: r > 0.
        dtype: of the parameters; the default is JAX's own, float32 unless 64 bits are switched on.

    Returns:
        a :class:`Shallow`, for the activation :func:`step`; the sum of its :math:`|a_j|` is at most :math:`2rC_f`.

    Raises:
        ValueError: if `dim` or `units` is not a positive integer, or `radius` not positive and finite.

    >>> net = barron_sample(jax.random.key(0), dim=3, units=1000, radius=1.0)
    >>> bool(abs(net.apply(jnp.zeros((1, 3)), step)[0] - 1) < 1e-6)
    True
    """
    _validation.key("key", key)
    _validation.dtype("dtype", dtype)
    dim, units = _validation.count("dim", dim, 1), _validation.count("units", units, 1)
    _validation.number("radius", radius, positive=True)
    u_key, rho_key, t_key = jax.random.split(key, 3)
    direction = jax.random.normal(u_key, (dim, units), dtype)
    direction = direction / jnp.linalg.norm(direction, axis=0)
    frequency = jnp.linalg.norm(jax.random.normal(rho_key, (dim + 1, units), dtype), axis=0)  # chi, d + 1
    threshold = jax.random.uniform(t_key, (units,), dtype, 0, radius)
    readout = -2 * radius * barron_constant(dim) / units * jnp.sin(frequency * threshold)
    return Shallow(direction, -threshold, readout, jnp.ones((), dtype))


def polynomial_units(coefficients: Sequence[int], weights: Sequence[Sequence[int]], biases: Sequence[int]) -> list:
    r"""What n units with a polynomial activation are, as polynomials in d variables: exact integers.

    :math:`\phi(w^\top x + b)` is expanded by the multinomial theorem. A row is a unit, a column the coefficient of one
    monomial :math:`x^\alpha`, in the order of :math:`|\alpha|` and then of :math:`\alpha`.

    Args:
        coefficients: of :math:`\phi`, from the constant on; k + 1 integers or fractions.
        weights: one w of d integers or fractions for each unit.
        biases: one b for each unit.

    Returns:
        n rows of C(d + k, k) exact numbers.

    Raises:
        ValueError: if the numbers of weights and biases differ, the weights have different lengths, or a number is
            neither an integer nor a fraction.

    >>> polynomial_units([0, 0, 1], [[1, 2]], [3])  # (x + 2y + 3)² : 1, y, x, y², xy, x²
    [[9, 12, 6, 4, 4, 1]]
    """
    coefficients, biases = _exact("coefficients", coefficients), _exact("biases", biases)
    weights = _exact_rows("weights", weights)
    if len(weights) != len(biases) or len({len(w) for w in weights}) != 1:
        raise ValueError(
            f"weights must be rows of equal length, one for each of the {len(biases)} biases, "
            f"got lengths {[len(w) for w in weights]}"
        )
    degree = len(coefficients) - 1
    exponents = sorted(_exponents(len(weights[0]), degree), key=lambda alpha: (sum(alpha), alpha))
    rows = []
    for w, b in zip(weights, biases, strict=True):
        # the coefficient of s^m in φ(s + b), s = w·x
        shifted = [
            sum(c * math.comb(j, m) * b ** (j - m) for j, c in enumerate(coefficients) if j >= m)
            for m in range(degree + 1)
        ]
        row = []
        for alpha in exponents:
            multinomial = math.factorial(sum(alpha)) // math.prod(math.factorial(a) for a in alpha)
            row.append(shifted[sum(alpha)] * multinomial * math.prod(v**a for v, a in zip(w, alpha, strict=True)))
        rows.append(row)
    return rows


def exact_rank(matrix: Sequence[Sequence[int | Fraction]]) -> int:
    """The rank of a matrix of integers or fractions, by elimination without rounding.

    Raises:
        ValueError: if an entry is neither, or the rows have different lengths.

    >>> exact_rank([[1, 2], [2, 4], [0, 1]]), exact_rank([[10**20, 1], [10**20, 0]])
    (2, 2)
    """
    rows = [list(map(Fraction, row)) for row in _exact_rows("matrix", matrix)]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"matrix must have rows of equal length, got lengths {sorted({len(row) for row in rows})}")
    rank = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            if factor := rows[i][column] / rows[rank][column]:
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def sawtooth(x: ArrayLike, m: int) -> Array:
    r"""The tent map composed with itself m times: a ReLU network of depth 2m with at most two units a layer.

    One tent is :math:`\mathrm{relu}(2\,\mathrm{relu}(x) - 4\,\mathrm{relu}(x - \frac12))`, which is 2x on [0, ½],
    2 - 2x on [½, 1] and 0 elsewhere; m of them have :math:`2^m` linear pieces on [0, 1] (Telgarsky 2015). On [0, 1]
    nothing is rounded: the result is exact for the floating-point number `x`.

    Args:
        x: any shape.
        m: how often, at least 0; with 0 the result is `x`.

    Returns:
        the shape and dtype of `x`.

    Raises:
        ValueError: if `x` is not floating, or `m` is not a non-negative integer.

    >>> sawtooth(jnp.array([0.0, 0.125, 0.25, 0.375, 0.5]), 2).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    x, m = _validation.floating("x", x), _validation.count("m", m, 0)
    tooth: Array = x
    for _ in range(m):
        tooth = _tent(tooth)
    return tooth


def square(x: ArrayLike, m: int) -> Array:
    r"""Yarotsky's :math:`x^2` on [0, 1]: a ReLU network of depth proportional to m, and as many units.

    :math:`x - \sum_{s=1}^m 4^{-s}\,g_s(x)` with :math:`g_s` the :func:`sawtooth` of s tents is the piecewise linear
    interpolant of :math:`x^2` at :math:`0, 2^{-m}, \dots, 1`; its error lies between 0 and :math:`2^{-2m-2}` and
    reaches the upper end half way between any two neighbours (Yarotsky 2017, Proposition 2). Outside of [0, 1] it is x.

    Args:
        x: any shape, in [0, 1].
        m: number of tents, at least 0.

    Returns:
        the shape and dtype of `x`.

    Raises:
        ValueError: if `x` is not floating, or `m` is not a non-negative integer.

    >>> square(jnp.array([0.0, 0.25, 0.5, 1.0]), 2).tolist(), float(square(jnp.array(0.125), 2)) - 0.125**2
    ([0.0, 0.0625, 0.25, 1.0], 0.015625)
    """
    x, m = _validation.floating("x", x), _validation.count("m", m, 0)
    total, tooth, scale = x, x, 1.0
    for _ in range(m):
        tooth, scale = _tent(tooth), scale / 4
        total = total - scale * tooth
    return total


@functools.partial(jax.jit, static_argnames="activation")
def _evaluate(net: Shallow, x: Array, activation: Callable[[Array], Array]) -> Array:
    return activation(x @ net.weight + net.bias) @ net.readout + net.offset


@jax.jit
def _interpolant(knots: Array, values: Array) -> Shallow:
    slopes = jnp.diff(values) / jnp.diff(knots)
    changes = jnp.concatenate([slopes[:1], jnp.diff(slopes)])
    return Shallow(jnp.ones((1, len(knots) - 1), knots.dtype), -knots[:-1], changes, values[0])


@jax.jit
def _tent(x: Array) -> Array:
    return jax.nn.relu(2 * jax.nn.relu(x) - 4 * jax.nn.relu(x - 0.5))


def _exponents(dim: int, degree: int) -> list[tuple[int, ...]]:
    """All multi-indices of `dim` entries whose sum is at most `degree`."""
    if dim == 0:
        return [()]
    return [(first, *rest) for first in range(degree + 1) for rest in _exponents(dim - 1, degree - first)]


def _exact(name: str, values: Sequence[Any]) -> list[Any]:
    """Integers, of Python and so of any size, and fractions."""
    for value in _rows(name, values):
        if not isinstance(value, int | Fraction | np.integer) or isinstance(value, bool):
            raise ValueError(f"{name} must have entries that are integers or fractions, got {value!r}")
    return [int(value) if isinstance(value, np.integer) else value for value in values]


def _exact_rows(name: str, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [_exact(name, row) for row in _rows(name, rows)]


def _rows(name: str, values: Any) -> Any:
    """Refuse what cannot be gone through entry by entry."""
    alone = isinstance(values, str) or (isinstance(values, np.ndarray) and not values.ndim)
    if alone or not isinstance(values, Sequence | np.ndarray):
        raise ValueError(f"{name} must have entries that are integers or fractions, got {_validation.got(values)}")
    return values
