r"""What does a network learn that no kernel fixed in advance can?

A bound on what any kernel can learn of many orthonormal functions (:func:`span_error` measures its left-hand side), the
first step of gradient descent on a parity (:func:`fourier_gap`), and what the tangent kernel of a trained network knows
(:func:`after_kernel`).
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _arguments, _examples, _validation
from ntklib.tangent import empirical_ntk

__all__ = ["after_kernel", "fourier_gap", "span_error"]

Apply = Callable[[Any, Any], Array]


def after_kernel(
    apply: Apply, params: Any, x: Any, x_test: Any, y: ArrayLike, *, ridge: float = 1e-3
) -> NDArray[np.float64]:
    r"""What kernel regression predicts with the tangent kernel of a network, for instance of one that was trained.

    :math:`\hat\Theta(x_*, x)\,(\hat\Theta(x, x) + \delta\,\bar\theta)^{-1} y`, where :math:`\bar\theta` is the mean of
    the diagonal of :math:`\hat\Theta(x, x)`. The regression starts from zero: what the network itself answers is not
    used.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k); with several outputs the kernel is the mean of theirs.
        params: the parameters at which the kernel is taken.
        x: training inputs, as of :func:`ntklib.tangent.empirical_ntk`.
        x_test: where to predict.
        y: targets, (n,) or (n, k).
        ridge: :math:`\delta \ge 0`, as a share of the mean of the diagonal, because tangent kernels of
            different parameterisations differ in size.

    Returns:
        (n_test,) or (n_test, k), as `y`. The system is solved in float64; kernels are as exact as the dtype of inputs
        and parameters makes them. Not for use inside of `jax.jit`.

    Raises:
        ValueError: if a shape or dtype does not fit, the ridge is negative, or the regularised kernel is singular.

    >>> import jax.numpy as jnp
    >>> slope, x = jnp.array([[2.0]]), jnp.array([[1.0], [2.0]])
    >>> after_kernel(lambda w, x: x @ w, slope, x, 3 * x, np.array([1.0, 2.0]), ridge=1e-6).round(4).tolist()
    [3.0, 6.0]
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    params, x = _examples.parameters(params), _examples.batch("x", x)
    _examples.output_shape(apply, params, "x", x)
    x_test = _examples.batch("x_test", x_test, like=x)
    targets = _validation.floating("y", y)
    if targets.ndim not in (1, 2) or len(targets) != _examples.size(x):
        raise ValueError(f"y must have shape (n,) or (n, k) with n = {_examples.size(x)}, got {targets.shape}")
    _validation.refuse_unless_finite("y", targets, y)
    _validation.number("ridge", ridge)
    kernel = np.array(empirical_ntk(apply, params, x), float)
    kernel[np.diag_indices_from(kernel)] += ridge * np.trace(kernel) / len(kernel)
    try:
        weights = np.linalg.solve(kernel, np.asarray(targets, float))
    except np.linalg.LinAlgError:
        raise ValueError(f"the tangent kernel on x is singular with ridge = {ridge}; a larger one helps") from None
    return np.asarray(empirical_ntk(apply, params, x_test, x), float) @ weights


def fourier_gap(d: int, k: int) -> Fraction:
    r"""The gradient of one unit at a bit that the parity does not use, over that at one that it uses; exactly.

    Of a unit with weights :math:`\pm1`, ReLU and no bias, at the first step on the parity :math:`\chi_S` of k of d
    bits: the ratio of :math:`\mathbb E[\chi_S\,x_i\,1(w^\top x > 0)]` for :math:`i \notin S` and for :math:`i \in S`,
    each times :math:`w_i`. It is counted over the numbers of negative bits; :math:`-(k-1)/(d-k)` is its closed form
    (the name is of Barak et al. 2022, arXiv 2207.08799).

    Args:
        d: number of bits, odd, so that :math:`w^\top x` is never zero.
        k: how many of them the parity uses, even and less than d; for odd k from 3 on both gradients are zero.

    Raises:
        ValueError: for other numbers.

    >>> fourier_gap(11, 4)
    Fraction(-3, 7)
    """
    d, k = _arguments.count("d", d, 3), _arguments.count("k", k, 2)
    if d % 2 == 0:
        raise ValueError(f"d must be odd, got {d}")
    if k % 2 or k > d - 1:
        raise ValueError(f"k must be even and at most {d - 1} for d = {d}, got {k}")
    return Fraction(_majority(d, k + 1), _majority(d, k - 1))


def _majority(d: int, j: int) -> int:
    """2^d times the Fourier coefficient of the majority of d bits at each set of j of them."""
    return sum(
        math.comb(j, inside) * math.comb(d - j, outside) * (-1) ** inside * (1 if 2 * (inside + outside) < d else -1)
        for inside in range(j + 1)
        for outside in range(d - j + 1)
    )


def span_error(columns: ArrayLike, functions: ArrayLike) -> NDArray[np.float64]:
    r"""How far functions are from the span of some columns: the least mean squared error of each, on a finite domain.

    :math:`\min_{g \in \operatorname{span}}\frac1N\sum_x(\varphi(x) - g(x))^2`. If the columns are
    :math:`K(\cdot, x_i)` at n training inputs, no kernel method with this kernel does better on these inputs, whatever
    its ridge and its labels. For orthonormal functions, M of them, the mean over them is at least :math:`1 - n/M`.

    Args:
        columns: values on the domain, (N, n).
        functions: values on the domain, (N, M).

    Returns:
        (M,). Directions of the columns with a singular value below :math:`\max(N, n)\,\varepsilon` of the largest count
        as null.

    Raises:
        ValueError: if a shape or dtype does not fit, or something is not finite.

    >>> parities = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    >>> span_error(parities[:, :1], parities).tolist()
    [0.0, 1.0, 1.0]
    """
    basis, values = (
        np.asarray(_validation.matrix(name, given), float)
        for name, given in (("columns", columns), ("functions", functions))
    )
    if len(values) != len(basis):
        raise ValueError(f"functions must have shape ({len(basis)}, M) like the columns, got {values.shape}")
    for name, array, given in (("columns", basis, columns), ("functions", values, functions)):
        _validation.refuse_unless_finite(name, array, given)
    vectors, sizes, _ = np.linalg.svd(basis, full_matrices=False)
    kept = vectors[:, sizes > max(basis.shape) * np.finfo(float).eps * sizes.max(initial=0.0)]
    return np.mean((values - kept @ (kept.T @ values)) ** 2, axis=0)
