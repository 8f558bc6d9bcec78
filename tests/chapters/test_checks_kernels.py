"""The checks of the exercises of `kernels` refuse what looks right, and take what is right in another form."""

import numpy as np
import scipy.linalg
from exercises import column, each_refused, exercise

NO_ANSWERS = {
    "hand over the function itself, without calling it, not float": 1.5,
    "hand over the function itself, without calling it, not list": [1.0],
    r"does not work with these \d arguments": lambda: 1.0,
    "should be (a number|made of numbers), not": lambda *arguments: "a half",
}


def test_kernels_convention():
    names = exercise("kernels", "check_convention")
    check = names["check_convention"]
    check(lambda convention, value, n: np.float32(names["noise_variance"](convention, value, n)))
    factors = {"sum": lambda v, n: v, "mean": lambda v, n: n * v, "half mean": lambda v, n: 2 * n * v}

    def but(name, formula):
        return lambda convention, v, n: (
            formula(v, n) if convention == name else factors.get(convention, lambda v, n: 1 / (2 * v))(v, n)
        )

    check(but("sum", factors["sum"]))
    each_refused(
        check,
        {
            **NO_ANSWERS,
            r"for 'sum' .* 0\.5 times the right one": but("sum", lambda v, n: v / 2),
            r"for 'mean' .* 0\.1667 times the right one": lambda convention, v, n: v,
            r"for 'mean' .* 0\.02778 times": but("mean", lambda v, n: v / n),
            r"for 'mean' .* 0\.8333 times": but("mean", lambda v, n: (n - 1) * v),
            r"for 'half mean' .* 0\.5 times": but("half mean", lambda v, n: n * v),
            r"for 'half mean' .* 0\.25 times": but("half mean", lambda v, n: n * v / 2),
            r"for 'C' .* 2 times": but("C", lambda v, n: 1 / v),
            r"for 'C' .* 0\.5476 times": but("C", lambda v, n: 2 * v),
            r"should be a number, not \[": lambda convention, v, n: [v],
            "should be a number, not None": lambda convention, v, n: None,
        },
    )


