"""What is an assignment, and what do students get of it?

The master is a text notebook (MyST, as the chapters) with nbgrader's cell metadata:

====================  ====================================  ==========================================================
cell                  nbgrader's flags                      here
====================  ====================================  ==========================================================
setup (code)          locked                                run in the sandbox and beside the tests
setup ``variant``     locked, ``grade_id: variant``         holds the line ``VARIANT = 0``, replaced for each student
answer (code)         solution                              ``### BEGIN SOLUTION`` … ``### END SOLUTION`` is cleared
test (code)           grade, locked, points                 asserts; ``### BEGIN HIDDEN TESTS`` … is not released
written (any)         grade, solution, points               model answer and rubric; graded by hand
text (Markdown)       none, or locked                       the questions
====================  ====================================  ==========================================================
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode

ASSIGNMENTS = Path(__file__).parents[1] / "assignments"
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
VARIANT_LINE = re.compile(r"^VARIANT = 0[ \t]*(#.*)?$", re.MULTILINE)
NUMBER = re.compile(r"^VARIANT *= *(\d{1,10})\b", re.MULTILINE)
TESTED_WITH = ", with which it was tested"  # ends the note about a notebook that has another student's number
FLAGS = ("grade", "solution", "locked", "task")


class MasterError(ValueError):
    """A master that cannot be used; the message names the file, the cell and the reason."""


@dataclass(frozen=True)
class Cell:
    """A setup cell or an answer cell of the master."""

    grade_id: str
    source: str


@dataclass(frozen=True)
class Question:
    """A graded cell of the master: a test cell, or a written answer.

    `source` is the master's text, `visible` what of it students see, `answers` the ids of the answer cells that stand
    before this test and after the tests of other answers.
    """

    grade_id: str
    points: float
    source: str
    visible: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """A master that was read and found in order."""

    name: str
    title: str
    minutes: int
    chapters: tuple[str, ...]
    objectives: tuple[str, ...]
    notebook: NotebookNode
    setup: tuple[Cell, ...]
    questions: tuple[Question, ...]
    manual: tuple[Question, ...]

    @property
    def points(self) -> float:
        """The points that can be had, by tests and by hand."""
        return sum(question.points for question in self.questions + self.manual)

    def release(self, variant: int = 0) -> NotebookNode:
        """What a student gets: no solution, no model answer, no hidden test.

        >>> toy = load("toy", folder=Path("tests/coursework/toy"))
        >>> any("BEGIN" in cell.source for cell in toy.release().cells)
        False
        """
        notebook = self.solution(variant)
        for cell in notebook.cells:
            if is_solution(cell):
                stub = CODE_STUB if cell.cell_type == "code" else TEXT_STUB
                cleared = without(cell.source, SOLUTION, stub)
                cell.source = stub if cleared == cell.source else cleared
            cell.source = without(cell.source, HIDDEN)
            flags = cell.metadata.get("nbgrader", {})
            if flags.get("solution") or flags.get("grade") or flags.get("locked"):  # as nbgrader's LockCells
                cell.metadata["deletable"] = False
                if not flags.get("solution"):
                    cell.metadata["editable"] = False
        return notebook

    def solution(self, variant: int = 0) -> NotebookNode:
        """The master as a notebook, for one student's variant: it earns every automatic point."""
        if not 0 <= variant < 2**32:
            raise ValueError(f"variant is {variant}, wanted a number from 0 to 2**32 - 1")
        notebook = copy.deepcopy(self.notebook)
        for cell in notebook.cells:
            if grade_id(cell) == "variant":
                cell.source = set_variant(cell.source, variant)
        notebook.metadata["coursework"]["name"] = self.name
        for key in ("jupytext", "celltoolbar"):
            notebook.metadata.pop(key, None)
        return notebook


def set_variant(source: str, variant: int) -> str:
    """The variant cell's source for one student.

    >>> set_variant("VARIANT = 0  # yours", 12)
    'VARIANT = 12  # yours'
    """
    return VARIANT_LINE.sub(lambda line: line[0].replace("0", str(variant), 1), source, count=1)


def number_in(notebook: NotebookNode) -> int | None:
    """The number of the variant that a notebook holds, whatever else was done to it; None if it holds none.

    >>> number_in(load("toy", folder=Path("tests/coursework/toy")).release(12))
    12
    """
    code = [cell for cell in notebook.get("cells", []) if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    for cell in sorted(code, key=lambda cell: grade_id(cell) != "variant"):
        source = cell.get("source", "")
        if match := NUMBER.search("".join(map(str, source)) if isinstance(source, list) else str(source)):
            return int(match[1])
    return None


def without(source: str, markers: tuple[str, str], stub: str | None = None) -> str:
    """`source` without what stands between lines with the two markers; `stub`, indented alike, takes its place.

    >>> without("def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION", SOLUTION, "pass")
    'def f(x):\\n    pass'

    Raises
    ------
    ValueError
        If the markers do not come in pairs.
    """
    begin, end = markers
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if (begin in line and inside) or (end in line and not inside):
            raise ValueError(f"{line.strip()!r} without its partner")
        if begin in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in (stub.split("\n") if stub is not None else [])]
        elif end in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"{begin!r} without {end!r}")
    return "\n".join(kept)


def grade_id(cell: Any) -> str | None:
    """nbgrader's name of a cell; None where there is none (students' notebooks may hold anything)."""
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else None


def is_solution(cell: NotebookNode) -> bool:
    """Is this a cell that a student fills in?"""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def available(folder: Path = ASSIGNMENTS) -> list[str]:
    """The names of the masters in `folder`, sorted: of all its text files whose name can be one."""
    stems = (path.stem for path in Path(folder).glob("*.md"))
    return sorted(stem for stem in stems if NAME.fullmatch(stem) and stem != "readme")


def load(name: str, folder: Path = ASSIGNMENTS) -> Assignment:
    """Read `folder`/`name`.md and check it.

    Raises
    ------
    MasterError
        If there is no such master, or it cannot be released and graded as it is.
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
        cell.id = f"{name}-{number}"[-64:]  # not drawn at random: read or released twice, it is the same notebook
    return parse(notebook, name, str(path))


def parse(notebook: NotebookNode, name: str, where: str, *, released: bool = False) -> Assignment:
    """The assignment that a notebook holds; `where` is what error messages call it.

    With `released`, `notebook` is what a student has: answers may hold anything, nothing is hidden, and there may be
    more cells.

    Raises
    ------
    MasterError
        If it is not one.
    """
    head = _head(notebook, where)
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
    return Assignment(name, *head, notebook, tuple(setup), tuple(questions), tuple(manual))


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
    if "kernelspec" not in notebook.metadata:
        raise MasterError(f"{where}: the notebook's metadata has no kernelspec")
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
