"""The checks of the exercises of `parametric` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import exercise
from scipy.stats import norm


def refuses_what_is_no_number(check):
    """What every check of `parametric` says to an answer that is not one finite number, or that is no function."""
    for shown, wrong in {"None": None, r"\[1\.0\]": [1.0], "'many'": "many", "True": True}.items():
        with pytest.raises(AssertionError, match=f"should be a number, not {shown}"):
            check(lambda *arguments, wrong=wrong: wrong)
    for wrong in (np.nan, np.inf):
        with pytest.raises(AssertionError, match=f"should be a finite number, not {wrong}"):
            check(lambda *arguments, wrong=wrong: wrong)
    with pytest.raises(AssertionError, match="hand over the function itself, without calling it, not float"):
        check(0.5)
    with pytest.raises(AssertionError, match=r"it does not work with these \d arguments: .* takes 0 positional"):
        check(lambda: 1.0)


def test_parametric_sine():
    names = exercise("parametric", "check_sine")
    check, right = names["check_sine"], names["one_parameter"]
    check(lambda signs: np.array(right(list(signs))))
    refuses_what_is_no_number(check)

    def bits(signs, start):
        return sum(10.0**j for j, sign in enumerate(signs, start) if sign < 0)

    for wrong in (
        lambda signs: np.pi * bits(signs, 1),  # the hint's sum alone
        lambda signs: np.pi * (1 + bits(signs, 0)),  # off by one
        lambda signs: np.pi * (1 + bits(-np.asarray(signs), 1)),  # the opposite signs
        lambda signs: np.pi * (1 + bits(signs[::-1], 1)),  # a permutation
        lambda signs: 2 * right(signs),
        lambda signs: right(signs[:3]),
    ):
        with pytest.raises(AssertionError, match=r"your number gives \[.*: \d+ of \d+ are wrong"):
            check(wrong)


def test_parametric_threshold():
    names = exercise("parametric", "check_threshold")
    check, right = names["check_threshold"], names["df_estimate"]
    check(lambda y, tau: int(sum(abs(value) > tau for value in y)))
    refuses_what_is_no_number(check)
    expected = lambda mean, tau: np.sum(norm.sf(tau - mean) + norm.cdf(-tau - mean))  # noqa: E731
    for wrong in (
        lambda y, tau: right(y, tau) + 1,
        lambda y, tau: 1.05 * right(y, tau),
        lambda y, tau: np.sum(np.abs(y) < tau),
        lambda y, tau: np.sum(y > tau),
        lambda y, tau: right(y[1:], tau),
        lambda y, tau: right(y, 2 * tau),
        lambda y, tau: np.sum(np.maximum(np.abs(y) - tau, 0)),
        lambda y, tau: len(y),
        lambda y, tau: expected(np.linspace(-2, 2, 40), tau),  # without a look at the data
        lambda y, tau: expected(np.linspace(-2, 4, 40), tau),
        lambda y, tau: expected(np.linspace(-2, 3, len(y)), tau),
        lambda y, tau: expected(y, tau),  # the data for their means
    ):
        with pytest.raises(AssertionError, match=r"the degrees of freedom are .*: off by [+-]\d"):
            check(wrong)


def test_parametric_ridge():
    names = exercise("parametric", "check_ridge", "smoother")
    check, right = names["check_ridge"], names["ridge_for"]
    check(lambda K, df: np.float32(right(K, df)) * (1 + 1e-7))
    refuses_what_is_no_number(check)
    for wrong in (
        lambda K, df: np.trace(K) / df,  # the hint's bound
        lambda K, df: right(K, df) / len(K),  # the ridge of the mean loss
        lambda K, df: right(K, df + 1),
        lambda K, df: 1.001 * right(K, df),
        lambda K, df: right(K[:-1, :-1], df),
        lambda K, df: 0.1,
    ):
        with pytest.raises(AssertionError, match=r"gives .* degrees of freedom, not .*: off by [+-]\d"):
            check(wrong)
    with pytest.raises(AssertionError, match="a ridge is positive, yours is -"):
        check(lambda K, df: np.log(right(K, df)) - 100)


def test_parametric_growth():
    names = exercise("parametric", "check_growth")
    check, right = names["check_growth"], names["growth"]
    check(lambda n, ridge, c: np.log2(n / ridge) / np.log2(1 / c))
    check(lambda n, ridge, c: np.log1p(n / ridge) / -np.log1p(c - 1) - 0.5)
    check(lambda n, ridge, c: np.floor(right(n, ridge, c)))  # how many terms count
    refuses_what_is_no_number(check)

    def added_up(n, ridge, c, terms):
        powers = c ** np.arange(1, terms)
        return np.sum(powers / (powers + ridge / n))

    for wrong in (
        lambda n, ridge, c: right(n, ridge, c) + 1,
        lambda n, ridge, c: right(n, ridge, c) - 1.5,
        lambda n, ridge, c: np.ceil(right(n, ridge, c)),
        lambda n, ridge, c: 2 * right(n, ridge, c),
        lambda n, ridge, c: -right(n, ridge, c),
        lambda n, ridge, c: np.log(n) / np.log(1 / c),  # without the ridge
        lambda n, ridge, c: np.log10(n / ridge) / np.log(1 / c),  # logarithms of two kinds
        lambda n, ridge, c: np.log(n * ridge) / np.log(1 / c),
        lambda n, ridge, c: np.sqrt(n / ridge),
    ):
        with pytest.raises(AssertionError, match=r"the sum is .*, yours .*: off by [+-]"):
            check(wrong)
    for terms in (3999, 10**15):  # the sum itself, and one with enough terms
        with pytest.raises(AssertionError, match=r"1 − 2⁻⁴⁰ yours is .* of the sum: is it a formula"):
            check(lambda n, ridge, c, terms=terms: added_up(n, ridge, c, terms if c > 0.999 else 3999))
    with pytest.raises(AssertionError, match=r"a power of n is too much: how many j have"):
        check(lambda n, ridge, c: np.sqrt(n / ridge))
    with pytest.raises(AssertionError, match=r"half a unit is fine\)$"):
        check(lambda n, ridge, c: 2 * right(n, ridge, c))


def test_parametric_bandwidth():
    names = exercise("parametric", "check_bandwidth", "exact_mise")
    check, right, norm = names["check_bandwidth"], names["cross_validation"], names["norm"]
    refuses_what_is_no_number(check)

    def second(sample, h):
        n, bumps = len(sample), norm.pdf(sample[:, None] - sample, scale=h)
        return (bumps.sum() - np.trace(bumps)) / (n * (n - 1))

    def of_a_normal(h, n, s):
        return names["exact_mise"](h / s, n) / s - 1 / (2 * np.sqrt(np.pi) * s)

    def first(sample, h):
        return right(sample, h) + 2 * second(sample, h)

    check(lambda sample, h: first(np.sort(sample), h) - 2 * second(sample, h))
    for wrong in (
        lambda sample, h: first(sample, h) - second(sample, h),  # the factor two
        lambda sample, h: first(sample, h) - 2 * second(sample, h) * (1 - 1 / len(sample)),  # n² for n(n − 1)
        lambda sample, h: first(sample, h) - 2 * norm.pdf(sample[:, None] - sample, scale=h).mean(),  # none left out
        lambda sample, h: norm.pdf(sample[:, None] - sample, scale=h).mean() - 2 * second(sample, h),  # h for √2 h
        lambda sample, h: right(sample, h) + 1 / (2 * np.sqrt(np.pi)),  # with the constant
        lambda sample, h: right(sample[:20], h),
        lambda sample, h: right(sample, 1.2 * h),
        lambda sample, h: -right(sample, h),
        # right for the standard normal density, and blind to the sample
        lambda sample, h: names["exact_mise"](h, len(sample)) - 1 / (2 * np.sqrt(np.pi)),
        lambda sample, h: of_a_normal(h, len(sample), np.std(sample)),  # for a normal density of the sample's spread
    ):
        with pytest.raises(AssertionError, match=r"the MISE is .*: off by [+-]"):
            check(wrong)
