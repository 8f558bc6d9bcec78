"""The checks of the exercises of `no-free-lunch` refuse what looks right, and take what is right in another form."""

import re
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from exercises import CHAPTERS, column, each_refused, exercise

from ntklib.nofreelunch import all_targets, expected_risk

CHAPTER = "no-free-lunch"


@pytest.mark.parametrize("check", ["check_parity", "check_balanced", "check_squared", "check_seventh"])
def test_no_free_lunch_wants_a_function(check):
    names = exercise(CHAPTER, check)
    each_refused(
        names[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_no_free_lunch_parity():
    names = exercise(CHAPTER, "check_parity")
    check, right = names["check_parity"], names["parity"]
    check(lambda *given: right(*given).tolist(), Fraction(1, 2))
    check(lambda *given: right(*given).astype(bool), Fraction("0.5"))
    check(lambda *given: right(*given).astype(float), Fraction(2, 4))
    check(right, 0.5)
    each_refused(
        lambda mean: check(right, mean),
        [
            ("the mean accuracy over all targets should be a number, not None", None),
            ("the mean accuracy over all targets should be a number, not '0.5'", "0.5"),
            (r"not at 0\.5001, which is \+0\.0001", 0.5001),
            (r"not at 1\.0, which is \+0\.5000 from its mean accuracy: what does it win elsewhere", 1),
            (r"not at 0\.0, which is -0\.5000", 0),
            (r"not at 0\.625, which is \+0\.1250", Fraction(5, 8)),
            (r"which is \+0\.0001", Fraction(1, 2) + Fraction(8, 65536)),  # not paid for elsewhere
        ],
    )

    def without_the_last_bit(x_train, y_train, x_test):
        b_train, b_test = (x_train < 0).astype(int), (x_test < 0).astype(int)
        candidates = names["bits"][::2]
        agree = (b_train @ candidates.T % 2 == y_train[:, None]).all(0)
        return b_test @ candidates[agree.argmax()] % 2

    def first_four_only(x_train, y_train, x_test):  # they do not span
        return right(x_train[:3], y_train[:3], x_test)

    wrong = r"it is right on \d+ of 128 unseen points of the 16 parities; on that of the bits \[.*\] on \d of 8"
    each_refused(
        check,
        [
            (wrong, without_the_last_bit),
            (wrong, first_four_only),
            (wrong, lambda *given: 1 - right(*given)),
            (wrong, lambda *given: np.roll(right(*given), 1)),
            (wrong, lambda x_train, y_train, x_test: (x_test < 0).sum(1) % 2),  # always the same one
            (wrong, lambda x_train, y_train, x_test: right(x_train, 1 - y_train, x_test)),
            (wrong, names["nearest"]),
            (wrong, names["majority"]),
            (r"a label 0 or 1 for each point: .*of shape \(8,\), got \(\)", lambda *given: None),
            (r"a label 0 or 1 for each point: .*got \(7,\)", lambda *given: right(*given)[1:]),
            (r"a label 0 or 1 for each point: .*got \(8, 1\)", column(right)),
            ("a label 0 or 1 for each point", lambda *given: 1 - 2 * right(*given)),
            ("a label 0 or 1 for each point", lambda *given: right(*given) / 2),
        ],
    )


def test_no_free_lunch_balanced():
    names = exercise(CHAPTER, "check_balanced")
    check, right = names["check_balanced"], names["exactly"]

    def with_replacement(N, n):  # binomial in place of hypergeometric
        return sum(Fraction(comb(n, s), 2**n) * Fraction(N // 2 - min(s, n - s), N - n) for s in range(n + 1))

    def hoped(N, n):  # at the mean number of ones
        return Fraction(N // 2 - n // 2, N - n)

    differs = r"for N = \d+, n = \d it is \d+/\d+, not -?\d+(/\d+)?, which is [+-]\d\.\d{4} from it"
    rarer = names["best_label"]
    check(lambda N, n: Fraction(str(right(N, n))), lambda N, n, s: 2 * s < n)
    check(right, lambda N, n, s: np.int64(N - 2 * s > N - n))  # more ones than zeros are left
    each_refused(
        lambda label: check(right, label),
        [
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not int", 1),
            (r"N = 4, n = 1: with the label 0 for s = 0 a learner has 33% .* other one 67%", lambda N, n, s: 0),
            (r"with the label 1 for s = 1", lambda N, n, s: 1),
            (r"with the label [01] for s = \d a learner has", lambda N, n, s: 2 * s > n),  # majority
            (r"with the label [01] for s = \d a learner has", lambda N, n, s: np.bool_(2 * s > n)),
            (r"N = 8, n = 3: with the label [01] for s = \d", lambda N, n, s: s < 1),  # right for N = 4
            (r"with the label [01] for s = \d", lambda N, n, s: s < N // 4),
            ("a label is 0 or 1, not 0.5", lambda N, n, s: 0.5),
            ("a label is 0 or 1, not None", lambda N, n, s: None),
            (r"a label is 0 or 1, not \[", lambda N, n, s: [rarer(N, n, s)]),
        ],
    )
    each_refused(
        check,
        [
            (differs, with_replacement),
            (differs + "; that is what majority has", lambda N, n: 1 - right(N, n)),
            (differs, lambda N, n: hoped(N, n) if n > 1 else right(N, n)),
            (
                r"for N = 4, n = 1 it is 2/3, not 1/2, .*; that would be so if the unseen labels were fair coins",
                lambda N, n: Fraction(1, 2),
            ),
            (differs, lambda N, n: right(N, n) * Fraction(N - n, N)),  # of all points
            (differs, lambda N, n: right(N, n + 2) if n + 2 < N else right(N, n)),
            (differs, lambda N, n: 2 * right(N, n)),
            ("the mean accuracy should be a Fraction, not 0.6", lambda N, n: float(right(N, n))),
            ("should be a Fraction, not None", lambda N, n: None),
            (r"should be a Fraction, not \[", lambda N, n: [right(N, n)]),
            ("should be a Fraction, not '", lambda N, n: str(right(N, n))),
            ("should be a Fraction, not True", lambda N, n: True),
        ],
    )


def test_no_free_lunch_squared():
    names = exercise(CHAPTER, "check_squared")
    check, right = names["check_squared"], names["mean_error"]
    check(lambda h: float(((h - 1) ** 2 + (h + 1) ** 2).mean() / 2), 0.0)
    check(lambda h: np.float32(right(h)), np.float64(0))
    each_refused(
        lambda best: check(right, best),
        [
            ("the best prediction should be a number, not None", None),
            ("the best prediction should be a number, not array", np.zeros(3)),
            (r"always predicts 1 has an error that is larger than that of the best one by 1\.0000", 1),
            (r"always predicts -1 has", -1.0),
            (r"always predicts 0\.5 has .* by 0\.2500", 0.5),  # a label of 0 and 1 in mind
            (r"always predicts 0\.01 has", 0.01),
        ],
    )

    def one_target(h):  # the labels of one target for all labellings
        return np.mean((h - (1.0 - 2 * all_targets(3)[5])) ** 2)

    differs = r"for predictions .* it is \d+\.\d{4}, not -?\d+\.\d{4}, which is [+-]\d+\.\d{4} from it"
    each_refused(
        check,
        [
            (  # the hint, not halved
                differs + "; is it the mean over the two labels, or their sum",
                lambda h: np.mean((h - 1) ** 2 + (h + 1) ** 2),
            ),
            (differs + "; the labels vary, too", lambda h: np.mean(h**2)),
            (differs, lambda h: 1 + np.mean(h) ** 2),
            (differs, lambda h: 1 + np.var(h)),
            (differs, lambda h: 1.0),
            (differs, lambda h: 1 + np.sum(h**2)),
            (differs, lambda h: 1 + np.mean(np.abs(h))),
            (differs, lambda h: np.sqrt(1 + np.mean(h**2))),
            (differs, one_target),
            ("a number is wanted, not None", lambda h: None),
            (r"a number is wanted, not \[", lambda h: [right(h)]),
            ("a number is wanted, not array", lambda h: 1 + np.mean(h**2, axis=0)),
        ],
    )


def test_no_free_lunch_seventh():
    names = exercise(CHAPTER, "check_seventh")
    check, right = names["check_seventh"], names["probability"]

    def at_the_mean(n):  # as if always the same number of points were missed
        missed = round(2 * n * (1 - 1 / (2 * n)) ** n)
        return Fraction(sum(comb(missed, e) for e in range(missed + 1) if 4 * e >= n), 2**missed)

    def without_repetition(n):
        return Fraction(sum(comb(n, e) for e in range(n + 1) if 4 * e >= n), 2**n)

    def more_than(n):  # a risk above an eighth; the same but where n is a multiple of four
        return right(n) if n % 4 else right(n) - Fraction(1, 100)

    differs = r"for n = \d yours is off by [+-]\d+\.\d{4}: how many"
    check(lambda n: Fraction(str(right(n))))
    each_refused(
        check,
        [
            (differs, lambda n: Fraction(1, 7)),
            (differs, expected_risk),
            (differs, lambda n: (expected_risk(n) - Fraction(1, 8)) / Fraction(7, 8)),  # Markov's inequality
            (differs, at_the_mean),
            (differs, without_repetition),
            (differs, lambda n: right(n + 1)),
            (differs, lambda n: 1 - right(n)),
            (differs, more_than),
            (r"for n = 7 yours is off by \+0\.\d+", lambda n: right(n) if n < 5 else Fraction(1)),
            (r"for n = 7 yours is off", lambda n: right(n) if n < 5 else right(n + 2)),
            # near enough for a simulation
            (r"for n = 7 yours is off", lambda n: right(n) if n < 5 else right(n) + Fraction(1, 1000)),
            (r"for n = 10 yours is off", lambda n: right(n) if n < 8 else Fraction(round(1000 * right(n)), 1000)),
            (r"for n = 13 yours is off by .* how many of 26 points", lambda n: right(min(n, 10))),
            ("the probability should be a Fraction, not 0.5", lambda n: float(right(n))),
            ("should be a Fraction, not None", lambda n: None),
            (r"should be a Fraction, not \[", lambda n: [right(n)]),
        ],
    )


def answer_of(question: str) -> Fraction:
    """The right answer that the page holds of a self-check."""
    text = (CHAPTERS / f"{CHAPTER}.md").read_text(encoding="utf-8")
    return Fraction(re.search(rf":name: {question}\n:answer: (\S+)\n", text)[1])


def test_no_free_lunch_right_answers():
    names = exercise(CHAPTER, "check_parity")
    nearest, accuracies, train = names["nearest"], names["accuracies"], names["train"]
    enough = next(n for n in range(4, 20) if 15 / 2**n <= 1 - 0.93)
    assert answer_of("check-nfl-span") == enough
    targets = all_targets(8)
    agreeing = targets[(targets[:, :5] == [0, 1, 1, 0, 1]).all(1)]
    assert answer_of("check-nfl-count") == len(agreeing)
    inputs = names["x3"]
    all_three = accuracies(nearest, inputs, list(range(5))) == 3
    assert answer_of("check-nfl-average") == Fraction(int(all_three.sum()), 256)
    assert 256 * Fraction(1, 2) == 48 * Fraction(6, 10) + 208 * answer_of("check-nfl-rest")
    absurd = names["average_accuracy"](names["anti_majority"], inputs, [0, 3, 4, 7])
    assert answer_of("check-nfl-best") == absurd
    on_the_training_set = all_targets(16)[(all_targets(16)[:, train] == 1).all(1)]
    found = names["average_accuracy"](nearest, names["x"], train, on_the_training_set)
    assert answer_of("check-nfl-eight") == found
    odd = names["parities"][-1]
    seven = all_targets(16)[accuracies(nearest, names["x"], train) == 7]
    twins = accuracies(nearest, names["x"], train, seven ^ odd)
    assert set(twins.tolist()) == {int(answer_of("check-nfl-mirror"))}


def test_no_free_lunch_majority_on_parities():
    """The shares in the answer to `check-nfl-parities`, for every six of the eight points."""
    names = exercise(CHAPTER, "check_parity")
    parities = names["bits3"] @ names["bits3"].T % 2
    for unseen in combinations(range(8), 2):
        six = [i for i in range(8) if i not in unseen]
        right = names["accuracies"](names["majority"], names["x3"], six, parities)
        alike = parities[:, unseen[0]] == parities[:, unseen[1]]
        assert sorted(right[alike]) == [0, 0, 0, 2]
        assert right[~alike].tolist() == [1, 1, 1, 1]
