"""A small book, of pages that a test has written, built with the extensions and the library of this one."""

import os
import subprocess
import sys
from pathlib import Path

from browser import ROOT


def built(book: Path) -> tuple[int, str]:
    """The exit status of a build of the book in this folder, and what it said.

    The folder needs its pages, `_config.yml` and `_toc.yml`.
    """
    for name in ("extensions", "tools", "ntklib", "requirements.txt", "references.bib"):
        (book / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "tools.build", str(book)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return done.returncode, done.stdout + done.stderr


def build_linked(book: Path) -> Path:
    """The site of the book in this folder; a warning fails."""
    status, said = built(book)
    assert status == 0, said[-6000:]
    return book / "_build" / "html"
