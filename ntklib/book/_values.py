"""Which values can a claim compare, and how are they written?"""

import math
import re
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import numpy as np

from ntklib._arguments import got, is_number, read

__all__ = [
    "filled",
    "finite",
    "for_json",
    "inexact",
    "plain",
    "scientific",
    "several",
    "text",
    "without_negative_zeros",
    "written",
]

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# the sign of a number that is written as nothing but zeros: alone, and within a text
_ZERO = re.compile(r"[-+−](?=0(?:\.0*)?(?:e[-+]0+)?(?: ?%)?$)")
_NEGATIVE_ZERO = re.compile(r"(?<![\w.,)\]⁰¹²³⁴⁵⁶⁷⁸⁹])[-−](?=0(?:\.0+)?(?![\d.,]*\d))")
_PLACE = re.compile(r"\{(measured|expected)(?:\[(\d+|min|max)\])?(?::([^{}]+))?\}")  # of a number in a statement


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


def text(value: Any, step: float | None = None) -> str:
    """A plain value for reading, with four digits at most.

    Args:
        value: what to write.
        step: differences below it do not matter: a fifth of the tolerance, or a standard error. Digits below it are
            not written.

    >>> text(2 / 3), text(2 / 3, step=0.01), text(-1e-17, step=1e-3), text(2.5e-8), text(True)
    ('0.6667', '0.67', '0', '2.5 · 10⁻⁸', 'true')
    >>> text(np.arange(3)), text(np.linspace(0, 1, 11)), text(np.ones(8, int))
    ('(0, 1, 2)', '11 numbers from 0 to 1', '8 numbers, all 1')
    """
    if isinstance(value, np.ndarray):
        if value.size <= 6:
            return "(" + ", ".join(text(v, step) for v in value.ravel()) + ")"
        ends = text(value.min(), step), text(value.max(), step)
        return (
            f"{value.size} numbers, all {ends[0]}"
            if ends[0] == ends[1]
            else f"{value.size} numbers from {' to '.join(ends)}"
        )
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, str):
        return value
    return (_decimal(float(value), step) if isinstance(value, (float, np.floating)) else str(value)).replace("-", "−")


def _decimal(value: float, step: float | None) -> str:
    """A floating-point number with what matters of its four first digits; a power of ten if it is small or large."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = 3 - math.floor(math.log10(abs(value)))  # decimals of the fourth digit
    if step is not None and step > 0:
        decimals = min(digits, -math.floor(math.log10(step) + 1e-9))
        if round(value, decimals) == 0:
            return "0"
        if 0 <= decimals < digits and abs(value) >= 1e-4:
            return f"{value:.{decimals}f}"
    if 1e-4 <= abs(value) < 1e6:
        shown = f"{round(value, digits):.{max(digits, 0)}f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    return _power_of_ten(value, 1)


def _power_of_ten(value: float, decimals: int) -> str:
    digits, exponent = f"{value:.{decimals}e}".split("e")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return power if decimals and digits == "1" else f"{digits} · {power}"


def scientific(value: float) -> str:
    """A number as a power of ten with one digit: for errors, of which one is enough; NaN and infinity as they are.

    >>> scientific(2.5e-8), scientific(0.0)
    ('2 · 10⁻⁸', '0')
    """
    if not is_number(value):
        raise ValueError(f"value must be a number, got {got(value)}")
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f}"
    return _power_of_ten(float(value), 0)


def written(value: Any, form: str) -> str:
    """A number as a format of Python's writes it, or as ``scientific``; a fraction may be given as a text.

    What is written as zero has no sign.

    >>> written("1/8", ".1%"), written(-0.5, ".2f"), written(2.5e-8, "scientific"), written(12345, ",")
    ('12.5 %', '−0.50', '2 · 10⁻⁸', '12,345')
    >>> written(-3e-4, "+.1%"), written(3e-4, "+.1%"), written(-6e-4, "+.1%")
    ('0.0 %', '0.0 %', '−0.1 %')
    """
    number = float(Fraction(value)) if isinstance(value, (str, Fraction)) else value
    if form == "scientific":
        return scientific(number)
    return _ZERO.sub("", format(number, form)).replace("-", "−").replace("%", " %")


def without_negative_zeros(words: str) -> str:
    """A text in which a number that was rounded to zero has no minus.

    >>> without_negative_zeros("moved by -0.00, not by −0.01: (-0, 1), −0.0 %"), without_negative_zeros("x-0 to 1−0")
    ('moved by 0.00, not by −0.01: (0, 1), 0.0 %', 'x-0 to 1−0')
    """
    return _NEGATIVE_ZERO.sub("", words)


def filled(statement: str, value: Any, shown: str, expected: Any = None) -> str:
    """A statement with the numbers in its places: ``{measured}``, ``{measured[0]:.2f}``, ``{expected:.2f}``.

    Args:
        statement: with any number of places. ``[min]`` and ``[max]`` are the ends of several numbers.
        value: what was measured, a plain value.
        shown: the same for reading, where a place names no format.
        expected: what was expected, a plain value; `None` if that is no value.

    >>> filled("The slope is {measured:.2f}.", -0.4951, "−0.495"), filled("No more than {measured}.", 3, "3")
    ('The slope is −0.50.', 'No more than 3.')
    >>> filled("It is {measured:.2f}; the theorem says {expected:.2f}.", 1.3, "1.3", 1.351)
    'It is 1.30; the theorem says 1.35.'
    >>> filled("It moves by {measured:.1f}.", -0.01, "")
    'It moves by 0.0.'
    >>> filled("From {measured[min]:.0%} to {measured[1]}.", np.array([0.25, 0.5]), "")
    'From 25 % to 0.5.'
    """

    def number(match: re.Match) -> str:
        source, which, form = match.groups()
        one = value if source == "measured" else expected
        if one is None:
            raise ValueError(f"statement asks for what was expected, which is no value: {statement!r}")
        if which is not None:
            several_of_them = np.ravel(np.asarray(one))
            places = {"min": int(np.argmin(several_of_them)), "max": int(np.argmax(several_of_them))}
            place = places[which] if which in places else int(which)
            if place >= several_of_them.size:
                raise ValueError(f"statement asks for number {place} of {several_of_them.size}: {statement!r}")
            one = several_of_them[place]
        if form is None:
            return shown if which is None and source == "measured" else text(one)
        try:
            return written(one, form)
        except (TypeError, ValueError) as error:
            raise ValueError(f"statement cannot write {text(one)} as {form!r}: {statement!r}") from error

    return _PLACE.sub(number, statement)


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
