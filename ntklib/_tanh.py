r"""What does tanh do to a Gaussian pair? It is a mixture of error functions, whose moments have a few powers each.

With :math:`\tanh u = \mathbb E\,\mathrm{erf}(s u)` for a random scale s, the expected product of the derivatives is,
for :math:`r_s(a) = 2s^2a/(1 + 2s^2a)` and the correlation :math:`\rho`, an expectation over two scales s and t of
:math:`\frac{2}{\pi}\sqrt{\frac{2s^2}{1 + 2s^2a}\,\frac{2t^2}{1 + 2t^2b}}\,(1 - r_s(a)\,r_t(b)\,\rho^2)^{-1/2}`
(Williams 1997). Up to a variance of 32 the inverse root is a sum of few powers :math:`(r_s r_t\rho^2)^e`, in each of
which what belongs to one point, the other, and the pair are factors: the scales are summed for each point, and nothing
but the powers is left for the pairs. For larger variances the error functions are summed for each pair.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from ntklib._interpolants import ATAN, INVERSE_ROOT, polynomial
from ntklib._pairs import Pairs, after_activation, parallel_arcsine, safe_divide, spread

__all__ = ["LARGEST", "scales", "tanh_moments"]

LARGEST = 32.0
"""The variance up to which :data:`ntklib._interpolants.INVERSE_ROOT` holds."""


def scales(step: float, negligible: float) -> tuple[NDArray, NDArray]:
    r"""Scales s and weights p with :math:`\tanh u = \sum_i p_i\,\mathrm{erf}(s_i u)`.

    The logistic distribution is a normal one whose standard deviation is twice Kolmogorov's random variable K (Andrews
    and Mallows 1974), so :math:`\tanh u = \mathbb E\,\mathrm{erf}(u/\sqrt2 K)`. The density of K, from its two series,
    falls doubly exponentially on both sides in log K, where the trapezoidal rule converges geometrically.
    """
    x = np.exp(step * (np.arange(math.floor(-2.5 / step), math.ceil(1.5 / step)) + 0.5))
    k = np.arange(1, 20)[:, None]
    odd = ((2 * k - 1) * np.pi / (2 * x)) ** 2
    left = np.sqrt(2 * np.pi) * np.sum((odd - 1) * np.exp(-odd / 2), 0) / x**2
    right = 8 * x * np.sum((-1.0) ** (k - 1) * k**2 * np.exp(-2 * (k * x) ** 2), 0)
    found, weights = np.sqrt(0.5) / x, step * x * np.where(x < 0.9, left, right)
    matter = weights * np.maximum(1, found)  # in the value and in the slope
    kept = matter * matter.max() > negligible
    return found[kept], weights[kept]


def two_scales(found: NDArray, weights: NDArray, negligible: float) -> tuple[NDArray, NDArray, NDArray]:
    """All pairs of scales that count: the first, the second, and the product of the weights, each (pairs,)."""
    first, second = np.divmod(np.arange(len(found) ** 2), len(found))
    matter = weights * np.maximum(1, found)
    kept = matter[first] * matter[second] > negligible
    first, second = first[kept], second[kept]
    return found[first], found[second], weights[first] * weights[second]


# For 32 bits, where products of tanh are then right to 6e-7, and for 64, to 1e-13.
_NEGLIGIBLE = (1e-8, 1e-14)
_SCALES = tuple(scales(step, negligible) for step, negligible in zip((0.24, 0.13), _NEGLIGIBLE, strict=True))


def _bits(dtype: jnp.dtype) -> bool:
    return bool(jnp.finfo(dtype).eps < 1e-10)


def tanh_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    """What :class:`ntklib.activations.Activation` calls `moments`, of the hyperbolic tangent."""
    largest = jnp.maximum(jnp.max(pairs.a, initial=0), jnp.max(pairs.b, initial=0))
    after_a, after_b, both = jax.lax.cond(largest <= LARGEST, by_powers, by_error_functions, pairs)
    return after_activation(pairs, after_a, after_b, jnp.real(both), jnp.imag(both))


def by_powers(pairs: Pairs) -> tuple[Array, Array, Array]:
    r"""The moments for variances up to :data:`LARGEST`.

    With unit vectors u, v of :func:`point_factors` and :math:`y = \rho^2` the gap is, next to its scale,
    :math:`\frac12|u - v|^2 + (1 - |\rho|)\,u\cdot v + |\rho|\sum_n u_n v_n(1 - y^{e_n})`: nothing cancels, because
    :math:`1 - y^{2e} = (1 - y^e)(2 - (1 - y^e))` doubles an exponent without loss.

    Returns:
        the variances after tanh, (n1, 1) and (1, n2), and the nearer gap plus i times the expected product of the
        derivatives, (n1, n2): as one array, as XLA would sum the powers anew for each of two.
    """
    dtype = pairs.c.dtype
    odd = jnp.asarray([2 * e + 1 for e, _ in INVERSE_ROOT[_bits(dtype)]], dtype)
    u, moved_u, length_a = point_factors(pairs.a[:, 0])
    v, moved_v, length_b = point_factors(pairs.b[0])
    scale = 2 / jnp.pi * (length_a[:, None] * length_b)
    m = (pairs.gap + pairs.cogap) / 2
    x = safe_divide(jnp.minimum(pairs.gap, pairs.cogap), m)  # 1 − |ρ|
    parallel = jnp.matmul(u.T * odd, v, precision="highest")
    apart, missing, lost = _summed(u[:, :, None], v[:, None, :], moved_u[:, :, None], moved_v[:, None, :], x)
    near = m * scale * (apart + x * (1 - apart) + (1 - x) * missing)
    after_a, after_b = (2 / jnp.pi * z * jnp.square(n) for z, n in ((pairs.a, length_a[:, None]), (pairs.b, length_b)))
    return after_a, after_b, jax.lax.complex(near, scale * (parallel - lost))


def point_factors(variance: Array) -> tuple[Array, Array, Array]:
    r"""What belongs to one point in each power.

    The sum over scales :math:`\sum_s p_s\sqrt{2s^2/(1 + 2s^2a)}\,r_s(a)^e`, times the root of the coefficient of the
    covariance, is a vector :math:`B(a)` with :math:`\mathbb E\tanh^2 = \frac2\pi a|B|^2`.

    Args:
        variance: a, of n points, (n,).

    Returns:
        the unit vector, (powers, n), what it has moved from that of variance zero, in coordinates that keep distances,
        (coordinates, n), and the length |B|, (n,).
    """
    which = _bits(variance.dtype)
    start, r = _scaled(jnp, variance[:, None], which)

    def doubled(power: Array, _: None) -> tuple[Array, Array]:
        return power * power, jnp.sum(start * power, -1)

    exponents = [e for e, _ in INVERSE_ROOT[which]][1:]
    odd = [e for e in exponents if e % 2]
    base = jnp.stack([jax.lax.integer_pow(r, e) for e in odd])
    levels = max(e & -e for e in exponents).bit_length()
    found = jax.lax.scan(doubled, base, length=levels)[1]  # of each odd exponent times each power of two
    level, column = zip(*(((e & -e).bit_length() - 1, odd.index(e // (e & -e))) for e in exponents), strict=True)
    sums = jnp.concatenate([jnp.sum(start, -1)[None], found[jnp.array(level), jnp.array(column)]])
    unit, moved, length = _unit(jnp, sums, which)
    return unit, jnp.matmul(jnp.asarray(_turn(which), variance.dtype), moved, precision="highest"), length


def _scaled(xp: Any, variance: Any, which: bool) -> tuple[Any, Any]:
    """The first factor for each scale, and r, (n, scales)."""
    found, weights = (xp.asarray(row, variance.dtype) for row in _SCALES[which])
    twice = 2 * found**2 * variance
    return weights * 2**0.5 * found / xp.sqrt(1 + twice), twice / (1 + twice)


def _unit(xp: Any, sums: Any, which: bool) -> tuple[Any, Any, Any]:
    """The unit vectors of the sums over scales (powers, n), what they have moved from the first axis, and lengths."""
    roots = xp.asarray([math.sqrt(coefficient / (2 * e + 1)) for e, coefficient in INVERSE_ROOT[which]], sums.dtype)
    vector = roots[:, None] * sums
    squares = xp.sum(vector[1:] * vector[1:], 0)
    length = xp.sqrt(vector[0] * vector[0] + squares)
    unit = vector / length
    return unit, xp.concatenate([-(squares / (length * (length + vector[0])))[None], unit[1:]]), length


@functools.cache
def _turn(which: bool) -> NDArray:
    """The directions in which unit vectors move, (coordinates, powers); by the others less than rounding is lost."""

    def moved(variances: NDArray) -> NDArray:
        start, r = _scaled(np, variances[:, None], which)
        sums = np.stack([np.sum(start * r**e, 1) for e, _ in INVERSE_ROOT[which]])
        return _unit(np, sums, which)[1]

    variances = np.exp(np.linspace(math.log(1e-8), math.log(LARGEST), 200))
    steps = moved(variances * (1 + 1e-6)) - moved(variances)
    return np.linalg.svd(steps / np.linalg.norm(steps, axis=0))[0][:, : (8, 16)[which]].T


@jax.checkpoint  # without it, reverse mode would store every power of all pairs
def _summed(u: Array, v: Array, moved_u: Array, moved_v: Array, x: Array) -> tuple[Array, Array, Array]:
    """Half the square of the distance of u and v, and what is missing of the sums for the value and for the slope."""
    missing_of = {0: jnp.zeros_like(x), 1: x * (2 - x)}  # 1 − y^e

    def missing(e: int) -> Array:
        if e not in missing_of:
            half = missing(e // 2)
            missing_of[e] = missing(1) + missing(e - 1) * (1 - missing(1)) if e % 2 else half * (2 - half)
        return missing_of[e]

    apart = jnp.square(moved_u[0] - moved_v[0])
    for n in range(1, len(moved_u)):
        apart = apart + jnp.square(moved_u[n] - moved_v[n])
    total = lost = jnp.zeros_like(x)
    for n, (e, _) in enumerate(INVERSE_ROOT[_bits(x.dtype)]):
        if e:
            part = u[n] * v[n] * missing(e)
            total, lost = total + part, lost + (2 * e + 1) * part
    return apart / 2, total, lost


def by_error_functions(pairs: Pairs) -> tuple[Array, Array, Array]:
    r"""As :func:`by_powers`, for every variance: from error functions of two scales s and t, summed over both.

    From the arcsine for parallel inputs that for :math:`|c|` is subtracted as angles are: the tangent of half the
    difference is a quotient, proportional to the determinant. Its arctangent is a polynomial here, as of some hundred
    terms it is the cost.
    """
    dtype = pairs.c.dtype
    which = _bits(dtype)
    first, second, weights = two_scales(*_SCALES[which], _NEGLIGIBLE[which])
    rows = tuple(jnp.asarray(row, dtype) for row in (2 * first**2, 2 * second**2, 2 * first * second, weights))

    def mixture(term: Callable[..., tuple[Array, ...]], shape: tuple[int, ...], number: int) -> tuple[Array, ...]:
        @jax.checkpoint  # without it, reverse mode would store every term of all pairs
        def add(total: tuple[Array, ...], row: tuple[Array, ...]) -> tuple[tuple[Array, ...], None]:
            return tuple(old + row[3] * new for old, new in zip(total, term(*row[:3]), strict=True)), None

        return jax.lax.scan(add, (jnp.zeros(shape, dtype),) * number, rows)[0]

    def parallel(a: Array, b: Array) -> Array:
        shape = jnp.broadcast_shapes(a.shape, b.shape)
        return 2 / jnp.pi * mixture(lambda *factors: (parallel_arcsine(a, b, *factors),), shape, 1)[0]

    m, size, determinant = (pairs.gap + pairs.cogap) / 2, jnp.abs(pairs.c), pairs.determinant
    m = jnp.where(m == 0, 1, m)  # the determinant is zero there
    product = m * size

    def below_and_slope(first: Array, second: Array, twice: Array) -> tuple[Array, Array]:
        total, square = 1 + first * pairs.a + second * pairs.b, twice * twice
        root, level = jnp.sqrt(total + square * determinant), jnp.sqrt(total)
        whole = (1 + first * pairs.a) * (1 + second * pairs.b)
        tangent = twice * determinant / ((m * root + size * level) * (1 + (root * level + square * product) / whole))
        return 2 * tangent * polynomial(ATAN, tangent * tangent), twice / root

    below, derivative = mixture(below_and_slope, pairs.c.shape, 2)
    after_a, after_b, apart = spread(parallel, pairs.a, pairs.b)
    return after_a, after_b, 2 / jnp.pi * jax.lax.complex(jnp.pi / 2 * apart + below, derivative)
