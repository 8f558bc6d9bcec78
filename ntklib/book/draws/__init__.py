"""What did a chapter measure with other random numbers than those that its page shows?

The page runs one draw. ``python -m tools.redraw CHAPTER --record NAME ...`` runs the chapter with others and keeps what
it noted or claimed under these names, in a file of this folder. A chapter that says what other draws gave reads it
here.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ntklib import _arguments

__all__ = ["redrawn"]

_FOLDER = Path(__file__).parent


def redrawn(chapter: str, name: str) -> NDArray[np.float64]:
    """What a number of a chapter was in each of the other draws that were recorded.

    Args:
        chapter: its name.
        name: that of a note or a claim in the chapter.

    Returns:
        the numbers, one a draw.

    Raises:
        ValueError: if no draw of the chapter, or none of the number, was recorded.

    >>> p = redrawn("real-data", "real-gaussian-p")
    >>> len(p), bool((p > 0).all() and (p < 1).all())
    (7, True)
    """
    path = _FOLDER / f"{_arguments.text('chapter', chapter)}.json"
    if not path.is_file():
        known = sorted(each.stem for each in _FOLDER.glob("*.json"))
        raise ValueError(f"chapter must be one whose draws were recorded, {known}, got {chapter!r}")
    values = json.loads(path.read_text(encoding="utf-8"))["values"]
    if _arguments.text("name", name) not in values:
        raise ValueError(f"name must be one of {sorted(values)}, got {name!r}: python -m tools.redraw records others")
    return np.array(values[name], float)
