"""Kernel ridge regression in 64 bits, 10 targets: the estimator of the library and scikit-learn's, from data to fit."""

import functools

import numpy as np
from compare import Case, main
from scipy import linalg
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge

from ntklib.estimators import KernelClassifier, KernelRegressor

DIM, TARGETS, RIDGE, LENGTHSCALE = 20, 10, 1.0, 4.0


def data(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, DIM)), rng.standard_normal((n, TARGETS))


def ours(n):
    x, y = data(n)
    return lambda: KernelRegressor(lengthscale=LENGTHSCALE, ridge=RIDGE).fit(x, y).dual_coef_


def ours_on_classes(n):
    x, y = data(n)
    return lambda: KernelClassifier(lengthscale=LENGTHSCALE, ridge=RIDGE).fit(x, y.argmax(1)).dual_coef_


def scikit_learn(n, signs=False):
    x, y = data(n)
    if signs:
        y = 2.0 * (y.argmax(1)[:, None] == np.arange(TARGETS)) - 1
    model = KernelRidge(alpha=RIDGE, kernel="rbf", gamma=0.5 / LENGTHSCALE**2)
    return lambda: model.fit(x, y).dual_coef_


def scipy_solve(n):
    x, y = data(n)
    return lambda: linalg.solve(RBF(LENGTHSCALE)(x) + RIDGE * np.eye(n), y, assume_a="pos")


def difference(results):
    first, *others = results.values()
    return {"largest difference of the coefficients": max(float(np.abs(first - other).max()) for other in others)}


CASES = [
    Case(
        f"kernel ridge regression, n = {n}, 10 targets, float64",
        {
            "KernelRegressor": functools.partial(ours, n),
            "KernelRidge": functools.partial(scikit_learn, n),
            "scipy.linalg.solve": functools.partial(scipy_solve, n),
        },
        n=n,
        series="kernel ridge regression, 10 targets, float64",
        goals={"KernelRidge": 0.75} if n == 4000 else {},
        measure=difference,
    )
    for n in (1000, 2000, 4000)
] + [
    Case(
        "kernel ridge classification, n = 4000, 10 classes, float64",
        {
            "KernelClassifier": functools.partial(ours_on_classes, 4000),
            "KernelRidge": functools.partial(scikit_learn, 4000, signs=True),
        },
        goals={"KernelRidge": 0.75},
        measure=difference,
    )
]

if __name__ == "__main__":
    main(CASES)
