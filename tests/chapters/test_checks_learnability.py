"""The checks of the exercises of `learnability` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers


@pytest.mark.parametrize("check", ["check_neighbours", "check_threshold", "check_examples", "check_spectrum"])
def test_learnability_wants_a_function(check):
    each_refused(
        learnability(check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def learnability(check):
    return exercise("learnability", check, "training_set", "spectrum_of", "by_degree")


def test_learnability_neighbours():
    names = learnability("check_neighbours")
    check, right = names["check_neighbours"], names["budget"]
    check(lambda n, q: np.float64(n) / q)
    check(lambda n, q: np.array(n / q))
    differs = r"yours is -?[\d.]+ times the sum of the learnabilities of all parities$"
    each_refused(
        check,
        [
            (r"the law of n needs a learner", lambda n, q: n),  # it does not interpolate
            (differs, lambda n, q: q),
            (differs, lambda n, q: n // q),
            (differs, lambda n, q: (n - 1) / q),
            (differs, lambda n, q: n / (q + 1)),
            (differs, lambda n, q: n - q + 1),
            (differs, lambda n, q: n / q**2),
            (differs, lambda n, q: n / math.sqrt(q)),
            (differs, lambda n, q: round(n / q, 2)),
            (differs, lambda n, q: q / n),
            (differs, lambda n, q: -n / q),
            (differs, lambda n, q: 256 / q),
            *no_numbers(right),
        ],
    )


def test_learnability_threshold():
    names = learnability("check_threshold")
    check, right = names["check_threshold"], names["threshold"]
    check(lambda *given: np.float64(right(*given)))
    times = r"yours is -?[\d.e+-]+ times as much"
    mean = lambda lam, n, ridge: (np.sum(lam) + ridge) / n  # noqa: E731
    each_refused(
        check,
        [
            (times, mean),  # the upper end
            (times, lambda lam, n, ridge: right(lam, n, 0.0)),  # the ridge forgotten
            (times, lambda lam, n, ridge: right(lam, n, n * ridge)),
            (times, lambda lam, n, ridge: right(lam, n, ridge / n)),
            (times, lambda lam, n, ridge: right(lam, n + 1, ridge)),
            (times, lambda lam, n, ridge: right(lam, n - 1, ridge)),
            (times, lambda lam, n, ridge: np.sort(lam)[-n]),  # the n-th eigenvalue
            (times, lambda lam, n, ridge: right(lam[1:], n, ridge)),
            (times, lambda lam, n, ridge: right(lam, n, ridge) * (1 + 1e-5)),
            (times, lambda lam, n, ridge: 1 / right(lam, n, ridge)),
            (times, lambda lam, n, ridge: math.log(right(lam, n, ridge))),
            (times, lambda lam, n, ridge: right(lam, n, ridge) + ridge),
            *no_numbers(right),
        ],
    )


def test_learnability_examples():
    names = learnability("check_examples")
    check, right = names["check_examples"], names["examples"]
    check(lambda lam, i, share: np.sum(1 / (1 + lam[i] * (1 / share - 1) / lam)))
    learned = r"after [\d.]+ examples [\d.]+ of the mode is learned, not"
    each_refused(
        check,
        [
            (learned, lambda lam, i, share: right(lam, i, 0.5)),  # the formula of the text
            (r"upside down\?", lambda lam, i, share: right(lam, i, 1 - share)),
            (learned, lambda lam, i, share: round(right(lam, i, share))),
            (learned, lambda lam, i, share: right(lam, i, share) - 1),
            (learned, lambda lam, i, share: right(lam, i, share) - 0.5),  # the mode itself not counted
            (learned, lambda lam, i, share: 256 * share),  # as if spent alike
            (learned, lambda lam, i, share: right(lam, i - 1, share)),
            (learned, lambda lam, i, share: float(np.sum(lam >= lam[i]))),  # the queue, counted
            (learned, lambda lam, i, share: 2 * share * right(lam, i, 0.5)),
            ("should lie between 0 and 256 examples, not at", lambda lam, i, share: -right(lam, i, share)),
            ("should lie between 0 and 256 examples, not at", lambda lam, i, share: 256 + right(lam, i, share)),
            ("should be a finite number, not nan", lambda lam, i, share: math.nan),
            *no_numbers(right),
        ],
    )


def test_learnability_spectrum():
    names = learnability("check_spectrum")
    check, right = names["check_spectrum"], names["eigenvalue"]
    check(lambda profile, bits, k: np.float64(right(profile, bits, k)))
    differs = r"degree \d yours is off by [+-][\d.e+-]+: at how many corners"

    def grouped(sign, other, argument):
        """The sum over groups of corners, with parts of it changed."""
        return lambda profile, bits, k: (
            sum(
                sign(i) * math.comb(k, i) * math.comb(other(bits, k), j) * profile(argument(i + j, bits))
                for i in range(k + 1)
                for j in range(other(bits, k) + 1)
            )
            / 2**bits
        )

    alternating, rest = lambda i: (-1) ** i, lambda bits, k: bits - k
    check(grouped(alternating, rest, lambda flips, bits: 1 - 2 * flips / bits))
    each_refused(
        check,
        [
            (differs, grouped(lambda i: 1, rest, lambda flips, bits: 1 - 2 * flips / bits)),  # without signs
            (differs, grouped(alternating, rest, lambda flips, bits: 1 - flips / bits)),
            (differs, grouped(alternating, rest, lambda flips, bits: bits - 2 * flips)),  # not divided by d
            (differs, grouped(alternating, lambda bits, k: bits, lambda flips, bits: 1 - 2 * flips / bits)),
            (differs, lambda profile, bits, k: right(profile, bits, k) * 2**bits),  # the sum, not the mean
            (differs, lambda profile, bits, k: right(profile, bits, k) * math.comb(bits, k)),  # of all of the degree
            (differs, lambda profile, bits, k: right(profile, bits, max(k - 1, 0))),
            (differs, lambda profile, bits, k: -right(profile, bits, k)),
            (differs, lambda profile, bits, k: right(profile, bits, k) * (1 + 1e-6)),
            (differs, lambda profile, bits, k: right(profile, min(bits, 8), k)),  # a smaller cube
            # the first degrees only, as written out by hand
            ("9 bits and degree 5", lambda profile, bits, k: right(profile, bits, min(k, 4))),
            ("7 bits and degree 7", lambda profile, bits, k: right(profile, bits, k) if k < 7 else 0.0),
            ("30 bits and degree 9", lambda profile, bits, k: right(profile, bits, k if bits < 30 else 2)),
            ("30 bits and degree 29", lambda profile, bits, k: right(profile, bits, k if bits < 30 or k < 10 else 9)),
            *no_numbers(right),
        ],
    )
