"""Infinite-width kernels against recursions in 60 digits and plain quadrature; finite networks against the kernels."""

import copy
import dataclasses
import functools
import math
import pickle

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntklib._inputs import input_pairs
from ntklib.activations import Activation, by_name, from_function, names
from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP, NetworkKernel
from ntklib.tangent import empirical_ntk

STEP = 1 / 12
NODES = STEP * np.arange(-108, 109)
WEIGHTS = np.exp(-(NODES**2) / 2) * STEP / np.sqrt(2 * np.pi)


def relu_maps(a, b, c):
    """Cho and Saul's arc-cosine formulas, written in the angle."""
    if a == 0 or b == 0:
        return mp.mpf(0), mp.mpf(1) / 2
    cosine = max(mp.mpf(-1), min(mp.mpf(1), c / mp.sqrt(a * b)))
    theta = mp.acos(cosine)
    value = mp.sqrt(a * b) * (mp.sqrt(1 - cosine**2) + (mp.pi - theta) * cosine) / (2 * mp.pi)
    return value, (mp.pi - theta) / (2 * mp.pi)


def erf_maps(a, b, c):
    """Williams's arcsine formula and its derivative."""
    product = (1 + 2 * a) * (1 + 2 * b)
    return 2 / mp.pi * mp.asin(2 * c / mp.sqrt(product)), 4 / mp.pi / mp.sqrt(product - 4 * c * c)


def quadrature_maps(function, slope):
    """The two expectations of a smooth activation, summed over a grid in the plane."""

    @functools.cache
    def maps(a, b, c):
        root = mp.sqrt(a * b)
        cosine = max(mp.mpf(-1), min(mp.mpf(1), c / root)) if root else mp.mpf(0)
        sine = float(mp.sqrt(1 - cosine**2))
        u = float(mp.sqrt(a)) * NODES
        v = float(mp.sqrt(b)) * (float(cosine) * NODES[:, None] + sine * NODES[None, :])
        return tuple(mp.mpf(float((WEIGHTS * f(u)) @ f(v) @ WEIGHTS)) for f in (function, slope))

    return maps


