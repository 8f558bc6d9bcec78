"""What is counted, against trained networks and Cholesky factors that are counted one by one."""

import itertools

import jax
import pytest

from ntklib import cost
from ntklib.mlp import MLP


@pytest.mark.parametrize("sizes", [[3, 5, 2], [4, 1], [196, 128, 10], [2, 7, 7, 3]])
def test_a_network_has_as_many_numbers_as_its_arrays(sizes):
    width = sizes[1] if len(sizes) > 2 else 1
    net = MLP(depth=len(sizes) - 2, b_std=1.0, out_dim=sizes[-1])
    params = net.init(jax.random.key(0), sizes[0], width)
    assert cost.mlp(sizes).numbers == sum(leaf.size for leaf in jax.tree.leaves(params))


def products(sizes):
    """Multiplications of one example, counted product by product: forward, gradients of weights, errors back."""
    forward = sum(1 for a, b in itertools.pairwise(sizes) for _ in range(a) for _ in range(b))
    back = sum(1 for a, b in itertools.pairwise(sizes[1:]) for _ in range(a) for _ in range(b))
    return forward, 2 * forward + back


@pytest.mark.parametrize("sizes", [[3, 5, 2], [4, 1], [2, 7, 6, 3]])
def test_multiplications_of_a_network(sizes):
    found = cost.mlp(sizes)
    assert (found.predict, found.step) == products(sizes)


def test_one_hidden_layer_has_the_closed_form():
    for d, w, c in itertools.product((1, 4, 9), repeat=3):
        assert cost.mlp([d, w, c]) == (w * (d + c) + w + c, w * (d + c), w * (2 * d + 3 * c))


def test_a_kernel_machine_keeps_examples_and_coefficients():
    for n, d, c in itertools.product((1, 5, 8), repeat=3):
        found = cost.kernel(n, d, c)
        assert found.numbers == found.predict == n * d + n * c
        assert found.gram_bytes == 8 * n**2


def cholesky(n):
    """Multiplications in the three loops of Cholesky's method."""
    return sum(1 for j in range(n) for i in range(j, n) for _ in range(j))


def test_the_elimination_takes_a_sixth_of_the_cube():
    for n in (60, 120):
        assert cost.kernel(n, 1, 1).solve == pytest.approx(cholesky(n), rel=2 / n)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cost.kernel(0, 1, 1), "n must be an integer of at least 1, got 0"),
        (lambda: cost.mlp([3]), r"sizes must be a list of at least two positive integers, got \[3\]"),
        (lambda: cost.mlp([3, 0]), r"sizes\[1\] must be an integer of at least 1, got 0"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
