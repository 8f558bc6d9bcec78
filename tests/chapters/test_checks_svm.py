"""The checks of the exercises of `svm` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import column, each_refused, exercise


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
    check, right = names["check_loo"], names["loo_error"]

    def without_each(fit, x, y, chosen):
        """Whether each of the points that are chosen, after a fit to all, is wrong when it is left out."""
        points = chosen(fit(x, y), x, y)
        return [fit(np.delete(x, i, 0), np.delete(y, i)).predict(x[[i]])[0] != y[i] for i in points]

    def over_the_vectors_only(fit, x, y):
        return np.mean(without_each(fit, x, y, lambda machine, x, y: machine.support_))

    def every_point(fit, x, y):
        return np.mean(without_each(fit, x, y, lambda machine, x, y: range(len(x))))

    def one_too_many(fit, x, y):
        fit(x, y)
        return right(fit, x, y)

    def on_the_margin_alone(fit, x, y):
        free = lambda machine, x, y: machine.support_[np.abs(machine.dual_coef_[0]) < 1 - 1e-9]  # noqa: E731
        return np.sum(without_each(fit, x, y, free)) / len(x)

    def known_errors_spared(fit, x, y):  # who is wrong in training is wrong when left out
        wrong = fit(x, y).predict(x) != y
        spared = lambda machine, x, y: [i for i in machine.support_ if not wrong[i]]  # noqa: E731
        return (np.sum(wrong) + np.sum(without_each(fit, x, y, spared))) / len(x)

    check(lambda fit, x, y: np.float32(right(fit, x, y)))
    check(known_errors_spared)
    kept = lambda fit, x, y: len(fit(x, y).support_)  # noqa: E731
    each_refused(
        check,
        [
            (r"the error is right, but it took 101 fits; 45 of them can be saved", every_point),
            (r"the error is right, but it took 57 fits; 1 of them", one_too_many),
            (r"the error is right, but `fit` was never called", lambda fit, x, y: 0.08),
            (r"the error is 0\.\d\d, not 0\.55, which is \+0\.\d\d", lambda *given: kept(*given) / 100),  # the bound
            (r"the error is", over_the_vectors_only),  # divided by their number, not by n
            (r"the error is", on_the_margin_alone),
            (r"the error is", lambda fit, x, y: 1 - fit(x, y).score(x, y)),  # in training
            (r"the error is", lambda *given: 100 * right(*given)),
            (r"the error is", lambda *given: 1 - right(*given)),
            (r"the error is", lambda *given: right(*given) * 100 / 99),
            ("the error should be a number, not None", lambda *given: None),
            (r"should be a number, not \[", lambda *given: [right(*given)]),
            ("should be a number, not '0.1'", lambda *given: "0.1"),
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
