r"""How is a kernel matrix computed that is large for the memory, the cores or the patience at hand?

In blocks, from a loop in Python over one compiled function, into one NumPy array or a file. Of a symmetric matrix each
pair of points is computed once. The blocks are dealt to all devices that JAX has, of this machine or, after
:func:`jax.distributed.initialize`, of several; with one device the same loop runs on it alone.
"""

import functools
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _memory, _validation, kernels

__all__ = ["gram"]

Kernel = Callable[..., ArrayLike]
Progress = Callable[[int, int], object]


def gram(
    kernel: Kernel,
    x1: ArrayLike,
    x2: ArrayLike | None = None,
    *,
    max_bytes: int = 2**28,
    path: str | Path | None = None,
    progress: Progress | None = None,
    devices: Sequence[Any] | None = None,
) -> NDArray:
    r"""The matrix of a kernel between two sets of points, in blocks.

    The values are those of ``kernel(x1, x2)`` to rounding, on any number of devices. A kernel that keeps its accuracy
    for nearly equal points, as :attr:`ntklib.mlp.MLP.ntk` does, keeps it here.

    Args:
        kernel: ``kernel(a, b)`` gives (n1, n2) for points (n1, d) and (n2, d), and ``kernel(a)`` the symmetric matrix
            of one set; of JAX, so that it can be compiled: ``MLP(depth=2).ntk``, or an :class:`ntklib.kernels.Kernel`.
        x1: points, (n1, d). With float32 the result is float32, good for looking and for averages; to solve with the
            matrix, hand over float64, with 64 bits switched on (``jax.config.update("jax_enable_x64", True)``): without
            it JAX makes float32 of NumPy's float64.
        x2: points, (n2, d); `x1` if left out.
        max_bytes: how much memory the blocks may take, together on all devices of this process, beside the inputs and
            the result. Their size follows from it, by the compiler's own account.
        path: where to keep the result, a file in NumPy's format that is made to its full size at the start. Each block
            is on disk before its number is written to ``path + ".blocks"``, so a run that was interrupted has lost the
            blocks under way only, and the same call goes on where it ended. On several hosts it is the first that
            writes, and the others read it: the path must be the same file to all.
        devices: JAX's devices to use, of all hosts; all of them if left out. Devices that are forced upon one processor
            share its cores and gain nothing.
        progress: called as ``progress(done, total)`` with numbers of blocks, after each round of them.

    Returns:
        (n1, n2), in the dtype of the points (of the two the one with more bits), exactly symmetric for one set; with
        `path` a read-only view of the file.

    Raises:
        ValueError: if a shape or dtype does not fit, of the points or of what the kernel returns, if `max_bytes` is too
            small for any block, if there is no device, or if at `path` there is the matrix of other points or of
            another kernel.
        MemoryError: if there is no path and the result does not fit in memory; says how much it needs.

    >>> from ntklib.mlp import MLP
    >>> x = np.linspace(-1, 1, 30).reshape(10, 3).astype(np.float32)
    >>> bool(np.allclose(gram(MLP(depth=2).ntk, x), MLP(depth=2).ntk(x), rtol=1e-5))
    True
    """
    first, second = _validation.inputs(x1, x2)
    if not max_bytes > 0:
        raise ValueError(f"max_bytes must be positive, got {max_bytes!r}")
    common = jnp.result_type(first, first if second is None else second)
    points = np.asarray(first, common), None if second is None else np.asarray(second, common)
    dtype, shape = points[0].dtype, (len(first), len(first if second is None else second))
    if 0 in shape:
        return np.zeros(shape, dtype)
    chosen = jax.devices() if devices is None else list(devices)
    if not chosen:
        raise ValueError("devices must hold at least one device, got none")
    target = _Target(path, shape, dtype, _identity(kernel, points, shape) if path is not None else {})
    if target.complete:
        return target.result()
    symmetric = second is None
    size, run = _fitting(kernel, points[0].shape[1], shape, dtype, symmetric, chosen, max_bytes, target)
    target.begin(size)
    _fill(target, run, points, list(_blocks(shape, size, symmetric=symmetric)), chosen, progress)
    return target.result()


