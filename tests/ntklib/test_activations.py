"""The Gaussian expectations of the activations, against their definitions by quadrature that shares no code."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from ntklib import _interpolants, _mehler, _pairs, _tanh, activations
from ntklib.activations import Activation, Pairs, by_name, from_function
from ntklib.mlp import MLP

pytestmark = pytest.mark.usefixtures("x64")

NUMPY = {
    "relu": (lambda u: np.maximum(u, 0), lambda u: (u > 0).astype(float)),
    "erf": (scipy.special.erf, lambda u: 2 / np.sqrt(np.pi) * np.exp(-(u**2))),
    "gelu": (
        lambda u: u * scipy.special.ndtr(u),
        lambda u: scipy.special.ndtr(u) + u * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "tanh": (np.tanh, lambda u: 1 / np.cosh(u) ** 2),
}
SMOOTH = ("erf", "gelu", "tanh")
ANGLES = (0.0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-2, 0.4, math.pi / 2, 2.5, 3.1)


def of_one_shape(moments):
    """The moments, compiled once: for as many pairs as there are angles, whatever number is asked for."""
    compiled = jax.jit(moments)

    def called(pairs):
        count = pairs.c.shape[1]
        full = Pairs(pairs.a, *(jnp.pad(z, ((0, 0), (0, len(ANGLES) - count)), mode="edge") for z in pairs[1:]))
        after, derivative = compiled(full)
        return Pairs(after.a, *(z[:, :count] for z in after[1:])), derivative[:, :count]

    return called


MOMENTS = {name: of_one_shape(by_name(name).moments) for name in activations.names()}


def pairs_at(a, b, angles):
    """Pairs of variances a and b at each of the angles, every moment correct to rounding."""
    m = math.sqrt(a * b)
    angles = np.asarray(angles)[None, :]
    gap, cogap = 2 * m * np.sin(angles / 2) ** 2, 2 * m * np.cos(angles / 2) ** 2
    return Pairs(
        *(jnp.asarray(z) for z in (np.full((1, 1), a), np.full_like(angles, b), m * np.cos(angles), gap, cogap))
    )


def expectation(function, a, b, angle, step=1 / 24, half_width=9.0):
    """E f(u) f(v) over the plane by the trapezoidal rule."""
    z = step * np.arange(-round(half_width / step), round(half_width / step) + 1)
    weight = np.exp(-(z**2) / 2) * step / np.sqrt(2 * np.pi)
    u = np.sqrt(a) * z
    v = np.sqrt(b) * (np.cos(angle) * z[:, None] + np.sin(angle) * z[None, :])
    return float((weight * function(u)) @ function(v) @ weight)


def erf_given_mean(mean, variance):
    return mp.erf(mean / mp.sqrt(1 + 2 * variance))


def gelu_given_mean(mean, variance):
    s = mp.sqrt(1 + variance)
    return mean * mp.ncdf(mean / s) + variance / s * mp.npdf(mean / s)


def conditional_expectation(outer, inner, a, b, c):
    """E f(u) E[f(v) | u] with 30 digits; the inner expectation is elementary."""
    a, b, c = mp.mpf(a), mp.mpf(b), mp.mpf(c)
    spread = b - c * c / a

    def integrand(z):
        u = mp.sqrt(a) * z
        return mp.npdf(z) * outer(u) * inner(c / a * u, spread)

    return mp.quad(integrand, mp.linspace(-14, 14, 29))


@pytest.mark.parametrize("angle", [*ANGLES, math.pi - 1e-3, math.pi - 1e-6, math.pi - 1e-12])
def test_relu_moments_are_the_polar_integrals_to_full_relative_accuracy(angle):
    a, b = 1.7, 0.3
    with mp.workdps(60):
        theta = mp.mpf(angle)
        m = mp.sqrt(mp.mpf(a) * mp.mpf(b))
        pairs = Pairs(
            *(
                jnp.full((1, 1), float(z))
                for z in (a, b, m * mp.cos(theta), 2 * m * mp.sin(theta / 2) ** 2, 2 * m * mp.cos(theta / 2) ** 2)
            )
        )
        # in polar coordinates u = √a r cos φ, v = √b r cos(φ − θ), and E r² = 2
        both_positive = [theta - mp.pi / 2, mp.pi / 2]
        value = m / mp.pi * mp.quad(lambda phi: mp.cos(phi) * mp.cos(phi - theta), both_positive)
        derivative = (mp.pi - theta) / (2 * mp.pi)
        after, slope = MOMENTS["relu"](pairs)
        wanted = (value, m / 2 - value, m / 2 + value, derivative)
        for got, want in zip((after.c, after.gap, after.cogap, slope), wanted, strict=True):
            assert abs(mp.mpf(float(got[0, 0])) - want) <= 2e-14 * abs(want)


@pytest.mark.parametrize("c", [0.99999, -0.8])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.05, 30.0)])
@pytest.mark.parametrize(
    ("name", "outer", "inner"),
    [("erf", mp.erf, erf_given_mean), ("gelu", lambda u: u * mp.ncdf(u), gelu_given_mean)],
)
def test_closed_forms_are_the_conditional_expectations(name, outer, inner, a, b, c):
    m = math.sqrt(a * b)
    c = c * m
    with mp.workdps(30):
        want = conditional_expectation(outer, inner, a, b, c)
        one = jnp.ones((1, 1))
        after, _ = MOMENTS[name](Pairs(a * one, b * one, c * one, (m - c) * one, (m + c) * one))
        scale = mp.sqrt(float(after.a[0, 0]) * float(after.b[0, 0]))
        assert abs(float(after.c[0, 0]) - want) < 1e-15 * 4 * scale


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.2, 1.8)])
def test_moments_are_the_expectations_that_define_them(name, a, b):
    after, derivative = MOMENTS[name](pairs_at(a, b, ANGLES))
    function, slope = NUMPY[name]
    tolerance = 1e-13 if name == "tanh" else 5e-15
    np.testing.assert_allclose(after.a[0, 0], expectation(function, a, a, 0.0), rtol=tolerance)
    np.testing.assert_allclose(after.b[0, 0], expectation(function, b, b, 0.0), rtol=tolerance)
    scale = np.sqrt(after.a * after.b).max()
    np.testing.assert_allclose(after.c[0], [expectation(function, a, b, q) for q in ANGLES], atol=tolerance * scale)
    np.testing.assert_allclose(derivative[0], [expectation(slope, a, b, q) for q in ANGLES], atol=tolerance)


@pytest.mark.parametrize(("a", "b"), [(1e-6, 1e-6), (4.0, 4.0), (9.3, 8.0), (0.1, 84.0), (84.0, 84.0), (900.0, 25.0)])
def test_the_moments_of_tanh_are_exact_at_every_variance(a, b):
    angles = [0.0, 1e-3, 0.1, 1.5, 3.0]
    after, derivative = MOMENTS["tanh"](pairs_at(a, b, angles))
    step = 1 / (24 * max(1, max(a, b) ** 0.5 / 6))  # the slope has poles at a distance of π/2√a
    for got, f in zip((after.c[0], derivative[0]), NUMPY["tanh"], strict=True):
        scale = math.sqrt(math.prod(expectation(f, variance, variance, 0.0, step) for variance in (a, b)))
        np.testing.assert_allclose(got, [expectation(f, a, b, q, step) for q in angles], atol=1e-12 * scale, rtol=0)


@pytest.mark.parametrize(("dtype", "bound"), [(0, 6e-7), (1, 1e-13)])
def test_tanh_is_the_mixture_of_error_functions_that_stands_for_it(dtype, bound):
    first, second, weights = _tanh.two_scales(*_tanh._SCALES[dtype], _tanh._NEGLIGIBLE[dtype])
    for u in (1e-3, 0.1, 1.0, 3.0, 20.0):
        value = np.sum(weights * scipy.special.erf(first * u) * scipy.special.erf(second * u))
        assert abs(value / math.tanh(u) ** 2 - 1) < bound


@pytest.mark.parametrize(("dtype", "bound"), [(0, 2e-7), (1, 1e-13)])
def test_the_powers_of_tanh_are_the_inverse_root_that_they_stand_for(dtype, bound):
    found, weights = _tanh._SCALES[dtype]
    for a, rho in ((1e-3, 1.0), (1.0, 0.9), (8.0, 1.0), (32.0, 0.99), (32.0, 1.0)):
        start, r = _tanh._scaled(np, np.array([[a]]), dtype)
        s, weight = (r.T * r * rho**2).ravel(), (start.T * start).ravel()
        summed = sum(coefficient * s**e for e, coefficient in _interpolants.INVERSE_ROOT[dtype])
        assert abs(weight @ summed / (weight @ (1 - s) ** -0.5) - 1) < bound
    assert len(found) == len(weights)


@pytest.mark.parametrize(("a", "b"), [(31.9, 31.0), (2.0, 2.0), (0.1, 0.5), (1e-3, 30.0)])
def test_the_two_ways_to_the_moments_of_tanh_agree(a, b):
    pairs = pairs_at(a, b, [0.0, 1e-5, 0.5, 3.0])
    quick, slow = (jax.jit(way)(pairs) for way in (_tanh.by_powers, _tanh.by_error_functions))
    scale = float(jnp.sqrt(slow[0] * slow[1])[0, 0])
    for got, want in zip(quick[:2], slow[:2], strict=True):
        np.testing.assert_allclose(got, want, rtol=1.5e-13)
    np.testing.assert_allclose(quick[2].real, slow[2].real, rtol=2e-11, atol=1e-15 * scale)
    np.testing.assert_allclose(quick[2].imag, slow[2].imag, rtol=1.5e-13)


def test_a_mehler_sum_that_has_not_converged_is_nan():
    summed = jax.jit(from_function("tanh again", jnp.tanh).moments)
    for variance in (0.0, 1.0, 4.0, 9.0, 25.0, 100.0, 1e4):
        pairs = pairs_at(variance, variance, [0.0, 0.5])
        want, want_slope = MOMENTS["tanh"](pairs)
        after, slope = summed(pairs)
        for got, right in ((after.c, want.c), (slope, want_slope)):
            assert np.isnan(got).all() or np.max(np.abs(got - right)) <= 2e-4 * float(right[0, 0])
    assert np.isnan(after.c).all()
    assert np.isnan(slope).all()
    assert np.isnan(from_function("kink", jax.nn.relu).moments(pairs_at(1.0, 1.0, [0.0]))[1]).all()


@pytest.mark.parametrize("name", activations.names())
@given(a=st.floats(1e-3, 10), b=st.floats(1e-3, 10), angle=st.floats(0.01, 3.13))
def test_the_second_moment_is_the_derivative_of_the_first_in_the_covariance(name, a, b, angle):
    """Price's theorem: d/dc E φ(u)φ(v) = E φ'(u)φ'(v)."""
    pairs = pairs_at(a, b, [angle])
    one, zero = jnp.ones((1, 1)), jnp.zeros((1, 1))
    (_, derivative), (change, _) = jax.jvp(MOMENTS[name], (pairs,), (Pairs(zero, zero, one, -one, one),))
    np.testing.assert_allclose(change.c, derivative, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", activations.names())
@given(a=st.floats(1e-6, 20), b=st.floats(1e-6, 20), angle=st.floats(0, math.pi))
def test_moments_obey_cauchy_schwarz_and_fit_together(name, a, b, angle):
    after, _ = MOMENTS[name](pairs_at(a, b, [angle]))
    m = jnp.sqrt(after.a * after.b)
    assert abs(after.c[0, 0]) <= m[0, 0] * (1 + 1e-12)
    assert after.gap[0, 0] >= 0
    assert after.cogap[0, 0] >= 0
    np.testing.assert_allclose(after.gap, m - after.c, atol=1e-14 * float(m[0, 0]))
    np.testing.assert_allclose(after.cogap, m + after.c, atol=1e-14 * float(m[0, 0]))


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_odd_activations_give_odd_moments(name):
    angles = np.array([0.0, 0.3, 1.2])
    near, slope_near = MOMENTS[name](pairs_at(2.0, 0.7, angles))
    far, slope_far = MOMENTS[name](pairs_at(2.0, 0.7, np.pi - angles))
    np.testing.assert_allclose(near.c, -far.c, atol=1e-15)
    np.testing.assert_allclose(slope_near, slope_far, rtol=1e-14)


@given(scale=st.floats(1e-6, 1e6))
def test_relu_moments_are_homogeneous(scale):
    base, slope = MOMENTS["relu"](pairs_at(1.0, 2.0, ANGLES))
    scaled, same = MOMENTS["relu"](pairs_at(scale, 2.0 * scale, ANGLES))
    np.testing.assert_allclose(scaled.c, scale * base.c, rtol=1e-13)
    np.testing.assert_allclose(same, slope, rtol=1e-13)


def test_erf_of_large_variances_approaches_the_arcsine_of_the_sign():
    angles = np.array([1e-3, 0.5, 2.0])
    after, _ = MOMENTS["erf"](pairs_at(1e14, 1e14, angles))
    np.testing.assert_allclose(after.c[0], 2 / np.pi * np.arcsin(np.cos(angles)), atol=1e-9)
    assert float(after.a[0, 0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", activations.names())
def test_a_zero_variance_gives_zero_covariance_and_finite_derivatives(name):
    """All four activations vanish at zero."""

    def moments(a, c):
        one = jnp.ones((1, 1))
        after, derivative = MOMENTS[name](Pairs(a * one, one, c * one, -c * one, c * one))
        return after.c[0, 0], derivative[0, 0]

    (value, derivative), gradients = moments(0.0, 0.0), jax.jit(jax.jacrev(moments, (0, 1)))(0.0, 0.0)
    assert float(value) == 0
    assert 0 < float(derivative) < 2
    assert np.isfinite(jax.tree.leaves(gradients)).all()
    if name != "relu":
        assert float(gradients[0][1]) == pytest.approx(float(derivative), rel=1e-12)


@given(a=st.floats(1e-8, 1e3), b=st.floats(1e-8, 1e3), angle=st.floats(1e-9, 3.1415), bias=st.floats(1e-3, 10))
def test_a_dense_layer_keeps_the_gap_to_full_relative_accuracy(a, b, angle, bias):
    with mp.workdps(60):
        m, theta, w2, b2 = mp.sqrt(mp.mpf(a) * mp.mpf(b)), mp.mpf(angle), mp.mpf(1.3) ** 2, mp.mpf(bias) ** 2
        c = m * mp.cos(theta)
        before = Pairs(*(jnp.full((1, 1), float(z)) for z in (a, b, c, m - c, m + c)))
        after = before.dense(1.3, bias)
        top = mp.sqrt((w2 * a + b2) * (w2 * b + b2))
        new = w2 * c + b2
        # the difference of the roots of two variances that agree in all digits is rounding; nothing else may be
        rounding = 1e-15 * max(a, b) * 1e-15
        for got, want in ((after.c, new), (after.gap, top - new), (after.cogap, top + new)):
            assert abs(float(got[0, 0]) - want) <= 1e-13 * abs(want) + rounding or got is after.c


def test_the_covariance_after_a_dense_layer_is_affine():
    after = pairs_at(1.0, 2.0, [0.3, 2.0]).dense(1.5, 0.5)
    np.testing.assert_allclose(after.c[0], 2.25 * math.sqrt(2) * np.cos([0.3, 2.0]) + 0.25, rtol=1e-15)
    np.testing.assert_allclose([after.a[0, 0], after.b[0, 0]], [2.5, 4.75], rtol=1e-15)


@pytest.mark.parametrize(("dtype", "bound"), [(jnp.float32, 3e-7), (jnp.float64, 5e-16)])
def test_the_polynomials_of_relu_are_the_functions_that_they_stand_for(dtype, bound):
    s = jnp.asarray(np.concatenate([[0, 1e-12, 1e-6], np.linspace(1e-3, 0.5, 200)]), dtype)
    got = [np.asarray(_interpolants.polynomial(table, s), float) for table in (_interpolants.ASIN, _interpolants.BEND)]
    with mp.workdps(60):
        for j, value in enumerate(s.tolist()):
            root = mp.sqrt(mp.mpf(value)) or mp.mpf(10) ** -15
            q = 2 * mp.asin(root)
            for row, want in zip(got, (q / 2 / root, (mp.sin(q) - q * mp.cos(q)) / root**3), strict=True):
                assert abs(row[j] / want - 1) < bound


@pytest.mark.parametrize(("dtype", "bound"), [(jnp.float32, 3e-7), (jnp.float64, 5e-16)])
def test_the_polynomial_of_tanh_is_an_arctangent(dtype, bound):
    tangent = jnp.asarray(np.concatenate([[1e-12, 1e-6], np.linspace(1e-3, 1, 200)]), dtype)
    got = np.asarray(_interpolants.polynomial(_interpolants.ATAN, tangent * tangent), float)
    with mp.workdps(60):
        for value, tan in zip(got, tangent.tolist(), strict=True):
            assert abs(value / (mp.atan(tan) / tan) - 1) < bound


def test_the_hermite_rows_are_orthonormal():
    nodes, rows = _mehler._hermite_functions(24)
    weight = np.exp(-(nodes**2) / 2) * (nodes[1] - nodes[0]) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose((rows / weight) @ rows.T, np.eye(24), atol=1e-12)


@pytest.mark.parametrize(
    ("function", "value", "derivative"),
    [
        (lambda x: x, lambda a, b, c: c, lambda a, b, c: 1 + 0 * c),
        (lambda x: x**2, lambda a, b, c: a * b + 2 * c**2, lambda a, b, c: 4 * c),
        (lambda x: x**3, lambda a, b, c: 9 * a * b * c + 6 * c**3, lambda a, b, c: 9 * (a * b + 2 * c**2)),
        (jnp.sin, lambda a, b, c: np.exp(-(a + b) / 2) * np.sinh(c), lambda a, b, c: np.exp(-(a + b) / 2) * np.cosh(c)),
    ],
    ids=["linear", "square", "cube", "sine"],
)
def test_mehler_sums_give_the_moments_of_polynomials_and_sines(function, value, derivative):
    a, b, angles = 0.7, 1.9, np.array([0.0, 1e-5, 1.0, 2.9, np.pi])
    after, slope = jax.jit(from_function("f", function, order=48).moments)(pairs_at(a, b, angles))
    c = np.sqrt(a * b) * np.cos(angles)
    np.testing.assert_allclose(after.c[0], value(a, b, c), atol=1e-12)
    np.testing.assert_allclose(slope[0], derivative(a, b, c), atol=1e-12)


def test_a_mehler_sum_at_zero_variance_keeps_the_value_of_the_function_at_zero():
    """E cos(0) cos(v) = exp(−b/2), and the derivative in c is that of exp(−(a + b)/2) cosh c."""
    one = jnp.ones((1, 1))
    after, derivative = from_function("cosine", jnp.cos, order=48).moments(
        Pairs(0 * one, one, 0 * one, 0 * one, 0 * one)
    )
    np.testing.assert_allclose(
        [after.a, after.c, derivative], np.reshape([1, math.exp(-0.5), 0], (3, 1, 1)), atol=1e-13
    )


def test_from_function_agrees_with_the_closed_form_of_the_error_function():
    pairs = pairs_at(0.8, 0.5, ANGLES)
    closed, closed_slope = MOMENTS["erf"](pairs)
    summed, summed_slope = jax.jit(from_function("erf again", jax.scipy.special.erf).moments)(pairs)
    np.testing.assert_allclose(summed.c, closed.c, atol=1e-12)
    np.testing.assert_allclose(summed_slope, closed_slope, atol=1e-12)


@pytest.mark.parametrize("name", activations.names())
def test_an_activation_applies_its_function(name):
    x = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(by_name(name)(jnp.asarray(x)), NUMPY[name][0](x), atol=1e-15)


@pytest.mark.parametrize("name", activations.names())
def test_moments_of_32_bits_stay_in_32_bits_and_near_those_of_64(name):
    pairs = pairs_at(1.0, 2.0, ANGLES)
    single = jax.tree.map(lambda z: z.astype(jnp.float32), pairs)
    after, derivative = MOMENTS[name](pairs)
    after32, derivative32 = MOMENTS[name](single)
    assert {leaf.dtype for leaf in jax.tree.leaves((after32, derivative32))} == {jnp.dtype("float32")}
    np.testing.assert_allclose(after32.c, after.c, atol=3e-6)
    np.testing.assert_allclose(derivative32, derivative, atol=3e-6)


def test_an_activation_is_found_by_name_or_taken_as_it_is():
    own = Activation("own", jnp.sin, by_name("erf").moments)
    assert by_name(own) is own
    assert [by_name(name).name for name in activations.names()] == ["erf", "gelu", "relu", "tanh"]


@pytest.mark.parametrize("wrong", ["sigmoid", "ReLU", 3, None])
def test_an_unknown_activation_is_refused_with_the_known_ones(wrong):
    with pytest.raises(ValueError, match=r"activation must be one of erf, gelu, relu, tanh .* got"):
        by_name(wrong)


@pytest.mark.parametrize("order", [1, 257])
def test_an_order_that_the_quadrature_does_not_resolve_is_refused(order):
    with pytest.raises(ValueError, match=f"order must be an integer from 2 to 256, got {order}"):
        from_function("tanh", jnp.tanh, order=order)


def test_square_root_takes_rounding_below_zero_as_zero():
    value, slope = jax.value_and_grad(_pairs.safe_sqrt)(-1e-17)
    assert (float(value), float(slope)) == (0, 0)
    assert float(jax.grad(_pairs.safe_sqrt)(4.0)) == 0.25


@pytest.mark.parametrize("name", [*activations.names(), "of a function"])
def test_a_network_that_pulls_inputs_apart_knows_an_input_that_it_is_given_twice(name):
    """Each layer amplifies what rounding leaves in the gap: of 50 layers of erf nothing was left."""
    tanh = from_function("tanh of half", lambda u: jnp.tanh(u / 2), order=256)
    w_std = {"gelu": 1.5, "relu": 1.5, "of a function": 1.9}.get(name, 5.0)
    mlp = MLP(depth=8, activation=tanh if name == "of a function" else name, w_std=w_std, b_std=0.1)
    x = jax.random.normal(jax.random.key(0), (5, 4))
    twice, once = mlp.ntk(x, x + 0.0), mlp.ntk(x)
    np.testing.assert_allclose(jnp.diag(twice), jnp.diag(once), rtol=1e-13)
    np.testing.assert_allclose(twice, once, rtol=1e-11)


DRAW = np.random.default_rng(0).standard_normal((2, 5))
NEIGHBOURS = {
    "itself": DRAW[0],
    "near": DRAW[0] + 1e-6 * DRAW[1],
    "longer by 1e-5": 1.00001 * DRAW[0],
    "longer by 1e-3": 1.001 * DRAW[0],
    "longer by 0.3": 1.3 * DRAW[0],
    "nearly opposite": -DRAW[0] + 1e-6 * DRAW[1],
}


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_deep_kernels_of_nearly_equal_inputs_agree_with_sixty_digits(neighbour):
    w_std, b_std, depth = 5.0, 0.1, 20
    x, y = DRAW[0], NEIGHBOURS[neighbour]
    with mp.workdps(60):
        scale, shift = mp.mpf(w_std) ** 2, mp.mpf(b_std) ** 2
        a, b, c = (
            scale * mp.fsum(mp.mpf(float(s)) * mp.mpf(float(t)) for s, t in zip(u, v, strict=True)) / 5 + shift
            for u, v in ((x, x), (y, y), (x, y))
        )
        theta = c
        for _ in range(depth):
            derivative = 4 / mp.pi / mp.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)
            a, b, c = (
                scale * 2 / mp.pi * mp.asin(2 * r / mp.sqrt((1 + 2 * p) * (1 + 2 * q))) + shift
                for p, q, r in ((a, a, a), (b, b, b), (a, b, c))
            )
            theta = c + scale * derivative * theta
        wanted = float(c), float(theta)
    mlp = MLP(depth=depth, activation="erf", w_std=w_std, b_std=b_std)
    tolerance = 1e-14 if neighbour == "itself" else 1e-10  # twenty layers amplify the last digit of the inputs too
    np.testing.assert_allclose(mlp.nngp(x[None], y[None])[0, 0], wanted[0], rtol=tolerance)
    of_itself = float(mlp.ntk(x[None])[0, 0])
    np.testing.assert_allclose(mlp.ntk(x[None], y[None])[0, 0], wanted[1], rtol=0, atol=tolerance * of_itself)
