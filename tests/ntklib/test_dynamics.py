"""Training in function space, against matrix exponentials, ODE solvers, kernel ridge regression and plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge

from ntklib import dynamics
from ntklib.dynamics import Run, adam, ensemble_moments, gradient_descent, gradient_flow
from ntklib.mlp import MLP

N, TESTS, OUTPUTS = 6, 4, 2


def features(seed=0, rank=8):
    """Training and test features whose products are a positive kernel."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, rank)), rng.standard_normal((TESTS, rank))


def problem(seed=0, rank=8):
    """Kernel, test kernel, targets, and outputs at time zero."""
    phi, phi_test = features(seed, rank)
    rng = np.random.default_rng(seed + 100)
    return (
        phi @ phi.T,
        phi_test @ phi.T,
        rng.standard_normal((N, OUTPUTS)),
        rng.standard_normal((N, OUTPUTS)),
        rng.standard_normal((TESTS, OUTPUTS)),
    )


def flow_by_expm(kernel, cross, y, t, f0, f0_test, ridge=0.0):
    """The solution of the linear ODE from the exponential of one augmented matrix: no inverse, no eigenvectors."""
    n = len(kernel)
    # d/dt r = −(Θ + λ) r/n and d/dt s = r, from r = y − f0 and s = 0
    generator = np.block([[-(kernel + ridge * np.eye(n)) / n, np.zeros((n, n))], [np.eye(n), np.zeros((n, n))]])
    state = scipy.linalg.expm(t * generator) @ np.concatenate([y - f0, 0 * y])
    return f0_test + cross @ state[n:] / n


@pytest.mark.parametrize("ridge", [0.0, 0.7])
@pytest.mark.parametrize("rank", [8, 3], ids=["definite", "singular"])
@pytest.mark.parametrize("t", [0.0, 1e-3, 1.0, 30.0])
def test_flow_is_the_matrix_exponential(x64, t, rank, ridge):
    kernel, cross, y, f0, f0_test = problem(rank=rank)
    train = gradient_flow(kernel, y, t, f0=f0, ridge=ridge)
    test = gradient_flow(kernel, y, t, f0=f0, kernel_test=cross, f0_test=f0_test, ridge=ridge)
    np.testing.assert_allclose(train, flow_by_expm(kernel, kernel, y, t, f0, f0, ridge), atol=1e-12)
    np.testing.assert_allclose(test, flow_by_expm(kernel, cross, y, t, f0, f0_test, ridge), atol=1e-12)


def test_flow_solves_the_differential_equation_of_the_loss(x64):
    kernel, _, y, f0, _ = problem()

    def velocity(_, f):
        return (kernel @ (y[:, 0] - f)) / N  # minus the kernel times the gradient of 1/(2n) Σ (f − y)²

    solution = scipy.integrate.solve_ivp(velocity, (0, 2), f0[:, 0], rtol=1e-11, atol=1e-12, t_eval=[0.5, 2.0])
    np.testing.assert_allclose(gradient_flow(kernel, y[:, 0], [0.5, 2.0], f0=f0[:, 0]), solution.y.T, atol=1e-9)


def test_flow_in_parameters_with_a_ridge_is_the_flow_in_outputs(x64):
    """θ' = −∇(1/(2n) Σ (Φθ − y)² + λ/(2n) ‖θ‖²), integrated in θ, and then applied to test features."""
    phi, phi_test = features()
    kernel, cross, y, *_ = problem()

    def velocity(_, theta):
        return (phi.T @ (y[:, 0] - phi @ theta) - 0.7 * theta) / N

    theta = scipy.integrate.solve_ivp(velocity, (0, 3), np.zeros(8), rtol=1e-11, atol=1e-12).y[:, -1]
    got = gradient_flow(kernel, y[:, 0], 3.0, kernel_test=cross, ridge=0.7)
    np.testing.assert_allclose(got, phi_test @ theta, atol=1e-9)


@pytest.mark.parametrize("ridge", [1e-3, 0.5, 10.0])
def test_flow_ends_at_kernel_ridge_regression(x64, ridge):
    kernel, cross, y, *_ = problem()
    want = KernelRidge(alpha=ridge, kernel="precomputed").fit(kernel, y).predict(cross)
    np.testing.assert_allclose(gradient_flow(kernel, y, np.inf, kernel_test=cross, ridge=ridge), want, rtol=1e-8)


