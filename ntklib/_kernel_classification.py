r"""How is a kernel fitted to classes, and how sure is it of them? By regression on signs, and outputs left out."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ntklib import _calibration
from ntklib._kernel_estimator import Array, KernelEstimator, KernelLike, classes_of, indicators, labels_of, weights_of
from ntklib._kernel_regression import Solved, require_memory, solve
from ntklib._sklearn_validation import validate_data

__all__ = ["KernelClassifier"]

# So many points suffice for one slope; the diagonal of the whole inverse would triple the time of fit.
_LEFT_OUT = 1000


class KernelClassifier(ClassifierMixin, KernelEstimator):
    r"""Kernel ridge regression on classes: targets ±1 for each class against the others, the largest output wins.

    Probabilities are a softmax of the outputs times a slope, so the most probable class is the one that `predict`
    gives. The slope is fitted to outputs at training points that were left out, which follow from the same
    decomposition; of more than a thousand points to those of a thousand, drawn at random. Far from all data, where the
    outputs of most kernels vanish, all classes are equally probable.

    As :class:`KernelRegressor`, it keeps copies of all that predictions depend on.

    Args:
        kernel: as for :class:`KernelRegressor`.
        lengthscale: as for :class:`KernelRegressor`.
        ridge: as for :class:`KernelRegressor`.

    Attributes:
        classes_: the labels, (k,).
        dual_coef_: (n, 1) for two classes, (n, k) for more.
        slope_: by which outputs are multiplied for probabilities, positive.
        X_fit_: the training inputs, (n, d), except for a precomputed kernel.
        kernel_: the kernel that is used for predictions.
        lengthscale_: that of the kernels with a name.
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Solve for the coefficients, and calibrate the probabilities.

        Args:
            X: inputs, (n, d), or the kernel matrix, (n, n).
            y: labels, (n,).
            sample_weight: as of :class:`KernelRegressor`, (n,).
        """
        X, y = self._validated(X, y)
        self.classes_, number = classes_of(y)
        self._start(X)
        require_memory(len(X), "take KernelRegressor(solver='cg') on targets of ±1 for each class, or fewer points")
        targets = 2 * indicators(number, len(self.classes_)) - 1
        weights = weights_of(sample_weight, len(X))
        root = None if weights is None else np.sqrt(weights)
        scale = 1.0 if root is None else root[:, None]
        # those that are left out stand last, where little of the decomposition tells what would be without them
        last = min(len(X), _LEFT_OUT)
        order = np.random.default_rng(0).permutation(len(X)) if len(X) > last else np.arange(len(X))
        solved = solve(self._own_gram(X, root, order), (targets * scale)[order], self.ridge, last)
        self.dual_coef_ = np.empty_like(targets)
        self.dual_coef_[order] = solved.coefficients
        self.dual_coef_ *= scale
        self._calibrate(order[len(X) - last :], solved, targets, number, weights)
        return self

    def _calibrate(
        self, chosen: NDArray[np.intp], solved: Solved, targets: Array, number: NDArray[np.intp], weights: Array | None
    ) -> None:
        """Fit the probabilities to the outputs at the chosen points, which are the last of those that were solved."""
        weight = np.ones(len(chosen)) if weights is None else weights[chosen]
        counts = weight > 0
        chosen, missed, inverse, weight = chosen[counts], solved.missed[counts], solved.inverse[counts], weight[counts]
        # the system was that of targets multiplied by the root of the weight
        outputs = _calibration.left_out(
            targets[chosen], missed / np.sqrt(weight)[:, None], inverse * weight, weight, float(self.ridge)
        )
        self.slope_ = _calibration.slope(_for_each(outputs), number[chosen], weight)

    def decision_function(self, X: Any) -> Array:
        """The outputs at inputs (m, d): (m,) for two classes, positive for the second; (m, k) for more."""
        check_is_fitted(self)
        outputs = self._gram(validate_data(self, X, dtype=np.float64, reset=False)) @ self.dual_coef_
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the classes at inputs (m, d): (m, k)."""
        outputs = self.decision_function(X)
        return softmax(self.slope_ * _for_each(outputs.reshape(len(outputs), -1)), axis=1)

    def predict(self, X: Any) -> NDArray:
        """The labels (m,) for inputs (m, d)."""
        return labels_of(self.decision_function(X), self.classes_)


def _for_each(outputs: Array) -> Array:
    """The outputs of all classes, (m, k): of two there is only that of the second, whose opposite is the first."""
    return np.hstack([-outputs, outputs]) if outputs.shape[1] == 1 else outputs
