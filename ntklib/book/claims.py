r"""How does the book make sure that it states no number that it did not measure?

A *claim* is a quantitative statement that is measured where the text makes it. :func:`claim` holds the measurement to a
tolerance, against what a paper or a theorem says or against what was measured before, and shows a small box with the
outcome; if it is out of tolerance it raises, and the chapter does not build. :func:`claim_all` does so for a table of
claims, and is told once what they have in common.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

from ntklib.book import _values
from ntklib.book._comparison import AtLeast, AtMost, ClaimError, Estimate, Interval, compare
from ntklib.book._display import note, scientific, show
from ntklib.book._outcome import Outcome, function_name, kind

__all__ = [
    "AtLeast",
    "AtMost",
    "ClaimError",
    "Estimate",
    "Interval",
    "Outcome",
    "Row",
    "claim",
    "claim_all",
    "note",
    "scientific",
]

Functions = Callable | str | Iterable[Callable | str]


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
    function: Functions = (),
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
    outcome = judged(
        name,
        measured,
        expected,
        atol=atol,
        rtol=rtol,
        source=source,
        statement=statement,
        rejects=rejects,
        theorem=theorem,
        function=function,
        agrees=agrees,
    )
    show(outcome)
    return outcome


@dataclass(frozen=True, eq=False)
class Row:
    """A claim in a table, see :func:`claim_all`; the arguments are those of :func:`claim`.

    What is left out of `source`, `theorem` and `function` comes from the table; ``theorem=()`` is none, whatever the
    table says.
    """

    name: str
    measured: Any
    expected: Any
    _: KW_ONLY
    atol: float | None = None
    rtol: float | None = None
    source: str | None = None
    statement: str
    rejects: Any = None
    theorem: str | Iterable[str] | None = None
    function: Functions | None = None
    agrees: bool = True


def claim_all(
    *rows: Row, source: str | None = None, theorem: str | Iterable[str] = (), function: Functions = ()
) -> None:
    """Hold several measurements to what is said of them, and show the outcome of each.

    Args:
        rows: the claims.
        source: of every row that names none.
        theorem: of every row that names none.
        function: of every row that names none.

    Raises:
        ClaimError: if one is not as said: after the last row, and with all that are not.
        ValueError: if there is nothing to claim, two rows have one name, a row has no source, or its arguments do not
            make a claim.

    >>> claim_all(
    ...     Row("four", 2 + 2, 4, statement="Two and two are four."),
    ...     Row("five", 2 + 3, 5, statement="Two and three are five.", source="ours"),
    ...     source="arithmetic",
    ... )
    ✓ Two and two are four.
      measured 4, expected 4 exactly  (arithmetic)
    ✓ Two and three are five.
      measured 5, expected 5 exactly  (ours)
    """
    for row in rows:
        if not isinstance(row, Row):
            raise ValueError(f"a table of claims is made of rows, Row(name, measured, expected, …), got {row!r}")
        if row.source is None and source is None:
            raise ValueError(f"claim {row.name!r} needs a source: give it to the row or to the table")
    if not rows:
        raise ValueError("a table of claims needs a row, got none")
    if twice := [name for name, times in Counter(row.name for row in rows).items() if times > 1]:
        raise ValueError(f"a table of claims has one row for each name, got several for {', '.join(map(repr, twice))}")
    failed: list[ClaimError] = []
    for row in rows:
        given = {field.name: getattr(row, field.name) for field in fields(row)}
        for key, common in (("source", source), ("theorem", theorem), ("function", function)):
            given[key] = common if given[key] is None else given[key]
        try:
            show(judged(**given))
        except ClaimError as error:
            failed.append(error)
    if failed:
        raise ClaimError("\n".join(map(str, failed)))


def judged(
    name: str,
    measured: Any,
    expected: Any,
    *,
    atol: float | None,
    rtol: float | None,
    source: str,
    statement: str,
    rejects: Any,
    theorem: str | Iterable[str],
    function: Functions,
    agrees: bool,
) -> Outcome:
    """What comes of a claim: :func:`claim` without showing it."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name must be lower-case words with hyphens between them, got {name!r}")
    if not statement.strip() or not source.strip():
        raise ValueError(f"claim {name!r} needs a statement and a source")
    if expected is None and not agrees:
        raise ValueError(f"claim {name!r} expects nothing (None), so it can neither reject an answer nor disagree")
    found = compare(name, measured, expected, atol=atol, rtol=rtol, rejects=rejects)
    if found.agrees != agrees:
        relation = "is not" if agrees else "is, although the text says that it is not,"
        raise ClaimError(
            f"{name}: {statement}\n  measured {found.measured_text} {relation} {found.expected_text} "
            f"{found.tolerance_text}\n  source: {source}"
        )
    return Outcome(
        name=name,
        statement=statement,
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
        theorem=_values.several(theorem),
        function=[function_name(name, each) for each in _values.several(function)],
    )
