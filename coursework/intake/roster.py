"""Who is in the class: the roster, as the learning management system exports it or as a plain table."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coursework.tables import Table, TableError, read_table
from coursework.text import FORMULA, guarded

MOODLE_PARTICIPANT = re.compile(r"\D*(\d+)\s*")


class RosterError(ValueError):
    """A roster that cannot be used; the message names the file, the line and what is wanted."""


@dataclass(frozen=True)
class Student:
    """One student. Results, variants and marks hang on `id`; the other fields are for finding and showing.

    `canvas` is Canvas's user number, `participant` Moodle's number in this assignment, `sid` the university's
    number. `columns` is the roster's row, unchanged.
    """

    id: str
    name: str
    email: str = ""
    login: str = ""
    sid: str = ""
    canvas: str = ""
    participant: str = ""
    columns: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Roster:
    """The class, in the order of the file. `kind` is "canvas", "moodle", "gradescope" or "plain".

    `columns` are the file's, in order; `possible` is the row in which Canvas gives the points possible, or None.
    """

    students: tuple[Student, ...]
    kind: str = "plain"
    columns: tuple[str, ...] = ()
    possible: Mapping[str, str] | None = None
    path: Path | None = None

    def __iter__(self) -> Iterator[Student]:
        return iter(self.students)

    def __len__(self) -> int:
        return len(self.students)

    def __contains__(self, student: object) -> bool:
        return any(one.id == student for one in self.students)

    def __getitem__(self, student: str) -> Student:
        for one in self.students:
            if one.id == student:
                return one
        raise KeyError(student)


def folded(text: str) -> str:
    """Text as it is compared: composed letters, no difference of case, single spaces.

    >>> folded("  José  NÚÑEZ") == folded("Jose\u0301 nu\u0301n\u0303ez")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _column(table: Table, *names: str) -> str:
    """The file's name of the first of these columns that it has (case aside), or "" if it has none."""
    own = {name.casefold(): name for name in table.columns}
    return next((own[name.casefold()] for name in names if name.casefold() in own), "")


def _kind(table: Table) -> str:
    has = set(table.columns)
    if {"Identifier", "Full name"} <= has:
        return "moodle"
    if {"Student", "ID"} <= has or {"LastName", "FirstName", "ID"} <= has:
        return "canvas"
    if "SID" in has and _column(table, "Email") and (_column(table, "Name", "First Name")):
        return "gradescope"
    return "plain"


# Which column is the id if nobody says: what the system keeps the same for all assignments of a course, and never
# leaves blank. Moodle's "Participant 123" is another number in each assignment, so it is not that.
IDS = {
    "canvas": ("ID",),
    "moodle": ("Email address",),
    "gradescope": ("Email",),
    "plain": ("id", "student_id", "student"),
}


NAMES = ("Full name", "Student", "Name", "First Name", "FirstName", "Last Name", "LastName")
ADDRESSES = ("Email address", "Email", "E-mail")


def _name(row: Mapping[str, str], table: Table) -> str:
    whole = _column(table, "Full name", "Student", "Name")
    if whole:
        return row[whole].strip()
    first, last = (_column(table, *names) for names in (("First Name", "FirstName"), ("Last Name", "LastName")))
    return " ".join(row[part].strip() for part in (first, last) if part).strip()


def read_roster(path: str | Path, id_column: str | None = None) -> Roster:
    """Read the class from a CSV file.

    Understood are Canvas's gradebook export (columns Student, ID, …), Moodle's grading worksheet (Identifier, Full
    name, Email address, …), Gradescope's roster (First Name, Last Name, SID, Email, Role; only rows of students
    count) and a plain table with the columns `id` and `name` (`email`, `login`, `sid` too, if there are
    any). All columns are kept for the export.

    Args:
        path: the file, in UTF-8.
        id_column: the column that identifies a student. By default Canvas's ID, Moodle's and Gradescope's e-mail
            address, or `id`. It must be the same when variants are handed out and when they are graded.

    Raises:
        RosterError: if there is no such column, an id is missing, doubled, or begins with a character that makes a
            spreadsheet calculate.
    """
    path = Path(path)
    try:
        table = read_table(path)
    except TableError as error:
        raise RosterError(f"roster {error}") from None
    kind = _kind(table)
    if kind == "plain":
        _refuse_other_languages(table, path)
    wanted = (id_column,) if id_column else IDS[kind]
    key = _column(table, *wanted)
    if not key:
        raise RosterError(
            f"roster {path}: no column {' or '.join(map(repr, wanted))}; it has {', '.join(table.columns)}"
        )
    students, possible, seen = [], None, dict[str, int]()
    for row, line in zip(table.rows, table.lines, strict=True):
        first = row[table.columns[0]] if table.columns[0] else ""
        if kind == "canvas" and "Points Possible" in first:
            possible = row
            continue
        if kind == "canvas" and all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell) for cell in row.values()):
            continue
        role = row.get("Role", "") if kind == "gradescope" else ""
        if role.strip() and role.strip().casefold() != "student":
            continue
        student = _student(row, table, key, f"roster {path}, line {line}")
        if student.id.casefold() in seen:
            raise RosterError(
                f"roster {path}, line {line}: {key} {student.id!r} is also on line {seen[student.id.casefold()]} "
                "(ids must differ by more than upper and lower case)"
            )
        seen[student.id.casefold()] = line
        students.append(student)
    if not students:
        raise RosterError(f"roster {path}: no students")
    return Roster(tuple(students), kind, table.columns, possible, path)


def _refuse_other_languages(table: Table, path: Path) -> None:
    """A system's file whose columns have other names is not a plain table: names and addresses would be lost."""
    first = table.columns[0]
    marks = [re.fullmatch(r"(\D*[^\W\d_]\D*)\d+", row[first].strip()) for row in table.rows]
    begins = {mark[1] if mark else "" for mark in marks}
    if len(table.columns) > 5 and len(begins) == 1 and begins != {""}:
        raise RosterError(
            f"roster {path}: its first column, {first!r}, holds {table.rows[0][first]!r}: this seems to be Moodle's "
            "grading worksheet in another language; set Moodle to English and download it again"
        )
    if len(table.columns) > 5 and not _column(table, *NAMES, *ADDRESSES):
        raise RosterError(
            f"roster {path}: no column of names or addresses; it has {', '.join(table.columns)}. Wanted is a column "
            f"'name'; if this is an export in another language, set the system to English and export it again"
        )


def _student(row: Mapping[str, str], table: Table, key: str, where: str) -> Student:
    def get(*names: str) -> str:
        column = _column(table, *names)
        return row[column].strip() if column else ""

    student = row[key].strip()
    if not student:
        raise RosterError(f"{where}: {key} is blank")
    if not student.isprintable() or len(student) > 200:
        raise RosterError(f"{where}: {key} {student[:40]!r} has characters that do not print, or more than 200")
    for part in student.split(";"):
        if part.strip()[:1] in tuple(FORMULA) or guarded(part) != part:
            raise RosterError(
                f"{where}: {key} {student!r} begins with {part.strip()[0]!r}, or has a part that does, "
                "which a spreadsheet would run as a formula"
            )
    participant = MOODLE_PARTICIPANT.fullmatch(get("Identifier"))
    return Student(
        id=student,
        name=_name(row, table) or student,
        email=get(*ADDRESSES),
        login=get("SIS Login ID", "Login", "Username"),
        sid=get("SIS User ID", "ID number", "SID"),
        canvas=get("Canvas ID", "Canvas User ID") or (get("ID") if _kind(table) == "canvas" else ""),
        participant=participant[1] if participant else "",
        columns=row,
    )
