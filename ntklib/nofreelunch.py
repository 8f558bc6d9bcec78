r"""How well does a learner do on average over all targets? Counted over every target on a finite domain, in fractions.

A *target* gives each of N points a label 0 or 1, and is a row of labels (N,). A *learner* is a function
``learner(x_train, y_train, x_test) -> labels``, or anything with scikit-learn's ``fit`` and ``predict``. It never sees
the target outside of the training set, so it is asked once for each labelling of the training set, not once for
each target; what remains is counting. Only NumPy is needed.
"""

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments

__all__ = [
    "accuracies",
    "all_targets",
    "average_accuracy",
    "closed_sets",
    "errors_on_samples",
    "expected_risk",
    "from_estimator",
    "hypercube",
    "is_closed",
]

Learner = Callable[[NDArray[Any], NDArray[np.int64], NDArray[Any]], ArrayLike]

# All targets are counted for domains up to this size (16.8 million), in portions of so many at a time.
_MOST_POINTS, _PORTION = 24, 2**16


def average_accuracy(
    learner: Learner | Any, inputs: ArrayLike, train: Sequence[int], targets: ArrayLike | None = None
) -> Fraction:
    r"""The mean, over targets, of the share of points outside of the training set that a learner labels correctly.

    Over all targets it is ½ for every learner (Wolpert 1996). That is counted here, not assumed.

    Args:
        learner: ``learner(x_train, y_train, x_test)`` gives a label 0 or 1 for each row of `x_test`; or an object with
            ``fit`` and ``predict``, see :func:`from_estimator`. One that draws at random is drawn once for each
            labelling of the training set.
        inputs: the domain, (N, ...), one row a point.
        train: indices of the training points, without repetition.
        targets: rows of labels, (t, N); all 2^N if left out. A target given twice counts twice.

    Returns:
        an exact fraction.

    Raises:
        ValueError: if a shape does not fit, a label is neither 0 nor 1, the training set is empty or everything, or
            all targets are asked for on more than 24 points.

    >>> zeros = lambda x_train, y_train, x_test: [0] * len(x_test)
    >>> average_accuracy(zeros, hypercube(3), [0, 1, 2, 3])
    Fraction(1, 2)
    >>> average_accuracy(zeros, hypercube(1), [0], targets=[[0, 0], [1, 1], [1, 0]])
    Fraction(2, 3)
    """
    points, chosen, rest = _division(inputs, train)
    right = total = 0
    for correct in _correct(learner, points, chosen, rest, _portions(targets, len(points))):
        right += int(correct.sum())
        total += len(correct)
    return Fraction(right, total * len(rest))


def accuracies(
    learner: Learner | Any, inputs: ArrayLike, train: Sequence[int], targets: ArrayLike | None = None
) -> NDArray[np.int64]:
    """For each target, how many of the points outside of the training set a learner labels correctly.

    Args and errors are those of :func:`average_accuracy`.

    Returns:
        counts from 0 to N - len(train), (t,); for all targets in the order of :func:`all_targets`.

    >>> zeros = lambda x_train, y_train, x_test: [0] * len(x_test)
    >>> np.bincount(accuracies(zeros, hypercube(2), [0]))  # of 16 targets
    array([2, 6, 6, 2])
    """
    points, chosen, rest = _division(inputs, train)
    return np.concatenate(list(_correct(learner, points, chosen, rest, _portions(targets, len(points)))))


def from_estimator(estimator: Any) -> Learner:
    """A scikit-learn classifier, or anything with its ``fit`` and ``predict``, as a learner.

    Each training set gets a copy of the estimator. Many classifiers refuse a training set with a single label; they
    are not asked then, and the label is predicted everywhere.

    Args:
        estimator: with ``fit(x, y)`` and ``predict(x)``; it is not changed.

    Raises:
        ValueError: if it has no ``fit`` or ``predict``.

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> average_accuracy(from_estimator(KNeighborsClassifier(1)), hypercube(3), [0, 1, 2, 3])
    Fraction(1, 2)
    """
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise ValueError(f"estimator must be an object with fit and predict, got {_arguments.got(estimator)}")

    def learner(x_train: NDArray[Any], y_train: NDArray[np.int64], x_test: NDArray[Any]) -> ArrayLike:
        if (y_train == y_train[0]).all():
            return np.full(len(x_test), y_train[0])
        fitted = copy.deepcopy(estimator)
        fitted.fit(x_train, y_train)
        return fitted.predict(x_test)

    return learner


