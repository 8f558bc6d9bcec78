r"""How does the book make sure that it states no number that it did not measure?

A *claim* is a quantitative statement that is measured where the text makes it. :func:`claim` holds the measurement to a
tolerance, against what a paper or a theorem says or against what was measured before, and shows a small box with the
outcome; if it is out of tolerance it raises, and the chapter does not build.
"""

import html
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any, NamedTuple

import numpy as np

__all__ = ["AtLeast", "AtMost", "Claim", "ClaimError", "Estimate", "Interval", "claim", "note", "scientific"]


_KEPT = "application/papermill.record/"  # before the kind of what a page keeps and does not show


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


@dataclass(frozen=True)
class Claim:
    """The outcome of a claim: what :func:`claim` returns, and what the ledger of the book collects.

    Attributes:
        name: of the claim, unique in the book.
        statement: what is claimed.
        kind: ``"literature"``, ``"theorem"``, ``"ours"`` or ``"measured"``.
        source: where the expected value comes from.
        measured: the value, a number or nested lists of numbers.
        measured_text: the same, for reading, with the standard error if it has one.
        expected_text: what was expected, for reading; empty if nothing was.
        tolerance: largest difference allowed, a number; ``None`` if equality was asked for, or nothing.
        tolerance_text: the same, for reading.
        deviation: the difference as a fraction of the tolerance; ``None`` where there is no such fraction.
        agrees: whether the measurement is what the source says.
        rejects: the wrong answers that the tolerance excludes, for reading.
        theorem: labels of the theorems that it illustrates.
        function: names of the library functions that it exercises.
    """

    name: str
    statement: str
    kind: str
    source: str
    measured: Any
    measured_text: str
    expected_text: str
    tolerance: float | None
    tolerance_text: str
    deviation: float | None
    agrees: bool
    rejects: list[str] = field(default_factory=list)
    theorem: list[str] = field(default_factory=list)
    function: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """In two words or three: ``"agrees"``, ``"disagrees with the source"`` or ``"measured only"``."""
        if self.kind == "measured":
            return "measured only"
        return "agrees" if self.agrees else "disagrees with the source"

    @property
    def comparison(self) -> str:
        """Measured and expected in one line."""
        if self.kind == "measured":
            return f"measured {self.measured_text}"
        within = f" {self.tolerance_text}" if self.tolerance_text else ""
        return f"measured {self.measured_text}, expected {self.expected_text}{within}"

    def to_dict(self) -> dict[str, Any]:
        """What goes into the machine-readable ledger."""
        return {**asdict(self), "comparison": self.comparison, "verdict": self.verdict}

    def __str__(self) -> str:
        mark = {"agrees": "✓", "measured only": "·"}.get(self.verdict, "≠")
        return f"{mark} {self.statement}\n  {self.comparison}  ({self.source})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        data = html.escape(json.dumps(self.to_dict()), quote=True)
        box = (
            f'<div class="ntk-claim" data-claim="{data}"><strong>{html.escape(self.verdict)}</strong>: '
            f"{html.escape(self.statement)}<br><small>{html.escape(self.comparison)} "
            f"({html.escape(self.source)})</small></div>"
        )
        return {"text/plain": str(self), "text/html": box}

    def _ipython_display_(self) -> None:
        """Nothing: :func:`claim` has shown it already, wherever in the cell it stands."""


