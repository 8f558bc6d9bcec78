"""What the checks of the chapter on feature learning say to wrong answers, and that they take right ones."""

from fractions import Fraction
from math import comb, pi

import numpy as np
from scipy.integrate import quad

from tests.chapters.exercises import all_refused, column, each_refused, exercise


def test_one_step_of_one_unit():
    names = exercise("feature-learning", "check_needed")
    check, right = names["check_needed"], names["examples_needed"]

    def by_closed_form(d, k):  # the coefficient as an integral, which shares no code with the solution
        h, q = (d - 1) // 2, (k - 2) // 2
        wave = quad(lambda t: np.sin(t / 2) ** (2 * q) * np.cos(t / 2) ** (2 * h - 2 * q), 0, 2 * pi)[0]
        g = wave / (2 * pi) / 2
        return (0.5 - g**2) / g**2

    check(by_closed_form)
    check(lambda d, k: np.float64(right(d, k)))
    gap = lambda d, k: 1 / (2 * (right(d, k) + 1))  # g²  # noqa: E731
    each_refused(
        check,
        [
            (r"d = 3 and k = 2 yours is 1\.143 times", lambda d, k: 1 / (2 * gap(d, k))),  # the hint's
            (r"yours is 0\.500 times", lambda d, k: right(d, k) / 2),
            (r"yours is 2\.000 times", lambda d, k: 2 * right(d, k)),
            (r"yours is 2\.143 times", lambda d, k: (1 - gap(d, k)) / gap(d, k)),  # a sign has the variance 1
            (r"yours is 0\.286 times", lambda d, k: (Fraction(1, 2) - 4 * gap(d, k)) / (4 * gap(d, k)) + 1),  # g for 2g
            (r"yours is 1\.143 times", lambda d, k: right(d, k) + 1),
            (r"for d = 5 and k = 2", lambda d, k: 7),
            (r"for d = 5 and k = 2", lambda d, k: right(3, 2) * comb(d, k) / 3),
            ("should be a number, not None", lambda d, k: None),
            (r"should be a number, not \[7\]", lambda d, k: [7]),
            ("should be a number, not True", lambda d, k: True),
            ("should be a finite number, not inf", lambda d, k: float("inf")),
            ("hand over the function itself", 7),
            (r"it does not work with these \d arguments", lambda d: 7),
        ],
    )


def test_one_step_on_gaussian_inputs():
    names = exercise("feature-learning", "check_push")
    check, right = names["check_push"], names["first_push"]
    unit = lambda w: w / np.linalg.norm(w)  # noqa: E731
    rho = lambda u, w: u @ unit(w)  # noqa: E731

    def by_sampling(u, w):  # the sum of its terms on many inputs, of which each stands beside its mirror images
        x = np.random.default_rng(1).standard_normal((10**6, len(u)))
        return ((x @ u) ** 2 - 1) * (x @ w > 0) @ x / len(x)

    found, wanted = (f(*np.array([[0.6, 0.8], [3.0, 1.0]])) for f in (by_sampling, right))
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    check(lambda u, w: list(right(u, w)))
    each_refused(
        check,
        [
            (r"in 2 dimensions yours differs", lambda u, w: 2 * rho(u, w) * u / np.sqrt(2 * pi)),
            (
                r"along u and by .* along w",
                lambda u, w: (2 * rho(u, w) * u + rho(u, w) ** 2 * unit(w)) / np.sqrt(2 * pi),
            ),
            (
                "along u and by .* along w",
                lambda u, w: (2 * (u @ w) * u - (u @ w) ** 2 * w) / np.sqrt(2 * pi),
            ),  # w not of length one
            ("along u and by .* along w", lambda u, w: right(u, w) * np.sqrt(2 * pi)),
            ("along u and by .* along w", lambda u, w: right(u, w) / 2),
            ("along u and by .* along w", lambda u, w: -right(u, w)),
            ("along u and by .* along w", lambda u, w: u),
            ("along u and by .* along w", lambda u, w: right(w, u)),
            ("along u and by .* along w", by_sampling),
            (r"should have shape \(2,\), not \(\)", lambda u, w: np.float64(rho(u, w))),
            (r"should have shape \(2,\), not \(2, 1\)", lambda u, w: right(u, w)[:, None]),
            ("should be made of numbers, not NoneType|should have shape", lambda u, w: None),
            ("finite", lambda u, w: u * np.nan),
            ("hand over the function itself", 0.5),
            (r"it does not work with these \d arguments", lambda u: u),
        ],
    )


