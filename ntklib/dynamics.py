r"""How do the outputs of a network move while it is trained?

In closed form for a constant tangent kernel (:func:`gradient_flow`, and :func:`ensemble_moments` over random
initialisations), and step by step for a real network (:func:`gradient_descent`, and on mini-batches :func:`adam`),
which :func:`scaled` makes lazy or rich.
The first three use the loss :math:`\frac{1}{2n}\sum_{i,o}(f_o(x_i) - y_{io})^2`, so `learning_rate * steps` of the one
is the time `t` of the others. With one output that is the time of ``neural_tangents.predict.gradient_descent_mse``;
with k outputs its loss is a mean over the outputs too, and `t` here is `k t` there. For the loss
:math:`\frac12\sum` divide `t` by n.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _examples, _precision, _validation
from ntklib._spectral import as_covariance, flow_integral, rounding
from ntklib.mlp import MLP

Apply = Callable[[Any, Any], Array]

__all__ = ["Run", "adam", "ensemble_moments", "gradient_descent", "gradient_flow", "scaled"]

# A turn of a descent that reports its progress lasts about this long: far above what it costs to start one.
_SECONDS_A_TURN = 0.05


def gradient_flow(
    kernel: ArrayLike,
    y: ArrayLike,
    t: ArrayLike,
    *,
    f0: ArrayLike = 0.0,
    kernel_test: ArrayLike | None = None,
    f0_test: ArrayLike = 0.0,
    ridge: float = 0.0,
) -> Array:
    r"""Outputs at time t of gradient flow with a constant tangent kernel.

    :math:`f_t(x) = f_0(x) + \Theta(x, X)\,(\Theta + \lambda)^{-1}(1 - e^{-(\Theta + \lambda)t/n})\,(y - f_0(X))`
    (Lee et al. 2019, eqs. 8 to 11, for :math:`\lambda = 0`). The ridge is the weight of
    :math:`\frac{\lambda}{2n}\|\theta - \theta_0\|^2`, so at infinite time this is kernel ridge regression.

    Args:
        kernel: :math:`\Theta(X, X)`, (n, n), symmetric and positive semi-definite.
        y: targets, (n,) or (n, k).
        t: time, at least 0; a number, an array of them, or infinity.
        f0: outputs at time 0 at the training inputs: a number, or an array of as many axes as `y` that is broadcast to
            its shape.
        kernel_test: :math:`\Theta(X_{test}, X)`, (n_test, n), to predict at test inputs instead.
        f0_test: outputs at time 0 at the test inputs, as `f0` for (n_test,) or (n_test, k); only with `kernel_test`.
        ridge: :math:`\lambda \ge 0`.

    Returns:
        (n,) or (n, k), with n_test for n if `kernel_test` is given, after the shape of `t`.

    Raises:
        ValueError: if a shape or dtype does not fit, a time or the ridge is negative, or the kernel is not symmetric
            or has an eigenvalue below zero by more than rounding; or if, in float32, more than a hundredth of the
            targets lies in directions whose eigenvalues are not known to a hundredth, and matter by that time (not
            checked while JAX traces). Zeros that a gap sets apart are known.

    A kernel that is singular to rounding is accepted: along its null directions, those with an eigenvalue of
    :math:`\Theta + \lambda` up to :math:`2\sqrt n\,\varepsilon` times the largest, nothing is learned. Without a ridge
    the coefficients at infinite time are then the least of those that fit best.

    >>> theta = jnp.array([[2.0, 1.0], [1.0, 2.0]])
    >>> gradient_flow(theta, jnp.array([1.0, -1.0]), jnp.array([0.0, 2.0, jnp.inf])).round(3).tolist()
    [[0.0, 0.0], [0.6320000290870667, -0.6320000290870667], [1.0, -1.0]]
    """
    theta, y, flat_t, shape_t, weight = _checked_flow(kernel, y, t, ridge)
    targets = y if y.ndim == 2 else y[:, None]
    start = _start("f0", f0, y.shape)
    if kernel_test is None:
        if not (isinstance(f0_test, int | float) and f0_test == 0):
            raise ValueError("f0_test is for predictions at test inputs: give kernel_test too, or leave f0_test out")
        cross, start_out = theta, start
    else:
        cross = _validation.matrix("kernel_test", kernel_test, columns=len(theta))
        start_out = _start("f0_test", f0_test, (len(cross), *y.shape[1:]))
    _refuse_if_lost(theta, targets - start, flat_t, weight)
    outputs = start_out + cross @ _integral(theta, targets - start, flat_t, weight)
    return outputs.reshape(*shape_t, *(outputs.shape[1:] if y.ndim == 2 else outputs.shape[1:2]))


def ensemble_moments(mlp: MLP, x: ArrayLike, y: ArrayLike, x_test: ArrayLike, t: ArrayLike) -> tuple[Array, Array]:
    r"""Mean and covariance, over random initialisations, of infinitely wide networks trained for time t.

    Each network is its own draw of :math:`f_0` followed by :func:`gradient_flow`, so the ensemble is Gaussian. With
    :math:`A = \Theta_{*X}\Theta^{-1}(1 - e^{-\Theta t/n})` the mean is :math:`A y` and the covariance
    :math:`K_{**} - A K_{X*} - K_{*X}A^\top + A K_{XX} A^\top` (Lee et al. 2019, eqs. 14 and 15). It is not the
    posterior of a Gaussian process, neither with :math:`K` nor with :math:`\Theta`.

    Args:
        mlp: the network, in the NTK parameterisation.
        x: training inputs, (n, d).
        y: targets, (n,) or (n, k); the outputs are independent and share one covariance. With a network of several
            outputs k is their number.
        x_test: test inputs, (n_test, d).
        t: time, at least 0; a number, an array of them, or infinity.

    Returns:
        mean (n_test,) or (n_test, k), and covariance (n_test, n_test), both after the shape of `t`. The covariance is
        exactly symmetric, and no variance is negative. Where the tangent kernel is singular to rounding, nothing is
        learned along its null directions, as by :func:`gradient_flow`.

    Raises:
        ValueError: as :func:`gradient_flow`.

    >>> mean, covariance = ensemble_moments(MLP(), jnp.eye(2), jnp.array([1.0, -1.0]), jnp.eye(2), jnp.inf)
    >>> mean.round(3).tolist(), bool(abs(covariance).max() < 1e-6)
    ([1.0, -1.0], True)
    """
    if not isinstance(mlp, MLP):
        raise ValueError(f"mlp must be an ntklib.mlp.MLP, got {_validation.got(mlp)}")
    x = _validation.matrix("x", x)
    x_test = _validation.matrix("x_test", x_test, columns=x.shape[1])
    theta, y, flat_t, shape_t, _ = _checked_flow(mlp.ntk(x), y, t, 0.0)
    if mlp.out_dim not in (1, y.shape[1] if y.ndim == 2 else 1):
        raise ValueError(f"y must have shape ({len(x)}, {mlp.out_dim}) for a network of so many outputs, got {y.shape}")
    _refuse_if_lost(theta, y.reshape(len(y), -1), flat_t, jnp.zeros((), theta.dtype))
    cross, k_xx, k_tx, k_tt = mlp.ntk(x_test, x), mlp.nngp(x), mlp.nngp(x_test, x), mlp.nngp(x_test)

    a = jnp.swapaxes(_integral(theta, cross.T, flat_t, jnp.zeros((), theta.dtype)), 1, 2)  # (T, n_test, n)
    mixed = a @ k_tx.T
    mean = a @ y
    covariance = as_covariance(k_tt - mixed - jnp.swapaxes(mixed, 1, 2) + a @ k_xx @ jnp.swapaxes(a, 1, 2))
    return mean.reshape(*shape_t, *mean.shape[1:]), covariance.reshape(*shape_t, *covariance.shape[1:])


def _start(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Outputs at time 0, broadcast to `shape` and then made a matrix."""
    array = _validation.floating(name, float(values) if isinstance(values, int) else values)
    try:
        # with fewer axes than the targets, outputs at the inputs would be taken for outputs of the network
        fits = array.ndim in (0, len(shape)) and jnp.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} must have shape {shape} or broadcast to it, got {array.shape}"
            + (f"; of the same {len(shape)} axes, or a number" if 0 < array.ndim < len(shape) else "")
        )
    return jnp.broadcast_to(array, shape).reshape(shape[0], -1)


