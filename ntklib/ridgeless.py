"""What does least squares cost where it fits its data exactly? The risk of the fit of least norm, its ranks and ridge.

The features are Gaussian: what is exact here for them is an approximation for others.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ntklib import _arguments

__all__ = ["effective_ranks", "effective_ridge", "ridgeless_risk"]


def ridgeless_risk(n: int, p: int, *, signal: float, rest: float = 0.0, noise: float) -> float:
    r"""The mean squared error of minimum-norm least squares on a new noisy label, exact for Gaussian features.

    With :math:`x \sim N(0, I_D)` and :math:`y = x^\top\beta + \sigma\varepsilon`, least squares on the p features of a
    set T has the risk :math:`(\rho + \sigma^2)(1 + \frac p{n - p - 1})` for :math:`p \le n - 2`, and
    :math:`s(1 - \frac np) + (\rho + \sigma^2)(1 + \frac n{p - n - 1})` for :math:`p \ge n + 2` (Belkin, Hsu and
    Xu 2020), where s is the signal :math:`\|\beta_T\|^2` and :math:`\rho` the rest.

    Args:
        n: number of examples.
        p: number of features that are used.
        signal: :math:`\|\beta_T\|^2`, over the features that are used.
        rest: :math:`\|\beta\|^2 - \|\beta_T\|^2`, over all others.
        noise: the variance :math:`\sigma^2` of the noise in a label.

    Returns:
        the risk, which counts the noise of the new label; infinite for p from n - 1 to n + 1, unless noise and rest are
        zero.

    Raises:
        ValueError: if a count is no positive integer, or a number is negative or not finite.

    >>> ridgeless_risk(41, 20, signal=1.0, noise=0.25), ridgeless_risk(41, 41, signal=1.0, noise=0.25)
    (0.5, inf)
    """
    n, p = _arguments.count("n", n, 1), _arguments.count("p", p, 1)
    s = float(_arguments.number("signal", signal))
    unseen = float(_arguments.number("rest", rest)) + float(_arguments.number("noise", noise))
    missed = s * max(0.0, 1 - n / p)
    if unseen == 0:
        return missed
    if abs(p - n) <= 1:
        return math.inf
    return missed + unseen * (1 + min(n, p) / (abs(p - n) - 1))


def effective_ranks(eigenvalues: ArrayLike, n: int) -> tuple[int, float, float] | None:
    r"""How many directions a spectrum has to learn with, and how many to hide noise in (Bartlett et al. 2020).

    With :math:`r_k = \sum_{i > k}\lambda_i/\lambda_{k + 1}`, :math:`k^*` is the least k with :math:`r_k \ge n`. The
    effective rank of what comes after is :math:`R_k = (\sum_{i > k}\lambda_i)^2/\sum_{i > k}\lambda_i^2`.

    Args:
        eigenvalues: of the covariance, positive, in any order, (m,).
        n: number of examples.

    Returns:
        :math:`k^*` and the two ranks r and R there, or None if no k will do.

    Raises:
        ValueError: if a value is not positive or not finite, the shape does not fit, or n is no positive integer.

    >>> effective_ranks([8.0, *[0.125] * 400], 100)
    (1, 400.0, 400.0)
    """
    values, n = _positive(eigenvalues), _arguments.count("n", n, 1)
    ordered = np.sort(values)[::-1]
    after = np.cumsum(ordered[::-1])[::-1]
    enough = np.flatnonzero(after >= n * ordered * (1 - 1e-12))
    if not len(enough):
        return None
    k = int(enough[0])
    r, rank = after[k] / ordered[k], after[k] ** 2 / np.sum(ordered[k:] ** 2)
    return k, float(r), float(rank)


def effective_ridge(eigenvalues: ArrayLike, p: int) -> float:
    r"""The ridge with which kernel regression is nearly the mean of least-norm fits with p random features.

    The features are independent Gaussian processes that have the kernel as their covariance. The mean fit multiplies
    the labels' part along eigenvector i of the kernel matrix by a factor; the factors add up to p, and are nearly
    :math:`d_i/(d_i + \kappa)`, where :math:`\kappa` solves :math:`\sum_i\frac{d_i}{d_i + \kappa} = p` (Jacot and
    others 2020, arXiv 2002.08404). With at least as many features as examples all factors are 1, exactly.

    Args:
        eigenvalues: :math:`d_i` of the kernel matrix of the examples, positive, in any order, (n,).
        p: number of features.

    Returns:
        :math:`\kappa \ge 0`, to be added to the diagonal of the kernel matrix as it is; 0 for :math:`p \ge n`.

    Raises:
        ValueError: if a value is not positive or not finite, the shape does not fit, or p is no positive integer.

    >>> round(effective_ridge([2.0, 2.0, 2.0], 1), 9), effective_ridge([2.0, 2.0, 2.0], 3)
    (4.0, 0.0)
    """
    values, p = _positive(eigenvalues), _arguments.count("p", p, 1)
    if p >= len(values):
        return 0.0
    low, high = math.log(values.min()), math.log(values.max())  # of κ·p/(n − p), which is a mean of the eigenvalues
    share = math.log(len(values) - p) - math.log(p)
    for _ in range(64):
        middle = (low + high) / 2
        # d/(d + κ), written so that nothing overflows
        if np.sum(1 / (1 + np.exp(middle + share - np.log(values)))) > p:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2 + share)


def _positive(eigenvalues: ArrayLike) -> np.ndarray:
    """The eigenvalues as an array of floats, all positive."""
    values = _arguments.array_of_numpy("eigenvalues", eigenvalues).astype(float)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"eigenvalues must have shape (m,), got {_arguments.got(values)}")
    if values.min() <= 0:
        raise ValueError(f"eigenvalues must be positive, got {values.min():.4g} at [{values.argmin()}]")
    return values
