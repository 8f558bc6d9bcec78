r"""What is the kernel of a convolutional network in the limit of infinitely many channels?

The recursion is that of a fully connected network at each pair of positions, with a mean over patches before each layer
(Novak et al. 2019; Arora et al. 2019). Without pooling only pairs of equal positions count; with it all pairs, which
are taken one displacement after the other, in blocks of images, so that memory does not grow with their number.
"""

import dataclasses
import functools
import math
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _patches, _range, _validation
from ntklib._inputs import input_pairs
from ntklib._pairs import Pairs
from ntklib.activations import Activation, by_name
from ntklib.kernels import Kernel

__all__ = ["PADDINGS", "POOLS", "ConvKernel", "check", "half"]

POOLS = {"none": (), "global": (0, 1), "height": (0,), "width": (1,)}
"""The axes of the maps over which the mean is taken before the readout."""

PADDINGS = ("circular", "zeros")

_STATIC: Any = {"static": True}
_BLOCK = 2**17  # pairs of positions worked on at a time: a few arrays of a megabyte, which stay near the processor


def check(network: Any) -> None:
    """Refuse what is no convolutional network, and make numbers of the scalars of NumPy and JAX."""
    by_name(network.activation)
    object.__setattr__(network, "depth", _validation.count("depth", network.depth, 0))
    _validation.choice("pool", network.pool, tuple(POOLS))
    _validation.choice("padding", network.padding, PADDINGS)
    size = _validation.count("filter_size", network.filter_size, 1)
    if size % 2 == 0:
        raise ValueError(f"filter_size must be odd, so that a filter has a middle, got {size}")
    object.__setattr__(network, "filter_size", size)
    for name in ("w_std", "b_std"):
        object.__setattr__(network, name, _range.deviation(name, getattr(network, name)))