class _Block(NamedTuple):
    """Rows and columns, by where they start; `mirrored` blocks also stand on the other side of the diagonal."""

    row: int
    column: int
    mirrored: bool


class _Compiled(NamedTuple):
    """The two compiled functions, for blocks off and on the diagonal, and the memory that a round of them takes."""

    between: Any
    within: Any
    rows: int
    columns: int
    bytes: int


def _blocks(shape: tuple[int, int], size: int, *, symmetric: bool) -> Iterator[_Block]:
    """All blocks, in the order in which they are written.

    Each is of the full size, so that two functions suffice: the last ones reach back over the ones before. The blocks
    on the diagonal come last, because these alone know which entries are of a point with itself.
    """
    rows, columns = ([*range(0, n - size, size), max(n - size, 0)] for n in shape)
    if not symmetric:
        yield from (_Block(row, column, False) for row in rows for column in columns)
        return
    yield from (_Block(row, column, True) for i, row in enumerate(rows) for column in rows[i + 1 :])
    yield from (_Block(row, row, False) for row in rows)


def _fill(
    target: "_Target",
    run: _Compiled,
    points: tuple[NDArray, NDArray | None],
    blocks: list[_Block],
    devices: list[Any],
    progress: Progress | None,
) -> None:
    """Compute what is missing, one round of blocks ahead of the one that is being written."""
    mesh = Mesh(np.array(devices), ("blocks",))
    sharding = NamedSharding(mesh, PartitionSpec("blocks"))
    rows, columns = points[0], points[0] if points[1] is None else points[1]
    alone = [points[1] is None and block.row == block.column for block in blocks]

    def stacked(source: NDArray, starts: list[int], size: int) -> Array:
        shape = (len(starts), size, source.shape[1])

        def of_device(index: Any) -> NDArray:
            (place,) = range(*index[0].indices(len(starts)))
            return source[None, starts[place] : starts[place] + size]

        return jax.make_array_from_callback(shape, sharding, of_device)

    def rounds() -> Iterator[tuple[list[int], Array]]:
        for kind in (False, True):
            todo = [i for i, one in enumerate(alone) if one == kind and i not in target.done]
            for start in range(0, len(todo), len(devices)):
                chosen = todo[start : start + len(devices)]
                padded = chosen + chosen[-1:] * (len(devices) - len(chosen))
                left = stacked(rows, [blocks[i].row for i in padded], run.rows)
                if kind:
                    yield chosen, run.within(left)
                else:
                    yield chosen, run.between(left, stacked(columns, [blocks[i].column for i in padded], run.columns))

    def write(chosen: list[int], computed: Array) -> None:
        for place, block in _fetched(computed):
            if place < len(chosen):
                # exactly symmetric, which compiled arithmetic need not be
                values = np.tril(block) + np.tril(block, -1).T if alone[chosen[place]] else block
                target.write(blocks[chosen[place]], values)
        target.record(chosen)
        if progress is not None:
            progress(len(target.done), len(blocks))

    previous = None
    for current in rounds():  # JAX computes while the round before is copied
        if previous is not None:
            write(*previous)
        previous = current
    if previous is not None:
        write(*previous)
    target.finish()


def _fetched(values: Array) -> Iterator[tuple[int, NDArray]]:
    """The blocks of a round, wherever they were computed, each with its place in the round."""
    if jax.process_count() > 1:
        yield from enumerate(np.asarray(multihost_utils.process_allgather(values, tiled=True)))
        return
    for shard in values.addressable_shards:
        yield shard.index[0].start or 0, np.asarray(shard.data)[0]


