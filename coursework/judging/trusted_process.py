"""The grader's side of a test: a process that runs the master's setup and tests, on data that came from the sandbox.

It is trusted, and a process of its own so that it can be ended: a test may take forever on what a student hands it. It
stays for many submissions of one assignment. Messages are tuples of plain data; :class:`Examiner` is the grader's end.
"""

import builtins
import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from coursework.sandbox import wire
from coursework.sandbox.sandbox import ONE_CORE, TICK, Limits, caches, shown, usage

TEST = "<test>"


class ExaminerStopped(Exception):
    """The test took too long or ended its process."""


# --------------------------------------------------------------------------------------------------- the grader's end


class Examiner:
    """The process, seen from the grader. `prepare` it for a submission, then `run` tests."""

    def __init__(self, limits: Limits, cache: Path | None = None, *, writable: bool = False) -> None:
        self.limits = limits
        ours, theirs = os.pipe(), os.pipe()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "Agg",
            "JAX_PLATFORMS": "cpu",
            **ONE_CORE,
            **(caches(cache, writable) if cache is not None else {}),
        }
        command = [sys.executable, "-c", "from coursework.judging.trusted_process import main; main()"]
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

        Raises
        ------
        ValueError
            If one of them raises.
        ExaminerStopped
            If one takes too long.
        """
        self._send(("setup", setup))
        kind, found = self._receive(self.limits.start)
        if kind != "ready":
            raise ValueError(found)
        return found

    def run(self, source: str, values: dict[str, Any], functions: list[str], call: Callable[..., tuple]) -> str | None:
        """What went wrong in a test; None if it passed.

        `call` answers (name, encoded arguments) with ("value", value), ("error", message, kind) or ("stopped",).
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
            raise ExaminerStopped("the test ended its process") from error

    def _receive(self, seconds: float) -> tuple:
        start = time.monotonic()
        used = None
        while not self._input.poll(TICK if used is not None else 5 * TICK):
            total = usage(self._process.pid).seconds
            used = total if used is None else used
            if total - used > seconds or time.monotonic() - start > seconds * self.limits.patience:
                raise ExaminerStopped(f"the test took more than {seconds:g} s on what the notebook gave it")
        try:
            return self._input.recv()
        except (EOFError, OSError) as error:
            raise ExaminerStopped("the test ended its process on what the notebook gave it") from error


# ------------------------------------------------------------------------------------------------- inside the process


class Raised(Exception):
    """What the student's function raised, as a test sees it."""


class Gone(BaseException):
    """The sandbox was stopped during a call: this test is over."""


def raised(message: str, kind: str) -> Raised:
    """An exception that a test can catch as the built-in one that it was."""
    original = getattr(builtins, kind, None)
    if isinstance(original, type) and issubclass(original, Exception) and original is not Exception:
        with contextlib.suppress(TypeError):  # OSError and its like have layouts of their own
            return type(kind, (Raised, original), {"__str__": lambda self: message})(message)
    return Raised(message)


class Process:
    """Answers the grader's messages."""

    def __init__(self, incoming: Connection, outgoing: Connection) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.names: dict[str, Any] = {}

    def serve(self) -> None:
        """Until the grader closes its end."""
        with contextlib.suppress(EOFError):
            while True:
                kind, *parts = self.incoming.recv()
                self.outgoing.send(self.setup(*parts) if kind == "setup" else ("done", self.test(*parts)))

    def setup(self, cells: tuple[tuple[str, str], ...]) -> tuple:
        """Run the setup in a fresh namespace."""
        self.names = {"__name__": "__main__", "__builtins__": builtins}
        for grade_id, source in cells:
            self.seed()
            try:
                exec(compile(source, f"<{grade_id}>", "exec"), self.names)
            except Exception as error:
                return ("failed", shown(f"{grade_id}: {type(error).__name__}: {error}"))
        return ("ready", set(self.names))

    def seed(self) -> None:
        """Draws without a seed are the same each time."""
        random.seed(0)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(0)

    def test(self, source: str, values: dict[str, Any], functions: list[str]) -> str | None:
        """Run a test; what went wrong."""
        self.seed()
        names = {**self.names, **values, **{name: self.function(name) for name in functions}}
        try:
            exec(compile(source, TEST, "exec"), names)
        except Gone:
            return "stopped"
        except Exception as error:
            return described(error, source)
        return None

    def function(self, name: str) -> Callable[..., Any]:
        """A function that asks the sandbox."""

        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                raw = wire.encode({}, (list(arguments), keywords))
            except wire.Refused as error:
                raise TypeError(f"an argument of `{name}` {error}") from None
            self.outgoing.send(("call", name, raw))
            kind, *answer = self.incoming.recv()
            if kind == "value":
                return answer[0]
            if kind == "error":
                raise raised(*answer)
            raise Gone

        call.__name__ = name
        return call


def described(error: Exception, source: str) -> str:
    """What a failed test says."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEST]
    code = source.splitlines()[lines[-1] - 1].strip() if lines and lines[-1] else ""
    try:
        text = str(error)
    except Exception:
        text = ""
    if isinstance(error, AssertionError):
        return shown(text or f"failed: {code}")
    if isinstance(error, Raised):
        return shown(text)
    return shown(f"the test could not use what it got: {type(error).__name__}: {text} (in: {code})")


def main() -> None:
    """The process's life."""
    if sys.platform.startswith("linux"):  # end with the grader
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's
    import resource  # not on Windows, where `check` needs the rest of this module

    memory = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    incoming, outgoing = Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False)
    Process(incoming, outgoing).serve()
