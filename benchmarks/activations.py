"""What does the kernel matrix of an infinitely wide network cost with other activations than ReLU?

ReLU's is the cheapest that there is: two polynomials for each pair of points. The others are held against it, in 64
bits.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from compare import Case, main

from ntklib.mlp import MLP

N, DIM = 2000, 100


def matrix(activation: str, depth: int) -> Callable[[], Any]:
    """The whole tangent kernel of standard normal points, compiled."""
    x, kernel = jnp.asarray(np.random.default_rng(0).standard_normal((N, DIM))), MLP(depth, activation).ntk
    return lambda: kernel(x)


def against_relu(activation: str, depth: int) -> Case:
    """One activation, held to four times the time of ReLU."""
    return Case(
        f"NTK of {depth} hidden {'layer' if depth == 1 else 'layers'}, n = {N}, d = {DIM}, float64, {activation}",
        {activation: lambda: matrix(activation, depth), "relu": lambda: matrix("relu", depth)},
        goals={"relu": 4.0},
        rounds=5,
        x64=True,
        memory=False,
    )


CASES = [against_relu(activation, depth) for activation in ("erf", "tanh", "gelu") for depth in (1, 3)]

if __name__ == "__main__":
    main(CASES)
