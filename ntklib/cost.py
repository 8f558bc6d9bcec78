"""What does a predictor cost? Numbers to store and multiplications, of a kernel machine and of a network, exactly.

Counted are multiplications of numbers with numbers. Additions come with them; what a kernel or an activation does to a
number afterwards is not counted.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from ntklib import _arguments

__all__ = ["KernelCost", "NetworkCost", "kernel", "mlp"]


class KernelCost(NamedTuple):
    """What :func:`kernel` counts.

    Attributes:
        numbers: that have to be stored in order to predict.
        predict: multiplications for one prediction.
        gram_bytes: of the kernel matrix in 64 bits.
        solve: multiplications of the elimination, by Cholesky, to the leading order: a sixth of the cube.
    """

    numbers: int
    predict: int
    gram_bytes: int
    solve: int


class NetworkCost(NamedTuple):
    """What :func:`mlp` counts.

    Attributes:
        numbers: that have to be stored: weights and biases.
        predict: multiplications for one prediction.
        step: multiplications for one example in one step of gradient descent.
    """

    numbers: int
    predict: int
    step: int


def kernel(n: int, d: int, c: int) -> KernelCost:
    r"""A kernel machine with n examples of d numbers and c outputs, :math:`f(x) = \sum_i\alpha_i\,k(x_i, x)`.

    It keeps the examples, (n, d), and the coefficients, (n, c). The kernel is a function of scalar products, as those
    of fully connected networks are, so a prediction takes n products of length d, and n times c for the sum.

    Raises:
        ValueError: if one of them is not a positive integer.

    >>> kernel(2000, 196, 10)
    KernelCost(numbers=412000, predict=412000, gram_bytes=32000000, solve=1333333333)
    """
    n, d, c = _arguments.count("n", n, 1), _arguments.count("d", d, 1), _arguments.count("c", c, 1)
    return KernelCost(n * (d + c), n * (d + c), 8 * n * n, n**3 // 6)


def mlp(sizes: Sequence[int]) -> NetworkCost:
    r"""A fully connected network with biases, from the numbers of its inputs, its units layer by layer, its outputs.

    With one hidden layer of w units it has :math:`w(d + c) + w + c` numbers, takes :math:`w(d + c)` multiplications for
    a prediction and :math:`w(2d + 3c)` for an example in a step: forward, for the gradients of both layers, and back
    through the readout. No gradient at the inputs is needed.

    Raises:
        ValueError: if there are not two positive integers at least.

    >>> mlp([196, 128, 10])
    NetworkCost(numbers=26506, predict=26368, step=54016)
    """
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or len(sizes) < 2:
        raise ValueError(f"sizes must be a list of at least two positive integers, got {_arguments.got(sizes)}")
    counts = [_arguments.count(f"sizes[{i}]", size, 1) for i, size in enumerate(sizes)]
    weights = [a * b for a, b in itertools.pairwise(counts)]
    return NetworkCost(sum(weights) + sum(counts[1:]), sum(weights), 2 * sum(weights) + sum(weights[1:]))
