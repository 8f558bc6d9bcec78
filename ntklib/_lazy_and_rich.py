r"""How would the same network have learned the same outputs if it were lazy, and if it were rich?

Both references are the network itself, from the same parameters, with what it learns multiplied by a scale:
:math:`f_0 + \alpha(f - f_0)` (Chizat, Oyallon and Bach 2019). It has the size of the network, the same start, and at
:math:`\alpha = 1` it is the network. They learn what the network has learned, its outputs at the training inputs, so
that it does not matter by which loss it was trained. The two scales are no constants either: they are where
the linear model of this network on these data is right to a hundredth, and where it is wrong by as much as it says.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from ntklib._linear_model import LeastStep, Model, largest

__all__ = ["LAZY", "RICH", "Reference", "lazy", "rich", "scale_for"]

# ‖f(θ₀ + Δ/α) − f₀ − JΔ/α‖ / ‖JΔ/α‖ at the step Δ that fits the linear model
LAZY, RICH = 0.01, 1.0
_POWER = 5  # steps to the largest eigenvalue; descent is stable up to twice the rate that it gives


class Reference(NamedTuple):
    """A network that has learned the same outputs at another scale.

    Attributes:
        params: where it has ended, flat.
        alpha: the scale.
        residual: the share of the change of the outputs that it has not learned.
        steps: of gradient descent; 0 for the lazy one.
    """

    params: Array
    alpha: float
    residual: float
    steps: int


def scale_for(model: Model, step: LeastStep, f0: Array, wanted: float) -> float | None:
    """The α at which the linear step misses by the share that is wanted; None if it never does, as of a linear model.

    The share grows with 1/α, at first in proportion: it is followed until it is on both sides, and then bisected.
    """
    size = float(jnp.linalg.norm(step.fitted))
    c, below, above = 1.0, 0.0, math.inf  # the steps that miss by less, and by more
    for _ in range(40):
        rest = model.outputs(model.flat + c * step.step) - f0 - c * step.fitted
        missed = float(jnp.linalg.norm(rest)) / (c * size)
        if abs(missed / wanted - 1) < 0.05:
            return 1 / c
        if missed < wanted:
            below = c
        else:  # also NaN, where the step has left what a number can hold
            above = c
        if above == math.inf:
            c *= min(max(wanted / missed, 1.5), 8.0) if missed > 0 else 8.0
            if c > 1e6:
                return None
        elif below == 0.0:
            c *= min(max(wanted / missed, 0.05), 0.7) if math.isfinite(missed) else 0.1
        elif above / below < 1.001:  # a jump, as a network with kinks may have
            break
        else:
            c = math.sqrt(below * above)
    return 1 / c


def lazy(model: Model, step: LeastStep, change: Array, f0: Array) -> Reference | None:
    """The network so far scaled up that it is its linear model to a hundredth: there the least step is what it takes.

    That is where gradient descent on the linear model ends, reached by conjugate gradients.
    """
    alpha = scale_for(model, step, f0, LAZY)
    if alpha is None:
        return None
    params = model.flat + step.step / alpha
    rest = jnp.linalg.norm(alpha * (model.outputs(params) - f0) - change) / jnp.linalg.norm(change)
    return Reference(params, alpha, float(rest), 0)


def rich(
    model: Model,
    step: LeastStep,
    change: Array,
    f0: Array,
    *,
    tol: float,
    steps: int,
    report: Callable[[float], object],
) -> Reference | None:
    """The network so far scaled down that its linear model is wrong by as much as it says, trained by descent.

    Gradient descent with Nesterov's momentum, from a rate that is stable at the start; where the loss rises, the
    momentum is dropped, and if that does not help the rate is halved.
    """
    alpha = scale_for(model, step, f0, RICH)
    if alpha is None:
        return None
    targets = f0 + change / alpha  # of the plain network: α(f − f₀) is to be the change
    size, rate = float(jnp.linalg.norm(change / alpha)), 1 / largest(model, model.flat, change, _POWER)
    best, before, point, momentum = model.flat, model.flat, model.flat, 0
    residual, gradient, taken = math.inf, jnp.zeros_like(model.flat), 0
    while taken < steps:
        outputs, slope = model.pull(point, -targets, of_outputs=1.0)
        now = float(jnp.linalg.norm(outputs - targets)) / size
        taken += 1
        if now < residual:
            best, residual, gradient = point, now, slope
            report(max(taken / steps, math.log(max(now, tol)) / math.log(tol)))
            if residual <= tol:
                break
            after = point - rate * gradient
            point, before, momentum = after + momentum / (momentum + 3) * (after - before), after, momentum + 1
        else:
            rate = rate if momentum > 1 else rate / 2
            before = point = best - rate * gradient
            momentum = 0
    return Reference(best, alpha, residual, taken)
