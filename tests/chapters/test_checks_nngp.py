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
            (r"for μ₄ = 3 and 2 units yours differs .* by -6\.5625", lambda mu4, m: 15 / 16),
            (r"for μ₄ = 1 and 4 units yours differs .* by \+3\.0000", lambda mu4, m: 15 / m),
            (r"integration gives by \+0\.1875", lambda mu4, m: 6 * mu4 / m),  # the 3 is forgotten
            (r"integration gives by -0\.9375", lambda mu4, m: (mu4 - 3) / m),  # the units are forgotten
            ("integration gives by", lambda mu4, m: (1.5 * mu4 - 3) / m),  # not divided by the squared variance
            ("integration gives by", lambda mu4, m: (6 * mu4 - 3) / m**0.5),
            ("integration gives by", lambda mu4, m: (6 * mu4 - 3) / (m + 1)),
            ("integration gives by", lambda mu4, m: 6 * mu4 - 3),
            ("integration gives by", lambda mu4, m: -right(mu4, m)),
            ("integration gives by", lambda mu4, m: right(m, mu4)),
            ("should be a finite number, not nan", lambda mu4, m: float("nan")),  # which no comparison refuses
            ("should be a number, not True", lambda mu4, m: True),
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
    check, root = exercise("nngp", "check_which")["check_which"], 2**0.5
    right = [(True, 0), (True, root), (True, 0.5), (False, 2), (False, 3), (True, 1)]
    check(tuple(right))
    check([[np.bool_(kind), np.float64(value)] for kind, value in right])
    for count in (5, 7):
        all_refused(check, [[(True, 0)] * count], f"six pairs are wanted, not {count}")
    changed = lambda place, pair: [*right[:place], pair, *right[place + 1 :]]  # noqa: E731
    flipped = [changed(k, (not right[k][0], right[k][1])) for k in range(6)]
    each_refused(check, [(f"look again at function {k + 1}", wrong) for k, wrong in enumerate(flipped)])
    each_refused(
        check,
        [
            (r"function 1: the size of E\[φ\(z\) z\] is off by \+1\.000", changed(0, (True, 1))),
            (r"function 2: .* off by \+0\.586", changed(1, (True, 2))),  # the coefficient, not its root
            (r"function 3: .* off by -0\.250", changed(2, (True, 0.25))),
            (r"function 4: the degree is off by \+1\.000", changed(3, (False, 3))),
            (r"function 5: the degree is off by -1\.000", changed(4, (False, 2))),
            (r"function 5: the degree is off by -3\.167", changed(4, (False, -1 / 6))),  # the coefficient itself
            (r"function 6: .* off by \+0\.571", changed(5, (True, np.pi / 2))),  # the sum of all
            (r"function 1: the size .* off by \+1\.000", [(kind, 1) for kind, _ in right]),  # six right guesses
            ("function 4: one of its coefficients is negative", [*right[:3], *[(True, 1)] * 3]),
            ("function 1: none of its coefficients is negative", [(False, 2)] * 6),
            ("the second entry for function 1 should be a number, not None", [(True, None)] * 6),
            ("the second entry for function 1 should be a number, not True", [(True, True)] * 6),
            ("function 1: True or False and a number, not True", [True, True, True, False, False, True]),
            ("function 1: True or False and a number, not 'TF'", ["TF"] * 6),
            (r"function 1: True or False and a number, not \(1, 0\)", [(int(kind), value) for kind, value in right]),
            ("a list of six pairs is wanted, not None", None),
            ("a list of six pairs is wanted, not 'TTTFFT'", "TTTFFT"),
        ],
    )
