"""Averages over targets, against plain loops in fractions, closed forms and enumeration by permutations."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ntklib import nofreelunch
from ntklib.nofreelunch import (
    accuracies,
    all_targets,
    average_accuracy,
    closed_sets,
    errors_on_samples,
    expected_risk,
    from_estimator,
    hypercube,
    is_closed,
)

HALF = Fraction(1, 2)


def nearest(x_train, y_train, x_test):
    return [y_train[np.argmin(np.abs(x_train - x).sum(1))] for x in x_test]


def majority(x_train, y_train, x_test):
    return np.full(len(x_test), int(2 * y_train.sum() > len(y_train)))


def opposite(learner):
    return lambda *data: 1 - np.asarray(learner(*data))


def hashing(x_train, y_train, x_test):
    """A learner without any sense: its labels are bits of a product of everything that it is given."""
    code = int("".join(map(str, y_train)), 2) * 2654435761 + int(np.asarray(x_train).sum()) * 97
    return [(code >> (3 * i + 5)) & 1 for i in range(len(x_test))]


def loop(learner, points, train, targets):
    """The definition, one target and one point at a time, asking the learner again for each."""
    rest = [i for i in range(len(points)) if i not in train]
    total = Fraction(0)
    for target in targets:
        labels = learner(points[train], np.array([target[i] for i in train]), points[rest])
        total += Fraction(sum(int(label) == int(target[i]) for label, i in zip(labels, rest, strict=True)), len(rest))
    return total / len(targets)


@pytest.mark.parametrize("learner", [nearest, opposite(nearest), majority, opposite(majority), hashing])
@pytest.mark.parametrize("train", [[0], [7, 2], [0, 1, 2, 4], [6, 5, 3, 2, 1, 0, 4]])
def test_every_learner_is_right_half_of_the_time(learner, train):
    assert average_accuracy(learner, hypercube(3), train) == HALF


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsClassifier(1), DecisionTreeClassifier(random_state=0), LogisticRegression(), SVC()],
    ids=lambda e: type(e).__name__,
)
def test_classifiers_of_scikit_learn_are_learners(estimator):
    assert average_accuracy(estimator, hypercube(3), [0, 3, 5]) == HALF
    assert not hasattr(estimator, "classes_")  # a copy was fitted
    with pytest.raises(ValueError, match="estimator must be an object with fit and predict"):
        from_estimator(type(estimator))


def test_on_four_bits_each_labelling_is_learned_once():
    asked = []

    def learner(x_train, y_train, x_test):
        asked.append(tuple(y_train))
        return nearest(x_train, y_train, x_test)

    assert average_accuracy(learner, hypercube(4), list(range(8))) == HALF
    assert len(asked) == len(set(asked)) == 256


def test_a_learner_is_remembered_from_one_portion_to_the_next(monkeypatch):
    whole = accuracies(hashing, hypercube(3), [1, 4, 6])
    monkeypatch.setattr(nofreelunch, "_PORTION", 7)
    assert (accuracies(hashing, hypercube(3), [1, 4, 6]) == whole).all()
    asked = []
    average_accuracy(lambda x, y, t: asked.append(0) or [0] * len(t), hypercube(3), [1, 4, 6])
    assert len(asked) == 8


@given(data=st.data())
def test_any_targets_are_counted_as_in_a_plain_loop(data):
    train = data.draw(st.permutations(range(8)))[: data.draw(st.integers(1, 7))]
    targets = data.draw(st.lists(st.lists(st.integers(0, 1), min_size=8, max_size=8), min_size=1, max_size=12))
    learner = data.draw(st.sampled_from([nearest, majority, hashing]))
    assert average_accuracy(learner, hypercube(3), train, targets) == loop(learner, hypercube(3), train, targets)


def test_many_training_points_are_not_confused():
    rng = np.random.default_rng(0)
    targets, train = rng.integers(0, 2, (40, 90)), list(range(80))  # more labels than bits in a word
    targets[20:, :80] = targets[:20, :80]
    targets[20:, 75] ^= 1  # a label beyond the 64th is all the difference
    points = np.arange(90)[:, None]
    assert average_accuracy(hashing, points, train, targets) == loop(hashing, points, train, targets)


@pytest.mark.parametrize("learner", [nearest, majority, hashing])
def test_accuracies_of_a_deterministic_learner_are_binomial(learner):
    counts = np.bincount(accuracies(learner, hypercube(3), [0, 3, 6]), minlength=6)
    assert counts.tolist() == [8 * math.comb(5, k) for k in range(6)]


def test_order_of_the_targets_is_that_of_all_targets():
    train, rest = [0, 5], [1, 2, 3, 4, 6, 7]
    expected = [
        sum(int(a) == int(b) for a, b in zip(hashing(hypercube(3)[train], t[train], rest), t[rest], strict=True))
        for t in all_targets(8)
    ]
    assert accuracies(hashing, hypercube(3), train).tolist() == expected


@pytest.mark.parametrize("size", [5, 6])
def test_on_parities_the_majority_is_usually_wrong(size):
    parities = hypercube(3) @ hypercube(3).T % 2
    for train in itertools.combinations(range(8), size):
        assert average_accuracy(majority, hypercube(3), train, parities) == Fraction(3, 8)
        assert average_accuracy(opposite(majority), hypercube(3), train, parities) == Fraction(5, 8)


def closed_by_permuting(targets):
    rows = {tuple(row) for row in targets}
    return all(tuple(row[i] for i in p) in rows for row in rows for p in itertools.permutations(range(len(row))))


def test_closed_sets_of_three_points_by_listing_all_255():
    found = 0
    for mask in range(1, 256):
        chosen = all_targets(3)[(mask >> np.arange(8)) & 1 == 1]
        assert is_closed(chosen) == closed_by_permuting(chosen)
        found += is_closed(chosen)
    assert found == closed_sets(3) == 15


def test_closed_sets_with_three_labels_by_listing_all_511():
    pairs = np.array(list(itertools.product(range(3), repeat=2)))
    found = 0
    for mask in range(1, 512):
        chosen = pairs[(mask >> np.arange(9)) & 1 == 1]
        assert is_closed(chosen) == closed_by_permuting(chosen)
        found += is_closed(chosen)
    assert found == closed_sets(2, 3)


def test_closedness_ignores_repetitions_and_order():
    rows = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
    assert is_closed(rows)
    assert is_closed(rows[:0])
    assert not is_closed(rows[:2])
    assert is_closed(rows.astype(bool))


@pytest.mark.parametrize("learner", [nearest, majority, hashing, opposite(nearest)])
def test_errors_on_samples_against_a_plain_loop(learner):
    points, m = hypercube(2), 2
    errors = errors_on_samples(learner, points, m)
    for t, target in enumerate(itertools.product((0, 1), repeat=4)):
        target = np.array(target[::-1])  # all_targets counts with the first point as the lowest bit
        row = [
            sum(
                int(label) != int(y)
                for label, y in zip(learner(points[list(s)], target[list(s)], points), target, strict=True)
            )
            for s in itertools.product(range(4), repeat=m)
        ]
        assert errors[t].tolist() == row


@pytest.mark.parametrize("m", [1, 2, 3])
def test_expected_risk_is_reached_by_who_remembers_and_by_nobody_else(m):
    points = np.arange(2 * m)[:, None]

    def mean(learner):
        return Fraction(int(errors_on_samples(learner, points, m).sum()), 4**m * (2 * m) ** (m + 1))

    assert mean(nearest) == expected_risk(m)
    assert mean(majority) >= expected_risk(m)
    assert mean(opposite(nearest)) > expected_risk(m)


def test_expected_risk_is_at_least_a_quarter_and_tends_to_its_limit():
    assert [expected_risk(m) >= Fraction(1, 4) for m in (1, 2, 7, 50)] == [True] * 4
    assert float(expected_risk(20)) == pytest.approx(0.5 * 0.975**20, rel=1e-14)
    assert float(expected_risk(10**5)) == pytest.approx(0.5 * math.exp(-0.5), rel=1e-5)


def test_hypercube_counts_in_binary():
    assert ["".join(map(str, row)) for row in hypercube(3)] == [f"{i:03b}" for i in range(8)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: average_accuracy(nearest, hypercube(2), []), "train must be a list of at least one"),
        (lambda: average_accuracy(nearest, hypercube(2), [0, 1, 2, 3]), "at most 3 of 4"),
        (lambda: average_accuracy(nearest, hypercube(2), [0, 0]), "different indices"),
        (lambda: average_accuracy(nearest, hypercube(2), [-1]), "from 0 to 3"),
        (lambda: average_accuracy(nearest, hypercube(2), [0.0]), "train must be"),
        (lambda: average_accuracy(nearest, hypercube(5), [0]), "24 points, got 32"),
        (lambda: average_accuracy(nearest, hypercube(2), [0], [[0, 1]]), r"shape \(t, 4\)"),
        (lambda: average_accuracy(nearest, hypercube(2), [0], np.zeros((0, 4))), r"got \(0, 4\)"),
        (lambda: average_accuracy(nearest, hypercube(2), [0], [[0, 1, 2, 1]]), "labels 0 and 1"),
        (lambda: average_accuracy(lambda x, y, t: [2] * len(t), hypercube(2), [0]), "return the labels 0 and 1"),
        (lambda: average_accuracy(lambda x, y, t: [0.4] * len(t), hypercube(2), [0]), "return the labels 0 and 1"),
        (lambda: average_accuracy(lambda x, y, t: 0, hypercube(2), [0]), r"shape \(3,\)"),
        (lambda: is_closed([0, 1]), r"shape \(t, N\)"),
        (lambda: is_closed([[0.5, 1]]), "integers"),
        (lambda: closed_sets(0), "at least 1"),
        (lambda: hypercube(0), "dim must be"),
        (lambda: all_targets(25), "n_points must be an integer from 1 to 24, got 25"),
        (lambda: errors_on_samples(nearest, hypercube(2), 0), "m must be an integer of at least 1, got 0"),
        (lambda: errors_on_samples(nearest, hypercube(3), 8), "2\\^24 entries"),
        (lambda: expected_risk(0), "must be an integer of at least 1, got 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_learner_cannot_change_what_it_is_given():
    def vandal(x_train, y_train, x_test):
        y_train[:] = 0
        return [0] * len(x_test)

    targets = all_targets(4)
    assert average_accuracy(vandal, hypercube(2), [0, 1], targets) == HALF
    assert (targets == all_targets(4)).all()


def test_it_needs_numpy_only():
    import subprocess
    import sys

    code = "import sys, ntklib.nofreelunch; print({'jax', 'scipy', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8").stdout.strip() == "set()"
