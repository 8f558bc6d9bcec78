"""The checks of the exercises of `dynamics` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import all_refused, exercise

NO_NUMBERS = [None, "0.2", [1.0], [1.0, 2.0], np.array([1.0]), np.nan, np.inf, {}]


def refuses_no_numbers(check):
    for value in NO_NUMBERS:
        with pytest.raises(AssertionError, match=r"should be a (finite )?number, not"):
            check(lambda *arguments, value=value: value)
    with pytest.raises(AssertionError, match="hand over the function itself, without calling it, not float"):
        check(0.2)
    with pytest.raises(AssertionError, match=r"it does not work with these \d arguments"):
        check(lambda: 0.2)


def test_dynamics_time():
    names = exercise("dynamics", "check_time")
    check, right = names["check_time"], names["time_to_fit"]
    check(lambda *arguments: np.float32(right(*arguments)))
    refuses_no_numbers(check)
    values = np.linalg.eigvalsh
    all_refused(
        check,
        [
            lambda kernel, residual, epsilon: len(kernel) / values(kernel)[0] * np.log(1 / epsilon),  # the worst case
            lambda kernel, residual, epsilon: len(kernel) / values(kernel)[-1] * np.log(1 / epsilon),
            lambda kernel, residual, epsilon: right(kernel, residual, epsilon**2),  # the loss, not the norm
            lambda kernel, residual, epsilon: right(kernel, residual, epsilon) / len(kernel),  # half the sum
            lambda kernel, residual, epsilon: right(kernel, residual, 0.1),
            lambda kernel, residual, epsilon: right(kernel[:-1, :-1], residual[:-1], epsilon),
            lambda kernel, residual, epsilon: right(kernel, residual[::-1], epsilon),
            lambda kernel, residual, epsilon: right(kernel / kernel[0, 0], residual, epsilon),  # blind to the scale
        ],
        r"the fraction is [\d.e-]+, not 0\.0?1",
    )
    with pytest.raises(AssertionError, match="a time is not negative"):
        check(lambda *arguments: -right(*arguments))


def test_dynamics_units():
    check = exercise("dynamics", "check_units")["check_units"]
    check(lambda eta, n, c: np.array(2 * eta / c))
    refuses_no_numbers(check)
    all_refused(
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
    all_refused(
        check,
        [
            lambda psi: 2 * (1 - kappa(psi) ** 2),  # the posterior with K
            lambda psi: 4 * (1 - a(psi) ** 2),  # the posterior with Θ
            lambda psi: 2 * (1 - kappa(psi) ** 2) - 2 * (a(psi) - kappa(psi)) ** 2,
            lambda psi: 1 - kappa(psi) ** 2 + (a(psi) - kappa(psi)) ** 2,
            lambda psi: 2 * (1 - kappa(psi) ** 2) + (a(psi) - kappa(psi)) ** 2,
            lambda psi: 2 * (1 - np.cos(psi) ** 2),
        ],
        r"at ψ = [\d.]+ yours is [\d.]+, off by [+-]",
    )


def test_dynamics_momentum():
    check = exercise("dynamics", "check_momentum")["check_momentum"]
    check(lambda largest, n, beta: np.float64(2 * n * (1 + beta) / largest))
    refuses_no_numbers(check)
    all_refused(
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
    check(np.array(0.2036))
    check(0.2032)
    for value in NO_NUMBERS:
        with pytest.raises(AssertionError, match=r"should be a (finite )?number, not"):
            check(value)
    for wrong in (0.2, 0.21, 0.203, 0.205, 0.2043):
        with pytest.raises(AssertionError, match=r"too (large|small), by less than 0\.01$"):
            check(wrong)
    for wrong in (0.18, 0.25, 1 / np.e, -0.204, 0.0, 1.0):  # its distance from 0 would be the answer
        with pytest.raises(AssertionError, match=r"too (large|small), by more than 0\.01$"):
            check(wrong)
