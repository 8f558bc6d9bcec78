"""How is Python started in bubblewrap, and which process is it then?"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from coursework.sandbox.walls import INSTEAD, SandboxMissing, isolation, without_calls


def walled(
    arguments: list[str],
    environment: dict[str, str],
    mounted: Iterable[str],
    stdin: Any,
    stderr: IO[bytes] | int,
    pass_fds: tuple[int, ...] = (),
) -> tuple[subprocess.Popen, Callable[[], int]]:
    """A process of bubblewrap, and what waits for the number of the process inside it.

    Args:
        arguments: Python's.
        environment: all variables that it has.
        mounted: bubblewrap's options for what is there (:func:`coursework.sandbox.walls.mounts`).
        stdin: what it reads from.
        stderr: where its messages go.
        pass_fds: other files of this process that it has, by number.

    Raises:
        SandboxMissing: if bubblewrap is not there. What waits raises `ValueError` if nothing was started inside.
    """
    rights = isolation()
    reader, writer = os.pipe()
    command = [*mounted, "--info-fd", str(writer)]
    command += [part for name, value in environment.items() for part in ("--setenv", name, value)]
    command += [str(Path(sys.prefix).resolve() / "bin" / "python"), "-s", *arguments]
    try:
        with without_calls() as (calls, files):
            process = subprocess.Popen(
                ["bwrap", *calls, *rights, *command],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(writer, *files, *pass_fds),
                env={},
            )
    except FileNotFoundError as error:
        os.close(reader)
        raise SandboxMissing(INSTEAD) from error
    finally:
        os.close(writer)

    def number() -> int:
        with os.fdopen(reader, encoding="utf-8") as file:
            return int(json.loads(file.read())["child-pid"])

    return process, number
