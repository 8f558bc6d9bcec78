"""Shortest paths against SciPy and enumeration, messages written out with loops, a stack against a list."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csgraph

from ntklib.algorithms import MessagePassing, Stack, bellman_ford, random_graphs

KEY = jax.random.key(3)


@pytest.mark.parametrize(("n", "extra"), [(1, None), (2, 0), (9, None), (30, 0), (30, 60)])
def test_distances_are_those_of_scipy_and_every_node_is_reached(n, extra):
    weights = random_graphs(KEY, n, 4, extra=extra)
    for w, d in zip(weights, bellman_ford(weights, n - 1)[:, -1], strict=True):
        wanted = csgraph.shortest_path(np.where(np.isfinite(w), w, 0), method="D", indices=0)
        np.testing.assert_allclose(d, wanted, rtol=1e-12)
        assert np.isfinite(d).all()


def test_after_k_steps_no_path_has_more_than_k_edges():
    weights = random_graphs(KEY, 5, 3)
    found = bellman_ford(weights, 3)
    for w, d in zip(weights, found, strict=True):
        for k, node in itertools.product(range(4), range(5)):
            walks = itertools.product(range(5), repeat=max(k - 1, 0))
            ends = [(0, *walk, node) for walk in walks] if k else [(0,)] if node == 0 else []
            lengths = [sum(w[a, b] for a, b in itertools.pairwise(walk)) for walk in ends]
            assert d[k, node] == pytest.approx(min(lengths, default=np.inf))


def test_directed_graphs_are_followed_along_their_edges():
    one_way = np.array([[[0, 1, np.inf], [np.inf, 0, 1], [np.inf, np.inf, 0]]])
    assert bellman_ford(one_way, 2)[0, -1].tolist() == [0, 1, 2]
    assert bellman_ford(one_way.swapaxes(1, 2), 2)[0, -1].tolist() == [0, np.inf, np.inf]


def test_random_graphs_are_a_path_and_some_edges():
    paths = random_graphs(KEY, 12, 50, extra=0)
    edges = np.isfinite(paths) & (paths > 0)
    assert (edges.sum((1, 2)) == 2 * 11).all()
    assert (np.sort(edges.sum(1))[:, :3] == [1, 1, 2]).all()  # two ends, and inner nodes
    more = random_graphs(KEY, 12, 50)
    assert (more == more.swapaxes(1, 2)).all()
    assert (np.diagonal(more, axis1=1, axis2=2) == 0).all()
    used = more[np.isfinite(more) & (more > 0)]
    assert 0.1 <= used.min() < 0.12
    assert 0.98 < used.max() <= 1
    counted = (np.isfinite(more) & (more > 0)).sum((1, 2)) / 2
    assert counted.max() > 18
    assert counted.max() <= 11 + 12
    assert not np.array_equal(more, random_graphs(jax.random.key(4), 12, 50))
    np.testing.assert_array_equal(more, random_graphs(KEY, 12, 50))


def by_loops(net, params, distances, weights):
    """One step, node by node."""
    p = {name: np.asarray(value, float) for name, value in params.items()}
    shift = p.get("shift", np.zeros(p["inner"].shape[1]))
    combine = {"min": np.min, "sum": np.sum, "mean": np.mean}[net.aggregate]
    made = np.full(distances.shape, np.inf)
    for g, v in itertools.product(*map(range, distances.shape)):
        senders = [u for u in range(len(weights[g])) if np.isfinite(distances[g, u]) and np.isfinite(weights[g, u, v])]
        if not senders:
            continue
        hidden = [np.maximum(np.array([distances[g, u], weights[g, u, v]]) @ p["inner"] + shift, 0) for u in senders]
        if not net.update:
            made[g, v] = combine([unit @ p["outer"] for unit in hidden])
            continue
        own = distances[g, v] if np.isfinite(distances[g, v]) else 0.0
        joined = np.concatenate([combine(hidden, axis=0), [own]]) @ p["joined"] + p.get("joined_shift", 0)
        made[g, v] = np.maximum(joined, 0) @ p["outer"] + p.get("end", 0)
    return made


@pytest.mark.parametrize("update", [0, 5])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("aggregate", ["min", "sum", "mean"])
def test_a_step_is_what_loops_over_nodes_say(aggregate, bias, update):
    weights = random_graphs(KEY, 7, 3)
    weights[0, 2] = np.inf  # a node that sends nothing, not even to itself
    distances = bellman_ford(weights, 2)[:, -1]
    assert np.isinf(distances).any()
    net = MessagePassing(aggregate, bias=bias, width=3, update=update)
    params = net.init(jax.random.key(5))
    assert ("shift" in params, "joined" in params, "end" in params) == (bias, update > 0, bias and update > 0)
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    made = net.apply(params, distances, weights)
    np.testing.assert_allclose(made, by_loops(net, params, distances, weights), rtol=2e-5)


def test_an_aligned_message_is_the_algorithm_and_gradients_are_finite():
    weights = random_graphs(KEY, 9, 3)
    course = bellman_ford(weights, 8)
    plus = {"inner": jnp.ones((2, 1)), "outer": jnp.ones(1)}
    state = course[:, 0]
    for step in range(1, 9):
        state = MessagePassing().apply(plus, state, weights)
        np.testing.assert_allclose(state, course[:, step], rtol=1e-6)

    def loss(params, net):
        made = net.apply(params, course[:, 1], weights)
        return jnp.sum(jnp.where(jnp.isfinite(made), made, 0.0) ** 2)

    for net in (MessagePassing(), MessagePassing("mean", bias=True, update=3)):
        for leaf in jax.tree.leaves(jax.grad(loss)(net.init(KEY), net)):
            assert np.isfinite(leaf).all()
            assert np.any(leaf != 0)


def test_without_biases_lengths_may_be_scaled():
    weights = random_graphs(KEY, 6, 2)
    distances = bellman_ford(weights, 2)[:, -1]
    for bias in (False, True):
        net = MessagePassing("min", bias=bias)
        params = {name: leaf + 0.1 for name, leaf in net.init(KEY).items()}
        once, twice = (np.asarray(net.apply(params, c * distances, c * weights)) for c in (1, 2))
        assert np.allclose(2 * once, twice, rtol=1e-5) is not bias


@given(st.lists(st.sampled_from(["push 0", "push 1", "pop"]), max_size=80))
def test_a_stack_of_fractions_is_a_list(moves):
    stack, listed = Stack(Fraction(0)), []
    for move in moves:
        if move == "pop":
            stack = stack.pop()
            listed = listed[:-1]
        else:
            stack = stack.push(int(move[-1]))
            listed = [*listed, int(move[-1])]
        assert stack.empty() == (not listed)
        assert stack.top() == (listed[-1] if listed else 0)
        assert stack.code == sum(Fraction(2 * b + 1, 4**i) for i, b in enumerate(listed[::-1], 1))


def test_a_stack_of_half_precision_loses_a_word_of_seven_bits_and_none_of_six():
    def back(word):
        stack, out = Stack(np.float16(0)), []
        for bit in word:
            stack = stack.push(bit)
        for _ in word:
            out.append(int(stack.top()))
            stack = stack.pop()
        return tuple(out[::-1])

    right = {n: sum(back(word) == word for word in itertools.product((0, 1), repeat=n)) for n in range(1, 8)}
    assert {n: right[n] == 2**n for n in right} == {**dict.fromkeys(range(1, 7), True), 7: False}
    assert isinstance(Stack(np.float16(0)).push(1).code, np.float16)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"distances must have shape \(count, n\)"):
        MessagePassing().apply({"inner": jnp.ones((2, 1)), "outer": jnp.ones(1)}, jnp.ones((2, 4)), jnp.ones((2, 3, 3)))
    with pytest.raises(ValueError, match="bit must be an integer from 0 to 1, got 2"):
        Stack(0.0).push(2)
