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


def refused_by_words(check, answers: dict) -> None:
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
    refused_by_words(
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
    refused_by_words(check, {rf"of shape \(15,\), not of shape {shape}": wrong for shape, wrong in shapes.items()})
    refused_by_words(check, NO_ANSWERS)
    off = r"prediction \d+ is -?\d\.\d+, not .*: it is off by [+-]\d"
    for wrong in (
        lambda K, ridge, y: K @ inverse(K, ridge) @ y,  # nothing left out
        lambda K, ridge, y: y - inverse(K, ridge) @ y,  # not divided
        lambda K, ridge, y: y - inverse(K, ridge) @ y / (1 - np.diag(K @ inverse(K, ridge))),
        lambda K, ridge, y: inverse(K, ridge) @ y / np.diag(inverse(K, ridge)),  # the residual
        lambda K, ridge, y: right(K, len(y) * ridge, y),
        lambda K, ridge, y: right(K, 1.01 * ridge, y),
        lambda K, ridge, y: right(K, ridge, y)[::-1],
        lambda K, ridge, y: right(K, ridge, y) * 14 / 15,
        lambda K, ridge, y: np.append(right(K, ridge, y)[:-1], 0.0),
        lambda K, ridge, y: y,
    ):
        refused_by_words(check, {off: wrong})


def test_kernels_features():
    names = exercise("kernels", "check_features", "laplace_features", "answered")
    check, right = names["check_features"], names["predict"]
    check(lambda phi, y, ridge, new: new @ np.linalg.inv(phi.T @ phi + ridge * np.eye(phi.shape[1])) @ phi.T @ y)
    check(lambda *arguments: right(*arguments).tolist())
    refused_by_words(
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
        lambda phi, y, ridge, new: right(phi, y, 1.01 * ridge, new),
        lambda phi, y, ridge, new: right(phi, y, ridge * len(y), new),
        lambda phi, y, ridge, new: right(phi, y, 0, new),
        lambda phi, y, ridge, new: right(phi, y, ridge, new)[::-1],
        lambda phi, y, ridge, new: new @ phi.T @ y / ridge,
    ):
        refused_by_words(check, {r"the predictions differ by up to \d.*, where they reach \d": wrong})


def test_kernels_draw():
    names = exercise("kernels", "check_draw", "answered")
    check, right = names["check_draw"], names["update"]

    def solved(K, noise, v):
        return np.linalg.solve(K + noise * np.eye(len(K)), v)

    check(lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f + e))  # noise has no sign
    check(lambda f, g, e, y, K, T, noise: (T @ solved(K, noise, y + f + e) - g).tolist())
    refused_by_words(check, NO_ANSWERS)
    refused_by_words(check, {r"of shape \(2,\), not of shape \(2, 1\)": column(right)})
    refused_by_words(check, {r"of shape \(2,\), not of shape \(\)": lambda *arguments: None})
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
        refused_by_words(check, {words: wrong})


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
    refused_by_words(check, NO_ANSWERS)
    times = r"for .* the squared norm is \d\.\d+, not .*: yours is .* times as large"
    for wrong in (
        norm(ends=0),
        norm(ends=0.49),
        norm(values=1.02),
        norm(ends=1),
        norm(slopes=0.5),
        norm(values=0.25, slopes=1.0),
        norm(values=2),
        norm(slopes=0),
        norm(square=np.abs),
        lambda f, slope: norm()(f, slope) ** 0.5,
        lambda f, slope: norm()(slope, f),
    ):
        refused_by_words(check, {times: wrong})
    refused_by_words(
        check, {r"one number is wanted, of shape \(\), not of shape \(1,\)": lambda f, slope: [norm()(f, slope)]}
    )
    refused_by_words(check, {"returns None, NaN or infinity": lambda f, slope: None})


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


def refuses_one(check, wrong, says):
    with pytest.raises(AssertionError, match=says):
        check(wrong)


def test_ntk_bias():
    names = exercise("ntk", "check_bias")
    check, right = names["check_bias"], names["ntk_with_bias"]
    check(lambda *arguments: np.asarray(right(*arguments)).tolist())
    off = "for depth {} and b_std {} the largest relative difference is"
    for says, wrong in {
        "a function is wanted, ntk_with_bias itself, not ndarray": np.eye(20),
        r"returns nothing \(None\)": lambda *arguments: None,
        r"of shape \(20, 20\) is wanted, not of shape \(20,\)": lambda *arguments: np.diag(right(*arguments)),
        r"not of shape \(0,\)": lambda *arguments: [],
        off.format(0, 0.5): lambda x, depth, w, b: right(x, depth, w, 0.0),
        off.format(3, 0.7): lambda x, depth, w, b: right(x, depth, w, b) + depth * b**2,  # a term of its own
        off.format(1, 0.0): lambda x, depth, w, b: right(x, depth + (depth > 0), w, b),
    }.items():
        refuses_one(check, wrong, says)
    refuses_one(check, lambda x, depth, w, b: right(x[::-1], depth, w, b), off.format(0, 0.5))
    refuses_one(check, lambda x, depth, w, b: right(x, depth, 2**0.5, b), off.format(0, 0.5))


