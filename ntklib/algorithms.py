r"""Does a network execute an algorithm? Shortest paths by message passing, and a stack in one number.

A graph is a matrix of weights: ``weights[u, v]`` is the length of the edge from u to v, infinity where there is none,
and 0 on the diagonal. Distances are from the node 0; a node that is not reached yet has an infinite one.

>>> weights = random_graphs(jax.random.key(0), n=8, count=3)  # edges: a path, and eight more
>>> net = MessagePassing(aggregate="min")
>>> right = {"inner": jnp.ones((2, 1)), "outer": jnp.ones(1)}  # a message of one unit, h + w
>>> distances = bellman_ford(weights, steps=7)
>>> bool(jnp.allclose(net.apply(right, distances[:, 6], weights), distances[:, 7]))
True
"""

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Generic, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _arguments, _validation

__all__ = ["MessagePassing", "Stack", "bellman_ford", "random_graphs"]

AGGREGATES = ("min", "sum", "mean")
Number = TypeVar("Number", Fraction, float, np.floating[Any])


def random_graphs(key: Array, n: int, count: int, *, extra: int | None = None) -> NDArray[np.float64]:
    """Undirected graphs: a path through all nodes in random order, and further edges between random pairs.

    Lengths are uniform in [0.1, 1]. Of two edges between the same nodes the shorter one counts, and an edge from a
    node to itself is none, so there may be fewer further edges.

    Args:
        key: a JAX random key.
        n: number of nodes, at least 1.
        count: number of graphs, at least 1.
        extra: number of further edges; n unless said otherwise.

    Returns:
        Weights (count, n, n).

    Raises:
        ValueError: if an argument is not as said.

    >>> weights = random_graphs(jax.random.key(0), n=3, count=2, extra=0)
    >>> weights.shape, int(np.isinf(weights[0]).sum())  # the path has two edges; one pair has none, either way
    ((2, 3, 3), 2)
    """
    _validation.key("key", key)
    n, count = _arguments.count("n", n, 1), _arguments.count("count", count, 1)
    extra = n if extra is None else _arguments.count("extra", extra, 0)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    graphs = np.full((count, n, n), np.inf)
    for weights in graphs:
        order = rng.permutation(n)
        edges = np.concatenate([np.stack([order[:-1], order[1:]]), rng.integers(0, n, (2, extra))], axis=1)
        np.minimum.at(weights, tuple(edges), rng.uniform(0.1, 1.0, edges.shape[1]))
        np.minimum(weights, weights.T, out=weights)
        np.fill_diagonal(weights, 0.0)
    return graphs


def bellman_ford(weights: ArrayLike, steps: int) -> NDArray[np.float64]:
    r"""Distances from the node 0 after each step of :math:`d_v \leftarrow \min_u(d_u + w_{uv})` (Bellman 1958).

    After k steps they are the lengths of the shortest paths with at most k edges.

    Args:
        weights: of graphs, (count, n, n).
        steps: how many, at least 0; n − 1 are enough if no cycle is negative.

    Returns:
        (count, steps + 1, n), infinite where no path has so few edges.

    Raises:
        ValueError: if the weights are no square matrices, one is not a number or −∞, or `steps` is no such integer.

    >>> chain = [[[0.0, 1.0, np.inf], [1.0, 0.0, 2.0], [np.inf, 2.0, 0.0]]]
    >>> bellman_ford(chain, 2)[0].tolist()
    [[0.0, inf, inf], [0.0, 1.0, inf], [0.0, 1.0, 3.0]]
    """
    lengths = np.asarray(_weights(weights, np.asarray), float)
    distances = np.full((len(lengths), _arguments.count("steps", steps, 0) + 1, lengths.shape[1]), np.inf)
    distances[:, 0, 0] = 0.0
    for step in range(1, distances.shape[1]):
        distances[:, step] = np.min(distances[:, step - 1, :, None] + lengths, axis=1)
    return distances


