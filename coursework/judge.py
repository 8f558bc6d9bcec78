"""What is a submission worth?"""

from dataclasses import dataclass, field

from nbformat import NotebookNode

from coursework.master import Assignment
from coursework.sandbox import Limits

DEFAULT = Limits()


@dataclass(frozen=True)
class Verdict:
    """What the tests found."""

    scores: dict[str, float]
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    suspicious: bool = False


def judge(assignment: Assignment, notebook: NotebookNode, variant: int, *, limits: Limits = DEFAULT) -> Verdict:
    """Run a submission in the sandbox and the assignment's tests beside it."""
    raise NotImplementedError
