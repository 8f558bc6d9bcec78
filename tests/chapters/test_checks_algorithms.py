"""The checks of the exercises of `algorithms` refuse what looks right, and take what is right in another form."""

import math
from fractions import Fraction

import numpy as np
import pytest
from exercises import each_refused, exercise


@pytest.mark.parametrize("check", ["check_code", "check_widest", "check_steps"])
def test_algorithms_wants_a_function(check):
    each_refused(
        exercise("algorithms", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments|it does not work with this argument", lambda *, a: 1),
        ],
    )


def test_algorithms_code():
    names = exercise("algorithms", "check_code")
    check, right = names["check_code"], names["stack_code"]
    check(lambda bits: sum((Fraction(2 * b + 1, 4**i) for i, b in enumerate(bits[::-1], 1)), Fraction(0)))
    check(lambda bits: right(bits) or 0)
    differs = r"the code is .*, not .*, which is [+-]"
    each_refused(
        check,
        [
            (differs, lambda bits: right(bits[::-1])),
            (differs, lambda bits: sum((Fraction(b, 2**i) for i, b in enumerate(bits[::-1], 1)), Fraction(0))),
            (differs, lambda bits: sum((Fraction(2 * b + 1, 4**i) for i, b in enumerate(bits[::-1])), Fraction(0))),
            (differs, lambda bits: right([1 - b for b in bits])),
            (differs, lambda bits: right(bits[1:])),
            (differs, lambda bits: right(bits[:20])),
            ("should be a Fraction", lambda bits: float(right(bits))),
            ("should be a Fraction", lambda bits: None),
            ("should be a Fraction", lambda bits: [right(bits)]),
            ("should be a Fraction", lambda bits: str(right(bits))),
            ("should be a Fraction", lambda bits: True),
        ],
    )


def test_algorithms_widest():
    names = exercise("algorithms", "check_widest")
    check, right = names["check_widest"], names["widest"]

    def by_loops(weights, steps):
        d = [math.inf] + [0.0] * (len(weights) - 1)
        for _ in range(steps):
            d = [max([d[v], *(min(d[u], weights[u][v]) for u in range(len(weights)))]) for v in range(len(weights))]
        return d

    def forgetful(weights, steps):
        d = np.r_[np.inf, np.zeros(len(weights) - 1)]
        for _ in range(steps):
            d = np.minimum(d[:, None], weights).max(0)
        return d

    def shortest(weights, steps):
        d = np.r_[0, np.full(len(weights) - 1, np.inf)]
        for _ in range(steps):
            d = np.minimum(d, (d[:, None] + np.where(weights > 0, weights, np.inf)).min(0))
        return d

    check(by_loops)
    check(lambda weights, steps: tuple(right(weights, steps)))
    differs = r"node \d has .*, not .*, which is [+-]"
    each_refused(
        check,
        [
            (differs, forgetful),
            (differs, shortest),
            (differs, lambda weights, steps: right(weights.T, steps)),
            (differs, lambda weights, steps: right(weights, steps + 1)),
            (differs, lambda weights, steps: right(weights, max(steps - 1, 0))),
            (differs, lambda weights, steps: right(weights, len(weights))),
            (differs, lambda weights, steps: np.r_[0.0, right(weights, steps)[1:]]),
            (differs, lambda weights, steps: np.maximum(right(weights, 0), weights[0])),
            (r"should be \d numbers", lambda weights, steps: right(weights, steps)[1:]),
            (r"should be \d numbers", lambda weights, steps: None),
            (r"should be \d numbers", lambda weights, steps: 3.0),
            ("should be a number", lambda weights, steps: [str(v) for v in right(weights, steps)]),
            ("should be a number", lambda weights, steps: [None] * len(weights)),
        ],
    )


def test_algorithms_steps():
    names = exercise("algorithms", "check_steps")
    check, right = names["check_steps"], names["safe_steps"]

    def counted(epsilon, share):
        steps = 0
        while (1 + epsilon) ** (steps + 1) - 1 <= share + 1e-12:
            steps += 1
        return steps

    check(counted)
    check(lambda epsilon, share: np.int64(right(epsilon, share)))
    differs = r"steps are promised, and yours says"
    each_refused(
        check,
        [
            (differs, lambda epsilon, share: int(share / epsilon)),
            (differs, lambda epsilon, share: right(epsilon, share) + 1),
            (differs, lambda epsilon, share: right(epsilon, share) - 1),
            (differs, lambda epsilon, share: math.ceil(math.log1p(share) / math.log1p(epsilon))),
            (differs, lambda epsilon, share: int(math.log(1 + share))),
            ("T should be a whole number|steps are promised", lambda epsilon, share: math.log1p(share) / epsilon),
            ("should be a", lambda epsilon, share: None),
            ("should be a", lambda epsilon, share: [right(epsilon, share)]),
            ("should be a", lambda epsilon, share: str(right(epsilon, share))),
        ],
    )
