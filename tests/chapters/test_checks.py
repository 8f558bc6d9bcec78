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
        lambda K, ridge, y: right(K, 1.01 * ridge, y),
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
        lambda phi, y, ridge, new: right(phi, y, 1.01 * ridge, new),
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
        refused(check, {times: wrong})
    refused(check, {r"one number is wanted, of shape \(\), not of shape \(1,\)": lambda f, slope: [norm()(f, slope)]})
    refused(check, {"returns None, NaN or infinity": lambda f, slope: None})


def test_svm_features():
    names = exercise("svm", "check_features")
    check = names["check_features"]
    check(lambda epsilon, phase: np.ceil(1 / epsilon**2) if phase else 2 * np.ceil(1 / (2 * epsilon**2)))
    with pytest.raises(AssertionError, match="in pairs it is an even number, not 25"):
        check(lambda epsilon, phase: int(np.ceil(1 / epsilon**2)))
    with pytest.raises(AssertionError, match=r"in pairs it is an even number, not 11\.1"):
        check(lambda epsilon, phase: 1 / epsilon**2)
    with pytest.raises(AssertionError, match="14 in pairs are more than needed"):
        check(lambda epsilon, phase: names["features_needed"](epsilon, phase) + 2)


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
