"""Student code runs in bubblewrap, in namespaces of its own, with limits, and answers with plain data or not at all.

It sees the system's libraries, the Python environment and `ntklib`, all read-only, and an empty folder of its own; no
network, no other process, no environment variable, nothing else of the disk. This module starts the process, asks it
(:mod:`coursework.sandbox.driver` is the other end), watches what it uses, and kills it with everything that it has
started.
"""

import contextlib
import functools
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursework.sandbox import wire

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
TICK = 0.05  # seconds between two looks at what a process uses
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ONE_CORE = {**THREADS, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
NEVER = "1000000000"
INSTEAD = """\
Grading runs the students' code in bubblewrap, which is on Linux only. Without it nothing is graded, because that code
could read the solutions and change the marks. Use instead
  - on Linux: apt-get install bubblewrap (dnf, pacman and zypper have it too);
  - on Windows: the Windows Subsystem for Linux, then as on Linux;
  - on macOS: a virtual machine with Linux, or a container that may make user namespaces.
`python -m coursework check FILE` works without it, for notebooks that you trust."""
NAMESPACES = """\
bubblewrap is installed, but may not make namespaces here. On Ubuntu 24.04 and later allow it with
  sysctl kernel.apparmor_restrict_unprivileged_userns=0
and in a container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined (or --privileged).
It said: """


class SandboxMissing(RuntimeError):
    """Student code cannot be run safely here; the message says what to install or use instead."""


class StudentError(Exception):
    """The student's code raised (`kind` is the exception's name), or gave what cannot be used. Can be shown."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Stopped(Exception):
    """The student's code went over a limit or ended its process; `alive` says whether the sandbox still answers."""

    def __init__(self, reason: str, *, alive: bool = False) -> None:
        super().__init__(reason)
        self.alive = alive


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Times are in seconds: of processor time where a process computes, and `patience` times as much on the clock, so that
    a busy machine changes no mark. Memory and sizes are in bytes.
    """

    cell: float = 20.0  # one cell, or one call from a test
    test: float = 20.0  # one test cell, without the student's share
    total: float = 300.0  # everything, on the clock
    patience: float = 3.0
    grace: float = 2.0  # from the interrupt to the kill
    start: float = 120.0
    memory: int = 4 << 30
    processes: int = 32
    threads: int = 256
    files: int = 64 << 20
    restarts: int = 4


DEFAULT = Limits()


class Callable:
    """What `fetch` returns for a function."""


CALLABLE = Callable()


def shown(text: object, most: int = 300) -> str:
    """One line of printable text, cut.

    >>> shown("a\\n\\x1b[31m b")
    'a [31m b'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


# ---------------------------------------------------------------------------------------------- what can be seen inside


def readable() -> list[Path]:
    """The folders of this machine that student code can read."""
    environment = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)}
    system = [path for path in map(Path, ("/usr", "/nix/store", "/gnu/store")) if path.is_dir()]
    return system + sorted(path for path in environment if not any(path.is_relative_to(root) for root in system))


def library() -> Path:
    """The folder of `ntklib`."""
    spec = importlib.util.find_spec("ntklib")
    if spec is None or not spec.submodule_search_locations:
        raise SandboxMissing("ntklib is not installed in this environment: run 'make test' once, or pip install ntklib")
    return Path(spec.submodule_search_locations[0]).resolve()


def _mounts(cache: Path | None, writable: bool, limits: Limits) -> Iterator[str]:
    """bubblewrap's options for what is there and what is not."""
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for folder in ("/tmp", "/home/student"):  # first, because the environment may be below one of them
        yield from ("--size", str(limits.files), "--tmpfs", folder)
    for path in readable():
        yield from ("--ro-bind", str(path), str(path))
    for name in ("ld.so.cache", "alternatives", "fonts", "localtime"):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    yield from ("--ro-bind", str(library()), "/course/library/ntklib")
    for name in ("driver.py", "wire.py"):
        yield from ("--ro-bind", str(HERE / name), f"/course/grader/coursework/sandbox/{name}")
    if cache is not None:
        yield from ("--bind" if writable else "--ro-bind", str(cache), "/cache")
    yield from ("--proc", "/proc")
    # Run by root, the process keeps root's right to files as their owner: among them the kernel's settings.
    for path in sorted(Path("/proc").iterdir()):
        if path.name.isdigit() or path.is_symlink():
            continue
        if path.is_dir():
            yield from ("--tmpfs", str(path), "--remount-ro", str(path))
        elif path.stat().st_mode & 0o222:
            yield from ("--ro-bind", "/dev/null", str(path))
    yield from ("--dev", "/dev")
    yield from ("--size", str(limits.files), "--tmpfs", "/dev/shm")
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/student")


