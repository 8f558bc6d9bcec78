from dataclasses import replace

import pytest

from coursework.judging.setting import limits_of
from coursework.masters.allowance import Allowance
from coursework.sandbox.sandbox import Sandbox

USUAL = limits_of(Allowance())
QUICK = replace(USUAL, cell=1.0, patience=4.0, grace=1.0)


@pytest.fixture(scope="session")
def cache(cache):
    """What a submission sees of what was compiled."""
    return cache / "seen"


@pytest.fixture(scope="module")
def box(cache):
    with Sandbox(USUAL, cache=cache) as box:
        yield box


@pytest.fixture
def fresh(cache):
    """A sandbox that may be ended, with less to use."""
    with Sandbox(QUICK, cache=cache) as box:
        yield box
