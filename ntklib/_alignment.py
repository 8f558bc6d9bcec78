"""How much of a kernel points along the targets?"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _validation

__all__ = ["alignment"]


def alignment(kernel: ArrayLike, y: ArrayLike) -> Array:
    r"""How much of a kernel points along the targets: the centred kernel-target alignment, from 0 to 1.

    :math:`\langle HKH, YY^\top\rangle_F / (\|HKH\|_F\,\|HYY^\top H\|_F)` with :math:`H = 1 - \frac1n 11^\top` (Cortes,
    Mohri and Rostamizadeh 2012, Definition 4). It is 1 if the centred kernel is a multiple of
    :math:`HYY^\top H`. Without the centring any kernel with a large mean would seem to know the labels. It compares
    kernels on the same points and targets; its size depends on their number and on the share of each class.

    Args:
        kernel: the matrix (n, n), symmetric and positive semi-definite.
        y: the targets, (n,) or (n, k), for classes one column each.

    Returns:
        a number, to rounding at least 0 and at most 1. It does not change if the kernel is multiplied by a positive
        number, or if a constant is added to it or to the targets.

    Raises:
        ValueError: if a shape or dtype does not fit, or, not while JAX traces, if the kernel is not symmetric, has a
            negative eigenvalue beyond rounding, or one of the two is constant to rounding: nothing is left to compare.

    >>> y = jnp.array([1.0, 1.0, -1.0, -1.0])
    >>> [round(float(alignment(kernel, y)), 3) for kernel in (5.0 + jnp.outer(y, y), jnp.eye(4))]
    [1.0, 0.577]
    """
    matrix, targets = _validation.square("kernel", kernel), _validation.floating("y", y)
    n = len(matrix)
    if targets.ndim not in (1, 2) or len(targets) != n or 0 in targets.shape:
        raise ValueError(
            f"y must have shape ({n},) or ({n}, k) for a kernel of shape {matrix.shape}, got {targets.shape}"
        )
    known = not (_validation.traced(kernel) or _validation.traced(y))
    if known:
        _validation.refuse_unless_positive(np.asarray(matrix))
    columns = targets.reshape(n, -1)
    columns = columns / jnp.maximum(jnp.max(jnp.abs(columns)), jnp.finfo(columns.dtype).tiny)
    matrix = matrix / jnp.maximum(jnp.max(jnp.abs(matrix)), jnp.finfo(matrix.dtype).tiny)  # squares stay in range
    centred_y = columns - columns.mean(0)
    centred = matrix - matrix.mean(0)
    centred = centred - centred.mean(1, keepdims=True)
    if known:
        for name, whole, rest in (("kernel", matrix, centred), ("y", columns, centred_y)):
            if not jnp.linalg.norm(rest) > 10 * jnp.finfo(rest.dtype).eps * jnp.linalg.norm(whole):
                raise ValueError(
                    f"{name} must not be constant over the points: centred, nothing is left of it to be compared"
                )
    along = jnp.sum(centred_y * (centred @ centred_y))
    return along / (jnp.linalg.norm(centred) * jnp.linalg.norm(centred_y.T @ centred_y))
