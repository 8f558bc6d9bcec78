"""Nested validation and comparisons, against scikit-learn's, SciPy's tests, and what must not be looked at."""

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from ntklib.selection import compare, nested

X, Y = load_iris(return_X_y=True)
GRID = [0.001, 0.1, 10.0]


def score(penalty, train, test):
    return SVC(C=penalty).fit(X[train], Y[train]).score(X[test], Y[test])


def test_nested_is_what_two_loops_of_scikit_learn_find():
    found = nested(score, Y, GRID, outer=3, inner=2, seed=4)
    states = np.random.default_rng(4)
    state = lambda: int(states.integers(2**31))  # noqa: E731
    scores, flat = [], []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=state()).split(X, Y):
        parts = list(StratifiedKFold(2, shuffle=True, random_state=state()).split(train, Y[train]))
        within = [np.mean([score(c, train[a], train[b]) for a, b in parts]) for c in GRID]
        flat.append([score(c, train, test) for c in GRID])
        scores.append(flat[-1][int(np.argmax(within))])
    np.testing.assert_allclose(found.scores, scores)
    np.testing.assert_allclose(found.flat, np.mean(flat, 0))


def test_no_setting_is_chosen_with_the_rows_that_it_is_scored_on():
    calls = []

    def spy(setting, train, test):
        calls.append((frozenset(train.tolist()), frozenset(test.tolist())))
        return float(setting)

    nested(spy, Y, [1, 2], outer=4, inner=3)
    outer = {test for train, test in calls if len(train) + len(test) == len(Y)}
    assert set.union(*map(set, outer)) == set(range(len(Y)))
    assert len(outer) == 4
    for train, test in calls:
        assert not train & test
        if test not in outer:
            assert any(not (train | test) & held for held in outer)
    assert len(calls) == 4 * (3 + 1) * 2


def test_the_best_of_lucky_settings_is_too_good_and_the_nested_score_is_not():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2

    def draw():
        guesses = rng.integers(0, 2, (30, 80))
        return nested(lambda k, train, test: np.mean(guesses[k, test] == labels[test]), labels, range(30), outer=4)

    found = [draw() for _ in range(60)]
    assert np.mean([one.flat.max() for one in found]) > 0.58
    assert abs(np.mean([one.scores.mean() for one in found]) - 0.5) < 0.025


def test_a_single_setting_is_only_scored():
    calls = []
    found = nested(lambda k, train, test: calls.append(k) or 0.5, Y, ["only"], outer=5)
    assert (len(calls), found.scores.tolist(), found.chosen.tolist()) == (5, [0.5] * 5, [0] * 5)


def test_equal_settings_are_chosen_in_order():
    assert nested(lambda k, train, test: 1.0, Y, [1, 2]).chosen.tolist() == [0] * 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nested(lambda *_: np.nan, Y, GRID), "fit_score must give a finite number, got nan"),
        (lambda: nested(lambda *_: None, Y, GRID), "fit_score must give a finite number, got None"),
        (lambda: nested(score, [0, 0, 0, 1, 1, 1], GRID), "y must have at least 4 rows of each class, got 3"),
        (lambda: nested(score, [0.5, 1.0], GRID), "y must be integers"),
        (lambda: nested(score, Y, []), "grid must be a list of at least one setting"),
        (lambda: compare([1.0], [1.0]), r"a must have shape \(m,\) with at least two"),
        (lambda: compare([1.0, 2.0], [1.0, 2.0, 3.0]), r"b must have shape \(2,\) as a, got \(3,\)"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_comparison_has_the_numbers_of_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.random(15), rng.random(15)
    found = compare(a, b)
    assert found.mean == pytest.approx(np.mean(a - b))
    assert found.sd == pytest.approx(np.std(a - b, ddof=1))
    assert (found.wins, found.losses) == (int((a > b).sum()), int((a < b).sum()))
    assert found.p == pytest.approx(scipy.stats.wilcoxon(a, b).pvalue)
    back = compare(b, a)
    assert (back.mean, back.wins, back.p) == (-found.mean, found.losses, found.p)


def test_what_is_resolvable_is_found_four_times_in_five():
    rng = np.random.default_rng(2)
    m, draws = 50, 4000
    noise = rng.standard_normal((draws, m))
    shift = compare(np.r_[np.ones(m // 2), -np.ones(m // 2)], np.zeros(m))
    delta = shift.resolvable / shift.sd  # in units of the standard deviation
    t = (noise + delta).mean(1) / (1 / m**0.5)
    assert abs(np.mean(np.abs(t) > scipy.stats.norm.isf(0.025)) - 0.8) < 0.02


def test_equal_scores_are_no_evidence():
    assert compare(np.ones(4), np.ones(4)) == (0.0, 0.0, 0, 0, 1.0, 0.0)
