"""Restricted Boltzmann machines against sums over all patterns written out, scikit-learn's machine, and theorems."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logsumexp
from sklearn.neural_network import BernoulliRBM

from ntklib.rbm import RBM, ais, expected_cd, gibbs, gibbs_kernel, mixing, train

SHAPES = [(1, 1), (4, 2), (3, 5)]


def drawn(d, m, scale=1.0, dtype=np.float32, seed=0):
    rng = np.random.default_rng((seed, d, m))
    return RBM(*(jnp.asarray(scale * rng.standard_normal(shape), dtype) for shape in ((d, m), d, m)))


def patterns(size):
    """In the order of `gibbs_kernel`: the first unit changes fastest."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=size)))[:, ::-1].copy()


def joint(machine):
    """The law of all pairs (v, h), by exponentials of the energy, and log Z."""
    w, b, c = (np.asarray(part, float) for part in machine)
    v, h = patterns(len(b)), patterns(len(c))
    energy = np.array([[-(x @ b + y @ c + x @ w @ y) for y in h] for x in v])
    return np.exp(-energy - logsumexp(-energy)), float(logsumexp(-energy))


@pytest.mark.parametrize(("d", "m"), SHAPES)
def test_probabilities_are_those_of_the_energy(d, m):
    machine = drawn(d, m)
    law, log_partition = joint(machine)
    assert float(machine.log_partition()) == pytest.approx(log_partition, abs=1e-5)
    np.testing.assert_allclose(np.exp(machine.log_prob(patterns(d))), law.sum(1), atol=1e-6)


def test_the_free_energy_is_that_of_scikit_learn():
    machine, v = drawn(6, 3), patterns(6)
    peer = BernoulliRBM(n_components=3)
    peer.components_ = np.asarray(machine.weights, float).T
    peer.intercept_visible_, peer.intercept_hidden_ = np.asarray(machine.visible), np.asarray(machine.hidden)
    np.testing.assert_allclose(-peer._free_energy(v), machine.log_unnormalised(v), rtol=1e-5, atol=1e-6)


def test_log_partition_sums_more_than_one_block():
    machine = drawn(12, 30, 0.3)  # 2^12 patterns in four blocks
    v = patterns(12)
    w, b, c = (np.asarray(part, float) for part in machine)
    wanted = logsumexp(v @ b + np.logaddexp(0, v @ w + c).sum(1))
    assert float(machine.log_partition()) == pytest.approx(wanted, rel=1e-5)
    turned = RBM(machine.weights.T, machine.hidden, machine.visible)
    assert float(turned.log_partition()) == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(ValueError, match="at most 20"):
        drawn(21, 22).log_partition()


