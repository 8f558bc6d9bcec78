r"""How are the derivatives of a network applied in bounded memory, and which step fits its linear model?

Nothing here forms a Jacobian: J v and Jᵀ u are computed for a batch of examples at a time, as long as the compiled
program stays within the memory that is allowed. Parameters are one flat vector.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray
from scipy import linalg

from ntklib import _cholesky, _examples, _memory, _threads

__all__ = ["Around", "LeastStep", "Model", "largest", "least_step", "of"]

Apply = Callable[[Any, Any], Array]

# Of the mean of the diagonal: what is smaller in a sketched kernel says little, and must not be divided by.
_RIDGE = 1e-3
# Of the size of what is fitted: coefficients of another fit that miss by more would only lead astray.
_GUESSED = 0.2
# A larger program works in fresh pages from the system at each call, which cost half as much as the derivatives.
_QUICK = 2**25


class Model:
    """A network on fixed examples, a batch at a time.

    Attributes:
        n: the number of examples.
        k: the number of outputs.
        batch: how many examples a batch has.
        bytes: what the compiled program of a batch takes, beside parameters and examples.
        kept: the bytes that :meth:`around` keeps; 0 if it keeps nothing.
        workers: how many batches are worked on at once.
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
        quick = min(max_bytes, max(_QUICK, 4 * self.flat.size * self.flat.dtype.itemsize))
        self.batch = self.n
        while True:
            ones = jnp.ones((self.batch, self.k), jax.eval_shape(outputs, self.flat, self._rows(0)).dtype)
            lowered = jax.jit(pull).lower(self.flat, self._rows(0), ones[0, 0], ones, ones[:, :1])
            self._pull: Any = lowered.compile()
            stats: Any = self._pull.memory_analysis()
            self.bytes = int(stats.temp_size_in_bytes + stats.output_size_in_bytes) if stats else 0
            if self.bytes <= quick or (self.batch == 1 and self.bytes <= max_bytes):
                break
            if self.batch == 1:
                raise ValueError(
                    f"max_bytes must allow the gradient of one example, {_memory.text(self.bytes)}, got {max_bytes}"
                )
            smaller = -(-self.batch // max(2, -(-self.bytes // quick)))
            shares = -(-self.n // (smaller * _threads.AT_ONCE)) * _threads.AT_ONCE  # that no worker waits at the end
            self.batch = min(smaller, -(-self.n // shares))
        self._linearise = jax.jit(lambda flat, rows: jax.linearize(lambda p: outputs(p, rows), flat)[1])
        self.kept = 0
        if len(self.starts) > 1:  # with one batch the derivatives take less time than to compile them once more
            part = jax.eval_shape(self._linearise, self.flat, self._rows(0))
            kept = len(self.starts) * sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(part))
            self.kept = kept if self.bytes + kept <= max_bytes else 0
        room = (max_bytes - self.kept) // max(self.bytes, 1)
        self.workers = max(1, min(_threads.at_once(), len(self.starts), room))
        self._near: tuple[Any, Any] | None = None

    def around(self, flat: Array) -> "Around":
        """The derivatives at these parameters, for those who ask for many."""
        return Around(self, flat)

    def at(self, x: Any) -> "Model":
        """The same network on other examples, in batches no larger; :meth:`pull` is for the first ones alone."""
        other = copy.copy(self)
        other.x, other.n = x, _examples.size(x)
        other.batch = min(self.batch, other.n)
        return other

    @property
    def starts(self) -> list[int]:
        """Where each batch starts; the last one ends with the examples."""
        return [*range(0, self.n - self.batch, self.batch), self.n - self.batch]

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
        scale, blocks = jnp.asarray(of_outputs, u.dtype), list(self._blocks())
        pieces = [
            (flat, self._rows(start), scale, u[start : start + self.batch], self._weight(new, u.dtype))
            for start, new in blocks
        ]
        for (_, new), (out, gradient) in zip(blocks, _threads.each(self._pull, pieces, self.workers), strict=True):
            values.append(out[new:])
            total = total + gradient
        return jnp.concatenate(values), total

    def _weight(self, new: int, dtype: Any) -> Array:
        """Of the rows of a batch, (batch, 1): 0 for those before the first new one, 1 from there on."""
        return (jnp.arange(self.batch) >= new)[:, None].astype(dtype)

    def near(self, part: Any, flat: Array) -> tuple[Any, Any]:
        """The two programs for what is kept of a batch: J v, and Jᵀ u. Compiled once."""
        if self._near is None:
            out = jax.eval_shape(_forwards, part, flat)
            self._near = (
                jax.jit(_forwards).lower(part, flat).compile(),
                jax.jit(_backwards).lower(part, flat, out).compile(),
            )
        return self._near


class Around:
    """The derivatives of a network at one place: what it computes there is kept if it fits, and not computed anew.

    Of the three times that the network takes for J v or Jᵀ u from the start this leaves two.
    """

    def __init__(self, model: Model, flat: Array) -> None:
        self.model, self.flat = model, flat
        self.parts = [model._linearise(flat, model._rows(start)) for start in model.starts] if model.kept else []
        if self.parts:
            self._forwards, self._backwards = model.near(self.parts[0], flat)

    def push(self, v: Array) -> Array:
        """J v, (n, k)."""
        if not self.parts:
            return self.model.push(self.flat, v)
        pieces, blocks = [(part, v) for part in self.parts], self.model._blocks()
        outputs = _threads.each(self._forwards, pieces, self.model.workers)
        return jnp.concatenate([out[new:] for out, (_, new) in zip(outputs, blocks, strict=True)])

    def pull(self, u: Array) -> Array:
        """Jᵀ u."""
        if not self.parts:
            return self.model.pull(self.flat, u)[1]
        pieces = [
            (part, self.flat, self.model._weight(new, u.dtype) * u[start : start + self.model.batch])
            for part, (start, new) in zip(self.parts, self.model._blocks(), strict=True)
        ]
        total = jnp.zeros_like(self.flat)
        for gradient in _threads.each(self._backwards, pieces, self.model.workers):
            total = total + gradient
        return total


def _forwards(part: Any, v: Array) -> Array:
    return part(v)


def _backwards(part: Any, flat: Array, u: Array) -> Array:
    return jax.linear_transpose(part, flat)(u)[0]


def of(apply: Apply, params: Any, x: Any, max_bytes: int) -> Model:
    """A network on these examples."""
    return Model(apply, params, x, max_bytes)


class LeastStep(NamedTuple):
    """The least step that fits a linear model.

    Attributes:
        step: Δ, flat.
        fitted: J Δ, (n, k).
        dual: the (n, k) from which the step is, Δ = Jᵀ dual.
    """

    step: Array
    fitted: Array
    dual: Array


def least_step(
    model: Model,
    flat: Array,
    change: Array,
    kernel: NDArray,
    *,
    tol: float,
    iterations: int,
    report: Callable[[float], object],
    guess: Array | None = None,
) -> LeastStep:
    r"""The least Δ with :math:`\|J\Delta - r\| \le tol\,\|r\|`, nearly, by conjugate gradients.

    At other inputs J Δ is then kernel regression on r, with the kernel J Jᵀ of all pairs of outputs and without a
    ridge; that kernel is never formed. `kernel` (n, n) is its mean over outputs, or a sketch of it: a wide network has
    nearly this kernel for each output and none between two, so that the steps are preconditioned by it. However far it
    is off, they lead to the same Δ, of the span of Jᵀ. Stopping early is what regularises. `guess` is the dual of a
    fit elsewhere: where the kernel has hardly changed, the same coefficients nearly fit here too, and are begun with.
    """
    ridge = _RIDGE * np.trace(kernel) / model.n + np.finfo(kernel.dtype).tiny
    factor, failed = _cholesky.factor(np.asfortranarray(kernel.astype(float) + ridge * np.eye(model.n)))
    if failed:
        raise linalg.LinAlgError("the kernel must be positive semi-definite, and this one is not")

    def near(rest: Array) -> Array:
        return jnp.asarray(linalg.cho_solve((factor, True), np.asarray(rest, float)), rest.dtype)

    linear = model.around(flat)
    rest, size = change, float(jnp.linalg.norm(change))
    step, fitted, dual = jnp.zeros_like(flat), jnp.zeros_like(change), jnp.zeros_like(change)
    if guess is not None:
        towards = linear.pull(guess)
        along = linear.push(towards)
        if float(jnp.linalg.norm(change - along)) <= _GUESSED * size:
            step, fitted, rest, dual = towards, along, change - along, guess
    solved = near(rest)
    direction, gamma = linear.pull(solved), float(jnp.vdot(rest, solved))
    direction_dual = solved
    for iteration in range(iterations):
        curvature = float(jnp.vdot(direction, direction))
        if not (gamma > 0 and curvature > 0):
            break
        along, share = linear.push(direction), gamma / curvature
        step, fitted, rest = step + share * direction, fitted + share * along, rest - share * along
        dual = dual + share * direction_dual
        report((iteration + 1) / iterations)
        if iteration == iterations - 1 or float(jnp.linalg.norm(rest)) <= tol * size:
            break
        solved = near(rest)
        before, gamma = gamma, float(jnp.vdot(rest, solved))
        direction = linear.pull(solved) + gamma / before * direction
        direction_dual = solved + gamma / before * direction_dual
    return LeastStep(step, fitted, dual)


def largest(model: Model, flat: Array, start: Array, iterations: int) -> float:
    """Nearly the largest eigenvalue of J Jᵀ, never above it: by the power method from `start` (n, k)."""
    linear, found = model.around(flat), 0.0
    for _ in range(iterations):
        direction = linear.pull(start / jnp.linalg.norm(start))
        found = max(found, float(jnp.vdot(direction, direction)))
        start = linear.push(direction)
    return found
