"""What can a student's code see of this machine, and can it be kept to that here?"""

import contextlib
import functools
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from coursework.sandbox.kernel_calls import kernel_filter
from coursework.text import one_line

HERE = Path(__file__).parent
FILES = 64 << 20  # bytes of a file, and of a folder in memory
IN_MEMORY = ("/tmp", "/home/student", "/dev/shm")  # folders that can be written to
REPOSITORY = HERE.parents[1]  # all of it is kept from student code, save ntklib and what answers inside:
ANSWERING = ("sandbox/driver.py", "sandbox/wire.py")
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


def readable() -> list[Path]:
    """The folders of this machine that student code can read."""
    environment = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)}
    system = [path for path in map(Path, ("/usr", "/nix/store", "/gnu/store")) if path.is_dir()]
    return system + sorted(path for path in environment if not any(path.is_relative_to(root) for root in system))


def library() -> Path:
    """The folder of `ntklib`.

    Raises:
        SandboxMissing: if it is not installed.
    """
    spec = importlib.util.find_spec("ntklib")
    if spec is None or not spec.submodule_search_locations:
        raise SandboxMissing("ntklib is not installed in this environment: run 'make test' once, or pip install ntklib")
    return Path(spec.submodule_search_locations[0]).resolve()


def mounts(cache: Path | None, writable: bool, size: int, modules: tuple[str, ...] = ANSWERING) -> Iterator[str]:
    """bubblewrap's options for what is there and what is not.

    Args:
        cache: a folder with what was compiled before, seen as /cache.
        writable: whether it can be written to: by the solution, never by a submission.
        size: the bytes of a folder in memory.
        modules: the files of `coursework` that are there.
    """
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for folder in IN_MEMORY[:2]:  # first, because the environment may be below one of them
        yield from ("--size", str(size), "--tmpfs", folder)
    for path in readable():
        yield from ("--ro-bind", str(path), str(path))
    for name in ("ld.so.cache", "alternatives", "fonts", "localtime"):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    yield from ("--ro-bind", str(library()), "/course/library/ntklib")
    for name in modules:
        yield from ("--ro-bind", str(REPOSITORY / "coursework" / name), f"/course/grader/coursework/{name}")
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
    yield from ("--size", str(size), "--tmpfs", IN_MEMORY[2])
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/student")


@contextlib.contextmanager
def without_calls() -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """bubblewrap's options that take calls of the kernel away, and the files that it has to get for them."""
    program = kernel_filter()
    if program is None:
        yield [], ()
        return
    with tempfile.TemporaryFile() as file:
        file.write(program)
        file.seek(0)
        yield ["--seccomp", str(file.fileno())], (file.fileno(),)


@functools.cache
def isolation() -> tuple[str, ...]:
    """bubblewrap's options that take rights away, as far as this version has them.

    Raises:
        SandboxMissing: if it is not installed.
    """
    options = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    options += ["--cap-drop", "ALL", "--clearenv", "--die-with-parent", "--new-session", "--as-pid-1"]
    try:
        known = subprocess.run(
            ["bwrap", "--help"], capture_output=True, encoding="utf-8", errors="replace", check=False
        ).stdout
    except FileNotFoundError as error:
        raise SandboxMissing(INSTEAD) from error
    return tuple(options + [option for option in ("--disable-userns",) if option in known])


def require(*private: Path) -> None:
    """Refuse to go on where submissions cannot be run safely.

    Args:
        private: files and folders that they must not read.

    Raises:
        SandboxMissing: if there are no namespaces, or one of these, or the repository, could be read.
    """
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        raise SandboxMissing(INSTEAD)
    with without_calls() as (calls, files):
        trial = ["bwrap", *isolation(), *calls, *mounts(None, False, FILES), "/bin/true"]
        nothing = subprocess.DEVNULL
        done = subprocess.run(trial, capture_output=True, errors="replace", check=False, stdin=nothing, pass_fds=files)
    if done.returncode != 0:
        raise SandboxMissing(NAMESPACES + one_line(done.stderr))
    for path in (REPOSITORY, *private):
        for root in readable():
            if path.resolve().is_relative_to(root):
                raise SandboxMissing(f"{path} lies in {root}, which student code can read: move it elsewhere")
