"""The harness of the benchmarks: what it records, for work that is certain to differ."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPT = """
from compare import Case, main

def some():
    return lambda: sum(range(1000))

def much():
    def call():
        return len(b"a" * 60_000_000) + sum(range(3_000_000))
    return call

CASES = [
    Case("sums, n = 1", {"some": some, "much": much}, goals={"much": 0.5}, rounds=3,
         measure=lambda r: {"x": min(r.values())}),
    Case("sums, n = 2", {"much": much, "some": some}, n=2, goals={"some": 0.5}, rounds=0),
]
if __name__ == "__main__":
    main(CASES)
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copy(BENCHMARKS / "compare.py", tmp_path)
    (tmp_path / "sums.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def run(folder, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False)


def test_a_run_records_ratios_memory_and_the_machine_and_replaces_itself(folder):
    for arguments in (("compare.py",), ("sums.py", "--case", "n = 2")):
        done = run(folder, *arguments)
        assert done.returncode == 0, done.stderr
        (last,) = json.loads((folder / "results" / "sums.json").read_text(encoding="utf-8"))
        assert last["machine"]["cores"] >= 1
        first, second = last["cases"]
        assert first["contenders"]["much"]["ratio"] < 0.5 < second["contenders"]["some"]["ratio"]
        assert first["contenders"]["some"]["ratio"] == 1
        assert first["measured"] == {"x": 499500.0}
        if sys.platform == "linux":
            for case in (first, second):
                peaks = {name: one["peak_bytes"] for name, one in case["contenders"].items()}
                assert 55e6 < peaks["much"] < 200e6
                assert peaks["some"] < 20e6
    assert "missed: 0.5" in done.stdout


def test_all_benchmarks_with_peers_run_and_one_that_fails_does_not_stop_the_others(folder):
    (folder / "broken.py").write_text(
        SCRIPT.replace("def some():", "def some():\n    raise OSError('broken')"), encoding="utf-8"
    )
    (folder / "other.py").write_text("raise SystemExit('has no peers, and a command of its own')", encoding="utf-8")
    done = run(folder, "compare.py")
    assert done.returncode != 0
    assert "OSError: broken" in done.stderr
    assert "failed, see above: broken" in done.stderr
    assert "no peers" not in done.stderr
    assert (folder / "results" / "sums.json").exists()


def test_unknown_names_are_errors(folder):
    assert "no benchmark ['what']; there are ['sums']" in run(folder, "compare.py", "what").stderr
    assert "no case has 'n = 3'" in run(folder, "sums.py", "--case", "n = 3").stderr
    (folder / "sums.py").write_text(SCRIPT.replace('goals={"much"', 'goals={"nobody"'), encoding="utf-8")
    assert "goals must name peers, ['much'], got ['nobody']" in run(folder, "sums.py").stderr
