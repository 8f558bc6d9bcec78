"""In which blocks is a kernel matrix computed, and what computes one within the memory that is allowed?"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike

from ntklib import _arguments, _memory, kernels

__all__ = ["Block", "Compiled", "block_values", "blocks_of", "fitting"]

Kernel = Callable[..., ArrayLike]


class Block(NamedTuple):
    """Rows and columns, by where they start; `mirrored` blocks also stand on the other side of the diagonal."""

    row: int
    column: int
    mirrored: bool


class Compiled(NamedTuple):
    """The two compiled functions, for blocks off and on the diagonal, and the memory that a round of them takes."""

    between: Any
    within: Any
    rows: int
    columns: int
    bytes: int


def blocks_of(shape: tuple[int, int], size: int, *, symmetric: bool) -> Iterator[Block]:
    """All blocks, in the order in which they are written.

    Each is of the full size, so that two functions suffice: the last ones reach back over the ones before. The blocks
    on the diagonal come last, because these alone know which entries are of a point with itself.
    """
    rows, columns = ([*range(0, n - size, size), max(n - size, 0)] for n in shape)
    if not symmetric:
        yield from (Block(row, column, False) for row in rows for column in columns)
        return
    yield from (Block(row, column, True) for i, row in enumerate(rows) for column in rows[i + 1 :])
    yield from (Block(row, row, False) for row in rows)


def fitting(
    kernel: Kernel,
    point: tuple[int, ...],
    shape: tuple[int, int],
    dtype: Any,
    symmetric: bool,
    devices: list[Any],
    max_bytes: int,
    begun: int | None,
    path: Path | None,
) -> tuple[int, Compiled]:
    """The size of the blocks, and what computes them within the memory that is allowed.

    `begun` is the size of the blocks with which the file at `path` was begun, if it was.
    """
    most = max(shape)
    fair = math.isqrt(max_bytes // (6 * dtype.itemsize * _local(devices)))
    # a megapoint in 32 bits, half in 64: with some more, the C library gives what a block works with back to the system
    # after each block, and half the time goes into clearing fresh memory
    quick = math.isqrt(2**22 // dtype.itemsize)
    size = begun or min(most, quick, max(fair, 8))
    while True:
        if not begun:
            size = math.ceil(most / math.ceil(most / size))  # blocks of one size overlap least
        rows, columns = (min(size, n) for n in shape)
        work = _Work(
            kernel, point, rows, columns, symmetric and rows == shape[0], symmetric, str(dtype), tuple(devices)
        )
        run = _compiled(work)
        if run.bytes <= max_bytes:
            return size, run
        if begun or size <= 8:
            why = f"{path} was begun with blocks" if begun else "the smallest blocks are"
            raise ValueError(
                f"{why} of {size} points, which take {_memory.text(run.bytes)}; allow as much, got "
                f"max_bytes={max_bytes}"
            )
        size = max(8, min(size - 1, int(0.95 * size * math.sqrt(max_bytes / run.bytes))))


def _local(devices: Sequence[Any]) -> int:
    """How many of the devices share the memory of this process."""
    return sum(device.process_index == jax.process_index() for device in devices)


class _Work(NamedTuple):
    """What is compiled: blocks of rows × columns of the kernel of points of this shape, one to a device."""

    kernel: Kernel
    point: tuple[int, ...]
    rows: int
    columns: int
    whole: bool
    symmetric: bool
    dtype: str
    devices: tuple[Any, ...]


def _compiled(work: _Work) -> Compiled:
    """Compiled once for a kernel that cannot change; a function may look at what has changed since."""
    frozen = isinstance(work.kernel, kernels.Kernel)
    try:
        hash(work)
    except TypeError:  # its numbers are arrays
        frozen = False
    return (_compile if frozen else _compile.__wrapped__)(work, x64=bool(jax.config.read("jax_enable_x64")))


@functools.lru_cache(maxsize=64)
def _compile(work: _Work, *, x64: bool) -> Compiled:  # x64 tells apart what is kept
    mesh = Mesh(np.array(work.devices), ("blocks",))
    spec = PartitionSpec("blocks")
    sharding = NamedSharding(mesh, spec)

    def compiled(*sizes: int) -> tuple[Callable[..., Array], int]:
        def one(*blocks: Array) -> Array:
            return block_values(work.kernel, *(block[0] for block in blocks)).astype(work.dtype)[None]

        shared = jax.shard_map(one, mesh=mesh, in_specs=(spec,) * len(sizes), out_specs=spec, check_vma=False)
        shapes = [
            jax.ShapeDtypeStruct((len(work.devices), n, *work.point), work.dtype, sharding=sharding) for n in sizes
        ]
        ready = jax.jit(shared).lower(*shapes).compile()
        stats: Any = ready.memory_analysis()
        # two rounds of inputs and results are there at once, and what one round works with
        taken = stats.temp_size_in_bytes + 2 * (stats.argument_size_in_bytes + stats.output_size_in_bytes)
        return ready, taken * _local(work.devices)

    within, bytes_within = compiled(work.rows) if work.symmetric else (None, 0)
    between, bytes_between = (None, 0) if work.whole else compiled(work.rows, work.columns)
    return Compiled(between, within, work.rows, work.columns, max(bytes_between, bytes_within))


def block_values(kernel: Kernel, *points: Array) -> Array:
    """The kernel of a block, while it is compiled; another shape would be broadcast to it."""
    try:
        values = jnp.asarray(kernel(*points))
    except jax.errors.TracerArrayConversionError:
        raise ValueError(
            f"kernel must be one of JAX, which can be compiled, got {_arguments.got(kernel)}, which asks NumPy; of a "
            "network pass MLP(...).ntk"
        ) from None
    wanted = (len(points[0]), len(points[-1]))
    if values.shape != wanted:
        of = " and ".join(str(block.shape) for block in points)
        raise ValueError(f"kernel must return shape {wanted} for points of shape {of}, got {values.shape}")
    if jnp.iscomplexobj(values):
        raise ValueError(f"kernel must return real values, got {values.dtype}")
    return values
