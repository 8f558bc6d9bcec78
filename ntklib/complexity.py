r"""How simple is a function, and what does a prior that prefers simple functions buy? Counted, enumerated and bounded.

A function on N inputs is a row of N values 0 or 1. Its Kolmogorov complexity is not computable; :func:`lempel_ziv` is
a stand-in that compresses, :func:`small_machines` runs every program of a machine small enough to be exhausted.
"""

import itertools
import math
from collections import Counter
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _arguments, _validation

__all__ = [
    "cover_count",
    "halving_mistakes",
    "lempel_ziv",
    "lz76",
    "occam_bound",
    "sign_functions",
    "small_machines",
]


def lz76(bits: ArrayLike) -> NDArray[np.int64]:
    """The number of phrases into which Lempel and Ziv cut a word (1976), each the shortest that is new.

    A phrase has not occurred before its own last sign; the last phrase may be one that has.

    Args:
        bits: words of zeros and ones, (..., n) with n at least 1.

    Returns:
        integers (...).

    Raises:
        ValueError: if `bits` holds anything but 0 and 1, or words of no length.

    >>> lz76([0, 0, 0, 1, 1, 0, 1, 0]).item()  # 0 . 001 . 10 . 10
    4
    """
    array = _words("bits", bits)
    rows = array.reshape(-1, array.shape[-1])
    return np.array([_phrases(_text(row)) for row in rows], np.int64).reshape(array.shape[:-1])


def lempel_ziv(bits: ArrayLike) -> NDArray[np.float64]:
    r"""The compressed size of a word in bits, a stand-in for its complexity (Dingle, Camargo and Louis 2018).

    :math:`\log_2n` for a constant word, else :math:`\frac12\log_2 n` times the number of phrases of the word and of
    its reverse together.

    Args:
        bits: words of zeros and ones, (..., n) with n at least 1.

    Returns:
        numbers (...).

    Raises:
        ValueError: as :func:`lz76`.

    >>> float(lempel_ziv([0] * 8)), float(lempel_ziv([0, 0, 0, 1, 1, 0, 1, 0]))
    (3.0, 13.5)
    """
    array = _words("bits", bits)
    both = lz76(array) + lz76(array[..., ::-1])
    constant = np.all(array == array[..., :1], axis=-1)
    return np.log2(array.shape[-1]) * np.where(constant, 1.0, both / 2)


def small_machines(states: int, blank: int = 0, *, steps: int = 50) -> tuple[Counter[str], Counter[int]]:
    """What every Turing machine with so many states prints on an empty tape, and after how many steps it halts.

    An instruction writes 0 or 1 and halts, or writes, moves and goes to a state: (4 states + 2)^(2 states) machines.

    Args:
        states: 1 or 2; three states are 7.5 million machines.
        blank: what the tape holds at the start, 0 or 1.
        steps: a machine that has not halted after so many counts as one that never does. Six are enough for two states.

    Returns:
        how many machines print each word, the cells that were visited from left to right; and how many halt
        at each step.

    Raises:
        ValueError: if an argument is not such an integer.

    >>> printed, halted = small_machines(1)
    >>> sorted(printed.items()), dict(halted)
    ([('0', 6), ('1', 6)], {1: 12})
    """
    states, blank = _arguments.count("states", states, 1, 2), _arguments.count("blank", blank, 0, 1)
    steps = _arguments.count("steps", steps, 1)
    stops = [(sign, 0, -1) for sign in (0, 1)]
    goes = list(itertools.product((0, 1), (-1, 1), range(states)))
    printed: Counter[str] = Counter()
    halted: Counter[int] = Counter()
    for machine in itertools.product(stops + goes, repeat=2 * states):
        found = _run(machine, blank, steps)
        if found is not None:
            printed[found[0]] += 1
            halted[found[1]] += 1
    return printed, halted


