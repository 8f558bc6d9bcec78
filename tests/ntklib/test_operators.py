"""Burgers' equation two ways and by a closed form, and networks of functions against NumPy and against XLA's count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

from ntklib.operators import (
    FNO,
    DeepONet,
    burgers,
    burgers_operations,
    burgers_steps,
    cole_hopf,
    cole_hopf_operations,
    interpolate,
    random_functions,
)


@pytest.fixture(autouse=True)
def in_64_bits():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def grid(n):
    return 2 * np.pi * np.arange(n) / n


def series(x, viscosity, time):
    """Cole's series for the solution that begins with a sine."""
    z, k = 1 / (2 * viscosity), np.arange(1, 60)[:, None]
    waves = 2 * scipy.special.ive(k, z) * np.exp(-viscosity * k**2 * time)
    phi = scipy.special.ive(0, z) + np.sum(waves * np.cos(k * x), 0)
    return 2 * viscosity * np.sum(k * waves * np.sin(k * x), 0) / phi


@pytest.mark.parametrize(("viscosity", "time"), [(0.5, 1.0), (0.1, 0.5), (0.05, 2.0)])
def test_both_solvers_have_coles_series(viscosity, time):
    x = grid(256)
    right = series(x, viscosity, time)
    np.testing.assert_allclose(cole_hopf(np.sin(x), viscosity, time), right, atol=1e-10)
    np.testing.assert_allclose(burgers(np.sin(x), viscosity, time, 400), right, atol=1e-6)
    assert np.abs(right - np.sin(x)).max() > 0.1


def test_the_solver_is_of_the_fourth_order_in_time_and_keeps_shapes():
    u0 = np.stack([np.sin(grid(64)), np.cos(2 * grid(64)) / 2])[None]
    right = burgers(u0, 0.2, 1.0, 400)
    errors = [float(np.abs(burgers(u0, 0.2, 1.0, steps) - right).max()) for steps in (10, 20)]
    assert 10 < errors[0] / errors[1] < 24
    assert right.shape == (1, 2, 64)
    np.testing.assert_allclose(right[0, 1], cole_hopf(u0[0, 1], 0.2, 1.0), atol=1e-6)
    assert burgers(u0.astype(np.float32), 0.2, 1.0, 40).dtype == jnp.float32


def test_each_function_can_have_its_own_steps():
    small = np.asarray(random_functions(jax.random.key(2), 5, 80))
    u0 = np.stack([small, 2 * small])
    steps = burgers_steps(u0, 0.7)
    kept = 26  # 0 to 26, those below 80/3
    np.testing.assert_array_equal(steps, np.ceil(0.7 * np.abs(u0).max(2) * kept / 4))
    together = burgers(u0, 0.02, 0.7, steps)
    for i in range(2):
        for j in range(5):
            alone = burgers(u0[i, j], 0.02, 0.7, int(steps[i, j]))
            np.testing.assert_allclose(together[i, j], alone, atol=1e-12)
    assert np.all(burgers_steps(u0, 0.7, courant=2.8) > steps)
    assert burgers_steps(np.zeros(8), 1.0) == 1
    for wrong in (steps[0], steps + 0.5, 0 * steps):
        with pytest.raises(ValueError, match=r"steps must be positive integers of the shape \(2, 5\)"):
            burgers(u0, 0.02, 0.7, wrong)


def test_values_and_rises_are_bounded():
    """No value grows, and no solution rises faster than 1/t."""
    u0 = np.asarray(random_functions(jax.random.key(3), 20, 256))
    for time in (0.5, 1.0):
        u = cole_hopf(u0, 0.02, time)
        assert np.all(np.abs(u).max(1) <= np.abs(u0).max(1))
        rises = (np.roll(u, -1, 1) - u).max(1) * 256 / (2 * np.pi)
        assert 0.6 / time < rises.max() < 1 / time