def test_kernels_left_out():
    names = exercise("kernels", "check_left_out")
    check, right = names["check_left_out"], names["left_out"]
    check(lambda *arguments: list(right(*arguments)))

    def inverse(K, ridge):
        return np.linalg.inv(K + ridge * np.eye(len(K)))

    def through_smoother(K, ridge, y):
        S = K @ inverse(K, ridge)
        return (S @ y - np.diag(S) * y) / (1 - np.diag(S))

    check(through_smoother)
    check(lambda K, ridge, y: y - np.linalg.solve(K + ridge * np.eye(len(K)), y) / np.diag(inverse(K, ridge)))

    def by_eigenvectors(K, ridge, y):
        e, U = np.linalg.eigh(K)
        spread = (U**2 / (e + ridge)).sum(1)
        return y - U @ (U.T @ y / (e + ridge)) / spread

    check(by_eigenvectors)
    factor = scipy.linalg.cho_factor
    check(
        lambda K, ridge, y: (
            y - (A := scipy.linalg.cho_solve(factor(K + ridge * (one := np.eye(len(K)))), one)) @ y / np.diag(A)
        )
    )

    def one_by_one(K, ridge, y):  # a fit for each observation
        fits = []
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            fits.append(K[i, rest] @ np.linalg.solve(K[np.ix_(rest, rest)] + ridge * np.eye(len(y) - 1), y[rest]))
        return fits

    def with_a_large_ridge(K, ridge, y):  # on one observation at a time
        fits = []
        for i in range(len(y)):
            there = np.where(np.arange(len(y)) == i, 1e12, ridge)
            fits.append(K[i] @ np.linalg.solve(K + np.diag(there), y))
        return fits

    def all_at_once(K, ridge, y):
        n = len(y)
        rest = np.nonzero(~np.eye(n, dtype=bool))[1].reshape(n, n - 1)
        smaller = K[rest[:, :, None], rest[:, None]] + ridge * np.eye(n - 1)
        return np.einsum(
            "ij,ij->i", K[np.arange(n)[:, None], rest], np.linalg.solve(smaller, y[rest][..., None])[..., 0]
        )

    def by_cholesky(K, ridge, y):  # the quickest solve
        fits = []
        for i in range(len(y)):
            smaller = np.delete(np.delete(K, i, 0), i, 1) + ridge * np.eye(len(y) - 1)
            fits.append(np.delete(K[i], i) @ scipy.linalg.cho_solve(factor(smaller), np.delete(y, i)))
        return fits

    def downdated(K, ridge, y):  # the inverse without a row and a column, from the inverse
        whole, fits = inverse(K, ridge), []
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            column = whole[rest, i]
            there = whole[np.ix_(rest, rest)] @ y[rest] - column * (column @ y[rest]) / whole[i, i]
            fits.append(K[i, rest] @ there)
        return fits

    check(downdated)
    for brute in (one_by_one, with_a_large_ridge, all_at_once, by_cholesky):
        each_refused(check, {r"takes as long as \d+ inverses of the whole matrix, and one is enough": brute})
    shapes = {
        r"\(0,\)": lambda *arguments: [],
        r"\(1,\)": lambda *arguments: right(*arguments)[:1],
        r"\(14,\)": lambda *arguments: right(*arguments)[1:],
        r"\(15, 1\)": column(right),
        r"\(\)": lambda *arguments: None,
    }
    each_refused(check, {rf"shape \(15,\), not {shape}": wrong for shape, wrong in shapes.items()})
    each_refused(check, NO_ANSWERS)
    still = "these are the fitted values: observation i still takes part"
    each_refused(check, {still: lambda K, ridge, y: K @ inverse(K, ridge) @ y})
    each_refused(check, {still: lambda K, ridge, y: y - ridge * inverse(K, ridge) @ y})
    off = r"prediction \d+ is off by [+-]\d"
    for wrong in (
        lambda K, ridge, y: y - inverse(K, ridge) @ y,  # not divided
        lambda K, ridge, y: y - inverse(K, ridge) @ y / (1 - np.diag(K @ inverse(K, ridge))),
        lambda K, ridge, y: inverse(K, ridge) @ y / np.diag(inverse(K, ridge)),  # the residual
        lambda K, ridge, y: right(K, len(y) * ridge, y),
        lambda K, ridge, y: right(K, 1.01 * ridge, y),
        lambda K, ridge, y: right(K, ridge, y)[::-1],
        lambda K, ridge, y: right(K, ridge, y) * 14 / 15,
        lambda K, ridge, y: np.append(right(K, ridge, y)[:-1], 0.0),
        lambda K, ridge, y: y,
    ):
        each_refused(check, {off: wrong})


def test_kernels_features():
    names = exercise("kernels", "check_features", "laplace_features")
    check, right = names["check_features"], names["predict"]
    check(lambda phi, y, ridge, new: new @ np.linalg.inv(phi.T @ phi + ridge * np.eye(phi.shape[1])) @ phi.T @ y)
    check(lambda *arguments: right(*arguments).tolist())
    each_refused(
        check,
        {
            **NO_ANSWERS,
            r"shape \(7,\), not \(7, 1\)": column(right),
            r"shape \(7,\), not \(12,\)": lambda phi, y, ridge, new: phi.T @ y,
            r"shape \(7,\), not \(\)": lambda *arguments: None,
            r"2,000 points took .* there is an n × n matrix in it": lambda phi, y, ridge, new: (
                new @ phi.T @ np.linalg.solve(phi @ phi.T + ridge * np.eye(len(phi)), y)
            ),
        },
    )
    for wrong in (
        lambda phi, y, ridge, new: right(phi, y, 2 * ridge, new),
        lambda phi, y, ridge, new: right(phi, y, 1.01 * ridge, new),
        lambda phi, y, ridge, new: right(phi, y, ridge * len(y), new),
        lambda phi, y, ridge, new: right(phi, y, 0, new),
        lambda phi, y, ridge, new: right(phi, y, ridge, new)[::-1],
        lambda phi, y, ridge, new: new @ phi.T @ y / ridge,
    ):
        each_refused(check, {r"the predictions differ by up to \d.*, where they reach \d": wrong})


