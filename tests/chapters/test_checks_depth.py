"""The checks of the exercises of `depth` refuse what looks right, and take what is right in another form."""

import math
from fractions import Fraction

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


@pytest.mark.parametrize("check", ["check_widest", "check_best_depth", "check_folds_left", "check_power", "check_thin"])
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


def test_depth_power():
    names = exercise("depth", "check_power")
    check, right = names["check_power"], names["power"]
    check(lambda x, j, m: (right(x, j, m)[0], (2**j - 0.5) / 4 ** (m + 1)))
    value = lambda x, j, m: right(x, j, m)[0]  # noqa: E731
    less, more = "which is more than your bound", r"your bound, .*, is more than"
    each_refused(
        check,
        [
            (less, lambda x, j, m: (value(x, j, m), Fraction(j, 4 ** (m + 1)))),  # errors added, not doubled
            (less, lambda x, j, m: (value(x, j, m), 0)),
            (less, lambda x, j, m: (value(x, j, m), Fraction(1, 4 ** (m + 1)))),
            (less, lambda x, j, m: (value(x, j, m), Fraction(2**j - 1, 4 ** (m + 2)))),
            (more, lambda x, j, m: (value(x, j, m), Fraction(2**j + 1, 4 ** (m + 1)))),
            (more, lambda x, j, m: (value(x, j, m), 1)),
            ("the network gives", lambda x, j, m: (x ** (2**j), right(x, j, m)[1])),  # the exact power
            ("the network gives", lambda x, j, m: (float(value(x, j, m)) + 1e-9, right(x, j, m)[1])),
            ("the network gives", lambda x, j, m: (right(x, 1, m)[0], right(x, j, m)[1])),
            ("the network gives", lambda x, j, m: (right(x, j, m + 1)[0], right(x, j, m)[1])),
            ("a pair is wanted", lambda x, j, m: value(x, j, m)),
            ("a pair is wanted", lambda x, j, m: None),
            ("the bound should be a number", lambda x, j, m: (value(x, j, m), None)),
            ("the bound should be a finite number", lambda x, j, m: (value(x, j, m), math.inf)),
        ],
    )


def test_depth_thin():
    names = exercise("depth", "check_thin")
    check, right = names["check_thin"], names["thin"]

    def changed(layer, change):
        def wrong(*given):
            layers = [(w.copy(), b.copy()) for w, b in right(*given)]
            change(*layers[layer])
            return layers

        return wrong

    def doubled(weight, bias):
        weight[:] = weight * 2

    def shifted(weight, bias):
        bias[:] = bias + Fraction(1)

    def forgotten(weight, bias):  # the last term
        weight[-3] = Fraction(0)

    def unsigned(weight, bias):
        weight[-1] = Fraction(1)

    def padded(*given):
        layers = right(*given)
        for i, (w, b) in enumerate(layers[:-1]):
            below = w if not i else np.concatenate([w, np.full((1, w.shape[1]), Fraction(0))])
            layers[i] = (np.concatenate([below, np.full((len(below), 1), Fraction(0))], 1), np.append(b, Fraction(0)))
        layers[-1] = (np.append(layers[-1][0], [[Fraction(0)]], 0), layers[-1][1])
        return layers

    def shallow(weight, bias, readout):
        return [(weight, bias), (readout[:, None], np.full(1, Fraction(0)))]

    def exact_layers(weight, bias, readout):
        w, b, a = (np.asarray(part, float) for part in (weight, bias, readout))
        return [(np.asarray(m, float) * 1.0000001, np.asarray(v, float)) for m, v in right(w, b, a)]

    off = "the deep network gives"
    each_refused(
        check,
        [
            (off, changed(0, doubled)),
            (off, changed(0, shifted)),
            (off, changed(-1, forgotten)),
            (off, changed(-1, unsigned)),
            (off, changed(-1, shifted)),
            (off, lambda w, b, a: right(w, b, a[::-1])),
            (off, lambda w, b, a: right(w, b, np.abs(a))),
            (off, lambda w, b, a: right(w, -b, a)),
            (off, exact_layers),
            ("more than", padded),
            ("layers is wanted", lambda *given: right(*given)[:-1]),
            ("layers is wanted", lambda *given: tuple(right(*given))),
            ("layers is wanted", shallow),
            ("layers is wanted", lambda *given: None),
            ("these are no layers", lambda w, b, a: [None] * (len(b) + 1)),
            ("these are no layers", lambda w, b, a: [(m.T, v) for m, v in right(w, b, a)]),
        ],
    )
