r"""How many bits does a representation keep, of the input and of the label? Exactly, binned, with noise, and at best.

All information is in bits. A joint distribution of X and Y is a table p(x, y), (n, k), a row for each x; a
representation of N equally likely inputs is an array (N, d), a row for each input.
"""

import itertools
import math
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike
from numpy.typing import NDArray
from scipy.special import logsumexp, rel_entr

from ntklib import _arguments, _validation

__all__ = [
    "binned_information",
    "bottleneck",
    "critical_beta",
    "entropy",
    "icosahedron_bits",
    "mutual_information",
    "noisy_information",
    "pair_bounds",
]


def entropy(p: ArrayLike) -> float:
    r"""The entropy of a distribution, :math:`-\sum_ip_i\log_2p_i`.

    Args:
        p: probabilities, of any shape; they sum to 1.

    Returns:
        bits, from 0 to the logarithm of the number of probabilities.

    Raises:
        ValueError: if `p` is no distribution.

    >>> entropy([0.5, 0.25, 0.25, 0.0])
    1.5
    """
    q = _distribution("p", p)
    return max(0.0, -float(np.sum(q * np.log2(np.where(q > 0, q, 1)))))


def mutual_information(joint: ArrayLike) -> float:
    r"""What X and Y say about each other, :math:`\sum_{x,y}p(x,y)\log_2\frac{p(x,y)}{p(x)p(y)}`.

    Args:
        joint: p(x, y), (n, k).

    Returns:
        bits.

    Raises:
        ValueError: if `joint` is no table of probabilities that sum to 1.

    >>> mutual_information(np.eye(4) / 4), mutual_information(np.full((2, 3), 1 / 6))
    (2.0, 0.0)
    """
    return _told(_table(joint))


def critical_beta(joint: ArrayLike) -> float:
    r"""The β above which a representation that says nothing is no local minimum of the bottleneck, :math:`1/\rho^2`.

    Here ρ is the second singular value of :math:`p(x,y)/\sqrt{p(x)p(y)}`, the maximal correlation of X and Y. A
    representation that says something can be better at smaller β already.

    Args:
        joint: p(x, y), (n, k), without rows or columns of zeros.

    Returns:
        a number of at least 1; infinite if X and Y are independent.

    Raises:
        ValueError: if `joint` is no such table.

    >>> round(critical_beta([[0.45, 0.05], [0.05, 0.45]]), 4)  # a bit that is flipped with probability 0.1
    1.5625
    """
    p = _table(joint, full=True)
    values = np.linalg.svd(p / np.sqrt(np.outer(p.sum(1), p.sum(0))), compute_uv=False)
    rho = values[1] if len(values) > 1 else 0.0
    return float(1 / rho**2) if rho > 1e-8 else math.inf


