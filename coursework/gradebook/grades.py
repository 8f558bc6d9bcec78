"""What is known of a class: a result for each student, and the table of grades that follows from it and the marks."""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coursework.files import TableError, atomic_write, neutralise, private_folder, read_table, safe_name, table
from coursework.gradebook.marks import Mark, mark_row, read_marks
from coursework.intake.notebook_reader import digest
from coursework.intake.roster import Roster, Student
from coursework.masters.reading import Assignment

__all__ = ["Book", "GradebookError", "Result", "Row", "grade_rows", "grade_table", "number", "open_book", "refresh"]

ACCEPT = "accept"  # in marks.csv, a row of this name with 1 says that the tests' points of a doubtful submission stand
STATUSES = ("graded", "needs-manual", "check", "not-graded", "missing")


class GradebookError(ValueError):
    """A folder of grades that cannot be used; the message says why."""


@dataclass(frozen=True)
class Book:
    """The folder of an assignment's grades, with the greatest mark of each question: by tests, and by hand."""

    out: Path
    name: str
    title: str
    tests: Mapping[str, float]
    manual: Mapping[str, float]
    master: str

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
    """What is known of one student's submission. ``state``: judged, failed (the grader did), not-graded, waiting.

    ``earlier`` has the digests of what was handed in before, or could not be read since; ``unread`` says why a later
    file could not. ``marked`` has the number of the row in marks.csv that is for this submission's answer to a
    question, where it is not the first (:func:`~coursework.gradebook.marks.mark_row`).
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

    def row(self, question: str) -> int:
        """Which row of marks.csv is for this submission's answer: the first, second, ..."""
        return self.marked.get(question, 1)


@dataclass(frozen=True)
class Row:
    """One student's grade. ``points`` holds None where nothing was graded, ``total`` is None unless everything was.

    ``notes`` are for the instructor; ``reason`` (of a submission that could not be graded), ``failures`` and
    ``comments`` may be shown to the student. ``labels`` is what marks.csv calls the questions' rows, ``stale`` says
    that the assignment changed after the grading, ``idle`` that there is an ``accept`` and nothing to accept.
    """

    student: Student
    status: str
    points: Mapping[str, float | None]
    total: float | None
    by_hand: frozenset[str]
    failures: Mapping[str, str]
    comments: Mapping[str, str]
    notes: tuple[str, ...]
    reason: str = ""
    late: bool = False
    file: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    stale: bool = False
    idle: bool = False


def number(value: float | None) -> str:
    """Points as they are written in tables; nothing for None.

    >>> number(12.0), number(0.1 + 0.2), number(None)
    ('12', '0.3', '')
    """
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


# The folder -----------------------------------------------------------------------------------------------------------


def open_book(out: str | Path) -> Book:
    """The grades in a folder.

    Raises :class:`GradebookError` if nothing was graded into it.
    """
    path = Path(out) / "assignment.json"
    try:
        read = json.loads(path.read_bytes())
        return Book(Path(out), read["name"], read["title"], read["tests"], read["manual"], read["master"])
    except FileNotFoundError:
        raise GradebookError(f"{out} holds no grades (no assignment.json); grade into it first") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GradebookError(f"{path}: cannot be read: {error}") from None


def start_book(assignment: Assignment, out: Path) -> Book:
    """Make the folder of an assignment's grades, or go on with it."""
    private_folder(out)
    path = out / "assignment.json"
    if path.exists() and (other := open_book(out).name) != assignment.name:
        raise GradebookError(f"{out} holds the grades of {other!r}, not of {assignment.name!r}; give another folder")
    tests = {question.grade_id: question.points for question in assignment.questions}
    manual = {question.grade_id: question.points for question in assignment.manual}
    book = Book(out, assignment.name, assignment.title, tests, manual, digest(assignment.notebook))
    atomic_write(path, _json({key: value for key, value in asdict(book).items() if key != "out"}))
    private_folder(out / "results")
    return book


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()  # not sorted: the order of questions is the notebook's


def _result_path(book: Book, student: str) -> Path:
    return book.out / "results" / f"{safe_name(student)}.json"


def save(book: Book, result: Result) -> None:
    """Write a result into the folder."""
    atomic_write(_result_path(book, result.student), _json(asdict(result)))


def load(book: Book, student: str) -> Result | None:
    """The result of a student; None if there is none, or the file is broken (the submission is then graded again)."""
    try:
        read = json.loads(_result_path(book, student).read_bytes())
        lists = ("notes", "intake", "earlier")  # earlier versions wrote no "earlier"
        result = Result(**{**read, **{key: tuple(read.get(key, ())) for key in lists}})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if result.student == student else None


# The table ------------------------------------------------------------------------------------------------------------


def grade_rows(book: Book, roster: Roster) -> list[Row]:
    """One row for each student of the roster, from the results and the marks as they are now.

    Raises :class:`~coursework.gradebook.marks.MarksError` if marks.csv cannot be used.
    """
    marks = marks_of(book, roster)
    return [_row(book, student, load(book, student.id), marks) for student in roster]


