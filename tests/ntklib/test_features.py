"""Random features: unbiased, with the variances that the docstrings give; the same for every set of points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib.features import random_fourier, random_relu
from ntklib.kernels import RBF, ArcCosine

X = np.random.default_rng(0).standard_normal((6, 3))


def draws(features, x, count, n_features, **options):
    """Products of the features of x with themselves, (count, n, n)."""
    keys = jax.random.split(jax.random.key(1), count)
    z = jax.vmap(lambda key: features(key, x, n_features, **options))(keys)
    return np.asarray(z @ jnp.swapaxes(z, 1, 2))


@pytest.mark.parametrize("phase", [False, True])
def test_fourier_features_have_the_mean_and_the_variance_of_the_theorem(x64, phase):
    scale, n_features, count = np.array([0.8, 1.5, 2.0]), 20, 20_000
    products = draws(random_fourier, X, count, n_features, lengthscale=scale, phase=phase)
    kernel, doubled = np.asarray(RBF(scale)(X)), np.asarray(RBF(scale / 2)(X))  # k(Δ) and k(2Δ)
    variance = (1 + doubled / 2 - kernel**2 if phase else 1 + doubled - 2 * kernel**2) / n_features
    np.testing.assert_array_less(np.abs(products.mean(0) - kernel), 5 * np.sqrt(variance / count) + 1e-12)
    # the standard error of the variance is at most 1 % here
    np.testing.assert_allclose(products.var(0), variance, rtol=0.05, atol=1e-12)


def test_pairs_have_norm_one_and_phases_do_not(x64):
    key = jax.random.key(0)
    np.testing.assert_allclose((random_fourier(key, X, 8) ** 2).sum(1), 1, rtol=1e-14)
    assert np.ptp((random_fourier(key, X, 8, phase=True) ** 2).sum(1)) > 0.1


@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_relu_features_average_to_the_arc_cosine_kernel(x64, bias):
    products = draws(random_relu, X, 1000, 20, bias=bias)
    error = products.std(0) / np.sqrt(len(products))
    np.testing.assert_array_less(np.abs(products.mean(0) - ArcCosine(1, bias)(X)), 5 * error)


@pytest.mark.parametrize("options", [{}, {"phase": True}])
def test_the_key_decides_and_each_point_counts_for_itself(options):
    key, x = jax.random.key(3), jnp.asarray(X, jnp.float32)
    whole = random_fourier(key, x, 8, **options)
    parts = jnp.concatenate([random_fourier(key, x[:3], 8, **options), random_fourier(key, x[3:], 8, **options)])
    np.testing.assert_allclose(whole, parts, atol=2e-6)
    assert not np.allclose(whole, random_fourier(jax.random.key(4), x, 8, **options))


def test_a_cosine_and_its_sine_share_a_frequency(x64):
    z = np.asarray(random_fourier(jax.random.key(0), X, 10))
    np.testing.assert_allclose(z[:, :5] ** 2 + z[:, 5:] ** 2, 2 / 10, rtol=1e-13)


def test_dtype_and_shape(dtype):
    x = jnp.asarray(X, dtype)
    for z in (
        random_fourier(jax.random.key(0), x, 4, lengthscale=np.float64(2)),
        random_fourier(jax.random.key(0), x, 4, phase=True),
        random_relu(jax.random.key(0), x, 4, bias=np.float64(0.5)),
    ):
        assert z.dtype == dtype
        assert z.shape == (6, 4)


def test_features_can_be_differentiated_in_points_and_length_scale(x64):
    value = lambda x, scale: random_fourier(jax.random.key(0), x, 6, lengthscale=scale).sum()  # noqa: E731
    by_points, by_scale = jax.jit(jax.grad(value, (0, 1)))(X, 0.9)
    numeric = (value(X, 0.9 + 1e-6) - value(X, 0.9 - 1e-6)) / 2e-6
    np.testing.assert_allclose(by_scale, numeric, rtol=1e-7)
    assert np.isfinite(by_points).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda key: random_fourier(key, X, 5), "n_features must be even, for pairs .* got 5"),
        (lambda key: random_fourier(key, X, 0), "n_features must be an integer of at least 1, got 0"),
        (lambda key: random_fourier(key, X, 2.5), "n_features must be an integer of at least 1, got 2.5"),
        (lambda key: random_fourier(key, X, 4, lengthscale=0.0), "lengthscale must be finite and positive"),
        (lambda key: random_fourier(key, X, 4, lengthscale=[1.0, 2.0]), r"lengthscale must be .* shape \(3,\)"),
        (lambda key: random_fourier(key, X[0], 4), r"x must have shape \(n, d\), got \(3,\)"),
        (lambda key: random_relu(key, X, True), "n_features must be an integer of at least 1, got True"),
        (lambda key: random_relu(key, X, 4, bias=-1.0), "bias must be finite and not negative, got -1.0"),
        (lambda key: random_relu(key, X.astype(int), 4), "x must have a real floating dtype"),
    ],
)
def test_what_gives_no_features_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(jax.random.key(0))