@dataclasses.dataclass(frozen=True)
class ConvKernel(Kernel):
    r"""What :attr:`ConvNet.nngp` and :attr:`ConvNet.ntk` are: the kernel of a convolutional network at infinite width.

    Its points are images, (n, h, w) or (n, h, w, c). Its leaves are `w_std` and `b_std`. For each pair of images it
    computes a covariance for each of :math:`hw` positions and each layer, with pooling for each of :math:`(hw)^2` pairs
    of positions (along one axis, :math:`h^2w` or :math:`hw^2`); for one set of images half of them. It works on blocks
    of some megabytes beside the images and the matrix, however many images there are. Points that are too large are
    refused as by :class:`ntklib.mlp.NetworkKernel`.

    Args:
        kind: ``"nngp"`` or ``"ntk"``.
        depth: as of :class:`ConvNet`, as all that follow.
        pool: over which axes of the last maps the mean is taken.
        activation: of the hidden layers.
        filter_size: of each convolution.
        padding: what is beyond the border.
        w_std: standard deviation of the weights.
        b_std: standard deviation of the biases.

    >>> one = jnp.ones((1, 3, 3))
    >>> float(jax.grad(lambda kernel: kernel(one).sum())(ConvKernel("nngp", depth=0, w_std=1.5)).w_std)  # of w²
    3.0
    """

    kind: Literal["nngp", "ntk"] = dataclasses.field(metadata=_STATIC)
    depth: int = dataclasses.field(default=1, metadata=_STATIC)
    pool: Literal["none", "global", "height", "width"] = dataclasses.field(default="none", metadata=_STATIC)
    activation: str | Activation = dataclasses.field(default="relu", metadata=_STATIC)
    filter_size: int = dataclasses.field(default=3, metadata=_STATIC)
    padding: Literal["circular", "zeros"] = dataclasses.field(default="circular", metadata=_STATIC)
    w_std: ArrayLike = 2**0.5
    b_std: ArrayLike = 0.0

    def __post_init__(self) -> None:
        _validation.choice("kind", self.kind, ("nngp", "ntk"))
        check(self)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of images, both (h, w) or (h, w, c)."""
        return self.evaluate_matrix(x[None], y[None])[0, 0]

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of images (n1, h, w, ...) and (n2, h, w, ...), or of one set, symmetric."""
        other = x1 if x2 is None else x2
        unit1, unit2 = self._unit(x1), self._unit(other)
        first, second = _with_channels(x1) / unit1, _with_channels(other) / unit2
        height, width = first.shape[1:3]
        columns, rows = _block_sizes(len(second), len(first), height * width)
        displacements, weights = self._displacements(height, width, alone=x2 is None)

        def block(a: Array, b: Array) -> Array:
            def add(total: Array, step: tuple[Array, Array]) -> tuple[Array, None]:
                displacement, weight = step
                moved = jnp.roll(b, -displacement, (1, 2))
                return total + weight * self._aligned(a, moved, displacement, unit1, unit2), None

            start = jnp.zeros((len(a), len(b)), first.dtype)
            return jax.lax.scan(add, start, (jnp.asarray(displacements), jnp.asarray(weights, first.dtype)))[0]

        gram = _in_blocks(block, first, second, rows, columns)
        if x2 is None:
            gram = gram / 2 + gram.T / 2
        return self._read_out(gram, unit1, unit2) * unit1 * unit2

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the images (n, h, w, ...) with itself, (n,)."""
        return jax.lax.map(lambda image: self.evaluate_matrix(image[None])[0, 0], x)

    @property
    def _images(self) -> bool:
        return True

    @property
    def _is_homogeneous(self) -> bool:
        return self.depth == 0 or by_name(self.activation).homogeneous

    def _unit(self, x: Array) -> Array:
        return _range.unit(x, self.b_std, homogeneous=self._is_homogeneous)

    def _refuse(self, name: str, x: Array) -> None:
        if not self._is_homogeneous:
            # a patch has no larger mean square than its largest pixel
            pixels = _with_channels(x)
            _range.refuse_if_too_large(
                name, pixels, self.w_std, by_name(self.activation), "w_std² times that of a pixel"
            )

    @functools.cached_property
    def _compilable(self) -> Kernel:
        """Without biases, where it is known that there are none: they would cost as much as the activation."""
        if not _range.is_zero(self.b_std):
            return self
        return jax.tree.unflatten(jax.tree.structure(self), [self.w_std, None])

    def _displacements(self, height: int, width: int, *, alone: bool) -> tuple[np.ndarray, np.ndarray]:
        """Which pairs of positions enter the mean, by how far they are apart on a torus, and their weights, sum one."""
        axes = POOLS[self.pool]
        every = [range(number) if axis in axes else range(1) for axis, number in enumerate((height, width))]
        shifts = np.stack(np.meshgrid(*every, indexing="ij"), -1).reshape(-1, 2)
        return half(shifts, (height, width)) if alone else (shifts, np.full(len(shifts), 1 / len(shifts)))

    def _aligned(self, x1: Array, x2: Array, displacement: Array, unit1: Array, unit2: Array) -> Array:
        """The mean over equal positions of two sets of images (n, h, w, c), one of which has been moved, (n1, n2)."""
        w_std, b_std = self.w_std, 0.0 if self.b_std is None else self.b_std
        biases = (0.0, 0.0) if _range.is_zero(b_std) else (b_std / unit1, b_std / unit2)
        activation = by_name(self.activation)
        torus = self.padding == "circular"
        near = _patches.neighbours(self.filter_size, x1.shape[1:3], displacement, x1.dtype, torus=torus)

        def convolved(pairs: Pairs) -> Pairs:
            return _patches.mean_of_pairs(pairs, near).dense(w_std, *biases)

        def hidden(carry: tuple[Pairs, Array], _: None) -> tuple[tuple[Pairs, Array], None]:
            pairs, theta = carry
            after, derivative = _moments(activation, pairs)
            pairs = convolved(after)
            return (pairs, pairs.c + jnp.square(w_std) * _patches.mean(derivative * theta, near)), None

        @jax.checkpoint  # without it, reverse mode would store the covariances of all displacements
        def value(x1: Array, x2: Array) -> Array:
            pairs = _pixels(x1, x2)
            if not self.depth:
                return jnp.mean(pairs.c, (0, 1))
            pairs = convolved(pairs)
            if not self._is_homogeneous:
                limit = _range.largest_variance(pairs.c.dtype)
                pairs = pairs._replace(a=jnp.where(pairs.a > limit, jnp.nan, pairs.a))
                pairs = pairs._replace(b=jnp.where(pairs.b > limit, jnp.nan, pairs.b))
            unroll = max(1, min(self.depth - 1, 4 if activation.quick else 1))
            (pairs, theta), _ = jax.lax.scan(hidden, (pairs, pairs.c), length=self.depth - 1, unroll=unroll)
            after, derivative = _moments(activation, pairs)
            return jnp.mean(after.c + derivative * theta if self.kind == "ntk" else after.c, (0, 1))

        return value(x1, x2)

    def _read_out(self, mean: Array, unit1: Array, unit2: Array) -> Array:
        b_std = 0.0 if self.b_std is None else self.b_std
        return jnp.square(self.w_std) * mean + (0.0 if _range.is_zero(b_std) else (b_std / unit1) * (b_std / unit2))


def half(shifts: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Of a group of shifts (g, 2) on a torus one of each pair of opposite ones, and weights, sum one.

    For points of one set the matrix of a shift is the transpose of that of its opposite.

    >>> half(np.array([[0, 0], [0, 1], [0, 2]]), (1, 3))
    (array([[0, 0],
           [0, 1]]), array([0.33333333, 0.66666667]))
    """
    code = (shifts % shape) @ (shape[1], 1)
    opposite = (-shifts % shape) @ (shape[1], 1)
    kept = code <= opposite
    return shifts[kept], np.where(code == opposite, 1, 2)[kept] / len(shifts)


