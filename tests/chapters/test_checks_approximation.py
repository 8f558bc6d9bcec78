"""The checks of the exercises of `approximation` refuse what looks right, and take what is right in another form."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from exercises import each_refused, exercise

from ntklib.approximation import exact_rank, polynomial_units, sawtooth


@pytest.mark.parametrize(
    ("check", "needs"),
    [("check_knots", ["sup_error"]), ("check_product", []), ("check_exponential", []), ("check_units", [])],
)
def test_approximation_wants_a_function(check, needs):
    names = exercise("approximation", check, *needs)
    each_refused(
        names[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1, 2]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_approximation_which():
    names = exercise("approximation", "check_which")
    check = names["check_which"]
    right = {"u^3 - u": 4, "(u + |u|)(u - |u|)": 0}
    check({name: np.int64(right[name]) for name in reversed(right)})
    universal = dict.fromkeys(["sin", "abs", "max(u, 0)^2", "u + 1e-9 cos(u)", "log(1 + e^u)", "exp"], 2)
    cubic, zero = "for 'u.3 - u' ", r"for '\(u \+ \|u\|\)\(u - \|u\|\)' "
    each_refused(
        check,
        [
            ("a dictionary is wanted, not str", "sin"),
            ("a dictionary is wanted, not NoneType", None),
            ("a dictionary is wanted, not set", set(right)),
            ("1 of the eight decided wrongly, 1 among those that you left out: has one of these", {"u^3 - u": 4}),
            ("2 of the eight decided wrongly, 2 among those that you left out", {}),
            ("6 of the eight decided wrongly, 6 among those that you named: some deriv", {**right, **universal}),
            ("1 of the eight decided wrongly, 1 among those that you named", {**right, "max(u, 0)^2": 3}),
            ("2 of the eight decided wrongly, 1 among those that you named", {"u^3 - u": 4, "abs": 2}),
            ("8 of the eight decided wrongly, 6 among those that you named", universal),
            ("'ReLU' is none of the eight names", {**right, "ReLU": 1}),
            ("None is none of the eight names", {None: 1}),
            (cubic + "is off by -1", {**right, "u^3 - u": 3}),  # the degree
            (cubic + "is off by -2", {**right, "u^3 - u": 2}),  # the terms of the activation
            (cubic + r"is off by \+6", {**right, "u^3 - u": 10}),  # of two inputs
            (zero + r"is off by \+1: which functions", {**right, "(u + |u|)(u - |u|)": 1}),  # as if constants occurred
            (zero + r"is off by \+3", {**right, "(u + |u|)(u - |u|)": 3}),  # of a square
            (cubic + r"should be a whole number \(int\), not 4.0", {**right, "u^3 - u": 4.0}),
            (cubic + r"should be a whole number \(int\), not None", dict.fromkeys(right)),
        ],
    )


def test_approximation_knots():
    names = exercise("approximation", "check_knots", "sup_error")
    check, right = names["check_knots"], names["knots_for_power"]
    check(lambda m, alpha: right(m, alpha).tolist())
    check(lambda m, alpha: (np.arange(m + 1) / m) ** (2.2 / alpha))  # a little steeper than is needed
    power = lambda beta: lambda m, alpha: (np.arange(m + 1) / m) ** beta(alpha)  # noqa: E731
    grows = r"m² times the largest error should stay below a small constant; with four times the units it goes from"
    each_refused(
        check,
        [
            (grows, power(lambda alpha: 1.0)),
            (grows, power(lambda alpha: 1 / alpha)),
            (grows, power(lambda alpha: 2.0)),
            (grows, power(lambda alpha: 2 * alpha)),
            (grows, power(lambda alpha: 4.0)),  # right for the root alone
            (grows, power(lambda alpha: 8.0)),  # steep enough for powers from 1/4 on
            (grows, power(lambda alpha: 14.0)),  # and from 1/7 on
            (grows, power(lambda alpha: 1.6 / alpha)),
            (grows, lambda m, alpha: 1 - (np.arange(m + 1) / m)[::-1] ** 2),  # dense at the wrong end
            ("reach from 0 to 1, not from 0.9 to 1", lambda m, alpha: np.linspace(0.9, 1, m + 1)),
            ("reach from 0 to 1, not from 0 to 0.5", lambda m, alpha: right(m, alpha) / 2),
            ("m = 32: 33 knots are wanted, not 32", lambda m, alpha: right(m - 1, alpha)),
            ("m = 32: 33 knots are wanted, not 34", lambda m, alpha: right(m + 1, alpha)),
            ("m = 32: 33 knots are wanted, not 129", lambda m, alpha: right(m**2 // 8, alpha)),
            ("the knots should increase", lambda m, alpha: right(m, alpha)[::-1]),
            ("the knots should increase", lambda m, alpha: np.random.default_rng(0).permutation(right(m, alpha))),
            ("the knots should increase", lambda m, alpha: right(m, alpha) * np.nan),
            ("a list of knots is wanted, not None", lambda m, alpha: None),
            ("a list of knots is wanted, not 0.5", lambda m, alpha: 0.5),
            ("knots should be numbers", lambda m, alpha: ["a"] * (m + 1)),
        ],
    )


def test_approximation_product():
    names = exercise("approximation", "check_product")
    check, right, square = names["check_product"], names["product"], names["square"]
    check(lambda x, y, n: (square((x + y) / 2, n) * 4 - square(x, n) - square(y, n)) / 2)
    check(lambda x, y, n: np.asarray(right(x, y, n)))
    each_refused(
        check,
        [
            ("times what is allowed", lambda x, y, n: square((x + y) / 2, n) - square(x, n) / 2 - square(y, n) / 2),
            ("times what is allowed", lambda x, y, n: 2 * square((x + y) / 2, n) - square(x, n) - square(y, n)),
            ("times what is allowed", lambda x, y, n: (square(x + y, n) - square(x, n) - square(y, n)) / 2),  # beyond 1
            ("times what is allowed", lambda x, y, n: 2 * right(x, y, n)),
            ("times what is allowed", lambda x, y, n: right(x, y, n - 1)),
            ("times what is allowed", lambda x, y, n: right(x, y, 2)),
            ("this is not made of three calls", lambda x, y, n: right(x, y, n + 1)),
            ("squares of 0, 1/2 and 1 are exact", lambda x, y, n: x * y + 0.9 * 2.0 ** (-2 * n - 1)),
            ("this is not made of three calls", lambda x, y, n: x * y),
            (r"of shape \(2000,\), not of shape \(\)", lambda x, y, n: None),
            (r"of shape \(2000,\), not of shape \(1999,\)", lambda x, y, n: right(x, y, n)[1:]),
            (r"of shape \(2000,\), not of shape \(2000, 1\)", lambda x, y, n: right(x, y, n)[:, None]),
        ],
    )


def test_approximation_exponential():
    names = exercise("approximation", "check_exponential")
    check, right = names["check_exponential"], names["barron_of_product"]
    check(lambda d: np.float32(right(d)))
    check(lambda d: jnp.float32(right(d)))
    check(lambda d: np.asarray(right(d)))
    each_refused(
        check,
        [
            (r"for d = 1 yours is 0\.667 of C_f: does the mass", lambda d: 2 ** (d / 2) * d**0.5),
            ("for d = 2 yours is .* grow with d", lambda d: 1.5 * 2 ** (d / 2) * d**0.5),  # as in one dimension
            ("for d = 1 yours is", lambda d: 2 ** (d / 2) * (3 * d) ** 0.5),  # the root of the mean
            ("for d = 1 yours is", lambda d: right(d) / 2 ** (d / 2)),  # the mass is forgotten
            ("for d = 1 yours is", lambda d: 2**d * right(d)),
            ("for d = 1 yours is", lambda d: right(d + 1)),
            ("for d = 2 yours is .* grow with d", lambda d: right(1) ** d),
            ("for d = 2 yours is .* grow with d", lambda d: d * right(1)),
            # right where all atoms can be added up
            ("for d = 60 yours is .* grow with d", lambda d: right(d) if d < 6 else 2 ** (d / 2) * (3 * d) ** 0.5),
            ("C_f should be a number, not None", lambda d: None),
            (r"C_f should be a number, not \[", lambda d: [right(d)]),
            ("C_f should be a number, not True", lambda d: True),
            (r"C_f should be a number, not Array\(\[", lambda d: jnp.asarray([right(d)])),
            ("C_f should be a number, not Array", lambda d: jnp.asarray(True)),
        ],
    )


def test_approximation_units():
    names = exercise("approximation", "check_units")
    check = names["check_units"]
    check(lambda n, m, sigma: np.float64(sigma * sigma / n * (1 + m)))
    check(lambda n, m, sigma: jnp.asarray(sigma**2 * (m + 1) / n))
    term = r"for n = 50, m = 4, sigma = 1\.0 yours is"
    each_refused(
        check,
        [
            (term + r" 0\.8 of the term", lambda n, m, sigma: sigma**2 * m / n),
            (term, lambda n, m, sigma: sigma**2 * (m + 2) / n),
            (term, lambda n, m, sigma: sigma**2 * (m + 1) / (n - 1)),
            (term, lambda n, m, sigma: sigma**2 * (m + 1)),
            (term, lambda n, m, sigma: sigma**2 / (m + 1)),
            (term, lambda n, m, sigma: sigma**2 * (m + 1) ** 2 / n),
            (term, lambda n, m, sigma: sigma**2 * 2 / 3),
            (term, lambda n, m, sigma: sigma**2 * (1 - (m + 1) / n)),  # what is left, not what is kept
            (r"sigma = 0\.3 yours is", lambda n, m, sigma: sigma * (m + 1) / n),
            ("the term should be a number, not None", lambda n, m, sigma: None),
            (r"the term should be a number, not \[", lambda n, m, sigma: [sigma**2 * (m + 1) / n]),
            ("the term should be a number, not '0.1'", lambda n, m, sigma: "0.1"),
        ],
    )


def test_approximation_answers_of_the_self_checks():
    x = np.arange(2**10 + 1) / 2.0**10
    slopes = np.diff(np.asarray(sawtooth(np.float32(x), 5)))
    assert 1 + np.sum(slopes[1:] != slopes[:-1]) == 32  # check-approximation-sawtooth
    assert exact_rank(polynomial_units([0, 0, 1], [[w] for w in range(1, 9)], range(8))) == 3  # -square
    cubes = [[w, w * w - 5] for w in range(1, 31)]
    assert exact_rank(polynomial_units([0, 0, 0, 1], cubes, [b % 7 for b in range(30)])) == math.comb(5, 3)  # -cubic
    first = lambda m: max(y**0.5 - y * m**0.5 for y in np.linspace(0, 1 / m, 4001))  # noqa: E731
    assert first(16) / first(64) == pytest.approx(2)  # -root: in the first step
