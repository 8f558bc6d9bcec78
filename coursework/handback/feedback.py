"""What a student gets back: one page of their own, in one file that asks nobody for anything."""

import base64
import hashlib
import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from coursework.files import atomic_write, private_folder, safe_name
from coursework.gradebook.grades import ACCEPT, Book, Row, grade_rows, number, open_book, refresh
from coursework.intake.roster import Roster
from coursework.masters.reading import TESTED_WITH

__all__ = ["feedback", "page"]

HERE = Path(__file__).parent
LONGEST = 4_000  # characters of one message
STYLE = (HERE / "feedback.css").read_text(encoding="utf-8").strip()

# With the style's hash in the policy, a script, style or picture that got in in spite of the escaping does nothing.
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)

TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(
    (HERE / "feedback.html").read_text(encoding="utf-8")
)

STANDING = {
    "needs-manual": "Not all questions are graded yet, so there is no total.",
    "check": "Your instructor is still looking at this submission. The points may change, so there is no total.",
    "not-graded": "Your submission could not be graded.",
    "missing": "No file with your id or name was received.",
}


def feedback(out: str | Path, roster: Roster, folder: str | Path | None = None) -> list[Path]:
    """Write a page for each student of the roster, with the marks as they are now; return the files in its order.

    grades.csv is brought up to date too.

    They go into ``folder``, ``out``/feedback by default, named after the student's id with everything that is no
    letter or digit escaped. A page holds what concerns its student only: points by question, what failed (never a
    hidden test's text), comments.
    """
    book = open_book(out)
    folder = private_folder(Path(folder) if folder else book.out / "feedback")
    rows = grade_rows(book, roster)
    refresh(book, rows)
    written = []
    for row in rows:
        path = folder / f"{safe_name(row.student.id)}.html"
        atomic_write(path, page(book, row).encode())
        written.append(path)
    return written


def page(book: Book, row: Row) -> str:
    """The page of one student."""
    shown = row.status in ("graded", "needs-manual", "check") and any(
        value is not None for value in row.points.values()
    )
    questions = [
        {
            "name": question,
            "by": "by hand" if question in row.by_hand or question in book.manual else "by tests",
            "points": "not yet" if row.points[question] is None else number(row.points[question]),
            "maximum": number(maximum),
            "lost": row.points[question] is not None and (row.points[question] or 0) < maximum,
        }
        for question, maximum in book.maxima.items()
    ]
    standing = STANDING.get(row.status, "")
    if row.reason:
        standing = f"{standing} Reason: {_text(row.reason)}"
    elif row.status == "not-graded":
        standing = "Your submission has not been graded yet."
    if any(note.endswith(TESTED_WITH) for note in row.notes):
        standing += " This notebook has another number than yours."
    return TEMPLATE.render(
        policy=POLICY,
        style=STYLE,
        book=book,
        row=row,
        name=_text(row.student.name),
        file=_text(row.file),
        standing=standing,
        total=number(row.total),
        maximum=number(book.points),
        questions=questions if shown else [],
        failures=[(question, _text(row.failures[question])) for question in book.maxima if row.failures.get(question)],
        comments=[
            (question if question in book.maxima else "in general", _text(row.comments[question]))
            for question in {**book.maxima, ACCEPT: 0.0}
            if row.comments.get(question)
        ],
    )


def _text(text: str) -> str:
    """Text that can be shown: without colours of a terminal, control characters and directions, and not without end."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", plain)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}\n… ({len(plain) - LONGEST:,} characters more)"
