"""A test that is skipped says at the end why; where everything is installed, as in CI, none may be.

With the releases that the lock names JAX compiles here as it does for chapters, which takes half the time; with others
it compiles as it does for everybody. Tests run side by side, so that each has one thread for its linear algebra. What
was compiled is kept below `_build`, for the processes that tests start and for the next run, which then takes half the
time; for each worker by itself, because JAX may read a program that another process is still writing.
"""

import os
from collections import Counter

import pytest
from browser import ROOT, chromium

from tools import threads
from tools.compiling import xla_flags

COMPILED = ROOT / "_build" / ".jax_cache_tests" / os.environ.get("PYTEST_XDIST_WORKER", "alone")

os.environ |= {  # before JAX and NumPy are imported
    "XLA_FLAGS": xla_flags(),
    "JAX_COMPILATION_CACHE_DIR": str(COMPILED),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    **threads.ONE_EACH,
}

# begun first: left to the end, one of these keeps a worker busy while the other has nothing to do
LONGEST = (
    "test_chapters.py",
    "test_site.py",
    "test_build.py",
    "test_weight.py",
    "test_mlp.py",
    "test_explorers.py",
    "test_against_neural_tangents.py",
    "test_dynamics.py",
    "test_judge.py",
    "test_assignments.py",
)


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(autouse=True)
def the_environment_is_set_back():
    """What a test sets would reach the books that later tests build and the programs that they start."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


def pytest_collection_modifyitems(items):
    """The files that take longest first, then those with many tests, as pytest-xdist would."""
    tests = Counter(item.path for item in items)
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (rank.get(item.path.name, len(rank)), -tests[item.path], item.path))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and exitstatus == 0 and os.environ.get("BOOK_NOTHING_SKIPPED"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped, but BOOK_NOTHING_SKIPPED is set")
