r"""How probable are classes, given the outputs of a regression on their signs? As those of the points left out say.

Outputs at training points are too sure of themselves: the function was fitted to them. What the function would be at a
point had it not been in the training set follows from the decomposition that gave the coefficients c:

.. math:: f_{-i}(x_i) = y_i - c_i / G_{ii}, \qquad G = (K + \Lambda)^{-1},\; c = G y,

with the variance of the noise :math:`\Lambda_{ii} = \lambda/w_i` (Rasmussen and Williams 2006, eq. 5.12). To these
outputs a softmax is fitted that multiplies all of them by one slope, as in Platt's method without its shift: so the
class with the largest output is also the most probable one.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import softmax

__all__ = ["left_out", "slope"]

Array = NDArray[np.float64]


def left_out(targets: Array, missed: Array, inverse_diagonal: Array, weights: Array, ridge: float) -> Array:
    r"""The outputs at training points without one example there, (n, k).

    A point of weight w counts as w examples, of which one is taken away, or all if there is less than one: so it is
    the same whether a point has weight 3 or stands there three times. With the variance
    :math:`v = 1/G_{ii} - \lambda/w` of what the other points say, the weight :math:`w' = w - 1` that is left pulls the
    output back from :math:`y - r` by :math:`v/(v + \lambda/w')\,r`.

    Args:
        targets: y, (n, k).
        missed: :math:`r = c/G_{ii}`, (n, k), by how much a point is missed without all its examples.
        inverse_diagonal: of G, (n,).
        weights: w, (n,), positive.
        ridge: :math:`\lambda`.
    """
    rest = np.maximum(weights - 1, 0)
    variance = np.maximum(1 / inverse_diagonal - ridge / weights, 0)
    # λ/w' over v + λ/w', multiplied by w'; without noise what is left of a point is enough to know it
    share = np.where(rest > 0, ridge / np.where(rest > 0, variance * rest + ridge, 1), 1.0)
    return targets - share[:, None] * missed


def slope(outputs: Array, number: NDArray[np.intp], weights: Array) -> float:
    r"""The most probable a in softmax(a s), given outputs s (n, k), the numbers of the classes and weights (n,).

    Platt's targets take the place of zero and one, so that classes that are apart do not make it infinite: with
    :math:`N_c` examples of class c these have the probability :math:`(N_c + 1)/(N_c + k)`, and of the other classes
    :math:`1/(N_c + k)` each. Where the outputs say less than nothing it is as good as zero, but positive.
    """
    k = outputs.shape[1]
    wanted = np.ones((k, k)) + np.diag(np.bincount(number, weights, k))
    wanted = (wanted / wanted.sum(1, keepdims=True))[number]

    def derivative(a: float) -> float:
        """Of the loss, which is convex: it increases."""
        return float(np.sum(weights[:, None] * (softmax(a * outputs, axis=1) - wanted) * outputs))

    least = float(np.finfo(float).eps ** 0.5)
    if derivative(least) >= 0:
        return least
    upper = 1.0
    while derivative(upper) < 0 and upper < 1 / least:
        upper *= 2
    return float(optimize.brentq(derivative, least, upper, xtol=1e-14, rtol=1e-14)) if upper < 1 / least else upper
