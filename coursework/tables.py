"""How are CSV files read, from any spreadsheet, and written?"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursework.text import guarded

DELIMITERS = ",;\t"


class TableError(ValueError):
    """A CSV file that cannot be used; the message names the file and, where there is one, the row."""


def table(rows: Iterable[Sequence[str]], *, bom: bool, delimiter: str = ",") -> bytes:
    r"""Rows as a CSV file in UTF-8, lines ended as RFC 4180 wants.

    No cell is a formula (:func:`~coursework.text.guarded`), whatever it holds and wherever it comes from.

    >>> table([["id", "name"], ["7", "Doe, Jane"]], bom=False)
    b'id,name\r\n7,"Doe, Jane"\r\n'

    Args:
        rows: the cells, row by row.
        bom: whether to begin with a byte-order mark. Spreadsheets need it to read names in UTF-8; a learning management
            system does not.
        delimiter: what separates cells.
    """
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(map(guarded, row) for row in rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")


@dataclass(frozen=True)
class Table:
    """A CSV file as read: column names, rows by column, the line on which each row ends, and what separates cells."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]
    delimiter: str


def read_table(path: Path, *, limit: int = 50_000_000) -> Table:
    """Read a CSV file in UTF-8, with or without a byte-order mark, its cells separated by comma, semicolon or tab.

    Raises:
        TableError: if there is no such file, it has more than `limit` bytes or is not UTF-8, two columns have one name,
            or a row has more cells than there are columns.
    """
    try:
        if path.stat().st_size > limit:
            raise TableError(f"{path}: larger than {limit:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 (byte {error.start}); in a spreadsheet, save as “CSV UTF-8”") from None
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    longest = csv.field_size_limit(limit)  # Moodle puts whole essays into a cell
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        if not any(columns):
            raise TableError(f"{path}: empty; the first row must hold the names of the columns")
        twice = sorted({name for name in columns if name and columns.count(name) > 1})
        if twice:
            raise TableError(f"{path}: two columns are called {twice[0]!r}")
        rows, lines = [], []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns):
                message = f"{len(cells)} cells where the first row has {len(columns)}"
                raise TableError(f"{path}, line {reader.line_num}: {message}; is a comma not in quotes?")
            cells += [""] * (len(columns) - len(cells))
            rows.append({name: cell for name, cell in zip(columns, cells, strict=True) if name})
            lines.append(reader.line_num)
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(longest)
    return Table(path, columns, tuple(rows), tuple(lines), delimiter)
