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
