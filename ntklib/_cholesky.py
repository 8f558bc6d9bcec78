"""How is a positive definite matrix of any size decomposed?

In blocks, from so many rows on: OpenBLAS, with several threads, crashes at the whole of a matrix of 20,000 rows (its
issues 1413, 2821), whether SciPy, NumPy or JAX calls it.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular
from numpy.typing import NDArray
from scipy import linalg

__all__ = ["factor", "traced"]

_BLOCK = 8192  # rows that are factored at once


def factor(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """The lower factor, in the memory of the matrix if that is in Fortran's order, and whether there is none.

    Args:
        matrix: symmetric, (n, n); only its lower triangle is read.

    Returns:
        the factor, above whose diagonal stands what stood there, and whether the matrix is not positive definite.

    >>> lower, failed = factor(np.array([[4.0, 9.0], [2.0, 2.0]], order="F"))
    >>> lower.tolist(), failed
    ([[2.0, 9.0], [1.0, 1.0]], False)
    """
    if len(matrix) <= _BLOCK:
        lower, failed = linalg.lapack.dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
        return lower, bool(failed)
    for start in range(0, len(matrix), _BLOCK):
        end = min(start + _BLOCK, len(matrix))
        block, failed = linalg.lapack.dpotrf(matrix[start:end, start:end], lower=1, clean=0)
        matrix[start:end, start:end] = block
        if failed:
            return matrix, True
        for row in range(end, len(matrix), _BLOCK):
            rows = slice(row, row + _BLOCK)
            matrix[rows, start:end] = linalg.blas.dtrsm(1.0, block, matrix[rows, start:end], side=1, lower=1, trans_a=1)
            for column in range(end, row + 1, _BLOCK):
                columns = slice(column, min(column + _BLOCK, len(matrix)))
                product = matrix[rows, start:end] @ matrix[columns, start:end].T
                matrix[rows, columns] -= np.tril(product) if row == column else product
    return matrix, False


def traced(matrix: Array) -> Array:
    """The lower factor of a symmetric matrix (n, n) of JAX, which can be traced and differentiated; NaN if none is.

    >>> traced(jnp.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    if len(matrix) <= _BLOCK:
        return jnp.linalg.cholesky(matrix)
    half = -(-len(matrix) // 2)
    first = traced(matrix[:half, :half])
    below = solve_triangular(first, matrix[half:, :half].T, lower=True).T
    last = traced(matrix[half:, half:] - jnp.matmul(below, below.T, precision="highest"))
    return jnp.block([[first, jnp.zeros_like(below.T)], [below, last]])
