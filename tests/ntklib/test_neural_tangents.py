"""Does the package that `ntklib.neural_tangents` loads compute what it says?

Oracles: Monte Carlo over finite networks for the analytic kernels, linear algebra in NumPy for `predict`, explicit
derivatives for the linearisations, and the implementations of the empirical kernel against each other.
"""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

nt = pytest.importorskip("ntklib.neural_tangents")

stax = nt.stax


# Architectures. Each takes the standard deviation of its weights, so that a test can also ask for a wrong kernel.


def dense(width, outputs, w_std=1.5):
    hidden = [stax.Dense(width, w_std, 0.3), stax.Relu(), stax.Dense(width, w_std, 0.3), stax.Erf()]
    return stax.serial(*hidden, stax.Dense(outputs, w_std, 0.3))


def convolutional(width, outputs, w_std=1.5):
    first = stax.Conv(width, (3,), padding="SAME", W_std=w_std, b_std=0.1)
    hidden = [first, stax.Relu(), stax.Conv(width, (2,), W_std=w_std), stax.Gelu()]
    return stax.serial(*hidden, stax.Flatten(), stax.Dense(outputs, w_std))


def pooling(width, outputs, w_std=1.5):
    first = stax.Conv(width, (2,), W_std=w_std, b_std=0.1)
    hidden = [first, stax.Relu(), stax.AvgPool((2,)), stax.Conv(width, (2,), W_std=w_std), stax.Erf()]
    return stax.serial(*hidden, stax.GlobalAvgPool(), stax.Dense(outputs, w_std))


def residual(width, outputs, w_std=1.5):
    branch = stax.serial(stax.Relu(), stax.Dense(width, w_std, 0.3))
    block = stax.serial(stax.FanOut(2), stax.parallel(stax.Identity(), branch), stax.FanInSum())
    return stax.serial(stax.Dense(width, w_std), block, block, stax.Erf(), stax.Dense(outputs, w_std))


def attention_free(width, outputs, w_std=1.5):
    """Tokens are normalised, mixed by a convolution, gated by a second branch and pooled."""
    mix = stax.serial(stax.LayerNorm(), stax.Conv(width, (3,), padding="SAME", W_std=w_std), stax.Gelu())
    gate = stax.serial(stax.Conv(width, (1,), W_std=w_std, b_std=0.5), stax.Sigmoid_like())
    block = stax.serial(stax.FanOut(2), stax.parallel(mix, gate), stax.FanInProd())
    return stax.serial(stax.Conv(width, (1,), W_std=w_std), block, stax.GlobalAvgPool(), stax.Dense(outputs, w_std))


NETWORKS = [dense, convolutional, pooling, residual, attention_free]


def inputs(network, n=3, seed=0):
    shape = (n, 4) if network in (dense, residual) else (n, 4, 2)
    return jax.random.normal(jax.random.key(seed), shape)


def deviations(kernel, samples, bias):
    """The largest distance of `kernel` from the mean of the samples, in standard errors, after allowing for `bias`."""
    kernel, samples = np.asarray(kernel, np.float64), np.asarray(samples, np.float64)
    error = samples.std(0, ddof=1) / np.sqrt(len(samples))
    size = np.sqrt(np.multiply.outer(np.diag(kernel), np.diag(kernel)))
    return np.max((np.abs(samples.mean(0) - kernel) - bias * size) / error)


@pytest.mark.filterwarnings("ignore:.FanIn. layers:UserWarning", "ignore:Got potentially:UserWarning")
@pytest.mark.parametrize("network", NETWORKS)
def test_analytic_kernels_are_the_mean_over_wide_networks(network):
    """Within 5 standard errors, plus 1/width of the typical size for what a finite width changes systematically.

    The same criterion must reject the kernels for weights that are 5 % larger, or it could not fail. The covariance is
    averaged over many outputs, which are independent; for the tangent kernel one is enough.
    """
    width, draws = 64, 200
    x, keys = inputs(network), jax.random.split(jax.random.key(1), draws)
    init_fn, apply_fn, _ = network(width, 64)
    nngp_fn = nt.empirical_nngp_fn(apply_fn)
    ntk_fn = nt.empirical_ntk_fn(lambda params, x: apply_fn(params, x)[:, :1], vmap_axes=0, implementation=1)

    @jax.jit
    @jax.vmap
    def draw(key):
        params = init_fn(key, x.shape)[1]
        return nngp_fn(x, None, params), ntk_fn(x, None, params)

    kernels_fn = jax.jit(lambda w_std: network(width, 1, w_std)[2](x, None, ("nngp", "ntk")))
    for kernel, wrong, sample in zip(kernels_fn(1.5), kernels_fn(1.05 * 1.5), draw(keys), strict=True):
        assert deviations(kernel, sample, 1 / width) < 5
        assert deviations(wrong, sample, 1 / width) > 5


