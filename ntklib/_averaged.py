r"""What is the mean of a kernel over a group of shifts of images, and how do images become rows?"""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ntklib import _validation
from ntklib._conv_kernel import half
from ntklib.kernels import Kernel, refuse_unless_kernel

__all__ = ["Averaged", "OfRows"]

_STATIC: Any = {"static": True}


@dataclasses.dataclass(frozen=True)
class Averaged(Kernel):
    r"""What :func:`averaged` returns: :math:`\bar k(x, x') = \frac1{|G|}\sum_{g \in G} k(x, gx')`, for shifts G.

    Its points are images, (n, h, w) or (n, h, w, c); a kernel of rows is handed their pixels. It costs as much as the
    kernel times the number of shifts, for one set of images half of that, and the memory of a few matrices of the
    kernel.

    Args:
        kernel: k, with the same value for two images that are shifted together, on which the theory rests. Where it is
            called with images that are known, this is tried on a few of them.
        shifts: G, pairs of integers, by how many rows and columns an image is moved on a torus; `None` for all.

    >>> from ntklib.kernels import RBF
    >>> image = jnp.eye(3)[None]
    >>> float(Averaged(RBF(), ((0, 0), (1, 0), (2, 0)))(image, jnp.roll(image, 1, 1))[0, 0]) == float(
    ...     Averaged(RBF(), ((0, 0), (1, 0), (2, 0)))(image)[0, 0])
    True
    """

    kernel: Kernel
    shifts: tuple[tuple[int, int], ...] | None = dataclasses.field(default=None, metadata=_STATIC)

    def __post_init__(self) -> None:
        refuse_unless_kernel(self.kernel)
        object.__setattr__(self, "shifts", None if self.shifts is None else _pairs(self.shifts))

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of images, both (h, w) or (h, w, c)."""
        return self.evaluate_matrix(x[None], y[None])[0, 0]

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of images (n1, h, w, ...) and (n2, h, w, ...), or of one set, symmetric."""
        shifts = _group(self.shifts, x1.shape[1], x1.shape[2])
        weights = np.full(len(shifts), 1 / len(shifts))
        if x2 is None:
            shifts, weights = half(shifts, (x1.shape[1], x1.shape[2]))
        first, other = self._inner(x1), x1 if x2 is None else x2

        def add(total: Array, step: tuple[Array, Array]) -> tuple[Array, None]:
            shift, weight = step
            moved = self._inner(jnp.roll(other, shift, (1, 2)))
            return total + weight * self.kernel.evaluate_matrix(first, moved), None

        start = jnp.zeros((len(x1), len(other)), jnp.result_type(x1, other))
        steps = (jnp.asarray(shifts), jnp.asarray(weights, start.dtype))
        gram = jax.lax.scan(jax.checkpoint(add), start, steps)[0]
        return gram / 2 + gram.T / 2 if x2 is None else gram

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the images (n, h, w, ...) with itself, (n,)."""
        return jax.lax.map(lambda image: self.evaluate_matrix(image[None])[0, 0], x)

    @property
    def _images(self) -> bool:
        return True

    @functools.cached_property
    def _compilable(self) -> Kernel:
        return Averaged(self.kernel._compilable, self.shifts)

    def _inner(self, x: Array) -> Array:
        """Images as points of the kernel that is averaged."""
        return x if self.kernel._images else x.reshape(len(x), -1)

    def _refuse(self, name: str, x: Array) -> None:
        shifts = _group(self.shifts, x.shape[1], x.shape[2])
        self.kernel._refuse(name, self._inner(x))
        if len(x) and not any(isinstance(leaf, jax.core.Tracer) for leaf in (x, *jax.tree.leaves(self.kernel))):
            other = jnp.roll(x[-1], 1, 1)  # if there is one image only, another one
            three = jnp.stack([x[0], x[0] + (other - x[0]) / 8, other])  # near and far
            found = np.asarray(_together(self, three, jnp.asarray(shifts)))
            allowed = 100 * float(jnp.finfo(x.dtype).eps) ** 0.5 * np.abs(found).max()
            apart = float(np.ptp(found, axis=0).max())
            if apart > allowed:
                raise ValueError(
                    "kernel must have the same value for two images that are shifted together, got values that "
                    f"differ by {apart:.2g} for {_validation.got(self.kernel)} and shifts of two images of {name}"
                )


@jax.jit
def _together(kernel: Averaged, x: Array, shifts: Array) -> Array:
    """The kernel that is averaged, of all pairs of a few images after the same shift, for each shift: (g, n, n)."""

    def one(shift: Array) -> Array:
        return kernel.kernel.evaluate_matrix(kernel._inner(jnp.roll(x, shift, (1, 2))))

    return jax.lax.map(one, shifts)


@dataclasses.dataclass(frozen=True)
class OfRows(Kernel):
    """What :func:`of_rows` returns: a kernel of images, whose points are rows of their pixels, (n, h·w) or (n, h·w·c).

    Args:
        kernel: a kernel of images.
        shape: of each image, (h, w) or (h, w, c).
    """

    kernel: Kernel
    shape: tuple[int, ...] = dataclasses.field(metadata=_STATIC)

    def __post_init__(self) -> None:
        refuse_unless_kernel(self.kernel)
        if not self.kernel._images:
            raise ValueError(f"kernel must be one of images, as of a ConvNet, got {_validation.got(self.kernel)}")
        object.__setattr__(self, "shape", image_shape("shape", self.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return self.kernel.evaluate(x.reshape(self.shape), y.reshape(self.shape))

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of points (n1, d) and (n2, d), or of one set."""
        return self.kernel.evaluate_matrix(self._as_images(x1), None if x2 is None else self._as_images(x2))

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the points (n, d) with itself, (n,)."""
        return self.kernel.evaluate_diagonal(self._as_images(x))

    @functools.cached_property
    def _compilable(self) -> Kernel:
        return OfRows(self.kernel._compilable, self.shape)

    def _as_images(self, x: Array) -> Array:
        return x.reshape(len(x), *self.shape)

    def _refuse(self, name: str, x: Array) -> None:
        if x.shape[1] != math.prod(self.shape):
            raise ValueError(f"{name} must have shape (n, {math.prod(self.shape)}), got {x.shape}")
        self.kernel._refuse(name, self._as_images(x))


def image_shape(name: str, shape: Any) -> tuple[int, ...]:
    """The shape of an image, refused unless it is (h, w) or (h, w, c)."""
    try:
        found = tuple(shape) if not isinstance(shape, str) else ()
    except TypeError:
        found = ()
    if len(found) not in (2, 3):
        raise ValueError(f"{name} must be the shape of an image, (h, w) or (h, w, c), got {_validation.got(shape)}")
    return tuple(_validation.count(name, each, 1) for each in found)


def _pairs(shifts: Any) -> tuple[tuple[int, int], ...]:
    """Shifts as pairs of integers, refused unless they are."""
    found = np.asarray(_validation.read("shifts", shifts, np.asarray))
    if found.ndim != 2 or found.shape[1] != 2 or not len(found) or found.dtype.kind not in "iu":
        raise ValueError(
            f"shifts must be integers of shape (number, 2), rows and columns to move by, got {_validation.got(shifts)}"
        )
    return tuple((int(row), int(column)) for row, column in found)


@functools.lru_cache(maxsize=64)
def _group(shifts: tuple[tuple[int, int], ...] | None, height: int, width: int) -> np.ndarray:
    """The shifts on a torus of this size, (g, 2), refused unless they are a group."""
    if shifts is None:
        return np.stack(np.meshgrid(range(height), range(width), indexing="ij"), -1).reshape(-1, 2)
    found = np.array(shifts) % (height, width)
    codes = found @ (width, 1)
    if len(np.unique(codes)) < len(codes):
        raise ValueError(f"shifts must be different from each other on images of {height} × {width}, got {len(codes)}")
    sums = (found[:, None] + found) % (height, width) @ (width, 1)
    if not np.isin(sums, codes).all():
        i, j = np.argwhere(~np.isin(sums, codes))[0]
        raise ValueError(
            f"shifts must be a group on images of {height} × {width}, got {shifts[i]} and {shifts[j]} without their sum"
        )
    return found