def _environment(cache: Path | None, writable: bool) -> dict[str, str]:
    """The environment variables inside."""
    inside = {
        "PATH": f"{Path(sys.prefix).resolve()}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/home/student",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": "/course/library:/course/grader",
        "IPYTHONDIR": "/tmp/ipython",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "JAX_PLATFORMS": "cpu",
        "PIP_RETRIES": "0",  # cells that install something are to fail at once
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **ONE_CORE,
    }
    if cache is not None:
        inside.update(caches(Path("/cache"), writable))
        if writable:
            inside["MPLCONFIGDIR"] = "/cache/matplotlib"
    return inside


def caches(folder: Path, writable: bool) -> dict[str, str]:
    """The environment variables with which Python and JAX read what was compiled before, and perhaps add to it."""
    return {
        "PYTHONPYCACHEPREFIX": str(folder / "python"),
        **({} if writable else {"PYTHONDONTWRITEBYTECODE": "1"}),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05" if writable else NEVER,
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


@functools.cache
def _isolation() -> tuple[str, ...]:
    """bubblewrap's options that take rights away, as far as this version has them."""
    options = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    options += ["--cap-drop", "ALL", "--clearenv", "--die-with-parent", "--new-session", "--as-pid-1"]
    try:
        known = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        raise SandboxMissing(INSTEAD) from error
    return tuple(options + [option for option in ("--disable-userns",) if option in known])


def require(*private: Path) -> None:
    """Raise `SandboxMissing` where submissions cannot be run safely.

    `private` are files and folders that they must not read.
    """
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        raise SandboxMissing(INSTEAD)
    trial = ["bwrap", *_isolation(), *_mounts(None, False, DEFAULT), "/bin/true"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SandboxMissing(NAMESPACES + shown(done.stderr))
    for path in (REPOSITORY, *private):
        for root in readable():
            if path.resolve().is_relative_to(root):
                raise SandboxMissing(f"{path} lies in {root}, which student code can read: move it elsewhere")


# ------------------------------------------------------------------------------------------------- what a process uses


@dataclass
class Usage:
    """What a process and its descendants use."""

    processes: int = 0
    threads: int = 0
    memory: int = 0
    seconds: float = 0.0


def usage(pid: int) -> Usage:
    """What the process and everything below it use now; in a namespace's process 1, that is the whole namespace."""
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    children: dict[int, list[tuple[int, list[str]]]] = {}
    found: list[tuple[int, list[str]]] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        children.setdefault(int(fields[1]), []).append((int(entry), fields))
        if int(entry) == pid:
            found.append((pid, fields))
    total = Usage()
    while found:
        number, fields = found.pop()
        found += children.get(number, [])
        total.processes += 1
        total.threads += int(fields[17])
        total.memory += int(fields[21]) * page
        total.seconds += sum(map(int, fields[11:15])) / tick
    return total


# ------------------------------------------------------------------------------------------------------------ a sandbox


class Sandbox:
    """One process in bubblewrap that runs cells and hands out data.

    A context manager; `deadline` is a time of `time.monotonic` after which nothing is waited for. With `cache`, a
    folder with what JAX has compiled before is there read-only, or `writable` for code that is trusted.

    Raises
    ------
    SandboxMissing
        If it cannot be started.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT,
        *,
        deadline: float = float("inf"),
        cache: Path | None = None,
        writable: bool = False,
    ) -> None:
        isolation = _isolation()
        self.limits = limits
        self.deadline = float("inf")
        self._number = 0
        self._nan = False
        self._outgoing, self._incoming = bytearray(), bytearray()
        self._pidfd = -1
        self._channel, inner = socket.socketpair()
        self._channel.setblocking(False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        reader, writer = os.pipe()
        environment = _environment(cache, writable).items()
        command = ["bwrap", *isolation, *_mounts(cache, writable, limits), "--info-fd", str(writer)]
        command += [part for name, value in environment for part in ("--setenv", name, value)]
        python = Path(sys.prefix).resolve() / "bin" / "python"
        command += [str(python), "-s", "-m", "coursework.sandbox.driver", str(limits.memory), str(limits.files)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=inner.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._errors.fileno(),
                pass_fds=(writer,),
                env={},
            )
        except FileNotFoundError as error:
            self._channel.close()
            self._errors.close()
            os.close(reader)
            raise SandboxMissing(INSTEAD) from error
        finally:
            inner.close()
            os.close(writer)
        try:
            with os.fdopen(reader) as file:
                self.pid = int(json.loads(file.read())["child-pid"])
            self._pidfd = os.pidfd_open(self.pid)
            self._receive(limits.start, limits.start)
            self.deadline = deadline
        except (ValueError, OSError, Stopped) as error:
            self.close()
            self._errors.seek(0)
            said = shown(self._errors.read(4000).decode(errors="replace")[-1000:])
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

        Raises
        ------
        StudentError
            If it raises.
        Stopped
            If it goes over a limit, or ends the process.
        """
        self._ask({"do": "run"}, wire.encode({}, source))

    def fetch(self, name: str, *, nan: bool = False) -> Any:
        """A variable's value as plain data, or `CALLABLE`; raises as `run`. NaN is refused unless `nan`."""
        return self._ask({"do": "fetch", "name": name}, wire.encode({}), nan)

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """What a function returns for plain arguments; raises as `run`, and `wire.Refused` for other arguments."""
        return self.forward(name, wire.encode({}, (list(arguments), keywords)))

    def forward(self, name: str, raw: bytes, *, nan: bool = False) -> Any:
        """`call` with arguments that :mod:`coursework.sandbox.wire` has encoded."""
        return self._ask({"do": "call", "name": name}, raw, nan)

    def check(self) -> Usage:
        """Raise `Stopped`, and end everything, if it uses too much; what it uses."""
        limits, now = self.limits, usage(self.pid)
        over = ""
        if now.processes > limits.processes:
            over = f"started more than {limits.processes} processes"
        elif now.threads > limits.threads:
            over = f"started more than {limits.threads} threads"
        elif now.memory > limits.memory:
            over = f"used more than {limits.memory >> 20} MB of memory"
        if over:
            self.close()
            raise Stopped(over)
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
        if kind == "value":
            return reply
        if kind == "callable":
            return CALLABLE
        if kind == "missing":
            raise StudentError(f"`{message['name']}` is not defined", "NameError")
        what = f"`{message.get('name')}`"
        if kind == "refused":
            raise StudentError(shown(f"{what} {'returned what' if message['do'] == 'call' else ''} {reply}"))
        try:
            name, text = map(str, reply)
        except (TypeError, ValueError):
            name, text = "Exception", ""
        raised = shown(f"{name}: {text}" if text else name)
        raise StudentError(f"{what} raised {raised}" if message["do"] == "call" else raised, shown(name))

    def _exchange(self, raw: bytes) -> tuple[str, Any]:
        """Send a message and wait for the reply to it; interrupt, then kill what takes too long."""
        limits = self.limits
        self._outgoing += raw
        try:
            return self._receive(limits.cell, limits.cell * limits.patience)
        except TimeoutError as error:
            reason = str(error)
        self._signal(signal.SIGINT)
        try:
            self._receive(float("inf"), limits.grace)
        except TimeoutError:
            self.close()
            raise Stopped(f"{reason}, and did not let itself be interrupted") from None
        raise Stopped(reason, alive=True)

    def _receive(self, seconds: float, clock: float) -> tuple[str, Any]:
        """The reply to the last message, as its kind and value; sends meanwhile what is still to be sent.

        Raises `TimeoutError` after so many seconds of processor time, or on the clock; `Stopped` if nothing will come.
        """
        start = time.monotonic()
        end, look = min(start + clock, self.deadline), start + TICK
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
                if total - used > seconds:
                    raise TimeoutError(f"took more than {seconds:g} s")
            if now > end:
                raise TimeoutError(f"took more than {clock:g} s" if end < self.deadline else "used up the time for all")
            self._send()
            try:
                part = self._channel.recv(1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            if not part:
                self._ended()
            self._incoming += part
            reply = self._parse()
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

    def _parse(self) -> tuple[str, Any] | None:
        """The reply, once it is complete; one to an earlier message is dropped."""
        size = wire.HEADER.size
        while len(self._incoming) >= size:
            text, arrays = wire.HEADER.unpack_from(self._incoming)
            if text > wire.MAX_JSON or arrays > wire.MAX_ARRAYS:
                self.close()
                raise Stopped("sent a reply that is too large")
            if len(self._incoming) < size + text + arrays:
                return None
            raw = bytes(self._incoming[: size + text + arrays])
            del self._incoming[: len(raw)]
            try:
                message, value = wire.decode(*wire.split(raw), nan=self._nan)
            except wire.Refused as error:
                return "refused", shown(error)
            if message.get("id") == self._number:
                return str(message.get("kind")), value
        return None

    def _ended(self) -> None:
        self.close()
        raise Stopped("ended its process (os._exit, a crash, or out of memory)")
