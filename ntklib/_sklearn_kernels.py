r"""How does scikit-learn use the neural tangent kernel? As one of its own kernels, with gradients by JAX."""

import functools
import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from ntklib.activations import Activation
from ntklib.mlp import MLP

__all__ = ["NTK", "double_precision"]

Bounds = tuple[float, float] | str


def double_precision() -> Any:
    """A context in which JAX computes with 64 bits, as scikit-learn does, whatever is switched on outside."""
    if callable(switch := getattr(jax, "enable_x64", None)):  # since JAX 0.8
        return switch(True)
    return importlib.import_module("jax.experimental").enable_x64(True)


class NTK(Kernel):
    r"""The neural tangent kernel of an infinitely wide network, as a scikit-learn kernel.

    The kernel of :meth:`ntklib.mlp.MLP.ntk`, for `GaussianProcessRegressor` (which then tunes `w_std` and `b_std` by
    the marginal likelihood, with exact gradients), `SVC(kernel=...)`, `KernelRidge` and the estimators of this module.
    It adds to and multiplies with scikit-learn's own kernels. Always computed in float64.

    A Gaussian process with this kernel is a model of its own: it is not the posterior of a trained network, and not
    the prior of a random one, whose kernel is :meth:`ntklib.mlp.MLP.nngp`.

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
        b_std_bounds: Bounds = (1e-3, 1e2),
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
        return Hyperparameter("w_std", "numeric", self.w_std_bounds)

    @property
    def hyperparameter_b_std(self) -> Hyperparameter:
        """The standard deviation of the biases; without biases there is nothing to tune, as log 0 is infinite."""
        return Hyperparameter("b_std", "numeric", "fixed" if self.b_std == 0 else self.b_std_bounds)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """The kernel between X (n1, d) and Y (n2, d), or of X with itself.

        With `eval_gradient` also its derivatives with respect to the logarithms of the free hyper-parameters, `theta`:
        (n1, n1, number of them), in their alphabetical order.
        """
        x = _points(X)
        mlp = MLP(depth=self.depth, activation=self.activation, w_std=self.w_std, b_std=self.b_std)  # checks
        with double_precision():
            if not eval_gradient:
                return np.array(mlp.ntk(x, None if Y is None else _points(Y)))
            if Y is not None:
                raise ValueError("Gradient can only be evaluated when Y is None.")
            free = tuple(h.name for h in self.hyperparameters if not h.fixed)
            if not free:
                return np.array(mlp.ntk(x)), np.empty((len(x), len(x), 0))
            values = {"w_std": float(self.w_std), "b_std": float(self.b_std)}
            logarithms = {name: jnp.asarray(np.log(values.pop(name))) for name in free}
            kernel, slopes = _with_slopes(logarithms, values, x, self.depth, self.activation)
            return np.array(kernel), np.stack([slopes[name] for name in free], axis=-1)

    def diag(self, X: ArrayLike) -> NDArray[np.float64]:
        """The kernel of each row of X (n, d) with itself, (n,)."""
        x = _points(X)
        mlp = MLP(depth=self.depth, activation=self.activation, w_std=self.w_std, b_std=self.b_std)
        with double_precision():
            return np.array(jax.vmap(lambda row: mlp.ntk(row[None])[0, 0])(x))

    def is_stationary(self) -> bool:
        """Whether the kernel depends on differences of points only: it does not."""
        return False

    def __repr__(self) -> str:
        name = self.activation if isinstance(self.activation, str) else self.activation.name
        return f"NTK(depth={self.depth}, activation={name!r}, w_std={self.w_std:.3g}, b_std={self.b_std:.3g})"


def _points(X: ArrayLike) -> NDArray[np.float64]:
    return np.atleast_2d(np.asarray(X, np.float64))


@functools.partial(jax.jit, static_argnames=("depth", "activation"))
def _with_slopes(
    logarithms: dict[str, Any],
    values: dict[str, Any],
    x: jax.Array,
    depth: int,
    activation: str | Activation,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The kernel, and its derivatives by the logarithms: forward mode, as there are two numbers and n² outputs."""

    def kernel(logarithms: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        numbers: Any = values | {name: jnp.exp(value) for name, value in logarithms.items()}
        gram = MLP(depth=depth, activation=activation, **numbers).ntk(x)
        return gram, gram

    slopes, gram = jax.jacfwd(kernel, has_aux=True)(logarithms)
    return gram, slopes
