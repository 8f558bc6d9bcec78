"""Builds the site strictly and tells a person what is happening: ``python -m extensions.build [SOURCE]``.

The work is Jupyter Book's. This shows which chapter is executing and how long it took, repeats every warning with its
place, and fails if there was one.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from extensions.sharing import front_page

EXECUTING = re.compile(r"([\w./ -]+?)(?:\.md)?: Executing notebook")
EXECUTED = re.compile(r"([\w./ -]+?)(?:\.md)?: Executed notebook in ([\d.]+) seconds")


def build(source: Path) -> int:
    """Build the book in `source` into its `_build/html`; returns the exit status, 0 only if nothing at all is wrong."""
    start = time.monotonic()
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(source),
        "--nitpick",
    ]
    command += ["--warningiserror", "--keep-going"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace")
    assert process.stdout is not None
    tail: list[str] = []
    for raw in process.stdout:
        line = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", raw).rstrip()
        tail = [*tail[-40:], line]
        if match := EXECUTED.search(line):
            print(f"{_name(match[1], source)}: {float(match[2]):.1f} s", flush=True)
        elif match := EXECUTING.search(line):
            print(f"{_name(match[1], source)}: executing …", flush=True)
    status = process.wait()
    index = source / "_build" / "html" / "index.html"
    if status != 0 or not index.exists():
        # Sphinx repeats a warning only for what it reads again: forget what it read, so that the next build fails too.
        (source / "_build" / ".doctrees" / "environment.pickle").unlink(missing_ok=True)
        if not any("warnings" in line for line in tail):  # it stopped before Sphinx came to count them
            print("\n".join(tail), file=sys.stderr)
        print("The book was not built: see the messages above.", file=sys.stderr)
        return status or 1
    front = re.search(r"url=([\w./-]+\.html)", index.read_text(encoding="utf-8"))
    if (
        front is not None and (index.parent / front[1]).exists()
    ):  # Jupyter Book's way to the title page says nothing else
        title_page = (index.parent / front[1]).read_text(encoding="utf-8")
        index.write_text(front_page(title_page, front[1]), encoding="utf-8")
    print(f"Built in {time.monotonic() - start:.0f} s: {index.resolve()}")
    return 0


def _name(path: str, source: Path) -> str:
    return path.removeprefix(f"{source.resolve()}/")


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m extensions.build", description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=Path(), help="the folder of the book")
    return build(parser.parse_args().source)


if __name__ == "__main__":
    raise SystemExit(main())
