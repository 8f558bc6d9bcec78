"""A test that is skipped says at the end why; where everything is installed, as in CI, none may be.

With the releases that the lock names JAX compiles here as it does for chapters, which takes half the time; with others
it compiles as it does for everybody. Tests run side by side, so that each has one thread for its linear algebra. What
was compiled is kept below `_build`, for the processes that tests start and for the next run, which then takes half the
time; for each worker by itself, because JAX may read a program that another process is still writing.

Compiling is most of what the library's tests cost. What they compile in their own process, with the releases that the
lock names, XLA does not optimise: such programs are run for a moment. So it is where another file is marked
`unoptimised`. Processes that a test starts compile as the book does, with other releases everything compiles as it
does for everybody, and a test that holds what is computed to its last digits is marked `optimised`.
"""

import os
import sys
from collections import Counter

import pytest
from browser import ROOT, chromium
from threadpoolctl import threadpool_limits

from tools import threads
from tools.build import NEEDLESS
from tools.compiling import xla_flags

sys.modules.setdefault(NEEDLESS, None)  # two seconds of each worker's start
COMPILED = ROOT / "_build" / ".jax_cache_tests" / os.environ.get("PYTEST_XDIST_WORKER", "alone")

os.environ |= {  # before JAX and NumPy are imported
    "XLA_FLAGS": xla_flags(),
    "JAX_COMPILATION_CACHE_DIR": str(COMPILED),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "BOOK_SHEETS": str(ROOT / "_build" / ".sheets_tests"),  # parsed once for all small books
    **threads.ONE_EACH,
}
threadpool_limits(1)  # a plugin of pytest may have imported NumPy before, where nothing starts the worker
LOCKED = bool(xla_flags())

UNOPTIMISED = (ROOT / "ntklib", ROOT / "tests" / "ntklib")

# They open hundreds of pages and pass as well in a Chromium that has no windows, which is used if it is installed.
WINDOWLESS = (
    "test_dragging.py",
    "test_explorers.py",
    "test_explorers_reading.py",
    "test_laboratory.py",
    "test_ledger.py",
    "test_measure.py",
    "test_selfcheck.py",
    "test_slides.py",
    "test_weight.py",
)

# begun first: left to the end, one of these keeps a worker busy while the other has nothing to do
LONGEST = (
    "test_chapters.py",
    "test_site.py",
    "test_lab.py",
    "test_laboratory.py",
    "test_mlp.py",
    "test_assignments.py",
    "test_convolution.py",
    "test_build.py",
    "test_laboratory_widget.py",
    "test_wrong_answers.py",
    "test_slides.py",
    "test_weight.py",
    "test_lab_notebooks.py",
    "test_laboratory_engine.py",
    "test_neural_tangents.py",
    "test_against_neural_tangents.py",
    "test_measure.py",
    "test_singular.py",
    "test_laziness.py",
    "test_estimators.py",
    "test_judge.py",
    "test_explorers.py",
)


def pytest_configure(config):
    config.addinivalue_line("markers", "unoptimised: what it compiles is not optimised")
    config.addinivalue_line("markers", "optimised: not even where that is so for its file or its folder")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Around fixtures too, since they compile as much."""
    marked = item.get_closest_marker("unoptimised") is not None
    if not LOCKED or not (marked or any(folder in item.path.parents for folder in UNOPTIMISED)):
        return (yield)
    import jax

    optimised = item.get_closest_marker("optimised") is not None
    if optimised:
        jax.clear_caches()  # what other tests have compiled
    jax.config.update("jax_disable_most_optimizations", not optimised)
    try:
        return (yield)
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def browser(request):
    with chromium(windowless=request.path.name in WINDOWLESS) as opened:
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
