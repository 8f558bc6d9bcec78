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

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _arguments
from ntklib._interpolants import ASIN, ATAN, BEND, polynomial
from ntklib._mehler import moments_of
from ntklib._pairs import Pairs, after_activation, safe_divide, safe_sqrt, spread

__all__ = ["Activation", "Pairs", "by_name", "from_function", "names"]


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

    def __post_init__(self) -> None:
        _arguments.text("name", self.name)
        _arguments.function("function", self.function, "function(x)")
        _arguments.function("moments", self.moments, "moments(pairs)")

    def __call__(self, x: Array) -> Array:
        """The activation of `x`, elementwise."""
        return self.function(x)


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
    s = jnp.where(acute, pairs.gap, pairs.cogap) * (safe_divide(0.5, root_a) * safe_divide(1.0, root_b))
    root = safe_sqrt(s)
    turn = root * polynomial(ASIN, s) / jnp.pi  # q/2π
    bend = m * (root * s * polynomial(BEND, s) / (2 * jnp.pi))  # √(ab) (sin q − q cos q)/2π
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
    sine = jnp.minimum(safe_divide(numerator / 2**0.5, sine_of_sum), 1)
    after_a, after_b = (2 / jnp.pi * jnp.arctan2(2 * each, jnp.sqrt(1 + 4 * each)) for each in (a, b))
    means = jnp.square(safe_sqrt(after_a) - safe_sqrt(after_b)) / 2  # by what their geometric mean is smaller
    near = jnp.where((a == 0) | (b == 0), 0, 2 / jnp.pi * jnp.arcsin(sine) - means)
    return after_activation(pairs, after_a, after_b, near, 4 / jnp.pi / root)


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
    turn = jnp.arcsin(safe_divide(determinant, m * delta + jnp.abs(c) * delta0)) / (2 * jnp.pi)
    thinner = determinant / (2 * jnp.pi * delta * delta0 * (delta + delta0))
    below = pairs.gap * orthant0 + c * turn + c * c * ratio * thinner + determinant * (ratio * density0 - density)
    value = c * orthant + (determinant + c * c * ratio) * density
    derivative = orthant + (c * ratio + c / jnp.square(delta)) * density
    after_a, after_b, apart = spread(parallel, a, b)
    opposite = safe_sqrt(after_a) * safe_sqrt(after_b) + value
    near = jnp.where(pairs.gap <= cogap, apart + jnp.where(m == 0, 0, below), opposite)
    return after_activation(pairs, after_a, after_b, near, derivative)


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
        return 2 * tangent * polynomial(ATAN, tangent * tangent), twice / root

    below, derivative = mixture(below_and_slope, pairs.c.shape, 2)
    after_a, after_b, apart = spread(parallel, pairs.a, pairs.b)
    return after_activation(pairs, after_a, after_b, apart + 2 / jnp.pi * below, 2 / jnp.pi * derivative)


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
    order = _arguments.count("order", order, 2, 256)
    _arguments.function("function", function, "function(x)")
    return Activation(name, function, moments_of(function, order))


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
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        how = "; make an Activation of a function by activations.from_function" if callable(activation) else ""
        what = getattr(activation, "__name__", None) if how and not isinstance(activation, type) else None
        raise ValueError(
            f"activation must be one of {', '.join(names())} or an Activation, "
            f"got {what or _arguments.got(activation)}{how}"
        )
    return _ACTIVATIONS[activation]
