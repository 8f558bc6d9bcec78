"""What does a student's notebook pass of the tests that it holds? The same asserts that the grader begins with."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from coursework.intake.delivery import MAX_FILE, Unreadable
from coursework.intake.notebook_reader import read_notebook
from coursework.intake.student_names import NOTEBOOK
from coursework.judging.judge import judge
from coursework.judging.setting import limits_of
from coursework.masters.assignment import Assignment
from coursework.masters.cells import fingerprint_of, grade_id, source_of
from coursework.masters.identity import name_in
from coursework.masters.reading import parse
from coursework.sandbox.walls import SandboxMissing, require
from coursework.text import one_line

EDITED = "locked cells edited; the grader runs the originals, so what you changed there is lost: "


@dataclass(frozen=True)
class Check:
    """`results` says for each test cell what is wrong, None if nothing is; `sandboxed`, whether bubblewrap was used."""

    assignment: Assignment
    results: dict[str, str | None]
    notes: list[str]
    sandboxed: bool

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return not any(self.results.values())

    def __str__(self) -> str:
        points = {question.grade_id: question.points for question in self.assignment.questions}
        lines = [self.assignment.title]
        for name, failure in self.results.items():
            lines.append(
                f"  {'ok     ' if failure is None else 'not yet'} {name} ({points[name]:g})  {failure or ''}".rstrip()
            )
        lines += [f"  note: {note}" for note in self.notes]
        if self.assignment.manual:
            names = ", ".join(f"{question.grade_id} ({question.points:g})" for question in self.assignment.manual)
            lines.append(f"  read by a person: {names}")
        if any(question.source != question.visible for question in self.assignment.questions):
            lines.append("These are all tests, the hidden ones too: this is a solution.")
        else:
            lines.append("These are the tests in the notebook. The grader has more of them, with other numbers.")
        if not self.sandboxed:
            lines.append(
                "It ran without bubblewrap, as Jupyter runs it and with all of your rights: check only notebooks that "
                "you trust. The grader's limits were not tried, nor whether your answers are "
                "numbers, text, lists, tuples, dicts or arrays of numbers, which are all that it takes."
            )
        return "\n".join(lines)


def read_own(path: Path) -> NotebookNode:
    """A notebook as the grader reads it, .ipynb or what browsers make of that ending; or a text notebook.

    Raises:
        ValueError: if there is no such file, it is larger than the grader takes, or it is no notebook.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.stat().st_size > MAX_FILE:
        size, most = path.stat().st_size / 1e6, MAX_FILE / 1e6
        raise ValueError(f"{path}: {size:.1f} MB; the grader takes {most:g} MB: clear the outputs and save it")
    if NOTEBOOK.search(path.name):
        try:
            return read_notebook(path.read_bytes())
        except Unreadable as reason:
            raise ValueError(f"{path}: not a notebook that the grader reads: {reason}") from None
    try:
        notebook = jupytext.read(path)
    except Exception as error:  # the readers raise what they like
        raise ValueError(f"{path}: not a notebook: {one_line(error)}") from error
    for cell in notebook.cells:
        cell.source = source_of(cell)
    return notebook


def edited(notebook: NotebookNode) -> list[str]:
    """The locked cells of code that are not as they were released; the grader uses the originals."""
    was = notebook.metadata.get("coursework", {}).get("locked")
    if not isinstance(was, dict):
        return []
    named = [(str(grade_id(cell)), fingerprint_of(cell)) for cell in notebook.cells]
    return [name for name, now in named if was.get(name, now) != now]


def check(path: Path, **given: float | None) -> Check:
    """Run a notebook and the tests in it: in the sandbox where there is one, else as Jupyter would.

    Args:
        path: the notebook.
        given: limits in place of those that it declares: `seconds`, `total`, `memory`.

    Raises:
        MasterError: if the notebook is not one of an assignment.
        ValueError: if the file is no notebook.
    """
    notebook = read_own(Path(path))
    assignment = parse(notebook, name_in(notebook) or "notebook", str(path), released=True)
    allowance = assignment.allowance.changed(**given)
    assignment = dataclasses.replace(assignment, allowance=allowance)
    changed = edited(notebook)
    notes = [one_line(EDITED + ", ".join(changed))] if changed else []
    try:
        require()
    except SandboxMissing:
        return Check(assignment, _in_kernel(notebook, assignment), notes, False)
    verdict = judge(assignment, notebook, 0, strange=True)  # they are what stands in the file
    results = {question.grade_id: verdict.failures.get(question.grade_id) for question in assignment.questions}
    return Check(assignment, results, notes + verdict.notes, True)


def _in_kernel(notebook: NotebookNode, assignment: Assignment) -> dict[str, str | None]:
    """The test cells' errors after running the notebook in a kernel, without limits but on time."""
    from nbclient import NotebookClient

    limits = limits_of(assignment.allowance)
    seconds = int(limits.cell * limits.patience) + 1
    client = NotebookClient(
        notebook, timeout=seconds, interrupt_on_timeout=True, allow_errors=True, kernel_name="python3"
    )
    client.execute()
    names = {question.grade_id for question in assignment.questions}
    results: dict[str, str | None] = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        if name in names and name not in results:
            errors = [output for output in cell.outputs if output.output_type == "error"]
            results[name] = one_line(_message(errors[0])) if errors else None
    return results


def _message(error: NotebookNode) -> str:
    if error.ename == "AssertionError":
        return error.evalue or "failed"
    return f"{error.ename}: {error.evalue}"
