"""What a notebook says of itself, whatever was done to it."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from coursework.masters.identity import name_in, number_in


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_number_is_found_at_any_line(end):
    assert number_in(new_notebook(cells=[new_code_cell(f"import os{end}VARIANT = 12{end}x = 1")])) == 12


def test_the_variant_cell_goes_before_others():
    cells = [new_code_cell("VARIANT = 1"), new_code_cell("VARIANT = 2", metadata={"nbgrader": {"grade_id": "variant"}})]
    assert number_in(new_notebook(cells=cells)) == 2
    assert number_in(new_notebook(cells=[new_code_cell("VARIANT = x")])) is None


@pytest.mark.parametrize("head", [None, 7, [], {}, {"name": 7}])
def test_a_head_that_says_nothing(head):
    assert name_in(new_notebook(metadata={"coursework": head})) is None
