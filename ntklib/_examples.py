"""What is a batch of examples? An array whose first axis counts them, or a tree of such arrays.

And what may a network do with it: its parameters are floating, and each row of its outputs is that of one example.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import keystr, tree_flatten_with_path

from ntklib import _tree, _validation

__all__ = ["batch", "batches", "output_shape", "parameters", "refuse_unless_rowwise", "rows", "size"]

Apply = Callable[[Any, Any], Array]


def batch(name: str, x: Any, like: Any = None) -> Any:
    """`x` as JAX's arrays: one of shape (n, ...), or a tree of them with one n, each example of the shapes of `like`.

    An array is floating, as integers would be rounded somewhere unseen. In a tree integers and truth values pass: there
    they are meant, as tokens and masks. A list is no tree but an array, as for NumPy.

    Raises:
        ValueError: if it is none.
    """
    numbers = all(isinstance(leaf, int | float) for leaf in jax.tree.leaves(x))
    if isinstance(x, list) or (numbers and isinstance(x, tuple)) or _is_leaf(x):
        return _array(name, x, like)
    found = _tree.copied(x)
    counts, shapes = {}, {}
    for path, leaf in tree_flatten_with_path(found)[0]:
        shape, place = getattr(leaf, "shape", None), name + keystr(path)
        if not shape:
            raise ValueError(f"{place} must be an array with a first axis for examples, got {leaf!r}")
        counts[place], shapes[keystr(path)] = shape[0], shape[1:]
    if not counts:
        raise ValueError(f"{name} must be an array or a tree of arrays, got {x!r}")
    if len(set(counts.values())) > 1:
        lengths = ", ".join(f"{n} in {place}" for place, n in counts.items())
        raise ValueError(f"{name} must have as many examples in each array, got {lengths}")
    if like is not None:
        wanted = {keystr(path): leaf.shape[1:] for path, leaf in tree_flatten_with_path(like)[0]}
        if shapes != wanted:
            raise ValueError(f"{name} must have examples of the shapes {wanted}, as the others, got {shapes}")
    return jax.tree.map(jnp.asarray, found)


def _is_leaf(x: Any) -> bool:
    return any(leaf is x for leaf in jax.tree.leaves(x))


def _array(name: str, x: Any, like: Any) -> Array:
    if like is not None and not _is_leaf(like):
        raise ValueError(f"{name} must be a tree of arrays as the others, got {type(x).__name__}")
    array = _validation.floating(name, x)
    if like is not None and array.shape[1:] != like.shape[1:]:
        raise ValueError(f"{name} must have shape (n, {', '.join(map(str, like.shape[1:]))}), got {array.shape}")
    if array.ndim < 2 or 0 in array.shape[1:]:
        raise ValueError(f"{name} must have shape (n, d), got {array.shape}; examples of any rank are (n, ...)")
    return array


def batches(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The two sets of examples of a kernel, with `None` standing for the first again."""
    first = batch("x1", x1)
    return first, None if x2 is None else batch("x2", x2, like=first)


def size(x: Any) -> int:
    """How many examples there are."""
    return len(jax.tree.leaves(x)[0])


def rows(x: Any, which: slice) -> Any:
    """Some of the examples."""
    return jax.tree.map(lambda leaf: leaf[which], x)


def output_shape(apply: Apply, params: Any, name: str, x: Any) -> tuple[int, int]:
    """The shape (n, k) of ``apply(params, x)``, found without computing it; `name` is what the caller calls `x`."""
    out = jax.eval_shape(apply, params, x)
    found = getattr(out, "shape", None)
    if found is None or len(found) != 2 or found[0] != size(x):
        got = type(out).__name__ if found is None else found
        shape = jax.tree.map(lambda leaf: leaf.shape, x)
        raise ValueError(f"apply must return shape ({size(x)}, k) for {name} of shape {shape}, got {got}")
    return found