def test_monte_carlo_kernel_fn_converges_to_the_analytic_kernel():
    """A single layer: the covariance of 500 outputs in 40 draws has a relative standard error of √(2/20000) = 1 %."""
    init_fn, apply_fn, kernel_fn = stax.Dense(500, 1.5, 0.3)
    x = inputs(dense)
    sampled_fn = nt.monte_carlo_kernel_fn(init_fn, apply_fn, jax.random.key(0), [10, 40], vmap_axes=0)
    few, many = sampled_fn(x, None, ("nngp", "ntk"))
    exact = kernel_fn(x, None, ("nngp", "ntk"))
    size = np.sqrt(np.outer(np.diag(exact.nngp), np.diag(exact.nngp)))
    assert np.max(np.abs(many.nngp - exact.nngp) / size) < 0.05
    assert not np.array_equal(few.nngp, many.nngp)
    assert_allclose(many.ntk, exact.ntk, rtol=1e-4)  # linear in its parameters, so every draw has the same


def jacobian_kernel(apply_fn, params, x1, x2):
    """The empirical kernel with all outputs, (n1, n2, k, k), from whole Jacobians."""

    def jacobian(x):
        leaves = jax.tree.leaves(jax.jacobian(apply_fn)(params, x))
        n, k = leaves[0].shape[:2]
        return jnp.concatenate([leaf.reshape(n, k, -1) for leaf in leaves], -1)

    return jnp.einsum("iap,jbp->ijab", jacobian(x1), jacobian(x2))


def splitting(params, x):
    """A gated network as one would write it: `jnp.split` gives several results at once."""
    value, gate = jnp.split(x @ params[0], 2, axis=-1)
    return (value * jax.nn.sigmoid(gate)) @ params[1]


def small(network):
    if network is splitting:
        keys = jax.random.split(jax.random.key(2))
        return splitting, [jax.random.normal(keys[0], (4, 10)), jax.random.normal(keys[1], (5, 3))]
    init_fn, apply_fn, _ = network(5, 3)
    return apply_fn, init_fn(jax.random.key(2), inputs(network).shape)[1]


IMPLEMENTATIONS = [i for i in nt.NtkImplementation if i is not nt.NtkImplementation.AUTO]


AXES = [{"trace_axes": ()}, {"trace_axes": (-1,)}, {"trace_axes": (), "diagonal_axes": (-1,)}]


@pytest.mark.usefixtures("x64")
@pytest.mark.filterwarnings("ignore:No Jacobian rule found:UserWarning", "ignore:Got potentially:UserWarning")
@pytest.mark.parametrize("network", [dense, pooling, residual, splitting])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=lambda i: i.name)
def test_empirical_implementations_agree_with_whole_jacobians(network, implementation):
    apply_fn, params = small(network)
    x1, x2 = (inputs(network if network is not splitting else dense, n, seed) for n, seed in ((3, 3), (2, 4)))

    @jax.jit
    def kernels(params):
        full = jacobian_kernel(apply_fn, params, x1, x2)
        expected = [full, jnp.trace(full, axis1=2, axis2=3) / 3, jnp.diagonal(full, axis1=2, axis2=3)]
        options = AXES if network is dense else AXES[:1]
        ntk_fns = [nt.empirical_ntk_fn(apply_fn, vmap_axes=0, implementation=implementation, **o) for o in options]
        found = [ntk_fn(x1, x2, params) for ntk_fn in ntk_fns]
        if network is dense:
            at_once = nt.empirical_ntk_fn(apply_fn, trace_axes=(), implementation=implementation)
            found, expected = [*found, at_once(x1, x2, params)], [*expected, full]
        return list(zip(found, expected, strict=False))

    for found, expected in kernels(params):
        assert_allclose(found, expected, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=lambda i: i.name)
def test_empirical_implementations_can_be_mapped_and_differentiated(implementation):
    apply_fn, params = small(dense)
    x = inputs(dense, 2)
    ntk_fn = nt.empirical_ntk_fn(apply_fn, implementation=implementation)

    def found(params):
        return ntk_fn(x, None, params)

    def expected(params):
        return jnp.trace(jacobian_kernel(apply_fn, params, x, x), axis1=2, axis2=3) / 3

    ensemble = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), params)

    def gradient_and_map(kernel_fn):
        return jax.grad(lambda p: jnp.sum(kernel_fn(p) ** 2))(params), jax.vmap(kernel_fn)(ensemble)

    results = jax.jit(lambda: [gradient_and_map(kernel_fn) for kernel_fn in (found, expected)])()
    jax.tree.map(lambda a, b: assert_allclose(a, b, atol=1e-9), *results)


