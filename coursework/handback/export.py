"""Grades as a learning management system imports them.

What the systems read, from their sources. Canvas (``lib/gradebook_importer.rb``): the columns Student, ID, then if
they are there SIS User ID, SIS Login ID, Integration ID, Root Account, then Section, then assignments as ``Title
(id)``; a row Points Possible, which it takes over; students are found by ID, then by the SIS columns, and only then
by name. Moodle's grading worksheet (``mod/assign/feedback/offline``): Identifier, Grade and Last modified (grade)
must be there; students are found by Identifier, blank grades and grades out of range are passed over, and a comment
replaces the one that was there, an empty one too.

So an id, a grade and a date go out as they came in. Where nothing was graded the grade is what the system had, or
blank: for Canvas a blank over a grade takes that grade away. Names, which neither system needs, go out such that no
spreadsheet runs them.
"""

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coursework.files import atomic_write, neutralise, table
from coursework.gradebook.grades import Book, Row, grade_rows, grade_table, number, open_book
from coursework.intake.roster import Roster, RosterError, folded

__all__ = ["ExportError", "Exported", "export", "left_out"]

OWN = (
    *("assignment.json", "results", "marks.csv", "grades.csv", "numbers.csv", "unmatched.csv"),
    *("marking", "feedback", "compiled"),
)

CANVAS_MORE = ("Integration ID", "Root Account")
CANVAS_NAMES = ("Student", "LastName", "FirstName")
MOODLE_NEEDS = ("Identifier", "Grade", "Last modified (grade)")
MOODLE = (
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (grade)",
    "Feedback comments",
)


class ExportError(ValueError):
    """Grades that cannot be exported; the message says what is wanted."""


@dataclass(frozen=True)
class Exported:
    """The file, how many grades are in it, the statuses of those whose grade is blank, and what to look out for."""

    path: Path
    grades: int
    blank: Mapping[str, int]
    note: str = ""

    def __str__(self) -> str:
        blank = ", ".join(f"{count} {status}" for status, count in self.blank.items())
        text = f"{self.path}: {self.grades} grades" + (f"; left blank: {blank}" if blank else "")
        return f"{text}\n{self.note}" if self.note else text


def export(
    out: str | Path, roster: Roster, to: str, path: str | Path, *, column: str | None = None, scale: bool = False
) -> Exported:
    """Write the grades in ``out``, with the marks in its marks.csv as they are now, for a learning management system.

    Parameters
    ----------
    out
        The folder that grades were written to.
    roster
        The class. For Canvas best its gradebook export, for Moodle the grading worksheet of this assignment: then every
        student is found by number. With another roster Canvas goes by its ids as SIS User ID, and Moodle's file is one
        for its gradebook import.
    to
        "canvas", "moodle", or "csv" for the table that people read.
    path
        The file to write. One that is there is not replaced, and none is written where the grades have files of their
        own.
    column
        For Canvas: the assignment's column, ``Title (id)``, as the gradebook export has it. By default the one with the
        assignment's title or name; without one, the title alone, for which Canvas offers to make a new assignment.
    scale
        Convert the grades where the system's maximum for the assignment is another; otherwise that is an error.

    Raises
    ------
    ExportError
        If the system could mistake one student or one grade for another, or the file cannot be written without losing
        another.
    RosterError
        If nobody who was graded is in the roster.
    """
    path = Path(path)
    book = open_book(out)
    _refuse_own(path, book, roster)
    others = left_out(book, roster)
    rows = grade_rows(book, roster)
    note = ""
    if to == "canvas":
        lines, note = _canvas(book, rows, roster, column, scale)
    elif to == "moodle":
        lines, note = _moodle(book, rows, roster, scale)
    elif to == "csv":
        lines = grade_table(book, rows)
    else:
        raise ExportError(f"to is {to!r}, wanted canvas, moodle or csv")
    if not path.parent.is_dir():
        raise ExportError(f"{path.parent} is not a folder")
    data = table(lines, bom=to == "csv")
    unchanged = path.is_file() and not path.is_symlink() and path.read_bytes() == data
    if (path.exists() or path.is_symlink()) and not unchanged:
        raise ExportError(f"{path} exists already: give another name with --out, or remove it")
    atomic_write(path, data)
    note = "\n".join(filter(None, (note, others)))
    blank = Counter(row.status for row in rows if row.total is None)
    return Exported(path, sum(row.total is not None for row in rows), dict(sorted(blank.items())), note)


