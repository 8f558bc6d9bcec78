"""The path kernel, against NumPy by hand, models with closed forms, scikit-learn, and plain gradient descent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge

from ntklib.dynamics import gradient_descent
from ntklib.kernels import RBF
from ntklib.mlp import MLP
from ntklib.path import fixed_coefficients, path_kernel, rkhs_norm2

NET = MLP(depth=1, activation="tanh", w_std=1.3)
WIDTH, N_TRAIN, N_TEST, DIM = 7, 4, 5, 3


def problem(seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    x, x_test = rng.standard_normal((N_TRAIN, DIM)), rng.standard_normal((N_TEST, DIM))
    y = rng.standard_normal(N_TRAIN)
    params = NET.init(jax.random.key(seed), DIM, WIDTH, dtype=dtype)
    return params, *(jnp.asarray(array, dtype) for array in (x, y, x_test))


def by_hand(params, x, y, x_test, eta, steps, slope, places=(0.0,), weights=(1.0,)):
    """The same run in NumPy, with the gradients of one hidden layer written out."""
    w, a = np.asarray(params[0].weight), np.asarray(params[1].weight)[:, 0]
    inputs = np.concatenate([x, x_test])
    n, first, second = len(y), 1.3 / np.sqrt(DIM), 1.3 / np.sqrt(WIDTH)

    def jacobian(w, a):
        hidden = np.tanh(inputs @ w * first)
        back = (1 - hidden**2) * a * second * first
        return hidden @ a * second, np.concatenate(
            [(inputs[:, :, None] * back[:, None, :]).reshape(len(inputs), -1), hidden * second], 1
        )

    total, weighted, thetas, slopes, energy = 0, 0, [], [], []
    for _ in range(steps):
        f, j = jacobian(w, a)
        s = slope(f[:n], np.asarray(y))
        g = s @ j[:n] / n
        move = lambda u: (w - u * eta * g[: w.size].reshape(w.shape), a - u * eta * g[w.size :])  # noqa: E731, B023
        theta = sum(weight * jacobian(*move(u))[1] for u, weight in zip(places, weights, strict=True)) @ j.T
        total, weighted = total + eta * theta, weighted - eta / n * theta[:, :n] * s
        thetas.append(theta[:, :n])
        slopes.append(s)
        energy.append(g @ g)
        w, a = move(1.0)
    return jacobian(w, a)[0], total, weighted, np.array(thetas), np.array(slopes), np.array(energy)


def difference(f, y):
    return f - y


def logistic(output, target):
    return jnp.logaddexp(0, -target * output)


@pytest.mark.parametrize("nodes", [0, 1, 3])
@pytest.mark.parametrize(("loss", "slope"), [(None, difference), (logistic, lambda f, y: -y / (1 + np.exp(y * f)))])
def test_every_number_is_that_of_the_run_written_out(x64, nodes, loss, slope):
    params, x, y, x_test = problem()
    points, weights = np.polynomial.legendre.leggauss(max(nodes, 1))
    rule = ((points + 1) / 2, weights / 2) if nodes else ((0.0,), (1.0,))
    path = path_kernel(NET.apply, params, x, y, x_test, learning_rate=0.3, steps=6, nodes=nodes, loss=loss)
    end, total, weighted, thetas, slopes, energy = by_hand(params, x, y, x_test, 0.3, 6, slope, *rule)
    for got, wanted in (
        (path.start, NET.apply(params, jnp.concatenate([x, x_test]))[:, 0]),
        (path.end, end),
        (path.kernel, total),
        (path.weighted, weighted),
        (path.low, thetas.min(0)),
        (path.high, thetas.max(0)),
        (path.slopes, slopes),
        (path.energy, energy),
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13)
    assert path.loss.shape == (7,)
    value = loss or (lambda f, t: (f - t) ** 2 / 2)
    np.testing.assert_allclose(
        path.loss[-1], np.mean([float(value(f, t)) for f, t in zip(end[:N_TRAIN], y, strict=True)])
    )


def test_it_ends_where_gradient_descent_ends(x64):
    params, x, y, x_test = problem(1)
    path = path_kernel(NET.apply, params, x, y, x_test, learning_rate=0.2, steps=50)
    run = gradient_descent(NET.apply, params, x, y, learning_rate=0.2, steps=50, record_every=1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), path.params, run.params)
    np.testing.assert_allclose(path.loss, run.loss, rtol=1e-11)


def missed(path, rows=slice(None)):
    return np.abs(np.asarray(path.end - path.start - path.weighted.sum(1)))[rows].max()


def test_the_sum_misses_by_the_step_and_the_average_by_rounding(x64):
    params, x, y, x_test = problem(2)
    follow = lambda eta, nodes: path_kernel(  # noqa: E731
        NET.apply, params, x, y, x_test, learning_rate=eta, steps=round(8 / eta), nodes=nodes
    )
    left = [missed(follow(eta, 0)) for eta in (0.1, 0.05)]
    middle = [missed(follow(eta, 1)) for eta in (0.1, 0.05)]
    assert left[0] / left[1] == pytest.approx(2, abs=0.1)
    assert middle[0] / middle[1] == pytest.approx(4, abs=0.3)
    average, at_the_left = follow(0.1, 6), follow(0.1, 0)
    assert missed(average) < 1e-12 < 1e-5 < left[1]
    assert abs(average.kernel - average.kernel.T).max() > 1e-4  # not symmetric
    assert abs(at_the_left.kernel - at_the_left.kernel.T).max() < 1e-12


def test_the_midpoint_is_exact_for_a_model_that_is_quadratic_in_its_parameters(x64):
    x, y = jnp.array([[1.0], [2.0]]), jnp.array([3.0, -1.0])
    model = lambda w, x: w["a"] * w["b"] * x  # noqa: E731
    start = {"a": jnp.array(1.0), "b": jnp.array(0.5)}
    midpoint, left = (path_kernel(model, start, x, y, learning_rate=0.1, steps=9, nodes=k) for k in (1, 0))
    assert missed(midpoint) < 1e-14
    assert missed(left) > 1e-3


def test_a_linear_model_is_a_kernel_machine_with_constant_coefficients(x64):
    rng = np.random.default_rng(3)
    x, x_test, y = (jnp.asarray(rng.standard_normal(shape)) for shape in ((5, 3), (4, 3), 5))
    path = path_kernel(lambda w, x: x @ w, jnp.zeros((3, 1)), x, y, x_test, learning_rate=0.05, steps=40)
    everything = np.concatenate([x, x_test])
    np.testing.assert_allclose(path.kernel, 40 * 0.05 * everything @ everything.T, rtol=1e-12)
    np.testing.assert_allclose(path.low, path.high, rtol=1e-12)
    constants = -np.asarray(path.slopes).mean(0) / 5  # of theorem thm-path-constant: nothing covaries
    np.testing.assert_allclose(path.kernel[:, :5] @ constants, path.end, atol=1e-12)
    machine = path.kernel[:, :5] @ fixed_coefficients(path.kernel[:5, :5], path.end[:5])
    np.testing.assert_allclose(machine, path.end, atol=1e-9)


def test_what_constant_coefficients_miss_is_the_covariance_in_time(x64):
    params, x, y, x_test = problem(4)
    path = path_kernel(NET.apply, params, x, y, x_test, learning_rate=0.3, steps=30)
    *_, thetas, slopes, _ = by_hand(params, x, y, x_test, 0.3, 30, difference)
    covariance = ((slopes - slopes.mean(0))[:, None] * (thetas - thetas.mean(0))).mean(0)
    averaged = -path.kernel[:, :N_TRAIN] @ slopes.mean(0) / N_TRAIN
    np.testing.assert_allclose(path.weighted.sum(1) - averaged, -9 / N_TRAIN * covariance.sum(1), atol=1e-12)
    assert np.abs(covariance).max() > 1e-3


@given(seed=st.integers(0, 500), steps=st.sampled_from([1, 7, 20]), eta=st.sampled_from([0.05, 0.5, 1.0]))
def test_the_sum_lies_in_the_space_of_the_path_kernel_and_is_no_larger_than_the_energy(seed, steps, eta):
    with jax.enable_x64(True):
        params, x, y, x_test = problem(seed)
        path = path_kernel(NET.apply, params, x, y, x_test, learning_rate=eta, steps=steps)
        square = float(rkhs_norm2(path.kernel, path.weighted.sum(1)))
        assert 0 < square <= eta * float(path.energy.sum()) * (1 + 1e-9)


@given(seed=st.integers(0, 500))
def test_coefficients_lie_in_the_range_of_the_slopes_where_the_kernel_keeps_its_sign(seed):
    with jax.enable_x64(True):
        params, x, y, x_test = problem(seed)
        path = path_kernel(NET.apply, params, x, y, x_test, learning_rate=0.5, steps=20)
        at = np.asarray(path.weighted / path.kernel[:, :N_TRAIN])
        pulls = -np.asarray(path.slopes) / N_TRAIN
        inside = (at >= pulls.min(0) - 1e-12) & (at <= pulls.max(0) + 1e-12)
        assert inside[np.asarray(path.low) >= 0].all()


def test_a_coefficient_without_the_sign_need_not_be_there(x64):
    """One parameter, one input trained on, and another whose gradient crosses zero: theorem thm-path-weights."""
    model = lambda w, x: jnp.where(x == 0, w, w**2 / 2 - w / jnp.e)  # noqa: E731
    path = path_kernel(
        model, jnp.array(0.0), jnp.zeros((1, 1)), jnp.ones(1), jnp.ones((1, 1)), learning_rate=1e-4, steps=10_000
    )
    assert abs(float(path.kernel[1, 0])) < 1e-4 < 0.03 < abs(float(path.end[1]))
    assert float(path.end[1]) == pytest.approx((1 - 1 / np.e) * (1 - 3 / np.e) / 2, abs=1e-4)
    assert float(path.low[1, 0]) < 0 < float(path.high[1, 0])


def test_the_bound_on_what_steps_miss_holds_and_is_within_reach(x64):
    """sin(θ)x: M = max|x|, and L'' is at most the mean of x² + |xy|."""
    x, y = jnp.array([[1.0], [0.5]]), jnp.array([0.8, 0.1])
    beta = float(jnp.mean(x[:, 0] ** 2 + jnp.abs(x[:, 0] * y)))
    for h in (1.0, 0.5, 0.1):
        path = path_kernel(
            lambda w, x: jnp.sin(w) * x, jnp.array(0.0), x, y, learning_rate=h / beta, steps=round(10 / h)
        )
        bound = h / beta * 1.0 * float(path.loss[0] - path.loss[-1])
        assert 0.1 * bound < missed(path) <= bound


def test_fixed_coefficients_are_kernel_regression_without_a_ridge(x64):
    rng = np.random.default_rng(5)
    x, x_test, y = rng.standard_normal((8, 2)), rng.standard_normal((6, 2)), rng.standard_normal(8)
    kernel = RBF(lengthscale=0.7)
    oracle = KernelRidge(alpha=1e-13, kernel="rbf", gamma=1 / (2 * 0.7**2)).fit(x, y)
    found = kernel(x_test, x) @ fixed_coefficients(kernel(x), y)
    np.testing.assert_allclose(found, oracle.predict(x_test), rtol=1e-7)


def test_of_a_singular_kernel_they_are_the_least_that_fit(x64):
    features = np.random.default_rng(6).standard_normal((6, 2))
    values = features @ np.array([1.0, -2.0])
    found = fixed_coefficients(features @ features.T, values)
    np.testing.assert_allclose(found, np.linalg.pinv(features @ features.T, rcond=1e-10) @ values, atol=1e-10)


@given(seed=st.integers(0, 500), rank=st.integers(1, 6))
def test_the_norm_of_a_sum_of_kernels_is_the_quadratic_form(seed, rank):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        features, c = rng.standard_normal((6, rank)), rng.standard_normal(6)
        kernel = features @ features.T
        assert float(rkhs_norm2(kernel, kernel @ c)) == pytest.approx(c @ kernel @ c, rel=1e-6)


def test_the_norm_leaves_out_what_it_is_told_to(x64):
    kernel = jnp.diag(jnp.array([1.0, 0.1, 1e-4, 0.0]))
    values = jnp.array([1.0, 1.0, 1.0, 1.0])
    assert float(rkhs_norm2(kernel, values)) == pytest.approx(1 + 10 + 1e4)
    assert float(rkhs_norm2(kernel, values, rcond=1e-3)) == pytest.approx(11)
    assert float(rkhs_norm2(kernel, values, rcond=0.5)) == pytest.approx(1)
    one = jnp.array([0.3, -2.0, 1.1])  # F(x)F(x') has F with the norm one: thm-path-empty
    assert float(rkhs_norm2(jnp.outer(one, one), one)) == pytest.approx(1)


def test_it_compiles_and_maps_over_scales_and_starts(x64):
    params, x, y, x_test = problem()

    @jax.jit
    def mapped(scales):
        def one(scale):
            scaled = lambda p, x: scale * (NET.apply(p, x) - NET.apply(params, x))  # noqa: E731
            return path_kernel(scaled, params, x, y, x_test, learning_rate=0.05 / scale**2, steps=5, nodes=2)

        return jax.vmap(one)(scales)

    many = mapped(jnp.array([0.5, 2.0]))
    for index, scale in enumerate((0.5, 2.0)):
        alone = path_kernel(
            lambda p, x: scale * (NET.apply(p, x) - NET.apply(params, x)),  # noqa: B023
            params, x, y, x_test, learning_rate=0.05 / scale**2, steps=5, nodes=2,
        )  # fmt: skip
        np.testing.assert_allclose(many.kernel[index], alone.kernel, rtol=1e-10)
        np.testing.assert_allclose(many.weighted[index], alone.weighted, rtol=1e-9, atol=1e-15)


def test_inputs_of_any_rank_trees_and_the_dtype(dtype):
    params, x, y, x_test = problem(dtype=dtype)
    flat = path_kernel(NET.apply, params, x, y, x_test, learning_rate=0.1, steps=3)
    assert {leaf.dtype for leaf in jax.tree.leaves(flat)} == {dtype}
    images = path_kernel(
        lambda p, x: NET.apply(p, x.reshape(len(x), -1)), params, x.reshape(4, 3, 1), y, x_test.reshape(5, 3, 1),
        learning_rate=0.1, steps=3,
    )  # fmt: skip
    trees = path_kernel(
        lambda p, x: NET.apply(p, jnp.concatenate([x["a"], x["b"]], 1)), params, {"a": x[:, :1], "b": x[:, 1:]}, y,
        {"a": x_test[:, :1], "b": x_test[:, 1:]}, learning_rate=0.1, steps=3,
    )  # fmt: skip
    for other in (images, trees):
        np.testing.assert_allclose(other.kernel, flat.kernel, rtol=1e-5)


def test_no_step_and_no_other_input(x64):
    params, x, y, _ = problem()
    path = path_kernel(NET.apply, params, x, y, learning_rate=0.1, steps=0)
    assert path.kernel.shape == (4, 4)
    assert not path.kernel.any()
    np.testing.assert_array_equal(path.start, path.end)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p, x, y: path_kernel(NET.apply, p, x, y[:, None], learning_rate=0.1, steps=1),
            r"y must have shape \(4,\)",
        ),
        (lambda p, x, y: path_kernel(NET.apply, p, x[:0], y[:0], learning_rate=0.1, steps=1), "one input at least"),
        (
            lambda p, x, y: path_kernel(lambda p, x: x[:, :2] * p, jnp.array(1.0), x, y, learning_rate=0.1, steps=1),
            r"one output for each input, \(n, 1\), got \(4, 2\)",
        ),
        (
            lambda p, x, y: path_kernel(NET.apply, p, x, y, x[:, :2], learning_rate=0.1, steps=1),
            r"x_test must have shape \(n, 3\)",
        ),
        (
            lambda p, x, y: path_kernel(
                lambda p, x: (x - x.mean(0)) @ p, jnp.ones((3, 1)), x, y, learning_rate=0.1, steps=1
            ),
            "each row from its own input alone",
        ),
        (lambda p, x, y: fixed_coefficients(jnp.eye(3), y), r"change must have shape \(3,\), got \(4,\)"),
        (lambda p, x, y: rkhs_norm2(jnp.eye(4), y[:, None]), r"values must have shape \(4,\), got \(4, 1\)"),
        (lambda p, x, y: rkhs_norm2(jnp.eye(4), y, rcond=-1), "rcond must"),
    ],
)
def test_what_does_not_fit_is_named(x64, call, message):
    params, x, y, _ = problem()
    with pytest.raises(ValueError, match=message):
        call(params, x, y)
