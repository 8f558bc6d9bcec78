r"""What does an activation do to the covariance of a Gaussian pair?

The recursions for infinitely wide networks need two expectations of each activation :math:`\phi`, over a
centred Gaussian pair :math:`(u, v)` with variances :math:`a, b` and covariance :math:`c`:

.. math:: \mathbb E[\phi(u)\phi(v)] \qquad\text{and}\qquad \mathbb E[\phi'(u)\phi'(v)].

Written in :math:`c` they lose half the digits where the two inputs are nearly parallel, because
:math:`\arccos` and :math:`\sqrt{1 - c^2/ab}` do. So a pair is carried here by the two distances of its
covariance from the largest values that it can take (see :class:`Pairs`), which are computed without
cancellation from layer to layer.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

__all__ = ["Activation", "Pairs", "by_name", "from_function", "names"]


class Pairs(NamedTuple):
    r"""Second moments of centred Gaussian pairs :math:`(u_i, v_j)`, all of one shape after broadcasting.

    Attributes:
        a: variances of :math:`u`, shape (n1, 1).
        b: variances of :math:`v`, shape (1, n2).
        c: covariances, shape (n1, n2).
        gap: :math:`\sqrt{ab} - c \ge 0`, shape (n1, n2); zero for parallel inputs.
        cogap: :math:`\sqrt{ab} + c \ge 0`, shape (n1, n2); zero for antiparallel inputs.
    """

    a: Array
    b: Array
    c: Array
    gap: Array
    cogap: Array

    @property
    def determinant(self) -> Array:
        r""":math:`ab - c^2`, without cancellation, shape (n1, n2)."""
        return self.gap * self.cogap

    def dense(self, w_std: ArrayLike, b_std: ArrayLike) -> "Pairs":
        r"""The pairs after a dense layer: :math:`a, b, c` each become :math:`\sigma_w^2\,\cdot + \sigma_b^2`.

        >>> one = jnp.ones((1, 1))
        >>> float(Pairs(one, one, one, 0 * one, 2 * one).dense(2.0, 1.0).c[0, 0])
        5.0
        """
        w2 = jnp.square(w_std)
        scaled = Pairs(*(w2 * moment for moment in self))
        if isinstance(b_std, int | float) and b_std == 0:
            return scaled
        a, b, c, gap, cogap = scaled
        b2 = jnp.square(b_std)
        # With m = √(ab) before the bias and M = √((a + b2)(b + b2)) after it, M − m − b2 is a quotient of
        # sums of positive terms: nothing cancels.
        root_a, root_b = safe_sqrt(a), safe_sqrt(b)
        total = safe_sqrt((a + b2) * (b + b2)) + root_a * root_b + b2
        rest = _safe_divide(b2 * (root_a - root_b) ** 2, total)
        return Pairs(a + b2, b + b2, c + b2, gap + rest, cogap + rest + 2 * b2)


@dataclasses.dataclass(frozen=True)
class Activation:
    """An activation with the two Gaussian expectations that the kernel recursions need.

    Attributes:
        name: what it is called.
        function: the activation itself, elementwise.
        moments: maps :class:`Pairs` before the activation to the pairs of second moments after it and to
            the expected product of the derivatives, shape (n1, n2).
    """

    name: str
    function: Callable[[Array], Array]
    moments: Callable[[Pairs], tuple[Pairs, Array]]

    def __call__(self, x: Array) -> Array:
        """The activation of `x`, elementwise."""
        return self.function(x)


def safe_sqrt(x: Array) -> Array:
    """Square root whose derivative at zero is zero instead of infinite, and which takes rounding below zero as zero.

    >>> float(jax.grad(safe_sqrt)(0.0)), float(safe_sqrt(jnp.float32(4)))
    (0.0, 2.0)
    """
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)


def _safe_divide(x: ArrayLike, y: Array) -> Array:
    """`x / y`, and zero with zero derivative where `y` is zero."""
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


# Chebyshev interpolants on [0, ½], from 60 digits, of two functions that are analytic there; in powers of s:
# asin(√s)/√s, and (sin q − q cos q)/s^(3/2) with q = 2 asin √s. For 32 bits, and for 64.
_ASIN = (
    (
        1.0000000016226234,
        0.16666614237824284,
        0.07502757316352404,
        0.04409161673371687,
        0.03581423928401177,
        -0.0070205791522944755,
        0.10740002130174647,
        -0.13591627123984387,
        0.12391349490512975,
    ),
    (
        1.0,
        0.16666666666664987,
        0.07500000000401816,
        0.044642856762615,
        0.030381963396751827,
        0.022371584779320355,
        0.017364281439103527,
        0.01380344589589198,
        0.013191002571753903,
        -0.002601537848299688,
        0.07871611357002127,
        -0.2968705430689824,
        1.0082016650534187,
        -2.4908808126226116,
        4.6420689099888435,
        -6.229299875397985,
        5.7579408313146985,
        -3.278933156739812,
        0.8892904367638688,
    ),
)
_BEND = (
    (
        2.666666662864241,
        0.26666763703183927,
        0.08567418180822117,
        0.04030446149980953,
        0.01745561194438718,
        0.03197484780780656,
        -0.027997588411071684,
        0.04061521876440821,
    ),
    (
        2.6666666666666665,
        0.26666666666668143,
        0.0857142857111221,
        0.03968253995077448,
        0.022095947639427637,
        0.013767805682029654,
        0.009249048024860408,
        0.006643093513241805,
        0.004226242976164667,
        0.007915306613725855,
        -0.017704735518716593,
        0.07840039475553413,
        -0.20794244601856987,
        0.42909747522187885,
        -0.6245889328726089,
        0.6269979801368656,
        -0.38489219072557274,
        0.11366132592446036,
    ),
)


def _polynomial(tables: tuple[tuple[float, ...], ...], x: Array) -> Array:
    """The interpolant that suffices for the dtype of `x`, by Horner."""
    coefficients = tables[bool(jnp.finfo(x.dtype).eps < 1e-10)]
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def _relu_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    r"""Arc-cosine kernels of order 1 and 0 (Cho and Saul 2009, eqs. 5 and 6), halved.

    With q the angle of the pair to the nearer of parallel and antiparallel, :math:`q = 2\arcsin\sqrt s` for
    :math:`s = d/2\sqrt{ab}`, d the smaller distance. What is needed are q and :math:`\sin q - q\cos q`: powers of
    :math:`\sqrt s` times polynomials, which are as accurate relatively as the distance is, and cost a fifth of an
    arctangent and two trigonometric functions.
    """
    root_a, root_b = safe_sqrt(pairs.a), safe_sqrt(pairs.b)
    m = root_a * root_b
    acute = pairs.gap <= pairs.cogap
    # A pair with a zero variance has no angle; any value does, because its moments are multiplied by zero.
    s = jnp.where(acute, pairs.gap, pairs.cogap) * (_safe_divide(0.5, root_a) * _safe_divide(1.0, root_b))
    root = safe_sqrt(s)
    turn = root * _polynomial(_ASIN, s) / jnp.pi  # q/2π
    bend = m * (root * s * _polynomial(_BEND, s) / (2 * jnp.pi))  # √(ab) (sin q − q cos q)/2π
    gap = jnp.where(acute, jnp.maximum(pairs.gap / 2 - bend, 0), m / 2 - bend)
    # Of the slopes that meet where there is no variance zero is taken, as for relu itself at zero.
    gap = jnp.where(m == 0, 0, gap)
    c = jnp.where(acute, m / 2 - gap, bend)
    return Pairs(pairs.a / 2, pairs.b / 2, c, gap, m / 2 + c), jnp.where(acute, 0.5 - turn, turn)


def _erf_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    """Williams (1997), eq. 11, with the arcsine as an arctangent so that large variances lose nothing."""

    def arcsine(a: Array, b: Array, c: Array, determinant: Array) -> Array:
        return 2 / jnp.pi * jnp.arctan2(2 * c, jnp.sqrt(1 + 2 * a + 2 * b + 4 * determinant))

    after = _from_values(
        arcsine(pairs.a, pairs.a, pairs.a, 0.0 * pairs.a),
        arcsine(pairs.b, pairs.b, pairs.b, 0.0 * pairs.b),
        arcsine(pairs.a, pairs.b, pairs.c, pairs.determinant),
    )
    derivative = 4 / jnp.pi / jnp.sqrt(1 + 2 * pairs.a + 2 * pairs.b + 4 * pairs.determinant)
    return after, derivative


def _gelu_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    r"""For :math:`u\Phi(u)`: Stein's lemma twice for the value, Price's theorem for the derivative."""

    def both(a: Array, b: Array, c: Array, determinant: Array) -> tuple[Array, Array]:
        delta = 1 + a + b + determinant  # (1 + a)(1 + b) − c²
        density = 1 / (2 * jnp.pi * jnp.sqrt(delta))  # E ϕ(u)ϕ(v), with ϕ the normal density
        orthant = 0.25 + jnp.arctan2(c, jnp.sqrt(delta)) / (2 * jnp.pi)  # E Φ(u)Φ(v)
        ratio = c / (1 + a) + c / (1 + b)
        value = c * orthant + (determinant + c * ratio) * density
        return value, orthant + (ratio + c / delta) * density

    a, b = pairs.a, pairs.b
    value, derivative = both(a, b, pairs.c, pairs.determinant)
    after = _from_values(both(a, a, a, 0.0 * a)[0], both(b, b, b, 0.0 * b)[0], value)
    return after, derivative


def _erf_mixture(step: float, negligible: float) -> tuple[np.ndarray, ...]:
    r"""Scales s, weights p with :math:`\tanh u = \sum_i p_i\,\mathrm{erf}(s_i u)`, for all pairs of terms that count.

    The logistic distribution is a normal one whose standard deviation is twice Kolmogorov's random variable K (Andrews
    and Mallows 1974), so :math:`\tanh u = \mathbb E\,\mathrm{erf}(u/\sqrt2 K)`. The density of K, from its two series,
    falls doubly exponentially on both sides in log K, where the trapezoidal rule converges geometrically.

    Returns:
        the scales of the first term, those of the second, and the products of the weights, each (pairs,).
    """
    x = np.exp(step * (np.arange(math.floor(-2.5 / step), math.ceil(1.5 / step)) + 0.5))
    k = np.arange(1, 20)[:, None]
    odd = ((2 * k - 1) * np.pi / (2 * x)) ** 2
    left = np.sqrt(2 * np.pi) * np.sum((odd - 1) * np.exp(-odd / 2), 0) / x**2
    right = 8 * x * np.sum((-1.0) ** (k - 1) * k**2 * np.exp(-2 * (k * x) ** 2), 0)
    scales, weights = np.sqrt(0.5) / x, step * x * np.where(x < 0.9, left, right)
    first, second = np.divmod(np.arange(len(x) ** 2), len(x))
    matter = weights * np.maximum(1, scales)  # in the value and in the slope
    kept = matter[first] * matter[second] > negligible
    first, second = first[kept], second[kept]
    return scales[first], scales[second], weights[first] * weights[second]


# For 32 bits, where products of tanh are then right to 6e-7, and for 64, to 1e-13.
_TANH = (_erf_mixture(0.24, 1e-8), _erf_mixture(0.13, 1e-14))


def _tanh_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    """Those of error functions of two scales, as in `_erf_moments`, summed over a mixture; for every variance.

    The arcsine is twice that of half the angle, which is a root and a polynomial: of some hundred terms it is the cost.
    """
    dtype = pairs.c.dtype
    scales1, scales2, weights = _TANH[bool(jnp.finfo(dtype).eps < 1e-10)]
    rows = (2 * scales1**2, 2 * scales2**2, 2 * scales1 * scales2, weights)

    def both(a: Array, b: Array, c: Array, determinant: Array) -> tuple[Array, Array]:
        @jax.checkpoint  # without it, reverse mode would store every term of all pairs
        def term(total: tuple[Array, Array], row: tuple[Array, ...]) -> tuple[tuple[Array, Array], None]:
            first, second, twice, weight = row
            lengths = jax.lax.rsqrt(1 + first * a) * jax.lax.rsqrt(1 + second * b)
            root = jax.lax.rsqrt(1 + first * a + second * b + first * second * determinant)
            half = twice * c * lengths * jax.lax.rsqrt(2 + 2 * lengths / root)  # the sine of half the arcsine
            angle = half * _polynomial(_ASIN, half * half)
            return (total[0] + weight * angle, total[1] + weight * twice * root), None

        zero = jnp.zeros(jnp.broadcast_shapes(a.shape, b.shape), dtype)
        (value, derivative), _ = jax.lax.scan(term, (zero, zero), tuple(jnp.asarray(row, dtype) for row in rows))
        return 4 / jnp.pi * value, 2 / jnp.pi * derivative

    a, b = pairs.a, pairs.b
    value, derivative = both(a, b, pairs.c, pairs.determinant)
    after = _from_values(both(a, a, a, 0.0 * a)[0], both(b, b, b, 0.0 * b)[0], value)
    return after, derivative


def _from_values(a: Array, b: Array, c: Array) -> Pairs:
    """Pairs from plain variances and covariances, for activations whose maps are smooth in the covariance."""
    m = safe_sqrt(a) * safe_sqrt(b)
    return Pairs(a, b, c, jnp.maximum(m - c, 0), jnp.maximum(m + c, 0))


def _hermite_functions(order: int, half_width: float = 14.0, step: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    r"""Nodes z, and rows :math:`w(z)\,\mathrm{He}_k(z)/\sqrt{k!}` with the normal density and the step in w.

    Sums over the nodes are then expectations: the trapezoidal rule converges geometrically for a Gaussian
    weight (Trefethen and Weideman 2014). The recurrence runs on the Hermite functions, which stay bounded.
    """
    nodes = round(half_width / step)
    z = step * np.arange(-nodes, nodes + 1)
    rows = np.empty((order, len(z)))
    rows[0] = np.exp(-(z**2) / 4)
    rows[1] = z * rows[0]
    for k in range(2, order):
        rows[k] = (z * rows[k - 1] - np.sqrt(k - 1) * rows[k - 2]) / np.sqrt(k)
    return z, rows * np.exp(-(z**2) / 4) * step / np.sqrt(2 * np.pi)


def from_function(name: str, function: Callable[[Array], Array], *, order: int = 192) -> Activation:
    r"""An activation whose expectations are summed from its Hermite coefficients (Mehler's formula).

    :math:`\mathbb E[\phi(u)\phi(v)] = \sum_k h_k(a)\,h_k(b)\,\rho^k` with
    :math:`h_k(a) = \mathbb E[\phi(\sqrt a z)\,\mathrm{He}_k(z)]/\sqrt{k!}` and :math:`\rho = c/\sqrt{ab}`;
    the derivative has the coefficients of :math:`\phi'`, taken by automatic differentiation.

    Args:
        name: what to call it.
        function: an elementwise JAX function, smooth. Of `tanh`, for instance, the default order leaves, in float64, an
            error of 1e-13 in the value and 3e-11 in the derivative at variance 2, of 6e-10 and 8e-8 at variance 4, and
            of 7e-5 and 5e-3 at variance 25. A function with a kink converges only algebraically and does not belong
            here.
        order: the number of terms.

    Returns:
        the activation. Where the terms left out are more than 1e-4 of :math:`\mathbb E[\phi(u)^2]` at the variance of
        either input, the value is NaN; where they are of :math:`\mathbb E[\phi'(u)^2]`, the derivative is.

    Raises:
        ValueError: if `order` is not from 2 to 256 (beyond it, the quadrature does not resolve the terms).

    >>> linear = from_function("linear", lambda x: x, order=4)
    >>> one = jnp.ones((1, 1))
    >>> after, derivative = linear.moments(Pairs(one, one, one / 2, one / 2, 3 * one / 2))
    >>> round(float(after.c[0, 0]), 5), round(float(derivative[0, 0]), 5)
    (0.5, 1.0)
    """
    if not 2 <= order <= 256:
        raise ValueError(f"order must be from 2 to 256, got {order}")
    nodes, rows = _hermite_functions(order)
    slope = jax.grad(lambda x: function(x))

    def moments(pairs: Pairs) -> tuple[Pairs, Array]:
        dtype = pairs.gap.dtype
        z, weights, density = jnp.asarray(nodes, dtype), jnp.asarray(rows, dtype), jnp.asarray(rows[0], dtype)

        def coefficients(variance: Array) -> list[Array]:
            u = safe_sqrt(variance.reshape(-1, 1)) * z
            return [resolved(values) for values in (function(u), jax.vmap(jax.vmap(slope))(u))]

        def resolved(values: Array) -> Array:
            """The coefficients (order, n), NaN where their squares do not sum to the mean square."""
            found, whole = weights @ values.T, values**2 @ density
            return jnp.where(jnp.abs(whole - jnp.sum(found**2, 0)) > _UNRESOLVED * whole, jnp.nan, found)

        m = (pairs.gap + pairs.cogap) / 2
        rho = _safe_divide(pairs.c, m)
        left, right = coefficients(pairs.a), coefficients(pairs.b)

        def mehler(left: Array, right: Array) -> Array:
            def step(total: Array, row: tuple[Array, Array]) -> tuple[Array, None]:
                return total * rho + row[0][:, None] * row[1][None, :], None

            return jax.lax.scan(step, jnp.zeros_like(rho), (left, right), reverse=True)[0]

        def variance(h: Array, shape: tuple[int, ...]) -> Array:
            return jnp.sum(h**2, 0).reshape(shape)

        derivative = mehler(left[1], right[1])
        # Without variance ρ says nothing; what is left is the first-order term, by Price's theorem.
        value = mehler(left[0], right[0]) + jnp.where(m == 0, derivative * pairs.c, 0)
        after = _from_values(variance(left[0], pairs.a.shape), variance(right[0], pairs.b.shape), value)
        return after, derivative

    return Activation(name, function, moments)


_UNRESOLVED = 1e-4  # rounding in 32 bits explains a tenth of it

_ACTIVATIONS = {
    "relu": Activation("relu", jax.nn.relu, _relu_moments),
    "erf": Activation("erf", jax.scipy.special.erf, _erf_moments),
    "gelu": Activation("gelu", lambda x: jax.nn.gelu(x, approximate=False), _gelu_moments),
    "tanh": Activation("tanh", jnp.tanh, _tanh_moments),
}


def names() -> tuple[str, ...]:
    """The names that :func:`by_name` knows.

    >>> names()
    ('erf', 'gelu', 'relu', 'tanh')
    """
    return tuple(sorted(_ACTIVATIONS))


def by_name(activation: str | Activation) -> Activation:
    """The activation of that name; an :class:`Activation` is returned as it is.

    Raises:
        ValueError: for an unknown name, with the known ones.

    >>> by_name("relu").name
    'relu'
    """
    if isinstance(activation, Activation):
        return activation
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(names())} or an Activation, got {activation!r}")
    return _ACTIVATIONS[activation]
