"""The checks of exercises refuse answers that look right, and take right ones that are written in another way.

That the solutions pass is seen when a chapter executes. Here only the first cell of the chapter is executed, the cells
that define what a check needs, the check and the solution.
"""

import re
from pathlib import Path

import jax
import jupytext
import numpy as np
import pytest

CHAPTERS = Path(__file__).parents[2] / "chapters"


@pytest.fixture(autouse=True)
def precision():
    """A chapter that computes in 64 bits must not leave that to other tests."""
    before = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", before)


def exercise(chapter: str, check: str, *needs: str) -> dict:
    """The names that a reader has after the solution: of the first cell, the check and what defines `needs`."""
    cells = [cell.source for cell in jupytext.read(CHAPTERS / f"{chapter}.md").cells if cell.cell_type == "code"]
    number = next(n for n, source in enumerate(cells) if f"def {check}(" in source)
    wanted = [n for n, source in enumerate(cells) if any(re.search(rf"^def {need}\(", source, re.M) for need in needs)]
    names: dict = {}
    for n in sorted({0, *wanted, number, number + 1}):
        exec(cells[n], names)
    return names


def column(answer):
    return lambda *arguments: np.asarray(answer(*arguments))[:, None]


def refused(check, answers: dict) -> None:
    """Each answer is refused with a sentence that has these words in it."""
    for words, wrong in answers.items():
        with pytest.raises(AssertionError, match=words):
            check(wrong)


NO_ANSWERS = {
    "hand over the function itself, without calling it, not float": 1.5,
    "hand over the function itself, without calling it, not list": [1.0],
    r"does not work with these \d arguments": lambda: 1.0,
    "numbers are wanted, not what": lambda *arguments: "a half",
}


def test_kernels_convention():
    names = exercise("kernels", "check_convention", "answered")
    check = names["check_convention"]
    check(lambda convention, value, n: np.float32(names["noise_variance"](convention, value, n)))
    factors = {"sum": lambda v, n: v, "mean": lambda v, n: n * v, "half mean": lambda v, n: 2 * n * v}

    def but(name, formula):
        return lambda convention, v, n: (
            formula(v, n) if convention == name else factors.get(convention, lambda v, n: 1 / (2 * v))(v, n)
        )

    check(but("sum", factors["sum"]))
    refused(
        check,
        {
            **NO_ANSWERS,
            r"for 'sum' .* 0\.5 times the right one": but("sum", lambda v, n: v / 2),
            r"for 'mean' .* 0\.1667 times the right one": lambda convention, v, n: v,
            r"for 'mean' .* 0\.02778 times": but("mean", lambda v, n: v / n),
            r"for 'mean' .* 0\.8333 times": but("mean", lambda v, n: (n - 1) * v),
            r"for 'half mean' .* 0\.5 times": but("half mean", lambda v, n: n * v),
            r"for 'half mean' .* 0\.25 times": but("half mean", lambda v, n: n * v / 2),
            r"for 'C' .* 2 times": but("C", lambda v, n: 1 / v),
            r"for 'C' .* 0\.5476 times": but("C", lambda v, n: 2 * v),
            r"one number is wanted, of shape \(\), not of shape \(1,\)": lambda convention, v, n: [v],
            "returns None, NaN or infinity": lambda convention, v, n: None,
        },
    )


