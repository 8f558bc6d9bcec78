r"""Is my network a kernel machine?

:func:`laziness` answers it for a network of any library, from its parameters before and after training and some data;
:func:`alignment` is one of the measures, for a kernel of any origin.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _examples, _laziness_measures, _laziness_page, _progress, _validation
from ntklib._alignment import alignment
from ntklib._laziness_measures import Found, Measures, Motion
from ntklib._sketched_kernel import jackknife, rank_of

__all__ = ["Measures", "Motion", "Report", "alignment", "laziness"]


@dataclasses.dataclass(frozen=True)
class Report:
    """What :func:`laziness` found; in a notebook it shows itself as a picture and a table.

    Attributes:
        network: the :class:`Measures` of the network.
        lazy: those of the lazy reference.
        rich: those of the rich reference, or None if the network is linear in its parameters.
        regime: ``"lazy"``, ``"in between"`` or ``"rich"``.
        position: where between the references the network stands, from 0 at the lazy one to 1 at the rich one: the
            mean of `positions`. Below a third it is called lazy, above two thirds rich.
        positions: the same by each measure that the verdict rests on, in the logarithm of the measure.
        verdict: one sentence.
        scales: the scales of the lazy and of the rich reference.
        residuals: the shares of the change of the outputs that the two references have not learned.
        errors: standard errors, through the sketch of the outputs, of what is read off the kernels of the network, by
            the names of :class:`Measures`; zeros if the kernels are exact.
        probes: how many combinations of outputs the sketch has; None if the kernels are exact.
        bytes: the memory that was planned for: that of the batches that are worked on at once and of what is kept of
            all, or of the gradients that are held at once.
        batch: how many inputs a batch has.
    """

    network: Measures
    lazy: Measures
    rich: Measures | None
    regime: Literal["lazy", "in between", "rich"]
    position: float
    positions: dict[str, float]
    verdict: str
    scales: tuple[float, float | None]
    residuals: tuple[float, float | None]
    errors: dict[str, float]
    probes: int | None
    bytes: int
    batch: int

    def __getattr__(self, name: str) -> Any:
        """The measures of the network are attributes of the report too: ``report.kernel_change``."""
        if name in Measures._fields:
            return getattr(self.network, name)
        raise AttributeError(f"a report has no {name!r}; it has {', '.join(Measures._fields)} and its attributes")

    def _repr_html_(self) -> str:
        return _laziness_page.html(self)

    def __str__(self) -> str:
        return _laziness_page.text(self)


def laziness(
    apply: Callable[[Any, Any], Array],
    before: Any,
    after: Any,
    x: Any,
    y: ArrayLike,
    x_test: Any = None,
    *,
    probes: int = 3,
    max_bytes: int = 2**30,
    steps: int = 100,
    seed: int = 0,
    progress: Callable[[str, float], object] | None = None,
) -> Report:
    r"""Whether training was that of a kernel machine, beside the same network made lazy and made rich.

    A number such as the change of the tangent kernel says little alone: large or small for this network, on these data?
    So each stands beside what the same network gives from the same start, of the same size and on the same data, if
    what it learns is multiplied by a scale, :math:`f_0 + \alpha(f - f_0)` (Chizat, Oyallon and Bach 2019). At
    :math:`\alpha = 1` that is the network. Take the least step in the parameters with which the linear model learns
    what the network has learned, divided by α. The *lazy* reference has the α at which the outputs after this step are
    those of the linear model to a hundredth; the step is then what it does. The *rich* one has the α at which they
    are wrong by as much as the linear model says, and is trained by gradient descent. Both learn the outputs of the
    network after training, by whichever loss it had them: the one to a fiftieth of their change, the other to a
    tenth, or as far as `steps` go; ``residuals`` of the report has what is left.

    The verdict rests on the change of the kernel, the gap to the linearisation and, with test inputs, on the gap to
    regression by the kernel before training. Each is placed between the two references in its logarithm; the mean of
    the places is below a third for lazy networks, above two thirds for rich ones. A measure whose references differ by
    less than a factor of two tells nothing, and is left out.

    Regression is by the kernel of all pairs of outputs, fitted by conjugate gradients to a fiftieth, which regularises
    it; no kernel of pairs of outputs is formed, and the mean over outputs preconditions. If there are more than
    `probes` outputs, the kernels are sketched: the mean over the outputs is replaced by one over random combinations of
    them, whose error stands in the report. For an :class:`~ntklib.mlp.MLP` they are exact.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k), each row from its own input alone.
        before: the parameters before training, a tree of floating arrays.
        after: those after training, of the same tree and shapes.
        x: training inputs, or some of them, two at least: (n, ...) or a tree of such arrays.
        y: their targets, (n,) or (n, k), for classes one column each; only the alignment asks for them.
        x_test: inputs that were not trained on, in the shape of `x`.
        probes: how many combinations of outputs the kernels are sketched by, 2 at least.
        max_bytes: what a batch of inputs may take while it is differentiated, with what is kept of the other batches
            if that fits, and the gradients that are held at once; some ten vectors of the size of the parameters and
            ``probes`` matrices (n, n) per network come on top of it.
        steps: of gradient descent at most, for the rich reference. It need not learn all to be far from lazy.
        seed: of the combinations.
        progress: called as ``progress(stage, share)`` with a share from 0 to 1; by default a bar is drawn on standard
            error once two seconds have gone by.

    Returns:
        a :class:`Report`.

    Raises:
        ValueError: if a shape, dtype or number does not fit, the trees of parameters differ, `apply` mixes rows, batch
            statistics are among the parameters, the targets are constant, training has not changed an
            output, or one example does not fit into `max_bytes`.

    >>> from ntklib.dynamics import gradient_descent
    >>> from ntklib.mlp import MLP
    >>> x = jax.random.normal(jax.random.key(0), (12, 3))
    >>> y, mlp = jnp.sign(x[:, :1]), MLP(activation="erf")
    >>> start = mlp.init(jax.random.key(1), in_dim=3, width=2000)
    >>> run = gradient_descent(mlp.apply, start, x[:8], y[:8], learning_rate=1.0, steps=50)
    >>> laziness(mlp.apply, start, run.params, x[:8], y[:8], x[8:]).regime
    'lazy'
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    _validation.function("progress", progress, "progress(stage, share)", optional=True)
    probes, steps = _validation.count("probes", probes, 2), _validation.count("steps", steps, 1)
    max_bytes, seed = _validation.count("max_bytes", max_bytes, 2**16), _validation.count("seed", seed, 0)
    start, end = _examples.parameters(before, "before"), _examples.parameters(after, "after")
    _refuse_unless_alike(start, end)
    x = _examples.batch("x", x)
    test = None if x_test is None else _examples.batch("x_test", x_test, like=x)
    for name, examples, least in (("x", x, 2), ("x_test", test, 1)):
        if examples is not None and _examples.size(examples) < least:
            raise ValueError(f"{name} must hold at least {least} examples, got {_examples.size(examples)}")
    _examples.output_shape(apply, start, "x", x)
    targets = _targets(y, _examples.size(x))
    _examples.refuse_unless_rowwise(apply, end, x)  # at the start the outputs may be zero, and rounding all there is
    findings = _laziness_measures.find(
        apply, start, end, x, test,
        probes=probes, max_bytes=max_bytes, steps=steps, seed=seed, told=progress or _progress.stages(),
    )  # fmt: skip
    network, errors = _read_off(findings.kernels, findings.network, targets)
    lazy = _read_off(findings.kernels, findings.lazy, targets)[0] if findings.lazy else network
    rich = _read_off(findings.kernels, findings.rich, targets)[0] if findings.rich else None
    positions = _positions(network, lazy, rich)
    position = float(np.mean(list(positions.values()))) if positions else 0.0
    regime: Any = "lazy" if position < 1 / 3 else "rich" if position > 2 / 3 else "in between"
    return Report(
        network, lazy, rich, regime, position, positions,
        _laziness_page.verdict(regime, network, lazy, rich, positions),
        findings.scales, findings.residuals,
        dict.fromkeys(errors, 0.0) if findings.exact else errors,
        None if findings.exact else probes, findings.bytes, findings.batch,
    )  # fmt: skip


