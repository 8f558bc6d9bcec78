"""How are pieces of work that do not depend on each other done two at a time?

XLA shares each of its operations among the cores, which leaves them waiting for each other between small ones.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

__all__ = ["AT_ONCE", "at_once", "each"]

AT_ONCE = 2
"""So many: the operations of each piece are shared among the cores as well."""


def at_once() -> int:
    """How many pieces this machine is given at a time; a device that is no processor does one after the other."""
    return min(AT_ONCE, os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1


def each(compute: Callable[..., Any], pieces: Sequence[tuple[Any, ...]], workers: int) -> Iterator[Any]:
    """What `compute` gives of the arguments in each piece, in their order, once it is there.

    What is switched for a thread alone, such as `jax.enable_x64`, another one does not know: `compute` is to be a
    compiled program, or to call one. No more than `workers` results wait to be fetched.

    >>> list(each(lambda a, b: a + b, [(1, 2), (3, 4), (5, 6)], 2))
    [3, 7, 11]
    """
    if workers == 1 or len(pieces) == 1:
        for piece in pieces:
            yield compute(*piece)
        return
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(pieces), workers):
            yield from pool.map(lambda piece: jax.block_until_ready(compute(*piece)), pieces[start : start + workers])
