"""Grades as a learning management system imports them.

What the systems read, from their sources. Canvas (``lib/gradebook_importer.rb``): the columns Student, ID, then if
they are there SIS User ID, SIS Login ID, Integration ID, Root Account, then Section, then assignments as ``Title
(id)``; a row Points Possible, which it takes over; students are found by ID, then by the SIS columns, and only then
by name. Moodle's grading worksheet (``mod/assign/feedback/offline``): Identifier, Grade and Last modified (grade)
must be there; students are found by Identifier, blank grades and grades out of range are passed over, and a comment
replaces the one that was there, an empty one too.

So an id, a grade and a date go out as they came in, blank where nothing was graded; names, which neither system
needs, such that no spreadsheet runs them.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coursework.files import atomic_write, neutralise, table
from coursework.gradebook import Book, Row, grade_rows, grade_table, number, open_book
from coursework.roster import Roster

__all__ = ["ExportError", "Exported", "export"]

CANVAS_IDENTITY = ("SIS User ID", "SIS Login ID", "Integration ID", "Root Account")
CANVAS_NAMES = ("Student", "LastName", "FirstName")
MOODLE_NEEDS = ("Identifier", "Grade", "Last modified (grade)")


class ExportError(ValueError):
    """Grades that cannot be exported; the message says what is wanted."""


@dataclass(frozen=True)
class Exported:
    """The file that was written, how many grades are in it, and the statuses of the students whose grade is blank."""

    path: Path
    grades: int
    blank: Mapping[str, int]

    def __str__(self) -> str:
        blank = ", ".join(f"{count} {status}" for status, count in self.blank.items())
        return f"{self.path}: {self.grades} grades" + (f"; left blank: {blank}" if blank else "")


def export(out: str | Path, roster: Roster, to: str, path: str | Path, *, column: str | None = None) -> Exported:
    """Write the grades in ``out``, with the marks in its marks.csv as they are now, for a learning management system.

    Parameters
    ----------
    out
        The folder that grades were written to.
    roster
        The class. For Canvas its gradebook export, for Moodle the grading worksheet of this assignment.
    to
        "canvas", "moodle", or "csv" for the table that people read.
    path
        The file to write; not the roster's.
    column
        For Canvas: the assignment's column, ``Title (id)``, as the gradebook export has it. By default the one with the
        assignment's title or name; without one, the title alone, for which Canvas offers to make a new assignment.

    Raises
    ------
    ExportError
        If the roster lacks what the system needs, or the system's maximum for the assignment is not ours.
    """
    path = Path(path)
    book = open_book(out)
    rows = grade_rows(book, roster)
    if roster.path is not None and path.exists() and path.resolve() == roster.path.resolve():
        raise ExportError(f"{path} is the roster; give another file")
    if to == "canvas":
        data = table(_canvas(book, rows, roster, column), bom=False)
    elif to == "moodle":
        data = table(_moodle(book, rows, roster), bom=False)
    elif to == "csv":
        data = table(grade_table(book, rows), bom=True)
    else:
        raise ExportError(f"to is {to!r}, wanted canvas, moodle or csv")
    if not path.parent.is_dir():
        raise ExportError(f"{path.parent} is not a folder")
    atomic_write(path, data)
    blank = Counter(row.status for row in rows if row.total is None)
    return Exported(path, sum(row.total is not None for row in rows), dict(sorted(blank.items())))


def _canvas(book: Book, rows: list[Row], roster: Roster, column: str | None) -> list[list[str]]:
    names = [name for name in CANVAS_NAMES if name in roster.columns and "Student" not in roster.columns] or ["Student"]
    keys = [name for name in CANVAS_IDENTITY if name in roster.columns]
    for row in rows:
        if not row.student.canvas and not any(row.student.columns.get(key, "").strip() for key in keys[:2]):
            raise ExportError(
                f"student {row.student.id!r} has neither Canvas's ID nor an SIS User ID or SIS Login ID, and "
                "Canvas should not have to go by names: use as the roster what Canvas exports from its gradebook"
            )
    target = column or _canvas_column(book, roster)
    ours = number(book.points)
    theirs = (roster.possible or {}).get(target, "").strip()
    if theirs and not _same(theirs, book.points):
        raise ExportError(
            f"Canvas has {theirs} points possible for {target!r}, the assignment {ours}; the import would change "
            "Canvas's. Set them in Canvas, export its gradebook again and use that as the roster"
        )
    head = [*names, "ID", *keys, "Section", target]
    possible = ["    Points Possible"] + [""] * (len(head) - 2) + [ours]
    lines = [head, possible]
    for row in rows:
        own = row.student.columns
        shown = [row.student.name] if names == ["Student"] else [own[name] for name in names]
        ids = [row.student.canvas, *(own.get(key, "") for key in keys)]
        section = neutralise(own.get("Section", ""))
        lines.append([*map(neutralise, shown), *ids, section, number(row.total)])
    return lines


def _canvas_column(book: Book, roster: Roster) -> str:
    """The column of the gradebook export that has the assignment's title or name."""
    titles = {book.title.casefold(), book.name.casefold()}
    found = []
    for name in roster.columns if roster.kind == "canvas" else ():
        match = re.fullmatch(r"(.+) \((\d+)\)", name)
        if match and match[1].strip().casefold() in titles:
            found.append(name)
    if len(found) > 1:
        raise ExportError(
            f"the roster has {len(found)} columns of that title: {', '.join(found)}; say which one (column)"
        )
    return found[0] if found else book.title


def _moodle(book: Book, rows: list[Row], roster: Roster) -> list[list[str]]:
    absent = [name for name in MOODLE_NEEDS if name not in roster.columns]
    if absent:
        raise ExportError(
            f"the roster has no column {', '.join(map(repr, absent))}: use as the roster the grading worksheet "
            "that Moodle offers for this assignment (in English)"
        )
    maximum = next((name for name in roster.columns if name.casefold() == "maximum grade"), "")
    lines = [list(roster.columns)]
    for row in rows:
        cells = dict(row.student.columns)
        theirs = cells.get(maximum, "").strip()
        if theirs and not _same(theirs, book.points):
            raise ExportError(
                f"Moodle's maximum grade is {theirs}, the assignment's {number(book.points)}: set it in Moodle and "
                "download the worksheet again"
            )
        if row.total is not None:
            cells["Grade"] = number(row.total)
            if "Feedback comments" in cells:
                cells["Feedback comments"] = _comment(book, row)
        if "Full name" in cells:
            cells["Full name"] = neutralise(cells["Full name"])
        lines.append([cells.get(name, "") for name in roster.columns])
    return lines


def _comment(book: Book, row: Row) -> str:
    """What Moodle shows the student beside the grade."""
    parts = [
        f"{question}: {number(row.points[question])} of {number(maximum)}"
        + (f" ({' '.join(row.comments[question].split())})" if row.comments.get(question) else "")
        for question, maximum in book.maxima.items()
    ]
    return neutralise("; ".join(parts))


def _same(theirs: str, ours: float) -> bool:
    """Is a number of the system's, with point or comma, ours?"""
    try:
        return abs(float(theirs.replace(",", ".")) - ours) < 0.005
    except ValueError:
        return False