def test_flow_ends_at_the_targets_and_starts_at_the_first_outputs(dtype):
    kernel, cross, y, f0, f0_test = (jnp.asarray(z, dtype) for z in problem())
    assert gradient_flow(kernel, y, 1.0).dtype == dtype
    tolerance = 1e4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(gradient_flow(kernel, y, jnp.inf, f0=f0), y, atol=tolerance)
    np.testing.assert_array_equal(gradient_flow(kernel, y, 0.0, f0=f0), f0)
    np.testing.assert_array_equal(gradient_flow(kernel, y, 0.0, f0=f0, kernel_test=cross, f0_test=f0_test), f0_test)


@pytest.mark.parametrize("shape_t", [(), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("columns", [None, 1, OUTPUTS])
def test_times_come_first_and_every_time_stands_alone(x64, shape_t, columns):
    kernel, cross, y, f0, f0_test = problem()
    pick = (slice(None), 0) if columns is None else (slice(None), slice(columns))
    y, f0, f0_test = y[pick], f0[pick], f0_test[pick]
    t = np.linspace(0.1, 2, int(np.prod(shape_t))).reshape(shape_t)
    train = gradient_flow(kernel, y, t, f0=f0)
    test = gradient_flow(kernel, y, t, f0=f0, kernel_test=cross, f0_test=f0_test)
    assert train.shape == (*shape_t, *y.shape)
    assert test.shape == (*shape_t, TESTS, *y.shape[1:])
    for index in np.ndindex(*shape_t):
        np.testing.assert_allclose(train[index], gradient_flow(kernel, y, float(t[index]), f0=f0), rtol=1e-12)


def test_outputs_do_not_interact(x64):
    kernel, cross, y, f0, f0_test = problem()
    both = gradient_flow(kernel, y, 1.0, f0=f0, kernel_test=cross, f0_test=f0_test)
    one = gradient_flow(kernel, y[:, 1], 1.0, f0=f0[:, 1], kernel_test=cross, f0_test=f0_test[:, 1])
    np.testing.assert_allclose(both[:, 1], one, rtol=1e-12)


def test_first_outputs_are_broadcast_to_the_targets(x64):
    kernel, cross, y, *_ = problem()
    full = gradient_flow(kernel, y, 1.0, f0=np.full(y.shape, 0.3), kernel_test=cross, f0_test=np.full((TESTS, 2), 0.2))
    np.testing.assert_allclose(gradient_flow(kernel, y, 1.0, f0=0.3, kernel_test=cross, f0_test=0.2), full, rtol=1e-13)


@given(s=st.floats(0, 5), t=st.floats(0, 5), seed=st.integers(0, 50))
def test_flow_for_two_times_in_turn_is_the_flow_for_their_sum(x64, s, t, seed):
    kernel, _, y, f0, _ = problem(seed)
    halfway = gradient_flow(kernel, y, s, f0=f0)
    np.testing.assert_allclose(
        gradient_flow(kernel, y, t, f0=halfway), gradient_flow(kernel, y, s + t, f0=f0), atol=1e-10
    )


@given(t=st.floats(0, 1e3), seed=st.integers(0, 50))
def test_the_loss_never_rises(x64, t, seed):
    kernel, _, y, f0, _ = problem(seed)
    residuals = np.asarray(gradient_flow(kernel, y, [t, 1.1 * t], f0=f0)) - y
    assert np.sum(residuals[1] ** 2) <= np.sum(residuals[0] ** 2) * (1 + 1e-10) + 1e-25


# singular kernels


@pytest.mark.parametrize("t", [1e3, 1e10, 1e16, 1e30, np.inf])
def test_a_singular_kernel_learns_the_projection_and_never_more(x64, t):
    kernel, cross, y, *_ = problem(rank=3)
    phi, phi_test = features(rank=3)
    fit = np.linalg.lstsq(phi, y)[0]
    np.testing.assert_allclose(gradient_flow(kernel, y, t), phi @ fit, atol=1e-7)
    np.testing.assert_allclose(gradient_flow(kernel, y, t, kernel_test=cross), phi_test @ fit, atol=1e-7)


def test_null_directions_keep_their_first_outputs(x64):
    np.testing.assert_allclose(
        gradient_flow(jnp.ones((2, 2)), jnp.array([3.0, 1.0]), jnp.inf, f0=jnp.array([1.0, 0.0])),
        [2.5, 1.5],
        atol=1e-14,
    )
    np.testing.assert_array_equal(gradient_flow(jnp.zeros((2, 2)), jnp.ones(2), [1.0, jnp.inf]), np.zeros((2, 2)))


def test_nearly_singular_kernels_keep_their_slow_modes(x64):
    eigenvalues = np.array([1.0, 1e-6, 1e-10, 1e-13])
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    y = vectors.sum(1)
    for t in (4.0, 4e6, 4e10):
        modes = vectors.T @ np.asarray(gradient_flow((vectors * eigenvalues) @ vectors.T, y, t))
        np.testing.assert_allclose(modes, -np.expm1(-eigenvalues * t / 4), atol=1e-4)


def test_repeated_inputs_are_no_obstacle(dtype):
    x = jnp.array([[1.0, 2.0], [1.0, 2.0], [-0.5, 1.0]], dtype)
    kernel = MLP(depth=2).ntk(x)
    np.testing.assert_allclose(gradient_flow(kernel, jnp.array([1.0, 3.0, 1.0], dtype), jnp.inf), [2, 2, 1], atol=1e-4)


# derivatives


def directional(f, *arguments):
    """Derivative of f along the last half of the arguments, by jvp and by a symmetric difference."""
    point, direction = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
    automatic = jax.jvp(f, point, direction)[1]
    h = 1e-5
    sides = [f(*(p + sign * h * d for p, d in zip(point, direction, strict=True))) for sign in (1, -1)]
    return np.asarray(automatic), np.asarray((sides[0] - sides[1]) / (2 * h))


def symmetric(seed):
    change = np.random.default_rng(seed).standard_normal((N, N))
    return jnp.asarray((change + change.T) / 2)


@pytest.mark.parametrize("t", [1e-3, 0.2, 1.0, 20.0, np.inf])
@pytest.mark.parametrize("spectrum", [(1, 1, 1, 1, 1, 1), (2, 2, 2, 1, 1, 0.5), (3, 2, 1, 1, 1 + 1e-9, 1 + 1e-5)])
def test_derivative_in_a_kernel_with_equal_eigenvalues(x64, spectrum, t):
    *_, y, f0, _ = problem()
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((N, N)))[0]
    kernel = jnp.asarray((vectors * np.array(spectrum)) @ vectors.T)
    flow = jax.jit(lambda kernel: gradient_flow(kernel, y, t, f0=f0))
    automatic, difference = directional(flow, kernel, symmetric(1))
    noise = 2e-10 if t < 1 else 1e-8  # of the difference
    np.testing.assert_allclose(automatic, difference, rtol=0, atol=noise + 1e-7 * np.abs(automatic).max())
    assert np.abs(automatic).max() > 1e-5 or t == np.inf


@pytest.mark.parametrize("t", [1.0, 1e3, 1e9, 1e20, np.inf])
def test_derivative_in_the_features_of_a_singular_kernel(x64, t):
    _, _, y, *_ = problem()
    phi, phi_test = (jnp.asarray(z) for z in features(rank=3))
    flow = jax.jit(lambda phi: gradient_flow(phi @ phi.T, y, t, kernel_test=phi_test @ phi.T))
    automatic, difference = directional(flow, phi, jnp.asarray(features(seed=1, rank=3)[0]))
    np.testing.assert_allclose(automatic, difference, atol=1e-6)


def test_reverse_mode_agrees_with_forward_mode(x64):
    kernel, cross, y, f0, _ = (jnp.asarray(z) for z in problem())

    def total(kernel, y, t, ridge):
        return jnp.sum(gradient_flow(kernel, y, t, f0=f0, kernel_test=cross, ridge=ridge) ** 2)

    point, direction = (
        (kernel, y, jnp.array(1.5), jnp.array(0.3)),
        (symmetric(2), 0.3 * y, jnp.array(1.0), jnp.array(-0.5)),
    )
    automatic, difference = directional(jax.jit(total), *point, *direction)
    gradient = jax.jit(jax.grad(total, (0, 1, 2, 3)))(*point)
    np.testing.assert_allclose(automatic, difference, rtol=1e-7)
    np.testing.assert_allclose(
        sum(jnp.vdot(g, d) for g, d in zip(gradient, direction, strict=True)), automatic, rtol=1e-11
    )


def test_flow_maps_over_kernels(x64):
    kernels, targets = (jnp.stack([jnp.asarray(problem(seed)[i]) for seed in (0, 1)]) for i in (0, 2))
    mapped = jax.jit(jax.vmap(lambda k, y: gradient_flow(k, y, 1.0)))(kernels, targets)
    np.testing.assert_allclose(mapped[1], gradient_flow(kernels[1], targets[1], 1.0), atol=1e-13)


# refusals


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": np.ones((3, 2))}, r"kernel must have shape \(n, n\), got \(3, 2\)"),
        ({"kernel": np.eye(3, dtype=int)}, "kernel must have a real floating dtype, got int"),
        ({"kernel": np.array([[1.0, 2, 0], [0, 1, 0], [0, 0, 1]])}, "kernel must be symmetric, got .* up to 2 with"),
        (
            {"kernel": np.diag([1.0, -0.1, 1])},
            "kernel must be positive semi-definite, got an eigenvalue of -0.1 .* add 0.2",
        ),
        ({"kernel": np.diag([1.0, np.nan, 1])}, r"kernel must be finite, got nan at \[1, 1\]"),
        ({"kernel": np.diag([1.0, np.inf, 1])}, "kernel must be finite"),
        ({"y": np.ones(4)}, r"y must have shape \(3,\) or \(3, k\) for a kernel of shape \(3, 3\), got \(4,\)"),
        ({"y": np.ones((3, 1, 1))}, r"y must have shape .* got \(3, 1, 1\)"),
        ({"y": np.ones(3, int)}, "y must have a real floating dtype"),
        ({"t": -1.0}, "t must not be negative or NaN, got -1.0"),
        ({"t": [1.0, float("nan")]}, "t must not be negative or NaN"),
        ({"ridge": -0.1}, "ridge must be finite and not negative"),
        ({"ridge": float("inf")}, "ridge must be finite and not negative"),
        ({"kernel_test": np.ones((2, 4))}, r"kernel_test must have shape \(n, 3\), got \(2, 4\)"),
        ({"f0": np.ones(4)}, r"f0 must have shape \(3,\) or broadcast to it, got \(4,\)"),
        ({"f0": np.ones((3, 1))}, r"f0 must have shape \(3,\) or broadcast to it, got \(3, 1\)"),
        ({"kernel_test": np.ones((2, 3)), "f0_test": np.ones(3)}, r"f0_test must have shape \(2,\) or .* got \(3,\)"),
    ],
)
def test_a_flow_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gradient_flow(**({"kernel": EYE, "y": np.ones(3), "t": 1.0} | arguments))


