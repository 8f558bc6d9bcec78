"""A real Chromium for the tests: the system's own, else the one that Playwright downloads, else the test is skipped."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "no Chromium: apt-get install chromium, or .venv/bin/python -m playwright install chromium"


def executable(playwright) -> str | None:
    """The path of a Chromium, or None."""
    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    downloaded = playwright.chromium.executable_path
    return own or (downloaded if Path(downloaded).exists() else None)


@contextlib.contextmanager
def chromium() -> Iterator:
    """A browser; skips the test if there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            pytest.skip(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def axe() -> str:
    """The source of axe-core; skips the test if it is not installed."""
    places = [os.environ.get("AXE_CORE", ""), ROOT / "_build" / "node" / "node_modules" / "axe-core" / "axe.min.js"]
    for place in places:
        if place and Path(place).exists():
            return Path(place).read_text()
    pytest.skip("no axe-core: npm install --prefix _build/node axe-core@4.14.1")