def claim(
    name: str,
    measured: Any,
    expected: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    source: str,
    statement: str,
    rejects: Any = None,
    theorem: str | Iterable[str] = (),
    function: Callable | str | Iterable[Callable | str] = (),
    agrees: bool = True,
) -> Claim:
    r"""Hold a measurement to what is said of it, and show the outcome.

    Args:
        name: of the claim, unique in the book: lower-case letters, digits and hyphens.
        measured: a number, a `Fraction`, a text, an array, an :class:`Estimate`, or the result of
            ``scipy.stats.linregress``, of which the slope and its standard error are taken.
        expected: the same kinds but the last two, or an :class:`Interval`, :class:`AtMost`, :class:`AtLeast`, or
            `None`: the measurement is recorded and not judged.
        atol: largest difference allowed.
        rtol: the same, in units of the expected value. With both, the sum is allowed; with neither, equality is
            asked for, which floating-point numbers are refused.
        source: where the expected value comes from. It begins with a key of the bibliography (``"jacot2018, Theorem
            1"``), or with ``"ours"`` for what this book measured before; anything else names a theorem or identity that
            the text proves.
        statement: what is claimed, in a sentence.
        rejects: one or more wrong answers that the tolerance has to exclude.
        theorem: the label or labels of the theorems that it illustrates.
        function: the function or functions of the library that it exercises.
        agrees: `False` to state that the measurement is *not* what the source says.

    Returns:
        the outcome. It has been shown already: below the cell in a notebook, as two lines of text elsewhere.

    Raises:
        ClaimError: if the measurement is out of tolerance (within it, for ``agrees=False``), not finite, or has a
            standard error above the tolerance; and if the tolerance admits one of `rejects`.
        ValueError: if the arguments do not make a claim.

    >>> outcome = claim(
    ...     "sum", 0.1 + 0.2, 0.3, atol=1e-15, rejects=0.30000001, source="arithmetic", statement="It adds up."
    ... )
    ✓ It adds up.
      measured 0.3, expected 0.3 ± 1e-15  (arithmetic)
    >>> outcome.verdict, round(outcome.deviation, 3)
    ('agrees', 0.056)
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name must be lower-case words with hyphens between them, got {name!r}")
    if not statement.strip() or not source.strip():
        raise ValueError(f"claim {name!r} needs a statement and a source")
    value, stderr = _measurement(name, measured)
    test = _Test.of(name, expected, atol, rtol, value)
    if expected is None and (rejects is not None or not agrees):
        raise ValueError(f"claim {name!r} expects nothing (None), so it can neither reject an answer nor disagree")
    wrong_answers = _several(rejects)
    for wrong in wrong_answers:
        if test.passes(_plain(wrong)):
            raise ClaimError(
                f"{name}: expected {test.text} {test.tolerance_text}: the tolerance is so wide that the wrong answer "
                f"{_text(_plain(wrong))} would pass"
            )
    passed = test.passes(value)
    shown = _text(value) if stderr is None else f"{_text(value)} ± {_text(float(f'{stderr:.1g}'))}"
    if test.tolerance is not None and stderr is not None and stderr > test.tolerance:
        limit = test.tolerance_text or f"{_text(test.tolerance)}, which {test.text} allows"
        raise ClaimError(f"{name}: measured {shown}, with a standard error above {limit}: it cannot tell")
    if passed != agrees:
        relation = "is not" if agrees else "is, although the text says that it is not,"
        raise ClaimError(
            f"{name}: {statement}\n  measured {shown} {relation} {test.text} {test.tolerance_text}\n  source: {source}"
        )
    outcome = Claim(
        name=name,
        statement=statement,
        kind=_kind(expected, source),
        source=source,
        measured=_for_json(value),
        measured_text=shown,
        expected_text=test.text,
        tolerance=test.tolerance,
        tolerance_text=test.tolerance_text,
        deviation=test.deviation(value),
        agrees=agrees,
        rejects=[_text(_plain(wrong)) for wrong in wrong_answers],
        theorem=_several(theorem),
        function=[_function_name(f) for f in _several(function)],
    )
    _show(outcome)
    return outcome


def note(name: str, value: float | str) -> None:
    """Make a number or a text available to the prose of a chapter: ``{glue:text}`name:.2f```.

    Args:
        name: of the number, unique in the chapter.
        value: a number, or a scalar array, or a text.
    """
    from IPython.core.formatters import format_display_data
    from IPython.display import display

    # the form in which `myst_nb.glue` keeps a value; that imports Sphinx first, which takes two seconds in each chapter
    data, metadata = format_display_data(value if isinstance(value, (int, str)) else float(value))
    kept = {"scrapbook": {"name": name, "mime_prefix": _KEPT}}
    display({_KEPT + kind: shown for kind, shown in data.items()}, raw=True, metadata=metadata | kept)


def scientific(value: float) -> str:
    """A number as a power of ten with one digit: for errors, of which one is enough; NaN and infinity as they are.

    >>> scientific(2.5e-8), scientific(0.0)
    ('2 · 10⁻⁸', '0')
    """
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f}"
    digit, exponent = f"{float(value):.0e}".split("e")
    return f"{digit} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


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
            if size is not None and not (math.isfinite(size) and size > 0):
                raise ValueError(f"{label} of claim {name!r} must be positive and finite, got {size!r}")
        tolerant = atol is not None or rtol is not None
        if expected is None or isinstance(expected, (Interval, AtMost, AtLeast)):
            if tolerant:
                raise ValueError(f"claim {name!r} compares with {expected}, which takes neither atol nor rtol")
            return cls._of_region(name, expected)
        expected = _plain(expected)
        if not np.all(_finite(expected)):
            raise ValueError(f"claim {name!r} expects {expected}, which is not finite")
        if isinstance(expected, np.ndarray) and np.shape(value) != expected.shape:
            raise ValueError(f"claim {name!r} measured shape {np.shape(value)} and expects shape {expected.shape}")
        if not tolerant:
            if _inexact(expected) or _inexact(value):
                raise ValueError(f"claim {name!r} compares floating-point numbers: give atol or rtol, and rejects")
            return cls(expected, None, _text(expected), None, "exactly")
        if isinstance(expected, str) or isinstance(value, str):
            raise ValueError(f"claim {name!r} compares a text, which takes neither atol nor rtol")
        margin = (atol or 0.0) + (rtol or 0.0) * abs(expected)
        if not np.all(margin > 0):
            raise ValueError(f"claim {name!r} expects 0, to which rtol allows no difference: give atol")
        parts = [f"{atol:g}"] if atol is not None else []
        parts += [f"{100 * rtol:g} %"] if rtol is not None else []
        return cls(expected, margin, _text(expected), float(np.min(margin)), "± " + " ± ".join(parts))

    @classmethod
    def _of_region(cls, name: str, region: Any) -> "_Test":
        if region is None:
            return cls(None, None, "", None, "")
        if not all(math.isfinite(end) for end in region):
            raise ValueError(f"claim {name!r} expects {region}, which is not finite")
        if isinstance(region, Interval):
            if not region.low < region.high:
                raise ValueError(f"claim {name!r} expects {region}, which is empty or a point")
            text = f"{_text(region.low)} to {_text(region.high)}"
            return cls(region, None, text, float(region.high - region.low) / 2, "")
        words = "at most" if isinstance(region, AtMost) else "at least"
        return cls(region, None, f"{words} {_text(region.bound)}", abs(float(region.bound)) or None, "")

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
    value = _plain(measured)
    if not np.all(_finite(value)):
        raise ClaimError(f"{name}: measured {_text(value)}, which is not finite")
    return value, stderr


def _plain(value: Any) -> Any:
    """A text, an `int`, a `Fraction`, a `float`, or a NumPy array of numbers of at least one dimension."""
    if isinstance(value, (str, bool, int, float, Fraction)):
        return value
    if isinstance(value, (Integral, Rational)):
        return int(value) if isinstance(value, Integral) else Fraction(value)
    if isinstance(value, (list, tuple)) and any(isinstance(v, Fraction) for v in value):
        return np.array(value, dtype=object)
    array = np.asarray(value)
    if array.dtype.kind not in "biufO" or array.size == 0:
        raise ValueError(f"a claim compares numbers, got {type(value).__name__}: {value!r}")
    if array.dtype == object and not all(isinstance(v, (Rational, float)) for v in array.ravel()):
        raise ValueError(f"a claim compares numbers, got an array of objects: {value!r}")
    return array.item() if array.ndim == 0 else array


def _finite(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.isfinite(value)
    return all(isinstance(v, (str, Rational)) or math.isfinite(v) for v in np.ravel(np.asarray(value, object)))


def _inexact(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" or (value.dtype == object and any(isinstance(v, float) for v in value.ravel()))
    return isinstance(value, float)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size > 6:
            return f"{value.size} numbers from {_text(value.min())} to {_text(value.max())}"
        return "(" + ", ".join(_text(v) for v in value.ravel()) + ")"
    return f"{float(value):.4g}" if isinstance(value, (float, np.floating)) else str(value)


def _for_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_for_json(v) for v in value.tolist()]
    return str(value) if isinstance(value, Fraction) else value


def _several(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def _kind(expected: Any, source: str) -> str:
    if expected is None:
        return "measured"
    if re.match(r"[a-z]+\d{4}[a-z]*(?![a-z0-9])", source):
        return "literature"
    return "ours" if re.match(r"ours\b", source, re.IGNORECASE) else "theorem"


def _function_name(function: Callable | str) -> str:
    if not isinstance(function, str):
        function = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    if not function.startswith("ntklib."):
        raise ValueError(f"function must be one of ntklib, got {function}")
    return function


def _show(outcome: Claim) -> None:
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.publish_display_data(outcome._repr_mimebundle_())
    else:
        print(outcome)
