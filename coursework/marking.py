"""The written answers of the whole class, question by question, as notebooks to read while marking."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursework.files import atomic_write, private_folder
from coursework.master import Assignment, Question, grade_id

__all__ = ["answers", "printed_text", "write_marking"]

LOST = "*(no cell has this question's label; this is all that was written:)*"
PICTURES = "*(there are pictures in this cell: see the notebook itself)*"


def answers(assignment: Assignment, notebook: NotebookNode, printed: Collection[str]) -> dict[str, str]:
    """What a student wrote to each question that is graded by hand.

    Where the cell is not found by its label, because a student took the cell apart or an editor dropped the metadata,
    all Markdown of the notebook that is not ``printed`` (in the assignment itself) stands for it.
    """
    found = {}
    for question in assignment.manual:
        cells = [cell for cell in notebook.cells if grade_id(cell) == question.grade_id]
        if not cells:
            cells = [one for one in notebook.cells if one.cell_type == "markdown" and one.source.strip() not in printed]
            cells = [nbformat.v4.new_markdown_cell(LOST), *cells]
        found[question.grade_id] = "\n\n".join(map(_text, cells))
    return found


def printed_text(assignment: Assignment) -> set[str]:
    """The sources of the assignment's own cells, as students get them."""
    return {cell.source.strip() for cell in assignment.release().cells}


def _text(cell: NotebookNode) -> str:
    text = cell.source
    if cell.cell_type == "code":
        fence = max(["```", *(f"{run}`" for run in re.findall("`{3,}", text))], key=len)
        text = f"{fence}python\n{text}\n{fence}"
    return f"{text}\n\n{PICTURES}" if "pictures" in cell.metadata else text


def write_marking(assignment: Assignment, written: Iterable[tuple[str, str, Mapping[str, str]]], folder: Path) -> None:
    """Write ``QUESTION.ipynb`` for each question graded by hand: model answer, rubric, and all students' answers.

    ``written`` are (student id, file, answers) in the order of the roster. Names are left out, so that they do not sway
    the marks. Each answer is a cell of its own: what one student writes cannot spill into the next.
    """
    students = list(written)
    for question in assignment.manual:
        cells = [_head(assignment, question)]
        for student, file, texts in students:
            if question.grade_id in texts:
                cells.append(f"---\n### {_code(student)}\n{question.grade_id} · {_code(file)}")
                cells.append(texts[question.grade_id])
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in cells])
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number}"  # the same answers give the same file
        path = private_folder(folder) / f"{question.grade_id}.ipynb"
        atomic_write(path, (json.dumps(notebook, indent=1, sort_keys=True) + "\n").encode())


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', chr(39)).split())}`"


def _head(assignment: Assignment, question: Question) -> str:
    return (
        f"# {assignment.title}: {question.grade_id}\n\n{question.points:g} points. "
        f"Marks and comments go into `marks.csv`, in the rows of question `{question.grade_id}`.\n\n{question.source}"
    )
