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

from ntklib._kernel_classification import KernelClassifier
from ntklib._kernel_regression import KernelRegressor
from ntklib._relevance_vectors import RelevanceVectorClassifier, RelevanceVectorRegressor
from ntklib._sklearn_kernels import NTK, SklearnKernel

__all__ = [
    "NTK",
    "KernelClassifier",
    "KernelRegressor",
    "RelevanceVectorClassifier",
    "RelevanceVectorRegressor",
    "SklearnKernel",
]