def sign_functions(key: Any, kernel: ArrayLike, draws: int) -> NDArray[np.bool_]:
    r"""Random functions: where a Gaussian process with this covariance is positive.

    The prior of an infinitely wide network over functions with two values, if the kernel is its NNGP kernel.

    Args:
        key: of JAX's random numbers.
        kernel: on all N inputs, (N, N), symmetric and positive semi-definite.
        draws: how many.

    Returns:
        (draws, N).

    Raises:
        ValueError: if the kernel is not such a matrix or `draws` is no positive integer.

    >>> sign_functions(jax.random.key(0), np.ones((3, 3)), 2).sum(1) % 3  # one random number for all inputs
    array([0, 0])
    """
    _validation.key("key", key)
    k = np.asarray(_validation.square("kernel", kernel, "N"), float)
    draws = _arguments.count("draws", draws, 1)
    _validation.refuse_unless_symmetric(k)
    values, vectors = np.linalg.eigh(k)
    _validation.refuse_unless_positive(k, float(values[0]))
    root = (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    # NumPy's generator is several times faster here, and the key decides where it starts
    seed = np.asarray(jax.random.bits(key, (4,), np.uint32))
    return np.random.default_rng(seed.tolist()).standard_normal((draws, len(k)), np.float32) @ root.T > 0


def halving_mistakes(weights: ArrayLike, functions: ArrayLike, target: ArrayLike, order: ArrayLike) -> int:
    r"""How often the weighted majority of all functions that fit what was seen is wrong about the next input.

    At most :math:`\log_2(W/w)` times, with the sum W of all weights and the weight w of the target: each mistake takes
    at least half of what is left.
    A tie is answered by 0.

    Args:
        weights: of the functions, positive, (F,).
        functions: their values 0 or 1, (F, N).
        target: one of the functions, (N,).
        order: inputs in the order in which they are asked, indices (t,).

    Returns:
        the number of mistakes, from 0 to t.

    Raises:
        ValueError: if a shape does not fit, a weight is not positive, or the target is none of the functions.

    >>> every = np.array(list(itertools.product([0, 1], repeat=3)))
    >>> halving_mistakes(np.ones(8), every, [1, 0, 1], [0, 1, 2])  # nothing is preferred, ties are answered by 0
    2
    """
    values, truth = _words("functions", functions), _words("target", target)
    mass = _arguments.read("weights", weights, np.asarray)
    _validation.refuse_unless_finite("weights", mass)
    if values.ndim != 2 or mass.shape != values.shape[:1] or truth.shape != values.shape[1:]:
        raise ValueError(
            f"functions must be (F, N) for weights (F,) and a target (N,), got functions {values.shape}, "
            f"weights {mass.shape}, target {truth.shape}"
        )
    if not np.all(mass > 0):
        raise ValueError(f"weights must be positive, got {mass.min():.4g} as the least")
    index = _arguments.read("order", order, np.asarray)
    if index.dtype.kind == "f":
        _validation.refuse_unless_finite("order", index)
    if index.ndim != 1 or index.dtype.kind not in "iu" or np.any((index < 0) | (index >= len(truth))):
        raise ValueError(f"order must be indices from 0 to {len(truth) - 1}, got {_arguments.got(order)}")
    if not np.any(np.all(values == truth, axis=1)):
        raise ValueError("target must be one of the functions")
    mistakes = 0
    for i in index:
        ones = values[:, i] == 1
        mistakes += int(bool(mass[ones].sum() > mass[~ones].sum()) != bool(truth[i]))
        left = values[:, i] == truth[i]
        values, mass = values[left], mass[left]
    return mistakes


def occam_bound(evidence: float, m: int, delta: float = 0.05) -> float:
    r"""The risk that m examples allow a random consistent function: :math:`1 - (P(U)\,\delta)^{1/m}` at most.

    With probability at least :math:`1 - \delta` over the examples, for the mean risk of a draw from the prior, given
    that it fits all of them (a bound of this kind: Valle-Pérez, Camargo and Louis 2019).

    Args:
        evidence: the prior probability P(U) of fitting the examples, above 0 and at most 1.
        m: number of examples.
        delta: the probability with which the bound may fail, between 0 and 1.

    Returns:
        a number from 0 to 1.

    Raises:
        ValueError: if an argument is out of its range.

    >>> round(occam_bound(0.25, 20), 3), occam_bound(1.0, 1, 0.5)
    (0.197, 0.5)
    """
    for name, value in (("evidence", evidence), ("delta", delta)):
        if not _arguments.is_number(value) or not 0 < value <= 1:
            raise ValueError(f"{name} must be a number above 0 and at most 1, got {_arguments.got(value)}")
    m = _arguments.count("m", m, 1)
    return -math.expm1((math.log(evidence) + math.log(delta)) / m)


def cover_count(n_points: int, dim: int) -> int:
    r"""How many labellings of points in general position one unit without a bias can give (Cover 1965).

    :math:`2\sum_{k<d}\binom{N-1}{k}` of :math:`2^N`, if each d of the N points in :math:`\mathbb R^d` are linearly
    independent: all of them up to N = d, half of them at N = 2d.

    Args:
        n_points: N, at least 1.
        dim: d, the number of weights, at least 1.

    Returns:
        an integer, exactly.

    Raises:
        ValueError: if an argument is no positive integer.

    >>> cover_count(3, 2), cover_count(20, 10) / 2**20
    (6, 0.5)
    """
    n_points, dim = _arguments.count("n_points", n_points, 1), _arguments.count("dim", dim, 1)
    return 2 * sum(math.comb(n_points - 1, k) for k in range(min(dim, n_points)))


def _words(name: str, bits: ArrayLike) -> NDArray[np.uint8]:
    array = _arguments.read(name, bits, np.asarray)
    if array.dtype.kind == "f":
        _validation.refuse_unless_finite(name, array)
    if array.ndim == 0 or array.shape[-1] == 0 or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must be zeros and ones of shape (..., n), got {_arguments.got(array)}")
    return array.astype(np.uint8)


def _text(row: NDArray[np.uint8]) -> bytes:
    return row.tobytes()


def _phrases(text: bytes) -> int:
    start = count = 0
    while start < len(text):
        length = 1
        while start + length <= len(text) and text[start : start + length] in text[: start + length - 1]:
            length += 1
        count, start = count + 1, start + length
    return count


def _run(machine: tuple[tuple[int, int, int], ...], blank: int, steps: int) -> tuple[str, int] | None:
    """What is printed, and after how many steps; nothing if the machine does not halt in time."""
    tape: dict[int, int] = {}
    place = state = 0
    for step in range(1, steps + 1):
        sign, move, following = machine[2 * state + tape.get(place, blank)]
        tape[place] = sign
        if following < 0:
            return "".join(str(tape[cell]) for cell in range(min(tape), max(tape) + 1)), step
        place, state = place + move, following
    return None
