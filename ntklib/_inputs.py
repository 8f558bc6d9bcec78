r"""What are the second moments of inputs, so that nothing is lost where two are nearly parallel?"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ntklib._pairs import Pairs, safe_sqrt

__all__ = ["input_pairs"]


def input_pairs(x1: Array, x2: Array | None) -> Pairs:
    r"""The second moments :math:`x^\top x'/d` of the inputs, with gaps that are accurate for nearly parallel ones.

    From the matrix product the gap :math:`|x||x'| - x^\top x'` has an error of the order of the rounding unit, so the
    angle has one of the rounding unit divided by the angle. Where that would be seen, for angles below 0.2 in 32 bits
    and 0.007 in 64, the gap is taken from the difference of the unit vectors instead (Kahan's formula for the angle),
    at the cost of reading 32 inputs for each row in which that happens, or all of them where it happens more often.

    >>> x = jnp.array([[1.0, 0.0]])
    >>> float(input_pairs(x, jnp.array([[1.0, 1e-6]])).gap[0, 0] / 2.5e-13)
    1.0
    """
    dim = x1.shape[1]
    other = x1 if x2 is None else x2
    square1, square2 = jnp.sum(x1 * x1, 1)[:, None], jnp.sum(other * other, 1)[None, :]
    norm1, norm2 = safe_sqrt(square1), safe_sqrt(square2)
    c = jnp.matmul(x1, other.T, precision="highest") / dim
    scale = norm1 * (norm2 / dim)
    near = scale - jnp.abs(c)  # the distance from parallel or antiparallel, whichever is nearer
    diagonal = jnp.eye(len(x1), dtype=bool) if x2 is None else jnp.zeros((), bool)
    near = jnp.where(diagonal, scale, near)  # it is known there, and for now far from needing more care
    near = _refine(x1, norm1, other, norm2, c, near)
    # At a zero input only c has a derivative; the norms have none there, and their subgradients are taken as zero.
    zero = scale == 0
    c = jnp.where((near < _near_enough(c.dtype) * scale) & ~zero, jnp.where(c >= 0, scale - near, near - scale), c)
    c, near = jnp.where(diagonal, square1 / dim, c), jnp.where(diagonal, 0, near)
    gap, cogap = jnp.where(c >= 0, near, 2 * scale - near), jnp.where(c >= 0, 2 * scale - near, near)
    return Pairs(square1 / dim, square2 / dim, c, jnp.where(zero, -c, gap), jnp.where(zero, c, cogap))


def _refine(x1: Array, norm1: Array, x2: Array, norm2: Array, c: Array, near: Array) -> Array:
    """Replace the small distances by those from half the squared length of the difference or sum of the unit vectors.

    Whether there are any is one minimum: all that this costs where there are none.
    """
    dim, few = x1.shape[1], 32
    unit1, unit2 = x1 / jnp.where(norm1 == 0, 1, norm1), x2 / jnp.where(norm2 == 0, 1, norm2).T

    @jax.checkpoint  # without it, reverse mode would store the differences of all pairs
    def row(arguments: tuple[Array, ...]) -> Array:
        u, norm, c, near = arguments
        scale = norm * (norm2[0] / dim)
        close = near < _near_enough(c.dtype) * scale
        count = jnp.sum(close)

        def exact(where: Any) -> Array:
            sign = jnp.where(c[where] >= 0, 1, -1)[:, None]
            apart = jnp.sum((u - sign * unit2[where]) ** 2, 1) / 2
            return jnp.where(close[where], scale[where] * apart, near[where])

        def some() -> Array:
            where = jax.lax.top_k(close.astype(c.dtype), few)[1]
            return near.at[where].set(exact(where))

        if len(near) <= few:
            return jax.lax.cond(count > 0, lambda: exact(slice(None)), lambda: near)
        number = (count > 0).astype(int) + (count > few)
        return jax.lax.switch(number, (lambda: near, some, lambda: exact(slice(None))))

    if not near.size:
        return near
    return jax.lax.cond(
        jnp.min(near - _near_enough(c.dtype) * (norm1 * (norm2 / dim))) < 0,
        lambda: jax.lax.map(row, (unit1, norm1, c, near)),
        lambda: near,
    )


def _near_enough(dtype: Any) -> float:
    """Up to which 1 − cosine the difference of two unit vectors is needed: 0.02 in 32 bits, 2e-5 in 64."""
    return 4 * float(jnp.finfo(dtype).eps) ** (1 / 3)
