"""Networks that are placed by hand: against exact fractions, NumPy's interpolation, quadrature and counting."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ntklib.approximation import (
    Shallow,
    barron_constant,
    barron_sample,
    exact_rank,
    interpolant,
    polynomial_units,
    sawtooth,
    square,
    step,
)

UNIT = st.floats(0, 1, width=32)


def tent_of(x, m):
    """The tent map m times, in exact fractions."""
    x = Fraction(x)
    for _ in range(m):
        x = 2 * x if x < Fraction(1, 2) else 2 - 2 * x
    return x


def dyadic(m, dtype):
    """0, 2^-m, …, 1."""
    return jnp.arange(2**m + 1).astype(dtype) / 2**m


class TestSawtooth:
    @given(x=UNIT, m=st.sampled_from([0, 1, 2, 5, 40]))
    def test_nothing_is_rounded(self, x, m):
        for bits in (False, True):
            with jax.enable_x64(bits):
                got = sawtooth(jnp.asarray(x, float), m)
                assert Fraction(float(got)) == tent_of(x, m)

    @pytest.mark.parametrize("m", [1, 2, 5, 9])
    def test_has_two_to_the_m_linear_pieces(self, m, dtype):
        values = np.asarray(sawtooth(dyadic(m + 2, dtype), m))
        slopes = np.diff(values) * 2 ** (m + 2)
        assert set(np.abs(slopes)) == {2.0**m}
        assert 1 + np.sum(np.diff(slopes) != 0) == 2**m

    @pytest.mark.parametrize("m", [1, 3, 8])
    def test_is_the_distance_to_the_nearest_even_tooth(self, m, x64):
        x = np.random.default_rng(0).uniform(0, 1, 500)
        y = 2 ** (m - 1) * x
        np.testing.assert_allclose(sawtooth(jnp.asarray(x), m), 2 * np.abs(y - np.rint(y)), rtol=0, atol=1e-12)

    def test_vanishes_outside_of_the_interval(self, dtype):
        x = jnp.asarray([-1e6, -1.0, -1e-3, 1.001, 2.0, 1e6], dtype)
        assert np.all(sawtooth(x, 1) == 0)
        assert np.all(sawtooth(x, 6) == 0)

    def test_slope_from_automatic_differentiation(self, dtype):
        x = (dyadic(5, dtype)[:-1] + dyadic(5, dtype)[1:]) / 2
        slopes = jax.vmap(jax.grad(lambda x: sawtooth(x, 5)))(x)
        assert np.array_equal(slopes, 32 * (-1.0) ** np.arange(32))
        forward = jax.vmap(jax.jacfwd(lambda x: sawtooth(x, 5)))(x)
        assert np.array_equal(slopes, forward)

    @pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
    def test_keeps_shape_and_dtype_also_compiled(self, shape, dtype):
        for function in (sawtooth, square):
            got = jax.jit(function, static_argnums=1)(jnp.full(shape, 0.3, dtype), 4)
            assert got.shape == shape
            assert got.dtype == dtype
        assert sawtooth(jnp.ones(2, jnp.bfloat16), 3).dtype == jnp.bfloat16


class TestSquare:
    @pytest.mark.parametrize("m", [0, 1, 2, 4, 7])
    def test_interpolates_the_square_and_errs_by_exactly_the_bound(self, m, x64):
        knots, middles = dyadic(m, float), (dyadic(m, float)[:-1] + dyadic(m, float)[1:]) / 2
        assert np.array_equal(square(knots, m), knots**2)
        assert set((np.asarray(square(middles, m)) - np.asarray(middles) ** 2).tolist()) == {2.0 ** (-2 * m - 2)}

    @given(x=UNIT, m=st.sampled_from([0, 1, 3, 20]))
    def test_error_is_between_zero_and_the_bound(self, x, m):
        with jax.enable_x64(True):
            error = Fraction(float(square(jnp.asarray(x, float), m))) - Fraction(x) ** 2
            assert -Fraction(1, 2**50) <= error <= Fraction(1, 4 ** (m + 1)) + Fraction(1, 2**50)

    def test_against_the_interpolation_of_numpy(self, dtype):
        x = np.random.default_rng(1).uniform(0, 1, 300).astype(dtype)
        knots = np.asarray(dyadic(5, dtype), np.float64)
        expected = np.interp(x, knots, knots**2)
        np.testing.assert_allclose(square(jnp.asarray(x), 5), expected, rtol=0, atol=4 * jnp.finfo(dtype).eps)

    def test_slopes(self, dtype):
        middles = (dyadic(4, dtype)[:-1] + dyadic(4, dtype)[1:]) / 2
        slopes = jax.vmap(jax.grad(lambda x: square(x, 4)))(middles)
        assert np.array_equal(slopes, (2 * np.arange(16) + 1) / 16)

    def test_is_the_identity_outside_of_the_interval(self, x64):
        x = jnp.array([-3.0, 1.5])
        assert np.array_equal(square(x, 5), x)


class TestInterpolant:
    @given(
        st.lists(
            st.tuples(st.integers(-50, 50), st.integers(-20, 20)), min_size=2, max_size=5, unique_by=lambda p: p[0]
        )
    )
    def test_against_numpy(self, points):
        with jax.enable_x64(True):
            knots, values = np.array(sorted(points), float).T
            x = np.linspace(knots[0] - 5, knots[-1], 50)  # constant to the left, as in NumPy
            got = interpolant(jnp.asarray(knots), jnp.asarray(values)).apply(jnp.asarray(x)[:, None])
            np.testing.assert_allclose(got, np.interp(x, knots, values), rtol=0, atol=1e-10)

    def test_continues_with_the_last_slope(self, x64):
        net = interpolant(jnp.array([0.0, 1.0, 3.0]), jnp.array([1.0, 0.0, 4.0]))
        assert net.apply(jnp.array([[5.0]])).tolist() == [8.0]
        assert net.weight.shape == (1, 2)

    def test_compiles_and_differentiates_in_the_values(self, dtype):
        knots, x = jnp.asarray([0.0, 1.0, 2.0], dtype), jnp.asarray([[0.25]], dtype)
        slope = jax.jit(jax.grad(lambda v: interpolant(knots, v).apply(x)[0]))(jnp.zeros(3, dtype))
        assert slope.dtype == dtype
        np.testing.assert_allclose(slope, [0.75, 0.25, 0], atol=1e-6)

    def test_keeps_dtype(self, dtype):
        net = interpolant(jnp.asarray([0, 1], dtype), jnp.asarray([0, 1], dtype))
        assert {leaf.dtype for leaf in net} == {dtype}


class TestBarron:
    @pytest.mark.parametrize("dim", [1, 2, 3, 10, 100, 10_000])
    def test_constant_is_the_mean_of_the_chi_distribution(self, dim):
        assert barron_constant(dim) == pytest.approx(scipy.stats.chi(dim).mean(), rel=1e-9)

    def test_constant_in_one_dimension_by_quadrature(self):
        integral, _ = scipy.integrate.quad(lambda w: abs(w) * math.exp(-(w**2) / 2) / math.sqrt(2 * math.pi), -20, 20)
        assert barron_constant(1) == pytest.approx(integral, rel=1e-9)

    @pytest.mark.parametrize(("dim", "radius"), [(1, 1.0), (3, 2.0), (20, 3.0)])
    def test_terms_average_to_the_function(self, dim, radius, x64):
        n = 100_000
        net = barron_sample(jax.random.key(dim), dim, n, radius)
        direction = np.random.default_rng(0).standard_normal(dim)
        for r in (0.0, 0.3 * radius, 0.7 * radius, radius):
            x = r * direction / np.linalg.norm(direction)
            terms = n * np.asarray(net.readout) * (x @ np.asarray(net.weight) > -np.asarray(net.bias))
            error = terms.mean() - (math.exp(-(r**2) / 2) - 1)
            assert abs(error) <= 4.5 * terms.std() / math.sqrt(n) + 1e-12
            assert net.apply(jnp.asarray(x)[None], step)[0] == pytest.approx(1 + terms.mean(), abs=1e-9)

    def test_mean_squared_error_in_one_dimension_against_quadrature(self, x64):
        # E h(x)² = (2rC)² E[sin²(ρt) 1{ux > t}] with u = ±1, ρ Rayleigh, t uniform
        x, radius, units = 0.8, 1.0, 4
        second, _ = scipy.integrate.dblquad(
            lambda t, rho: rho * math.exp(-(rho**2) / 2) * math.sin(rho * t) ** 2 / radius / 2, 0, 12, 0, x
        )
        bias = math.exp(-(x**2) / 2) - 1
        expected = ((2 * radius * barron_constant(1)) ** 2 * second - bias**2) / units

        def draw(key):
            return barron_sample(key, 1, units, radius).apply(jnp.array([[x]]), step)[0]

        errors = (np.asarray(jax.vmap(draw)(jax.random.split(jax.random.key(7), 40_000))) - 1 - bias) ** 2
        assert abs(errors.mean() - expected) < 4.5 * errors.std() / 200

    def test_weights_are_bounded(self, dtype):
        net = barron_sample(jax.random.key(1), 5, 200, 1.5)
        assert np.abs(net.readout).sum() <= 2 * 1.5 * barron_constant(5)
        np.testing.assert_allclose(np.linalg.norm(net.weight, axis=0), 1, rtol=1e-5)
        assert np.all((net.bias <= 0) & (net.bias >= -1.5))
        assert {leaf.dtype for leaf in net} == {dtype}

    def test_step(self, dtype):
        got = step(jnp.asarray([[-1e-9, 0.0, 1e-9]], dtype))
        assert got.dtype == dtype
        assert got.tolist() == [[0, 0, 1]]


class TestRank:
    @given(
        st.integers(1, 3),
        st.lists(st.integers(-3, 3), min_size=1, max_size=5),
        st.integers(0, 2**31),
    )
    def test_units_are_the_polynomials_that_they_should_be(self, dim, coefficients, seed):
        rng = np.random.default_rng(seed)
        w, b = rng.integers(-4, 5, (3, dim)).tolist(), rng.integers(-4, 5, 3).tolist()
        degree = len(coefficients) - 1
        exponents = sorted(
            (a for a in itertools.product(range(degree + 1), repeat=dim) if sum(a) <= degree), key=lambda a: (sum(a), a)
        )
        rows = polynomial_units(coefficients, w, b)
        for x in rng.integers(-5, 6, (4, dim)).tolist():
            monomials = [math.prod(v**e for v, e in zip(x, a, strict=True)) for a in exponents]
            for row, weight, bias in zip(rows, w, b, strict=True):
                z = sum(p * q for p, q in zip(weight, x, strict=True)) + bias
                assert sum(map(lambda p, q: p * q, row, monomials)) == sum(c * z**j for j, c in enumerate(coefficients))

    @pytest.mark.parametrize(("dim", "degree"), [(1, 2), (2, 3), (3, 2), (2, 0), (4, 3)])
    def test_a_polynomial_activation_spans_all_polynomials_of_its_degree(self, dim, degree):
        rng = np.random.default_rng(dim + 10 * degree)
        wanted = math.comb(dim + degree, degree)
        for units in (max(wanted - 1, 1), wanted + 7):
            w, b = rng.integers(-9, 10, (units, dim)).tolist(), rng.integers(-9, 10, units).tolist()
            rows = polynomial_units([1] * (degree + 1), w, b)
            assert exact_rank(rows) == min(units, wanted)

    @given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 6), st.integers(0, 2**31))
    def test_rank_against_numpy(self, rows, columns, inner, seed):
        rng = np.random.default_rng(seed)
        matrix = rng.integers(-3, 4, (rows, inner)) @ rng.integers(-3, 4, (inner, columns))
        assert exact_rank(matrix.tolist()) == np.linalg.matrix_rank(matrix)
        assert exact_rank(list(matrix)) == exact_rank(matrix.T.tolist())

    def test_rank_where_floating_point_fails(self):
        hilbert = [[Fraction(1, i + j + 1) for j in range(16)] for i in range(16)]
        assert exact_rank(hilbert) == 16
        assert np.linalg.matrix_rank(np.array(hilbert, float)) < 16

    def test_nothing_has_rank_zero(self):
        assert exact_rank([]) == 0
        assert exact_rank([[], []]) == 0


KNOTS = jnp.array([0.0, 1.0, 2.0])
NET = Shallow(jnp.ones((2, 3)), jnp.zeros(3), jnp.ones(3), jnp.array(0.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sawtooth(jnp.array([1, 2]), 1), "x must have a real floating dtype, got int32"),
        (lambda: sawtooth(KNOTS, -1), "m must be an integer of at least 0, got -1"),
        (lambda: sawtooth(KNOTS, 1.5), "m must be an integer of at least 0, got 1.5"),
        (lambda: square(KNOTS, True), "m must be an integer"),
        (lambda: square(jnp.array(2), 1), "x must have a real floating dtype"),
        (lambda: step(jnp.array(2)), "z must have a real floating dtype"),
        (lambda: interpolant(KNOTS[:1], KNOTS[:1]), r"knots must have shape \(n \+ 1,\).*got \(1,\)"),
        (lambda: interpolant(KNOTS, KNOTS[:2]), r"values must have shape \(3,\) like the knots, got \(2,\)"),
        (lambda: interpolant(KNOTS[::-1], KNOTS), "knots must increase"),
        (lambda: interpolant(KNOTS * jnp.nan, KNOTS), r"knots must be finite, got nan at \[0\], and 2 more"),
        (lambda: NET.apply(KNOTS[:, None]), r"x must have shape \(n, 2\), got \(3, 1\)"),
        (lambda: barron_constant(0), "dim must be an integer of at least 1, got 0"),
        (lambda: barron_sample(jax.random.key(0), 1, 0, 1.0), "units must be an integer of at least 1"),
        (lambda: barron_sample(jax.random.key(0), 1, 1, -1.0), "radius must be finite and positive, got -1.0"),
        (lambda: barron_sample(jax.random.key(0), 1, 1, math.inf), "radius must be finite and positive, got inf"),
        (lambda: polynomial_units([1], [[1], [1, 2]], [1, 2]), r"weights must be rows of equal length.*\[1, 2\]"),
        (lambda: polynomial_units([1], [[1]], [1, 2]), "one for each of the 2 biases"),
        (lambda: exact_rank([[1], [1, 2]]), "rows of equal length"),
        (lambda: exact_rank([[0.5]]), "integers or fractions, got 0.5"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_units_of_numpy_integers_do_not_overflow():
    units = polynomial_units(np.array([0, 0, 1]), np.array([[10**10, 1]]), np.array([0]))
    assert units == [[0, 0, 0, 1, 2 * 10**10, 10**20]]
    assert all(type(entry) is int for entry in units[0])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(([0.5], [[1]], [0]), "coefficients"), (([1], [[float("nan")]], [0]), "weights"), (([1], [[1]], [1.0]), "biases")],
)
def test_units_of_rounded_numbers_are_refused(arguments, name):
    with pytest.raises(ValueError, match=f"{name} must have entries that are integers or fractions, got"):
        polynomial_units(*arguments)


@pytest.mark.parametrize(("name", "n"), [("float64", 256), ("float32", 64)])
def test_an_interpolant_that_loses_its_values_is_refused(name, n):
    with jax.enable_x64(name == "float64"):
        even = jnp.linspace(0, 1, n + 1, dtype=name)
        knots = even**8
        with pytest.raises(ValueError, match=f"in {name} the network loses its values: .* knots that are less graded"):
            interpolant(knots, even**2)
        interpolant(even, even**2)
        assert jax.jit(lambda v: interpolant(knots, v).readout)(even**2).shape == (n,)
        with pytest.raises(ValueError, match=r"values must be finite, got nan at \[0\], and \d+ more"):
            interpolant(even, even / 0)
