"""What a student gets back: one page of their own, in one file that asks nobody for anything."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from coursework.files import atomic_write, private_folder, safe_name
from coursework.gradebook.folder import Gradebook, open_gradebook
from coursework.gradebook.grades import ACCEPT, Row, grade_rows, number, refresh
from coursework.intake.roster import Roster
from coursework.masters.identity import TESTED_WITH
from coursework.text import page_text

HERE = Path(__file__).parent
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

    grades.csv is brought up to date too. A page is named after the student's id with everything that is no letter or
    digit escaped. It holds what concerns its student only: points by question, what failed (never a hidden test's
    text), comments.

    Args:
        out: the folder that grades were written to.
        roster: the class.
        folder: where the pages go; `out`/feedback by default.

    Raises:
        GradebookError: if nothing was graded into `out`.
        MarksError: if its marks.csv cannot be used.
    """
    book = open_gradebook(out)
    folder = private_folder(Path(folder) if folder else book.out / "feedback")
    rows = grade_rows(book, roster)
    refresh(book, rows)
    written = []
    for row in rows:
        path = folder / f"{safe_name(row.student.id)}.html"
        atomic_write(path, feedback_page(book, row).encode())
        written.append(path)
    return written


def feedback_page(book: Gradebook, row: Row) -> str:
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
        standing = f"{standing} Reason: {page_text(row.reason)}"
    elif row.status == "not-graded":
        standing = "Your submission has not been graded yet."
    if any(note.endswith(TESTED_WITH) for note in row.notes):
        standing += " This notebook has another number than yours."
    return TEMPLATE.render(
        policy=POLICY,
        style=STYLE,
        book=book,
        row=row,
        name=page_text(row.student.name),
        file=page_text(row.file),
        standing=standing,
        total=number(row.total),
        raw=number(row.raw),
        lateness=row.lateness.note if row.lateness and row.lateness.late and not row.lateness.unknown else "",
        maximum=number(book.points),
        questions=questions if shown else [],
        failures=[
            (question, page_text(row.failures[question])) for question in book.maxima if row.failures.get(question)
        ],
        comments=[
            (question if question in book.maxima else "in general", page_text(row.comments[question]))
            for question in {**book.maxima, ACCEPT: 0.0}
            if row.comments.get(question)
        ],
    )
