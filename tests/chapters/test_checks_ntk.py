"""The checks of the exercises of `ntk` refuse what looks right, and take what is right in another form."""

import numpy as np
from exercises import exercise, refused

from ntklib.estimators import NTK


def test_ntk_bias():
    names = exercise("ntk", "check_bias")
    check, right = names["check_bias"], names["ntk_with_bias"]
    check(lambda *arguments: np.asarray(right(*arguments)).tolist())
    off = "for depth {}, w_std {} and b_std {} the largest relative difference is"
    for says, wrong in {
        "hand over the function itself, without calling it, not ndarray": np.eye(20),
        "it does not work with these 4 arguments": lambda x: right(x, 1, 1.3, 0.5),
        r"the kernel should be made of numbers, not NoneType|should have shape \(20, 20\)": lambda *arguments: None,
        r"should have shape \(20, 20\), not \(20,\)": lambda *arguments: np.diag(right(*arguments)),
        "should be made of numbers|should have shape": lambda *arguments: [],
        "should be made of numbers, not str": lambda *arguments: "K",
        "should be finite everywhere": lambda *arguments: np.nan * right(*arguments),
        off.format(0, 1.3, 0.5): lambda x, depth, w, b: right(x, depth, w, 0.0),
        off.format(3, 1.3, 0.7): lambda x, depth, w, b: right(x, depth, w, b) + depth * b**2,  # a term of its own
        off.format(1, 1.3, 0.0): lambda x, depth, w, b: right(x, depth + (depth > 0), w, b),
    }.items():
        refused(check, wrong, says)
    refused(check, lambda x, depth, w, b: right(x[::-1], depth, w, b), off.format(0, 1.3, 0.5))
    refused(check, lambda x, depth, w, b: right(x, depth, 2**0.5, b), off.format(0, 1.3, 0.5))
    refused(check, lambda x, depth, w, b: right(x, depth, 1.3, b), off.format(2, 0.9, 0.4))
    refused(check, lambda x, depth, w, b: right(x, min(depth, 1) * 3, w, b), off.format(1, 1.3, 0.0))
    MLP = names["MLP"]  # what the exercise is about would then be the library's
    not_the_library = "write the recursion: the kernel of `MLP` is what yours is compared with"
    refused(check, lambda x, depth, w, b: MLP(depth, w_std=w, b_std=b).ntk(x), not_the_library)
    refused(check, lambda x, depth, w, b: MLP(depth, w_std=w, b_std=b).nngp(x) * (depth + 1), not_the_library)
    by_hand = names["NetworkKernel"]
    refused(check, lambda x, depth, w, b: by_hand("ntk", depth, w_std=w, b_std=b)(x), not_the_library)
    refused(check, lambda x, depth, w, b: NTK(depth=depth, w_std=w, b_std=b)(x), not_the_library)
    assert MLP(1).ntk(np.ones((2, 3))).shape == (2, 2)  # and is whole again
    refused(check, lambda x, depth, w, b: right(x, depth, w, 0.0), "; yours is the kernel without biases;")
    off_by_all = "difference is 1.0e[+]00; your diagonal is right;"
    refused(check, lambda *arguments: np.diag(np.diag(right(*arguments))), off_by_all)


