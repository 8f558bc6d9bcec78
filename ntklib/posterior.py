r"""What does a Gaussian process know once it has seen data?

:func:`condition` takes a kernel, inputs, targets and the variance of the noise, decomposes the matrix once, and gives
the posterior: its mean, which is kernel ridge regression, its variance, draws from it, and the evidence of the data,
which can be differentiated in the numbers of the kernel.

>>> from ntklib.mlp import MLP
>>> from ntklib.kernels import RBF
>>> x, y = jnp.array([[0.0], [1.0], [2.0]]), jnp.array([0.0, 1.0, 0.5])
>>> posterior = condition(RBF() + 0.1 * MLP(depth=2).ntk, x, y, noise=0.01)
>>> round(float(posterior.mean(jnp.array([[1.0]]))[0]), 2)
0.98
>>> evidence = lambda kernel: condition(kernel, x, y, noise=0.01).log_evidence
>>> slope = jax.grad(evidence)(RBF(1.0))  # a shorter one is more probable
>>> bool(slope.lengthscale < 0)
True
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from jax.typing import ArrayLike

from ntklib import _cholesky, _precision, _tree, _validation, kernels
from ntklib._spectral import as_covariance, rounding

__all__ = ["Posterior", "condition"]


def condition(kernel: kernels.Kernel, x: ArrayLike, y: ArrayLike, noise: ArrayLike) -> "Posterior":
    r"""A Gaussian process with mean zero and this kernel, conditioned on :math:`y_i = f(x_i) + \varepsilon_i`.

    By one Cholesky decomposition :math:`K(X, X) + \sigma^2 I = LL^\top` (Rasmussen and Williams 2006, algorithm 2.1),
    in the dtype of `x`.

    Args:
        kernel: a :class:`ntklib.kernels.Kernel`, for instance ``MLP(depth=2).nngp``.
        x: inputs, (n, d); images, (n, h, w) or (n, h, w, c), if they are the points of the kernel.
        y: targets, (n,), or (n, k) for k outputs, independent with the same kernel and noise.
        noise: the variance :math:`\sigma^2 \ge 0` of the noise, which is added to the diagonal. It may be 0 if the
            matrix is positive definite without it.

    Returns:
        the posterior. It holds copies: what happens to the arrays afterwards does not change it.

    Raises:
        ValueError: if a shape, a dtype or a number does not fit, or if the matrix is singular to rounding: if a pivot
            of the decomposition, the variance that the points before leave to a point, is at most
            :math:`n\varepsilon` times the largest entry of the diagonal, with :math:`\varepsilon` the rounding unit of
            the dtype. While JAX traces, where this cannot be told, everything is NaN instead.

    >>> from ntklib.kernels import Constant
    >>> posterior = condition(Constant(1.0), jnp.zeros((3, 1)), jnp.array([1.0, 2.0, 3.0]), noise=1.0)
    >>> posterior.mean(jnp.zeros((1, 1))).round(4).tolist()  # the sum of the targets over n + σ²
    [1.5]
    """
    kernels.refuse_unless_kernel(kernel)
    inputs = jnp.array(kernel._points("x", x))
    targets = _validation.floating("y", y).astype(inputs.dtype)
    if targets.ndim not in (1, 2) or len(targets) != len(inputs) or not len(inputs):
        raise ValueError(f"y must have shape ({len(inputs)},) or ({len(inputs)}, k) with n > 0, got {targets.shape}")
    variance = _validation.number("noise", noise)
    kept = _tree.copied(kernel)
    gram = kept(inputs)
    factor, coefficients, evidence, finite, definite = _decomposed(gram, targets, variance)
    if _is_false(finite):
        raise ValueError("x, y and the kernel at x must be finite, got NaN or infinity")
    if _is_false(definite):
        raise ValueError(
            f"noise must be larger: the {len(inputs)} × {len(inputs)} matrix of the kernel with noise={noise!r} on its "
            f"diagonal is singular to rounding in {inputs.dtype}; {_precision.ADVICE.replace('ridge', 'noise')}"
        )
    return Posterior(kept, inputs, factor, coefficients, evidence)


@dataclasses.dataclass(frozen=True, eq=False)
class Posterior:
    r"""What :func:`condition` returns; a JAX tree.

    Attributes:
        kernel: the kernel, of the prior.
        x: the inputs, (n, d).
        factor: L, lower triangular with :math:`LL^\top = K(X, X) + \sigma^2 I`, (n, n).
        coefficients: :math:`(K(X, X) + \sigma^2 I)^{-1} y`, in the shape of the targets.
        log_evidence: the logarithm of the density of the targets,
            :math:`-\frac12 y^\top(K + \sigma^2)^{-1}y - \frac12\log\det(K + \sigma^2) - \frac n2\log 2\pi`; for k
            outputs the sum of theirs. A number, differentiable in the leaves of the kernel and in the noise.
    """

    kernel: kernels.Kernel
    x: Array
    factor: Array
    coefficients: Array
    log_evidence: Array

    def mean(self, x: ArrayLike) -> Array:
        """The mean of the function at inputs (m, d): (m,) or (m, k), as the targets."""
        return jnp.matmul(self.kernel(self._points(x), self.x), self.coefficients, precision="highest")

    def variance(self, x: ArrayLike) -> Array:
        """The variance of the function at inputs (m, d), without noise: (m,), never negative."""
        points = self._points(x)
        explained = jnp.sum(self._whitened(points) ** 2, axis=0)
        return jnp.maximum(self.kernel.diagonal(points) - explained, 0)

    def covariance(self, x: ArrayLike) -> Array:
        """The covariance of the function between inputs (m, d), without noise: (m, m), exactly symmetric."""
        points = self._points(x)
        whitened = self._whitened(points)
        return as_covariance(self.kernel(points) - jnp.matmul(whitened.T, whitened, precision="highest"))

    def sample(self, key: Array, x: ArrayLike, n: int) -> Array:
        r"""Draw functions, without noise.

        Directions in which the covariance has an eigenvalue of at most :math:`2\sqrt{2m}\,\varepsilon` times its
        largest one or the largest variance of the prior, with :math:`\varepsilon` the rounding unit, do not vary:
        the root of what rounding leaves of a zero is large, and would be seen as a difference between equal points.

        Args:
            key: a JAX random key.
            x: inputs, (m, d).
            n: number of draws.

        Returns:
            their values at the inputs, (n, m), or (n, m, k) for k outputs, which are independent.

        Raises:
            ValueError: if a shape, a dtype or `n` does not fit.
        """
        _validation.key("key", key)
        count, mean = _validation.count("n", n, 0), self.mean(x)
        # The root that is symmetric does not depend on the signs of eigenvectors.
        eigenvalues, vectors = jnp.linalg.eigh(self.covariance(x))
        prior = self.kernel.diagonal(self._points(x))  # of which the covariance is what the data leave
        zero = rounding(jnp.append(eigenvalues, prior))
        root = (vectors * jnp.sqrt(jnp.where(eigenvalues > zero, eigenvalues, 0))) @ vectors.T
        return mean + jnp.einsum("ij,nj...->ni...", root, jax.random.normal(key, (count, *mean.shape), mean.dtype))

    def _points(self, x: ArrayLike) -> Array:
        return self.kernel._points("x", x, like=self.x).astype(self.x.dtype)

    def _whitened(self, points: Array) -> Array:
        """L⁻¹ k(X, x), (n, m): its squares add up to the variance that the data explain."""
        return solve_triangular(self.factor, self.kernel(self.x, points), lower=True)


_tree.register(Posterior)


@jax.jit
def _decomposed(gram: Array, y: Array, noise: ArrayLike) -> tuple[Array, Array, Array, Array, Array]:
    """L, the coefficients, the log evidence, and whether all is finite and definite."""
    n = len(gram)
    matrix = gram + jnp.asarray(noise, gram.dtype) * jnp.eye(n, dtype=gram.dtype)
    finite = jnp.isfinite(matrix).all() & jnp.isfinite(y).all()
    factor = _cholesky.traced(matrix)
    pivots = jnp.diag(factor) ** 2
    definite = jnp.min(pivots) > n * jnp.finfo(gram.dtype).eps * jnp.max(jnp.diag(matrix))  # not if one of them is NaN
    factor = jnp.where(definite, factor, jnp.nan)
    whitened = solve_triangular(factor, y, lower=True)
    coefficients = solve_triangular(factor, whitened, lower=True, trans=1)
    outputs = y.shape[1] if y.ndim == 2 else 1
    constant = outputs * (jnp.sum(jnp.log(jnp.diag(factor))) + n / 2 * math.log(2 * math.pi))
    return factor, coefficients, -jnp.sum(whitened**2) / 2 - constant, finite, definite


def _is_false(truth: Array) -> bool:
    """Whether it is known to be false: while JAX compiles nothing is."""
    try:
        return not bool(truth)
    except jax.errors.ConcretizationTypeError:
        return False
