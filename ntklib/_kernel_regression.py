r"""How is a kernel fitted to numbers? By kernel ridge regression, through one decomposition, or without the matrix."""

import functools
import warnings
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import linalg
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ntklib import _cholesky, _memory, _products, _progress, _validation, iterative
from ntklib._kernel_estimator import Array, KernelEstimator, KernelLike, weights_of
from ntklib._sklearn_kernels import double_precision
from ntklib._sklearn_validation import validate_data

__all__ = ["KernelRegressor", "Solved", "require_memory", "solve"]

# How many iterations there may be.
_MAX_ITER = 1000
# So many bytes of the kernel between new points and those that were fitted are held.
_PART = 2**28


class KernelRegressor(MultiOutputMixin, RegressorMixin, KernelEstimator):
    r"""Kernel ridge regression: :math:`f(x) = k(x, X)\,(K + \lambda)^{-1} y`, the mean of a Gaussian process.

    The ridge is added to the diagonal of the kernel matrix, without a factor n, so it is the variance of the noise of
    the Gaussian process with this kernel and mean zero. There is no intercept: centre the targets, or add a constant
    to the kernel.

    What was fitted is its own: points, length scale and the numbers of a kernel are copied, so that neither an array
    that is changed in place nor `set_params` changes predictions until `fit` is called again. A function that is
    handed over as the kernel is called as it is: what it looks at must not change.

    Args:
        kernel: ``"rbf"``, :math:`\exp(-\|x - x'\|^2/(2\ell^2))`; ``"laplace"``, :math:`\exp(-\|x - x'\|/\ell)`;
            ``"linear"``, :math:`x^\top x'/\ell^2`; ``"precomputed"``, where X is the kernel matrix; a function of two
            arrays (n1, d) and (n2, d) that returns (n1, n2), for instance an :class:`ntklib.kernels.Kernel` as
            ``MLP(depth=2).ntk`` is one; or a scikit-learn kernel, for instance :class:`NTK`, with its hyper-parameters
            as they are.
        lengthscale: :math:`\ell`, of the kernels with a name; a number or one for each coordinate. Beside a kernel that
            has its own it is to be left out.
        ridge: :math:`\lambda \ge 0`.
        solver: ``"direct"``, by Cholesky decomposition of the kernel matrix, :math:`n^3/3` operations and
            :math:`16 n^2` bytes; ``"cg"``, by :func:`ntklib.iterative.solve_cg`, which holds no more of the matrix
            than `max_bytes` and solves to the residual `tol`: for many points and a ridge that is not tiny; or
            ``"auto"``, which is ``"direct"`` where that fits in the memory that is available, and ``"cg"`` where it
            does not. Without a ridge, and for a precomputed kernel, only ``"direct"`` is possible.
        tol: the residual, relative to the targets, to which ``"cg"`` solves; below 1.
        max_bytes: how much memory ``"cg"`` may take for the blocks of the matrix that it keeps; by default half of what
            is available beyond 2 GiB, and 256 MiB at least. The others are computed again in each iteration.
        verbose: if positive, `fit` prints which solver it takes and why, and draws a bar while it iterates.

    Attributes:
        dual_coef_: :math:`(K + \lambda)^{-1} y`, (n,) or (n, k).
        X_fit_: the training inputs, (n, d), except for a precomputed kernel.
        kernel_: the kernel that is used for predictions.
        lengthscale_: that of the kernels with a name.
        solver_: the solver that was taken, ``"direct"`` or ``"cg"``.
        n_iter_: the number of iterations of ``"cg"``, and None of ``"direct"``.
        n_features_in_: the number of features, d.

    Raises:
        ValueError: in `fit`, for input or parameters that do not fit; and a warning if the matrix is singular or
            nearly so, as from scikit-learn's `KernelRidge`.
        MemoryError: in `fit`, if the solver is ``"direct"``, or can be no other, and the matrix does not fit in memory;
            says how much it is.
        NotConvergedError: in `fit`, with the solver ``"cg"``.

    >>> x = np.linspace(0, 6, 30)[:, None]
    >>> model = KernelRegressor(lengthscale=1.0, ridge=1e-6).fit(x, np.sin(x[:, 0]))
    >>> round(float(model.predict([[1.5]])[0] - np.sin(1.5)), 4)
    0.0
    """

    def __init__(
        self,
        kernel: KernelLike = "rbf",
        *,
        lengthscale: Any = 1.0,
        ridge: float = 1.0,
        solver: str = "auto",
        tol: float = 1e-8,
        max_bytes: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.kernel = kernel
        self.lengthscale = lengthscale
        self.ridge = ridge
        self.solver = solver
        self.tol = tol
        self.max_bytes = max_bytes
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        r"""Solve for the coefficients.

        Args:
            X: inputs, (n, d), or the kernel matrix, (n, n).
            y: targets, (n,) or (n, k).
            sample_weight: :math:`w \ge 0`, (n,), of the squared errors in
                :math:`\sum_i w_i (f(x_i) - y_i)^2 + \lambda\|f\|^2`: a point of weight 2 counts as two. The noise of
                point i then has the variance :math:`\lambda/w_i`.
        """
        X, y = self._validated(X, y, multi_output=True, y_numeric=True)
        self._start(X)
        self.solver_ = self._chosen(len(X))
        self.n_iter_: int | None = None
        weights, targets = weights_of(sample_weight, len(X)), np.asarray(y, float)
        root = None if weights is None else np.sqrt(weights)
        scale = 1.0 if root is None else root.reshape(-1, *[1] * (targets.ndim - 1))
        if self.solver_ == "cg":
            self.dual_coef_, self.n_iter_ = self._iterated(X, targets * scale, root)
        else:
            # what "auto" falls back to has no other way
            other = self.ridge > 0 and not self._precomputed
            advice = "take solver='cg', which need not hold the matrix, or fewer points"
            require_memory(len(X), advice if other else "take a positive ridge, or fewer points")
            self.dual_coef_ = solve(self._own_gram(X, root), targets * scale, self.ridge).coefficients
        self.dual_coef_ *= scale
        return self

    def _chosen(self, n: int) -> str:
        """The solver for n points, once all that it depends on is known to be right."""
        solver = _validation.choice("solver", self.solver, ("auto", "direct", "cg"))
        _validation.number("ridge", self.ridge)
        verbose = _validation.count("verbose", self.verbose, 0)
        if not _validation.number("tol", self.tol, positive=True) < 1:
            raise ValueError(f"tol must be below 1, of the targets, got {self.tol!r}")
        if self.max_bytes is not None:
            _validation.count("max_bytes", self.max_bytes, iterative.LEAST_BYTES)
        if solver == "cg" and self._precomputed:
            raise ValueError("solver='cg' is for a matrix that is not held; for kernel='precomputed' take 'direct'")
        why = "as it was asked for"
        if solver == "auto":
            needed = direct_bytes(n)
            why = f"a direct solve with {n} points needs about {_memory.text(needed)}, {_memory.room()} are available"
            possible = self.ridge > 0 and not self._precomputed
            solver = "direct" if _memory.fits(needed) or not possible else "cg"
        if verbose:
            print(f"{type(self).__name__}: solver='{solver}', {why}", flush=True)
        return solver

    def _iterated(self, X: Array, targets: Array, root: Array | None) -> tuple[Array, int]:
        """The coefficients by conjugate gradients, of points with these roots of weights, and the iterations."""
        between = functools.partial(self._between, quick=self._quick())

        def weighted(a: Array, b: Array | None = None) -> Array:
            """The kernel between points whose last coordinate is the root of their weight, multiplied by these."""
            gram = between(a[:, :-1], None if b is None else b[:, :-1])
            return gram * a[:, -1:] * (a if b is None else b)[:, -1]

        kernel, points = (between, X) if root is None else (weighted, np.c_[X, root])
        progress = _progress.bar(self.tol) if self.verbose else None
        with double_precision():
            found = iterative.solve_cg(
                kernel,
                points,
                targets,
                self.ridge,
                tol=self.tol,
                max_iter=_MAX_ITER,
                max_bytes=_room() if self.max_bytes is None else self.max_bytes,
                progress=progress,
            )
        if progress is not None:
            progress(found.iterations, found.residual, done=True)
        return found.coefficients, found.iterations

    def _quick(self, other: Array | None = None) -> Any:
        """A quicker way to the kernel of the training points, and others, that suffices for iterations, or None."""
        if not isinstance(self.kernel_, str) or self.kernel_ != "rbf":
            return None
        return _products.gaussian(self.X_fit_, self.lengthscale_, other)

    def predict(self, X: Any) -> Array:
        """The function at inputs (m, d): (m,) or (m, k); the kernel between them and the points is held in parts."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if self.solver_ == "cg":  # as exact as the coefficients
            with double_precision():
                between = functools.partial(self._between, quick=self._quick(X))
                return iterative.matmul(between, X, self.X_fit_, self.dual_coef_)
        rows = max(1, _PART // (8 * len(self.dual_coef_)))
        if len(X) <= rows:
            return self._gram(X) @ self.dual_coef_
        result = np.empty((len(X), *self.dual_coef_.shape[1:]))
        for start in range(0, len(X), rows):  # parts of one size, of which the last reaches back: each is compiled
            part = slice(min(start, len(X) - rows), min(start, len(X) - rows) + rows)
            result[part] = self._gram(X[part]) @ self.dual_coef_
        return result


def _room() -> int:
    """How much of the matrix "cg" keeps if nothing is said: the half of what no other program is likely to miss."""
    return max(2**28, ((_memory.available_bytes() or 0) - 2**31) // 2)


def direct_bytes(n: int) -> int:
    """What a direct solve with n points takes: the matrix, and the kernel that it is copied from."""
    return 2 * n * n * 8


def require_memory(n: int, advice: str) -> None:
    """Refuse a direct solve with n points that would not fit."""
    _memory.require(direct_bytes(n), f"a direct solve with {n} points", advice)


class Solved(NamedTuple):
    """What :func:`solve` found.

    Attributes:
        coefficients: (K + λ)⁻¹ y, (n,) or (n, k).
        missed: by how much the outputs miss each of the last targets if that point is left out, (last, k).
        inverse: the last entries of the diagonal of (K + λ)⁻¹, (last,).
    """

    coefficients: Array
    missed: Array
    inverse: Array


def solve(gram: Array, targets: Array, ridge: float, last: int = 0) -> Solved:
    """The coefficients (K + λ)⁻¹ y, by a Cholesky factorisation in the memory of K, which is lost.

    Where the matrix is singular to rounding, they are the least of those that fit best: directions in which it is below
    nε of its largest singular value, with ε the rounding unit, count as none. For the last so many points also what
    follows from the end of the factor alone; of a singular matrix that is the limit of a small ridge, nε too.
    """
    _validation.number("ridge", ridge)
    matrix = np.require(gram, requirements=["C", "W"])
    entries = np.einsum("ii->i", matrix)
    entries += ridge
    diagonal, size = entries.copy(), linalg.lapack.dlange("1", matrix.T)
    if not np.isfinite(size):
        raise ValueError("kernel must return finite values, got NaN or infinity")
    # LAPACK counts in columns, so it works on the transpose without a copy, and leaves one triangle as it was.
    factor, failed = _cholesky.factor(matrix.T)
    if not failed and linalg.lapack.dpocon(factor, size, uplo="L")[0] > np.finfo(float).eps:
        coefficients = linalg.lapack.dpotrs(factor, targets, lower=1)[0].reshape(targets.shape)
        if not last:
            return Solved(coefficients, coefficients[:0], np.empty(0))
        corner = np.tril(factor[len(factor) - last :, len(factor) - last :])
        inverse = np.sum(linalg.lapack.dtrtri(corner, lower=1)[0] ** 2, axis=0)
        return Solved(coefficients, coefficients[-last:] / inverse[:, None], inverse)
    # the words of scikit-learn's KernelRidge
    warnings.warn(
        "Singular matrix in solving dual problem. Using least-squares solution instead.", UserWarning, stacklevel=3
    )
    triangle = np.tril(matrix, -1)
    matrix = triangle + triangle.T + np.diag(diagonal)
    cut_off, missed, inverse = len(matrix) * np.finfo(float).eps, targets[:0], np.empty(0)
    if last:
        values, vectors = linalg.eigh(matrix)
        values = np.maximum(np.abs(values), cut_off * (np.abs(values).max() or 1.0))
        rows = vectors[len(matrix) - last :] / values
        inverse = np.einsum("ij,ij->i", rows, vectors[len(matrix) - last :])
        # not of the coefficients, which ignore null directions
        missed = rows @ (vectors.T @ targets) / inverse[:, None]
    return Solved(linalg.lstsq(matrix, targets, cond=cut_off, overwrite_a=True)[0], missed, inverse)
