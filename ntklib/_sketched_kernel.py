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
from numpy.typing import NDArray

from ntklib import _examples
from ntklib._linear_model import Model
from ntklib.mlp import MLP
from ntklib.tangent import empirical_ntk

__all__ = ["jackknife", "kernels", "probes_of", "rank_of"]

Apply = Callable[[Any, Any], Array]


def probes_of(k: int, count: int, seed: int) -> NDArray:
    """The combinations, (s, k), of length 1: unit vectors if so many are allowed, else random, at right angles."""
    if count >= k:
        return np.eye(k)
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((k, count)))[0].T


def kernels(
    apply: Apply, model: Model, flat: Array, probes: NDArray, max_bytes: int, report: Callable[[float], object]
) -> NDArray:
    """The kernel by each of the probes, (s, n, n); their mean over s is the kernel.

    One example at a time, with all its gradients of a probe in memory, or a block of them where they do not fit.
    """
    owner = getattr(apply, "__self__", None)
    if type(owner) is MLP and apply == owner.apply:
        return np.asarray(empirical_ntk(apply, model.unravel(flat), model.x))[None]
    n, dtype = model.n, np.dtype(flat.dtype)
    size = max(1, min(n, max_bytes // (2 * flat.size * dtype.itemsize)))
    if n * flat.size * dtype.itemsize <= max_bytes:
        size = n

    @jax.jit
    def gradient(flat: Array, row: Any, probe: Array) -> Array:
        return jax.grad(lambda p: jnp.vdot(probe, apply(model.unravel(p), row)[0]))(flat)

    def block(start: int, probe: Array) -> NDArray:
        rows = range(start, min(start + size, n))
        found = np.empty((len(rows), flat.size), dtype)
        for i in rows:
            found[i - start] = gradient(flat, _examples.rows(model.x, slice(i, i + 1)), probe)
        return found

    starts, result = range(0, n, size), np.empty((len(probes), n, n), dtype)
    done, total = 0, len(probes) * len(starts) * (len(starts) + 1) // 2
    for matrix, probe in zip(result, jnp.asarray(probes, dtype), strict=True):
        for i in starts:
            left = block(i, probe)
            for j in range(0, i + 1, size):
                right = left if i == j else block(j, probe)
                part = left @ right.T
                matrix[i : i + size, j : j + size] = part
                matrix[j : j + size, i : i + size] = part.T
                done += 1
                report(done / total)
    return result


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
