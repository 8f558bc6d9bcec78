"""What is a submission worth?

The student's cells run in the sandbox, the assignment's tests beside it, on plain data: variables that a test reads are
fetched, functions that it calls are called inside. All visible tests run first, then the tests with their hidden parts:
what a student's code learns from hidden tests cannot come out in the message of a visible one.
"""

import atexit
import builtins
import functools
import os
import re
import symtable
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from coursework.judging.trusted_process import Examiner, ExaminerStopped
from coursework.masters.reading import NUMBER, TESTED_WITH, Assignment, Cell, Question, grade_id, number_in, set_variant
from coursework.sandbox import wire
from coursework.sandbox.sandbox import CALLABLE, DEFAULT, Limits, Sandbox, Stopped, StudentError, shown

HIDDEN_FAILED = "a hidden test failed"
HIDDEN_SLOW = "a hidden test failed: it took too long"
OTHER_NUMBER = "this notebook has another number than yours"
MAX_CELLS = 1000
MAX_SOURCE = 2_000_000


class JudgeError(RuntimeError):
    """The assignment cannot be graded here: its own setup fails. No student is to blame."""


@dataclass(frozen=True)
class Verdict:
    """What the tests found.

    `scores` has the points of each test cell, by its grade id; `failures` says why one has none; `notes` tell what is
    unusual. Every text is one line, printable, and can be shown to the student. `suspicious`: a person should look,
    since something was stopped, or the notebook was made for another student.
    """

    scores: dict[str, float]
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    suspicious: bool = False


@dataclass(frozen=True)
class Step:
    """One cell to run: the master's (`setup`), or the student's."""

    label: str
    source: str
    setup: bool
    answer: str | None = None


def judge(
    assignment: Assignment,
    notebook: NotebookNode,
    variant: int,
    *,
    limits: Limits = DEFAULT,
    cache: Path | None = None,
    everyone: int | None = None,
) -> Verdict:
    """Run a submission in the sandbox and the assignment's tests beside it.

    `variant` is this student's number; `everyone`, where given, the one that the whole class had. `cache` is a folder
    that :func:`prepare` has filled.

    Raises
    ------
    JudgeError
        If the assignment's own setup fails.
    SandboxMissing
        If there is no sandbox.
    """
    return _judge(assignment, notebook, variant if everyone is None else everyone, _Setting(limits, cache))