def hypercube(dim: int) -> NDArray[np.int64]:
    """The points of {0, 1}^dim as rows, (2^dim, dim): row i is i in binary, the most significant bit first.

    Raises:
        ValueError: if `dim` is not from 1 to 20.

    >>> hypercube(2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    dim = _arguments.count("dim", dim, 1, 20)
    return (np.arange(2**dim)[:, None] >> np.arange(dim - 1, -1, -1)) & 1


def all_targets(n_points: int) -> NDArray[np.int64]:
    """All targets on so many points, (2^n_points, n_points): target t gives point i the bit ``(t >> i) & 1``.

    Raises:
        ValueError: if `n_points` is not from 1 to 24.

    >>> all_targets(2).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    n_points = _arguments.count("n_points", n_points, 1, _MOST_POINTS)
    return np.concatenate(list(_portions(None, n_points))).astype(np.int64)


def is_closed(targets: ArrayLike) -> bool:
    r"""Whether a set of targets is closed under permutation of the points.

    With a target it then holds every rearrangement of its labels. Tested by counting: a target in which label y
    occurs :math:`n_y` times has :math:`N!/\prod_y n_y!` rearrangements.

    Args:
        targets: rows of integer labels, (t, N), not necessarily 0 and 1; repetitions do not count.

    Raises:
        ValueError: if that is not a matrix of integers.

    >>> is_closed([[0, 0, 1], [0, 1, 0], [1, 0, 0]]), is_closed([[0, 0, 1], [0, 1, 0]])
    (True, False)
    """
    rows = _arguments.read("targets", targets, np.asarray)
    if rows.ndim != 2 or not (np.issubdtype(rows.dtype, np.integer) or rows.dtype == bool):
        raise ValueError(f"targets must be integers of shape (t, N), got {rows.dtype} of shape {rows.shape}")
    if rows.size == 0:
        return True
    distinct = np.unique(rows, axis=0)
    kinds, found = np.unique(np.sort(distinct, axis=1), axis=0, return_counts=True)
    for kind, count in zip(kinds, found, strict=True):
        occurrences = np.unique(kind, return_counts=True)[1]
        if count != math.factorial(len(kind)) // math.prod(math.factorial(int(n)) for n in occurrences):
            return False
    return True


def closed_sets(n_points: int, n_labels: int = 2) -> int:
    r"""How many non-empty sets of targets are closed under permutation of the points.

    A closed set is a union of classes, one for each multiset of N labels, so there are
    :math:`2^{\binom{N + k - 1}{N}} - 1` of them among :math:`2^{k^N} - 1` sets (Igel and Toussaint 2003).

    Raises:
        ValueError: if there is no point or no label.

    >>> closed_sets(3), closed_sets(8)
    (15, 511)
    """
    n_points, n_labels = _arguments.count("n_points", n_points, 1), _arguments.count("n_labels", n_labels, 1)
    return 2 ** math.comb(n_points + n_labels - 1, n_points) - 1


def errors_on_samples(learner: Learner | Any, inputs: ArrayLike, m: int) -> NDArray[np.int64]:
    r"""The errors of a learner on the whole domain, for every target and every sample of m points drawn from it.

    Samples are drawn with repetition, as in PAC learning with the uniform distribution on the domain, and the
    training points count among the points on which the learner is judged.

    Args:
        learner: as for :func:`average_accuracy`.
        inputs: the domain, (N, ...).
        m: size of the sample.

    Returns:
        errors from 0 to N, (2^N, N^m).

    Raises:
        ValueError: if m is less than 1, or there are more than 2^24 entries.

    >>> right = lambda x_train, y_train, x_test: [y_train[0] if x in x_train else 1 - y_train[0] for x in x_test]
    >>> errors_on_samples(right, np.arange(2), 1)  # of the targets 00, 10, 01, 11
    array([[1, 1],
           [0, 0],
           [0, 0],
           [1, 1]])
    """
    points, m = _domain(inputs), _arguments.count("m", m, 1)
    n = len(points)
    if 2**n * n**m > 2**24:
        raise ValueError(f"m must be at least 1, with 2^N N^m up to 2^24 entries, got m = {m} and N = {n}")
    ask = _as_learner(learner)
    targets = all_targets(n)
    errors = np.empty((2**n, n**m), np.int64)
    for column, sample in enumerate(itertools.product(range(n), repeat=m)):
        seen = list(sample)
        labels = targets[:, seen]
        first, where = _groups(labels)
        predicted = np.stack([_ask(ask, points[seen], row, points) for row in labels[first]])
        errors[:, column] = (predicted[where] != targets).sum(1)
    return errors


