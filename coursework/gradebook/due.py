"""Which submissions are to be judged, which of them again, and which do not count?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from coursework.files import safe_name
from coursework.gradebook.folder import Gradebook, Result, read_result, write_result
from coursework.gradebook.grades import ACCEPT
from coursework.gradebook.marks import Marks, is_given, mark_row
from coursework.gradebook.other_limits import changed_limits, could_change
from coursework.gradebook.written_answers import PICTURES, answers_to
from coursework.intake.collect import Submission
from coursework.masters.assignment import Assignment
from coursework.masters.identity import name_in
from coursework.masters.variants import variant


@dataclass
class Plan:
    """What is to be judged (results that wait for it), whom it replaces and why, what does not count, how many stay."""

    tasks: dict[str, Result] = field(default_factory=dict)
    again: dict[str, str] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    kept: int = 0


def plan_run(
    book: Gradebook,
    assignment: Assignment,
    submissions: Mapping[str, Submission],
    secret: bytes,
    marks: Marks,
) -> Plan:
    """What a run has to do with a delivery.

    Every submission is on disk afterwards, waiting where it is to be judged.

    Args:
        book: the grades' folder.
        assignment: the master.
        submissions: by student.
        secret: what variants follow from.
        marks: those given by hand so far.
    """
    plan = Plan()
    released = assignment.release()
    for student, submission in submissions.items():
        old = read_result(book, student)
        if old and _passed_over(book, old, submission, marks, plan):
            continue
        written, notes = answers_to(assignment, submission.notebook, released) if submission.notebook else ({}, [])
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
            limits=assignment.allowance.as_data(),
            moment=(old.moment if old and old.submission == submission.digest else "") or submission.moment,
            delivered=submission.delivered,
        )
        if old and old.submission != new.submission:
            new = replace(new, earlier=(*old.earlier, old.submission), unread="")
        new = replace(new, marked=_marked(book, old, new, marks))
        changed = _changed(old, new) or _limits_changed(old, assignment)
        if old and old.state == "judged" and not changed and submission.notebook:
            told = {key: getattr(new, key) for key in ("late", "file", "intake", "written", "moment", "delivered")}
            write_result(book, replace(old, **told))
            plan.kept += 1
            continue
        if old and old.state != "waiting" and changed:
            plan.again[student] = changed + _marks_before(book, old, new, marks)
        write_result(book, new)
        if submission.notebook:
            plan.tasks[student] = new
    return plan


def _passed_over(book: Gradebook, old: Result, submission: Submission, marks: Marks, plan: Plan) -> bool:
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
        write_result(book, replace(new, marked={**old.marked, **_free(old, marks, [ACCEPT])}))
        plan.passed[old.student] = f"{submission.reason}; what was handed in before counts"
        return True
    return False


def _marked(book: Gradebook, old: Result | None, new: Result, marks: Marks) -> Mapping[str, int]:
    """The rows of marks.csv that are for a submission: where its answer is another, not those that are filled in."""
    if old and old.submission == new.submission:
        return old.marked
    same = {question for question in book.manual if old and _same(old.written.get(question), new.written.get(question))}
    others = [question for question in (*book.maxima, ACCEPT) if question not in same]
    return {**(old.marked if old else {}), **_free(old or new, marks, others)}


def _same(old: str | None, new: str | None) -> bool:
    return old == new and PICTURES not in (new or "")  # the text does not say whether the pictures are the same


def _free(result: Result, marks: Marks, questions: Iterable[str]) -> dict[str, int]:
    """For each question whose row is filled in, the number of the next one that is not."""
    rows = {}
    for question in questions:
        row = result.row(question)
        while is_given(marks, result.student, mark_row(question, row)):
            row += 1
        if row != result.row(question):
            rows[question] = row
    return rows


def _marks_before(book: Gradebook, old: Result, new: Result, marks: Marks) -> str:
    """What is to be said of the marks by hand of a submission that is graded again."""
    rows = [mark_row(q, new.row(q)) for q in (*book.maxima, ACCEPT) if new.row(q) != old.row(q)]
    if rows:
        return f"; the marks by hand were for the one before, now its rows are {', '.join(map(repr, rows))}"
    if old.submission == new.submission and any(
        is_given(marks, old.student, mark_row(q, old.row(q))) for q in book.maxima
    ):
        return "; the marks by hand were given before that, look at them again"
    return ""


def _changed(old: Result | None, new: Result) -> str:
    if old is None:
        return ""
    what = {"the submission": "submission", "the assignment": "master", "the variant (another secret?)": "variant"}
    changed = [name for name, key in what.items() if getattr(old, key) != getattr(new, key)]
    return f"{' and '.join(changed)} changed" if changed else ""


def _limits_changed(old: Result | None, assignment: Assignment) -> str:
    if old is None or old.state != "judged" or not could_change(old, assignment.allowance):
        return ""
    limits = changed_limits(old, assignment.allowance)
    return "a limit changed: " + ", ".join(f"{name} was {was:g}, is {now:g}" for name, (was, now) in limits.items())


def _another_assignment(submission: Submission, name: str) -> list[str]:
    other = name_in(submission.notebook) if submission.notebook else None
    return [f"by its head it is a notebook of {other[:60]!r}"] if other is not None and other != name else []
