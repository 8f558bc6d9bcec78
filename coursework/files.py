"""How are files written, whole or not at all, and under which names?"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter, unless it exists, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def atomic_write(path: Path, data: bytes) -> None:
    """Replace `path` by `data` so that a reader, or a crash at any moment, sees the old file or the new one.

    A file that already holds `data` is not touched. New files can be read by their owner only.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    with contextlib.suppress(OSError, AttributeError):  # not every system can open a folder
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def safe_name(text: str) -> str:
    """Turn an identifier into a file name: never empty or hidden, no separators, different for different identifiers.

    >>> safe_name("jane.doe@example.org"), safe_name("../a b"), safe_name("École/7")
    ('jane.doe@example.org', '%2E.%2Fa%20b', '%C3%89cole%2F7')
    """
    name = quote(text, safe="@+,=") or "%00"
    if name.startswith((".", "-", "~")):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > 100:
        name = f"{name[:80]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name