MAPS = {
    "relu": relu_maps,
    "erf": erf_maps,
    "gelu": quadrature_maps(
        lambda u: u * scipy.special.ndtr(u),
        lambda u: scipy.special.ndtr(u) + u * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "tanh": quadrature_maps(np.tanh, lambda u: 1 / np.cosh(u) ** 2),
}


def exact_kernels(mlp, x, y):
    """NNGP and tangent kernel of one pair of points (lists of mpmath numbers), by the recursion as it is printed."""
    w2, b2 = mp.mpf(mlp.w_std) ** 2, mp.mpf(mlp.b_std) ** 2
    maps = MAPS[mlp.activation]

    def dense(p, q):
        return w2 * mp.fsum(i * j for i, j in zip(p, q, strict=True)) / len(p) + b2

    a, b, c = dense(x, x), dense(y, y), dense(x, y)
    theta = c
    for _ in range(mlp.depth):
        value, derivative = maps(a, b, c)
        a, b, c = (w2 * moment + b2 for moment in (maps(a, a, a)[0], maps(b, b, b)[0], value))
        theta = c + w2 * derivative * theta
    return c, theta


def exact(mlp, x1, x2):
    """(2, n1, n2) of mpmath numbers."""
    rows = [[mp.mpf(float(z)) for z in row] for row in x1], [[mp.mpf(float(z)) for z in row] for row in x2]
    table = [[exact_kernels(mlp, x, y) for y in rows[1]] for x in rows[0]]
    return [[[entry[kind] for entry in row] for row in table] for kind in (0, 1)]


def neighbours(x, angles, rng):
    """Unit-length copies of x turned by each angle."""
    p = rng.standard_normal(len(x))
    p -= (p @ x) / (x @ x) * x
    p *= np.linalg.norm(x) / np.linalg.norm(p)
    return np.array([math.cos(angle) * x + math.sin(angle) * p for angle in angles])


def difficult_inputs(dim=4, seed=0):
    """A point, and points that are random, equal, parallel, antipodal, zero, nearly equal and nearly antipodal."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(dim)
    near = neighbours(x, [0.3, 1e-2, 1e-3, 2e-4, 1.7e-4, 1e-5, 1e-8, 1e-10, 1e-12], rng)
    return x[None], np.concatenate(
        [rng.standard_normal((3, dim)), [x, 3 * x, -x, -3 * x, 0 * x], near, -near, 3 * near]
    )


def kernels(mlp):
    return jax.jit(lambda x1, x2: jnp.stack([mlp.nngp(x1, x2), mlp.ntk(x1, x2)]))


CONFIGURATIONS = [
    *((name, depth, b_std) for name in ("relu", "erf") for depth, b_std in ((1, 0.0), (2, 0.6), (3, 0.0), (4, 0.6))),
    *((name, depth, b_std) for name in ("gelu", "tanh") for depth, b_std in ((1, 0.0), (3, 0.6))),
    ("erf", 10, 0.6),
]


@pytest.mark.parametrize(("name", "depth", "b_std"), CONFIGURATIONS)
def test_kernels_of_difficult_inputs_are_exact_to_1e_12(x64, name, depth, b_std):
    """Relative to the lengths of the two inputs."""
    mlp = MLP(depth=depth, activation=name, w_std=1.3, b_std=b_std)
    x, others = difficult_inputs()
    got = np.asarray(kernels(mlp)(jnp.asarray(x), jnp.asarray(others)))[:, 0]
    with mp.workdps(60):
        points = [[mp.mpf(z) for z in row] for row in [*x.tolist(), *others.tolist()]]
        itself, *squares = [exact_kernels(mlp, point, point) for point in points]
        for j, point in enumerate(points[1:]):
            for kind, want in enumerate(exact_kernels(mlp, points[0], point)):
                scale = mp.sqrt(itself[kind] * squares[j][kind])
                assert abs(got[kind, j] - want) <= 1e-12 * scale, (kind, j)


@pytest.mark.parametrize("depth", [1, 3])
def test_relu_kernels_have_their_own_relative_accuracy_at_nearly_antipodal_inputs(x64, depth):
    """Without biases the kernels vanish there like powers of the angle."""
    mlp = MLP(depth=depth, w_std=1.3)
    x, _ = difficult_inputs()
    others = -neighbours(x[0], [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6], np.random.default_rng(1))
    got = np.asarray(kernels(mlp)(jnp.asarray(x), jnp.asarray(others)))
    with mp.workdps(60):
        want = np.array(exact(mlp, x, others), dtype=float)
    assert np.max(np.abs(got / want - 1)) < 3e-9


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_kernels_in_many_dimensions_are_exact_to_2e_12(x64, name):
    mlp = MLP(depth=3, activation=name)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 784))
    others = neighbours(x[0], [1.0, 1e-2, 1e-3, 2e-4, 1e-6, 1e-9], rng)
    with mp.workdps(60):
        want = np.array(exact(mlp, x, others), dtype=float)
    np.testing.assert_allclose(kernels(mlp)(jnp.asarray(x), jnp.asarray(others)), want, rtol=2e-12)


@pytest.mark.parametrize("name", names())
def test_kernels_of_32_bits_stay_in_32_bits_and_near_those_of_64(x64, name):
    mlp = MLP(depth=3, activation=name, w_std=np.sqrt(2.0), b_std=np.float64(0.3))
    x, others = (jnp.asarray(z) for z in difficult_inputs())
    single = mlp.ntk(x.astype(jnp.float32), others.astype(jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, mlp.ntk(x, others), rtol=3e-4, atol=1e-5)


@pytest.mark.parametrize("dim", [3, 784])
@pytest.mark.parametrize(("name", "depth", "b_std"), [("relu", 2, 0.0), ("relu", 1, 0.3), ("erf", 1, 0.0)])
def test_kernels_of_32_bits_keep_six_digits_on_the_diagonal_and_at_near_duplicates(x64, dim, name, depth, b_std):
    """Against 64 bits on the same inputs: lengths from 1 to 2, angles from 1e-8 to π, both ways of asking."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal(dim)
    near = neighbours(x, [0, *10.0 ** np.linspace(-8, 0.49, 40)], rng)
    x = np.concatenate([near, -near, near * rng.uniform(1, 2, (len(near), 1))]).astype(np.float32)
    mlp = MLP(depth=depth, activation=name, b_std=b_std)
    want = np.asarray(mlp.ntk(jnp.asarray(x, jnp.float64)))
    scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    cosine = np.abs(x @ x.T.astype(float)) / np.outer(*2 * [np.linalg.norm(x.astype(float), axis=1)])
    single = jnp.asarray(x)
    for got in (mlp.ntk(single), mlp.ntk(single, single)):
        assert got.dtype == jnp.float32
        error = np.abs(np.asarray(got, float) - want) / scale
        assert error[cosine > 0.98].max() < 1e-6
        assert error.max() < 3e-6  # what a product of 784 factors leaves
        assert np.diag(error).max() < 5e-7


def test_gaps_are_as_exact_with_many_near_duplicates_as_with_few(x64):
    """More columns than are looked up one by one, rows with none, a few and many of them."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(5)
    alone, few = rng.standard_normal((30, 5)), neighbours(rng.standard_normal(5), 1e-4 * np.arange(1, 9), rng)
    many = neighbours(x, 1e-4 * np.arange(1, 50), rng)
    x = np.concatenate([alone, few, -few, many]).astype(np.float32)
    pairs = jax.jit(lambda x: input_pairs(x, None))
    got, want = pairs(jnp.asarray(x)), pairs(jnp.asarray(x, jnp.float64))
    parallel = np.asarray(want.gap / jnp.sqrt(want.a * want.b)) < 0.01
    assert 8 * 8 + 49 * 49 <= parallel.sum() < parallel.size
    np.testing.assert_allclose(np.asarray(got.gap)[parallel], np.asarray(want.gap)[parallel], rtol=1e-3, atol=1e-13)
    np.testing.assert_allclose(got.cogap, want.cogap, rtol=1e-3, atol=2e-6)


def test_gap_of_nearly_parallel_inputs_is_exact(x64):
    x, _ = difficult_inputs()
    angles = [1e-2, 1e-4, 1e-5, 1e-6, 1e-8]
    others = neighbours(x[0], angles, np.random.default_rng(3))
    near, far = (jax.jit(input_pairs)(jnp.asarray(x), jnp.asarray(sign * others)) for sign in (1, -1))
    with mp.workdps(60):
        exact_x = [mp.mpf(z) for z in x[0].tolist()]
        for j, (angle, other) in enumerate(zip(angles, others.tolist(), strict=True)):
            dots = [
                mp.fsum(mp.mpf(p) * q for p, q in zip(u, v, strict=True)) / 4
                for u, v in ((exact_x, exact_x), (other, [mp.mpf(q) for q in other]), (other, exact_x))
            ]
            gap = mp.sqrt(dots[0] * dots[1]) - dots[2]
            tolerance = 1e-15 / angle + 1e-15 / angle**2 * (angle > 1e-4)
            assert abs(float(near.gap[0, j]) / gap - 1) < 4 * tolerance
            assert abs(float(far.cogap[0, j]) / gap - 1) < 4 * tolerance


# symmetries


@pytest.mark.optimised  # symmetric to the last digit, which the unoptimised program is not
@pytest.mark.parametrize("name", names())
def test_second_inputs_left_out_are_the_first(x64, name):
    """Also with equal, antipodal and zero rows among them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3))
    x = jnp.asarray(np.concatenate([x, x[:1], -x[:1], np.zeros((1, 3))]))
    mlp = MLP(depth=2, activation=name)
    # those of gelu and tanh interpolate in one of the two variances
    exact = name in ("relu", "erf")
    kinds = (mlp.nngp, mlp.ntk) if exact else (mlp.ntk,)  # the recursion of the one is in that of the other
    alone = jax.jit(lambda x: jnp.stack([kernel(x) for kernel in kinds]))(x)
    pairs = jax.jit(lambda x1, x2: jnp.stack([kernel(x1, x2) for kernel in kinds]))(x, x)
    np.testing.assert_allclose(alone, pairs, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(alone, np.swapaxes(alone, 1, 2), rtol=1e-14 * exact, atol=1e-13 * (not exact))
    assert np.linalg.eigvalsh(alone).min() > -1e-13
    for kernel in np.asarray(alone):
        assert (kernel[6] == 0).all()
        assert float(kernel[0, 4]) == pytest.approx(float(kernel[0, 0]), rel=1e-13)


@given(arrays(float, (5, 3), elements=st.floats(-3, 3)), st.integers(0, 10**6))
def test_kernels_are_invariant_under_rotations_and_follow_permutations(x64, x, seed):
    mlp = MLP(depth=2, b_std=0.3)
    rng = np.random.default_rng(seed)
    rotation, order = np.linalg.qr(rng.standard_normal((3, 3)))[0], rng.permutation(5)
    base = np.asarray(mlp.ntk(jnp.asarray(x)))
    np.testing.assert_allclose(mlp.ntk(jnp.asarray(x @ rotation)), base, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(mlp.ntk(jnp.asarray(x[order])), base[np.ix_(order, order)], rtol=1e-13, atol=1e-15)
    assert np.linalg.eigvalsh(base).min() > -1e-12 * np.trace(base)


@given(st.floats(1e-30, 1e30), st.floats(1e-30, 1e30))
def test_relu_kernels_without_biases_are_homogeneous(x64, s1, s2):
    mlp = MLP(depth=2)
    x, y = jnp.array([[1.0, 2.0, -0.5]]), jnp.array([[0.3, -1.0, 1.0]])
    np.testing.assert_allclose(mlp.ntk(s1 * x, s2 * y), s1 * s2 * mlp.ntk(x, y), rtol=1e-12)


def test_the_diagonal_stays_exact_where_deep_networks_pull_inputs_apart(x64):
    """Correlation 1 is an unstable fixed point here: an error of rounding on the diagonal doubles with every layer."""
    q = 9 + 0.16
    for _ in range(64):  # a multiple of the layers that are compiled in a row
        q = 9 * 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)) + 0.16
    x = jnp.sqrt(2.0) * jnp.array([[1.0, 0.0], [np.cos(0.5), np.sin(0.5)]])
    kernel = MLP(depth=64, activation="erf", w_std=3.0, b_std=0.4).nngp(x)
    np.testing.assert_allclose(jnp.diag(kernel), q, rtol=1e-12)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_relu_diagonal_grows_by_one_layer_at_a_time(x64, depth):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 5)))
    square = np.sum(np.asarray(x) ** 2, 1) / 5
    mlp = MLP(depth=depth)
    np.testing.assert_allclose(np.diag(mlp.nngp(x)), 2 * square, rtol=1e-14)
    np.testing.assert_allclose(np.diag(mlp.ntk(x)), 2 * (depth + 1) * square, rtol=1e-14)


