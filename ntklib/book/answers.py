"""What does a reader's function return, and is it what the exercise asks for? Else a sentence that says what it is."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import numpy as np

__all__ = ["answered", "number", "number_or_infinity", "numbers", "whole"]

_NUMBERS = (int, float, Fraction, np.number, np.ndarray, jax.Array)


def answered(answer: Callable[..., Any], *arguments: Any) -> Any:
    """What a reader's function returns for these arguments.

    Args:
        answer: what the reader hands over, which should be a function.
        arguments: what it is called with.

    Raises:
        AssertionError: if `answer` cannot be called, or stops with a `TypeError` for these arguments; the sentence says
            which.

    >>> answered(lambda n: 2 * n, 3)
    6
    >>> answered(6, 3)
    Traceback (most recent call last):
    AssertionError: hand over the function itself, without calling it, not int
    """
    if not callable(answer):
        raise AssertionError(f"hand over the function itself, without calling it, not {type(answer).__name__}")
    try:
        return answer(*arguments)
    except TypeError as error:
        raise AssertionError(f"it does not work with these {len(arguments)} arguments: {error}") from None


def number(got: Any, what: str) -> float:
    """The number that an exercise asks for.

    Args:
        got: an integer, a float, a fraction, or an array of shape `()` of integers or floats.
        what: the subject of the sentence that refuses anything else, such as "the risk".

    Raises:
        AssertionError: if `got` is something else (a truth value, a text, an array with a dimension), or is not finite.

    >>> number(np.float32(0.5), "the risk")
    0.5
    >>> number([0.5], "the risk")
    Traceback (most recent call last):
    AssertionError: the risk should be a number, not [0.5]
    >>> number(float("nan"), "the risk")
    Traceback (most recent call last):
    AssertionError: the risk should be a finite number, not nan
    """
    value = _real_number(got, what)
    if not np.isfinite(value):
        raise AssertionError(f"{what} should be a finite number, not {got!r}")
    return value


def number_or_infinity(got: Any, what: str) -> float:
    """The same, where infinity is an answer, too: only NaN is refused.

    >>> number_or_infinity(np.inf, "the risk")
    inf
    """
    value = _real_number(got, what)
    if np.isnan(value):
        raise AssertionError(f"{what} should be a number, not {got!r}")
    return value


def whole(got: Any, what: str) -> int:
    """The whole number that an exercise asks for; 3.0 is none, for it was not rounded by intent.

    Args:
        got: a Python or NumPy integer.
        what: the subject of the sentence that refuses anything else, such as "the width".

    Raises:
        AssertionError: if `got` is something else.

    >>> whole(np.int64(3), "the width")
    3
    >>> whole(3.0, "the width")
    Traceback (most recent call last):
    AssertionError: the width should be a whole number (int), not 3.0
    """
    if not isinstance(got, (int, np.integer)) or isinstance(got, bool):
        raise AssertionError(f"{what} should be a whole number (int), not {got!r:.60}")
    return int(got)


def numbers(got: Any, what: str, shape: tuple[int, ...]) -> np.ndarray:
    """The finite numbers of one shape that an exercise asks for, as an array of float64.

    Args:
        got: an array, or lists that NumPy makes one of.
        what: the subject of the sentence that refuses anything else, such as "the posterior mean".
        shape: that is wanted.

    Raises:
        AssertionError: if `got` holds no numbers, has another shape or an entry that is not finite.

    >>> numbers([1, 2], "the mean", (2,))
    array([1., 2.])
    >>> numbers([[1.0], [2.0]], "the mean", (2,))
    Traceback (most recent call last):
    AssertionError: the mean should have shape (2,), not (2, 1)
    """
    refusal = AssertionError(f"{what} should be made of numbers, not {type(got).__name__}")
    try:
        values = np.asarray(got)
        if values.dtype.kind not in "iufO":
            raise refusal
        values = values.astype(float)
    except (TypeError, ValueError):
        raise refusal from None
    if values.shape != shape:  # also None, which has the shape ()
        raise AssertionError(f"{what} should have shape {shape}, not {values.shape}")
    if not np.isfinite(values).all():
        raise AssertionError(f"{what} should be finite everywhere")
    return values


def _real_number(got: Any, what: str) -> float:
    single = isinstance(got, _NUMBERS) and not isinstance(got, bool) and getattr(got, "ndim", 0) == 0
    if not single or not (isinstance(got, Fraction) or np.asarray(got).dtype.kind in "iuf"):
        raise AssertionError(f"{what} should be a number, not {got!r:.60}")
    return float(got)
