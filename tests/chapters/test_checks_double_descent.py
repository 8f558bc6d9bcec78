"""The checks of the exercises of `double-descent` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers
from scipy.optimize import brentq

from ntklib.ridgeless import ridgeless_risk

CASE = r"which is [+-]"


@pytest.mark.parametrize("check", ["check_risk", "check_ridge", "check_harmful", "check_ranks", "check_lack"])
def test_double_descent_wants_a_function(check):
    each_refused(
        exercise("double-descent", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_double_descent_risk():
    names = exercise("double-descent", "check_risk")
    check, right = names["check_risk"], names["peak_risk"]
    check(lambda *given: np.float64(right(*given)))

    def other(excess=1, band=1, bias=True, unseen=lambda rest, noise: rest + noise, label=1):
        """The formula with parts of it changed."""

        def risk(n, p, seen, rest, noise):
            if abs(p - n) <= band:
                return math.inf
            missed = seen * max(0, 1 - n / p) * bias
            return missed + unseen(rest, noise) * (label + min(n, p) / (abs(p - n) - excess))

        return risk

    check(other())
    each_refused(
        check,
        [
            (CASE, other(excess=0)),  # the asymptotic formula
            (CASE, other(excess=0, band=0)),  # infinite at the middle only
            (CASE, other(band=2)),
            (CASE, other(bias=False)),
            ("which is [+-].* Was `rest`", other(unseen=lambda rest, noise: noise)),  # what is not seen forgotten
            (CASE, other(unseen=lambda rest, noise: rest)),
            (CASE, other(unseen=lambda rest, noise: rest + math.sqrt(noise))),
            (CASE, other(label=0)),  # without the noise of the new label
            (CASE, lambda n, p, *given: right(p, n, *given)),
            (CASE, lambda *given: right(*given) * (1 + 1e-6)),
            ("the risk should be a number, not nan", lambda *given: math.nan),
            *no_numbers(right),
        ],
    )


def test_double_descent_ridge():
    names = exercise("double-descent", "check_ridge")
    check, right = names["check_ridge"], names["best_ridge"]
    check(lambda n, p, size, norm2, noise: np.float64(size * (noise / norm2 + 1) - p))
    each_refused(
        check,
        [
            (CASE, lambda n, p, size, norm2, noise: size * noise / norm2),  # what is not seen forgotten
            (CASE, lambda n, p, size, norm2, noise: p * noise / norm2),  # part 1
            (CASE, lambda n, p, size, norm2, noise: p * noise / norm2 + size - p),
            (CASE, lambda n, p, size, norm2, noise: size * noise / norm2 + p),
            (CASE, lambda n, p, size, norm2, noise: size * noise * norm2 + size - p),
            (CASE, lambda n, p, size, norm2, noise: n * (size * noise / norm2 + size - p)),
            (CASE, lambda n, p, size, norm2, noise: (size * noise / norm2 + size - p) / n),
            (CASE, lambda n, p, size, norm2, noise: size * math.sqrt(noise) / norm2 + size - p),
            (CASE, lambda *given: right(*given) + 1),
            *no_numbers(right),
        ],
    )


def test_double_descent_harmful():
    names = exercise("double-descent", "check_harmful")
    check, right = names["check_harmful"], names["harmful"]
    check(lambda *given: np.bool_(right(*given)))
    says = r"the risk is [\d.]+ with \d+ examples and [\d.]+ with one more, and yours says (True|False)"
    each_refused(
        check,
        [
            (says, lambda n, p, norm2, noise: True),
            (says, lambda n, p, norm2, noise: False),
            (says, lambda n, p, norm2, noise: not right(n, p, norm2, noise)),
            (says, lambda n, p, norm2, noise: n > p / 2),
            (says, lambda n, p, norm2, noise: right(n + 1, p, norm2, noise) if n < p - 3 else True),
            (says, lambda n, p, norm2, noise: right(n, p, norm2, math.sqrt(noise))),
            (says, lambda n, p, norm2, noise: noise / (p - n - 1) > norm2 / p),
            (says, lambda n, p, norm2, noise: noise * p / (p - n) ** 2 > norm2 / p),  # the asymptotic formula
            ("should be True or False, not None", lambda *given: None),
            ("should be True or False, not 1", lambda *given: 1),
            (r"should be True or False, not \[", lambda *given: [right(*given)]),
            ("should be True or False, not 'True'", lambda *given: "True"),
        ],
    )


def test_double_descent_ranks():
    names = exercise("double-descent", "check_ranks")
    check, right = names["check_ranks"], names["ranks"]

    def as_list(values, n):
        found = right(values, n)
        return found if found is None else list(map(float, found))

    check(as_list)

    def other(share=1.0, order=-1, later=0, square=2, strict=False):
        """The definition with parts of it changed."""

        def ranks(values, n):
            ordered = np.sort(np.asarray(values))[::order]
            for k in range(len(ordered) - later):
                tail = ordered[k + later :]
                r = tail.sum() / ordered[k]
                if r > share * n * (1 + 1e-12) or (not strict and r > share * n * (1 - 1e-12)):
                    return k, r, tail.sum() ** square / np.sum(tail**2)
            return None

        return ranks

    check(other())
    differs = "which is [+-]|expected"
    each_refused(
        check,
        [
            (differs, other(share=2)),
            (differs, other(order=1)),  # the smallest first
            (differs, other(later=1)),  # the sum begins one too late
            (differs, other(square=1)),
            (differs, other(strict=True)),
            (differs, lambda values, n: None),
            (differs, lambda values, n: right(values, n) or (0, 0, 0)),
            (differs, lambda values, n: right(values, n) and (right(values, n)[0] + 1, *right(values, n)[1:])),
            (differs, lambda values, n: right(values, n) and (right(values, n)[0], *right(values, n)[:0:-1])),
            ("should be three numbers, not ", lambda values, n: right(values, n) and right(values, n)[:2]),
            ("should be three numbers, not 3.0", lambda values, n: 3.0),
            ("should be a number, not None", lambda values, n: right(values, n) and (None, 1, 1)),
        ],
    )


def test_double_descent_lack():
    names = exercise("double-descent", "check_lack")
    check, right = names["check_lack"], names["lack"]
    check(
        lambda values, p: (
            np.float64(brentq(lambda k: sum(v / (v + k) for v in values) - p, 0, 1e4)) if p < len(values) else 0
        )
    )

    def of_values(values):
        return np.asarray(values, float)

    each_refused(
        check,
        [
            (CASE, lambda values, p: right(values, len(values) - p) if p < len(values) else 0.0),  # p and the rest
            (CASE, lambda values, p: right(values, p) / len(values)),  # divided by n
            (CASE, lambda values, p: right(values, p) * len(values)),
            (CASE, lambda values, p: right(values, p) / p),
            (CASE, lambda values, p: right(of_values(values) ** 2, p)),
            (CASE, lambda values, p: right(of_values(values) ** 0.5, p)),
            (CASE, lambda values, p: of_values(values).mean() * max(0, len(values) - p) / p),  # as if all were equal
            (CASE, lambda values, p: of_values(values).sum() / p),  # the upper bound
            (CASE, lambda values, p: np.sort(values)[::-1][min(p, len(values)) - 1]),  # the p-th eigenvalue
            (CASE, lambda values, p: 0.0),
            (CASE, lambda values, p: right(values, p) * 1.001),
            (CASE, lambda values, p: -right(values, p)),
            ("the ridge should be a finite number, not nan", lambda *given: math.nan),
            *no_numbers(right),
        ],
    )


def test_what_double_descent_says_of_its_formula():
    """The sentences of its self-check on data, of a caption, and of the first valley, from the formula."""

    def risk(n, noise=0.25):
        return ridgeless_risk(n, 100, signal=1.0, noise=noise)

    assert risk(95) > risk(50)
    assert risk(95, 0.01) < risk(50, 0.01)
    assert all(risk(99, noise) == math.inf for noise in (1e-9, 0.01, 4.0))  # it peaks for any noise
    assert min(range(1, 99), key=risk) == 49  # up to 49 examples it falls
    assert all(risk(n + 1) < risk(n) for n in range(1, 49))
    assert all(risk(n + 1) > risk(n) for n in range(49, 98))
    of = [ridgeless_risk(40, p, signal=p / 100, rest=1 - p / 100, noise=0.25) for p in range(1, 39)]
    assert of[0] > 1 + 0.25  # one feature is worse than none
    assert of == sorted(of)  # and there is no first descent
