r"""How is a kernel fitted to classes? By regression on their signs."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ntklib._kernel_estimator import Array, KernelEstimator, KernelLike, classes_of, indicators, labels_of
from ntklib._kernel_regression import require_memory, solve

__all__ = ["KernelClassifier"]


class KernelClassifier(ClassifierMixin, KernelEstimator):
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
        self.classes_, number = classes_of(y)
        self._start(X)
        require_memory(len(X), "take KernelRegressor(solver='cg') on targets of ±1 for each class, or fewer points")
        self.dual_coef_ = solve(self._own_gram(X), 2 * indicators(number, len(self.classes_)) - 1, self.ridge)
        return self

    def decision_function(self, X: Any) -> Array:
        """The outputs at inputs (m, d): (m,) for two classes, positive for the second; (m, k) for more."""
        check_is_fitted(self)
        outputs = self._gram(validate_data(self, X, dtype=np.float64, reset=False)) @ self.dual_coef_
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> NDArray:
        """The labels (m,) for inputs (m, d)."""
        return labels_of(self.decision_function(X), self.classes_)
