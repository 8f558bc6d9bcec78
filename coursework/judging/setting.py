"""What do all submissions of a run share?"""

from dataclasses import dataclass
from pathlib import Path

from coursework.masters.allowance import Allowance
from coursework.sandbox.limits import Limits


class JudgeError(RuntimeError):
    """The assignment cannot be graded here: its own setup fails. No student is to blame."""


def limits_of(allowance: Allowance) -> Limits:
    """What a sandbox is held to, by what a master declares."""
    return Limits(
        cell=allowance.seconds, test=allowance.seconds, total=allowance.total, memory=int(allowance.memory * (1 << 20))
    )


@dataclass(frozen=True)
class Cache:
    """A folder with what was compiled before, or none; `writable` for code that is trusted, while it is filled."""

    folder: Path | None = None
    writable: bool = False


@dataclass(frozen=True)
class Setting:
    """What a submission may use, and what was compiled: for its sandbox, and for the tests beside it.

    The two are folders of their own. A compiled program can be run by who can read it, so that what a submission sees
    is made from the released notebook alone, never from a solution or a hidden test. `strange` if setup and tests are
    those of the notebook itself: then they are no more trusted than its other cells, and run behind walls too.
    """

    limits: Limits
    seen: Cache = Cache()
    own: Cache = Cache()
    strange: bool = False
