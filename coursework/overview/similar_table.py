"""Which submissions of a delivery are to be read side by side? A table for the instructor, and for nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from coursework.files import atomic_write
from coursework.intake.collect import Submission
from coursework.intake.roster import Roster
from coursework.judging.cell_order import plan
from coursework.masters.assignment import Assignment
from coursework.masters.cells import is_solution
from coursework.overview.canonical_code import MOST_PARSED, NotParsed, bound, imported, parsed, statements
from coursework.overview.similar_code import FEWEST_SHARED, THRESHOLD, OwnCode, Pair, similar_pairs
from coursework.tables import table
from coursework.text import guarded_line, one_line

THE_SOLUTION = "(the solution)"


@dataclass(frozen=True)
class Similar:
    """The pairs, how many were compared, and what of whom was not, with the reason."""

    pairs: tuple[Pair, ...]
    compared: int
    remarks: tuple[str, ...]


def similar(
    assignment: Assignment,
    submissions: Mapping[str, Submission],
    *,
    threshold: float = THRESHOLD,
    fewest: float = FEWEST_SHARED,
) -> Similar:
    """Compare what students wrote into a set, with each other and with its solution. Nothing is run.

    Args:
        assignment: the master; what its release holds is nobody's own.
        submissions: what was handed in, by student.
        threshold: the share of an answer's passages that makes a pair.
        fewest: how many passages it has to be.

    Raises:
        ValueError: if `threshold` is no share.
    """
    release = [parsed(cell.source) for cell in assignment.release().cells if cell.cell_type == "code"]
    modules = imported(release)
    answers = [cell for cell in assignment.notebook.cells if is_solution(cell) and cell.cell_type == "code"]
    names = bound([*release, *(parsed(cell.source) for cell in answers)])  # also those that were asked for
    released = [one for tree in release for one in statements(tree, names, modules)]
    remarks: list[str] = []
    found = [
        _own_code(assignment, student, one.notebook, names, modules, remarks)
        for student, one in submissions.items()
        if one.notebook is not None
    ]
    remarks += [f"{who}: not compared: {one.reason}" for who, one in submissions.items() if one.notebook is None]
    solution = _own_code(assignment, THE_SOLUTION, assignment.solution(), names, modules, remarks)
    pairs = similar_pairs(found, [solution], released=released, threshold=threshold, fewest=fewest)
    return Similar(tuple(pairs), len(found), tuple(one_line(remark) for remark in remarks))


def _own_code(
    assignment: Assignment,
    who: str,
    notebook: NotebookNode,
    asked: set[str],
    given: Mapping[str, str],
    remarks: list[str],
) -> OwnCode:
    """The cells of a notebook that grading runs and that are not the assignment's."""
    steps, _, reason = plan(assignment, notebook, 0)
    own = [step for step in steps if not step.setup]
    if not reason and sum(len(step.source) for step in own) > MOST_PARSED:
        reason = f"more than {MOST_PARSED:,} characters of code"
    if reason:
        remarks.append(f"{who}: not compared: {reason}")
        return OwnCode(who, ())
    trees = []
    for step in own:
        try:
            trees.append((step.label, parsed(step.source)))
        except NotParsed as error:
            remarks.append(f"{who}: {step.label} not compared: {error}")
    parts = [tree for _, tree in trees]
    names, modules = asked | bound(parts), {**given, **imported(parts)}
    return OwnCode(who, [(label, statements(tree, names, modules)) for label, tree in trees])


def similar_table(found: Similar, roster: Roster) -> list[list[str]]:
    """A line for each cell in which a pair agrees; at least one for each pair."""
    head = ["student", "name", "other", "other's name", "share", "passages", "cell", "lines", "other's cell"]
    names = {student.id: guarded_line(student.name) for student in roster}
    lines = [[*head, "other's lines", "share of the cell"]]
    for pair in found.pairs:
        people = [pair.one, names.get(pair.one, ""), pair.other, names.get(pair.other, "")]
        start = [*people, f"{pair.share:.0%}", f"{pair.shared:.0f}"]
        for one in pair.places:
            cells = [guarded_line(one.cell), one.lines, guarded_line(one.other_cell), one.other_lines]
            lines.append([*start, *cells, f"{one.share:.0%}"])
        if not pair.places:
            lines.append([*start, *[""] * 5])
    return lines


def write_similar(found: Similar, roster: Roster, path: Path) -> None:
    """Write the table into a file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table(similar_table(found, roster), bom=True))


def described_pairs(pairs: Sequence[Pair]) -> str:
    """The pairs, a line each.

    >>> described_pairs([Pair("ada", "bob", 0.914, 211.4, ())])
    'ada and bob share 91% (211 passages)'
    """
    told = []
    for pair in pairs:
        cells = ", ".join(dict.fromkeys(one.cell for one in pair.places))
        shared = f"{pair.one} and {pair.other} share {pair.share:.0%} ({pair.shared:.0f} passages)"
        told.append(f"{shared}: {cells}" if cells else shared)
    return "\n".join(told)