def test_negative_eigenvalues_of_the_size_of_rounding_are_accepted(x64):
    kernel = np.diag([1.0, 1.0, -1e-15])
    np.testing.assert_allclose(gradient_flow(kernel, np.ones(3), np.inf), [1, 1, 0], atol=1e-14)
    with pytest.raises(ValueError, match="positive semi-definite"):
        gradient_flow(np.diag([1.0, 1.0, -1e-13]), np.ones(3), np.inf)


# ensembles


X = np.random.default_rng(0).standard_normal((N, 3))
X_TEST = np.random.default_rng(1).standard_normal((TESTS, 3))
Y = np.random.default_rng(2).standard_normal((N, OUTPUTS))
NETWORK = MLP(depth=2, activation="erf", w_std=1.4, b_std=0.3)


@pytest.mark.parametrize("t", [0.7, 15.0, np.inf])
def test_ensemble_moments_are_those_of_the_linear_map_of_the_first_outputs(x64, t):
    x, x_test = jnp.asarray(X), jnp.asarray(X_TEST)
    theta, cross = NETWORK.ntk(x), NETWORK.ntk(x_test, x)
    joint = np.asarray(NETWORK.nngp(jnp.concatenate([x, x_test])))
    decay = scipy.linalg.expm(-np.asarray(theta) * t / N) if t < np.inf else np.zeros((N, N))
    a = np.asarray(cross) @ np.linalg.solve(theta, np.eye(N) - decay)
    # f_t(X*) = f_0(X*) − A f_0(X) + A y
    projection = np.concatenate([-a, np.eye(TESTS)], 1)
    mean, covariance = ensemble_moments(NETWORK, x, Y, x_test, t)
    np.testing.assert_allclose(mean, a @ Y, atol=1e-9)
    np.testing.assert_allclose(covariance, projection @ joint @ projection.T, atol=1e-9)
    assert np.linalg.eigvalsh(covariance).min() > -1e-10


