r"""How is kernel regression done when the kernel matrix does not fit in memory?

By conjugate gradients (SciPy's), which ask for products of the matrix with vectors only. Blocks of the matrix for which
there is room are kept, and the others computed for each product again. How many products that takes depends on the
condition of :math:`K + \lambda`, so the system is preconditioned by a low-rank approximation of the kernel (Frangella,
Tropp and Udell 2023), from a few columns that are chosen at random where the approximation is still bad (Chen, Epperly,
Tropp and Webber 2025).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, cg

from ntklib import _memory, _precision, _validation

__all__ = ["NotConvergedError", "Solution", "matmul", "nystrom", "solve_cg"]

Float = NDArray[np.float64]
Kernel = Callable[..., Any]

# for each entry of a block of the matrix: the block, what it is made from, and its copy in 64 bits
_BYTES = 5 * 8
LEAST_BYTES = _BYTES * 8**2  # those of blocks of eight points
_SIDE = 512  # of so many points a block stays near the processor


class NotConvergedError(RuntimeError):
    """The conjugate gradients did not reach the tolerance."""


class Solution(NamedTuple):
    """What :func:`solve_cg` found.

    Attributes:
        coefficients: :math:`(K + \\lambda)^{-1} y`, in the shape of the targets.
        iterations: how many products with the matrix it took.
        residual: the norm of :math:`y - (K + \\lambda)c` relative to that of y, the largest of the targets, computed
            anew at the end.
    """

    coefficients: Float
    iterations: int
    residual: float


def solve_cg(
    kernel: Kernel,
    x: ArrayLike,
    y: ArrayLike,
    ridge: float,
    *,
    landmarks: int | None = None,
    tol: float = 1e-6,
    max_iter: int = 200,
    max_bytes: int = 2**28,
    seed: int = 0,
    progress: Callable[[int, float], object] | None = None,
) -> Solution:
    r"""The coefficients :math:`(K + \lambda)^{-1} y` of kernel ridge regression, without the matrix K.

    Of the :math:`n^2/2` values of the kernel, of one triangle, those that fit into `max_bytes` are computed once, and
    the others in each iteration. In memory it takes `max_bytes` at most and n times `landmarks` numbers. The vectors
    are of 64 bits. The values of the kernel are in the dtype that it computes in, for a kernel of JAX that of `x`, if
    64 bits are switched on: those of 32 bits are faster and disturb the matrix by the rounding unit times its largest
    eigenvalue, which the ridge has to exceed.

    Args:
        kernel: ``kernel(a, b)`` gives (n1, n2), and ``kernel(a)`` that of one set; of JAX or NumPy, for instance
            ``MLP(depth=2).ntk`` or an :class:`ntklib.kernels.Kernel`.
        x: points, (n, d).
        y: targets, (n,) or (n, k).
        ridge: :math:`\lambda > 0`; the largest eigenvalue of K may be at most a hundredth of the inverse rounding unit
            times as large, so no eigenvalue of :math:`K + \lambda` is small enough to be cut off, also of equal points.
        landmarks: the rank of the preconditioner, at most n; by default :math:`4\sqrt n`. More of them cost more at the
            start, :math:`n\,m^2`, and save iterations.
        tol: the residual at which to stop, relative to the targets.
        max_iter: the greatest number of iterations.
        max_bytes: how much memory the blocks of the matrix may take, those that are kept included, 2560 at least.
        seed: of the choice of landmarks.
        progress: called as ``progress(iteration, residual)`` after each of them.

    Returns:
        a :class:`Solution`.

    Raises:
        ValueError: if a shape, dtype or number does not fit, if the points are not finite, if the kernel returns
            another shape, complex, infinite or NaN values, or negative ones on the diagonal, or if the ridge is so
            small that a kernel of this dtype has lost the answer.
        NotConvergedError: if `max_iter` iterations do not suffice.

    >>> from ntklib.kernels import RBF
    >>> x = np.linspace(0, 6, 200, dtype=np.float32)[:, None]
    >>> found = solve_cg(RBF(1.0), x, np.sin(x[:, 0]), ridge=0.1)
    >>> direct = np.linalg.solve(np.asarray(RBF(1.0)(x), float) + 0.1 * np.eye(200), np.sin(x[:, 0]))
    >>> bool(np.abs(found.coefficients - direct).max() < 1e-5)
    True
    """
    _validation.refuse_unless_callable_kernel(kernel)
    points, targets = _points("x", x, least=1), _real("y", y)
    if targets.ndim not in (1, 2) or len(targets) != len(points):
        raise ValueError(f"y must have shape ({len(points)},) or ({len(points)}, k), got {targets.shape}")
    _validation.number("ridge", ridge, positive=True)
    _validation.number("tol", tol, positive=True)
    max_iter, max_bytes = _validation.count("max_iter", max_iter, 1), _allowed(max_bytes)
    _validation.function("progress", progress, "progress(iteration, residual)", optional=True)
    if landmarks is not None:
        landmarks = _validation.count("landmarks", landmarks, 1, len(points))
    columns = targets.reshape(len(targets), -1).astype(float)
    norms = np.linalg.norm(columns, axis=0)
    norms[norms == 0] = 1
    right, n = columns / norms, len(points)
    rank = min(n, math.ceil(4 * math.sqrt(n)) if landmarks is None else landmarks)
    factor = nystrom(kernel, points, rank, seed=seed)
    eigenvalues, vectors = np.linalg.eigh(factor.T @ factor)  # those of F Fᵀ; of a kernel that is zero there are none
    dtype, largest = _dtype(kernel, points), float(eigenvalues.max(initial=0))
    _precision.refuse_if_lost(dtype, largest + ridge, ridge, "the ridge")
    known = eigenvalues > len(eigenvalues) * np.finfo(float).eps * largest  # the others are rounding
    eigenvalues, vectors = eigenvalues[known], vectors[:, known]
    # Frangella, Tropp and Udell, eq. 1.3, with eigenvectors F v / √μ
    weights = ((eigenvalues[:1] + ridge) / (eigenvalues + ridge) - 1) / eigenvalues
    blocks = _Triangle(kernel, points, max_bytes)

    def operator(vector: Float) -> Float:
        nonlocal largest
        block = vector.reshape(right.shape)
        product = blocks.times(block)
        lengths = np.linalg.norm(block, axis=0)
        # no product is longer than the largest eigenvalue allows, which few landmarks may not show
        largest = max(largest, float(np.max(np.linalg.norm(product, axis=0) / np.where(lengths > 0, lengths, 1))))
        return (product + ridge * block).ravel()

    def precondition(vector: Float) -> Float:
        block = vector.reshape(right.shape)
        inside = vectors.T @ (factor.T @ block)
        return (block + factor @ (vectors @ (weights[:, None] * inside))).ravel()

    iterations, residual = 0, 1.0

    def observed(vector: Float) -> Float:
        # SciPy hands its residual to nobody but the preconditioner
        nonlocal residual
        residual = float(np.linalg.norm(vector.reshape(right.shape), axis=0).max())
        return precondition(vector)

    def after(_: Float) -> None:
        nonlocal iterations
        iterations += 1
        if progress is not None:
            progress(iterations, residual)

    matrix = LinearOperator((right.size, right.size), matvec=operator, dtype=float)
    conditioner = LinearOperator((right.size, right.size), matvec=observed, dtype=float)
    # the norm is that of all targets together, so that none of them is left behind by more than its share
    solution, failed = cg(
        matrix, right.ravel(), rtol=tol / math.sqrt(right.shape[1]), maxiter=max_iter, M=conditioner, callback=after
    )
    rest = np.linalg.norm((right.ravel() - operator(solution)).reshape(right.shape), axis=0).max()
    _precision.refuse_if_lost(dtype, largest + ridge, ridge, "the ridge")
    if not failed and rest > 10 * tol:  # the iterations believe what the residual, computed anew, does not confirm
        raise NotConvergedError(
            f"after {iterations} iterations the residual is {rest:.2g} of the targets, where tol={tol:g} was wanted, "
            f"and rounding in {dtype} allows no less: the largest eigenvalue is {largest / ridge:.2g} times the ridge; "
            "take a larger ridge or tol, or a kernel of 64 bits"
        )
    if failed or not rest <= 10 * tol:
        raise NotConvergedError(
            f"after {iterations} iterations the residual is {rest:.2g} of the targets, where tol={tol:g} was wanted; "
            f"allow more (max_iter={max_iter}), take more landmarks ({rank}), a larger ridge ({ridge:g}), or a kernel "
            f"of 64 bits (this one is {dtype})"
        )
    return Solution((solution.reshape(right.shape) * norms).reshape(targets.shape), iterations, float(rest))


def matmul(kernel: Kernel, x1: ArrayLike, x2: ArrayLike | None, vectors: ArrayLike, *, max_bytes: int = 2**28) -> Float:
    r"""The product of a kernel matrix with vectors, without the matrix: predictions, from coefficients.

    Args:
        kernel: as for :func:`solve_cg`.
        x1: points, (n1, d).
        x2: points, (n2, d), or None for the first again, of which each pair is then computed once.
        vectors: (n2,) or (n2, k).
        max_bytes: how much memory the blocks of the matrix may take.

    Returns:
        (n1,) or (n1, k), summed in 64 bits.

    Raises:
        ValueError: if a shape or dtype does not fit, of an argument or of what the kernel returns.

    >>> from ntklib.kernels import RBF
    >>> x = np.array([[0.0], [1.0]], np.float32)
    >>> matmul(RBF(), x, None, np.array([1.0, 0.0])).round(4).tolist()
    [1.0, 0.6065]
    """
    _validation.refuse_unless_callable_kernel(kernel)
    first = _points("x1", x1)
    second = first if x2 is None else _points("x2", x2, columns=first.shape[1])
    coefficients = _real("vectors", vectors).astype(float)
    if coefficients.ndim not in (1, 2) or len(coefficients) != len(second):
        raise ValueError(f"vectors must have shape ({len(second)},) or ({len(second)}, k), got {coefficients.shape}")
    max_bytes = _allowed(max_bytes)
    if x2 is None:
        return _Triangle(kernel, first, max_bytes, keep=False).times(coefficients)
    size = _side(max_bytes)
    result = np.zeros((len(first), *coefficients.shape[1:]))
    for i in range(0, len(first), size):
        rows = slice(i, i + size)
        for j in range(0, len(second), size):
            columns = slice(j, j + size)
            block = _block(kernel, first[rows], second[columns]).astype(float, copy=False)
            result[rows] += block @ coefficients[columns]
    return result


class _Triangle:
    """One triangle of a kernel matrix, in square blocks: those for which there is room are computed once."""

    def __init__(self, kernel: Kernel, points: NDArray, max_bytes: int, *, keep: bool = True) -> None:
        self._kernel, self._points = kernel, points
        self._side = _side(max_bytes)
        self._room = max_bytes - _BYTES * self._side**2 if keep else 0  # beside what a block takes while it is computed
        self._kept: dict[tuple[int, int], NDArray] = {}

    def _block(self, i: int, j: int) -> NDArray:
        """The block of the points from i on with those from j on."""
        if (i, j) in self._kept:
            return self._kept[i, j]
        first = self._points[i : i + self._side]
        block = _block(self._kernel, first, None if i == j else self._points[j : j + self._side])
        if block.nbytes <= self._room:
            self._room -= block.nbytes
            self._kept[i, j] = block.copy()  # the kernel may write its next values where it wrote these
        return block

    def times(self, vectors: Float) -> Float:
        """The product of the whole matrix with vectors, (n,) or (n, k), summed in 64 bits."""
        result, n = np.zeros(vectors.shape), len(self._points)
        for i in range(0, n, self._side):
            rows = slice(i, i + self._side)
            for j in range(i, n, self._side):
                columns = slice(j, j + self._side)
                block = self._block(i, j).astype(float, copy=False)
                result[rows] += block @ vectors[columns]
                if i != j:
                    result[columns] += block.T @ vectors[rows]
        return result


def nystrom(kernel: Kernel, x: ArrayLike, rank: int, *, seed: int = 0) -> Float:
    r"""A factor F, (n, m), with :math:`F F^\top \approx K`, by randomly pivoted Cholesky decomposition.

    Points are drawn in proportion to what the approximation still misses on the diagonal, many at a time, so that it
    comes near the best one of its rank for a kernel matrix whose eigenvalues fall quickly (Chen, Epperly,
    Tropp and Webber 2025). The remainder is positive semi-definite: F never overestimates.

    Args:
        kernel: as for :func:`solve_cg`.
        x: points, (n, d).
        rank: m, the number of columns; fewer are returned if they already give K to rounding.
        seed: of the choice.

    Returns:
        F, in 64 bits.

    Raises:
        ValueError: if a shape or dtype does not fit, of an argument or of what the kernel returns, or if the diagonal
            of the kernel is not finite or has a negative entry.

    >>> from ntklib.kernels import Polynomial
    >>> x = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]
    >>> nystrom(Polynomial(degree=2), x, 20).shape  # the space of quadratic functions has three dimensions
    (50, 3)
    """
    _validation.refuse_unless_callable_kernel(kernel)
    points = _points("x", x, least=1)
    rank, seed = _validation.count("rank", rank, 1, len(points)), _validation.count("seed", seed, 0)
    _memory.require(2 * len(points) * rank * 8, f"a factor of rank {rank}", "take fewer landmarks")
    rng = np.random.default_rng(seed)
    left: Any = _diagonal(kernel, points)
    if not np.all((left >= 0) & (left < math.inf)):
        raise ValueError(
            f"kernel must be finite and not negative on the diagonal, got from {left.min()} to {left.max()}"
        )
    floor = 10 * float(np.finfo(_dtype(kernel, points)).eps) * left.max()
    factor = np.empty((len(points), rank), order="F")
    done, batch = 0, max(1, math.ceil(rank / 10))
    while done < rank and left.max() > floor:
        weight = np.where(left > floor, left, 0)
        count = min(batch, rank - done, int(np.count_nonzero(weight)))
        chosen = rng.choice(len(points), count, replace=False, p=weight / weight.sum())
        columns = _block(kernel, points, points[chosen]) - factor[:, :done] @ factor[chosen, :done].T
        if not np.isfinite(columns).all():
            raise ValueError("kernel must return finite values, got NaN or infinite ones")
        # a pivoted decomposition of what is left among the chosen: those that the others explain are dropped
        core, order, kept, _ = linalg.lapack.dpstrf(columns[chosen], tol=floor, lower=1)
        order, kept = order[:kept] - 1, int(kept)
        new = linalg.solve_triangular(core[:kept, :kept], columns[:, order].T, lower=True, check_finite=False).T
        factor[:, done : done + kept] = new
        left = np.maximum(left - (new**2).sum(1), 0)
        left[chosen] = 0
        done += kept
    return factor[:, :done]


def _side(max_bytes: int) -> int:
    """Of how many points a block is."""
    return min(_SIDE, math.isqrt(max_bytes // _BYTES))


def _allowed(max_bytes: Any) -> int:
    """How much memory blocks may take, refused if those of eight points take more."""
    return _validation.count("max_bytes", max_bytes, LEAST_BYTES)


def _points(name: str, x: ArrayLike, columns: int | None = None, least: int = 0) -> NDArray:
    array = np.asarray(_validation.matrix(name, x, columns))
    if len(array) < least:
        raise ValueError(f"{name} must hold at least one point, got {array.shape}")
    if isinstance(x, np.ndarray) and x.dtype == np.float64 and array.dtype != np.float64:
        return x  # kernels of NumPy have 64 bits of their own; those of JAX say below which they use
    return array


def _real(name: str, values: ArrayLike, *, finite: bool = True) -> NDArray:
    """An array of real numbers, refused unless they are: the imaginary part would be lost."""
    array = _validation.read(name, values, np.asarray)
    if not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise ValueError(f"{name} must have a real dtype, got {array.dtype}")
    if finite:
        _validation.refuse_unless_finite(name, array)
    return array


def _block(kernel: Kernel, a: NDArray, b: NDArray | None = None) -> NDArray:
    """The values of the kernel, in its own dtype; another shape than that of the block would be broadcast to it."""
    values = _real("what the kernel returns", kernel(a) if b is None else kernel(a, b), finite=False)
    wanted = (len(a), len(a if b is None else b))
    if values.shape != wanted:
        of = f"{a.shape}" if b is None else f"{a.shape} and {b.shape}"
        raise ValueError(f"kernel must return shape {wanted} for points of shape {of}, got {values.shape}")
    return values


def _dtype(kernel: Kernel, points: NDArray) -> Any:
    """The coarser of the dtypes of the points and of the kernel: points of 64 bits do not make a kernel of 64 bits."""
    found = _block(kernel, points[:1]).dtype
    floating = [dtype for dtype in (points.dtype, found) if jnp.issubdtype(dtype, jnp.floating)]  # integers are exact
    return max(floating, key=lambda dtype: float(jnp.finfo(dtype).eps))


def _diagonal(kernel: Kernel, points: NDArray) -> Float:
    """The kernel of each point with itself, (n,)."""
    if hasattr(kernel, "diagonal"):
        values = _real("the diagonal of the kernel", kernel.diagonal(points), finite=False).astype(float)
        if values.shape != (len(points),):
            raise ValueError(f"the diagonal of the kernel must have shape ({len(points)},), got {values.shape}")
        return values
    size = 64  # small blocks waste little, and are few enough
    blocks = (_block(kernel, points[i : i + size]) for i in range(0, len(points), size))
    return np.concatenate([np.diagonal(block).astype(float) for block in blocks])
