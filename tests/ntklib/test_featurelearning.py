"""The span against least squares, the gap against all corners of a cube, the after kernel against scikit-learn."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from ntklib import data
from ntklib.dynamics import gradient_descent, scaled
from ntklib.featurelearning import after_kernel, fourier_gap, span_error
from ntklib.kernels import RBF
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk

CUBE = np.array(list(itertools.product([1.0, -1.0], repeat=7)))
PAIRS = np.stack([CUBE[:, list(s)].prod(1) for s in itertools.combinations(range(7), 2)], 1)


@pytest.mark.parametrize("n", [1, 5, 20])
def test_span_error_is_the_residual_of_least_squares(x64, n):
    columns = np.asarray(RBF(lengthscale=2.0)(CUBE, CUBE[:n]))
    for function, error in zip(PAIRS.T, span_error(columns, PAIRS), strict=True):
        fitted = columns @ np.linalg.lstsq(columns, function, rcond=None)[0]
        assert error == pytest.approx(np.mean((function - fitted) ** 2), abs=1e-10)


def test_the_mean_over_orthonormal_functions_is_at_least_what_bessel_says(x64):
    for n in (1, 7, 14, 21, 40):
        some = np.random.default_rng(n).standard_normal((len(CUBE), n))
        assert span_error(some, PAIRS).mean() >= 1 - n / 21
        assert span_error(PAIRS[:, :n], PAIRS).mean() == pytest.approx(max(0, 1 - n / 21))  # where it is attained


def test_a_repeated_column_adds_nothing(x64):
    column = PAIRS[:, :1] + CUBE[:, :1]
    np.testing.assert_allclose(span_error(np.hstack([column] * 3), PAIRS), span_error(column, PAIRS), atol=1e-12)
    np.testing.assert_allclose(span_error(np.zeros((4, 2)), np.ones((4, 1))), 1.0)


@pytest.mark.parametrize("d", [3, 5, 7, 9])
def test_the_gap_is_that_over_all_corners_and_has_its_closed_form(d):
    corners = np.array(list(itertools.product([1, -1], repeat=d)))
    for k in range(2, d, 2):
        for weights in (np.ones(d, int), np.where(np.arange(d) % 3 == 0, -1, 1)):
            pushes = (corners[:, :k].prod(1) * (corners @ weights > 0)) @ corners * weights  # the gradient, times w_i
            assert len(set(pushes[:k])) == 1
            assert len(set(pushes[k:])) == 1
            assert Fraction(int(pushes[-1]), int(pushes[0])) == fourier_gap(d, k)
        assert fourier_gap(d, k) == Fraction(-(k - 1), d - k)


@pytest.mark.parametrize("shape", ["(n,)", "(n, k)"])
def test_the_after_kernel_is_kernel_ridge_regression(x64, shape):
    mlp = MLP(depth=1, activation="erf")
    params = mlp.init(jax.random.key(0), 3, 5)
    rng = np.random.default_rng(0)
    x, x_test = rng.standard_normal((6, 3)), rng.standard_normal((4, 3))
    y = rng.standard_normal(6 if shape == "(n,)" else (6, 2))
    kernel, cross = empirical_ntk(mlp.apply, params, x), empirical_ntk(mlp.apply, params, x_test, x)
    ridge = 0.1 * np.trace(kernel) / 6
    oracle = KernelRidge(alpha=ridge, kernel="precomputed").fit(kernel, y).predict(cross)
    np.testing.assert_allclose(after_kernel(mlp.apply, params, x, x_test, y, ridge=0.1), oracle, atol=1e-10)


def test_a_kernel_without_a_ridge_that_is_singular_is_refused():
    with pytest.raises(ValueError, match="singular with ridge = 0"):
        after_kernel(lambda w, x: x @ w, jnp.ones((2, 1)), np.zeros((2, 2)), np.ones((1, 2)), np.ones(2), ridge=0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fourier_gap(4, 2), "d must be odd, got 4"),
        (lambda: fourier_gap(7, 3), "k must be even and at most 6 for d = 7, got 3"),
        (lambda: fourier_gap(7, 8), "k must be even and at most 6"),
        (lambda: span_error(np.ones((3, 1)), np.ones((2, 1))), r"functions must have shape \(3, M\)"),
        (lambda: data.parity(5, 2, 1), "n and n_test must be at most 4 together"),
        (lambda: data.parity(5, 4, 5), "k must be"),
    ],
)
def test_wrong_numbers(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parity_points_are_all_different_and_have_the_product_of_their_first_bits():
    sample = data.parity(500, 10, 3, seed=2, n_test=524)  # the whole cube
    both = np.concatenate([sample.x_train, sample.x_test])
    assert len(np.unique(both, axis=0)) == 1024
    assert set(np.unique(both)) == {-1.0, 1.0}
    np.testing.assert_array_equal(np.r_[sample.y_train, sample.y_test], both[:, 0] * both[:, 1] * both[:, 2])
    assert not np.array_equal(sample.x_train, data.parity(500, 10, 3, seed=3, n_test=524).x_train)


def test_a_scaled_network_is_trained_as_the_plain_one_on_scaled_targets(x64):
    mlp, alpha, rate = MLP(depth=1, activation="erf"), 4.0, 0.3
    x, y = np.random.default_rng(0).standard_normal((5, 3)), np.arange(5.0)
    start = mlp.init(jax.random.key(0), 3, 8)
    lazy = scaled(mlp.apply, start, alpha)
    one = gradient_descent(lazy, start, x, y, learning_rate=rate / alpha**2, steps=20)
    targets = mlp.apply(start, x)[:, 0] + y / alpha
    other = gradient_descent(mlp.apply, start, x, targets, learning_rate=rate, steps=20)
    for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert float(abs(one.outputs[0]).max()) == 0
    np.testing.assert_allclose(empirical_ntk(lazy, start, x), alpha**2 * empirical_ntk(mlp.apply, start, x), rtol=1e-10)
