"""Grading a class: every submission judged once, in processes side by side; one file a student, one table of all.

The folder of an assignment's grades::

    assignment.json   what is graded: questions and points
    results/ID.json   what the tests found, one file a student, written when it is known
    numbers.csv       the number under which each student is marked; given once
    marks.csv         marks given by hand; made once, only ever added to
    grades.csv        one row a student of the roster; made anew from assignment, results and marks
    marking/Q.ipynb   the written answers to question Q, to read while marking; made anew
    unmatched.csv     files of the last delivery that belong to nobody in the roster
"""

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from coursework.files import TableError, atomic_write, neutralise, private_folder, read_table, safe_name, table
from coursework.gradebook import workers as pool
from coursework.gradebook.grades import (
    ACCEPT,
    STATUSES,
    Book,
    GradebookError,
    Result,
    Row,
    given,
    grade_rows,
    grade_table,
    load,
    marks_of,
    save,
    start_book,
)
from coursework.gradebook.marks import Mark, append_rows, mark_row
from coursework.gradebook.written_answers import PICTURES, answers, write_marking
from coursework.intake.collect import Submission
from coursework.intake.roster import Roster
from coursework.masters.reading import Assignment
from coursework.masters.variants import variant

__all__ = ["GradebookError", "Summary", "grade_all", "terminal_progress"]

LIMIT = 900.0  # seconds for one submission; the judge has limits of its own, this one is for the judge


@dataclass(frozen=True)
class Summary:
    """What a run did: how many it judged and kept, whom it graded again and why, how many there are of each status.

    ``passed`` says of whom what was delivered does not count, and why. Of those to check, ``accept`` is the number of
    those whose tests' points may be accepted, ``stale`` of those graded before the assignment changed; ``idle`` are the
    students with an accept and nothing to accept.
    """

    judged: int
    kept: int
    again: Mapping[str, str]
    passed: Mapping[str, str]
    statuses: Mapping[str, int]
    unmatched: int
    unmarked: int
    accept: int
    stale: int
    idle: tuple[str, ...]
    out: Path

    def __str__(self) -> str:
        lines = [f"{self.judged} graded now, {self.kept} graded before and unchanged"]
        lines += [f"graded again: {student}: {why}" for student, why in self.again.items()]
        lines += [f"not graded: {student}: {why}" for student, why in self.passed.items()]
        lines += [f"{count:5d} {status}" for status, count in self.statuses.items() if count]
        if self.accept:
            lines.append(
                f"look at those to check: 1 for {ACCEPT!r} in {self.out / 'marks.csv'} lets the tests' points stand"
                + (f" (of {self.accept} of them)" if self.accept < self.statuses["check"] else "")
            )
        if self.stale:
            lines.append(f"{self.stale} graded before the assignment changed: give their submissions to grade again")
        if failed := self.statuses["check"] - self.accept - self.stale:
            lines.append(f"{failed} could not be graded: grade again, or give marks in {self.out / 'marks.csv'}")
        if self.idle:
            lines.append(f"{ACCEPT!r} does nothing where no points of tests can stand: {', '.join(self.idle)}")
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
    earlier deliveries stay, until another submission of the same student comes; one that was replaced so does not count
    again, and a file that cannot be read replaces none that could. Marks by hand are for the answer for which they were
    given: for another one marks.csv gets a new row.

    Parameters
    ----------
    assignment, submissions, roster
        What to grade; ``submissions`` is what :func:`coursework.intake.collect` returns.
    out
        The folder for the grades of this assignment.
    judge
        ``judge(assignment, notebook, variant) -> Verdict``, a function that other processes can import.
    secret
        What variants follow from (:func:`coursework.masters.variants.variant`).
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
        plan = _plan(book, assignment, submissions, secret, marks)
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
            results = [result for student in roster if (result := load(book, student.id))]
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


@dataclass
class _Plan:
    """What is to be judged (results that wait for it), whom it replaces and why, what does not count, how many stay."""

    tasks: dict[str, Result] = field(default_factory=dict)
    again: dict[str, str] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    kept: int = 0


