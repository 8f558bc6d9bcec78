"""Grading a class: every submission judged once, in processes side by side; one file a student, one table of all.

The folder of an assignment's grades::

    assignment.json   what is graded: questions and points
    results/ID.json   what the tests found, one file a student, written when it is known
    marks.csv         marks given by hand; made once, only ever added to
    grades.csv        one row a student of the roster; made anew from the three above
    marking/Q.ipynb   the written answers to question Q, to read while marking; made anew
    unmatched.csv     files of the last delivery that belong to nobody in the roster
"""

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from coursework import workers as pool
from coursework.files import atomic_write, neutralise, private_folder, table
from coursework.intake import Submission
from coursework.marking import answers, printed_text, write_marking
from coursework.marks import append_rows
from coursework.master import Assignment
from coursework.results import (
    ACCEPT,
    STATUSES,
    Book,
    GradebookError,
    Result,
    Row,
    grade_rows,
    grade_table,
    load,
    marks_of,
    save,
    start_book,
)
from coursework.roster import Roster
from coursework.variants import variant

__all__ = ["GradebookError", "Summary", "grade_all", "terminal_progress"]

LIMIT = 900.0  # seconds for one submission; the judge has limits of its own, this one is for the judge


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
        if self.statuses.get("check"):
            lines.append(
                f"look at those to check: 1 for {ACCEPT!r} in {self.out / 'marks.csv'} lets the tests' points stand"
            )
        if self.unmarked:
            lines.append(f"{self.unmarked} marks to be given by hand in {self.out / 'marks.csv'}")
        if self.unmatched:
            lines.append(f"{self.unmatched} files belong to nobody in the roster: {self.out / 'unmatched.csv'}")
        return "\n".join(lines)


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
        book = start_book(assignment, out)
        marks = marks_of(book, roster)  # an error in it should show now, not after the grading
        _write_unmatched(book, submissions)
        tasks, again, kept = _plan(book, assignment, submissions, secret)
        for student in {student for (student, _), mark in marks.items() if mark.points is not None} & again.keys():
            again[student] += "; the marks by hand were given before that, look at them again"
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
            results = [result for student in roster if (result := load(book, student.id)) and result.written]
            write_marking(assignment, [(one.student, one.file, one.written) for one in results], book.out / "marking")
    statuses = Counter(row.status for row in rows)
    unmarked = sum(
        row.points[question] is None for row in rows if row.status == "needs-manual" for question in book.manual
    )
    unmatched = len(getattr(submissions, "unmatched", ()))
    return Summary(len(tasks), kept, again, {status: statuses[status] for status in STATUSES}, unmatched, unmarked, out)


def _plan(
    book: Book, assignment: Assignment, submissions: Mapping[str, Submission], secret: bytes
) -> tuple[dict[str, Result], dict[str, str], int]:
    """What is to be judged (results that wait for it), who is graded again and why, how many stay as they are."""
    tasks: dict[str, Result] = {}
    again: dict[str, str] = {}
    kept = 0
    printed = printed_text(assignment)
    for student, submission in submissions.items():
        old = load(book, student)
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
            written=answers(assignment, submission.notebook, printed) if submission.notebook else {},
        )
        changed = _changed(old, new)
        if old and old.state == "judged" and not changed and submission.notebook:
            save(book, replace(old, late=new.late, file=new.file, intake=new.intake))
            kept += 1
            continue
        if old and old.state != "waiting" and changed:
            again[student] = changed
        save(book, new)
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
            save(book, _judged(book, tasks[student], verdict))
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


def _write(book: Book, roster: Roster) -> list[Row]:
    """Add the rows that marks.csv lacks, and write grades.csv."""
    rows = grade_rows(book, roster)
    marks = marks_of(book, roster)
    wanted = [
        (row.student.id, question)
        for question in (ACCEPT, *book.maxima)
        for row in rows
        if question in _asked(book, row)
    ]
    append_rows(book.out / "marks.csv", [key for key in wanted if key not in marks])
    atomic_write(book.out / "grades.csv", table(grade_table(book, rows), bom=True))
    return rows


def _asked(book: Book, row: Row) -> set[str]:
    """The rows that marks.csv must have for a student: written questions; for one to be looked at, what settles it."""
    if row.status in ("missing", "not-graded"):
        return set()
    tested = all(row.points[question] is not None for question in book.tests)
    settle = set() if row.status != "check" else {ACCEPT} if tested else set(book.tests)
    return settle | set(book.manual)


def _write_unmatched(book: Book, submissions: Mapping[str, Submission]) -> None:
    rows = [[neutralise(one.file), neutralise(one.reason)] for one in getattr(submissions, "unmatched", ())]
    atomic_write(book.out / "unmatched.csv", table([["file", "reason"], *rows], bom=True))