def bottleneck(
    joint: ArrayLike, beta: float, *, start: ArrayLike, tol: float = 1e-12, max_iter: int = 5000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""A representation T of X that makes :math:`I(X;T)-\beta I(T;Y)` small (Tishby, Pereira and Bialek 1999).

    Repeats :math:`q(t|x)\propto q(t)e^{-\beta KL(p(y|x)\|q(y|t))}`, which never raises the functional. The functional
    is not convex: another start may lead to another end.

    Args:
        joint: p(x, y), (n, k), without rows of zeros.
        beta: how much a bit about Y is worth, in bits about X; positive.
        start: q(t|x) to begin with, (n, c) for c values of T; rows that sum to 1.
        tol: stop when the functional falls by less.
        max_iter: stop after so many updates.

    Returns:
        q(t|x), (n, c), and the functional after each update, in bits.

    Raises:
        ValueError: if an argument is not as said above.

    >>> joint = np.array([[0.45, 0.05], [0.05, 0.45]])
    >>> q, functional = bottleneck(joint, 2.0, start=[[0.6, 0.4], [0.4, 0.6]])
    >>> round(mutual_information(q / 2), 5), round(mutual_information(q.T / 2 @ joint * 2), 5)
    (0.69643, 0.40723)
    """
    p = _table(joint, rows=True)
    beta = _arguments.number("beta", beta, positive=True)
    tol, max_iter = _arguments.number("tol", tol), _arguments.count("max_iter", max_iter, 1)
    q = _arguments.array_of_numpy("start", start).astype(float)
    if q.ndim != 2 or len(q) != len(p) or q.shape[1] < 1:
        raise ValueError(f"start must be (n, c) with n = {len(p)} rows like joint, got {_arguments.got(start)}")
    if not np.all(q >= 0) or np.max(np.abs(q.sum(1) - 1)) > 1e-6:
        raise ValueError("start must be probabilities, each row with the sum 1")
    px = p.sum(1)
    given = p / px[:, None]
    values: list[float] = []
    for _ in range(max_iter):
        weight = np.maximum(px @ q, 1e-300)
        label = (q * px[:, None]).T @ given / weight[:, None]
        apart = np.sum(rel_entr(given[:, None], np.maximum(label, 1e-300)), axis=-1)
        logits = np.log(weight) - beta * apart
        q = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        kept = px[:, None] * q
        values.append(_told(kept) - beta * _told(kept.T @ given))
        if len(values) > 1 and values[-2] - values[-1] < tol:
            break
    return q, np.array(values)


def binned_information(hidden: ArrayLike, labels: ArrayLike, edges: ArrayLike | None = None) -> tuple[float, float]:
    r"""What a deterministic layer says about the input and the label after its values have been put into bins.

    The inputs are equally likely. A cell is a tuple of bins, one for each unit; the first number is the entropy of
    the cell, which is I(X;T) since the input decides the cell, the second is I(T;Y).

    Args:
        hidden: values of the units, (N, d).
        labels: integers, (N,).
        edges: inner edges of the bins, the same for all units, increasing; what lies outside is in the first or last
            bin. Without them each different row is a cell of its own: nothing is rounded beyond what `hidden` is.

    Returns:
        bits about the input, at most log₂N, and bits about the label.

    Raises:
        ValueError: if a shape does not fit, or edges do not increase.

    >>> binned_information(np.array([[0.1], [0.2], [0.8], [0.9]]), [0, 0, 1, 1], [0.5])
    (1.0, 1.0)
    """
    values = _rows(hidden)
    names = _arguments.array_of_numpy("labels", labels)
    if names.shape != values.shape[:1] or names.dtype.kind not in "iub":
        raise ValueError(f"labels must be {len(values)} integers like the rows of hidden, got {_arguments.got(labels)}")
    if edges is not None:
        inner = _arguments.array_of_numpy("edges", edges).astype(float)
        if inner.ndim != 1 or not np.all(np.diff(inner) > 0):
            raise ValueError(f"edges must be increasing numbers (bins − 1,), got {_arguments.got(edges)}")
        values = np.digitize(values, inner)
    cell = np.zeros(len(values), np.int64)
    for column in values.T:  # a number for each different row so far; faster than NumPy's unique rows
        names_of = np.unique(column, return_inverse=True)[1].reshape(-1)
        cell = np.unique(cell * (names_of.max() + 1) + names_of, return_inverse=True)[1].reshape(-1)
    label = np.unique(names, return_inverse=True)[1].reshape(-1)
    counts = np.zeros((cell.max() + 1, label.max() + 1))
    np.add.at(counts, (cell, label), 1 / len(values))
    return entropy(counts.sum(1)), mutual_information(counts)


def pair_bounds(gram: ArrayLike, noise: float) -> tuple[float, float]:
    r"""Bounds of the information that a layer with Gaussian noise keeps of its input (Kolchinsky and Tracey 2017).

    :math:`-\frac1N\sum_i\log_2\frac1N\sum_je^{-|h_i-h_j|^2/c\sigma^2}` for N equally likely inputs, below with c = 8,
    above with c = 2. It depends on the layer only through the scalar products of its rows.

    Args:
        gram: scalar products of the rows, (N, N): ``hidden @ hidden.T``, or a kernel matrix.
        noise: standard deviation σ of what is added to each unit.

    Returns:
        a lower and an upper bound of I(X; h(X) + σZ), in bits, both from 0 to log₂N.

    Raises:
        ValueError: if `gram` is not square, finite and symmetric, or `noise` not positive.

    >>> [round(bound, 3) for bound in pair_bounds(np.diag([1.0, 1.0]), 0.01)]  # two points far apart
    [1.0, 1.0]
    """
    k = _arguments.array_of_numpy("gram", gram).astype(float)
    if k.ndim != 2 or len(k) != k.shape[1] or not len(k):
        raise ValueError(f"gram must be square, (N, N), got {_arguments.got(gram)}")
    _validation.refuse_unless_symmetric(k)
    noise = _arguments.number("noise", noise, positive=True)
    size = np.diag(k)
    squares = np.maximum(size[:, None] + size - 2 * k, 0) / noise**2
    np.fill_diagonal(squares, 0.0)
    lower, upper = ((math.log(len(k)) - float(np.mean(logsumexp(-squares / c, axis=1)))) / math.log(2) for c in (8, 2))
    return max(lower, 0.0), max(upper, 0.0)


def noisy_information(key: Any, hidden: ArrayLike, noise: float, draws: int = 1000) -> tuple[float, float]:
    r"""The information that a layer with Gaussian noise keeps of its input, by simulation.

    The mean of :math:`\log_2\frac{p(t|x)}{p(t)}` over draws of an input and of the noise.

    Args:
        key: of JAX's random numbers.
        hidden: values of the units for N equally likely inputs, (N, d).
        noise: standard deviation σ of what is added to each unit.
        draws: at least 2.

    Returns:
        an unbiased estimate of I(X; h(X) + σZ) in bits, and its standard error.

    Raises:
        ValueError: if an argument is not as said above.

    >>> bits, error = noisy_information(jax.random.key(0), np.array([[0.0], [9.0]]), 0.1)  # a coin, seen clearly
    >>> round(bits, 3), round(error, 3)
    (1.0, 0.0)
    """
    _validation.key("key", key)
    h = _rows(hidden).astype(float)
    noise, draws = _arguments.number("noise", noise, positive=True), _arguments.count("draws", draws, 2)
    rng = np.random.default_rng(np.asarray(jax.random.bits(key, (4,), np.uint32)).tolist())
    scaled, found = h / noise, []
    size = np.sum(scaled**2, axis=1)
    for first in range(0, draws, 256):  # so many rows of N distances at a time
        some = rng.integers(0, len(h), min(256, draws - first))
        z = rng.standard_normal((len(some), h.shape[1]))
        t = scaled[some] + z
        apart = np.sum(t**2, axis=1)[:, None] + size - 2 * t @ scaled.T
        others = logsumexp(-apart / 2, axis=1) - math.log(len(h))
        found.append(-np.sum(z**2, axis=1) / 2 - others)
    bits = np.concatenate(found) / math.log(2)
    return float(bits.mean()), float(bits.std(ddof=1) / math.sqrt(draws))


def icosahedron_bits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    r"""All words of twelve bits, and whether those that are on lie off balance on the vertices of an icosahedron.

    Bit i stands at the vertex u_i, of length 1. The label is 1 where :math:`|\sum_ib_iu_i|^2` exceeds its median. It
    does not change when the icosahedron is turned, nor when all bits are flipped: opposite vertices cancel. In the
    spirit of the task of Shwartz-Ziv and Tishby (2017), twelve points on a sphere.

    Returns:
        the words, minus one and one for off and on, (4096, 12), row i the binary digits of i; and the labels, (4096,).

    >>> x, y = icosahedron_bits()
    >>> x.shape, int(y.sum())
    ((4096, 12), 2036)
    """
    golden = (1 + math.sqrt(5)) / 2
    corner = np.array([(0.0, a, b * golden) for a, b in itertools.product((1, -1), repeat=2)])
    vertices = np.concatenate([np.roll(corner, turn, axis=1) for turn in range(3)]) / math.hypot(1, golden)
    bits = np.arange(4096)[:, None] >> np.arange(12) & 1
    squares = np.round(np.sum((bits @ vertices) ** 2, axis=1), 9)
    return (2.0 * bits - 1).astype(np.float64), (squares > np.median(squares)).astype(np.int64)


def _told(p: NDArray[np.float64]) -> float:
    apart = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    return max(0.0, float(np.sum(rel_entr(p, apart)))) / math.log(2)


def _distribution(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = _arguments.array_of_numpy(name, value).astype(float)
    if array.size == 0:
        raise ValueError(f"{name} must be probabilities, got {_arguments.got(array)}")
    if np.any(array < 0) or abs(array.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} must be probabilities with the sum 1, got the sum {array.sum():.6g} and {array.min():.4g} as the "
            "least"
        )
    return array


def _rows(hidden: ArrayLike) -> NDArray[Any]:
    values = _arguments.array_of_numpy("hidden", hidden)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"hidden must be (N, d), a row for each input, got {_arguments.got(hidden)}")
    return values


def _table(joint: ArrayLike, *, rows: bool = False, full: bool = False) -> NDArray[np.float64]:
    p = _distribution("joint", joint)
    if p.ndim != 2:
        raise ValueError(f"joint must be a table (n, k), got {_arguments.got(joint)}")
    if (rows or full) and not np.all(p.sum(1) > 0):
        raise ValueError("joint must not have a row of zeros")
    if full and not np.all(p.sum(0) > 0):
        raise ValueError("joint must not have a column of zeros")
    return p