def _plan(
    book: Book,
    assignment: Assignment,
    submissions: Mapping[str, Submission],
    secret: bytes,
    marks: Mapping[tuple[str, str], Mark],
) -> _Plan:
    plan = _Plan()
    released = assignment.release()
    for student, submission in submissions.items():
        old = load(book, student)
        if old and _passed_over(book, old, submission, marks, plan):
            continue
        written, notes = answers(assignment, submission.notebook, released) if submission.notebook else ({}, [])
        new = Result(
            student,
            "waiting" if submission.notebook else "not-graded",
            book.master,
            submission.digest,
            variant(secret, book.name, student),
            "not graded yet: the grading was interrupted" if submission.notebook else submission.reason,
            late=submission.late,
            file=submission.file,
            intake=(*submission.notes, *_another_assignment(submission, book.name), *notes),
            written=written,
            earlier=old.earlier if old else (),
            unread=old.unread if old else "",
        )
        if old and old.submission != new.submission:
            new = replace(new, earlier=(*old.earlier, old.submission), unread="")
        new = replace(new, marked=_marked(book, old, new, marks))
        changed = _changed(old, new)
        if old and old.state == "judged" and not changed and submission.notebook:
            save(book, replace(old, late=new.late, file=new.file, intake=new.intake, written=new.written))
            plan.kept += 1
            continue
        if old and old.state != "waiting" and changed:
            plan.again[student] = changed + _marks_before(book, old, new, marks)
        save(book, new)
        if submission.notebook:
            plan.tasks[student] = new
    return plan


def _passed_over(
    book: Book, old: Result, submission: Submission, marks: Mapping[tuple[str, str], Mark], plan: _Plan
) -> bool:
    """Does what was delivered not count, since a later submission has replaced it or it cannot be read?"""
    if submission.digest in old.earlier:
        if old.unread and submission.reason == old.unread:
            plan.kept += 1
        else:
            where = f"results/{safe_name(old.student)}.json"
            plan.passed[old.student] = (
                f"another submission has replaced this one; to go back to it, remove {where} and grade it"
            )
        return True
    if submission.notebook is None and old.state != "not-graded":
        new = replace(old, unread=submission.reason, earlier=(*old.earlier, submission.digest))
        save(book, replace(new, marked={**old.marked, **_free(old, marks, [ACCEPT])}))
        plan.passed[old.student] = f"{submission.reason}; what was handed in before counts"
        return True
    return False


def _marked(book: Book, old: Result | None, new: Result, marks: Mapping[tuple[str, str], Mark]) -> Mapping[str, int]:
    """The rows of marks.csv that are for a submission: where its answer is another, not those that are filled in."""
    if old and old.submission == new.submission:
        return old.marked
    same = {question for question in book.manual if old and _same(old.written.get(question), new.written.get(question))}
    others = [question for question in (*book.maxima, ACCEPT) if question not in same]
    return {**(old.marked if old else {}), **_free(old or new, marks, others)}


def _same(old: str | None, new: str | None) -> bool:
    return old == new and PICTURES not in (new or "")  # the text does not say whether the pictures are the same


def _free(result: Result, marks: Mapping[tuple[str, str], Mark], questions: Iterable[str]) -> dict[str, int]:
    """For each question whose row is filled in, the number of the next one that is not."""
    rows = {}
    for question in questions:
        row = result.row(question)
        while given(marks, result.student, mark_row(question, row)):
            row += 1
        if row != result.row(question):
            rows[question] = row
    return rows


def _marks_before(book: Book, old: Result, new: Result, marks: Mapping[tuple[str, str], Mark]) -> str:
    """What is to be said of the marks by hand of a submission that is graded again."""
    rows = [mark_row(q, new.row(q)) for q in (*book.maxima, ACCEPT) if new.row(q) != old.row(q)]
    if rows:
        return f"; the marks by hand were for the one before, now its rows are {', '.join(map(repr, rows))}"
    if old.submission == new.submission and any(
        given(marks, old.student, mark_row(q, old.row(q))) for q in book.maxima
    ):
        return "; the marks by hand were given before that, look at them again"
    return ""


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


def _write(book: Book, roster: Roster, numbers: Mapping[str, int]) -> list[Row]:
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