def _integral(theta: Array, right: Array, times: Array, ridge: Array) -> Array:
    """(Θ + λ)⁻¹(1 − exp(−(Θ + λ) t/n)) R for every t: the coefficients that a first residual R leads to."""
    n = len(theta)
    return flow_integral(theta + ridge * jnp.eye(n, dtype=theta.dtype), right, times / n)  # the flow is exp(−M t/n)


def _checked_flow(
    kernel: ArrayLike, y: ArrayLike, t: ArrayLike, ridge: ArrayLike
) -> tuple[Array, Array, Array, tuple[int, ...], Array]:
    theta, y = _validation.square("kernel", kernel), _validation.floating("y", y)
    n = len(theta)
    if y.ndim not in (1, 2) or len(y) != n:
        raise ValueError(f"y must have shape ({n},) or ({n}, k) for a kernel of shape {theta.shape}, got {y.shape}")
    # the checks are NumPy's: inside jit, JAX would trace them even for values that are known
    _validation.times("t", t)
    _validation.number("ridge", ridge)
    if not isinstance(kernel, jax.core.Tracer):
        _validation.refuse_unless_positive(np.asarray(kernel, theta.dtype))
    time = jnp.asarray(t, theta.dtype)
    ridge = jnp.asarray(ridge, theta.dtype)
    return theta, y, time.reshape(-1), time.shape, ridge


