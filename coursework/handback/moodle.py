"""What does Moodle import?

From its source (``mod/assign/feedback/offline``), the grading worksheet: Identifier, Grade and Last modified (grade)
must be there; students are found by Identifier, blank grades and grades out of range are passed over, and a comment
replaces the one that was there, an empty one too.
"""

from coursework.gradebook.folder import Gradebook
from coursework.gradebook.grades import Row, number
from coursework.handback.scaling import grade_in, maximum_in
from coursework.intake.roster import Roster
from coursework.text import guarded_line

MOODLE_NEEDS = ("Identifier", "Grade", "Last modified (grade)")
MOODLE_COLUMNS = (
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (grade)",
    "Feedback comments",
)


def moodle_table(book: Gradebook, rows: list[Row], roster: Roster, scale: bool) -> tuple[list[list[str]], str]:
    """The rows of the file, its head first, and what to look out for.

    Args:
        book: the grades' folder.
        rows: the grades.
        roster: the class, best as the grading worksheet of the assignment.
        scale: whether grades are converted to Moodle's maximum.

    Raises:
        ExportError: if the maximum is another and may not be.
    """
    worksheet = set(MOODLE_NEEDS) <= set(roster.columns)
    columns = roster.columns if worksheet else MOODLE_COLUMNS
    maximum_name = next((name for name in columns if name.casefold() == "maximum grade"), "")
    lines = [list(columns)]
    for row in rows:
        cells = dict(row.student.columns) if worksheet else _moodle_cells(book, row)
        maximum = maximum_in(cells.get(maximum_name, ""), book, scale, "Moodle as maximum grade")
        if row.total is not None:
            cells["Grade"] = grade_in(book, row, maximum)
            if "Feedback comments" in cells:
                cells["Feedback comments"] = _comment(book, row)
        if "Full name" in cells:
            cells["Full name"] = guarded_line(cells["Full name"])
        lines.append([cells.get(name, "") for name in columns])
    if worksheet:
        return lines, ""
    return lines, (
        "The roster is not the grading worksheet that Moodle offers for the assignment, so this file is for Moodle's "
        "Grades > Import > CSV file: map it by e-mail address or ID number."
    )


def _moodle_cells(book: Gradebook, row: Row) -> dict[str, str]:
    """A worksheet's row as far as a roster that is none has it. The participant's number is never made up."""
    student = row.student
    return {
        "Identifier": student.columns.get("Identifier", ""),
        "Full name": student.name,
        "ID number": student.sid or ("" if student.email else student.id),
        "Email address": student.email,
        "Maximum Grade": number(book.points),
        "Grade can be changed": "Yes",
        "Last modified (grade)": "-",
        "Feedback comments": "",
    }


def _comment(book: Gradebook, row: Row) -> str:
    """What Moodle shows the student beside the grade."""
    parts = [
        f"{question}: {number(row.points[question])} of {number(maximum)}"
        + (f" ({' '.join(row.comments[question].split())})" if row.comments.get(question) else "")
        for question, maximum in book.maxima.items()
    ]
    if row.lateness and row.lateness.late and not row.lateness.unknown:
        parts.append(row.lateness.note)
    return guarded_line("; ".join(parts))
