"""How coursework reads and writes files: whole or not at all, safely named, in tables that no spreadsheet runs."""

import contextlib
import csv
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

__all__ = ["Table", "TableError", "atomic_write", "neutralise", "private_folder", "read_table", "safe_name", "table"]

FORMULA = "=+-@\t\r\n＝＋－＠"
DELIMITERS = ",;\t"


class TableError(ValueError):
    """A CSV file that cannot be used; the message names the file and, where there is one, the row."""


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter, unless it exists, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def atomic_write(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` so that a reader, or a crash at any moment, sees the old file or the new one.

    A file that already holds ``data`` is not touched. New files can be read by their owner only.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    with contextlib.suppress(OSError, AttributeError):  # not every system can open a folder
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def safe_name(text: str) -> str:
    """Turn an identifier into a file name: never empty or hidden, no separators, different for different identifiers.

    >>> safe_name("jane.doe@example.org"), safe_name("../a b"), safe_name("École/7")
    ('jane.doe@example.org', '%2E.%2Fa%20b', '%C3%89cole%2F7')
    """
    name = quote(text, safe="@+,=") or "%00"
    if name.startswith((".", "-", "~")):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > 100:
        name = f"{name[:80]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name


def neutralise(text: str) -> str:
    """Text for a person's table that a spreadsheet shows and does not run; one line.

    A leading formula character, also one after a semicolon (which many spreadsheets split at), gets an apostrophe
    before it.

    >>> neutralise('=HYPERLINK("x")'), neutralise("Doe; -Jane"), neutralise("minus-five"), neutralise("two\\nlines")
    ('\\'=HYPERLINK("x")', "Doe; '-Jane", 'minus-five', 'two lines')
    """
    guarded = f"'{text}" if text[:1] and text[0] in FORMULA else text
    line = re.sub(r"[\t\r\n\v\f\x85\u2028\u2029]+", " ", guarded)
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", "", line)  # a terminal would obey them
    return re.sub(r"(;\s*)(?=[=+\-@＝＋－＠])", r"\1'", line)


def table(rows: Iterable[Sequence[str]], *, bom: bool, delimiter: str = ",") -> bytes:
    r"""Rows as a CSV file in UTF-8, lines ended as RFC 4180 wants.

    ``bom``: begin with a byte-order mark. Spreadsheets need it to read names in UTF-8; a learning management system
    does not.

    >>> table([["id", "name"], ["7", "Doe, Jane"]], bom=False)
    b'id,name\r\n7,"Doe, Jane"\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
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

    Raises :class:`TableError` if there is no such file, it is not UTF-8, two columns have one name, or a row has more
    cells than there are columns.
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
