"""Which cells are run: the student's, with the master's setup, whatever was done to the notebook."""

import copy

import nbformat
import pytest
from toy_answers import FULL, GRAM, MEAN, NONE, with_line_ends

from coursework.judging.cell_order import plan
from coursework.judging.judge import judge


def _without_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    return "cells missing: q1-mean, q1-value, q2-gram, q3-written"


def _edited_tests(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            cell.source = "pass"
    return "locked cells edited, the originals were used: q1-mean, q1-value, q2-gram"


def _edited_setup(notebook):
    notebook.cells[1].source = "import math as np"
    notebook.cells[2].source = "x = [0.0]"
    return "locked cells edited, the originals were used: setup, variant"


def _twice(notebook):
    notebook.cells += [copy.deepcopy(cell) for cell in notebook.cells if cell.cell_type == "code"]
    return "cells more than once: setup, variant, q1-answer, q1-mean, q1-value, q2-answer, q2-gram"


def _points(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata["nbgrader"]["points"] = 1000
    return "points other than those of the assignment, which count: q1-mean, q1-value, q2-gram, q3-written"


def _turned(notebook):
    """What the keys m and r of the editor do to a cell."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in ("q1-answer", "q2-gram"):
            cell.cell_type = "raw" if cell.metadata.nbgrader.grade_id == "q2-gram" else "markdown"
        elif cell.metadata.get("nbgrader", {}).get("grade_id") == "q3-written":
            cell.cell_type = "code"
    return "cells of another type than they had, taken for what they were: q1-answer, q2-gram, q3-written"


def _stripped(notebook):
    for cell in notebook.cells:
        cell.metadata = {}
    return "no cell has the assignment's metadata"


def _nonsense(notebook):
    for cell, value in zip(notebook.cells, [None, [], 3, "x", {"grade_id": []}, {"grade_id": None}] * 3, strict=False):
        cell.metadata["nbgrader"] = value
    return "no cell has the assignment's metadata"


@pytest.mark.parametrize(
    "change", [_without_tests, _edited_tests, _edited_setup, _twice, _points, _turned, _stripped, _nonsense]
)
@pytest.mark.parametrize("solved", [True, False])
def test_changed_cells_change_nothing_but_a_note(toy, cache, answered, change, solved):
    notebook = answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM) if solved else toy.release(5)
    note = change(notebook)
    found = judge(toy, notebook, 5, cache=cache)
    assert found.scores == (FULL if solved else NONE)
    assert note in found.notes
    assert not found.suspicious


def test_deleted_setup_in_any_order(toy, cache, answered):
    notebook = answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM)
    del notebook.cells[1]
    notebook.cells.reverse()
    assert judge(toy, notebook, 5, cache=cache).scores == FULL


@pytest.mark.parametrize(
    "cell",
    [
        "x",
        {"cell_type": "code"},
        {"cell_type": "code", "source": ["a = 1\n", 2], "metadata": []},
        {"cell_type": None, "source": 5, "metadata": {"nbgrader": []}},
        {"cell_type": "code", "source": "x = '\ud800'", "metadata": {}},
        {"cell_type": "code", "source": "\0", "metadata": {"nbgrader": {"grade_id": "\n" * 100}}},
    ],
)
def test_cells_that_are_none(toy, cache, answered, cell):
    notebook = answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM)
    notebook.cells.insert(0, cell)
    assert judge(toy, notebook, 5, cache=cache).scores == FULL


def test_notebooks_that_are_too_large(toy):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("1")] * 2000
    found = judge(toy, notebook, 5)
    assert (found.scores, found.suspicious) == (NONE, True)
    assert "more than 1000 cells" in found.failures["q1-mean"]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_another_system_change_nothing(toy, answered, end):
    notebook = answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM)
    steps, notes, reason = plan(toy, with_line_ends(notebook, end), 5)
    assert (steps, notes, reason) == plan(toy, notebook, 5)
    assert notes == []
