"""What student code can do and use, and what comes back of it: plain data, in limits."""

import time
import uuid
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from coursework.judging.setting import limits_of
from coursework.masters.allowance import Allowance
from coursework.sandbox import sandbox, wire
from coursework.sandbox.replies import CALLABLE, Stopped, StudentError
from coursework.sandbox.sandbox import Sandbox
from coursework.sandbox.usage import busy, usage
from coursework.sandbox.walls import IN_MEMORY


def alive(mark: str) -> list[str]:
    """The processes of this machine whose command line has `mark` in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


# ------------------------------------------------------------------------------------------------------------ data


def test_data_come_back_as_they_were(box):
    box.run(
        "import numpy as np\nfrom fractions import Fraction\ninf = float('inf')\n"
        "values = [None, True, 3, -2.5, 1j, 'é', (1, [2]), {'a': 1, (2, 3): {4}}, Fraction(1, 3), inf, 10**900]\n"
        "arrays = [np.arange(6).reshape(2, 3).T, np.array([True, False]), np.zeros((0, 2))]\n"
        "arrays += [np.float32(1.5), np.array(2j)]"
    )
    wanted = [None, True, 3, -2.5, 1j, "é", (1, [2]), {"a": 1, (2, 3): {4}}, Fraction(1, 3), float("inf"), 10**900]
    got = box.fetch("values")
    assert got == wanted
    assert [type(value) for value in got] == [type(value) for value in wanted]
    arrays = box.fetch("arrays")
    assert [type(array) for array in arrays] == [np.ndarray, np.ndarray, np.ndarray, np.float32, np.ndarray]
    assert np.array_equal(arrays[0], [[0, 3], [1, 4], [2, 5]])
    assert (arrays[1].dtype, arrays[2].shape, arrays[3], arrays[4].shape) == (bool, (0, 2), 1.5, ())


def test_numbers_in_an_array_of_objects_come_back_in_one(box):
    box.run(
        "import numpy as np\nfrom fractions import Fraction\nfrom decimal import Decimal\n"
        "thirds = np.array([[Fraction(1, 3), 2, np.float32(0.5)]], dtype=object)\n"
        "words, money = np.array(['a', 1], dtype=object), np.array([Decimal(1)])\n"
        "empty, many = np.empty((0, 2), dtype=object), np.array(range(30_000), dtype=object)\n"
        "nans = np.array([1, float('nan')], dtype=object)"
    )
    thirds = box.fetch("thirds")
    assert (type(thirds), thirds.dtype, thirds.shape) == (np.ndarray, object, (1, 3))
    assert thirds.tolist() == [[Fraction(1, 3), 2, 0.5]]
    assert [type(item) for item in thirds.flat] == [Fraction, int, np.float32]
    assert box.fetch("empty").shape == (0, 2)
    for name, reason in (
        ("words", "an array with a str in it, wanted numbers"),
        ("money", "an array with a Decimal in it, wanted numbers"),
        ("many", "use a NumPy array"),
        ("nans", "contains NaN"),
    ):
        with pytest.raises(StudentError, match=reason):
            box.fetch(name)


def test_functions_are_called_with_plain_data(box):
    box.run("def twice(x, *, plus=0):\n    return 2 * x + plus")
    assert box.fetch("twice") is CALLABLE
    assert box.call("twice", 3, plus=1) == 7
    assert np.array_equal(box.call("twice", np.arange(3.0)), [0, 2, 4])
    with pytest.raises(wire.NotPlain, match="wanted numbers"):
        box.call("twice", len)


def test_a_class_of_the_students_own_does_not_get_out(box):
    box.run(
        "import numpy as np\n"
        "class Equal:\n"
        "    def __eq__(self, other): return True\n"
        "    def __lt__(self, other): return True\n"
        "    __gt__ = __le__ = __ge__ = __lt__\n"
        "    __hash__ = object.__hash__\n"
        "class Float(float):\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = float.__hash__\n"
        "class Array(np.ndarray):\n"
        "    def __array_ufunc__(self, *a, **k): return True\n"
        "equal, number, text = Equal(), Float(3.0), type('Text', (str,), {'__eq__': lambda a, b: True})('t')\n"
        "array = np.arange(3.0).view(Array)\n"
        "objects = np.array([Equal(), 1], dtype=object)\n"
        "dates, record = np.array(['2020-01-01'], dtype='M8[D]'), np.zeros(2, dtype=[('a', 'f8')])\n"
        "inside = {'a': [1, Equal()]}"
    )
    assert type(box.fetch("number")) is float
    assert box.fetch("number") != 4
    assert type(box.fetch("text")) is str
    assert type(box.fetch("array")) is np.ndarray
    for name in ("equal", "objects", "dates", "record", "inside"):
        with pytest.raises(StudentError, match="wanted numbers, text, lists"):
            box.fetch(name)


def test_what_is_too_large_too_deep_or_no_number(box):
    box.run(
        "import numpy as np\nnumber = 3\n"
        "deep = []\nfor _ in range(100000): deep = [deep]\n"
        "itself = []; itself.append(itself)\n"
        "many, long = list(range(50_000)), 'x' * 3_000_000\n"
        "huge, array = 10**2_000_000, np.zeros(3_000_000)\n"
        "lazy = np.broadcast_to(np.zeros(1), (10**6, 10**6))\n"
        "keys = {2**61 - 1 + i * (2**61 - 1): 0 for i in range(5000)}\n"
        "nan, surrogate = [1.0, float('nan')], '\\ud800'\n"
        "nans = np.array([1.0, np.nan])"
    )
    for name, reason in (
        ("deep", "`deep` is nested deeper"),
        ("itself", "`itself` is nested deeper"),
        ("many", "`many` has more than .* use a NumPy array"),
        ("long", "bytes of text"),
        ("huge", "more than 4096 bits"),
        ("array", "more than 16000000 bytes"),
        ("lazy", "more than 16000000 bytes"),
        ("keys", "more than 2000 entries"),
        ("nan", "contains NaN"),
        ("nans", "contains NaN"),
        ("surrogate", "is not plain data"),
    ):
        with pytest.raises(StudentError, match=reason):
            box.fetch(name)
    assert np.isnan(box.fetch("nan", nan=True)[1])
    assert np.isnan(box.fetch("nans", nan=True)[1])
    assert box.fetch("number") == 3, "and it goes on"


# --------------------------------------------------------------------------------------------------------- errors


def test_errors_are_told_in_one_line(box):
    for source, message in (
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('a\\n\\x1b[31mb' + 'c' * 5000)", "ValueError: a [31mbccc"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("input('?')", "RuntimeError: input() is not possible"),
        ("class Odd(Exception):\n    def __str__(self): raise KeyError\nraise Odd", "Odd"),
        ("x = [0] * 10**12", "MemoryError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("open('big', 'wb').write(b'x' * (80 << 20))", "OSError"),
        ("%no_such_magic", "UsageError"),
    ):
        with pytest.raises(StudentError) as caught:
            box.run(source)
        assert str(caught.value).startswith(message)
        assert len(str(caught.value)) <= 300
        assert str(caught.value).isprintable()
    with pytest.raises(StudentError, match="`nothing` is not defined"):
        box.fetch("nothing")
    assert box.fetch("number") == 3, "and it goes on"


def test_what_is_printed_is_not_kept(box):
    box.run(
        "import resource\n"
        "largest = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = largest()\n"
        "for _ in range(300): print('x' * 10**6)\n"
        "grown = largest() - before"
    )
    assert box.fetch("grown") < 50_000, "in kB"


def test_it_is_a_notebook(box):
    box.run(
        "%matplotlib inline\n"
        "%config InlineBackend.figure_format = 'retina'\n"
        "import asyncio, warnings\n"
        "await asyncio.sleep(0)\n"
        "warnings.warn('only a warning')\n"
        "print('x' * 10_000_000)\n"
        "display(get_ipython())\n"
        "list_of_files = !ls /home\n"
        "reached = 1"
    )
    box.run("%%time\nreached += 1")
    assert box.fetch("reached") == 2
    assert list(box.fetch("list_of_files")) == ["student"]


# ------------------------------------------------------------------------------------------------- what can be used


def test_a_loop_is_interrupted_and_the_rest_stays(fresh, monkeypatch):
    monkeypatch.setattr(sandbox, "busy", lambda: 1.0)
    fresh.run("x = 1")
    for source, reason in (
        ("while True: pass", "took more than"),
        ("import time; time.sleep(99)", "more than 4 s"),
    ):
        with pytest.raises(Stopped, match=reason) as caught:
            fresh.run(source)
        assert caught.value.alive
    assert fresh.fetch("x") == 1
    fresh.run("def endless():\n    while True: pass")
    with pytest.raises(Stopped) as caught:
        fresh.call("endless")
    assert caught.value.alive


def test_on_a_busy_machine_the_clock_is_slower(fresh, monkeypatch):
    """`fresh` may take four seconds on the clock."""
    monkeypatch.setattr(sandbox, "busy", lambda: 3.0)
    fresh.run("import time\ntime.sleep(6)\nx = 1")
    assert fresh.fetch("x") == 1


def test_how_busy_a_machine_is(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    found = []
    for load in (0.1, 3.0, 30.0, 99.0):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        found.append(busy())
    assert found == [1.0, 1.5, 15.0, 16.0]


def test_a_hang_that_ignores_interrupts_leaves_no_process(fresh):
    mark = f"1000000.{uuid.uuid4().int % 10**12}"
    fresh.run(f"import os, signal, subprocess\nchild = subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n")
    end = time.monotonic() + 60
    while not alive(mark):
        assert time.monotonic() < end, "this test would see nothing"
    pid = fresh.pid
    with pytest.raises(Stopped, match="did not let itself be interrupted") as caught:
        fresh.run("for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, signal.SIG_IGN)\nwhile True: pass")
    assert not caught.value.alive
    assert alive(mark) == []
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(Stopped, match="before"):
        fresh.run("1")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos._exit(0)", "ended its process"),
        ("import ctypes\nctypes.string_at(0)", "ended its process"),
        ("import os\nwhile True:\n    os.fork()", "processes"),
        (
            "import subprocess\nwhile True: subprocess.Popen(['sleep', '9999'], start_new_session=True)",
            "processes",
        ),
        (
            "import threading\nwhile True: threading.Thread(target=lambda: __import__('time').sleep(99)).start()",
            "thread",
        ),
        (
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (300 << 20)\n"
            "        time.sleep(99)\ntime.sleep(99)",
            "memory",
        ),
        (
            "import os\nfor n in range(3, 30):\n"
            "    try:\n        while True: os.write(n, b'xxxx')\n    except OSError: pass",
            "reply that is too large",
        ),
        (
            "import os, time\nfor folder in ('/tmp', '/home/student', '/dev/shm'):\n"
            "    for n in range(9000): os.symlink('x', f'{folder}/{n}')\ntime.sleep(99)",
            "files",
        ),
        (
            "import time\nfor folder in ('/tmp', '/home/student', '/dev/shm'):\n"
            "    open(f'{folder}/x', 'wb').write(bytes(50 << 20))\nx = bytearray(b'x') * (910 << 20)\ntime.sleep(99)",
            "memory",
        ),
    ],
    ids=[
        "exit",
        "crash",
        "fork bomb",
        "process bomb",
        "thread bomb",
        "memory of many processes",
        "reply bomb",
        "files",
        "memory of files",
    ],
)
def test_bombs(cache, source, reason):
    with Sandbox(replace(limits_of(Allowance()), threads=40, memory=1 << 30), cache=cache) as box:
        pid = box.pid
        with pytest.raises((Stopped, StudentError), match=reason) as caught:
            box.run(source)
        if isinstance(caught.value, Stopped):
            assert not caught.value.alive
            assert not Path(f"/proc/{pid}").exists()
        else:  # so many threads do not even get the memory that they ask for
            assert reason == "thread"


def test_memory_that_no_process_is_charged_for_cannot_be_had(box):
    box.run(
        "import ctypes, errno, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def refused(call):\n"
        "    try:\n"
        "        return call() if call() == -1 and ctypes.get_errno() == errno.ENOSYS else 'done'\n"
        "    except OSError as error:\n"
        "        return -1 if error.errno == errno.ENOSYS else str(error)\n"
        "calls = [\n"
        "    lambda: os.memfd_create('x'),\n"
        "    lambda: libc.shmget(0, 1 << 20, 0o1600),\n"
        "    lambda: libc.msgget(0, 0o1600),\n"
        "    lambda: libc.semget(0, 1, 0o1600),\n"
        "    lambda: libc.syscall(447, 0),\n"  # memfd_secret
        "    lambda: libc.syscall(425, 8, bytes(200)),\n"  # io_uring_setup
        "]\n"
        "found = [refused(call) for call in calls]\n"
        "import multiprocessing, mmap\n"
        "shared = mmap.mmap(-1, 1 << 20), multiprocessing.Lock()\n"  # what is counted goes on working
    )
    assert box.fetch("found") == [-1] * 6


def test_files_are_capped(box):
    box.run(
        "import os, errno\n"
        "def fill(folder):\n"
        "    for number in range(20):\n"
        "        try:\n"
        "            with open(f'{folder}/{number}', 'wb') as file:\n"
        "                for _ in range(30): file.write(bytes(1 << 20))\n"
        "        except OSError as error:\n"
        "            for old in range(number + 1): os.remove(f'{folder}/{old}')\n"
        "            return error.errno == errno.ENOSPC\n"
        "full = [fill(folder) for folder in ('/tmp', '/home/student', '/dev/shm')]"
    )
    assert box.fetch("full") == [True, True, True]


def test_the_child_of_a_fork_does_not_answer(box):
    box.run("import os\nchild = os.fork()\nif child: os.waitpid(child, 0)\nmine = os.getpid()")
    assert box.fetch("mine") == 1


def test_replies_that_the_student_forges_are_dropped(box):
    """Only data get out, and a forged reply is data: it can say what an honest one could have said."""
    box.run(
        "import os\nfrom coursework.sandbox import wire\n"
        "def forge():\n"
        "    for number in range(3, 30):\n"
        "        try:\n"
        "            if os.readlink(f'/proc/self/fd/{number}').startswith('socket'):\n"
        "                os.write(number, wire.encode({'id': 1, 'kind': 'value', 'passed': True}, 'forged'))\n"
        "        except OSError: pass\n"
        "    return 5"
    )
    assert box.call("forge") == 5
    assert box.fetch("number") == 3


def test_usage_counts_descendants(fresh):
    fresh.run("import subprocess\nchildren = [subprocess.Popen(['sleep', '9']) for _ in range(3)]")
    found = usage(fresh.pid)
    assert found.processes == 4
    assert 10 << 20 < found.memory < 1 << 30
    assert found.seconds > 0


def test_usage_counts_what_lies_in_folders(fresh):
    before = usage(fresh.pid, IN_MEMORY)
    fresh.run("import os\nfor n in range(7): open(f'/dev/shm/{n}', 'wb').write(bytes(3 << 20))\nos.mkdir('/tmp/x')")
    found = usage(fresh.pid, IN_MEMORY)
    assert found.files - before.files == 8
    assert 21 << 20 <= found.memory - before.memory < 60 << 20
