"""What hostile, broken and unlucky notebooks earn: what they have solved, and nothing else."""

import dataclasses
import uuid
from pathlib import Path

import nbformat
import numpy as np
import pytest
from toy_answers import FIRST, FULL, GRAM, MEAN, NONE, QUICK, SECOND, USUAL

from coursework.judging import judge as judging
from coursework.judging.judge import HIDDEN_FAILED, judge, prepare
from coursework.judging.setting import JudgeError
from coursework.sandbox import environment
from coursework.sandbox.sandbox import Sandbox


def text(verdict) -> str:
    """Everything that is said about a submission."""
    return "\n".join([*verdict.notes, *verdict.failures.values()])


def test_the_solution_earns_everything_and_the_release_nothing(toy, cache):
    solved = judge(toy, toy.solution(5), 5, cache=cache)
    assert (solved.scores, solved.failures, solved.notes, solved.suspicious) == (FULL, {}, [], False)
    untouched = judge(toy, toy.release(5), 5, cache=cache)
    assert untouched.scores == NONE
    assert untouched.failures["q1-value"] == "`answer` is not defined: its cell stopped with NotImplementedError"
    assert not untouched.suspicious
    again = judge(toy, toy.release(5), 5, cache=cache)
    assert dataclasses.replace(again, seconds=0) == dataclasses.replace(untouched, seconds=0)


def test_copied_numbers_earn_nothing(toy, cache, answered):
    theirs = float(np.mean(np.random.default_rng(4).normal(size=20)))
    notebook = answered(toy, 4, q1_answer=f"{MEAN}\nanswer = {theirs!r}", q2_answer=GRAM)
    assert judge(toy, notebook, 4, cache=cache).scores == FULL
    copied = judge(toy, notebook, 5, cache=cache)
    assert copied.scores == {**FULL, "q1-value": 0.0}
    assert copied.notes == ["the number in it is 4, not 5, with which it was tested"]
    assert copied.suspicious, "a person should look"
    assert copied.failures["q1-value"].endswith("(this notebook has another number than yours)")
    assert judge(toy, notebook, 5, cache=cache, everyone=4).scores == FULL


@pytest.mark.parametrize("where", ["cell", "function"])
def test_an_endless_loop_costs_its_question(verdict, where):
    found = verdict("while True:\n    pass" if where == "cell" else "def mean(v):\n    while True: pass\nanswer = 1")
    assert found.scores == SECOND
    assert found.suspicious
    assert "took more than" in text(found)


def test_a_hang_that_ignores_interrupts_costs_its_question_and_leaves_no_orphan(verdict):
    mark = f"1000000.{uuid.uuid4().int % 10**12}"
    found = verdict(
        q2="import signal, subprocess\n"
        f"subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n"
        "def gram(a, b):\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    while True: pass"
    )
    assert found.scores == FIRST
    assert found.suspicious
    assert "did not let itself be interrupted" in found.failures["q2-gram"]
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in lines if mark.encode() in line]


@pytest.mark.parametrize(
    ("source", "scores", "suspicious"),
    [
        ("import sys\nsys.exit()", SECOND, False),
        ("exit()", SECOND, False),
        ("import os\nos._exit(0)", SECOND, True),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nos.kill(-1, 9)", SECOND, None),
        ("import os\ndef mean(v): os._exit(0)\nanswer = np.mean(x)", {**FULL, "q1-mean": 0.0}, True),
        ("import sys\ndef mean(v): sys.exit()\nanswer = np.mean(x)", {**FULL, "q1-mean": 0.0}, False),
    ],
)
def test_exits_cost_their_question(verdict, source, scores, suspicious):
    found = verdict(source)
    assert found.scores == scores
    assert suspicious is None or found.suspicious is suspicious


def test_a_notebook_that_always_ends_its_process_is_given_up(toy, cache, answered):
    notebook = answered(toy, 5, q2_answer=GRAM)
    notebook.cells[1:1] = [nbformat.v4.new_code_cell(f"import os\nos._exit({number})") for number in range(9)]
    found = judge(toy, notebook, 5, limits=dataclasses.replace(QUICK, restarts=2), cache=cache)
    assert found.scores == NONE
    assert found.suspicious
    assert "again and again" in found.failures["q2-gram"]


def test_the_total_time_is_bounded(toy, cache, answered):
    notebook = answered(toy, 5, q2_answer=GRAM)
    loops = "import time, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(999)"
    notebook.cells[1:1] = [nbformat.v4.new_code_cell(loops) for _ in range(9)]
    found = judge(toy, notebook, 5, limits=dataclasses.replace(QUICK, total=2.0), cache=cache)
    assert found.scores == NONE
    assert found.suspicious
    assert "used up" in text(found)


def test_something_left_running_is_not_blamed_on_the_setup(written, cache):
    late = written("import numpy as np", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "assert x == 1")
    cells = late.release().cells
    assert cells[0].metadata.nbgrader.grade_id == "setup"
    notebook = late.release()
    bomb = "import os, threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), os._exit(1))).start()"
    notebook.cells = [nbformat.v4.new_code_cell(bomb), notebook.cells[1]]
    notebook.cells[1].source = "import time\ntime.sleep(0.6)\nx = 1"
    found = judge(late, notebook, 0, limits=QUICK, cache=cache)
    assert found.suspicious
    assert set(found.scores) == {"test-1"}


