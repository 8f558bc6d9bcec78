"""A class from Canvas's download to its gradebook and the students' pages, with the sandbox and the real tests."""

import csv
import functools
import io
import json
from dataclasses import replace

import nbformat
from toy_answers import USUAL
from toy_class import SECRET, TOY, roster_file, zipped

from coursework.gradebook.grade_class import grade_all
from coursework.handback.export import export
from coursework.handback.feedback import feedback
from coursework.intake.collect import collect
from coursework.intake.notebook_reader import read_notebook
from coursework.judging.judge import judge
from coursework.masters.variants import variant

ROSTER = (
    "Student,ID,SIS Login ID,Section,A toy (900)\n    Points Possible,,,,10\n=Full,1,f,A,\nCopy,2,c,A,\nGone,3,g,A,\n"
)
GUESS = """
def mean(values):
    return 3.0  # right for the visible test


answer = mean(x)
"""


def handed_in(student, changes=()):
    """The solution to the variant of a student, with some cells changed."""
    notebook = TOY.solution(variant(SECRET, TOY.name, student))
    for cell in notebook.cells:
        label = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = dict(changes).get(label, cell.source)
    return nbformat.writes(notebook).encode()


def test_a_class_from_the_download_to_the_gradebook(tmp_path, cache):
    class_ = roster_file(tmp_path / "roster.csv", ROSTER)
    files = {
        "full_1_70_toy.ipynb": handed_in("1"),
        "copy_LATE_2_71_toy-1.ipynb": handed_in("1", [("q1-answer", GUESS)]),
    }
    (tmp_path / "submissions.zip").write_bytes(zipped(files))
    found = collect(tmp_path / "submissions.zip", class_, TOY.name)
    tables = []
    for name in ("first", "again"):
        out = tmp_path / name
        grade_all(TOY, found, class_, out, judge=functools.partial(judge, cache=cache), secret=SECRET, workers=0)
        told = {path.name: {**json.loads(path.read_bytes()), "used": None} for path in (out / "results").iterdir()}
        tables.append({"grades.csv": (out / "grades.csv").read_bytes(), **told})  # what was used is measured anew
    assert tables[0] == tables[1]
    assert len(tables[0]) == 3

    (out / "marks.csv").write_text(
        "student,question,points,comment\n1,q3-written,4,\n2,q3-written,0,copied\n2,accept,1,\n", encoding="utf-8"
    )
    export(out, class_, "canvas", tmp_path / "canvas.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "canvas.csv").read_text(encoding="utf-8"))))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "A toy (900)"]
    assert [(row[0], row[1], row[-1]) for row in rows[2:]] == [
        ("'=Full", "1", "10"),
        ("Copy", "2", "3"),
        ("Gone", "3", ""),
    ]

    _, copied, _ = feedback(out, class_)
    page = copied.read_text(encoding="utf-8")
    assert "a hidden test failed" in page
    assert "which is not the mean of your x" in page  # the visible message; x is that of the student's own variant
    assert not any(f"471{digit}" in page for digit in range(1, 5))  # the hidden tests' texts and the model answer
    assert "BEGIN HIDDEN" not in page


def test_who_is_too_slow_for_a_hidden_test_is_told_so(cache):
    slow = """
def mean(values):
    while len(values) > 3:  # the visible test has three
        pass
    return sum(values) / len(values)


answer = x.mean()
"""
    notebook = read_notebook(handed_in("1", [("q1-answer", slow)]))
    verdict = judge(
        TOY, notebook, variant(SECRET, TOY.name, "1"), limits=replace(USUAL, test=2.0, patience=4.0), cache=cache
    )
    assert verdict.failures == {"q1-mean": "a hidden test failed: it took too long"}
    assert verdict.suspicious
