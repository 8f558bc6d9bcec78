"""Text that a stranger wrote: harmless in a table."""

import pytest

from coursework.text import neutralise


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_formula_characters_are_neutralised_at_the_start_only(first):
    assert neutralise(f"{first}cmd|' /C calc'!A0").startswith("'")
    assert neutralise(f"Jane{first.strip() or ' '}Doe") == f"Jane{first.strip() or ' '}Doe"
    assert "\n" not in neutralise(f"a{first}b")
    assert neutralise("a\x1b[31mb\x00; =1") == "a[31mb; '=1"
