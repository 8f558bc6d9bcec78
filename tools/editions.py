"""Has a reader changed their copy of a notebook, and is there a newer edition of it? The notebook itself knows."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

NAME = "book"  # of what stands in the metadata of a notebook


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def content(notebook: Any) -> str:
    """A digest of all that a person or a run of the cells may have changed.

    What programs write of themselves is left out: the metadata of the notebook, such as the version of the kernel that
    was started, and those of its cells, such as whether a cell is unfolded.
    """
    return _digest(
        [
            [cell["cell_type"], _text(cell["source"]), cell.get("attachments"), cell.get("execution_count")]
            + [{**output, "metadata": None} for output in cell.get("outputs", [])]
            for cell in notebook["cells"]
        ]
    )


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def source_digest(text: str) -> str:
    """A digest of the text from which a notebook is made."""
    return _digest(text)


def sign(notebook: Any, source: str, passing: Iterable[str] = ()) -> None:
    """Write into a notebook which edition it is.

    Args:
        notebook: as it is handed out.
        source: the text that it is made from.
        passing: pieces of its text that differ from build to build, and make no new edition.
    """
    texts = "\n".join(_text(cell["source"]) for cell in notebook["cells"])
    for piece in passing:
        texts = texts.replace(piece, "")
    known = {"edition": _digest(texts), "source": source_digest(source), "content": content(notebook)}
    notebook["metadata"][NAME] = known


def edition(notebook: Any) -> str | None:
    """Which edition a notebook is, or is a changed copy of; `None` if it does not say."""
    return notebook["metadata"].get(NAME, {}).get("edition")


def untouched(notebook: Any) -> bool:
    """Whether a notebook is as it was handed out."""
    return notebook["metadata"].get(NAME, {}).get("content") == content(notebook)
