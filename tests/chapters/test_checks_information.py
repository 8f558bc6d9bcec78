"""The checks of the exercises of `information` refuse what looks right, and take what is right in another form."""

import functools
import math

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers

FORMS = [
    ("hand over the function itself, without calling it, not float", 0.5),
    ("hand over the function itself, without calling it, not NoneType", None),
    ("hand over the function itself, without calling it, not list", [1.0]),
    (r"it does not work with these \d arguments", lambda: 1),
]
CHECKS = ("check_mutual", "check_step", "check_onset", "check_limits", "check_bounds")
NEEDS = ("ends", "exact_bit", "contraction", "unit_bits", *CHECKS[1:], "step", "small_changes_pay", "limits", "bounds")
OFF = r"it is off by [+-]"


@functools.cache
def names():
    """All of the chapter's exercises at once: its first cell trains networks."""
    return exercise("information", CHECKS[0], *NEEDS)


@pytest.mark.parametrize("check", CHECKS)
def test_information_wants_a_function(check):
    each_refused(names()[check], FORMS)


def test_information_mutual():
    check, right = names()["check_mutual"], names()["mutual"]
    check(lambda p: np.asarray(right(p)))
    check(lambda p: np.float64(right(p.T)))
    check(lambda p: right(p.astype(np.float32)))
    entropy = lambda p: -np.sum(p[p > 0] * np.log2(p[p > 0]))  # noqa: E731
    each_refused(
        check,
        [
            (r"off by the factor ln 2: [\d.]+ are nats", lambda p: right(p) * math.log(2)),
            (OFF, lambda p: -right(p)),
            (OFF, lambda p: entropy(p)),
            (OFF, lambda p: entropy(p.sum(0))),
            (OFF, lambda p: entropy(p.sum(1)) - entropy(p)),
            (OFF, lambda p: right(p) + 1e-5),
            (OFF, lambda p: 0.0),
            ("should be a finite number, not nan", lambda p: math.nan),
            *no_numbers(right),
        ],
    )


def test_information_step():
    check, right = names()["check_step"], names()["step"]
    check(lambda *given: right(*given).tolist())
    entry = "an entry is off by"

    def other(base=2.0, prior=True, sign=-1, swap=False, old=False):
        """The update with parts of it changed."""

        def step(q, p, beta):
            px = p.sum(1)
            qt = px @ q
            a, b = (p / px[:, None])[:, None, :], (q.T @ p / qt[:, None])[None]
            apart = np.sum(b * np.log2(b / a) if swap else a * np.log2(a / b), axis=2)
            new = (q if old else qt if prior else 1) * base ** (sign * beta * apart)
            return new / new.sum(1, keepdims=True)

        return step

    check(other())
    each_refused(
        check,
        [
            (entry, other(base=math.e)),
            (entry, other(prior=False)),
            (entry, other(sign=1)),
            (entry, other(swap=True)),
            (entry, other(old=True)),
            (entry, lambda q, p, beta: q),
            (entry, lambda q, p, beta: right(right(q, p, beta), p, beta)),
            (entry, lambda q, p, beta: right(q, p, beta)[:, ::-1]),
            ("the rows should sum to 1", lambda q, p, beta: 2 * right(q, p, beta)),
            (r"should have shape \(8, 3\), not \(3, 8\)", lambda *given: right(*given).T),
            ("should have shape", lambda *given: right(*given)[0]),
            ("should be finite everywhere", lambda *given: right(*given) * math.nan),
            ("should be made of numbers|should have shape", lambda *given: None),
            ("should be made of numbers", lambda *given: "q"),
        ],
    )


def test_information_onset():
    check, right = names()["check_onset"], names()["small_changes_pay"]

    def other(place=1, power=2, root=True, rows=True, columns=True):
        """The singular value with parts of it changed."""

        def onset(p):
            under = (p.sum(1, keepdims=True) if rows else 1) * (p.sum(0) if columns else 1)
            values = np.linalg.svd(p / (np.sqrt(under) if root else under), compute_uv=False)
            return 1 / values[place] ** power

        return onset

    check(other())
    check(lambda p: right(p.T))
    check(lambda p: np.float64(right(p)))
    each_refused(
        check,
        [
            (OFF, other(place=0)),
            (OFF, other(place=-1)),
            (OFF, other(power=1)),
            (OFF, other(power=4)),
            (OFF, other(power=-2)),
            (OFF, other(root=False)),
            (OFF, other(rows=False)),
            (OFF, other(columns=False)),
            (OFF, other(rows=False, columns=False)),
            (OFF, lambda p: right(p) - 1),
            *no_numbers(right),
        ],
    )


def test_information_limits():
    check, right = names()["check_limits"], names()["limits"]
    check(lambda b, d: list(map(float, right(b, d))))
    check(lambda b, d: np.array(right(b, d)))
    each_refused(
        check,
        [
            (OFF, lambda b, d: right(b, d)[::-1]),
            (OFF, lambda b, d: (d, d)),
            (OFF, lambda b, d: (0, d)),
            (OFF, lambda b, d: right(b, 1)),
            ("with 30 bins and 1 unit the", lambda b, d: (0, 1)),
            ("with 1 bin and 4 units the", lambda b, d: (d if b % 2 == 0 else 0, d)),
            (OFF, lambda b, d: (d if b % 2 == 0 else 0, d)),  # one bin
            (OFF, lambda b, d: (d * math.log2(b), d)),
            (OFF, lambda b, d: tuple(2**v for v in right(b, d))),
            (r"should have shape \(2,\), not \(\)", lambda b, d: d),
            ("should be made of numbers|should have shape", lambda b, d: None),
            ("should be finite everywhere", lambda b, d: (math.inf, d)),
        ],
    )


def test_information_bounds():
    check, right = names()["check_bounds"], names()["bounds"]
    check(lambda *given: np.array(right(*given)))

    def other(powers=(8, 2), log=np.log2, own=True, power=2, inside=False):
        """The sums with parts of them changed."""

        def bounds(h, sigma):
            squares = np.sum((h[:, None] - h) ** 2, axis=2)
            found = []
            for c in powers:
                terms = np.exp(-squares / (c * sigma**power))
                if not own:
                    np.fill_diagonal(terms, 0)
                rows = np.mean(terms, axis=1)
                found.append(-log(np.mean(rows)) if inside else -np.mean(log(rows)))
            return tuple(found)

        return bounds

    check(other())
    off = r"the (lower|upper) bound should be [\d.]+, not -?[\d.]+: it is off by [+-]"
    each_refused(
        check,
        [
            (off, other(powers=(2, 8))),
            (off, other(powers=(4, 2))),
            (off, other(powers=(8, 1))),
            (off, other(log=np.log)),
            (off, other(own=False)),
            (off, other(power=1)),
            (off, other(inside=True)),
            (off, lambda h, sigma: tuple(-v for v in right(h, sigma))),
            (r"should have shape \(2,\)", lambda *given: right(*given)[0]),
            ("should be made of numbers|should have shape", lambda *given: None),
        ],
    )
