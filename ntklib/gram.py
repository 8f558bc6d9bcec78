r"""How is a kernel matrix computed that is large for the memory, the cores or the patience at hand?

In blocks, from a loop in Python over one compiled function, into one NumPy array or a file. Of a symmetric matrix each
pair of points is computed once. The blocks are dealt to all devices that JAX has, of this machine or, after
:func:`jax.distributed.initialize`, of several; with one device the same loop runs on it alone.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _validation, kernels
from ntklib._blocks import Block, Compiled, Kernel, blocks_of, fitting
from ntklib._resumable import Target, identity

__all__ = ["gram"]

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
        x1: points, (n1, d), or images if they are the points of the kernel. With float32 the result is float32, good
            for looking and for averages; to solve with the matrix, hand over float64, with 64 bits switched on
            (``jax.config.update("jax_enable_x64", True)``): without it JAX makes float32 of NumPy's float64.
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
    _validation.refuse_unless_callable_kernel(kernel)
    first, second = _points(kernel, x1, x2)
    max_bytes = _validation.count("max_bytes", max_bytes, 1)
    _validation.path("path", path)
    _validation.function("progress", progress, "progress(done, total)", optional=True)
    common = jnp.result_type(first, first if second is None else second)
    points = np.asarray(first, common), None if second is None else np.asarray(second, common)
    dtype, shape = points[0].dtype, (len(first), len(first if second is None else second))
    chosen = _chosen(devices)
    if 0 in shape:
        if path is not None:
            raise ValueError(f"path is for a matrix with entries, got {path!r} for one of shape {shape}")
        return np.zeros(shape, dtype)
    target = Target(path, shape, dtype, identity(kernel, points, shape) if path is not None else {})
    if target.complete:
        return target.result()
    symmetric = second is None
    size, run = fitting(
        kernel, points[0].shape[1:], shape, dtype, symmetric, chosen, max_bytes, target.size, target.path
    )
    target.begin(size)
    _fill(target, run, points, list(blocks_of(shape, size, symmetric=symmetric)), chosen, progress)
    return target.result()


def _points(kernel: Kernel, x1: ArrayLike, x2: ArrayLike | None) -> tuple[Array, Array | None]:
    """The two sets of points; a kernel of the library says of which shape they are."""
    if not isinstance(kernel, kernels.Kernel):
        return _validation.inputs(x1, x2)
    first = kernel._points("x1", x1)
    return first, None if x2 is None else kernel._points("x2", x2, like=first)


def _chosen(devices: Sequence[Any] | None) -> list[Any]:
    """The devices to use, refused unless there is one at least and all are JAX's."""
    known = jax.devices()
    if devices is None:
        return known
    chosen = list(devices) if isinstance(devices, Sequence) and not isinstance(devices, str) else [devices]
    if not chosen:
        raise ValueError("devices must hold at least one device, got none")
    for device in chosen:
        if not isinstance(device, type(known[0])):
            raise ValueError(f"devices must be some of jax.devices(), got {_validation.got(device)}")
    return chosen


def _fill(
    target: Target,
    run: Compiled,
    points: tuple[NDArray, NDArray | None],
    blocks: list[Block],
    devices: list[Any],
    progress: Progress | None,
) -> None:
    """Compute what is missing, one round of blocks ahead of the one that is being written."""
    mesh = Mesh(np.array(devices), ("blocks",))
    sharding = NamedSharding(mesh, PartitionSpec("blocks"))
    rows, columns = points[0], points[0] if points[1] is None else points[1]
    alone = [points[1] is None and block.row == block.column for block in blocks]

    def stacked(source: NDArray, starts: list[int], size: int) -> Array:
        shape = (len(starts), size, *source.shape[1:])

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
