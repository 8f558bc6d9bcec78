"""Kernel regression with many points, d = 100, in 64 bits: ours and what one would take instead, to the same residual.

The Gaussian kernel with a length scale of 10, a ridge of 0.1, a target with noise; the residual is 1e-6 of the targets.
`KernelRegressor` in its two ways; GPyTorch's conjugate gradients with its pivoted preconditioner, on the CPU, with the
same kernel, noise and tolerance; and scikit-learn's Nyström features with a ridge, which solve another problem, so that
only their test error compares. All use as many threads as the machine has cores. Falkon is not on PyPI: left out.

A peer that is not installed is left out, with a line. GPyTorch is not in the lock: where it has been installed aside,

    PYTHONPATH=/folder/of/gpytorch make bench ONLY=large
"""

import functools
import importlib.util
import os
import sys
from typing import Any

import numpy as np
from compare import Case, main
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from ntklib._products import gaussian
from ntklib._sklearn_kernels import double_precision
from ntklib.estimators import KernelRegressor
from ntklib.iterative import matmul

DIM, LENGTHSCALE, RIDGE, TOLERANCE, COMPONENTS = 100, 10.0, 0.1, 1e-6, 1000
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def data(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points and targets, and a thousand new ones."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n + 1000, DIM))
    clean = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] / 2 + np.cos(x[:, 3:6]).sum(1) - 1.5
    return x[:n], clean[:n] + 0.1 * rng.standard_normal(n), x[n:], clean[n:]


def ours(n: int, solver: str, max_bytes: int | None = None) -> Any:
    x, y, new, _ = data(n)

    def call() -> tuple[np.ndarray, np.ndarray]:
        model = KernelRegressor(
            lengthscale=LENGTHSCALE, ridge=RIDGE, solver=solver, tol=TOLERANCE, max_bytes=max_bytes
        ).fit(x, y)
        return model.dual_coef_, model.predict(new)

    return call


def nystroem(n: int) -> Any:
    x, y, new, _ = data(n)
    features = Nystroem(gamma=0.5 / LENGTHSCALE**2, n_components=min(COMPONENTS, n), random_state=0)
    model = make_pipeline(features, Ridge(alpha=RIDGE, fit_intercept=False))
    return lambda: (None, model.fit(x, y).predict(new))


def gpytorch_solve(n: int) -> Any:
    import torch
    from gpytorch import kernels, settings

    torch.set_num_threads(CORES)
    x, y, new, _ = (torch.as_tensor(part) for part in data(n))
    kernel = kernels.RBFKernel().double()
    kernel.lengthscale = LENGTHSCALE

    def call() -> tuple[np.ndarray, np.ndarray]:
        # its tolerance is of the mean residual over targets of norm 1, and it iterates ten times at least
        with (
            torch.no_grad(),
            settings.max_cholesky_size(0),
            settings.cg_tolerance(TOLERANCE),
            settings.max_cg_iterations(1000),
            settings.max_preconditioner_size(100),
            settings.min_preconditioning_size(1),
        ):
            coefficients = kernel(x).add_diagonal(torch.tensor(RIDGE, dtype=x.dtype)).solve(y[:, None])[:, 0]
            predicted = kernel(new, x).matmul(coefficients)
        return coefficients.numpy(), predicted.numpy()

    return call


def outcome(n: int, results: dict[str, Any]) -> dict[str, float]:
    """For each the residual that was reached, relative to the targets, and the test error."""
    x, y, _, clean = data(n)
    kernel = gaussian(x, np.array(LENGTHSCALE))
    assert kernel is not None  # as these points are near each other
    numbers = {"threads": float(CORES)}
    for name, (coefficients, predicted) in results.items():
        if coefficients is not None:
            with double_precision():
                product = matmul(kernel, x, None, coefficients)
            rest = y - product - RIDGE * coefficients
            numbers[f"residual of {name}"] = float(np.linalg.norm(rest) / np.linalg.norm(y))
        numbers[f"test error of {name}"] = float(np.sqrt(np.mean((predicted - clean) ** 2)))
    return numbers


def case(n: int) -> Case:
    contenders = {
        "KernelRegressor, cg": lambda: ours(n, "cg"),
        "KernelRegressor, cg, max_bytes=2**30": lambda: ours(n, "cg", 2**30),
        "KernelRegressor, direct": lambda: ours(n, "direct"),
        "GPyTorch, cg": lambda: gpytorch_solve(n),
        "scikit-learn, Nyström": lambda: nystroem(n),
    }
    if importlib.util.find_spec("gpytorch") is None:
        print("GPyTorch is not installed and is left out", file=sys.stderr)
        del contenders["GPyTorch, cg"]
    if n > 20000:  # matrices of 20 GB
        contenders = {
            name: one for name, one in contenders.items() if name not in {"KernelRegressor, direct", "GPyTorch, cg"}
        }
    return Case(
        f"regression with a Gaussian kernel, n = {n}, d = {DIM}, float64",
        contenders,
        n=n,
        series=f"regression with a Gaussian kernel, d = {DIM}, float64",
        goals={name: 1.0 for name in contenders if name.startswith("GPyTorch")},
        rounds=0,
        measure=functools.partial(outcome, n),
    )


CASES = [case(n) for n in (5000, 20000, 50000)]

if __name__ == "__main__":
    main(CASES)
