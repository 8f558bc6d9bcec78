r"""How does a finite network respond to a small change of its parameters?

The empirical tangent kernel of one network, and the network linearised around its parameters. Both take any function
``apply(params, x) -> (n, k)`` of a tree of parameters, not only :class:`ntklib.mlp.MLP`.
"""

import functools
import importlib
import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ntklib import _examples, _validation
from ntklib.activations import by_name
from ntklib.mlp import MLP, Params

__all__ = ["empirical_ntk", "linearize"]

Apply = Callable[[Any, Any], Array]
Pass = tuple[list[Array], list[Array]]  # what enters each layer, and the slopes of the activations

# A block of rows of the Jacobian may take this much memory, in bytes: large enough to keep the products busy.
_BLOCK_BYTES = 128 * 2**20


def empirical_ntk(
    apply: Apply,
    params: Any,
    x1: Any,
    x2: Any = None,
    *,
    outputs: Literal["trace", "full"] = "trace",
) -> Array:
    r"""The tangent kernel :math:`\hat\Theta(x, x') = \nabla_\theta f(x)\,\nabla_\theta f(x')^\top` of one network.

    For the `apply` of an :class:`~ntklib.mlp.MLP` no Jacobian is formed: the gradient of a weight matrix is an outer
    product of what enters the layer and what comes back to it, so a layer contributes the product of two small kernels.
    For any other function whose Jacobians fit into one block of memory they are formed and contracted. Where they do
    not, and neural-tangents is installed, its structured derivatives do for each operation with a known structure what
    is done above for layers (Novak et al. 2022), some hundred times faster. Without it, or for a function with an
    operation that it does not know, the Jacobian is formed for a block of inputs at a time and contracted at once, so
    that memory does not grow with their number. The ways agree to rounding.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k) for n inputs, each row from its own input alone; this is
            tried on two of them, except while JAX traces.
        params: a tree of floating arrays.
        x1: inputs, (n1, d) or of any rank, (n1, ...), the first axis for examples; or a tree of arrays with such a
            first axis, among which there may be integers and truth values.
        x2: inputs, n2 in the shape of those of `x1`; `x1` if left out, which halves the work.
        outputs: ``"trace"`` for the mean over the outputs of the kernel of each output with itself, ``"full"``
            for all pairs of outputs.

    Returns:
        (n1, n2) for ``"trace"``, (n1, n2, k, k) for ``"full"``, in the dtype of the inputs and parameters. In float32
        an entry is off by some 1e-6 of the largest; its smallest eigenvalues need float64.

    Raises:
        ValueError: if a shape or dtype does not fit, `outputs` is neither of the two, `apply` mixes rows, batch
            statistics are among the parameters, or, not while JAX traces, an input or a parameter is not finite.

    >>> theta = {"slope": jnp.array([[2.0], [3.0]])}
    >>> x = jnp.array([[1.0, 0.0], [1.0, 1.0]])
    >>> empirical_ntk(lambda params, x: x @ params["slope"], theta, x).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    _validation.choice("outputs", outputs, ("trace", "full"))
    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    params = _examples.parameters(params)
    owner = getattr(apply, "__self__", None)
    if type(owner) is MLP and apply == owner.apply:  # a subclass may compute something else
        return _by_layers(owner, params, *_validation.inputs(x1, x2), trace=outputs == "trace")
    first, second = _examples.batches(x1, x2)
    shape = _examples.output_shape(apply, params, "x1", first)
    other = first if second is None else second
    leaves, n1, n2 = jax.tree.leaves(params), _examples.size(first), _examples.size(other)
    if min(n1, n2) == 0:
        dtype = jnp.result_type(*jax.tree.leaves(first), *leaves)
        return jnp.zeros((n1, n2, *(shape[1:] * 2 if outputs == "full" else ())), dtype)
    _examples.refuse_unless_rowwise(apply, params, first if n1 > 1 else other)
    row_bytes = shape[1] * sum(jnp.size(leaf) * jnp.result_type(leaf).itemsize for leaf in leaves)
    size = max(1, _BLOCK_BYTES // max(row_bytes, 1))
    block = functools.partial(_block, apply, params, trace=outputs == "trace")
    if size < max(n1, n2) and isinstance(first, Array):  # of a tree nothing is known
        structured = _structured(apply, trace=outputs == "trace")
        larger = structured and _structured_rows(structured, params, first, other, size)
        if structured and larger:
            block, size = functools.partial(_structured_block, structured, params), larger

    left = [_examples.rows(first, slice(i, i + size)) for i in range(0, n1, size)]
    if second is not None:
        right = [_examples.rows(second, slice(j, j + size)) for j in range(0, n2, size)]
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
def _block(apply: Apply, params: Any, x1: Any, x2: Any, *, trace: bool) -> Array:
    """The kernel between two blocks of inputs, by contracting their Jacobians leaf by leaf."""

    def alone(params: Any, row: Any) -> Array:
        return apply(params, jax.tree.map(lambda leaf: leaf[None], row))[0]

    def jacobian(x: Any) -> list[Array]:
        per_input = jax.vmap(jax.jacrev(alone), (None, 0))(params, x)
        return [leaf.reshape(*leaf.shape[:2], -1) for leaf in jax.tree.leaves(per_input)]  # (n, k, size)

    j1 = jacobian(x1)
    j2 = j1 if x2 is None else jacobian(x2)
    equation = "iop,jop->ij" if trace else "iop,jqp->ijoq"
    total = sum(jnp.einsum(equation, a, b, precision="highest") for a, b in zip(j1, j2, strict=True))
    return jnp.asarray(total) / (j1[0].shape[1] if trace else 1)


@functools.lru_cache(maxsize=64)
def _structured(apply: Apply, *, trace: bool) -> Callable[..., Array] | None:
    """neural-tangents' structured derivatives of a function, or None if it is not installed."""
    try:
        neural_tangents = importlib.import_module("ntklib.neural_tangents")
    except ImportError:
        return None
    return neural_tangents.empirical_ntk_fn(
        apply,
        trace_axes=(-1,) if trace else (),
        vmap_axes=0,
        implementation=neural_tangents.NtkImplementation.STRUCTURED_DERIVATIVES,
    )


