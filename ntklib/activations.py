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
from typing import Any, NamedTuple

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

# Likewise on [0, 1] of atan(√t)/√t.
_ATAN = (
    (
        0.9999999817886557,
        -0.33333036709286273,
        0.19991872029109073,
        -0.14197797794085124,
        0.10618370636953849,
        -0.07456854826004547,
        0.04213762358919304,
        -0.01573124912218365,
        0.002766283501762026,
    ),
    (
        1.0,
        -0.3333333333333286,
        0.19999999999929946,
        -0.14285714281592693,
        0.11111110982087126,
        -0.09090906605656898,
        0.0769227555520563,
        -0.06666371187721098,
        0.05880342002401543,
        -0.052527255573225747,
        0.04719723992321112,
        -0.042125723963855326,
        0.03651081352721035,
        -0.02970071773623423,
        0.021740213830758134,
        -0.013674139288399478,
        0.007038646202989813,
        -0.0028047655531701315,
        0.0008033604181626027,
        -0.00014617088163625013,
        1.2631178430477426e-05,
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
    r"""Williams (1997), eq. 11: arcsines. From the mean of those of a and b that of |c| is subtracted as angles are.

    In :math:`\sin(M - \theta) = (\sin^2 M - \sin^2\theta)/\sin(M + \theta)` the numerator is a sum of two positive
    terms, one proportional to the determinant and one to :math:`(a - b)^2`.
    """
    a, b = pairs.a, pairs.b
    total, roots = 1 + 2 * a + 2 * b, jnp.sqrt(1 + 4 * a) * jnp.sqrt(1 + 4 * b)
    root = jnp.sqrt(total + 4 * pairs.determinant)
    numerator = 8 * pairs.determinant + 4 * jnp.square(a - b) / (total + roots)
    size = jnp.abs(pairs.c)
    sine_of_sum = safe_sqrt(8 * size * size + numerator) * root + 2 * size * jnp.sqrt(total + roots)
    sine = jnp.minimum(_safe_divide(numerator / 2**0.5, sine_of_sum), 1)
    after_a, after_b = (2 / jnp.pi * jnp.arctan2(2 * each, jnp.sqrt(1 + 4 * each)) for each in (a, b))
    means = jnp.square(safe_sqrt(after_a) - safe_sqrt(after_b)) / 2  # by what their geometric mean is smaller
    near = 2 / jnp.pi * jnp.arcsin(sine) - means
    return _after(pairs, after_a, after_b, near, 4 / jnp.pi / root)


def _parallel_arcsine(a: Array, b: Array, first: ArrayLike, second: ArrayLike, twice: ArrayLike) -> Array:
    r""":math:`\arcsin\bigl(2 s t\sqrt{ab}/\sqrt{(1 + 2s^2a)(1 + 2t^2b)}\bigr)`, which loses nothing near a right angle.

    The factors are :math:`2s^2, 2t^2, 2 s t`; times 2/π it is the covariance of two error functions of parallel inputs.
    """
    return jnp.arctan2(twice * safe_sqrt(a) * safe_sqrt(b), jnp.sqrt(1 + first * a + second * b))


def _gelu_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    r"""For :math:`u\Phi(u)`: Stein's lemma twice for the value, Price's theorem for the derivative."""
    a, b, c, _, cogap = pairs
    determinant, m = pairs.determinant, (pairs.gap + cogap) / 2
    ratio = 1 / (1 + a) + 1 / (1 + b)

    def moments(a: Array, b: Array, c: Array, determinant: ArrayLike) -> tuple[Array, Array, Array]:
        delta = jnp.sqrt(1 + a + b + determinant)  # the root of (1 + a)(1 + b) − c²
        density = 1 / (2 * jnp.pi * delta)  # E ϕ(u)ϕ(v), with ϕ the normal density
        orthant = 0.25 + jnp.arctan2(c, delta) / (2 * jnp.pi)  # E Φ(u)Φ(v)
        return delta, density, orthant

    def parallel(a: Array, b: Array) -> Array:
        m = safe_sqrt(a) * safe_sqrt(b)
        _, density, orthant = moments(a, b, m, 0.0)
        return m * orthant + (m * m / (1 + a) + m * m / (1 + b)) * density

    delta, density, orthant = moments(a, b, c, determinant)
    delta0, density0, orthant0 = moments(a, b, m, 0.0)
    # What parallel inputs have more, term by term, each proportional to the gap; in the order of `value`. Antiparallel
    # ones need no such care: their covariance is not the opposite of that of parallel ones.
    turn = jnp.arcsin(_safe_divide(determinant, m * delta + jnp.abs(c) * delta0)) / (2 * jnp.pi)
    thinner = determinant / (2 * jnp.pi * delta * delta0 * (delta + delta0))
    below = pairs.gap * orthant0 + c * turn + c * c * ratio * thinner + determinant * (ratio * density0 - density)
    value = c * orthant + (determinant + c * c * ratio) * density
    derivative = orthant + (c * ratio + c / jnp.square(delta)) * density
    after_a, after_b, spread = _spread(parallel, a, b)
    opposite = safe_sqrt(after_a) * safe_sqrt(after_b) + value
    near = jnp.where(pairs.gap <= cogap, spread + jnp.where(m == 0, 0, below), opposite)
    return _after(pairs, after_a, after_b, near, derivative)


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
    r"""Those of error functions of two scales s and t (Williams 1997), summed over a mixture; for every variance.

    From the arcsine for parallel inputs that for :math:`|c|` is subtracted as angles are: the tangent of half the
    difference is a quotient, proportional to the determinant. Its arctangent is a polynomial here, as of some hundred
    terms it is the cost.
    """
    dtype = pairs.c.dtype
    scales1, scales2, weights = _TANH[bool(jnp.finfo(dtype).eps < 1e-10)]
    rows = tuple(jnp.asarray(row, dtype) for row in (2 * scales1**2, 2 * scales2**2, 2 * scales1 * scales2, weights))

    def mixture(term: Callable[..., tuple[Array, ...]], shape: tuple[int, ...], number: int) -> tuple[Array, ...]:
        @jax.checkpoint  # without it, reverse mode would store every term of all pairs
        def add(total: tuple[Array, ...], row: tuple[Array, ...]) -> tuple[tuple[Array, ...], None]:
            return tuple(old + row[3] * new for old, new in zip(total, term(*row[:3]), strict=True)), None

        return jax.lax.scan(add, (jnp.zeros(shape, dtype),) * number, rows)[0]

    def parallel(a: Array, b: Array) -> Array:
        shape = jnp.broadcast_shapes(a.shape, b.shape)
        return 2 / jnp.pi * mixture(lambda *factors: (_parallel_arcsine(a, b, *factors),), shape, 1)[0]

    m, size, determinant = (pairs.gap + pairs.cogap) / 2, jnp.abs(pairs.c), pairs.determinant
    m = jnp.where(m == 0, 1, m)  # the determinant is zero there
    product = m * size

    def below_and_slope(first: Array, second: Array, twice: Array) -> tuple[Array, Array]:
        total, square = 1 + first * pairs.a + second * pairs.b, twice * twice
        root, level = jnp.sqrt(total + square * determinant), jnp.sqrt(total)
        whole = (1 + first * pairs.a) * (1 + second * pairs.b)
        tangent = twice * determinant * whole / ((m * root + size * level) * (whole + root * level + square * product))
        return 2 * tangent * _polynomial(_ATAN, tangent * tangent), twice / root

    below, derivative = mixture(below_and_slope, pairs.c.shape, 2)
    after_a, after_b, spread = _spread(parallel, pairs.a, pairs.b)
    return _after(pairs, after_a, after_b, spread + 2 / jnp.pi * below, 2 / jnp.pi * derivative)


def _after(pairs: Pairs, a: Array, b: Array, near: Array, derivative: Array) -> tuple[Pairs, Array]:
    r"""Pairs after an activation, with gaps in which nothing has cancelled, and the derivative.

    A network that pulls inputs apart amplifies the gap in each layer, and with it what rounding has left in it. So the
    gap must not be got by subtracting two numbers that are nearly equal.

    Args:
        pairs: before the activation.
        a: variances after it, (n1, 1).
        b: variances after it, (1, n2).
        near: the gap after it, where the gap before it is smaller than the cogap, else the cogap, (n1, n2).
        derivative: the expected product of the derivatives, (n1, n2).
    """
    m, acute, near = safe_sqrt(a) * safe_sqrt(b), pairs.gap <= pairs.cogap, jnp.maximum(near, 0)
    c = jnp.where(acute, m - near, near - m)
    gap, cogap = jnp.where(acute, near, 2 * m - near), jnp.where(acute, 2 * m - near, near)
    # Without variance there is no angle, and c has a derivative that the gap cannot tell: Price's theorem does.
    none = pairs.gap + pairs.cogap == 0
    c = jnp.where(none, c + derivative * pairs.c, c)
    return Pairs(a, b, c, jnp.where(none, m - c, gap), jnp.where(none, m + c, cogap)), derivative


def _chebyshev(number: int, half_width: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [−half_width, half_width], none of them zero, and the matrix from values there to coefficients."""
    angles = np.pi * (np.arange(number) + 0.5) / number
    matrix = 2 / number * np.cos(np.outer(angles, np.arange(number)))
    matrix[:, 0] /= 2
    return half_width * np.cos(angles), matrix


_CLOSE = 1.0  # standard deviations whose ratio is below e
_SPREAD = (_chebyshev(10, _CLOSE), _chebyshev(24, _CLOSE))  # for 32 bits, and for 64


def _spread(parallel: Callable[[Array, Array], Array], a: Array, b: Array) -> tuple[Array, Array, Array]:
    r"""Variances :math:`V(a,a), V(b,b)` and :math:`\sqrt{V(a,a)V(b,b)} - V(a, b)` for a (n1, 1) and b (1, n2).

    `parallel` is V, the covariance after the activation of parallel inputs. With :math:`s = \frac12\log(b/a)` the
    difference is :math:`s^2` times an analytic function of s. That function is interpolated for each a, from nodes at
    which the subtraction leaves enough digits; for large s the subtraction itself does.
    """
    nodes, matrix = (jnp.asarray(each, a.dtype) for each in _SPREAD[bool(jnp.finfo(a.dtype).eps < 1e-10)])
    there = a * jnp.exp(2 * nodes)  # (n1, number)
    values = parallel(jnp.hstack([a, there, jnp.broadcast_to(a, there.shape)]), jnp.hstack([a, there, there]))
    after_a, after_there, mixed = values[:, :1], values[:, 1 : len(nodes) + 1], values[:, len(nodes) + 1 :]
    after_b = parallel(b, b)
    coefficients = (safe_sqrt(after_a) * safe_sqrt(after_there) - mixed) / nodes**2 @ matrix
    ratio = _safe_divide(b - a, a)
    close = (a > 0) & (jnp.abs(jnp.log1p(jnp.where(a > 0, jnp.maximum(ratio, -0.99), 0))) < 2 * _CLOSE)
    s = jnp.log1p(jnp.where(close, ratio, 0)) / 2
    x = s / _CLOSE
    last = before = jnp.zeros_like(x)
    for k in range(len(nodes) - 1, 0, -1):  # Clenshaw
        last, before = coefficients[:, k, None] + 2 * x * last - before, last
    near = s * s * (coefficients[:, :1] + x * last - before)
    subtracted = lambda: safe_sqrt(after_a) * safe_sqrt(after_b) - parallel(a, b)  # noqa: E731
    spread = jax.lax.cond(jnp.all(close), lambda: near, lambda: jnp.where(close, near, subtracted()))
    return after_a, after_b, spread


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

        m, acute = (pairs.gap + pairs.cogap) / 2, pairs.gap <= pairs.cogap
        x = _safe_divide(jnp.where(acute, pairs.gap, pairs.cogap), m)  # 1 − |ρ|
        rho = _safe_divide(pairs.c, m)
        left, right = coefficients(pairs.a), coefficients(pairs.b)

        def step(total: Any, row: Any) -> tuple[Any, None]:
            near, derivative, power, missing = total  # the last two are |ρ|^k and 1 − |ρ|^k
            sign, value1, value2, slope1, slope2 = row
            value1, value2, slope1, slope2 = value1[:, None], value2[None, :], slope1[:, None], slope2[None, :]
            # of √(a'b') ∓ c', less what the means of the variances have too much: squares, and products times 1 − |ρ|^k
            sign = jnp.where(acute, 1, sign)
            both = value1 * value2 * sign
            near = near + jnp.square(value1 - sign * value2) / 2 + both * missing
            derivative = derivative + slope1 * slope2 * power * jnp.where(acute, 1, -sign)
            return (near, derivative, power * jnp.abs(rho), missing + power * x), None

        signs = jnp.asarray(np.where(np.arange(order) % 2, 1.0, -1.0), dtype)  # of −(−1)^k
        start = (jnp.zeros_like(rho), jnp.zeros_like(rho), jnp.ones_like(rho), jnp.zeros_like(rho))
        (near, derivative, _, _), _ = jax.lax.scan(step, start, (signs, left[0], right[0], left[1], right[1]))
        a = jnp.sum(left[0] ** 2, 0).reshape(pairs.a.shape)
        b = jnp.sum(right[0] ** 2, 0).reshape(pairs.b.shape)
        return _after(pairs, a, b, near - jnp.square(safe_sqrt(a) - safe_sqrt(b)) / 2, derivative)

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
