"""What is kept of a claim: for the page on which it stands, and for the ledger of the book?"""

import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ntklib._arguments import got

__all__ = ["Outcome", "function_name", "kind"]


@dataclass(frozen=True)
class Outcome:
    """What came of a claim: what :func:`claim` returns, and what the ledger of the book collects.

    Attributes:
        name: of the claim, unique in the book.
        statement: what is claimed, with what was measured where it names it.
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
        said: whether the statement names what was measured.
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
    said: bool = False

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
        return f"measured {self.measured_text}, expected {self.allowed}"

    @property
    def allowed(self) -> str:
        """What was expected, with the tolerance; of what is true or false, the tolerance says nothing."""
        within = self.tolerance_text and not isinstance(self.measured, bool)
        return f"{self.expected_text} {self.tolerance_text}" if within else self.expected_text

    @property
    def number(self) -> str:
        """What was measured, if it is one number that the statement ought to be followed by: that nothing judges."""
        alone = self.kind == "measured" and not self.said and not isinstance(self.measured, (bool, list))
        return self.measured_text if alone else ""

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        return {"agrees": "✓", "measured only": "·"}.get(self.verdict, "≠")

    def rows(self) -> list[tuple[str, str]]:
        """What stands behind the statement, a row each: its name and what there is to say."""
        found = [
            ("measured", self.measured_text),
            ("expected", self.allowed),
            ("wrong would be", ", ".join(dict.fromkeys(self.rejects))),
        ]
        source = re.sub(r"^ours\b", "this book", self.source)
        return [(name, words) for name, words in [*found, ("source", source)] if words]

    def to_dict(self) -> dict[str, Any]:
        """What goes into the machine-readable ledger."""
        return {
            **asdict(self),
            "comparison": self.comparison,
            "verdict": self.verdict,
            "sign": self.sign,
            "number": self.number,
            "rows": self.rows(),
        }

    def __str__(self) -> str:
        return f"{self.sign} {self.statement}\n  {self.comparison}  ({self.source})"

    def _ipython_display_(self) -> None:
        """Nothing: it was shown when the claim was made, wherever in the cell that stands."""


def kind(expected: Any, source: str) -> str:
    """What an expected value comes from, by how its source begins.

    >>> kind(1, "jacot2018, Theorem 1"), kind(1, "ours"), kind(1, "closed form"), kind(None, "jacot2018")
    ('literature', 'ours', 'theorem', 'measured')
    """
    if expected is None:
        return "measured"
    if re.match(r"[a-z]+\d{4}[a-z]*(?![a-z0-9])", source):
        return "literature"
    return "ours" if re.match(r"ours\b", source, re.IGNORECASE) else "theorem"


def function_name(what: str, function: Callable | str) -> str:
    """The full name of a function of the library, given itself or by that name.

    Args:
        what: the argument that names it, for the error.
        function: which one, or an object that can be called, of which it is the class.

    Raises:
        ValueError: if it is not the library's.
    """
    given = function if isinstance(function, str) else got(function)
    if not isinstance(function, str):
        function = getattr(function, "func", function)  # of an attribute that is computed when it is asked for
        qualified = getattr(function, "__qualname__", type(function).__qualname__)
        function = f"{_public_module(str(getattr(function, '__module__', '?')), qualified)}.{qualified}"
    if not function.startswith("ntklib."):
        raise ValueError(f"{what} must be one of ntklib, got {given}")
    return function


def _public_module(module: str, what: str) -> str:
    """The module whose page explains what a private module defines: the one that offers it."""
    package, _, last = module.rpartition(".")
    if package != "ntklib" or not last.startswith("_"):
        return module
    offering = (
        name
        for name, loaded in sorted(sys.modules.items())
        if name.startswith("ntklib.") and "._" not in name and what.split(".")[0] in getattr(loaded, "__all__", ())
    )
    return next(offering, module)
