r"""Which few basis functions explain the data best? Type-II maximum likelihood, one function at a time.

Weights :math:`w_m \sim N(0, 1/\alpha_m)` on the columns of a design matrix; the precisions maximise the evidence, and
most of them are infinite at the maximum (Tipping 2001). Seen as a function of one precision the log evidence is

.. math:: \ell(\alpha) = \tfrac12\Bigl[\log\frac{\alpha}{\alpha + s} + \frac{q^2}{\alpha + s}\Bigr],

with the maximum :math:`s^2/(q^2 - s)` if :math:`q^2 > s` and infinity otherwise, so a step adds, removes or moves
the one column that gains most (Tipping and Faul 2003). For a regression the gain is exact. For a classification it is
that of one Laplace approximation and the next one decides: a step is kept only if the evidence rises.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, qr
from scipy.special import expit

__all__ = ["Relevance", "classification", "regression"]

Array = NDArray[np.float64]

# A column is added only if the part of it outside of the span of the chosen ones is larger than this, of its squared
# length: of a smaller part few digits are known. A copy of a chosen column has none. The evidence does not tell it from
# the column itself, so that rounding would decide how often each of several equal points is kept.
_COLLINEAR = 1e-8
_SEVERAL = 10  # columns of another start


class Relevance(NamedTuple):
    """What was found.

    Attributes:
        active: indices of the columns with finite precisions, ascending, (m,).
        weights: posterior mean of their weights, (m,).
        covariance: of their weights, (m, m).
        precisions: of their prior, (m,).
        noise: variance of the noise; for a classification 0.
        evidence: the logarithm of the marginal likelihood after each step that raised it.
        steps: how many steps were tried, those included that did not raise it.
        converged: whether no step was left that would gain more than the tolerance.
    """

    active: NDArray[np.intp]
    weights: Array
    covariance: Array
    precisions: Array
    noise: float
    evidence: Array
    steps: int
    converged: bool


class _Posterior(NamedTuple):
    mean: Array  # of the weights of the active columns, (m,)
    covariance: Array  # (m, m)
    sparsity: Array  # S of all columns: φᵀC⁻¹φ, (p,)
    quality: Array  # Q of all columns: φᵀC⁻¹t, (p,)
    evidence: float


_Infer = Callable[[NDArray[np.intp], Array, Array], _Posterior]
_NONE = np.empty(0)
_REFUSED = _Posterior(_NONE, _NONE, _NONE, _NONE, -np.inf)  # a matrix that is singular to rounding


def regression(design: Array, targets: Array, *, tol: float, max_iter: int) -> Relevance:
    """Relevant columns of a design (n, p) for targets (n,) with Gaussian noise, whose variance is found too."""
    n = len(targets)
    spread = float(np.var(targets)) or float(np.mean(targets**2)) or 1.0
    least: float = 1e-6 * spread
    noise: float = 0.1 * spread
    design, norms = _unit_columns(design)
    gram, projection = design.T @ design, design.T @ targets

    def infer(active: NDArray[np.intp], alpha: Array, start: Array) -> _Posterior:
        cross = gram[:, active]
        try:
            factor, covariance = _invert(cross[active] / noise + np.diag(alpha))
        except LinAlgError:
            return _REFUSED
        mean = covariance @ projection[active] / noise
        residual = targets - design[:, active] @ mean  # not from the products, which lose digits where it is small
        determinant = n * np.log(noise) + 2 * np.log(np.diag(factor)).sum() - np.log(alpha).sum()
        quadratic = residual @ residual / noise + mean @ (alpha * mean)
        return _Posterior(
            mean,
            covariance,
            np.diag(gram) / noise - np.einsum("pm,mk,pk->p", cross, covariance, cross, optimize=True) / noise**2,
            (projection - cross @ mean) / noise,
            -0.5 * (n * np.log(2 * np.pi) + determinant + quadratic),
        )

    def settle(active: NDArray[np.intp], alpha: Array, now: _Posterior) -> _Posterior:
        """Another variance of the noise: the fixed point's if that raises the evidence, as the next certainly does."""
        nonlocal noise
        before = noise
        error = targets - design[:, active] @ now.mean
        determined = len(active) - float(alpha @ np.diag(now.covariance))  # γ, the well-determined parameters
        fixed_point = float(error @ error) / max(n - determined, 1e-3 * n)
        expectation_maximisation = (float(error @ error) + before * determined) / n
        for proposed in (fixed_point, expectation_maximisation):
            noise = max(proposed, least)
            new = infer(active, alpha, now.mean)
            if new.evidence > now.evidence:
                return new
        noise = before
        return now

    def ascend(start: NDArray[np.intp]) -> Relevance:
        nonlocal noise
        noise = 0.1 * spread
        return _ascend(infer, settle, design, start, tol=tol, max_iter=max_iter)._replace(noise=noise)

    return _rescale(_from_two_starts(ascend, design), norms)