@pytest.mark.parametrize(("d", "m"), [(2, 1), (4, 2), (3, 5)])
def test_the_logit_of_the_label_is_that_of_the_law(d, m):
    machine = drawn(d, m)
    law = joint(machine)[0].sum(1)
    half = 2 ** (d - 1)  # the last unit changes slowest
    np.testing.assert_allclose(
        machine.label_logit(patterns(d - 1)), np.log(law[half:] / law[:half]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("d", "m"), SHAPES)
def test_the_kernel_is_that_of_the_conditionals_and_positive(d, m):
    machine = drawn(d, m)
    law = joint(machine)[0]
    up, down = law / law.sum(1, keepdims=True), (law / law.sum(0)).T
    kernel = np.asarray(gibbs_kernel(machine), float)
    np.testing.assert_allclose(kernel, up @ down, atol=1e-6)
    root = np.sqrt(law.sum(1))
    values = np.linalg.eigvalsh(root[:, None] * (up @ down) / root)
    assert values[0] > -1e-12
    assert mixing(machine) == pytest.approx(values[-2], abs=1e-5)


def test_one_step_draws_from_the_kernel():
    machine = drawn(3, 2)
    where = patterns(3)[5]
    ends = np.asarray(gibbs(jax.random.key(0), machine, jnp.tile(jnp.asarray(where, jnp.float32), (40_000, 1)), 2))
    counts = np.bincount((ends @ (1 << np.arange(3))).astype(int), minlength=8)
    kernel = np.asarray(gibbs_kernel(machine), float)
    expected = 40_000 * (kernel @ kernel)[5]
    assert np.sum((counts - expected) ** 2 / expected) < 30  # 7 degrees of freedom
    assert np.array_equal(gibbs(jax.random.key(0), machine, where[None], 0)[0], where)


def test_the_exact_step_is_the_gradient_of_the_likelihood():
    machine = drawn(4, 3)
    law = np.random.default_rng(1).dirichlet(np.ones(16)).astype(np.float32)
    gradient = jax.grad(lambda r: jnp.sum(law * r.log_prob(jnp.asarray(patterns(4), jnp.float32))))(machine)
    for found, wanted in zip(expected_cd(machine, law), gradient, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_bias_of_contrastive_divergence_is_within_its_bound():
    machine = drawn(4, 3, 2.0)
    law = np.random.default_rng(1).dirichlet(np.ones(16)).astype(np.float32)
    p = joint(machine)[0].sum(1)
    distance = math.sqrt(np.sum(law**2 / p) - 1)
    v = patterns(4)
    exact = np.asarray(expected_cd(machine, law).visible)
    for k in (1, 2, 5):
        bias = np.abs(np.asarray(expected_cd(machine, law, k).visible) - exact)
        bound = mixing(machine) ** k * distance * np.sqrt(p @ v**2 - (p @ v) ** 2)
        assert np.all(bias <= bound + 1e-6)
        assert bias.max() > bound.max() / 1000  # it is no empty bound
    kernel = np.asarray(gibbs_kernel(machine), float)
    wanted = law @ v - law @ kernel @ kernel @ v
    np.testing.assert_allclose(expected_cd(machine, law, 2).visible, wanted, atol=1e-5)


@pytest.mark.parametrize("method", ["cd", "pcd", "exact"])
def test_training_finds_two_equal_bits(method):
    same = np.array([[0, 0], [1, 1]], np.float32)
    start = RBM(jnp.full((2, 1), 0.1), jnp.zeros(2), jnp.zeros(1))
    end = train(jax.random.key(0), start, same, method=method, k=5, steps=3000, learning_rate=0.5)
    assert float(jnp.exp(end.log_prob(same)).sum()) > 0.9
    assert train(jax.random.key(0), start, same, method=method, steps=0).weights.tolist() == start.weights.tolist()


def test_one_step_of_training_goes_on_average_where_contrastive_divergence_goes():
    machine = drawn(3, 2)
    v = patterns(3)[[1, 1, 6, 7]].astype(np.float32)
    law = np.bincount([1, 1, 6, 7], minlength=8).astype(np.float32) / 4

    def step(method, k):
        return train(jax.random.key(3), machine, v, method=method, k=k, steps=1, batch=100_000, learning_rate=1.0)

    for method, k, wanted in (("cd", 1, 1), ("cd", 4, 4), ("pcd", 1, 1), ("exact", 1, None)):
        change = jax.tree.map(jnp.subtract, step(method, k), machine)
        for found, mean in zip(change, expected_cd(machine, law, wanted), strict=True):
            np.testing.assert_allclose(found, mean, atol=0.01)


@pytest.mark.parametrize("temperatures", [1, 30])
def test_importance_sampling_is_unbiased_for_z(temperatures):
    machine = drawn(5, 3)
    estimate, error = ais(jax.random.key(0), machine, jnp.zeros(5), temperatures=temperatures, chains=50_000)
    assert abs(math.exp(estimate - float(machine.log_partition())) - 1) < 4 * error
    assert 0 < error < 0.02


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: RBM(jnp.ones((2, 3)), jnp.zeros(3), jnp.zeros(2)).log_partition(),
            r"weights \(2, 3\), visible \(3,\)",
        ),
        (lambda: gibbs_kernel(drawn(13, 2)), "at most 12 units"),
        (lambda: expected_cd(drawn(2, 2), jnp.full(4, 0.3)), "sum to one"),
        (lambda: expected_cd(drawn(2, 2), jnp.array([-1.0, 1, 1, 0])), "-1 as the least"),
        (lambda: expected_cd(drawn(2, 2), jnp.full(3, 1 / 3)), r"\(4,\), got \(3,\)"),
        (lambda: drawn(1, 2).label_logit(jnp.ones((1, 1))), "two visible units"),
        (lambda: train(jax.random.key(0), drawn(2, 1), jnp.ones((0, 2))), "at least one row"),
        (lambda: train(jax.random.key(0), drawn(21, 21), jnp.ones((1, 21)), method="exact"), "at most 20"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_unit_without_weights_changes_nothing():
    machine = drawn(4, 2)
    more = RBM(jnp.pad(machine.weights, ((0, 0), (0, 1))), machine.visible, jnp.append(machine.hidden, 1.5))
    v = patterns(4)
    np.testing.assert_allclose(more.log_prob(v), machine.log_prob(v), atol=1e-5)
    np.testing.assert_allclose(expit(more.label_logit(v[:, :3])), expit(machine.label_logit(v[:, :3])), atol=1e-6)
