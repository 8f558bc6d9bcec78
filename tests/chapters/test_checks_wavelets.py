"""The checks of the exercises of `wavelets` refuse what looks right, and take what is right in another form."""

import math
from fractions import Fraction

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers


@pytest.mark.parametrize("check", ["check_haar", "check_terms", "check_soft"])
def test_wavelets_wants_a_function(check):
    each_refused(
        exercise("wavelets", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_wavelets_haar():
    names = exercise("wavelets", "check_haar")
    check, right = names["check_haar"], names["exact_haar"]

    def by_recursion(x):
        if len(x) == 1:
            return list(x)
        half = len(x) // 2
        left, second = by_recursion(x[:half]), by_recursion(x[half:])
        joined = [(left[0] + second[0]) / 2, (left[0] - second[0]) / 2]
        for size in (2**j for j in range(half.bit_length() - 1)):
            joined += left[size : 2 * size] + second[size : 2 * size]
        return joined

    def other(sign=1, divide=2, fine_first=False, sums=2):
        def transform(x):
            details = []
            while len(x) > 1:
                pairs = list(zip(x[::2], x[1::2], strict=True))
                level = [sign * (u - v) / divide for u, v in pairs]
                details = details + level if fine_first else level + details
                x = [(u + v) / sums for u, v in pairs]
            return [*x, *details]

        return transform

    check(by_recursion)
    check(other())
    differs = r"entry \d is .*, which is [+-]"
    each_refused(
        check,
        [
            (differs, other(sign=-1)),
            (differs, other(divide=1)),
            (differs, other(fine_first=True)),
            (differs, other(sums=1)),
            (differs, lambda x: list(reversed(right(x)))),
            ("should be a Fraction", lambda x: [float(v) for v in right(x)]),
            ("should be a list of", lambda x: tuple(right(x))),
            ("should be a list of", lambda x: np.array(right(x))),
            ("should be a list of", lambda x: right(x)[1:]),
            ("should be a list of", lambda x: None),
            (differs, lambda x: [sum(x), *right(x)[1:]] if len(x) > 1 else [x[0] + 1]),
            ("should be a Fraction", lambda x: [str(v) for v in right(x)]),
        ],
    )


def test_wavelets_terms():
    names = exercise("wavelets", "check_terms")
    check, right = names["check_terms"], names["terms_needed"]

    def in_a_loop(coefficients, share):
        squares = sorted((c * c for c in coefficients), reverse=True)
        total = left = sum(squares)
        n = 0
        while left > share * total + 1e-12:
            left -= squares[n]
            n += 1
        return n

    check(in_a_loop)
    check(lambda c, share: np.int64(right(c, share)))
    says = "terms are enough, and yours says"

    def unsorted(c, share):
        missing = np.sum(c**2) - np.r_[0.0, np.cumsum(c**2)]
        return int(np.argmax(missing <= share * np.sum(c**2) + 1e-12))

    each_refused(
        check,
        [
            (says, lambda c, share: right(c, share) + 1),
            (says, lambda c, share: right(c, share) - 1),
            (says, unsorted),
            (says, lambda c, share: right(np.sqrt(np.abs(c)), share)),  # sizes for squares
            (says, lambda c, share: right(c, math.sqrt(share))),
            (says, lambda c, share: right(c, 1 - share)),
            (says, lambda c, share: len(c)),
            ("should be a whole number", lambda c, share: None),
            ("should be a whole number", lambda c, share: float(right(c, share))),
            ("should be a whole number", lambda c, share: [right(c, share)]),
            ("should be a whole number", lambda c, share: True),
        ],
    )


def test_wavelets_soft():
    names = exercise("wavelets", "check_soft")
    check, right = names["check_soft"], names["large_risk"]
    check(lambda n, sigma, mode: np.float64(right(n, sigma, mode)))
    check(lambda n, sigma, mode: Fraction(right(n, sigma, mode)))
    differs = r"the risk is .*, which is [+-]"

    def other(bias, noise=1.0):
        return lambda n, sigma, mode: sigma**2 * (noise + (bias(n, sigma) if mode == "soft" else 0))

    check(other(lambda n, sigma: 2 * math.log(n)))
    each_refused(
        check,
        [
            (differs, other(lambda n, sigma: math.sqrt(2 * math.log(n)))),
            (differs, other(lambda n, sigma: math.log(n))),
            (differs, other(lambda n, sigma: 2 * math.log2(n))),
            (differs, other(lambda n, sigma: 2 * math.log(n), noise=0.0)),
            (differs, other(lambda n, sigma: 2 * math.log(n) / sigma**2)),
            (differs, lambda n, sigma, mode: (sigma + sigma * math.sqrt(2 * math.log(n))) ** 2),
            (differs, lambda n, sigma, mode: right(n, sigma, "hard" if mode == "soft" else "soft")),
            (differs, lambda n, sigma, mode: right(n, sigma, mode) / sigma),
            (differs, lambda n, sigma, mode: right(n, sigma, mode) * (1 + 1e-6)),
            ("should be a finite number", lambda n, sigma, mode: math.nan),
            *no_numbers(right),
        ],
    )
