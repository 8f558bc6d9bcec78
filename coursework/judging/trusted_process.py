"""The process that runs the master's setup and tests, on data that came from the sandbox, as the grader sees it.

It runs no line of a student's. It is a process of its own so that it can be ended: a test may take forever on what a
student hands it. It stays for many submissions of one assignment. Messages are tuples of plain data;
:mod:`coursework.judging.trusted_driver` is the other end.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from coursework.sandbox.environment import ONE_CORE, caches
from coursework.sandbox.limits import Limits
from coursework.sandbox.usage import TICK, busy, usage
from coursework.sandbox.walls import REPOSITORY


class ProcessStopped(Exception):
    """The test took too long or ended its process; `limit` says which of a master's limits it was, or may have been."""

    def __init__(self, reason: str, *, limit: str = "memory") -> None:
        super().__init__(reason)
        self.limit = limit


class TrustedProcess:
    """The process, seen from the grader. `prepare` it for a submission, then `run` tests."""

    def __init__(self, limits: Limits, cache: Path | None = None, *, writable: bool = False) -> None:
        self.limits = limits
        self.seconds = 0.0  # the most that one test took, as the limit counts
        ours, theirs = os.pipe(), os.pipe()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "Agg",
            "JAX_PLATFORMS": "cpu",
            **ONE_CORE,
            **(caches(cache, writable) if cache is not None else {}),
        }
        command = [sys.executable, "-c", "from coursework.judging.trusted_driver import main; main()"]
        command += [str(theirs[0]), str(ours[1]), str(limits.memory)]
        self._process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=(theirs[0], ours[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs[0])
        os.close(ours[1])
        self._input, self._output = Connection(ours[0], writable=False), Connection(theirs[1], readable=False)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._input.close()
        self._output.close()

    def prepare(self, setup: tuple[tuple[str, str], ...]) -> set[str]:
        """Run the setup cells (grade id and source); the names they define.

        Raises:
            ValueError: if one of them raises.
            ProcessStopped: if one takes too long.
        """
        self._send(("setup", setup))
        kind, found = self._receive(self.limits.start)
        if kind != "ready":
            raise ValueError(found)
        return found

    def run(self, source: str, values: dict[str, Any], functions: list[str], call: Callable[..., tuple]) -> str | None:
        """What went wrong in a test; None if it passed.

        Args:
            source: the test.
            values: what it reads, by name.
            functions: the names that it may call.
            call: answers (name, encoded arguments) with ("value", value), ("error", message, kind) or ("stopped",).

        Raises:
            ProcessStopped: if it takes too long, or ends the process.
        """
        self._send(("test", source, values, functions))
        while True:
            message = self._receive(self.limits.test)
            if message[0] == "done":
                return message[1]
            self._send(call(*message[1:]))

    def _send(self, message: tuple) -> None:
        try:
            self._output.send(message)
        except OSError as error:
            raise ProcessStopped("the test ended its process") from error

    def _receive(self, seconds: float) -> tuple:
        start = time.monotonic()
        used, slower = None, busy()
        while not self._input.poll(TICK if used is not None else 5 * TICK):
            total = usage(self._process.pid).seconds
            used = total if used is None else used
            clock = (time.monotonic() - start) / self.limits.patience / slower
            if seconds == self.limits.test:
                self.seconds = max(self.seconds, total - used + 5 * TICK, clock)
            if total - used > seconds or clock > seconds:
                reason = f"the test took more than {seconds:g} s on what the notebook gave it"
                raise ProcessStopped(reason, limit="seconds")
        try:
            return self._input.recv()
        except (EOFError, OSError) as error:
            raise ProcessStopped("the test ended its process on what the notebook gave it") from error
