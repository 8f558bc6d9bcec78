"""How long do the chapter's predictors take on digits: the kernel machine and its matrix, against a small network?"""

import functools

import jax
import numpy as np
from compare import Case, main
from scipy import linalg

from ntklib import data
from ntklib.mlp import MLP

DIGITS = data.mnist5k()
KERNEL = MLP(depth=1, b_std=0.2).ntk
NETWORK = MLP(depth=1, b_std=0.2, out_dim=10, parameterization="standard")
NEW = DIGITS.x_test.astype(np.float32)


def kernel_machine(n):
    x, alpha = DIGITS.x_train[:n].astype(np.float32), np.ones((n, 10), np.float32)
    predict = jax.jit(lambda new: KERNEL(new, x) @ alpha)
    return lambda: predict(NEW)


def network(width):
    params = NETWORK.init(jax.random.key(0), NEW.shape[1], width)
    predict = jax.jit(functools.partial(NETWORK.apply, params))
    return lambda: predict(NEW)


def matrix(n):
    x = DIGITS.x_train[:n].astype(np.float32)
    compute = jax.jit(KERNEL)
    return lambda: compute(x)


def solve(n):
    x = DIGITS.x_train[:n].astype(np.float32)
    full = np.asarray(KERNEL(x), float)
    full += 1e-4 * np.trace(full) / n * np.eye(n)
    targets = data.one_hot(DIGITS.y_train[:n])
    return lambda: linalg.solve(full, targets, assume_a="pos")


CASES = [
    Case(
        "1,000 digits predicted",
        {
            "kernel machine, 2,000 examples": functools.partial(kernel_machine, 2000),
            "network, 128 units": functools.partial(network, 128),
        },
        rounds=21,
    ),
    *(
        Case(
            f"kernel machine, {n:,} examples",
            {"matrix": functools.partial(matrix, n), "solving": functools.partial(solve, n)},
        )
        for n in (1000, 2000, 4000)
    ),
]

if __name__ == "__main__":
    main(CASES)