def parameters(params: Any, name: str = "params") -> Any:
    """The tree of parameters, with copies of NumPy's arrays; `name` is what the caller calls it.

    Raises:
        ValueError: if something in it is no floating array, or is a running mean or variance of Flax.
    """
    if not jax.tree.leaves(params) or isinstance(params, str):
        raise ValueError(f"{name} must be a tree of floating arrays, at least one, got {_validation.got(params)}")
    statistics = []

    def remember(node: Any) -> bool:
        if any(cls.__name__ == "BatchStat" for cls in type(node).__mro__):  # of flax.nnx
            statistics.append(type(node).__name__)
        return False

    for path, leaf in tree_flatten_with_path(params, is_leaf=remember)[0]:
        place = f"{name}{keystr(path)}"
        if statistics or any(getattr(key, "key", None) == "batch_stats" for key in path):
            raise ValueError(
                f"{name} holds batch statistics ({statistics[0] if statistics else place}), which are no parameters. "
                "Hand over the parameters alone and let apply close over the rest: in flax.linen variables['params'] "
                "and lambda p, x: model.apply({'params': p, 'batch_stats': variables['batch_stats']}, x), in flax.nnx "
                "what nnx.split(model, nnx.Param, ...) separates"
            )
        if not jnp.issubdtype(getattr(leaf, "dtype", type(leaf)), jnp.floating):
            got = f"dtype {leaf.dtype}" if hasattr(leaf, "dtype") else f"{leaf!r}"
            raise ValueError(
                f"{place} must be a real floating array, got {got}; let apply close over what is no parameter (of an "
                "Equinox model eqx.partition(model, eqx.is_inexact_array) separates it)"
            )
        _validation.refuse_unless_finite(place, leaf)
    return _tree.copied(params)


def refuse_unless_rowwise(apply: Apply, params: Any, x: Any) -> None:
    """Refuse a network whose output at one example depends on the others: a kernel of pairs does not describe it.

    Two examples are computed alone and among a few others; not while JAX traces, where nothing can be compared.
    """
    if size(x) < 2 or any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((params, x))):
        return
    gap, scale, eps = map(float, _beside(apply, params, x))
    if scale == 0 or gap > eps**0.5 * scale:  # outputs that are zero up to rounding, f - f₀ at its start, tell nothing
        along, size_along, _ = map(float, _beside(_along(apply), params, x))
        gap, scale = (gap, max(scale, size_along)) if along <= eps**0.5 * size_along else (along, size_along)
    if gap > eps**0.5 * scale:
        raise ValueError(
            f"apply must give each row from its own input alone, and the outputs at one input change by {gap:.2g} (of "
            f"{scale:.2g}) when others stand beside it, as with BatchNorm or dropout in training mode. Take "
            "evaluation mode: in flax.linen use_running_average=True and deterministic=True, in flax.nnx model.eval(), "
            "in Equinox eqx.nn.inference_mode(model), in Haiku is_training=False"
        )


@functools.lru_cache(maxsize=16)
def _along(apply: Apply) -> Apply:
    """The derivative of the outputs along the parameters: of the size that they have where nothing cancels."""
    return lambda params, x: jax.jvp(lambda p: apply(p, x), (params,), (params,))[1]


@functools.partial(jax.jit, static_argnames=("apply",))
def _beside(apply: Apply, params: Any, x: Any) -> tuple[Array, Array, float]:
    """By how much outputs change when other examples are added, beside their size, and the rounding unit."""
    few = rows(x, slice(16))  # of two alone, a batch that is normalised may have no variance either
    ends = (slice(1), slice(-1, None))  # both: random numbers, for instance, begin alike however many are drawn
    together = apply(params, few)
    together = jnp.concatenate([together[end] for end in ends])
    alone = jnp.concatenate([apply(params, rows(few, end)) for end in ends])
    known = jnp.isfinite(together)  # alone, where the variance is zero, an output may be NaN
    gap = jnp.where(known, jnp.where(jnp.isfinite(alone), jnp.abs(together - alone), jnp.inf), 0)
    return jnp.max(gap), jnp.max(jnp.where(known, jnp.abs(together), 0)), float(jnp.finfo(together.dtype).eps)
