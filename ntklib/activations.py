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


def _safe_divide(x: Array, y: Array) -> Array:
    """`x / y`, and zero with zero derivative where `y` is zero."""
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


def _sin_minus_x_cos(x: Array) -> Array:
    r""":math:`\sin x - x\cos x` to full relative accuracy, also near zero where it is :math:`x^3/3`."""
    small = jnp.abs(x) < 0.5
    y = jnp.where(small, x, 0.0) ** 2
    # Σ_k (−1)^(k+1) x^(2k+1) 2k/(2k+1)!, by Horner; eight terms reach 1e-17 at x = 0.5
    series = jnp.zeros_like(y)
    coefficients, factorial = [], 1.0
    for k in range(1, 9):
        factorial *= 2 * k * (2 * k + 1)
        coefficients.append((-1) ** (k + 1) * 2 * k / factorial)
    for coefficient in reversed(coefficients):
        series = series * y + coefficient
    return jnp.where(small, series * y * x, jnp.sin(x) - x * jnp.cos(x))


def _angles(pairs: Pairs) -> tuple[Array, Array]:
    r"""The angle :math:`\theta` between parallel and the pair, and :math:`\pi - \theta`, both relatively accurate."""
    near, far = safe_sqrt(pairs.gap), safe_sqrt(pairs.cogap)
    acute = near <= far
    small, large = jnp.where(acute, near, far), jnp.where(acute, far, near)
    # A pair with a zero variance has no angle; any value does, because its moments are multiplied by zero.
    nonzero = large > 0
    q = 2 * jnp.arctan2(jnp.where(nonzero, small, 0.0), jnp.where(nonzero, large, 1.0))
    return jnp.where(acute, q, jnp.pi - q), jnp.where(acute, jnp.pi - q, q)


def _relu_moments(pairs: Pairs) -> tuple[Pairs, Array]:
    """Arc-cosine kernels of order 1 and 0 (Cho and Saul 2009, eqs. 5 and 6), halved."""
    theta, rest = _angles(pairs)
    m = (pairs.gap + pairs.cogap) / 2
    # With f = sin − x cos: m κ₁ = m (sin θ + (π − θ) cos θ)/π = m f(π − θ)/π and m − m κ₁ = gap − m f(θ)/π
    c = m * _sin_minus_x_cos(rest) / (2 * jnp.pi)
    gap = (pairs.gap - m * _sin_minus_x_cos(theta) / jnp.pi) / 2
    # Without variance there is no angle, and of the slopes that meet there zero is taken, as for relu itself at zero.
    gap, cogap = (jnp.where(m == 0, 0, distance) for distance in (jnp.maximum(gap, 0), m / 2 + c))
    after = Pairs(pairs.a / 2, pairs.b / 2, c, gap, cogap)
    return after, rest / (2 * jnp.pi)


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
        function: an elementwise JAX function, smooth. For `tanh` the default order leaves, in float64, an error of
            1e-13 in the value and 3e-11 in the derivative at variance 2, of 6e-10 and 8e-8 at variance 4, and of
            7e-5 and 5e-3 at variance 25. A function with a kink converges only algebraically and does not belong here.
        order: the number of terms.

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
        z, weights = jnp.asarray(nodes, dtype), jnp.asarray(rows, dtype)

        def coefficients(variance: Array) -> tuple[Array, Array]:
            u = safe_sqrt(variance.reshape(-1, 1)) * z
            values, slopes = function(u), jax.vmap(jax.vmap(slope))(u)
            return weights @ values.T, weights @ slopes.T  # (order, n)

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


_ACTIVATIONS = {
    "relu": Activation("relu", jax.nn.relu, _relu_moments),
    "erf": Activation("erf", jax.scipy.special.erf, _erf_moments),
    "gelu": Activation("gelu", lambda x: jax.nn.gelu(x, approximate=False), _gelu_moments),
    "tanh": from_function("tanh", jnp.tanh),
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
