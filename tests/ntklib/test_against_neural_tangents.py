"""Does `ntklib` agree with neural-tangents, an independent implementation of the same mathematics?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ntklib import dynamics, tangent
from ntklib.mlp import MLP, Layer

nt = pytest.importorskip("ntklib.neural_tangents")

stax = nt.stax
pytestmark = pytest.mark.usefixtures("x64")

ACTIVATIONS = {
    "relu": stax.Relu,
    "erf": stax.Erf,
    "gelu": stax.Gelu,
    "tanh": lambda: stax.ElementwiseNumerical(jnp.tanh, deg=128),
}


def twin(mlp, width=1):
    """The network of neural-tangents that `mlp` describes: initialisation, application and kernel."""
    b_std = mlp.b_std or None
    layers = []
    for _ in range(mlp.depth):
        layers += [stax.Dense(width, mlp.w_std, b_std), ACTIVATIONS[mlp.activation]()]
    return stax.serial(*layers, stax.Dense(mlp.out_dim, mlp.w_std, b_std))


DEEP_OR_BIASED = ((1, 0.0), (3, 0.4))


def points(n, seed=0):
    return jax.random.normal(jax.random.key(seed), (n, 5))


# The quadrature of neural-tangents for tanh, which it has no closed form for, converges slowly.
@pytest.mark.filterwarnings("ignore:Numerical Activation Layer:UserWarning", "ignore:Using JAX autodiff:UserWarning")
@pytest.mark.parametrize(
    ("activation", "rtol", "depth", "b_std"),
    [
        *(("relu", 1e-9, depth, b_std) for depth in (1, 3) for b_std in (0.0, 0.4)),  # without biases in another unit
        *((name, rtol, *of) for name, rtol in (("erf", 1e-9), ("gelu", 1e-9), ("tanh", 1e-5)) for of in DEEP_OR_BIASED),
    ],
)
def test_kernels_of_infinitely_wide_networks(activation, rtol, depth, b_std):
    mlp = MLP(depth, activation, w_std=1.3, b_std=b_std)
    atol = 1e-6 if activation == "tanh" else 0.0  # for entries that happen to be near zero
    kernel_fn = twin(mlp)[2]
    x1, x2 = points(6), points(4, seed=1)
    between, within = jax.jit(lambda: [kernel_fn(x1, x, ("nngp", "ntk")) for x in (x2, None)])()
    for get in ("nngp", "ntk"):
        kernel = getattr(mlp, get)
        assert_allclose(kernel(x1, x2), getattr(between, get), rtol=rtol, atol=atol)
        ours, theirs = np.array(kernel(x1)), np.array(getattr(within, get))
        # Of the angle between an input and itself neural-tangents knows half the digits only, the root of rounding;
        # the tangent kernel of relu is the one that feels it.
        on_diagonal = 1e-7 if (activation, get) == ("relu", "ntk") else 10 * rtol
        assert_allclose(np.diag(ours), np.diag(theirs), rtol=on_diagonal)
        np.fill_diagonal(ours, 0.0)
        np.fill_diagonal(theirs, 0.0)
        assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def test_kernels_without_hidden_layers():
    mlp, x = MLP(0, w_std=1.3, b_std=0.4), points(6)
    for get in ("nngp", "ntk"):
        assert_allclose(getattr(mlp, get)(x), twin(mlp)[2](x, None, get), rtol=1e-12)


@pytest.mark.parametrize("b_std", [0.0, 0.4])
def test_finite_networks_are_the_same_function_of_their_parameters(b_std):
    mlp = MLP(2, "relu", w_std=1.3, b_std=b_std, out_dim=3)
    init_fn, apply_fn, _ = twin(mlp, width=7)
    x = points(4)
    dense = [layer for layer in init_fn(jax.random.key(2), x.shape)[1] if layer]
    ours = mlp.init(jax.random.key(3), 5, 7)
    assert jax.tree.map(jnp.size, [tuple(layer) for layer in ours]) == jax.tree.map(jnp.size, dense)
    theirs = [() if i % 2 else dense[i // 2] for i in range(2 * mlp.depth + 1)]
    params = tuple(Layer(weight, None if bias is None else bias.ravel()) for weight, bias in dense)
    assert_allclose(mlp.apply(params, x), apply_fn(theirs, x), rtol=1e-12)


def finite():
    mlp = MLP(2, "gelu", w_std=1.3, b_std=0.4, out_dim=3)
    return mlp, mlp.init(jax.random.key(4), in_dim=5, width=9)


@pytest.mark.parametrize("implementation", [i for i in nt.NtkImplementation if i.name != "AUTO"], ids=lambda i: i.name)
@pytest.mark.parametrize(("outputs", "trace_axes"), [("trace", (-1,)), ("full", ())])
def test_empirical_kernels(outputs, trace_axes, implementation):
    mlp, params = finite()
    x1, x2 = points(3), points(2, seed=1)
    options = {"trace_axes": trace_axes, "vmap_axes": 0, "implementation": implementation}
    ntk_fn = jax.jit(nt.empirical_ntk_fn(mlp.apply, **options))
    for x in (x2, None):
        assert_allclose(
            tangent.empirical_ntk(mlp.apply, params, x1, x, outputs=outputs), ntk_fn(x1, x, params), atol=1e-11
        )


def test_linearised_networks():
    mlp, params = finite()
    moved = jax.tree.map(lambda p: p + 0.3 * jnp.cos(p), params)
    x = points(3)
    found, expected = (linearize(mlp.apply, params)(moved, x) for linearize in (tangent.linearize, nt.linearize))
    assert_allclose(found, expected, atol=1e-12)
    assert not np.allclose(found, mlp.apply(moved, x), atol=1e-3)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_gradient_flow(ridge, outputs):
    """The loss of neural-tangents is a mean over outputs too, so its time runs slower by their number."""
    mlp, x, x_test = MLP(2, "erf", b_std=0.3), points(6), points(4, seed=1)
    theta, cross = mlp.ntk(x), mlp.ntk(x_test, x)
    y, f0 = (jax.random.normal(jax.random.key(seed), (6, outputs)) for seed in (5, 6))
    f0_test = jax.random.normal(jax.random.key(7), (4, outputs))
    predict_fn = nt.predict.gradient_descent_mse(theta, y, diag_reg=ridge, diag_reg_absolute_scale=True)
    t = jnp.array([0.0, 0.1, 1.0, 30.0, 1e4, jnp.inf])
    _, expected = predict_fn(outputs * t, f0, f0_test, cross)
    # Theirs leaves the ridge out of predictions at the training inputs, unless these are passed as if for testing.
    _, expected_train = predict_fn(outputs * t, f0, f0, theta)
    _, at_infinity = predict_fn(None, f0, f0_test, cross)

    options = {"f0": f0, "ridge": ridge}
    found = dynamics.gradient_flow(theta, y, t, kernel_test=cross, f0_test=f0_test, **options)
    assert_allclose(found, expected, atol=1e-9)
    assert_allclose(found[-1], at_infinity, atol=1e-9)
    assert_allclose(dynamics.gradient_flow(theta, y, t, **options), expected_train, atol=1e-9)


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_ensemble_moments(activation):
    mlp, x, x_test = MLP(2, activation, b_std=0.3), points(6), points(4, seed=1)
    y = jax.random.normal(jax.random.key(5), (6, 1))
    predict_fn = nt.predict.gradient_descent_mse_ensemble(twin(mlp)[2], x, y)
    for t in (0.0, 0.5, 20.0, jnp.inf):
        expected = predict_fn(None if t == jnp.inf else t, x_test, "ntk", compute_cov=True)
        mean, covariance = dynamics.ensemble_moments(mlp, x, y, x_test, t)
        # Theirs knows the diagonal of the tangent kernel of relu to 1e-8 only, see above.
        assert_allclose(mean, expected.mean, atol=1e-7 if activation == "relu" else 1e-10)
        assert_allclose(covariance, expected.covariance, atol=1e-7 if activation == "relu" else 1e-10)
