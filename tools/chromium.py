"""Which Chromium prints the book and is measured? The system's own, else the one that Playwright downloads."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "no Chromium: apt-get install chromium, or .venv/bin/python -m playwright install chromium"


def executable(playwright: Any) -> str | None:
    """The path of a Chromium, or `None`."""
    own = next(filter(None, map(shutil.which, NAMES)), None)
    downloaded = playwright.chromium.executable_path
    return own or (downloaded if Path(downloaded).exists() else None)


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """A browser, closed at the end of the block.

    Raises:
        FileNotFoundError: if there is none; the message says how to install one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            raise FileNotFoundError(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