EQUAL = """
class Equal(float):
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __getattr__(self, name): return lambda *a, **k: Equal()
    def __array__(self, *a, **k): return np.full((2, 4), Equal(), dtype=object)
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return True
    def __bool__(self): return True
    __hash__ = float.__hash__
"""

PATCHES = """
import builtins, sys
np.isclose = np.allclose = np.array_equal = np.testing.assert_allclose = lambda *a, **k: True
np.ndarray.__eq__ = lambda *a: True if False else True
""".replace("np.ndarray.__eq__ = lambda *a: True if False else True\n", "")


# the globals of the process that answers, which runs as __main__ and has been hidden by IPython's
DRIVER = """
import sys
from coursework.sandbox import wire
frame = sys._getframe()
while not ("answer" in frame.f_globals and "make_shell" in frame.f_globals): frame = frame.f_back
there = frame.f_globals
"""


@pytest.mark.parametrize(
    "cheat",
    [
        EQUAL + "answer = Equal()\ndef mean(*a): return Equal()\ndef gram(*a): return Equal()",
        PATCHES + "builtins.AssertionError = type('Never', (Exception,), {})\n"
        "answer = 1.0\ndef mean(*a): return 1.0\ndef gram(*a): return np.zeros((2, 4))",
        "import ast\n"
        "class NoAsserts(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(NoAsserts())\n"
        "get_ipython().input_transformers_cleanup.append(lambda lines: [])\n"
        "answer = 1.0\ndef mean(*a): return 1.0\ndef gram(*a): return np.zeros((2, 4))",
        "answer = float('nan')\ndef mean(*a): return np.float32('nan')\ndef gram(*a): return np.full((2, 4), np.nan)",
        "answer = float('inf')\ndef mean(*a): return float('inf')\ndef gram(*a): return np.full((2, 4), np.inf)",
        "answer, mean, gram = [lambda *a: lambda *b: True] * 3",
        "answer = mean = gram = None",
        "answer = {'a': 1}\ndef mean(*a): return [[1], [2, 3]]\ndef gram(*a): return np.zeros((10, 0, 4))",
        "answer = 10**1000\ndef mean(*a): return 'x' * 100_000\ndef gram(*a): return {10**1000: (1,) * 1000}",
        # everything that the sandbox's own side is made of
        DRIVER
        + "there['answer'] = lambda shell, message, value: wire.encode({'id': message['id'], 'kind': 'value'}, True)\n"
        "wire.encode = lambda *a, **k: b'passed'",
        "import os, sys\nfrom coursework.sandbox import wire\n"
        "for n in range(3, 20):\n"
        "    for k in range(60):\n"
        "        try: os.write(n, wire.encode({'id': k, 'kind': 'value', 'scores': {'q1-mean': 99}}, 3.0))\n"
        "        except OSError: break",
        # a reply that fits another question
        DRIVER
        + "there['answer'] = lambda shell, message, value: wire.encode({'id': message['id'], 'kind': 'missing'}, 3.0)",
        "import sys, types\nfor name in list(sys.modules): sys.modules[name] = types.ModuleType(name)",
    ],
    ids=[
        "equal",
        "patches",
        "transformers",
        "nan",
        "inf",
        "lambdas",
        "none",
        "shapes",
        "huge",
        "driver",
        "forge",
        "missing",
        "gut",
    ],
)
def test_cheats_gain_nothing(verdict, cheat):
    found = verdict(q1=cheat, q2="pass")
    assert found.scores == NONE
    assert all(line.isprintable() and len(line) <= 300 for line in text(found).splitlines())


def test_patched_modules_do_not_touch_the_next_submission(verdict):
    verdict(q1=PATCHES, q2="np.random.default_rng = None")
    assert verdict().scores == FULL


def test_hidden_tests_cannot_be_read_out(verdict):
    """A function that keeps what it is called with, and tells it at the first opportunity."""
    found = verdict(
        q1="seen = []\n"
        "def mean(values):\n"
        "    seen.append(str(values))\n"
        "    if len(seen) > 1: raise ValueError(f'{seen}')\n"
        "    return 3.0\n"
        "class Spy(float):\n"
        "    pass\n"
        "answer = 0.0",
        q2="def gram(a, b): raise ValueError(f'the other test had {seen}')",
    )
    assert found.scores == NONE
    assert found.failures["q1-mean"] == HIDDEN_FAILED
    scaled = [f"{value:.3f}"[:5] for value in 17.5 * np.random.default_rng(5).normal(size=20)]
    assert not [number for number in scaled if number in text(found)]
    for hidden in ("4711", "4712", "99.25", "17.5"):
        assert hidden not in text(found)


