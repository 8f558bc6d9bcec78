"""What do all submissions of a run share?"""

from dataclasses import dataclass
from pathlib import Path

from coursework.sandbox.limits import Limits


class JudgeError(RuntimeError):
    """The assignment cannot be graded here: its own setup fails. No student is to blame."""


@dataclass(frozen=True)
class Setting:
    """`limits`, and a folder `cache` with what was compiled before, `writable` while the solution fills it."""

    limits: Limits
    cache: Path | None
    writable: bool = False