def test_kernels_left_out():
    names = exercise("kernels", "check_left_out", "answered")
    check, right = names["check_left_out"], names["left_out"]
    check(lambda *arguments: list(right(*arguments)))

    def inverse(K, ridge):
        return np.linalg.inv(K + ridge * np.eye(len(K)))

    def through_smoother(K, ridge, y):
        S = K @ inverse(K, ridge)
        return (S @ y - np.diag(S) * y) / (1 - np.diag(S))

    check(through_smoother)
    shapes = {
        r"\(0,\)": lambda *arguments: [],
        r"\(1,\)": lambda *arguments: right(*arguments)[:1],
        r"\(14,\)": lambda *arguments: right(*arguments)[1:],
        r"\(15, 1\)": column(right),
        r"\(\)": lambda *arguments: None,
    }
    refused(check, {rf"of shape \(15,\), not of shape {shape}": wrong for shape, wrong in shapes.items()})
    refused(check, NO_ANSWERS)
    off = r"prediction \d+ is -?\d\.\d+, not .*: it is off by [+-]\d"
    for wrong in (
        lambda K, ridge, y: K @ inverse(K, ridge) @ y,  # nothing left out
        lambda K, ridge, y: y - inverse(K, ridge) @ y,  # not divided
        lambda K, ridge, y: y - inverse(K, ridge) @ y / (1 - np.diag(K @ inverse(K, ridge))),
        lambda K, ridge, y: inverse(K, ridge) @ y / np.diag(inverse(K, ridge)),  # the residual
        lambda K, ridge, y: right(K, len(y) * ridge, y),
        lambda K, ridge, y: right(K, ridge, y)[::-1],
        lambda K, ridge, y: right(K, ridge, y) * 14 / 15,
        lambda K, ridge, y: np.append(right(K, ridge, y)[:-1], 0.0),
        lambda K, ridge, y: y,
    ):
        refused(check, {off: wrong})


def test_kernels_features():
    names = exercise("kernels", "check_features", "laplace_features", "answered")
    check, right = names["check_features"], names["predict"]
    check(lambda phi, y, ridge, new: new @ np.linalg.inv(phi.T @ phi + ridge * np.eye(phi.shape[1])) @ phi.T @ y)
    check(lambda *arguments: right(*arguments).tolist())
    refused(
        check,
        {
            **NO_ANSWERS,
            r"of shape \(7,\), not of shape \(7, 1\)": column(right),
            r"of shape \(7,\), not of shape \(12,\)": lambda phi, y, ridge, new: phi.T @ y,
            r"of shape \(7,\), not of shape \(\)": lambda *arguments: None,
            r"2,000 points took .* there is an n × n matrix in it": lambda phi, y, ridge, new: (
                new @ phi.T @ np.linalg.solve(phi @ phi.T + ridge * np.eye(len(phi)), y)
            ),
        },
    )
    for wrong in (
        lambda phi, y, ridge, new: right(phi, y, 2 * ridge, new),
        lambda phi, y, ridge, new: right(phi, y, ridge * len(y), new),
        lambda phi, y, ridge, new: right(phi, y, 0, new),
        lambda phi, y, ridge, new: right(phi, y, ridge, new)[::-1],
        lambda phi, y, ridge, new: new @ phi.T @ y / ridge,
    ):
        refused(check, {r"the predictions differ by up to \d.*, where they reach \d": wrong})


def test_kernels_draw():
    names = exercise("kernels", "check_draw", "answered")
    check, right = names["check_draw"], names["update"]

    def solved(K, noise, v):
        return np.linalg.solve(K + noise * np.eye(len(K)), v)

    check(lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f + e))  # noise has no sign
    check(lambda f, g, e, y, K, T, noise: (T @ solved(K, noise, y + f + e) - g).tolist())
    refused(check, NO_ANSWERS)
    refused(check, {r"of shape \(2,\), not of shape \(2, 1\)": column(right)})
    refused(check, {r"of shape \(2,\), not of shape \(\)": lambda *arguments: None})
    wrong_mean = r"the mean of your draws is off that of the posterior by up to \d\.\d+"
    wrong_covariance = r"the covariance of your draws is off .* by up to \d\.\d+: the variances are"
    for wrong, words in (
        (lambda f, g, e, y, K, T, noise: g - T @ solved(K, noise, y - f - e), wrong_mean),
        (lambda f, g, e, y, K, T, noise: g, wrong_mean),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, 0.0, y - f), wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y, K, T, noise**2), wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y, K, T, noise)[::-1], wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y[::-1], K, T, noise), wrong_mean),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: T @ solved(K, noise, y), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y + f + e), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f - 2 * e), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: right(f**2, g, e, y, K, T, noise), "is not linear in the draw"),
    ):
        refused(check, {words: wrong})


