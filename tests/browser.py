"""A real Chromium for the tests, the one that prints the book; without it the test is skipped."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chromium import launched

ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def chromium() -> Iterator:
    """A browser; skips the test if there is none."""
    pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(launched())
        except FileNotFoundError as missing:
            pytest.skip(str(missing))
        yield browser


def axe() -> str:
    """The source of axe-core; skips the test if it is not installed."""
    places = [os.environ.get("AXE_CORE", ""), ROOT / "_build" / "node" / "node_modules" / "axe-core" / "axe.min.js"]
    for place in places:
        if place and Path(place).exists():
            return Path(place).read_text(encoding="utf-8")
    pytest.skip("no axe-core: npm install --prefix _build/node axe-core@4.14.1")
