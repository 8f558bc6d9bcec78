r"""What does any smooth activation do to a Gaussian pair? Sums over its Hermite coefficients: Mehler's formula."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ntklib._pairs import Pairs, after_activation, safe_divide, safe_sqrt

__all__ = ["moments_of"]

_UNRESOLVED = 1e-4  # rounding in 32 bits explains a tenth of it


def _hermite_functions(order: int, half_width: float = 14.0, step: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    r"""Nodes z, and rows :math:`w(z)\,\mathrm{He}_k(z)/\sqrt{k!}` with the normal density and the step in w.

    Sums over the nodes are then expectations: the trapezoidal rule converges geometrically for a Gaussian
    weight (Trefethen and Weideman 2014). The recurrence runs on the Hermite functions, which stay bounded.
    """
    nodes = round(half_width / step)
    z = step * np.arange(-nodes, nodes + 1)
    rows = np.empty((order, len(z)))
    rows[0] = np.exp(-(z**2) / 4)
    rows[1] = z * rows[0]
    for k in range(2, order):
        rows[k] = (z * rows[k - 1] - np.sqrt(k - 1) * rows[k - 2]) / np.sqrt(k)
    return z, rows * np.exp(-(z**2) / 4) * step / np.sqrt(2 * np.pi)


def moments_of(function: Callable[[Array], Array], order: int) -> Callable[[Pairs], tuple[Pairs, Array]]:
    """What :class:`ntklib.activations.Activation` calls `moments`, for an elementwise function and so many terms."""
    nodes, rows = _hermite_functions(order)
    slope = jax.grad(lambda x: function(x))

    def moments(pairs: Pairs) -> tuple[Pairs, Array]:
        dtype = pairs.gap.dtype
        z, weights, density = jnp.asarray(nodes, dtype), jnp.asarray(rows, dtype), jnp.asarray(rows[0], dtype)

        def coefficients(variance: Array) -> list[Array]:
            u = safe_sqrt(variance.reshape(-1, 1)) * z
            return [resolved(values) for values in (function(u), jax.vmap(jax.vmap(slope))(u))]

        def resolved(values: Array) -> Array:
            """The coefficients (order, n), NaN where their squares do not sum to the mean square."""
            found, whole = weights @ values.T, values**2 @ density
            return jnp.where(jnp.abs(whole - jnp.sum(found**2, 0)) > _UNRESOLVED * whole, jnp.nan, found)

        m, acute = (pairs.gap + pairs.cogap) / 2, pairs.gap <= pairs.cogap
        x = safe_divide(jnp.where(acute, pairs.gap, pairs.cogap), m)  # 1 − |ρ|
        rho = safe_divide(pairs.c, m)
        left, right = coefficients(pairs.a), coefficients(pairs.b)

        def step(total: Any, row: Any) -> tuple[Any, None]:
            near, derivative, power, missing = total  # the last two are |ρ|^k and 1 − |ρ|^k
            sign, value1, value2, slope1, slope2 = row
            value1, value2, slope1, slope2 = value1[:, None], value2[None, :], slope1[:, None], slope2[None, :]
            # of √(a'b') ∓ c', less what the means of the variances have too much: squares, and products times 1 − |ρ|^k
            sign = jnp.where(acute, 1, sign)
            both = value1 * value2 * sign
            near = near + jnp.square(value1 - sign * value2) / 2 + both * missing
            derivative = derivative + slope1 * slope2 * power * jnp.where(acute, 1, -sign)
            return (near, derivative, power * jnp.abs(rho), missing + power * x), None

        signs = jnp.asarray(np.where(np.arange(order) % 2, 1.0, -1.0), dtype)  # of −(−1)^k
        start = (jnp.zeros_like(rho), jnp.zeros_like(rho), jnp.ones_like(rho), jnp.zeros_like(rho))
        (near, derivative, _, _), _ = jax.lax.scan(step, start, (signs, left[0], right[0], left[1], right[1]))
        a = jnp.sum(left[0] ** 2, 0).reshape(pairs.a.shape)
        b = jnp.sum(right[0] ** 2, 0).reshape(pairs.b.shape)
        return after_activation(pairs, a, b, near - jnp.square(safe_sqrt(a) - safe_sqrt(b)) / 2, derivative)

    return moments
