"""What the checks of the chapter on real data say to wrong answers."""

from fractions import Fraction

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers
from scipy import stats

CHECKS = ["check_crossover", "check_honest", "check_mcnemar", "check_zeros"]


def names_of(check):
    return exercise("real-data", check)


def not_finite_either(right):
    return [*no_numbers(right), ("should be a finite number, not nan", lambda *given: float("nan"))]


@pytest.mark.parametrize("check", CHECKS)
def test_real_wants_a_function(check):
    each_refused(
        names_of(check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            ("hand over the function itself, without calling it, not list", [1.0]),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_real_crossover():
    names = names_of("check_crossover")
    check, right = names["check_crossover"], names["least_examples"]
    check(lambda w, d, c: np.int64(right(w, d, c)))
    check(lambda w, d, c: float(int(w + (w + c) / (d + c)) + 1))
    each_refused(
        check,
        [
            (r"w = 128, d = 196, c = 10: the network has 26506 numbers.* off by -1", lambda w, d, c: w),
            (r"off by \+1", lambda w, d, c: right(w, d, c) + 1),
            (r"off by -1", lambda w, d, c: right(w, d, c) - 1),
            (r"w = 1, d = 1, c = 1.* off by", lambda w, d, c: w + 1),  # the rough rule
            ("off by", lambda w, d, c: -(-(w * (d + c + 1) + c) // (d + c))),  # equal is not larger
            ("off by", lambda w, d, c: (w * (d + c) + w + c) / (d + c)),  # not rounded
            ("off by", lambda w, d, c: w * (d + c) // (d + c) + 1),  # without the biases
            ("off by", lambda w, d, c: right(d, w, c)),  # changed places
            *not_finite_either(right),
        ],
    )


def test_real_honest():
    names = names_of("check_honest")
    check, right = names["check_honest"], names["honest"]

    def choose(fit_score, parts, grid, inner, outer_train=True, score=np.mean):
        scores = []
        for k, held in enumerate(parts):
            others = parts[:k] + parts[k + 1 :]
            best = max(grid, key=lambda setting: inner(fit_score, setting, parts, k))
            scores.append(fit_score(best, np.concatenate(others if outer_train else others[1:]), held))
        return score(scores)

    def within(fit_score, setting, parts, k):
        others = parts[:k] + parts[k + 1 :]
        return np.mean(
            [fit_score(setting, np.concatenate(others[:j] + others[j + 1 :]), t) for j, t in enumerate(others)]
        )

    def with_all(fit_score, setting, parts, k):
        return np.mean([fit_score(setting, np.concatenate(parts[:j] + parts[j + 1 :]), t) for j, t in enumerate(parts)])

    def on_the_part(fit_score, setting, parts, k):
        return fit_score(setting, np.concatenate(parts[:k] + parts[k + 1 :]), parts[k])

    def last_of_equals(fit_score, parts, grid):
        return choose(fit_score, parts, grid[::-1], within)

    def flat(fit_score, parts, grid):
        return max(with_all(fit_score, setting, parts, 0) for setting in grid)

    def trained_on_test(fit_score, parts, grid):
        return np.mean([fit_score(grid[0], np.concatenate(parts), part) for part in parts])

    def leaking_train(fit_score, parts, grid):
        def inner(fit_score, setting, parts, k):
            kept = [j for j in range(len(parts)) if j != k]
            return np.mean(
                [fit_score(setting, np.concatenate([p for i, p in enumerate(parts) if i != j]), parts[j]) for j in kept]
            )

        return choose(fit_score, parts, grid, inner)

    check(lambda fit_score, parts, grid: choose(fit_score, parts, grid, within))
    check(lambda fit_score, parts, grid: float(right(fit_score, list(parts), list(grid))))
    each_refused(
        check,
        [
            ("is the best score without nesting", flat),
            ("is the best score without nesting|your score is off by", lambda *g: choose(*g, with_all)),
            (r"your score is off by \+0\.\d+ from the nested one", lambda *g: choose(*g, on_the_part)),
            ("your score is off by", lambda *g: choose(*g, within, outer_train=False)),
            ("your score is off by", lambda *g: choose(*g, within, score=np.sum)),
            ("your score is off by", lambda *g: choose(*g, within, score=np.max)),
            ("30 rows are in train and in test|10 rows are in train and in test", trained_on_test),
            ("without its rows in train", leaking_train),
            ("your score is off by", lambda fit_score, parts, grid: 0.5),
            *not_finite_either(right),
        ],
    )


def test_real_mcnemar():
    names = names_of("check_mcnemar")
    check, right = names["check_mcnemar"], names["mcnemar"]
    check(lambda a, b: stats.binomtest(a, a + b).pvalue if a + b else 1)
    each_refused(
        check,
        [
            (
                r"a = 5, b = 5: your probability is off by \+0\.2461",
                lambda a, b: 2 * stats.binom.cdf(min(a, b), a + b, 0.5),
            ),
            (r"a = 9, b = 1: your probability is off by -0\.0107", lambda a, b: right(a, b) / 2),  # one side
            (r"a = 1, b = 9", lambda a, b: min(1, 2 * stats.binom.cdf(b, a + b, 0.5))),  # one direction
            (r"a = 9, b = 1", lambda a, b: stats.chi2.sf((a - b) ** 2 / max(a + b, 1), 1)),  # approximate
            (r"a = 9, b = 1", lambda a, b: 1 - right(a, b)),
            (r"a = 9, b = 1", lambda a, b: min(1, 2 * stats.binom.cdf(min(a, b) - 1, a + b, 0.5))),
            (r"a = 9, b = 1", lambda a, b: 0),
            *not_finite_either(right),
        ],
    )


def test_real_zeros():
    names = names_of("check_zeros")
    check, right = names["check_zeros"], names["least_share"]
    check(lambda b, p: p / (b + p))
    check(lambda b, p: np.float64(1 - b / (b + p)))
    each_refused(
        check,
        [
            (
                r"with the share 0\.6667 pruned, a thousand weights take 16000 bits instead of 32000",
                lambda b, p: Fraction(b, b + p),
            ),
            ("instead of", lambda b, p: p / b),
            ("instead of", lambda b, p: b / (b + p)),
            ("instead of", lambda b, p: 1 / (b + p)),
            ("instead of", lambda b, p: 100 * right(b, p)),
            ("instead of", lambda b, p: 0),
            *not_finite_either(right),
        ],
    )
