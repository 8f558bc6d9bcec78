r"""How are the derivatives of a network applied in bounded memory, and which step fits its linear model?

Nothing here forms a Jacobian: J v and Jᵀ u are computed for a batch of examples at a time, as long as the compiled
program stays within the memory that is allowed. Parameters are one flat vector.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from ntklib import _examples, _memory

__all__ = ["LeastStep", "Model", "least_step", "of"]

Apply = Callable[[Any, Any], Array]


class Model:
    """A network on fixed examples, a batch at a time.

    Attributes:
        n: the number of examples.
        k: the number of outputs.
        batch: how many examples a batch has.
        bytes: what the compiled program of a batch takes, beside parameters and examples.
    """

    def __init__(self, apply: Apply, params: Any, x: Any, max_bytes: int) -> None:
        self.flat, self.unravel = ravel_pytree(params)
        self.x, (self.n, self.k) = x, _examples.output_shape(apply, params, "x", x)

        def outputs(flat: Array, rows: Any) -> Array:
            return apply(self.unravel(flat), rows)

        def pull(flat: Array, rows: Any, scale: Array, shift: Array, weight: Array) -> tuple[Array, Array]:
            values, back = jax.vjp(lambda p: outputs(p, rows), flat)
            return values, back(weight * (scale * values + shift).astype(values.dtype))[0]

        self._outputs = jax.jit(outputs)
        self._push = jax.jit(lambda flat, rows, v: jax.jvp(lambda p: outputs(p, rows), (flat,), (v,))[1])
        self.batch = self.n
        while True:
            self.starts = [*range(0, self.n - self.batch, self.batch), self.n - self.batch]
            ones = jnp.ones((self.batch, self.k), jax.eval_shape(outputs, self.flat, self._rows(0)).dtype)
            lowered = jax.jit(pull).lower(self.flat, self._rows(0), ones[0, 0], ones, ones[:, :1])
            self._pull: Any = lowered.compile()
            stats: Any = self._pull.memory_analysis()
            self.bytes = int(stats.temp_size_in_bytes + stats.output_size_in_bytes) if stats else 0
            if self.bytes <= max_bytes:
                break
            if self.batch == 1:
                raise ValueError(
                    f"max_bytes must allow the gradient of one example, {_memory.text(self.bytes)}, got {max_bytes}"
                )
            self.batch = -(-self.batch // 2)

    def _rows(self, start: int) -> Any:
        return _examples.rows(self.x, slice(start, start + self.batch))

    def _blocks(self) -> Any:
        """Where each batch starts, and from which of its rows on it is new: the last one reaches back."""
        done = 0
        for start in self.starts:
            yield start, done - start
            done = start + self.batch

    def outputs(self, flat: Array) -> Array:
        """The outputs (n, k)."""
        return jnp.concatenate([self._outputs(flat, self._rows(start))[new:] for start, new in self._blocks()])

    def push(self, flat: Array, v: Array) -> Array:
        """J v, (n, k)."""
        return jnp.concatenate([self._push(flat, self._rows(start), v)[new:] for start, new in self._blocks()])

    def pull(self, flat: Array, u: Array, of_outputs: float = 0.0) -> tuple[Array, Array]:
        """The outputs f, and Jᵀ(c f + u) with the number c = `of_outputs`."""
        values, total = [], jnp.zeros_like(flat)
        for start, new in self._blocks():
            weight = (jnp.arange(self.batch) >= new)[:, None].astype(u.dtype)
            scale, shift = jnp.asarray(of_outputs, u.dtype), u[start : start + self.batch]
            out, gradient = self._pull(flat, self._rows(start), scale, shift, weight)
            values.append(out[new:])
            total = total + gradient
        return jnp.concatenate(values), total


def of(apply: Apply, params: Any, x: Any, max_bytes: int) -> Model:
    """A network on these examples."""
    return Model(apply, params, x, max_bytes)


class LeastStep(NamedTuple):
    """The least step that fits a linear model.

    Attributes:
        step: Δ, flat.
        fitted: J Δ, (n, k).
        largest: the largest of ‖J p‖²/‖p‖² that were met: nearly the largest eigenvalue of J Jᵀ, never above it.
    """

    step: Array
    fitted: Array
    largest: float


def least_step(
    model: Model, flat: Array, change: Array, *, tol: float, iterations: int, report: Callable[[float], object]
) -> LeastStep:
    r"""The least Δ with :math:`\|J\Delta - r\| \le tol\,\|r\|`, nearly, by conjugate gradients (CGLS).

    At other inputs J Δ is then kernel regression on r, with the kernel J Jᵀ of all pairs of outputs and without a
    ridge; the kernel itself is never formed. Stopping early is what regularises it.
    """
    rest, size = change, float(jnp.linalg.norm(change))
    step, fitted, largest = jnp.zeros_like(flat), jnp.zeros_like(change), 0.0
    gradient = model.pull(flat, rest)[1]
    direction, gamma = gradient, float(jnp.vdot(gradient, gradient))
    for iteration in range(iterations):
        along = model.push(flat, direction)
        curvature, length = float(jnp.vdot(along, along)), float(jnp.vdot(direction, direction))
        if not (gamma > 0 and curvature > 0):
            break
        largest = max(largest, curvature / length)
        share = gamma / curvature
        step, fitted, rest = step + share * direction, fitted + share * along, rest - share * along
        report((iteration + 1) / iterations)
        if float(jnp.linalg.norm(rest)) <= tol * size:
            break
        gradient = model.pull(flat, rest)[1]
        before, gamma = gamma, float(jnp.vdot(gradient, gradient))
        direction = gradient + gamma / before * direction
    return LeastStep(step, fitted, largest)