def _with_channels(x: Array) -> Array:
    """Images (n, h, w, c); those without channels have one."""
    return x[..., None] if x.ndim == 3 else x


def _pixels(x1: Array, x2: Array) -> Pairs:
    """The second moments of the channels at each position, (h, w, n1, n2)."""
    first, second = jnp.moveaxis(x1, 0, 2), jnp.moveaxis(x2, 0, 2)  # (h, w, n, c)
    if x1.shape[-1] > 1:
        return _by_position(lambda pair: input_pairs(*pair), (first, second))
    u, v = first, jnp.moveaxis(second, 3, 2)
    product = u * v
    size = jnp.abs(product)
    return Pairs(u * u, v * v, product, size - product, size + product)


def _moments(activation: Activation, pairs: Pairs) -> tuple[Pairs, Array]:
    """Those of the activation at each position."""
    if activation.quick:
        return jax.vmap(jax.vmap(activation.moments))(pairs)
    return _by_position(activation.moments, pairs)


def _by_position(function: Any, tree: Any) -> Any:
    """A function of what stands at one position, at one after the other: its branches are then taken, not both."""
    height, width = jax.tree.leaves(tree)[0].shape[:2]
    found = jax.lax.map(function, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree))
    return jax.tree.map(lambda x: x.reshape(height, width, *x.shape[1:]), found)


def _block_sizes(columns: int, rows: int, positions: int) -> tuple[int, int]:
    """How many images of the second set and of the first are in a block."""
    most = max(1, min(columns, _BLOCK // positions))
    number = math.ceil(columns / most) or 1
    columns = math.ceil(columns / number)
    return columns, max(1, min(rows, _BLOCK // (positions * max(columns, 1))))


def _in_blocks(block: Any, first: Array, second: Array, rows: int, columns: int) -> Array:
    """The matrix (n1, n2) from blocks, one after the other; the last ones are filled up with zeros, and cut off."""

    def parts(x: Array, size: int) -> Array:
        number = math.ceil(len(x) / size)
        filled = jnp.pad(x, ((0, number * size - len(x)), *((0, 0),) * (x.ndim - 1)))
        return filled.reshape(number, size, *x.shape[1:])

    if not len(first) or not len(second):
        return jnp.zeros((len(first), len(second)), first.dtype)
    seconds = parts(second, columns)
    strips = jax.lax.map(lambda a: jax.lax.map(lambda b: block(a, b), seconds), parts(first, rows))
    whole = strips.transpose(0, 2, 1, 3).reshape(strips.shape[0] * rows, -1)
    return whole[: len(first), : len(second)]