def _fitting(
    kernel: Kernel,
    dim: int,
    shape: tuple[int, int],
    dtype: Any,
    symmetric: bool,
    devices: list[Any],
    max_bytes: int,
    target: "_Target",
) -> tuple[int, _Compiled]:
    """The size of the blocks, and what computes them within the memory that is allowed."""
    most = max(shape)
    fair = math.isqrt(max_bytes // (6 * dtype.itemsize * _local(devices)))
    # a megapoint in 32 bits, half in 64: with some more, the C library gives what a block works with back to the system
    # after each block, and half the time goes into clearing fresh memory
    quick = math.isqrt(2**22 // dtype.itemsize)
    size = target.size or min(most, quick, max(fair, 8))
    while True:
        if not target.size:
            size = math.ceil(most / math.ceil(most / size))  # blocks of one size overlap least
        rows, columns = (min(size, n) for n in shape)
        work = _Work(kernel, dim, rows, columns, symmetric and rows == shape[0], symmetric, str(dtype), tuple(devices))
        run = _compiled(work)
        if run.bytes <= max_bytes:
            return size, run
        if target.size or size <= 8:
            why = f"{target.path} was begun with blocks" if target.size else "the smallest blocks are"
            raise ValueError(
                f"{why} of {size} points, which take {_memory.text(run.bytes)}; allow as much, got "
                f"max_bytes={max_bytes}"
            )
        size = max(8, min(size - 1, int(0.95 * size * math.sqrt(max_bytes / run.bytes))))


def _local(devices: Sequence[Any]) -> int:
    """How many of the devices share the memory of this process."""
    return sum(device.process_index == jax.process_index() for device in devices)


class _Work(NamedTuple):
    """What is compiled: blocks of rows × columns of the kernel of points in `dim` dimensions, one to a device."""

    kernel: Kernel
    dim: int
    rows: int
    columns: int
    whole: bool
    symmetric: bool
    dtype: str
    devices: tuple[Any, ...]


def _compiled(work: _Work) -> _Compiled:
    """Compiled once for a kernel that cannot change; a function may look at what has changed since."""
    frozen = isinstance(work.kernel, kernels.Kernel)
    try:
        hash(work)
    except TypeError:  # its numbers are arrays
        frozen = False
    return (_compile if frozen else _compile.__wrapped__)(work, x64=bool(jax.config.read("jax_enable_x64")))


@functools.lru_cache(maxsize=64)
def _compile(work: _Work, *, x64: bool) -> _Compiled:  # x64 tells apart what is kept
    mesh = Mesh(np.array(work.devices), ("blocks",))
    spec = PartitionSpec("blocks")
    sharding = NamedSharding(mesh, spec)

    def compiled(*sizes: int) -> tuple[Callable[..., Array], int]:
        def one(*blocks: Array) -> Array:
            return _values(work.kernel, *(block[0] for block in blocks)).astype(work.dtype)[None]

        shared = jax.shard_map(one, mesh=mesh, in_specs=(spec,) * len(sizes), out_specs=spec, check_vma=False)
        shapes = [jax.ShapeDtypeStruct((len(work.devices), n, work.dim), work.dtype, sharding=sharding) for n in sizes]
        ready = jax.jit(shared).lower(*shapes).compile()
        stats: Any = ready.memory_analysis()
        # two rounds of inputs and results are there at once, and what one round works with
        taken = stats.temp_size_in_bytes + 2 * (stats.argument_size_in_bytes + stats.output_size_in_bytes)
        return ready, taken * _local(work.devices)

    within, bytes_within = compiled(work.rows) if work.symmetric else (None, 0)
    between, bytes_between = (None, 0) if work.whole else compiled(work.rows, work.columns)
    return _Compiled(between, within, work.rows, work.columns, max(bytes_between, bytes_within))


def _values(kernel: Kernel, *points: Array) -> Array:
    """The kernel of a block, while it is compiled; another shape would be broadcast to it."""
    values = jnp.asarray(kernel(*points))
    wanted = (len(points[0]), len(points[-1]))
    if values.shape != wanted:
        of = " and ".join(str(block.shape) for block in points)
        raise ValueError(f"kernel must return shape {wanted} for points of shape {of}, got {values.shape}")
    if jnp.iscomplexobj(values):
        raise ValueError(f"kernel must return real values, got {values.dtype}")
    return values


def _identity(kernel: Kernel, points: tuple[NDArray, NDArray | None], shape: tuple[int, int]) -> dict[str, Any]:
    """What tells one matrix from another: all bytes of the points, and the kernel of a few of them."""
    digests = [None if each is None else hashlib.sha256(each.tobytes()).hexdigest() for each in points]
    few = [
        (points[0] if each is None else each)[np.linspace(0, n - 1, min(n, 16)).astype(int)]
        for each, n in zip(points, shape, strict=True)
    ]
    values = np.asarray(jax.jit(lambda a, b: _values(kernel, a, b))(*few), np.float64)
    return {"shape": list(shape), "dtype": str(points[0].dtype), "points": digests, "kernel": values.tolist()}


class _Target:
    """Where the blocks go: an array, or a file and a list of the blocks that are in it."""

    def __init__(self, path: str | Path | None, shape: tuple[int, int], dtype: Any, identity: dict[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.shape, self.dtype, self.identity = shape, dtype, identity
        self.size: int | None = None
        self.done: set[int] = set()
        self.complete = False
        self.array: Any = None
        self.writes = jax.process_index() == 0 or path is None
        if self.path is None:
            needed = math.prod(shape) * dtype.itemsize
            _memory.require(
                needed, f"a matrix of {shape[0]} × {shape[1]}", "give a path to keep it in a file, or solve without it"
            )
            return
        self.list = self.path.with_name(self.path.name + ".blocks")
        if self.list.exists() and "\n" in self.list.read_text():
            self._read()
        elif self.path.exists():
            raise ValueError(f"{self.path} exists and was not begun by gram (there is no {self.list}); remove it")
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("ntklib.gram: the file was read")

    def _read(self) -> None:
        # the last line counts when it is whole: a process may have ended within it
        head, *lines = self.list.read_text().split("\n")[:-1]
        try:
            found = dict(json.loads(head))
        except (json.JSONDecodeError, TypeError, ValueError):
            found = {}
        size, values = found.pop("size", None), np.asarray(found.pop("kernel", np.nan), float)
        ours = np.asarray(self.identity["kernel"])
        tolerance = 100 * float(np.finfo(self.dtype).eps) * float(np.abs(ours).max())  # other machines round otherwise
        if (
            found != {name: value for name, value in self.identity.items() if name != "kernel"}
            or values.shape != ours.shape
            or not np.allclose(ours, values, rtol=0, atol=tolerance, equal_nan=True)
        ):
            raise ValueError(
                f"at {self.path} there is the matrix of other points or of another kernel (or a part of one); "
                f"remove it and {self.list}, or choose another path"
            )
        self.size = size
        if self.path is not None and self.path.exists():
            self.complete = "complete" in lines
            self.done = {int(i) for line in lines if line != "complete" for i in line.split()}

    def begin(self, size: int) -> None:
        if self.path is None:
            self.array = _memory.empty(self.shape, self.dtype)
        elif self.writes:
            lines = self.list.read_text().split("\n")[:-1] if self.size and self.path.exists() else []
            lines = lines or [json.dumps(self.identity | {"size": size})]
            self.list.write_text("".join(line + "\n" for line in lines))  # without a line that was cut off
            if not self.path.exists():
                partial = self.path.with_name(self.path.name + ".part")
                np.lib.format.open_memmap(partial, "w+", self.dtype, self.shape).flush()
                partial.replace(self.path)
            self.array = np.lib.format.open_memmap(self.path, "r+")

    def write(self, block: _Block, values: NDArray) -> None:
        if self.array is not None:
            rows, columns = (
                slice(block.row, block.row + len(values)),
                slice(block.column, block.column + values.shape[1]),
            )
            self.array[rows, columns] = values
            if block.mirrored:
                self.array[columns, rows] = values.T

    def record(self, blocks: list[int]) -> None:
        """Once the values are on disk, say so."""
        self.done |= set(blocks)
        if self.path is not None and self.writes:
            self.array.flush()
            self._append(" ".join(map(str, blocks)))

    def finish(self) -> None:
        if self.path is not None and self.writes:
            self._append("complete")
            self.array = None
        if self.path is not None and jax.process_count() > 1:
            multihost_utils.sync_global_devices("ntklib.gram: the file is complete")

    def result(self) -> NDArray:
        return self.array if self.path is None else np.load(self.path, mmap_mode="r")

    def _append(self, line: str) -> None:
        with self.list.open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