def test_the_solver_agrees_with_an_integrator_of_scipy():
    n, viscosity = 32, 0.3
    u0 = np.sin(grid(n)) + 0.3 * np.cos(3 * grid(n))
    k = np.arange(n // 2 + 1)

    def slope(_, u):
        squares = np.where(k < n / 3, np.fft.rfft(np.fft.irfft(np.where(k < n / 3, np.fft.rfft(u), 0), n) ** 2), 0)
        return np.fft.irfft(-0.5j * k * squares - viscosity * k**2 * np.fft.rfft(u), n)

    right = scipy.integrate.solve_ivp(slope, (0, 0.7), u0, rtol=1e-10, atol=1e-12, method="DOP853").y[:, -1]
    np.testing.assert_allclose(burgers(u0, viscosity, 0.7, 200), right, atol=1e-8)


def test_the_formula_on_other_points_and_with_fewer_images():
    u0 = np.asarray(random_functions(jax.random.key(1), 3, 128))
    whole = cole_hopf(u0, 0.02, 1.0)
    np.testing.assert_allclose(cole_hopf(u0, 0.02, 1.0, 32), whole[:, ::4], atol=1e-12)
    np.testing.assert_allclose(cole_hopf(u0, 0.02, 1.0, periods=1), whole, atol=1e-6)
    fine = np.asarray(random_functions(jax.random.key(1), 3, 1024))
    np.testing.assert_allclose(cole_hopf(fine, 0.02, 1.0, 128), whole, atol=1e-8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"u0": np.ones(8)}, "u0 must have mean zero"),
        ({"periods": 2}, "periods must be odd, got 2"),
        ({"viscosity": 0.0}, "viscosity must be finite and positive"),
    ],
)
def test_the_formula_refuses(given, words):
    with pytest.raises(ValueError, match=words):
        cole_hopf(**{"u0": np.sin(grid(8)), "viscosity": 0.1, "time": 1.0} | given)


def test_random_functions_are_what_they_say():
    u = np.asarray(random_functions(jax.random.key(0), 4000, 32, 4))
    np.testing.assert_allclose(u.mean(1), 0, atol=1e-12)
    assert abs(np.mean(u**2) - 1) < 0.05
    sizes = np.mean(np.abs(np.fft.rfft(u) / 32) ** 2, 0)[1:5]
    wanted = (np.arange(1, 5) ** 2 + 1.0) ** -2
    np.testing.assert_allclose(sizes / sizes.sum(), wanted / wanted.sum(), rtol=0.1)
    alike = np.asarray(random_functions(jax.random.key(0), 4000, 32, 4, decay=0))
    sizes = np.mean(np.abs(np.fft.rfft(alike) / 32) ** 2, 0)
    np.testing.assert_allclose(sizes[1:5], 0.125, rtol=0.1)
    assert sizes[5:].max() < 1e-25
    with pytest.raises(ValueError, match="n must be an integer of at least 9"):
        random_functions(jax.random.key(0), 1, 8, 4)


@pytest.mark.parametrize(("n", "points"), [(9, 30), (30, 9), (32, 64), (12, 30), (64, 8)])
def test_interpolation_is_exact_for_what_the_grid_resolves(n, points):
    made = lambda x: 0.3 + np.sin(2 * x) - 0.5 * np.cos(4 * x)  # noqa: E731
    np.testing.assert_allclose(interpolate(made(grid(n)), points), made(grid(points)), atol=1e-12)


def by_numpy(net, params, u):
    """An FNO with explicit sums over frequencies and full circulant matrices."""
    affine = lambda layer, h: h @ np.asarray(layer[0]) + np.asarray(layer[1])  # noqa: E731
    gelu = lambda h: np.asarray(jax.nn.gelu(h))  # noqa: E731
    n = u.shape[1]
    h = affine(params["lift"], u[..., None])
    p = np.arange(n)
    for i, r in enumerate(params["frequencies"]):
        r = np.asarray(r[0]) + 1j * np.asarray(r[1])
        kernel = sum(
            (1 if k == 0 else 2) * np.real(np.exp(2j * np.pi * k * p / n)[:, None, None] * r[k])
            for k in range(net.modes)
        )
        smooth = np.stack([sum(h[:, q] @ kernel[(s - q) % n] for q in range(n)) for s in range(n)], 1) / n
        h = smooth + affine(params["points"][i], h)
        h = h if i == net.layers - 1 else gelu(h)
    return affine(params["out"], gelu(affine(params["head"], h)))[..., 0]