@pytest.mark.usefixtures("x64")
def test_the_automatic_implementation_is_one_of_the_three():
    apply_fn, params = small(dense)
    x = inputs(dense)
    automatic = nt.empirical_ntk_fn(apply_fn, trace_axes=(), implementation=nt.NtkImplementation.AUTO)
    found, expected = jax.jit(lambda p: (automatic(x, None, p), jacobian_kernel(apply_fn, p, x, x)))(params)
    assert_allclose(found, expected, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_nngp_and_kernel_vector_products():
    apply_fn, params = small(dense)
    x1, x2 = inputs(dense, 3), inputs(dense, 2, 1)
    vector = jax.random.normal(jax.random.key(5), (2, 3))

    @jax.jit
    def results(params):
        nngp = nt.empirical_nngp_fn(apply_fn)(x1, x2, params)
        product = nt.empirical_ntk_vp_fn(apply_fn, x1, x2, params)(vector)
        kernel = jacobian_kernel(apply_fn, params, x1, x2)
        outputs = apply_fn(params, x1) @ apply_fn(params, x2).T / 3
        return (nngp, outputs), (product, jnp.einsum("ijab,jb->ia", kernel, vector))

    for found, expected in results(params):
        assert_allclose(found, expected, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_linearize_and_taylor_expand_are_the_first_terms_of_the_series():
    apply_fn, params = small(dense)
    x = inputs(dense, 2)
    theta, unravel = jax.flatten_util.ravel_pytree(params)

    def f(theta):
        return apply_fn(unravel(theta), x)

    @jax.jit
    def results(step):
        first = f(theta) + jax.jacobian(f)(theta) @ step
        second = first + jax.hessian(f)(theta) @ step @ step / 2
        moved = unravel(theta + step)
        expansions = nt.linearize(apply_fn, params), *(nt.taylor_expand(apply_fn, params, order) for order in (1, 2))
        return [expansion(moved, x) for expansion in expansions], [first, first, second]

    found, expected = results(0.1 * jax.random.normal(jax.random.key(6), theta.shape))
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, atol=1e-12)
    assert not np.allclose(expected[0], expected[2], atol=1e-3)


@pytest.mark.usefixtures("x64")
@pytest.mark.filterwarnings("ignore:.FanIn. layers:UserWarning", "ignore:Got potentially:UserWarning")
@pytest.mark.parametrize("network", [dense, residual])
def test_analytic_kernels_under_jit_vmap_grad(network):
    kernel_fn = network(1, 1)[2]
    x = inputs(network, 2)

    def ntk(x1, x2=None):
        return kernel_fn(x1, x2, "ntk")

    pairwise = jax.jit(jax.vmap(jax.vmap(lambda a, b: ntk(a[None], b[None])[0, 0], (None, 0)), (0, None)))
    # The diagonal is at an angle of zero, where rounding goes into the kernel by its root.
    assert_allclose(jax.jit(ntk)(x), ntk(x), rtol=1e-7)
    assert_allclose(pairwise(x, x), ntk(x), rtol=1e-7)

    def total(shift):
        return jnp.sum(ntk(x + shift * direction, x[::-1] + 1.0))

    direction, eps = jax.random.normal(jax.random.key(7), x.shape), 1e-6
    value, slope = jax.jit(total), jax.jit(jax.grad(total))
    assert_allclose(slope(0.0), (value(eps) - value(-eps)) / (2 * eps), rtol=1e-6)


def test_the_dtype_is_that_of_the_inputs_with_64_bits_on_or_off(request):
    kernel_fn = dense(1, 1)[2]
    x = inputs(dense)
    single = kernel_fn(x, None, "ntk")
    assert single.dtype == jnp.float32
    request.getfixturevalue("x64")
    double = kernel_fn(jnp.asarray(x, jnp.float64), None, "ntk")
    assert double.dtype == jnp.float64
    assert_allclose(single, double, rtol=1e-5)


@pytest.mark.usefixtures("x64")
def test_batches_take_an_array_by_keyword_as_by_position_and_name_one_that_they_cannot_divide():
    *_, kernel_fn = stax.serial(stax.Dense(1))
    x, weights = inputs(dense, 4), (jnp.ones((4, 1)), jnp.ones((4, 1)))  # two arrays, but no pair of inputs
    batched_fn = nt.batch(nt.empirical_ntk_fn(lambda params, x: x @ params[0], vmap_axes=0), 2, 0)
    assert_allclose(batched_fn(x, None, params=weights), batched_fn(x, None, weights), rtol=0)
    batched_fn = nt.batch(kernel_fn, 2, 0)
    with pytest.raises(ValueError, match=r"mask_constant must be a pair of arrays, one for x1 and one .* got \(\)"):
        batched_fn(x, None, "ntk", mask_constant=jnp.array(9.0))
    with pytest.raises(ValueError, match=r"pattern must be a pair of arrays, .* got \(4, 4\)"):
        batched_fn(x, None, "ntk", pattern=x)
    assert_allclose(batched_fn(x, None, get="ntk", pattern=(x, x)), kernel_fn(x, None, "ntk"), rtol=1e-6)


@pytest.mark.optimised  # in single precision, of kernels that are compiled in blocks and whole
def test_serial_batches_give_the_whole_kernel_and_know_when_the_inputs_differ():
    kernel_fn = stax.serial(stax.Dense(1), stax.Relu())[2]
    batched_fn = nt.batch(kernel_fn, batch_size=2, device_count=0)
    x = inputs(dense, 8)
    for x1, x2 in ((x[:4], None), (x[:4], jnp.vstack([x[:2], x[4:6]]))):  # two inputs that begin alike
        whole, batched = jax.jit(kernel_fn)(x1, x2), batched_fn(x1, x2)
        assert bool(batched.x1_is_x2) == bool(whole.x1_is_x2) == (x2 is None)
        assert_allclose(batched.ntk, whole.ntk, atol=1e-7)
        assert_allclose(batched.nngp, whole.nngp, atol=1e-7)


# Predictions, against linear algebra written out in NumPy.


def problem(n=5, m=3, k=2):
    """Kernels on n training and m test points, targets, and outputs at initialisation."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n + m, n + m + 2))
    kernel = root @ root.T / (n + m)
    return kernel[:n, :n], kernel[n:, :n], rng.normal(size=(n, k)), rng.normal(size=(n, k)), rng.normal(size=(m, k))


def flow(kernel, t):
    """1 − exp(−kernel t)."""
    values, vectors = np.linalg.eigh(kernel)
    return (vectors * -np.expm1(-values * t)) @ vectors.T


@pytest.mark.usefixtures("x64")
def test_gradient_descent_mse_is_the_closed_form():
    kernel, cross, y, f_train, f_test = problem()
    predict_fn = nt.predict.gradient_descent_mse(kernel, jnp.asarray(y), learning_rate=0.5)
    times = np.array([0.0, 0.1, 3.0, 1e4])
    train, test = predict_fn(times, f_train, f_test, cross)
    for i, t in enumerate(times):
        learned = flow(kernel, 0.5 * t / y.size) @ (y - f_train)
        assert_allclose(train[i], f_train + learned, atol=1e-10)
        assert_allclose(test[i], f_test + cross @ np.linalg.solve(kernel, learned), atol=1e-10)
    train, test = predict_fn(None, f_train, f_test, cross)
    assert_allclose(train, y)
    assert_allclose(test, f_test + cross @ np.linalg.solve(kernel, y - f_train), atol=1e-10)
    ridge = nt.predict.gradient_descent_mse(kernel, jnp.asarray(y), diag_reg=0.2, diag_reg_absolute_scale=True)
    expected = f_test + cross @ np.linalg.solve(kernel + 0.2 * np.eye(5), y - f_train)
    assert_allclose(ridge(None, f_train, f_test, cross)[1], expected, atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_gradient_descent_integrates_to_the_closed_form():
    kernel, cross, y, f_train, f_test = problem()
    predict_fn = nt.predict.gradient_descent(lambda f, y: 0.5 * jnp.mean((f - y) ** 2), kernel, jnp.asarray(y))
    train, test = jax.jit(predict_fn)(3.0, f_train, f_test, cross)
    exact = nt.predict.gradient_descent_mse(kernel, jnp.asarray(y))(3.0, f_train, f_test, cross)
    assert_allclose(train, exact[0], rtol=1e-6)
    assert_allclose(test, exact[1], rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_ensembles_and_processes_are_the_closed_forms():
    kernel_fn = dense(1, 1)[2]
    x, x_test = inputs(dense, 5, 1), inputs(dense, 3, 2)
    y = jax.random.normal(jax.random.key(3), (5, 1))
    (k, theta), (k_tx, theta_tx), (k_tt, _) = (
        [np.asarray(kernel) for kernel in kernel_fn(*pair, ("nngp", "ntk"))]
        for pair in ((x, None), (x_test, x), (x_test, None))
    )
    predict_fn = nt.predict.gradient_descent_mse_ensemble(kernel_fn, x, y)
    for t in (0.7, None):
        a = {
            g: np.linalg.solve(m, flow(m, np.inf if t is None else t / 5) @ c.T).T
            for g, m, c in (("nngp", k, k_tx), ("ntk", theta, theta_tx))
        }
        found = predict_fn(t, x_test, ("nngp", "ntk"), compute_cov=True)
        assert_allclose(found.ntk.mean, a["ntk"] @ y, atol=1e-9)
        mixed = a["ntk"] @ k_tx.T
        assert_allclose(found.ntk.covariance, k_tt - mixed - mixed.T + a["ntk"] @ k @ a["ntk"].T, atol=1e-9)
        assert_allclose(found.nngp.mean, a["nngp"] @ y, atol=1e-9)
    posterior = nt.predict.gp_inference(kernel_fn(x, None, ("nngp", "ntk")), y)
    found = posterior("nngp", kernel_fn(x_test, x, ("nngp", "ntk")), kernel_fn(x_test, None, ("nngp", "ntk")))
    assert_allclose(found.mean, k_tx @ np.linalg.solve(k, y), atol=1e-9)
    assert_allclose(found.covariance, k_tt - k_tx @ np.linalg.solve(k, k_tx.T), atol=1e-9)


@pytest.mark.usefixtures("x64")
def test_max_learning_rate_is_where_gradient_descent_stops_converging():
    kernel = problem()[0]
    largest = np.linalg.eigvalsh(kernel)[-1]
    assert_allclose(nt.predict.max_learning_rate(kernel), 2 * 5 / largest)
    assert_allclose(
        nt.predict.max_learning_rate(jnp.asarray(kernel), y_train_size=10, momentum=0.9), 3.8 * 10 / largest
    )
    rate = jax.jit(nt.predict.max_learning_rate)
    assert_allclose(rate(kernel), 2 * 5 / largest)
    slope = jax.grad(lambda scale: rate(scale * kernel))(2.0)
    assert_allclose(slope, -2 * 5 / largest / 4)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("t", [2.0, None])
def test_predictors_under_jit_vmap_grad(t):
    kernel, cross, y, f_train, f_test = map(jnp.asarray, problem())

    def at_test(scale, t=t):
        return nt.predict.gradient_descent_mse(scale * kernel, y)(t, f_train, f_test, cross)[1]

    expected, eps = at_test(1.0), 1e-5
    jitted = jax.jit(at_test)
    assert_allclose(jitted(1.0), expected, atol=1e-12)
    assert_allclose(jax.jit(jax.vmap(at_test))(jnp.array([3.0, 1.0]))[1], expected, atol=1e-12)
    slope = (jitted(1 + eps) - jitted(1 - eps)) / (2 * eps)
    assert_allclose(jax.jit(jax.jacobian(at_test))(1.0), slope, atol=1e-6)
    if t is not None:
        times = jnp.array([1.0, t])
        assert_allclose(jax.jit(jax.vmap(lambda t: at_test(1.0, t)))(times)[1], expected, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("predictor", "t"), [("mse", 1.0), ("ensemble", 1.0), ("ensemble", None), ("process", None)])
def test_predictors_first_called_under_jit_work_afterwards(predictor, t):
    """They cache a factorisation in the first call; it must not be made of that call's tracers."""
    kernel_fn = jax.jit(stax.serial(stax.Dense(1), stax.Erf(), stax.Dense(1))[2], static_argnums=2)
    x, x_test = inputs(dense, 4, 1), inputs(dense, 3, 2)
    y, both = jnp.ones((4, 1)), ("nngp", "ntk")
    if predictor == "mse":
        mse_fn = nt.predict.gradient_descent_mse(kernel_fn(x, None, "ntk"), y)
        predict_fn = lambda x_test: mse_fn(t, 0.0, 0.0, kernel_fn(x_test, x, "ntk"))[1]  # noqa: E731
    elif predictor == "ensemble":
        ensemble_fn = nt.predict.gradient_descent_mse_ensemble(kernel_fn, x, y)
        predict_fn = lambda x_test: ensemble_fn(t, x_test, "ntk", compute_cov=True).mean  # noqa: E731
    else:
        process_fn = nt.predict.gp_inference(kernel_fn(x, None, both), y)
        predict_fn = lambda x_test: process_fn("ntk", kernel_fn(x_test, x, both))  # noqa: E731
    first = jax.jit(predict_fn)(x_test)
    assert_allclose(predict_fn(x_test), first, atol=1e-10)
    assert_allclose(jax.jit(predict_fn)(x_test[:2]), first[:2], atol=1e-10)
