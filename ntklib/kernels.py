r"""What is a kernel? A small object that is called, adds and multiplies; and those that networks are compared with.

A kernel says what it is for one pair of points (`evaluate`), or, as those of networks do (:attr:`ntklib.mlp.MLP.ntk`),
how its whole matrix is had; calling it gives the matrix for two sets of points. Differences of points are formed, not
expanded into scalar products, so equal and nearly equal points lose no digits. That costs about five times a matrix
product.

>>> k = 2.0 * RBF(lengthscale=0.5) + 0.1 * Polynomial(degree=2)
>>> x = jnp.array([[0.0, 0.0], [0.3, 0.4]])
>>> k(x).round(3).tolist() == k(x, x).round(3).tolist()
True
"""

import dataclasses
import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _tree, _validation
from ntklib._validation import advice

__all__ = ["RBF", "ArcCosine", "Constant", "Kernel", "Laplace", "Polynomial", "Product", "Sum"]


class Kernel:
    r"""A positive semi-definite function of two points; `+` and `*` with kernels and non-negative numbers give another.

    To make one, derive from this class, name its numbers as annotations of a frozen dataclass, and write `evaluate`; or
    `evaluate_matrix`, where the matrix is had in another way than pair by pair.
    Numbers are leaves of a JAX tree: `jax.grad` and `jax.vmap` go through a kernel as they go through an array.
    A field with ``metadata={"static": True}`` is not a leaf.

    >>> slope = jax.grad(lambda kernel: kernel(jnp.array([[0.0]]), jnp.array([[1.0]])).sum())(RBF(2.0))
    >>> round(float(slope.lengthscale), 4)  # k / ℓ³ at distance 1
    0.1103
    """

    __array_ufunc__ = None  # so that NumPy's scalars leave `2.0 * kernel` to the kernel

    def __init_subclass__(cls) -> None:
        _tree.register(cls)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        raise NotImplementedError

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of points (n1, d) and (n2, d), or of one set: what is compiled when it is called."""
        return jax.vmap(jax.vmap(self.evaluate, (None, 0)), (0, None))(x1, x1 if x2 is None else x2)

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the points (n, d) with itself, (n,): what is compiled for `diagonal`."""
        return jax.vmap(self.evaluate)(x, x)

    def __call__(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Array:
        """The matrix of the kernel between two sets of points.

        Args:
            x1: points, (n1, d).
            x2: points, (n2, d); `x1` if left out, which computes large matrices in half the time, and for the kernels
                of networks makes the diagonal exact.

        Returns:
            (n1, n2), in the dtype of the points. For one set it is symmetric: exactly if the kernel is given pair by
            pair, to rounding if it is one of networks.

        Raises:
            ValueError: if a shape or dtype does not fit, or, not while JAX traces, a point is not finite.
        """
        first = self._points("x1", x1)
        second = None if x2 is None else self._points("x2", x2, like=first)
        kernel = self._compilable
        if second is not None:
            return _matrix(kernel, first, second)
        if len(first) < _LARGE or isinstance(first, jax.core.Tracer):
            return kernel._of_one_set(first)
        # at most eight, of one size where the number of points allows it: each size is compiled
        parts = next((k for k in range(min(8, len(first) // _PART), 1, -1) if len(first) % k == 0), 2)
        rows = jnp.array_split(first, parts)
        return _symmetric(
            [[_matrix(kernel, a, b) for b in rows[:i]] + [kernel._of_one_set(a)] for i, a in enumerate(rows)]
        )

    def _of_one_set(self, x: Array) -> Array:
        gram = _matrix(self, x, None)
        return _symmetrised(gram) if self._pairwise else gram

    def diagonal(self, x: ArrayLike) -> Array:
        """The kernel of each point with itself, (n,) for points (n, d), without the rest of the matrix.

        >>> Polynomial(degree=2, offset=0.0).diagonal(jnp.array([[1.0], [2.0]])).tolist()
        [1.0, 16.0]
        """
        return _diagonal(self._compilable, self._points("x", x))

    def _points(self, name: str, x: ArrayLike, like: Array | None = None) -> Array:
        """`x` as points of this kernel, of the shape of those in `like`; what does not fit is refused by this name."""
        if self._images:
            points = _validation.images(name, x, None if like is None else like.shape[1:])
        else:
            points = _validation.matrix(name, x, None if like is None else like.shape[1])
        self._refuse(name, points)
        return points

    def _refuse(self, name: str, x: Array) -> None:
        """Refuse points that are of a right shape and dtype, by this name, for which this kernel has no value."""

    @property
    def _images(self) -> bool | None:
        """Whether its points are images, (h, w) or (h, w, c), and not rows, (d,); None if it does not look at them."""
        return False

    @property
    def _pairwise(self) -> bool:
        """Whether the matrix comes from `evaluate`, compiled: that arithmetic need not commute."""
        return type(self).evaluate_matrix is Kernel.evaluate_matrix

    @property
    def _compilable(self) -> "Kernel":
        """This kernel as it is handed to the compiler, which knows what the leaves are and not their values."""
        return self

    def __add__(self, other: Any) -> "Kernel":
        return _combine(Sum, self, other)

    def __radd__(self, other: Any) -> "Kernel":
        return _combine(Sum, other, self)

    def __mul__(self, other: Any) -> "Kernel":
        return _combine(Product, self, other)

    def __rmul__(self, other: Any) -> "Kernel":
        return _combine(Product, other, self)


@dataclasses.dataclass(frozen=True)
class RBF(Kernel):
    r""":math:`\exp(-\|x - y\|^2/(2\ell^2))`, the Gaussian or squared-exponential kernel; strictly positive definite.

    Args:
        lengthscale: :math:`\ell > 0`, a number, or one for each coordinate (d,).

    >>> round(float(RBF(2.0)(jnp.array([[0.0]]), jnp.array([[2.0]]))[0, 0]), 4)  # exp(−½)
    0.6065
    """

    lengthscale: ArrayLike = 1.0

    def __post_init__(self) -> None:
        _check(self, "lengthscale", positive=True)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return jnp.exp(-_squared_distance(x - y, self.lengthscale) / 2)


@dataclasses.dataclass(frozen=True)
class Laplace(Kernel):
    r""":math:`\exp(-\|x - y\|/\ell)` with the Euclidean norm: strictly positive definite, rough where RBF is smooth.

    scikit-learn's ``laplacian_kernel`` has the sum of absolute differences instead. At equal points, where the
    kernel has a kink, derivatives are taken as zero.

    Args:
        lengthscale: :math:`\ell > 0`, a number, or one for each coordinate (d,).

    >>> round(float(Laplace()(jnp.array([[0.0, 0.0]]), jnp.array([[3.0, 4.0]]))[0, 0]), 5)  # exp(−5)
    0.00674
    """

    lengthscale: ArrayLike = 1.0

    def __post_init__(self) -> None:
        _check(self, "lengthscale", positive=True)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return jnp.exp(-_root(_squared_distance(x - y, self.lengthscale)))


@dataclasses.dataclass(frozen=True)
class Polynomial(Kernel):
    r""":math:`(x^\top y + c)^p`: scalar products of all monomials up to degree p, or of degree p if c is zero.

    Args:
        degree: p, a positive integer.
        offset: :math:`c \ge 0`.

    >>> Polynomial(degree=2)(jnp.array([[1.0, 2.0]])).tolist()  # (5 + 1)²
    [[36.0]]
    """

    degree: int = dataclasses.field(default=2, metadata={"static": True})
    offset: ArrayLike = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", _validation.count("degree", self.degree, 1))
        _check(self, "offset", positive=False)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return (jnp.sum(x * y) + self.offset) ** self.degree


@dataclasses.dataclass(frozen=True)
class ArcCosine(Kernel):
    r"""The kernel of one infinitely wide hidden layer of threshold units, ReLU or squared ReLU, with a random readout.

    :math:`2\,\mathbb E_w[\phi(w^\top\tilde x)\phi(w^\top\tilde y)] = \|\tilde x\|^p\|\tilde y\|^p J_p(\theta)/\pi` with
    :math:`\phi(u) = \max(u, 0)^p`, w standard normal, :math:`\tilde x = (x, b)`, and :math:`\theta` the angle
    (Cho and Saul 2009, eqs. 1 to 7). The angle is accurate for nearly parallel points too; at parallel ones, where the
    order 0 has a kink, its derivatives are taken as zero. With a zero point the kernel is 0, and for order 0 it is ½.

    Args:
        order: p, 0, 1 or 2.
        bias: b, which is appended to each point; 0 for none.

    >>> [round(float(entry), 4) for entry in ArcCosine()(jnp.eye(2))[0]]  # 1, and 1/π between orthogonal units
    [1.0, 0.3183]
    """

    order: int = dataclasses.field(default=1, metadata={"static": True})
    bias: ArrayLike = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", _validation.count("order", self.order, 0, 2))
        _check(self, "bias", positive=False)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        x, y = (jnp.append(point, jnp.asarray(self.bias, point.dtype)) for point in (x, y))
        u, size_x = _unit(x)
        v, size_y = _unit(y)
        near, far = _norm(u - v), _norm(u + v)
        far = jnp.where(near + far == 0, 1, far)  # two zero points: any angle will do, but not that of (0, 0)
        theta, rest = 2 * jnp.arctan2(near, far), 2 * jnp.arctan2(far, near)  # θ and π − θ, both relatively accurate
        if self.order == 0:
            return jnp.where(size_x * size_y == 0, 0.5, rest / jnp.pi)
        sine, cosine = jnp.sin(theta), jnp.cos(theta)
        j = sine + rest * cosine if self.order == 1 else 3 * sine * cosine + rest * (1 + 2 * cosine**2)
        return (size_x * size_y) ** self.order * j / jnp.pi


@dataclasses.dataclass(frozen=True)
class Constant(Kernel):
    """The same value for each pair of points: what a number is in a sum or product of kernels.

    Args:
        value: not negative.

    >>> Constant(2.0)(jnp.zeros((1, 3)), jnp.zeros((2, 3))).tolist()
    [[2.0, 2.0]]
    """

    value: ArrayLike = 1.0

    def __post_init__(self) -> None:
        _check(self, "value", positive=False)

    @property
    def _images(self) -> None:
        return None

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return jnp.asarray(self.value, jnp.result_type(x, y))


@dataclasses.dataclass(frozen=True)
class Sum(Kernel):
    """The sum of two kernels: what their features give side by side.

    >>> (RBF() + 1.0)(jnp.zeros((1, 1))).tolist()
    [[2.0]]
    """

    left: Kernel
    right: Kernel

    def __post_init__(self) -> None:
        _check_parts(self)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return self.left.evaluate(x, y) + self.right.evaluate(x, y)

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of points, or of one set, each part in its own way."""
        return self.left.evaluate_matrix(x1, x2) + self.right.evaluate_matrix(x1, x2)

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the points with itself, each part in its own way."""
        return self.left.evaluate_diagonal(x) + self.right.evaluate_diagonal(x)

    @functools.cached_property
    def _pairwise(self) -> bool:
        return self.left._pairwise and self.right._pairwise

    @functools.cached_property
    def _images(self) -> bool | None:
        return _are_images(self.left, self.right)

    def _refuse(self, name: str, x: Array) -> None:
        self.left._refuse(name, x)
        self.right._refuse(name, x)

    @functools.cached_property
    def _compilable(self) -> Kernel:
        return Sum(self.left._compilable, self.right._compilable)


@dataclasses.dataclass(frozen=True)
class Product(Kernel):
    """The product of two kernels, positive semi-definite by Schur's theorem: the products of all pairs of features.

    >>> (3.0 * RBF())(jnp.zeros((1, 1))).tolist()
    [[3.0]]
    """

    left: Kernel
    right: Kernel

    def __post_init__(self) -> None:
        _check_parts(self)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return self.left.evaluate(x, y) * self.right.evaluate(x, y)

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of points, or of one set, each part in its own way."""
        return self.left.evaluate_matrix(x1, x2) * self.right.evaluate_matrix(x1, x2)

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the points with itself, each part in its own way."""
        return self.left.evaluate_diagonal(x) * self.right.evaluate_diagonal(x)

    @functools.cached_property
    def _pairwise(self) -> bool:
        return self.left._pairwise and self.right._pairwise

    @functools.cached_property
    def _images(self) -> bool | None:
        return _are_images(self.left, self.right)

    def _refuse(self, name: str, x: Array) -> None:
        self.left._refuse(name, x)
        self.right._refuse(name, x)

    @functools.cached_property
    def _compilable(self) -> Kernel:
        return Product(self.left._compilable, self.right._compilable)


# From so many points on the matrix of one set is put together from parts: little more than half the work do, and what
# is worked with stays near the processor, where the C library does not fetch fresh memory for it each time.
_LARGE, _PART = 1500, 400


@jax.jit
def _matrix(kernel: Kernel, x1: Array, x2: Array | None) -> Array:
    return kernel.evaluate_matrix(x1, x2).astype(jnp.result_type(x1, x1 if x2 is None else x2))


@jax.jit  # of its own: compiled together with what computes the entries, each of them would be computed twice
def _symmetrised(gram: Array) -> Array:
    return gram / 2 + gram.T / 2  # a choice by triangles takes XLA a minute to compile for 500 points


@jax.jit
def _diagonal(kernel: Kernel, x: Array) -> Array:
    return kernel.evaluate_diagonal(x).astype(x.dtype)


@jax.jit
def _symmetric(lower: list[list[Array]]) -> Array:
    """The symmetric matrix with these blocks on and below the diagonal."""
    ends = np.cumsum([0, *(len(row[0]) for row in lower)])
    places = [slice(start, end) for start, end in itertools.pairwise(ends.tolist())]
    whole = jnp.zeros((ends[-1], ends[-1]), lower[0][0].dtype)
    for rows, blocks in zip(places, lower, strict=True):
        for columns, block in zip(places, blocks, strict=False):
            whole = whole.at[rows, columns].set(block)
            if rows != columns:
                whole = whole.at[columns, rows].set(block.T)
    return whole


def refuse_unless_kernel(value: Any, name: str = "kernel") -> None:
    """Refuse what is no :class:`Kernel`."""
    if not isinstance(value, Kernel):
        raise ValueError(f"{name} must be an ntklib.kernels.Kernel, got {_validation.got(value)}{advice(value)}")


def _check_parts(kernel: "Sum | Product") -> None:
    refuse_unless_kernel(kernel.left, "left")
    refuse_unless_kernel(kernel.right, "right")
    _are_images(kernel.left, kernel.right)


def _are_images(left: Kernel, right: Kernel) -> bool | None:
    """Whether a sum or product has images for points, refused if one part has and the other has not."""
    found = {part._images for part in (left, right)} - {None}
    if len(found) == 2:
        kinds = {True: "images", False: "rows"}
        raise ValueError(
            "left and right must have points of one kind, got "
            f"{kinds[bool(left._images)]} for {_validation.got(left)} and {kinds[bool(right._images)]} for "
            f"{_validation.got(right)}; ntklib.convolution.of_rows makes a kernel of rows of one of images"
        )
    return found.pop() if found else None


def _combine(how: type[Sum] | type[Product], left: Any, right: Any) -> Any:
    def kernel(value: Any) -> Any:
        if isinstance(value, Kernel):
            return value
        number = isinstance(value, int | float | np.number | jax.Array | np.ndarray) and not isinstance(value, bool)
        return Constant(value) if number and np.ndim(value) == 0 else None

    parts = kernel(left), kernel(right)
    return NotImplemented if None in parts else how(*parts)


def _check(kernel: Kernel, name: str, *, positive: bool) -> None:
    """Refuse a number that is out of range; tracers pass, so that kernels can be made inside transformations."""
    value = getattr(kernel, name)
    if isinstance(value, jax.core.Tracer):
        return
    wanted = "finite and positive" if positive else "finite and not negative"
    try:
        numbers = np.asarray(np.nan if isinstance(value, str | bool) else value, float)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    vector = isinstance(kernel, RBF | Laplace)
    if not np.all(np.isfinite(numbers) & (numbers > 0 if positive else numbers >= 0)) or numbers.ndim > vector:
        shape = "a number or an array (d,), " if vector else "a number, "
        what = (
            value if isinstance(value, list | np.ndarray | Array) and numbers.ndim <= vector else _validation.got(value)
        )
        raise ValueError(f"{name} must be {shape}{wanted}, got {what}")
    if isinstance(value, np.number | int) or (isinstance(value, np.ndarray) and value.ndim == 0):
        # NumPy's scalars have a dtype of their own, which would override that of the points
        object.__setattr__(kernel, name, float(value))
    elif isinstance(value, list | tuple):
        object.__setattr__(kernel, name, numbers)
    elif isinstance(value, np.ndarray):
        object.__setattr__(kernel, name, value.copy())  # a kernel is frozen, whatever happens to the array


def _squared_distance(difference: Array, lengthscale: ArrayLike) -> Array:
    """The squared length of a difference in units of the length scale; one of another shape would be broadcast."""
    shape = jnp.shape(lengthscale)
    if shape not in ((), difference.shape):
        raise ValueError(
            f"lengthscale must be a number or of shape {difference.shape} for points of {len(difference)} coordinates, "
            f"got shape {shape}"
        )
    if shape == ():
        return jnp.sum(difference * difference) / jnp.square(lengthscale)  # one division for a pair, not d of them
    return jnp.sum(jnp.square(difference / lengthscale))


def _root(square: Array) -> Array:
    """The square root, with derivative zero at zero."""
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), 0)


def _norm(x: Array) -> Array:
    """The Euclidean norm, with derivative zero at zero."""
    return _root(jnp.sum(x * x))


def _unit(x: Array) -> tuple[Array, Array]:
    """The direction of x (zero for zero) and its norm."""
    size = _norm(x)
    return x / jnp.where(size == 0, 1, size), size