def classification(design: Array, labels: Array, *, tol: float, max_iter: int) -> Relevance:
    """Relevant columns of a design (n, p) for labels 0 and 1 (n,) with a logistic link; Laplace's approximation."""
    design, norms = _unit_columns(design)

    def infer(active: NDArray[np.intp], alpha: Array, start: Array) -> _Posterior:
        phi = design[:, active]

        def objective(mean: Array) -> float:
            z = phi @ mean
            return float(labels @ z - np.logaddexp(0, z).sum() - mean @ (alpha * mean) / 2)

        mean, value = start, objective(start)
        for _ in range(100):  # Newton's method, with a step that is halved until it gains
            probability = expit(phi @ mean)
            weight = probability * (1 - probability)
            try:
                factor, covariance = _invert(phi.T @ (phi * weight[:, None]) + np.diag(alpha))
            except LinAlgError:
                return _REFUSED
            slope = phi.T @ (labels - probability) - alpha * mean
            step = covariance @ slope
            if slope @ step <= 1e-14 * max(1.0, abs(value)):
                break
            while objective(mean + step) < value and np.abs(step).max() > 1e-12 * np.abs(mean).max():
                step = step / 2
            mean = mean + step
            value = objective(mean)
        cross = design.T @ (phi * weight[:, None])
        return _Posterior(
            mean,
            covariance,
            weight @ design**2 - np.einsum("pm,mk,pk->p", cross, covariance, cross, optimize=True),
            design.T @ (labels - probability),
            value + np.log(alpha).sum() / 2 - np.log(np.diag(factor)).sum(),
        )

    def ascend(start: NDArray[np.intp]) -> Relevance:
        return _ascend(infer, lambda active, alpha, now: now, design, start, tol=tol, max_iter=max_iter)

    return _rescale(_from_two_starts(ascend, design), norms)


def _from_two_starts(ascend: Callable[[NDArray[np.intp]], Relevance], design: Array) -> Relevance:
    """The ascent from no column; where it finds one column at most, that from several, if its evidence is higher.

    No single column may raise the evidence although several together do, as when all columns are nearly alike and the
    classes are of equal size. The model without a column is then a maximum for steps of one column.
    """
    found = ascend(np.empty(0, np.intp))
    if len(found.active) > 1:
        return found
    sizes, order = qr(design, mode="r", pivoting=True)
    apart = np.abs(np.diag(sizes)) > _COLLINEAR**0.5  # of unit length, and outside of the span of those before
    other = ascend(np.sort(order[: len(apart)][apart][:_SEVERAL]).astype(np.intp))
    return other if other.evidence[-1] > found.evidence[-1] else found


