"""Grading a class: every submission judged once, in processes side by side, and all tables of the folder written."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from coursework.files import atomic_write
from coursework.gradebook import workers as pool
from coursework.gradebook.due import plan_run
from coursework.gradebook.folder import (
    Gradebook,
    GradebookError,
    Result,
    locked,
    read_result,
    start_gradebook,
    write_result,
)
from coursework.gradebook.grades import ACCEPT, STATUSES, Row, grade_rows, grade_table, marks_of
from coursework.gradebook.marks import append_rows
from coursework.gradebook.summary import Summary
from coursework.gradebook.written_answers import write_marking
from coursework.intake.collect import Submission
from coursework.intake.roster import Roster
from coursework.masters.assignment import Assignment
from coursework.tables import TableError, read_table, table
from coursework.text import guarded_line

LIMIT = 900.0  # seconds for one submission; the judge has limits of its own, this one is for the judge


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

    A submission counts as judged before if neither it nor the assignment nor the student's variant has changed, nor
    a limit that could change its points. What is known is on disk as soon as it is known: after an interruption,
    the same call goes on where it was. Results of earlier deliveries stay, until another submission of the same
    student comes; one that was replaced so does not count again, and a file that cannot be read replaces none that
    could. Marks by hand are for the answer for which they were given: for another one marks.csv gets a new row.

    Args:
        assignment: the master.
        submissions: what :func:`coursework.intake.collect.collect` returns.
        roster: the class.
        out: the folder for the grades of this assignment.
        judge: ``judge(assignment, notebook, variant) -> Verdict``, a function that other processes can import.
        secret: what variants follow from (:func:`coursework.masters.variants.variant`).
        workers: processes side by side; as many as there are cores by default. 0: in this process, for debugging.
        progress: called with the number judged, the number to judge, and the seconds left (None as long as they are
            unknown).
        limit: seconds after which a submission is given up (status check).

    Raises:
        GradebookError: if `out` holds another assignment's grades or another run is at it, or a submission's student
            is not in the roster.
        MarksError: if marks.csv cannot be used; nothing is graded then.
    """
    out = Path(out)
    strangers = [student for student in submissions if student not in roster]
    if strangers:
        raise GradebookError(f"submissions of students who are not in the roster: {', '.join(strangers[:5])}")
    with locked(out):
        book = start_gradebook(assignment, out)
        marks = marks_of(book, roster)  # an error in it should show now, not after the grading
        _write_unmatched(book, submissions)
        plan = plan_run(book, assignment, submissions, secret, marks)
        try:
            _judge(
                book,
                assignment,
                submissions,
                plan.tasks,
                judge,
                (os.cpu_count() or 1) if workers is None else workers,
                limit,
                progress,
            )
        finally:
            results = [result for student in roster if (result := read_result(book, student.id))]
            numbers = _numbers(book.out, [result.student for result in results])
            rows = _write(book, roster, numbers)
            written = [(numbers[result.student], result.written) for result in results if result.written]
            write_marking(assignment, written, book.out / "marking")
    statuses = Counter(row.status for row in rows)
    return Summary(
        judged=len(plan.tasks),
        kept=plan.kept,
        again=plan.again,
        passed=plan.passed,
        statuses={status: statuses[status] for status in STATUSES},
        unmatched=len(getattr(submissions, "unmatched", ())),
        unmarked=sum(
            row.points[question] is None
            for row in rows
            if row.status in ("needs-manual", "check")
            for question in book.manual
        ),
        accept=sum(row.status == "check" and ACCEPT in _asked(book, row) for row in rows),
        stale=sum(row.status == "check" and row.stale for row in rows),
        idle=tuple(row.student.id for row in rows if row.idle),
        out=out,
    )


def _judge(
    book: Gradebook,
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
            write_result(book, _judged(book, tasks[student], verdict))
            left = (time.monotonic() - started) / done * (len(tasks) - done) if done >= min(workers, 4) else None
            report(done, len(tasks), left)


def _judged(book: Gradebook, waiting: Result, verdict: Any) -> Result:
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
        struck=tuple(map(str, getattr(verdict, "struck", ()))),
        used={str(name): float(value) for name, value in getattr(verdict, "used", {}).items()},
    )


def _numbers(out: Path, students: Collection[str]) -> dict[str, int]:
    """The numbers under which students are marked. Who has one keeps it, since marks.csv may show it."""
    path = out / "numbers.csv"
    try:
        rows = read_table(path).rows if path.exists() else ()
        numbers = {row["student"]: int(row["number"]) for row in rows}
    except (TableError, KeyError, ValueError) as error:
        raise GradebookError(
            f"{path}: wanted the columns number and student as they were written, got {error!r}; "
            "without the file students get new numbers"
        ) from None
    for student in students:
        numbers.setdefault(student, max(numbers.values(), default=0) + 1)
    atomic_write(path, table([["number", "student"], *([str(n), who] for who, n in numbers.items())], bom=True))
    return numbers


def _write(book: Gradebook, roster: Roster, numbers: Mapping[str, int]) -> list[Row]:
    """Add the rows that marks.csv lacks, and write grades.csv."""
    rows = grade_rows(book, roster)
    marks = marks_of(book, roster)
    wanted = [
        (row.student.id, row.labels[question])
        for question in (ACCEPT, *book.maxima)
        for row in rows
        if question in _asked(book, row)
    ]
    append_rows(book.out / "marks.csv", [key for key in wanted if key not in marks], numbers)
    atomic_write(book.out / "grades.csv", table(grade_table(book, rows), bom=True))
    return rows


def _asked(book: Gradebook, row: Row) -> set[str]:
    """The rows that marks.csv must have for a student: written questions; for one to be looked at, what settles it."""
    if row.status in ("missing", "not-graded"):
        return set()
    tested = all(row.points[question] is not None for question in book.tests)
    settle = set() if row.status != "check" else {ACCEPT} if tested else set(book.tests)
    return settle | set(book.manual)


def _write_unmatched(book: Gradebook, submissions: Mapping[str, Submission]) -> None:
    rows = [[guarded_line(one.file), guarded_line(one.reason)] for one in getattr(submissions, "unmatched", ())]
    atomic_write(book.out / "unmatched.csv", table([["file", "reason"], *rows], bom=True))
