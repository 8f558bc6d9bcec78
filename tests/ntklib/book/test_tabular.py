"""Tables of numbers: what a page, a terminal and a screen reader get."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import linregress

from ntklib.book import table


def test_a_page_gets_rows_and_columns_that_are_named():
    shown = table({"a & b": [1.0, "<"], 8: (2, Fraction(1, 3))}, ["", "it's", "c"], [".2f", ""])
    assert shown._repr_html_() == (
        '<table class="table book-table"><thead><tr><td style="text-align: right"></td>'
        '<th scope="col" style="text-align: right">it&#x27;s</th>'
        '<th scope="col" style="text-align: right">c</th></tr></thead>'
        '<tbody><tr><th scope="row">a &amp; b</th><td style="text-align: right">1.00</td>'
        '<td style="text-align: right">&lt;</td></tr><tr><th scope="row">8</th><td style="text-align: right">2.00</td>'
        '<td style="text-align: right">1/3</td></tr></tbody></table>'
    )


def test_a_terminal_gets_columns():
    assert str(table([("a", -1), ("long", 12345)], ["name", "n"], ",")) == "name       n\na         −1\nlong  12,345"


def test_values_of_all_kinds():
    fit = linregress([0, 1, 2, 3], [0.0, 1.1, 1.9, 3.0])
    rows = table({"fit": fit, "number": np.float32(2.5), "array": np.array(1e-9)}, ["", "value"], ".2f").rows
    assert rows == [["fit", f"{fit.slope:.2f} ± {fit.stderr:.2f}"], ["number", "2.50"], ["array", "0.00"]]
    assert table({"several": np.array([1.0, 2.0])}, ["", "a", "b"]).rows == [["several", "1", "2"]]


@pytest.mark.parametrize("form", [".0f", ".1f", "+.1f", ".0%", "+.1%", ",.2f", "scientific", ""])
@pytest.mark.parametrize("value", [-0.0, -3e-4, 3e-4, -0.04])
def test_no_number_is_a_negative_zero(form, value):
    """What is left of a number after rounding has a minus only where there is something else than zeros."""
    ((_, entry),) = table({"a": value}, ["", "b"], form).rows
    assert any(c in "123456789" for c in entry) or not {"−", "-", "+"} & set(entry), entry


def test_a_text_with_numbers_has_no_negative_zero():
    shown = table({"a": ["-0.0 ± 0.1", "from −0.00 to -0.05"]}, ["", "b", "c"])
    assert shown.rows == [["a", "0.0 ± 0.1", "from 0.00 to -0.05"]]


@pytest.mark.parametrize("rows", [{"a": [1.0, 2.0]}, [("a", 1.0, 2.0)], {"a": 1.0, "b": [1.0, 2.0]}])
def test_a_row_of_another_length_is_named(rows):
    with pytest.raises(ValueError, match=r"rows must have 2 entries, as columns has, got 3 in \(\'[ab]\', "):
        table(rows, ["", "b"])
