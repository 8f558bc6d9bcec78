"""The checks of the exercises of `nngp` refuse what looks right, and take what is right in another form."""

import pytest
from exercises import exercise


def test_nngp_which():
    names = exercise("nngp", "check_which")
    for count in (5, 7):
        with pytest.raises(AssertionError, match=f"six booleans are wanted, not {count}"):
            names["check_which"]([True] * count)