def test_an_fno_is_a_convolutional_network_with_long_filters():
    net = FNO(width=3, modes=4, layers=2, head=5)
    params = net.init(jax.random.key(3))
    u = np.asarray(random_functions(jax.random.key(4), 2, 12, 5))
    np.testing.assert_allclose(net.apply(params, u), by_numpy(net, params, u), atol=1e-10)
    moved = np.roll(u, 5, 1)
    np.testing.assert_allclose(net.apply(params, moved), np.roll(net.apply(params, u), 5, 1), atol=1e-10)


def test_an_fno_without_activation_does_not_see_the_grid(monkeypatch):
    net = FNO(width=3, modes=4, layers=2, head=5)
    params = net.init(jax.random.key(3))
    coarse, fine = (random_functions(jax.random.key(4), 2, n, 5) for n in (12, 48))
    gap = np.abs(net.apply(params, fine)[:, ::4] - net.apply(params, coarse)).max()
    monkeypatch.setattr(jax.nn, "gelu", lambda h: h)
    linear = np.abs(net.apply(params, fine)[:, ::4] - net.apply(params, coarse)).max()
    assert linear < 1e-12 < 1e-6 < gap


def test_a_deeponet_is_two_networks():
    net = DeepONet(sensors=6, width=5, terms=4, waves=2)
    params = net.init(jax.random.key(0))

    def through(layers, h):
        for weight, bias in layers[:-1]:
            h = np.asarray(jax.nn.gelu(h @ weight + bias))
        return h @ layers[-1][0] + layers[-1][1]

    u, x = np.asarray(random_functions(jax.random.key(4), 3, 6, 2)), grid(9)
    waves = np.stack([np.cos(x), np.cos(2 * x), np.sin(x), np.sin(2 * x)], 1)
    right = through(params["branch"], u) @ through(params["trunk"], waves).T / 2
    np.testing.assert_allclose(net.apply(params, u, 9), right, atol=1e-12)
    assert net.apply(params, u).shape == (3, 6)


def test_networks_refuse_the_parameters_of_others():
    fno, deep = FNO(2, 2), DeepONet(6)
    drawn = fno.init(jax.random.key(0)), deep.init(jax.random.key(0))
    with pytest.raises(ValueError, match="params must be as init draws them, with lift"):
        fno.apply(drawn[1], np.ones((1, 6)))
    with pytest.raises(ValueError, match="params must be as init draws them, with branch"):
        deep.apply(drawn[0], np.ones((1, 6)))
    with pytest.raises(ValueError, match=r"u must have shape \(m, n\) with n at least 3"):
        fno.apply(drawn[0], np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"u must have shape \(n, 6\)"):
        deep.apply(drawn[1], np.ones((1, 5)))


def test_operations_of_products_are_those_that_xla_counts():
    net = DeepONet(sensors=32, width=16, terms=10)
    params = net.init(jax.random.key(0))
    trunk = jnp.ones((64, 10))

    def branch(u):
        for weight, bias in params["branch"]:
            u = u @ weight + bias
        return u @ trunk.T

    flops = jax.jit(branch).lower(jnp.ones((1, 32))).compile().cost_analysis()["flops"]
    counted = net.operations(64) - 2 * 16 * 10  # without activations
    assert abs(flops - counted) < 0.03 * counted


def test_operations_by_hand():
    transform = 2.5 * 16 * 4
    lift, head, out = 2 * 16 * 3, 16 * (2 * 3 * 5), 16 * (10 * 5 + 2 * 5)
    layer = 6 * transform + 4 * 9 * 8 + 16 * (18 + 3)
    assert FNO(width=3, modes=4, layers=2, head=5).operations(16) == 2 * layer + 10 * 48 + lift + head + out
    assert FNO(width=3, modes=4).operations(16, transform=0) == FNO(width=3, modes=4).operations(16) - 4 * 6 * transform
    kept = 6  # 0 to 5, those below 16/3
    assert burgers_operations(16, 7) == 7 * (8 * transform + 64 + 40 * kept) + 2 * transform
    assert cole_hopf_operations(16, 5, periods=3) == 2 * transform + 48 + 5 * (16 * 48 + 1)
    assert burgers_operations(16, 7, transform=5) - burgers_operations(16, 7) == 58 * transform
