"""Information against SciPy and enumeration, the bottleneck against an exact curve, bounds against quadrature."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from sklearn.metrics import mutual_info_score

from ntklib.information import (
    binned_information,
    bottleneck,
    critical_beta,
    entropy,
    icosahedron_bits,
    mutual_information,
    noisy_information,
    pair_bounds,
)


def coin(p):
    """The entropy of a coin in bits."""
    return float(stats.entropy([p, 1 - p], base=2))


def flipped(p):
    """A fair bit and the same bit, flipped with probability p."""
    return np.array([[1 - p, p], [p, 1 - p]]) / 2


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6).filter(any))
def test_entropies_are_those_of_scipy_and_scikit_learn(counts):
    table = np.array(counts).reshape(2, 3)
    p = table / table.sum()
    assert math.isclose(entropy(p), stats.entropy(p.ravel(), base=2), abs_tol=1e-12)
    bits = mutual_info_score(None, None, contingency=table) / math.log(2)
    assert math.isclose(mutual_information(p), bits, abs_tol=1e-12)


def test_what_is_no_distribution_is_refused():
    for wrong in ([0.5, 0.6], [1.5, -0.5], []):
        with pytest.raises(ValueError, match="p must be probabilities"):
            entropy(wrong)
    with pytest.raises(ValueError, match=r"joint must be a table \(n, k\)"):
        mutual_information([0.5, 0.5])
    with pytest.raises(ValueError, match="joint must not have a column of zeros"):
        critical_beta([[0.5, 0.0], [0.5, 0.0]])
    with pytest.raises(ValueError, match=r"joint must not have a row of zeros$"):
        bottleneck([[0.5, 0.5], [0, 0]], 2, start=np.full((2, 2), 0.5))
    for start in (np.full((3, 2), 0.5), np.full((2, 2), 0.6), [[1.5, -0.5], [0, 1]]):
        with pytest.raises(ValueError, match="start must be"):
            bottleneck(flipped(0.1), 2, start=start)


@pytest.mark.parametrize("beta", [1.2, 2.0, 3.0, 5.0])
def test_bottleneck_of_a_flipped_bit_lies_on_its_exact_curve(beta):
    flip, joint = 0.1, flipped(0.1)
    q, functional = bottleneck(joint, beta, start=[[0.7, 0.3], [0.2, 0.8]], tol=1e-14, max_iter=20_000)
    kept, told = mutual_information(q / 2), mutual_information(q.T @ joint)
    assert np.all(np.diff(functional) < 1e-12)
    assert math.isclose(functional[-1], kept - beta * told, abs_tol=1e-12)
    if beta < 1 / (1 - 2 * flip) ** 2:
        assert kept < 1e-9 > told
        return
    mixed = lambda e: e * (1 - flip) + (1 - e) * flip  # noqa: E731
    odds = lambda p: math.log((1 - p) / p)  # noqa: E731
    e = brentq(lambda e: odds(e) - beta * (1 - 2 * flip) * odds(mixed(e)), 1e-9, 0.49)
    assert math.isclose(kept, 1 - coin(e), abs_tol=1e-6)
    assert math.isclose(told, 1 - coin(mixed(e)), abs_tol=1e-6)


def test_an_update_is_its_definition_and_never_raises_the_functional():
    joint = np.array([[0.3, 0.05], [0.1, 0.1], [0.05, 0.4]])
    old = np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.1, 0.8, 0.1]])
    beta, px, updated = 3.0, joint.sum(1), np.zeros((3, 3))
    for x, t in itertools.product(range(3), repeat=2):
        weight = sum(px[i] * old[i, t] for i in range(3))
        label = [sum(joint[i, y] * old[i, t] for i in range(3)) / weight for y in range(2)]
        updated[x, t] = weight * 2 ** (-beta * float(stats.entropy(joint[x] / px[x], label, base=2)))
    q, functional = bottleneck(joint, beta, start=old, max_iter=1)
    np.testing.assert_allclose(q, updated / updated.sum(1, keepdims=True))
    assert len(functional) == 1
    assert np.all(np.diff(bottleneck(joint, beta, start=old, tol=0, max_iter=300)[1]) < 1e-12)


def test_critical_beta_is_where_the_start_begins_to_pay():
    assert math.isclose(critical_beta(flipped(0.1)), 1 / 0.8**2)
    assert critical_beta(np.full((2, 3), 1 / 6)) == math.inf
    assert critical_beta([[0.5], [0.5]]) == math.inf
    joint = np.array([[0.3, 0.05], [0.1, 0.1], [0.05, 0.4]])
    start = 0.5 + 0.01 * np.array([[1, -1], [0.2, -0.2], [-1, 1]])
    for factor, pays in ((0.97, False), (1.03, True)):
        q, _ = bottleneck(joint, factor * critical_beta(joint), start=start, tol=0, max_iter=4000)
        assert (mutual_information(joint.sum(1)[:, None] * q) > 1e-4) == pays


def test_binned_information_is_a_count():
    rng = np.random.default_rng(0)
    hidden, labels, edges = rng.normal(size=(60, 2)), rng.integers(3, 6, 60), [-1.0, 0.0, 1.0]
    bins = [tuple(sum(v >= e for e in edges) for v in row) for row in hidden]
    count = lambda items: -sum(c / 60 * math.log2(c / 60) for c in Counter(items).values())  # noqa: E731
    both = list(zip(bins, labels.tolist(), strict=True))
    about_input, about_label = binned_information(hidden, labels, edges)
    assert math.isclose(about_input, count(bins))
    assert math.isclose(about_label, count(bins) + count(labels.tolist()) - count(both), abs_tol=1e-12)
    repeated = np.repeat(hidden[:15], 4, axis=0)
    assert math.isclose(binned_information(repeated, labels)[0], math.log2(15))
    assert binned_information(hidden, labels, [])[0] == 0
    for wrong in ([1.0, 1.0], [2.0, 1.0], [[0.0]]):
        with pytest.raises(ValueError, match="edges must be increasing"):
            binned_information(hidden, labels, wrong)
    with pytest.raises(ValueError, match="labels must be 60 integers"):
        binned_information(hidden, labels[:-1])
    with pytest.raises(ValueError, match=r"hidden must be \(N, d\)"):
        binned_information(hidden[:, 0], labels)


def by_quadrature(hidden, noise):
    """I(X; h + σZ) for one unit, as entropy of the mixture minus that of the noise."""
    t = np.linspace(min(hidden) - 9 * noise, max(hidden) + 9 * noise, 20_001)
    density = np.mean([stats.norm.pdf(t, h, noise) for h in hidden], axis=0)
    bits = -np.trapezoid(density * np.log2(np.maximum(density, 1e-300)), t)
    return bits - stats.norm.entropy(scale=noise) / math.log(2)


@pytest.mark.parametrize("noise", [0.05, 0.2, 1.0])
def test_noisy_information_is_that_of_quadrature_and_lies_between_the_bounds(noise):
    hidden = np.random.default_rng(1).uniform(-1, 1, 12)
    exact = by_quadrature(hidden, noise)
    bits, error = noisy_information(jax.random.key(0), hidden[:, None], noise, 40_000)
    assert abs(bits - exact) < 4 * error < 0.05
    lower, upper = pair_bounds(np.outer(hidden, hidden), noise)
    assert lower < exact < upper < math.log2(12)
    assert lower > 0.4 * exact


def test_bounds_of_two_points_and_of_what_is_turned():
    for distance, noise in itertools.product((0.3, 2.0), (0.5, 1.0)):
        gram = np.diag([distance**2 / 2] * 2)
        wanted = [-math.log2((1 + math.exp(-(distance**2) / (c * noise**2))) / 2) for c in (8, 2)]
        np.testing.assert_allclose(pair_bounds(gram, noise), wanted)
    rng = np.random.default_rng(2)
    hidden = rng.normal(size=(9, 3))
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0][:3]
    np.testing.assert_allclose(pair_bounds(hidden @ hidden.T, 0.7), pair_bounds((h := hidden @ turn) @ h.T, 0.7))
    moved = hidden + np.array([1.0, 0, 2])
    np.testing.assert_allclose(pair_bounds(hidden @ hidden.T, 0.7), pair_bounds(moved @ moved.T, 0.7))
    for wrong in (np.ones((2, 3)), np.ones(3), np.triu(np.ones((3, 3)))):
        with pytest.raises(ValueError, match=r"gram must be square|must be symmetric"):
            pair_bounds(wrong, 0.1)


def test_the_task_of_the_icosahedron():
    x, y = icosahedron_bits()
    on = (x > 0).astype(int)
    np.testing.assert_array_equal(on @ (1 << np.arange(12)), np.arange(4096))
    np.testing.assert_array_equal(y, y[::-1])  # all bits flipped
    # neighbours among the vertices have the scalar product 1/√5, opposite ones −1: exact sums in the field of √5
    golden = (1 + 5**0.5) / 2
    corner = [(0.0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    vertices = np.array([np.roll(c, k) for k in range(3) for c in corner]) / math.hypot(1, golden)
    signs = np.round(vertices @ vertices.T * 5**0.5).astype(int)  # ±1, and ±2 for 1 and −1
    exact = []
    for word in on:
        s = signs[np.ix_(word == 1, word == 1)]
        exact.append((int(np.sum(s == 2)) - int(np.sum(s == -2)), int(np.sum(s == 1)) - int(np.sum(s == -1))))
    size = {pair: Fraction(pair[0]) + Fraction(pair[1]) * Fraction(5**0.5) / 5 for pair in set(exact)}
    values = sorted(size[pair] for pair in exact)
    median = (values[2047] + values[2048]) / 2
    np.testing.assert_array_equal(y, [int(size[pair] > median) for pair in exact])
    assert abs(float(median) - 2.2111) < 1e-4
