"""What does Canvas import?

From its source (``lib/gradebook_importer.rb``): the columns Student, ID, then if they are there SIS User ID, SIS Login
ID, Integration ID, Root Account, then Section, then assignments as ``Title (id)``; a row Points Possible, which it
takes over; students are found by ID, then by the SIS columns, and only then by name.
"""

import re
from collections import Counter

from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.handback.scaling import ExportError, grade_in, maximum_in
from coursework.intake.roster import Roster, folded
from coursework.text import guarded_line

CANVAS_MORE = ("Integration ID", "Root Account")
CANVAS_NAMES = ("Student", "LastName", "FirstName")


def canvas_table(
    book: Gradebook, rows: list[Row], roster: Roster, column: str | None, scale: bool
) -> tuple[list[list[str]], str]:
    """The rows of the file, its head first, and what to look out for.

    Args:
        book: the grades' folder.
        rows: the grades.
        roster: the class, best as Canvas exports it.
        column: the assignment's column; None for the one with its title.
        scale: whether grades are converted to Canvas's maximum.

    Raises:
        ExportError: if the maximum is another and may not be, or Canvas could take one student for another.
    """
    names = [name for name in CANVAS_NAMES if name in roster.columns and "Student" not in roster.columns] or ["Student"]
    more = [name for name in CANVAS_MORE if name in roster.columns]
    note = ""
    if not all(row.student.canvas for row in rows):
        note = "Not all students have a Canvas ID: read what Canvas says about them before you confirm the import."
        _no_namesakes(rows)
    own_column = column or _canvas_column(book, roster)
    maximum = maximum_in((roster.possible or {}).get(own_column, ""), book, scale, f"Canvas for {own_column!r}")
    head = [*names, "ID", "SIS User ID", "SIS Login ID", *more, "Section", own_column]
    lines = [head, ["    Points Possible"] + [""] * (len(head) - 2) + [number(maximum)]]
    for row in rows:
        student, own = row.student, row.student.columns
        shown = [student.name] if names == ["Student"] else [own[name] for name in names]
        sis = student.sid or ("" if roster.kind == "canvas" or student.login or student.canvas else student.id)
        ids = [student.canvas, sis, student.login, *(own.get(name, "") for name in more)]
        section = own.get("Section", "")
        grade = own.get(own_column, "") if row.total is None else grade_in(book, row, maximum)
        lines.append([*map(guarded_line, shown), *ids, section, grade])
    return lines, note


def _no_namesakes(rows: list[Row]) -> None:
    """Canvas goes by the name where it does not know the number, and takes the first student of that name."""
    names = Counter(folded(row.student.name) for row in rows)
    same = [row.student for row in rows if names[folded(row.student.name)] > 1]
    if same:
        raise ExportError(
            f"{same[0].name!r} is the name of {' and '.join(repr(one.id) for one in same[:3])}, and Canvas may go by "
            "names: use as the roster what Canvas exports from its gradebook"
        )


def _canvas_column(book: Gradebook, roster: Roster) -> str:
    """The column of the gradebook export that has the assignment's title or name."""
    titles = {book.title.casefold(), book.name.casefold()}
    found = []
    for name in roster.columns if roster.kind == "canvas" else ():
        match = re.fullmatch(r"(.+) \((\d+)\)", name)
        if match and match[1].strip().casefold() in titles:
            found.append(name)
    if len(found) > 1:
        raise ExportError(
            f"the roster has {len(found)} columns of that title: {', '.join(found)}; say which one (--column)"
        )
    return found[0] if found else book.title
