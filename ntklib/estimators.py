r"""How are the kernels of the book used in scikit-learn? By an adapter, and in four estimators.

:class:`SklearnKernel` makes a scikit-learn kernel of any kernel of the book; :class:`NTK` is one with parameters.
:class:`KernelRegressor` and :class:`KernelClassifier` are kernel ridge regression, on numbers and on classes;
:class:`RelevanceVectorRegressor` and :class:`RelevanceVectorClassifier` keep a few basis functions only. All
compute in float64.

>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> x, y = load_iris(return_X_y=True)
>>> bool(cross_val_score(KernelClassifier(NTK(depth=2), ridge=0.1), x, y).mean() > 0.95)
True
"""

import warnings
from collections.abc import Callable
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ntklib import _memory, _relevance, iterative, kernels
from ntklib._sklearn_kernels import NTK, SklearnKernel, double_precision

__all__ = [
    "NTK",
    "KernelClassifier",
    "KernelRegressor",
    "RelevanceVectorClassifier",
    "RelevanceVectorRegressor",
    "SklearnKernel",
]

Array = NDArray[np.float64]
KernelLike: TypeAlias = str | Callable[[Array, Array], ArrayLike] | Kernel

_NAMED: dict[str, Callable[[Any], Callable[[Array, Array], ArrayLike]]] = {
    "rbf": kernels.RBF,
    "laplace": kernels.Laplace,
    "linear": lambda scale: lambda a, b: (a / scale) @ (b / scale).T,
}


class _KernelEstimator(BaseEstimator):
    """What the four share: a kernel that is a name, a callable or a scikit-learn kernel."""

    kernel: KernelLike
    lengthscale: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = isinstance(self.kernel, str) and self.kernel == "precomputed"
        return tags

    def _start(self, X: Array) -> None:
        """Check the kernel, and remember what a prediction needs: the training points."""
        if isinstance(self.kernel, str):
            if self.kernel == "precomputed":
                if X.shape[0] != X.shape[1]:
                    raise ValueError(f"Precomputed matrix must be a square matrix. Input is a {X.shape} matrix.")
            elif self.kernel not in _NAMED:
                known = ", ".join(map(repr, (*_NAMED, "precomputed")))
                raise ValueError(f"kernel must be one of {known}, a callable or a kernel, got {self.kernel!r}")
        elif isinstance(self.kernel, type) or not callable(self.kernel):
            raise ValueError(
                f"kernel must be a name, a callable or a scikit-learn kernel, got {self.kernel!r}"
                f"{kernels.advice(self.kernel)}"
            )
        scale = np.asarray(self.lengthscale, float)
        if scale.shape not in ((), X.shape[1:]) or not np.all((scale > 0) & np.isfinite(scale)):
            raise ValueError(
                f"lengthscale must be finite and positive, a number or of shape {X.shape[1:]}, got {self.lengthscale!r}"
            )
        self.kernel_ = clone(self.kernel) if isinstance(self.kernel, Kernel) else self.kernel
        self.X_fit_ = X

    def _gram(self, X: Array, columns: NDArray[np.intp] | slice = slice(None)) -> Array:
        """The kernel between rows of X and the training points, or some of them."""
        if isinstance(self.kernel_, str) and self.kernel_ == "precomputed":
            return X[:, columns]
        return self._between(X, None if X is self.X_fit_ and columns == slice(None) else self.X_fit_[columns])

    def _between(self, X: Array, other: Array | None = None) -> Array:
        """The kernel between rows of X and other points, or the rows themselves."""
        kernel: Any = self.kernel_
        if isinstance(kernel, str):
            kernel = _NAMED[kernel](np.asarray(self.lengthscale, float))
        alone = other is None and isinstance(kernel, kernels.Kernel)
        other = X if other is None else other
        if not len(other):
            return np.empty((len(X), 0))
        with double_precision():  # for the kernels of this library
            gram = np.asarray(kernel(X) if alone else kernel(X, other), float)
        if gram.shape != (len(X), len(other)):
            raise ValueError(
                f"kernel must return shape {(len(X), len(other))} for inputs of shapes {X.shape} and {other.shape}, "
                f"got {gram.shape}"
            )
        if not np.isfinite(gram).all():
            raise ValueError("kernel must return finite values, got NaN or infinity")
        return gram

    def _own_gram(self, X: Array) -> Array:
        """The kernel matrix of the training points, in memory that nobody else looks at."""
        gram = self._gram(X)
        own = _memory.empty(gram.shape, float)
        own[:] = gram
        return own


