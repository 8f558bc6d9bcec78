"""What the checks of the chapter on the path kernel say to wrong answers."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.chapters.exercises import all_refused, each_refused, exercise


def test_path_empty():
    names = exercise("path-kernel", "check_empty")
    check, right = names["check_empty"], names["explained"]
    check(lambda F, x_1: (lambda x, z: np.float64(F(x)) * F(z), np.float64(1) / F(x_1)))
    check(lambda F, x_1: (lambda x, z: F(x) * F(z) / F(x_1) ** 2, F(x_1)))  # another scale
    check(lambda F, x_1: (lambda x, z: 4.0 * F(x) * F(z), 0.25 / F(x_1)))
    each_refused(
        check,
        [
            ("return the kernel and the constant, not function", lambda F, x_1: right(F, x_1)[0]),
            ("return the kernel and the constant, not NoneType", lambda F, x_1: None),
            ("return the kernel and the constant, not list", lambda F, x_1: list(right(F, x_1))),
            ("the constant should be a number, not None", lambda F, x_1: (right(F, x_1)[0], None)),
            ("not symmetric", lambda F, x_1: (lambda x, z: F(x) / F(z), F(x_1))),
            ("not symmetric", lambda F, x_1: (lambda x, z: F(x), 1.0)),
            ("not positive semi-definite", lambda F, x_1: (lambda x, z: -F(x) * F(z), -1 / F(x_1))),
            ("not positive semi-definite", lambda F, x_1: (lambda x, z: F(x) + F(z) - F(x_1), 1.0)),
            (r"c k\(x, x_1\) differs from F\(x\) by up to", lambda F, x_1: (right(F, x_1)[0], F(x_1))),
            (r"c k\(x, x_1\) differs from F\(x\)", lambda F, x_1: (right(F, x_1)[0], 1.0)),
            (r"c k\(x, x_1\) differs from F\(x\)", lambda F, x_1: (lambda x, z: np.exp(-((x - z) ** 2)), F(x_1))),
            ("the kernel should be a number", lambda F, x_1: (lambda x, z: [F(x) * F(z)], 1 / F(x_1))),
            (r"it does not work with these \d arguments", lambda F: right(F, 1.0)),
            ("hand over the function itself", lambda F, x_1: (1.0, 1.0)),
        ],
    )


def test_path_crossing():
    names = exercise("path-kernel", "check_crossing")
    check, right = names["check_crossing"], names["hidden"]
    check(lambda T: (1 + np.expm1(-T) / T, -np.expm1(-T) * (-np.expm1(-T) / 2 - 1 - np.expm1(-T) / T)))
    check(lambda T: tuple(map(jnp.float64, right(T))))
    end = lambda T: 1 - np.exp(-T)  # noqa: E731
    learns = lambda T, b: end(T) ** 2 / 2 - b * end(T)  # noqa: E731
    each_refused(
        check,
        [
            (r"T = 0\.3: with b = 0\.3679 the path kernel is", lambda T: (1 / np.e, learns(T, 1 / np.e))),
            (r"T = 1\.0: with b = 0\.3161 the path kernel is 0\.0518", lambda T: (end(T) / 2, learns(T, end(T) / 2))),
            (r"T = 1\.0: with b = 0\.6321 ", lambda T: (end(T), learns(T, end(T)))),
            (r"T = 0\.3: with b = 0\.0408", lambda T: (T - end(T), learns(T, T - end(T)))),  # not over T
            (r"T = 1\.0: with this b the model learns -0\.03", lambda T: (right(T)[0], 0.0)),
            (r"with this b the model learns -0\.032[78] at x, not 0\.0328", lambda T: (right(T)[0], -right(T)[1])),
            ("with this b the model learns", lambda T: (right(T)[0], end(T) ** 2 / 2)),
            ("with this b the model learns", lambda T: (right(T)[0], end(T) ** 2 - right(T)[0] * end(T))),
            ("return b and what has been learned, not float64", lambda T: np.float64(right(T)[0])),
            ("return b and what has been learned, not NoneType", lambda T: None),
            ("b should be a number, not None", lambda T: (None, 0.0)),
            (r"it does not work with these \d arguments", lambda: 0.0),
        ],
    )
    each_refused(check, [("hand over the function itself", (1 / np.e, 0.0))])


def test_path_logistic():
    names = exercise("path-kernel", "check_logistic")
    check, right = names["check_logistic"], names["path_sum"]
    check(lambda k, f, y, eta: eta / len(y) * sum(a @ (y * jax.nn.sigmoid(-y * b)) for a, b in zip(k, f, strict=True)))
    probability = lambda f: 1 / (1 + np.exp(-f))  # noqa: E731

    def with_slopes(slopes, sign=-1.0):
        return lambda k, f, y, eta: sign * eta * np.einsum("sni,si->n", k, slopes(f, y)) / len(y)

    each_refused(
        check,
        [
            (r"it is -1 times as large", lambda *a: -right(*a)),
            (r"it is 9 times as large", lambda *a: 9 * right(*a)),  # no 1/n
            (r"it is 50 times as large", lambda k, f, y, eta: right(k, f, y, 1.0)),  # no η
            (r"the sum misses the change by \d", with_slopes(lambda f, y: f - y)),  # squared loss
            (r"the sum misses", with_slopes(lambda f, y: -y / (1 + np.exp(f)))),  # the label left out
            (r"the sum misses", with_slopes(lambda f, y: -y * probability(y * f))),
            (r"the sum misses", with_slopes(lambda f, y: -1 / probability(y * f))),  # by the probability
            (r"the sum misses", lambda k, f, y, eta: right(k[:30], f[:30], y, eta)),  # half the steps
            (r"the sum misses", lambda k, f, y, eta: right(k[:1], f[:1], y, 60 * eta)),  # one kernel
            (r"the sum misses", lambda k, f, y, eta: right(k, f, y, eta)[::-1]),
            (r"array of the shape \(10,\), not NoneType", lambda *a: None),
            (r"array of the shape \(10,\), not \(10, 1\)", lambda *a: right(*a)[:, None]),
            (r"array of the shape \(10,\), not list", lambda *a: list(right(*a))),
            (r"it does not work with these \d arguments", lambda k, f, y: right(k, f, y, 0.1)),
        ],
    )


def test_path_decay():
    names = exercise("path-kernel", "check_decay")
    check, right = names["check_decay"], names["decay_push"]

    def by_gradient(apply, params, x, mu):
        rows = jax.vmap(lambda row: jax.grad(lambda p: apply(p, row[None])[0, 0])(params))(x)
        products = jax.tree.map(lambda g, p: jnp.sum(g * p, axis=tuple(range(1, g.ndim))), rows, params)
        return -mu * sum(jax.tree.leaves(products))

    check(by_gradient)
    check(lambda *a: np.asarray(right(*a)))
    each_refused(
        check,
        [
            (r"it is -1 times as large", lambda *a: -right(*a)),
            (r"it is 0\.5 times as large", lambda *a: right(*a) / 2),
            (r"it is 2 times as large", lambda apply, p, x, mu: right(apply, p, x, 1.0)),
            (r"differs from a finite difference", lambda apply, p, x, mu: -mu * apply(p, x)[:, 0]),
            (r"differs from a finite difference", lambda apply, p, x, mu: -2 * mu * apply(p, x)[:, 0]),
            (r"differs from a finite difference", lambda *a: 0 * right(*a)),
            (r"shape \(9,\), not \(9, 1\)", lambda *a: right(*a)[:, None]),
            (r"shape \(9,\), not NoneType", lambda *a: None),
            (r"it does not work with these \d arguments", lambda apply, p, x: right(apply, p, x, 1.0)),
        ],
    )
    all_refused(check, [1.0, None, "push"], "hand over the function itself")
