"""How did a class do, question by question, and which wrong answers are common?"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coursework.files import atomic_write, private_folder
from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.tables import table
from coursework.text import guarded_line, one_line

FEWEST = 10  # students below whom a correlation says nothing
COMMON = 3  # wrong answers shown for each question


@dataclass(frozen=True)
class QuestionStats:
    """One question over all who have points for it.

    `discrimination` is the correlation of its points with those of all other questions together, None where there are
    too few students or no differences. `wrong` has what failed, numbers left out, and how often.
    """

    question: str
    maximum: float
    students: int
    mean: float
    median: float
    full: float
    none: float
    discrimination: float | None
    wrong: tuple[tuple[str, int], ...] = ()


def question_stats(book: Gradebook, rows: Sequence[Row]) -> list[QuestionStats]:
    """The statistics of each question, in the order of the set; of one without points, `students` is 0.

    Args:
        book: the grades' folder.
        rows: the grades as they are now.
    """
    whole = [row for row in rows if all(value is not None for value in row.points.values())]
    found = []
    for question, maximum in book.maxima.items():
        points = np.array([row.points[question] for row in rows if row.points[question] is not None], float)
        if not len(points):
            found.append(QuestionStats(question, maximum, 0, math.nan, math.nan, math.nan, math.nan, None))
            continue
        wrong = Counter(shape_of(row.failures[question]) for row in rows if row.failures.get(question))
        found.append(
            QuestionStats(
                question,
                maximum,
                len(points),
                float(points.mean()),
                float(np.median(points)),
                float(np.mean(points >= maximum - 1e-9)),
                float(np.mean(points <= 1e-9)),
                _discrimination(whole, question),
                tuple(sorted(wrong.items(), key=lambda one: (-one[1], one[0]))[:COMMON]),
            )
        )
    return found


def _discrimination(rows: Sequence[Row], question: str) -> float | None:
    """The correlation of a question's points with the rest of the total."""
    if len(rows) < FEWEST:
        return None
    own = np.array([row.points[question] for row in rows], float)
    rest = np.array([sum(value or 0.0 for name, value in row.points.items() if name != question) for row in rows])
    if np.ptp(own) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.corrcoef(own, rest)[0, 1])


def shape_of(failure: str) -> str:
    """What failed without its numbers, which differ from student to student.

    >>> shape_of("answer is -3.25e-05, which is not the mean of your 20 numbers")
    'answer is #, which is not the mean of your # numbers'
    """
    return one_line(re.sub(r"(?<![\w.])[-+]?\d+(\.\d+)?(e[-+]?\d+)?(?!\w)", "#", failure), 200)


def stats_table(found: Sequence[QuestionStats]) -> list[list[str]]:
    """The cells of a set's table: a line for each question."""
    head = ["question", "maximum", "students", "mean", "median", "full marks", "no marks", "discrimination"]
    head += [f"{what} {rank}" for rank in range(1, COMMON + 1) for what in ("wrong answer", "how often")]
    lines = [head]
    for one in found:
        shares = [one.mean, one.median, one.full, one.none]
        cells = [one.question, number(one.maximum), str(one.students)]
        cells += [f"{value:.3f}" if one.students else "" for value in shares]
        cells.append("" if one.discrimination is None else f"{one.discrimination:.2f}")
        cells += [cell for text, count in one.wrong for cell in (guarded_line(text), str(count))]
        lines.append(cells + [""] * (len(head) - len(cells)))
    return lines


def write_stats(book: Gradebook, rows: Sequence[Row], out: Path) -> list[QuestionStats]:
    """Write ``NAME-questions.csv`` into a folder; what is in it."""
    found = question_stats(book, rows)
    atomic_write(private_folder(out) / f"{book.name}-questions.csv", table(stats_table(found), bom=True))
    return found