def test_kernels_space():
    names = exercise("kernels", "check_space", "answered", "laplace_features")  # with its ell
    check, grid = names["check_space"], np.linspace(-1, 1, 4001)

    def norm(values=1.0, slopes=0.25, ends=0.5, square=lambda g: g**2):
        def squared(f, slope):
            there = f(np.array([-1.0, 1.0]))
            inside = values * np.trapezoid(square(f(grid)), grid) + slopes * np.trapezoid(square(slope(grid)), grid)
            return inside + ends * np.sum(square(there))

        return squared

    check(norm())
    refused(check, NO_ANSWERS)
    times = r"for .* the squared norm is \d\.\d+, not .*: yours is .* times as large"
    for wrong in (
        norm(ends=0),
        norm(ends=1),
        norm(slopes=0.5),
        norm(values=0.25, slopes=1.0),
        norm(values=2),
        norm(slopes=0),
        norm(square=np.abs),
        lambda f, slope: norm()(f, slope) ** 0.5,
        lambda f, slope: norm()(slope, f),
    ):
        refused(check, {times: wrong})
    refused(check, {r"one number is wanted, of shape \(\), not of shape \(1,\)": lambda f, slope: [norm()(f, slope)]})
    refused(check, {"returns None, NaN or infinity": lambda f, slope: None})


def each_refused(check, answers):
    """Each wrong answer gets the sentence that belongs to it."""
    for sentence, wrong in answers:
        with pytest.raises(AssertionError, match=sentence):
            check(wrong)


