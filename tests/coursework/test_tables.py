"""CSV files: what is written comes back, and no program that splits them finds a formula."""

import csv
import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from coursework.tables import read_table, table

NASTY = st.text(alphabet=list("=+-@−＝a1.,;'\" \t\r\n\x01\x1b\x7f\x85\u200b\u2028\ufeff\udcff"), max_size=8)
HARMLESS = re.compile(r"-|[+-]\d+([.,]\d+)?")


@settings(deadline=None)  # how long it takes is the machine's affair
@given(st.lists(st.lists(NASTY, min_size=3, max_size=3), min_size=1, max_size=3))
def test_no_cell_is_a_formula_however_the_file_is_split(rows):
    text = table([["7", *row] for row in rows], bom=False).decode()  # tables begin with an id or a name
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            for cell in row:
                seen = cell.strip(" \ufeff\u200b\n")
                assert not seen.startswith(tuple("=+-@−＝")) or HARMLESS.fullmatch(cell), (text, delimiter, cell)


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(table([["id", "name"], ["0012", 'Doe, Jane "J"'], ["7", "two\nlines; and more"]], bom=True))
    assert [dict(row) for row in read_table(path).rows] == [
        {"id": "0012", "name": 'Doe, Jane "J"'},
        {"id": "7", "name": "two\nlines; and more"},
    ]
