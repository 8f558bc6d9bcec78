"""Inside the sandbox: runs cells and hands out data when asked. Nothing that it answers is trusted.

Started by :mod:`coursework.sandbox.sandbox` as process 1 of its own namespace, with a socket as standard input. It
shares its process with the student's code, which may change anything here: that gains nothing, since only data leave.
"""

import builtins
import contextlib
import os
import resource
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from coursework.sandbox import wire


def limit(memory: int, file_size: int) -> None:
    """Limits on this process and its children that cannot be raised again."""
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
    ):
        resource.setrlimit(kind, (most, most))


def no_input(*_: object) -> str:
    """What `input` is here."""
    raise RuntimeError("input() is not possible: nobody is there to answer when a notebook is graded")


def make_shell() -> Any:
    """An IPython shell as in a notebook's kernel: magics, `display`, top-level await; it shows nothing."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InlineBackend.figure_formats = set()  # figures are made and closed, not drawn
    shell: Any = InteractiveShell.instance(config=config)
    shell.enable_gui = lambda *_: None  # there is no window to wait for
    configure = shell.find_line_magic("config")

    def config_magic(line: str) -> None:
        if line.strip().startswith("InlineBackend"):  # a kernel knows it from the start; importing it takes a second
            from matplotlib_inline.config import InlineBackend

            backend = InlineBackend.instance(parent=shell)
            shell.configurables += [backend] if backend not in shell.configurables else []
        configure(line)

    shell.magics_manager.magics["line"]["config"] = config_magic
    shell._tee = lambda channel: contextlib.nullcontext()  # it would keep all that is printed, in memory
    shell.display_formatter.active_types = ["text/plain"]
    shell.showtraceback = lambda *_, **__: None  # formatting one takes longer than most cells
    shell.showsyntaxerror = lambda *_, **__: None
    builtins.input = no_input
    return shell


def type_and_message(error: BaseException) -> tuple[str, str]:
    """Type and message of an exception; a student's exception may have a `__str__` that raises."""
    try:
        message = str(error)
    except Exception:
        message = ""
    return type(error).__name__, message[:1000]


def answer(shell: Any, message: dict[str, Any], value: Any) -> bytes:
    """Do what is asked; the reply."""
    kind, head = message["do"], {"id": message["id"]}
    try:
        if kind == "run":
            result = shell.run_cell(value, store_history=False)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                raise error
            return wire.encode({**head, "kind": "value"})
        if message["name"] not in shell.user_ns:
            return wire.encode({**head, "kind": "missing"})
        found = shell.user_ns[message["name"]]
        if kind == "call":
            arguments, keywords = value
            found = found(*arguments, **keywords)
        elif callable(found) and not hasattr(found, "__array__"):
            return wire.encode({**head, "kind": "callable"})
        return wire.encode({**head, "kind": "value"}, found)
    except wire.NotPlain as error:
        return wire.encode({**head, "kind": "refused"}, str(error))
    except BaseException as error:  # SystemExit and KeyboardInterrupt too
        return wire.encode({**head, "kind": "error"}, type_and_message(error))


def receive(channel: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes."""
    parts = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def main() -> None:
    """Answer until the other side closes the socket."""
    channel = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fonts = Path("/cache/matplotlib")  # where matplotlib keeps its list of fonts must be writable
    if fonts.is_dir() and os.environ["MPLCONFIGDIR"] != str(fonts):
        with contextlib.suppress(OSError):
            shutil.copytree(fonts, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
    shell = make_shell()
    limit(int(sys.argv[1]), int(sys.argv[2]))
    channel.sendall(wire.encode({"id": 0, "kind": "value"}))
    os.dup2(null, 2)  # until here, what goes wrong is the grader's business
    interrupt, ignore = signal.default_int_handler, signal.SIG_IGN
    while True:
        text, arrays = wire.HEADER.unpack(receive(channel, wire.HEADER.size))
        message, value = wire.decode(receive(channel, text), receive(channel, arrays), trusted=True, nan=True)
        try:
            try:
                signal.signal(signal.SIGINT, interrupt)
                reply = answer(shell, message, value)
            finally:
                signal.signal(signal.SIGINT, ignore)
        except KeyboardInterrupt as error:  # it came between the two
            reply = wire.encode({"id": message["id"], "kind": "error"}, type_and_message(error))
        if os.getpid() != 1:  # the child of a fork in the student's code
            os._exit(0)
        channel.sendall(reply)


if __name__ == "__main__":
    main()
