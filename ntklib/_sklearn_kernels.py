r"""How does scikit-learn use the kernels of the book? As its own, by an adapter, with gradients by JAX."""

import functools
import importlib
import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path
from numpy.typing import ArrayLike, NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from ntklib import _sklearn_validation, _validation, kernels
from ntklib._arguments import array_of_numpy
from ntklib.activations import Activation
from ntklib.mlp import MLP

__all__ = ["NTK", "SklearnKernel", "double_precision"]

Bounds = tuple[float, float] | str

_B_STD_BOUNDS: Bounds = (1e-3, 1e2)


_first: list[int] = []  # the process that computed first


def double_precision() -> Any:
    """A context in which JAX computes with 64 bits, as scikit-learn does, whatever is switched on outside.

    Raises:
        RuntimeError: in a process that was forked from one that has computed here, where JAX would wait forever.
    """
    if not _first:
        _first.append(os.getpid())
    elif _first[0] != os.getpid():
        raise RuntimeError(
            "this process was forked from one in which JAX had computed, and JAX's threads do not survive that; take "
            "joblib's backend 'loky', the default, or 'threading', or start processes by 'spawn'"
        )
    if callable(switch := getattr(jax, "enable_x64", None)):  # since JAX 0.8
        return switch(True)
    return importlib.import_module("jax.experimental").enable_x64(True)


class _Adapter(Kernel):
    """What scikit-learn asks of a kernel, from one of ours whose leaves have the names of the hyper-parameters."""

    def _ours(self) -> kernels.Kernel:
        raise NotImplementedError

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """The kernel between X (n1, d) and Y (n2, d), or of X with itself.

        With `eval_gradient` also its derivatives with respect to the logarithms of the free hyper-parameters, `theta`:
        (n1, n1, number of them), in their order.
        """
        kernel, x, other = self._ours(), _points("X", X), None if Y is None else _points("Y", Y)
        eval_gradient = _validation.flag("eval_gradient", eval_gradient)
        if other is not None and other.shape[1] != x.shape[1]:
            raise ValueError(f"Y must have shape (n, {x.shape[1]}) as X has {x.shape}, got {other.shape}")
        with double_precision():
            if not eval_gradient:
                return np.array(kernel(x, other))
            if Y is not None:
                raise ValueError("Gradient can only be evaluated when Y is None.")
            free = tuple(h.name for h in self.hyperparameters if not h.fixed)
            if not free:
                return np.array(kernel(x)), np.empty((len(x), len(x), 0))
            gram, slopes = _with_slopes(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), kernel), x, free)
            return np.array(gram), np.array(slopes)

    def diag(self, X: ArrayLike) -> NDArray[np.float64]:
        """The kernel of each row of X (n, d) with itself, (n,)."""
        kernel, x = self._ours(), _points("X", X)
        with double_precision():
            return np.array(kernel.diagonal(x))

    def is_stationary(self) -> bool:
        """Whether the kernel is known to depend on differences of points only: it is not."""
        return False


