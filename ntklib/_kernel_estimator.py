"""What do the estimators share? A kernel of any kind, what they keep of it, and how classes are numbered."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.gaussian_process.kernels import Kernel

from ntklib import _arguments, _memory, _sklearn_validation, kernels
from ntklib._sklearn_kernels import double_precision
from ntklib._sklearn_validation import validate_data

__all__ = ["Array", "KernelEstimator", "KernelLike", "classes_of", "indicators", "labels_of", "weights_of"]

Array = NDArray[np.float64]
KernelLike: TypeAlias = str | Callable[[Array, Array], ArrayLike] | Kernel

_NAMED: dict[str, Callable[[Any], Callable[[Array, Array], ArrayLike]]] = {
    "rbf": kernels.RBF,
    "laplace": kernels.Laplace,
    "linear": lambda scale: lambda a, b: (a / scale) @ (b / scale).T,
}


class KernelEstimator(BaseEstimator):
    """What the four share: a kernel that is a name, a callable or a scikit-learn kernel."""

    kernel: KernelLike
    lengthscale: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = isinstance(self.kernel, str) and self.kernel == "precomputed"
        return tags

    def _start(self, X: Array) -> None:
        """Check the kernel, and remember what a prediction needs: the training points."""
        _sklearn_validation.refuse_unless_kernel(self.kernel, (*_NAMED, "precomputed"))
        if isinstance(self.kernel, str) and self.kernel == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError(f"Precomputed matrix must be a square matrix. Input is a {X.shape} matrix.")
        _sklearn_validation.refuse_unused_lengthscale(self.lengthscale, self.kernel, X.shape[1])
        self.lengthscale_ = np.array(self.lengthscale, float)
        self.kernel_ = _own(self.kernel)
        for name in ("X_fit_", "relevance_vectors_"):  # of a fit before, with a kernel of points
            self.__dict__.pop(name, None)
        if not self._precomputed:
            self.X_fit_ = X

    @property
    def _precomputed(self) -> bool:
        """Whether what was fitted is a matrix."""
        return isinstance(self.kernel_, str) and self.kernel_ == "precomputed"

    def _validated(self, X: Any, y: Any, **how: Any) -> tuple[Array, Array]:
        """Inputs and targets in 64 bits. The points are a copy, as predictions need them; a matrix they do not."""
        matrix = isinstance(self.kernel, str) and self.kernel == "precomputed"
        return validate_data(self, X, y, dtype=np.float64, copy=not matrix, **how)

    def _gram(self, X: Array, columns: NDArray[np.intp] | slice = slice(None)) -> Array:
        """The kernel between rows of X and the training points, or some of them."""
        if self._precomputed:
            return X[:, columns]
        return self._between(X, None if X is self.X_fit_ and columns == slice(None) else self.X_fit_[columns])

    def _between(self, X: Array, other: Array | None = None, quick: Any = None) -> Array:
        """The kernel between rows of X and other points, or the rows themselves; `quick` is a quicker way to it."""
        kernel: Any = self.kernel_ if quick is None else quick
        if isinstance(kernel, str):
            kernel = _NAMED[kernel](self.lengthscale_)
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

    def _own_gram(self, X: Array, root: Array | None = None, order: NDArray[np.intp] | None = None) -> Array:
        """The kernel matrix of the training points, in memory that nobody else looks at.

        With the roots of their weights (n,) also multiplied by these from both sides, and the points in another order.
        """
        own = _memory.empty((len(X), len(X)), float)
        if order is None or np.array_equal(order, np.arange(len(X))):
            own[:] = self._gram(X)
        elif self._precomputed:
            for row, source in zip(own, order, strict=True):  # by rows, as a matrix of all would be a copy
                row[:] = X[source, order]
        else:
            own[:] = self._between(X[order])
        if root is not None:
            root = root if order is None else root[order]
            own *= root[:, None]
            own *= root
        return own


def _own(kernel: KernelLike) -> KernelLike:
    """A copy of a kernel with its numbers; a function, compiled or not, is itself, as nothing of it can be copied."""
    if hasattr(kernel, "__wrapped__"):  # of jax.jit, which would compile a copy anew
        return kernel
    try:
        return clone(kernel, safe=False)
    except Exception as error:
        raise ValueError(
            f"kernel must be a function, or an object that can be copied, as it is kept for predictions; got {kernel!r}"
        ) from error


def weights_of(sample_weight: Any, n: int) -> Array | None:
    """The weights of n points, (n,), or None if all count the same.

    Raises:
        ValueError: if they are not n numbers, finite and not negative, of which one at least is positive.
    """
    if sample_weight is None:
        return None
    weights = _arguments.array_of_numpy("sample_weight", sample_weight).astype(float)
    weights = np.full(n, float(weights)) if weights.ndim == 0 else weights.copy()
    if weights.shape != (n,):
        raise ValueError(f"sample_weight must be a number or have shape ({n},), got {weights.shape}")
    if not np.all(np.isfinite(weights) & (weights >= 0)) or not weights.any():
        raise ValueError(
            "sample_weight must be finite and not negative, and not all zero, "
            f"got from {weights.min()} to {weights.max()}"
        )
    return weights


def classes_of(y: ArrayLike) -> tuple[NDArray, NDArray[np.intp]]:
    """The different labels, and for each sample the number of its label."""
    return _sklearn_validation.class_labels(y)


def indicators(number: NDArray[np.intp], k: int) -> Array:
    """1 for the class of a sample and 0 for the others, (n, k); for two classes only the second, (n, 1)."""
    return np.eye(k)[number][:, 1:] if k == 2 else np.eye(k)[number]


def labels_of(outputs: Array, classes: NDArray) -> NDArray:
    """The labels that outputs (m,) by their sign, or (m, k) by the largest, stand for."""
    return classes[(outputs > 0).astype(int) if outputs.ndim == 1 else outputs.argmax(axis=1)]
