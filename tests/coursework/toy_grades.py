"""A toy class graded, and what its folder then says."""

import csv
import io
import json
from dataclasses import replace

from toy_class import SECRET, TOY, judge, notebook, roster_file

from coursework.gradebook.grade_class import grade_all
from coursework.intake.collect import Submission, Submissions
from coursework.intake.notebook_reader import read_notebook

FIRST, *OTHERS = TOY.questions
CHANGED = replace(TOY, questions=(replace(FIRST, source=FIRST.source + "\nassert True"), *OTHERS))  # another test


def submissions(**sources):
    """Submissions by student; a source, or None for one that could not be read."""
    return Submissions(
        Submission(student, read_notebook(notebook(source)), file="toy.ipynb")
        if source is not None
        else Submission(student, None, "broken JSON")
        for student, source in sources.items()
    )


def graded(out, class_, handed_in, **more):
    return grade_all(TOY, handed_in, class_, out, **{"judge": judge, "secret": SECRET, "workers": 0, **more})


def graded_roster(tmp_path, text, marks=(), **sources):
    """The folder of grades, and the class of a roster of that text."""
    class_ = roster_file(tmp_path / "roster.csv", text)
    out = tmp_path / "out"
    graded(out, class_, submissions(**sources))
    if marks:
        write_marks(out, *marks)
    return out, class_


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def table(out):
    return {row["id"]: row for row in rows(out / "grades.csv")}


def write_marks(out, *lines, head="student,question,points,comment"):
    (out / "marks.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")


def counted(path):
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def snapshot(out):
    return {p.relative_to(out): (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()}


def written(out, question="q3-written"):
    """The cells of the notebook to mark from."""
    return [cell["source"] for cell in json.loads((out / "marking" / f"{question}.ipynb").read_bytes())["cells"]]


def answer(text, label="q3-written", kind="markdown", code="ok", **more):
    """A submission whose written answer is that text."""
    cells = [
        {"cell_type": "code", "source": code, "metadata": {}},
        {"cell_type": "markdown", "source": "# A toy", "metadata": {}},  # the assignment's
        {"cell_type": kind, "source": text, "metadata": {"nbgrader": {"grade_id": label}} if label else {}} | more,
    ]
    return read_notebook(notebook(cells=cells))


def cells_of(*cells):
    """A submission of (label, text) in Markdown, and the notes on it; a label of "code" makes a code cell."""
    made = [
        {
            "cell_type": "code" if label == "code" else "markdown",
            "source": text,
            "metadata": {"nbgrader": {"grade_id": label}} if label not in ("", "code") else {},
        }
        for label, text in cells
    ]
    return Submission(
        "a", read_notebook(notebook(cells=[{"cell_type": "code", "source": "ok", "metadata": {}}, *made]))
    )
