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


NO_NUMBERS = [None, "0.2", [1.0, 2.0], np.nan, np.inf, {}]


def refuses_what_is_no_number(check):
    for value in NO_NUMBERS:
        with pytest.raises(AssertionError, match="one finite number is wanted"):
            check(lambda *arguments, value=value: value)
    with pytest.raises(AssertionError, match=r"a function is wanted, not 0\.2"):
        check(0.2)
    with pytest.raises(AssertionError, match="it could not be called"):
        check(lambda: 0.2)


def refuses(check, wrong, match):
    """Each of these answers, with a sentence that says by how much."""
    for answer in wrong:
        with pytest.raises(AssertionError, match=match):
            check(answer)


def test_dynamics_time():
    names = exercise("dynamics", "check_time")
    check, right = names["check_time"], names["time_to_fit"]
    check(lambda *arguments: np.float32(right(*arguments)))
    check(lambda *arguments: [right(*arguments)])
    refuses_what_is_no_number(check)
    values = np.linalg.eigvalsh
    refuses(
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
    refuses_what_is_no_number(check)
    refuses(
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
    refuses_what_is_no_number(check)
    refuses(
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
    refuses_what_is_no_number(check)
    refuses(
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