def _structured_rows(structured: Callable[..., Array], params: Any, x1: Array, x2: Array, least: int) -> int:
    """How many inputs a block of structured derivatives may have, or 0 if blocks of Jacobians are larger.

    What it will compute is traced, not run, and all intermediate arrays counted. An operation without a rule of its
    own would have its whole Jacobian formed, and some operations are not supported: both are left to :func:`_block`.
    """
    size = max(len(x1), len(x2))
    while size > least:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="No Jacobian rule found")
                traced = jax.make_jaxpr(structured)(x1[:size], x2[:size], params)
        except (NotImplementedError, UserWarning):
            return 0
        if _intermediate_bytes(traced.jaxpr) <= 8 * _BLOCK_BYTES:
            return size
        size = max(least, size // 2)
    return 0


def _intermediate_bytes(jaxpr: Any) -> int:
    """The size of everything that a traced program computes: more than it ever holds at once."""
    return sum(math.prod(v.aval.shape) * v.aval.dtype.itemsize for equation in jaxpr.eqns for v in equation.outvars)


@functools.partial(jax.jit, static_argnames=("structured",))
def _structured_block(structured: Callable[..., Array], params: Any, x1: Array, x2: Array | None) -> Array:
    """The kernel between two blocks of inputs, by structured derivatives."""
    with jax.default_matmul_precision("highest"):
        kernel = structured(x1, x2, params)
    return kernel.astype(jnp.result_type(x1, *jax.tree.leaves(params)))


def _by_layers(mlp: MLP, params: Params, x1: Array, x2: Array | None, *, trace: bool) -> Array:
    """The kernel of an MLP as a sum over its layers: (kernel of what enters) times (kernel of what comes back)."""
    # a program of its own: otherwise the compiler computes the slopes anew for each output
    passes = [_forward(mlp, params, x) for x in (x1, x2) if x is not None]
    return _from_passes(mlp, params, *passes, trace=trace)


@functools.partial(jax.jit, static_argnames=("mlp", "trace"))
def _from_passes(mlp: MLP, params: Params, pass1: Pass, pass2: Pass | None = None, *, trace: bool) -> Array:
    """The kernel between inputs of which the forward passes are known."""
    entering1, slopes1 = pass1
    entering2, slopes2 = pass1 if pass2 is None else pass2
    inputs = []
    for layer, h1, h2 in zip(params, entering1, entering2, strict=True):
        weight_scale, bias_scale = mlp.scales(layer, readout=layer is params[-1])
        kernel = weight_scale**2 * jnp.matmul(h1, h2.T, precision="highest")
        inputs.append(kernel if layer.bias is None else kernel + bias_scale**2)
    if trace:
        total = mlp.out_dim * inputs[-1]
        if slopes1:  # what comes back to the last hidden layer is a product, and its kernel needs no sum over outputs
            weight_scale, _ = mlp.scales(params[-1], readout=True)
            squares = jnp.sum((weight_scale * params[-1].weight) ** 2, 1)
            total += inputs[-2] * jnp.matmul(slopes1[-1] * squares, slopes2[-1].T, precision="highest")
        for kernel, returning in zip(inputs, _returning(mlp, params, slopes1, slopes2), strict=False):
            total += kernel * returning
        return total / mlp.out_dim
    returning1 = _backward(mlp, params, slopes1, axis=0)
    returning2 = returning1 if pass2 is None else _backward(mlp, params, slopes2, axis=0)

    def block(left: slice, right: slice) -> Array:
        """All inputs, for some outputs o and others p: (o, n1, p, n2)."""
        same = jnp.eye(mlp.out_dim, dtype=inputs[-1].dtype)[left, None, right, None]
        total = inputs[-1][:, None, :] * same
        for kernel, d1, d2 in zip(inputs[:-1], returning1, returning2, strict=True):
            total += kernel[:, None, :] * jnp.einsum("oiu,pju->oipj", d1[left], d2[right], precision="highest")
        return total

    if pass2 is not None:
        return block(slice(None), slice(None)).transpose(1, 3, 0, 2)
    groups = min(5, mlp.out_dim)  # of outputs: Θ(x, x') of (o, p) is Θ(x', x) of (p, o), so six tenths of the work do
    cuts = [mlp.out_dim * group // groups for group in range(groups + 1)]
    parts = [slice(start, stop) for start, stop in itertools.pairwise(cuts)]
    grid = {(a, b): block(parts[a], parts[b]) for a in range(groups) for b in range(a + 1)}
    grid |= {(b, a): part.transpose(2, 3, 0, 1) for (a, b), part in grid.items() if a != b}
    rows = (jnp.concatenate([grid[a, b].transpose(1, 3, 0, 2) for b in range(groups)], 3) for a in range(groups))
    return jnp.concatenate(list(rows), 2)


def _returning(mlp: MLP, params: Params, slopes1: list[Array], slopes2: list[Array]) -> list[Array]:
    """The kernels of what comes back to each hidden layer but the last, summed over the outputs.

    A few outputs at a time: with all of them, what comes back leaves the processor's cache between two products.
    """
    if len(slopes1) < 2:
        return []

    def of_some(readout: Array) -> list[Array]:
        some = (*params[:-1], params[-1]._replace(weight=readout))
        first = [_flat(d) for d in _backward(mlp, some, slopes1, axis=1)[:-1]]
        if slopes2 is slopes1:
            return list(map(_symmetric_product, first))
        second = (_flat(d) for d in _backward(mlp, some, slopes2, axis=1)[:-1])
        return [jnp.matmul(d1, d2.T, precision="highest") for d1, d2 in zip(first, second, strict=True)]

    readout, size = params[-1].weight, max(size for size in range(1, 6) if mlp.out_dim % size == 0)
    groups = jnp.moveaxis(readout.reshape(len(readout), mlp.out_dim // size, size), 1, 0)
    total = of_some(groups[0])
    if len(groups) == 1:
        return total
    return jax.lax.scan(lambda sums, group: (list(map(jnp.add, sums, of_some(group))), None), total, groups[1:])[0]


def _flat(array: Array) -> Array:
    """(n, k, width) as (n, k * width)."""
    return array.reshape(len(array), array.shape[1] * array.shape[2])


def _symmetric_product(d: Array) -> Array:
    """The products of all pairs of rows; of a large matrix three quarters are computed, the rest is copied."""
    half = len(d) // 2
    if half < 50:
        return jnp.matmul(d, d.T, precision="highest")
    a, b = d[:half], d[half:]
    aa, ba, bb = (jnp.matmul(left, right.T, precision="highest") for left, right in ((a, a), (b, a), (b, b)))
    return jnp.concatenate([jnp.concatenate([aa, ba.T], 1), jnp.concatenate([ba, bb], 1)], 0)


@functools.partial(jax.jit, static_argnames=("mlp",))
def _forward(mlp: MLP, params: Params, x: Array) -> Pass:
    """What enters each layer, (n, fan_in), and the slope of the activation at what leaves it, (n, fan_out)."""
    _validation.output_shape(mlp.apply, params, "x1", x)  # once for each shape, while this is compiled
    function = by_name(mlp.activation).function
    entering, slopes = [x], []
    for layer in params[:-1]:
        z = mlp.dense(layer, entering[-1])
        h, slope = jax.jvp(function, (z,), (jnp.ones_like(z),))
        entering.append(h)
        slopes.append(slope)
    return entering, slopes


def _backward(mlp: MLP, params: Params, slopes: list[Array], *, axis: int) -> list[Array]:
    """The derivative of the outputs by what leaves each hidden layer, (n, k, width) or (k, n, width), k at `axis`."""
    returning: list[Array] = []
    for layer, slope in zip(params[:0:-1], slopes[::-1], strict=True):
        weight_scale, _ = mlp.scales(layer, readout=layer is params[-1])
        weight = weight_scale * layer.weight.T
        if returning:
            first, second, units = returning[0].shape
            rows = returning[0].reshape(first * second, units)
            back = jnp.matmul(rows, weight, precision="highest").reshape(first, second, weight.shape[1])
        else:
            back = jnp.expand_dims(weight, 1 - axis)
        returning.insert(0, back * jnp.expand_dims(slope, axis))
    return returning


def linearize(apply: Apply, params: Any) -> Callable[[Any, Any], Array]:
    r"""The first-order expansion of a network in its parameters, around the given ones.

    :math:`f_{lin}(\theta, x) = f(\theta_0, x) + \nabla_\theta f(\theta_0, x)\,(\theta - \theta_0)`: linear in
    :math:`\theta`, as nonlinear as before in :math:`x`, and with the tangent kernel of :math:`\theta_0` throughout
    training (Lee et al. 2019, eq. 6). Computed by a Jacobian-vector product; no Jacobian is formed.

    Args:
        apply: ``apply(params, x)`` gives the outputs (n, k) for inputs of any rank, or a tree of them.
        params: the parameters :math:`\theta_0`, a tree of floating arrays, of which copies are kept.

    Returns:
        ``f(params, x)``, with the shapes of `apply`.

    Raises:
        ValueError: if `apply` is no function, a parameter is not floating or, not while JAX traces, not finite, or
            batch statistics are among them.

    >>> f = linearize(lambda params, x: params**2 * x, jnp.array(3.0))
    >>> float(f(jnp.array(4.0), jnp.array(1.0)))  # 9 + 6 (4 - 3)
    15.0
    """

    _validation.function("apply", apply, "apply(params, x) and gives the outputs (n, k)")
    centre = _examples.parameters(params)

    def linearized(new: Any, x: Any) -> Array:
        _validation.refuse_unless_finite_tree("params", new)
        _validation.refuse_unless_finite_tree("x", x)
        difference = jax.tree.map(jnp.subtract, new, centre)
        value, change = jax.jvp(lambda p: apply(p, x), (centre,), (difference,))
        return value + change

    return linearized
