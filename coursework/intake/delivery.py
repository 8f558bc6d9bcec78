"""What a folder or a zip of submissions holds, read without trust: nothing is unpacked, every byte is counted."""

import contextlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

MAX_FILE = 20_000_000  # bytes of one file, read out; a notebook with many figures has 5 MB
MAX_TOTAL = 4_000_000_000  # bytes read out of one delivery
MAX_FILES = 100_000
MAX_RATIO = 150  # a notebook deflates to a tenth or so; base64 figures to three quarters
CHUNK = 1 << 16
EMPTY = "an empty folder"
IGNORED = {"__macosx", ".ipynb_checkpoints", "__pycache__", ".git", ".ds_store", "thumbs.db", "desktop.ini"}


class Unreadable(Exception):
    """A file that is not read, with the reason."""


@dataclass
class Budget:
    """How many bytes may still be read from a delivery; so that many small files are no way around the cap for one."""

    left: int = MAX_TOTAL

    def spend(self, count: int) -> None:
        """Take `count` bytes off.

        Raises:
            Unreadable: if they are not there.
        """
        self.left -= count
        if self.left < 0:
            raise Unreadable("the delivery unpacks to more than the grader reads")


@dataclass(frozen=True)
class Entry:
    """One file of a delivery: where it stands, why it is refused ("" if it is not), and how to open it."""

    parts: tuple[str, ...]
    refused: str = ""
    packed: int = 0  # bytes in the zip; 0 for a file in a folder
    open: Callable[[], IO[bytes]] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The path as text."""
        return "/".join(self.parts)

    def read(self, budget: Budget, limit: int = MAX_FILE) -> bytes:
        """The bytes of the file.

        Raises:
            Unreadable: as soon as there are more than it may have, or if it cannot be read.
        """
        if self.refused or self.open is None:
            raise Unreadable(self.refused or "not a file")
        data = bytearray()
        try:
            with self.open() as file:
                while chunk := file.read(CHUNK):
                    data += chunk
                    budget.spend(len(chunk))
                    if len(data) > limit:
                        raise Unreadable(f"larger than {limit / 1e6:g} MB")
                    if self.packed and len(data) > 1_000_000 and len(data) > MAX_RATIO * self.packed:
                        raise Unreadable(f"a zip bomb: more than {MAX_RATIO} times as large as it is packed")
        except Unreadable:
            raise
        except (
            Exception
        ) as error:  # what a damaged or made-up zip raises is not to be foreseen, and is this file's affair
            raise Unreadable(f"cannot be read: {error or type(error).__name__}") from None
        return bytes(data)


@contextlib.contextmanager
def entries(path: Path) -> Iterator[list[Entry]]:
    """The files of a folder (links are listed as refused, never followed) or of a zip, in the order of their names.

    They can be read as long as the context lasts.

    Raises:
        Unreadable: if it is neither, or has too many files.
    """
    if path.is_dir():
        yield sorted(_folder_entries(path), key=lambda entry: entry.parts)
    elif zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield sorted(zip_entries(file), key=lambda entry: entry.parts)
    else:
        raise Unreadable(
            f"{path}: neither a folder nor a zip file" if path.exists() else f"{path}: no such file or folder"
        )


def _ignored(parts: tuple[str, ...]) -> bool:
    return any(part.casefold() in IGNORED or part.startswith("._") for part in parts)


def _folder_entries(root: Path) -> list[Entry]:
    found: list[Entry] = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not _ignored((name,))]
        if here != root and not folders and all(_ignored((name,)) for name in files + links):
            found.append(Entry(here.relative_to(root).parts, EMPTY))
        for name in files + links:
            parts = PurePosixPath((here / name).relative_to(root).as_posix()).parts
            if _ignored(parts):
                continue
            mode = (here / name).lstat().st_mode
            if stat.S_ISLNK(mode):
                found.append(Entry(parts, "a symbolic link"))
            elif not stat.S_ISREG(mode):
                found.append(Entry(parts, "not a regular file"))
            else:
                found.append(Entry(parts, open=_opener(here / name)))
            if len(found) > MAX_FILES:
                raise Unreadable(f"{root}: more than {MAX_FILES:,} files")
    return found


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # exchanged since it was listed
            os.close(handle)
            raise OSError("not a regular file")
        return os.fdopen(handle, "rb")

    return opened


def zip_entries(file: IO[bytes] | bytes, limit: int = MAX_FILES) -> list[Entry]:
    """The files of a zip. A path that leads out of it, a link and an encrypted file are listed as refused.

    Raises:
        Unreadable: if it is broken, or has more files than `limit`.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file)
    except Exception as error:  # as above
        raise Unreadable(f"a broken zip file: {error or type(error).__name__}") from None
    infos = archive.infolist()
    if len(infos) > limit:
        raise Unreadable(f"a zip of more than {limit:,} files")
    found = []
    for info in infos:
        name = info.filename.replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
        if name.endswith("/") or not parts or _ignored(parts):
            continue
        reason = ""
        if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
            reason = "its path leads out of the archive"
        elif stat.S_ISLNK(info.external_attr >> 16):
            reason = "a symbolic link"
        elif info.flag_bits & 1:
            reason = "encrypted"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others can ask for gigabytes
            reason = "packed by an uncommon method; a plain zip is wanted"
        found.append(Entry(parts, reason, max(info.compress_size, 1), lambda info=info: archive.open(info)))  # type: ignore[misc]
    return found
