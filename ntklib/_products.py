"""How is a Gaussian kernel computed from products of points, and when do these have the digits for it?"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

__all__ = ["gaussian"]

# So large may the rounding of a squared distance be, in squares of the length scale; half of it is the error of the
# kernel, which is far below the residual to which the estimators solve.
_ROUNDING = 1e-11

Kernel = Callable[..., Array]


def gaussian(
    x: NDArray[np.float64], lengthscale: NDArray[np.float64], other: NDArray[np.float64] | None = None
) -> Kernel | None:
    r"""The Gaussian kernel by :math:`\|a\|^2 + \|b\|^2 - 2a^\top b`, or None if that would lose digits at these points.

    One product of matrices takes a fraction of the time that differences of all pairs take, many times less for a
    hundred coordinates. The difference of large numbers is known to their rounding only, so the points are taken from
    their mean, and those that are far from it in length scales are left to the slower way.

    Args:
        x: the points, (n, d), in 64 bits.
        lengthscale: a number, or one for each coordinate, (d,).
        other: points (m, d) to compare them with, if not with themselves.
    """
    centre = x.mean(axis=0)
    with np.errstate(over="ignore"):  # of points whose squares no number holds the other way takes care
        furthest = max(
            float(np.max(np.sum(((points - centre) / lengthscale) ** 2, axis=1), initial=0))
            for points in ((x,) if other is None else (x, other))
        )
    if not 4 * furthest * np.finfo(float).eps <= _ROUNDING:
        return None
    return lambda a, b=None: _gaussian(a, a if b is None else b, centre, lengthscale)


@jax.jit
def _gaussian(a: Array, b: Array, centre: Array, lengthscale: Array) -> Array:
    a, b = (a - centre) / lengthscale, (b - centre) / lengthscale
    product = jnp.matmul(a, b.T, precision="highest")
    squared = jnp.sum(a**2, axis=1)[:, None] + jnp.sum(b**2, axis=1) - 2 * product
    return jnp.exp(-jnp.maximum(squared, 0) / 2)
