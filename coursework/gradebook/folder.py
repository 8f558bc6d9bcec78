"""What is stored of a class, and where? The folder of an assignment's grades.

It holds::

    assignment.json   what is graded: questions and points
    results/ID.json   what the tests found, one file a student, written when it is known
    numbers.csv       the number under which each student is marked; given once
    late.toml         what lateness costs, and who has another date; made by people, never by a command
    marks.csv         marks given by hand; made once, only ever added to
    grades.csv        one row a student of the roster; made anew from assignment, results and marks
    marking/Q.ipynb   the written answers to question Q, to read while marking; made anew
    unmatched.csv     files of the last delivery that belong to nobody in the roster
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coursework.files import atomic_write, private_folder, safe_name
from coursework.masters.allowance import Allowance
from coursework.masters.assignment import Assignment
from coursework.masters.cells import grade_id


class GradebookError(ValueError):
    """A folder of grades that cannot be used; the message says why."""


@dataclass(frozen=True)
class Gradebook:
    """The folder of an assignment's grades, with the greatest mark of each question: by tests, and by hand."""

    out: Path
    name: str
    title: str
    tests: Mapping[str, float]
    manual: Mapping[str, float]
    master: str
    allowance: Allowance = field(default_factory=Allowance)

    @property
    def maxima(self) -> dict[str, float]:
        """The greatest mark of each question."""
        return {**self.tests, **self.manual}

    @property
    def points(self) -> float:
        """The greatest total."""
        return math.fsum(self.maxima.values())


@dataclass(frozen=True)
class Result:
    """What is known of one student's submission. `state`: judged, failed (the grader did), not-graded, waiting.

    `earlier` has the digests of what was handed in before, or could not be read since; `unread` says why a later
    file could not. `marked` has the number of the row in marks.csv that is for this submission's answer to a
    question, where it is not the first (:func:`~coursework.gradebook.marks.mark_row`). `limits` are those that it was
    judged under, `used` what it used of them, `struck` those that stopped something, or may have.
    """

    student: str
    state: str
    master: str
    submission: str
    variant: int
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    suspicious: bool = False
    late: bool = False
    file: str = ""
    intake: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    unread: str = ""
    marked: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    used: Mapping[str, float] = field(default_factory=dict)
    struck: tuple[str, ...] = ()
    moment: str = ""  # when it was handed in, as the system told
    delivered: str = ""  # what the system called the file or its folder

    def row(self, question: str) -> int:
        """Which row of marks.csv is for this submission's answer: the first, second, ..."""
        return self.marked.get(question, 1)


def open_gradebook(out: str | Path) -> Gradebook:
    """The grades in a folder.

    Raises:
        GradebookError: if nothing was graded into it.
    """
    path = Path(out) / "assignment.json"
    try:
        read = json.loads(path.read_bytes())
        allowance = Allowance(**read.get("allowance", {}))  # earlier versions wrote none
        return Gradebook(
            Path(out), read["name"], read["title"], read["tests"], read["manual"], read["master"], allowance
        )
    except FileNotFoundError:
        raise GradebookError(f"{out} holds no grades (no assignment.json); grade into it first") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GradebookError(f"{path}: cannot be read: {error}") from None


def start_gradebook(assignment: Assignment, out: Path) -> Gradebook:
    """Make the folder of an assignment's grades, or go on with it.

    Raises:
        GradebookError: if it holds the grades of another assignment.
    """
    private_folder(out)
    path = out / "assignment.json"
    if path.exists() and (other := open_gradebook(out).name) != assignment.name:
        raise GradebookError(f"{out} holds the grades of {other!r}, not of {assignment.name!r}; give another folder")
    tests = {question.grade_id: question.points for question in assignment.questions}
    manual = {question.grade_id: question.points for question in assignment.manual}
    marks, allowance = what_marks(assignment), assignment.allowance
    book = Gradebook(out, assignment.name, assignment.title, tests, manual, marks, allowance)
    atomic_write(path, _json({key: value for key, value in asdict(book).items() if key != "out"}))
    private_folder(out / "results")
    return book


def what_marks(assignment: Assignment) -> str:
    """A fingerprint of all of a master that can change a mark by its tests: not of its text, nor of its solution.

    Limits are not in it: a change of them is looked at result by result.
    """
    order = [(grade_id(cell), cell.cell_type) for cell in assignment.notebook.cells if grade_id(cell)]
    setup = [(cell.grade_id, cell.source) for cell in assignment.setup]
    tests = [(one.grade_id, one.points, one.source, one.answers) for one in assignment.questions]
    return hashlib.sha256(json.dumps([order, setup, tests]).encode()).hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()  # not sorted: the order of questions is the notebook's


def _result_path(book: Gradebook, student: str) -> Path:
    return book.out / "results" / f"{safe_name(student)}.json"


def write_result(book: Gradebook, result: Result) -> None:
    """Write a result into the folder."""
    atomic_write(_result_path(book, result.student), _json(asdict(result)))


def read_result(book: Gradebook, student: str) -> Result | None:
    """The result of a student; None if there is none, or the file is broken (the submission is then graded again)."""
    try:
        read = json.loads(_result_path(book, student).read_bytes())
        lists = ("notes", "intake", "earlier", "struck")  # earlier versions wrote no "earlier"
        result = Result(**{**read, **{key: tuple(read.get(key, ())) for key in lists}})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if result.student == student else None


def graded_students(book: Gradebook) -> list[str]:
    """The ids of all who have a result, also of those who left the class."""
    students = []
    for path in sorted((book.out / "results").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            students.append(str(json.loads(path.read_bytes())["student"]))
    return students


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """One run at a time in a folder.

    Raises:
        GradebookError: if there is one already.
    """
    import fcntl  # not on Windows, where nothing is graded

    with (private_folder(out) / ".lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GradebookError(f"another run is grading into {out}") from None
        yield
