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
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ntklib import _arguments
from ntklib._interpolants import ASIN, BEND, polynomial
from ntklib._mehler import moments_of
from ntklib._pairs import Pairs, after_activation, safe_divide, safe_sqrt, spread
from ntklib._tanh import tanh_moments

__all__ = ["Activation", "Pairs", "by_name", "from_function", "names"]


@dataclasses.dataclass(frozen=True)
class Activation:
    """An activation with the two Gaussian expectations that the kernel recursions need.

    Attributes:
        name: what it is called.
        function: the activation itself, elementwise.
        moments: maps :class:`Pairs` before the activation to the pairs of second moments after it and to
            the expected product of the derivatives, shape (n1, n2).
        quick: whether the moments are so quick to compile that a network compiles several layers in a row.
        homogeneous: whether a positive factor can be taken out of the function.
    """

    name: str
    function: Callable[[Array], Array]
    moments: Callable[[Pairs], tuple[Pairs, Array]]
    quick: bool = False
    homogeneous: bool = False

    def __post_init__(self) -> None:
        _arguments.text("name", self.name)
        _arguments.function("function", self.function, "function(x)")
        _arguments.function("moments", self.moments, "moments(pairs)")
        _arguments.flag("quick", self.quick)
        _arguments.flag("homogeneous", self.homogeneous)

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
    "relu": Activation("relu", jax.nn.relu, _relu_moments, quick=True, homogeneous=True),
    "erf": Activation("erf", jax.scipy.special.erf, _erf_moments, quick=True),
    "gelu": Activation("gelu", lambda x: jax.nn.gelu(x, approximate=False), _gelu_moments),
    "tanh": Activation("tanh", jnp.tanh, tanh_moments),
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