def test_without_hidden_layers_both_kernels_are_linear(x64):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((2, 4))
    for kernel in kernels(MLP(depth=0, w_std=1.5, b_std=0.5))(jnp.asarray(x), jnp.asarray(y)):
        np.testing.assert_allclose(kernel, 2.25 * x @ y.T / 4 + 0.25, rtol=1e-13)


def test_an_own_activation_takes_part_in_the_recursion(x64):
    identity = Activation("identity", lambda x: x, lambda pairs: (pairs, jnp.ones_like(pairs.c)))
    x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 4)))
    gram = np.asarray(x @ x.T) / 4
    np.testing.assert_allclose(MLP(depth=2, activation=identity, w_std=1.0).ntk(x), 3 * gram, rtol=1e-13)


def test_kernels_of_no_inputs_are_empty(dtype):
    x, none = jnp.ones((2, 3), dtype), jnp.ones((0, 3), dtype)
    assert MLP().ntk(x, none).shape == (2, 0)
    assert MLP().ntk(none, x).shape == (0, 2)


def test_kernels_map_over_pairs_of_points(x64):
    mlp = MLP(depth=2, b_std=0.1)
    x, others = (jnp.asarray(z) for z in difficult_inputs())
    one_by_one = jax.jit(jax.vmap(lambda y: mlp.ntk(x, y[None])[0, 0]))(others)
    np.testing.assert_allclose(one_by_one, mlp.ntk(x, others)[0], rtol=1e-13)


