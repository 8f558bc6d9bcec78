r"""What is a function of the period :math:`2\pi` that is given at equidistant points, and what do its transforms cost?

The values stand at :math:`2\pi i/n`. Solvers and networks of functions compute with both: values and frequencies.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike
from numpy.typing import NDArray

from ntklib import _arguments, _validation

__all__ = ["interpolate", "of_jax", "of_numpy", "random_functions", "transform_operations", "values_at"]


def random_functions(
    key: Array, m: int, n: int, modes: int = 8, *, decay: float = 2.0, dtype: DTypeLike = float
) -> Array:
    r"""Gaussian random functions of mean zero, with a mean square of one in expectation, from few frequencies.

    :math:`\sum_k s_k(a_k\cos kx + b_k\sin kx)` with standard normal :math:`a_k, b_k` and :math:`s_k \propto
    (k^2 + 1)^{-\mathrm{decay}/2}`. Which functions are drawn does not depend on n.

    Args:
        key: a JAX random key.
        m: how many.
        n: number of points, more than twice `modes`.
        modes: highest frequency.
        decay: with 0 all frequencies are alike.
        dtype: of the values.

    Returns:
        (m, n).

    Raises:
        ValueError: if an argument is not of this kind.

    >>> coarse, fine = (random_functions(jax.random.key(0), 2, n) for n in (32, 64))
    >>> bool(jnp.allclose(coarse, fine[:, ::2], atol=1e-5))
    True
    """
    _validation.key("key", key)
    _validation.dtype("dtype", dtype)
    m, modes = _arguments.count("m", m, 1), _arguments.count("modes", modes, 1)
    n = _arguments.count("n", n, 2 * modes + 1)
    decay = float(_arguments.number("decay", decay))
    k = np.arange(1, modes + 1)
    sizes = (k**2 + 1.0) ** (-decay / 2)
    sizes /= math.sqrt(np.sum(sizes**2))
    waves = np.outer(k, 2 * np.pi * np.arange(n) / n)
    a, b = jax.random.normal(key, (2, m, modes), dtype)
    kind = a.dtype
    return (a * sizes.astype(kind)) @ np.cos(waves).astype(kind) + (b * sizes.astype(kind)) @ np.sin(waves).astype(kind)


def interpolate(u: ArrayLike, points: int) -> NDArray[np.float64]:
    """Values at other equidistant points of the trigonometric polynomials through given values.

    Args:
        u: (..., n).
        points: how many are wanted.

    Returns:
        (..., points).

    Raises:
        ValueError: if an argument is not of this kind.

    >>> x, fine = (2 * np.pi * np.arange(n) / n for n in (6, 10))
    >>> bool(np.allclose(interpolate(np.cos(2 * x), 10), np.cos(2 * fine)))
    True
    """
    values = of_numpy("u", u)
    points, n = _arguments.count("points", points, 1), values.shape[-1]
    finer = points * -(-n // points)  # a multiple of the points that is not coarser than u
    spectrum = np.fft.rfft(values)
    if n % 2 == 0 and finer > n:
        spectrum[..., -1] /= 2  # the highest frequency stands for itself and for its negative
    whole = np.zeros((*values.shape[:-1], finer // 2 + 1), complex)
    whole[..., : spectrum.shape[-1]] = spectrum * (finer / n)
    return np.fft.irfft(whole, finer)[..., :: finer // points]


def of_numpy(name: str, u: ArrayLike) -> NDArray[np.float64]:
    """Given functions as an array of NumPy's (..., n)."""
    values = _arguments.array_of_numpy(name, u).astype(float)
    if values.ndim < 1 or not values.size:
        raise ValueError(f"{name} must have shape (..., n), got {_arguments.got(values)}")
    return values


def of_jax(name: str, u: ArrayLike) -> Array:
    """Given functions as an array of JAX's (..., n), in their own precision."""
    return _validation.array(name, u, "(..., n)", lambda shape: len(shape) > 0 and shape[-1] > 0)


def values_at(frequencies: Array, n: int) -> Array:
    """The values at n points of functions with these frequencies, the others being zero."""
    missing = n // 2 + 1 - frequencies.shape[-1]
    padded = jnp.pad(frequencies, [(0, 0)] * (frequencies.ndim - 1) + [(0, missing)])
    return jnp.fft.irfft(padded, n)


def transform_operations(n: int, factor: float) -> float:
    r"""A real transform of n values as :math:`\mathrm{factor}\cdot n\log_2n` operations."""
    return float(_arguments.number("transform", factor)) * n * math.log2(n)
