"""What the kernel matrix of an infinitely wide network costs, beside the plain product of the inputs.

Two hidden ReLU layers, 784 inputs. Peers: neural_tangents, compiled, and in its own blocks where the matrix is large;
and the product X Xᵀ by XLA, below which nothing that uses it can come.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from compare import Case, main

from ntklib.gram import gram
from ntklib.mlp import MLP

WIDE = MLP(depth=2)
DIM = 784


def points(n: int, dtype: str) -> np.ndarray:
    """Standard normal inputs, the same for all contenders."""
    return np.random.default_rng(0).standard_normal((n, DIM)).astype(dtype)


def ours(n: int, dtype: str) -> Callable[[], Any]:
    """The whole matrix at once."""
    x = jnp.asarray(points(n, dtype))
    return lambda: WIDE.ntk(x)


def in_blocks(n: int, dtype: str) -> Callable[[], Any]:
    """`ntklib.gram`: blocks of 256 MB at most, symmetric halves once."""
    x = points(n, dtype)
    return lambda: gram(WIDE.ntk, x)


def product(n: int, dtype: str) -> Callable[[], Any]:
    """X Xᵀ and nothing else."""
    x = jnp.asarray(points(n, dtype))
    call = jax.jit(lambda x: x @ x.T)
    return lambda: call(x)


def limit() -> Callable[..., Any]:
    """The kernel function of neural_tangents."""
    from ntklib.neural_tangents import stax

    layers = [stax.Dense(1, W_std=2**0.5, b_std=0.0)]
    for _ in range(2):
        layers += [stax.Relu(), stax.Dense(1, W_std=2**0.5, b_std=0.0)]
    return stax.serial(*layers)[2]


def peer(n: int, dtype: str, batch: int = 0) -> Callable[[], Any]:
    """The kernel function of neural_tangents, compiled; in batches if that is said."""
    from ntklib import neural_tangents as nt

    kernel, x = limit(), jnp.asarray(points(n, dtype))
    if batch:
        batched = nt.batch(kernel, batch_size=batch, store_on_device=False)
        return lambda: batched(x, None, "ntk")
    call = jax.jit(lambda x: kernel(x, None, "ntk"))
    return lambda: call(x)


def agreement(results: dict[str, Any]) -> dict[str, float]:
    """How far ours is from neural_tangents, at most, relative to the largest entry."""
    mine, theirs = (np.asarray(results[name][:500, :500], float) for name in ("ntklib", "neural_tangents"))
    return {"largest difference from neural_tangents": float(np.abs(mine - theirs).max() / np.abs(theirs).max())}


def of_32_bits(n: int, kernel: Callable[[Any], Any]) -> Callable[[], Any]:
    """Its matrix in 32 bits, and ours in 64, of the same inputs; a tenth of them nearly equal to the first tenth."""
    x = points(n, "float64")
    tenth = n // 10
    angles = 10.0 ** np.linspace(-7, -1, tenth)[:, None]
    x[-tenth:] = np.cos(angles) * x[:tenth] + np.sin(angles) * x[tenth : 2 * tenth]
    x = x.astype("float32")

    def call() -> Any:
        with jax.enable_x64(True):
            double = np.asarray(WIDE.ntk(jnp.asarray(x, "float64")))
        return np.asarray(kernel(jnp.asarray(x)), float), double, tenth

    return call


def errors(results: dict[str, Any]) -> dict[str, float]:
    """The largest errors, relative to the lengths of the inputs, of each contender."""
    found = {}
    for name, (single, double, tenth) in results.items():
        error = np.abs(single - double) / np.sqrt(np.outer(np.diag(double), np.diag(double)))
        found[f"error of {name} on the diagonal"] = float(np.diag(error).max())
        near = np.arange(tenth), len(double) - tenth + np.arange(tenth)
        found[f"at near duplicates ({name})"] = float(error[near].max())
        found[f"elsewhere ({name})"] = float(error.max())
        least = [np.linalg.eigvalsh(each[:-tenth, :-tenth])[0] for each in (single, double)]
        found[f"of the smallest eigenvalue without the duplicates ({name})"] = float(abs(least[0] / least[1] - 1))
    return found


def at_once(n: int, dtype: str, goals: dict[str, float]) -> Case:
    """One matrix, whole."""
    return Case(
        f"NTK of two hidden ReLU layers, n = {n}, d = {DIM}, {dtype}",
        {
            "ntklib": lambda: ours(n, dtype),
            "neural_tangents": lambda: peer(n, dtype),
            "the product X Xᵀ": lambda: product(n, dtype),
        },
        n=n,
        series=f"NTK, whole, {dtype}",
        goals=goals,
        x64=dtype == "float64",
        measure=agreement,
    )


def large(n: int, dtype: str, goal: float) -> Case:
    """One matrix, in blocks."""
    return Case(
        f"NTK of two hidden ReLU layers, n = {n}, d = {DIM}, {dtype}, in blocks",
        {
            "ntklib": lambda: in_blocks(n, dtype),
            "the product X Xᵀ": lambda: product(n, dtype),
            "neural_tangents": lambda: peer(n, dtype, batch=1000),
        },
        n=n,
        series=f"NTK, in blocks, {dtype}",
        goals={"the product X Xᵀ": goal} if n == 8000 else {},
        rounds=6,
        x64=dtype == "float64",
        measure=agreement,
    )


CASES = [
    *(at_once(n, "float32", {}) for n in (500, 1000)),
    at_once(2000, "float32", {"neural_tangents": 0.5, "the product X Xᵀ": 1.6}),
    at_once(2000, "float64", {}),
    *(large(n, "float32", 1.2) for n in (2000, 4000, 8000)),
    *(large(n, "float64", 1.4) for n in (2000, 4000, 8000)),
    Case(
        "accuracy of the NTK in float32, n = 1000",
        {
            "ntklib": lambda: of_32_bits(1000, WIDE.ntk),
            "neural_tangents": lambda: of_32_bits(1000, jax.jit(lambda x: limit()(x, None, "ntk"))),
        },
        rounds=1,
        memory=False,
        measure=errors,
    ),
]

if __name__ == "__main__":
    main(CASES)
