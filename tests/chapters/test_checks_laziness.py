"""What the checks of the chapter on lazy training say to wrong answers."""

import jax.numpy as jnp
import numpy as np

from tests.chapters.exercises import all_refused, each_refused, exercise


def test_finite_scale():
    names = exercise("laziness", "check_scale")
    check, right = names["check_scale"], names["matching_alpha"]
    check(lambda width, alpha: np.float32(alpha) * 512 / width)
    check(lambda width, alpha: jnp.float64(right(width, alpha)))
    powers = lambda p: lambda width, alpha: alpha * (512 / width) ** p  # noqa: E731
    each_refused(
        check,
        [
            (r"at the width 512 with α = 16 yours is 32, where", lambda width, alpha: 2 * right(width, alpha)),
            (r"at the width 512 with α = 16 yours is 0\.0625, where", lambda width, alpha: 1 / right(width, alpha)),
            (r"at the width 512 with α = 16 yours is 17, where", lambda width, alpha: right(width, alpha) + 1),
            (r"at the width 512 with α = 100 yours is 16, where", lambda width, alpha: 16 * 512 / width),  # of 16 only
            (r"at the width 256 the kernel changes 1\.\d\d times as much", lambda width, alpha: alpha),  # of no width
            (r"at the width 256 the kernel changes 1\.[23]\d times", powers(0.5)),
            (r"at the width 256 the kernel changes 0\.\d\d times as much", powers(2)),
            (r"at the width 256 the kernel changes \d+\.\d\d times as much", powers(-1)),
            (r"changes 0\.\d\d times as much|becomes 0\.\d\d times as large", powers(0.8)),
            (r"changes 1\.\d\d times as much|becomes 1\.\d\d times as large", powers(1.2)),
            (r"becomes 0\.\d\d times as large: the power of m is not quite right", powers(0.9)),
            (r"becomes 1\.\d\d times as large: the power of m is not quite right", powers(1.1)),
            (r"a scale is positive, not -32", lambda w, alpha: alpha if w == 512 else -right(w, alpha)),
            ("the scale at width 512 should be a number, not None", lambda width, alpha: None),
            (r"should be a number, not \[16\.0\]", lambda width, alpha: [right(width, alpha)]),
            ("should be a number, not '16'", lambda width, alpha: "16"),
            ("should be a finite number, not nan", lambda width, alpha: float("nan")),
        ],
    )
    each_refused(
        check,
        [
            ("hand over the function itself", 16),
            (r"it does not work with these \d arguments", lambda: 16),
        ],
    )


def test_lazy_one():
    names = exercise("laziness", "check_one")
    check, right = names["check_one"], names["kernel_change"]
    check(lambda p, y, alpha: np.float64(((1 + y / alpha) ** (1 / p)) ** (2 * p - 2) - 1))
    check(lambda p, y, alpha: np.expm1((2 - 2 / p) * np.log1p(y / alpha)))
    rough = lambda p, y, alpha: 2 * (p - 1) * y / (p * alpha)  # noqa: E731
    each_refused(
        check,
        [
            (r"p = 3, y = 1, α = 0\.5: yours is off by -0\.6601: where does θ end", rough),
            (r"p = 1, y = 1, α = 1: yours is off by \+1\.0000", lambda p, y, alpha: right(p, y, alpha) + 1),
            (r"p = 1.* off by \+1\.0000", lambda p, y, alpha: y / alpha),
            (r"p = 2.* off by \+0\.7500", lambda p, y, alpha: (1 + y / alpha) ** (2 * p - 2) - 1),
            (r"p = 2.* off by -0\.2753", lambda p, y, alpha: (1 + y / alpha) ** (1 - 1 / p) - 1),
            (r"p = 2", lambda p, y, alpha: (1 + y * alpha) ** (2 - 2 / p) - 1),
            (r"p = 2", lambda p, y, alpha: 1 - (1 + y / alpha) ** (2 / p - 2)),  # over the end, not the start
            (r"p = 2", lambda p, y, alpha: 100 * right(p, y, alpha)),
            (r"p = 2", lambda p, y, alpha: 0.0),
            ("the change should be a number, not None", lambda p, y, alpha: None),
            (r"should be a number, not \[", lambda p, y, alpha: [right(p, y, alpha)]),
            (r"it does not work with these \d arguments", lambda p, y: 0.0),
        ],
    )


def test_lazy_double():
    names = exercise("laziness", "check_double")
    check, right = names["check_double"], names["silenced"]

    def with_twins(sign_hidden, sign_readout, factor=1.0, readout_factor=1.0):
        def answer(params):
            hidden, readout = params
            both = jnp.concatenate([hidden.weight, sign_hidden * hidden.weight], axis=1)
            out = readout_factor * jnp.concatenate([readout.weight, sign_readout * readout.weight])
            return hidden._replace(weight=factor * both), readout._replace(weight=out)

        return answer

    def other_order(params):
        hidden, readout = right(params)
        order = np.random.default_rng(0).permutation(hidden.weight.shape[1])
        return hidden._replace(weight=hidden.weight[:, order]), readout._replace(weight=readout.weight[order])

    check(other_order)
    check(lambda params: list(right(params)))
    check(with_twins(-1, 1))  # erf is odd
    each_refused(
        check,
        [
            (r"the output should be zero everywhere; on the digits it goes up to", with_twins(-1, -1)),
            (r"the output should be zero everywhere", with_twins(1, 1)),
            (r"its trace is \d\.\d+ times that before", with_twins(1, -1, readout_factor=2**0.5)),
            (r"the output is zero, but the kernel differs", with_twins(1, -1, factor=2**0.5)),
            (r"the output is zero, but the kernel differs", with_twins(1, 0, readout_factor=0.0)),
        ],
    )
    all_refused(
        check,
        [
            lambda params: params,  # as narrow as before
            lambda params: None,
            lambda params: [],
            lambda params: 0.0,
            lambda params: right(right(params)),
            lambda params: right(params)[0],
        ],
        "the parameters should have the shapes",
    )
    each_refused(
        check, [("hand over the function itself", 0), (r"it does not work with these \d arguments", lambda: 0)]
    )