def prepare(assignment: Assignment, cache: Path, *, limits: Limits = DEFAULT) -> Verdict:
    """Run the solution once, and keep in the folder `cache` what Python and JAX compile for it.

    Submissions then start sooner; they read the folder and cannot write to it.

    Raises
    ------
    JudgeError
        If the solution does not earn every automatic point: then nobody would.
    """
    for name in ("jax", "matplotlib", "python"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    verdict = _judge(assignment, assignment.solution(), 0, _Setting(limits, cache, writable=True))
    _forget_examiner()
    if verdict.failures:
        failures = "; ".join(f"{question}: {failure}" for question, failure in verdict.failures.items())
        raise JudgeError(f"the solution of {assignment.name} fails its own tests here: {failures}")
    return verdict


@dataclass(frozen=True)
class _Setting:
    """What all submissions share."""

    limits: Limits
    cache: Path | None
    writable: bool = False


def _judge(assignment: Assignment, notebook: NotebookNode, variant: int, setting: _Setting) -> Verdict:
    start = time.monotonic()
    steps, notes, reason = plan(assignment, notebook, variant)
    if reason:
        failures = {question.grade_id: reason for question in assignment.questions}
        return Verdict(dict.fromkeys(failures, 0.0), [reason], failures, time.monotonic() - start, True)
    session = _Session(steps, setting)
    try:
        tests = _Tests(_setup(assignment, variant), setting)
        session.start()
        failures = {}
        for question in assignment.questions:
            failure = _test(session, tests, question, question.visible)
            if failure is not None:
                failures[question.grade_id] = failure
        for question in assignment.questions:
            if question.grade_id in failures or question.source == question.visible:
                continue
            failure = _test(session, tests, question, question.source)
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
    return Verdict(scores, notes + session.notes, failures, time.monotonic() - start, session.suspicious or other)


# ------------------------------------------------------------------------------------------------ what is run, in order


def plan(assignment: Assignment, notebook: NotebookNode, variant: int) -> tuple[list[Step], list[str], str]:
    """The cells to run, what is unusual about the notebook, and why it cannot be run at all (or nothing).

    The setup is the master's, and so are the tests; of the notebook only the other code cells count. Setup cells run
    where the notebook has them, those that it lacks first.
    """
    cells = [(number, *_cell(cell)) for number, cell in enumerate(notebook.get("cells", []), start=1)]
    code = [(number, name, source) for number, kind, name, source, _ in cells if kind == "code"]
    if len(cells) > MAX_CELLS or sum(len(source) for _, _, source in code) > MAX_SOURCE:
        return [], [], f"the notebook has more than {MAX_CELLS} cells or {MAX_SOURCE} characters of code"
    released = {str(grade_id(cell)): cell for cell in assignment.release(variant).cells if grade_id(cell)}
    position = {name: number for number, name in enumerate(released)}
    setup = [(position[cell.grade_id], cell) for cell in _setup(assignment, variant)]
    locked = {name: released[name].source.strip() for name in released if _is_locked_code(released[name])}
    by_source = {source: name for name, source in locked.items()}
    present = [name for _, _, name, _, _ in cells if name is not None]
    steps: list[Step] = []

    def set_up(until: float) -> None:
        while setup and setup[0][0] <= until:
            cell = setup.pop(0)[1]
            steps.append(Step(f"setup {cell.grade_id}", cell.source, True))

    set_up(max((number for number, cell in setup if cell.grade_id not in present), default=-1))
    for number, name, source in code:
        known = name if name in locked else by_source.get(source.strip())
        if known is not None:
            set_up(position[known] if not _is_test(released[known]) else -1)
            continue
        set_up(position.get(name or "", -1))
        label = f"cell {number} ({shown(name, 60)})" if name else f"cell {number}"
        steps.append(Step(label, source, False, name))
    set_up(float("inf"))
    return steps, _remarks(assignment, cells, released, locked, present), ""


def _remarks(
    assignment: Assignment, cells: list[tuple], released: dict, locked: dict[str, str], present: list[str]
) -> list[str]:
    """What is unusual about a notebook's cells."""
    notes = []
    missing = [name for name in released if name not in present]
    if len(missing) == len(released):
        notes.append("no cell has the assignment's metadata")
    elif missing:
        notes.append(f"cells missing: {', '.join(missing)}")
    twice = [name for name in released if present.count(name) > 1]
    if twice:
        notes.append(f"cells more than once: {', '.join(twice)}")
    originals = {*locked.items(), *((question.grade_id, question.source.strip()) for question in assignment.questions)}
    edited = [
        name
        for _, _, name, source, _ in cells
        if name in locked
        and (name, source.strip()) not in originals
        and not (name == "variant" and _unnumbered(source) == _unnumbered(locked[name]))  # that is told for itself
    ]
    if edited:
        notes.append(f"locked cells edited, the originals were used: {', '.join(dict.fromkeys(edited))}")
    points = [
        name
        for _, _, name, _, points in cells
        if name in released and points != released[name].metadata["nbgrader"].get("points")
    ]
    if points:
        notes.append(f"points other than those of the assignment, which count: {', '.join(dict.fromkeys(points))}")
    return [shown(note) for note in notes]


def _unnumbered(source: str) -> str:
    return NUMBER.sub("VARIANT", source.strip())


def _cell(cell: Any) -> tuple[str, str | None, str, Any]:
    """Kind, grade id, source and points of a student's cell, whatever it holds."""
    if not isinstance(cell, dict):
        return "", None, "", None
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    name = grade_id(cell)
    return str(cell.get("cell_type")), name, source, cell["metadata"]["nbgrader"].get("points") if name else None


def _setup(assignment: Assignment, variant: int) -> list[Cell]:
    """The setup cells with this student's number."""
    return [
        Cell(cell.grade_id, set_variant(cell.source, variant) if cell.grade_id == "variant" else cell.source)
        for cell in assignment.setup
    ]


def _is_locked_code(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and not cell.metadata["nbgrader"]["solution"]


def _is_test(cell: NotebookNode) -> bool:
    return bool(cell.metadata["nbgrader"]["grade"])


# ------------------------------------------------------------------------------------------------- the student's cells


class _Session:
    """A submission's sandbox: started, and started again without the guilty cell when one ends it."""

    def __init__(self, steps: list[Step], setting: _Setting) -> None:
        self.steps, self.setting = steps, setting
        self.skip: set[int] = set()
        self.notes: list[str] = []
        self.errors: dict[str, str] = {}
        self.suspicious = False
        self.starts = 0
        self.deadline = time.monotonic() + setting.limits.total
        self.sandbox: Sandbox | None = None

    def start(self) -> None:
        """Run all cells; afterwards `sandbox` is None if the notebook ends every one."""
        self.close()
        limits = self.setting.limits
        while self.starts <= limits.restarts and time.monotonic() < self.deadline:
            self.starts += 1
            self.sandbox = Sandbox(
                limits, deadline=self.deadline, cache=self.setting.cache, writable=self.setting.writable
            )
            if all(self._step(index) for index in range(len(self.steps)) if index not in self.skip):
                return
            self.close()
        self.stopped("the notebook", "ended the sandbox again and again, or used up its time: nothing more was run")

    def _step(self, index: int) -> bool:
        """Run a cell; whether the sandbox is still there."""
        step = self.steps[index]
        assert self.sandbox is not None
        before = [number for number in range(index) if not self.steps[number].setup and number not in self.skip]
        try:
            self.sandbox.run(step.source)
        except StudentError as error:
            if step.setup and not before:
                raise JudgeError(f"{step.label} of the assignment fails in the sandbox: {error}") from error
            if self.starts == 1:
                self.notes.append(shown(f"{step.label}: {error}"))
            if step.answer:
                self.errors.setdefault(step.answer, f"its cell stopped with {error}")
        except Stopped as stop:
            if step.setup and not before:
                raise JudgeError(f"{step.label} of the assignment does not end in the sandbox: {stop}") from stop
            # the setup is not to blame: the student's cell before it has left something running
            guilty = before[-1] if step.setup else index
            self.skip.add(guilty)
            self.stopped(self.steps[guilty].label, str(stop))
            if self.steps[guilty].answer:
                self.errors[str(self.steps[guilty].answer)] = f"its cell {stop}"
            return stop.alive
        return True

    def stopped(self, label: str, reason: str) -> None:
        """Remember that something was stopped."""
        self.suspicious = True
        self.notes.append(shown(f"{label}: {reason}"))

    def close(self) -> None:
        """End the sandbox."""
        if self.sandbox is not None:
            self.sandbox.close()
            self.sandbox = None


# ------------------------------------------------------------------------------------------------------------ the tests


class _Tests:
    """The tests' process, ready for one submission; started again where a test has ended it."""

    def __init__(self, setup: list[Cell], setting: _Setting) -> None:
        self.setup, self.setting = tuple((cell.grade_id, cell.source) for cell in setup), setting
        self.examiner: Examiner | None = None
        self.names: set[str] = set()
        self.ready()

    def ready(self) -> Examiner:
        """The process, with the setup run."""
        if self.examiner is None:
            examiner = _examiner(self.setting)
            try:
                self.names = examiner.prepare(self.setup)
            except (ValueError, ExaminerStopped) as error:
                _forget_examiner()
                raise JudgeError(f"the assignment's setup fails: {error}") from error
            self.examiner = examiner
        return self.examiner

    def forget(self) -> None:
        """End the process."""
        self.examiner = None
        _forget_examiner()


_here = threading.local()  # one process of tests a thread: it ends with the thread that has started it


def _examiner(setting: _Setting) -> Examiner:
    """This thread's process of tests. A process made by fork starts its own."""
    key = (os.getpid(), setting)
    if getattr(_here, "key", None) != key:
        _forget_examiner()
        _here.key, _here.examiner = key, Examiner(setting.limits, setting.cache, writable=setting.writable)
        atexit.register(_here.examiner.close)
    return _here.examiner


def _forget_examiner() -> None:
    if getattr(_here, "key", None) is not None and _here.key[0] == os.getpid():
        _here.examiner.close()
        atexit.unregister(_here.examiner.close)
    _here.key = _here.examiner = None


def _test(session: _Session, tests: _Tests, question: Question, source: str) -> str | None:
    """Why a test fails; None if it passes."""
    if session.sandbox is None or time.monotonic() > session.deadline:
        session.suspicious = True
        return "not tested: the notebook ended the sandbox again and again, or used up its time"
    sandbox = session.sandbox
    ended: list[tuple[str, Stopped]] = []
    examiner = tests.ready()
    nan = bool(re.search(r"\b(isnan|equal_nan)\b", question.source))  # other tests may be passed by NaN, by mistake

    def call(name: str, raw: bytes) -> tuple:
        try:
            return ("value", sandbox.forward(name, raw, nan=nan))
        except StudentError as error:
            return ("error", str(error), error.kind)
        except wire.Refused as error:
            return ("error", f"an argument of `{name}` {error}", "TypeError")
        except Stopped as stop:
            ended.append((f"`{name}`", stop))
            return ("stopped",)

    values, functions = {}, []
    failure: str | None
    try:
        for name in sorted(free_names(source) - tests.names):
            value = sandbox.fetch(name, nan=nan)
            if value is CALLABLE:
                functions.append(name)
            else:
                values[name] = value
        failure = examiner.run(source, values, functions, call)
    except StudentError as error:
        because = [session.errors[answer] for answer in question.answers if answer in session.errors]
        failure = shown(f"{error}: {because[0]}" if because and error.kind == "NameError" else str(error))
    except Stopped as stop:
        ended.append(("reading what the test needs", stop))
    except ExaminerStopped as error:
        tests.forget()
        session.stopped(question.grade_id, str(error))
        failure = str(error)
    for what, stopped in ended:
        failure = shown(f"{what} {stopped}")
        session.stopped(question.grade_id, failure)
        if not stopped.alive:
            session.start()
    return failure


@functools.cache
def free_names(source: str) -> frozenset[str]:
    """The names that a piece of Python reads and neither defines nor finds among Python's own.

    >>> sorted(free_names("import numpy as np; assert np.sum([f(i) for i in range(n)]) > 0"))
    ['f', 'n']
    """
    module = symtable.symtable(source, "<test>", "exec")
    own = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read = {
        symbol.get_name()
        for table in _tables(module)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is module or symbol.is_global())
    }
    return frozenset(read - own - set(dir(builtins)))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
