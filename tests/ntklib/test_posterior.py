"""The posterior: against scikit-learn's Gaussian process, exact fractions and the density; precision and refusals."""

import copy
import dataclasses
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF as SklearnRBF
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

from ntklib import _cholesky
from ntklib import posterior as module
from ntklib.kernels import RBF, Constant, Laplace, Polynomial
from ntklib.mlp import MLP
from ntklib.posterior import condition

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((30, 2)), RNG.standard_normal((7, 2))
Y = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(30)
TWO = np.c_[Y, X[:, 1] ** 2]


@pytest.fixture(params=[None, 7], ids=["whole", "in blocks"])
def block(request, monkeypatch):
    """The matrix is decomposed whole, or as one that is too large for OpenBLAS."""
    if request.param:
        monkeypatch.setattr(_cholesky, "_BLOCK", request.param)
        module._decomposed.clear_cache()
        yield
        module._decomposed.clear_cache()
    else:
        yield


@pytest.mark.parametrize("y", [Y, TWO], ids=["one", "two"])
def test_moments_and_evidence_are_those_of_scikit_learn(x64, block, y):
    posterior = condition(2.0 * RBF(0.7), X, y, 0.01)
    process = GaussianProcessRegressor(ConstantKernel(2.0) * SklearnRBF(0.7), alpha=0.01, optimizer=None).fit(X, y)
    mean, covariance = process.predict(X_TEST, return_cov=True)
    covariance = covariance if y is Y else covariance[..., 0]
    np.testing.assert_allclose(posterior.mean(X_TEST), mean, rtol=1e-9)
    np.testing.assert_allclose(posterior.covariance(X_TEST), covariance, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(posterior.variance(X_TEST), np.diag(covariance), rtol=1e-8)
    np.testing.assert_allclose(posterior.log_evidence, process.log_marginal_likelihood_value_, rtol=1e-11)
    np.testing.assert_allclose(posterior.coefficients, process.alpha_, rtol=1e-8)


def test_gradients_of_the_evidence_are_those_of_scikit_learn(x64, block):
    process = GaussianProcessRegressor(
        ConstantKernel(2.0) * SklearnRBF([0.7, 1.1]) + WhiteKernel(0.02), alpha=0, optimizer=None
    ).fit(X, TWO)
    evidence, wanted = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    kernel, noise = 2.0 * RBF(np.array([0.7, 1.1])), 0.02

    def of(kernel, noise):
        return condition(kernel, X, TWO, noise).log_evidence

    for function in (jax.value_and_grad(of, (0, 1)), jax.jit(jax.value_and_grad(of, (0, 1)))):
        value, slopes = function(kernel, noise)
        times = jax.tree.map(lambda number, slope: number * slope, (kernel, noise), slopes)  # of logarithms
        np.testing.assert_allclose(value, evidence, rtol=1e-12)
        np.testing.assert_allclose(np.hstack(jax.tree.leaves(times)), wanted, rtol=1e-8)


def test_the_evidence_of_a_network_can_be_climbed(x64):
    evidence = lambda mlp: condition(mlp.nngp, X, Y, 0.1).log_evidence  # noqa: E731
    mlp, h = MLP(depth=2, w_std=1.3, b_std=0.4), 1e-5
    slope = jax.grad(evidence)(mlp)
    for name in ("w_std", "b_std"):
        up, down = (evidence(dataclasses.replace(mlp, **{name: getattr(mlp, name) + step})) for step in (h, -h))
        np.testing.assert_allclose(getattr(slope, name), (up - down) / (2 * h), rtol=1e-6)
    gram = np.asarray(mlp.nngp(X)) + 0.1 * np.eye(30)
    np.testing.assert_allclose(evidence(mlp), multivariate_normal(np.zeros(30), gram).logpdf(Y), rtol=1e-11)


def test_three_points_on_a_line_in_fractions(x64):
    """Bayesian linear regression through the origin: k = x x', so the slope has variance 1/(1 + Σx²/σ²)."""
    x, y, noise = [1, 2, 4], [1, 3, 3], Fraction(1, 2)
    spread = 1 / (1 + sum(a * a for a in x) / noise)
    slope = spread * sum(a * b for a, b in zip(x, y, strict=True)) / noise
    posterior = condition(Polynomial(1, 0.0), np.array(x, float)[:, None], np.array(y, float), 0.5)
    at = np.array([[1.0], [-3.0]])
    np.testing.assert_allclose(posterior.mean(at), [float(slope), float(-3 * slope)], rtol=1e-13)
    factors = np.array([[1, -3], [-3, 9]])
    np.testing.assert_allclose(posterior.covariance(at), float(spread) * factors, rtol=1e-11)


def test_without_noise_it_goes_through_the_data_with_no_variance_there(dtype):
    x, y = jnp.asarray(X[:8], dtype), jnp.asarray(Y[:8], dtype)
    posterior = condition(MLP(depth=2, b_std=0.1).ntk, x, y, 0)
    eps = jnp.finfo(dtype).eps
    np.testing.assert_allclose(posterior.mean(x), y, atol=1e4 * eps)
    assert 0 <= posterior.variance(x).min() <= posterior.variance(x).max() < 1e3 * eps
    assert posterior.variance(jnp.asarray(X_TEST, dtype)).min() > 1e-3
    for array in (posterior.mean(x), posterior.variance(x), posterior.covariance(x), posterior.log_evidence):
        assert array.dtype == dtype


def test_variances_are_never_negative_and_covariances_symmetric(dtype):
    """At the data, without noise, a variance is nothing but rounding."""
    line = jnp.linspace(0, 1, 200, dtype=dtype)[:, None]
    posterior = condition(Laplace(0.5), line[::4], jnp.sin(line[::4, 0]), 0.0)
    raw = posterior.kernel.diagonal(line) - jnp.sum(posterior._whitened(line) ** 2, 0)
    assert raw.min() < 0  # without care it would be negative here
    covariance, variance = posterior.covariance(line), posterior.variance(line)
    assert variance.min() >= 0
    assert jnp.diag(covariance).min() >= 0
    assert jnp.array_equal(covariance, covariance.T)
    np.testing.assert_allclose(jnp.diag(covariance), variance, atol=1e2 * jnp.finfo(dtype).eps)
    assert jnp.isfinite(posterior.sample(jax.random.key(0), line, 3)).all()


@pytest.mark.parametrize("y", [Y, TWO], ids=["one", "two"])
def test_draws_have_the_moments_of_the_posterior(x64, y):
    posterior = condition(Laplace(0.8), X, y, 0.05)
    draws = posterior.sample(jax.random.key(0), X_TEST, 20_000)
    assert draws.shape == (20_000, 7, *y.shape[1:])
    covariance = posterior.covariance(X_TEST)
    error = np.sqrt(np.diag(covariance) / 20_000)
    for k in range(draws[0].size // 7):
        each = draws.reshape(20_000, 7, -1)[..., k]
        assert (np.abs(each.mean(0) - posterior.mean(X_TEST).reshape(7, -1)[:, k]) < 5 * error).all()
        scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
        assert (np.abs(np.cov(each.T) - covariance) / scale).max() < 5 * (2 / 20_000) ** 0.5
    if y is TWO:
        assert np.abs(np.corrcoef(draws[:, 0, 0], draws[:, 0, 1])[0, 1]) < 5 / 20_000**0.5
    assert np.array_equal(draws, posterior.sample(jax.random.key(0), X_TEST, 20_000))
    assert posterior.sample(jax.random.key(0), X_TEST, 0).shape == (0, 7, *y.shape[1:])


def test_a_posterior_holds_copies(x64):
    x, y, scales = X.copy(), Y.copy(), np.array([0.7, 1.1])
    kernel = RBF(scales)
    posterior = condition(kernel, x, y, 0.1)
    before = [posterior.mean(X_TEST), posterior.variance(X_TEST), posterior.log_evidence]
    before = copy.deepcopy([np.asarray(each) for each in before])
    for array in (x, y, scales):
        array[:] = 5.0
    after = [posterior.mean(X_TEST), posterior.variance(X_TEST), posterior.log_evidence]
    for a, b in zip(after, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_posterior_goes_through_jit_and_vmap(x64):
    posterior = jax.jit(condition)(RBF(0.7), X, Y, 0.1)
    plain = condition(RBF(0.7), X, Y, 0.1)
    mean = jax.jit(lambda posterior, x: posterior.mean(x))(posterior, X_TEST)
    np.testing.assert_allclose(mean, plain.mean(X_TEST), rtol=1e-10)
    scales = jnp.array([0.5, 0.7])
    evidence = jax.vmap(lambda scale: condition(RBF(scale), X, Y, 0.1).log_evidence)(scales)
    np.testing.assert_allclose(evidence[1], plain.log_evidence, rtol=1e-12)


def test_a_singular_matrix_is_refused_and_while_tracing_all_is_nan(block, dtype):
    x, y = jnp.asarray(np.r_[X[:5], X[:1]], dtype), jnp.asarray(Y[:6], dtype)
    for noise in (0, 0.0, float(jnp.finfo(dtype).eps)):
        with pytest.raises(ValueError, match=rf"noise must be larger: .*singular to rounding in {dtype.name}; compute"):
            condition(RBF(), x, y, noise)
    with pytest.raises(ValueError, match="noise must be larger"):
        jax.grad(lambda kernel: condition(kernel, x, y, 0.0).log_evidence)(RBF())
    assert jnp.isnan(jax.jit(lambda noise: condition(RBF(), x, y, noise).log_evidence)(0.0))
    assert jnp.isnan(jax.jit(lambda noise: condition(RBF(), x, y, noise).mean(x))(0.0)).all()
    assert jnp.isfinite(condition(RBF(), x, y, 100 * jnp.finfo(dtype).eps).log_evidence)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"kernel": MLP()},
            "kernel must be .*Kernel, got MLP.* two kernels: pass its .ntk or its .nngp",
        ),
        ({"kernel": MLP}, r"got the class MLP; .* two kernels: pass MLP\(\.\.\.\).ntk or MLP\(\.\.\.\).nngp"),
        ({"kernel": RBF}, r"got the class RBF; make one of the class: RBF\(\.\.\.\)"),
        ({"kernel": "rbf"}, "kernel must be an ntklib.kernels.Kernel, got 'rbf'$"),
        ({"x": X[:, 0]}, r"x must have shape \(n, d\), got \(30,\)"),
        ({"x": X.astype(int)}, "x must have a real floating dtype, got int"),
        ({"y": Y[:-1]}, r"y must have shape \(30,\) or \(30, k\) .*, got \(29,\)"),
        ({"y": Y[:, None, None]}, r"y must have shape .*, got \(30, 1, 1\)"),
        ({"y": Y > 0}, "y must have a real floating dtype, got bool"),
        ({"x": X[:0], "y": Y[:0]}, r"y must have shape \(0,\) or \(0, k\) with n > 0"),
        ({"noise": -1e-3}, "noise must be finite and not negative, got -0.001"),
        ({"noise": np.nan}, "noise must be finite and not negative, got nan"),
        ({"noise": np.ones(30)}, r"noise must be .*, a number, got float64 of shape \(30,\)"),
        ({"noise": "small"}, "noise must be finite and not negative, a number, got 'small'"),
        ({"y": np.where(Y > 1, np.nan, Y)}, r"y must be finite, got nan at \[\d+\], and \d+ more"),
        ({"kernel": Polynomial(50), "x": 1e10 * X}, "x, y and the kernel at x must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(x64, arguments, message):
    with pytest.raises(ValueError, match=message):
        condition(**{"kernel": RBF(), "x": X, "y": Y, "noise": 0.1} | arguments)


def test_inputs_of_other_dimensions_are_refused():
    posterior = condition(Constant(1.0) + RBF(), X, Y, 0.1)
    for method in (posterior.mean, posterior.variance, posterior.covariance):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 2\), got \(7, 1\)"):
            method(X_TEST[:, :1])
    with pytest.raises(ValueError, match="n must be an integer of at least 0, got -1"):
        posterior.sample(jax.random.key(0), X_TEST, -1)
