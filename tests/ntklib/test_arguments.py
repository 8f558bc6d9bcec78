"""Is no argument ignored, nothing changed in silence, and nothing in the way of JAX's transformations?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from argument_kinds import NETWORK, X, Y, params
from sklearn.base import clone

from ntklib import _validation, estimators, kernels
from ntklib.dynamics import ensemble_moments, gradient_descent, gradient_flow
from ntklib.gram import gram
from ntklib.iterative import matmul, solve_cg
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk, linearize

EVERY = [
    estimators.KernelRegressor(),
    estimators.KernelClassifier(),
    estimators.RelevanceVectorRegressor(),
    estimators.RelevanceVectorClassifier(),
]
LABELS = [0, 1, 0, 1]
HOLES = np.where(np.eye(4, 2) > 0, np.nan, X)


def targets(estimator):
    return LABELS if hasattr(estimator, "predict_proba") or "Classifier" in type(estimator).__name__ else Y


@pytest.mark.parametrize("estimator", EVERY, ids=lambda estimator: type(estimator).__name__)
def test_a_length_scale_that_no_kernel_would_use_is_refused(estimator):
    for kernel in (kernels.RBF(0.5), NETWORK.ntk, "precomputed"):
        with pytest.raises(ValueError, match=r"lengthscale is of the kernels with a name, got 2\.0 with kernel="):
            clone(estimator).set_params(kernel=kernel, lengthscale=2.0).fit(X[:, [0, 1, 0, 1]], targets(estimator))
    left_out = clone(estimator).set_params(kernel=kernels.RBF(0.5), lengthscale=1.0)
    left_out.fit(X, targets(estimator))


def test_bounds_of_a_leaf_that_cannot_be_tuned_are_refused():
    with pytest.raises(ValueError, match=r"leaf_bounds of b_std must be left out or 'fixed', got \(0\.1, 1\.0\)"):
        _ = estimators.SklearnKernel(MLP().ntk, {"b_std": (0.1, 1.0)}).hyperparameters
    assert estimators.SklearnKernel(MLP().ntk, {"b_std": "fixed"}).n_dims == 1
    with pytest.raises(ValueError, match=r"b_std_bounds must be left out or 'fixed', got \(0\.1, 1\.0\): .* zero"):
        _ = estimators.NTK(b_std=0.0, b_std_bounds=(0.1, 1.0)).hyperparameters
    assert estimators.NTK(b_std=0.0).n_dims == estimators.NTK(b_std=0.0, b_std_bounds="fixed").n_dims == 1


def test_what_a_call_would_not_look_at_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"y must have shape \(4, 3\) for a network of so many outputs, got \(4,\)"):
        ensemble_moments(MLP(out_dim=3), X, Y, X, 1.0)
    with pytest.raises(ValueError, match=r"path is for a matrix with entries, got .* for one of shape \(0, 4\)"):
        gram(kernels.RBF(), X[:0], X, path=tmp_path / "gram.npy")
    with pytest.raises(ValueError, match="max_bytes must be an integer of at least 2560, got 100"):
        matmul(kernels.RBF(), X, None, Y, max_bytes=100)
    with pytest.raises(ValueError, match="landmarks must be an integer from 1 to 4, got 5"):
        solve_cg(kernels.RBF(), X, Y, 1.0, landmarks=5)
    with pytest.raises(ValueError, match=r"kernel must be one of JAX, .* got NTK\(depth=1, .* pass MLP\(\.\.\.\)\.ntk"):
        gram(estimators.NTK(), X)


@pytest.mark.parametrize("estimator", EVERY, ids=lambda estimator: type(estimator).__name__)
def test_an_estimator_makes_nothing_else_of_what_it_is_given(estimator):
    texts = X.astype(str)
    for wrong in (texts, texts.tolist()):
        with pytest.raises(ValueError, match=r"X must be a matrix of numbers .*: could not convert string to float"):
            clone(estimator).fit(wrong, targets(estimator))
    with pytest.raises(ValueError, match="X must be an array without masked entries, got 2 of them"):
        clone(estimator).fit(np.ma.masked_invalid(HOLES), targets(estimator))
    if targets(estimator) is LABELS:
        for mixed in ([0, "a", 0, "a"], np.array([0, "a", 0, "a"], object)):
            with pytest.raises(ValueError, match="y must hold labels of one type, got int and str"):
                clone(estimator).fit(X, mixed)


def test_targets_whose_squares_are_no_numbers_are_refused_and_smaller_ones_fitted():
    machine = estimators.RelevanceVectorRegressor()
    for scale in (1e170, 1e-200):
        with pytest.raises(ValueError, match=r"y must have a largest entry from 1e-150 to 1e150, .* got 1e.(170|200)"):
            machine.fit(X, scale * Y.astype(float))
    _, one = machine.fit(X, Y.astype(float)).predict(X, return_std=True)
    for scale in (1e149, 1e-149):
        _, std = machine.fit(X, scale * Y.astype(float)).predict(X, return_std=True)
        np.testing.assert_allclose(std / scale, one, rtol=1e-6)


def test_nan_is_named_where_it_is_known_and_passes_where_jax_traces():
    """A loop that diverges is compiled with everything around it, and stays a loop that diverges."""
    kernel, theta, far = kernels.RBF(), kernels.RBF()(X), jnp.asarray(HOLES)
    for name, call in {
        "x1": lambda x: kernel(x),
        "x": lambda x: NETWORK.apply(params(), x),
        "kernel": lambda x: gradient_flow(theta * x[0, 0], Y, 1.0),
        "y": lambda x: gradient_flow(theta, Y * x[0, 0], 1.0),
        "params": lambda x: empirical_ntk(NETWORK.apply, jax.tree.map(lambda leaf: leaf * x[0, 0], params()), X),
    }.items():
        with pytest.raises(ValueError, match=rf"^{name}\S* must be finite, got nan at \[\d(, \d)?\]"):
            call(far)
        jax.eval_shape(call, far)


def test_values_pass_through_every_transformation():
    kernel, far = kernels.RBF(), jnp.asarray(HOLES)
    assert jnp.isnan(jax.jit(kernel)(far)[0, 1])
    assert jnp.isnan(jax.vmap(lambda x: kernel(x[None]))(far)[0])
    assert jnp.isnan(jax.grad(lambda x: kernel(x).sum())(far)).any()


def test_what_linearize_returns_names_its_own_arguments():
    f = linearize(lambda slope, x: slope * x, jnp.array(3.0))
    with pytest.raises(ValueError, match="params must be finite, got nan"):
        f(jnp.array(np.nan), X)
    with pytest.raises(ValueError, match=r"x must be finite, got nan at \[0, 0\], and 1 more"):
        f(jnp.array(3.0), HOLES)


def test_a_run_that_diverges_is_recorded_but_none_begins_with_nan():
    run = gradient_descent(lambda slope, x: slope * x, jnp.array(1.0), X[:, :1], Y, learning_rate=1e30, steps=9)
    assert not jnp.isfinite(run.loss[-1])
    with pytest.raises(ValueError, match=r"params must be finite, got -?(nan|inf)"):
        gradient_descent(lambda slope, x: slope * x, run.params, X[:, :1], Y, learning_rate=0.1, steps=1)


def test_one_sum_tells_whether_all_is_finite_and_a_sum_that_overflows_does_not_mislead():
    _validation.refuse_unless_finite("x", np.full(100, 3e38, np.float32))
    with pytest.raises(ValueError, match=r"x must be finite, got inf at \[1\], and 1 more"):
        _validation.refuse_unless_finite("x", np.array([0, np.inf, -np.inf]))
    with pytest.raises(
        ValueError, match=r"x1 must be finite, got inf at \[0, 1\], made from 1e\+200, .* beyond float32"
    ):
        kernels.RBF()(np.array([[0.0, 1e200]]))
