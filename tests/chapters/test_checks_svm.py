"""The checks of the exercises of `svm` refuse what looks right, and take what is right in another form."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from exercises import column, each_refused, exercise
from scipy.stats import chi2, norm
from sklearn.base import clone
from sklearn.svm import SVC


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

    def tried(points):
        for bits in itertools.islice(itertools.product([-1.0, 1.0], repeat=len(points) - 1), 1, 500):
            labels = np.array([-1.0, *bits])
            if not names["separable"](points, labels):
                break
        return labels

    wrong_labels = "a hyperplane has all .* right"
    each_refused(
        check,
        [
            (wrong_labels, through_the_origin),
            (wrong_labels, lambda points: np.where(coefficients(points) > -0.2, 1, -1)),  # another threshold
            (wrong_labels, lambda points: draw.permutation(right(points))),
            (r"for 26 points in 24 dimensions: a hyperplane has all 26 right", tried),  # one labelling after another
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
        bound = lambda machine: np.abs(machine.dual_coef_[0]).max()  # noqa: E731
        free = lambda machine, x, y: machine.support_[np.abs(machine.dual_coef_[0]) < bound(machine) - 1e-9]  # noqa: E731
        return np.sum(without_each(fit, x, y, free)) / len(x)

    def at_the_bound_alone(fit, x, y):
        at_bound = lambda machine, x, y: machine.support_[  # noqa: E731
            np.abs(machine.dual_coef_[0]) > np.abs(machine.dual_coef_[0]).max() - 1e-9
        ]
        return np.sum(without_each(fit, x, y, at_bound)) / len(x)

    def known_errors_spared(fit, x, y):  # who is wrong in training is wrong when left out
        wrong = fit(x, y).predict(x) != y
        spared = lambda machine, x, y: [i for i in machine.support_ if not wrong[i]]  # noqa: E731
        return (np.sum(wrong) + np.sum(without_each(fit, x, y, spared))) / len(x)

    check(lambda fit, x, y: np.float32(right(fit, x, y)))
    check(known_errors_spared)
    kept = lambda fit, x, y: len(fit(x, y).support_)  # noqa: E731

    def cloned(fit, x, y):
        return np.mean(
            [clone(fit(x, y)).fit(np.delete(x, i, 0), np.delete(y, i)).predict(x[[i]]) != y[i] for i in (0, 1)]
        )

    def with_another_machine(fit, x, y):  # its C and its width are guesses
        fit(x, y)
        other = lambda x, y: SVC(C=1.0, gamma=4.0).fit(x, y)  # noqa: E731
        return np.mean(without_each(other, x, y, lambda machine, x, y: range(len(x))))

    each_refused(
        check,
        [
            (r"the error is right, but it took 101 fits; 45 of them can be saved", every_point),
            (r"the error is right, but it took 57 fits; 1 of them", one_too_many),
            (r"the error is right, but `fit` was never called", lambda fit, x, y: 0.08),
            (r"the error 0\.55 is off by \+0\.\d\d", lambda *given: kept(*given) / 100),  # the bound
            ("it does not work with these 3 arguments: Cannot clone object", cloned),  # fits that are not counted
            (r"width 0\.2: the error .* is off by", with_another_machine),
            (r"the error .* is off by", over_the_vectors_only),  # divided by their number, not by n
            (r"the error .* is off by", on_the_margin_alone),
            (r"the error .* is off by", at_the_bound_alone),
            (r"the error .* is off by", lambda fit, x, y: np.mean(fit(x, y).predict(x) != y)),  # in training
            (r"the error .* is off by", lambda *given: 100 * right(*given)),
            (r"the error .* is off by", lambda *given: 1 - right(*given)),
            (r"the error .* is off by", lambda *given: right(*given) * 100 / 99),
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
            (
                "14 in pairs for 0.3: the largest standard deviation is 0.267, but fewer would do, too",
                lambda e, phase: right(e, phase) + 2,
            ),
            (
                "10 in pairs for 0.3: the largest standard deviation is 0.316; too few",
                lambda e, phase: right(e, phase) - 2,
            ),
            ("24 in pairs for 0.3: .* but fewer would do", lambda e, phase: 2 * right(e, phase)),  # not Gaussian
            (
                "in pairs for 0.3: .* too few",
                lambda e, phase: 2 * round(right(e, phase) / 4),
            ),  # the variance of phases at 0
            (
                "4 in pairs for 0.3: .* too few",
                lambda e, phase: 2 * int(np.ceil(1 / e / 2)),
            ),  # the deviation not squared
            ("13 with phases for 0.3: .* but fewer would do", lambda e, phase: right(e, phase) + phase),
            ("the number of features should be a number, not None", lambda e, phase: None),
            (r"should be a number, not \[12\]", lambda e, phase: [right(e, phase)]),
            ("it is an even number, not -12", lambda e, phase: -right(e, phase)),
        ],
    )


def test_svm_drop():
    names = exercise("svm", "check_drop")
    check_both, right = names["check_drop"], names["is_dropped"]
    chance = lambda noise, v: right(np.ones(2), np.ones(2), noise, v)[1]  # noqa: E731
    check = lambda first: check_both(lambda phi, y, noise, v: (first(phi, y, noise), chance(noise, v)))  # noqa: E731
    check_chance = lambda second: check_both(lambda *given: [right(*given)[0], second(*given[2:])])  # noqa: E731
    check(lambda phi, y, noise: bool(np.dot(phi, y) ** 2 / noise <= np.sum(phi**2)))
    check(lambda phi, y, noise: jnp.dot(phi, y) ** 2 / noise <= jnp.sum(phi**2))
    check_chance(lambda noise, v: np.float64(norm.cdf((noise / v) ** 0.5) - norm.cdf(-((noise / v) ** 0.5))))
    check_chance(lambda noise, v: chi2.cdf(noise / v, 1))
    quality = lambda phi, y, noise: (phi @ y) ** 2 / (noise * (phi @ phi))  # noqa: E731
    each_refused(
        check_both,
        [
            (
                "is (kept|dropped)",
                lambda phi, y, noise, v: ((phi @ y) ** 2 <= v * noise * (phi @ phi), chance(noise, v)),
            ),
            ("a pair is wanted, True or False and a probability, not None", lambda *given: None),
            (
                "a pair is wanted, True or False and a probability, not np.True_|not True",
                lambda *given: right(*given)[0],
            ),
            (r"a pair is wanted, .*, not \(", lambda *given: (*right(*given), 1)),
        ],
    )
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
            ("True or False is wanted first, not None", lambda *given: None),
            ("True or False is wanted first, not ", quality),
            (r"True or False is wanted first, not \[", lambda *given: [quality(*given) <= 1]),
        ],
    )
    draws = np.random.default_rng(0).standard_normal(1_000_000)
    each_refused(
        check_chance,
        [
            (r"σ² = 1\.0, v = 1\.0: your probability is off by -0\.0160", lambda noise, v: 2 / 3),
            (r"σ² = 0\.25, v = 1\.0: your probability is off by \+0\.2998", lambda noise, v: chance(1, 1)),
            (r"v = 1\.0: your probability is off by -0\.3654", lambda noise, v: 1 - chance(noise, v)),  # of being kept
            ("v = 1.0: your probability is off by", lambda noise, v: np.mean(draws**2 <= noise / v)),  # drawn
            (r"σ² = 0\.25", lambda noise, v: chance(v, noise)),
            (r"σ² = 0\.25", lambda noise, v: chance(noise**2, v**2)),
            (r"σ² = 0\.25", lambda noise, v: chance(noise**0.5, v**0.5)),
            (r"σ² = 3\.0", lambda noise, v: chance(noise, 1)),  # v is ignored
            (r"σ² = 1\.0", lambda noise, v: chance(noise, v) / 2),  # one side
            ("the probability should be a number, not None", lambda noise, v: None),
            (r"the probability should be a number, not \[", lambda noise, v: [chance(noise, v)]),
        ],
    )
