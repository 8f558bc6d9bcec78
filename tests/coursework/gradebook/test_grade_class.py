"""Grading a class: one row each whatever happens, nothing twice, nothing lost, marks by hand untouched."""

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from toy_class import SECRET, TOY, TOY_FOLDER, folder, judge, notebook, roster
from toy_grades import CHANGED, graded, rows, submissions, table

from coursework.gradebook.folder import GradebookError, locked, open_gradebook
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.summary import terminal_progress
from coursework.intake.collect import Submission, Submissions, collect
from coursework.intake.notebook_reader import read_notebook
from coursework.intake.owned_file import Unmatched

# Rows


def test_one_row_a_rostered_student_and_blank_where_nothing_was_graded(tmp_path):
    class_ = roster("full", "half", "raise", "sus", "broken", "gone")
    handed_in = submissions(full="ok", half="half", broken=None, sus="suspicious", **{"raise": "raise"})
    summary = graded(tmp_path / "out", class_, handed_in)
    found = table(tmp_path / "out")
    assert list(found) == ["full", "half", "raise", "sus", "broken", "gone"]
    assert {student: row["status"] for student, row in found.items()} == {
        "full": "needs-manual",
        "half": "needs-manual",
        "raise": "check",
        "sus": "check",
        "broken": "not-graded",
        "gone": "missing",
    }
    questions = ("q1-mean", "q1-value", "q2-gram", "q3-written")
    assert [found["half"][q] for q in questions] == ["2", "1", "1.5", ""]
    for student in ("raise", "broken", "gone"):
        assert [found[student][q] for q in questions] == [""] * 4
    assert {row["total"] for row in found.values()} == {""}
    assert {row["maximum"] for row in found.values()} == {"10"}
    assert found["raise"]["notes"] == "the grader failed: RuntimeError: the judge broke"
    assert found["broken"]["notes"] == "broken JSON"
    assert "a test cell was edited" in found["half"]["notes"]
    assert summary.statuses == {"graded": 0, "needs-manual": 2, "check": 2, "not-graded": 1, "missing": 1}
    assert (summary.judged, summary.kept, summary.unmarked) == (4, 0, 4)
    assert "2 needs-manual" in str(summary)


@pytest.mark.parametrize("what", ["too-much", "nan"])
def test_a_verdict_that_cannot_be_right_is_to_be_looked_at(tmp_path, what):
    graded(tmp_path, roster("a"), submissions(a=what))
    row = table(tmp_path)["a"]
    assert (row["status"], row["q1-mean"], row["q2-gram"]) == ("check", "", "")
    assert "of 2 points for q1-mean" in row["notes"]


def test_unmatched_files_are_listed_and_cannot_calculate(tmp_path):
    no_text = os.fsdecode(b"\x01=\xff.ipynb")  # what a folder may hold
    handed_in = Submissions([], [Unmatched("=1+1.ipynb", "nobody"), Unmatched(no_text, "nobody")])
    assert graded(tmp_path, roster("a"), handed_in).unmatched == 2
    assert [row["file"] for row in rows(tmp_path / "unmatched.csv")] == ["'=1+1.ipynb", "'=\ufffd.ipynb"]


def test_ids_that_are_no_file_names_stay_inside_and_apart(tmp_path):
    ids = ["a/b", "../../x", "..", "a%2Fb", "ö"]
    graded(tmp_path / "out", roster(*ids), Submissions(Submission(i, read_notebook(notebook())) for i in ids))
    assert len(list((tmp_path / "out" / "results").iterdir())) == 5
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert {row["status"] for row in table(tmp_path / "out").values()} == {"needs-manual"}


def test_a_notebook_of_another_assignment_is_noted(tmp_path):
    read = read_notebook(notebook(metadata={"coursework": {"name": "kernel-machines"}}))
    graded(tmp_path, roster("a"), Submissions([Submission("a", read)]))
    assert table(tmp_path)["a"]["notes"] == "by its head it is a notebook of 'kernel-machines'"


def test_files_are_private(tmp_path):
    graded(tmp_path / "out", roster("a"), submissions(a="ok"))
    for path in (tmp_path / "out").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.name == ".lock", path


def test_submissions_of_strangers_are_refused(tmp_path):
    with pytest.raises(GradebookError, match="not in the roster: zed"):
        graded(tmp_path, roster("a"), submissions(zed="ok"))


def test_one_folder_holds_one_assignment(tmp_path):
    graded(tmp_path, roster("a"), submissions(a="ok"))
    with pytest.raises(GradebookError, match="the grades of 'toy', not of 'other'"):
        grade_all(replace(TOY, name="other"), {}, roster("a"), tmp_path, judge=judge, secret=SECRET, workers=0)
    with pytest.raises(GradebookError, match="holds no grades"):
        open_gradebook(tmp_path / "results")


