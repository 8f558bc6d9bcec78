"""How are the numbers of a finite network drawn? All at once, standard normal."""

import functools
import itertools
import math

import jax
from jax import Array
from jax.typing import DTypeLike

__all__ = ["layers"]


@functools.partial(jax.jit, static_argnames=("shapes", "bias", "dtype"))
def layers(
    key: Array, shapes: tuple[tuple[int, ...], ...], *, bias: bool, dtype: DTypeLike
) -> tuple[list[Array], list[Array | None]]:
    """Standard normal weights of layers of these shapes, whose last number is that of their units, and biases.

    All numbers of a network are drawn at once: compiling a generator takes longer than training a small network.
    """
    wanted = [*shapes, *((shape[-1],) for shape in shapes if bias)]
    ends = list(itertools.accumulate(math.prod(shape) for shape in wanted))
    numbers = jax.random.normal(key, (ends[-1],), dtype)
    arrays = [numbers[end - math.prod(shape) : end].reshape(shape) for shape, end in zip(wanted, ends, strict=True)]
    count = len(shapes)
    return arrays[:count], [*arrays[count:]] if bias else [None] * count
