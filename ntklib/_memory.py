"""How much memory is there, does a thing fit into it, and how is a large array had without waiting?"""

import math
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["available_bytes", "empty", "fits", "require", "room", "text"]


def available_bytes() -> int | None:
    """The memory that this process can still take without swapping, or None if the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def fits(needed: int) -> bool:
    """Whether so many bytes can be taken, as far as the system says.

    >>> fits(1)
    True
    """
    available = available_bytes()
    return available is None or needed <= available


def require(needed: int, what: str, advice: str) -> None:
    """Refuse to begin what would not fit.

    Raises:
        MemoryError: with the estimate, what is available, and the advice.
    """
    if not fits(needed):
        raise MemoryError(f"{what} needs about {text(needed)}, and {room()} are available; {advice}")


def room() -> str:
    """The memory that there is, as people read it."""
    available = available_bytes()
    return "an unknown number of bytes" if available is None else text(available)


def text(size: float) -> str:
    """A number of bytes as people read it.

    >>> text(3.2e9), text(512)
    ('3.2 GB', '512 bytes')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} bytes"


def empty(shape: tuple[int, ...], dtype: Any) -> NDArray:
    """A large array that is about to be filled, as of `numpy.empty`, in pages of the ordinary size.

    From 4 MB on NumPy asks Linux for huge pages. To make them it moves other memory about, which at 500 MB took up to
    as long as computing what was written there.

    >>> array = empty((1000, 1000), "float64")
    >>> array.shape, array.flags.writeable
    ((1000, 1000), True)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 2**22 or not hasattr(mmap, "MAP_ANONYMOUS"):  # Windows has none
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
