"""Is a text notebook an assignment in order, and what is in it?

The master is a text notebook (MyST, as the chapters) with nbgrader's cell metadata:

====================  ====================================  ==========================================================
cell                  nbgrader's flags                      here
====================  ====================================  ==========================================================
setup (code)          locked                                run in the sandbox and beside the tests
setup `variant`       locked, ``grade_id: variant``         holds the line ``VARIANT = 0``, replaced for each student
answer (code)         solution                              ``### BEGIN SOLUTION`` … ``### END SOLUTION`` is cleared
test (code)           grade, locked, points                 asserts; ``### BEGIN HIDDEN TESTS`` … is not released
written (any)         grade, solution, points               model answer and rubric; graded by hand
text (Markdown)       none, or locked                       the questions
====================  ====================================  ==========================================================
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from coursework.masters.allowance import allowance_in
from coursework.masters.assignment import Assignment, Cell, Question
from coursework.masters.cells import HIDDEN, SOLUTION, grade_id, source_of, without

ASSIGNMENTS = Path(__file__).parents[1] / "assignments"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
FLAGS = ("grade", "solution", "locked", "task")


class MasterError(ValueError):
    """A master that cannot be used; the message names the file, the cell and the reason."""


def available(folder: Path = ASSIGNMENTS) -> list[str]:
    """The names of the masters in `folder`, sorted: of all its text files whose name can be one."""
    stems = (path.stem for path in Path(folder).glob("*.md"))
    return sorted(stem for stem in stems if NAME.fullmatch(stem) and stem != "readme")


def load(name: str, folder: Path = ASSIGNMENTS) -> Assignment:
    """Read `folder`/`name`.md and check it.

    Raises:
        MasterError: if there is no such master, or it cannot be released and graded as it is.
    """
    path = Path(folder) / f"{name}.md"
    if not NAME.fullmatch(name):
        rename = f" (rename {path.name})" if path.is_file() else ""
        raise MasterError(
            f"no assignment {name!r} in {folder}: a name has small letters, digits and '-' and begins with a letter or "
            f"a digit{rename}"
        )
    if not path.is_file():
        raise MasterError(f"no assignment {name!r} in {folder}: it has {', '.join(available(folder)) or 'none'}")
    try:
        notebook = jupytext.read(path)
    except Exception as error:  # jupytext's parsers raise what they like
        raise MasterError(f"{path}: cannot be read as a text notebook: {error}") from error
    for number, cell in enumerate(notebook.cells):
        cell.source = source_of(cell)
        cell.id = f"{name}-{number}"[-64:]  # not drawn at random: read or released twice, it is the same notebook
    return parse(notebook, name, str(path))


def parse(notebook: NotebookNode, name: str, where: str, *, released: bool = False) -> Assignment:
    """The assignment that a notebook holds.

    Args:
        notebook: a master, its cells with \\n at the ends of lines.
        name: the assignment's.
        where: what error messages call the notebook.
        released: whether it is what a student has: answers may hold anything, nothing is hidden, and there may be more
            cells.

    Raises:
        MasterError: if it is not one.
    """
    head = _head(notebook, where)
    if "kernelspec" not in notebook.metadata and not released:  # what a student's says is not asked
        raise MasterError(f"{where}: the notebook's metadata has no kernelspec")
    setup, questions, manual = [], [], []
    answers: list[str] = []  # the answer cells that the next tests are about
    tested = False
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        place = f"{where}: cell {number}"
        try:
            if released and grade_id(cell) is None:
                continue
            kind = _kind(cell)
            place += f" ({grade_id(cell)})" if kind != "text" else ""
            if kind != "text":
                if grade_id(cell) in seen:
                    if released:
                        continue
                    raise ValueError("its grade_id is that of an earlier cell")
                seen.add(str(grade_id(cell)))
            _regions(cell, kind, released)
            if kind == "setup":
                _setup(cell)
                setup.append(Cell(str(grade_id(cell)), cell.source))
            elif kind == "answer":
                answers = [*([] if tested else answers), str(grade_id(cell))]
                tested = False
            elif kind == "test":
                questions.append(_question(cell, tuple(answers)))
                tested = True
            elif kind == "written":
                if not released and "rubric:" not in cell.source.lower():
                    raise ValueError("no line 'Rubric:': a person has to grade by it")
                manual.append(_question(cell, ()))
        except ValueError as error:
            raise MasterError(f"{place}: {error}") from error
    if not questions and not manual:
        raise MasterError(f"{where}: no question: no cell has grade: true")
    try:
        allowance = allowance_in(notebook.metadata["coursework"].get("limits"))
    except ValueError as error:
        raise MasterError(f"{where}: coursework.{error}") from error
    return Assignment(name, *head, notebook, tuple(setup), tuple(questions), tuple(manual), allowance)


def _head(notebook: NotebookNode, where: str) -> tuple[str, int, tuple[str, ...], tuple[str, ...]]:
    """Title, minutes, chapters and objectives."""
    head = notebook.metadata.get("coursework")
    if not isinstance(head, dict):
        raise MasterError(
            f"{where}: the notebook's metadata has no 'coursework' with title, minutes, chapters, objectives"
        )
    for key, wanted in (("title", str), ("minutes", int), ("chapters", list), ("objectives", list)):
        if not isinstance(head.get(key), wanted) or not head[key]:
            raise MasterError(
                f"{where}: coursework.{key} is {head.get(key)!r}, wanted a {wanted.__name__} that is not empty"
            )
    return head["title"], head["minutes"], tuple(map(str, head["chapters"])), tuple(map(str, head["objectives"]))


def _kind(cell: NotebookNode) -> str:
    """setup, answer, test, written or text."""
    nbgrader = cell.metadata.get("nbgrader")
    if nbgrader is None:
        if cell.cell_type == "code":
            raise ValueError("a code cell without nbgrader's metadata: is it setup, answer or test?")
        return "text"
    if not isinstance(nbgrader, dict) or nbgrader.get("schema_version") != 3:
        raise ValueError("nbgrader's metadata must be a mapping with schema_version: 3")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", str(nbgrader.get("grade_id"))):
        raise ValueError(
            f"grade_id is {nbgrader.get('grade_id')!r}, wanted letters, digits, '-' and '_', 60 at the most"
        )
    flags = {flag: nbgrader.get(flag, False) for flag in FLAGS}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise ValueError(f"{', '.join(FLAGS)} must be true or false, got {flags}")
    if flags["task"]:
        raise ValueError("task cells are not supported: use a written cell (grade and solution true)")
    if flags["grade"]:
        points = nbgrader.get("points")
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < 1000:
            raise ValueError(f"points is {points!r}, wanted a number greater than 0 and less than 1000")
    if flags["grade"] and flags["solution"]:
        return "written"
    if flags["grade"]:
        if cell.cell_type != "code":
            raise ValueError("a test must be a code cell; a written answer has solution: true as well")
        if not flags["locked"]:
            raise ValueError("a test must be locked")
        return "test"
    if cell.cell_type == "markdown":
        if flags["solution"]:
            raise ValueError("a written answer needs grade: true and points")
        return "text"
    if flags["solution"]:
        return "answer"
    if not flags["locked"]:
        raise ValueError("a code cell is setup (locked), answer (solution) or test (grade and locked); this is none")
    return "setup"


def _regions(cell: NotebookNode, kind: str, released: bool) -> None:
    """Solutions stand in cells that are cleared, hidden tests in tests."""
    if released:
        return
    for markers, kinds in ((SOLUTION, ("answer", "written")), (HIDDEN, ("test",))):
        if without(cell.source, markers) != cell.source and kind not in kinds:
            raise ValueError(f"{markers[0]!r} in a cell that is no {' or '.join(kinds)}")
        phrase = markers[0].removeprefix("### ").replace("BEGIN ", "")
        if re.search(rf"(BEGIN|END) {phrase}", without(cell.source, markers)):
            raise ValueError(f"a marker that is misspelled: wanted {markers[0]!r} and {markers[1]!r}")
    if kind == "answer" and SOLUTION[0] not in cell.source:
        raise ValueError(f"an answer without {SOLUTION[0]!r} and {SOLUTION[1]!r}")


def _setup(cell: NotebookNode) -> None:
    _python(cell.source)
    if grade_id(cell) == "variant" and not re.search(r"^VARIANT = \d+[ \t]*(#.*)?$", cell.source, re.MULTILINE):
        raise ValueError("the variant cell needs the line 'VARIANT = 0'")


def _question(cell: NotebookNode, answers: tuple[str, ...]) -> Question:
    nbgrader = cell.metadata["nbgrader"]
    points = float(nbgrader["points"])
    if nbgrader["solution"]:
        return Question(nbgrader["grade_id"], points, cell.source, "", answers)
    visible = without(cell.source, HIDDEN)
    asserts = [node for node in _nodes(cell.source) if isinstance(node, ast.Assert)]
    _python(visible)
    if not asserts:
        raise ValueError("a test without an assert")
    for node in asserts:
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        if negated and any(isinstance(part, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for part in ast.walk(node.test)):
            raise ValueError(f"line {node.lineno}: 'assert not a > b' is true where a is NaN: write 'assert a <= b'")
    return Question(nbgrader["grade_id"], points, cell.source, visible, answers)


def _nodes(source: str) -> Iterator[ast.AST]:
    return ast.walk(_python(source))


def _python(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ValueError(
            f"line {error.lineno} is not plain Python: {error.msg} (setup and tests have no magics)"
        ) from error
