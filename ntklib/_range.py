"""Which numbers may a network have? Deviations, and points that leave room for their moments in their dtype."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ntklib import _arguments
from ntklib.activations import Activation

__all__ = ["deviation", "is_zero", "largest_variance", "refuse_if_too_large", "unit"]


def unit(x: Array, b_std: Any, *, homogeneous: bool) -> Array:
    """A power of two in which points (n, ...) are measured, so that no square leaves the range of the dtype.

    With a homogeneous activation that changes nothing else, if biases are measured in it too; with others it is 1.
    """
    one = jnp.ones((), x.dtype)
    if not homogeneous or not x.size:
        return one
    largest = jnp.max(jnp.abs(jax.lax.stop_gradient(x)))
    if b_std is not None:
        largest = jnp.maximum(largest, jax.lax.stop_gradient(jnp.asarray(b_std, x.dtype)))
    bound = jnp.finfo(x.dtype).maxexp // 2 - 1  # so that the product of two units is within the range too
    exponent = jnp.clip(jnp.frexp(largest)[1], -bound, bound)
    return jnp.where((largest > 0) & jnp.isfinite(largest), jnp.ldexp(one, exponent), one)


def largest_variance(dtype: Any) -> float:
    """Up to which variance before the first activation no product of two, nor the sums of few, leaves the range."""
    return float(jnp.finfo(dtype).max) ** 0.44


def refuse_if_too_large(name: str, x: Array, w_std: Any, activation: Activation, what: str) -> None:
    """Name points whose variance is beyond what the moments are computed for; while JAX traces they give NaN.

    Args:
        name: of the argument.
        x: points, (n, ..., d), whose mean square over the last axis is the variance but for `w_std`.
        w_std: standard deviation of the weights.
        activation: which is not homogeneous.
        what: how the variance is written.
    """
    if isinstance(x, jax.core.Tracer):
        return
    factor = 1.0 if isinstance(w_std, jax.core.Tracer) else float(np.asarray(w_std))
    limit = largest_variance(x.dtype)
    variance = factor**2 * np.mean(np.square(np.asarray(x, float)), -1).max(initial=0)
    if limit < variance < math.inf:
        raise ValueError(
            f"{name} is too large for activation={activation.name!r} in {x.dtype}: {what} is {variance:.2g}, and above "
            f"{limit:.2g} its moments overflow; scale the points down, or compute in float64"
        )


def is_zero(b_std: Any) -> bool:
    """Whether it is known before anything is computed that there are no biases."""
    return isinstance(b_std, int | float) and b_std == 0


def deviation(name: str, value: Any) -> Any:
    """A standard deviation as a number; tracers pass, so that kernels can be differentiated in it.

    Scalars of NumPy and JAX have a dtype of their own, which would override that of the inputs.
    """
    if isinstance(value, jax.core.Tracer) or (type(value) is float and 0 <= value < float("inf")):
        return value
    number = isinstance(value, int | float | np.number | np.ndarray | Array) and not isinstance(value, bool)
    if number and np.ndim(value) == 0 and jnp.issubdtype(jnp.result_type(value), jnp.number):
        if not jnp.iscomplexobj(value) and 0 <= float(value) < float("inf"):
            return float(value)
        value = value.item() if hasattr(value, "item") else value
    what = repr(value) if number and np.ndim(value) == 0 else _arguments.got(value)
    raise ValueError(f"{name} must be a real number, finite and not negative, got {what}")
