"""Text that a stranger wrote: harmless in a table."""

import pytest

from coursework.text import guarded, guarded_line


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "−", "＝", "﹦", "⁼"])
@pytest.mark.parametrize(
    "before", ["", "\t", "\r", "\n", " ", "\x01", "\x7f", "\x1b", "\x9f", "\u200b", "\ufeff", "\u202e\xa0", '"']
)
def test_a_formula_is_guarded_whatever_stands_unseen_before_it(before, sign):
    assert f"'{sign}cmd" in guarded_line(f"{before}{sign}cmd|' /C calc'!A0")
    assert f"'{sign}cmd" in guarded(f"see\n{before}{sign}cmd")
    assert f"'{sign}cmd" in guarded(f"see; {before}{sign}cmd")
    assert guarded(guarded(f"{before}{sign}cmd")) == guarded(f"{before}{sign}cmd")


@pytest.mark.parametrize("text", ["Jane=Doe", "a-b; c+d", "-", "-5", "+49", "-0.5", "(=1)", "'=1", "李 小龍", ""])
def test_what_is_no_formula_stays(text):
    assert guarded(text) == guarded_line(text) == text


def test_lines_and_control_characters():
    assert guarded_line("a\x1b[31mb\x00; =1") == "a[31mb; '=1"
    assert guarded_line("one\r\ntwo\u2028three") == "one two three"
    assert guarded("one\r\ntwo\rthree\x00") == "one\ntwo\nthree"
    assert guarded("\udcff.ipynb").encode() == "\ufffd.ipynb".encode()
