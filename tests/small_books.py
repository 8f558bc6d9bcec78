"""A small book, of pages that a test has written, built with the extensions and the library of this one."""

import os
import subprocess
import sys
from pathlib import Path

from browser import ROOT


def build_linked(book: Path) -> Path:
    """The site of the book in this folder, which needs its pages, `_config.yml` and `_toc.yml`; a warning fails."""
    for name in ("extensions", "tools", "ntklib", "requirements.txt", "references.bib"):
        (book / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "tools.build", str(book)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return book / "_build" / "html"
