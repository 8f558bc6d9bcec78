r"""How does a network map functions to functions, and what does one pass cost?

:class:`FNO` and :class:`DeepONet` draw and apply networks on functions of the period :math:`2\pi`, to be trained by
:func:`ntklib.dynamics.adam`.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from ntklib import _arguments, _circle, _validation

__all__ = ["FNO", "DeepONet"]

_GELU = 10  # operations that one GELU is counted as


@dataclasses.dataclass(frozen=True)
class FNO:
    r"""A Fourier neural operator on the circle (Li et al. 2021), without the position as an input.

    Values are lifted to `width` channels. A layer takes h to :math:`\sigma(\mathcal F^{-1}(R_k\mathcal Fh) + Wh + b)`:
    the lowest `modes` frequencies are each multiplied by a complex matrix, the others are set to zero; W acts at each
    point. σ is GELU, and the last layer has none. A hidden layer of `head` units at each point reads the answer.

    Args:
        width: number of channels.
        modes: frequencies 0, …, modes − 1 that are kept.
        layers: number of Fourier layers.
        head: units before the output.

    Raises:
        ValueError: for values that are no positive integers.

    >>> net = FNO()
    >>> sum(leaf.size for leaf in jax.tree.leaves(net.init(jax.random.key(0))))
    137537
    """

    width: int = 32
    modes: int = 16
    layers: int = 4
    head: int = 64

    def __post_init__(self) -> None:
        for name in ("width", "modes", "layers", "head"):
            object.__setattr__(self, name, _arguments.count(name, getattr(self, name), 1))

    def init(self, key: Array, *, dtype: DTypeLike = float) -> dict[str, Any]:
        """Draw the parameters; those of the frequencies have a first axis for real and imaginary part.

        Raises:
            ValueError: if the key or the dtype is none.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)
        keys = jax.random.split(key, 2 * self.layers + 3)
        w, shape = self.width, (2, self.modes, self.width, self.width)
        return {
            "lift": _dense(keys[0], 1, w, dtype),
            "frequencies": [jax.random.normal(each, shape, dtype) / w for each in keys[3::2]],
            "points": [_dense(each, w, w, dtype) for each in keys[4::2]],
            "head": _dense(keys[1], w, self.head, dtype),
            "out": _dense(keys[2], self.head, 1, dtype),
        }

    def apply(self, params: Any, u: ArrayLike) -> Array:
        """The answers (m, n) to functions (m, n); n may be another than in training.

        Raises:
            ValueError: if a shape does not fit, or n is less than twice `modes`, minus one.
        """
        _parts(params, ("lift", "frequencies", "points", "head", "out"))
        u = _validation.matrix("u", u)
        if u.shape[1] < 2 * self.modes - 1:
            raise ValueError(f"u must have shape (m, n) with n at least {2 * self.modes - 1}, got {u.shape}")
        h = _affine(params["lift"], u[:, :, None])
        for layer, (real, imaginary) in enumerate(params["frequencies"]):
            spectrum = jnp.fft.rfft(h, axis=1)[:, : self.modes]
            product = jnp.einsum("mkc,kcd->mdk", spectrum, real + 1j * imaginary)
            smooth = jnp.moveaxis(_circle.values_at(product, u.shape[1]), 1, 2)
            h = smooth + _affine(params["points"][layer], h)
            h = h if layer == self.layers - 1 else jax.nn.gelu(h)
        return _affine(params["out"], jax.nn.gelu(_affine(params["head"], h)))[:, :, 0]

    def operations(self, n: int, *, transform: float = 2.5) -> int:
        """Multiplications and additions for one function on n points; transforms as in :func:`burgers_operations`.

        A GELU is counted as ten operations.

        Raises:
            ValueError: if an argument is not of this kind.

        >>> FNO().operations(64)
        1679360
        """
        n, w = _arguments.count("n", n, 2 * self.modes - 1), self.width
        layer = 2 * w * _circle.transform_operations(n, transform) + 8 * self.modes * w * w + n * (2 * w * w + w)
        between = (self.layers - 1) * n * w * _GELU
        ends = n * 2 * w + n * (2 * w * self.head + self.head * _GELU + 2 * self.head)
        return round(self.layers * layer + between + ends)


