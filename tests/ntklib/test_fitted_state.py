"""What was fitted or computed stays as it is, whatever happens to the arrays and objects that it came from."""

import dataclasses
import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.gaussian_process import kernels as theirs

from ntklib import _tree, _validation, estimators, kernels
from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP
from ntklib.posterior import condition
from ntklib.tangent import linearize

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((30, 2)), RNG.standard_normal((7, 2))
Y = np.sin(2 * X[:, 0])
EVERY = [
    estimators.KernelRegressor(),
    estimators.KernelRegressor(solver="cg"),
    estimators.KernelClassifier(),
    estimators.RelevanceVectorRegressor(),
    estimators.RelevanceVectorClassifier(),
]
WAYS = ("predict", "decision_function", "predict_proba")


@dataclasses.dataclass(frozen=True)
class Scaled(kernels.Kernel):
    """A kernel of somebody else, which keeps what it is given."""

    scale: np.ndarray

    def evaluate(self, x, y):
        return jnp.exp(-jnp.sum(jnp.square((x - y) / self.scale)))


class Metric:
    """An object that is called, with an array of its own."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, a, b):
        return np.exp(-(cdist(a / self.scale, b / self.scale) ** 2))


def metric(scale, a, b):
    return Metric(scale)(a, b)


def holding(scale):
    """Kernels that hold an array, each with what changes it."""
    changed = functools.partial(np.multiply, scale, 5.0, out=scale)
    yield "rbf", changed
    yield kernels.RBF(scale) + 0.1, changed
    yield Scaled(scale), changed
    yield estimators.SklearnKernel(2.0 * Scaled(scale), "fixed"), changed
    yield Metric(scale), changed
    yield functools.partial(metric, scale), changed
    theirs_ = theirs.RBF(scale) + theirs.ConstantKernel(0.1)
    yield theirs_, changed
    yield theirs_, lambda: theirs_.set_params(k1__length_scale=9.0)
    ntk = estimators.NTK(b_std=0.3)
    yield ntk, lambda: ntk.set_params(w_std=9.0)


def outcome(model, x):
    return [getattr(model, way)(x) for way in WAYS if hasattr(model, way)]


@pytest.mark.parametrize("case", range(9))
@pytest.mark.parametrize("estimator", EVERY, ids=lambda each: type(each).__name__)
def test_a_fitted_model_does_not_follow_what_it_was_fitted_to(estimator, case):
    scale, x, y = np.array([0.8, 1.3]), X.copy(), (Y > 0 if hasattr(estimator, "predict_proba") else Y).copy()
    kernel, change = list(holding(scale))[case]
    settings = {"kernel": kernel} | ({"lengthscale": scale} if kernel == "rbf" else {})
    model = clone(estimator).set_params(**settings)
    before = outcome(model.fit(x, y), X_TEST)
    kept = {name: np.array(value) for name, value in vars(model).items() if isinstance(value, np.ndarray)}
    change()
    x *= 7
    y[:] = y[::-1].copy()
    model.set_params(kernel="laplace", lengthscale=3.0)
    settings = {"ridge": 50.0, "solver": "direct", "fit_intercept": False}
    model.set_params(**{name: value for name, value in settings.items() if name in model.get_params()})
    for got, wanted in zip(outcome(model, X_TEST), before, strict=True):
        assert np.array_equal(got, wanted), "a prediction changed without fit"
    for name, value in kept.items():
        if name.endswith("_"):
            assert np.array_equal(getattr(model, name), value), name
    assert not np.array_equal(outcome(model.fit(X, y), X_TEST)[-1], before[-1]), "and with fit it does"


@pytest.mark.parametrize("estimator", EVERY[:1] + EVERY[2:], ids=lambda each: type(each).__name__)
def test_a_matrix_is_neither_kept_nor_copied(estimator):
    y = Y > 0 if hasattr(estimator, "predict_proba") else Y
    gram = np.exp(-(cdist(X, X) ** 2))
    model = clone(estimator).fit(X, y).set_params(kernel="precomputed").fit(gram, y)
    assert not {"X_fit_", "relevance_vectors_"} & vars(model).keys()
    assert not any(np.size(value) >= gram.size for value in vars(model).values())
    between = np.exp(-(cdist(X_TEST, X) ** 2))
    before = outcome(model, between)
    gram *= 3
    assert all(map(np.array_equal, outcome(model, between), before))


def test_a_function_is_kept_as_it_is_and_what_cannot_be_copied_is_refused():
    compiled = jax.jit(lambda a, b: jnp.exp(-jnp.sum((a[:, None] - b) ** 2, 2)))
    for function in (compiled, compiled.__wrapped__):
        assert estimators.KernelRegressor(function).fit(X, Y).kernel_ is function
    locked = Metric(1.0)
    locked.lock = threading.Lock()
    with pytest.raises(ValueError, match="kernel must be a function, or an object that can be copied"):
        estimators.KernelRegressor(locked).fit(X, Y)


@pytest.mark.parametrize("kernel", [kernels.RBF, kernels.Laplace, Scaled])
def test_a_posterior_and_a_kernel_of_the_library_keep_their_numbers(kernel):
    scale, x, y = np.array([0.8, 1.3], np.float32), X.astype(np.float32), Y.astype(np.float32)
    own = kernel(scale)
    posterior = condition(own, x, y, 0.1)
    parts = lambda: [posterior.mean(X_TEST), posterior.variance(X_TEST), own(X_TEST)]  # noqa: E731
    before = parts()
    if kernel is Scaled:
        parts = lambda: [posterior.mean(X_TEST), posterior.variance(X_TEST)]  # noqa: E731
    for array in (scale, x, y):
        array *= 5
    assert all(map(np.array_equal, parts(), before))


def test_a_linearised_network_keeps_its_centre():
    mlp, x = MLP(depth=1), X.astype(np.float32)
    params = {"net": [layer._asdict() for layer in jax.tree.map(np.array, mlp.init(jax.random.key(0), 2, 5))]}
    other = jax.tree.map(np.array, params)

    def apply(params, x):
        return jnp.maximum(x @ params["net"][0]["weight"], 0) @ params["net"][1]["weight"]

    f = linearize(apply, params)
    before = np.asarray(f(other, x))
    params["net"][0]["weight"] *= 3
    params["net"][1] = None
    assert np.array_equal(f(other, x), before)


def test_a_run_of_no_steps_is_not_where_it_began():
    params = {"w": np.ones((2, 1), np.float32)}
    run = gradient_descent(lambda p, x: x @ p["w"], params, X, Y, learning_rate=0.1, steps=0)
    params["w"] *= 3
    assert np.array_equal(run.params["w"], np.ones((2, 1)))


def test_an_array_that_is_changed_after_a_call_does_not_change_what_is_still_computed():
    """JAX copies NumPy's arrays while Python goes on; unless that is waited for, about one in four of these changes."""
    for _ in range(30):
        x = np.ones((1500, 300), np.float32)
        array = _validation.floating("x", x)
        x *= 3
        assert float(array[-1, -1]) == 1
    tree = _tree.copied({"a": x, "b": jnp.ones(2), "c": None, "d": [1.0]})
    x *= 2
    assert tree["a"][0, 0] == 3
    assert isinstance(tree["b"], jax.Array)
    assert tree["d"] == [1.0]
