"""The checks of the exercises of `operators` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
import pytest
import scipy.special
from exercises import each_refused, exercise, no_numbers


@pytest.mark.parametrize(
    "check", ["check_factors", "check_sine", "check_refuted", "check_count", "check_seen", "check_sensors"]
)
def test_operators_wants_a_function(check):
    each_refused(
        exercise("operators", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these? (\d arguments|argument)", lambda: 1),
        ],
    )


def test_operators_factors():
    names = exercise("operators", "check_factors")
    check, right = names["check_factors"], names["factors"]

    def by_sums(a):
        n = len(a)
        return [sum(a[q] * np.exp(-2j * np.pi * k * q / n) for q in range(n)) for k in range(n)]

    check(by_sums)
    differs = r"the wave \d is multiplied by .*, not .*, which is off by"
    each_refused(
        check,
        [
            (differs, lambda a: right(a) / len(a)),
            (differs, lambda a: np.conj(right(a))),
            (differs, lambda a: np.abs(right(a))),
            (differs, lambda a: right(a)[::-1]),
            (differs, lambda a: a),
            (r"should be \d numbers", lambda a: np.fft.rfft(a)[:-1]),
            (r"should be \d numbers", lambda a: None),
            (r"should be \d numbers", lambda a: "0"),
            (r"should be \d numbers", lambda a: right(a)[:, None]),
        ],
    )


def test_operators_sine():
    names = exercise("operators", "check_sine")
    check, right = names["check_sine"], names["sine"]

    def series(terms=40, decay=1.0, first=1.0, sign=1, half=2):
        def solution(x, nu, t):
            z, k = 1 / (half * nu), np.arange(1, terms + 1)[:, None]
            waves = 2 * scipy.special.iv(k, z) * np.exp(-nu * decay * k**2 * t)
            phi = first * scipy.special.iv(0, z) + np.sum(waves * np.cos(k * x), 0)
            return sign * 2 * nu * np.sum(k * waves * np.sin(k * x), 0) / phi

        return solution

    check(lambda x, nu, t: list(series(60)(x, nu, t)))
    differs = "the solution is .*, not "
    each_refused(
        check,
        [
            (differs, series(sign=-1)),
            (differs, series(decay=2)),
            (differs, series(first=2)),
            (differs, series(terms=2)),
            (r"which is off by \d\.\de", series(terms=10)),
            (differs, series(half=1)),
            (differs, lambda x, nu, t: right(x, nu, t) / 2),
            (differs, lambda x, nu, t: np.exp(-nu * t) * np.sin(x)),
            ("should be 64 real numbers", lambda x, nu, t: None),
            ("should be 64 real numbers", lambda x, nu, t: right(x, nu, t)[:-1]),
            ("should be 64 real numbers", lambda x, nu, t: 0.5),
        ],
    )


def test_operators_refuted():
    names = exercise("operators", "check_refuted")
    check, right = names["check_refuted"], names["refuted"]

    def by_pairs(u, t):
        n = len(u)
        return any((u[(i + 1) % n] - u[i]) * n / (2 * np.pi) > 1 / t for i in range(n))

    check(by_pairs)
    differs = r": (True|False), as the fastest rise is .* and 1/t = "
    each_refused(
        check,
        [
            (differs, lambda u, t: np.diff(u).max() * len(u) / (2 * np.pi) > 1 / t),
            (differs, lambda u, t: np.abs(np.roll(u, -1) - u).max() * len(u) / (2 * np.pi) > 1 / t),
            (differs, lambda u, t: (np.roll(u, 1) - u).max() * len(u) / (2 * np.pi) > 1 / t),
            (differs, lambda u, t: (np.roll(u, -1) - u).max() > 1 / t),
            (differs, lambda u, t: (np.roll(u, -1) - u).max() * len(u) > 1 / t),
            (differs, lambda u, t: (np.roll(u, -1) - u).max() * len(u) / (2 * np.pi) > 1),
            (differs, lambda u, t: (np.roll(u, -1) - u).max() * len(u) / (2 * np.pi) > t),
            (differs, lambda u, t: not right(u, t)),
            (differs, lambda u, t: True),
            (differs, lambda u, t: False),
            ("should be True or False", lambda u, t: None),
            ("should be True or False", lambda u, t: [right(u, t)]),
            ("should be True or False", lambda u, t: 1.5),
        ],
    )


def test_operators_count():
    names = exercise("operators", "check_count")
    check, right = names["check_count"], names["layer_operations"]
    check(lambda n, w, modes: int(right(n, w, modes)))
    differs = r"operations, not .*, which is [+-]"
    each_refused(
        check,
        [
            (differs, lambda n, w, modes: right(n, w, modes) - 2.5 * w * n * math.log2(n)),
            (differs, lambda n, w, modes: right(n, w, modes) - 2 * modes * w**2),
            (differs, lambda n, w, modes: right(n, w, modes) - n * w),
            (differs, lambda n, w, modes: right(n, w, modes) + 10 * n * w),
            (differs, lambda n, w, modes: right(n, w, modes) - n * w**2),
            *no_numbers(right),
        ],
    )


def test_operators_seen():
    names = exercise("operators", "check_seen")
    check, right = names["check_seen"], names["seen_as"]

    def by_search(k, n):
        wave = lambda j: np.exp(2j * np.pi * j * np.arange(n) / n)  # noqa: E731
        places = range(-((n - 1) // 2), n // 2 + 1)
        return next(j for j in places if np.abs(wave(j) - wave(k)).max() < 1e-9)

    check(by_search)
    differs = r"k = -?\d+ on \d+ points: the values are those of the wave -?\d+, not -?\d+"
    each_refused(
        check,
        [
            (differs, lambda k, n: k),
            (differs, lambda k, n: k % n),
            (differs, lambda k, n: n - k),
            (differs, lambda k, n: abs(right(k, n))),
            (differs, lambda k, n: -right(k, n)),
            (differs, lambda k, n: k if abs(k) <= n / 2 else k - n),
            (differs, lambda k, n: (k + n // 2) % n - n // 2),
            (differs, lambda k, n: round(math.remainder(k, n))),
            (differs, lambda k, n: math.trunc(math.fmod(k, n))),
            (differs, lambda k, n: 0),
            ("the frequency should be", lambda k, n: None),
            ("the frequency should be", lambda k, n: [right(k, n)]),
            ("the frequency should be", lambda k, n: right(k, n) + 0.5),
        ],
    )


def test_operators_sensors():
    names = exercise("operators", "check_sensors")
    check, right = names["check_sensors"], names["sensors"]

    def by_doubling(examples):
        m = 0
        while 2 ** (m + 1) <= examples:
            m += 1
        return m

    check(by_doubling)
    differs = r"m = \d+, as 2\^\d+ is at most"
    each_refused(
        check,
        [
            (differs, lambda examples: examples.bit_length()),
            (differs, lambda examples: math.ceil(math.log2(examples))),
            (differs, lambda examples: int(math.log2(examples))),
            (differs, lambda examples: math.isqrt(examples)),
            ("the number of sensors should be", lambda examples: None),
            ("the number of sensors should be", lambda examples: [right(examples)]),
            ("the number of sensors should be", lambda examples: right(examples) + 0.5),
        ],
    )
