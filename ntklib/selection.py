r"""How good is a method whose settings were chosen, and is it better than another? Validation inside validation.

The best of many validated settings looks better than it is, because the luckiest is taken: :func:`nested` chooses on
part of the data and scores on the rest. :func:`compare` says what scores on several tasks can tell apart.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments

__all__ = ["Comparison", "Nested", "compare", "nested"]

# Quantiles of the normal distribution for a two-sided test at 5 % that succeeds four times in five: 1.960 + 0.842.
_EIGHTY_PERCENT_POWER = 2.8016


class Nested(NamedTuple):
    """What :func:`nested` found.

    Attributes:
        scores: of the settings that were chosen, on the outer test parts, (outer,). Their mean is the estimate.
        chosen: index in the grid of what was chosen for each of them, (outer,).
        flat: mean score of every setting on the outer test parts, (len(grid),). Its maximum is what one reports
            without nesting, and is too good on average.
    """

    scores: NDArray[np.float64]
    chosen: NDArray[np.int64]
    flat: NDArray[np.float64]


def nested(
    fit_score: Callable[[Any, NDArray[np.int64], NDArray[np.int64]], float],
    y: ArrayLike,
    grid: Sequence[Any],
    *,
    outer: int = 4,
    inner: int = 3,
    seed: int = 0,
) -> Nested:
    r"""Cross-validation in which each setting is chosen without the part of the data that it is scored on.

    For each of the outer parts, every setting is scored by cross-validation within the others, the best of them (the
    first, if several are) is fitted to all of these, and scored on the part. Whatever is estimated from data, scaling
    too, belongs into `fit_score`, which is told what it may see.

    Args:
        fit_score: ``fit_score(setting, train, test)`` fits to the rows `train` and gives a score on the rows `test`,
            greater if better.
        y: labels, (n,), for parts with the classes in proportion.
        grid: the settings.
        outer: number of outer parts, at least 2.
        inner: number of inner parts, at least 2.
        seed: of the division.

    Returns:
        a :class:`Nested`. It takes ``outer * (inner + 1) * len(grid)`` fits; with a single setting there is nothing to
        choose, and it takes `outer`.

    Raises:
        ValueError: if an argument is not as said, if a class has fewer rows than there are parts, or if a score is not
            a finite number.

    >>> x, y = np.arange(12.0), np.array([0, 1] * 6)
    >>> def fit_score(threshold, train, test):
    ...     return float(np.mean((x[test] > threshold) == y[test]))
    >>> found = nested(fit_score, y, [3.0, 6.0], outer=2, inner=2)
    >>> found.scores.shape, found.flat.shape
    ((2,), (2,))
    """
    from sklearn.model_selection import StratifiedKFold

    _arguments.function("fit_score", fit_score, "fit_score(setting, train, test) and gives a number")
    labels = _labels(y)
    outer, inner = _arguments.count("outer", outer, 2), _arguments.count("inner", inner, 2)
    seed = _arguments.count("seed", seed, 0)
    if not isinstance(grid, Sequence) or isinstance(grid, str) or not len(grid):
        raise ValueError(f"grid must be a list of at least one setting, got {_arguments.got(grid)}")
    fewest = int(np.bincount(labels).min())
    needed = max(outer, -(-inner * outer // (outer - 1)))  # so that every inner part gets one too
    if fewest < needed:
        raise ValueError(f"y must have at least {needed} rows of each class, got {fewest} of one")

    def scored(train: NDArray[np.int64], test: NDArray[np.int64]) -> list[float]:
        return [_score(fit_score(setting, train, test)) for setting in grid]

    def parts_of(number: int, rows: NDArray[np.int64]) -> Any:
        state = int(rng.integers(2**31))
        return StratifiedKFold(number, shuffle=True, random_state=state).split(rows, labels[rows])

    rng = np.random.default_rng(seed)
    scores, chosen, flat = [], [], np.zeros(len(grid))
    for train, test in parts_of(outer, np.arange(len(labels))):
        parts = parts_of(inner, train)
        within = np.sum([scored(train[a], train[b]) for a, b in parts] if len(grid) > 1 else [[0.0]], axis=0)
        of_all = scored(train, test)
        chosen.append(int(within.argmax()))
        scores.append(of_all[chosen[-1]])
        flat += np.array(of_all) / outer
    return Nested(np.array(scores), np.array(chosen), flat)


class Comparison(NamedTuple):
    """What :func:`compare` found.

    Attributes:
        mean: of the differences, first minus second.
        sd: their standard deviation over the tasks.
        wins: on how many tasks the first is better.
        losses: on how many it is worse.
        p: of Wilcoxon's signed-rank test, two-sided; 1 if all differences are zero.
        resolvable: the mean difference that as many tasks with this spread find four times in five,
            :math:`2.8\\,s/\\sqrt m`.
    """

    mean: float
    sd: float
    wins: int
    losses: int
    p: float
    resolvable: float


def compare(a: ArrayLike, b: ArrayLike) -> Comparison:
    r"""Two methods on the same tasks: how much they differ, and what so many tasks can resolve.

    A task counts once, whatever was averaged within it: its folds share training data, and are not independent. The
    p-value is Wilcoxon's (Demšar 2006); `resolvable` is from the normal approximation, in which a two-sided test at
    5 % has the power 80 % if the mean difference is :math:`(1.960 + 0.842)\,s/\sqrt m`.

    Args:
        a: scores of the first method, (m,), one a task.
        b: those of the second, (m,).

    Returns:
        a :class:`Comparison`.

    Raises:
        ValueError: if the scores are not two rows of one length of at least 2.

    >>> found = compare([0.9, 0.8, 0.7, 0.95], [0.85, 0.8, 0.72, 0.9])
    >>> round(found.mean, 3), found.wins, found.losses, round(found.resolvable, 3)
    (0.02, 2, 1, 0.05)
    """
    from scipy.stats import wilcoxon

    first, second = (_arguments.array_of_numpy(name, value).astype(float) for name, value in (("a", a), ("b", b)))
    for name, row in (("a", first), ("b", second)):
        if row.ndim != 1 or len(row) < 2:
            raise ValueError(f"{name} must have shape (m,) with at least two scores, got {row.shape}")
    if len(first) != len(second):
        raise ValueError(f"b must have shape {first.shape} as a, got {second.shape}")
    difference = first - second
    sd = float(difference.std(ddof=1))
    p = float(wilcoxon(difference).pvalue) if np.any(difference) else 1.0
    wins, losses = int(np.sum(difference > 0)), int(np.sum(difference < 0))
    return Comparison(
        float(difference.mean()), sd, wins, losses, p, _EIGHTY_PERCENT_POWER * sd / len(difference) ** 0.5
    )


def _labels(y: ArrayLike) -> NDArray[np.int64]:
    labels = _arguments.read("y", y, np.asarray)
    if labels.ndim != 1 or labels.dtype.kind not in "biu" or not len(labels):
        raise ValueError(f"y must be integers of shape (n,), got {labels.dtype} of shape {labels.shape}")
    return np.unique(labels, return_inverse=True)[1]


def _score(value: Any) -> float:
    if not _arguments.is_number(value) or not np.isfinite(value):
        raise ValueError(f"fit_score must give a finite number, got {_arguments.got(value)}")
    return float(value)