@dataclasses.dataclass(frozen=True)
class DeepONet:
    r"""A deep operator network on the circle (Lu et al. 2021): :math:`\sum_k b_k(u)\,t_k(x)` by two networks.

    The branch net has the values of u at the sensors, the trunk net :math:`\cos jx, \sin jx` for j up to `waves`; each
    has two hidden layers of GELU.

    Args:
        sensors: number of values of u.
        width: of the hidden layers.
        terms: number of terms of the sum.
        waves: highest frequency given to the trunk.

    Raises:
        ValueError: for values that are no positive integers.

    >>> net = DeepONet(sensors=32)
    >>> params = net.init(jax.random.key(0))
    >>> net.apply(params, jnp.ones((5, 32))).shape, net.apply(params, jnp.ones((5, 32)), points=100).shape
    ((5, 32), (5, 100))
    """

    sensors: int = 64
    width: int = 128
    terms: int = 100
    waves: int = 4

    def __post_init__(self) -> None:
        for name in ("sensors", "width", "terms", "waves"):
            object.__setattr__(self, name, _arguments.count(name, getattr(self, name), 1))

    def init(self, key: Array, *, dtype: DTypeLike = float) -> dict[str, Any]:
        """Draw the parameters.

        Raises:
            ValueError: if the key or the dtype is none.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)

        def network(key: Array, inputs: int) -> list[tuple[Array, Array]]:
            sizes = (inputs, self.width, self.width, self.terms)
            keys = jax.random.split(key, 3)
            return [_dense(*pair, dtype) for pair in zip(keys, sizes[:-1], sizes[1:], strict=True)]

        branch, trunk = jax.random.split(key)
        return {"branch": network(branch, self.sensors), "trunk": network(trunk, 2 * self.waves)}

    def apply(self, params: Any, u: ArrayLike, points: int | None = None) -> Array:
        """The answers (m, points) at equidistant points to functions (m, sensors); as many as sensors if None.

        Raises:
            ValueError: if a shape does not fit.
        """
        _parts(params, ("branch", "trunk"))
        u = _validation.matrix("u", u, columns=self.sensors)
        points = self.sensors if points is None else _arguments.count("points", points, 1)
        angles = np.outer(2 * np.pi * np.arange(points) / points, np.arange(1, self.waves + 1))
        waves = jnp.asarray(np.hstack([np.cos(angles), np.sin(angles)]), u.dtype)
        return _network(params["branch"], u) @ _network(params["trunk"], waves).T / math.sqrt(self.terms)

    def operations(self, points: int) -> int:
        """Multiplications and additions for one function; the trunk is the same for all and not counted.

        Raises:
            ValueError: if the number of points is no positive integer.

        >>> DeepONet().operations(64)
        90112
        """
        points = _arguments.count("points", points, 1)
        weights = self.sensors * self.width + self.width**2 + self.width * self.terms
        return 2 * weights + 2 * self.width * _GELU + 2 * points * self.terms


def _dense(key: Array, fan_in: int, fan_out: int, dtype: DTypeLike) -> tuple[Array, Array]:
    return jax.random.normal(key, (fan_in, fan_out), dtype) / math.sqrt(fan_in), jnp.zeros(fan_out, dtype)


def _affine(layer: Any, h: Array) -> Array:
    weight, bias = layer
    return h @ weight + bias


def _network(layers: Any, h: Array) -> Array:
    for layer in layers[:-1]:
        h = jax.nn.gelu(_affine(layer, h))
    return _affine(layers[-1], h)


def _parts(params: Any, names: tuple[str, ...]) -> None:
    """Refuse parameters that :meth:`init` of the network does not draw."""
    _validation.parameters("params", params)
    if not isinstance(params, dict) or set(params) != set(names):
        raise ValueError(f"params must be as init draws them, with {', '.join(names)}, got {_validation.got(params)}")
