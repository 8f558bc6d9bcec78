"""What a command costs before it does anything, in processor time: that of its own process."""

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def seconds(code: str, tries: int = 3) -> tuple[float, str]:
    """Processor time of a Python process, the least of so many, and what it printed."""
    least = float("inf")
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least, done.stdout


def test_list_costs_a_second_at_most():
    took, said = seconds("from coursework.__main__ import main; main(['list'])")
    assert "no-free-lunch" in said
    nothing, _ = seconds("pass")
    plain, _ = seconds("import numpy")  # how fast this machine is now: twelve sets take 10 times as long, 23 unspared
    assert took < max(1.0, nothing + 14 * plain), f"{took:.2f} s"


def test_what_is_not_needed_is_not_imported():
    code = "import sys; from coursework.__main__ import main; main(['list']); print(sorted(sys.modules))"
    _, said = seconds(code, tries=1)
    loaded = set(eval(said.splitlines()[-1]))
    assert "nbformat" in loaded
    assert not loaded & {"jax", "matplotlib", "scipy", "jupyter_server", "rfc3987_syntax", "isoduration", "lark"}


def test_who_wants_the_checks_of_addresses_gets_them():
    code = "import coursework.__main__; import rfc3987_syntax; print(rfc3987_syntax.__name__)"
    assert seconds(code, tries=1)[1] == "rfc3987_syntax\n"
