"""How does a frozen dataclass become a JAX tree whose numbers are leaves, and how does a tree get arrays of its own?"""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
from jax.tree_util import GetAttrKey

__all__ = ["copied", "register"]


def register(cls: type) -> None:
    """Make a tree of a class that is going to be a dataclass; fields with ``metadata={"static": True}`` are no leaves.

    JAX also builds trees of what are no numbers, so that an object is put together again without its `__init__`: what
    that refuses passes here. (`jax.tree_util.register_dataclass` calls it.)

    >>> @dataclasses.dataclass(frozen=True)
    ... class Line:
    ...     slope: float
    ...     name: str = dataclasses.field(metadata={"static": True})
    >>> register(Line)
    >>> jax.tree.map(lambda number: 2 * number, Line(1.5, "up"))
    Line(slope=3.0, name='up')
    """

    def flatten(value: Any) -> tuple[list[tuple[GetAttrKey, Any]], tuple[Any, ...]]:
        leaves, static = _fields(cls)
        return [(GetAttrKey(name), getattr(value, name)) for name in leaves], _values(value, static)

    def flatten_without_names(value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        leaves, static = _fields(cls)
        return _values(value, leaves), _values(value, static)

    def build(static_values: tuple[Any, ...], leaf_values: Any) -> Any:
        leaves, static = _fields(cls)
        value: Any = object.__new__(cls)
        for name, each in (*zip(leaves, leaf_values, strict=True), *zip(static, static_values, strict=True)):
            object.__setattr__(value, name, each)
        return value

    jax.tree_util.register_pytree_with_keys(cls, flatten, build, flatten_without_names)


def copied(tree: Any) -> Any:
    """The same tree with copies of NumPy's arrays, which whoever handed them over may change; JAX's cannot be changed.

    >>> numbers = {"slope": np.ones(2)}
    >>> own = copied(numbers)
    >>> numbers["slope"] *= 3
    >>> own["slope"].tolist()
    [1.0, 1.0]
    """
    return jax.tree.map(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, tree)


def _values(value: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([getattr(value, name) for name in names])


@functools.cache  # a kernel is taken apart in each call
def _fields(cls: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the leaves, and of the rest."""
    fields = dataclasses.fields(cls)
    static = tuple(field.name for field in fields if field.metadata.get("static"))
    return tuple(field.name for field in fields if field.name not in static), static
