"""Is a measurement what was expected, and could it have told?"""

import math
from typing import Any, NamedTuple

import numpy as np

from ntklib._arguments import got, is_number
from ntklib.book import _values

__all__ = ["AtLeast", "AtMost", "ClaimError", "Comparison", "Estimate", "Interval", "compare"]


class ClaimError(AssertionError):
    """A measurement is not what was claimed, or could not have told."""


class Estimate(NamedTuple):
    """A measured number with its standard error."""

    value: float
    stderr: float


class Interval(NamedTuple):
    """What is expected lies between two numbers, ends included."""

    low: float
    high: float


class AtMost(NamedTuple):
    """What is expected is this number or less."""

    bound: float


class AtLeast(NamedTuple):
    """What is expected is this number or more."""

    bound: float


class Comparison(NamedTuple):
    """A measurement beside what was expected of it.

    Attributes:
        measured: the value: a text, a number, or an array.
        measured_text: the same, for reading, with the standard error if it has one.
        expected_text: what was expected, for reading; empty if nothing was.
        tolerance: largest difference allowed; `None` if equality was asked for, or nothing.
        tolerance_text: the same, for reading.
        deviation: the difference as a fraction of the tolerance; `None` where there is no such fraction.
        agrees: whether the measurement is what was expected.
        rejects: the wrong answers that the tolerance excludes, for reading.
    """

    measured: Any
    measured_text: str
    expected_text: str
    tolerance: float | None
    tolerance_text: str
    deviation: float | None
    agrees: bool
    rejects: list[str]


def compare(
    name: str,
    measured: Any,
    expected: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    rejects: Any = None,
) -> Comparison:
    """Hold a measurement to what was expected; the arguments are those of :func:`ntklib.book.claim`.

    Raises:
        ClaimError: if the comparison could not have told: the measurement is not finite or has a standard error above
            the tolerance, or the tolerance admits one of `rejects`.
        ValueError: if the arguments do not make a comparison.

    >>> compare("sum", 2 + 2, 4, rejects=5).agrees, compare("sum", 2 + 2, 5).agrees
    (True, False)
    """
    value, stderr = _measurement(name, measured)
    test = _Test.of(name, expected, atol, rtol, value)
    shown = _values.text(value, stderr or test.step(value))
    shown += "" if stderr is None else f" ± {_values.text(float(f'{stderr:.1g}'))}"
    if expected is None and rejects is not None:
        raise ValueError(f"claim {name!r} expects nothing (None), so it can neither reject an answer nor disagree")
    wrong_answers = [_values.plain(name, wrong, "rejects") for wrong in _values.several(rejects)]
    for wrong in wrong_answers:
        if isinstance(wrong, str) != isinstance(value, str):
            raise ValueError(f"rejects of claim {name!r} must be like what is measured, {shown}, got {wrong!r}")
        if test.passes(wrong):
            raise ClaimError(
                f"{name}: expected {test.text} {test.tolerance_text}: the tolerance is so wide that the wrong answer "
                f"{_values.text(wrong)} would pass"
            )
    if test.tolerance is not None and stderr is not None and stderr > test.tolerance:
        limit = test.tolerance_text or f"{_values.text(test.tolerance)}, which {test.text} allows"
        raise ClaimError(f"{name}: measured {shown}, with a standard error above {limit}: it cannot tell")
    return Comparison(
        measured=value,
        measured_text=shown,
        expected_text=test.text,
        tolerance=test.tolerance,
        tolerance_text=test.tolerance_text,
        deviation=test.deviation(value),
        agrees=test.passes(value),
        rejects=[_values.text(wrong, test.step(wrong)) for wrong in wrong_answers],
    )


