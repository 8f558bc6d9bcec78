"""The written answers of the whole class, question by question, as notebooks to read while marking."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursework.files import atomic_write, private_folder
from coursework.masters.allowance import without_told
from coursework.masters.assignment import Assignment, Question
from coursework.masters.cells import TEXT_STUB, grade_id, is_solution

LOST = "*(no cell has this question's label; this is all that was written:)*"
ELSEWHERE = "*(this question's cell is as it was given out; these are the cells that the student added:)*"
PICTURES = "*(there are pictures in this cell: see the notebook itself)*"


def answers_to(assignment: Assignment, notebook: NotebookNode, given: NotebookNode) -> tuple[dict[str, str], list[str]]:
    """What a student wrote to each question that is graded by hand, and notes on answers that stood elsewhere.

    An answer is the cell with the question's label and what was added below it, up to the next cell of `given`. Where
    nothing was written into the labelled cell, all Markdown that was added anywhere belongs to it too; and where no
    cell has the label, because a student took the cell apart or an editor dropped the metadata, all Markdown of the
    notebook that is not in `given` stands for it.

    Args:
        assignment: the master.
        notebook: what was handed in.
        given: the notebook as students get it.
    """
    found: dict[str, str] = {}
    notes: list[str] = []
    printed = {_shown(cell) for cell in given.cells}
    for question in assignment.manual:
        label = question.grade_id
        own = [cell for cell in notebook.cells if grade_id(cell) == label]
        stubs = {"", TEXT_STUB, *(cell.source.strip() for cell in given.cells if grade_id(cell) == label)}
        empty = all(cell.source.strip() in stubs and "pictures" not in cell.metadata for cell in own)
        if not own:
            cells = [one for one in notebook.cells if one.cell_type == "markdown" and _shown(one) not in printed]
            cells = [nbformat.v4.new_markdown_cell(LOST), *cells]
        elif not empty:
            cells = _with_added(label, notebook, given)
        elif cells := [cell for cell in _with_added(label, notebook, given, anywhere=True) if grade_id(cell) != label]:
            cells = [nbformat.v4.new_markdown_cell(ELSEWHERE), *cells]
            notes.append(f"{label}: its own cell is empty, the marker sees the cells that were added")
        else:
            cells = own
        found[label] = "\n\n".join(map(_text, cells))
    return found, notes


def _with_added(label: str, notebook: NotebookNode, given: NotebookNode, anywhere: bool = False) -> list[NotebookNode]:
    """The cells with that label and what was added below them; with `anywhere` all added Markdown too."""
    names = [grade_id(cell) for cell in given.cells]
    texts = [None if is_solution(cell) else _shown(cell) for cell in given.cells]
    found = []
    below = False
    for cell in notebook.cells:
        name, text = grade_id(cell), _shown(cell)
        place = names.index(name) if name in names and name else texts.index(text) if text in texts else None
        if place is not None:  # a copy of the question does not end the answer below it, the next question does
            below = name == label or (below and place < names.index(label))
        if name == label or (place is None and (below or (anywhere and cell.cell_type == "markdown"))):
            found += [cell] if (text and text != TEXT_STUB) or "pictures" in cell.metadata or name == label else []
    return found


def _shown(cell: NotebookNode) -> str:
    """A cell's text, whatever the limits were when it was handed out."""
    return without_told(cell.source).strip()


def _text(cell: NotebookNode) -> str:
    text = cell.source
    if cell.cell_type == "code":
        fence = max(["```", *(f"{run}`" for run in re.findall("`{3,}", text))], key=len)
        text = f"{fence}python\n{text}\n{fence}"
    return f"{text}\n\n{PICTURES}" if "pictures" in cell.metadata else text


def write_marking(assignment: Assignment, written: Iterable[tuple[int, Mapping[str, str]]], folder: Path) -> None:
    """Write ``QUESTION.ipynb`` for each question graded by hand: model answer, rubric, and all students' answers.

    Names, ids and files are left out, so that they do not sway the marks. Each answer is a cell of its own: what one
    student writes cannot spill into the next.

    Args:
        assignment: the master.
        written: the number of each student, and the answers by question.
        folder: where to write.
    """
    students = sorted(written, key=lambda one: one[0])
    for question in assignment.manual:
        cells = [_head(assignment, question)]
        for number, texts in students:
            if question.grade_id in texts:
                cells.append(f"---\n### {number}\n{question.grade_id}")
                cells.append(texts[question.grade_id])
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in cells])
        for position, cell in enumerate(notebook.cells):
            cell.id = f"cell-{position}"  # the same answers give the same file
        path = private_folder(folder) / f"{question.grade_id}.ipynb"
        atomic_write(path, (json.dumps(notebook, indent=1, sort_keys=True) + "\n").encode())


def _head(assignment: Assignment, question: Question) -> str:
    return (
        f"# {assignment.title}: {question.grade_id}\n\n{question.points:g} points. "
        f"Marks and comments go into `marks.csv`, in the rows of question `{question.grade_id}`, by the number that "
        f"stands above an answer (`numbers.csv` says whose it is).\n\n{question.source}"
    )