# derivatives


def numerical_gradient(mlp, x, y, kind):
    """By symmetric differences in 60 digits."""
    x, y = [mp.mpf(float(z)) for z in x], [mp.mpf(float(z)) for z in y]
    step, gradient = mp.mpf(10) ** -25, []
    for i in range(len(x)):
        sides = [exact_kernels(mlp, [*x[:i], x[i] + sign * step, *x[i + 1 :]], y)[kind] for sign in (1, -1)]
        gradient.append(float((sides[0] - sides[1]) / (2 * step)))
    return np.array(gradient)


@pytest.mark.parametrize(("name", "b_std"), [("relu", 0.0), ("relu", 0.6), ("erf", 0.0)])
def test_gradients_at_nearly_equal_and_antipodal_inputs(x64, name, b_std):
    """To 1e-7 down to angles of 1e-6; at 1e-10 the direction of the difference has seven digits left."""
    mlp = MLP(depth=2, activation=name, w_std=1.3, b_std=b_std)
    x, _ = difficult_inputs(dim=3)
    near = neighbours(x[0], [0.5, 1e-2, 2e-4, 1e-6, 1e-10], np.random.default_rng(5))
    others = np.concatenate([near, -near])
    jacobian = jax.jit(jax.jacrev(lambda x: kernels(mlp)(x[None], jnp.asarray(others))[:, 0]))(jnp.asarray(x[0]))
    with mp.workdps(60):
        for kind in (0, 1):
            want = np.array([numerical_gradient(mlp, x[0], y, kind) for y in others])
            error = np.abs(np.asarray(jacobian[kind]) - want).max(1) / np.abs(want).max()
            assert error[[0, 1, 2, 3, 5, 6, 7, 8]].max() < 1e-7
            assert error.max() < 1e-4


@functools.cache  # a program for two tests, whose inputs have one shape
def kernel_and_pullback(mlp):
    """The tangent kernel of points x (6, 2) and y (6, 2), and its reverse mode in x."""

    @jax.jit
    def both(x, y, weights):
        value, pull = jax.vjp(lambda x: mlp.ntk(x, y), x)
        return value, pull(weights)[0]

    return both


SMOOTH_AT_ZERO = [("relu", 0.5), ("erf", 0.0), ("gelu", 0.0), ("tanh", 0.0)]


