r"""How are numbers and classes explained by few kernel functions? The relevance vector machines, as estimators."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ntklib import _relevance, _sklearn_validation, _validation
from ntklib._kernel_estimator import Array, KernelEstimator, KernelLike, classes_of, indicators, labels_of
from ntklib._sklearn_validation import validate_data

__all__ = ["RelevanceVectorClassifier", "RelevanceVectorRegressor"]


class _RelevanceVectorMachine(KernelEstimator):
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
        _validation.number("tol", self.tol, positive=True)
        _validation.count("max_iter", self.max_iter, 1)
        _validation.flag("fit_intercept", self.fit_intercept)
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
        if not self._precomputed:
            self.relevance_vectors_ = self.X_fit_ = self.X_fit_[self.relevance_]  # a prediction needs no others
        self.log_marginal_likelihood_ = float(sum(one.evidence[-1] for one in found))
        self.n_iter_ = max(one.steps for one in found)

    def _basis(self, X: Any) -> Array:
        """The kept basis functions at inputs (m, d), without the constant."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self._gram(X, self.relevance_ if self._precomputed else slice(None))


class RelevanceVectorRegressor(RegressorMixin, _RelevanceVectorMachine):
    r"""Relevance vector machine for regression (Tipping 2001): :math:`f(x) = w_0 + \sum_m w_m k(x, x_m)`.

    Independent priors :math:`w_m \sim N(0, 1/\alpha_m)`, whose precisions, and the variance of the noise, maximise the
    evidence. Most precisions become infinite and their points drop out. The maximum that is found is a local one, by
    the sequence of Tipping and Faul (2003) with a step of expectation maximisation for the noise; the evidence
    rises with each step.

    It is a Gaussian process whose covariance has the rank of the number of kept functions. With a kernel that falls to
    zero its variance far away from the data is that of the noise and of the constant alone, where it knows least.

    As :class:`KernelRegressor`, it keeps copies of all that predictions depend on. It takes no `sample_weight`: a
    weight may stand for many examples or for little noise, which leads to different evidence, and so to other points.

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
        lengthscale_: that of the kernels with a name.
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
        X, y = self._validated(X, y, y_numeric=True, ensure_min_samples=2)
        y = np.asarray(y, float)
        self._start(X)
        scale = _sklearn_validation.unit(y)  # so that targets of any unit can be squared
        found = _relevance.regression(self._design(X), y / scale, tol=self.tol, max_iter=self.max_iter)
        self._record([found])
        self.coef_, self.intercept_ = self.coef_[0] * scale, float(self.intercept_[0]) * scale
        self.covariance_, self.noise_variance_ = found.covariance * scale**2, found.noise * scale**2
        self.log_marginal_likelihood_ -= len(y) * np.log(scale)
        self._has_constant = bool(self.fit_intercept and found.active.size and found.active[0] == 0)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The predictive mean (m,) at inputs (m, d), and with `return_std` its standard deviation, noise included."""
        _validation.flag("return_std", return_std)
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
        lengthscale_: that of the kernels with a name.
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
        X, y = self._validated(X, y)
        self.classes_, number = classes_of(y)
        self._start(X)
        design = self._design(X)
        columns = indicators(number, len(self.classes_)).T
        self._record([_relevance.classification(design, one, tol=self.tol, max_iter=self.max_iter) for one in columns])
        return self

    def decision_function(self, X: Any) -> Array:
        """The log odds at inputs (m, d): (m,) for two classes, of the second; (m, k) for more, of each."""
        outputs = self._basis(X) @ self.coef_.T + self.intercept_
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> NDArray:
        """The labels (m,) for inputs (m, d)."""
        return labels_of(self.decision_function(X), self.classes_)

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the classes (m, k) at the most probable weights; for k > 2 scaled to sum to one."""
        outputs = self.decision_function(X)
        if outputs.ndim == 1:
            return np.stack([expit(-outputs), expit(outputs)], axis=1)
        logarithms = -np.logaddexp(0, -outputs)  # of the probability of each class against the others
        logarithms -= logarithms.max(axis=1, keepdims=True)
        return np.exp(logarithms) / np.exp(logarithms).sum(axis=1, keepdims=True)
