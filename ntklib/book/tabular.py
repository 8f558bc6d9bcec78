"""How does a cell show several numbers? As a table that a page, a notebook and a terminal can each set.

:func:`table` takes rows and says how their numbers are written. On a page it is a table that a phone can scroll and a
screen reader can read by rows and columns; a cell has it as its last line.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ntklib import _arguments
from ntklib.book import _values

__all__ = ["table"]


def table(
    rows: Mapping[Any, Any] | Iterable[Sequence], columns: Sequence[Any], forms: str | Sequence[str] = ""
) -> "NumberTable":
    """Several numbers as a table; the first column names the rows.

    Args:
        rows: a mapping from the name of each row to its values, or to its only value; or rows that begin with their
            names. A value is a text, a number, or has a ``slope`` and a ``stderr``, as `scipy.stats.linregress` gives.
        columns: the heads, the first that of the names.
        forms: how numbers are written, a format such as ``".2f"`` or ``"scientific"``: one for all columns, or one for
            each after the first. An empty one writes up to four digits.

    Returns:
        the table, which shows itself as the last line of a cell.

    Raises:
        ValueError: if a row or the forms are not as long as the heads, or a number cannot be written so.

    >>> table({"network": (0.9784, 2.5e-8), "kernel": (1, "none")}, ["", "right", "gap"], [".1%", "scientific"])
               right       gap
    network   97.8 %  2 · 10⁻⁸
    kernel   100.0 %      none
    """
    for name, given, wanted in (("columns", columns, "a list of heads"), ("rows", rows, "a mapping or a list of rows")):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise ValueError(f"{name} must be {wanted}, got {_arguments.got(given)}")
    heads = [str(head) for head in columns]
    each = ["", *([forms] * (len(heads) - 1) if isinstance(forms, str) else _formats(forms))]
    if len(each) != len(heads):
        raise ValueError(f"forms must be one, or one for each of the {len(heads) - 1} columns, got {len(each) - 1}")
    whole = [_row(name, values) for name, values in rows.items()] if isinstance(rows, Mapping) else list(map(_of, rows))
    for row in whole:
        if len(row) != len(heads):
            raise ValueError(f"rows must have {len(heads)} entries, as columns has, got {len(row)} in {row!r}")
    return NumberTable(heads, [[_written(value, form) for value, form in zip(row, each, strict=True)] for row in whole])


def _formats(forms: Any) -> list[str]:
    if not isinstance(forms, Sequence) or not all(isinstance(form, str) for form in forms):
        raise ValueError(f"forms must be a format or a list of them, got {_arguments.got(forms)}")
    return list(forms)


def _row(name: Any, values: Any) -> tuple:
    alone = isinstance(values, str) or hasattr(values, "slope") or getattr(values, "ndim", 1) == 0
    return (name, values) if alone or not isinstance(values, Iterable) else (name, *values)


def _of(row: Any) -> tuple:
    if isinstance(row, str) or not isinstance(row, Iterable):
        raise ValueError(f"rows must each be a list of entries, got {_arguments.got(row)}")
    return tuple(row)


def _written(value: Any, form: str) -> str:
    if isinstance(value, str):
        return _values.without_negative_zeros(value)
    if hasattr(value, "slope") and hasattr(value, "stderr"):
        return f"{_written(float(value.slope), form)} ± {_written(float(value.stderr), form)}"
    if not _arguments.is_number(value) and not isinstance(value, Fraction):
        raise ValueError(f"rows must hold numbers and texts, got {_arguments.got(value)}")
    plain = _values.plain("table", value)
    try:
        return _values.written(plain, form) if form else _values.text(plain)
    except (TypeError, ValueError) as error:
        raise ValueError(f"forms must be formats of numbers, got {form!r} for {_arguments.got(value)}") from error


class NumberTable:
    """Written numbers in rows and columns.

    Attributes:
        heads: of the columns.
        rows: the entries, the first of each row its name.
    """

    def __init__(self, heads: list[str], rows: list[list[str]]) -> None:
        self.heads, self.rows = heads, rows

    def _repr_html_(self) -> str:
        def cell(kind: str, words: str, scope: str = "") -> str:
            attributes = f' scope="{scope}"' if scope else ""
            attributes += "" if scope == "row" else ' style="text-align: right"'
            return f"<{kind}{attributes}>{html.escape(words)}</{kind}>"

        head = "".join(cell("th" if words else "td", words, "col" if words else "") for words in self.heads)
        body = "".join(
            f"<tr>{cell('th', row[0], 'row')}{''.join(cell('td', words) for words in row[1:])}</tr>"
            for row in self.rows
        )
        return f'<table class="table book-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'

    def __repr__(self) -> str:
        lines = [self.heads, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.heads))]
        return "\n".join(
            "  ".join(
                words.ljust(width) if column == 0 else words.rjust(width)
                for column, (words, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
