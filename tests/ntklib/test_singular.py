"""Kernel matrices that are singular, or nearly so: everything that solves with one, against a pseudo-inverse.

Of equal points, points that nearly are, and kernels of low rank. The right answer without a ridge is the solution of
least norm among those that fit best, or an error.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib import dynamics, iterative, learnability, posterior
from ntklib.estimators import (
    KernelClassifier,
    KernelRegressor,
    RelevanceVectorClassifier,
    RelevanceVectorRegressor,
)
from ntklib.kernels import RBF, Constant, Polynomial
from ntklib.mlp import MLP

pytestmark = pytest.mark.filterwarnings("ignore:Singular matrix")

RNG = np.random.default_rng(0)
FIVE_TIMES = np.repeat(RNG.standard_normal((12, 3)), 5, axis=0)
NEARLY = FIVE_TIMES + 1e-9 * RNG.standard_normal(FIVE_TIMES.shape)
MANY = RNG.standard_normal((600, 3))
NEW = RNG.standard_normal((20, 3))
DEEP = MLP(depth=2, b_std=0.1)

CASES = {  # kernel, points, rank
    "equal points": (RBF(1.0), FIVE_TIMES, 12),
    "equal points, network": (DEEP.ntk, FIVE_TIMES, 12),
    "points 1e-9 apart": (RBF(1.0), NEARLY, 12),
    "constant": (Constant(1.0), FIVE_TIMES, 1),
    "constant, 600 points": (Constant(1.0), MANY, 1),
    "rank one, 600 points": (Polynomial(1, 0.0), MANY[:, :1], 1),
    "a line, network": (MLP(depth=2).ntk, MANY[:300, :1], 2),
    "quadratic": (Polynomial(2, 1.0), MANY[:300], 10),
    "zero": (Constant(0.0), FIVE_TIMES, 0),
}


@pytest.fixture(scope="module", autouse=True)
def in_64_bits():
    with jax.enable_x64(True):
        yield


def problem(case, dtype="float64"):
    """Kernel, points, targets, new points; and the coefficients of least norm and what they predict, in 64 bits."""
    kernel, points, rank = CASES[case]
    x, new = points.astype(dtype), NEW[:, : points.shape[1]].astype(dtype)
    y = (np.sin(np.linspace(0, 7, len(x))) + 0.1 * np.random.default_rng(1).standard_normal(len(x))).astype(dtype)
    gram = np.asarray(kernel(x.astype(float)))
    inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    assert np.linalg.matrix_rank(gram, tol=1e-10 * np.abs(gram).max(), hermitian=True) == rank
    coefficients = inverse @ y
    return kernel, x, y, new, coefficients, np.asarray(kernel(new.astype(float), x.astype(float))) @ coefficients


def by_flow(kernel, x, y, new):
    return dynamics.gradient_flow(kernel(x), y, jnp.inf, kernel_test=kernel(new, x))


def by_flow_that_is_late(kernel, x, y, new):
    return dynamics.gradient_flow(kernel(x), y, 1e25, kernel_test=kernel(new, x))


def by_regressor(kernel, x, y, new):
    return KernelRegressor(kernel, ridge=0.0).fit(x, y).predict(new)


def by_regressor_with_weights(kernel, x, y, new):
    return KernelRegressor(kernel, ridge=0.0).fit(x, y, sample_weight=np.full(len(x), 2.0)).predict(new)


def by_classifier(kernel, x, y, new):
    """On signs: of these the least-norm solution is asked for below."""
    return KernelClassifier(kernel, ridge=0.0).fit(x, y > 0).decision_function(new)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("solve", "dtype", "tolerance"),
    [
        (by_flow, "float64", 1e-11),
        (by_flow, "float32", 1e-4),
        (by_flow_that_is_late, "float64", 1e-11),
        (by_regressor, "float64", 1e-11),
        (by_regressor_with_weights, "float64", 1e-11),
        (by_classifier, "float64", 1e-11),
    ],
)
def test_without_a_ridge_the_solution_is_the_one_of_least_norm(case, solve, dtype, tolerance):
    kernel, x, y, new, coefficients, want = problem(case, dtype)
    if solve is by_classifier:
        gram = np.asarray(kernel(x))
        want = np.asarray(kernel(new, x)) @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ np.where(y > 0, 1, -1)
    got = np.asarray(solve(kernel, x, y, new), float)
    np.testing.assert_allclose(got, want, atol=tolerance * max(1, np.abs(coefficients).max()), rtol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_the_coefficients_of_a_flow_are_no_larger_than_the_least(case, dtype):
    kernel, x, y, _, coefficients, _ = problem(case, dtype)
    gram = kernel(x)
    got = dynamics._integral(gram, jnp.asarray(y)[:, None], jnp.array([jnp.inf], dtype), jnp.zeros((), dtype))
    assert np.linalg.norm(got) <= 1.001 * np.linalg.norm(coefficients)


@pytest.mark.parametrize(
    ("mlp", "x"), [(DEEP, FIVE_TIMES), (MLP(depth=2), MANY[:300, :1]), (MLP(depth=1, activation="erf"), FIVE_TIMES)]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 3e-4)])
def test_moments_of_an_ensemble_are_those_of_a_pseudo_inverse(mlp, x, dtype, tolerance):
    new, y = NEW[:, : x.shape[1]].astype(dtype), np.sin(np.linspace(0, 7, len(x))).astype(dtype)
    x = x.astype(dtype)
    mean, covariance = dynamics.ensemble_moments(mlp, x, y, new, jnp.inf)
    wide, wide_new = x.astype(float), new.astype(float)
    a = np.asarray(mlp.ntk(wide_new, wide)) @ np.linalg.pinv(np.asarray(mlp.ntk(wide)), rcond=1e-10, hermitian=True)
    mixed = a @ np.asarray(mlp.nngp(wide_new, wide)).T
    want = np.asarray(mlp.nngp(wide_new)) - mixed - mixed.T + a @ np.asarray(mlp.nngp(wide)) @ a.T
    np.testing.assert_allclose(mean, a @ y, atol=tolerance * max(1, np.abs(a).max()))
    np.testing.assert_allclose(covariance, want, atol=tolerance * float(mlp.nngp(wide_new).max()))


@pytest.mark.parametrize("case", CASES)
def test_learnabilities_sum_to_the_rank_or_32_bits_refuse(case):
    kernel, points, rank = CASES[case]
    n = len(points)
    basis = np.sqrt(n) * np.linalg.qr(np.random.default_rng(2).standard_normal((n, n)))[0]
    found = learnability.learnability(kernel(points), np.arange(n), basis)
    assert float(found.sum()) == pytest.approx(rank, abs=1e-9)
    with pytest.raises(ValueError, match="in float32 this solve loses the answer"):
        learnability.learnability(kernel(points.astype("float32")), np.arange(n), basis.astype("float32"))
    if rank:
        values = learnability.eigenmodes(kernel(points))[0]
        assert float(learnability.predict(values, 10 * n).learnabilities.sum()) == pytest.approx(rank, abs=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_a_posterior_without_noise_is_refused(case, dtype):
    kernel, x, y, *_ = problem(case, dtype)
    with pytest.raises(ValueError, match=rf"noise must be larger: .* singular to rounding in {dtype}"):
        posterior.condition(kernel, x, y, noise=0.0)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("case", CASES)
def test_draws_from_a_posterior_are_the_same_at_equal_points(case, dtype, tolerance):
    kernel, x, y, new, *_ = problem(case, dtype)
    found = posterior.condition(kernel, x, y, noise=0.5)
    twice = np.repeat(new, 2, axis=0)
    draws = np.asarray(found.sample(jax.random.key(0), twice, 4000), float)
    scale = max(1.0, float(np.asarray(kernel.diagonal(new)).max()) ** 0.5)
    assert np.abs(draws[:, ::2] - draws[:, 1::2]).max() <= tolerance * scale
    want = np.asarray(found.covariance(new), float)
    assert np.abs(np.cov(draws[:, ::2].T) - want).max() <= 0.1 * np.abs(want).max()


@pytest.mark.parametrize("landmarks", [None, 1, 60])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_conjugate_gradients_solve_with_a_ridge_above_rounding_and_refuse_one_below(case, dtype, landmarks):
    kernel, x, y, *_ = problem(case, dtype)
    gram = np.asarray(kernel(x.astype(float)))
    largest, eps = np.linalg.eigvalsh(gram)[-1], float(np.finfo(dtype).eps)
    ridge = 1000 * eps * max(largest, 1.0)
    found = iterative.solve_cg(kernel, x, y, ridge, landmarks=landmarks, tol=1e-2, max_iter=500)
    assert np.linalg.norm(found.coefficients) <= 1.1 * np.linalg.norm(y) / ridge
    moderate = 1e-4 * max(largest, 1.0)
    found = iterative.solve_cg(kernel, x, y, moderate, landmarks=landmarks, max_iter=500)
    want = np.linalg.solve(gram + moderate * np.eye(len(x)), y.astype(float))
    np.testing.assert_allclose(found.coefficients, want, atol=3e4 * eps * np.abs(want).max() + 1e-5 / moderate * eps)
    if largest > 0:
        with pytest.raises(ValueError, match=f"in {dtype} this solve loses the answer"):
            iterative.solve_cg(kernel, x, y, eps * largest, landmarks=landmarks, max_iter=500)


@pytest.mark.parametrize("case", [case for case in CASES if case != "zero"])
def test_classes_without_a_ridge_are_as_probable_as_with_a_small_one(case):
    kernel, x, *_ = problem(case)
    labels = np.random.default_rng(3).random(len(x)) < 0.5 + 0.3 * np.sign(x[:, 0])
    small = 1e-9 * np.linalg.eigvalsh(np.asarray(kernel(x)))[-1]
    slopes = [KernelClassifier(kernel, ridge=ridge).fit(x, labels).slope_ for ridge in (0.0, small)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_relevance_vectors_of_a_singular_design_are_independent(case):
    kernel, x, y, new, *_ = problem(case)
    gram = np.asarray(kernel(x))
    for machine, targets in ((RelevanceVectorRegressor(kernel), y), (RelevanceVectorClassifier(kernel), y > 0)):
        model = machine.fit(x, targets)
        kept = gram[:, model.relevance_] / np.linalg.norm(gram[:, model.relevance_], axis=0)
        if kept.size:  # none of them lies in the span of the others
            assert np.linalg.svd(kept, compute_uv=False)[-1] > 1e-5
        assert len(model.relevance_) <= CASES[case][2]
        assert np.isfinite(model.predict(new).astype(float)).all()
        outputs = kept @ (np.ravel(model.coef_) * np.linalg.norm(gram[:, model.relevance_], axis=0))
        assert np.abs(outputs).max(initial=0) < 1e3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_largest_eigenvalue_that_the_landmarks_do_not_show_is_seen_in_the_products(dtype):
    kernel, x = RBF(2.0), MANY[:300].astype(dtype)
    largest = np.linalg.eigvalsh(np.asarray(kernel(x), float))[-1]
    shown = np.linalg.norm(iterative.nystrom(kernel, x, 1)) ** 2
    assert shown < 0.8 * largest
    ridge = 100 * float(np.finfo(dtype).eps) * (0.5 * shown + 0.5 * largest)
    with pytest.raises(ValueError, match=f"in {dtype} this solve loses the answer"):
        iterative.solve_cg(kernel, x, np.ones(300, dtype), ridge, landmarks=1, tol=1e-2, max_iter=2000)
