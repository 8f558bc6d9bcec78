r"""What is a convolutional network, at finite and at infinite width, and what is a kernel averaged over shifts?

:class:`ConvNet` is to images what :class:`ntklib.mlp.MLP` is to points: it draws and applies finite networks, and has
their two kernels in the limit of infinitely many channels. The points of these kernels are images. :func:`averaged`
takes the mean of any kernel over a group of shifts, and :func:`of_rows` makes of a kernel of images one of rows, for
scikit-learn and everything else that knows rows only.

>>> from ntklib.posterior import condition
>>> images, y = jax.random.normal(jax.random.key(0), (3, 4, 4)), jnp.array([1.0, 0.0, -1.0])
>>> posterior = condition(ConvNet(depth=1, pool="global").ntk, images, y, noise=0.1)
>>> moved = jnp.roll(images, (1, 2), axis=(1, 2))  # on a torus a mean over all positions does not see it
>>> bool(jnp.allclose(posterior.mean(moved), posterior.mean(images), atol=1e-4))
True
"""

import dataclasses
import functools
import math
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from ntklib import _draws, _range, _tree, _validation
from ntklib._averaged import Averaged, OfRows, image_shape
from ntklib._conv_kernel import POOLS, ConvKernel, check
from ntklib.activations import Activation, by_name
from ntklib.kernels import Kernel
from ntklib.mlp import Layer, Params

__all__ = ["Averaged", "ConvKernel", "ConvNet", "OfRows", "alias", "averaged", "of_rows"]

_STATIC: Any = {"static": True}


