"""What is an assignment, and what do students get of it?"""

import copy
from dataclasses import dataclass, field

from nbformat import NotebookNode

from coursework.masters.allowance import Allowance, with_told
from coursework.masters.cells import (
    CODE_STUB,
    HIDDEN,
    SOLUTION,
    TEXT_STUB,
    fingerprint_of,
    grade_id,
    is_solution,
    without,
)
from coursework.masters.variants import set_variant

GO_ON = "raises-exception"  # a cell with this tag may fail, and the cells below it still run


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
    allowance: Allowance = field(default_factory=Allowance)

    @property
    def points(self) -> float:
        """The points that can be had, by tests and by hand."""
        return sum(question.points for question in self.questions + self.manual)

    def release(self, variant: int = 0) -> NotebookNode:
        """What a student gets: no solution, no model answer, no hidden test.

        "Run All" goes on behind a test that fails. The metadata hold a fingerprint of each locked cell of code, so that
        an edited one is noticed without a master.

        >>> from pathlib import Path
        >>> from coursework.masters.reading import load
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
            if cell.cell_type == "code" and (flags.get("solution") or flags.get("grade")):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), GO_ON]
        notebook.metadata["coursework"]["locked"] = {
            str(grade_id(cell)): fingerprint_of(cell)
            for cell in notebook.cells
            if grade_id(cell) and cell.cell_type == "code" and not is_solution(cell)
        }
        return notebook

    def solution(self, variant: int = 0) -> NotebookNode:
        """The master as a notebook, for one student's variant: it earns every automatic point.

        Raises:
            ValueError: if there is no such variant.
        """
        if not 0 <= variant < 2**32:
            raise ValueError(f"variant is {variant}, wanted a number from 0 to 2**32 - 1")
        notebook = copy.deepcopy(self.notebook)
        for cell in notebook.cells:
            if grade_id(cell) == "variant":
                cell.source = set_variant(cell.source, variant)
        notebook.metadata["coursework"]["name"] = self.name
        notebook.metadata["coursework"]["limits"] = self.allowance.as_data()  # `check` has no master
        texts = [cell for cell in notebook.cells if cell.cell_type == "markdown" and not is_solution(cell)]
        for cell, text in zip(texts, with_told([cell.source for cell in texts], self.allowance.told()), strict=True):
            cell.source = text
        for key in ("jupytext", "celltoolbar"):
            notebook.metadata.pop(key, None)
        return notebook
