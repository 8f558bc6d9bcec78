"""Marks given by hand: a table that people fill in, that is read strictly and never written over."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coursework.files import atomic_write
from coursework.tables import Table, TableError, read_table, table

COLUMNS = ("student", "question", "points", "comment")
# under which a student's answers stand in the notebooks to mark from; older files have no such column
NUMBER_COLUMN = "number"


class MarksError(ValueError):
    """Marks that cannot be used; the message names every row concerned (the first twenty)."""


@dataclass(frozen=True)
class Mark:
    """A row: points, or None as long as nobody has given any, and the comment for the student."""

    points: float | None
    comment: str


Marks = Mapping[tuple[str, str], Mark]  # by student and what the column `question` says


def mark_row(question: str, number: int) -> str:
    """What the column `question` says in the first, second, ... row for one student and question.

    A mark is for one answer. When that changes, a row is added for the next one.

    >>> mark_row("q1-why", 1), mark_row("q1-why", 2)
    ('q1-why', 'q1-why (2)')
    """
    return question if number == 1 else f"{question} ({number})"


def is_given(marks: Marks, student: str, label: str) -> bool:
    """Has somebody filled in that row of marks.csv?"""
    mark = marks.get((student, label))
    return mark is not None and mark.points is not None


def read_marks(
    path: Path, students: Collection[str], maxima: Mapping[str, float], ticks: Collection[str] = ()
) -> dict[tuple[str, str], Mark]:
    """Read the marks, by (student, what the column `question` says); {} if there is no file yet.

    A spreadsheet may have saved the file: with semicolons and decimal commas, or with the zeros at the beginning of
    the ids lost, which is mended where it leaves no doubt.

    Args:
        path: marks.csv.
        students: the ids that may occur.
        maxima: the greatest mark of each question that may occur, also with a number behind it (:func:`mark_row`).
        ticks: the questions of which a row holds 1 or nothing.

    Raises:
        MarksError: for an unknown student or question, points that are not a number from 0 to the question's (or not 1,
            in `ticks`), and a row that occurs twice.
    """
    if not path.exists():
        return {}
    read = _table(path)
    ids = {**_without_zeros(students), **{student: student for student in students}}
    marks: dict[tuple[str, str], Mark] = {}
    lines: dict[tuple[str, str], int] = {}
    wrong: list[str] = []
    for row, line in zip(read.rows, read.lines, strict=True):
        student, question, points = (row[name].strip() for name in COLUMNS[:3])
        known = ids.get(student) or ids.get(student.lstrip("0"))
        asked = question if question in maxima else re.sub(r" \([1-9]\d*\)$", "", question)
        if known is None:
            wrong.append(f"line {line}: no student {student!r} in the roster (did a spreadsheet change the id?)")
        elif asked not in maxima:
            wrong.append(f"line {line}: no question {question!r}; there are {', '.join(maxima)}")
        elif (known, question) in lines:
            wrong.append(f"line {line}: {student}, {question} is also on line {lines[known, question]}")
        else:
            lines[known, question] = line
            try:
                value = _points(points, maxima[asked], decimal_comma=read.delimiter == ";")
                if asked in ticks and value not in (None, 1.0):
                    raise ValueError(f"points are {points}, wanted 1 or nothing")
            except ValueError as error:
                wrong.append(f"line {line}: {student}, {question}: {error}")
            else:
                marks[known, question] = Mark(value, row["comment"].strip())
    if wrong:
        more = [f"and {len(wrong) - 20} more"] if len(wrong) > 20 else []
        raise MarksError("\n  ".join([f"{path}:", *wrong[:20], *more]))
    return marks


def append_rows(path: Path, rows: Iterable[tuple[str, str]], numbers: Mapping[str, int] | None = None) -> None:
    """Add empty rows for (student, question) at the end; every byte that is there stays.

    Args:
        path: marks.csv; it is made where there is none.
        rows: whose answer to what wants a mark.
        numbers: those of the students; a file that has a column for them gets them.

    Raises:
        MarksError: if the file that is there cannot be read.
    """
    known = numbers or {}
    new = [{"student": student, "question": what, NUMBER_COLUMN: str(known.get(student, ""))} for student, what in rows]
    if path.exists():
        if not new:
            return
        read = _table(path)
        old = path.read_bytes()
        cells = [[row.get(name, "") for name in read.columns] for row in new]
        gap = b"" if old.endswith((b"\n", b"\r")) else b"\r\n"
        atomic_write(path, old + gap + table(cells, bom=False, delimiter=read.delimiter))
    else:
        columns = (NUMBER_COLUMN, *COLUMNS)
        atomic_write(path, table([columns, *([row.get(name, "") for name in columns] for row in new)], bom=True))


def _table(path: Path) -> Table:
    try:
        read = read_table(path)
    except TableError as error:
        raise MarksError(str(error)) from None
    absent = [name for name in COLUMNS if name not in read.columns]
    if absent:
        raise MarksError(f"{path}: no column {', '.join(map(repr, absent))}; the columns are {', '.join(COLUMNS)}")
    return read


def _without_zeros(students: Collection[str]) -> dict[str, str]:
    """Students by their ids as a spreadsheet leaves them, where that leaves no doubt."""
    short: dict[str, list[str]] = {}
    for student in students:
        short.setdefault(student.lstrip("0"), []).append(student)
    return {key: same[0] for key, same in short.items() if len(same) == 1 and key.isdigit()}


def _points(text: str, maximum: float, *, decimal_comma: bool) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        raise ValueError(f"points are {text!r}, wanted a number") from None
    if not math.isfinite(value) or not 0 <= value <= maximum:
        raise ValueError(f"points are {text}, wanted a number from 0 to {maximum:g}")
    return value