def test_the_best_that_a_kernel_could_do():
    names = exercise("feature-learning", "check_best")
    check, right = names["check_best"], names["best_errors"]

    def by_projection(K, train, functions):
        basis = np.linalg.qr(K[:, train])[0]
        return list(1 - ((basis.T @ functions) ** 2).sum(0) / len(K))

    def regression(K, train, functions):
        return ((functions - K[:, train] @ np.linalg.solve(K[np.ix_(train, train)], functions[train])) ** 2).mean(0)

    check(by_projection)
    off_training = lambda K, train, f: right(np.delete(K, train, 0), train, np.delete(f, train, 0))  # noqa: E731
    each_refused(
        check,
        [
            (
                r"with 9 examples the error of function \d+ is off by [+-]0\.\d+ from that of the best combination",
                regression,
            ),
            (r"below the bound 0\.8000: no combination", lambda *a: right(*a) * 0.5),
            (r"below the bound 0\.8000", lambda *a: 0 * right(*a)),
            (r"and the mean by", lambda *a: right(*a) ** 0.5),
            (r"and the mean by", lambda *a: 1 - 0 * right(*a)),
            (r"and the mean by", lambda *a: np.full(45, right(*a).mean())),
            (r"and the mean by", lambda *a: right(*a) * 1024 / 1023),  # a wrong count
            (r"and the mean by", lambda *a: right(*a)[::-1]),
            (r"one error for each of the 45 functions.*not \(45, 1\)", column(right)),
            (r"not \(44,\)", lambda *a: right(*a)[1:]),
            (r"not None", lambda *a: None),
            (r"of shape \(45,\), not [\d.]+|np.float64", lambda *a: right(*a).mean()),
            ("hand over the function itself", np.zeros(45)),
            (r"it does not work with these \d arguments", lambda K, train: 0),
        ],
    )
    all_refused(check, [off_training], "below the bound|and the mean by")


def test_one_rate_for_all_widths():
    names = exercise("feature-learning", "check_exponents")
    check = names["check_exponents"]
    check([[-0.5, 0.5], [0.5, 0.5]])
    check(np.array(names["exponents"]))
    each_refused(
        check,
        [
            (r"agree at the start and differ by [\d.e-]+ after one step", ((0, 0), (1, 0))),
            (r"differ by [\d.]+ before the first step", ((0, 0), (0.5, 0))),
            (r"after one step", ((0.5, -0.5), (1.5, -0.5))),  # the other sign
            (r"after one step", ((0, 0), (0.5, 0.5))),  # only one of the layers
            (r"after one step", ((-0.5, 0.5), (1, 0))),
            (r"after one step", ((-1, 1), (0, 1))),
            (r"before the first step", ((0.5, 0.5), (-0.5, 0.5))),
            (r"before the first step", ((0.5, 0.5), (0.5, -0.5))),
            ("two pairs are wanted", (-0.5, 0.5, 0.5, 0.5)),
            ("two pairs are wanted", None),
            ("two pairs are wanted", lambda: 0),
            ("an exponent should be a number, not 'a'", (("a", 0.5), (0.5, 0.5))),
        ],
    )


def test_how_late():
    names = exercise("feature-learning", "check_late")
    check, right = names["check_late"], names["loss_time"]
    check(lambda share, b, s0: np.float32(right(share, b, s0)) + 0.0)
    each_refused(
        check,
        [
            (r"at your time 1\.2040 the share is 0\.\d+, not 0\.25", lambda share, b, s0: np.log(b / s0**2) / (2 * b)),
            (r"the share is", lambda share, b, s0: right(share**0.5, b, s0)),
            (r"the share is", lambda share, b, s0: right(share**2, b, s0)),
            (r"the share is", lambda share, b, s0: 2 * right(share, b, s0)),
            (r"the share is", lambda share, b, s0: right(share, b, s0**0.5)),
            (r"the share is", lambda share, b, s0: 1.2),
            (r"b = 2, s0 = 0\.1", lambda share, b, s0: right(share, b, s0) if b == 1 else right(share, 1.0, s0)),
            (r"the time is positive and moderate, not -", lambda *a: -right(*a)),
            ("should be a number, not None", lambda *a: None),
            ("should be a finite number, not nan", lambda *a: float("nan")),
            ("hand over the function itself", 4.6),
            (r"it does not work with these \d arguments", lambda share: 4.6),
        ],
    )
