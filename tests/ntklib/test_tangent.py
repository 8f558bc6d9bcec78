"""Tangent kernels of finite networks against explicit Jacobians, and linearisations against Taylor's theorem."""

import functools

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib import tangent
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk, linearize

NETWORK = MLP(depth=2, activation="erf", b_std=0.3, out_dim=3)


def generic(params, x):
    """The same function, but not known to be a network."""
    return NETWORK.apply(params, x)


def inputs(n1=5, n2=4, dim=2):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n1, dim)), rng.standard_normal((n2, dim))


def explicit_jacobian(apply, params, x):
    """(n, k, parameters) by central differences, one parameter at a time."""
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    h = 1e-5
    f = jax.jit(jax.vmap(lambda p: apply(unravel(p), x)))
    steps = h * jnp.eye(len(flat))
    return np.moveaxis(np.asarray((f(flat + steps) - f(flat - steps)) / (2 * h)), 0, -1)


@functools.cache
def explicit_jacobians():
    params = NETWORK.init(jax.random.key(0), 2, 6)
    return tuple(explicit_jacobian(NETWORK.apply, params, x) for x in inputs())


@pytest.mark.parametrize(
    ("apply", "block_bytes", "structured"),
    [
        (generic, 1, False),
        (generic, 8 * 200 * 3, False),
        (generic, 2**27, False),
        (generic, 3600, True),  # a row of the Jacobian, two of structured derivatives
        (NETWORK.apply, 2**27, False),
    ],
    ids=["rows", "blocks", "whole", "structured", "layers"],
)
@pytest.mark.parametrize("second", [False, True], ids=["alone", "pair"])
def test_tangent_kernel_is_the_product_of_the_jacobians(x64, monkeypatch, apply, block_bytes, structured, second):
    monkeypatch.setattr(tangent, "_BLOCK_BYTES", block_bytes)
    if structured:
        monkeypatch.setattr(tangent, "_block", not_needed)
    else:
        monkeypatch.setattr(tangent, "_structured", lambda apply, trace: None)  # as without neural-tangents
    params, (x1, x2) = NETWORK.init(jax.random.key(0), 2, 6), inputs()
    j1, j2 = explicit_jacobians()
    j2 = j2 if second else j1
    full = empirical_ntk(apply, params, x1, x2 if second else None, outputs="full")
    trace = empirical_ntk(apply, params, x1, x2 if second else None)
    np.testing.assert_allclose(full, np.einsum("iop,jqp->ijoq", j1, j2), atol=1e-8)
    np.testing.assert_allclose(trace, np.einsum("iop,jop->ij", j1, j2) / 3, atol=1e-8)


@pytest.mark.parametrize("parameterization", ["ntk", "standard", "mean_field"])
@pytest.mark.parametrize(("depth", "b_std"), [(0, 0.3), (2, 0.3), (1, 0.0)])
def test_tangent_kernel_by_layers_is_that_of_the_jacobian(x64, parameterization, depth, b_std):
    mlp = MLP(depth, "erf", 1.2, b_std, out_dim=2, parameterization=parameterization)
    params, (x1, x2) = mlp.init(jax.random.key(2), 2, 6), inputs()
    j1, j2 = (explicit_jacobian(mlp.apply, params, x) for x in (x1, x2))
    want = np.einsum("iop,jqp->ijoq", j1, j2)
    np.testing.assert_allclose(empirical_ntk(mlp.apply, params, x1, x2, outputs="full"), want, atol=1e-8)


