"""Fewer bits and fewer weights, against enumeration of all that a grid allows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntklib.compression import prune, quantise, stored_bytes
from ntklib.mlp import MLP

NET = MLP(depth=1, b_std=0.5, out_dim=10, parameterization="standard")


def params(seed=0, width=6):
    return NET.init(jax.random.key(seed), 5, width)


@given(st.integers(0, 50), st.integers(2, 9))
def test_each_weight_goes_to_the_nearest_point_of_the_grid(seed, bits):
    weight = np.random.default_rng(seed).standard_normal((4, 3)).astype(np.float32)
    levels = 2 ** (bits - 1) - 1
    grid = np.abs(weight).max() * np.arange(-levels, levels + 1) / levels
    nearest = grid[np.abs(weight[..., None] - grid).argmin(-1)]
    np.testing.assert_allclose(quantise([weight], bits)[0], nearest, atol=1e-6)


def test_biases_shapes_and_dtypes_stay():
    before = params()
    for after in (quantise(before, 4), prune(before, 0.5)):
        assert jax.tree.structure(after) == jax.tree.structure(before)
        for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            assert (old.shape, old.dtype) == (new.shape, new.dtype)
        assert jnp.array_equal(after[0].bias, before[0].bias)
        assert not jnp.array_equal(after[0].weight, before[0].weight)


def test_many_bits_change_little_and_rounding_twice_nothing():
    before = params()
    once = quantise(before, 5)
    for old, new in zip(jax.tree.leaves(once), jax.tree.leaves(quantise(once, 5)), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)
    fine = quantise(before, 16)
    np.testing.assert_allclose(fine[0].weight, before[0].weight, atol=1e-4)


def test_zeros_stay_zeros():
    assert not np.any(quantise([jnp.zeros((2, 2))], 8)[0])


@given(st.integers(0, 50), st.floats(0, 1))
def test_the_smallest_weights_go_and_the_others_stay(seed, share):
    weight = np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32)
    left = np.asarray(prune([weight], share)[0])
    gone = left == 0
    assert gone.sum() == int(share * weight.size)
    assert np.array_equal(left[~gone], weight[~gone])
    if gone.any() and not gone.all():
        assert np.abs(weight[gone]).max() <= np.abs(weight[~gone]).min()


def test_bytes_are_those_of_the_arrays():
    arrays = params(width=7)
    assert stored_bytes(arrays) == sum(leaf.nbytes for leaf in jax.tree.leaves(arrays))
    eight = sum(np.asarray(layer.weight, np.int8).nbytes + 4 + layer.bias.nbytes for layer in arrays)
    assert stored_bytes(arrays, 8) == eight
    odd = [jnp.ones((3, 3))]
    assert stored_bytes(odd, 3) == 4 + 4  # 27 bits and a scale
    assert stored_bytes(odd, 8, pruned=0.5) == 5 + 2 + 4  # five weights, nine places
    assert stored_bytes(odd, 32, pruned=1) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quantise(params(), 1), "bits must be an integer from 2 to 16, got 1"),
        (lambda: quantise([], 8), "params must be a tree of floating arrays"),
        (lambda: prune(params(), 1.5), "share must be from 0 to 1, got 1.5"),
        (lambda: stored_bytes(params(), 8, pruned=2), "pruned must be from 0 to 1, got 2"),
        (lambda: stored_bytes(params(), 64), "bits must be an integer from 2 to 32, got 64"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
