"""How is bad input refused? The checks that every public function shares; each names the argument."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

__all__ = ["floating", "inputs", "matrix", "output_shape"]


def floating(name: str, x: ArrayLike) -> Array:
    """`x` as a JAX array, refused unless it is real and floating: integers would be rounded somewhere unseen."""
    array = jnp.asarray(x)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{name} must have a real floating dtype, got {array.dtype}; convert it first")
    return array


def matrix(name: str, x: ArrayLike, columns: int | None = None) -> Array:
    """`x` as a floating (n, d) array; `columns` is the d that it must have, if that is known."""
    array = floating(name, x)
    wanted = "(n, d)" if columns is None else f"(n, {columns})"
    if array.ndim != 2 or array.shape[1] == 0 or (columns is not None and array.shape[1] != columns):
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return array


def inputs(x1: ArrayLike, x2: ArrayLike | None) -> tuple[Array, Array | None]:
    """The two sets of inputs of a kernel, (n1, d) and (n2, d), with `None` standing for the first again."""
    first = matrix("x1", x1)
    return first, None if x2 is None else matrix("x2", x2, columns=first.shape[1])


def output_shape(apply: Callable[[Any, Array], Array], params: Any, name: str, x: Array) -> tuple[int, int]:
    """The shape (n, k) of ``apply(params, x)``, found without computing it; `name` is what the caller calls `x`."""
    out = jax.eval_shape(apply, params, x)
    found = getattr(out, "shape", None)
    if found is None or len(found) != 2 or found[0] != len(x):
        got = type(out).__name__ if found is None else found
        raise ValueError(f"apply must return shape ({len(x)}, k) for {name} of shape {x.shape}, got {got}")
    return found