@pytest.mark.parametrize(
    ("n", "out_dim"), [(6, 1), (6, 7), (101, 10)]
)  # one group of outputs; seven of one; two of five
@pytest.mark.parametrize("second", [False, True])
def test_the_trace_is_that_of_the_jacobian_for_any_number_of_inputs_and_outputs(x64, n, out_dim, second):
    mlp = MLP(depth=3, activation="erf", out_dim=out_dim)
    params, x1 = mlp.init(jax.random.key(0), 2, 8), jax.random.normal(jax.random.key(1), (n, 2))
    x2 = x1[:5] + 1 if second else None
    want = empirical_ntk(lambda p, x: mlp.apply(p, x), params, x1, x2)  # of which nothing is known
    np.testing.assert_allclose(empirical_ntk(mlp.apply, params, x1, x2), want, rtol=1e-9, atol=1e-12)


def test_the_apply_of_a_subclass_is_taken_at_its_word(x64):
    class Doubled(MLP):
        def apply(self, params, x):
            return 2 * super().apply(params, x)

    params, (x, _) = MLP().init(jax.random.key(0), 2, 6), inputs()
    plain, doubled = (empirical_ntk(mlp.apply, params, x) for mlp in (MLP(), Doubled()))
    np.testing.assert_allclose(doubled, 4 * plain, rtol=1e-12)


def test_trace_is_the_mean_of_the_diagonal_of_the_outputs_and_full_is_symmetric(x64):
    params = NETWORK.init(jax.random.key(0), 2, 6)
    x = jnp.asarray(inputs()[0])
    full = empirical_ntk(NETWORK.apply, params, x, outputs="full")
    np.testing.assert_allclose(
        empirical_ntk(NETWORK.apply, params, x), jnp.trace(full, axis1=2, axis2=3) / 3, rtol=1e-12
    )
    np.testing.assert_allclose(full, jnp.transpose(full, (1, 0, 3, 2)), rtol=1e-12)
    matrix = jnp.transpose(full, (0, 2, 1, 3)).reshape(15, 15)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12


def test_tangent_kernel_of_one_hidden_layer_is_the_formula_by_hand(x64):
    """(1/m) Σ φ(u)φ(v) + (1/m) Σ a² φ'(u)φ'(v) xᵀx'/d for φ = relu and unit scales."""
    mlp = MLP(depth=1, w_std=1.0)
    params = mlp.init(jax.random.key(1), 2, 7)
    (w, _), (a, _) = (tuple(np.asarray(z) if z is not None else None for z in layer) for layer in params)
    x1, x2 = inputs()
    u, v = x1 @ w / np.sqrt(2), x2 @ w / np.sqrt(2)
    first = np.maximum(u, 0) @ np.maximum(v, 0).T / 7
    second = ((u > 0) * a[:, 0] ** 2) @ (v > 0).T / 7 * (x1 @ x2.T) / 2
    np.testing.assert_allclose(empirical_ntk(mlp.apply, params, x1, x2), first + second, rtol=1e-12)


def test_any_tree_of_parameters_will_do(x64):
    params = {"a": jnp.array(2.0), "unused": None, "b": [jnp.array([[1.0, -1.0]]), (jnp.array([0.5]),)]}

    def apply(p, x):
        return jnp.sin(p["a"] * x) @ p["b"][0].T + p["b"][1][0]

    x1, x2 = inputs()
    want = explicit_jacobian(apply, params, x1) @ np.swapaxes(explicit_jacobian(apply, params, x2), 1, 2)[:, None]
    np.testing.assert_allclose(empirical_ntk(apply, params, x1, x2), want[:, :, 0, 0].T, atol=1e-8)


def test_blocks_hold_no_more_rows_than_their_memory_allows(x64, monkeypatch):
    params, seen = NETWORK.init(jax.random.key(0), 2, 6), []
    row_bytes = 3 * 8 * sum(leaf.size for leaf in jax.tree.leaves(params))
    inner = tangent._block

    def recorded(apply, params, x1, x2, *, trace):
        seen.append((len(x1), len(x1 if x2 is None else x2)))
        return inner(apply, params, x1, x2, trace=trace)

    monkeypatch.setattr(tangent, "_structured", lambda apply, trace: None)  # as without neural-tangents
    monkeypatch.setattr(tangent, "_block", recorded)
    monkeypatch.setattr(tangent, "_BLOCK_BYTES", 3 * row_bytes + 1)
    empirical_ntk(generic, params, jnp.ones((7, 2)))
    assert sorted(seen) == [(1, 1), (1, 3), (1, 3), (3, 3), (3, 3), (3, 3)]
    seen.clear()
    empirical_ntk(generic, params, jnp.ones((7, 2)), jnp.ones((4, 2)))
    assert len(seen) == 6
    assert max(max(pair) for pair in seen) == 3


