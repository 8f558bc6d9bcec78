r"""How does the book make sure that it states no number that it did not measure?

A *claim* is a quantitative statement that is measured where the text makes it. :func:`claim` holds the measurement to a
tolerance, against what a paper or a theorem says or against what was measured before, and shows a small box with the
outcome; if it is out of tolerance it raises, and the chapter does not build. What several claims have in common is said
once, with :func:`in_common`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from ntklib import _arguments
from ntklib.book import _values
from ntklib.book._comparison import AtLeast, AtMost, ClaimError, Estimate, Interval, compare
from ntklib.book._display import note, progress, show
from ntklib.book._outcome import Outcome, function_name, kind
from ntklib.book._values import scientific

__all__ = [
    "AtLeast",
    "AtMost",
    "ClaimError",
    "Estimate",
    "Interval",
    "Outcome",
    "claim",
    "in_common",
    "note",
    "progress",
    "scientific",
]

Functions = Callable | str | Iterable[Callable | str]
_NOTHING = MappingProxyType({"source": "", "theorem": (), "function": ()})
_COMMON: ContextVar[Mapping[str, Any]] = ContextVar("common", default=_NOTHING)  # what the claims of a block share


def claim(
    name: str,
    measured: Any,
    expected: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    source: str | None = None,
    statement: str,
    rejects: Any = None,
    theorem: str | Iterable[str] | None = None,
    function: Functions | None = None,
    agrees: bool = True,
) -> Outcome:
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
            the text proves. It may be left out where :func:`in_common` names it, as may `theorem` and `function`.
        statement: what is claimed, in a sentence with a subject and a verb. ``{measured}`` in it is what was
            measured, ``{measured:.2f}`` the same in a format, ``{measured[0]:.2f}`` the first of several numbers,
            ``[min]`` and ``[max]`` their ends, ``{expected:.2f}`` what was expected. So no number has to be typed
            that the cell knows.
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
      measured 0.3, expected 0.3 ± 10⁻¹⁵  (arithmetic)
    >>> outcome.verdict, round(outcome.deviation, 3)
    ('agrees', 0.056)
    """
    common = _COMMON.get()
    outcome = judged(
        name,
        measured,
        expected,
        statement,
        agrees=agrees,
        source=common["source"] if source is None else source,
        theorem=common["theorem"] if theorem is None else theorem,
        function=common["function"] if function is None else function,
        atol=atol,
        rtol=rtol,
        rejects=rejects,
    )
    show(outcome)
    return outcome


@contextmanager
def in_common(
    *, source: str | None = None, theorem: str | Iterable[str] | None = None, function: Functions | None = None
) -> Iterator[None]:
    """Say once what claims have in common: those made inside the ``with`` block, unless they say something else.

    Args:
        source: of every claim that names none.
        theorem: of every claim that names none; ``theorem=()`` in a claim is none.
        function: of every claim that names none; ``function=()`` in a claim is none.

    Raises:
        ValueError: if there is nothing in common.

    >>> with in_common(source="arithmetic"):
    ...     four = claim("four", 2 + 2, 4, statement="Two and two are four.")
    ...     five = claim("five", 2 + 3, 5, source="ours", statement="Two and three are five.")
    ✓ Two and two are four.
      measured 4, expected 4 exactly  (arithmetic)
    ✓ Two and three are five.
      measured 5, expected 5 exactly  (ours)
    """
    given = {"source": source, "theorem": theorem, "function": function}
    given = {key: value for key, value in given.items() if value is not None}
    if source is not None:
        _arguments.text("source", source)
    for label in _values.several(theorem):
        _arguments.text("theorem", label)
    for each in _values.several(function):
        function_name("function", each)
    if not given:
        raise ValueError("in_common needs what claims have in common: a source, theorem or function, got none")
    before = _COMMON.set({**_COMMON.get(), **given})
    try:
        yield
    finally:
        _COMMON.reset(before)


def judged(
    name: str,
    measured: Any,
    expected: Any,
    statement: str,
    *,
    agrees: bool,
    source: str,
    theorem: str | Iterable[str],
    function: Functions,
    **tolerance: Any,
) -> Outcome:
    """What comes of a claim: :func:`claim` without showing it."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name must be lower-case words with hyphens between them, got {_arguments.got(name)}")
    for argument, value in (("statement", statement), ("source", source)):
        _arguments.text(f"{argument} of claim {name!r}", value, empty=True)
    labels = [_arguments.text(f"theorem of claim {name!r}", each) for each in _values.several(theorem)]
    agrees = _arguments.flag(f"agrees of claim {name!r}", agrees)
    if not statement.strip() or not source.strip():
        raise ValueError(f"claim {name!r} needs a statement and a source")
    if expected is None and not agrees:
        raise ValueError(f"claim {name!r} expects nothing (None), so it can neither reject an answer nor disagree")
    found = compare(name, measured, expected, **tolerance)
    if found.agrees != agrees:
        relation = "is not" if agrees else "is, although the text says that it is not,"
        raise ClaimError(
            f"{name}: {statement}\n  measured {found.measured_text} {relation} {found.expected_text} "
            f"{found.tolerance_text}\n  source: {source}"
        )
    valued = not isinstance(expected, Interval | AtMost | AtLeast) and expected is not None
    wanted = _values.plain(name, expected, "expected") if valued else None
    said = _values.filled(statement, found.measured, found.measured_text, wanted)
    return Outcome(
        name=name,
        statement=said,
        kind=kind(expected, source),
        source=source,
        measured=_values.for_json(found.measured),
        measured_text=found.measured_text,
        expected_text=found.expected_text,
        tolerance=found.tolerance,
        tolerance_text=found.tolerance_text,
        deviation=found.deviation,
        agrees=agrees,
        rejects=found.rejects,
        theorem=labels,
        function=[function_name(f"function of claim {name!r}", each) for each in _values.several(function)],
        said="{measured" in statement,
    )