def _refuse_if_lost(theta: Array, residual: Array, times: Array, ridge: Array) -> None:
    """Refuse, in float32, an answer that is made of rounding: see `_precision`."""
    if any(isinstance(value, jax.core.Tracer) for value in (theta, residual, times, ridge)) or not times.size:
        return
    eps = float(jnp.finfo(theta.dtype).eps)
    if eps < 1e-10 or not len(theta):
        return
    values, vectors = np.linalg.eigh(np.asarray(theta) + float(ridge) * np.eye(len(theta), dtype=theta.dtype))
    zero = float(rounding(jnp.asarray(values)))
    known = max(eps / _precision.LOST * float(values[-1]), 2 * zero)
    # What rounding makes of a zero counts as zero in the flow, and repeated inputs are no reason to refuse. But where
    # eigenvalues go on falling through what is known, those that are below it are no zeros.
    lost = (values < known) & np.any((values < known) & (values > zero))
    unknown = np.linalg.norm(vectors[:, lost].T @ np.asarray(residual))
    moved = -np.expm1(-known * float(np.max(np.asarray(times))) / len(theta))  # at most, along one of these
    share = moved * unknown / max(float(np.linalg.norm(residual)), np.finfo(float).tiny)
    if share > _precision.LOST:
        raise ValueError(
            f"in {theta.dtype} this loses the answer: {share:.1%} of the targets lies in directions whose eigenvalues, "
            f"below {known:.2g}, are rounding to more than {_precision.LOST:.0%}; {_precision.ADVICE}"
        )


class Run(NamedTuple):
    """What :func:`gradient_descent` recorded.

    Attributes:
        params: the parameters after the last step.
        steps: the numbers of the recorded steps, (r,); the first is 0, the last is the last step.
        loss: the loss at each of them, (r,).
        outputs: the outputs at each of them, (r, n, k).
    """

    params: Any
    steps: Array
    loss: Array
    outputs: Array


