r"""How small can a trained network be made? Fewer bits for its weights, and fewer weights.

What is made smaller are the weights, which have two axes or more; biases stay. The results are networks of the same
shape, whose weights take few values or are zero, so that they can be tried like any other; :func:`stored_bytes` says
what keeping them takes. Nothing here runs inside of `jax.jit`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ntklib import _arguments, _validation

__all__ = ["prune", "quantise", "stored_bytes"]


def quantise(params: Any, bits: int) -> Any:
    r"""Weights rounded to integers of so many bits, times one scale an array.

    With :math:`s = \max|W|/(2^{b - 1} - 1)` each weight becomes :math:`s\,\mathrm{round}(w/s)`: it moves by s/2 at
    most.

    Args:
        params: a tree of floating arrays; those with one axis stay as they are.
        bits: b, from 2 to 16.

    Returns:
        a tree of the same shapes and dtypes.

    Raises:
        ValueError: if the parameters are no floating and finite arrays, or `bits` is no integer in the range.

    >>> quantise([jnp.array([[1.0, 0.4, -0.7]])], 2)[0].tolist()
    [[1.0, 0.0, -1.0]]
    """
    _validation.parameters("params", params)
    levels = 2 ** (_arguments.count("bits", bits, 2, 16) - 1) - 1

    def rounded(leaf: Any) -> Any:
        if np.ndim(leaf) < 2:
            return leaf
        weight = np.asarray(leaf)
        scale = np.maximum(np.abs(weight).max(), np.finfo(weight.dtype).tiny) / levels
        return jnp.asarray(np.round(weight / scale) * scale, weight.dtype)

    return jax.tree.map(rounded, params)


def prune(params: Any, share: float) -> Any:
    """The smallest weights of each array replaced by zero.

    Args:
        params: a tree of floating arrays; those with one axis stay as they are.
        share: of the weights of each array, from 0 to 1, rounded down to a number of them.

    Returns:
        a tree of the same shapes and dtypes.

    Raises:
        ValueError: if the parameters are no floating and finite arrays, or `share` is not from 0 to 1.

    >>> prune([jnp.array([[1.0, 0.4], [-0.2, 3.0]])], 0.5)[0].tolist()
    [[1.0, 0.0], [0.0, 3.0]]
    """
    _validation.parameters("params", params)
    share = _share("share", share)

    def thinned(leaf: Any) -> Any:
        if np.ndim(leaf) < 2:
            return leaf
        flat = np.array(leaf).ravel()
        flat[np.argsort(np.abs(flat), kind="stable")[: int(share * flat.size)]] = 0
        return jnp.asarray(flat.reshape(np.shape(leaf)))

    return jax.tree.map(thinned, params)


def stored_bytes(params: Any, bits: int = 32, *, pruned: float = 0.0) -> int:
    """What it takes to store a network whose weights have so many bits each.

    Every array with two axes or more takes its number of weights times `bits`, in whole bytes, and with fewer than 32
    bits four bytes for its scale; each other number takes four. Where weights were pruned only the others are stored,
    and one bit for each place, which says whether a weight is there.

    Args:
        params: a tree of floating arrays.
        bits: from 2 to 32.
        pruned: the share that :func:`prune` was given.

    Raises:
        ValueError: if the parameters are no floating and finite arrays, `bits` is no integer in the range, or `pruned`
            is not from 0 to 1.

    >>> stored_bytes([jnp.ones((196, 128)), jnp.ones(128)]), stored_bytes([jnp.ones((196, 128)), jnp.ones(128)], bits=8)
    (100864, 25604)
    """
    _validation.parameters("params", params)
    bits, pruned = _arguments.count("bits", bits, 2, 32), _share("pruned", pruned)
    scale = 4 if bits < 32 else 0

    def stored(size: int) -> int:
        kept = size - int(pruned * size)
        places = -(-size // 8) if pruned else 0
        return -(-kept * bits // 8) + places + scale

    return sum(stored(np.size(leaf)) if np.ndim(leaf) > 1 else 4 * np.size(leaf) for leaf in jax.tree.leaves(params))


def _share(name: str, value: Any) -> float:
    share = float(_arguments.number(name, value))
    if share > 1:
        raise ValueError(f"{name} must be from 0 to 1, got {share!r}")
    return share
