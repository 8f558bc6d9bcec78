r"""What is known of a Gaussian pair, so that nothing cancels from layer to layer?

Its variances, its covariance, and the two distances of the covariance from the largest values that it can take.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ntklib._interpolants import chebyshev

__all__ = ["Pairs", "after_activation", "parallel_arcsine", "safe_divide", "safe_sqrt", "spread"]


def safe_sqrt(x: Array) -> Array:
    """Square root whose derivative at zero is zero instead of infinite, and which takes rounding below zero as zero.

    >>> float(jax.grad(safe_sqrt)(0.0)), float(safe_sqrt(jnp.float32(4)))
    (0.0, 2.0)
    """
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)


def safe_divide(x: ArrayLike, y: Array) -> Array:
    """`x / y`, and zero with zero derivative where `y` is zero."""
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


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

    def dense(self, w_std: ArrayLike, b_std: ArrayLike, other: ArrayLike | None = None) -> "Pairs":
        r"""The pairs after a dense layer: :math:`a, b, c` each become :math:`\sigma_w^2\,\cdot + \sigma_b^2`.

        Where u and v are measured in different units, so is the bias: `other` is then its deviation in the unit of v.

        >>> one = jnp.ones((1, 1))
        >>> float(Pairs(one, one, one, 0 * one, 2 * one).dense(2.0, 1.0).c[0, 0])
        5.0
        """
        w2, other = jnp.square(w_std), b_std if other is None else other
        scaled = Pairs(*(w2 * moment for moment in self))
        if isinstance(b_std, int | float) and b_std == 0:
            return scaled
        a, b, c, gap, cogap = scaled
        both = b_std * other
        # With m = √(ab) before the bias and M after it, M − m − σσ' is a quotient of sums of positive terms: nothing
        # cancels.
        root_a, root_b = safe_sqrt(a), safe_sqrt(b)
        more_a, more_b = a + jnp.square(b_std), b + jnp.square(other)
        total = safe_sqrt(more_a * more_b) + root_a * root_b + both
        rest = safe_divide((root_a * other - root_b * b_std) ** 2, total)
        return Pairs(more_a, more_b, c + both, gap + rest, cogap + rest + 2 * both)


def after_activation(pairs: Pairs, a: Array, b: Array, near: Array, derivative: Array) -> tuple[Pairs, Array]:
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


def parallel_arcsine(a: Array, b: Array, first: ArrayLike, second: ArrayLike, twice: ArrayLike) -> Array:
    r""":math:`\arcsin\bigl(2 s t\sqrt{ab}/\sqrt{(1 + 2s^2a)(1 + 2t^2b)}\bigr)`, which loses nothing near a right angle.

    The factors are :math:`2s^2, 2t^2, 2 s t`; times 2/π it is the covariance of two error functions of parallel inputs.
    """
    return jnp.arctan2(twice * safe_sqrt(a) * safe_sqrt(b), jnp.sqrt(1 + first * a + second * b))


_CLOSE = 1.0  # standard deviations whose ratio is below e
_SPREAD = (chebyshev(10, _CLOSE), chebyshev(24, _CLOSE))  # for 32 bits, and for 64


def spread(parallel: Callable[[Array, Array], Array], a: Array, b: Array) -> tuple[Array, Array, Array]:
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
    ratio = safe_divide(b - a, a)
    close = (a > 0) & (jnp.abs(jnp.log1p(jnp.where(a > 0, jnp.maximum(ratio, -0.99), 0))) < 2 * _CLOSE)
    s = jnp.log1p(jnp.where(close, ratio, 0)) / 2
    x = s / _CLOSE
    last = before = jnp.zeros_like(x)
    for k in range(len(nodes) - 1, 0, -1):  # Clenshaw
        last, before = coefficients[:, k, None] + 2 * x * last - before, last
    near = s * s * (coefficients[:, :1] + x * last - before)
    subtracted = lambda: safe_sqrt(after_a) * safe_sqrt(after_b) - parallel(a, b)  # noqa: E731
    difference = jax.lax.cond(jnp.all(close), lambda: near, lambda: jnp.where(close, near, subtracted()))
    return after_a, after_b, difference
