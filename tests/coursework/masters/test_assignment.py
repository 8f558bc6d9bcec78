"""A release: a valid notebook, as nbgrader makes it, that holds nothing it should not."""

import copy
import warnings

import nbformat
import pytest
from toy_class import TOY_FOLDER

from coursework.masters.cells import grade_id
from coursework.masters.reading import load


def test_a_release_holds_no_solution_and_no_hidden_test(toy):
    text = nbformat.writes(toy.release(7))
    for secret in ("np.sum(values)", "answer = mean", "a @ b.T", "4711", "4712", "4713", "17.5", "Rubric", "BEGIN"):
        assert secret not in text
    assert "VARIANT = 7  # yours" in toy.release(7).cells[2].source
    assert toy.release(7) == toy.release(7) == load("toy", TOY_FOLDER).release(7)
    assert "VARIANT = 0" in toy.notebook.cells[2].source, "a release must not change the master"


def test_a_release_is_that_of_nbgrader(toy):
    with warnings.catch_warnings(action="ignore"):  # what it imports is old
        from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells
    theirs, resources = copy.deepcopy(toy.solution(3)), {}
    for preprocessor in (LockCells(), ClearSolutions(), ClearHiddenTests()):
        theirs, resources = preprocessor.preprocess(theirs, resources)
    ours = toy.release(3)
    assert [cell.source for cell in ours.cells] == [cell.source for cell in theirs.cells]
    assert [{**cell.metadata, "tags": None} for cell in ours.cells] == [
        {**cell.metadata, "tags": None} for cell in theirs.cells
    ]


def test_what_is_not_solved_yet_does_not_keep_what_is_below_from_running(toy):
    """JupyterLab's "Run All" stops at an exception, unless the cell is expected to have one."""
    tagged = {grade_id(cell) for cell in toy.release().cells if "raises-exception" in cell.metadata.get("tags", [])}
    assert tagged == {"q1-answer", "q1-mean", "q1-value", "q2-answer", "q2-gram"}
    assert not any("tags" in cell.metadata for cell in toy.solution().cells)


def test_a_release_is_a_valid_notebook(toy):
    nbformat.validate(toy.release())
    nbformat.validate(toy.solution(2**32 - 1))
    with pytest.raises(ValueError, match="variant is -1"):
        toy.release(-1)