@pytest.mark.parametrize(("name", "b_std"), SMOOTH_AT_ZERO)
def test_gradients_at_a_zero_input_are_those_of_the_limit(x64, name, b_std):
    """Relu without biases has a kink there; everything else is smooth."""
    both = kernel_and_pullback(MLP(depth=2, activation=name, w_std=1.3, b_std=b_std))
    y, h = jnp.asarray(np.tile([[1.0, 2.0], [-0.5, 0.3]], (3, 1))), 1e-4
    beside = np.concatenate([h * np.eye(2), -h * np.eye(2), np.zeros((2, 2))])
    values = both(jnp.asarray(beside), y, jnp.ones((6, 6)))[0][:, :2]
    want = (values[:2] - values[2:4]) / (2 * h)  # (coordinates, inputs)
    found = both(jnp.zeros((6, 2)), y, jnp.eye(6))[1][:2]  # of the row of each the entry on the diagonal
    np.testing.assert_allclose(found, want.T, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("depth", [1, 2])
def test_relu_without_biases_has_derivative_zero_at_its_kink(x64, depth):
    """Of the slopes that meet at a zero input, the smallest: as relu itself, whose derivative at zero is zero."""
    gradient = jax.grad(lambda x: MLP(depth=depth).nngp(x, jnp.array([[1.0, 2.0]]))[0, 0])(jnp.zeros((1, 2)))
    np.testing.assert_array_equal(gradient, np.zeros((1, 2)))


def test_gradient_of_a_linear_kernel_at_zero_is_the_other_input(x64):
    y = jnp.array([[1.0, 2.0]])
    got = jax.grad(lambda x: MLP(depth=0, w_std=1.5).nngp(x, y)[0, 0])(jnp.zeros((1, 2)))
    np.testing.assert_allclose(got, 2.25 * y / 2)


@pytest.mark.parametrize(("name", "b_std"), [("relu", 0.0), *SMOOTH_AT_ZERO])
def test_gradients_are_finite_at_zero_equal_parallel_and_antipodal_inputs(x64, name, b_std):
    mlp = MLP(depth=2, activation=name, w_std=1.3, b_std=b_std)
    x = jnp.array([[1.0, 2.0], [1.0, 2.0], [3.0, 6.0], [-1.0, -2.0], [0.0, 0.0], [0.0, 0.0]])
    assert jnp.isfinite(kernel_and_pullback(mlp)(x, x, jnp.ones((6, 6)))[1]).all()
    if name != "gelu":
        assert jnp.isfinite(jax.jit(jax.grad(lambda u: jnp.sum(mlp.ntk(u))))(x)).all()


def test_gradient_of_the_diagonal_is_that_of_the_squared_length(x64):
    x = jnp.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    gradient = jax.grad(lambda x: jnp.trace(MLP(depth=2).ntk(x)))(x)
    np.testing.assert_allclose(gradient, 6 * x, rtol=1e-13)  # of (depth + 1) w_std² |x|²/d


def test_kernels_can_be_differentiated_in_the_scales(x64):
    x, others = (jnp.asarray(z) for z in difficult_inputs())
    others = others[:6]

    def f(w_std, b_std):
        return MLP(depth=2, w_std=w_std, b_std=b_std).ntk(x, others)[0]

    g = jax.jit(f)
    gradients, h = jax.jit(jax.jacfwd(f, (0, 1)))(1.2, 0.4), 1e-5
    np.testing.assert_allclose(gradients[0], (g(1.2 + h, 0.4) - g(1.2 - h, 0.4)) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(gradients[1], (g(1.2, 0.4 + h) - g(1.2, 0.4 - h)) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(g(1.2, 0.0), MLP(depth=2, w_std=1.2).ntk(x, others)[0], rtol=1e-13)


def test_a_network_and_its_kernels_are_trees_whose_leaves_are_the_two_scales(x64):
    mlp, x = MLP(depth=1, activation="erf", w_std=1.2, b_std=0.4, out_dim=3), jnp.asarray(difficult_inputs()[1][:6])
    assert jax.tree.leaves(mlp) == jax.tree.leaves(mlp.ntk) == [1.2, 0.4]
    assert jax.tree.map(lambda number: 2 * number, mlp) == MLP(1, "erf", 2.4, 0.8, 3)
    np.testing.assert_allclose(jax.jit(lambda mlp, x: mlp.ntk(x))(mlp, x), mlp.ntk(x), rtol=1e-14)
    plain = MLP(depth=1)  # without biases, which is known outside and not inside
    np.testing.assert_allclose(jax.jit(lambda mlp, x: mlp.ntk(x))(plain, x), plain.ntk(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(jax.jit(lambda mlp: mlp.nngp)(mlp)(x), mlp.nngp(x), rtol=1e-14)
    values = lambda mlp: mlp.ntk(x, x[:2]).sum()  # noqa: E731
    slope, h = jax.grad(values)(mlp), 1e-6
    for name in ("w_std", "b_std"):
        up, down = (dataclasses.replace(mlp, **{name: getattr(mlp, name) + s}) for s in (h, -h))
        np.testing.assert_allclose(getattr(slope, name), (values(up) - values(down)) / (2 * h), rtol=1e-7)
    stacked = jax.tree.map(lambda *numbers: jnp.stack(numbers), mlp, MLP(1, "erf", 1.0, 0.1, 3))
    together = jax.vmap(lambda mlp: mlp.ntk(x))(stacked)
    np.testing.assert_allclose(together[1], MLP(1, "erf", 1.0, 0.1).ntk(x), rtol=1e-13)


@pytest.mark.parametrize("name", names())
def test_the_diagonal_alone_is_that_of_the_matrix(dtype, name):
    x = jnp.asarray(difficult_inputs()[1], dtype)
    mlp = MLP(depth=2, activation=name, w_std=1.3, b_std=0.4)
    linear = MLP(depth=0, activation=name)
    # what is no activation's own is looked at with one of them
    for kernel in (mlp.ntk, mlp.nngp, linear.ntk, linear.nngp) if name == "relu" else (mlp.ntk,):
        assert kernel.diagonal(x).dtype == dtype
        rtol = 20 * jnp.finfo(dtype).eps
        np.testing.assert_allclose(kernel.diagonal(x), np.diag(kernel(x)), rtol=rtol)


def test_the_diagonal_of_an_own_activation(x64):
    softplus = from_function("softplus", jax.nn.softplus)
    x, kernel = jnp.asarray(difficult_inputs()[1]), MLP(depth=2, activation=softplus, w_std=0.8).ntk
    np.testing.assert_allclose(kernel.diagonal(x), np.diag(kernel(x)), rtol=1e-12)


def test_kernels_are_copied_and_pickled():
    x, mlp = np.eye(3), MLP(depth=2, w_std=1.3)
    for kernel in (mlp.ntk, 2.0 * mlp.nngp):
        before = kernel(x)
        assert pickle.loads(pickle.dumps(kernel)) == copy.deepcopy(kernel) == kernel
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(kernel))(x), before)
    changed = dataclasses.replace(mlp, w_std=1.0)  # and not what was computed for the other
    np.testing.assert_array_equal(changed.ntk(x), MLP(depth=2, w_std=1.0).ntk(x))


# finite networks


def numpy_network(mlp, params, x):
    """The definition of the network: every dense layer is w_std W x / √fan_in + b_std b."""
    function = {"relu": lambda u: np.maximum(u, 0), "erf": scipy.special.erf, "tanh": np.tanh}[mlp.activation]
    h = np.asarray(x)
    for index, (weight, bias) in enumerate(params):
        w_std, b_std = (1.0, 1.0) if mlp.parameterization == "standard" else (mlp.w_std, mlp.b_std)
        fan_in = 1.0 if mlp.parameterization == "standard" else weight.shape[0] ** 0.5
        h = w_std * h @ np.asarray(weight) / fan_in + (0 if bias is None else b_std * np.asarray(bias))
        h = h if index == mlp.depth else function(h)
    return h / len(params[-1].weight) ** 0.5 if mlp.parameterization == "mean_field" else h


@pytest.mark.parametrize("parameterization", ["ntk", "standard", "mean_field"])
@pytest.mark.parametrize("b_std", [0.0, 0.7])
@pytest.mark.parametrize("depth", [0, 2])
def test_apply_is_the_network_that_is_defined(dtype, parameterization, b_std, depth):
    mlp = MLP(depth, "erf", 1.2, b_std, out_dim=3, parameterization=parameterization)
    params = mlp.init(jax.random.key(0), in_dim=4, width=8, dtype=dtype)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 4)), dtype)
    out = mlp.apply(params, x)
    assert out.dtype == dtype
    assert out.shape == (5, 3)
    np.testing.assert_allclose(out, numpy_network(mlp, params, x), rtol=100 * jnp.finfo(dtype).eps, atol=1e-5)


