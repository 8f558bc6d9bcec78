r"""How probable are classes, given the outputs of a regression on their signs? As those of the points left out say.

Outputs at training points are too sure of themselves: the function was fitted to them. What the function would be at a
point had it not been in the training set follows from the decomposition that gave the coefficients c:

.. math:: f_{-i}(x_i) = y_i - c_i / G_{ii}, \qquad G = (K + \Lambda)^{-1},\; c = G y,

with the variance of the noise :math:`\Lambda_{ii} = \lambda/w_i` (Rasmussen and Williams 2006, eq. 5.12). To these
outputs a softmax with one slope and a shift for each class is fitted, which for two classes is Platt's method.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import log_softmax, softmax

__all__ = ["Calibration", "fit", "left_out"]

Array = NDArray[np.float64]


class Calibration(NamedTuple):
    """Outputs s (n, k) stand for the probabilities softmax(a s + b).

    Attributes:
        slope: a, at least 0.
        shift: b, (k,), of which the first is 0.
    """

    slope: float
    shift: Array

    def probabilities(self, outputs: Array) -> Array:
        """Of the classes, (n, k)."""
        return softmax(self.slope * outputs + self.shift, axis=1)


def left_out(targets: Array, coefficients: Array, inverse_diagonal: Array, weights: Array, ridge: float) -> Array:
    r"""The outputs at training points without one example there, (n, k).

    A point of weight w counts as w examples, of which one is taken away, or all if there is less than one: so it is
    the same whether a point has weight 3 or stands there three times. With :math:`r = c/G_{ii}` and the variance
    :math:`v = 1/G_{ii} - \lambda/w` of what the other points say, the weight :math:`w' = w - 1` that is left pulls the
    output back from :math:`y - r` by :math:`v/(v + \lambda/w')\,r`.

    Args:
        targets: y, (n, k).
        coefficients: c, (n, k).
        inverse_diagonal: of G, (n,).
        weights: w, (n,), positive.
        ridge: :math:`\lambda`.
    """
    rest = np.maximum(weights - 1, 0)
    variance = np.maximum(1 / inverse_diagonal - ridge / weights, 0)
    # λ/w' over v + λ/w', multiplied by w'; without noise what is left of a point is enough to know it
    share = np.where(rest > 0, ridge / np.where(rest > 0, variance * rest + ridge, 1), 1.0)
    return targets - share[:, None] * coefficients / inverse_diagonal[:, None]


def fit(outputs: Array, number: NDArray[np.intp], weights: Array) -> Calibration:
    """The slope and shifts that are most probable, given outputs (n, k), the numbers of the classes, and weights (n,).

    Platt's targets take the place of zero and one, so that classes that are apart do not make the slope infinite: with
    N_c examples of class c these have the probability (N_c + 1)/(N_c + k), and of the other classes 1/(N_c + k) each.
    """
    k = outputs.shape[1]
    counts = np.bincount(number, weights, k)
    wanted = np.full((k, k), 1.0) + np.diag(counts)
    wanted = weights[:, None] * (wanted / wanted.sum(1, keepdims=True))[number]
    total = weights.sum()

    def loss(theta: Array) -> tuple[float, Array]:
        logits = theta[0] * outputs + np.append(0.0, theta[1:])
        error = weights[:, None] * softmax(logits, axis=1) - wanted
        slope = np.append(np.sum(error * outputs), error.sum(0)[1:])
        return -float(np.sum(wanted * log_softmax(logits, axis=1))) / total, slope / total

    def curvature(theta: Array) -> Array:
        p = softmax(theta[0] * outputs + np.append(0.0, theta[1:]), axis=1)
        weighted = weights[:, None] * p
        apart = outputs - np.sum(p * outputs, axis=1, keepdims=True)
        mixed = np.sum(weighted * apart, axis=0)[1:]
        shifts = np.diag(weighted.sum(0)) - weighted.T @ p
        return np.block([[np.sum(weighted * apart**2), mixed], [mixed[:, None], shifts[1:, 1:]]]) / total

    found = optimize.minimize(
        loss, np.zeros(k), jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-12}
    ).x
    if found[0] < 0:  # the outputs say less than nothing: what is known is how frequent the classes are
        frequent = np.log(wanted.sum(0))
        return Calibration(0.0, frequent - frequent[0])
    return Calibration(float(found[0]), np.append(0.0, found[1:]))
