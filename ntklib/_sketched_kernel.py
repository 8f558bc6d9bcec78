r"""What is the tangent kernel of a large network, seen through a few random combinations of its outputs?

The mean over k outputs of the kernel of each with itself is the expectation of
:math:`\nabla(r^\top f)(x)^\top\nabla(r^\top f)(x')` for a random direction r. A few of these probes, the same ones
before and after training, cost that many gradients an input instead of k, and their spread says how far the mean is
off. They stand at right angles to each other, so that of few outputs no two of them say the same. With as many probes
as outputs the unit vectors are taken, and the kernel is exact.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from ntklib import _examples, _threads
from ntklib._linear_model import Model
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk

__all__ = ["jackknife", "of", "probes_of", "rank_of"]

Apply = Callable[[Any, Any], Array]

_COLUMNS = 2**14  # of the gradients that are multiplied at once, at most: these are small beside the gradients
_LARGE = 2**20  # bytes: a smaller gradient takes no longer than to hand it to a thread


def probes_of(k: int, count: int, seed: int) -> NDArray:
    """The combinations, (s, k), of length 1: unit vectors if so many are allowed, else random, at right angles."""
    if count >= k:
        return np.eye(k)
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((k, count)))[0].T


def of(
    apply: Apply, model: Model, probes: NDArray, max_bytes: int
) -> Callable[[Array, Callable[[float], object]], NDArray]:
    """A function of parameters: the kernel by each of the probes, (s, n, n); their mean over s is the kernel.

    One example at a time, with all its gradients of a probe in memory, or a block of them where they do not fit.
    """
    owner = getattr(apply, "__self__", None)
    if type(owner) is MLP and apply == owner.apply:
        return lambda flat, report: np.asarray(empirical_ntk(apply, model.unravel(flat), model.x))[None]
    n, dtype = model.n, np.dtype(model.flat.dtype)
    gradients = model.flat.size * dtype.itemsize
    size = n if n * gradients <= max_bytes else max(1, min(n, max_bytes // (2 * gradients)))

    # in pieces that lie together, as they are multiplied: those of _COLUMNS, and what is left
    pieces, rest = divmod(model.flat.size, _COLUMNS)

    @jax.jit
    def gradient(params: Any, row: Any, probe: Array) -> tuple[Array, Array]:
        found = ravel_pytree(jax.grad(lambda p: jnp.vdot(probe, apply(p, row)[0]))(params))[0]
        return found[: pieces * _COLUMNS].reshape(pieces, _COLUMNS), found[pieces * _COLUMNS :]

    workers = _threads.at_once() if gradients >= _LARGE else 1
    program: Any = gradient
    if workers > 1:
        first = _examples.rows(model.x, slice(1))
        program = gradient.lower(model.unravel(model.flat), first, jnp.zeros(model.k, dtype)).compile()

    def block(params: Any, start: int, probe: Array, whole: NDArray, left: NDArray) -> list[NDArray]:
        def put(i: int, row: Any) -> None:
            whole[:, i - start], left[i - start] = program(params, row, probe)

        rows = range(start, min(start + size, n))
        for _ in _threads.each(put, [(i, _examples.rows(model.x, slice(i, i + 1))) for i in rows], workers):
            pass
        return [*whole[:, : len(rows)], left[: len(rows)]]

    def kernels(flat: Array, report: Callable[[float], object]) -> NDArray:
        starts, result = range(0, n, size), np.empty((len(probes), n, n), dtype)
        # one piece of memory for all probes: fresh pages take longer than the gradients that are written there
        held = [
            (np.empty((pieces, size, _COLUMNS), dtype), np.empty((size, rest), dtype))
            for _ in range(2 if size < n else 1)
        ]
        params = model.unravel(flat)
        done, total = 0, len(probes) * len(starts) * (len(starts) + 1) // 2
        for matrix, probe in zip(result, jnp.asarray(probes, dtype), strict=True):
            for i in starts:
                left = block(params, i, probe, *held[0])
                for j in range(0, i + 1, size):
                    right = left if i == j else block(params, j, probe, *held[1])
                    part = _products(left, right)
                    matrix[i : i + size, j : j + size] = part
                    matrix[j : j + size, i : i + size] = part.T
                    done += 1
                    report(done / total)
        return result

    return kernels


@jax.jit
def _product(left: Array, right: Array) -> Array:
    return jnp.matmul(left, right.T, precision="highest")


def _products(left: list[NDArray], right: list[NDArray]) -> NDArray:
    """All scalar products of rows in pieces, by XLA: with few long rows NumPy's library takes ten times as long."""
    total = np.zeros((len(left[0]), len(right[0])), left[0].dtype)
    for first, second in zip(left, right, strict=True):
        total += np.asarray(_product(first, second))
    return total


def rank_of(kernel: NDArray) -> float:
    r"""The participation ratio of the eigenvalues, :math:`(\sum\lambda)^2/\sum\lambda^2`: how many count."""
    return float(np.trace(kernel) ** 2 / np.sum(np.square(kernel)))


def jackknife(measure: Callable[..., float], *sketches: NDArray) -> tuple[float, float]:
    """A measure of the means of sketches (s, n, n), and its standard error from leaving out each probe in turn."""
    value, count = measure(*(sketch.mean(0) for sketch in sketches)), len(sketches[0])
    if count == 1:
        return value, float("nan")
    without = [measure(*(np.delete(sketch, j, 0).mean(0) for sketch in sketches)) for j in range(count)]
    return value, float(np.sqrt((count - 1) * np.var(without)))