def _ascend(
    infer: _Infer,
    settle: Callable[[NDArray[np.intp], Array, _Posterior], _Posterior],
    design: Array,
    begin: NDArray[np.intp],
    *,
    tol: float,
    max_iter: int,
) -> Relevance:
    """From these columns, take the step that gains most, while there is one that gains more than the tolerance."""
    n, p = design.shape
    active, alpha = begin, np.full(len(begin), 1e-2 / n)  # a prior that leaves room
    now = infer(active, alpha, np.zeros(len(begin)))
    evidence, refused, converged, steps = [now.evidence], np.zeros(p, bool), False, 0
    addable = _outside(design, active) > _COLLINEAR
    while steps < max_iter:
        steps += 1
        sparsity, quality = now.sparsity.copy(), now.quality.copy()
        variance = np.diag(now.covariance)
        sparsity[active], quality[active] = 1 / variance - alpha, now.mean / variance  # without the column itself
        usable = addable & (sparsity > 0)
        usable[active] = True
        ratio = np.where(usable, quality**2, 0) / np.where(usable, sparsity, 1)
        best = np.where(ratio > 1, (ratio - 1 - np.log(np.maximum(ratio, 1))) / 2, 0.0)  # ℓ at its maximum
        held = np.zeros(p)  # ℓ at the present precision
        held[active] = (
            np.log(alpha / (alpha + sparsity[active])) + quality[active] ** 2 / (alpha + sparsity[active])
        ) / 2
        gain = np.where(refused, 0, best - held)
        m = int(np.argmax(gain))
        if gain[m] > tol:
            precision = np.where(ratio > 1, sparsity / np.where(ratio > 1, ratio - 1, 1), np.inf)
            proposals = [_replace(active, alpha, now.mean, m, precision[m])]
            if np.isfinite(precision[m]) and m in active:  # rather move all precisions at once
                proposals.insert(0, (active, np.where(ratio[active] > 1, precision[active], alpha), now.mean))
                half_way = np.sqrt(precision[m] * alpha[active == m][0])
                proposals.append(_replace(active, alpha, now.mean, m, half_way))
            for new_active, new_alpha, start in proposals:
                new = infer(new_active, new_alpha, start)
                if new.evidence > now.evidence:
                    if new_active is not active:
                        addable = _outside(design, new_active) > _COLLINEAR
                    active, alpha, now = new_active, new_alpha, settle(new_active, new_alpha, new)
                    refused[:] = False
                    break
            else:
                refused[m] = True
                continue
        else:
            now = settle(active, alpha, now)
            converged = now.evidence - evidence[-1] <= tol
        evidence.append(now.evidence)
        if converged:
            break
    order = np.argsort(active)
    covariance = now.covariance[np.ix_(order, order)]
    return Relevance(
        active[order], now.mean[order], covariance, alpha[order], 0.0, np.array(evidence), steps, converged
    )


def _outside(design: Array, active: NDArray[np.intp]) -> Array:
    """The squared length of what of each unit column lies outside of the span of the active ones, (p,)."""
    basis = np.linalg.qr(design[:, active])[0]
    return np.sum((design - basis @ (basis.T @ design)) ** 2, axis=0)


def _replace(
    active: NDArray[np.intp], alpha: Array, mean: Array, m: int, precision: float
) -> tuple[NDArray[np.intp], Array, Array]:
    """The active columns, precisions and weights with another precision for column m."""
    at = np.flatnonzero(active == m)
    if not np.isfinite(precision):
        return np.delete(active, at), np.delete(alpha, at), np.delete(mean, at)
    if not at.size:
        return np.append(active, m), np.append(alpha, precision), np.append(mean, 0.0)
    moved = alpha.copy()
    moved[at] = precision
    return active, moved, mean


def _invert(matrix: Array) -> tuple[Array, Array]:
    """The Cholesky factor of a positive definite matrix, and its inverse."""
    if not len(matrix):
        return matrix, matrix
    factor = cho_factor(matrix, lower=True)
    return factor[0], cho_solve(factor, np.eye(len(matrix)))


def _unit_columns(design: Array) -> tuple[Array, Array]:
    norms = np.linalg.norm(design, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    return design / norms, norms


def _rescale(found: Relevance, norms: Array) -> Relevance:
    """Undo the scaling of the columns."""
    scale = norms[found.active]
    return found._replace(
        weights=found.weights / scale,
        covariance=found.covariance / scale / scale[:, None],
        precisions=found.precisions * scale**2,
    )
