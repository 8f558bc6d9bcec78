"""Do the links to other sites still lead somewhere? ``python -m tools.links`` has Sphinx's linkcheck ask each.

Sphinx asks, waits where it is told to, asks again, and looks for the named place on a page. What fails is decided here,
since linkcheck calls broken whatever it could not see: an address that does not exist any more fails (404, 410, no such
host); one whose server is busy, or does not answer programs, is reported and does not, as a publisher that refuses
robots says nothing about the link. Links within the book are checked by the tests, without the network.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.terminal import show_all_signs

GONE = re.compile(r"(?:404|410) Client Error|Failed to resolve|Name or service not known")
START = "from jupyter_book.cli.main import main; main()"
ARGUMENTS = ("build", "--quiet", "--builder", "custom", "--custom-builder", "linkcheck")


def judge(answers: Iterable[dict[str, Any]]) -> int:
    """Say what linkcheck could not see; returns how many addresses are gone.

    Args:
        answers: what linkcheck writes of each address into its ``output.json``.
    """
    asked = [answer for answer in answers if answer["status"] != "unchecked"]
    unseen = [answer for answer in asked if answer["status"] not in ("working", "redirected")]
    gone = [answer for answer in unseen if answer["status"] == "broken" and GONE.search(answer["info"])]
    for answer in sorted(unseen, key=lambda answer: (answer not in gone, answer["uri"])):
        verdict = "gone" if answer in gone else "unclear"
        print(f"{verdict}: {answer['info'] or answer['status']}: {answer['uri']} (in {answer['filename']})")
    seen, unclear = len(asked) - len(unseen), len(unseen) - len(gone)
    print(f"{len(asked)} addresses: {seen} answer, {len(gone)} gone, {unclear} unclear.")
    return len(gone)


def check(source: Path) -> int:
    """Have linkcheck ask all addresses in a book; returns how many are gone.

    Raises:
        RuntimeError: if linkcheck did not come to its end.
    """
    output = source / "_build" / "linkcheck" / "output.json"
    output.unlink(missing_ok=True)
    command = [sys.executable, "-c", START, *ARGUMENTS, str(source)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    process = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="replace")
    if not output.exists():
        raise RuntimeError(f"linkcheck did not run:\n{process.stdout}\n{process.stderr}")
    return judge(json.loads(line) for line in output.read_text(encoding="utf-8").splitlines())


def main() -> int:
    """Read the command line and check."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.links", description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=Path(), help="the folder of the book")
    return 1 if check(parser.parse_args().source) else 0


if __name__ == "__main__":
    raise SystemExit(main())