def test_ntk_rank():
    names = exercise("ntk", "check_rank")
    check = names["check_rank"]
    check(lambda n: float(n // 2 - 2) if n % 2 == 0 and n > 3 else 0.0)
    for says, wrong in {
        "hand over the function itself, without calling it, not int": 6,
        "it does not work with these 1 arguments": lambda: 6,
        "the number for 1 points should be a number, not None": lambda n: None,
        r"the number for 1 points should be a number, not \[0\]": lambda n: [names["null_directions"](n)],
        "the number for 1 points should be a number, not False": lambda n: bool(names["null_directions"](n)),
        "on 1 points yours is off by -2": lambda n: n // 2 - 2,
        "on 2 points yours is off by -1": lambda n: 0 if n % 2 else n // 2 - 2,
        r"on 4 points yours is off by \+1": lambda n: 0 if n % 2 or n < 3 else n // 2 - 1,
        r"on 6 points yours is off by \+2": lambda n: 0 if n % 2 or n < 5 else n // 2,
        r"on 3 points yours is off by \+1": lambda n: max((n + 1) // 2 - 1, 0) if n % 2 else 0,
        "on 8 points yours is off by -2": lambda n: {6: 1}.get(n, 0),
        "on 1,000,001 points, an odd number": lambda n: names["null_directions"](n) + n // 10**6,
        r"on 1,000,000 points yours is off by -499,998": lambda n: names["null_directions"](n) if n < 1000 else 0,
        r"on 1,000,000 points yours is off by \+500,002": lambda n: (
            names["null_directions"](n) if n < 1000 or n % 2 else n
        ),
        r"on 1,000,000 points yours is off by \+2": lambda n: (
            names["null_directions"](n) if n < 1000 or n % 2 else n // 2
        ),
        "should be a number, not 'six'": lambda n: "six",
    }.items():
        refused(check, wrong, says)


def test_ntk_one_step():
    names = exercise("ntk", "check_one_step")
    check, right = names["check_one_step"], names["one_step_rate"]
    check(lambda x: np.float32(len(x) / 4 / np.sum(np.asarray(x) ** 2)))
    left = "the step leaves {} of the residual at infinite width"
    for says, wrong in {
        "hand over the function itself, without calling it, not float": 0.25,
        "it does not work with these 1 arguments": lambda: 0.25,
        "the rate should be a number, not None": lambda x: None,
        "the rate should be a number, not Array": lambda x: 1 / x,
        "the rate should be a number, not array": lambda x: np.array([right(x)]),
        left.format(r"-1\.000"): lambda x: 2 * right(x),  # that of the covariance
        left.format(r"0\.750"): lambda x: 0.25 if x @ x > 20 else right(2 * x),
        r"for .* = 26 and 3 numbers the step leaves -20": lambda x: 16 / (x @ x),  # the digits' length alone
        left.format(r"0\.016"): lambda x: (len(x) - 1) / (4 * x @ x),
        left.format(r"0\.500"): lambda x: right(x) / 2,
        left.format(r"-3\.000"): lambda x: 1 / (4 * x @ x / len(x)) * 4,
    }.items():
        refused(check, wrong, says)


def test_ntk_deep():
    names = exercise("ntk", "check_deep", "share")
    check, right = names["check_deep"], names["deep_answer"]
    check(lambda y: np.float32(right(y)))
    check(lambda y: np.mean(y) * len(y) / (len(y) + 3))
    times = "for n = {} yours is {} times what thousands of layers tend to"
    for says, wrong in {
        "hand over the function itself, without calling it, not float": 0.25,
        "it does not work with these 1 arguments": lambda: 0.25,
        "the answer should be a number, not None": lambda y: None,
        r"the answer should be a number, not \[": lambda y: [right(y)],
        "the answer should be a number, not True": lambda y: True,
        "the answer should be a finite number, not nan": lambda y: np.nan,
        times.format(1, "0"): lambda y: 0.0,
        times.format(1, r"0\.\d+"): lambda y: 0.25,  # the limit of the ratio
        times.format(1, r"3\.99\d*"): lambda y: np.mean(y),  # as if all inputs were one
        times.format(1, r"1\.33\d*"): lambda y: np.sum(y) / (len(y) + 2),
        times.format(1, r"2\.99\d*"): lambda y: 0.75 * np.mean(y),
        times.format(1, r"1\.01\d*"): lambda y: 0.2535 * np.sum(y),
        times.format(1, r"1\.00\d*"): lambda y: 0.2511 * np.sum(y) if len(y) == 1 else right(y),  # at 4,000 layers
        times.format(1, r"0\.99\d*"): lambda y: np.sum(y) / (len(y) + 3.01),
        times.format(2, r"1\.2\d*"): lambda y: np.sum(y) / 4,  # the diagonal alone
        times.format(2, r"0\.62\d+"): lambda y: np.mean(y) / 4,
        times.format(2, r"[\d.]+"): lambda y: (len(y) / (len(y) + 3)) * y[0],
    }.items():
        refused(check, wrong, says)


def test_ntk_standard():
    names = exercise("ntk", "check_standard", "random_kernels", "kernel_and_step")
    check, right, MLP = names["check_standard"], names["standard_limit"], names["MLP"]
    theta, nngp = (
        (lambda depth: lambda x: np.asarray(MLP(depth=depth).ntk(x))),
        (lambda depth: lambda x: np.asarray(MLP(depth=depth).nngp(x))),
    )
    check(lambda x: np.asarray(right(x)).tolist())
    wrong_by = "an entry of your limit is wrong by {}"
    for says, wrong in {
        "hand over the function itself, without calling it, not NoneType": None,
        "it does not work with these 1 arguments": lambda: None,
        "the limit should (be made of numbers|have shape)": lambda x: None,
        r"the limit should have shape \(6, 6\), not \(6,\)": lambda x: np.diag(right(x)),
        wrong_by.format(r"100\.0%"): lambda x: 2 * right(x),
        wrong_by.format(r"50\.0%"): lambda x: theta(2)(x) / 2,  # with the first layer
        wrong_by.format("50"): lambda x: nngp(2)(x) / 2,  # the readout alone
        wrong_by.format(""): lambda x: (nngp(2)(x) + (theta(1)(x) - nngp(1)(x)) / nngp(0)(x) * nngp(1)(x)) / 2,
    }.items():
        refused(check, wrong, says)
    refused(check, lambda x: right(x[::-1]), wrong_by.format(""))
    refused(check, lambda x: right(names["x"][:6]), wrong_by.format(""))  # of the images alone
