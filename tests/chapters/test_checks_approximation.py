"""The checks of the exercises of `approximation` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import exercise


def test_approximation_which():
    names = exercise("approximation", "check_which")
    check = names["check_which"]
    right = ["sin", "abs", "max(u, 0)^2", "u + 1e-9 cos(u)", "log(1 + e^u)", "exp"]
    check(right)
    check(tuple(right))
    with pytest.raises(AssertionError, match="a set of names is wanted"):
        check("sin")
    with pytest.raises(AssertionError, match=r"wrong about \['sin'\]"):
        check(right[1:])


def test_approximation_exponential():
    names = exercise("approximation", "check_exponential")
    check, right = names["check_exponential"], names["barron_of_product"]
    check(lambda d: np.float32(right(d)))
    with pytest.raises(AssertionError, match=r"for d = 1 it is 2\.12132, not 1\.414214"):
        check(lambda d: 2 ** (d / 2) * d**0.5)
