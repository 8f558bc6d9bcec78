"""How do chapters spend less time on compiling? XLA is told to optimise less, which is most of what they wait for.

Small programs, each compiled once and run for a moment, gain nothing from the last steps of optimisation: without
them a chapter compiles in less than half the processor time, and its products of matrices, which are the libraries'
own, run as fast. Results differ in the last digits, as between two processors. XLA refuses settings that it does not
know, so they are given only to the release that the lock names, with which they are tested.

``python -m tools.compiling`` prints the settings, as for ``env``: `make lab` starts with them.
"""

import importlib.metadata
import os
import re
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.txt"
SETTINGS = {
    "xla_backend_optimization_level": "1",
    "xla_cpu_use_fusion_emitters": "false",
    "xla_cpu_parallel_codegen_split_count": "1",
}


def xla_flags(lock: Path = LOCK) -> str:
    """XLA's flags for a chapter: those of the environment, and before them the book's where they are known."""
    locked = re.search(r"^jaxlib==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    known = locked is not None and locked[1] == importlib.metadata.version("jaxlib")
    given = os.environ.get("XLA_FLAGS", "").split()
    own = [f"--{name}={value}" for name, value in SETTINGS.items()] if known else []
    return " ".join([*(flag for flag in own if flag not in given), *given])


if __name__ == "__main__":
    print(f"XLA_FLAGS={xla_flags()}")
