"""What can be said of a file of a delivery: whose it is, or why that is not known."""

from dataclasses import dataclass
from typing import Any

from coursework.intake.delivery import Entry


class IntakeError(ValueError):
    """A delivery that cannot be read at all."""


@dataclass(frozen=True)
class Unmatched:
    """A file that belongs to nobody in the roster, or not to one student only."""

    file: str
    reason: str


@dataclass(frozen=True)
class OwnedFile:
    """One file and whose it is; `order` says which of several with the same `base` came last."""

    students: tuple[str, ...]
    entry: Entry
    file: str
    late: bool = False
    base: str = ""
    order: tuple[Any, ...] = ()
    note: str = ""
    moment: str = ""  # when it was handed in, if the system says so: ISO 8601, in its own time where it names no zone
