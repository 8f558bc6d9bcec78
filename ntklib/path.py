r"""Of what kernel is a trained network a sum, and what of that does a kernel machine with constant coefficients keep?

Gradient descent adds up tangent kernels. :func:`path_kernel` follows one training run and keeps the sum, which is
called the path kernel, and beside it the sum weighted with the slopes of the loss, which is the change of the network
(Domingos 2020, arXiv 2012.00152). :func:`fixed_coefficients` makes the kernel machine of a kernel that agrees with a
function on the training inputs, and :func:`rkhs_norm2` says how large a function is in the space of a kernel.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

from ntklib import _examples, _validation
from ntklib._spectral import flow_integral, rounding

__all__ = ["Path", "fixed_coefficients", "path_kernel", "rkhs_norm2"]

Apply = Callable[[Any, Any], Array]
Loss = Callable[[Array, Array], Array]


class Path(NamedTuple):
    r"""What :func:`path_kernel` kept of a training run, at N inputs of which the first n are those trained on.

    Attributes:
        params: the parameters after the last step.
        start: the outputs before training, (N,).
        end: the outputs after it, (N,).
        kernel: the path kernel, :math:`K(x, x') = \sum_s\eta\,\Theta_s(x, x')`, (N, N).
        weighted: :math:`-\frac1n\sum_s\eta\,\ell'_i(s)\,\Theta_s(x, x_i)`, (N, n); its rows add up to the change of the
            outputs, exactly for gradient flow and for averaged gradients, else up to an error of order :math:`\eta`.
        low: the least value that :math:`\Theta_s(x, x_i)` took, (N, n).
        high: the largest, (N, n).
        slopes: :math:`\ell'_i(s)`, the derivative of the loss at each training input by the output there, (steps, n).
        loss: the loss before each step and after the last, (steps + 1,).
        energy: :math:`\|\nabla L\|^2` before each step, (steps,).
    """

    params: Any
    start: Array
    end: Array
    kernel: Array
    weighted: Array
    low: Array
    high: Array
    slopes: Array
    loss: Array
    energy: Array


def _half_square(output: Array, target: Array) -> Array:
    return (output - target) ** 2 / 2


def path_kernel(
    apply: Apply,
    params: Any,
    x: Any,
    y: ArrayLike,
    x_test: Any = None,
    *,
    learning_rate: ArrayLike,
    steps: int,
    nodes: int = 0,
    loss: Loss | None = None,
) -> Path:
    r"""Follow full-batch gradient descent and add up its tangent kernels.

    The loss is :math:`L(\theta) = \frac1n\sum_i\ell(f_\theta(x_i), y_i)`, and step s goes from :math:`\theta_s` to
    :math:`\theta_s - \eta g_s` with :math:`g_s = \nabla L(\theta_s)`. The kernel that the step adds is

    .. math:: \Theta_s(x, x') = \sum_k w_k\,\nabla f_{\theta_s - u_k\eta g_s}(x)\cdot\nabla f_{\theta_s}(x'),

    with the one node :math:`u = 0` for ``nodes=0``: the tangent kernel at the start of the step, symmetric, with which
    the sum is that of Domingos (2020, theorem 1) in steps. With more, :math:`u_k, w_k` are the nodes and weights of
    Gauss's quadrature on [0, 1], one of them the midpoint. The average over the step is then exact to their order, and
    with it the sum; this kernel is not symmetric (Bell et al. 2023, arXiv 2308.00824).

    Args:
        apply: ``apply(params, x)`` gives the one output, (n, 1), of each of n inputs, each row from its input alone.
        params: where training starts, a tree of floating arrays.
        x: the n training inputs, (n, d) or of any rank, (n, ...).
        y: their targets, (n,).
        x_test: other inputs, in the shape of those of `x`; none if left out.
        learning_rate: :math:`\eta`, of each step.
        steps: how many.
        nodes: of the quadrature along each step; 0 for the gradient at its start.
        loss: ``loss(output, target)`` of one output, differentiable; half the squared error if left out.

    Returns:
        a :class:`Path`, in the dtype of the parameters. A step forms ``max(nodes, 1)`` Jacobians of all N inputs, so
        memory is that of one of them, N times the number of parameters, and of a few matrices (N, N). In float32 the
        sum misses the change by some 1e-6 of it besides.

    Raises:
        ValueError: if a shape or dtype does not fit, a number is negative, `apply` has more outputs than one, or batch
            statistics are among the parameters.

    >>> x, y = jnp.array([[1.0], [2.0]]), jnp.array([2.0, 4.0])
    >>> path = path_kernel(lambda w, x: w**2 * x, jnp.array(1.0), x, y, learning_rate=0.05, steps=99, nodes=2)
    >>> path.end.round(2).tolist(), bool(abs(path.start + path.weighted.sum(1) - path.end).max() < 1e-3)
    ([2.0, 4.0], True)
    """
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, 1)")
    _validation.function("loss", loss, "loss(output, target)", optional=True)
    params, x, y = _examples.parameters(params), _examples.batch("x", x), _validation.floating("y", y)
    steps, nodes = _validation.count("steps", steps, 0), _validation.count("nodes", nodes, 0)
    _validation.number("learning_rate", learning_rate)
    n = _examples.size(x)
    if y.shape != (n,) or n == 0:
        shapes = jax.tree.map(lambda leaf: leaf.shape, x)
        raise ValueError(f"y must have shape ({n},) for x of shape {shapes}, one input at least, got {y.shape}")
    everything = x
    if x_test is not None:
        others = _examples.batch("x_test", x_test, like=x)
        everything = jax.tree.map(lambda first, second: jnp.concatenate([first, second]), x, others)
    shape = _examples.output_shape(apply, params, "x", everything)
    if shape[1] != 1:
        raise ValueError(f"apply must return one output for each input, (n, 1), got {shape}")
    path = _follow(apply, loss or _half_square, params, everything, y, learning_rate, steps, nodes)
    if steps:  # not at the start: where that is subtracted, the outputs are zero there, and tell nothing
        _examples.refuse_unless_rowwise(apply, path.params, everything)
    return path


@functools.partial(jax.jit, static_argnames=("apply", "loss", "steps", "nodes"))
def _follow(
    apply: Apply, loss: Loss, params: Any, x: Any, y: Array, learning_rate: ArrayLike, steps: int, nodes: int
) -> Path:
    flat, tree = ravel_pytree(params)
    n, size = len(y), _examples.size(x)
    eta = jnp.asarray(learning_rate, flat.dtype)
    of_one = jax.vmap(jax.value_and_grad(loss))
    places, weights = _nodes(nodes)

    def output(vector: Array, row: Any) -> Array:
        return apply(tree(vector), jax.tree.map(lambda leaf: leaf[None], row))[0, 0]

    outputs_and_jacobian = jax.vmap(jax.value_and_grad(output), (None, 0))
    outputs = jax.vmap(output, (None, 0))

    def step(carry: tuple[Array, Array, Array, Array, Array], _: None) -> tuple[Any, tuple[Array, Array, Array]]:
        vector, kernel, weighted, low, high = carry
        f, jacobian = outputs_and_jacobian(vector, x)
        losses, slopes = of_one(f[:n], y)
        gradient = slopes @ jacobian[:n] / n
        if nodes:
            # one node at a time: each Jacobian is as large as all that is kept
            along = jax.lax.map(
                lambda node: node[1] * outputs_and_jacobian(vector - node[0] * eta * gradient, x)[1] @ jacobian.T,
                jnp.stack([places, weights], 1),
            )
            theta = jnp.sum(along, 0)
        else:
            theta = jacobian @ jacobian.T
        columns = theta[:, :n]
        carry = (
            vector - eta * gradient,
            kernel + eta * theta,
            weighted - eta / n * columns * slopes,
            jnp.minimum(low, columns),
            jnp.maximum(high, columns),
        )
        return carry, (slopes, jnp.mean(losses), gradient @ gradient)

    zeros = jnp.zeros((size, n), flat.dtype)
    begin = (flat, jnp.zeros((size, size), flat.dtype), zeros, zeros + jnp.inf, zeros - jnp.inf)
    (vector, kernel, weighted, low, high), (slopes, losses, energy) = jax.lax.scan(step, begin, None, length=steps)
    start, end = outputs(flat, x), outputs(vector, x)
    losses = jnp.append(losses, jnp.mean(of_one(end[:n], y)[0]))
    return Path(tree(vector), start, end, kernel, weighted, low, high, slopes, losses, energy)


def _nodes(count: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss's quadrature on [0, 1]."""
    places, weights = np.polynomial.legendre.leggauss(max(count, 1))
    return jnp.asarray((places + 1) / 2), jnp.asarray(weights / 2)