def test_parameters_are_standard_normal_and_independent(x64):
    mlp = MLP(depth=2, b_std=0.1)
    params = mlp.init(jax.random.key(3), in_dim=200, width=200)
    assert [tuple(layer.weight.shape) for layer in params] == [(200, 200), (200, 200), (200, 1)]
    assert [layer.bias.shape for layer in params] == [(200,), (200,), (1,)]
    first, second = (np.asarray(layer.weight).ravel() for layer in params[:2])
    for entries in (first, second):
        assert abs(entries.mean()) < 5 / 200
        assert abs(entries.var() - 1) < 5 * math.sqrt(2) / 200
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / 200
    biases = np.concatenate([layer.bias for layer in params[:2]])
    assert abs(biases.var() - 1) < 5 * math.sqrt(2 / 400)
    assert abs(np.corrcoef(first[:200], params[0].bias)[0, 1]) < 5 / math.sqrt(200)


def test_a_network_without_biases_has_none(dtype):
    params = MLP(depth=1).init(jax.random.key(0), 3, 4, dtype=dtype)
    assert [layer.bias for layer in params] == [None, None]
    assert {layer.weight.dtype for layer in params} == {dtype}


def test_the_default_dtype_of_parameters_is_that_of_jax(dtype):
    assert MLP().init(jax.random.key(0), 3, 4)[0].weight.dtype == dtype


def test_one_key_gives_the_same_function_in_the_standard_and_the_tangent_parameterisation(x64):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 4)))
    ntk, standard = (MLP(2, "erf", 1.2, 0.5, 3, p) for p in ("ntk", "standard"))
    left, right = (mlp.apply(mlp.init(jax.random.key(7), 4, 16), x) for mlp in (ntk, standard))
    np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize("b_std", [0.0, 0.7])
def test_mean_field_outputs_are_smaller_by_the_root_of_the_width_and_its_tangent_kernel_by_the_width(x64, b_std):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 4)))
    ntk, mean_field = (MLP(2, "erf", 1.2, b_std, 3, p) for p in ("ntk", "mean_field"))
    params = ntk.init(jax.random.key(7), 4, 16)
    np.testing.assert_allclose(mean_field.apply(params, x), ntk.apply(params, x) / 4, rtol=1e-12)
    small, large = (empirical_ntk(mlp.apply, params, x) for mlp in (mean_field, ntk))
    np.testing.assert_allclose(small, large / 16, rtol=1e-12)


def test_at_the_mean_field_scale_a_rate_in_proportion_to_the_width_learns_at_every_width(x64):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((8, 4)))
    y = jnp.sign(x[:, :1] * x[:, 1:2])
    mlp = MLP(1, "erf", 1.5, 1.0, parameterization="mean_field")
    losses, moved = [], []
    for width in (32, 512):
        start = mlp.init(jax.random.key(width), 4, width)
        run = gradient_descent(mlp.apply, start, x, y, learning_rate=0.5 * width, steps=400)
        before, after = (jax.scipy.special.erf(mlp.dense(p[0], x)) for p in (start, run.params))
        losses.append(float(run.loss[-1] / run.loss[0]))
        moved.append(float(jnp.linalg.norm(after - before) / jnp.linalg.norm(before)))
    assert max(losses) < 0.2, losses  # with a readout bias of the size 1 the wide one has diverged
    assert min(moved) > 0.1, moved  # and its features move no less than those of the narrow one


def test_the_standard_tangent_kernel_grows_in_proportion_to_the_width(x64):
    mlp, x = MLP(depth=1, parameterization="standard"), jnp.asarray(np.random.default_rng(0).standard_normal((3, 4)))
    traces = []
    for width in (64, 256, 1024):
        draw = jax.vmap(lambda key, width=width: empirical_ntk(mlp.apply, mlp.init(key, 4, width), x))
        traces.append(jnp.trace(draw(jax.random.split(jax.random.key(0), 8)).mean(0)))
    slope = np.polyfit(np.log([64, 256, 1024]), np.log(np.array(traces)), 1)[0]
    assert slope == pytest.approx(1, abs=0.05)


def sample(mlp, x, width, draws):
    """Products of two outputs and tangent kernels of many networks, (draws, 2, n, n)."""

    @jax.jit
    @jax.vmap
    def one(key):
        params = mlp.init(key, x.shape[1], width)
        f = mlp.apply(params, x)
        return jnp.stack([f @ f.T / mlp.out_dim, empirical_ntk(mlp.apply, params, x)])

    return np.asarray(one(jax.random.split(jax.random.key(1), draws)))


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_one_hidden_layer_has_the_analytic_kernels_on_average_at_any_width(x64, name):
    """Every hidden unit contributes the same expectation, so a width of 8 has no bias; four and a half errors."""
    mlp = MLP(depth=1, activation=name, w_std=1.3, b_std=0.4, out_dim=2)
    x = jnp.array([[1.0, 0.5, -1.0], [0.2, 1.5, 0.3], [-1.0, -0.5, 1.0], [0.0, 0.0, 0.0]])
    draws = sample(mlp, x, width=8, draws=2000)
    error = draws.std(0) / math.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - kernels(mlp)(x, x)) < 4.5 * error).all()