def test_an_interruption_leaves_what_is_finished_and_the_next_run_goes_on(tmp_path):
    seen = []

    def interrupted(assignment, handed_in, variant):
        seen.append(handed_in.cells[0].source)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return judge(assignment, handed_in, variant)

    class_, handed_in = roster(*"abcd"), submissions(a="ok", b="half", c="ok ", d="ok  ")
    with pytest.raises(KeyboardInterrupt):
        graded(tmp_path, class_, handed_in, judge=interrupted)
    found = table(tmp_path)
    assert [found[s]["status"] for s in "abcd"] == ["needs-manual", "needs-manual", "not-graded", "not-graded"]
    assert "interrupted" in found["d"]["notes"]
    summary = graded(tmp_path, class_, handed_in)
    assert (summary.judged, summary.kept, summary.again) == (2, 2, {})
    assert {row["status"] for row in table(tmp_path).values()} == {"needs-manual"}


def test_processes_that_die_or_raise_cost_one_row_each(tmp_path):
    class_ = roster("a", "die", "raise", "b")
    handed_in = submissions(a="ok", die="die", b="half", **{"raise": "raise"})
    lines = io.StringIO()
    graded(tmp_path, class_, handed_in, workers=2, progress=terminal_progress(lines))
    found = table(tmp_path)
    assert [row["status"] for row in found.values()] == ["needs-manual", "check", "check", "needs-manual"]
    assert "ended with code 9" in found["die"]["notes"]
    assert lines.getvalue().startswith("0/4 graded\n")
    assert lines.getvalue().endswith("4/4 graded\n")


INTERRUPTED = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what is started in the background
sys.path[:0] = {paths!r}
from pathlib import Path
from toy_class import SECRET, TOY, judge, roster, notebook
from coursework.gradebook.grade_class import grade_all
from coursework.intake.collect import Submission, Submissions
from coursework.masters.reading import load
from coursework.intake.notebook_reader import read_notebook

def slow(assignment, handed_in, variant):
    if handed_in.cells[0].source == "hang":
        Path({pid!r}).write_text(str(os.getpid()))
        time.sleep(600)
    return judge(assignment, handed_in, variant)

if __name__ == "__main__":
    cells = {{"a": "ok", "b": "hang", "c": "ok"}}
    handed_in = Submissions(Submission(student, read_notebook(notebook(cell))) for student, cell in cells.items())
    grade_all(TOY, handed_in, roster("a", "b", "c"), {out!r}, judge=slow, secret=SECRET, workers=1)
"""


def test_ctrl_c_stops_all_processes_and_keeps_what_is_known(tmp_path):
    script, pid, out = tmp_path / "run.py", tmp_path / "pid", tmp_path / "out"
    here = TOY_FOLDER.parent
    script.write_text(
        INTERRUPTED.format(paths=[str(here.parent.parent), str(here)], pid=str(pid), out=str(out)), encoding="utf-8"
    )
    with subprocess.Popen([sys.executable, script], start_new_session=True, stderr=subprocess.PIPE) as run:
        deadline = time.monotonic() + 120
        while not (pid.exists() and pid.read_text(encoding="utf-8")) and run.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)
        try:
            _, errors = run.communicate(timeout=60)
        finally:
            run.kill()
    assert b"KeyboardInterrupt" in errors, errors
    worker = int(pid.read_text(encoding="utf-8"))
    status = Path(f"/proc/{worker}/status")
    assert not status.exists() or "zombie" in status.read_text(encoding="utf-8")
    found = table(out)
    assert [found[s]["status"] for s in "abc"] == ["needs-manual", "not-graded", "not-graded"]


def test_two_runs_do_not_grade_into_one_folder(tmp_path):
    with locked(tmp_path), pytest.raises(GradebookError, match="another run"):
        graded(tmp_path, roster("a"), submissions(a="ok"))


def test_the_summary_says_how_those_to_check_are_settled(tmp_path):
    class_ = roster(*"abc")
    graded(tmp_path, class_, submissions(a="ok", b="ok"))
    more = {"judge": judge, "secret": SECRET, "workers": 0}
    said = str(grade_all(CHANGED, {}, class_, tmp_path, **more))
    assert "2 graded before the assignment changed: give their submissions to grade again" in said
    assert "accept" not in said
    handed_in = submissions(b="suspicious", c="raise")
    said = str(grade_all(CHANGED, handed_in, class_, tmp_path, **more))
    assert "lets the tests' points stand (of 1 of them)\n1 graded before the assignment changed" in said
    assert "1 could not be graded: grade again, or give marks" in said
    assert "3 marks to be given by hand" in said


# From a delivery to the table


def test_a_delivery_from_folder_to_table(tmp_path):
    class_ = roster("a", "b", "c")
    path = folder(tmp_path / "in", {"a.ipynb": notebook("ok"), "b/x.ipynb": b"{", "zed.ipynb": notebook("ok")})
    graded(tmp_path / "out", class_, collect(path, class_))
    found = table(tmp_path / "out")
    assert [found[s]["status"] for s in "abc"] == ["needs-manual", "not-graded", "missing"]
    assert found["b"]["notes"].startswith("x.ipynb: broken JSON")
    assert [row["file"] for row in rows(tmp_path / "out" / "unmatched.csv")] == ["zed.ipynb"]