class SklearnKernel(_Adapter):
    r"""Any kernel of the book as a scikit-learn kernel: sums and products, and those of networks, too.

    For `GaussianProcessRegressor`, which then tunes the numbers of the kernel by the marginal likelihood with exact
    gradients, for `SVC(kernel=...)`, `KernelRidge`, and for sums and products with scikit-learn's own kernels. Always
    computed in float64. The hyper-parameters are the leaves of the kernel, named by the way to them; a leaf that is
    zero is fixed, as log 0 is infinite.

    Args:
        kernel: a :class:`ntklib.kernels.Kernel`, for instance ``MLP(depth=2).nngp`` or ``2.0 * RBF(0.5)``. Of the
            `kernel_` of a fitted process it is the kernel with the numbers that were found.
        leaf_bounds: lower and upper bound for tuning, or ``"fixed"``; for all leaves, or a dictionary of those by name,
            where the rest has the default.

    Raises:
        ValueError: when it is used, if it is no kernel of the book, or if there is no leaf of a name.

    >>> from ntklib.kernels import RBF
    >>> from sklearn.gaussian_process.kernels import WhiteKernel
    >>> kernel = SklearnKernel(2.0 * RBF(0.5) + MLP(depth=2).nngp, {"right__w_std": "fixed"})
    >>> [each.name for each in kernel.hyperparameters if not each.fixed]
    ['left__left__value', 'left__right__lengthscale']
    >>> np.exp((kernel + WhiteKernel(0.1)).theta).round(3).tolist()
    [2.0, 0.5, 0.1]
    """

    def __init__(self, kernel: kernels.Kernel, leaf_bounds: Bounds | Mapping[str, Bounds] = (1e-5, 1e5)) -> None:
        self.kernel = kernel
        self.leaf_bounds = leaf_bounds

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """The leaves of the kernel, in the order of the tree."""
        named, _ = _named_leaves(self._ours())
        by_name = self.leaf_bounds if isinstance(self.leaf_bounds, Mapping) else dict.fromkeys(named, self.leaf_bounds)
        if unknown := set(by_name) - set(named):
            raise ValueError(f"leaf_bounds must name leaves of the kernel, {', '.join(named)}, got {sorted(unknown)}")
        for name, given in by_name.items():
            given = _sklearn_validation.bounds("leaf_bounds", given)
            if isinstance(self.leaf_bounds, Mapping) and np.any(named[name] == 0):
                _refuse_bounds_of_zero(f"leaf_bounds of {name}", given)
        return [
            Hyperparameter(
                name, "numeric", by_name.get(name, (1e-5, 1e5)) if np.all(value != 0) else "fixed", np.size(value)
            )
            for name, value in named.items()
        ]

    @property
    def theta(self) -> NDArray[np.float64]:
        """The logarithms of the free leaves, one after the other."""
        named, _ = _named_leaves(self._ours())
        return np.log(np.hstack([[], *(named[h.name] for h in self.hyperparameters if not h.fixed)]))

    @theta.setter
    def theta(self, theta: ArrayLike) -> None:
        free = [h for h in self.hyperparameters if not h.fixed]
        named, tree = _named_leaves(self._ours())
        values = np.exp(np.asarray(theta, np.float64))
        if values.shape != (sum(h.n_elements for h in free),):
            raise ValueError(f"theta must have {sum(h.n_elements for h in free)} entries, got shape {values.shape}")
        for h, part in zip(free, np.split(values, np.cumsum([h.n_elements for h in free])[:-1]), strict=True):
            named[h.name] = part.reshape(np.shape(named[h.name])) if np.ndim(named[h.name]) else float(part[0])
        self.kernel = jax.tree.unflatten(tree, named.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SklearnKernel) or self.leaf_bounds != other.leaf_bounds:
            return False
        (ours, tree), (others, other_tree) = _named_leaves(self.kernel), _named_leaves(other.kernel)
        return bool(tree == other_tree) and all(np.array_equal(ours[name], others[name]) for name in ours)

    def __repr__(self) -> str:
        return f"SklearnKernel({self.kernel!r})"

    def _ours(self) -> kernels.Kernel:
        kernels.refuse_unless_kernel(self.kernel)
        return self.kernel


