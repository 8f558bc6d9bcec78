"""A program in a process of its own, and what it prints."""

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# one program after the other, each with names of its own and with the settings of JAX as they were at first
ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys, traceback
import jax
settings, answers = dict(jax.config.values), sys.stdout
for line in sys.stdin:
    said, wrong = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(json.loads(line), "program", "exec"), {"__name__": "__main__"})
    except BaseException:
        wrong = traceback.format_exc()
    for name, value in jax.config.values.items():
        if value != settings[name]:
            jax.config.update(name, settings[name])
    print(json.dumps([said.getvalue(), wrong]), file=answers, flush=True)
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(program: str) -> Any:
    """What these lines of Python print last, as JSON; nothing was imported before."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=ROOT, env=_environment()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@cache
def _process() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, env=_environment(),
    )  # fmt: skip
    atexit.register(started.kill)
    return started


def run_after_others(program: str) -> Any:
    """As :func:`run`, in a process that others have run in: JAX and the library are imported once for all."""
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(program) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "the process has ended"
    said, wrong = json.loads(answer)
    assert not wrong, wrong[-2000:]
    return json.loads(said.splitlines()[-1])
