"""Grading a class: every submission judged once, in processes side by side; one file a student, one table of all.

The folder of an assignment's grades::

    assignment.json   what is graded: questions and points
    results/ID.json   what the tests found, one file a student, written when it is known
    marks.csv         marks given by hand; made once, only ever added to
    grades.csv        one row a student of the roster; made anew from the three above
    unmatched.csv     files of the last delivery that belong to nobody in the roster
"""

import contextlib
import hashlib
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from coursework import workers as pool
from coursework.files import atomic_write, neutralise, private_folder, safe_name, table
from coursework.intake import Submission
from coursework.marks import Mark, append_rows, read_marks
from coursework.master import Assignment
from coursework.roster import Roster, Student
from coursework.variants import variant

__all__ = [
    "Book",
    "GradebookError",
    "Row",
    "Summary",
    "grade_all",
    "grade_rows",
    "number",
    "open_book",
    "terminal_progress",
]

STATUSES = ("graded", "needs-manual", "check", "not-graded", "missing")
LIMIT = 900.0  # seconds for one submission; the judge has limits of its own, this one is for the judge


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
    """What is known of one student's submission. ``state``: judged, failed (the grader did), not-graded, waiting."""

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


@dataclass(frozen=True)
class Row:
    """One student's grade. ``points`` holds None where nothing was graded, ``total`` is None unless everything was.

    ``notes`` are for the instructor; ``reason`` (of a submission that could not be graded), ``failures`` and
    ``comments`` may be shown to the student.
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


@dataclass(frozen=True)
class Summary:
    """What a run did: how many it judged and kept, whom it graded again and why, how many there are of each status."""

    judged: int
    kept: int
    again: Mapping[str, str]
    statuses: Mapping[str, int]
    unmatched: int
    unmarked: int
    out: Path

    def __str__(self) -> str:
        lines = [f"{self.judged} graded now, {self.kept} graded before and unchanged"]
        lines += [f"graded again: {student}: {why}" for student, why in self.again.items()]
        lines += [f"{count:5d} {status}" for status, count in self.statuses.items() if count]
        if self.unmarked:
            lines.append(f"{self.unmarked} marks to be given by hand in {self.out / 'marks.csv'}")
        if self.unmatched:
            lines.append(f"{self.unmatched} files belong to nobody in the roster: {self.out / 'unmatched.csv'}")
        return "\n".join(lines)


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


def _start_book(assignment: Assignment, out: Path) -> Book:
    private_folder(out)
    path = out / "assignment.json"
    if path.exists() and (other := open_book(out).name) != assignment.name:
        raise GradebookError(f"{out} holds the grades of {other!r}, not of {assignment.name!r}; give another folder")
    tests = {question.grade_id: question.points for question in assignment.questions}
    manual = {question.grade_id: question.points for question in assignment.manual}
    master = hashlib.sha256(json.dumps(assignment.notebook, sort_keys=True).encode()).hexdigest()
    book = Book(out, assignment.name, assignment.title, tests, manual, master)
    atomic_write(path, _json({key: value for key, value in asdict(book).items() if key != "out"}))
    private_folder(out / "results")
    return book


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _result_path(book: Book, student: str) -> Path:
    return book.out / "results" / f"{safe_name(student)}.json"


def _save(book: Book, result: Result) -> None:
    atomic_write(_result_path(book, result.student), _json(asdict(result)))


def _load(book: Book, student: str) -> Result | None:
    """The result of a student; None if there is none, or the file is broken (the submission is then graded again)."""
    try:
        read = json.loads(_result_path(book, student).read_bytes())
        result = Result(**{**read, "notes": tuple(read["notes"]), "intake": tuple(read["intake"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if result.student == student else None


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """One run at a time in a folder."""
    import fcntl  # not on Windows, where nothing is graded

    with (private_folder(out) / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GradebookError(f"another run is grading into {out}") from None
        yield


# Grading --------------------------------------------------------------------------------------------------------------


def grade_all(
    assignment: Assignment,
    submissions: Mapping[str, Submission],
    roster: Roster,
    out: str | Path,
    *,
    judge: Callable[..., Any],
    secret: bytes,
    workers: int | None = None,
    progress: Callable[[int, int, float | None], None] | None = None,
    limit: float = LIMIT,
) -> Summary:
    """Judge the submissions that were not judged before, and write the table of grades.

    A submission counts as judged before if neither it nor the assignment nor the student's variant has changed. What
    is known is on disk as soon as it is known: after an interruption, the same call goes on where it was. Results of
    earlier deliveries stay.

    Parameters
    ----------
    assignment, submissions, roster
        What to grade; ``submissions`` is what :func:`coursework.intake.collect` returns.
    out
        The folder for the grades of this assignment.
    judge
        ``judge(assignment, notebook, variant) -> Verdict``, a function that other processes can import.
    secret
        What variants follow from (:func:`coursework.variants.variant`).
    workers
        Processes side by side; as many as there are cores by default. 0: in this process, for debugging.
    progress
        Called with the number judged, the number to judge, and the seconds left (None as long as they are unknown).
    limit
        Seconds after which a submission is given up (status check).

    Raises
    ------
    GradebookError
        If ``out`` holds another assignment's grades or another run is at it, or a submission's student is not in the
        roster.
    MarksError
        If marks.csv cannot be used; nothing is graded then.
    """
    out = Path(out)
    strangers = [student for student in submissions if student not in roster]
    if strangers:
        raise GradebookError(f"submissions of students who are not in the roster: {', '.join(strangers[:5])}")
    with _locked(out):
        book = _start_book(assignment, out)
        _marks(book, roster)  # an error in it should show now, not after the grading
        _write_unmatched(book, submissions)
        tasks, again, kept = _plan(book, submissions, secret)
        try:
            _judge(
                book,
                assignment,
                submissions,
                tasks,
                judge,
                (os.cpu_count() or 1) if workers is None else workers,
                limit,
                progress,
            )
        finally:
            rows = _write(book, roster)
    statuses = Counter(row.status for row in rows)
    unmarked = sum(
        row.points[question] is None for row in rows if row.status == "needs-manual" for question in book.manual
    )
    unmatched = len(getattr(submissions, "unmatched", ()))
    return Summary(len(tasks), kept, again, {status: statuses[status] for status in STATUSES}, unmatched, unmarked, out)


def _plan(
    book: Book, submissions: Mapping[str, Submission], secret: bytes
) -> tuple[dict[str, Result], dict[str, str], int]:
    """What is to be judged (results that wait for it), who is graded again and why, how many stay as they are."""
    tasks: dict[str, Result] = {}
    again: dict[str, str] = {}
    kept = 0
    for student, submission in submissions.items():
        old = _load(book, student)
        new = Result(
            student,
            "waiting" if submission.notebook else "not-graded",
            book.master,
            submission.digest,
            variant(secret, book.name, student),
            "not graded yet: the grading was interrupted" if submission.notebook else submission.reason,
            late=submission.late,
            file=submission.file,
            intake=(*submission.notes, *_another_assignment(submission, book.name)),
        )
        changed = _changed(old, new)
        if old and old.state == "judged" and not changed and submission.notebook:
            _save(book, replace(old, late=new.late, file=new.file, intake=new.intake))
            kept += 1
            continue
        if old and old.state != "waiting" and changed:
            again[student] = changed
        _save(book, new)
        if submission.notebook:
            tasks[student] = new
    return tasks, again, kept


def _changed(old: Result | None, new: Result) -> str:
    if old is None:
        return ""
    what = {"the submission": "submission", "the assignment": "master", "the variant (another secret?)": "variant"}
    changed = [name for name, key in what.items() if getattr(old, key) != getattr(new, key)]
    return f"{' and '.join(changed)} changed" if changed else ""


def _another_assignment(submission: Submission, name: str) -> list[str]:
    head = submission.notebook.metadata.get("coursework") if submission.notebook else None
    other = head.get("name") if isinstance(head, dict) else None
    return [f"by its head it is a notebook of {other[:60]!r}"] if isinstance(other, str) and other != name else []


def _judge(
    book: Book,
    assignment: Assignment,
    submissions: Mapping[str, Submission],
    tasks: Mapping[str, Result],
    judge: Callable[..., Any],
    workers: int,
    limit: float,
    progress: Callable[[int, int, float | None], None] | None,
) -> None:
    report = progress or (lambda done, total, left: None)
    started = time.monotonic()
    report(0, len(tasks), None)
    work = ((student, (submissions[student].notebook, task.variant)) for student, task in tasks.items())
    finished = pool.run(judge, work, workers=min(workers, len(tasks)), limit=limit, common=(assignment,))
    with contextlib.closing(finished):
        for done, (student, verdict) in enumerate(finished, start=1):
            _save(book, _judged(book, tasks[student], verdict))
            left = (time.monotonic() - started) / done * (len(tasks) - done) if done >= min(workers, 4) else None
            report(done, len(tasks), left)


def _judged(book: Book, waiting: Result, verdict: Any) -> Result:
    """The result that a verdict makes; a verdict that cannot be right is the grader's failure, not the student's."""
    if isinstance(verdict, pool.Failed):
        return replace(waiting, state="failed", reason=f"the grader failed: {verdict}")
    for question, maximum in book.tests.items():
        score = verdict.scores.get(question)
        if not isinstance(score, int | float) or not 0 <= score <= maximum:
            return replace(
                waiting, state="failed", reason=f"the grader failed: {score!r} of {maximum:g} points for {question}"
            )
    return replace(
        waiting,
        state="judged",
        reason="",
        scores={question: float(verdict.scores[question]) for question in book.tests},
        failures={str(question): str(text) for question, text in sorted(verdict.failures.items())},
        notes=tuple(map(str, verdict.notes)),
        suspicious=bool(verdict.suspicious),
    )


def terminal_progress(stream: TextIO | None = None) -> Callable[[int, int, float | None], None]:
    """A ``progress`` that keeps one line of a terminal up to date; into a file, it writes a line for each tenth."""
    stream = stream or sys.stderr
    live = stream.isatty()
    tenth = -1

    def report(done: int, total: int, left: float | None) -> None:
        nonlocal tenth
        if not total:
            return
        text = f"{done}/{total} graded"
        if left is not None and done < total:
            text += f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"
        if live:
            stream.write(f"\r{text:<50}" + ("\n" if done == total else ""))
        elif done * 10 // total > tenth:
            tenth = done * 10 // total
            stream.write(f"{text}\n")
        stream.flush()

    return report


# The table ------------------------------------------------------------------------------------------------------------


def grade_rows(book: Book, roster: Roster) -> list[Row]:
    """One row for each student of the roster, from the results and the marks as they are now.

    Raises :class:`~coursework.marks.MarksError` if marks.csv cannot be used.
    """
    marks = _marks(book, roster)
    return [_row(book, student, _load(book, student.id), marks) for student in roster]


def _marks(book: Book, roster: Roster) -> dict[tuple[str, str], Mark]:
    students = {student.id for student in roster}
    for path in (book.out / "results").glob("*.json"):  # who left the class may still have marks
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            students.add(str(json.loads(path.read_bytes())["student"]))
    return read_marks(book.out / "marks.csv", students, book.maxima)


def _row(book: Book, student: Student, result: Result | None, marks: Mapping[tuple[str, str], Mark]) -> Row:
    own = {question: mark for (whose, question), mark in marks.items() if whose == student.id}
    hand = {question: mark.points for question, mark in own.items() if mark.points is not None}
    stale = result is not None and result.state == "judged" and result.master != book.master
    scores = result.scores if result and result.state == "judged" and not stale else {}
    points = {question: hand.get(question, scores.get(question)) for question in book.maxima}
    failures = result.failures if result else {}
    status = _status(book, result, stale, hand, points)
    notes = [*result.intake, result.reason, *result.notes] if result else []
    if stale:
        notes.append("graded before the assignment changed; give the submission again")
    if result and result.suspicious:
        notes.append("to be looked at by a person")
    if any(question in hand for question in book.tests) and scores:
        notes.append(f"marks by hand in place of the tests' for {', '.join(q for q in book.tests if q in hand)}")
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
    )


def _status(
    book: Book, result: Result | None, stale: bool, hand: Mapping[str, float], points: Mapping[str, float | None]
) -> str:
    complete = all(value is not None for value in points.values())
    if result is None or result.state in ("not-graded", "waiting"):
        if all(question in hand for question in book.maxima):  # marked in person, or on paper
            return "graded"
        return "missing" if result is None else "not-graded"
    doubtful = result.state == "failed" or result.suspicious or stale
    if doubtful and not all(question in hand for question in book.tests):
        return "check"
    return "graded" if complete else "needs-manual"


def _write(book: Book, roster: Roster) -> list[Row]:
    """Add the rows that marks.csv lacks, and write grades.csv."""
    rows = grade_rows(book, roster)
    marks = _marks(book, roster)
    wanted = [
        (row.student.id, question)
        for question in book.maxima
        for row in rows
        if (question in book.manual and row.status in ("needs-manual", "check", "graded")) or row.status == "check"
    ]
    append_rows(book.out / "marks.csv", [key for key in wanted if key not in marks])
    atomic_write(book.out / "grades.csv", table(grade_table(book, rows), bom=True))
    return rows


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


def _write_unmatched(book: Book, submissions: Mapping[str, Submission]) -> None:
    rows = [[neutralise(one.file), neutralise(one.reason)] for one in getattr(submissions, "unmatched", ())]
    atomic_write(book.out / "unmatched.csv", table([["file", "reason"], *rows], bom=True))