class _Test(NamedTuple):
    """What is asked of a measurement."""

    expected: Any
    margin: Any  # the largest difference allowed, with the shape of `expected`; None: equality
    text: str
    tolerance: float | None
    tolerance_text: str

    @classmethod
    def of(cls, name: str, expected: Any, atol: float | None, rtol: float | None, value: Any) -> "_Test":
        for label, size in (("atol", atol), ("rtol", rtol)):
            if size is not None and not (is_number(size) and math.isfinite(size) and size > 0):
                raise ValueError(f"{label} of claim {name!r} must be positive and finite, got {got(size)}")
        tolerant = atol is not None or rtol is not None
        if expected is None or isinstance(expected, (Interval, AtMost, AtLeast)):
            if tolerant:
                raise ValueError(f"claim {name!r} compares with {expected}, which takes neither atol nor rtol")
            return cls._of_region(name, expected)
        expected = _values.plain(name, expected, "expected")
        if not np.all(_values.finite(expected)):
            raise ValueError(f"expected of claim {name!r} must be finite, got {_values.text(expected)}")
        if isinstance(expected, np.ndarray) and np.shape(value) != expected.shape:
            raise ValueError(f"claim {name!r} measured shape {np.shape(value)} and expects shape {expected.shape}")
        if not tolerant:
            if _values.inexact(expected) or _values.inexact(value):
                raise ValueError(f"claim {name!r} compares floating-point numbers: give atol or rtol, and rejects")
            return cls(expected, None, _values.text(expected), None, "exactly")
        if isinstance(expected, str) or isinstance(value, str):
            raise ValueError(
                f"claim {name!r} compares a text, which takes neither atol nor rtol: measured {_values.text(value)}, "
                f"expected {_values.text(expected)}"
            )
        margin = (atol or 0.0) + (rtol or 0.0) * abs(expected)
        if not np.all(margin > 0):
            raise ValueError(f"claim {name!r} expects 0, to which rtol allows no difference: give atol")
        parts = [_values.text(float(atol))] if atol is not None else []
        parts += [f"{100 * rtol:g} %"] if rtol is not None else []
        tolerance = float(np.min(margin))
        shown = _values.text(
            expected, tolerance / 5 if isinstance(expected, np.ndarray) and expected.size > 6 else None
        )
        return cls(expected, margin, shown, tolerance, "± " + " ± ".join(parts))

    @classmethod
    def _of_region(cls, name: str, region: Any) -> "_Test":
        if region is None:
            return cls(None, None, "", None, "")
        if not all(math.isfinite(end) for end in region):
            raise ValueError(f"claim {name!r} expects {region}, which is not finite")
        if isinstance(region, Interval):
            if not region.low < region.high:
                raise ValueError(f"claim {name!r} expects {region}, which is empty or a point")
            text = f"{_values.text(region.low)} to {_values.text(region.high)}"
            return cls(region, None, text, float(region.high - region.low) / 2, "")
        words = "at most" if isinstance(region, AtMost) else "at least"
        return cls(region, None, f"{words} {_values.text(region.bound)}", abs(float(region.bound)) or None, "")

    def step(self, value: Any) -> float | None:
        """A fifth of the allowed difference, a fiftieth of a bound: digits of the value below it say nothing."""
        if self.tolerance is None or isinstance(value, str):
            return None
        if isinstance(self.expected, AtMost | AtLeast):
            step = self.tolerance / 50
            return step if np.min(np.abs(np.asarray(value, float))) >= step else None  # how small it is says something
        return self.tolerance / 5

    def passes(self, value: Any) -> bool:
        match self.expected:
            case None:
                return True
            case Interval(low, high):
                return bool(np.all((low <= value) & (value <= high)))
            case AtMost(bound):
                return bool(np.all(value <= bound))
            case AtLeast(bound):
                return bool(np.all(value >= bound))
        if self.margin is None:
            return bool(np.all(value == self.expected))
        return bool(np.all(abs(value - self.expected) <= self.margin))

    def deviation(self, value: Any) -> float | None:
        """The largest difference over the tolerance; above 1 is out of it."""
        match self.expected:
            case None:
                return None
            case Interval(low, high):
                return float(np.max(abs(value - (low + high) / 2))) / ((high - low) / 2)
            case AtMost(bound):
                return float(np.max(value) / bound) if bound > 0 and np.min(value) >= 0 else None
            case AtLeast(bound):
                return float(bound / np.min(value)) if bound > 0 else None
        return 0.0 if self.margin is None else float(np.max(abs(value - self.expected) / self.margin))


def _measurement(name: str, measured: Any) -> tuple[Any, float | None]:
    """The plain value, and the standard error if there is one."""
    stderr = None
    if hasattr(measured, "slope") and hasattr(measured, "stderr"):
        measured = Estimate(measured.slope, measured.stderr)
    if isinstance(measured, Estimate):
        stderr = float(measured.stderr)
        if not (math.isfinite(stderr) and stderr >= 0):
            raise ClaimError(f"{name}: the standard error is {stderr}")
        measured = measured.value
    value = _values.plain(name, measured)
    if not np.all(_values.finite(value)):
        raise ClaimError(f"{name}: measured {_values.text(value)}, which is not finite")
    return value, stderr
