"""How much memory is there, and does a thing fit into it?"""

import os
from pathlib import Path

__all__ = ["available_bytes", "require", "text"]


def available_bytes() -> int | None:
    """The memory that this process can still take without swapping, or None if the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def require(needed: int, what: str, advice: str) -> None:
    """Refuse to begin what would not fit.

    Raises:
        MemoryError: with the estimate, what is available, and the advice.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(f"{what} needs about {text(needed)}, and {text(available)} are available; {advice}")


def text(size: float) -> str:
    """A number of bytes as people read it.

    >>> text(3.2e9), text(512)
    ('3.2 GB', '512 bytes')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} bytes"
