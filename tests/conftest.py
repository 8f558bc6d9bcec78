"""A test that is skipped says at the end why; where everything is installed, as in CI, none may be.

With the releases that the lock names JAX compiles here as it does for chapters, which takes half the time; with others
it compiles as it does for everybody. Tests run side by side, so that each has one thread for its linear algebra.
"""

import os
from collections import Counter

import pytest
from browser import chromium

from tools import threads
from tools.compiling import xla_flags

os.environ |= {"XLA_FLAGS": xla_flags(), **threads.ONE_EACH}  # before JAX and NumPy are imported


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def pytest_collection_modifyitems(items):
    """Files with many tests first, as pytest-xdist would, but the chapters before them: few tests, and minutes each.

    Left to the end, as their number asks for, they keep one worker busy while the other has nothing to do.
    """
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.parent.name != "chapters", -tests[item.path], item.path))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and exitstatus == 0 and os.environ.get("BOOK_NOTHING_SKIPPED"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped, but BOOK_NOTHING_SKIPPED is set")