def test_kernels_draw():
    names = exercise("kernels", "check_draw")
    check, right = names["check_draw"], names["update"]

    def solved(K, noise, v):
        return np.linalg.solve(K + noise * np.eye(len(K)), v)

    check(lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f + e))  # noise has no sign
    check(lambda f, g, e, y, K, T, noise: (T @ solved(K, noise, y + f + e) - g).tolist())
    each_refused(check, NO_ANSWERS)
    each_refused(check, {r"shape \(2,\), not \(2, 1\)": column(right)})
    each_refused(check, {r"shape \(2,\), not \(\)": lambda *arguments: None})
    wrong_mean = r"the mean of your draws is off that of the posterior by up to \d\.\d+"
    wrong_covariance = r"the covariance of your draws is off .* by up to \d\.\d+: the variances are"
    for wrong, words in (
        (lambda f, g, e, y, K, T, noise: g - T @ solved(K, noise, y - f - e), wrong_mean),
        (lambda f, g, e, y, K, T, noise: g, wrong_mean),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, 0.0, y - f), wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y, K, T, noise**2), wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y, K, T, noise)[::-1], wrong_mean),
        (lambda f, g, e, y, K, T, noise: right(f, g, e, y[::-1], K, T, noise), wrong_mean),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: T @ solved(K, noise, y), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y + f + e), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: g + T @ solved(K, noise, y - f - 2 * e), wrong_covariance),
        (lambda f, g, e, y, K, T, noise: right(f**2, g, e, y, K, T, noise), "is not linear in the draw"),
    ):
        each_refused(check, {words: wrong})


def test_kernels_space():
    names = exercise("kernels", "check_space", "laplace_features")  # with its ell
    check, grid = names["check_space"], np.linspace(-1, 1, 4001)

    def norm(values=1.0, slopes=0.25, ends=0.5, square=lambda g: g**2):
        def squared(f, slope):
            there = f(np.array([-1.0, 1.0]))
            inside = values * np.trapezoid(square(f(grid)), grid) + slopes * np.trapezoid(square(slope(grid)), grid)
            return inside + ends * np.sum(square(there))

        return squared

    check(norm())

    def with_one_end(f, slope):  # the square of f' + f/ℓ, whose mixed term is what the other end has
        ell = names["ell"]
        square = (slope(grid) + f(grid) / ell) ** 2
        return ell / 2 * np.trapezoid(square, grid) + f(np.array([-1.0]))[0] ** 2

    check(with_one_end)
    each_refused(check, NO_ANSWERS)
    times = r"for .* yours is .* times the squared norm"
    for wrong in (
        norm(ends=0),
        norm(ends=0.49),
        norm(values=1.02),
        norm(ends=1),
        norm(slopes=0.5),
        norm(values=0.25, slopes=1.0),
        norm(values=2),
        norm(slopes=0),
        norm(square=np.abs),
        lambda f, slope: norm()(f, slope) ** 0.5,
        lambda f, slope: norm()(slope, f),
    ):
        each_refused(check, {times: wrong})
    x = np.linspace(-1, 1, 513)[:, None]
    gram = np.asarray(names["Laplace"](names["ell"])(x))
    unused = r"for cos and sin 3x in place of its slope yours is .* times the sum .* is the second argument used\?"
    each_refused(
        check, {unused: lambda f, slope: f(x[:, 0]) @ np.linalg.solve(gram, f(x[:, 0]))}
    )  # what the check does
    each_refused(check, {unused: lambda f, slope: norm()(f, lambda s: np.gradient(f(s), s))})
    each_refused(check, {r"should be a number, not \[": lambda f, slope: [norm()(f, slope)]})
    each_refused(check, {"should be a number, not None": lambda f, slope: None})
