r"""How is a kernel replaced by a finite list of features? By drawing random ones whose products average to it.

Both functions return features z with :math:`\mathbb E[z(x)^\top z(y)] = k(x, y)`. The same key gives the same
features for every set of points, so a training and a test set are mapped alike by calling twice.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ntklib import _validation

__all__ = ["random_fourier", "random_relu"]


def random_fourier(
    key: Array, x: ArrayLike, n_features: int, *, lengthscale: ArrayLike = 1.0, phase: bool = False
) -> Array:
    r"""Random Fourier features of the kernel :math:`k(x - y) = \exp(-\|x - y\|^2/(2\ell^2))` (Rahimi and Recht 2007).

    With frequencies :math:`\omega_j \sim N(0, \ell^{-2})` and D features, either D/2 pairs
    :math:`\sqrt{2/D}\,(\cos\omega_j^\top x, \sin\omega_j^\top x)`, or with a phase
    :math:`\sqrt{2/D}\,\cos(\omega_j^\top x + b_j)`, :math:`b_j` uniform on the circle. The product of two points at
    difference :math:`\Delta` is unbiased for :math:`k(\Delta)`, with the variances
    :math:`(1 + k(2\Delta) - 2k(\Delta)^2)/D` and :math:`(1 + \frac12 k(2\Delta) - k(\Delta)^2)/D` (Sutherland and
    Schneider 2015). Pairs also give each point exactly the norm 1.

    Args:
        key: a JAX random key.
        x: points, (n, d).
        n_features: D; even for pairs, whose D/2 cosines come first.
        lengthscale: :math:`\ell > 0`, a number or one for each coordinate (d,).
        phase: one cosine with a random phase for each frequency, instead of the pair.

    Returns:
        (n, D), in the dtype of `x`.

    Raises:
        ValueError: if a shape or dtype does not fit, D is not a positive integer or is odd for pairs, or a length scale
            is not positive.

    >>> z = random_fourier(jax.random.key(0), jnp.array([[0.0, 0.0], [1.0, 0.0]]), 10_000)
    >>> [round(float(product), 1) for product in (z @ z.T)[0]]  # 1 and exp(−½) = 0.61
    [1.0, 0.6]
    """
    _validation.key("key", key)
    points = _validation.matrix("x", x)
    n_features = _validation.count("n_features", n_features, 1)
    if n_features % 2 and not _validation.flag("phase", phase):
        raise ValueError(f"n_features must be even, for pairs of a cosine and a sine, got {n_features}")
    _validation.lengthscale(lengthscale, points.shape[1])
    phase = _validation.flag("phase", phase)
    return _fourier(key, points, jnp.asarray(lengthscale, points.dtype), n_features=n_features, phase=phase)


def random_relu(key: Array, x: ArrayLike, n_features: int, *, bias: float = 0.0) -> Array:
    r"""Random ReLU features :math:`\sqrt{2/D}\,\max(w_j^\top x + b_j, 0)`: a hidden layer as drawn, not trained.

    With standard normal weights and :math:`b_j \sim N(0, b^2)` the product of two points is unbiased for the arc-cosine
    kernel of order 1, ``ntklib.kernels.ArcCosine(1, bias=b)`` (Cho and Saul 2009).

    Args:
        key: a JAX random key.
        x: points, (n, d).
        n_features: how many features, D.
        bias: standard deviation of the biases, b; 0 for none.

    Returns:
        (n, D), in the dtype of `x`.

    Raises:
        ValueError: if a shape or dtype does not fit, D is not a positive integer, or `bias` is negative.

    >>> z = random_relu(jax.random.key(0), jnp.eye(2), 10_000)
    >>> [round(float(product), 1) for product in (z @ z.T)[0]]  # 1 and 1/π
    [1.0, 0.3]
    """
    _validation.key("key", key)
    points = _validation.matrix("x", x)
    n_features = _validation.count("n_features", n_features, 1)
    _validation.number("bias", bias)
    return _relu(key, points, jnp.asarray(bias, points.dtype), n_features=n_features)


@functools.partial(jax.jit, static_argnames=("n_features", "phase"))
def _fourier(key: Array, x: Array, lengthscale: Array, *, n_features: int, phase: bool) -> Array:
    frequency_key, phase_key = jax.random.split(key)
    count = n_features if phase else n_features // 2
    frequencies = jax.random.normal(frequency_key, (x.shape[1], count), x.dtype)
    angle = jnp.matmul(x / lengthscale, frequencies, precision="highest")
    scale = jnp.sqrt(jnp.asarray(2 / n_features, x.dtype))
    if phase:
        return scale * jnp.cos(angle + jax.random.uniform(phase_key, (count,), x.dtype, 0, 2 * jnp.pi))
    return scale * jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=1)


@functools.partial(jax.jit, static_argnames=("n_features",))
def _relu(key: Array, x: Array, bias: Array, *, n_features: int) -> Array:
    weight_key, bias_key = jax.random.split(key)
    weights = jax.random.normal(weight_key, (x.shape[1], n_features), x.dtype)
    biases = bias * jax.random.normal(bias_key, (n_features,), x.dtype)
    z = jnp.matmul(x, weights, precision="highest") + biases
    return jnp.sqrt(jnp.asarray(2 / n_features, x.dtype)) * jax.nn.relu(z)
