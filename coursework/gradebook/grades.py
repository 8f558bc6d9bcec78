"""What is each student's grade? It follows from the results of the tests and the marks given by hand."""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from coursework.files import atomic_write
from coursework.gradebook.folder import Gradebook, Result, graded_students, read_result
from coursework.gradebook.lateness import RULES, Lateness, LateRules, lateness, read_rules
from coursework.gradebook.marks import Marks, is_given, mark_row, read_marks
from coursework.gradebook.other_limits import could_change
from coursework.intake.roster import Roster, RosterError, Student
from coursework.tables import TableError, read_table, table
from coursework.text import guarded_line

ACCEPT = "accept"  # in marks.csv, a row of this name with 1 says that the tests' points of a doubtful submission stand
STATUSES = ("graded", "needs-manual", "check", "not-graded", "missing")


@dataclass(frozen=True)
class Row:
    """One student's grade. `points` holds None where nothing was graded, `total` is None unless everything was.

    `notes` are for the instructor; `reason` (of a submission that could not be graded), `failures` and
    `comments` may be shown to the student. `labels` is what marks.csv calls the questions' rows, `stale` says
    that the assignment changed after the grading, `idle` that there is an `accept` and nothing to accept. `raw` is the
    total before anything was taken off for lateness; `lateness` says what was, None where there are no rules.
    `delivered` is what the system called the file that was handed in.
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
    raw: float | None = None
    lateness: Lateness | None = None
    delivered: str = ""


def number(value: float | None) -> str:
    """Points as they are written in tables; nothing for None.

    >>> number(12.0), number(0.1 + 0.2), number(None)
    ('12', '0.3', '')
    """
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def grade_rows(book: Gradebook, roster: Roster) -> list[Row]:
    """One row for each student of the roster, from the results and the marks as they are now.

    Raises:
        MarksError: if marks.csv cannot be used.
        LateError: if the rules for lateness cannot be used.
    """
    marks, rules = marks_of(book, roster), read_rules(book.out, roster)
    return [_row(book, student, read_result(book, student.id), marks, rules) for student in roster]


def marks_of(book: Gradebook, roster: Roster) -> Marks:
    """The marks given by hand, by (student, what the column `question` says)."""
    students = {*(student.id for student in roster), *graded_students(book)}  # who left the class may still have marks
    maxima = {**book.maxima, ACCEPT: book.maxima.get(ACCEPT, 1.0)}
    return read_marks(book.out / "marks.csv", students, maxima, ticks={ACCEPT} - book.maxima.keys())


def _row(book: Gradebook, student: Student, result: Result | None, marks: Marks, rules: LateRules | None) -> Row:
    rows = {question: result.row(question) if result else 1 for question in (*book.maxima, ACCEPT)}
    labels = {question: mark_row(question, row) for question, row in rows.items()}
    own = {question: marks[student.id, label] for question, label in labels.items() if (student.id, label) in marks}
    hand = {question: mark.points for question, mark in own.items() if mark.points is not None}
    accepted = ACCEPT not in book.maxima and hand.pop(ACCEPT, 0.0) == 1.0
    judged = result if result is not None and result.state == "judged" else None
    stale = judged is not None and (judged.master != book.master or could_change(judged, book.allowance))
    scores = result.scores if result and result.state == "judged" and not stale else {}
    points = {question: hand.get(question, scores.get(question)) for question in book.maxima}
    failures = result.failures if result else {}
    before = [
        question
        for question in book.maxima
        if question not in hand
        and any(is_given(marks, student.id, mark_row(question, row)) for row in range(1, rows[question]))
    ]
    late = lateness(rules, student, result.moment, result.late) if rules and result else None
    unknown = late is not None and late.unknown
    look = result is not None and (
        result.suspicious or bool(result.unread) or unknown or any(q in book.tests for q in before)
    )
    doubtful = result is not None and (result.state == "failed" or stale or (look and not accepted))
    status = _status(book, result, doubtful, hand, points)
    idle = accepted and status in ("missing", "not-graded", "check")
    notes = [*result.intake, result.reason, *result.notes] if result else []
    if result and result.unread:
        notes.append(f"a later file could not be read: {result.unread}; what was handed in before it counts")
    if stale:
        notes.append("graded before the assignment changed, or its limits; give the submission again")
    if look:
        notes.append("accepted by hand" if accepted else "to be looked at by a person")
    if any(question in hand for question in book.tests) and scores:
        notes.append(f"marks by hand in place of the tests' for {', '.join(q for q in book.tests if q in hand)}")
    if before := [question for question in before if question in book.manual or not accepted]:
        wanted = ", ".join(repr(labels[question]) for question in before)
        notes.append(f"marked by hand before this was handed in: {', '.join(before)}; now its rows are {wanted}")
    if unused := [
        label for question in labels if is_given(marks, student.id, label := mark_row(question, rows[question] + 1))
    ]:
        notes.append(f"rows in marks.csv that are for no answer: {', '.join(map(repr, unused))}")
    if late and late.note:
        notes.append(late.note)
    raw = math.fsum(value for value in points.values() if value is not None) if status == "graded" else None
    if idle:
        notes.append(f"{ACCEPT!r} in marks.csv does nothing here, no points of tests can stand: mark each question")
    return Row(
        student,
        status,
        points,
        raw if raw is None or late is None else raw * (100 - late.per_cent) / 100,
        frozenset(hand),
        {question: text for question, text in failures.items() if question in scores and question not in hand},
        {question: mark.comment for question, mark in own.items() if mark.comment},
        tuple(note for note in notes if note),
        result.reason if result and result.state == "not-graded" else "",
        bool(result and result.late) or (late is not None and late.late),
        result.file if result else "",
        labels,
        stale,
        idle,
        raw,
        late,
        result.delivered if result else "",
    )


def _status(
    book: Gradebook,
    result: Result | None,
    doubtful: bool,
    hand: Mapping[str, float],
    points: Mapping[str, float | None],
) -> str:
    complete = all(value is not None for value in points.values())
    if result is None or result.state in ("not-graded", "waiting"):
        if all(question in hand for question in book.maxima):  # marked in person, or on paper
            return "graded"
        return "missing" if result is None else "not-graded"
    if doubtful and not all(question in hand for question in book.tests):
        return "check"
    return "graded" if complete else "needs-manual"


def grade_table(book: Gradebook, rows: list[Row]) -> list[list[str]]:
    """The cells of grades.csv: ids and numbers as they are; names, files, notes such that no spreadsheet runs them."""
    head = ["id", "name", "status", "total", "maximum", *book.maxima, "late", "file", "notes"]
    ruled = (book.out / RULES).exists()
    head += ["total before lateness", "per cent taken off"] if ruled else []
    return [head] + [
        [
            row.student.id,
            guarded_line(row.student.name),
            row.status,
            number(row.total),
            number(book.points),
            *(number(row.points[question]) for question in book.maxima),
            "late" if row.late else "",
            guarded_line(row.file),
            guarded_line("; ".join(row.notes)),
            *([number(row.raw), number(row.lateness.per_cent if row.lateness else 0.0)] if ruled else []),
        ]
        for row in rows
    ]


def refresh(book: Gradebook, rows: list[Row]) -> None:
    """Bring grades.csv up to date with the marks; not from a roster that lacks students who are in it."""
    path = book.out / "grades.csv"
    with contextlib.suppress(TableError):  # no such table yet, or a broken one
        if not {row.get("id") for row in read_table(path).rows} <= {row.student.id for row in rows}:
            return
    atomic_write(path, table(grade_table(book, rows), bom=True))


def left_out(book: Gradebook, roster: Roster) -> str:
    """A sentence about those who were graded and have no row in the roster; nothing if there is nobody.

    Raises:
        RosterError: if that is everybody: then the roster's ids are others.
    """
    graded = graded_students(book)
    absent = [student for student in graded if student not in roster]
    if not absent:
        return ""
    listed = ", ".join(map(repr, absent[:3])) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
    if len(absent) == len(graded):
        theirs = ", ".join(repr(student.id) for student in roster.students[:3])
        raise RosterError(
            f"nobody who was graded is in the roster: graded were {listed}, the roster has {theirs}; "
            "give --id as when they were graded"
        )
    return f"Graded, but not in the roster, and so left out: {listed}."
