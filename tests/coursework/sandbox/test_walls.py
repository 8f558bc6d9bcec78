"""What student code can reach of this machine: nothing; and what is said where that cannot be had."""

import os
import socket
import uuid
from pathlib import Path

import pytest

from coursework.judging.setting import limits_of
from coursework.masters.allowance import Allowance
from coursework.sandbox import walls
from coursework.sandbox.environment import ONE_CORE
from coursework.sandbox.sandbox import Sandbox
from coursework.sandbox.walls import SandboxMissing


def test_nothing_of_this_machine_can_be_read(box, tmp_path):
    (tmp_path / "roster.csv").write_text("secret", encoding="utf-8")
    root = walls.REPOSITORY
    ours = [root / name for name in ("coursework/assignments", "coursework/masters/reading.py", "tests", "Makefile")]
    assert all(path.exists() for path in [*ours, tmp_path / "roster.csv"])
    places = [*map(str, ours), str(root / "_build"), str(root / ".git")]
    places += [str(tmp_path), str(tmp_path / "roster.csv"), str(Path.home() / ".ssh")]
    places += ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/var", "/sys", "/run", "/home/student/../../mnt"]
    box.run(
        "import os, glob\n"
        f"found = [place for place in {places!r} if os.path.exists(place)]\n"
        "environment = dict(os.environ)\n"
        "processes = [int(name) for name in os.listdir('/proc') if name.isdigit()]\n"
        "masters = [f for f, _, _ in os.walk('/') if f.endswith('/assignments')]\n"
        "grader = sorted(os.path.join(place, f) for place, _, names in os.walk('/course/grader') for f in names)\n"
        "descriptors = [os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd')\n"
        "               if os.path.exists(f'/proc/self/fd/{n}') or os.path.islink(f'/proc/self/fd/{n}')]"
    )
    assert box.fetch("found") == []
    assert box.fetch("masters") == []
    assert box.fetch("processes") == [1]
    assert set(box.fetch("environment")) & set(os.environ) <= {"HOME", "LANG", "PATH", "PWD", *ONE_CORE} | {
        name for name in box.fetch("environment") if name.startswith(("PYTHON", "JAX", "MPL", "PIP", "LC_"))
    }
    assert not any(str(root) in value for name, value in box.fetch("environment").items() if name != "PATH")
    assert [path for path in box.fetch("grader") if "__pycache__" not in path] == [
        "/course/grader/coursework/sandbox/driver.py",
        "/course/grader/coursework/sandbox/wire.py",
    ]
    assert set(box.fetch("descriptors")) <= {"/dev/null", "socket", "/proc/1/fd", "/dev/urandom", "anon_inode"}


def test_nothing_outside_can_be_written(box, cache):
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    box.run(
        "import os, sys, tempfile\n"
        "def writable(place):\n"
        "    try:\n"
        "        os.close(os.open(place + '/x', os.O_CREAT | os.O_WRONLY)); return True\n"
        "    except OSError:\n"
        "        return False\n"
        "folders = [folder for folder, _, _ in os.walk('/') if not folder.startswith(('/proc', '/usr/', '/dev/fd'))]\n"
        "folders += ['/usr', '/usr/lib', '/proc', '/proc/sys/kernel'] + sys.path\n"
        "open_folders = sorted({f for f in folders if f and writable(f)})\n"
        "settings = []\n"
        "for folder, folders, names in os.walk('/proc'):\n"
        "    folders[:] = [f for f in folders if not f.isdigit() and f not in ('self', 'thread-self')]\n"
        "    for name in names:\n"
        "        path = os.path.join(folder, name)\n"
        "        if os.path.realpath(path) == '/proc/1/mounts': continue\n"
        "        try:\n"
        "            descriptor = os.open(path, os.O_WRONLY)\n"
        "        except OSError:\n"
        "            continue\n"
        "        if os.fstat(descriptor).st_rdev != os.stat('/dev/null').st_rdev: settings.append(path)\n"
        "        os.close(descriptor)\n"
        "privileges = open('/proc/self/status').read().split('CapEff:')[1].split()[0], os.getuid()"
    )
    inside = ("/tmp", "/home/student", "/dev/shm")
    assert [folder for folder in box.fetch("open_folders") if not folder.startswith(inside)] == []
    assert box.fetch("settings") == [], "the kernel's settings can be written"
    assert box.fetch("privileges") == ("0000000000000000", 1000)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_no_network_and_no_other_process(box):
    name = f"\0{uuid.uuid4()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(name)
        abstract.listen()
        socket.create_connection(server.getsockname(), 5).close()
        server.accept()[0].close()
        box.run(
            "import os, signal, socket\n"
            "def fails(f, *a):\n"
            "    try: f(*a)\n"
            "    except OSError: return True\n"
            "    return False\n"
            f"refused = [fails(socket.create_connection, {server.getsockname()!r}, 1),\n"
            "           fails(socket.create_connection, ('192.0.2.1', 80), 1),\n"
            "           fails(socket.getaddrinfo, 'example.org', 80),\n"
            f"           fails(socket.socket(socket.AF_UNIX).connect, {name!r}),\n"
            f"           fails(os.kill, {os.getpid()}, signal.SIGKILL),\n"
            "           fails(os.kill, -1, signal.SIGKILL) or True,\n"
            "           os.getppid() == 0]"
        )
        assert box.fetch("refused") == [True] * 7
        for listening in (server, abstract):
            listening.setblocking(False)
            with pytest.raises(BlockingIOError):
                listening.accept()


def test_namespaces_cannot_be_nested(box):
    if "--disable-userns" not in walls.isolation():
        return  # bubblewrap before 0.8 does not know the option
    box.run("import subprocess\nnested = subprocess.run(['unshare', '--user', 'true'], capture_output=True).returncode")
    assert box.fetch("nested") != 0


def test_without_bubblewrap_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    with pytest.raises(SandboxMissing, match="apt-get install bubblewrap") as caught:
        walls.require()
    assert "check FILE" in str(caught.value)
    monkeypatch.setattr(walls.sys, "platform", "darwin")
    with pytest.raises(SandboxMissing, match="virtual machine"):
        walls.require()


def test_a_sandbox_without_bubblewrap_says_the_same(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    walls.isolation.cache_clear()
    with pytest.raises(SandboxMissing, match="apt-get install bubblewrap"):
        Sandbox(limits_of(Allowance()))


def test_private_files_must_not_lie_where_they_can_be_read(sandboxed, tmp_path):
    walls.require(tmp_path)
    with pytest.raises(SandboxMissing, match="can read: move it"):
        walls.require(tmp_path, Path("/usr/share/roster.csv"))


def test_an_environment_that_does_not_start_says_why(sandboxed, monkeypatch):
    monkeypatch.setattr(walls, "library", lambda: Path("/nowhere"))
    with pytest.raises(SandboxMissing, match="nowhere"):
        Sandbox(limits_of(Allowance()))
