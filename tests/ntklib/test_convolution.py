"""Kernels of convolutional networks: neural-tangents, invariances, wide finite networks, averages over shifts."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.svm import SVC

from ntklib import _conv_kernel, kernels
from ntklib.convolution import Averaged, ConvKernel, ConvNet, alias, averaged, of_rows
from ntklib.estimators import KernelRegressor, SklearnKernel
from ntklib.gram import gram
from ntklib.mlp import MLP
from ntklib.posterior import condition
from ntklib.tangent import empirical_ntk

nt = pytest.importorskip("ntklib.neural_tangents")
stax = nt.stax

POOLS = ("none", "global", "height", "width")
KINDS = ("nngp", "ntk")


def images(n, shape=(4, 5), seed=0, dtype=None):
    return jax.random.normal(jax.random.key(seed), (n, *shape), dtype or float)


def twin(net, shape, locally=False):
    """The kernel function of neural-tangents for the same network."""
    convolution = stax.ConvLocal if locally else stax.Conv
    padding = {"circular": "CIRCULAR", "zeros": "SAME"}[net.padding]
    layers = []
    for _ in range(net.depth):
        size = (net.filter_size, net.filter_size)
        layers.append(convolution(1, size, padding=padding, W_std=net.w_std, b_std=net.b_std or None))
        layers.append({"relu": stax.Relu, "erf": stax.Erf, "gelu": stax.Gelu}[net.activation]())
    window = {"height": (shape[0], 1), "width": (1, shape[1])}
    if net.pool in window:
        layers.append(stax.AvgPool(window[net.pool]))
    layers.append(stax.GlobalAvgPool() if net.pool == "global" else stax.Flatten())
    return stax.serial(*layers, stax.Dense(1, net.w_std, net.b_std or None))[2]


NETS = [
    (ConvNet(2), 1),
    (ConvNet(2, "global"), 1),
    (ConvNet(2, "global", padding="zeros"), 2),
    (ConvNet(1, "height", padding="zeros", w_std=1.3, b_std=0.3), 2),
    (ConvNet(1, "width", "gelu", b_std=0.2), 1),
    (ConvNet(1, "none", "relu", 5, "zeros", 1.3, 0.3), 1),
    (ConvNet(2, "none", "erf", w_std=1.3, b_std=0.3), 2),
    (ConvNet(0, "global", w_std=1.3, b_std=0.3), 2),
]


@pytest.mark.parametrize(("net", "channels"), NETS, ids=str)
def test_as_neural_tangents(net, channels, x64):
    shape = (3, 4, channels)
    x, y = images(3, shape), images(2, shape, seed=1)
    theirs = jax.jit(lambda x, y: twin(net, shape)(x, y, KINDS))(x, y)
    for kind in KINDS:
        assert_allclose(getattr(net, kind)(x, y), getattr(theirs, kind), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "net", [ConvNet(2), ConvNet(1, "global", "erf", b_std=0.2), ConvNet(1, "width", padding="zeros")], ids=str
)
def test_one_set_as_two_and_its_diagonal(net, kind, x64):
    kernel, x = getattr(net, kind), images(3, (3, 4))
    whole = kernel(x)
    assert_allclose(whole, kernel(x, x), rtol=1e-12)
    assert_allclose(kernel.diagonal(x), np.diag(whole), rtol=1e-13)
    assert_allclose(kernel.evaluate(x[0], x[1]), whole[0, 1], rtol=1e-12)
    assert np.array_equal(whole, whole.T)
    assert np.linalg.eigvalsh(whole).min() > 0


def test_one_channel_may_be_left_out(x64):
    x, net = images(2), ConvNet(1, "global")
    assert np.array_equal(net.ntk(x), net.ntk(x[..., None]))


def test_without_pooling_weights_may_be_shared_or_not_and_with_it_not(x64):
    shape = (2, 3, 1)
    x, y = images(3, shape), images(2, shape, seed=1)
    found = {
        pool: jax.jit(lambda x, y, pool=pool: twin(ConvNet(1, pool), shape, locally=True)(x, y, "ntk"))(x, y)
        for pool in ("none", "global")
    }
    assert_allclose(ConvNet(1).ntk(x, y), found["none"], rtol=1e-9)
    assert np.abs(ConvNet(1, "global").ntk(x, y) / found["global"] - 1).max() > 0.2


def test_on_a_torus_what_is_pooled_does_not_see_a_shift(x64):
    x, y = images(3), images(2, seed=1)
    for pool, by in {"global": (1, 3), "height": (2, 0), "width": (0, 3)}.items():
        moved, kernel = jnp.roll(x, by, (1, 2)), ConvNet(2, pool).ntk
        assert_allclose(kernel(moved, y), kernel(x, y), rtol=1e-12)
        if pool != "global":
            assert np.abs(kernel(jnp.roll(x, by[::-1], (1, 2)), y) / kernel(x, y) - 1).max() > 1e-2
        zeros = ConvNet(2, pool, padding="zeros").ntk
        assert np.abs(zeros(moved, y) / zeros(x, y) - 1).max() > 1e-2


def test_with_zeros_at_the_border_a_bar_far_from_it_is_everywhere_the_same(x64):
    bars = np.zeros((9, 9, 9))
    bars[np.arange(9), np.arange(9), 2:6] = 1
    for depth in (1, 2, 3):
        matrix = np.asarray(ConvNet(depth, "global", padding="zeros").ntk(bars))
        inner = np.arange(depth, 9 - depth)
        assert_allclose(matrix[inner], np.broadcast_to(matrix[depth], (len(inner), 9)), rtol=1e-13)
        assert np.abs(matrix[depth - 1] / matrix[depth] - 1).max() > 1e-4  # the next one is told from them


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_filter_that_sees_the_whole_image_alike_is_a_dense_network(size, x64):
    """Constant images on a torus: all patches are alike, and the kernel is that of the channels at one position."""
    points = images(3, (4,))
    constant = jnp.broadcast_to(points[:, None, None], (3, 3, 2, 4))
    for pool in POOLS if size == 3 else ("global",):
        net = ConvNet(2, pool, "erf", size, w_std=1.4, b_std=0.2)
        assert_allclose(net.ntk(constant), MLP(2, "erf", 1.4, 0.2).ntk(points), rtol=1e-12)


def test_blocks_of_images_change_nothing(x64, monkeypatch):
    x, y, net = images(7), images(5, seed=1), ConvNet(2, "global", "erf", b_std=0.3)
    whole = net.ntk(x, y), net.ntk(x)
    monkeypatch.setattr(_conv_kernel, "_BLOCK", 3 * 20)
    jax.clear_caches()
    for block, all_of_it in zip((net.ntk(x, y), net.ntk(x)), whole, strict=True):
        assert_allclose(block, all_of_it, rtol=1e-13)
    jax.clear_caches()


def test_memory_does_not_grow_with_pairs_of_images_times_positions(x64):
    def temporary(n):
        x = jax.ShapeDtypeStruct((n, 8, 8), "float64")
        stats = jax.jit(ConvNet(1, "global").ntk.evaluate_matrix).lower(x, x).compile().memory_analysis()
        return stats.temp_size_in_bytes

    small, large = temporary(64), temporary(512)
    assert large - small < 4 * 8 * 512**2  # one array for all pairs and positions is 8 · 64 · 512²


def test_nearly_equal_images_lose_no_digits(x64):
    """Against the same in images that are powers of two larger, of which a sum of exact differences is known."""
    x = images(1, (4, 4))
    direction = images(1, (4, 4), seed=3)
    kernel = ConvNet(3, "none").nngp
    gaps = []
    for step in (1e-3, 1e-7):
        near = x + step * direction
        matrix = np.asarray(kernel(jnp.concatenate([x, near])))
        gaps.append((matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]) / step**2)
    slope = jax.jvp(lambda y: kernel.evaluate(x[0], y), (x[0],), (direction[0],))
    assert np.isfinite(slope).all()
    # ‖f(x) − f(x')‖²/step² tends to a limit; subtracted at 1e-7 it has two digits, as the unit of rounding has it
    assert gaps[1] == pytest.approx(gaps[0], rel=0.1)


@pytest.mark.parametrize("scale", [1e-18, 1e18])
def test_relu_is_right_at_every_scale_in_32_bits(scale):
    x, kernel = np.asarray(images(3)), ConvNet(2, "global", b_std=0.0).ntk
    with jax.enable_x64(True):
        wanted = np.asarray(kernel(x.astype(float)))
    assert_allclose(np.asarray(kernel(x * np.float32(scale)), float) / scale**2, wanted, rtol=1e-5)


def test_too_large_points_of_other_activations_are_refused():
    kernel = ConvNet(1, activation="erf").ntk
    for each in (kernel, 2.0 * kernel, averaged(kernel), of_rows(kernel, (4, 5))):
        x = jnp.full((1, 4, 5) if each._images else (1, 20), 1e12)
        with pytest.raises(ValueError, match="x1 is too large for activation='erf'"):
            each(x)
    with pytest.raises(ValueError, match="x1 is too large for activation='erf'"):
        (MLP(activation="erf").ntk + 1.0)(jnp.full((1, 2), 1e12))


@pytest.mark.parametrize(
    "net", [ConvNet(1, "global", b_std=0.4), ConvNet(1, padding="zeros"), ConvNet(1, "width", "erf")], ids=str
)
def test_wide_finite_networks_converge(net, x64):
    x, width, draws = images(3, (3, 4, 2)), 256, 24
    keys = jax.random.split(jax.random.key(2), draws)

    @jax.jit
    def one(key):
        params = net.init(key, x.shape[1:], width)
        return empirical_ntk(net.apply, params, x)

    found = np.asarray(jax.lax.map(one, keys))
    wanted = np.asarray(net.ntk(x))
    error = found.std(0, ddof=1) / draws**0.5
    assert np.all(np.abs(found.mean(0) - wanted) < 5 * error + 3e-3 * np.abs(wanted).max())
    assert np.any(np.abs(found.mean(0) - 1.1 * wanted) > 5 * error + 3e-3 * np.abs(wanted).max())

    many = jax.random.split(jax.random.key(3), 4000)
    outputs = jax.jit(jax.vmap(lambda key: net.apply(net.init(key, x.shape[1:], 32), x)[:, 0]))(many)
    covariance, limit = np.asarray(outputs.T @ outputs) / len(many), np.asarray(net.nngp(x))
    assert_allclose(covariance, limit, atol=0.1 * np.abs(limit).max())


def test_maps_move_with_the_image_on_a_torus_and_not_with_zeros(x64):
    x = images(2, (6, 7))
    for padding, moves in (("circular", True), ("zeros", False)):
        net = ConvNet(3, padding=padding, b_std=0.2)
        params = net.init(jax.random.key(0), x.shape[1:], 5)
        apart = net.maps(params, jnp.roll(x, (2, 3), (1, 2))) - jnp.roll(net.maps(params, x), (2, 3), (1, 2))
        assert (np.abs(apart).max() < 1e-13) == moves


def test_a_layer_is_a_sum_over_neighbours(x64):
    x = np.asarray(images(2, (4, 5, 2)))
    for padding in ("circular", "zeros"):
        net = ConvNet(1, padding=padding, w_std=1.5, b_std=0.5)
        layer = net.init(jax.random.key(0), x.shape[1:], 3)[0]
        wanted = np.zeros((2, 4, 5, 3))
        for i, j, di, dj in itertools.product(range(4), range(5), (-1, 0, 1), (-1, 0, 1)):
            inside = padding == "circular" or (0 <= i + di < 4 and 0 <= j + dj < 5)
            neighbour = x[:, (i + di) % 4, (j + dj) % 5]
            wanted[:, i, j] += inside * neighbour @ np.asarray(layer.weight[di + 1, dj + 1])
        wanted = 1.5 / math.sqrt(18) * wanted + 0.5 * np.asarray(layer.bias)
        assert_allclose(net.convolve(layer, x), wanted, rtol=1e-12, atol=1e-13)


# averages over shifts


def test_pooling_is_the_average_over_all_shifts(x64):
    x, y = images(3), images(2, seed=1)
    for kind in KINDS:
        flat, pooled = (getattr(ConvNet(1, pool, b_std=0.3), kind) for pool in ("none", "global"))
        assert_allclose(averaged(flat)(x, y), pooled(x, y), rtol=1e-12)
    assert_allclose(averaged(flat)(x), pooled(x), rtol=1e-12)
    along = averaged(flat, [(0, j) for j in range(5)])
    assert_allclose(along(x, y), getattr(ConvNet(1, "width", b_std=0.3), kind)(x, y), rtol=1e-12)
    assert_allclose(along.diagonal(x), np.diag(along(x)), rtol=1e-12)


@pytest.mark.parametrize("kernel", [MLP(2).ntk, ConvNet(1).ntk, 0.5 * kernels.RBF(3.0) + 0.1], ids=str)
def test_regression_with_an_averaged_kernel_is_regression_on_all_shifts(kernel, x64):
    shifts = [(0, 0), (0, 2), (2, 0), (2, 2)]
    x, test = np.asarray(images(5, (4, 4))), np.asarray(images(3, (4, 4), seed=1))
    y, ridge = np.sin(np.arange(5.0)), 0.01
    every = np.concatenate([np.roll(x, shift, (1, 2)) for shift in shifts])
    flat = (lambda a: a) if kernel._images else (lambda a: a.reshape(len(a), -1))
    large = condition(kernel, flat(every), np.tile(y, 4), noise=len(shifts) * ridge).mean(flat(test))
    small = condition(averaged(kernel, shifts), x, y, noise=ridge).mean(test)
    assert_allclose(small, large, rtol=1e-9)
    wrong = condition(averaged(kernel, shifts), x, y, noise=len(shifts) * ridge).mean(test)
    assert np.abs(wrong / large - 1).max() > 1e-4


def test_shifts_that_are_no_group_are_refused():
    with pytest.raises(ValueError, match="shifts must be a group on images of 4 × 5"):
        averaged(ConvNet().ntk, [(0, 0), (0, 1)])(images(2))
    with pytest.raises(ValueError, match="shifts must be different"):
        averaged(ConvNet().ntk, [(0, 0), (0, 5)])(images(2))


@pytest.mark.parametrize(
    "kernel", [ConvNet(1, padding="zeros").ntk, kernels.RBF(np.linspace(0.5, 2.0, 20))], ids=["zeros", "lengthscales"]
)
def test_a_kernel_that_sees_a_common_shift_is_refused(kernel):
    with pytest.raises(ValueError, match="kernel must have the same value for two images that are shifted together"):
        averaged(kernel)(images(3))


# as kernels among others


def test_its_leaves_are_tuned_and_its_tree_is_built_again(x64):
    x = images(3, (3, 3))
    for kernel in (ConvNet(1, "global", b_std=0.2).ntk, averaged(ConvNet(1, b_std=0.2).ntk)):
        assert len(jax.tree.leaves(kernel)) == 2

        @jax.jit
        @jax.value_and_grad
        def total(steps, kernel=kernel):
            leaves, tree = jax.tree.flatten(kernel)
            return jax.tree.unflatten(tree, [leaf + step for leaf, step in zip(leaves, steps, strict=True)])(x).sum()

        found = total((0.0, 0.0))[1]
        for leaf, name in enumerate(("w_std", "b_std")):
            up, down = (total(tuple(sign * 1e-5 * (leaf == place) for place in range(2)))[0] for sign in (1, -1))
            assert float(found[leaf]) == pytest.approx(float((up - down) / 2e-5), rel=1e-6), name
    assert jax.tree.map(lambda leaf: 2 * leaf, ConvNet(w_std=0.5)).w_std == 1.0


def test_gradients_in_the_images(x64):
    x, y = images(2, (3, 3)), images(2, (3, 3), seed=1)
    kernel, direction = ConvNet(2, "global", padding="zeros").ntk, images(2, (3, 3), seed=2)
    wanted = (kernel(x + 1e-5 * direction, y).sum() - kernel(x - 1e-5 * direction, y).sum()) / 2e-5
    found = jnp.vdot(jax.jit(jax.grad(lambda x: kernel(x, y).sum()))(x), direction)
    assert float(found) == pytest.approx(float(wanted), rel=1e-6)


def test_sums_products_posteriors_and_blocks(x64, tmp_path):
    x, y = images(6, (3, 4)), jnp.sin(jnp.arange(6.0))
    net = ConvNet(1, "global", b_std=0.1)
    both = 0.5 * net.ntk + averaged(kernels.RBF(2.0)) * ConvNet(1).nngp + 0.1
    wanted = 0.5 * net.ntk(x) + averaged(kernels.RBF(2.0))(x) * ConvNet(1).nngp(x) + 0.1
    assert_allclose(both(x), wanted, rtol=1e-12)
    posterior = condition(both, x, y, noise=0.1)
    solved = np.linalg.solve(np.asarray(wanted) + 0.1 * np.eye(6), np.asarray(y))
    assert_allclose(posterior.mean(x), np.asarray(wanted) @ solved, rtol=1e-10)
    assert posterior.sample(jax.random.key(0), x, 2).shape == (2, 6)
    for path in (None, tmp_path / "gram.npy"):
        assert_allclose(gram(both, np.asarray(x), max_bytes=2**22, path=path), both(x), rtol=1e-12)
        assert_allclose(gram(both, np.asarray(x), np.asarray(x[:2]), max_bytes=2**22), both(x, x[:2]), rtol=1e-12)


def test_rows_for_scikit_learn(x64):
    x = np.asarray(images(12, (3, 4))).reshape(12, 12)
    y = np.sign(x[:, 0])
    kernel = of_rows(ConvNet(1, "width", b_std=0.1).ntk, (3, 4))
    plain = np.asarray(ConvNet(1, "width", b_std=0.1).ntk(x.reshape(12, 3, 4)))
    assert_allclose(kernel(x), plain, rtol=1e-13)
    assert_allclose(kernel.diagonal(x), np.diag(plain), rtol=1e-12)
    regressor = KernelRegressor(kernel=SklearnKernel(kernel), ridge=0.1).fit(x, y)
    assert_allclose(regressor.predict(x), plain @ np.linalg.solve(plain + 0.1 * np.eye(12), y), rtol=1e-8)
    assert SVC(kernel=SklearnKernel(kernel), C=100.0).fit(x, y).score(x, y) == 1
    tuned = GaussianProcessRegressor(SklearnKernel(kernel, (1e-1, 1e1)), alpha=0.1).fit(x, y).kernel_
    assert tuned.kernel.kernel.w_std != kernel.kernel.w_std
    with pytest.raises(ValueError, match=r"X must have shape \(n, 12\), got \(2, 5\)|x1 must have shape \(n, 12\)"):
        kernel(np.ones((2, 5)))


def test_images_and_rows_do_not_add():
    with pytest.raises(ValueError, match=r"got images for ConvKernel.*and rows for RBF.*of_rows"):
        ConvNet().ntk + kernels.RBF()
    with pytest.raises(ValueError, match="got rows for RBF"):
        kernels.RBF() * ConvNet().ntk
    rows = of_rows(ConvNet().ntk, (2, 2)) + kernels.RBF()
    assert rows(jnp.ones((3, 4))).shape == (3, 3)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4, 5, 6), (2, 0, 3)])
def test_what_are_no_images_is_refused(shape):
    kernel = ConvNet().ntk
    for call in (
        kernel,
        kernel.diagonal,
        lambda x: condition(kernel, x, jnp.ones(2), noise=1.0),
        lambda x: gram(kernel, x),
    ):
        with pytest.raises(ValueError, match=r"must have shape \(n, h, w\) or \(n, h, w, c\), got"):
            call(jnp.ones(shape))
    with pytest.raises(ValueError, match=r"x2 must have shape \(n, 3, 4\), got \(1, 4, 3\)"):
        kernel(jnp.ones((2, 3, 4)), jnp.ones((1, 4, 3)))


def test_images_of_another_shape_than_the_network_are_refused():
    net = ConvNet(1)
    params = net.init(jax.random.key(0), (3, 4), 5)
    with pytest.raises(ValueError, match="maps must leave 60 numbers for each image, got 80"):
        net.apply(params, jnp.ones((1, 4, 4)))
    with pytest.raises(ValueError, match="x must have 1 channels"):
        net.apply(params, jnp.ones((1, 3, 4, 2)))


def test_kernels_of_equal_networks_are_equal():
    assert ConvNet(2, "width").ntk == ConvKernel("ntk", 2, "width")
    assert hash(averaged(ConvNet().ntk, np.array([[0, 0]]))) == hash(Averaged(ConvNet().ntk, ((0, 0),)))
    assert dataclasses.replace(ConvNet(2), pool="global").ntk.pool == "global"


# aliases


@pytest.mark.parametrize("n", [2, 6, 16])
@pytest.mark.parametrize("start", [0, 1])
def test_an_alias_is_the_spectrum_of_every_second_number(n, start, x64):
    h = images(3, (n,))
    wanted = np.fft.fft(h[:, start::2]) / (n // 2)
    assert_allclose(alias(h, start), wanted, atol=1e-15)
    blurred = (jnp.roll(h, 1, -1) + 2 * h + jnp.roll(h, -1, -1)) / 4
    means = [alias(blurred, start)[:, 0] for start in (0, 1)]
    assert_allclose(means[0], means[1], atol=1e-15)  # nothing is left at n/2