def test_ensemble_moments_are_those_of_sampled_networks_after_their_flow(x64):
    """Draws of f_0 ~ N(0, K) at all inputs together, each trained by gradient_flow; five standard errors."""
    everything = jnp.concatenate([jnp.asarray(X), jnp.asarray(X_TEST)])
    draws = np.random.default_rng(3).multivariate_normal(np.zeros(N + TESTS), NETWORK.nngp(everything), 4000)
    kernels = {"kernel": NETWORK.ntk(everything[:N]), "kernel_test": NETWORK.ntk(everything[N:], everything[:N])}
    # all draws at once, as the outputs of one problem
    targets = np.repeat(Y[:, :1], 4000, 1)
    trained = np.asarray(gradient_flow(y=targets, t=3.0, f0=draws[:, :N].T, f0_test=draws[:, N:].T, **kernels))
    mean, covariance = ensemble_moments(NETWORK, X, Y[:, 0], X_TEST, 3.0)
    variance = np.diag(covariance)
    assert (np.abs(trained.mean(1) - mean) < 5 * np.sqrt(variance / 4000)).all()
    error = np.sqrt((np.outer(variance, variance) + np.asarray(covariance) ** 2) / 4000)
    assert (np.abs(np.cov(trained) - covariance) < 5 * error).all()