def left_out(book: Book, roster: Roster) -> str:
    """A sentence about those who were graded and have no row in the roster; nothing if there is nobody.

    Raises :class:`~coursework.intake.roster.RosterError` if that is everybody: then the roster's ids are others.
    """
    graded = []
    for path in sorted((book.out / "results").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            graded.append(str(json.loads(path.read_bytes())["student"]))
    absent = [student for student in graded if student not in roster]
    if not absent:
        return ""
    listed = ", ".join(map(repr, absent[:3])) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
    if len(absent) == len(graded):
        theirs = ", ".join(repr(student.id) for student in roster.students[:3])
        raise RosterError(
            f"nobody who was graded is in the roster: graded were {listed}, the roster has {theirs}; "
            "give --id as when they were graded"
        )
    return f"Graded, but not in the roster, and so left out: {listed}."


def _refuse_own(path: Path, book: Book, roster: Roster) -> None:
    """No file of the grades', and not the roster."""
    if roster.path is not None and path.exists() and path.resolve() == roster.path.resolve():
        raise ExportError(f"{path} is the roster; give another file")
    whole, own = path.resolve(), book.out.resolve()
    inside = whole.relative_to(own).parts if whole.is_relative_to(own) else ()
    if inside and inside[0].casefold() in OWN:
        raise ExportError(f"{path} is where {book.out} keeps what was graded; give another file")


def _canvas(
    book: Book, rows: list[Row], roster: Roster, column: str | None, scale: bool
) -> tuple[list[list[str]], str]:
    names = [name for name in CANVAS_NAMES if name in roster.columns and "Student" not in roster.columns] or ["Student"]
    more = [name for name in CANVAS_MORE if name in roster.columns]
    note = ""
    if not all(row.student.canvas for row in rows):
        note = "Not all students have a Canvas ID: read what Canvas says about them before you confirm the import."
        _no_namesakes(rows)
    target = column or _canvas_column(book, roster)
    maximum = _maximum((roster.possible or {}).get(target, ""), book, scale, f"Canvas for {target!r}")
    head = [*names, "ID", "SIS User ID", "SIS Login ID", *more, "Section", target]
    lines = [head, ["    Points Possible"] + [""] * (len(head) - 2) + [number(maximum)]]
    for row in rows:
        student, own = row.student, row.student.columns
        shown = [student.name] if names == ["Student"] else [own[name] for name in names]
        sis = student.sid or ("" if roster.kind == "canvas" or student.login or student.canvas else student.id)
        ids = [student.canvas, sis, student.login, *(own.get(name, "") for name in more)]
        section = neutralise(own.get("Section", ""))
        grade = own.get(target, "") if row.total is None else _grade(book, row, maximum)
        lines.append([*map(neutralise, shown), *ids, section, grade])
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
            f"the roster has {len(found)} columns of that title: {', '.join(found)}; say which one (--column)"
        )
    return found[0] if found else book.title


def _moodle(book: Book, rows: list[Row], roster: Roster, scale: bool) -> tuple[list[list[str]], str]:
    worksheet = set(MOODLE_NEEDS) <= set(roster.columns)
    columns = roster.columns if worksheet else MOODLE
    maximum_name = next((name for name in columns if name.casefold() == "maximum grade"), "")
    lines = [list(columns)]
    for row in rows:
        cells = dict(row.student.columns) if worksheet else _moodle_cells(book, row)
        maximum = _maximum(cells.get(maximum_name, ""), book, scale, "Moodle as maximum grade")
        if row.total is not None:
            cells["Grade"] = _grade(book, row, maximum)
            if "Feedback comments" in cells:
                cells["Feedback comments"] = _comment(book, row)
        if "Full name" in cells:
            cells["Full name"] = neutralise(cells["Full name"])
        lines.append([cells.get(name, "") for name in columns])
    if worksheet:
        return lines, ""
    return lines, (
        "The roster is not the grading worksheet that Moodle offers for the assignment, so this file is for Moodle's "
        "Grades > Import > CSV file: map it by e-mail address or ID number."
    )


def _moodle_cells(book: Book, row: Row) -> dict[str, str]:
    """A worksheet's row as far as a roster that is none has it. The participant's number is never made up."""
    student = row.student
    return {
        "Identifier": student.columns.get("Identifier", ""),
        "Full name": student.name,
        "ID number": student.sid or ("" if student.email else student.id),
        "Email address": student.email,
        "Maximum Grade": number(book.points),
        "Grade can be changed": "Yes",
        "Last modified (grade)": "-",
        "Feedback comments": "",
    }


def _maximum(theirs: str, book: Book, scale: bool, where: str) -> float:
    """The points that a full grade has in the system."""
    parts = re.split(r"[.,]", theirs.strip())
    try:
        value = float(".".join(("".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]) if parts[0] else None
    except ValueError:
        value = math.nan
    if value is None or abs(value - book.points) < 0.005:
        return book.points
    if scale and value > 0:
        return value
    raise ExportError(
        f"{theirs.strip()} points are set in {where}, the assignment has {number(book.points)}: set that in the "
        "system and export the roster again, or let the grades be converted (--scale)"
    )


def _grade(book: Book, row: Row, maximum: float) -> str:
    if row.total is None:
        return ""
    return number(row.total if maximum == book.points else round(row.total / book.points * maximum, 2))


def _comment(book: Book, row: Row) -> str:
    """What Moodle shows the student beside the grade."""
    parts = [
        f"{question}: {number(row.points[question])} of {number(maximum)}"
        + (f" ({' '.join(row.comments[question].split())})" if row.comments.get(question) else "")
        for question, maximum in book.maxima.items()
    ]
    return neutralise("; ".join(parts))
