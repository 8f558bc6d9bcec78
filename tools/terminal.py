"""What does a terminal do that lacks a sign? It shows the sign's number; a command does not stop for it."""

import io
import sys


def show_all_signs() -> None:
    r"""Let standard output take all text: what its encoding lacks is written as ``\u2026``, as errors are already."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
