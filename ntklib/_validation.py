"""How is bad input refused? The checks that every public function shares; each names the argument."""

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

__all__ = ["count", "floating", "inputs", "matrix", "output_shape", "refuse_unless_positive", "refuse_unless_symmetric"]


def count(name: str, value: Any, least: int) -> int:
    """`value` as an integer, refused unless it is one, possibly written as a float, and at least so large."""
    number: int | None = None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        number = int(value)
    elif not isinstance(value, bool | np.bool_):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
    if number is None or number < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return number


def floating(name: str, x: ArrayLike) -> Array:
    """`x` as a JAX array, refused unless it is real and floating: integers would be rounded somewhere unseen."""
    array = jnp.asarray(x)
    if isinstance(x, np.ndarray):
        jax.block_until_ready(array)  # JAX copies it while Python goes on, and the caller may change it next
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


def refuse_unless_symmetric(kernel: NDArray[np.floating]) -> None:
    """Refuse a square matrix that is not finite, or is not symmetric by more than rounding."""
    scale = float(np.max(np.abs(kernel), initial=0))
    if not scale < float("inf"):
        raise ValueError("kernel must be finite, got NaN or infinite entries")
    asymmetry = float(np.max(np.abs(kernel - kernel.T), initial=0))
    if asymmetry > 100 * float(np.finfo(kernel.dtype).eps) ** 0.5 * scale:
        raise ValueError(f"kernel must be symmetric, got |Θ − Θᵀ| up to {asymmetry:.2g} with entries up to {scale:.2g}")


def refuse_unless_positive(kernel: NDArray[np.floating], smallest: float | None = None) -> None:
    """Refuse a square matrix that is no kernel matrix by more than rounding; `smallest` is its eigenvalue, if known."""
    refuse_unless_symmetric(kernel)
    if not len(kernel):
        return
    allowed = 10 * len(kernel) * float(np.finfo(kernel.dtype).eps) * float(np.max(np.abs(kernel)))
    smallest = float(np.linalg.eigvalsh(kernel)[0]) if smallest is None else smallest
    if smallest < -allowed:
        raise ValueError(
            f"kernel must be positive semi-definite, got an eigenvalue of {smallest:.2g} where rounding explains "
            f"{-allowed:.2g}; compute it in float64, or add {-2 * smallest:.2g} to its diagonal and say so"
        )
