"""The checks of the exercises of `rbm` refuse what looks right, and take what is right in another form."""

import itertools
import math

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers

OFF = r"which is [+-]"
NEEDS = ("patterns",)


@pytest.mark.parametrize("check", ["check_free", "check_lift", "check_steps", "check_logit", "check_second"])
def test_rbm_wants_a_function(check):
    each_refused(
        exercise("rbm", check, *NEEDS)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_rbm_free():
    names = exercise("rbm", "check_free", *NEEDS)
    check, right = names["check_free"], names["log_unnormalised"]

    def enumerated(v, W, b, c):
        terms = [b @ v + c @ h + v @ W @ h for h in map(np.array, itertools.product([0, 1], repeat=len(c)))]
        return float(np.logaddexp.reduce(terms))

    check(enumerated)
    soft = lambda z: np.logaddexp(0, z)  # noqa: E731
    with np.errstate(over="ignore"):
        each_refused(
            check,
            [
                (OFF, lambda *given: -right(*given)),  # the free energy
                (OFF, lambda v, W, b, c: soft(c + v @ W).sum()),  # without the visible biases
                (OFF, lambda v, W, b, c: b @ v + soft(v @ W).sum()),
                (OFF, lambda v, W, b, c: b @ v + soft(c).sum() + soft(v @ W).sum()),
                (OFF, lambda v, W, b, c: b @ v + np.maximum(0, c + v @ W).sum()),  # ReLU
                (OFF, lambda v, W, b, c: b @ v + soft((c + v @ W).sum())),
                (OFF, lambda v, W, b, c: right(v, W, b, c) - math.log(2)),
                ("finite number", lambda v, W, b, c: b @ v + np.log(1 + np.exp(c + v @ W)).sum()),  # overflows
                ("the logarithm should be a number", lambda v, W, b, c: b @ v + soft(c + v @ W)),
                *no_numbers(right),
            ],
        )


def test_rbm_lift():
    names = exercise("rbm", "check_lift", *NEEDS)
    check, right = names["check_lift"], names["lift"]
    check(lambda *given: ([float(w) for w in right(*given)[0]], float(right(*given)[1])))

    def other(excess=1.0, signs=lambda p: 2 * p - 1, count=lambda p: p.sum(), scale=1.0):
        """The unit with parts of it changed."""
        return lambda p, factor, sharp: (
            scale * sharp * signs(p),
            np.log(max(factor - excess, 1e-3)) - scale * sharp * count(p),
        )

    check(other())
    each_refused(
        check,
        [
            ("is multiplied by", other(excess=0.0)),  # the factor itself
            ("is multiplied by", other(excess=2.0)),
            ("is multiplied by", other(signs=lambda p: p)),  # zeros are not punished
            ("is multiplied by", other(signs=lambda p: 1 - 2 * p)),
            ("is multiplied by", other(count=len)),
            ("is multiplied by", other(count=lambda p: 0)),
            ("is multiplied by", other(scale=2.0)),
            ("is multiplied by", lambda p, factor, sharp: (right(p, factor, sharp)[0], np.log(factor))),
            ("a tuple of weights and bias", lambda *given: None),
            ("a tuple of weights and bias", lambda *given: list(right(*given))),
            ("a tuple of weights and bias", lambda *given: right(*given)[0]),
            ("the weights should have shape", lambda *given: (1.0, right(*given)[1])),
            ("the weights should be made of numbers", lambda *given: ("w", 1.0)),
            ("the bias should be a number", lambda *given: (right(*given)[0], None)),
            ("the bias should be a finite number", lambda *given: (right(*given)[0], math.nan)),
        ],
    )


def test_rbm_steps():
    names = exercise("rbm", "check_steps", *NEEDS)
    check, right = names["check_steps"], names["steps_needed"]
    check(lambda *given: np.float64(right(*given)))

    def rounded(how, base=lambda second: second, shift=0.0):
        def steps(second, chi, accuracy):
            if chi <= accuracy:
                return 0
            return 1 if second == 0 else int(how(math.log(accuracy / chi) / math.log(base(second)) + shift))

        return steps

    says = "the smallest number of steps is"
    each_refused(
        check,
        [
            (says, rounded(math.floor)),
            (says, rounded(round)),
            (says, rounded(math.ceil, shift=1.0)),
            (says, rounded(math.ceil, base=math.sqrt)),  # a half step for a step
            (says, rounded(math.ceil, base=lambda second: second**2)),
            (says, lambda second, chi, accuracy: max(1, right(second, chi, accuracy))),
            (says, lambda second, chi, accuracy: right(second, chi**2, accuracy)),
            (says, lambda second, chi, accuracy: right(second, 1.0, accuracy)),
            (says, lambda second, chi, accuracy: math.ceil(1 / (1 - second))),
            (says, lambda *given: -1),
            *no_numbers(right),
        ],
    )


def test_rbm_logit():
    names = exercise("rbm", "check_logit", *NEEDS)
    check, right = names["check_logit"], names["label_logit"]
    soft = lambda z: np.logaddexp(0, z)  # noqa: E731

    def other(bias=lambda b: b[-1], on=1.0, off=0.0, how=soft, inside=True):
        """The formula with parts of it changed."""

        def logit(v, W, b, c):
            z = v @ W[:-1] + (c if inside else 0)
            return bias(b) + np.sum(how(z + on * W[-1]) - how(z + off * W[-1]))

        return logit

    check(other())
    check(lambda *given: np.float64(right(*given)))
    with np.errstate(over="ignore", invalid="ignore"):
        each_refused(
            check,
            [
                (OFF, other(bias=lambda b: 0.0)),
                (OFF, other(bias=lambda b: b[0])),
                (OFF, other(bias=lambda b: b.sum())),
                (OFF, other(on=0.0, off=1.0)),
                (OFF, other(off=-1.0)),
                (OFF, other(how=lambda z: np.maximum(z, 0))),
                (OFF, other(inside=False)),
                (OFF, lambda v, W, b, c: b[-1] + soft(c + v @ W[:-1] + W[-1]).sum()),
                (OFF, lambda v, W, b, c: b[-1] + W[-1].sum()),
                (OFF, lambda *given: 1 / (1 + np.exp(-right(*given)))),  # the probability
                ("finite number", other(how=lambda z: np.log(1 + np.exp(z)))),  # overflows
                *no_numbers(right),
            ],
        )


def test_rbm_second():
    names = exercise("rbm", "check_second", *NEEDS)
    check, right, patterns = names["check_second"], names["second_eigenvalue"], names["patterns"]

    def spectrum(W, b, c, small=False):
        v, h = patterns(len(b)), patterns(len(c))
        weight = np.exp((v @ b)[:, None] + h @ c + v @ W @ h.T)
        up, down = weight / weight.sum(1, keepdims=True), (weight / weight.sum(0)).T
        return np.sort(np.linalg.eigvals(down @ up if small else up @ down).real)

    check(lambda *given: spectrum(*given)[-2])  # from the large side
    each_refused(
        check,
        [
            (OFF, lambda *given: spectrum(*given)[-1]),
            (OFF, lambda *given: spectrum(*given)[-3] if len(spectrum(*given)) > 2 else 0.0),
            (OFF, lambda *given: spectrum(*given)[0]),
            (OFF, lambda *given: right(*given) ** 2),
            (OFF, lambda *given: right(*given) ** 0.5),
            (OFF, lambda *given: 1 - right(*given)),
            (OFF, lambda W, b, c: right(W, 0 * b, c)),
            (OFF, lambda W, b, c: right(W, b, 0 * c)),
            (OFF, lambda W, b, c: right(-W, b, c)),
            (OFF, lambda *given: 0.0),
            *no_numbers(right),
        ],
    )
