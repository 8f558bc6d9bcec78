"""What the tests of built pages share."""

import pytest
from browser import chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened
