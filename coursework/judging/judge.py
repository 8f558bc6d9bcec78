"""What is a submission worth?

The student's cells run in the sandbox, the assignment's tests beside it, on plain data: variables that a test reads are
fetched, functions that it calls are called inside. All visible tests run first, then the tests with their hidden parts:
what a student's code learns from hidden tests cannot come out in the message of a visible one.
"""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from coursework.judging.cell_order import plan, setup_cells
from coursework.judging.session import Session
from coursework.judging.setting import Cache, JudgeError, Setting, limits_of
from coursework.judging.tests import ReadyTests, failure_of, forget_process
from coursework.masters.assignment import Assignment
from coursework.masters.identity import TESTED_WITH, number_in
from coursework.sandbox.limits import Limits
from coursework.sandbox.usage import busy

HIDDEN_FAILED = "a hidden test failed"
HIDDEN_SLOW = "a hidden test failed: it took too long"
SEEN, OWN = "seen", "own"  # what submissions see of what was compiled, and what only the examiner does
OTHER_NUMBER = "this notebook has another number than yours"


@dataclass(frozen=True)
class Verdict:
    """What the tests found.

    `scores` has the points of each test cell, by its grade id; `failures` says why one has none; `notes` tell what is
    unusual. Every text is one line, printable, and can be shown to the student. `suspicious`: a person should look,
    since something was stopped, or the notebook was made for another student. `struck` has the master's limits that
    stopped something, or may have; `used` how much of each was used.
    """

    scores: dict[str, float]
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    suspicious: bool = False
    struck: tuple[str, ...] = ()
    used: dict[str, float] = field(default_factory=dict, compare=False)  # measured: never twice the same


def judge(
    assignment: Assignment,
    notebook: NotebookNode,
    variant: int,
    *,
    limits: Limits | None = None,
    cache: Path | None = None,
    everyone: int | None = None,
    strange: bool = False,
) -> Verdict:
    """Run a submission in the sandbox and the assignment's tests beside it.

    Args:
        assignment: the master, which the tests and the setup come from.
        notebook: what was handed in; it may hold anything.
        variant: this student's number.
        limits: what it may use, in place of what the master declares.
        cache: a folder that :func:`prepare` has filled.
        everyone: the number that the whole class had, where that was so.
        strange: whether setup and tests are no more trusted than the submission.

    Raises:
        JudgeError: if the assignment's own setup fails.
        SandboxMissing: if there is no sandbox.
    """
    seen, own = (Cache(), Cache()) if cache is None else (Cache(cache / SEEN), Cache(cache / OWN))
    return _judge(
        assignment,
        notebook,
        variant if everyone is None else everyone,
        Setting(limits or limits_of(assignment.allowance), seen, own, strange),
    )


def prepare(assignment: Assignment, cache: Path, *, limits: Limits | None = None) -> Verdict:
    """Run the solution and the released notebook once, and keep in `cache` what Python and JAX compile for them.

    Submissions then start sooner. They read what the released notebook compiled and cannot write to it; what the
    solution and the hidden tests compiled is in a folder that they do not see.

    Raises:
        JudgeError: if the solution does not earn every automatic point: then nobody would.
    """
    limits = limits or limits_of(assignment.allowance)
    seen, own = cache / SEEN, cache / OWN
    for folder in (seen, own):
        for name in ("jax", "matplotlib", "python"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    examiner = Cache(own, writable=True)
    verdict = _judge(assignment, assignment.solution(), 0, Setting(limits, examiner, examiner))
    if not verdict.failures:
        _judge(assignment, assignment.release(), 0, Setting(limits, Cache(seen, writable=True), examiner))
    forget_process()
    if verdict.failures:
        failures = "; ".join(f"{question}: {failure}" for question, failure in verdict.failures.items())
        times = busy()
        slow = f"; other programs make this machine some {times:.0f} times slower now" if times > 2 else ""
        raise JudgeError(f"the solution of {assignment.name} fails its own tests here: {failures}{slow}")
    return verdict


def _judge(assignment: Assignment, notebook: NotebookNode, variant: int, setting: Setting) -> Verdict:
    start = time.monotonic()
    steps, notes, reason = plan(assignment, notebook, variant)
    if reason:
        failures = {question.grade_id: reason for question in assignment.questions}
        return Verdict(dict.fromkeys(failures, 0.0), [reason], failures, time.monotonic() - start, True)
    session = Session(steps, setting)
    try:
        tests = ReadyTests(setup_cells(assignment, variant), setting)
        session.start()
        failures = {}
        for question in assignment.questions:
            failure = failure_of(session, tests, question, question.visible)
            if failure is not None:
                failures[question.grade_id] = failure
        for question in assignment.questions:
            if question.grade_id in failures or question.source == question.visible:
                continue
            failure = failure_of(session, tests, question, question.source)
            if failure is not None:
                slow = re.search(r"took more than [\d.e+]+ s\b|used up the time for all", failure)
                failures[question.grade_id] = HIDDEN_SLOW if slow else HIDDEN_FAILED
    finally:
        session.close()
    scores = {question.grade_id: question.points for question in assignment.questions}
    scores.update(dict.fromkeys(failures, 0.0))
    number, wanted = number_in(notebook), number_in(assignment.release(variant))
    other = None not in (number, wanted) and number != wanted
    if other:
        notes.append(f"the number in it is {number}, not {wanted}{TESTED_WITH}")
        failures = {question: f"{failure} ({OTHER_NUMBER})" for question, failure in failures.items()}
    return Verdict(
        scores,
        notes + session.notes,
        failures,
        time.monotonic() - start,
        session.suspicious or other,
        tuple(sorted(session.struck)),
        dict(session.most),
    )
