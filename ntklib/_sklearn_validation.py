"""How does scikit-learn's contract refuse an argument? In scikit-learn's words, with the argument and what was got."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, validation
from sklearn.utils.multiclass import check_classification_targets

from ntklib._arguments import advice, got, inside, is_sparse
from ntklib._validation import lengthscale

__all__ = ["bounds", "class_labels", "refuse_unless_kernel", "refuse_unused_lengthscale", "unit", "validate_data"]

_ABSENT = "no_validation"  # scikit-learn's word
_WANTED = {"X": "a matrix of numbers (n, d)", "y": "a target for each row of X"}


def validate_data(estimator: Any, X: Any = _ABSENT, y: Any = _ABSENT, **how: Any) -> Any:
    """scikit-learn's `validate_data`, whose errors name the argument and what was got.

    Refused beside what it refuses: texts as numbers, which NumPy would read, labels of several types, of which it would
    make texts, and masked entries, whose mask it would drop.
    """
    for name, value in (("X", X), ("y", y)):
        if np.ma.is_masked(value):
            raise ValueError(f"{name} must be an array without masked entries, got {np.ma.count_masked(value)} of them")
    if is_sparse(y):
        raise ValueError(f"y must be a dense array, got {got(y)}: take its toarray()")
    if X is not _ABSENT:
        _refuse_text("X", X)
    if how.get("y_numeric"):
        _refuse_text("y", y)
    else:
        _refuse_several_types(y)
    try:
        given = {name: value for name, value in (("X", X), ("y", y)) if value is not _ABSENT}
        return validation.validate_data(estimator, **given, **how)
    except (TypeError, ValueError) as error:
        name = "X" if y is _ABSENT or _is_wrong(X) else "y"
        raise _named(error, name, y if name == "y" else X) from None


def class_labels(y: Any) -> tuple[NDArray, NDArray[np.intp]]:
    """The different labels, and for each sample the number of its label; refused unless there are two of them."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise _named(error, "y", y) from None
    classes, number = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must have at least 2 classes, but it contains only one class: {classes[0]!r}")
    return classes, number


def refuse_unless_kernel(kernel: Any, names: tuple[str, ...]) -> None:
    """Refuse what is neither one of the names nor a function of two sets of points."""
    if isinstance(kernel, str):
        if kernel not in names:
            raise ValueError(
                f"kernel must be one of {', '.join(map(repr, names))}, a callable or a kernel, got {kernel!r}"
            )
    elif isinstance(kernel, type) or not callable(kernel):
        raise ValueError(
            f"kernel must be a name, a callable or a scikit-learn kernel, got {got(kernel)}{advice(kernel)}"
        )


def refuse_unused_lengthscale(value: Any, kernel: Any, dim: int) -> None:
    """Refuse a length scale that is none, and one that nothing would use: a kernel without a name has its own."""
    lengthscale(value, dim)
    if (not isinstance(kernel, str) or kernel == "precomputed") and np.any(np.asarray(value) != 1):
        raise ValueError(
            f"lengthscale is of the kernels with a name, got {value!r} with kernel={got(kernel)}: leave it out, and "
            "set it in the kernel, for instance ntklib.kernels.RBF(lengthscale)"
        )


def bounds(name: str, value: Any) -> Any:
    """`value` as it is, refused unless it is "fixed", or pairs of a lower and an upper bound, positive."""
    if isinstance(value, str) and value == "fixed":
        return value
    try:
        pairs = np.atleast_2d(np.asarray(np.nan if isinstance(value, str | type) else value, float))
    except (TypeError, ValueError):
        pairs = np.empty((0, 0))
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.all((pairs[:, 0] > 0) & (pairs[:, 0] <= pairs[:, 1])):
        raise ValueError(f'{name} must be "fixed" or a lower and an upper bound, both positive, got {got(value)}')
    return value


def unit(y: NDArray[np.float64]) -> float:
    """The largest of the targets, by which they can be divided; refused if its square is no number."""
    largest = float(np.abs(y).max()) or 1.0
    if not 1e-150 <= largest <= 1e150:
        raise ValueError(
            f"y must have a largest entry from 1e-150 to 1e150, so that a variance is a number too, got {largest:.3g}; "
            "take another unit"
        )
    return largest


def _is_wrong(X: Any) -> bool:
    try:
        check_array(X, dtype=np.float64)
    except (TypeError, ValueError):
        return True
    return False


def _named(error: Exception, name: str, value: Any) -> Exception:
    """The same error with the name of the argument and what was got, unless it says so."""
    if re.search(rf"\b{name}\b", str(error)) and ("NaN" in str(error) or "infinity" in str(error) or value is None):
        return error.with_traceback(None)
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{name} must be {_WANTED[name]}, got {inside(value)}: {error}")


def _refuse_text(name: str, value: Any) -> None:
    """Refuse texts: those of numbers would be read as numbers."""
    found = value if hasattr(value, "dtype") or isinstance(value, str) else None
    if found is None and isinstance(value, list | tuple):
        first = value
        while isinstance(first, list | tuple) and len(first):
            first = first[0]
        found = first if isinstance(first, str) else None
    if isinstance(found, str) or getattr(getattr(found, "dtype", None), "kind", "") in ("U", "S"):
        raise ValueError(f"{name} must be {_WANTED[name]}, got {got(value)}: could not convert string to float")


def _refuse_several_types(y: Any) -> None:
    """Refuse labels of which some are texts and some are not: of a list NumPy would make texts of all."""
    if isinstance(y, list | tuple) or getattr(getattr(y, "dtype", None), "kind", "") == "O":
        kinds = {isinstance(label, str): type(label).__name__ for label in np.ravel(np.asarray(y, object))}
        if len(kinds) > 1:
            raise ValueError(f"y must hold labels of one type, got {kinds[False]} and {kinds[True]}")
