"""A zip of feedback that Canvas or Moodle hands out to all students at once.

From their sources: Moodle (``mod/assign/feedback/file/importziplib.php``) takes files in folders
``Jane Doe_123_assignfeedback_file``, 123 being the participant's number in this assignment. Canvas
(``generate_comments_from_files``) takes files whose name has the numbers of the user and of the file that was handed
in, as in what was downloaded, ignores all others, and shows each under the name of that file: so a student gets a
notebook there. Brightspace's and Blackboard's ways are not known to us from any source, and are not made up.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat

from coursework.files import atomic_write
from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.handback.feedback import feedback_page
from coursework.handback.scaling import ExportError
from coursework.intake.owners import CANVAS_FILE
from coursework.text import page_text


@dataclass(frozen=True)
class Zipped:
    """The file, how many students are in it, and who is not, since the system's number for them is not known."""

    path: Path
    students: int
    without: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.path}: feedback for {self.students} students"
        return text + (f"; without a number of the system's: {', '.join(self.without)}" if self.without else "")


def feedback_zip(book: Gradebook, rows: list[Row], to: str, path: Path) -> Zipped:
    """Write the zip; no file that is there is replaced.

    Args:
        book: the grades' folder.
        rows: the grades.
        to: "canvas" or "moodle".
        path: the file to write.

    Raises:
        ExportError: if it is there, or no student's number is known.
    """
    if path.exists():
        raise ExportError(f"{path} exists already: give another name, or remove it")
    name = _moodle_name if to == "moodle" else _canvas_name
    names = {row.student.id: name(row) for row in rows}
    without = tuple(row.student.id for row in rows if not names[row.student.id] and row.status != "missing")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            if inside := names[row.student.id]:
                made = feedback_page(book, row) if to == "moodle" else feedback_notebook(book, row)
                archive.writestr(zipfile.ZipInfo(inside), made.encode(), zipfile.ZIP_DEFLATED)
    if not any(names.values()):
        wanted = "the assignment's grading worksheet as roster" if to == "moodle" else "grades of Canvas's own download"
        raise ExportError(f"nobody's number in {to.title()} is known: wanted {wanted}")
    atomic_write(path, buffer.getvalue())
    return Zipped(path, sum(map(bool, names.values())), without)


def _moodle_name(row: Row) -> str:
    student = row.student
    plain = "".join(char if char.isalnum() or char in " -'" else " " for char in student.name).strip() or "student"
    return f"{plain}_{student.participant}_assignfeedback_file/feedback.html" if student.participant else ""


def _canvas_name(row: Row) -> str:
    match = CANVAS_FILE.search(row.delivered)
    if not match or (row.student.canvas and match["user"] != row.student.canvas):
        return ""
    return f"student_{match['user']}_{match['file']}_feedback.ipynb"


def feedback_notebook(book: Gradebook, row: Row) -> str:
    """What a page says, as a notebook whose one cell is raw text: nothing in it runs or is looked up."""
    lines = [book.title, row.student.name, ""]
    if row.total is not None:
        lines.append(f"{number(row.total)} of {number(book.points)} points")
        if row.lateness and row.lateness.late and not row.lateness.unknown:
            lines.append(f"{row.lateness.note}. Before that: {number(row.raw)} points.")
    else:
        lines.append(f"No total yet: {row.status}. {row.reason}".strip())
    lines += ["", *(f"{q}: {number(row.points[q]) or 'not yet'} of {number(most)}" for q, most in book.maxima.items())]
    lines += [f"\n{question} did not pass: {text}" for question, text in row.failures.items()]
    lines += [f"\nComment on {question}: {text}" for question, text in row.comments.items()]
    cell = nbformat.v4.new_raw_cell("\n".join(map(page_text, lines)), id="feedback")
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
