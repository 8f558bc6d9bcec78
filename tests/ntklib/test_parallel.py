"""Several workers come to the same results and to an end, in processes and in threads."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 240  # a tenth of it is needed; what waits for a lock waits forever


def test_searches_and_cross_validations_end_on_several_workers():
    script = Path(__file__).parent / "parallel.py"
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and its workers
        pytest.fail(f"it has not ended in {SECONDS} seconds: {process.communicate()[0]}")
    assert process.returncode == 0, output
    lines = output.splitlines()
    assert lines[:4] == [
        "a search in two processes",
        "cross validation by threading",
        "cross validation by loky",
        "predictions of a fitted model by loky",
    ]
    assert "refused: this process was forked from one in which JAX had computed" in lines[4]
    assert "'loky'" in lines[4]
