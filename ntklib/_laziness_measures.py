"""What is measured of a network to tell whether it is a kernel machine, and of the two that it is compared with?"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.tree_util import keystr, tree_flatten_with_path
from numpy.typing import NDArray

from ntklib import _lazy_and_rich, _sketched_kernel
from ntklib._linear_model import LeastStep, Model, least_step

__all__ = ["Findings", "Found", "Measures", "Motion", "find"]

# To what share of the change of the outputs a linear model is fitted, and the rich reference trained.
# From a twentieth on, what the fit leaves would be seen in the gap to kernel regression of a lazy network.
_TOLERANCE, _ITERATIONS, _TRAINED = 0.02, 25, 0.1


class Motion(dict[str, float]):
    r"""By how much the parameters of each layer have moved, :math:`\|\theta_T - \theta_0\|/\|\theta_0\|`.

    A mapping from the name of a layer, the place of its arrays in the tree. A layer that was zero at the start has
    infinity, or zero if it has not moved. As a number it is that of all parameters together.

    Attributes:
        total: the motion of all parameters together.
    """

    def __init__(self, layers: dict[str, float], total: float) -> None:
        super().__init__(layers)
        self.total = total

    def __float__(self) -> float:
        return self.total


class Measures(NamedTuple):
    r"""What is measured of one network, with :math:`f_0, f` its outputs and :math:`\Theta_0, \Theta` its kernels.

    Attributes:
        kernel_change: :math:`\|\Theta - \Theta_0\|_F/\|\Theta_0\|_F` on the training inputs, in the mean over outputs.
        parameter_motion: a :class:`Motion`.
        linearization_gap: :math:`\|f - f_{lin}\|/\|f - f_0\|` on all inputs, with :math:`f_{lin}` the linearisation
            around the start at the parameters after training.
        regression_gap_before: :math:`\|f - g\|/\|f - f_0\|` on the test inputs, with g the regression by the kernel
            before training that agrees with f on the training inputs; None without test inputs.
        regression_gap_after: the same with the kernel after training.
        alignment_before: :func:`~ntklib.laziness.alignment` of the kernel before training with the targets.
        alignment_after: that of the kernel after training.
        rank_before: the effective rank :math:`(\sum\lambda)^2/\sum\lambda^2` of the kernel before training.
        rank_after: that of the kernel after training.
    """

    kernel_change: float
    parameter_motion: Motion
    linearization_gap: float
    regression_gap_before: float | None
    regression_gap_after: float | None
    alignment_before: float
    alignment_after: float
    rank_before: float
    rank_after: float


class Found(NamedTuple):
    """Of one network: its kernel by each probe after training, (s, n, n), and what is read off its outputs."""

    kernels: NDArray
    motion: Motion
    gap: float
    regression_before: float | None
    regression_after: float | None


class Findings(NamedTuple):
    """The kernels before training, which all share, the three networks, and what it took."""

    kernels: NDArray
    network: Found
    lazy: Found | None
    rich: Found | None
    scales: tuple[float, float | None]
    residuals: tuple[float, float | None]
    exact: bool
    bytes: int
    batch: int


def find(
    apply: Callable[[Any, Any], Array],
    start: Any,
    end: Any,
    x: Any,
    test: Any,
    *,
    probes: int,
    max_bytes: int,
    steps: int,
    seed: int,
    told: Callable[[str, float], object],
) -> Findings:
    """Measure the network, make its references, and measure those."""
    model = Model(apply, start, x, max_bytes)
    at_test = None if test is None else model.at(test)
    trained = ravel_pytree(end)[0]
    f0 = model.outputs(model.flat)
    change = model.outputs(trained) - f0
    size = float(jnp.linalg.norm(change))
    if not math.isfinite(size):
        raise ValueError("apply must give finite outputs at x before and after training, got NaN or infinite ones")
    if size <= 100 * float(jnp.finfo(change.dtype).eps) * float(jnp.linalg.norm(f0)):
        raise ValueError(
            "after must differ from before in the outputs at x by more than rounding, got the same outputs"
        )

    def stage(name: str) -> Callable[[float], object]:
        return lambda share: told(name, share)

    combinations = _sketched_kernel.probes_of(model.k, probes, seed)
    kernels_at = _sketched_kernel.of(apply, model, combinations, max_bytes)
    kernels = kernels_at(model.flat, stage("tangent kernel before training"))

    def fit(centre: Array, learned: Array, kernels: NDArray, name: str, guess: Array | None = None) -> LeastStep:
        return least_step(
            model, centre, learned, kernels.mean(0),
            tol=_TOLERANCE, iterations=_ITERATIONS, report=stage(name), guess=guess,
        )  # fmt: skip

    step = fit(model.flat, change, kernels, "fitting the linear model")
    lazy = _lazy_and_rich.lazy(model, step, change, f0)
    training = stage("training the rich reference")
    rich = lazy and _lazy_and_rich.rich(model, step, change, f0, tol=_TRAINED, steps=steps, report=training)

    def of(params: Array, name: str, known: LeastStep | None = None) -> Found:
        """Measure a network; `known` is what fits its linear model, if that is known."""
        after_training = kernels_at(params, stage(f"tangent kernel of the {name}"))
        moved = params - model.flat
        change, linear = model.outputs(params) - f0, model.push(model.flat, moved)
        before = after = None
        if at_test is not None:
            change_test = at_test.outputs(params) - at_test.outputs(model.flat)
            gaps = []
            words = f"kernel regression for the {name}"
            first = known or fit(model.flat, change, kernels, words)
            last = fit(params, change, after_training, words, first.dual)
            for centre, fitted in ((model.flat, first), (params, last)):
                gaps.append(_relative(at_test.push(centre, fitted.step) - change_test, change_test))
            before, after = gaps
            linear = jnp.concatenate([linear, at_test.push(model.flat, moved)])
            change = jnp.concatenate([change, change_test])
        return Found(
            after_training, _motion(start, model.unravel(params)), _relative(change - linear, change), before, after
        )

    found = (
        of(trained, "network", step),
        lazy and of(lazy.params, "lazy reference", LeastStep(*(each / lazy.alpha for each in step))),
        rich and of(rich.params, "rich reference"),
    )
    gradient = model.flat.size * model.flat.dtype.itemsize
    held = min(model.n * gradient, max(max_bytes, 2 * gradient))
    return Findings(
        kernels,
        *found,
        scales=(lazy.alpha if lazy else math.inf, rich and rich.alpha),
        residuals=(lazy.residual if lazy else 0.0, rich and rich.residual),
        exact=len(kernels) == 1 or len(combinations) == model.k,
        bytes=max(model.workers * model.bytes + model.kept, held),
        batch=model.batch,
    )


def _relative(difference: Array, size: Array) -> float:
    return float(jnp.linalg.norm(difference)) / max(float(jnp.linalg.norm(size)), float(jnp.finfo(size.dtype).tiny))


def _motion(start: Any, end: Any) -> Motion:
    """The motion of each layer: of the arrays that stand at one place of the tree."""
    squares: dict[str, list[float]] = {}
    pairs = zip(tree_flatten_with_path(start)[0], tree_flatten_with_path(end)[0], strict=True)
    for (path, first), (_, last) in pairs:
        names = [keystr((key,), simple=True) for key in path if keystr((key,), simple=True) != "value"]
        layer = squares.setdefault("/".join(names[:-1] or names) or "all", [0.0, 0.0])
        layer[0] += float(jnp.sum(jnp.square(last - first)))
        layer[1] += float(jnp.sum(jnp.square(first)))

    def ratio(moved: float, size: float) -> float:
        return math.sqrt(moved / size) if size else math.inf if moved else 0.0

    total = [sum(each) for each in zip(*squares.values(), strict=True)]
    return Motion({name: ratio(*both) for name, both in squares.items()}, ratio(*total))
