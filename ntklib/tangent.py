r"""How does a finite network respond to a small change of its parameters?

The empirical tangent kernel of one network, and the network linearised around its parameters. Both take any function
``apply(params, x) -> (n, k)`` of a tree of parameters, not only :class:`ntklib.mlp.MLP`.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ntklib import _validation
from ntklib.activations import by_name
from ntklib.mlp import MLP, Params

__all__ = ["empirical_ntk", "linearize"]

Apply = Callable[[Any, Array], Array]

# A block of rows of the Jacobian may take this much memory, in bytes: large enough to keep the products busy.
_BLOCK_BYTES = 128 * 2**20


def empirical_ntk(
    apply: Apply,
    params: Any,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    outputs: Literal["trace", "full"] = "trace",
) -> Array:
    r"""The tangent kernel :math:`\hat\Theta(x, x') = \nabla_\theta f(x)\,\nabla_\theta f(x')^\top` of one network.

    For the `apply` of an :class:`~ntklib.mlp.MLP` no Jacobian is formed: the gradient of a weight matrix is an outer
    product of what enters the layer and what comes back to it, so a layer contributes the product of two small kernels.
    For any other function the Jacobian is formed for a block of inputs at a time and contracted at once, so that
    memory does not grow with their number (the alternatives are compared by Novak et al. 2022).

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k) for inputs (n, d), each row from its own input alone.
        params: a tree of floating arrays.
        x1: inputs, (n1, d).
        x2: inputs, (n2, d); `x1` if left out, which halves the work.
        outputs: ``"trace"`` for the mean over the outputs of the kernel of each output with itself, ``"full"``
            for all pairs of outputs.

    Returns:
        (n1, n2) for ``"trace"``, (n1, n2, k, k) for ``"full"``.

    Raises:
        ValueError: if a shape or dtype does not fit, or `outputs` is neither of the two.

    >>> theta = {"slope": jnp.array([[2.0], [3.0]])}
    >>> x = jnp.array([[1.0, 0.0], [1.0, 1.0]])
    >>> empirical_ntk(lambda params, x: x @ params["slope"], theta, x).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    if outputs not in ("trace", "full"):
        raise ValueError(f"outputs must be 'trace' or 'full', got {outputs!r}")
    first, second = _validation.inputs(x1, x2)
    shape = _validation.output_shape(apply, params, "x1", first)
    owner = getattr(apply, "__self__", None)
    if type(owner) is MLP and apply == owner.apply:  # a subclass may compute something else
        return _by_layers(owner, params, first, second, trace=outputs == "trace")
    other = first if second is None else second
    if min(len(first), len(other)) == 0:
        return jnp.zeros((len(first), len(other), *(shape[1:] * 2 if outputs == "full" else ())), first.dtype)
    leaves = jax.tree.leaves(params)
    row_bytes = shape[1] * sum(jnp.size(leaf) * jnp.result_type(leaf).itemsize for leaf in leaves)
    size = max(1, _BLOCK_BYTES // max(row_bytes, 1))
    block = functools.partial(_block, apply, params, trace=outputs == "trace")

    left = [first[i : i + size] for i in range(0, len(first), size)]
    if second is not None:
        right = [second[j : j + size] for j in range(0, len(second), size)]
        return jnp.concatenate([jnp.concatenate([block(a, b) for b in right], 1) for a in left], 0)
    grid: dict[tuple[int, int], Array] = {}
    for i, a in enumerate(left):
        grid[i, i] = block(a, None)
        for j in range(i):
            grid[i, j] = block(a, left[j])
            grid[j, i] = jnp.moveaxis(grid[i, j], (0, 1, -2, -1), (1, 0, -1, -2)) if outputs == "full" else grid[i, j].T
    rows = range(len(left))
    return jnp.concatenate([jnp.concatenate([grid[i, j] for j in rows], 1) for i in rows], 0)


@functools.partial(jax.jit, static_argnames=("apply", "trace"))
def _block(apply: Apply, params: Any, x1: Array, x2: Array | None, *, trace: bool) -> Array:
    """The kernel between two blocks of inputs, by contracting their Jacobians leaf by leaf."""

    def jacobian(x: Array) -> list[Array]:
        per_input = jax.vmap(jax.jacrev(lambda p, row: apply(p, row[None])[0]), (None, 0))(params, x)
        return [leaf.reshape(*leaf.shape[:2], -1) for leaf in jax.tree.leaves(per_input)]  # (n, k, size)

    j1 = jacobian(x1)
    j2 = j1 if x2 is None else jacobian(x2)
    equation = "iop,jop->ij" if trace else "iop,jqp->ijoq"
    total = sum(jnp.einsum(equation, a, b, precision="highest") for a, b in zip(j1, j2, strict=True))
    return jnp.asarray(total) / (j1[0].shape[1] if trace else 1)


@functools.partial(jax.jit, static_argnames=("mlp", "trace"))
def _by_layers(mlp: MLP, params: Params, x1: Array, x2: Array | None, *, trace: bool) -> Array:
    """The kernel of an MLP as a sum over its layers: (kernel of what enters) times (kernel of what comes back)."""
    entering1, returning1 = _passes(mlp, params, x1)
    entering2, returning2 = (entering1, returning1) if x2 is None else _passes(mlp, params, x2)
    equation = "iou,jou->ij" if trace else "iou,jpu->ijop"
    parts = []
    for layer, h1, h2, d1, d2 in zip(params, entering1, entering2, returning1, returning2, strict=True):
        weight_scale, bias_scale = mlp.scales(layer, readout=layer is params[-1])
        inputs = weight_scale**2 * jnp.matmul(h1, h2.T, precision="highest")
        if layer.bias is not None:
            inputs = inputs + bias_scale**2
        back = jnp.einsum(equation, d1, d2, precision="highest")
        parts.append((inputs if trace else inputs[:, :, None, None]) * back)
    return functools.reduce(jnp.add, parts) / (mlp.out_dim if trace else 1)


def _passes(mlp: MLP, params: Params, x: Array) -> tuple[list[Array], list[Array]]:
    """What enters each layer, (n, fan_in), and the derivative of the outputs by what leaves it, (n, k, fan_out)."""
    function = by_name(mlp.activation).function
    entering, slopes = [x], []
    for layer in params[:-1]:
        z = mlp.dense(layer, entering[-1])
        h, slope = jax.jvp(function, (z,), (jnp.ones_like(z),))
        entering.append(h)
        slopes.append(slope)
    returning = [jnp.broadcast_to(jnp.eye(mlp.out_dim, dtype=x.dtype), (len(x), mlp.out_dim, mlp.out_dim))]
    for index in range(len(params) - 1, 0, -1):
        layer = params[index]
        weight_scale, _ = mlp.scales(layer, readout=index == len(params) - 1)
        back = jnp.matmul(returning[0], weight_scale * layer.weight.T, precision="highest")
        returning.insert(0, back * slopes[index - 1][:, None, :])
    return entering, returning


def linearize(apply: Apply, params: Any) -> Callable[[Any, Array], Array]:
    r"""The first-order expansion of a network in its parameters, around the given ones.

    :math:`f_{lin}(\theta, x) = f(\theta_0, x) + \nabla_\theta f(\theta_0, x)\,(\theta - \theta_0)`: linear in
    :math:`\theta`, as nonlinear as before in :math:`x`, and with the tangent kernel of :math:`\theta_0` throughout
    training (Lee et al. 2019, eq. 6). Computed by a Jacobian-vector product; no Jacobian is formed.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k).
        params: the parameters :math:`\theta_0`, a tree of floating arrays.

    Returns:
        ``f(params, x)``, with the shapes of `apply`.

    >>> f = linearize(lambda params, x: params**2 * x, jnp.array(3.0))
    >>> float(f(jnp.array(4.0), jnp.array(1.0)))  # 9 + 6 (4 - 3)
    15.0
    """

    def linearized(new: Any, x: Array) -> Array:
        difference = jax.tree.map(jnp.subtract, new, params)
        value, change = jax.jvp(lambda p: apply(p, x), (params,), (difference,))
        return value + change

    return linearized
