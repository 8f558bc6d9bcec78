"""How is an array refused that does not fit? The checks that every public function shares; each names the argument.

What can be told without the values is told always; that they are finite, only where they are known, not while JAX
traces.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _arguments
from ntklib._arguments import (
    advice,
    choice,
    count,
    flag,
    function,
    got,
    path,
    read,
    refuse_unless_callable_kernel,
    text,
)

__all__ = [
    "advice",
    "array",
    "choice",
    "count",
    "dtype",
    "flag",
    "floating",
    "function",
    "got",
    "images",
    "inputs",
    "key",
    "layers",
    "lengthscale",
    "matrix",
    "number",
    "output_shape",
    "parameters",
    "path",
    "read",
    "refuse_unless_callable_kernel",
    "refuse_unless_finite",
    "refuse_unless_finite_tree",
    "refuse_unless_positive",
    "refuse_unless_symmetric",
    "square",
    "text",
    "times",
    "traced",
]


def traced(value: Any) -> bool:
    """Whether JAX is tracing this value, so that it is not known."""
    return isinstance(value, jax.core.Tracer)


def refuse_unless_finite(name: str, array: Any, given: Any = None) -> None:
    """Refuse NaN and infinity, and say where they are. A sum tells, at the cost of reading the array once.

    `given` is what the array was made from: of 64 bits there may be numbers that 32 bits have not.
    """
    if traced(array) or (isinstance(array, Array) and not array.is_fully_addressable):
        return
    known = np.asarray(array)
    with np.errstate(all="ignore"):
        if np.isfinite(known.sum()) or np.isfinite(known).all():
            return
    wrong = np.argwhere(~np.isfinite(known))
    where = wrong[0].tolist()
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    if isinstance(given, np.ndarray) and given.dtype.kind == "f" and np.isfinite(given[tuple(where)]):
        more += f", made from {given[tuple(where)]}, which is beyond {known.dtype}"
    raise ValueError(f"{name} must be finite, got {known[tuple(where)]} at {where}{more}")


def refuse_unless_finite_tree(name: str, tree: Any) -> None:
    """The same of each floating array of a tree."""
    for where, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            refuse_unless_finite(name + jax.tree_util.keystr(where), leaf)


def floating(name: str, x: ArrayLike) -> Array:
    """`x` as a JAX array, refused unless real, floating and finite: integers would be rounded somewhere unseen."""
    return _floating(name, x if isinstance(x, Array) else read(name, x, jnp.asarray), x)


def _floating(name: str, array: Array, x: ArrayLike) -> Array:
    if isinstance(x, np.ndarray):
        jax.block_until_ready(array)  # JAX copies it while Python goes on, and the caller may change it next
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{name} must have a real floating dtype, got {array.dtype}; convert it first")
    refuse_unless_finite(name, array, x)
    return array


def array(name: str, x: ArrayLike, shape: str, fits: Callable[[tuple[int, ...]], bool]) -> Array:
    """`x` as a floating array, refused unless `fits` says so of its shape; `shape` is what was wanted."""
    found = x if isinstance(x, Array) else read(name, x, jnp.asarray)
    if not fits(found.shape):
        raise ValueError(f"{name} must have shape {shape}, got {found.shape}")
    return _floating(name, found, x)


def matrix(name: str, x: ArrayLike, columns: int | None = None) -> Array:
    """`x` as a floating (n, d) array; `columns` is the d that it must have, if that is known."""
    wanted = "(n, d)" if columns is None else f"(n, {columns})"
    return array(name, x, wanted, lambda shape: len(shape) == 2 and shape[1] == (columns or shape[1]) > 0)


def images(name: str, x: ArrayLike, like: tuple[int, ...] | None = None) -> Array:
    """`x` as a floating array of images, (n, h, w) or (n, h, w, c); `like` is the shape of each, if known."""
    if like is not None:
        wanted = "(" + ", ".join(["n", *map(str, like)]) + ")"
        return array(name, x, wanted, lambda shape: len(shape) == len(like) + 1 and shape[1:] == like)
    return array(name, x, "(n, h, w) or (n, h, w, c)", lambda shape: len(shape) in (3, 4) and min(shape[1:]) > 0)


def square(name: str, kernel: ArrayLike, size: str = "n") -> Array:
    """A kernel matrix, refused unless it is square and of one point at least; `size` is what its order is called."""
    found = kernel if isinstance(kernel, Array) else read(name, kernel, jnp.asarray)
    if found.ndim == 4 and found.shape[0] == found.shape[1] and found.shape[2] == found.shape[3]:
        n, _, k, _ = found.shape
        raise ValueError(
            f"{name} must have shape ({size}, {size}), got {found.shape}, the kernel of all pairs of {k} outputs: take "
            f"outputs='trace', or the {n * k} × {n * k} matrix, kernel.transpose(0, 2, 1, 3).reshape({n * k}, {n * k})"
        )
    return array(name, found, f"({size}, {size})", lambda shape: len(shape) == 2 and shape[0] == shape[1] > 0)


def inputs(x1: ArrayLike, x2: ArrayLike | None) -> tuple[Array, Array | None]:
    """The two sets of inputs of a kernel, (n1, d) and (n2, d), with `None` standing for the first again."""
    first = matrix("x1", x1)
    return first, None if x2 is None else matrix("x2", x2, columns=first.shape[1])


def number(name: str, value: Any, *, positive: bool = False) -> Any:
    """`value` as it is, refused unless it is a real number, finite, and positive or not negative; tracers pass."""
    return value if traced(value) else _arguments.number(name, value, positive=positive)


def lengthscale(value: Any, dim: int) -> None:
    """Refuse what is neither a positive number nor one for each of the coordinates; tracers pass."""
    if traced(value):
        return
    try:
        scale = np.asarray(np.nan if isinstance(value, str | bool) else value, float)
    except (TypeError, ValueError):
        scale = np.array(np.nan)
    if scale.shape not in ((), (dim,)) or not np.all((scale > 0) & np.isfinite(scale)):
        what = value if scale.shape in ((), (dim,)) and isinstance(value, list | np.ndarray | Array) else got(value)
        raise ValueError(f"lengthscale must be finite and positive, a number or of shape {(dim,)}, got {what}")


def times(name: str, value: Any) -> Any:
    """`value` as it is, refused unless it is a time or an array of them, from 0 to infinity; tracers pass."""
    if traced(value):
        return value
    found = np.asarray(read(name, value, jnp.asarray if isinstance(value, list | tuple) else np.asarray))
    if found.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold real numbers, got {got(value)}")
    if not np.all(found >= 0):
        raise ValueError(f"{name} must not be negative or NaN, got {value!r}")
    return value


def key(name: str, value: Any) -> None:
    """Refuse what is no random key of JAX, and more than one."""
    typed = hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    old = getattr(value, "dtype", None) == jnp.uint32 and getattr(value, "ndim", 0) == 1
    if not (typed and value.shape == ()) and not old:
        raise ValueError(f"{name} must be one random key, as jax.random.key(0) makes it, got {got(value)}")


def dtype(name: str, value: Any) -> None:
    """Refuse what is no real floating dtype."""
    try:
        found = value is not None and jnp.issubdtype(jnp.dtype(value), jnp.floating)
    except TypeError:
        found = False
    if not found:
        raise ValueError(f"{name} must be a real floating dtype, as 'float32', got {got(value)}")


def parameters(name: str, params: Any) -> None:
    """Refuse what is no tree of real floating arrays, at least one, all finite."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    if not leaves:
        raise ValueError(f"{name} must be a tree of floating arrays, at least one, got {got(params)}")
    for where, leaf in leaves:
        its = name + jax.tree_util.keystr(where)
        if not isinstance(leaf, float | Array | np.ndarray | np.floating):
            raise ValueError(f"{its} must be a floating array, as of every leaf of {name}, got {got(leaf)}")
        floating(its, leaf)


def layers(name: str, params: Any, count: int) -> None:
    """Refuse what is not so many layers as a network draws them, with finite numbers."""
    if not isinstance(params, tuple | list) or not all(hasattr(layer, "weight") for layer in params):
        raise ValueError(f"{name} must be a tuple of layers, as of init, got {got(params)}")
    if len(params) != count:
        raise ValueError(f"{name} must have {count} layers for a depth of {count - 1}, got {len(params)}")
    parameters(name, params)


def output_shape(apply: Callable[[Any, Array], Array], params: Any, name: str, x: Array) -> tuple[int, int]:
    """The shape (n, k) of ``apply(params, x)``, found without computing it; `name` is what the caller calls `x`."""
    out = jax.eval_shape(apply, params, x)
    found = getattr(out, "shape", None)
    if found is None or len(found) != 2 or found[0] != len(x):
        what = type(out).__name__ if found is None else found
        raise ValueError(f"apply must return shape ({len(x)}, k) for {name} of shape {x.shape}, got {what}")
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
