"""The checks of the exercises of `nngp` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import all_refused, each_refused, exercise


@pytest.mark.parametrize(("check", "arguments"), [("check_signs", 2), ("check_catch", 1)])
def test_nngp_wants_a_function(check, arguments):
    names = exercise("nngp", check)
    each_refused(
        names[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            (rf"it does not work with these {arguments} arguments", lambda: 1),
        ],
    )


def test_nngp_signs():
    names = exercise("nngp", "check_signs")
    check, right = names["check_signs"], names["kurtosis_of"]
    check(lambda mu4, m: np.float64(6 * mu4 / m - 3 / m))
    each_refused(
        check,
        [
            (r"for μ₄ = 3 and 2 units integration gives 7\.5000, not", lambda mu4, m: 15 / 16),
            (r"for μ₄ = 1 and 4 units integration gives 0\.7500, not 3\.7500, which is \+3", lambda mu4, m: 15 / m),
            (r"gives 0\.9375, not 1\.1250, which is \+0\.1875", lambda mu4, m: 6 * mu4 / m),  # the 3 is forgotten
            (r"gives 0\.9375, not 0\.0000", lambda mu4, m: (mu4 - 3) / m),  # the units are forgotten
            ("integration gives", lambda mu4, m: (1.5 * mu4 - 3) / m),  # not divided by the squared variance
            ("integration gives", lambda mu4, m: (6 * mu4 - 3) / m**0.5),
            ("integration gives", lambda mu4, m: (6 * mu4 - 3) / (m + 1)),
            ("integration gives", lambda mu4, m: 6 * mu4 - 3),
            ("integration gives", lambda mu4, m: 6 * mu4 / m),
            ("integration gives", lambda mu4, m: -right(mu4, m)),
            ("integration gives", lambda mu4, m: right(m, mu4)),
            ("should be a number, not None", lambda mu4, m: None),
            (r"should be a number, not \[", lambda mu4, m: [right(mu4, m)]),
        ],
    )


def test_nngp_catch():
    names = exercise("nngp", "check_catch")
    check, right = names["check_catch"], names["is_network"]
    step = np.radians(0.5)

    def bends(values, at=step):
        return np.abs(values[2:] - 2 * np.cos(at) * values[1:-1] + values[:-2])

    check(lambda values: bool(np.median(bends(values)) < 1e-7 * np.std(values)))
    each_refused(
        check,
        [
            (r"a draw from the process, times 1 was taken for the other; 0 % of its 718 bends", lambda values: True),
            ("a network of 2 units, times 1 was taken for the other; 99 % of its 718 bends", lambda values: False),
            ("was taken for the other", lambda values: not right(values)),
            ("of 2 units, times 1 was", lambda values: bool(np.mean(bends(values, 0)) < 1e-9 * np.ptp(values))),
            ("was taken for the other", lambda values: bool(np.max(bends(values)) < 1e-9 * np.ptp(values))),
            ("was taken for the other", lambda values: bool(np.mean(bends(values) < 1e-5) > 0.25)),  # not relative
            ("was taken for the other", lambda values: bool(np.any(values == 0))),  # dead somewhere
            ("True or False is wanted, not None", lambda values: None),
            (r"True or False is wanted, not \[", lambda values: [right(values)]),
            ("True or False is wanted, not ", lambda values: float(np.mean(bends(values)))),
        ],
    )


def test_nngp_which():
    check, right = exercise("nngp", "check_which")["check_which"], [True, True, True, False, False, True]
    check(tuple(right))
    check(np.array(right))
    for count in (5, 7):
        all_refused(check, [[True] * count], f"six booleans are wanted, not {count}")
    flipped = [[*right[:k], not right[k], *right[k + 1 :]] for k in range(6)]
    each_refused(check, [(f"look again at function {k + 1}", wrong) for k, wrong in enumerate(flipped)])
    each_refused(
        check,
        [
            (r"function 4: its coefficient of degree 2 is -1\.000", [True] * 6),
            (r"function 5: its coefficient of degree 3 is -0\.167", flipped[4]),
            ("function 1: none of its coefficients is negative", [False] * 6),
            ("function 1", right[::-1][::-1][3:] + right[:3]),
            ("a list of six booleans is wanted, not None", None),
            ("a list of six booleans is wanted, not 'TTTFFT'", "TTTFFT"),
            ("the one for function 1 is 'yes'", ["yes"] * 6),
            ("the one for function 1 is 1", [1, 1, 1, 0, 0, 1]),
        ],
    )