def squared_weights(params, x):
    return x @ params**2


def cumulated(params, x):
    return jax.lax.scan(lambda h, w: (jnp.tanh(h @ w), None), x, params)[0]


def cumulative_products(params, x):
    return x @ jnp.cumprod(params, axis=0)


@pytest.mark.parametrize(
    ("apply", "shape", "known"),
    [(squared_weights, (2, 3), True), (cumulated, (2, 2, 2), False), (cumulative_products, (2, 3), False)],
)
def test_what_structured_derivatives_do_not_know_is_left_to_jacobians(x64, monkeypatch, apply, shape, known):
    params, (x1, x2) = jax.random.normal(jax.random.key(0), shape), inputs()
    whole = empirical_ntk(apply, params, x1, x2, outputs="full")
    row_bytes = 8 * params.size * whole.shape[-1]
    monkeypatch.setattr(tangent, "_BLOCK_BYTES", 4 * row_bytes)  # of five rows
    monkeypatch.setattr(tangent, "_intermediate_bytes", lambda jaxpr: 0)
    used, inner = [], tangent._structured_block
    monkeypatch.setattr(tangent, "_structured_block", lambda *rest: used.append(1) or inner(*rest))
    np.testing.assert_allclose(empirical_ntk(apply, params, x1, x2, outputs="full"), whole, atol=1e-12)
    assert bool(used) == known


def test_without_neural_tangents_the_jacobians_are_formed(x64, monkeypatch):
    monkeypatch.setattr(tangent.importlib, "import_module", missing)
    tangent._structured.cache_clear()
    monkeypatch.setattr(tangent, "_BLOCK_BYTES", 1)
    params, (x1, _) = jnp.ones((2, 3)), inputs()
    np.testing.assert_allclose(empirical_ntk(squared_weights, params, x1), 4 * x1 @ x1.T, atol=1e-12)
    assert tangent._structured(squared_weights, trace=True) is None
    tangent._structured.cache_clear()


def not_needed(*arguments, **options):
    raise AssertionError("a Jacobian was formed")


def missing(name):
    raise ImportError(name)


def test_a_block_needs_memory_for_its_two_jacobians_only(x64):
    mlp, n = MLP(depth=2), 32
    params = mlp.init(jax.random.key(0), 4, 64)
    x = jnp.ones((n, 4))
    compiled = tangent._block.lower(mlp.apply, params, x, x + 1, trace=True).compile()
    jacobian_bytes = n * 8 * sum(leaf.size for leaf in jax.tree.leaves(params))
    assert compiled.memory_analysis().temp_size_in_bytes < 4 * jacobian_bytes