def test_a_wrong_answer_is_told_the_visible_message_only(verdict):
    found = verdict(q1="def mean(v): return 3.0\nanswer = 2.5", q2="def gram(a, b): return (a @ b.T).tolist()")
    assert found.scores == {"q1-mean": 0.0, "q1-value": 0.0, "q2-gram": 3.0}
    assert found.failures == {
        "q1-mean": HIDDEN_FAILED,
        "q1-value": "answer is 2.5, which is not the mean of your x",
    }
    wrong = verdict(q1="def mean(v): return 1\nanswer = [1]", q2="def gram(a, b): return a")
    assert wrong.failures["q1-mean"] == "the mean of 1, 2 and 6 is 3"
    assert wrong.failures["q2-gram"] == "the shape is (2, 3), wanted (2, 4)"


@pytest.mark.parametrize(
    "bomb",
    [
        "print('x' * 200_000_000)\nfor _ in range(10_000): print('y' * 1000)\n1 / 0",
        "x = bytearray(10 << 30)",
        "import os\nwhile True: os.fork()",
        "answer = 'x' * 50_000_000\ndef mean(*a): return np.zeros(10**7)",
        "answer = 1\ndef mean(*a):\n    d = []\n    for _ in range(10**5): d = [d]\n    return d",
        "raise ValueError('x' * 100_000_000)",
    ],
    ids=["output", "memory", "forks", "replies", "depth", "messages"],
)
def test_bombs_cost_their_question(verdict, bomb):
    found = verdict(bomb)
    assert found.scores == SECOND
    assert len(text(found)) < 2000


def test_bad_luck_costs_the_cell_only(toy, cache, answered):
    notebook = answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM)
    notebook.metadata["kernelspec"] = {"name": "conda-env-mine", "language": "julia", "display_name": "?"}
    notebook.cells[1:1] = [
        nbformat.v4.new_code_cell(source)
        for source in (
            "import warnings\nwarnings.warn('careful')\nimport sys\nprint('x', file=sys.stderr)",
            "name = input('Your name? ')",
            "import tensorflow_of_mine",
            "!pip install numpy",
            "%pip install numpy",
            "%matplotlib widget",
            "plt.plot(",
            "await __import__('asyncio').sleep(0)",
            "open('results.csv')",
            "%%html\n<b>x</b>",
            "from google.colab import drive",
        )
    ]
    found = judge(toy, notebook, 5, limits=dataclasses.replace(QUICK, cell=20), cache=cache)
    assert found.scores == FULL
    assert not found.suspicious
    assert any("input() is not possible" in note for note in found.notes)
    assert any("No module named 'tensorflow_of_mine'" in note for note in found.notes)


def test_nothing_of_a_solution_or_a_hidden_test_is_compiled_where_submissions_look(written, tmp_path, monkeypatch):
    """A compiled program can be run by who can read it."""
    monkeypatch.setattr(environment, "AT_LEAST", "0")  # however fast this machine compiles
    made = (
        "def {name}(x):\n    for _ in range(100): x = jnp.sin({number} * x)\n    return x\n"
        "{name} = jax.jit({name})\n{name}(jnp.arange({number}.0))\n"
    )
    setup = "import jax, jax.numpy as jnp\n" + made.format(name="of_the_setup", number=5)
    master = written(
        setup,
        f"### BEGIN SOLUTION\n{made.format(name='of_the_solution', number=6)}### END SOLUTION",
        "### BEGIN HIDDEN TESTS\n"
        f"import jax, jax.numpy as jnp\n{made.format(name='of_the_hidden_test', number=7)}assert 'of_the_solution'\n"
        "### END HIDDEN TESTS",
    )
    prepare(master, tmp_path)

    def held(folder):
        """What is in the files of a folder, and how they are called."""
        files = [path for path in (tmp_path / folder).rglob("*") if path.is_file()]
        return b"".join(path.name.encode() + path.read_bytes() for path in files)

    secret = [b"of_the_solution", b"of_the_hidden_test"]
    assert [name in held("own") for name in secret] == [True, True], "this test would not see them"
    assert b"of_the_setup" in held("seen")
    assert [name in held("seen") for name in secret] == [False, False]
    with Sandbox(USUAL, cache=tmp_path / "seen") as box:
        box.run("import os\nfound = [name for *_, names in os.walk('/cache') for name in names]")
        names = box.fetch("found")
    assert any("of_the_setup" in name for name in names)
    assert not any("solution" in name or "hidden" in name for name in names)


def test_where_the_solution_is_too_slow_the_machine_is_blamed_and_by_how_much(written, cache, tmp_path, monkeypatch):
    slow = written("import numpy as np", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "assert x == 2, 'two'")
    monkeypatch.setattr(judging, "busy", lambda: 7.3)
    with pytest.raises(JudgeError, match="other programs make this machine some 7 times slower now"):
        prepare(slow, tmp_path)


def test_a_master_whose_solution_or_setup_fails_stops_the_grading(written, cache, tmp_path):
    wrong = written("import numpy as np", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "assert x == 2, 'two'")
    with pytest.raises(JudgeError, match="the solution of small fails its own tests here: test-1: two"):
        prepare(wrong, tmp_path)
    broken = written("import not_there", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "assert x == 1")
    with pytest.raises(JudgeError, match="No module named 'not_there'"):
        judge(broken, broken.release(), 0, cache=cache)