class NTK(_Adapter):
    r"""The neural tangent kernel of an infinitely wide network, as a scikit-learn kernel.

    :class:`SklearnKernel` of :attr:`ntklib.mlp.MLP.ntk`, with parameters that a search can set.
    `GaussianProcessRegressor` tunes `w_std` and `b_std` by the marginal likelihood.

    A Gaussian process with this kernel is a model of its own: it is not the posterior of a trained network, and not
    the prior of a random one, whose kernel is :attr:`ntklib.mlp.MLP.nngp`.

    Args:
        depth: number of hidden layers.
        activation: ``"relu"``, ``"erf"``, ``"gelu"``, ``"tanh"`` or an :class:`~ntklib.activations.Activation`.
        w_std: standard deviation of the weights times the root of the fan-in, positive.
        b_std: standard deviation of the biases. With 0 there are none, and it is not tuned.
        w_std_bounds: lower and upper bound for tuning, or ``"fixed"``.
        b_std_bounds: the same for `b_std`.

    Raises:
        ValueError: when it is computed, for values or inputs that do not fit.

    >>> from sklearn.gaussian_process.kernels import WhiteKernel
    >>> kernel = NTK(depth=2) + WhiteKernel(0.5)
    >>> kernel.theta.round(3).tolist()  # logarithms of b_std, w_std and the noise
    [-2.303, 0.347, -0.693]
    >>> kernel(np.eye(2)).round(3).tolist()
    [[3.56, 0.728], [0.728, 3.56]]
    """

    def __init__(
        self,
        depth: int = 1,
        activation: str | Activation = "relu",
        w_std: float = 2**0.5,
        b_std: float = 0.1,
        w_std_bounds: Bounds = (1e-2, 1e2),
        b_std_bounds: Bounds = _B_STD_BOUNDS,
    ) -> None:
        self.depth = depth
        self.activation = activation
        self.w_std = w_std
        self.b_std = b_std
        self.w_std_bounds = w_std_bounds
        self.b_std_bounds = b_std_bounds

    @property
    def hyperparameter_w_std(self) -> Hyperparameter:
        """The standard deviation of the weights."""
        return Hyperparameter("w_std", "numeric", _sklearn_validation.bounds("w_std_bounds", self.w_std_bounds))

    @property
    def hyperparameter_b_std(self) -> Hyperparameter:
        """The standard deviation of the biases; without biases there is nothing to tune, as log 0 is infinite."""
        bounds = _sklearn_validation.bounds("b_std_bounds", self.b_std_bounds)
        if _validation.number("b_std", self.b_std) != 0:
            return Hyperparameter("b_std", "numeric", bounds)
        _refuse_bounds_of_zero("b_std_bounds", bounds, _B_STD_BOUNDS)
        return Hyperparameter("b_std", "numeric", "fixed")

    def __repr__(self) -> str:
        name = self.activation if isinstance(self.activation, str) else self.activation.name
        return f"NTK(depth={self.depth}, activation={name!r}, w_std={self.w_std:.3g}, b_std={self.b_std:.3g})"

    def _ours(self) -> kernels.Kernel:
        _validation.number("w_std", self.w_std, positive=True)
        return MLP(depth=self.depth, activation=self.activation, w_std=self.w_std, b_std=self.b_std).ntk


def _refuse_bounds_of_zero(name: str, given: Any, default: Any = None) -> None:
    """Refuse bounds that nothing would look at: of what is zero, as log 0 is infinite, and so is not tuned."""
    if given not in ("fixed", default):
        raise ValueError(
            f"{name} must be left out or 'fixed', got {given!r}: what is zero is not tuned, as log 0 is infinite; "
            "begin with a positive number"
        )


def _points(name: str, X: ArrayLike) -> NDArray[np.float64]:
    """Points in 64 bits; one alone is a row, as for scikit-learn's own kernels."""
    points = np.atleast_2d(array_of_numpy(name, X)).astype(np.float64)
    if points.ndim != 2 or not points.shape[1]:
        raise ValueError(f"{name} must have shape (n, d), got {points.shape}")
    return points


def _named_leaves(kernel: kernels.Kernel) -> tuple[dict[str, Any], Any]:
    """The numbers of a kernel by the way to them, and the tree."""
    leaves, tree = tree_flatten_with_path(kernel)
    return {keystr(path, simple=True, separator="__"): leaf for path, leaf in leaves}, tree


@functools.partial(jax.jit, static_argnames=("free",))
def _with_slopes(kernel: kernels.Kernel, x: jax.Array, free: tuple[str, ...]) -> tuple[jax.Array, jax.Array]:
    """The matrix, and its derivatives by logarithms of leaves: forward mode, as these are few and outputs are n²."""
    named, tree = _named_leaves(kernel)

    def matrix(logarithms: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        numbers = named | {name: jnp.exp(value) for name, value in logarithms.items()}
        gram = jax.tree.unflatten(tree, numbers.values())(x)
        return gram, gram

    slopes, gram = jax.jacfwd(matrix, has_aux=True)({name: jnp.log(named[name]) for name in free})
    return gram, jnp.concatenate([slopes[name].reshape(*gram.shape, -1) for name in free], axis=-1)
