"""The checks of the exercises of `depth` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
import pytest
from exercises import each_refused, exercise

from ntklib.depth import chain_steps, chain_time


def no_whole_numbers(right):
    return [
        ("should be a whole number", lambda *given: None),
        ("should be a whole number", lambda *given: [right(*given)]),
        ("should be a whole number", lambda *given: float(right(*given))),
        ("should be a whole number", lambda *given: str(right(*given))),
        ("should be a whole number", lambda *given: True),
    ]


@pytest.mark.parametrize("check", ["check_widest", "check_best_depth", "check_folds_left"])
def test_depth_wants_a_function(check):
    each_refused(
        exercise("depth", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_depth_widest():
    names = exercise("depth", "check_widest")
    check, right = names["check_widest"], names["widest"]
    check(lambda k, L: int(right(k, L)))
    each_refused(
        check,
        [
            ("a width is at least 1", lambda k, L: right(k, L) - 1),
            ("one unit less", lambda k, L: right(k, L) + 1),
            ("is excluded|a width is at least", lambda k, L: math.floor(2 ** ((k - 2) / L)) - 1),
            ("one unit less|is excluded|at least 1", lambda k, L: math.ceil(2 ** ((k - 2) / L)) - 1),
            ("one unit less|is excluded", lambda k, L: max(1, math.ceil(2 ** ((k - 2) / L)) - 1)),  # in floats
            ("one unit less", lambda k, L: right(k + 1, L)),
            ("one unit less", lambda k, L: 2**k),
            ("one unit less|is excluded", lambda k, L: right(k, 1)),
            *no_whole_numbers(right),
        ],
    )


def test_depth_best():
    names = exercise("depth", "check_best_depth")
    check, right = names["check_best_depth"], names["best_depth"]
    check(lambda s, u0, eps: np.int64(right(s, u0, eps)))

    def least(cost):
        return lambda s, u0, eps: min(range(1, 13), key=lambda L: cost(L, u0, s, eps))

    words = r"layers take [\d.]+ times the least time"
    each_refused(
        check,
        [
            (words, lambda s, u0, eps: 1),
            (words, lambda s, u0, eps: 2),
            (words, lambda s, u0, eps: 3),
            (words, least(lambda L, u, s, e: chain_steps(L, u, s, e, 1 / (L * s ** (2 - 2 / L)), limit=10**5))),
            (words, least(lambda L, u, s, e: L * chain_time(L, u, s, e))),
            (words, least(lambda L, u, s, e: -chain_time(L, u, s, e))),
            ("the depth is from 1 to 12", lambda s, u0, eps: 13),
            ("the depth is from 1 to 12", lambda s, u0, eps: 0),
            *no_whole_numbers(right),
        ],
    )


def test_depth_folds():
    names = exercise("depth", "check_folds_left")
    check, right = names["check_folds_left"], names["folds_left"]
    check(lambda j, m: m - int(math.log2(j & -j)) + 1 if j else 0)
    words = r"for j (odd|even) and m = \d+ your answer is \d+ too (few|many)"
    each_refused(
        check,
        [
            (words, lambda j, m: m + 1),
            (words, lambda j, m: m + 1 if j else 0),
            (words, lambda j, m: max(right(j, m) - 1, 0)),
            (words, lambda j, m: right(j, m) + 1),
            (words, lambda j, m: m),
            (words, lambda j, m: right(j, m) or 1),  # zero needs none
            *no_whole_numbers(right),
        ],
    )
