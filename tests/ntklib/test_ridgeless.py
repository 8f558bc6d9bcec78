"""The risk of the least-norm fit, against fits that are drawn; the ranks, against their definition.

The effective ridge is held against a root finder of scipy, and what it is for against projectors that are drawn.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from ntklib.ridgeless import effective_ranks, effective_ridge, ridgeless_risk


@pytest.mark.parametrize(("n", "p", "dim"), [(20, 5, 30), (20, 12, 12), (20, 30, 40), (12, 40, 40)])
def test_the_risk_is_the_mean_over_fits(n, p, dim):
    rng = np.random.default_rng(n + p)
    beta = rng.standard_normal(dim)
    beta /= np.linalg.norm(beta)
    x = rng.standard_normal((20_000, n, dim))
    y = x @ beta + 0.5 * rng.standard_normal((20_000, n))
    fit = (np.linalg.pinv(x[:, :, :p]) @ y[..., None])[..., 0]
    risks = np.sum((fit - beta[:p]) ** 2, 1) + np.sum(beta[p:] ** 2) + 0.25
    seen = float(np.sum(beta[:p] ** 2))
    exact = ridgeless_risk(n, p, signal=seen, rest=1 - seen, noise=0.25)
    assert abs(risks.mean() - exact) < 5 * risks.std() / math.sqrt(len(risks))


def test_the_risk_is_infinite_at_the_peak_and_only_there():
    risks = [ridgeless_risk(10, p, signal=1.0, noise=0.1) for p in range(7, 14)]
    assert [math.isinf(risk) for risk in risks] == [False, False, True, True, True, False, False]


def test_without_noise_nothing_is_missed_but_what_is_not_spanned():
    risks = [ridgeless_risk(10, p, signal=3.0, noise=0.0) for p in (5, 9, 10, 11, 30)]
    np.testing.assert_allclose(risks, [0, 0, 0, 3 / 11, 2])


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 10))
def test_effective_ranks_are_those_of_the_definition(values, n):
    ordered = sorted((Fraction(value) for value in values), reverse=True)
    wanted = None
    for k in range(len(ordered)):
        after = ordered[k:]
        if sum(after) / after[0] >= n:
            wanted = k, float(sum(after) / after[0]), float(sum(after) ** 2 / sum(v**2 for v in after))
            break
    found = effective_ranks(np.random.default_rng(0).permutation(values), n)
    assert found == wanted if wanted is None else found == pytest.approx(wanted)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12), st.integers(1, 11))
def test_the_effective_ridge_is_the_root_of_its_equation(values, p):
    found, d = effective_ridge(values, p), np.array(values)
    if p >= len(values):
        assert found == 0
        return
    root = brentq(lambda ridge: np.sum(d / (d + ridge)) - p, 0, np.sum(d) / p, xtol=1e-300, rtol=1e-12)
    assert found == pytest.approx(root, rel=1e-8)


@pytest.mark.parametrize("p", [5, 12, 20])
def test_the_mean_fit_with_few_features_is_nearly_ridge_regression(p):
    rng = np.random.default_rng(p)
    d = 1 / np.arange(1, 31)
    q, _ = np.linalg.qr(rng.standard_normal((3000, 30, p)) * d[:, None] ** 0.5)
    factors = np.mean(np.sum(q**2, 2), 0)
    assert factors.sum() == pytest.approx(p)
    ridge = effective_ridge(d, p)
    off = np.abs(factors - d / (d + ridge)).max()
    assert off < 0.03
    assert np.abs(factors - d / (d + 2 * ridge)).max() > 3 * off  # another ridge would be seen


def test_as_many_features_as_examples_are_no_ridge():
    assert effective_ridge([3.0, 1.0, 0.1], 3) == effective_ridge([3.0, 1.0, 0.1], 50) == 0
    assert effective_ridge([1e-150, 1e-150, 1e-150], 2) == pytest.approx(5e-151)