def fixed_coefficients(kernel: ArrayLike, change: ArrayLike) -> Array:
    r"""The coefficients :math:`\alpha` with :math:`\sum_j\alpha_jK(x_i, x_j)` equal to given values at the inputs.

    They do not depend on the input, as those of a kernel machine do not: with them ``kernel_test @ coefficients`` is
    the machine at other inputs.

    Args:
        kernel: :math:`K(X, X)` at the n inputs, (n, n), symmetric and positive semi-definite.
        change: the n values, (n,).

    Returns:
        (n,). Directions whose eigenvalue is zero to rounding, :math:`2\sqrt n\,\varepsilon` times the largest, get
        none.

    Raises:
        ValueError: if a shape or dtype does not fit; or, not while JAX traces, if the kernel is not finite and
            symmetric or has an eigenvalue below zero by more than rounding.

    >>> fixed_coefficients(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([1.0, -1.0])).round(4).tolist()
    [1.0, -1.0]
    """
    k, values = _kernel_and_values(kernel, "change", change)
    return flow_integral(k, values[:, None], jnp.full(1, jnp.inf, k.dtype))[0, :, 0]


def rkhs_norm2(kernel: ArrayLike, values: ArrayLike, *, rcond: float = 0.0) -> Array:
    r"""The squared norm of the smallest function with these values, in the space of a kernel.

    :math:`v^\top K^+ v`, which is at most the squared norm of every function of the space that has the values v.
    Directions with an eigenvalue of at most `rcond` times the
    largest are left out, at least those that are zero to rounding; the rest is a lower bound all the more.

    Args:
        kernel: at N inputs, (N, N), symmetric and positive semi-definite.
        values: of the function there, (N,).
        rcond: from 0 to 1.

    Raises:
        ValueError: as :func:`fixed_coefficients`.

    >>> float(rkhs_norm2(jnp.array([[4.0, 0.0], [0.0, 1.0]]), jnp.array([2.0, 1.0])))
    2.0
    """
    k, v = _kernel_and_values(kernel, "values", values)
    _validation.number("rcond", rcond)
    eigenvalues, vectors = jnp.linalg.eigh(k)
    floor = jnp.maximum(rcond * eigenvalues[-1], rounding(eigenvalues))
    parts = vectors.T @ v
    known = eigenvalues > floor
    return jnp.sum(jnp.where(known, parts**2 / jnp.where(known, eigenvalues, 1), 0))


def _kernel_and_values(kernel: ArrayLike, name: str, values: ArrayLike) -> tuple[Array, Array]:
    k = _validation.square("kernel", kernel)
    v = _validation.array(name, values, f"({len(k)},)", lambda shape: shape == (len(k),))
    if not isinstance(k, jax.core.Tracer):
        _validation.refuse_unless_symmetric(np.asarray(k))
        _validation.refuse_unless_positive(np.asarray(k))
    return k, v.astype(k.dtype)