def gradient_descent(
    apply: Apply,
    params: Any,
    x: Any,
    y: ArrayLike,
    *,
    learning_rate: ArrayLike,
    steps: int,
    record_every: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Run:
    r"""Full-batch gradient descent on :math:`\frac{1}{2n}\sum(f - y)^2`, as one compiled loop.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k).
        params: where to start, a tree of floating arrays.
        x: inputs, (n, d) or of any rank, (n, ...), the first axis for examples; or a tree of such arrays.
        y: targets, (n, k), or (n,) for one output.
        learning_rate: of each step.
        steps: how many.
        record_every: record loss and outputs every so many steps, and at the first and last; with 0 only there.
        progress: called as ``progress(done, steps)`` some ten times a second and at the end, for instance to draw a
            bar, or to stop by an exception. The loop is then interrupted for it; the numbers stay the same.

    Returns:
        a :class:`Run`, in the dtype of the parameters. A run that diverges is recorded as it is, with infinite or NaN
        losses. In float32 the loss stops falling some seven digits below where it began.

    Raises:
        ValueError: if a shape or dtype does not fit or a number is negative, if batch statistics are among the
            parameters, or if progress is asked for inside of
            `jax.jit`, `jax.vmap` or `jax.grad`, which run the loop as a whole.

    >>> x, y = jnp.array([[1.0], [2.0]]), jnp.array([2.0, 4.0])
    >>> run = gradient_descent(lambda slope, x: slope * x, jnp.array(0.0), x, y, learning_rate=0.1, steps=100)
    >>> round(float(run.params), 4), run.steps.tolist(), run.outputs.shape
    (2.0, [0, 100], (2, 2, 1))
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    _validation.function("progress", progress, "progress(done, steps)", optional=True)
    params, x, y = _examples.parameters(params), _examples.batch("x", x), _validation.floating("y", y)
    steps, record_every = _validation.count("steps", steps, 0), _validation.count("record_every", record_every, 0)
    _validation.number("learning_rate", learning_rate)
    every = min(record_every, steps) or steps or 1
    if progress is None:
        return _descend(apply, params, x, y, learning_rate, steps // every, every, steps % every)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((params, x, y, learning_rate))):
        raise ValueError(
            "progress cannot be reported while JAX traces; call gradient_descent outside of jit, vmap, grad"
        )
    return _descend_in_turns(apply, params, x, _targets(apply, params, x, y), learning_rate, steps, every, progress)


def adam(apply: Apply, params: Any, x: Any, y: ArrayLike, batches: ArrayLike, *, learning_rate: ArrayLike) -> Any:
    r"""Adam on mini-batches (Kingma and Ba 2015), as one compiled loop; the steps are Optax's, to be installed.

    The loss of a batch of size b is :math:`\frac{1}{2b}\sum(f - y)^2`, and the learning rate falls to zero along a
    line. What is compiled depends on the shapes alone, so with batches of rows from parts of one `x`, one compilation
    does for parts of all sizes. `jax.vmap` over parameters and batches trains several networks at once.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k).
        params: where to start, a tree of floating arrays.
        x: inputs, (n, d) or of any rank, (n, ...), the first axis for examples; or a tree of such arrays.
        y: targets, (n, k), or (n,) for one output.
        batches: which rows each step takes, integers (steps, b).
        learning_rate: of the first step.

    Returns:
        the parameters after the last step.

    Raises:
        ValueError: if a shape or dtype does not fit or a number is negative, or, not while JAX traces, if a row is not
            in `x`.

    >>> x, y = jnp.array([[1.0], [2.0]]), jnp.array([2.0, 4.0])
    >>> batches = np.arange(300).reshape(-1, 1) % 2  # the first row, the second, the first ...
    >>> round(float(adam(lambda slope, x: slope * x, jnp.array(0.0), x, y, batches, learning_rate=0.1)), 2)
    2.0
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    params, x, y = _examples.parameters(params), _examples.batch("x", x), _validation.floating("y", y)
    _targets(apply, params, x, y)  # refuses what has another shape than the outputs
    rows = _batches(batches, len(y))
    _validation.number("learning_rate", learning_rate)
    return _adam(apply, params, x, y, rows, learning_rate)


