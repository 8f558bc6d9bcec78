"""Examples of any rank and trees of them against reshaping inside the network, and networks that mix their rows."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib import tangent
from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk, linearize

Pair = collections.namedtuple("Pair", "tokens more")
IMAGES = np.random.default_rng(0).standard_normal((6, 5, 5, 2)).astype(np.float32)
TOKENS = np.random.default_rng(1).integers(0, 4, (6, 3))
MORE = np.random.default_rng(2).standard_normal((6,)).astype(np.float32)
Y = np.linspace(-1, 1, 6, dtype=np.float32)[:, None]
KEYS = jax.random.split(jax.random.key(0), 3)
CONVOLUTION = {"filter": jax.random.normal(KEYS[0], (3, 3, 2, 4)), "out": jax.random.normal(KEYS[1], (4, 2))}
TABLE = {"table": jax.random.normal(KEYS[0], (4, 3)), "out": jax.random.normal(KEYS[1], (4, 2))}


def convolution(params, x):
    h = jax.lax.conv_general_dilated(x, params["filter"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jnp.tanh(h).mean((1, 2)) @ params["out"]


def sequence(params, x):
    h = jnp.tanh(params["table"][x.tokens].mean(1))
    return jnp.concatenate([h, x.more[:, None]], 1) @ params["out"]


def flat_images(params, x):
    return convolution(params, x.reshape(-1, 5, 5, 2))


def flat_sequence(params, x):
    return sequence(params, Pair(x[:, :3].astype(int), x[:, 3]))


CASES = {
    "images": (convolution, CONVOLUTION, IMAGES, flat_images, IMAGES.reshape(6, -1)),
    "tree": (sequence, TABLE, Pair(TOKENS, MORE), flat_sequence, np.c_[TOKENS, MORE].astype(np.float32)),
}


def some(x, which):
    return jax.tree.map(lambda leaf: leaf[which], x)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("block_bytes", [2**27, 2000], ids=["whole", "blocks"])
def test_examples_of_any_shape_have_the_kernel_of_flat_ones(monkeypatch, case, block_bytes):
    apply, params, x, flat_apply, flat_x = CASES[case]
    monkeypatch.setattr(tangent, "_BLOCK_BYTES", block_bytes)
    for second, outputs in ((None, "trace"), (slice(1, 4), "full")):
        got, wanted = (
            empirical_ntk(f, params, z, None if second is None else some(z, second), outputs=outputs)
            for f, z in ((apply, x), (flat_apply, flat_x))
        )
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    assert empirical_ntk(apply, params, x, some(x, slice(0))).shape == (6, 0)


@pytest.mark.parametrize("case", CASES)
def test_training_and_linearising_on_examples_of_any_shape_is_that_on_flat_ones(case):
    apply, params, x, flat_apply, flat_x = CASES[case]
    y = np.tile(Y, 2)
    runs = [
        gradient_descent(f, params, z, y, learning_rate=0.1, steps=5) for f, z in ((apply, x), (flat_apply, flat_x))
    ]
    np.testing.assert_allclose(runs[0].outputs, runs[1].outputs, rtol=1e-5, atol=1e-6)
    lines = [linearize(f, params)(runs[0].params, z) for f, z in ((apply, x), (flat_apply, flat_x))]
    np.testing.assert_allclose(*lines, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("x1", "x2", "message"),
    [
        (np.ones(3), None, r"x1 must have shape \(n, d\), got \(3,\); examples of any rank are \(n, \.\.\.\)"),
        (np.ones((3, 0, 2)), None, r"x1 must have shape \(n, d\), got \(3, 0, 2\)"),
        (IMAGES, IMAGES[:, :4], r"x2 must have shape \(n, 5, 5, 2\), got \(6, 4, 5, 2\)"),
        (np.ones((3, 4), int), None, "x1 must have a real floating dtype, got int"),
        ({"a": IMAGES, "b": MORE[:3]}, None, r"x1 must have as many examples .* 6 in x1\['a'\], 3 in x1\['b'\]"),
        ({"a": IMAGES, "b": 2.0}, None, r"x1\['b'\] must be an array with a first axis for examples, got 2.0"),
        ({}, None, r"x1 must be an array or a tree of arrays, got \{\}"),
        ({"a": MORE}, {"b": MORE}, r"x2 must have examples of the shapes .*'a'.* as the others, got .*'b'"),
        ({"a": MORE}, IMAGES, "x2 must be a tree of arrays as the others, got ndarray"),
        (IMAGES, {"a": IMAGES}, "x2 must have examples of the shapes"),
    ],
)
def test_what_is_no_batch_of_examples_is_refused(x1, x2, message):
    with pytest.raises(ValueError, match=message):
        empirical_ntk(lambda p, x: p * jnp.ones((6, 1)), jnp.ones(()), x1, x2)


def test_a_list_is_an_array_as_for_numpy():
    rows = [[1.0, 0.0], [1.0, 1.0]]
    linear = lambda p, x: x @ p  # noqa: E731
    for x in (rows, tuple(map(tuple, rows)), list(map(np.array, rows))):
        np.testing.assert_allclose(empirical_ntk(linear, jnp.ones((2, 1)), x), [[1, 1], [1, 2]])


def normalised(params, x):
    h = jnp.tanh(x @ params["w"])
    return (h - h.mean(0)) / jnp.sqrt(h.var(0) + 1e-5) @ params["out"]


def without_rounding_unit(params, x):
    h = jnp.tanh(x @ params["w"])
    return (h - h.mean(0)) / h.std(0) @ params["out"]  # NaN for one row


def dropped(params, x):
    h = jnp.tanh(x @ params["w"])
    return jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, h.shape), 2 * h, 0) @ params["out"]


MIXED = {"w": jax.random.normal(KEYS[0], (2, 50)), "out": jax.random.normal(KEYS[1], (50, 2))}


@pytest.mark.parametrize("apply", [normalised, without_rounding_unit, dropped])
@pytest.mark.parametrize("rows", [(0, 1, 2), (0, 0, 1), (0, 0, 0, 0, 1)], ids=str)
def test_a_network_that_mixes_rows_is_refused(apply, rows):
    x = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)[list(rows)]
    with pytest.raises(ValueError, match=r"apply must give each row .* change by .*BatchNorm or dropout.*model\.eval"):
        empirical_ntk(apply, MIXED, x)
    with pytest.raises(ValueError, match="apply must give each row"):
        empirical_ntk(apply, MIXED, x[:1], x)
    jax.jit(lambda p: empirical_ntk(apply, p, x))(MIXED)  # where nothing can be compared
    run = gradient_descent(normalised, MIXED, x, np.ones((len(x), 2)), learning_rate=0.1, steps=1)  # a loss of its own
    assert np.isfinite(run.loss).all()


@pytest.mark.parametrize("depth", [1, 12])
def test_networks_that_do_not_are_not(depth):
    mlp = MLP(depth=depth, out_dim=2, w_std=3.0, activation="tanh")  # chaotic: rounding grows with depth
    params = mlp.init(jax.random.key(0), 3, 100)
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    kernel = empirical_ntk(lambda p, z: 1e-6 * mlp.apply(p, z), params, x)
    assert np.isfinite(kernel).all()


def test_what_a_network_has_learned_is_a_network_from_its_start_on():
    """f - f₀ is zero up to rounding there, which tells nothing of rows: its derivative does."""
    mlp = MLP(depth=3, out_dim=2, w_std=2.0, activation="tanh")
    params = mlp.init(jax.random.key(0), 3, 100)
    x = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    learned = lambda p, z: 16 * (mlp.apply(p, z) - mlp.apply(params, z[:, ::-1][:, ::-1]))  # noqa: E731
    silent = lambda p, z: 0 * mlp.apply(p, z)  # noqa: E731
    np.testing.assert_allclose(empirical_ntk(learned, params, x), 256 * empirical_ntk(mlp.apply, params, x), rtol=1e-3)
    assert np.all(empirical_ntk(silent, params, x) == 0)
    mixing = lambda p, z: normalised(p, z[:, :2]) - normalised(MIXED, z[:, :2])  # noqa: E731
    with pytest.raises(ValueError, match="apply must give each row"):
        empirical_ntk(mixing, MIXED, x)


class Statistic:
    """As of flax.nnx: a node of the tree whose class says what it is."""


class BatchStat(Statistic):
    def __init__(self, value):
        self.value = value


class Moving(BatchStat):
    pass


for cls in (BatchStat, Moving):
    jax.tree_util.register_pytree_node(cls, lambda s: ((s.value,), None), lambda _, values: BatchStat(*values))


@pytest.mark.parametrize(
    "extra",
    [{"batch_stats": {"bn": {"mean": np.zeros(2)}}}, {"bn": BatchStat(np.zeros(2))}, {"bn": [Moving(np.zeros(2))]}],
    ids=["linen", "nnx", "derived"],
)
@pytest.mark.parametrize("which", ["kernel", "linearize", "descent"])
def test_batch_statistics_are_no_parameters(extra, which):
    params, x = {"params": MIXED} | extra, np.ones((3, 2), np.float32)
    apply = lambda p, x: x @ p["params"]["w"]  # noqa: E731
    call = {
        "kernel": lambda: empirical_ntk(apply, params, x),
        "linearize": lambda: linearize(apply, params),
        "descent": lambda: gradient_descent(apply, params, x, x, learning_rate=0.1, steps=1),
    }[which]
    with pytest.raises(ValueError, match=r"params holds batch statistics \(.*\), .* variables\['params'\].*nnx\.split"):
        call()


@pytest.mark.parametrize(
    ("leaf", "got"), [(jnp.ones(2, int), "dtype int32"), (jax.nn.relu, "<"), (3, "3"), (jax.random.key(0), "dtype key")]
)
def test_what_is_no_parameter_is_named(leaf, got):
    for call in (
        lambda p: empirical_ntk(normalised, p, np.ones((3, 2))),
        lambda p: linearize(normalised, p),
        lambda p: gradient_descent(normalised, p, np.ones((3, 2)), Y[:3], learning_rate=0.1, steps=1),
    ):
        with pytest.raises(
            ValueError, match=rf"params\['b'\] must be a real floating array, got {got}.*eqx\.partition"
        ):
            call(MIXED | {"b": leaf})
