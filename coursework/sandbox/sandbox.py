"""Student code runs in bubblewrap, in namespaces of its own, with limits, and answers with plain data or not at all.

It sees the system's libraries, the Python environment and `ntklib`, all read-only, and an empty folder of its own; no
network, no other process, no environment variable, nothing else of the disk. This module starts the process, asks it
(:mod:`coursework.sandbox.driver` is the other end), watches what it uses, and kills it with everything that it has
started.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from coursework.sandbox import wire
from coursework.sandbox.environment import inside
from coursework.sandbox.limits import Limits
from coursework.sandbox.replies import Replies, Stopped, answer_to
from coursework.sandbox.usage import TICK, Usage, busy, peak, usage
from coursework.sandbox.walled_process import walled
from coursework.sandbox.walls import IN_MEMORY, SandboxMissing, mounts
from coursework.text import one_line

USED_UP = "used up the time for all"


class Sandbox:
    """One process in bubblewrap that runs cells and hands out data.

    A context manager; `deadline` is a time of `time.monotonic` after which nothing is waited for. With `cache`, a
    folder with what JAX has compiled before is there read-only, or `writable` for code that is trusted.

    Raises:
        SandboxMissing: if it cannot be started.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        deadline: float = float("inf"),
        cache: Path | None = None,
        writable: bool = False,
    ) -> None:
        self.limits = limits
        self.deadline = float("inf")
        self._number = 0
        self.seconds, self.memory = 0.0, 0  # the most that one answer took, as the limit counts, and bytes at one time
        self._nan = self._started = False
        self._outgoing, self._replies = bytearray(), Replies()
        self._pidfd = -1
        self._channel, inner = socket.socketpair()
        self._channel.setblocking(False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        python = ["-m", "coursework.sandbox.driver", str(limits.memory), str(limits.files)]
        try:
            self._process, told = walled(
                python, inside(cache, writable), mounts(cache, writable, limits.files), inner, self._errors
            )
        except SandboxMissing:
            self._channel.close()
            self._errors.close()
            raise
        finally:
            inner.close()
        try:
            self.pid = told()
            self._pidfd = os.pidfd_open(self.pid)
            self._receive(limits.start, limits.start)
            self.deadline, self._started = deadline, True
        except (ValueError, OSError, Stopped) as error:
            self.close()
            self._errors.seek(0)
            said = one_line(self._errors.read(4000).decode(errors="replace")[-1000:])
            raise SandboxMissing(f"the sandbox did not start: {said or error}") from error
        finally:
            self._errors.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and everything that it has started."""
        if self._pidfd >= 0:
            self.memory = max(self.memory, peak(self.pid))
            self._signal(signal.SIGKILL)  # process 1 of the namespace: the kernel ends all others with it
            os.close(self._pidfd)
            self._pidfd = -1
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._channel.close()

    def run(self, source: str) -> None:
        """Run a cell.

        Raises:
            StudentError: if it raises.
            Stopped: if it goes over a limit, or ends the process.
        """
        self._ask({"do": "run"}, wire.encode({}, source))

    def fetch(self, name: str, *, nan: bool = False) -> Any:
        """A variable's value as plain data, or `CALLABLE`; NaN is refused unless `nan`.

        Raises:
            StudentError: if there is no such variable, or its value is not plain data.
            Stopped: as :meth:`run`.
        """
        return self._ask({"do": "fetch", "name": name}, wire.encode({}), nan)

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """What a function returns for plain arguments.

        Raises:
            NotPlain: if an argument is not plain data.
            StudentError: if the function raises, or what it returns is not plain data.
            Stopped: as :meth:`run`.
        """
        return self.forward(name, wire.encode({}, (list(arguments), keywords)))

    def forward(self, name: str, raw: bytes, *, nan: bool = False) -> Any:
        """`call` with arguments that :mod:`coursework.sandbox.wire` has encoded."""
        return self._ask({"do": "call", "name": name}, raw, nan)

    def check(self) -> Usage:
        """What it uses; everything is ended if that is too much.

        Raises:
            Stopped: if it is.
        """
        # until it answers, it may still see this machine's folders under those names
        now = usage(self.pid, IN_MEMORY if self._started else ())
        self.memory = max(self.memory, now.memory, now.reserved)
        over, limit = self.limits.over(now)
        if over:
            self.close()
            raise Stopped(over, limit=limit)
        return now

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _ask(self, message: dict[str, Any], raw: bytes, nan: bool = False) -> Any:
        self._nan = nan
        if self._pidfd < 0:
            raise Stopped("had been stopped before")
        self._number += 1
        kind, reply = self._exchange(wire.addressed(raw, {**message, "id": self._number}))
        return answer_to(message, kind, reply)

    def _exchange(self, raw: bytes) -> tuple[str, Any]:
        """Send a message and wait for the reply to it; interrupt, then kill what takes too long."""
        limits, slower = self.limits, busy()
        self._outgoing += raw
        start = time.monotonic()
        try:
            return self._receive(limits.cell, limits.cell * limits.patience, slower)
        except TimeoutError as error:
            reason = str(error)
        finally:
            self.seconds = max(self.seconds, (time.monotonic() - start) / limits.patience / slower)
        limit = "total" if reason == USED_UP else "seconds"
        self._signal(signal.SIGINT)
        try:
            self._receive(float("inf"), limits.grace, busy())
        except TimeoutError:
            self.close()
            raise Stopped(f"{reason}, and did not let itself be interrupted", limit=limit) from None
        raise Stopped(reason, alive=True, limit=limit)

    def _receive(self, seconds: float, clock: float, slower: float = 1.0) -> tuple[str, Any]:
        """The reply to the last message, as its kind and value; sends meanwhile what is still to be sent.

        Raises `TimeoutError` after so many seconds of processor time, or on the clock of a machine that is so many
        times slower than alone; `Stopped` if nothing will come.
        """
        start = time.monotonic()
        end, look = min(start + clock * slower, self.deadline), start + TICK
        used = None  # what it had used is looked up only if it does not answer at once
        poll = select.poll()
        while True:
            poll.register(self._channel, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
            poll.poll(1000 * TICK)
            now = time.monotonic()
            if now > look:
                look = now + TICK
                total = self.check().seconds
                used = total - (now - start) if used is None else used
                if self._started:
                    self.seconds = max(self.seconds, total - used)
                if total - used > seconds:
                    raise TimeoutError(f"took more than {seconds:g} s")
            if now > end:
                raise TimeoutError(f"took more than {clock:g} s" if end < self.deadline else USED_UP)
            self._send()
            try:
                part = self._channel.recv(1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            if not part:
                self._ended()
            try:
                reply = self._replies.take(part, self._number, nan=self._nan)
            except Stopped:
                self.close()
                raise
            if reply is not None:
                return reply

    def _send(self) -> None:
        try:
            if self._outgoing:
                del self._outgoing[: self._channel.send(self._outgoing[: 1 << 20])]
        except BlockingIOError:
            pass
        except OSError:
            self._ended()

    def _ended(self) -> None:
        self.close()
        raise Stopped("ended its process (os._exit, a crash, or out of memory)", limit="memory")
