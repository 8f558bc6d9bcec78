"""The checks of the exercises of `propagation` refuse what looks right, and take what is right in another form."""

import math

import numpy as np
from exercises import each_refused, exercise


def test_propagation_edge():
    names = exercise("propagation", "check_edge")
    check, right = names["check_edge"], names["critical_w_std"]
    check(lambda b_std: np.float64(right(b_std)))
    check(lambda b_std: np.array(right(b_std)))
    each_refused(
        check,
        {
            "hand over the function itself, without calling it, not float": 1.0,
            "σ_w for b_std 0.1 should be a number, not None": lambda b_std: None,
            "σ_w for b_std 0.1 should be a number, not '1'": lambda b_std: "1",
            r"σ_w for b_std 0.1 should be a number, not \[": lambda b_std: [right(b_std)],
            "σ_w for b_std 0.1 should be a number, not True": lambda b_std: True,
            "it does not work with these 1 arguments": lambda: 1.0,
            "σ_w must be positive, not -1": lambda b_std: -right(b_std),
            "σ_w for b_std 0.1 should be a finite number, not nan": lambda b_std: math.nan,
            "for b_std 0.1 your σ_w = 0.8862": lambda b_std: math.sqrt(math.pi) / 2,  # that of no biases
            "for b_std 0.4 your σ_w = 1.0556": lambda b_std: right(0.1),
            "and χ = .*, not 1; yours is the variance": lambda b_std: right(b_std) ** 2,
            "and χ = 1.00": lambda b_std: right(b_std) * 1.001,
            "for b_std 0.1 your σ_w = 1.02.* not 1$": lambda b_std: math.sqrt(right(b_std)),
            "for b_std 1.0 your": lambda b_std: right(min(b_std, 0.9)),
            "for b_std 0.1 your σ_w = .* and χ": lambda b_std: right(b_std**2),
        },
    )


def test_propagation_leaky():
    names = exercise("propagation", "check_leaky")
    check, right = names["check_leaky"], names["leaky_variance"]
    check(lambda a: np.float64(2) / (1 + a * a))
    each_refused(
        check,
        {
            "hand over the function itself, without calling it, not float": 2.0,
            "the variance for a = 0.0 should be a number, not None": lambda a: None,
            r"the variance for a = 0.0 should be a number, not \[2.0\]": lambda a: [right(a)],
            "the variance for a = 0.0 should be a number, not 'two'": lambda a: "two",
            "it does not work with these 1 arguments": lambda a, b: 2.0,
            "for a = 0.2 one layer multiplies the mean square of the gradient by 1.040": lambda a: 2.0,
            "for a = 0.2 .* by 0.867": lambda a: 2 / (1 + a),
            "for a = 0.0 .* by 0.707, not 1; yours is the standard deviation": lambda a: math.sqrt(right(a)),
            "for a = 0.0 .* by 0.500": lambda a: right(a) / 2,
            "for a = 0.2 .* by 1.020": lambda a: 2 / (1 + a**2 / 2 + 0.0 * a) if a else 2.0,
            "for a = 0.2 .* by 1.083": lambda a: 2 - a**2 + 0.2 * a * a * a if a > 0.3 or a <= 0 else 2.0833,
        },
    )


def test_propagation_deepest():
    names = exercise("propagation", "check_deepest")
    check, right = names["check_deepest"], names["deepest"]
    check(lambda s: float(right(s)))
    check(lambda s: np.int64(right(s)))

    def log(s):
        return math.log(1000) / abs(math.log(s / 2))

    each_refused(
        check,
        {
            "hand over the function itself, without calling it, not int": 9,
            "the layers for s = 0.5 should be a number, not None": lambda s: None,
            r"the layers for s = 0.5 should be a number, not \[4\]": lambda s: [right(s)],
            "it does not work with these 1 arguments": lambda: 4,
            "for s = 0.5 your 5 layers are too many: the factor is then 0.000977": lambda s: right(s) + 1,
            "for s = 0.5 your 3 layers are too few: with one more the factor is 0.00391": lambda s: right(s) - 1,
            "for s = 0.5 a whole number of layers is wanted, not 4.98289": log,
            "the layers for s = 0.5 should be a finite number, not nan": lambda s: math.nan,
            "for s = 0.5 a whole number of layers is wanted, not -4": lambda s: -right(s),
            "for s = 0.5 your 5 layers are too many": lambda s: math.ceil(log(s)),
            "for s = 0.5 your 9 layers are too many": lambda s: int(2 * log(s)),  # the norm, not its square
            "for s = 0.5 your 2 layers are too few": lambda s: int(3 / abs(math.log(s / 2))),  # log10 for one
            "for s = 2.01 your 1e.09 layers are too many: .* inf": lambda s: right(s) if s < 2 else 10**9,
            "for s = 1.9 your 138 layers are too many": (
                lambda s: int(math.log(1000) / abs(1 - s / 2)) if s > 1.6 else right(s)
            ),
        },
    )


def test_propagation_residual():
    names = exercise("propagation", "check_residual", "relu_map")
    check, right, relu = names["check_residual"], names["deep_limit"], names["relu_map"]
    check(lambda c: np.float64(right(c)))

    def layers(c, count, step=lambda rho, b: (rho + b * relu(rho)) / (1 + b)):
        rho = 0.0
        for _ in range(count):
            rho = step(rho, c / count)
        return float(rho)

    check(lambda c: 2 * layers(c, 2000) - layers(c, 1000))
    each_refused(
        check,
        {
            "hand over the function itself, without calling it, not float": 0.25,
            "the correlation for c = 0.5 should be a number, not None": lambda c: None,
            "the correlation for c = 0.5 should be a number, not array": lambda c: np.array([right(c)]),
            "the correlation for c = 0.5 should be a number, not '0.1'": lambda c: "0.1",
            "it does not work with these 1 arguments": lambda: 0.25,
            "c = 0.5: your 0.1.* is .0.000. away from the limit": lambda c: layers(c, 50),  # not yet the limit
            r"c = 0.5: your 0.2508|c = 0.5: your .* is \+0.": lambda c: right(2 * c),
            "c = 0.5: your 0.0.* is -0.0": lambda c: right(c / 2),
            "c = 0.5: your .* away": lambda c: layers(c, 4000, lambda rho, b: rho + b * relu(rho)),
            "c = 1.0: your .* is -0.1": lambda c: right(0.5),
            "c = 0.5: your 0.1592 is": lambda c: c / math.pi,  # the first step, all the way
        },
    )
