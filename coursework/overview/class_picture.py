"""A picture of a set for the lecture: what was hard, and how the class did. It names nobody and loads nothing."""

import io
import os
import re
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from coursework.files import atomic_write, private_folder
from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.overview.question_stats import QuestionStats

# told apart by their pattern and by how dark they are, not by hue alone
KINDS = (("full marks", "#0b5394", ""), ("some", "#9fc5e8", "///"), ("none", "#ffffff", "..."))


def write_picture(book: Gradebook, found: Sequence[QuestionStats], rows: Sequence[Row], out: Path) -> list[Path]:
    """Write ``NAME.svg`` and ``NAME.png`` into a folder; the svg carries its description as text.

    Args:
        book: the grades' folder.
        found: the statistics of its questions.
        rows: the grades, for the histogram of totals.
        out: where to write.
    """
    os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
    import matplotlib

    matplotlib.use("Agg")
    figure = _drawn(book, [one for one in found if one.students], rows)
    written = []
    for kind in ("svg", "png"):
        buffer = io.BytesIO()
        with matplotlib.rc_context(
            {"svg.hashsalt": book.name, "svg.fonttype": "none"}
        ):  # the same grades, the same file
            figure.savefig(buffer, format=kind, dpi=150)
        data = buffer.getvalue()
        path = private_folder(out) / f"{book.name}.{kind}"
        atomic_write(path, _described(data, book.title, described(book, found, rows)) if kind == "svg" else data)
        written.append(path)
    return written


def described(book: Gradebook, found: Sequence[QuestionStats], rows: Sequence[Row]) -> str:
    """What the picture shows, in words."""
    totals = [row.total for row in rows if row.total is not None]
    mean = f", on average {number(round(sum(totals) / len(totals), 2))}" if totals else ""
    lines = [f"{book.title}: {len(totals)} totals of {number(book.points)} points{mean}."]
    for one in found:
        if one.students:
            tells = "" if one.discrimination is None else f", discrimination {one.discrimination:.2f}"
            lines.append(
                f"{one.question}: full marks {one.full:.0%}, none {one.none:.0%}, mean {number(round(one.mean, 2))} of "
                f"{number(one.maximum)}, {one.students} students{tells}."
            )
    return "\n".join(lines)


def _drawn(book: Gradebook, found: Sequence[QuestionStats], rows: Sequence[Row]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2.5 + 0.45 * len(found)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    places = range(len(found))[::-1]
    shares = [[one.full for one in found], [1 - one.full - one.none for one in found], [one.none for one in found]]
    start = [0.0] * len(found)
    for (name, colour, hatch), share in zip(KINDS, shares, strict=True):
        left.barh(places, share, left=start, color=colour, hatch=hatch, edgecolor="black", label=name)
        start = [begin + more for begin, more in zip(start, share, strict=True)]
    left.set_yticks(places, [f"{one.question} ({number(one.maximum)})" for one in found])
    left.set_xlim(0, 1)
    left.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    left.set_xlabel("share of those who have points for it")
    left.set_title("Questions (points)", loc="left", pad=28)
    left.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, borderaxespad=0.2)
    totals = [row.total for row in rows if row.total is not None]
    right.hist(totals, bins=10, range=(0, book.points), color=KINDS[0][1], edgecolor="white")
    right.set_xlim(0, book.points)
    right.set_xlabel(f"total, of {number(book.points)} points")
    right.set_ylabel("students")
    right.set_title(f"{len(totals)} totals", loc="left", pad=28)
    right.yaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(book.title, fontweight="bold")
    return figure


def _described(svg: bytes, title: str, text: str) -> bytes:
    """The picture with a title and a description for who does not see it, and without what would be looked up."""
    whole = re.sub(r"<!DOCTYPE[^>]*>\s*|<metadata>.*?</metadata>\s*", "", svg.decode(), flags=re.DOTALL)
    head = f"\n <title id='title'>{escape(title)}</title>\n <desc id='desc'>{escape(text)}</desc>"
    named = r"\1 role='img' aria-labelledby='title desc'>" + head.replace("\\", r"\\")
    return re.sub(r"(<svg\b[^>]*)>", named, whole, count=1).encode()
