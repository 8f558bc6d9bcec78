"""Learnability measured and predicted, against scikit-learn, conservation laws, root finding and closed forms."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge

from ntklib.kernels import RBF
from ntklib.learnability import eigenmodes, learnability, predict
from ntklib.mlp import MLP

DIM = 6
CUBE = np.array(list(itertools.product([1.0, -1.0], repeat=DIM)))
SUBSETS = [s for k in range(DIM + 1) for s in itertools.combinations(range(DIM), k)]
PARITIES = np.stack([CUBE[:, list(s)].prod(1) for s in SUBSETS], 1)
DEGREE = np.array([len(s) for s in SUBSETS])


def kernel(depth=2, b_std=0.1):
    return np.asarray(MLP(depth=depth, b_std=b_std).ntk(CUBE))


def draw(n, seed=0):
    return np.random.default_rng(seed).choice(len(CUBE), n, replace=False)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("n", [1, 20, 40])
def test_learnability_is_that_of_kernel_ridge_regression(x64, n, ridge):
    k, train = kernel(), draw(n)
    oracle = KernelRidge(alpha=ridge or 1e-12, kernel="precomputed").fit(k[np.ix_(train, train)], PARITIES[train])
    expected = (oracle.predict(k[:, train]) * PARITIES).mean(0)
    np.testing.assert_allclose(learnability(k, train, PARITIES, ridge=ridge), expected, atol=1e-9)


@pytest.mark.parametrize("n", [1, 20, 63, 64])
def test_learnability_is_conserved_on_every_training_set(x64, n):
    random_basis = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 64)))[0] * 8
    for seed in range(3):
        for functions in (PARITIES, random_basis):
            total = float(learnability(kernel(), draw(n, seed), functions).sum())
            assert abs(total - n) < 1e-9


def test_with_a_ridge_the_sum_is_the_effective_degrees_of_freedom(x64):
    k, train = kernel(), draw(40)
    eigenvalues = np.linalg.eigvalsh(k[np.ix_(train, train)])
    expected = (eigenvalues / (eigenvalues + 0.5)).sum()
    assert abs(float(learnability(k, train, PARITIES, ridge=0.5).sum()) - expected) < 1e-10
    assert expected < 40


def test_a_singular_kernel_learns_its_rank(x64):
    linear = CUBE @ CUBE.T  # of rank 6: the parities of degree 1, and all of them once the data span the space
    learned = learnability(linear, draw(40), PARITIES)
    assert abs(float(learned.sum()) - DIM) < 1e-9
    np.testing.assert_allclose(np.asarray(learned)[DEGREE == 1], 1, atol=1e-9)


@given(seed=st.integers(0, 10_000), n=st.sampled_from([1, 20, 64]), ridge=st.sampled_from([0.0, 0.1, 3.0]))
def test_learnabilities_of_eigenfunctions_are_between_zero_and_one(seed, n, ridge):
    with jax.enable_x64(True):
        learned = np.asarray(learnability(kernel(), draw(n, seed), PARITIES, ridge=ridge))
    assert learned.min() > -1e-9
    assert learned.max() < 1 + 1e-9


def test_eigenmodes_rebuild_the_kernel(x64):
    k = kernel()
    values, functions = map(np.asarray, eigenmodes(k))
    np.testing.assert_allclose((functions * values) @ functions.T, k, atol=1e-10)
    np.testing.assert_allclose(functions.T @ functions / 64, np.eye(64), atol=1e-10)
    np.testing.assert_allclose(k @ functions / 64, values * functions, atol=1e-10)
    assert (np.diff(values) <= 1e-12).all()


def oracle(values, n, ridge):
    def equation(log_kappa):
        return np.sum(values / (values + np.exp(log_kappa))) + ridge / np.exp(log_kappa) - n

    return np.exp(scipy.optimize.brentq(equation, -80, 20, xtol=1e-14, rtol=1e-14))


@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.4])
@pytest.mark.parametrize("n", [1, 5, 39])
def test_kappa_solves_its_equation(x64, n, ridge):
    values = np.random.default_rng(0).pareto(0.3, 40)  # from 1e-3 to 1e7
    found, kappa = predict(values, n, ridge=ridge), oracle(values, n, ridge)
    assert abs(float(found.kappa) / kappa - 1) < 1e-10
    learned = values / (values + kappa)
    np.testing.assert_allclose(found.learnabilities, learned, rtol=1e-9)
    assert abs(float(found.e0) * (n - (learned**2).sum()) / n - 1) < 1e-7
    target = np.random.default_rng(1).standard_normal((40, 2))
    expected = n / (n - (learned**2).sum()) * (((1 - learned) ** 2) @ target**2 + 0.2)
    np.testing.assert_allclose(found.mse(target, noise=0.2), expected, rtol=1e-6)
    np.testing.assert_allclose(found.mse(target[:, 1], noise=0.2), expected[1], rtol=1e-6)


def test_a_flat_spectrum_is_exact(x64):
    """K = I learns what it has seen and nothing else: error 1 - n/N for every function of mean square 1."""
    for n in (1, 20, 63):
        found = predict(np.full(64, 1 / 64), n)
        assert abs(float(found.mse(np.eye(64)[0])) - (1 - n / 64)) < 1e-9
        np.testing.assert_allclose(found.learnabilities, n / 64, rtol=1e-9)
        measured = np.asarray(learnability(np.eye(64), draw(n), PARITIES))
        np.testing.assert_allclose(measured, n / 64, atol=1e-9)


def test_without_enough_modes_kappa_is_zero(x64):
    values = np.array([3.0, 2.0, 1.0, 0.0, 0.0])
    for n in (4, 7):
        found = predict(values, n)
        assert float(found.kappa) == 0
        assert found.learnabilities.tolist() == [1, 1, 1, 0, 0]
        assert abs(float(found.e0) - n / (n - 3)) < 1e-12  # noise through least squares with 3 < n parameters
        assert abs(float(found.mse(np.array([1.0, 1, 1, 0, 0]), noise=1.0)) - n / (n - 3)) < 1e-12
    assert float(predict(values, 3).mse(np.array([1.0, 1, 1, 0, 0]))) == 0


def test_prediction_meets_measurement_on_the_hypercube(x64):
    k, n, draws = kernel(), 20, 40
    values = np.einsum("xi,xy,yi->i", PARITIES, k, PARITIES) / 64**2
    found = predict(values, n)
    errors, learned = np.zeros(64), np.zeros(64)
    for seed in range(draws):
        train = draw(n, seed)
        fitted = k[:, train] @ np.linalg.solve(k[np.ix_(train, train)], PARITIES[train])
        errors += ((fitted - PARITIES) ** 2).mean(0) / draws
        learned += np.asarray(learnability(k, train, PARITIES)) / draws
    for degree in (1, 2, 3):
        of = degree == DEGREE
        assert abs(learned[of].mean() - found.learnabilities[of].mean()) < 0.03
        assert abs(errors[of].mean() / found.mse(jnp.eye(64))[of].mean() - 1) < 0.15


def test_derivatives_are_those_of_the_implicit_function(x64):
    values = jnp.asarray(np.random.default_rng(2).exponential(size=12))

    def loss(v, ridge):
        return predict(v, 5, ridge=ridge).mse(jnp.linspace(0.1, 1, 12))

    gradient, by_ridge = jax.grad(loss, (0, 1))(values, 0.3)
    step = 1e-5
    for i in (0, 7):
        up, down = loss(values.at[i].add(step), 0.3), loss(values.at[i].add(-step), 0.3)
        assert abs(gradient[i] - (up - down) / (2 * step)) < 1e-7
    assert abs(by_ridge - (loss(values, 0.3 + step) - loss(values, 0.3 - step)) / (2 * step)) < 1e-7


def test_keeps_the_dtype_and_can_be_compiled(dtype):
    k, functions = jnp.asarray(kernel(), dtype), jnp.asarray(PARITIES, dtype)
    train = jnp.asarray(draw(20))
    plain, compiled = learnability(k, train, functions), jax.jit(learnability)(k, train, functions)
    assert plain.dtype == compiled.dtype == dtype
    tolerance = 1e-3 if dtype == jnp.float32 else 1e-10
    np.testing.assert_allclose(plain, compiled, atol=tolerance)
    assert abs(float(plain.sum()) - 20) < 20 * tolerance
    values = eigenmodes(k)[0]
    found = jax.vmap(predict, (None, 0))(values, jnp.array([5, 20]))
    assert found.kappa.dtype == found.learnabilities.dtype == dtype
    np.testing.assert_allclose(found.learnabilities.sum(1), [5, 20], rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: learnability(np.ones((2, 3)), [0], np.ones((2, 1))), r"kernel must have shape \(N, N\)"),
        (lambda: learnability(np.eye(2), np.array([0]), np.ones((3, 1))), r"functions must have shape \(2, m\)"),
        (lambda: learnability(np.eye(2), np.array([0.0]), np.ones((2, 1))), "train must be integers"),
        (lambda: learnability(np.eye(2), np.array([2]), np.ones((2, 1))), "from 0 to 1"),
        (lambda: learnability(np.eye(2), np.array([1, 1]), np.ones((2, 1))), "different indices"),
        (lambda: learnability(np.eye(2), np.array([1]), np.ones((2, 1)), ridge=-1), "ridge must be"),
        (lambda: learnability(np.eye(2), np.array([1]), 2 * np.ones((2, 1))), "mean square of 1"),
        (lambda: learnability(np.eye(2, dtype=int), np.array([1]), np.ones((2, 1))), "floating dtype"),
        (lambda: eigenmodes(np.ones((2, 3))), "kernel must have shape"),
        (lambda: predict(np.ones((2, 2)), 1), r"shape \(m,\)"),
        (lambda: predict(np.ones(2), 0), "n must be finite and positive, got 0"),
        (lambda: predict(np.ones(2), 1, ridge=-0.1), "ridge must be"),
        (lambda: predict(np.array([1.0, -1.0]), 1), "not negative"),
        (lambda: predict(np.zeros(2), 1), "not all zero"),
        (lambda: predict(np.ones(2), 1).mse(np.ones(3)), "target must have shape"),
        (lambda: predict(np.ones(2), 1).mse(np.ones(2), noise=-1.0), "noise must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_32_bits_are_right_or_refused():
    """The kernel of width 2 keeps enough digits, that of width 6 has a condition of 3e5 on the training points."""
    with jax.enable_x64(True):
        x = 1.0 - 2 * (np.arange(256)[:, None] >> np.arange(8) & 1)
        train = np.random.default_rng(0).permutation(256)[:64]
        for lengthscale, ridge, fits in ((2.0, 0.0, True), (6.0, 0.0, False), (6.0, 0.1, True)):
            k = np.asarray(RBF(lengthscale)(x))
            functions = eigenmodes(k)[1]
            exact = learnability(k, train, functions, ridge=ridge)
            if fits:
                single = learnability(k.astype(np.float32), train, functions, ridge=ridge)
                np.testing.assert_allclose(single, exact, atol=2e-5)
            else:
                with pytest.raises(ValueError, match="in float32 this solve loses the answer"):
                    learnability(k.astype(np.float32), train, functions, ridge=ridge)
        flat = MLP(depth=2, b_std=0.1).ntk(jnp.asarray(x))
        values = eigenmodes(flat)[0]
        single = predict(np.asarray(values, np.float32), 64).learnabilities
        np.testing.assert_allclose(single, predict(values, 64).learnabilities, atol=1e-6)
        values = np.asarray(eigenmodes(RBF(6.0)(x))[0], np.float32)  # its error would be .47
        with pytest.raises(ValueError, match="cannot be told from zero"):
            predict(values, 64)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda k: -k, "kernel must be positive semi-definite, got an eigenvalue of"),
        (np.triu, "kernel must be symmetric, got"),
        (lambda k: np.where(k == k[0, 1], np.nan, k), r"kernel must be finite, got nan at \[0, 1\], and 1 more"),
    ],
)
def test_what_is_no_kernel_matrix_is_refused(damage, message):
    k = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, 1.5], [0.5, 1.5, 2.0]])
    with pytest.raises(ValueError, match=message):
        learnability(damage(k), np.array([0, 1]), np.ones((3, 1)))
    with pytest.raises(ValueError, match=message):
        eigenmodes(damage(k))
