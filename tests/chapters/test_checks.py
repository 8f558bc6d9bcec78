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


def test_kernels_left_out():
    names = exercise("kernels", "check_left_out")
    check, right = names["check_left_out"], names["left_out"]
    check(lambda *arguments: list(right(*arguments)))
    for shape, wrong in {
        r"\(0,\)": lambda *arguments: [],
        r"\(1,\)": lambda *arguments: right(*arguments)[:1],
        r"\(15, 1\)": column(right),
        r"\(\)": lambda *arguments: None,
    }.items():
        with pytest.raises(AssertionError, match=rf"of shape \(15,\), not of shape {shape}"):
            check(wrong)


def test_kernels_features():
    names = exercise("kernels", "check_features", "laplace_features")
    check, right = names["check_features"], names["predict"]
    check(lambda phi, y, ridge, new: new @ np.linalg.inv(phi.T @ phi + ridge * np.eye(phi.shape[1])) @ phi.T @ y)
    with pytest.raises(AssertionError, match=r"of shape \(7,\), not of shape \(7, 1\)"):
        check(column(right))
    with pytest.raises(AssertionError, match=r"2,000 points took .* there is an n × n matrix in it"):
        check(lambda phi, y, ridge, new: new @ phi.T @ np.linalg.solve(phi @ phi.T + ridge * np.eye(len(phi)), y))
    with pytest.raises(AssertionError, match="the predictions differ by up to"):
        check(lambda phi, y, ridge, new: right(phi, y, 2 * ridge, new))


def test_kernels_draw():
    names = exercise("kernels", "check_draw")
    with pytest.raises(AssertionError, match=r"has the shape \(2,\), not \(2, 1\)"):
        names["check_draw"](column(names["update"]))


def refused(check, answers):
    """Each wrong answer gets the sentence that belongs to it."""
    for sentence, wrong in answers:
        with pytest.raises(AssertionError, match=sentence):
            check(wrong)


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
    refused(
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
    refused(
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
    refused(
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
    refused(
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