def _batches(batches: ArrayLike, n: int) -> Array:
    """`batches` as integers (steps, b), refused unless they are rows of so many, as far as they are known."""
    rows = batches if isinstance(batches, Array) else _validation.read("batches", batches, jnp.asarray)
    if rows.ndim != 2 or 0 in rows.shape or not jnp.issubdtype(rows.dtype, jnp.integer):
        raise ValueError(f"batches must be integers of shape (steps, b), got {rows.dtype} of shape {rows.shape}")
    if not isinstance(rows, jax.core.Tracer) and not 0 <= int(rows.min()) <= int(rows.max()) < n:
        raise ValueError(f"batches must hold rows from 0 to {n - 1}, got {int(rows.min())} to {int(rows.max())}")
    return rows


@functools.partial(jax.jit, static_argnames=("apply",))
def _adam(apply: Apply, params: Any, x: Any, y: Array, batches: Array, learning_rate: ArrayLike) -> Any:
    import optax

    targets = _targets(apply, params, x, y)
    method = optax.adam(optax.linear_schedule(learning_rate, 0.0, len(batches)))

    def step(carry: tuple[Any, Any], rows: Array) -> tuple[tuple[Any, Any], None]:
        params, state = carry
        part = jax.tree.map(lambda leaf: leaf[rows], x)
        gradient = jax.grad(lambda p: jnp.sum((apply(p, part) - targets[rows]) ** 2) / (2 * len(rows)))(params)
        updates, state = method.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, method.init(params)), batches)[0][0]


def _targets(apply: Apply, params: Any, x: Any, y: Array) -> Array:
    """`y` in the shape of the outputs; to trace the network for that takes as long as some thirty steps."""
    shape = _examples.output_shape(apply, params, "x", x)
    if shape != (y[:, None].shape if y.ndim == 1 else y.shape):
        raise ValueError(f"y must have shape {shape} like the outputs (or (n,) for one output), got {y.shape}")
    return y.reshape(shape)


@functools.partial(jax.jit, static_argnames=("apply", "chunks", "every", "rest"))
def _descend(
    apply: Apply,
    params: Any,
    x: Any,
    y: Array,
    learning_rate: ArrayLike,
    chunks: int,
    every: int,
    rest: int,
) -> Run:
    loss, step = _loss_and_step(apply, x, _targets(apply, params, x, y), learning_rate)  # once for each shape

    def chunk(params: Any, _: None) -> tuple[Any, tuple[Array, Array]]:
        return jax.lax.fori_loop(0, every, step, params), loss(params)

    params, recorded = jax.lax.scan(chunk, params, None, length=chunks)
    numbers = [every * i for i in range(chunks + 1)]
    if rest:
        recorded = jax.tree.map(lambda all_, one: jnp.concatenate([all_, one[None]]), recorded, loss(params))
        params = jax.lax.fori_loop(0, rest, step, params)
        numbers.append(every * chunks + rest)
    losses, outputs = jax.tree.map(lambda all_, one: jnp.concatenate([all_, one[None]]), recorded, loss(params))
    return Run(params, jnp.asarray(numbers), losses, outputs)


def _loss_and_step(
    apply: Apply, x: Any, y: Array, learning_rate: ArrayLike
) -> tuple[Callable[[Any], tuple[Array, Array]], Callable[[Any, Any], Any]]:
    def loss(params: Any) -> tuple[Array, Array]:
        outputs = apply(params, x)
        return jnp.sum((outputs - y) ** 2) / (2 * len(y)), outputs

    def step(_: Any, params: Any) -> Any:
        gradient = jax.grad(loss, has_aux=True)(params)[0]
        return jax.tree.map(lambda p, g: p - jnp.asarray(learning_rate, p.dtype) * g, params, gradient)

    return loss, step