def test_deep_networks_converge_to_the_tangent_kernel_at_the_rate_of_the_root_of_the_width():
    mlp = MLP(depth=2, activation="relu", b_std=0.3)
    x = jnp.array([[1.0, 0.5, -1.0], [0.2, 1.5, 0.3]])
    want, widths, spread = np.asarray(mlp.ntk(x)), (8, 32, 128), []
    for width in widths:
        tangent = sample(mlp, x, width, draws=100)[:, 1]
        spread.append(math.sqrt(np.mean((tangent - want) ** 2)))
    assert np.polyfit(np.log(widths), np.log(spread), 1)[0] == pytest.approx(-0.5, abs=0.12)
    error = tangent.std(0) / 10
    assert (np.abs(tangent.mean(0) - want) < 4.5 * error + 3 / 128 * want).all()  # a bias of the order 1/width


# refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": -1}, "depth must be an integer of at least 0, got -1"),
        ({"depth": 1.5}, "depth must be an integer of at least 0, got 1.5"),
        ({"depth": True}, "depth must be an integer of at least 0, got True"),
        ({"out_dim": 0}, "out_dim must be an integer of at least 1, got 0"),
        ({"w_std": -1.0}, "w_std must be a real number, finite and not negative, got -1.0"),
        ({"w_std": np.float32(-1)}, "w_std must be a real number, finite and not negative, got -1.0"),
        ({"b_std": float("nan")}, "b_std must be a real number, finite and not negative, got nan"),
        ({"b_std": float("inf")}, "b_std must be a real number, finite and not negative, got inf"),
        ({"activation": "sigmoid"}, "activation must be one of .*, got 'sigmoid'"),
        ({"parameterization": "mup"}, "parameterization must be 'ntk', 'standard' or 'mean_field', got 'mup'"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


def test_a_kernel_of_no_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be 'nngp' or 'ntk', got 'ntp'"):
        NetworkKernel("ntp")
    with pytest.raises(ValueError, match=r"b_std must be a real number, finite and not negative, got -1\.0"):
        NetworkKernel("ntk", b_std=-1.0)


@pytest.mark.parametrize(
    ("x1", "x2", "message"),
    [
        (np.ones(3), None, r"x1 must have shape \(n, d\), got \(3,\)"),
        (np.ones((3, 0)), None, r"x1 must have shape \(n, d\), got \(3, 0\)"),
        (np.ones((3, 2)), np.ones((3, 4)), r"x2 must have shape \(n, 2\), got \(3, 4\)"),
        (np.ones((3, 2), int), None, "x1 must have a real floating dtype, got int"),
        (np.ones((3, 2)), np.ones((3, 2), complex), "x2 must have a real floating dtype, got complex"),
    ],
)
@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
def test_inputs_that_do_not_fit_are_refused(kernel, x1, x2, message):
    with pytest.raises(ValueError, match=message):
        getattr(MLP(), kernel)(x1, x2)


def test_kernels_without_a_limit_are_refused_with_a_way_out():
    x = jnp.eye(2)
    with pytest.raises(ValueError, match=r"grows in proportion to the width .* use parameterization='ntk'"):
        MLP(parameterization="standard").ntk(x)
    with pytest.raises(ValueError, match=r"falls like 1/width .* use parameterization='ntk'"):
        MLP(parameterization="mean_field").ntk(x)
    with pytest.raises(ValueError, match="has no nngp; parameterization='ntk'"):
        MLP(parameterization="mean_field").nngp(x)
    np.testing.assert_array_equal(MLP(parameterization="standard").nngp(x), MLP().nngp(x))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"in_dim": 0, "width": 3}, "in_dim must be an integer of at least 1, got 0"),
        ({"in_dim": 2, "width": 2.5}, "width must be an integer of at least 1, got 2.5"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        MLP().init(jax.random.key(0), **sizes)


def test_a_width_from_a_computation_may_be_a_whole_float():
    assert MLP().init(jax.random.key(0), 3, 2.0)[0].weight.shape == (3, 2)


def test_parameters_and_inputs_that_do_not_fit_are_refused():
    mlp = MLP()
    with pytest.raises(ValueError, match="params must have 2 layers for a depth of 1, got 3"):
        mlp.apply(MLP(depth=2).init(jax.random.key(0), 3, 4), jnp.eye(3))
    params = mlp.init(jax.random.key(0), 4, 4)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 4\), got \(3, 3\)"):
        mlp.apply(params, jnp.eye(3))
    with pytest.raises(ValueError, match="x must have a real floating dtype, got int"):
        mlp.apply(params, jnp.ones((3, 4), int))


def test_equal_networks_are_equal_and_hashable():
    assert MLP(depth=2) == MLP(depth=2)
    assert len({MLP(depth=2), MLP(depth=2), MLP(depth=3)}) == 2
    assert by_name(MLP().activation).name == "relu"


