"""The grades of a class over all its sets, in one table."""

import math
from collections.abc import Sequence
from pathlib import Path

from coursework.files import atomic_write, private_folder
from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.intake.roster import Roster
from coursework.tables import table
from coursework.text import guarded_line

ALL_SETS = "all-sets.csv"


def all_sets_table(roster: Roster, sets: Sequence[tuple[Gradebook, Sequence[Row]]]) -> list[list[str]]:
    """A line for each student: total and status of each set, and the sum, blank as long as one total is.

    Args:
        roster: the class.
        sets: each set's folder and grades.

    Raises:
        ValueError: if two folders hold one set.
    """
    names = [book.name for book, _ in sets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two folders hold the grades of {twice[0]!r}")
    head = ["id", "name", *(cell for name in names for cell in (name, f"{name} status")), "sum", "maximum", "of sets"]
    own = [{row.student.id: row for row in rows} for _, rows in sets]
    lines = [head]
    for student in roster:
        mine = [rows[student.id] for rows in own]
        totals = [row.total for row in mine if row.total is not None]
        cells = [cell for row in mine for cell in (number(row.total), row.status)]
        most = math.fsum(book.points for book, _ in sets)
        complete = len(totals) == len(mine)
        summed = number(math.fsum(totals)) if complete else ""
        lines.append([student.id, guarded_line(student.name), *cells, summed, number(most), str(len(totals))])
    return lines


def write_all_sets(roster: Roster, sets: Sequence[tuple[Gradebook, Sequence[Row]]], out: Path) -> Path:
    """Write the table into a folder; where it is."""
    path = private_folder(out) / ALL_SETS
    atomic_write(path, table(all_sets_table(roster, sets), bom=True))
    return path
