"""Which values can a claim compare, and how are they written?"""

import math
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import numpy as np

from ntklib._arguments import got, read

__all__ = ["finite", "for_json", "inexact", "plain", "several", "text"]


def plain(name: str, value: Any, what: str = "measured") -> Any:
    """A text, an `int`, a `Fraction`, a `float`, or a NumPy array of numbers of at least one dimension.

    Args:
        name: of the claim that compares the value.
        value: whatever was given.
        what: which argument of the claim that is.

    Raises:
        ValueError: if it is none of these, with the name.

    >>> plain("half", np.float32(0.5)), plain("half", [1, 2])
    (0.5, array([1, 2]))
    """
    if isinstance(value, (str, bool, int, float, Fraction)):
        return value
    if isinstance(value, (Integral, Rational)):
        return int(value) if isinstance(value, Integral) else Fraction(value)
    if isinstance(value, (list, tuple)) and any(isinstance(v, Fraction) for v in value):
        return np.array(value, dtype=object)
    array = read(f"{what} of claim {name!r}", value, np.asarray) if not hasattr(value, "dtype") else np.asarray(value)
    if array.dtype.kind not in "biufO" or array.size == 0:
        raise ValueError(f"{what} of claim {name!r} must be numbers or a text, got {got(value)}")
    if array.dtype == object and not all(isinstance(v, (Rational, float)) for v in array.ravel()):
        raise ValueError(f"{what} of claim {name!r} must be numbers or a text, got objects: {value!r}")
    return array.item() if array.ndim == 0 else array


def finite(value: Any) -> Any:
    """Whether a plain value is finite; of each entry, for an array of floating-point numbers."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.isfinite(value)
    return all(isinstance(v, (str, Rational)) or math.isfinite(v) for v in np.ravel(np.asarray(value, object)))


def inexact(value: Any) -> bool:
    """Whether there is a floating-point number in a plain value."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" or (value.dtype == object and any(isinstance(v, float) for v in value.ravel()))
    return isinstance(value, float)


def text(value: Any) -> str:
    """A plain value for reading.

    >>> text(2 / 3), text(np.arange(3)), text(np.linspace(0, 1, 11))
    ('0.6667', '(0, 1, 2)', '11 numbers from 0 to 1')
    """
    if isinstance(value, np.ndarray):
        if value.size > 6:
            return f"{value.size} numbers from {text(value.min())} to {text(value.max())}"
        return "(" + ", ".join(text(v) for v in value.ravel()) + ")"
    return f"{float(value):.4g}" if isinstance(value, (float, np.floating)) else str(value)


def for_json(value: Any) -> Any:
    """A plain value as JSON can hold it: fractions as texts, arrays as nested lists."""
    if isinstance(value, np.ndarray):
        return [for_json(v) for v in value.tolist()]
    return str(value) if isinstance(value, Fraction) else value


def several(value: Any) -> list:
    """What may be given alone, or several of it, or none, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]
