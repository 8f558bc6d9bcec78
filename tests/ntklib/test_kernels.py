"""Kernels: against scikit-learn, quadrature and mpmath; composition, precision, derivatives, refusals."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from sklearn.metrics import pairwise

from ntklib.kernels import RBF, ArcCosine, Constant, Laplace, Polynomial
from ntklib.mlp import MLP

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((7, 3)), RNG.standard_normal((4, 3))
EVERY = [RBF(0.7), Laplace(1.3), Polynomial(3, 0.5), ArcCosine(0), ArcCosine(1, 0.4), ArcCosine(2), Constant(0.2)]
name = repr


@pytest.mark.parametrize(
    ("kernel", "oracle"),
    [
        (RBF(0.7), lambda x, y: pairwise.rbf_kernel(x, y, gamma=1 / (2 * 0.7**2))),
        (Polynomial(3, 0.5), lambda x, y: pairwise.polynomial_kernel(x, y, degree=3, gamma=1, coef0=0.5)),
        (Polynomial(1, 0.0), pairwise.linear_kernel),
        (Laplace(1.3), lambda x, y: np.exp(-np.linalg.norm(x[:, None] - y, axis=2) / 1.3)),
        (Constant(0.2), lambda x, y: np.full((len(x), len(y)), 0.2)),
    ],
    ids=["RBF", "cubic", "linear", "Laplace", "constant"],
)
def test_values_are_those_of_scikit_learn(x64, kernel, oracle):
    np.testing.assert_allclose(kernel(X, Y), oracle(X, Y), rtol=1e-12)
    np.testing.assert_allclose(kernel(X), oracle(X, X), rtol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arc_cosine_is_the_expectation_over_random_units(x64, order):
    """In the plane w = r (cos φ, sin φ) with density r exp(−r²/2) / 2π, so only an integral over φ is left."""
    radial = {0: 1.0, 1: 2.0, 2: 8.0}[order]  # ∫ r^(2p + 1) exp(−r²/2) dr
    for angle in (0.3, 1.5, 2.8):
        x, y = np.array([1.7, 0.0]), 0.6 * np.array([np.cos(angle), np.sin(angle)])
        lowest, highest = angle - np.pi / 2, np.pi / 2  # where both products are positive
        unit = lambda phi: np.array([np.cos(phi), np.sin(phi)])  # noqa: E731
        wanted, _ = quad(lambda phi: (unit(phi) @ x * (unit(phi) @ y)) ** order, lowest, highest)  # noqa: B023
        got = ArcCosine(order)(x[None], y[None])[0, 0]
        np.testing.assert_allclose(got, 2 * radial * wanted / (2 * np.pi), rtol=1e-10)


def test_arc_cosine_is_half_the_kernel_of_a_hidden_relu_layer(x64):
    np.testing.assert_allclose(2 * ArcCosine()(X, Y) / 3, MLP(depth=1).nngp(X, Y), rtol=1e-12)


def test_the_bias_is_a_coordinate(x64):
    extended = [np.c_[points, np.full(len(points), 0.4)] for points in (X, Y)]
    for order in (0, 1, 2):
        np.testing.assert_allclose(ArcCosine(order, 0.4)(X, Y), ArcCosine(order)(*extended), rtol=1e-13)


def test_nearly_equal_points_lose_no_digits(x64):
    x = np.array([[1.0, 2.0]]) * 1e3
    for step in (1e-9, 1e-5, 1e-1):
        y = x + np.array([[step, -3 * step]])
        delta = y - x  # as represented
        far = mpmath.sqrt(sum(mpmath.mpf(d) ** 2 for d in delta[0]))
        rbf = -mpmath.expm1(-(far**2) / (2 * mpmath.mpf(step) ** 2))
        np.testing.assert_allclose(1 - RBF(step)(x, y)[0, 0], float(rbf), rtol=1e-13)
        np.testing.assert_allclose(Laplace(step)(x, y)[0, 0], float(mpmath.exp(-far / mpmath.mpf(step))), rtol=1e-12)
        with mpmath.workdps(60):
            u, v = (mpmath.matrix([mpmath.mpf(float(value)) for value in point[0]]) for point in (x, y))
            cross = u[0] * v[1] - u[1] * v[0]
            angle = mpmath.asin(abs(cross) / mpmath.norm(u) / mpmath.norm(v))
        # a difference of unit vectors is known to the rounding unit
        np.testing.assert_allclose(1 - ArcCosine(0)(x, y)[0, 0], float(angle / mpmath.pi), atol=3e-16)


@pytest.mark.parametrize("kernel", EVERY, ids=name)
def test_one_set_is_symmetric_positive_and_has_its_diagonal(x64, kernel):
    x = np.r_[X, X[:1], np.zeros((1, 3))]
    gram = np.asarray(kernel(x))
    assert np.array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram)[0] > -1e-12 * np.trace(gram)
    np.testing.assert_allclose(kernel.diagonal(x), np.diag(gram), rtol=1e-15)
    np.testing.assert_allclose(gram, kernel(x, x), rtol=1e-12)


def test_translation_of_a_stationary_kernel_changes_nothing(x64):
    shifted = X + 2.0**20  # exact in binary, once the points are rounded to 2^-30
    x = shifted - 2.0**20
    for kernel in (RBF(0.7), Laplace(0.7)):
        assert np.array_equal(kernel(x), kernel(shifted))


def test_a_length_scale_for_each_coordinate(x64):
    scales = np.array([0.5, 1.0, 4.0])
    for kernel in (RBF, Laplace):
        np.testing.assert_allclose(kernel(scales)(X, Y), kernel(1.0)(X / scales, Y / scales), rtol=1e-14)


def test_sums_products_and_numbers(x64):
    k, m = RBF(0.7), Polynomial(2)
    np.testing.assert_allclose((k + m)(X, Y), k(X, Y) + m(X, Y), rtol=1e-14)
    np.testing.assert_allclose((k * m)(X, Y), k(X, Y) * m(X, Y), rtol=1e-14)
    for two in (2, 2.0, np.float32(2), np.float64(2), np.array(2.0), jnp.float32(2)):
        np.testing.assert_allclose((two * k + two)(X, Y), 2 * k(X, Y) + 2, rtol=1e-14)
        np.testing.assert_allclose((two + k * two)(X, Y), 2 * k(X, Y) + 2, rtol=1e-14)
    np.testing.assert_allclose((1.0 + 2.0 * k * m)(X, Y), 1 + 2 * k(X, Y) * m(X, Y), rtol=1e-14)


@jax.jit
def pair_by_pair(kernel, x, y):
    return jax.vmap(jax.vmap(kernel.evaluate, (None, 0)), (0, None))(x, y)


def test_kernels_of_networks_add_and_multiply_with_the_others(x64):
    ntk, nngp, k = MLP(depth=2, b_std=0.3).ntk, MLP(depth=1, activation="erf").nngp, RBF(0.7)
    for kernel, wanted in (
        (k + ntk, k(X, Y) + ntk(X, Y)),
        (2.0 * ntk, 2 * ntk(X, Y)),
        (ntk * k + nngp * 0.5, ntk(X, Y) * k(X, Y) + nngp(X, Y) / 2),
    ):
        np.testing.assert_allclose(kernel(X, Y), wanted, rtol=1e-14)
        np.testing.assert_allclose(kernel.diagonal(X), np.diag(kernel(X)), rtol=1e-14)
        np.testing.assert_allclose(kernel(X), kernel(X).T, rtol=1e-14)
        np.testing.assert_allclose(pair_by_pair(kernel, X, Y), wanted, rtol=1e-13)
    np.testing.assert_allclose((ntk + k)(X, Y), k(X, Y) + ntk(X, Y), rtol=1e-14)


def test_a_sum_keeps_what_its_parts_know_about_equal_points(x64):
    deep = MLP(depth=32, activation="erf", w_std=3.0, b_std=0.4).nngp
    wanted = np.array(deep(X))
    np.testing.assert_allclose((1.0 * deep + 0.5 * RBF())(X), wanted + RBF()(X) / 2, rtol=1e-12)
    x = np.array([[1.0, 0.0], [1.0, 1e-7]])
    ntk = MLP(depth=2).ntk
    gap = lambda kernel: kernel(x)[0, 0] - kernel(x)[0, 1]  # noqa: E731
    np.testing.assert_allclose(gap(2.0 * ntk), 2 * gap(ntk), rtol=1e-14)


@pytest.mark.parametrize("n", [1500, 1511])
def test_a_large_matrix_of_one_set_is_put_together_from_parts(n):
    x = np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32)
    for kernel in (RBF(0.7), ArcCosine(1) + MLP(b_std=0.2).ntk):
        found = np.asarray(kernel(x))
        np.testing.assert_allclose(found, kernel(x, x), rtol=2e-5, atol=1e-6)
        np.testing.assert_array_equal(found[n // 2 + 300 :, : n // 3], found[: n // 3, n // 2 + 300 :].T)
    found = np.asarray(RBF(0.7)(x))
    assert np.array_equal(found, found.T)


def test_equal_kernels_are_equal_and_hashable():
    assert 2.0 * RBF(0.5) + MLP(depth=2).ntk == 2.0 * RBF(0.5) + MLP(depth=2).ntk
    assert len({RBF(), RBF(), RBF(2.0), MLP().ntk, MLP(out_dim=3).ntk, MLP().nngp, 1.0 * RBF()}) == 5


def test_the_dtype_is_that_of_the_points(dtype):
    x = jnp.asarray(X, dtype)
    for kernel in (*EVERY, np.float64(2) * RBF(np.float64(2)) + Laplace(np.ones(3)), 2.0 * MLP().ntk):
        assert kernel(x).dtype == dtype
        assert kernel.diagonal(x).dtype == dtype


def test_derivatives_in_points_and_numbers_are_those_of_differences(x64):
    kernel = 0.5 * RBF(0.7) + Laplace(1.3) * ArcCosine(1, 0.4) + Polynomial(3, 0.5) * MLP(b_std=0.2).ntk
    flat, tree = jax.tree.flatten(kernel)
    assert len(flat) == 7
    value = lambda flat, x: kernel_sum(jax.tree.unflatten(tree, flat), x)  # noqa: E731
    kernel_sum = lambda k, x: (jnp.arange(28.0).reshape(7, 4) * k(x, Y)).sum()  # noqa: E731
    by_numbers, by_points = jax.grad(value, (0, 1))(flat, jnp.asarray(X))
    for index in range(7):
        up, down = ([v + s * (i == index) for i, v in enumerate(flat)] for s in (1e-6, -1e-6))
        np.testing.assert_allclose(by_numbers[index], (value(up, X) - value(down, X)) / 2e-6, rtol=1e-6)
    step = np.zeros_like(X)
    step[2, 1] = 1e-6
    np.testing.assert_allclose(by_points[2, 1], (value(flat, X + step) - value(flat, X - step)) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("kernel", EVERY, ids=name)
def test_derivatives_are_finite_at_equal_and_zero_points(x64, kernel):
    x = jnp.asarray(np.r_[X[:2], X[:1], np.zeros((2, 3))])
    by_kernel, by_points = jax.grad(lambda kernel, x: kernel(x).sum(), (0, 1))(kernel, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((by_kernel, by_points)))


def test_kernels_go_through_vmap_as_arrays_do(x64):
    scales = jnp.array([0.5, 1.0, 2.0])
    together = jax.vmap(lambda scale: RBF(scale)(X, Y))(scales)
    np.testing.assert_allclose(together, [RBF(float(s))(X, Y) for s in scales], rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(lambda k: k(X, Y))(RBF(scales)), together, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RBF(0.0), "lengthscale must be a number or an array .* finite and positive, got 0.0"),
        (lambda: RBF([1.0, -1.0]), "lengthscale must be"),
        (lambda: Laplace(np.nan), "lengthscale must be"),
        (lambda: Laplace("long"), "lengthscale must be .* got 'long'"),
        (lambda: RBF(np.ones((2, 2))), "lengthscale must be"),
        (lambda: Polynomial(0), "degree must be an integer of at least 1, got 0"),
        (lambda: Polynomial(2.5), "degree must be an integer of at least 1, got 2.5"),
        (lambda: Polynomial(2, -1.0), "offset must be a number, finite and not negative, got -1.0"),
        (lambda: ArcCosine(3), "order must be an integer from 0 to 2, got 3"),
        (lambda: ArcCosine(True), "order must be"),
        (lambda: ArcCosine(1, -0.1), "bias must be"),
        (lambda: -1.0 * RBF(), "value must be a number, finite and not negative, got -1.0"),
        (lambda: RBF()(np.zeros(3)), r"x1 must have shape \(n, d\), got \(3,\)"),
        (lambda: RBF()(X, Y[:, :2]), r"x2 must have shape \(n, 3\), got \(4, 2\)"),
        (lambda: RBF()(np.zeros((2, 2), int)), "x1 must have a real floating dtype"),
    ],
)
def test_what_is_no_kernel_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("family", [RBF, Laplace])
def test_a_length_scale_for_other_coordinates_is_refused(family):
    for scale, d in (([1.0, 2.0], 1), ([1.0, 2.0], 3), ([2.0], 3)):
        kernel, x = family(scale), np.zeros((2, d))
        for call in (kernel, kernel.diagonal, jax.jit(lambda x, kernel=kernel: kernel(x, x))):
            with pytest.raises(ValueError, match=rf"lengthscale must be a number or of shape \({d},\) .*, got shape"):
                call(x)


@pytest.mark.parametrize("other", ["a", None, True, np.ones(3), [1.0]])
def test_a_kernel_combines_with_kernels_and_numbers_only(other):
    with pytest.raises(TypeError):
        RBF() + other
    with pytest.raises(TypeError):
        other * RBF()