@dataclasses.dataclass(frozen=True)
class MessagePassing:
    r"""One step of a graph network on distances: every node combines the messages that reach it.

    The message along the edge from u to v is a network of one hidden layer of ReLU units,
    ``outer · relu((h_u, w_uv) inner + shift)``. Only nodes that are reached send one, to themselves too, along an edge
    of length 0. A node that gets none stays unreached.

    Args:
        aggregate: what a node does with its messages, ``"min"``, ``"sum"`` or ``"mean"``.
        bias: whether the hidden units have biases, `shift`; without, a message is positively homogeneous.
        width: number of hidden units of a message.
        update: if positive, the hidden units themselves are combined, one by one, and a second network with so many
            ReLU units makes the new distance of them and of the old one (0 if unreached).

    Raises:
        ValueError: for values outside of these.

    >>> net = MessagePassing("sum", bias=True, width=4)
    >>> params = net.init(jax.random.key(0))
    >>> net.apply(params, jnp.array([[0.0, jnp.inf]]), jnp.array([[[0.0, 1.0], [1.0, 0.0]]])).shape
    (1, 2)
    """

    aggregate: Literal["min", "sum", "mean"] = "min"
    bias: bool = False
    width: int = 16
    update: int = 0

    def __post_init__(self) -> None:
        _arguments.choice("aggregate", self.aggregate, AGGREGATES)
        object.__setattr__(self, "bias", _arguments.flag("bias", self.bias))
        object.__setattr__(self, "width", _arguments.count("width", self.width, 1))
        object.__setattr__(self, "update", _arguments.count("update", self.update, 0))

    def init(self, key: Array) -> dict[str, Array]:
        """Draw a network: `inner` standard normal, `outer` positive and small, biases 0.

        Args:
            key: a JAX random key.

        Returns:
            ``inner`` (2, width), ``outer`` (width,), with biases ``shift`` (width,). With an update network ``joined``
            (width + 1, update) and ``outer`` (update,) in place of the latter, with biases ``joined_shift`` (update,)
            and ``end`` ().

        Raises:
            ValueError: if `key` is not one random key.
        """
        _validation.key("key", key)
        first, second, third = jax.random.split(key, 3)
        params = {"inner": jax.random.normal(first, (2, self.width))}
        if self.bias:
            params["shift"] = jnp.zeros(self.width)
        last = self.update or self.width
        params["outer"] = jnp.abs(jax.random.normal(second, (last,))) / last
        if self.update:
            params["joined"] = jax.random.normal(third, (self.width + 1, last)) * (2 / (self.width + 1)) ** 0.5
            if self.bias:
                params |= {"joined_shift": jnp.zeros(last), "end": jnp.zeros(())}
        return params

    def apply(self, params: Any, distances: ArrayLike, weights: ArrayLike) -> Array:
        """The next distances.

        Args:
            params: as :meth:`init` returns them; any width.
            distances: of graphs, (count, n), infinite where a node is not reached.
            weights: (count, n, n).

        Returns:
            (count, n).

        Raises:
            ValueError: if a shape does not fit, or a number is missing or −∞.
        """
        w = _weights(weights)
        h = _extended("distances", distances, "(count, n)", lambda shape: shape == w.shape[:2])
        _validation.parameters("params", params)
        return self._apply(params, h.astype(w.dtype), w)

    def _apply(self, params: Any, h: Array, w: Array) -> Array:
        sent = jnp.isfinite(w) & jnp.isfinite(h)[:, :, None]
        known = jnp.where(jnp.isfinite(h), h, 0.0)
        of_state, of_length = params["inner"]
        lengths = jnp.where(sent, w, 0.0)[..., None]
        messages = jax.nn.relu(known[:, :, None, None] * of_state + lengths * of_length + params.get("shift", 0.0))
        if self.update:
            together = jnp.concatenate([self._together(messages, sent[..., None]), known[..., None]], axis=-1)
            hidden = jax.nn.relu(together @ params["joined"] + params.get("joined_shift", 0.0))
            made = hidden @ params["outer"] + params.get("end", 0.0)
        else:
            made = self._together(jnp.sum(messages * params["outer"], axis=-1), sent)  # one loop, no matrix product
        return jnp.where(sent.any(axis=1), made, jnp.inf)

    def _together(self, messages: Array, sent: Array) -> Array:
        if self.aggregate == "min":
            least = jnp.min(jnp.where(sent, messages, jnp.inf), axis=1)
            return jnp.where(sent.any(axis=1), least, 0.0)
        total = jnp.sum(jnp.where(sent, messages, 0.0), axis=1)
        return total / jnp.maximum(sent.sum(axis=1), 1) if self.aggregate == "mean" else total


