"""Which cells of a submission are run, in which order, and what is unusual about it?"""

from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from coursework.masters.assignment import Assignment, Cell
from coursework.masters.cells import grade_id, source_of
from coursework.masters.identity import VARIANT_SET
from coursework.masters.variants import set_variant
from coursework.text import one_line

MAX_CELLS_RUN = 1000
MAX_CODE_RUN = 2_000_000


@dataclass(frozen=True)
class Step:
    """One cell to run: the master's (`setup`), or the student's."""

    label: str
    source: str
    setup: bool
    answer: str | None = None


def plan(assignment: Assignment, notebook: NotebookNode, variant: int) -> tuple[list[Step], list[str], str]:
    """The cells to run, what is unusual about the notebook, and why it cannot be run at all (or nothing).

    The setup is the master's, and so are the tests; of the notebook only the other code cells count. Setup cells run
    where the notebook has them, those that it lacks first.

    Args:
        assignment: the master.
        notebook: what was handed in; it may hold anything.
        variant: the student's number.
    """
    released = {str(grade_id(cell)): cell for cell in assignment.release(variant).cells if grade_id(cell)}
    cells = [(number, *_cell(cell)) for number, cell in enumerate(notebook.get("cells", []), start=1)]
    code = [
        (number, name, source)
        for number, kind, name, source, _ in cells
        if (released[name].cell_type if name in released else kind) == "code"  # a key of the editor may change it
    ]
    if len(cells) > MAX_CELLS_RUN or sum(len(source) for _, _, source in code) > MAX_CODE_RUN:
        return [], [], f"the notebook has more than {MAX_CELLS_RUN} cells or {MAX_CODE_RUN} characters of code"
    position = {name: number for number, name in enumerate(released)}
    setup = [(position[cell.grade_id], cell) for cell in setup_cells(assignment, variant)]
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
        label = f"cell {number} ({one_line(name, 60)})" if name else f"cell {number}"
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
    turned = [name for _, kind, name, _, _ in cells if name in released and kind != released[name].cell_type]
    if turned:
        notes.append(f"cells of another type than they had, taken for what they were: {', '.join(turned)}")
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
    return [one_line(note) for note in notes]


def _unnumbered(source: str) -> str:
    return VARIANT_SET.sub("VARIANT", source.strip())


def _cell(cell: Any) -> tuple[str, str | None, str, Any]:
    """Kind, grade id, source and points of a student's cell, whatever it holds."""
    if not isinstance(cell, dict):
        return "", None, "", None
    name = grade_id(cell)
    return (
        str(cell.get("cell_type")),
        name,
        source_of(cell),
        cell["metadata"]["nbgrader"].get("points") if name else None,
    )


def setup_cells(assignment: Assignment, variant: int) -> list[Cell]:
    """The setup cells with this student's number."""
    return [
        Cell(cell.grade_id, set_variant(cell.source, variant) if cell.grade_id == "variant" else cell.source)
        for cell in assignment.setup
    ]


def _is_locked_code(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and not cell.metadata["nbgrader"]["solution"]


def _is_test(cell: NotebookNode) -> bool:
    return bool(cell.metadata["nbgrader"]["grade"])