@pytest.mark.parametrize("apply", [generic, NETWORK.apply], ids=["generic", "layers"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tangent_kernel_keeps_its_dtype_with_64_bits_switched_on(x64, apply, dtype):
    params = NETWORK.init(jax.random.key(0), 2, 6, dtype=dtype)
    assert empirical_ntk(apply, params, jnp.ones((4, 2), dtype)).dtype == dtype


def test_tangent_kernel_maps_over_an_ensemble(x64):
    x1, x2 = (jnp.asarray(z) for z in inputs())
    ensemble = [NETWORK.init(key, 2, 6) for key in jax.random.split(jax.random.key(0), 2)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *ensemble)
    mapped = jax.jit(jax.vmap(lambda params: empirical_ntk(NETWORK.apply, params, x1, x2)))(stacked)
    np.testing.assert_allclose(mapped[1], empirical_ntk(NETWORK.apply, ensemble[1], x1, x2), rtol=1e-11)


@pytest.mark.parametrize("apply", [generic, NETWORK.apply], ids=["generic", "layers"])
def test_no_inputs_give_an_empty_kernel(x64, apply):
    params, x, none = NETWORK.init(jax.random.key(0), 2, 6), jnp.ones((2, 2)), jnp.ones((0, 2))
    assert empirical_ntk(apply, params, x, none).shape == (2, 0)
    assert empirical_ntk(apply, params, none, outputs="full").shape == (0, 0, 3, 3)


@pytest.mark.parametrize(
    ("apply", "arguments", "message"),
    [
        (NETWORK.apply, {"outputs": "all"}, "outputs must be 'trace' or 'full', got 'all'"),
        (NETWORK.apply, {"x1": np.ones(2)}, r"x1 must have shape \(n, d\), got \(2,\)"),
        (NETWORK.apply, {"x2": np.ones((3, 5))}, r"x2 must have shape \(n, 2\), got \(3, 5\)"),
        (NETWORK.apply, {"x1": np.ones((2, 2), int)}, "x1 must have a real floating dtype, got int"),
        (lambda p, x: x[:, 0], {}, r"apply must return shape \(4, k\) for x1 of shape \(4, 2\), got \(4,\)"),
        (lambda p, x: x[:1], {}, r"apply must return shape \(4, k\) .* got \(1, 2\)"),
        (lambda p, x: (x, x), {}, r"apply must return shape \(4, k\) .* got tuple"),
    ],
)
def test_a_tangent_kernel_that_makes_no_sense_is_refused(apply, arguments, message):
    params = NETWORK.init(jax.random.key(0), 2, 3)
    with pytest.raises(ValueError, match=message):
        empirical_ntk(apply, params, **({"x1": np.ones((4, 2))} | arguments))


def moved(params, size, seed=9):
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return tree.unflatten(
        [p + size * jax.random.normal(k, p.shape, p.dtype) for k, p in zip(keys, leaves, strict=True)]
    )


def test_a_linearised_network_agrees_at_its_centre_and_is_linear_in_the_parameters(x64):
    params, x = NETWORK.init(jax.random.key(0), 2, 6), jnp.asarray(inputs()[0])
    f = jax.jit(linearize(NETWORK.apply, params))
    np.testing.assert_allclose(f(params, x), NETWORK.apply(params, x), rtol=1e-14)
    near, far = (f(moved(params, size), x) - f(params, x) for size in (1.0, 100.0))
    np.testing.assert_allclose(far, 100 * near, rtol=1e-11)


def test_linearisation_is_the_first_order_of_the_network_and_leaves_the_second(x64):
    params, x = NETWORK.init(jax.random.key(0), 2, 6), jnp.asarray(inputs()[0])
    f = jax.jit(linearize(NETWORK.apply, params))
    sizes = np.array([1e-2, 1e-3, 1e-4])
    error = [np.abs(NETWORK.apply(moved(params, s), x) - f(moved(params, s), x)).max() for s in sizes]
    assert np.polyfit(np.log(sizes), np.log(error), 1)[0] == pytest.approx(2, abs=0.05)


def test_a_linearised_network_keeps_the_tangent_kernel_of_its_centre(x64):
    params, x = NETWORK.init(jax.random.key(0), 2, 6), jnp.asarray(inputs()[0])
    f = linearize(NETWORK.apply, params)
    centre = empirical_ntk(NETWORK.apply, params, x)
    np.testing.assert_allclose(empirical_ntk(f, moved(params, 1.0), x), centre, rtol=1e-11)
    assert np.abs(empirical_ntk(NETWORK.apply, moved(params, 1.0), x) / centre - 1).max() > 0.1