class KernelRegressor(MultiOutputMixin, RegressorMixin, _KernelEstimator):
    r"""Kernel ridge regression: :math:`f(x) = k(x, X)\,(K + \lambda)^{-1} y`, the mean of a Gaussian process.

    The ridge is added to the diagonal of the kernel matrix, without a factor n, so it is the variance of the noise of
    the Gaussian process with this kernel and mean zero. There is no intercept: centre the targets, or add a constant
    to the kernel.

    Args:
        kernel: ``"rbf"``, :math:`\exp(-\|x - x'\|^2/(2\ell^2))`; ``"laplace"``, :math:`\exp(-\|x - x'\|/\ell)`;
            ``"linear"``, :math:`x^\top x'/\ell^2`; ``"precomputed"``, where X is the kernel matrix; a function of two
            arrays (n1, d) and (n2, d) that returns (n1, n2), for instance an :class:`ntklib.kernels.Kernel` as
            ``MLP(depth=2).ntk`` is one; or a scikit-learn kernel, for instance :class:`NTK`, with its hyper-parameters
            as they are.
        lengthscale: :math:`\ell`, of the kernels with a name; a number or one for each coordinate.
        ridge: :math:`\lambda \ge 0`.
        solver: ``"direct"``, by Cholesky decomposition of the kernel matrix, :math:`n^3/3` operations and
            :math:`16 n^2` bytes; or ``"cg"``, by :func:`ntklib.iterative.solve_cg`, which never holds the matrix and
            solves to a residual of 1e-8: for many points and a ridge that is not tiny.

    Attributes:
        dual_coef_: :math:`(K + \lambda)^{-1} y`, (n,) or (n, k).
        X_fit_: the training inputs, (n, d).
        kernel_: the kernel that is used for predictions.
        n_features_in_: the number of features, d.

    Raises:
        ValueError: in `fit`, for input or parameters that do not fit; and a warning if the matrix is singular or
            nearly so, as from scikit-learn's `KernelRidge`.
        MemoryError: in `fit`, with the solver ``"direct"``, if the matrix does not fit in memory; says how much it is.
        NotConvergedError: in `fit`, with the solver ``"cg"``.

    >>> x = np.linspace(0, 6, 30)[:, None]
    >>> model = KernelRegressor(lengthscale=1.0, ridge=1e-6).fit(x, np.sin(x[:, 0]))
    >>> round(float(model.predict([[1.5]])[0] - np.sin(1.5)), 4)
    0.0
    """

    def __init__(
        self, kernel: KernelLike = "rbf", *, lengthscale: Any = 1.0, ridge: float = 1.0, solver: str = "direct"
    ) -> None:
        self.kernel = kernel
        self.lengthscale = lengthscale
        self.ridge = ridge
        self.solver = solver

    def fit(self, X: Any, y: Any) -> Self:
        """Solve for the coefficients, from inputs (n, d) and targets (n,) or (n, k)."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self._start(X)
        if self.solver not in ("direct", "cg"):
            raise ValueError(f"solver must be 'direct' or 'cg', got {self.solver!r}")
        if self.solver == "cg":
            if isinstance(self.kernel_, str) and self.kernel_ == "precomputed":
                raise ValueError("solver='cg' is for a matrix that is not held; for kernel='precomputed' take 'direct'")
            with double_precision():
                self.dual_coef_ = iterative.solve_cg(self._between, X, y, self.ridge, tol=1e-8).coefficients
            return self
        _require_memory(len(X), "take solver='cg', which never holds the matrix, or fewer points")
        self.dual_coef_ = _solve(self._own_gram(X), np.asarray(y, float), self.ridge)
        return self

    def predict(self, X: Any) -> Array:
        """The function at inputs (m, d): (m,) or (m, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if self.solver == "cg":
            with double_precision():
                return iterative.matmul(self._between, X, self.X_fit_, self.dual_coef_)
        return self._gram(X) @ self.dual_coef_


class KernelClassifier(ClassifierMixin, _KernelEstimator):
    r"""Kernel ridge regression on classes: targets ±1 for each class against the others, the largest output wins.

    Args:
        kernel: as for :class:`KernelRegressor`.
        lengthscale: as for :class:`KernelRegressor`.
        ridge: as for :class:`KernelRegressor`.

    Attributes:
        classes_: the labels, (k,).
        dual_coef_: (n, 1) for two classes, (n, k) for more.
        X_fit_: the training inputs, (n, d).
        kernel_: the kernel that is used for predictions.
        n_features_in_: the number of features, d.

    Raises:
        ValueError: in `fit`, for input or parameters that do not fit, or if there is only one class.

    >>> model = KernelClassifier(ridge=0.1).fit([[0.0], [1.0], [3.0]], ["left", "left", "right"])
    >>> model.predict([[0.4], [2.9]]).tolist()
    ['left', 'right']
    """

    def __init__(self, kernel: KernelLike = "rbf", *, lengthscale: Any = 1.0, ridge: float = 1.0) -> None:
        self.kernel = kernel
        self.lengthscale = lengthscale
        self.ridge = ridge

    def fit(self, X: Any, y: Any) -> Self:
        """Solve for the coefficients, from inputs (n, d) and labels (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, number = _classes(y)
        self._start(X)
        _require_memory(len(X), "take KernelRegressor(solver='cg') on targets of ±1 for each class, or fewer points")
        self.dual_coef_ = _solve(self._own_gram(X), 2 * _indicators(number, len(self.classes_)) - 1, self.ridge)
        return self

    def decision_function(self, X: Any) -> Array:
        """The outputs at inputs (m, d): (m,) for two classes, positive for the second; (m, k) for more."""
        check_is_fitted(self)
        outputs = self._gram(validate_data(self, X, dtype=np.float64, reset=False)) @ self.dual_coef_
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> NDArray:
        """The labels (m,) for inputs (m, d)."""
        return _labels(self.decision_function(X), self.classes_)


class _RelevanceVectorMachine(_KernelEstimator):
    """What the two relevance vector machines share: the design matrix and the bookkeeping of its columns."""

    def __init__(
        self,
        kernel: KernelLike = "rbf",
        *,
        lengthscale: Any = 1.0,
        fit_intercept: bool = True,
        tol: float = 1e-5,
        max_iter: int = 5000,
    ) -> None:
        self.kernel = kernel
        self.lengthscale = lengthscale
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def _design(self, X: Array) -> Array:
        if not self.tol > 0 or not self.max_iter >= 1:
            raise ValueError(f"tol must be positive and max_iter at least 1, got {self.tol!r} and {self.max_iter!r}")
        gram = self._gram(X)
        return np.hstack([np.ones((len(X), 1)), gram]) if self.fit_intercept else gram

    def _record(self, found: list[_relevance.Relevance]) -> None:
        """Set the attributes from one fit for each output."""
        if not all(one.converged for one in found):
            warnings.warn(
                f"{type(self).__name__} did not converge in {self.max_iter} steps; increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )
        shift = int(self.fit_intercept)
        kept = np.unique(np.concatenate([one.active for one in found]))
        self.relevance_ = kept[kept >= shift] - shift
        coef, intercept = np.zeros((len(found), len(self.relevance_))), np.zeros(len(found))
        for row, one in enumerate(found):
            of_points = one.active >= shift
            coef[row, np.searchsorted(self.relevance_, one.active[of_points] - shift)] = one.weights[of_points]
            intercept[row] = one.weights[~of_points].sum()
        self.coef_: Any = coef
        self.intercept_: Any = intercept
        precomputed = isinstance(self.kernel_, str) and self.kernel_ == "precomputed"
        if not precomputed:
            self.relevance_vectors_ = self.X_fit_ = self.X_fit_[self.relevance_]  # a prediction needs no others
        self.log_marginal_likelihood_ = float(sum(one.evidence[-1] for one in found))
        self.n_iter_ = max(one.steps for one in found)

    def _basis(self, X: Any) -> Array:
        """The kept basis functions at inputs (m, d), without the constant."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        precomputed = isinstance(self.kernel_, str) and self.kernel_ == "precomputed"
        return self._gram(X, self.relevance_ if precomputed else slice(None))


class RelevanceVectorRegressor(RegressorMixin, _RelevanceVectorMachine):
    r"""Relevance vector machine for regression (Tipping 2001): :math:`f(x) = w_0 + \sum_m w_m k(x, x_m)`.

    Independent priors :math:`w_m \sim N(0, 1/\alpha_m)`, whose precisions, and the variance of the noise, maximise the
    evidence. Most precisions become infinite and their points drop out. The maximum that is found is a local one, by
    the sequence of Tipping and Faul (2003) with a step of expectation maximisation for the noise; the evidence
    rises with each step.

    It is a Gaussian process whose covariance has the rank of the number of kept functions. With a kernel that falls to
    zero its variance far away from the data is that of the noise and of the constant alone, where it knows least.

    Args:
        kernel: as for :class:`KernelRegressor`; it need not be positive definite. Tipping's width r
            (:math:`\exp(-\|x - x'\|^2/r^2)`) is :math:`\ell\sqrt 2`.
        lengthscale: as for :class:`KernelRegressor`.
        fit_intercept: whether a constant is among the basis functions.
        tol: stop when no step gains more than this in log evidence.
        max_iter: the greatest number of steps.

    Attributes:
        relevance_: indices of the training points whose functions are kept, ascending, (m,).
        relevance_vectors_: these points, (m, d), except for a precomputed kernel.
        coef_: posterior mean of their weights, (m,).
        intercept_: posterior mean of the weight of the constant; 0 if it was dropped.
        covariance_: of the weights of the kept functions; the constant comes first, if it was kept.
        noise_variance_: of the noise.
        log_marginal_likelihood_: the log evidence that was reached.
        n_iter_: number of steps tried, at most `max_iter`.
        kernel_: the kernel that is used for predictions.
        n_features_in_: the number of features, d.

    Raises:
        ValueError: in `fit`, for input or parameters that do not fit; and a `ConvergenceWarning` if it did not
            converge.

    >>> x = np.linspace(-10, 10, 100)[:, None]
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal(100)
    >>> model = RelevanceVectorRegressor(lengthscale=2.0).fit(x, np.sinc(x[:, 0] / np.pi) + noise)
    >>> len(model.relevance_) < 10, round(float(model.noise_variance_**0.5), 1)
    (True, 0.1)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Find the relevant basis functions for inputs (n, d) and targets (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        y = np.asarray(y, float)
        self._start(X)
        scale = float(np.abs(y).max()) or 1.0  # so that targets of any unit can be squared
        found = _relevance.regression(self._design(X), y / scale, tol=self.tol, max_iter=self.max_iter)
        self._record([found])
        self.coef_, self.intercept_ = self.coef_[0] * scale, float(self.intercept_[0]) * scale
        self.covariance_, self.noise_variance_ = found.covariance * scale**2, found.noise * scale**2
        self.log_marginal_likelihood_ -= len(y) * np.log(scale)
        self._has_constant = bool(self.fit_intercept and found.active.size and found.active[0] == 0)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The predictive mean (m,) at inputs (m, d), and with `return_std` its standard deviation, noise included."""
        phi = self._basis(X)
        mean = phi @ self.coef_ + self.intercept_
        if not return_std:
            return mean
        if self._has_constant:
            phi = np.hstack([np.ones((len(phi), 1)), phi])
        variance = self.noise_variance_ + np.einsum("im,mk,ik->i", phi, self.covariance_, phi, optimize=True)
        return mean, np.sqrt(np.maximum(variance, 0))


class RelevanceVectorClassifier(ClassifierMixin, _RelevanceVectorMachine):
    r"""Relevance vector machine for classes (Tipping 2001): logistic regression on few kernel functions.

    As :class:`RelevanceVectorRegressor`, with Laplace's approximation to the evidence. More than two classes are
    taken one against the others, each with relevant points of its own.

    Args:
        kernel: as for :class:`RelevanceVectorRegressor`.
        lengthscale: as for :class:`RelevanceVectorRegressor`.
        fit_intercept: as for :class:`RelevanceVectorRegressor`.
        tol: as for :class:`RelevanceVectorRegressor`.
        max_iter: as for :class:`RelevanceVectorRegressor`.

    Attributes:
        classes_: the labels, (k,).
        relevance_: indices of the training points whose functions are kept for some class, ascending, (m,).
        relevance_vectors_: these points, (m, d), except for a precomputed kernel.
        coef_: most probable weights, (1, m) for two classes, (k, m) for more.
        intercept_: most probable weights of the constant, (1,) or (k,).
        log_marginal_likelihood_: the log evidence that was reached, summed over the classes.
        n_iter_: number of steps tried, the largest of the classes.
        kernel_: the kernel that is used for predictions.
        n_features_in_: the number of features, d.

    Raises:
        ValueError: in `fit`, for input or parameters that do not fit, or if there is only one class; and a
            `ConvergenceWarning` if it did not converge.

    >>> from ntklib.data import ripley
    >>> points = ripley(100)
    >>> model = RelevanceVectorClassifier(lengthscale=0.5 / 2**0.5).fit(points.x_train, points.y_train)
    >>> len(model.relevance_) < 10, bool(model.score(points.x_test, points.y_test) > 0.88)
    (True, True)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Find the relevant basis functions for inputs (n, d) and labels (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, number = _classes(y)
        self._start(X)
        design = self._design(X)
        columns = _indicators(number, len(self.classes_)).T
        self._record([_relevance.classification(design, one, tol=self.tol, max_iter=self.max_iter) for one in columns])
        return self

    def decision_function(self, X: Any) -> Array:
        """The log odds at inputs (m, d): (m,) for two classes, of the second; (m, k) for more, of each."""
        outputs = self._basis(X) @ self.coef_.T + self.intercept_
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> NDArray:
        """The labels (m,) for inputs (m, d)."""
        return _labels(self.decision_function(X), self.classes_)

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the classes (m, k) at the most probable weights; for k > 2 scaled to sum to one."""
        outputs = self.decision_function(X)
        if outputs.ndim == 1:
            return np.stack([expit(-outputs), expit(outputs)], axis=1)
        logarithms = -np.logaddexp(0, -outputs)  # of the probability of each class against the others
        logarithms -= logarithms.max(axis=1, keepdims=True)
        return np.exp(logarithms) / np.exp(logarithms).sum(axis=1, keepdims=True)


def _require_memory(n: int, advice: str) -> None:
    """Refuse a direct solve with n points that would not fit: the matrix, and what it is decomposed in."""
    _memory.require(2 * n * n * 8, f"a direct solve with {n} points", advice)


def _solve(gram: Array, targets: Array, ridge: float) -> Array:
    """The coefficients (K + λ)⁻¹ y, (n,) or (n, k), by a Cholesky factorisation in the memory of K, which is lost.

    Where the matrix is singular to rounding, they are the least of those that fit best: directions in which it is below
    nε of its largest singular value, with ε the rounding unit, count as none.
    """
    if not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must be finite and not negative, got {ridge!r}")
    matrix = np.require(gram, requirements=["C", "W"])
    entries = np.einsum("ii->i", matrix)
    entries += ridge
    diagonal, size = entries.copy(), linalg.lapack.dlange("1", matrix.T)
    if not np.isfinite(size):
        raise ValueError("kernel must return finite values, got NaN or infinity")
    # LAPACK counts in columns, so it works on the transpose without a copy, and leaves one triangle as it was.
    factor, failed = linalg.lapack.dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if not failed and linalg.lapack.dpocon(factor, size, uplo="L")[0] > np.finfo(float).eps:
        return linalg.lapack.dpotrs(factor, targets, lower=1)[0].reshape(targets.shape)
    # the words of scikit-learn's KernelRidge
    warnings.warn(
        "Singular matrix in solving dual problem. Using least-squares solution instead.", UserWarning, stacklevel=3
    )
    triangle = np.tril(matrix, -1)
    matrix = triangle + triangle.T + np.diag(diagonal)
    return linalg.lstsq(matrix, targets, cond=len(matrix) * np.finfo(float).eps, overwrite_a=True)[0]


def _classes(y: ArrayLike) -> tuple[NDArray, NDArray[np.intp]]:
    """The different labels, and for each sample the number of its label."""
    check_classification_targets(y)
    classes, number = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must have at least 2 classes, but it contains only one class: {classes[0]!r}")
    return classes, number


def _indicators(number: NDArray[np.intp], k: int) -> Array:
    """1 for the class of a sample and 0 for the others, (n, k); for two classes only the second, (n, 1)."""
    return np.eye(k)[number][:, 1:] if k == 2 else np.eye(k)[number]


def _labels(outputs: Array, classes: NDArray) -> NDArray:
    return classes[(outputs > 0).astype(int) if outputs.ndim == 1 else outputs.argmax(axis=1)]