def marks_of(book: Book, roster: Roster) -> dict[tuple[str, str], Mark]:
    """The marks given by hand, by (student, what the column ``question`` says)."""
    students = {student.id for student in roster}
    for path in (book.out / "results").glob("*.json"):  # who left the class may still have marks
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            students.add(str(json.loads(path.read_bytes())["student"]))
    maxima = {**book.maxima, ACCEPT: book.maxima.get(ACCEPT, 1.0)}
    return read_marks(book.out / "marks.csv", students, maxima, ticks={ACCEPT} - book.maxima.keys())


def given(marks: Mapping[tuple[str, str], Mark], student: str, label: str) -> bool:
    """Has somebody filled in that row of marks.csv?"""
    mark = marks.get((student, label))
    return mark is not None and mark.points is not None


def _row(book: Book, student: Student, result: Result | None, marks: Mapping[tuple[str, str], Mark]) -> Row:
    rows = {question: result.row(question) if result else 1 for question in (*book.maxima, ACCEPT)}
    labels = {question: mark_row(question, row) for question, row in rows.items()}
    own = {question: marks[student.id, label] for question, label in labels.items() if (student.id, label) in marks}
    hand = {question: mark.points for question, mark in own.items() if mark.points is not None}
    accepted = ACCEPT not in book.maxima and hand.pop(ACCEPT, 0.0) == 1.0
    stale = result is not None and result.state == "judged" and result.master != book.master
    scores = result.scores if result and result.state == "judged" and not stale else {}
    points = {question: hand.get(question, scores.get(question)) for question in book.maxima}
    failures = result.failures if result else {}
    before = [
        question
        for question in book.maxima
        if question not in hand
        and any(given(marks, student.id, mark_row(question, row)) for row in range(1, rows[question]))
    ]
    look = result is not None and (result.suspicious or bool(result.unread) or any(q in book.tests for q in before))
    doubtful = result is not None and (result.state == "failed" or stale or (look and not accepted))
    status = _status(book, result, doubtful, hand, points)
    idle = accepted and status in ("missing", "not-graded", "check")
    notes = [*result.intake, result.reason, *result.notes] if result else []
    if result and result.unread:
        notes.append(f"a later file could not be read: {result.unread}; what was handed in before it counts")
    if stale:
        notes.append("graded before the assignment changed; give the submission again")
    if look:
        notes.append("accepted by hand" if accepted else "to be looked at by a person")
    if any(question in hand for question in book.tests) and scores:
        notes.append(f"marks by hand in place of the tests' for {', '.join(q for q in book.tests if q in hand)}")
    if before := [question for question in before if question in book.manual or not accepted]:
        wanted = ", ".join(repr(labels[question]) for question in before)
        notes.append(f"marked by hand before this was handed in: {', '.join(before)}; now its rows are {wanted}")
    if unused := [
        label for question in labels if given(marks, student.id, label := mark_row(question, rows[question] + 1))
    ]:
        notes.append(f"rows in marks.csv that are for no answer: {', '.join(map(repr, unused))}")
    if idle:
        notes.append(f"{ACCEPT!r} in marks.csv does nothing here, no points of tests can stand: mark each question")
    return Row(
        student,
        status,
        points,
        math.fsum(value for value in points.values() if value is not None) if status == "graded" else None,
        frozenset(hand),
        {question: text for question, text in failures.items() if question in scores and question not in hand},
        {question: mark.comment for question, mark in own.items() if mark.comment},
        tuple(note for note in notes if note),
        result.reason if result and result.state == "not-graded" else "",
        bool(result and result.late),
        result.file if result else "",
        labels,
        stale,
        idle,
    )


def _status(
    book: Book, result: Result | None, doubtful: bool, hand: Mapping[str, float], points: Mapping[str, float | None]
) -> str:
    complete = all(value is not None for value in points.values())
    if result is None or result.state in ("not-graded", "waiting"):
        if all(question in hand for question in book.maxima):  # marked in person, or on paper
            return "graded"
        return "missing" if result is None else "not-graded"
    if doubtful and not all(question in hand for question in book.tests):
        return "check"
    return "graded" if complete else "needs-manual"


def grade_table(book: Book, rows: list[Row]) -> list[list[str]]:
    """The cells of grades.csv: ids and numbers as they are; names, files, notes such that no spreadsheet runs them."""
    head = ["id", "name", "status", "total", "maximum", *book.maxima, "late", "file", "notes"]
    return [head] + [
        [
            row.student.id,
            neutralise(row.student.name),
            row.status,
            number(row.total),
            number(book.points),
            *(number(row.points[question]) for question in book.maxima),
            "late" if row.late else "",
            neutralise(row.file),
            neutralise("; ".join(row.notes)),
        ]
        for row in rows
    ]


def refresh(book: Book, rows: list[Row]) -> None:
    """Bring grades.csv up to date with the marks; not from a roster that lacks students who are in it."""
    path = book.out / "grades.csv"
    with contextlib.suppress(TableError):  # no such table yet, or a broken one
        if not {row.get("id") for row in read_table(path).rows} <= {row.student.id for row in rows}:
            return
    atomic_write(path, table(grade_table(book, rows), bom=True))
