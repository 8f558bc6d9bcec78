"""What is a cell for, by nbgrader's metadata, and what in it do students not see?"""

import hashlib
import re
from typing import Any

from nbformat import NotebookNode

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")


def without(source: str, markers: tuple[str, str], stub: str | None = None) -> str:
    """A cell's text without what stands between lines with the two markers.

    >>> without("def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION", SOLUTION, "pass")
    'def f(x):\\n    pass'

    Args:
        source: the text.
        markers: what the lines at the beginning and at the end of each passage hold.
        stub: what takes the place of a passage, indented as its first marker.

    Raises:
        ValueError: if the markers do not come in pairs.
    """
    begin, end = markers
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if (begin in line and inside) or (end in line and not inside):
            raise ValueError(f"{line.strip()!r} without its partner")
        if begin in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in (stub.split("\n") if stub is not None else [])]
        elif end in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"{begin!r} without {end!r}")
    return "\n".join(kept)


def grade_id(cell: Any) -> str | None:
    """nbgrader's name of a cell; None where there is none (students' notebooks may hold anything)."""
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else None


def source_of(cell: Any) -> str:
    """A cell's text with the line ends of the masters, which it is compared with; empty if it has none.

    Editors on Windows save cells with \\r\\n, some others with \\r.

    >>> source_of({"source": ["x = 1\\r\\n", "y = 2\\rz = 3"]})
    'x = 1\\ny = 2\\nz = 3'
    """
    source = cell.get("source", "") if isinstance(cell, dict) else ""
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return re.sub(r"\r\n?", "\n", text)


def is_solution(cell: NotebookNode) -> bool:
    """Is this a cell that a student fills in?"""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def fingerprint_of(cell: Any) -> str:
    """A cell's text in sixteen signs, white space at its ends left out: whether it was edited.

    >>> fingerprint_of({"source": "x = 1\\r\\n"}) == fingerprint_of({"source": "x = 1"})
    True
    """
    return hashlib.sha256(source_of(cell).strip().encode(errors="replace")).hexdigest()[:16]
