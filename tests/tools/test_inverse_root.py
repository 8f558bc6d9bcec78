"""Is the table of powers in the library as good as it says, and is it what the script fits?"""

import functools

import mpmath as mp
import numpy as np
import pytest

from ntklib._interpolants import INVERSE_ROOT
from ntklib._tanh import _SCALES, LARGEST
from tools import inverse_root

CLAIMED = (1e-7, 1e-14)  # what stands above the table


@functools.cache
def conditions(which):
    return inverse_root.conditions(which, inverse_root.EXPONENTS[which], 23, 61)  # between the cases of the fit


def error(which, coefficients):
    matrix, wanted = conditions(which)
    return float(np.abs(matrix @ np.array(coefficients, np.longdouble) - wanted).max())


@pytest.mark.parametrize("which", [0, 1])
def test_the_table_is_as_good_as_it_says_and_no_coefficient_may_move(which):
    exponents, coefficients = zip(*INVERSE_ROOT[which], strict=True)
    assert exponents == inverse_root.EXPONENTS[which]
    assert error(which, coefficients) < CLAIMED[which]
    for place in range(len(coefficients)):
        moved = np.array(coefficients)
        moved[place] += (0.3, 1e-3)[which]
        assert error(which, moved) > CLAIMED[which]


@pytest.mark.parametrize("which", [0, 1])
def test_the_script_fits_as_well(which):
    coefficients, least = inverse_root.fitted(which, rounds=15)
    assert least <= error(which, coefficients) < 2 * CLAIMED[which]
    assert np.all(coefficients >= 0)


def test_what_is_fitted_is_the_expectation_in_forty_digits():
    """At the largest variance, for equal points and another correlation, which are the last cases but the first."""
    matrix, _ = inverse_root.conditions(1, (0, 3), 2, 3)
    with mp.workdps(40):
        scales = [(mp.mpf(float(s)), mp.mpf(float(p))) for s, p in zip(*_SCALES[1], strict=True)]
        found = [(p * mp.sqrt(2 * s * s / (1 + 2 * s * s * LARGEST)), 2 * s * s * LARGEST) for s, p in scales]
        points = [(factor, part / (1 + part)) for factor, part in found]

        def expected(function):
            return mp.fsum(p * q * function(x * y) for p, x in points for q, y in points)

        true = expected(lambda s: 1 / mp.sqrt(1 - s))
        exact = [float(expected(lambda s, e=e: s**e) / true) for e in (0, 3)]
    case = len(matrix) - 3  # the pair of largest variances, correlation one
    np.testing.assert_allclose(matrix[case].astype(float), exact, rtol=1e-14)
