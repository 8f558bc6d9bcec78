r"""Which functions does kernel regression learn from n examples? Measured on a finite domain, and predicted.

The domain has N points with the uniform distribution, and functions on it have the scalar product
:math:`\langle f, g\rangle = \frac1N\sum_x f(x)\,g(x)`. Measured by :func:`learnability`; predicted from the
eigenvalues of the kernel alone by :func:`predict` (Simon, Dickens, Karkada and DeWeese 2023, arXiv 2110.03922).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _precision, _validation
from ntklib._spectral import flow_integral

__all__ = ["Prediction", "eigenmodes", "learnability", "predict"]


def learnability(kernel: ArrayLike, train: ArrayLike, functions: ArrayLike, *, ridge: ArrayLike = 0.0) -> Array:
    r"""How much of each function comes back when kernel regression is trained on it.

    :math:`\langle\phi, \hat\phi\rangle` with :math:`\hat\phi = K_{\cdot T}\,(K_{TT} + \delta)^{-1}\phi(T)`. Over a
    full orthonormal basis the learnabilities sum to the trace of :math:`K_{TT}(K_{TT} + \delta)^{-1}`: to n without a
    ridge if :math:`K_{TT}` is not singular, to its rank if it is, and to less with a ridge (Simon et al. 2023).

    Args:
        kernel: on the whole domain, (N, N), symmetric and positive semi-definite.
        train: indices of the n training points, integers, (n,).
        functions: columns with mean square 1, (N, m); orthonormal, if their learnabilities are to be added.
        ridge: :math:`\delta \ge 0`, added to the diagonal of :math:`K_{TT}` as it is, without a factor n. Directions in
            which the sum has an eigenvalue of at most :math:`2\sqrt n\,\varepsilon` times its largest, with
            :math:`\varepsilon` the rounding unit, count as null: of them nothing is learned.

    Returns:
        (m,), in the dtype of the kernel. In float32 the error is below the rounding unit times the condition number of
        :math:`K_{TT} + \delta`: 1e-6 at a condition of 100, measured.

    Raises:
        ValueError: if a shape or dtype does not fit; or, not while JAX traces, if the ridge is negative, an index is
            out of range or occurs twice, the mean square of a function is not 1, the kernel is not finite and symmetric
            or, on the training points, has an eigenvalue below zero by more than rounding, or float32 loses more than a
            hundredth of the answer (it would without this: .013 at a condition of 3e5).

    >>> functions = jnp.array([[1.0, 1.0], [1.0, -1.0]])
    >>> learnability(jnp.array([[1.0, 0.5], [0.5, 1.0]]), np.array([0]), functions).tolist()
    [0.75, 0.25]
    """
    k, phi = _validation.square("kernel", kernel, "N"), _validation.matrix("functions", functions)
    n_points = len(k)
    if len(phi) != n_points:
        raise ValueError(f"functions must have shape ({n_points}, m) for a kernel of shape {k.shape}, got {phi.shape}")
    index = _indices(train, n_points)
    _validation.number("ridge", ridge)
    if not isinstance(functions, jax.core.Tracer):
        square = np.mean(np.asarray(phi) ** 2, axis=0)
        if np.any(np.abs(square - 1) > 1e-3):
            raise ValueError(
                f"functions must have a mean square of 1, got from {square.min():.4g} to {square.max():.4g}"
            )
    phi = phi.astype(k.dtype)
    k_train = k[index][:, index]
    if not isinstance(k, jax.core.Tracer):
        _validation.refuse_unless_symmetric(np.asarray(k))
    if not isinstance(k_train, jax.core.Tracer):
        # not on the whole domain, where it would take longer than all else
        _validation.refuse_unless_positive(np.asarray(k_train))
    matrix = k_train + jnp.asarray(ridge, k.dtype) * jnp.eye(len(index), dtype=k.dtype)
    if k.dtype == jnp.float32 and not isinstance(matrix, jax.core.Tracer) and len(index):
        spectrum = np.linalg.eigvalsh(np.asarray(matrix, float))
        _precision.refuse_if_lost(k.dtype, spectrum[-1], spectrum[0], "the smallest")
    weights = flow_integral(matrix, phi[index], jnp.full(1, jnp.inf, k.dtype))[0]  # zeros to rounding are not learned
    return jnp.mean(phi * (k[:, index] @ weights), axis=0)


def eigenmodes(kernel: ArrayLike) -> tuple[Array, Array]:
    r"""Eigenvalues and eigenfunctions of a kernel under the uniform distribution on its domain.

    :math:`\frac1N\sum_{x'}K(x, x')\,\phi_i(x') = \lambda_i\,\phi_i(x)` with
    :math:`\langle\phi_i, \phi_j\rangle = \delta_{ij}`, so :math:`K(x, x') = \sum_i\lambda_i\phi_i(x)\phi_i(x')`.

    Args:
        kernel: (N, N), symmetric and positive semi-definite.

    Returns:
        eigenvalues (N,), the largest first, and eigenfunctions in the columns of (N, N).

    Raises:
        ValueError: if it is not a square matrix of floats; or, not while JAX traces, if it is not finite and symmetric
            or has an eigenvalue below zero by more than rounding.

    >>> values, functions = eigenmodes(jnp.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> values.tolist(), [round(abs(float(entry)), 4) for entry in functions[0]]
    ([0.75, 0.25], [1.0, 1.0])
    """
    k = _validation.square("kernel", kernel, "N")
    if not isinstance(k, jax.core.Tracer):
        _validation.refuse_unless_symmetric(np.asarray(k))
    values, vectors = jnp.linalg.eigh(k)
    if len(k) and not isinstance(values, jax.core.Tracer):
        _validation.refuse_unless_positive(np.asarray(k), float(values[0]))
    return values[::-1] / len(k), vectors[:, ::-1] * jnp.sqrt(jnp.asarray(len(k), k.dtype))


class Prediction(NamedTuple):
    r"""What :func:`predict` says about kernel regression on n examples.

    Attributes:
        kappa: the constant :math:`\kappa` that all modes share.
        learnabilities: :math:`\lambda_i/(\lambda_i + \kappa)`, (m,).
        e0: the mean squared error of fitting pure noise of variance 1, :math:`n/(n - \sum_i L_i^2)`.
    """

    kappa: Array
    learnabilities: Array
    e0: Array

    def mse(self, target: ArrayLike, noise: ArrayLike = 0.0) -> Array:
        r"""The mean squared error on the whole domain, :math:`E_0\bigl(\sum_i(1 - L_i)^2v_i^2 + \sigma^2\bigr)`.

        Args:
            target: the coefficients :math:`v_i = \langle\phi_i, f\rangle` in the order of the eigenvalues, (m,) or
                (m, k) for k targets.
            noise: the variance :math:`\sigma^2` of the noise in the training labels; the error is then that of
                predicting labels with new noise. The formula is for domains with many more points than n: where half
                of the points are training points, it is nearly twice too high without a ridge.

        Returns:
            a number, or (k,).

        Raises:
            ValueError: if a shape or dtype does not fit, or the variance is negative.
        """
        v = _validation.floating("target", target)
        modes = self.learnabilities.shape
        if v.ndim not in (1, 2) or v.shape[:1] != modes:
            raise ValueError(f"target must have shape ({modes[0]},) or ({modes[0]}, k), got {v.shape}")
        _validation.number("noise", noise)
        missed = jnp.tensordot((1 - self.learnabilities) ** 2, v**2, 1) + jnp.asarray(noise, v.dtype)
        return jnp.where(missed == 0, 0, self.e0 * missed)  # E₀ is infinite where the modes are as many as the data


def predict(eigenvalues: ArrayLike, n: ArrayLike, *, ridge: ArrayLike = 0.0) -> Prediction:
    r"""Learnabilities and errors of kernel regression on n examples, from the eigenvalues of the kernel alone.

    :math:`\kappa` solves :math:`\sum_i\frac{\lambda_i}{\lambda_i + \kappa} + \frac\delta\kappa = n`, and mode i has
    the learnability :math:`L_i = \lambda_i/(\lambda_i + \kappa)` (Simon et al. 2023). An approximation, not a bound: it
    treats the eigenfunctions at the training points as if they were random, and is good when many modes share the
    n examples.

    Args:
        eigenvalues: :math:`\lambda_i \ge 0` as of :func:`eigenmodes`, each as often as its multiplicity, (m,).
        n: number of training points, positive.
        ridge: :math:`\delta \ge 0`, as in :func:`learnability`.

    Returns:
        a :class:`Prediction`. Without a ridge and with at most n positive eigenvalues, kappa is 0.

    Raises:
        ValueError: if a shape or dtype does not fit, or a value is negative or all eigenvalues are zero, or in float32
            eigenvalues that cannot be told from zero could be learned to more than a hundredth (values are not checked
            while JAX traces).

    >>> flat = predict(jnp.full(16, 0.25), 4)  # nothing distinguishes the modes: each gets n/m
    >>> round(float(flat.kappa), 4), round(float(flat.learnabilities[0]), 4), round(float(flat.e0), 4)
    (0.75, 0.25, 1.3333)
    """
    values = _validation.floating("eigenvalues", eigenvalues)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"eigenvalues must have shape (m,), got {values.shape}")
    _validation.number("ridge", ridge)
    _validation.number("n", n, positive=True)
    if not isinstance(eigenvalues, jax.core.Tracer):
        array = np.asarray(values)
        largest = array.max()
        if not np.isfinite(array).all() or array.min() < -1e-4 * largest or largest <= 0:
            raise ValueError(
                f"eigenvalues must be finite, not negative and not all zero, got {array.min():.4g} to {largest:.4g}"
            )
    found = _solve(values, jnp.asarray(n, values.dtype), jnp.asarray(ridge, values.dtype))
    if values.dtype == jnp.float32 and not isinstance(found.kappa, jax.core.Tracer):
        unknown = float(_rounding(values))
        share = unknown / (unknown + float(found.kappa))
        if share > _precision.LOST and np.any((array != 0) & (array <= unknown)):
            raise ValueError(
                f"in float32 eigenvalues below {unknown:.2g} cannot be told from zero, and one of that size would be "
                f"learned to {share:.2g}; {_precision.ADVICE}"
            )
    return found


def _rounding(values: Array) -> Array:
    """Up to here an eigenvalue is what a solver leaves slightly off zero."""
    return len(values) * jnp.finfo(values.dtype).eps * jnp.max(values)


@jax.jit
def _solve(values: Array, n: Array, ridge: Array) -> Prediction:
    rounding = _rounding(values)
    positive = values > rounding  # eigenvalues that a solver leaves slightly off zero are zero
    lam = jnp.where(positive, values, 0)
    count, least = jnp.sum(positive), jnp.min(jnp.where(positive, values, jnp.inf))

    def excess(log_kappa: Array) -> Array:
        kappa = jnp.exp(log_kappa)
        return jnp.sum(lam / (lam + kappa)) + ridge / kappa - n

    # the sum is at least n at the lower end and at most n at the upper one
    exact = (ridge == 0) & (count <= n)  # then kappa is 0
    low = jnp.maximum(ridge, least * jnp.maximum(count - n, 0)) / n
    high = (jnp.sum(lam) + ridge) / n
    ends = jax.lax.stop_gradient((jnp.log(jnp.where(exact, high, low)), jnp.log(high)))

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        above = excess(middle) > 0
        return jnp.where(above, middle, ends[0]), jnp.where(above, ends[1], middle)

    low, high = jax.lax.stop_gradient(jax.lax.fori_loop(0, 80, halve, ends))
    # one Newton step polishes the root, and gives it the derivative of the implicit function
    root = (low + high) / 2
    kappa_root = jnp.exp(root)
    slope = -jnp.sum(lam * kappa_root / (lam + kappa_root) ** 2) - ridge / kappa_root
    kappa = jnp.where(exact, 0, jnp.exp(root - excess(root) / jax.lax.stop_gradient(slope)))
    learned = jnp.where(positive, lam / jnp.where(positive, lam + kappa, 1), 0)
    return Prediction(kappa, learned, n / (n - jnp.sum(learned**2)))


def _indices(train: ArrayLike, n_points: int) -> Array:
    index = _validation.read("train", train, jnp.asarray)
    if index.ndim != 1 or not jnp.issubdtype(index.dtype, jnp.integer) or len(index) == 0:
        raise ValueError(f"train must be integers of shape (n,), got {index.dtype} of shape {index.shape}")
    if not isinstance(train, jax.core.Tracer):
        known = np.asarray(train)
        if known.min() < 0 or known.max() >= n_points or len(np.unique(known)) < len(known):
            raise ValueError(f"train must hold different indices from 0 to {n_points - 1}, got {known.tolist()[:10]}")
    return index
