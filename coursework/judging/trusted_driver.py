"""Inside the process of the tests: runs setup and tests when asked, and asks back for what functions return.

Where the tests are those of a stranger's notebook, what it says is not trusted: it is text and bytes, never a pickle.
"""

import builtins
import contextlib
import ctypes
import json
import os
import pickle
import random
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any

from coursework.sandbox import wire
from coursework.text import one_line

TEST = "<test>"
SIZE = struct.Struct(">Q")  # before each thing that is said: its bytes


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


class Driver:
    """Answers the grader's messages."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.names: dict[str, Any] = {}

    def serve(self) -> None:
        """Until the grader closes its end."""
        with contextlib.suppress(EOFError):
            while True:
                kind, *parts = pickle.load(self.incoming)
                self.say(*self.setup(*parts) if kind == "setup" else ("done", self.test(*parts)))

    def say(self, kind: str, said: Any, raw: bytes = b"") -> None:
        """Tell the grader: a line of JSON, then bytes."""
        message = json.dumps([kind, said]).encode() + b"\n" + raw
        self.outgoing.write(SIZE.pack(len(message)) + message)
        self.outgoing.flush()

    def setup(self, cells: tuple[tuple[str, str], ...]) -> tuple:
        """Run the setup in a fresh namespace."""
        self.names = {"__name__": "__main__", "__builtins__": builtins}
        for grade_id, source in cells:
            self.seed()
            try:
                exec(compile(source, f"<{grade_id}>", "exec"), self.names)
            except Exception as error:
                return ("failed", one_line(f"{grade_id}: {type(error).__name__}: {error}"))
        return ("ready", sorted(self.names))

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
            return failure(error, source)
        return None

    def function(self, name: str) -> Callable[..., Any]:
        """A function that asks the sandbox."""

        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                raw = wire.encode({}, (list(arguments), keywords))
            except wire.NotPlain as error:
                raise TypeError(f"an argument of `{name}` {error}") from None
            self.say("call", name, raw)
            kind, *answer = pickle.load(self.incoming)
            if kind == "value":
                return answer[0]
            if kind == "error":
                raise raised(*answer)
            raise Gone

        call.__name__ = name
        return call


def failure(error: Exception, source: str) -> str:
    """What a failed test says."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEST]
    code = source.splitlines()[lines[-1] - 1].strip() if lines and lines[-1] else ""
    try:
        text = str(error)
    except Exception:
        text = ""
    if isinstance(error, AssertionError):
        return one_line(text or f"failed: {code}")
    if isinstance(error, Raised):
        return one_line(text)
    return one_line(f"the test could not use what it got: {type(error).__name__}: {text} (in: {code})")


def main() -> None:
    """The process's life."""
    if sys.platform.startswith("linux"):  # end with the grader
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's
    import resource  # not on Windows, where `check` needs the rest of this module

    memory = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Driver(os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb")).serve()
