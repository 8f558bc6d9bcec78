"""Which Chromium prints the book and is measured? The system's own, else the one that Playwright downloads."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WINDOWLESS = "chromium-headless-shell"
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


def executable(playwright: Any, *, windowless: bool = False) -> str | None:
    """The path of a Chromium, or `None`; of one that has no windows, where it is wanted and there is one."""
    names = (WINDOWLESS, *NAMES) if windowless else NAMES
    own = next(filter(None, map(shutil.which, names)), None)
    downloaded = playwright.chromium.executable_path
    return own or (downloaded if Path(downloaded).exists() else None)


@contextlib.contextmanager
def launched(*, windowless: bool = False) -> Iterator[Any]:
    """A browser, closed at the end of the block.

    One without windows lays out alike and opens a page in a third of the time; what depends on a window, such as what
    the focus shows, is another matter.

    Raises:
        FileNotFoundError: if there is none; the message says how to install one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = executable(playwright, windowless=windowless)
        if path is None:
            raise FileNotFoundError(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
