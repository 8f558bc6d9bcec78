"""Grades as a learning management system imports them, in a file of their own.

An id, a grade and a date go out as they came in, unless a spreadsheet would run them: no cell is a formula. Where
nothing was graded the grade is what the system had, or blank: for Canvas a blank over a grade takes that grade away.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coursework.files import atomic_write
from coursework.gradebook.folder import Gradebook, open_gradebook
from coursework.gradebook.grades import grade_rows, grade_table, left_out
from coursework.handback.canvas import canvas_table
from coursework.handback.moodle import moodle_table
from coursework.handback.scaling import ExportError
from coursework.intake.roster import Roster
from coursework.tables import table

OWN = (
    *("assignment.json", "results", "marks.csv", "late.toml", "grades.csv", "numbers.csv", "unmatched.csv"),
    *("marking", "feedback", "compiled"),
)


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
    """Write the grades in `out`, with the marks in its marks.csv as they are now, for a learning management system.

    Args:
        out: the folder that grades were written to.
        roster: the class. For Canvas best its gradebook export, for Moodle the grading worksheet of this assignment:
            then every student is found by number. With another roster Canvas goes by its ids as SIS User ID, and
            Moodle's file is one for its gradebook import.
        to: "canvas", "moodle", or "csv" for the table that people read.
        path: the file to write. One that is there is not replaced, and none is written where the grades have files of
            their own.
        column: for Canvas: the assignment's column, ``Title (id)``, as the gradebook export has it. By default the one
            with the assignment's title or name; without one, the title alone, for which Canvas offers to make a new
            assignment.
        scale: convert the grades where the system's maximum for the assignment is another; otherwise that is an error.

    Raises:
        ExportError: if the system could mistake one student or one grade for another, or the file cannot be written
            without losing another.
        RosterError: if nobody who was graded is in the roster.
    """
    path = Path(path)
    book = open_gradebook(out)
    _refuse_own(path, book, roster)
    others = left_out(book, roster)
    rows = grade_rows(book, roster)
    note = ""
    if to == "canvas":
        lines, note = canvas_table(book, rows, roster, column, scale)
    elif to == "moodle":
        lines, note = moodle_table(book, rows, roster, scale)
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


def _refuse_own(path: Path, book: Gradebook, roster: Roster) -> None:
    """No file of the grades', and not the roster."""
    if roster.path is not None and path.exists() and path.resolve() == roster.path.resolve():
        raise ExportError(f"{path} is the roster; give another file")
    whole, own = path.resolve(), book.out.resolve()
    inside = whole.relative_to(own).parts if whole.is_relative_to(own) else ()
    if inside and inside[0].casefold() in OWN:
        raise ExportError(f"{path} is where {book.out} keeps what was graded; give another file")