@pytest.mark.parametrize(
    ("check", "needs"),
    [("check_radon", ["separable"]), ("check_loo", []), ("check_features", []), ("check_drop", [])],
)
def test_svm_wants_a_function(check, needs):
    names = exercise("svm", check, *needs)
    each_refused(
        names[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_svm_radon():
    names = exercise("svm", "check_radon", "separable")
    check, right = names["check_radon"], names["impossible_labels"]
    check(lambda points: -right(points))
    check(lambda points: [float(label) for label in right(points)])
    draw = np.random.default_rng(1)

    def through_the_origin(points):  # the constant is forgotten
        return np.where(np.linalg.svd(points)[0][:, -1] > 0, 1, -1)

    def coefficients(points):
        return np.linalg.svd(np.c_[points, np.ones(len(points))])[0][:, -1]

    wrong_labels = "a hyperplane has all . right"
    each_refused(
        check,
        [
            (wrong_labels, through_the_origin),
            (wrong_labels, lambda points: np.where(coefficients(points) > -0.2, 1, -1)),  # another threshold
            (wrong_labels, lambda points: draw.permutation(right(points))),
            (wrong_labels, lambda points: np.where(np.arange(len(points)) == 0, 1, -1)),
            (wrong_labels, lambda points: np.sign(points[:, 0] - points[:, 0].mean())),
            ("labels should be ±1, both of them, not", lambda points: np.ones(len(points))),
            ("labels should be ±1, both of them, not", coefficients),
            ("labels should be ±1, both of them, not", lambda points: right(points) > 0),
            ("labels should be ±1, both of them, not", lambda points: list("+-" * len(points))[: len(points)]),
            (r"of shape \(3,\), not of shape \(\)", lambda points: None),
            (r"of shape \(3,\), not of shape \(2,\)", lambda points: right(points)[1:]),
            (r"of shape \(3,\), not of shape \(3, 1\)", column(right)),
        ],
    )


def test_svm_loo():
    names = exercise("svm", "check_loo")
    check = names["check_loo"]
    check(lambda machine, n: np.float32(machine.n_support_.sum() / n))
    each_refused(
        check,
        [
            (r"the bound is 0\.55, not 0\.54, which is -0\.01", lambda machine, n: (len(machine.support_) - 1) / n),
            (r"not 0\.56, which is \+0\.01", lambda machine, n: len(machine.support_) / (n - 1)),
            (r"not 55\.00", lambda machine, n: len(machine.support_)),
            ("the bound is", lambda machine, n: machine.n_support_[0] / n),  # those of one class
            ("the bound is", lambda machine, n: np.sum(np.abs(machine.dual_coef_) > 1 - 1e-9) / n),  # the bounded ones
            (r"not 1\.00, which is \+0\.45", lambda machine, n: 1.0),
            ("more than your bound of", lambda machine, n: 0.0),
            ("the bound should be a number, not None", lambda machine, n: None),
            (r"should be a number, not \[", lambda machine, n: [len(machine.support_) / n]),
            ("should be a number, not array", lambda machine, n: machine.n_support_ / n),
            ("should be a number, not '0.4'", lambda machine, n: "0.4"),
        ],
    )


def test_svm_features():
    names = exercise("svm", "check_features")
    check, right = names["check_features"], names["features_needed"]
    check(lambda epsilon, phase: np.ceil(1 / epsilon**2) if phase else 2 * np.ceil(1 / (2 * epsilon**2)))
    each_refused(
        check,
        [
            ("in pairs it is an even number, not 25", lambda epsilon, phase: int(np.ceil(1 / epsilon**2))),
            (r"in pairs it is an even number, not 11\.1", lambda epsilon, phase: 1 / epsilon**2),
            ("14 in pairs are more than needed for 0.3: 12 are enough, 2 fewer", lambda e, phase: right(e, phase) + 2),
            ("10 in pairs are too few for 0.3: it takes 12, 1.20 times", lambda e, phase: right(e, phase) - 2),
            ("24 in pairs are more than needed", lambda e, phase: 2 * right(e, phase)),  # not Gaussian
            ("in pairs are too few", lambda e, phase: 2 * round(right(e, phase) / 4)),  # the variance of phases at 0
            ("4 in pairs are too few", lambda e, phase: 2 * int(np.ceil(1 / e / 2))),  # the deviation not squared
            ("13 with phases are more than needed", lambda e, phase: right(e, phase) + phase),
            ("the number of features should be a number, not None", lambda e, phase: None),
            (r"should be a number, not \[12\]", lambda e, phase: [right(e, phase)]),
            ("it is an even number, not -12", lambda e, phase: -right(e, phase)),
        ],
    )


def test_svm_drop():
    names = exercise("svm", "check_drop")
    check = names["check_drop"]
    check(lambda phi, y, noise: bool(np.dot(phi, y) ** 2 / noise <= np.sum(phi**2)))
    quality = lambda phi, y, noise: (phi @ y) ** 2 / (noise * (phi @ phi))  # noqa: E731
    each_refused(
        check,
        [
            ("is kept: its best precision is", lambda phi, y, noise: (phi @ y) ** 2 <= phi @ phi * noise**0.5),
            ("is kept: its best precision is", lambda phi, y, noise: (phi @ y) ** 2 <= phi @ phi),
            ("is (kept|dropped)", lambda *given: quality(*given) > 1),
            ("is (kept|dropped)", lambda *given: quality(*given) <= 4),  # a test of significance
            ("is kept", lambda *given: True),
            ("is dropped", lambda *given: False),
            ("is dropped", lambda phi, y, noise: phi @ y <= 0),
            ("True or False is wanted, not None", lambda *given: None),
            ("True or False is wanted, not ", quality),
            (r"True or False is wanted, not \[", lambda *given: [quality(*given) <= 1]),
        ],
    )


def test_approximation_which():
    names = exercise("approximation", "check_which")
    check = names["check_which"]
    right = ["sin", "abs", "max(u, 0)^2", "u + 1e-9 cos(u)", "log(1 + e^u)", "exp"]
    check(right)
    check(tuple(right))
    with pytest.raises(AssertionError, match="a set of names is wanted"):
        check("sin")
    with pytest.raises(AssertionError, match=r"wrong about \['sin'\]"):
        check(right[1:])


def test_approximation_exponential():
    names = exercise("approximation", "check_exponential")
    check, right = names["check_exponential"], names["barron_of_product"]
    check(lambda d: np.float32(right(d)))
    with pytest.raises(AssertionError, match=r"for d = 1 it is 2\.12132, not 1\.414214"):
        check(lambda d: 2 ** (d / 2) * d**0.5)


def test_nngp_which():
    names = exercise("nngp", "check_which")
    for count in (5, 7):
        with pytest.raises(AssertionError, match=f"six booleans are wanted, not {count}"):
            names["check_which"]([True] * count)


def refuses_what_is_no_number(check):
    """What every check of `parametric` says to an answer that is not one finite number, or that is no function."""
    for shown, wrong in {"None": None, r"\[1\.0\]": [1.0], "'many'": "many", "nan": np.nan, "inf": np.inf}.items():
        with pytest.raises(AssertionError, match=f"one finite number is wanted, not {shown}"):
            check(lambda *arguments, wrong=wrong: wrong)
    with pytest.raises(AssertionError, match=r"a function is wanted, not 0\.5"):
        check(0.5)
    with pytest.raises(AssertionError, match=r"your function stops: .* takes 0 positional arguments"):
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
    names = exercise("parametric", "check_threshold", "check_sine")
    check, right = names["check_threshold"], names["df_estimate"]
    check(lambda y, tau: int(sum(abs(value) > tau for value in y)))
    refuses_what_is_no_number(check)
    for wrong in (
        lambda y, tau: right(y, tau) + 1,
        lambda y, tau: 1.05 * right(y, tau),
        lambda y, tau: np.sum(np.abs(y) < tau),
        lambda y, tau: np.sum(y > tau),
        lambda y, tau: right(y[1:], tau),
        lambda y, tau: right(y, 2 * tau),
        lambda y, tau: np.sum(np.maximum(np.abs(y) - tau, 0)),
        lambda y, tau: len(y),
    ):
        with pytest.raises(AssertionError, match=r"the degrees of freedom are .*: off by [+-]\d"):
            check(wrong)


def test_parametric_ridge():
    names = exercise("parametric", "check_ridge", "smoother", "check_sine")
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
    names = exercise("parametric", "check_growth", "check_sine")
    check, right = names["check_growth"], names["growth"]
    check(lambda n, ridge, c: np.log2(n / ridge) / np.log2(1 / c))
    check(lambda n, ridge, c: np.sum(c ** np.arange(1, 4000) / (c ** np.arange(1, 4000) + ridge / n)))  # the sum itself
    refuses_what_is_no_number(check)
    for wrong in (
        lambda n, ridge, c: right(n, ridge, c) + 1,
        lambda n, ridge, c: right(n, ridge, c) - 1,
        lambda n, ridge, c: 2 * right(n, ridge, c),
        lambda n, ridge, c: -right(n, ridge, c),
        lambda n, ridge, c: np.log(n) / np.log(1 / c),  # without the ridge
        lambda n, ridge, c: np.log10(n / ridge) / np.log(1 / c),  # logarithms of two kinds
        lambda n, ridge, c: np.log(n * ridge) / np.log(1 / c),
        lambda n, ridge, c: np.sqrt(n / ridge),
    ):
        with pytest.raises(AssertionError, match=r"the sum is .*, yours .*: off by [+-]"):
            check(wrong)


def test_parametric_bandwidth():
    names = exercise("parametric", "check_bandwidth", "exact_mise", "check_sine")
    check, right, norm = names["check_bandwidth"], names["cross_validation"], names["norm"]
    refuses_what_is_no_number(check)

    def second(sample, h):
        n, bumps = len(sample), norm.pdf(sample[:, None] - sample, scale=h)
        return (bumps.sum() - np.trace(bumps)) / (n * (n - 1))

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
    ):
        with pytest.raises(AssertionError, match=r"the MISE is .*: off by [+-]"):
            check(wrong)
