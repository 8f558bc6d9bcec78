"""Pieces, narrow networks and the chain, against exact fractions, counting and closed forms."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from ntklib.approximation import Shallow
from ntklib.depth import (
    apply_layers,
    chain_steps,
    chain_time,
    count_pieces,
    max_pieces,
    narrow,
    sawtooth_network,
)


def fractions(rng, *shape):
    return np.array([Fraction(int(n), 7) for n in rng.integers(-9, 10, math.prod(shape))], object).reshape(shape)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 6), (3, 4)])
def test_a_narrow_network_is_the_shallow_one_in_fractions(d, n):
    rng = np.random.default_rng(d)
    net = Shallow(fractions(rng, d, n), fractions(rng, n), fractions(rng, n), fractions(rng, 1)[0])
    layers = narrow(net)
    assert [weight.shape[1] for weight, _ in layers] == [d + 3] * n + [1]
    for x in abs(fractions(rng, 50, d)):
        units = [sum(x[i] * net.weight[i, j] for i in range(d)) + net.bias[j] for j in range(n)]
        wanted = net.offset + sum(a * max(u, 0) for a, u in zip(net.readout, units, strict=True))
        assert apply_layers(layers, x[None])[0, 0] == wanted


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_fold_is_exact(k):
    x = [Fraction(j, 97) for j in range(98)]
    layers = [
        (np.array([[Fraction(v) for v in row] for row in weight], object), np.array(list(map(Fraction, bias)), object))
        for weight, bias in sawtooth_network(k)
    ]
    assert len(layers) == k + 1
    for point, got in zip(x, apply_layers(layers, np.array(x, object)[:, None])[:, 0], strict=True):
        for _ in range(k):
            point = min(2 * point, 2 - 2 * point)
        assert got == point


def test_pieces_are_counted():
    assert [count_pieces(sawtooth_network(k), 0.0, 1.0) for k in range(1, 12)] == [2**k for k in range(1, 12)]
    assert count_pieces(sawtooth_network(3), 0.1, 0.9) == 8  # kinks at j / 8
    assert count_pieces(sawtooth_network(3), 0.13, 0.9) == 7
    rng = np.random.default_rng(0)
    widths = [1, 3, 4, 1]
    for _ in range(20):
        net = [(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in itertools.pairwise(widths)]
        h, pattern = np.linspace(-3, 3, 200_001)[:, None], []
        for weight, bias in net[:-1]:
            h = h @ weight + bias
            pattern.append(h > 0)
            h = np.maximum(h, 0)
        together = np.concatenate(pattern, 1)
        grid = 1 + np.sum(np.any(together[1:] != together[:-1], 1))
        assert grid <= count_pieces(net, -3, 3) <= max_pieces([3, 4])
        assert count_pieces(net, -3, 3) - grid <= 1  # two kinks in one cell of the grid
    assert (max_pieces([]), max_pieces([5]), max_pieces([1, 2])) == (1, 6, 6)


@pytest.mark.parametrize(("u", "s", "eps"), [(0.5, 4.0, 0.01), (0.1, 1.0, 0.1), (0.9, 2.0, 0.001)])
def test_the_time_of_the_chain(u, s, eps):
    assert chain_time(1, u, s, eps) == pytest.approx(math.log((s - u) / (eps * s)), rel=1e-9)
    two = math.log((1 - eps) * (s - u**2) / (eps * u**2)) / (2 * s)
    assert chain_time(2, u, s, eps) == pytest.approx(two, rel=1e-9)

    def primitive(v):  # for four layers, in v = u²
        return (math.atanh(v / math.sqrt(s)) / math.sqrt(s) - 1 / v) / (2 * s)

    assert chain_time(4, u, s, eps) == pytest.approx(primitive(math.sqrt((1 - eps) * s)) - primitive(u**2), rel=1e-9)
    assert chain_time(3, (0.9999 * s) ** (1 / 3), s, 0.01) == 0


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_small_steps_follow_the_flow(depth):
    rate = 1e-4
    assert rate * chain_steps(depth, 0.5, 2.0, 0.01, rate) == pytest.approx(chain_time(depth, 0.5, 2.0, 0.01), rel=2e-3)


def test_the_chain_stops():
    assert chain_steps(8, 0.1, 1.0, 0.01, 0.1, limit=50) == 50
    assert chain_steps(1, 0.5, 4.0, 0.01, 3.0, limit=500) == 500  # diverges
    assert chain_steps(4, 1.0, 4.0, 0.01, 50.0, limit=500) == 500  # beyond all floats
    with pytest.raises(ValueError, match=r"start must have a power start\*\*2 below the target 4"):
        chain_time(2, 2.5, 4.0, 0.01)
    with pytest.raises(ValueError, match="tol must be below 1, got 1"):
        chain_time(2, 0.5, 4.0, 1.0)
    with pytest.raises(ValueError, match="high must be above low = 1, got 1"):
        count_pieces(sawtooth_network(1), 1, 1)
