import pytest

from coursework.sandbox.limits import Limits
from coursework.sandbox.sandbox import Sandbox

QUICK = Limits(cell=1.0, patience=4.0, grace=1.0)


@pytest.fixture(scope="session")
def cache(cache):
    """What a submission sees of what was compiled."""
    return cache / "seen"


@pytest.fixture(scope="module")
def box(cache):
    with Sandbox(cache=cache) as box:
        yield box


@pytest.fixture
def fresh(cache):
    """A sandbox that may be ended, with less to use."""
    with Sandbox(QUICK, cache=cache) as box:
        yield box
