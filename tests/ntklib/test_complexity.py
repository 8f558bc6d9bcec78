"""Complexity against enumeration, a slow parser, exact fractions and closed forms."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import jax
import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binomtest

from ntklib.complexity import (
    cover_count,
    halving_mistakes,
    lempel_ziv,
    lz76,
    occam_bound,
    sign_functions,
    small_machines,
)


def phrases(word):
    """Lempel and Ziv's definition, a sign at a time: a phrase ends as soon as no copy of it starts before it."""
    count = start = 0
    while start < len(word):
        end = start + 1
        while end <= len(word) and any(word[i : i + end - start] == word[start:end] for i in range(start)):
            end += 1
        count, start = count + 1, end
    return count


def test_lempel_ziv_counts_phrases_of_every_word_of_nine_bits():
    words = np.array(list(itertools.product([0, 1], repeat=9)))
    slow = [phrases(tuple(word)) for word in words.tolist()]
    np.testing.assert_array_equal(lz76(words), slow)
    backward = np.array([phrases(tuple(word[::-1])) for word in words.tolist()])
    expected = math.log2(9) * (slow + backward) / 2
    expected[[0, -1]] = math.log2(9)
    np.testing.assert_allclose(lempel_ziv(words), expected)
    assert lz76(words.reshape(2, 256, 9)).shape == (2, 256)


def test_the_example_of_lempel_and_ziv():
    assert lz76([int(sign) for sign in "0001101001000101"]) == 6  # 0 . 001 . 10 . 100 . 1000 . 101


def test_machines_with_two_states():
    printed, halted = small_machines(2)
    # a start that halts is two of ten instructions, whatever the other three are
    assert halted[1] == 2 * 10**3
    assert max(halted) == 6  # the busy beaver's number of steps for two states
    assert sum(printed.values()) == sum(halted.values()) == 3044
    mirrored = small_machines(2, 1)[0]
    flipped = Counter({word.translate(str.maketrans("01", "10")): times for word, times in printed.items()})
    assert mirrored == flipped
    reverse = Counter({word[::-1]: times for word, times in printed.items()})
    assert printed == reverse


def test_signs_agree_as_the_angle_says():
    rho = 0.6
    drawn = sign_functions(jax.random.key(0), np.array([[4.0, 2 * rho], [2 * rho, 1.0]]), 20_000)
    differ = int(np.sum(drawn[:, 0] != drawn[:, 1]))
    assert binomtest(differ, 20_000, math.acos(rho) / math.pi).pvalue > 1e-4
    assert binomtest(int(drawn[:, 0].sum()), 20_000, 0.5).pvalue > 1e-4
    again = sign_functions(jax.random.key(0), np.array([[4.0, 2 * rho], [2 * rho, 1.0]]), 20_000)
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, sign_functions(jax.random.key(1), np.eye(2), 20_000))


def test_halving_is_that_of_fractions_and_keeps_the_bound():
    every = np.array(list(itertools.product([0, 1], repeat=4)))
    weights = [2 ** int(w) for w in np.random.default_rng(0).integers(0, 9, 16)]
    worst = 0.0
    for target in every:
        for order in itertools.permutations(range(4)):
            left, expected = list(range(16)), 0
            for i in order:
                ones = sum((Fraction(weights[j]) for j in left if every[j, i]), Fraction(0))
                all_of_them = sum((Fraction(weights[j]) for j in left), Fraction(0))
                expected += (2 * ones > all_of_them) != bool(target[i])
                left = [j for j in left if every[j, i] == target[i]]
            assert halving_mistakes(weights, every, target, order) == expected
            own = weights[int("".join(map(str, target)), 2)]
            worst = max(worst, expected - math.log2(sum(weights) / own))
    assert worst <= 0


@pytest.mark.parametrize(("evidence", "m", "delta"), [(0.25, 20, 0.05), (1e-9, 3, 0.5), (1.0, 7, 0.1)])
def test_the_bound_holds_with_equality_in_its_equation(evidence, m, delta):
    bound = occam_bound(evidence, m, delta)
    assert -m * math.log1p(-bound) == pytest.approx(math.log(1 / evidence) + math.log(1 / delta))


def test_the_bound_fails_at_most_as_often_as_it_may():
    """Counted over all samples, with a uniform distribution of four inputs and a prior on all 16 functions."""
    every = np.array(list(itertools.product([0, 1], repeat=4)))
    prior = np.array([2.0 ** -(row.sum() + 1) for row in every])
    prior /= prior.sum()
    for delta in (0.1, 0.5):
        for m in (1, 3, 5):
            for target in (every[0], every[9]):
                failed = 0
                for sample in itertools.product(range(4), repeat=m):
                    fit = np.all(every[:, sample] == target[list(sample)], axis=1)
                    evidence = prior[fit].sum()
                    risk = prior[fit] @ (every[fit] != target).mean(1) / evidence
                    failed += risk > occam_bound(evidence, m, delta) + 1e-12
                assert failed / 4**m <= delta


@pytest.mark.parametrize(("n_points", "dim"), [(1, 1), (2, 3), (3, 3), (5, 1), (6, 2), (6, 3), (7, 4)])
def test_covers_count_is_that_of_all_labellings(n_points, dim):
    points = np.random.default_rng(n_points).standard_normal((n_points, dim))
    free = [(None, None)] * dim
    given = sum(
        linprog(np.zeros(dim), A_ub=-np.array(s)[:, None] * points, b_ub=-np.ones(n_points), bounds=free).status == 0
        for s in itertools.product((-1, 1), repeat=n_points)
    )
    assert cover_count(n_points, dim) == given


def test_covers_count_is_exact_and_obeys_its_recursion():
    for n_points, dim in ((4, 3), (60, 30), (200, 7)):
        assert cover_count(n_points + 1, dim + 1) == cover_count(n_points, dim + 1) + cover_count(n_points, dim)
    assert 2 * cover_count(400, 200) == 2**400
    assert cover_count(9, 12) == 2**9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cover_count(0, 2), "n_points must be an integer"),
        (lambda: cover_count(3, 1.5), "dim must be an integer"),
        (lambda: lz76([0, 2]), "bits must be zeros and ones"),
        (lambda: lempel_ziv([]), "bits must be zeros and ones"),
        (lambda: small_machines(3), "states must be an integer from 1 to 2"),
        (lambda: small_machines(1, 2), "blank must be an integer from 0 to 1"),
        (lambda: halving_mistakes([1.0], [[0, 1]], [1, 1], [0]), "target must be one of the functions"),
        (lambda: halving_mistakes([0.0], [[0, 1]], [0, 1], [0]), "weights must be positive"),
        (lambda: halving_mistakes([1.0], [[0, 1]], [0, 1], [2]), "order must be indices from 0 to 1"),
        (lambda: halving_mistakes([1.0, 1.0], [[0, 1]], [0, 1], [0]), r"functions must be \(F, N\)"),
        (lambda: occam_bound(0, 3), "evidence must be a number above 0"),
        (lambda: occam_bound(0.5, 3, 2), "delta must be a number above 0"),
    ],
)
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