def test_ntk_rank():
    names = exercise("ntk", "check_rank")
    check = names["check_rank"]
    check(lambda n: float(n // 2 - 2) if n % 2 == 0 and n > 3 else 0.0)
    for says, wrong in {
        "a function is wanted, null_directions itself, not int": 6,
        "for 1 points a number is wanted, not None": lambda n: None,
        r"for 1 points a number is wanted, not \[0\]": lambda n: [names["null_directions"](n)],
        "1 points have 0 null directions, not -2": lambda n: n // 2 - 2,
        "2 points have 0 null directions, not -1": lambda n: 0 if n % 2 else n // 2 - 2,
        "4 points have 0 null directions, not 1": lambda n: 0 if n % 2 or n < 3 else n // 2 - 1,
        "6 points have 1 null directions, not 3": lambda n: 0 if n % 2 or n < 5 else n // 2,
        "3 points have 0 null directions, not 1": lambda n: max((n + 1) // 2 - 1, 0) if n % 2 else 0,
        "8 points have 2 null directions, not 0": lambda n: {6: 1}.get(n, 0),
        "1 points have 0 null directions, not six": lambda n: "six",
    }.items():
        refuses_one(check, wrong, says)


def test_ntk_one_step():
    names = exercise("ntk", "check_one_step")
    check, right = names["check_one_step"], names["one_step_rate"]
    check(lambda x: np.array([16 / np.sum(np.asarray(x) ** 2)]))
    left = "the step leaves {} of the residual at infinite width"
    for says, wrong in {
        "a function is wanted, one_step_rate itself, not float": 0.25,
        "one number is wanted, not None": lambda x: None,
        "one number is wanted, not Array": lambda x: 1 / x,
        left.format(r"-1\.000"): lambda x: 2 * right(x),  # that of the covariance
        left.format(r"0\.750"): lambda x: 0.25 if x @ x > 20 else right(2 * x),
        left.format(r"0\.016"): lambda x: (len(x) - 1) / (4 * x @ x),
        left.format(r"0\.500"): lambda x: right(x) / 2,
        left.format(r"-3\.000"): lambda x: 1 / (4 * x @ x / len(x)) * 4,
    }.items():
        refuses_one(check, wrong, says)


def test_ntk_deep():
    check = exercise("ntk", "check_deep", "share")["check_deep"]
    for right in (0.25, np.float32(0.25), np.array(0.25)):
        check(right)
    for says, wrong in {
        "one number is wanted, not None": None,
        r"one number is wanted, not \[0\.25\]": [0.25],
        "a number is wanted, not '1/4'": "1/4",
        "a number is wanted, not True": True,
        "off by 0.08": 1 / 3,
        "off by 0.25": 0.0,
        r"towards less than 0\.2535; that is off by 0.003": 0.2535,  # at a thousand layers
        r"towards less than 0\.2511": 0.2511,  # at the four thousand of the check
        r"off by 0\.4999": 0.75,
    }.items():
        refuses_one(check, wrong, says)
    refuses_one(check, lambda: 0.25, "a number is wanted")


def test_ntk_standard():
    names = exercise("ntk", "check_standard", "random_kernels", "kernel_and_step")
    check, right, MLP = names["check_standard"], names["standard_limit"], names["MLP"]
    theta, nngp = (
        (lambda depth: lambda x: np.asarray(MLP(depth=depth).ntk(x))),
        (lambda depth: lambda x: np.asarray(MLP(depth=depth).nngp(x))),
    )
    check(lambda x: np.asarray(right(x)).tolist())
    wrong_by = "an entry of your limit is wrong by {}"
    for says, wrong in {
        "a function is wanted, standard_limit itself, not NoneType": None,
        r"returns nothing \(None\)": lambda x: None,
        r"of shape \(6, 6\) is wanted, not of shape \(6,\)": lambda x: np.diag(right(x)),
        wrong_by.format(r"100\.0%"): lambda x: 2 * right(x),
        wrong_by.format(r"50\.0%"): lambda x: theta(2)(x) / 2,  # with the first layer
        wrong_by.format("50"): lambda x: nngp(2)(x) / 2,  # the readout alone
        wrong_by.format(""): lambda x: (nngp(2)(x) + (theta(1)(x) - nngp(1)(x)) / nngp(0)(x) * nngp(1)(x)) / 2,
    }.items():
        refuses_one(check, wrong, says)
    refuses_one(check, lambda x: right(x[::-1]), wrong_by.format(""))


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


NO_NUMBERS = [None, "0.2", [1.0, 2.0], np.nan, np.inf, {}]


def refuses_no_numbers(check):
    for value in NO_NUMBERS:
        with pytest.raises(AssertionError, match="one finite number is wanted"):
            check(lambda *arguments, value=value: value)
    with pytest.raises(AssertionError, match=r"a function is wanted, not 0\.2"):
        check(0.2)
    with pytest.raises(AssertionError, match="it could not be called"):
        check(lambda: 0.2)


def refuses_all(check, wrong, match):
    """Each of these answers, with a sentence that says by how much."""
    for answer in wrong:
        with pytest.raises(AssertionError, match=match):
            check(answer)


def test_dynamics_time():
    names = exercise("dynamics", "check_time")
    check, right = names["check_time"], names["time_to_fit"]
    check(lambda *arguments: np.float32(right(*arguments)))
    check(lambda *arguments: [right(*arguments)])
    refuses_no_numbers(check)
    values = np.linalg.eigvalsh
    refuses_all(
        check,
        [
            lambda kernel, residual, epsilon: len(kernel) / values(kernel)[0] * np.log(1 / epsilon),  # the worst case
            lambda kernel, residual, epsilon: len(kernel) / values(kernel)[-1] * np.log(1 / epsilon),
            lambda kernel, residual, epsilon: right(kernel, residual, epsilon**2),  # the loss, not the norm
            lambda kernel, residual, epsilon: right(kernel, residual, epsilon) / len(kernel),  # half the sum
            lambda kernel, residual, epsilon: right(kernel, residual, 0.1),
            lambda kernel, residual, epsilon: right(kernel[:-1, :-1], residual[:-1], epsilon),
            lambda kernel, residual, epsilon: right(kernel, residual[::-1], epsilon),
        ],
        r"the fraction is [\d.e-]+, not 0\.0?1",
    )
    with pytest.raises(AssertionError, match="a time is not negative"):
        check(lambda *arguments: -right(*arguments))


def test_dynamics_units():
    check = exercise("dynamics", "check_units")["check_units"]
    check(lambda eta, n, c: np.array([2 * eta / c]))
    refuses_no_numbers(check)
    refuses_all(
        check,
        [
            lambda eta, n, c: eta,
            lambda eta, n, c: eta / c,
            lambda eta, n, c: 2 * eta,
            lambda eta, n, c: eta * c / 2,
            lambda eta, n, c: 2 * eta / n,
            lambda eta, n, c: 2 * eta / (n * c),
            lambda eta, n, c: 2 * eta / (c + 1),
        ],
        r"with n = \d+ and \d+ outputs your step is [\d.]+ times as long as the other",
    )


def test_dynamics_angle():
    check = exercise("dynamics", "check_angle")["check_angle"]

    def kappa(psi):
        return (np.sin(psi) + (np.pi - psi) * np.cos(psi)) / np.pi

    def a(psi):
        return (kappa(psi) + (1 - psi / np.pi) * np.cos(psi)) / 2

    check(lambda psi: 2 * (1 - 2 * a(psi) * kappa(psi) + a(psi) ** 2))
    refuses_no_numbers(check)
    refuses_all(
        check,
        [
            lambda psi: 2 * (1 - kappa(psi) ** 2),  # the posterior with K
            lambda psi: 4 * (1 - a(psi) ** 2),  # the posterior with Θ
            lambda psi: 2 * (1 - kappa(psi) ** 2) - 2 * (a(psi) - kappa(psi)) ** 2,
            lambda psi: 1 - kappa(psi) ** 2 + (a(psi) - kappa(psi)) ** 2,
            lambda psi: 2 * (1 - kappa(psi) ** 2) + (a(psi) - kappa(psi)) ** 2,
            lambda psi: 2 * (1 - np.cos(psi) ** 2),
        ],
        r"at ψ = [\d.]+ it is [\d.]+, not",
    )


def test_dynamics_momentum():
    check = exercise("dynamics", "check_momentum")["check_momentum"]
    check(lambda largest, n, beta: np.float64(2 * n * (1 + beta) / largest))
    refuses_no_numbers(check)
    refuses_all(
        check,
        [
            lambda largest, n, beta: 2 * n / largest,
            lambda largest, n, beta: 2 * (1 - beta) * n / largest,
            lambda largest, n, beta: 2 * n / (1 - beta) / largest,
            lambda largest, n, beta: (1 + beta) * n / largest,
            lambda largest, n, beta: 2 * (1 + beta) / largest,
            lambda largest, n, beta: 2 * (1 + beta) * 12 / largest,
            lambda largest, n, beta: 2 * (1 + beta) * (n - 1) / largest,
            lambda largest, n, beta: 2 * (1 + beta) ** 2 * n / largest,
        ],
        r"β = [\d.]+: the largest root is [\d.]+ just below",
    )


def test_dynamics_ridge():
    check = exercise("dynamics", "check_ridge")["check_ridge"]
    check(0.204)
    check(np.array([0.2036]))
    for value in NO_NUMBERS:
        with pytest.raises(AssertionError, match="one finite number is wanted"):
            check(value)
    for wrong in (0.2, 0.21, 0.25, 1 / np.e, -0.204, 0.0, 1.0):
        with pytest.raises(AssertionError, match=r"too (large|small) by \d"):
            check(wrong)
