"""The checks of the exercises of `simplicity` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
import pytest
from exercises import each_refused, exercise

FORMS = [
    ("hand over the function itself, without calling it, not float", 0.5),
    ("hand over the function itself, without calling it, not NoneType", None),
    ("hand over the function itself, without calling it, not list", [1]),
    (r"it does not work with these \d arguments", lambda: 1),
]


def simplicity(check):
    return exercise("simplicity", check)


@pytest.mark.parametrize("check", ["check_enough", "check_memorise", "check_parities"])
def test_simplicity_wants_a_function(check):
    each_refused(simplicity(check)[check], FORMS)


def test_simplicity_enough():
    names = simplicity("check_enough")
    check, right = names["check_enough"], names["enough"]
    check(lambda *given: float(right(*given)))
    check(lambda *given: np.int64(right(*given)))
    more, fewer = r"bound the risk by [\d.]+, which is more than", "is not the smallest number"
    each_refused(
        check,
        [
            (more, lambda p, delta, risk: max(1, right(p, delta, risk) - 1)),
            (fewer, lambda p, delta, risk: right(p, delta, risk) + 1),
            (fewer, lambda p, delta, risk: math.ceil(math.log(1 / (p * delta)) / risk)),  # ln(1 − ε) ≈ −ε
            (more, lambda p, delta, risk: max(1, math.ceil(math.log(1 / p) / -math.log(1 - risk)))),
            (fewer, lambda p, delta, risk: math.ceil(math.log2(1 / (p * delta)) / -math.log(1 - risk))),
            ("should be a positive integer", lambda p, delta, risk: math.log(p * delta) / math.log(1 - risk)),
            ("should be a positive integer, not None", lambda *given: None),
            (r"should be a positive integer, not \[", lambda *given: [right(*given)]),
            ("should be a positive integer, not True", lambda *given: True),
            ("should be a positive integer, not nan", lambda *given: math.nan),
            ("should be a positive integer, not inf", lambda *given: math.inf),
        ],
    )


def test_simplicity_memorise():
    names = simplicity("check_memorise")
    check, right = names["check_memorise"], names["memorise"]
    biases = lambda x: [x[0] - 2, *x[:-1]]  # noqa: E731

    def other(x, y):
        """Another first bias."""
        b, a = biases(x), []
        for j, target in enumerate(y):
            a.append((target - sum(w * (x[j] - c) for w, c in zip(a, b, strict=False))) / (x[j] - b[j]))
        return b, a

    check(other)
    off = r"the network gives .*, not .*: it is off by [+-]"
    each_refused(
        check,
        [
            (off, lambda x, y: (right(x, y)[0], [0] * len(x))),
            (off, lambda x, y: (right(x, y)[0], list(y))),
            (off, lambda x, y: (list(x), right(x, y)[1])),
            (off, lambda x, y: (right(x, y)[0], [float(a) + 1e-9 for a in right(x, y)[1]])),
            (off, lambda x, y: (right(x, y)[0], [-a for a in right(x, y)[1]])),
            (off, lambda x, y: right(x, y)[::-1]),
            ("two lists of", lambda x, y: tuple(v[:-1] for v in right(x, y))),
            ("two lists of", lambda x, y: (np.array(x, float), np.array(y, float))),
            ("two lists are wanted", lambda x, y: None),
            ("two lists are wanted", lambda x, y: right(x, y)[0]),
        ],
    )


def test_simplicity_parities():
    names = simplicity("check_parities")
    check, right = names["check_parities"], names["mistakes"]
    check(lambda *given: np.int64(right(*given)))
    differs = r"the majority makes \d+ mistakes, not -?\d+, which is [+-]"
    each_refused(
        check,
        [
            (differs, lambda d, S, order: d),
            (differs, lambda d, S, order: len(S)),
            (differs, lambda d, S, order: right(d, S, order) + 1),
            (differs, lambda d, S, order: right(d, S, order[1:][::-1])),
            (differs, lambda d, S, order: sum(sum(x[k] for k in S) % 2 for x in order)),  # nothing is learned
            (differs, lambda d, S, order: 0),
            ("should be an integer, not None", lambda *given: None),
            (r"should be an integer, not \[", lambda *given: [right(*given)]),
            ("should be an integer, not True", lambda *given: True),
        ],
    )
