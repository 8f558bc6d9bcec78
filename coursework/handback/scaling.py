"""How many points is a grade, where the system's maximum may be another?"""

import math
import re

from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number


class ExportError(ValueError):
    """Grades that cannot be exported; the message says what is wanted."""


def maximum_in(theirs: str, book: Gradebook, scale: bool, where: str) -> float:
    """The points that a full grade has in the system.

    Args:
        theirs: what the system says, with a decimal comma or point; empty if it says nothing.
        book: the grades' folder.
        scale: whether another maximum is accepted.
        where: what an error calls the place that says so.

    Raises:
        ExportError: if it is another than the assignment's, and that is not accepted.
    """
    parts = re.split(r"[.,]", theirs.strip())
    try:
        value = float(".".join(("".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]) if parts[0] else None
    except ValueError:
        value = math.nan
    if value is None or abs(value - book.points) < 0.005:
        return book.points
    if scale and value > 0:
        return value
    raise ExportError(
        f"{theirs.strip()} points are set in {where}, the assignment has {number(book.points)}: set that in the "
        "system and export the roster again, or let the grades be converted (--scale)"
    )


def grade_in(book: Gradebook, row: Row, maximum: float) -> str:
    """A total in terms of the system's maximum; nothing where there is no total."""
    if row.total is None:
        return ""
    return number(row.total if maximum == book.points else round(row.total / book.points * maximum, 2))