def test_an_untrained_ensemble_is_the_prior_and_a_trained_one_is_certain_at_its_data(dtype):
    x, y, x_test = (jnp.asarray(z, dtype) for z in (X, Y, X_TEST))
    mean, covariance = ensemble_moments(NETWORK, x, y, x_test, 0.0)
    assert mean.dtype == covariance.dtype == dtype
    np.testing.assert_array_equal(mean, np.zeros((TESTS, OUTPUTS)))
    np.testing.assert_allclose(covariance, NETWORK.nngp(x_test), rtol=1e-6)
    tolerance = 1e-8 if dtype == jnp.float64 else 2e-2
    mean, covariance = ensemble_moments(NETWORK, x, y, x, jnp.inf)
    np.testing.assert_allclose(mean, y, atol=tolerance)
    np.testing.assert_allclose(covariance, np.zeros((N, N)), atol=tolerance)


def test_an_ensemble_at_an_orthogonal_input_has_the_variance_of_neither_posterior(x64):
    x = jnp.sqrt(2.0) * jnp.eye(2)
    _, covariance = ensemble_moments(MLP(), x[:1], jnp.ones(1), x[1:], jnp.inf)
    # with K it would be 2 - 2/π², with Θ 4 - 1/π²
    np.testing.assert_allclose(covariance, [[2 - 3 / (2 * np.pi**2)]], rtol=1e-12)


@pytest.mark.parametrize("t", [0.0, 100.0, jnp.inf])
def test_the_covariance_of_an_ensemble_is_one(t):
    """In 32 bits too: at the training inputs the variance falls to rounding, which must not make it negative."""
    x = jax.random.normal(jax.random.key(3), (30, 10), jnp.float32)
    _, covariance = ensemble_moments(MLP(depth=2), x, x[:, 0], jnp.concatenate([x, 2 * x]), t)
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.sqrt(np.diag(covariance)).min() >= 0


def test_ensemble_moments_put_the_times_first(x64):
    mean, covariance = ensemble_moments(NETWORK, X, Y, X_TEST, [[0.5], [2.0]])
    assert (mean.shape, covariance.shape) == ((2, 1, TESTS, OUTPUTS), (2, 1, TESTS, TESTS))
    alone = ensemble_moments(NETWORK, X, Y[:, 1], X_TEST, 2.0)
    assert (alone[0].shape, alone[1].shape) == ((TESTS,), (TESTS, TESTS))
    np.testing.assert_allclose(mean[1, 0, :, 1], alone[0], rtol=1e-10)
    np.testing.assert_allclose(covariance[1, 0], alone[1], atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[0]}, r"x must have shape \(n, d\), got \(3,\)"),
        ({"x_test": X_TEST[:, :2]}, r"x_test must have shape \(n, 3\), got \(4, 2\)"),
        ({"y": Y[:4]}, r"y must have shape \(6,\) or \(6, k\)"),
        ({"t": -1.0}, "t must not be negative"),
        ({"mlp": MLP(parameterization="standard")}, "standard parameterisation"),
    ],
)
def test_an_ensemble_that_makes_no_sense_is_refused(x64, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}|{message}" if "standard" in message else f"^{message}"):
        ensemble_moments(**({"mlp": NETWORK, "x": X, "y": Y, "x_test": X_TEST, "t": 1.0} | arguments))