def expected_risk(m: int) -> Fraction:
    r"""The mean risk over all targets on 2m points, of a learner that remembers a sample of m of them.

    :math:`\frac12\bigl(1 - \frac{1}{2m}\bigr)^m`: half of the mass that is not seen. No learner has less. It is at
    least ¼, which is how Theorem 5.1 of Shalev-Shwartz and Ben-David (2014) is proved.

    Raises:
        ValueError: if m is not a positive integer.

    >>> expected_risk(1), round(float(expected_risk(20)), 5)
    (Fraction(1, 4), 0.30134)
    """
    m = _arguments.count("m", m, 1)
    return (1 - Fraction(1, 2 * m)) ** m / 2


def _division(inputs: ArrayLike, train: Sequence[int]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    points, chosen = _domain(inputs), _arguments.read("train", train, np.asarray)
    n = len(points)
    if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer) or not 1 <= len(chosen) < n:
        raise ValueError(f"train must be a list of at least one and at most {n - 1} of {n} indices, got {train!r}")
    if chosen.min() < 0 or chosen.max() >= n or len(np.unique(chosen)) < len(chosen):
        raise ValueError(f"train must hold different indices from 0 to {n - 1}, got {train!r}")
    return points, chosen, np.setdiff1d(np.arange(n), chosen)


def _domain(inputs: ArrayLike) -> NDArray[Any]:
    points = _arguments.array_of_numpy("inputs", inputs)
    if points.ndim == 0 or len(points) == 0:
        raise ValueError(f"inputs must have shape (N, ...) with N of at least 1, got {points.shape}")
    return points


def _portions(targets: ArrayLike | None, n: int) -> Iterator[NDArray[np.uint8]]:
    """The targets, (portion, n) at a time, a byte a label."""
    if targets is None:
        if not 1 <= n <= _MOST_POINTS:
            raise ValueError(f"all targets are listed for 1 to {_MOST_POINTS} points, got {n}; give targets instead")
        for start in range(0, 2**n, _PORTION):
            numbers = np.arange(start, min(start + _PORTION, 2**n), dtype="<u4")
            yield np.unpackbits(numbers.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")[:, :n]
        return
    rows = _arguments.read("targets", targets, np.asarray)
    if rows.ndim != 2 or rows.shape[1] != n or len(rows) == 0:
        raise ValueError(f"targets must have shape (t, {n}) with t of at least 1, got {rows.shape}")
    if not ((rows == 0) | (rows == 1)).all():
        raise ValueError(f"targets must hold the labels 0 and 1, got {np.unique(rows)[:5].tolist()}")
    for start in range(0, len(rows), _PORTION):
        yield rows[start : start + _PORTION].astype(np.uint8)


def _correct(
    learner: Learner | Any,
    points: NDArray[Any],
    chosen: NDArray[np.int64],
    rest: NDArray[np.int64],
    portions: Iterator[NDArray[np.uint8]],
) -> Iterator[NDArray[np.int64]]:
    """Counts of correct labels for each portion of targets; every labelling of the training set is learned once."""
    ask = _as_learner(learner)
    known: dict[bytes, NDArray[np.uint8]] = {}
    for targets in portions:
        labels = targets[:, chosen]
        first, where = _groups(labels)
        predicted = np.empty((len(first), len(rest)), np.uint8)
        for index, row in enumerate(labels[first]):
            if row.tobytes() not in known:
                known[row.tobytes()] = _ask(ask, points[chosen], row, points[rest])
            predicted[index] = known[row.tobytes()]
        yield (predicted[where] == targets[:, rest]).sum(1, dtype=np.int64)


def _groups(rows: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each different row of zeros and ones occurs first, and which of these every row equals."""
    if rows.shape[1] <= 62:  # a row is a number, and numbers are sorted fast
        _, first, where = np.unique(rows @ (1 << np.arange(rows.shape[1])), return_index=True, return_inverse=True)
    else:
        _, first, where = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, where.reshape(-1)


def _as_learner(learner: Learner | Any) -> Learner:
    if hasattr(learner, "fit") and hasattr(learner, "predict") and not isinstance(learner, type):
        return from_estimator(learner)
    _arguments.function("learner", learner, "learner(x_train, y_train, x_test)")
    return learner


def _ask(learner: Learner, x: NDArray[Any], y: NDArray[np.integer], x_test: NDArray[Any]) -> NDArray[np.uint8]:
    labels = np.asarray(learner(x, y.astype(np.int64), x_test))
    if labels.shape != (len(x_test),):
        raise ValueError(f"learner must return labels of shape ({len(x_test)},), got {labels.shape}")
    if not ((labels == 0) | (labels == 1)).all():
        raise ValueError(f"learner must return the labels 0 and 1, got {np.unique(labels)[:5].tolist()}")
    return labels.astype(np.uint8)