@pytest.mark.parametrize(("n", "kernel"), [(1500, "nngp"), (1511, "ntk")])  # three parts, and two
def test_the_kernel_of_many_inputs_is_put_together_from_parts(n, kernel):
    x = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float32)
    x[-1] = x[0] * (1 + 1e-6)  # nearly equal, in different parts
    function = getattr(MLP(depth=2, b_std=0.1), kernel)
    found, whole = np.asarray(function(x)), np.asarray(jax.jit(function)(x))
    np.testing.assert_allclose(found, whole, rtol=0, atol=2e-6 * whole.max())
    np.testing.assert_array_equal(found[n // 2 + 300 :, : n // 3], found[: n // 3, n // 2 + 300 :].T)


def test_a_network_is_drawn_by_one_generator_and_no_number_is_used_twice():
    mlp = MLP(depth=3, b_std=1.0, out_dim=2)
    drawn = jax.make_jaxpr(lambda key: mlp.init(key, in_dim=5, width=40))(jax.random.key(0))
    assert str(drawn).count("random_bits") == 1, "compiling a generator takes longer than training a small network"
    layers = mlp.init(jax.random.key(0), in_dim=5, width=40)
    numbers = np.concatenate([np.ravel(array) for layer in layers for array in layer])
    assert len(np.unique(numbers)) >= len(numbers) - 3  # 3602 numbers of 23 bits: some are equal by chance
    assert abs(numbers.mean()) < 4 / len(numbers) ** 0.5
    assert abs(numbers.var() - 1) < 4 * (2 / len(numbers)) ** 0.5


@pytest.mark.parametrize(
    "value", [jnp.array(-1.0), float("nan"), jnp.array(np.nan), "a", None, [1, 2], 1 + 2j, np.ones(1), True]
)
@pytest.mark.parametrize("name", ["w_std", "b_std"])
def test_a_standard_deviation_that_is_no_number_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a real number, finite and not negative, got"):
        MLP(**{name: value})


def test_scalars_of_numpy_and_jax_become_numbers():
    mlp = MLP(depth=np.int64(2), w_std=jnp.array(1.5), b_std=np.array(0.0))
    assert mlp == MLP(depth=2, w_std=1.5)
    assert (type(mlp.depth), type(mlp.w_std)) == (int, float)
    assert not mlp.has_bias


@pytest.mark.parametrize("wrong", [None, float("nan"), float("inf"), "3", True])
def test_a_number_of_units_that_is_none_is_refused(wrong):
    for sizes in ({"in_dim": wrong, "width": 3}, {"in_dim": 3, "width": wrong}):
        with pytest.raises(ValueError, match="must be an integer of at least 1, got"):
            MLP().init(jax.random.key(0), **sizes)


SCALED = np.random.default_rng(3).standard_normal((4, 3))
SCALED[3] = SCALED[0] + 1e-3 * SCALED[1]
EVERY_SCALE = [10.0**power for power in (-20, 8, 10, 20)]


@pytest.mark.parametrize("activation", ["relu", "erf", "gelu", "tanh"])
def test_kernels_in_32_bits_are_right_at_every_scale_or_refused(activation):
    """Of ReLU every value that 32 bits hold is right, also between large points and small ones."""
    mlp = MLP(depth=1, activation=activation, w_std=1.5, b_std=0.1)
    refused = []
    for scale in EVERY_SCALE:
        x, y = (np.asarray(factor * SCALED, np.float32) for factor in (scale, 1 / scale))
        for points in ((x,), (x, y)):
            try:
                got = np.asarray(mlp.ntk(*map(jnp.asarray, points)), float)
            except ValueError as error:
                refused.append((scale, len(points), f"is too large for activation='{activation}' in fl" in str(error)))
                continue
            with jax.enable_x64(True):
                double = [jnp.asarray(each, float) for each in points]
                want = np.asarray(mlp.ntk(*double))
                size = np.sqrt(np.outer(*(np.diag(mlp.ntk(double[i])) for i in (0, -1))))
            held = np.abs(want) < float(np.finfo(np.float32).max)
            assert np.max(np.abs(got - want)[held] / size[held], initial=0) < 3e-6
            assert np.isinf(got[~held]).all()
    wanted = [
        (scale, count, True)
        for scale in EVERY_SCALE
        for count in (1, 2)
        if max(scale, 1 / scale if count == 2 else 0) > 1e8 * 2
    ]
    assert refused == ([] if activation == "relu" else wanted)


def test_points_that_are_too_large_are_nan_while_jax_traces_and_named_otherwise():
    kernel = MLP(activation="erf").ntk
    large = jnp.array([[3e10, 1e10], [1e10, 2e10]])
    assert np.isnan(jax.jit(kernel)(large)).all()
    with pytest.raises(ValueError, match=r"x2 is too large for activation='erf' in float32: .* scale the points down"):
        kernel(jnp.ones((1, 2)), large)
    with pytest.raises(ValueError, match="x is too large for activation='erf'"):
        kernel.diagonal(large)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("scale", [1e4, 1e8])
def test_gelu_of_one_set_and_of_two_equal_ones_agree_at_large_scales(scale, depth, x64):
    """The network is then nearly one with ReLU; near duplicates too."""
    mlp = MLP(depth=depth, activation="gelu", w_std=1.5, b_std=0.1)
    x = jnp.asarray(scale * np.vstack([SCALED, SCALED[:1] + 1e-9 * SCALED[1:2]]))
    once, twice = mlp.ntk(x), mlp.ntk(x, x + 0.0)
    size = np.sqrt(np.outer(np.diag(once), np.diag(once)))
    assert np.max(np.abs(twice - once) / size) < 1e-13
    relu = MLP(depth=depth, w_std=1.5, b_std=0.1).ntk(x)
    assert np.max(np.abs(once - relu) / size) < 3 / scale