# gradient descent


def linear(theta, x):
    return x @ theta


def plain_descent(x, y, theta, rate, steps):
    """Losses, outputs and parameters of every step, for a linear model."""
    history = []
    for _ in range(steps + 1):
        f = x @ theta
        history.append((np.sum((f - y) ** 2) / (2 * len(x)), f, theta))
        theta = theta - rate * x.T @ (f - y) / len(x)
    return history


@pytest.mark.parametrize(
    ("steps", "every", "recorded"),
    [
        (7, 0, [0, 7]),
        (7, 1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (7, 3, [0, 3, 6, 7]),
        (6, 3, [0, 3, 6]),
        (7, 7, [0, 7]),
        (7, 100, [0, 7]),
        (1, 0, [0, 1]),
        (0, 0, [0]),
        (0, 3, [0]),
        (4.0, np.int64(2), [0, 2, 4]),
    ],
)
def test_descent_is_the_plain_loop_and_records_where_it_is_told(x64, steps, every, recorded):
    theta = np.random.default_rng(4).standard_normal((3, OUTPUTS))
    run = gradient_descent(linear, jnp.asarray(theta), X, Y, learning_rate=0.2, steps=steps, record_every=every)
    history = plain_descent(X, Y, theta, 0.2, int(steps))
    assert isinstance(run, Run)
    assert run.steps.tolist() == recorded
    np.testing.assert_allclose(run.loss, [history[i][0] for i in recorded], rtol=1e-12)
    np.testing.assert_allclose(run.outputs, [history[i][1] for i in recorded], rtol=1e-11)
    np.testing.assert_allclose(run.params, history[-1][2], rtol=1e-12)


def test_descent_with_small_steps_follows_the_flow_in_its_time(x64):
    theta, rate = np.random.default_rng(4).standard_normal((3, OUTPUTS)), 1e-3
    run = gradient_descent(linear, jnp.asarray(theta), X, Y, learning_rate=rate, steps=3000, record_every=1000)
    flow = gradient_flow(X @ X.T, Y, rate * np.asarray(run.steps), f0=X @ theta)
    np.testing.assert_allclose(run.outputs, flow, atol=2e-3)
    assert np.abs(run.outputs[1] - run.outputs[0]).max() > 0.1


def test_descent_moves_every_leaf_of_a_tree_in_its_own_dtype(x64):
    params = {"slope": jnp.ones((3, 1), jnp.float32), "shift": (jnp.zeros(1),)}
    run = gradient_descent(
        lambda p, x: x @ p["slope"] + p["shift"][0], params, X, Y[:, 0], learning_rate=0.1, steps=500
    )
    assert (run.params["slope"].dtype, run.params["shift"][0].dtype) == (jnp.float32, jnp.float64)
    want = np.linalg.lstsq(np.c_[X, np.ones(N)], Y[:, 0])[0]
    assert run.loss[1] < run.loss[0]
    assert np.sum((np.ravel([*run.params["slope"], *run.params["shift"]]) - want) ** 2) < 0.3 * np.sum((1 - want) ** 2)


def test_descent_stays_in_its_dtype(dtype):
    mlp = MLP(depth=1)
    params = mlp.init(jax.random.key(0), 3, 8, dtype=dtype)
    run = gradient_descent(
        mlp.apply, params, jnp.asarray(X, dtype), jnp.asarray(Y[:, 0], dtype), learning_rate=0.1, steps=3
    )
    assert {leaf.dtype for leaf in jax.tree.leaves((run.params, run.loss, run.outputs))} == {dtype}
    assert run.outputs.shape == (2, N, 1)


def test_a_run_that_diverges_is_recorded(x64):
    run = gradient_descent(linear, jnp.ones((3, OUTPUTS)), X, Y, learning_rate=1e3, steps=300, record_every=100)
    assert np.isfinite(run.loss[0])
    assert not np.isfinite(run.loss[-1])
    assert not np.isfinite(run.params).all()


def test_descent_maps_over_an_ensemble(x64):
    mlp, x = MLP(depth=1, activation="erf"), jnp.asarray(X)

    def train(key):
        return gradient_descent(
            mlp.apply, mlp.init(key, 3, 8), x, Y[:, :1], learning_rate=0.5, steps=20, record_every=7
        )

    keys = jax.random.split(jax.random.key(0), 3)
    runs = jax.jit(jax.vmap(train))(keys)
    assert runs.loss.shape == (3, 4)
    alone = train(keys[1])
    np.testing.assert_allclose(runs.loss[1], alone.loss, rtol=1e-11)
    np.testing.assert_allclose(runs.outputs[1], alone.outputs, rtol=1e-10)


def test_descent_can_be_differentiated_in_the_learning_rate(x64):
    def last_loss(rate):
        return gradient_descent(linear, jnp.ones((3, OUTPUTS)), X, Y, learning_rate=rate, steps=5).loss[-1]

    h = 1e-6
    difference = (last_loss(0.1 + h) - last_loss(0.1 - h)) / (2 * h)
    np.testing.assert_allclose(jax.jvp(last_loss, (0.1,), (1.0,))[1], difference, rtol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": -1}, "steps must be an integer of at least 0, got -1"),
        ({"steps": 2.5}, "steps must be an integer of at least 0, got 2.5"),
        ({"record_every": -2}, "record_every must be an integer of at least 0, got -2"),
        ({"learning_rate": -0.1}, "learning_rate must be finite and not negative, got -0.1"),
        ({"x": X[0]}, r"x must have shape \(n, d\), got \(3,\)"),
        ({"y": Y[:, 0]}, r"y must have shape \(6, 2\) like the outputs .*, got \(6,\)"),
        ({"y": Y[:4]}, r"y must have shape \(6, 2\) like the outputs .*, got \(4, 2\)"),
        ({"y": np.ones((N, OUTPUTS), int)}, "y must have a real floating dtype, got int"),
        ({"apply": lambda p, x: x @ p[:, 0], "y": Y[:, 0]}, r"apply must return shape \(6, k\) .* got \(6,\)"),
        ({"apply": lambda p, x: (x @ p, p)}, r"apply must return shape \(6, k\) .* got tuple"),
    ],
)
def test_a_descent_that_makes_no_sense_is_refused(x64, arguments, message):
    defaults = {"apply": linear, "params": jnp.ones((3, OUTPUTS)), "x": X, "y": Y, "learning_rate": 0.1, "steps": 2}
    with pytest.raises(ValueError, match=message):
        gradient_descent(**(defaults | arguments))


