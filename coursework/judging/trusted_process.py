"""The process that runs the setup and the tests, on data that came from the sandbox, as the grader sees it.

It runs no line of a student's if these are a master's. It is a process of its own so that it can be ended: a test may
take forever on what a student hands it. It stays for many submissions of one assignment. Where setup and tests are
those of the notebook that is tried, it is behind walls as the sandbox is, and what it says is believed no more: it is
measured, and read as text and bytes. :mod:`coursework.judging.trusted_driver` is the other end.
"""

import json
import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coursework.judging.trusted_driver import SIZE
from coursework.sandbox import wire
from coursework.sandbox.environment import ONE_CORE, caches, inside
from coursework.sandbox.limits import Limits
from coursework.sandbox.usage import TICK, busy, usage
from coursework.sandbox.walled_process import walled
from coursework.sandbox.walls import ANSWERING, IN_MEMORY, REPOSITORY, SandboxMissing, mounts

RUNNING_TESTS = (*ANSWERING[1:], "judging/trusted_driver.py", "text.py")  # what the process has of this package
MOST_SAID = wire.HEADER.size + 2 * wire.MAX_JSON + wire.MAX_ARRAYS  # bytes of one thing that it says
ENDED = "the test ended its process on what the notebook gave it"


class ProcessStopped(Exception):
    """The test took too long or ended its process; `limit` says which of a master's limits it was, or may have been."""

    def __init__(self, reason: str, *, limit: str = "memory") -> None:
        super().__init__(reason)
        self.limit = limit


class TrustedProcess:
    """The process, seen from the grader. `prepare` it for a submission, then `run` tests.

    Args:
        limits: what it may use.
        cache: a folder with what was compiled before.
        writable: whether it may add to that.
        behind_walls: whether it is put into bubblewrap, with nothing of this machine and no cache.

    Raises:
        SandboxMissing: if it is to be in bubblewrap and cannot.
    """

    def __init__(
        self, limits: Limits, cache: Path | None = None, *, writable: bool = False, behind_walls: bool = False
    ) -> None:
        self.limits, self.behind_walls = limits, behind_walls
        self.seconds = 0.0  # the most that one test took, as the limit counts
        self._outgoing, self._incoming = bytearray(), bytearray()
        ours, theirs = os.pipe(), os.pipe()
        python = ["-c", "from coursework.judging.trusted_driver import main; main()"]
        python += [str(theirs[0]), str(ours[1]), str(limits.memory)]
        nothing, passed = subprocess.DEVNULL, (theirs[0], ours[1])
        self._input, self._output = ours[0], theirs[1]
        try:
            if behind_walls:
                there = mounts(None, False, limits.files, RUNNING_TESTS)
                environment = {**inside(None, False), "MPLBACKEND": "Agg"}
                self._process, told = walled(python, environment, there, nothing, nothing, passed)
            else:
                self._process = subprocess.Popen(
                    [sys.executable, *python],
                    env={
                        "PATH": os.environ.get("PATH", ""),
                        "HOME": os.environ.get("HOME", "/"),
                        "PYTHONPATH": str(REPOSITORY),
                        "PYTHONHASHSEED": "0",
                        "MPLBACKEND": "Agg",
                        "JAX_PLATFORMS": "cpu",
                        **ONE_CORE,
                        **(caches(cache, writable) if cache is not None else {}),
                    },
                    pass_fds=passed,
                    stdin=nothing,
                    stdout=nothing,
                    stderr=nothing,
                )
        except OSError:
            os.close(self._input)
            os.close(self._output)
            raise
        finally:
            os.close(theirs[0])
            os.close(ours[1])
        os.set_blocking(self._output, False)
        try:
            self._pid = told() if behind_walls else self._process.pid
        except ValueError as error:
            self.close()
            raise SandboxMissing("the sandbox of the tests did not start") from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        os.close(self._input)
        os.close(self._output)

    def prepare(self, setup: tuple[tuple[str, str], ...]) -> set[str]:
        """Run the setup cells (grade id and source); the names they define.

        Raises:
            ValueError: if one of them raises.
            ProcessStopped: if one takes too long.
        """
        kind, said, _ = self._exchange(("setup", setup), self.limits.start)
        if kind == "failed":
            raise ValueError(str(said))
        if kind != "ready" or not isinstance(said, list):
            raise ProcessStopped(ENDED)
        return {str(name) for name in said}

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
        message: tuple = ("test", source, values, functions)
        while True:
            kind, said, raw = self._exchange(message, self.limits.test)
            if kind == "done":
                return None if said is None else str(said)
            if kind != "call" or said not in functions:
                raise ProcessStopped(ENDED)
            message = call(said, raw)

    def _exchange(self, message: tuple, seconds: float) -> tuple[str, Any, bytes]:
        """Send a message and wait for what is said to it: its kind, what stands in its line, the bytes behind it."""
        self._outgoing += pickle.dumps(message)
        start, slower = time.monotonic(), busy()
        used, look = None, start + 5 * TICK
        poll = select.poll()
        while True:
            poll.register(self._input, select.POLLIN)
            if self._outgoing:
                poll.register(self._output, select.POLLOUT)
            ready = dict(poll.poll(1000 * TICK))
            if self._output in ready:
                self._send(poll)
            if self._input in ready and (said := self._take()) is not None:
                return said
            if (now := time.monotonic()) > look:
                look = now + TICK
                used = self._look(seconds, (now - start) / self.limits.patience / slower, used)

    def _send(self, poll: select.poll) -> None:
        try:
            del self._outgoing[: os.write(self._output, self._outgoing[: 1 << 20])]
        except BlockingIOError:
            pass
        except OSError as error:
            raise ProcessStopped(ENDED) from error
        if not self._outgoing:
            poll.unregister(self._output)

    def _take(self) -> tuple[str, Any, bytes] | None:
        """What is said, once it is complete."""
        part = os.read(self._input, 1 << 20)
        self._incoming += part
        if not part:
            raise ProcessStopped(ENDED)
        if len(self._incoming) < SIZE.size:
            return None
        [size] = SIZE.unpack_from(self._incoming)
        if size > MOST_SAID:
            raise ProcessStopped(ENDED)
        if len(self._incoming) < SIZE.size + size:
            return None
        line, _, raw = bytes(self._incoming[SIZE.size : SIZE.size + size]).partition(b"\n")
        del self._incoming[: SIZE.size + size]
        try:
            kind, said = json.loads(line)
        except (ValueError, TypeError, RecursionError) as error:
            raise ProcessStopped(ENDED) from error
        return str(kind), said, raw

    def _look(self, seconds: float, clock: float, before: float | None) -> float:
        """What it has used since the first look; everything has its limit."""
        now = usage(self._pid, IN_MEMORY if self.behind_walls else ())
        if self.behind_walls and (reason := self.limits.over(now)[0]):
            raise ProcessStopped(f"the test {reason}")
        used = now.seconds if before is None else before
        if seconds == self.limits.test:
            self.seconds = max(self.seconds, now.seconds - used + 5 * TICK, clock)
        if now.seconds - used > seconds or clock > seconds:
            raise ProcessStopped(f"the test took more than {seconds:g} s on what the notebook gave it", limit="seconds")
        return used
