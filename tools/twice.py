"""Which chapters have shown the same in two executions? A record of it, so that only what changed is executed twice.

The tests execute a chapter a second time, with the network off, and compare every output with the first. A chapter that
passed with the very same inputs before need not do so again: ``benchmarks/twice.json`` holds, for each, the fingerprint
of its code cells, of the modules of `ntklib` that they import, of the lock and of the way in which JAX compiles. What
is not there as it stands is executed twice, so a record that is out of date costs time and hides nothing. The weekly
run and each release execute every chapter twice, whatever is recorded.

``python -m tools.twice`` (`make twice`) records what the tests found on this machine.
"""

import hashlib
import json
from pathlib import Path

from extensions.execution.fingerprint import code_cells, dependencies

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "benchmarks" / "twice.json"
FOUND = ROOT / "_build" / "twice"


def inputs(text: str) -> str:
    """A hash of all that decides what a text notebook shows, whichever Python executes it.

    >>> inputs("One page.") == inputs("Another page.")
    True
    """
    digest = hashlib.sha256()
    for content in [*(cell.encode() for cell in code_cells(text)), *(path.read_bytes() for path in dependencies(text))]:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def recorded() -> dict[str, str]:
    """The inputs with which each chapter has shown the same twice, by the page's name."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def _found(name: str) -> Path:
    return FOUND / f"{name.replace('/', '--')}.txt"


def known(name: str, text: str) -> bool:
    """Whether this page, as it stands, has shown the same twice, as is recorded or was found on this machine."""
    now = inputs(text)
    found = _found(name)
    return recorded().get(name) == now or (found.exists() and found.read_text(encoding="utf-8") == now)


def remember(name: str, text: str) -> None:
    """Two executions of this page have agreed: to be recorded when somebody asks for it."""
    FOUND.mkdir(parents=True, exist_ok=True)
    _found(name).write_text(inputs(text), encoding="utf-8")


def main() -> int:
    """Record what was found, of the pages as they stand; forget pages that are no more."""
    record, waiting = {}, []
    pages = [path for folder in ("", "chapters", "appendix") for path in sorted((ROOT / folder).glob("*.md"))]
    for path in pages:
        name, text = path.relative_to(ROOT).with_suffix("").as_posix(), path.read_text(encoding="utf-8")
        if name in recorded() or _found(name).exists():
            if known(name, text):
                record[name] = inputs(text)
            else:
                waiting.append(name)
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(record)} pages have shown the same twice: {RECORD.relative_to(ROOT)}")
    if waiting:
        print(f"not as they stand, run 'make test' first: {', '.join(waiting)}")
    return 1 if waiting else 0


if __name__ == "__main__":
    raise SystemExit(main())
