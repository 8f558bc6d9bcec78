"""Where do the blocks of a matrix go? Into an array, or into a file that a later run goes on with."""

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from numpy.typing import NDArray

from ntklib import _memory
from ntklib._blocks import Block, Kernel, block_values

__all__ = ["Target", "identity"]


def identity(kernel: Kernel, points: tuple[NDArray, NDArray | None], shape: tuple[int, int]) -> dict[str, Any]:
    """What tells one matrix from another: all bytes of the points, and the kernel of a few of them."""
    digests = [None if each is None else hashlib.sha256(each.tobytes()).hexdigest() for each in points]
    few = [
        (points[0] if each is None else each)[np.linspace(0, n - 1, min(n, 16)).astype(int)]
        for each, n in zip(points, shape, strict=True)
    ]
    values = np.asarray(jax.jit(lambda a, b: block_values(kernel, a, b))(*few), np.float64)
    return {"shape": list(shape), "dtype": str(points[0].dtype), "points": digests, "kernel": values.tolist()}


class Target:
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
        if self.list.exists() and "\n" in self.list.read_text(encoding="utf-8"):
            self._read()
        elif self.path.exists():
            raise ValueError(f"{self.path} exists and was not begun by gram (there is no {self.list}); remove it")
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("ntklib.gram: the file was read")

    def _read(self) -> None:
        # the last line counts when it is whole: a process may have ended within it
        head, *lines = self.list.read_text(encoding="utf-8").split("\n")[:-1]
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
            lines = self.list.read_text(encoding="utf-8").split("\n")[:-1] if self.size and self.path.exists() else []
            lines = lines or [json.dumps(self.identity | {"size": size})]
            whole = "".join(line + "\n" for line in lines)  # without a line that was cut off
            self.list.write_text(whole, encoding="utf-8")
            if not self.path.exists():
                partial = self.path.with_name(self.path.name + ".part")
                np.lib.format.open_memmap(partial, "w+", self.dtype, self.shape).flush()
                partial.replace(self.path)
            self.array = np.lib.format.open_memmap(self.path, "r+")

    def write(self, block: Block, values: NDArray) -> None:
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