@dataclasses.dataclass(frozen=True)
class ConvNet:
    r"""A convolutional network with Gaussian weights, without strides, and its kernels at infinite width.

    Each hidden layer is ``activation(w_std * W ∗ h / sqrt(f² c) + b_std * b)``, with a filter of f × f positions and
    the c channels of the layer before, all entries standard normal; the readout is the dense layer of an
    :class:`~ntklib.mlp.MLP` on what is left of the last maps, in the same parameterisation, ``"ntk"``.

    Args:
        depth: number of hidden layers, at least 0.
        pool: of the last maps, ``"global"`` keeps the mean over all positions, ``"height"`` and ``"width"`` the means
            along that axis, ``"none"`` everything.
        activation: as of :class:`~ntklib.mlp.MLP`; erf and ReLU are the fastest.
        filter_size: f, odd.
        padding: ``"circular"``, for images on a torus, or ``"zeros"`` around each map. Either way maps are as large as
            images.
        w_std: standard deviation of the weights, times the root of the fan-in.
        b_std: standard deviation of the biases; with 0 there are none.
        out_dim: number of outputs, k.

    Raises:
        ValueError: for values outside of these.

    A network is a JAX tree whose leaves are `w_std` and `b_std`.

    >>> net, images = ConvNet(depth=2, pool="global"), jax.random.normal(jax.random.key(0), (5, 8, 8))
    >>> params = net.init(jax.random.key(1), images.shape[1:], width=16)
    >>> net.apply(params, images).shape, net.ntk(images).shape
    ((5, 1), (5, 5))
    """

    depth: int = dataclasses.field(default=1, metadata=_STATIC)
    pool: Literal["none", "global", "height", "width"] = dataclasses.field(default="none", metadata=_STATIC)
    activation: str | Activation = dataclasses.field(default="relu", metadata=_STATIC)
    filter_size: int = dataclasses.field(default=3, metadata=_STATIC)
    padding: Literal["circular", "zeros"] = dataclasses.field(default="circular", metadata=_STATIC)
    w_std: float = 2**0.5
    b_std: float = 0.0
    out_dim: int = dataclasses.field(default=1, metadata=_STATIC)

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "out_dim", _validation.count("out_dim", self.out_dim, 1))

    @property
    def has_bias(self) -> bool:
        """Whether the layers have biases: as of :attr:`ntklib.mlp.MLP.has_bias`."""
        return not _range.is_zero(self.b_std)

    def init(self, key: Array, shape: tuple[int, ...], width: int, *, dtype: DTypeLike = float) -> Params:
        """Draw a finite network.

        Args:
            key: a JAX random key.
            shape: of one image, (h, w) or (h, w, c).
            width: number of channels of each hidden layer.
            dtype: of the parameters; the default is JAX's own, float32 unless 64 bits are switched on.

        Returns:
            `depth` layers with weights (f, f, fan_in, width), and the readout, (fan_in, k).

        Raises:
            ValueError: if an argument is not as said.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)
        height, breadth, *channels = image_shape("shape", shape)
        width = _validation.count("width", width, 1)
        sizes = [channels[0] if channels else 1] + [width] * self.depth
        f, axes = self.filter_size, POOLS[self.pool]
        left = math.prod(number for axis, number in enumerate((height, breadth)) if axis not in axes)
        shapes = [(f, f, fan_in, width) for fan_in in sizes[:-1]] + [(left * sizes[-1], self.out_dim)]
        weights, biases = _draws.layers(key, tuple(shapes), bias=self.has_bias, dtype=dtype)
        return tuple(map(Layer, weights, biases))

    def apply(self, params: Params, x: ArrayLike) -> Array:
        """The outputs (n, k) of the network with these parameters at images `x`, (n, h, w) or (n, h, w, c).

        Raises:
            ValueError: if the number of layers, the shape of `x`, or its dtype does not fit, or, not while JAX traces,
                an input or a parameter is not finite.
        """
        maps = self.maps(params, x)
        return self.read_out(params[-1], maps)

    def maps(self, params: Params, x: ArrayLike) -> Array:
        """The last hidden maps (n, h, w, width), which move as the images do if padding is circular.

        Raises:
            ValueError: as :meth:`apply`.
        """
        _validation.layers("params", params, self.depth + 1)
        h = _validation.images("x", x)
        h = h[..., None] if h.ndim == 3 else h
        if self.depth and h.shape[-1] != params[0].weight.shape[2]:
            raise ValueError(f"x must have {params[0].weight.shape[2]} channels, got shape {h.shape}")
        function = by_name(self.activation).function
        for layer in params[:-1]:
            h = function(self.convolve(layer, h))
        return h

    def convolve(self, layer: Layer, h: Array) -> Array:
        """What one hidden layer makes of maps (n, h, w, c), before the activation: (n, h, w, width).

        A network with strides, or one that takes the largest of neighbours, is a few of these with something in
        between.
        """
        size = layer.weight.shape[0]
        around = ((0, 0), *((size // 2, size // 2),) * 2, (0, 0))
        padded = jnp.pad(h, around, mode="wrap") if self.padding == "circular" else jnp.pad(h, around)
        z = jax.lax.conv_general_dilated(
            padded, layer.weight, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest"
        )
        z = z * (self.w_std / math.prod(layer.weight.shape[:3]) ** 0.5)
        return z if layer.bias is None else z + self.b_std * layer.bias

    def read_out(self, layer: Layer, maps: Array) -> Array:
        """The outputs (n, k) that the readout makes of maps (n, h, w, c), pooled as the network says."""
        axes = tuple(axis + 1 for axis in POOLS[self.pool])
        left = jnp.mean(maps, axes).reshape(len(maps), -1) if axes else maps.reshape(len(maps), -1)
        if left.shape[1] != len(layer.weight):
            raise ValueError(
                f"maps must leave {len(layer.weight)} numbers for each image, got {left.shape[1]} of {maps.shape}: the "
                "images are not of the shape that the network was made for"
            )
        z = left @ layer.weight * (self.w_std / len(layer.weight) ** 0.5)
        return z if layer.bias is None else z + self.b_std * layer.bias

    @functools.cached_property
    def nngp(self) -> ConvKernel:
        r"""Covariance of one output at initialisation as the number of channels grows.

        With :math:`A` the mean over the patches around two positions,
        :math:`K^1 = \sigma_w^2 A(x x'^\top/c) + \sigma_b^2` and
        :math:`K^{l+1} = \sigma_w^2 A(\mathbb E[\phi(u)\phi(v)]) + \sigma_b^2` with :math:`(u, v) \sim N(0, K^l)`; the
        readout takes the mean over all pairs of positions if it pools, of equal positions if not (Novak et al. 2019).

        A kernel whose points are images: see :class:`ConvKernel`.

        >>> ConvNet(depth=1).nngp(jnp.ones((2, 3, 3))).round(3).tolist()
        [[2.0, 2.0], [2.0, 2.0]]
        """
        return self._kernel("nngp")

    @functools.cached_property
    def ntk(self) -> ConvKernel:
        r"""The neural tangent kernel of one output as the number of channels grows (Arora et al. 2019).

        :math:`\Theta^1 = K^1` and
        :math:`\Theta^{l+1} = K^{l+1} + \sigma_w^2 A(\mathbb E[\phi'(u)\phi'(v)]\,\Theta^l)`, and the readout as that of
        :attr:`nngp`. Without pooling it is the kernel of the network that shares no weights, too.

        >>> ConvNet(depth=1).ntk(jnp.ones((1, 3, 3))).round(3).tolist()
        [[4.0]]
        """
        return self._kernel("ntk")

    def _kernel(self, kind: Literal["nngp", "ntk"]) -> ConvKernel:
        return ConvKernel(
            kind, self.depth, self.pool, self.activation, self.filter_size, self.padding, self.w_std, self.b_std
        )


_tree.register(ConvNet)


def averaged(kernel: Kernel, shifts: Any = None) -> Averaged:
    r"""The mean of a kernel over a group of shifts, :math:`\bar k(x, x') = \frac1{|G|}\sum_{g \in G} k(x, gx')`.

    Regression with it and the ridge λ is regression with the kernel itself on all shifts of the data and the ridge
    :math:`|G|\lambda` (Li et al. 2019), so that invariance is the same as training on all shifts. A
    convolutional network on a torus that pools globally has the averaged kernel of the one that does not pool.

    Args:
        kernel: a kernel of images, or one of rows, which is then handed their pixels. It must have the same value for
            two images that are shifted together, as all kernels of rotation-invariant distributions have.
        shifts: G, integers (number, 2), by how many rows and columns an image is moved on a torus; all shifts if left
            out.

    Returns:
        the kernel, whose points are images, (n, h, w) or (n, h, w, c).

    Raises:
        ValueError: if an argument is no kernel, or no integers of that shape; and when it is called, if the shifts are
            no group on images of this size, or the kernel changes its value when two images are shifted together.

    >>> image = jnp.eye(4)[None]
    >>> k = averaged(ConvNet(depth=1).nngp)
    >>> bool(jnp.allclose(k(image), ConvNet(depth=1, pool="global").nngp(image)))
    True
    """
    return Averaged(kernel, shifts)


def of_rows(kernel: Kernel, shape: tuple[int, ...]) -> OfRows:
    """A kernel of images as one whose points are rows of their pixels.

    Args:
        kernel: a kernel of images, as :attr:`ConvNet.ntk`.
        shape: of each image, (h, w) or (h, w, c).

    Returns:
        the kernel, of points (n, h·w) or (n, h·w·c), for scikit-learn by :class:`ntklib.estimators.SklearnKernel`, for
        :mod:`ntklib.iterative`, and for sums and products with kernels of rows.

    Raises:
        ValueError: if it is no kernel of images, or the shape is none of an image.

    >>> from ntklib.kernels import RBF
    >>> k = of_rows(ConvNet(depth=1).ntk, (2, 3)) + RBF()
    >>> k(jnp.ones((1, 6))).round(3).tolist()
    [[5.0]]
    """
    return OfRows(kernel, shape)


def alias(h: ArrayLike, start: int = 0) -> Array:
    r"""The spectrum of every second number of a signal, from the spectrum of the whole: what a stride of two folds.

    With :math:`F_k = \frac1n\sum_j h_j e^{-2\pi ijk/n}` it is :math:`F_k + F_{k+n/2}` for the numbers at even places,
    and :math:`e^{2\pi ik/n}(F_k - F_{k+n/2})` for those at odd ones: two frequencies that n/2 lie between cannot be
    told apart any more. For k = 0 it is the mean, so that the means at even and at odd places differ by
    :math:`2F_{n/2}`.

    Args:
        h: signals, (..., n) with n even.
        start: 0 for the numbers at even places, 1 for those at odd ones.

    Returns:
        the Fourier coefficients of ``h[..., start::2]``, (..., n/2), complex.

    Raises:
        ValueError: if n is odd or zero, an entry is not finite, or `start` is something else.

    >>> h = jnp.array([1.0, 0.0, 2.0, 0.0])
    >>> alias(h).real.tolist(), float(abs(alias(h, start=1)).max())  # the means are 1.5 and 0
    ([1.5, -0.5], 0.0)
    """
    signal = _validation.array(
        "h", h, "(..., n) with n even and positive", lambda shape: shape != () and shape[-1] > 0 and shape[-1] % 2 == 0
    )
    start = _validation.count("start", start, 0, 1)
    n = signal.shape[-1]
    low, high = jnp.split(jnp.fft.fft(signal) / n, 2, axis=-1)
    return low + high if start == 0 else jnp.exp(2j * jnp.pi * jnp.arange(n // 2) / n) * (low - high)