@dataclasses.dataclass(frozen=True)
class Stack(Generic[Number]):
    r"""A stack of bits in one number between 0 and 1, with operations that units of a network compute.

    :math:`q = \sum_i (2b_i + 1)4^{-i}`, with the top bit first. All is made of sums and of
    :math:`\sigma(x) = \min(\max(x, 0), 1)` (Siegelmann and Sontag 1995). With a :class:`~fractions.Fraction` it is
    exact; a float rounds, in its own precision.

    Args:
        code: q, a fraction or a float; 0 is the empty stack.

    Raises:
        ValueError: if it is neither, or not in [0, 1].

    >>> stack = Stack(Fraction(0)).push(1).push(0)
    >>> stack.code, stack.top(), stack.pop().top(), stack.pop().pop().empty()
    (Fraction(7, 16), Fraction(0, 1), Fraction(1, 1), Fraction(1, 1))
    """

    code: Number

    def __post_init__(self) -> None:
        if not isinstance(self.code, Fraction | float | np.floating) or not 0 <= self.code <= 1:
            raise ValueError(f"code must be a fraction or a float in [0, 1], got {_arguments.got(self.code)}")

    def push(self, bit: int) -> "Stack[Number]":
        """The stack with one bit more: q/4 + (2b + 1)/4.

        Args:
            bit: 0 or 1.

        Raises:
            ValueError: if it is neither.
        """
        make = type(self.code)
        bit = _arguments.count("bit", bit, 0, 1)
        return Stack(self.code / make(4) + make(2 * bit + 1) / make(4))

    def top(self) -> Number:
        """The bit that was pushed last, σ(4q − 2); 0 if the stack is empty."""
        make = type(self.code)
        return _saturated(make(4) * self.code - make(2))

    def pop(self) -> "Stack[Number]":
        """The stack without its top bit: σ(4q − 2 top − 1); an empty one stays empty."""
        make = type(self.code)
        return Stack(_saturated(make(4) * self.code - make(2) * self.top() - make(1)))

    def empty(self) -> Number:
        """Whether it is empty, as 1 or 0: 1 − σ(4q)."""
        make = type(self.code)
        return make(1) - _saturated(make(4) * self.code)


def _saturated(x: Number) -> Number:
    make = type(x)
    return min(max(x, make(0)), make(1))


def _weights(value: ArrayLike, make: Callable[[Any], Any] = jnp.asarray) -> Any:
    return _extended(
        "weights", value, "(count, n, n)", lambda shape: len(shape) == 3 and shape[1] == shape[2] > 0, make
    )


def _extended(
    name: str,
    value: ArrayLike,
    shape: str,
    fits: Callable[[tuple[int, ...]], bool],
    make: Callable[[Any], Any] = jnp.asarray,
) -> Any:
    """An array of floats in which infinity means that there is none."""
    array = _arguments.read(name, value, make)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {_arguments.got(array)}")
    array = array if array.dtype.kind == "f" else array.astype(float)
    if not fits(array.shape):
        raise ValueError(f"{name} must have shape {shape}, got {_arguments.got(array)}")
    if not _validation.traced(array):
        known = np.asarray(array)
        wrong = np.argwhere(np.isnan(known) | (known == -np.inf))
        if len(wrong):
            where = wrong[0].tolist()
            raise ValueError(f"{name} must hold numbers, or infinity for none, got {known[tuple(where)]} at {where}")
    return array