def test_a_flow_in_32_bits_that_ends_in_rounding_is_an_error_with_advice():
    """A kernel with eigenvalues down to 1e-9: 32 bits do not have them, 64 do, and early times do not need them."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    theta = basis @ np.diag(10.0 ** np.linspace(0, -9, 20)) @ basis.T
    y = basis.sum(1)
    single = theta.astype(np.float32) + np.float32(1e-7) * np.eye(20, dtype=np.float32), y.astype(np.float32)
    with pytest.raises(
        ValueError, match=r"float32 this loses the answer: [2-6][0-9]\.[0-9]% of the targets .* float64"
    ):
        gradient_flow(*single, np.inf)
    assert np.isfinite(gradient_flow(*single, 1.0)).all()
    assert np.isfinite(gradient_flow(*single, np.inf, ridge=0.01)).all()
    with jax.enable_x64(True):
        np.testing.assert_allclose(gradient_flow(theta, y, np.inf), y, atol=1e-6)


@pytest.mark.parametrize(("steps", "every"), [(0, 0), (1, 0), (40, 0), (40, 1), (40, 7), (40, 100)])
def test_reporting_progress_changes_no_number(dtype, monkeypatch, steps, every):
    monkeypatch.setattr(dynamics, "_SECONDS_A_TURN", 0.0 if every == 1 else 1e9)
    mlp, x = MLP(b_std=0.1, out_dim=2), jax.random.normal(jax.random.key(1), (5, 2), dtype)
    params, y, seen = mlp.init(jax.random.key(0), 2, 8, dtype=dtype), jnp.ones((len(x), 2), dtype), []
    how = {"learning_rate": 0.3, "steps": steps, "record_every": every}
    plain = gradient_descent(mlp.apply, params, x, y, **how)
    told = gradient_descent(mlp.apply, params, x, y, **how, progress=lambda done, all_: seen.append((done, all_)))
    assert jax.tree.structure(plain) == jax.tree.structure(told)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(told), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=10 * float(jnp.finfo(dtype).eps), atol=0)
    assert seen == sorted(set(seen))
    assert [done for done, _ in seen][-1:] == [steps][:steps]
    assert {all_ for _, all_ in seen} <= {steps}
    if steps == 40:
        assert len(seen) == {0: 6, 1: 40, 7: 4, 100: 6}[every]  # turns of 1, 2, 4 … or of one


def test_a_descent_can_be_stopped_by_its_progress():
    def stop(done, steps):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradient_descent(
            lambda p, x: p * x,
            jnp.ones(()),
            jnp.ones((2, 1)),
            jnp.ones(2),
            learning_rate=0.1,
            steps=10**9,
            progress=stop,
        )


def test_progress_is_refused_while_jax_traces():
    def run(slope):
        return gradient_descent(
            lambda p, x: p * x, slope, jnp.ones((2, 1)), jnp.ones(2), learning_rate=0.1, steps=3, progress=print
        ).loss

    with pytest.raises(ValueError, match="progress cannot be reported while JAX traces"):
        jax.jit(run)(jnp.ones(()))


def test_outputs_at_time_zero_that_would_be_misread_are_refused():
    kernel, y = jnp.eye(2), jnp.ones((2, 2))
    with pytest.raises(ValueError, match="f0_test is for predictions at test inputs: give kernel_test too"):
        gradient_flow(kernel, y, 1.0, f0_test=jnp.ones((3, 2)))
    with pytest.raises(ValueError, match="f0 must have a real floating dtype, got complex"):
        gradient_flow(kernel, y, 1.0, f0=1j)
    with pytest.raises(ValueError, match=r"f0 must have shape \(2, 2\) .*, got \(2,\); of the same 2 axes, or a"):
        gradient_flow(kernel, y, 1.0, f0=jnp.ones(2))
    np.testing.assert_array_equal(gradient_flow(kernel, y, 0.0, f0=1), y)


def adam_in_numpy(x, y, weight, batches, rate):
    """Adam as in the paper, with the usual constants and a rate that falls to zero, for a linear model."""
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for index, rows in enumerate(batches):
        gradient = x[rows].T @ (x[rows] @ weight - y[rows]) / len(rows)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        first, second = mean / (1 - 0.9 ** (index + 1)), square / (1 - 0.999 ** (index + 1))
        weight = weight - rate * (1 - index / len(batches)) * first / (np.sqrt(second) + 1e-8)
    return weight


@pytest.mark.parametrize("outputs", [1, 2])
def test_adam_takes_the_steps_of_the_paper(x64, outputs):
    rng = np.random.default_rng(outputs)
    x, y, start = rng.standard_normal((12, 3)), rng.standard_normal((12, outputs)), rng.standard_normal((3, outputs))
    batches = rng.integers(0, 12, (40, 5))
    linear = lambda weight, x: x @ weight  # noqa: E731
    found = adam(linear, start, x, y, batches, learning_rate=0.05)
    np.testing.assert_allclose(found, adam_in_numpy(x, y, start, batches, 0.05), rtol=1e-6, atol=1e-9)
    if outputs == 1:
        np.testing.assert_allclose(adam(linear, start, x, y[:, 0], batches, learning_rate=0.05), found)


def test_adam_trains_several_networks_at_once_as_it_does_one(x64):
    net, x = MLP(depth=1), jnp.asarray(np.random.default_rng(0).standard_normal((9, 2)))
    y, batches = jnp.sin(x[:, 0]), np.random.default_rng(1).integers(0, 9, (3, 20, 4))
    keys = jax.random.split(jax.random.key(0), 3)
    train = lambda key, rows: adam(net.apply, net.init(key, 2, 8), x, y, rows, learning_rate=0.01)  # noqa: E731
    together = jax.vmap(train)(keys, jnp.asarray(batches))
    for index in range(3):
        alone = train(keys[index], batches[index])
        for one, all_ in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
            np.testing.assert_allclose(all_[index], one, atol=1e-9)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([[0, 12]], "rows from 0 to 11, got 0 to 12"),
        ([0, 1], r"integers of shape \(steps, b\)"),
        ([[0.5]], "integers of shape"),
    ],
)
def test_rows_that_there_are_not_are_refused(batches, message):
    with pytest.raises(ValueError, match=message):
        adam(lambda w, x: x @ w, np.ones((3, 1)), np.ones((12, 3)), np.ones(12), batches, learning_rate=0.1)