def _descend_in_turns(
    apply: Apply,
    params: Any,
    x: Any,
    y: Array,
    learning_rate: ArrayLike,
    steps: int,
    every: int,
    progress: Callable[[int, int], object],
) -> Run:
    """The same descent in turns that last long enough to cost nothing, with a report after each."""
    numbers = [*range(0, steps, every), steps]
    recording = every < steps
    unit = every if recording else 1
    recorded = jax.tree.map(
        lambda one: jnp.zeros((len(numbers), *one.shape), one.dtype), jax.eval_shape(_note, apply, params, x, y)
    )
    turn = functools.partial(_turn, apply, x=x, y=y, learning_rate=learning_rate, recording=recording)
    recorded = _put(recorded, 0, _note(apply, params, x, y))
    done, count, units = 0, 1, steps // unit
    while done < units:
        began = time.perf_counter()
        stop = min(done + count, units)
        params, recorded = jax.block_until_ready(turn(params, recorded, start=done, stop=stop, unit=unit))
        count *= 2 if time.perf_counter() - began < _SECONDS_A_TURN else 1
        done = stop
        progress(done * unit, steps)
    if steps % unit:
        params, recorded = turn(params, recorded, start=units, stop=units + 1, unit=steps % unit)
        progress(steps, steps)
    if not recording:
        recorded = _put(recorded, -1, _note(apply, params, x, y))
    return Run(params, jnp.asarray(numbers), *recorded)


@functools.partial(jax.jit, static_argnames=("apply", "unit", "recording"))
def _turn(
    apply: Apply,
    params: Any,
    recorded: tuple[Array, Array],
    *,
    x: Any,
    y: Array,
    learning_rate: ArrayLike,
    start: int,
    stop: int,
    unit: int,
    recording: bool,
) -> tuple[Any, tuple[Array, Array]]:
    """Some units of so many steps each; their number is not compiled in, so that turns may grow."""
    loss, step = _loss_and_step(apply, x, y, learning_rate)

    def body(index: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        params, recorded = carry
        params = jax.lax.fori_loop(0, unit, step, params)
        return params, _put(recorded, index + 1, loss(params)) if recording else recorded

    return jax.lax.fori_loop(start, stop, body, (params, recorded))


@functools.partial(jax.jit, static_argnames=("apply",))
def _note(apply: Apply, params: Any, x: Any, y: Array) -> tuple[Array, Array]:
    return _loss_and_step(apply, x, y, 0.0)[0](params)


def _put(recorded: Any, index: Any, values: Any) -> Any:
    return jax.tree.map(lambda all_, one: all_.at[index].set(one), recorded, values)


def scaled(apply: Apply, params: Any, alpha: ArrayLike) -> Apply:
    r"""The network without its start, times a laziness scale: :math:`F_\theta = \alpha\,(f_\theta - f_{\theta_0})`.

    Its tangent kernel is :math:`\alpha^2` times that of the network, so outputs move at the same speed with a learning
    rate divided by :math:`\alpha^2` (Chizat, Oyallon and Bach 2019). A descent of it is one of the network itself on
    the targets :math:`f_{\theta_0}(x) + y/\alpha` with the undivided rate.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k).
        params: the start :math:`\theta_0`, a tree of floating arrays.
        alpha: :math:`\alpha > 0`; large is lazy.

    Returns:
        a function ``(params, x) -> (n, k)``, for instance for :func:`gradient_descent`.

    Raises:
        ValueError: if alpha is not positive or the parameters are no floating arrays.

    >>> twice = scaled(lambda slope, x: slope * x, jnp.array(3.0), 2.0)
    >>> twice(jnp.array(4.0), jnp.array([[1.0], [5.0]])).tolist()
    [[2.0], [10.0]]
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    start = _examples.parameters(params)
    _validation.number("alpha", alpha, positive=True)

    def outputs(params: Any, x: Any) -> Array:
        learned = apply(params, x) - apply(start, x)
        return jnp.asarray(alpha, learned.dtype) * learned

    return outputs