def _refuse_unless_alike(before: Any, after: Any) -> None:
    """Refuse parameters after training that are not those before training, moved."""
    shapes = [jax.tree.map(jnp.shape, tree) for tree in (before, after)]
    if str(jax.tree.structure(before)) != str(jax.tree.structure(after)) or shapes[0] != shapes[1]:
        raise ValueError(f"after must be a tree like before, of the shapes {shapes[0]}, got {shapes[1]}")


def _targets(y: ArrayLike, n: int) -> Array:
    """The targets, refused where no alignment with them can be had."""
    targets = _validation.floating("y", y)
    if targets.ndim not in (1, 2) or len(targets) != n or 0 in targets.shape:
        raise ValueError(f"y must have shape ({n},) or ({n}, k) for {n} inputs, got {targets.shape}")
    if bool(jnp.all(targets == targets[0])):
        raise ValueError("y must not be constant over the inputs, got the same targets for all of them")
    return targets


def _read_off(kernels: NDArray, found: Found, y: Array) -> tuple[Measures, dict[str, float]]:
    """The measures of a network, and the standard errors of those that are read off its sketched kernels."""

    def change(first: NDArray, last: NDArray) -> float:
        return float(np.linalg.norm(last - first) / np.linalg.norm(first))

    def aligned(kernel: NDArray) -> float:
        return float(alignment(kernel, y))

    both = {
        "kernel_change": jackknife(change, kernels, found.kernels),
        "alignment_before": jackknife(aligned, kernels),
        "alignment_after": jackknife(aligned, found.kernels),
        "rank_before": jackknife(rank_of, kernels),
        "rank_after": jackknife(rank_of, found.kernels),
    }
    measures = Measures(
        parameter_motion=found.motion,
        linearization_gap=found.gap,
        regression_gap_before=found.regression_before,
        regression_gap_after=found.regression_after,
        **{name: value for name, (value, _) in both.items()},
    )
    return measures, {name: error for name, (_, error) in both.items()}


def _positions(network: Measures, lazy: Measures, rich: Measures | None) -> dict[str, float]:
    """Where the network stands between its references, from 0 to 1, by each measure that tells them apart."""
    found: dict[str, float] = {}
    for name in ("kernel_change", "linearization_gap", "regression_gap_before"):
        low, here, high = (getattr(each, name, None) for each in (lazy, network, rich))
        if low is None or here is None or high is None or not high > 2 * low > 0:
            continue
        found[name] = min(max(math.log(max(here, low) / low) / math.log(high / low), 0.0), 1.0)
    return found
