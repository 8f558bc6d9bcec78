"""Grading a class: one row each whatever happens, nothing twice, nothing lost, marks by hand untouched."""

import copy
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from toy_class import SECRET, TOY, folder, judge, notebook, roster

from coursework import __main__ as cli
from coursework.files import atomic_write
from coursework.gradebook import workers
from coursework.gradebook.folder import GradebookError, locked, open_gradebook
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.grades import grade_rows
from coursework.gradebook.marks import MarksError, append_rows, read_marks
from coursework.gradebook.summary import terminal_progress
from coursework.intake.collect import Submission, Submissions, collect
from coursework.intake.notebook_reader import read_notebook
from coursework.intake.owners import Unmatched
from coursework.masters.reading import load


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


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def table(out):
    return {row["id"]: row for row in rows(out / "grades.csv")}


def write_marks(out, *lines, head="student,question,points,comment"):
    (out / "marks.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")


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
    handed_in = Submissions([], [Unmatched("=1+1.ipynb", "nobody")])
    assert graded(tmp_path, roster("a"), handed_in).unmatched == 1
    assert rows(tmp_path / "unmatched.csv") == [{"file": "'=1+1.ipynb", "reason": "nobody"}]


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


# Once and no more


def counted(path):
    return path.read_text().split() if path.exists() else []


def snapshot(out):
    return {p.relative_to(out): (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()}


def test_the_second_run_judges_nothing_and_changes_no_byte(tmp_path):
    log = tmp_path / "log"
    handed_in = submissions(a=f"count {log}", b=f"count {log}", c=None, d="half")
    class_ = roster("a", "b", "c", "d")
    graded(tmp_path / "out", class_, handed_in)
    before = snapshot(tmp_path / "out")
    again = load("toy", folder=Path(__file__).parent / "toy")
    for number, cell in enumerate(again.notebook.cells):  # readers make up ids of cells, other ones each time
        cell.id = f"made-up-{number}"
    summary = grade_all(again, handed_in, class_, tmp_path / "out", judge=judge, secret=SECRET, workers=0)
    assert (summary.judged, summary.kept, summary.again) == (0, 3, {})
    assert len(counted(log)) == len(set(counted(log))) == 2  # each with a variant of its own
    after = snapshot(tmp_path / "out")
    assert {path: data for path, (data, _) in after.items()} == {path: data for path, (data, _) in before.items()}
    assert after[Path("results/a.json")] == before[Path("results/a.json")]


def test_regrading_from_nothing_gives_the_same_bytes(tmp_path):
    class_, handed_in = roster("b", "a", "c"), submissions(a="half", b="suspicious", c=None)
    for name in ("one", "two"):
        graded(tmp_path / name, class_, handed_in)
    one, two = ({p: data for p, (data, _) in snapshot(tmp_path / name).items()} for name in ("one", "two"))
    assert one == two
    assert Path("grades.csv") in one


def test_what_changed_is_judged_again_and_said_so(tmp_path):
    log = tmp_path / "log"
    out, class_ = tmp_path / "out", roster("a", "b", "c")
    first = submissions(a=f"count {log}", b=f"count {log}", c="ok")
    graded(out, class_, first)
    before = snapshot(out)
    second = Submissions([first["b"], *submissions(a=f"count {log} ", c="half").values()])
    summary = graded(out, class_, second)
    assert summary.again == {"a": "the submission changed", "c": "the submission changed"}
    assert table(out)["c"]["q2-gram"] == "1.5"
    assert snapshot(out)[Path("results/b.json")] == before[Path("results/b.json")]

    changed = copy.deepcopy(TOY.notebook)
    changed.cells[0].source += " "
    summary = grade_all(replace(TOY, notebook=changed), second, class_, out, judge=judge, secret=SECRET, workers=0)
    assert summary.again["b"] == "the assignment changed"
    summary = grade_all(replace(TOY, notebook=changed), second, class_, out, judge=judge, secret=b"x" * 16, workers=0)
    assert summary.again["b"] == "the variant (another secret?) changed"
    assert len(counted(log)) == 7


def test_an_earlier_delivery_stays_and_one_of_another_version_is_to_be_looked_at(tmp_path):
    class_ = roster("a", "b")
    graded(tmp_path, class_, submissions(a="ok"))
    graded(tmp_path, class_, submissions(b="ok"))
    assert {row["status"] for row in table(tmp_path).values()} == {"needs-manual"}
    changed = copy.deepcopy(TOY.notebook)
    changed.cells[0].source += " "
    grade_all(
        replace(TOY, notebook=changed), submissions(b="ok"), class_, tmp_path, judge=judge, secret=SECRET, workers=0
    )
    found = table(tmp_path)
    assert (found["a"]["status"], found["a"]["q1-mean"]) == ("check", "")
    assert "before the assignment changed" in found["a"]["notes"]
    assert found["b"]["status"] == "needs-manual"


def test_a_submission_that_is_late_in_a_new_delivery_is_not_judged_again(tmp_path):
    first = submissions(a="ok")
    graded(tmp_path, roster("a"), first)
    summary = graded(tmp_path, roster("a"), Submissions([replace(first["a"], late=True)]))
    assert (summary.judged, table(tmp_path)["a"]["late"]) == (0, "late")


def test_a_broken_result_is_made_again(tmp_path):
    graded(tmp_path, roster("a"), submissions(a="ok"))
    (tmp_path / "results" / "a.json").write_text('{"student": "a"')
    assert graded(tmp_path, roster("a"), submissions(a="ok")).judged == 1
    other = json.loads((tmp_path / "results" / "a.json").read_text()) | {"student": "b"}
    (tmp_path / "results" / "a.json").write_text(json.dumps(other))
    assert graded(tmp_path, roster("a"), submissions(a="ok")).judged == 1


def test_a_failure_of_the_grader_is_tried_again(tmp_path):
    graded(tmp_path, roster("a"), submissions(a="raise"))
    mended = judge(TOY, read_notebook(notebook()), 0)
    summary = graded(tmp_path, roster("a"), submissions(a="raise"), judge=lambda *what: mended)
    assert summary.judged == 1
    assert table(tmp_path)["a"]["status"] == "needs-manual"


def test_what_was_replaced_does_not_come_back_with_an_older_delivery(tmp_path):
    log, class_ = tmp_path / "log", roster("a", "b", "c")
    first = submissions(a="half", b=None, c="ok")
    second = submissions(a=f"count {log}", b="ok")
    graded(tmp_path, class_, first)
    graded(tmp_path, class_, second)
    before = (tmp_path / "grades.csv").read_bytes()
    summary = graded(tmp_path, class_, first)
    assert (tmp_path / "grades.csv").read_bytes() == before
    assert (summary.judged, summary.kept, summary.again) == (0, 1, {})
    assert set(summary.passed) == {"a", "b"}
    assert "not graded: a: another submission has replaced this one" in str(summary)
    assert graded(tmp_path, class_, second).kept == 2
    third = submissions(a="half ")
    assert graded(tmp_path, class_, third).again == {"a": "the submission changed"}
    assert graded(tmp_path, class_, second).judged == 0
    assert table(tmp_path)["a"]["q2-gram"] == "1.5"
    (tmp_path / "results" / "a.json").unlink()  # what the message says
    assert graded(tmp_path, class_, second).judged == 1


def test_a_later_file_that_cannot_be_read_replaces_nothing(tmp_path):
    class_, good = roster("a", "b"), submissions(a="ok", b="raise")
    graded(tmp_path, class_, good)
    write_marks(tmp_path, "a,q3-written,4,")
    for _ in range(2):
        summary = graded(tmp_path, class_, submissions(a=None, b=None))
        found = table(tmp_path)
        assert (found["a"]["status"], found["a"]["q1-mean"], found["a"]["total"]) == ("check", "2", "")
        assert found["a"]["notes"].startswith("a later file could not be read: broken JSON; what was handed in before")
        assert found["b"]["status"] == "check"
    assert summary.passed == {}  # said once
    graded(tmp_path, class_, good)
    assert "a later file could not be read" in table(tmp_path)["a"]["notes"]
    write_marks(tmp_path, "a,q3-written,4,", "a,accept,1,")
    graded(tmp_path, class_, submissions())
    assert (table(tmp_path)["a"]["status"], table(tmp_path)["a"]["total"]) == ("graded", "10")
    other = Submissions([Submission("a", None, "2 notebooks", file="x.zip")])
    assert "2 notebooks; what was handed in before counts" in str(graded(tmp_path, class_, other))
    assert table(tmp_path)["a"]["status"] == "check"  # this file was not accepted yet
    assert rows(tmp_path / "marks.csv")[-1]["question"] == "accept (2)"
    graded(tmp_path, class_, submissions(a="half"))
    assert "later file" not in table(tmp_path)["a"]["notes"]


def test_an_unreadable_file_does_not_end_the_wait_of_one_that_can_be_read(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        graded(tmp_path, roster("a"), submissions(a="ok"), judge=interrupted)
    graded(tmp_path, roster("a"), submissions(a=None))
    assert graded(tmp_path, roster("a"), submissions(a="ok")).judged == 1
    assert table(tmp_path)["a"]["q1-mean"] == "2"


# Interruptions and crashes


def interrupted(*what):
    """A judge during whose work somebody presses Ctrl-C."""
    raise KeyboardInterrupt


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


def test_a_task_that_never_ends_is_given_up_and_its_process_with_it():
    ((key, result),) = workers.run(time.sleep, [("x", (600,))], workers=1, limit=0.5)
    assert key == "x"
    assert isinstance(result, workers.Failed)
    assert "more than 0.5 seconds" in str(result)


INTERRUPTED = """
import os, sys, time
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
    here = Path(__file__).parent
    script.write_text(INTERRUPTED.format(paths=[str(here.parent.parent), str(here)], pid=str(pid), out=str(out)))
    run = subprocess.Popen([sys.executable, script], start_new_session=True, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (pid.exists() and pid.read_text()) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors, errors
    worker = int(pid.read_text())
    status = Path(f"/proc/{worker}/status")
    assert not status.exists() or "zombie" in status.read_text()
    found = table(out)
    assert [found[s]["status"] for s in "abc"] == ["needs-manual", "not-graded", "not-graded"]


def test_two_runs_do_not_grade_into_one_folder(tmp_path):
    with locked(tmp_path), pytest.raises(GradebookError, match="another run"):
        graded(tmp_path, roster("a"), submissions(a="ok"))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    atomic_write(path, b"old")

    def full_disk(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_what_is_written_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    calls = []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), real_sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), real_replace(a, b))[1])
    atomic_write(tmp_path / "x", b"new")
    assert calls == ["fsync", "replace", "fsync"]  # the file, the name, the folder


# Marks by hand


def test_marks_by_hand_complete_the_grade(tmp_path):
    class_, handed_in = roster("a", "b"), submissions(a="ok", b="half")
    graded(tmp_path, class_, handed_in)
    assert rows(tmp_path / "marks.csv") == [
        {"number": n, "student": s, "question": "q3-written", "points": "", "comment": ""}
        for n, s in (("1", "a"), ("2", "b"))
    ]
    write_marks(tmp_path, "a,q3-written,3.5,well argued", "b,q3-written,,to be read")
    graded(tmp_path, class_, handed_in)
    found = table(tmp_path)
    assert (found["a"]["status"], found["a"]["total"], found["a"]["q3-written"]) == ("graded", "9.5", "3.5")
    assert (found["b"]["status"], found["b"]["total"]) == ("needs-manual", "")
    row = next(row for row in grade_rows(open_gradebook(tmp_path), class_) if row.student.id == "a")
    assert row.comments == {"q3-written": "well argued"}


def test_a_mark_is_for_the_answer_for_which_it_was_given(tmp_path):
    class_ = roster(*"abcd")
    texts = {"a": "one", "b": "one", "c": "YOUR ANSWER HERE", "d": "one"}
    graded(tmp_path, class_, Submissions(Submission(s, answer(text)) for s, text in texts.items()))
    write_marks(tmp_path, "a,q3-written,3,good", "b,q3-written,,", "c,q3-written,0,nothing", "d,q3-written,2,")
    texts = {"a": "two", "b": "two", "c": "two", "d": "one"}
    late = Submissions(Submission(s, answer(text, code="half")) for s, text in texts.items())
    with pytest.raises(KeyboardInterrupt):
        graded(tmp_path, class_, late, judge=interrupted)
    summary = graded(tmp_path, class_, late)  # what happened to the marks is not forgotten
    found = table(tmp_path)
    assert [found[s]["status"] for s in "abcd"] == ["needs-manual", "needs-manual", "needs-manual", "graded"]
    assert [found[s]["q3-written"] for s in "abcd"] == ["", "", "", "2"]
    note = "marked by hand before this was handed in: q3-written; now its rows are 'q3-written (2)'"
    assert [note in found[s]["notes"] for s in "abcd"] == [True, False, True, False]
    assert summary.unmarked == 3
    assert [(row["student"], row["question"]) for row in rows(tmp_path / "marks.csv")[4:]] == [
        ("a", "q3-written (2)"),
        ("c", "q3-written (2)"),
    ]
    row = next(row for row in grade_rows(open_gradebook(tmp_path), class_) if row.student.id == "a")
    assert row.comments == {}  # it was about the other answer

    write_marks(tmp_path, "a,q3-written,3,good", "c,q3-written,0,", "a,q3-written (2),3,", "c,q3-written (2),4,late")
    graded(tmp_path, class_, late)
    found = table(tmp_path)
    assert [(found[s]["status"], found[s]["q3-written"]) for s in "ac"] == [("graded", "3"), ("graded", "4")]
    assert not any("marked by hand before" in found[s]["notes"] for s in "ac")
    write_marks(tmp_path, "a,q3-written,3,", "a,q3-written (2),3,", "a,q3-written (3),1,", "d,q3-written (2),5,")
    with pytest.raises(MarksError, match=r"d, q3-written \(2\): points are 5, wanted a number from 0 to 4"):
        graded(tmp_path, class_, late)
    write_marks(tmp_path, "a,q3-written,3,", "a,q3-written (2),3,", "a,q3-written (3),1,")
    graded(tmp_path, class_, late)
    assert "rows in marks.csv that are for no answer: 'q3-written (3)'" in table(tmp_path)["a"]["notes"]
    assert table(tmp_path)["a"]["q3-written"] == "3"


def test_marks_in_place_of_the_tests_and_an_accept_are_for_one_submission_too(tmp_path):
    class_ = roster("a", "b", "paper")
    graded(tmp_path, class_, submissions(a="half", b="suspicious"))
    paper = (f"paper,{q},0," for q in ("q1-mean", "q1-value", "q2-gram", "q3-written"))
    write_marks(tmp_path, "a,q2-gram,3,", "a,q3-written,4,", "b,accept,1,", "b,q3-written,4,", *paper)
    graded(tmp_path, class_, submissions())
    assert {row["status"] for row in table(tmp_path).values()} == {"graded"}
    summary = graded(tmp_path, class_, submissions(a="half ", b="suspicious ", paper="ok"))
    found = table(tmp_path)
    assert {student: row["status"] for student, row in found.items()} == dict.fromkeys(("a", "b", "paper"), "check")
    assert (found["a"]["q2-gram"], found["paper"]["q1-mean"]) == ("1.5", "2")
    assert summary.again["b"].endswith("now its rows are 'accept (2)'")
    asked = [(row["student"], row["question"]) for row in rows(tmp_path / "marks.csv")[8:]]
    assert asked == [("a", "accept"), ("b", "accept (2)"), ("paper", "accept"), ("paper", "q3-written (2)")]
    old = (tmp_path / "marks.csv").read_text().replace("a,accept,,", "a,accept,1,").replace("(2),,", "(2),1,")
    (tmp_path / "marks.csv").write_text(old.replace("paper,accept,,", "paper,accept,1,"))
    graded(tmp_path, class_, submissions())
    found = table(tmp_path)
    assert {s: found[s]["total"] for s in found} == {"a": "8.5", "b": "8", "paper": "7"}


def test_results_of_an_earlier_version_can_be_read(tmp_path):
    graded(tmp_path, roster("a"), Submissions([Submission("a", answer("one"))]))
    write_marks(tmp_path, "a,q3-written,3,")
    path = tmp_path / "results" / "a.json"
    old = {k: v for k, v in json.loads(path.read_text()).items() if k not in ("earlier", "unread", "marked")}
    path.write_text(json.dumps(old, indent=1, sort_keys=True))
    (tmp_path / "numbers.csv").unlink()
    assert graded(tmp_path, roster("a"), Submissions([Submission("a", answer("one"))])).kept == 1
    assert table(tmp_path)["a"]["total"] == "9"
    graded(tmp_path, roster("a"), Submissions([Submission("a", answer("two"))]))
    assert table(tmp_path)["a"]["status"] == "needs-manual"


def test_an_accept_that_does_nothing_is_pointed_out(tmp_path):
    class_ = roster("gone", "broken", "failed", "fine")
    handed_in = submissions(broken=None, failed="raise", fine="ok")
    graded(tmp_path, class_, handed_in)
    write_marks(tmp_path, *(f"{s},accept,1," for s in ("gone", "broken", "failed", "fine")))
    summary = graded(tmp_path, class_, handed_in)
    assert summary.idle == ("gone", "broken", "failed")
    assert "'accept' does nothing where no points of tests can stand: gone, broken, failed" in str(summary)
    found = table(tmp_path)
    told = {student for student, row in found.items() if "'accept' in marks.csv does nothing here" in row["notes"]}
    assert told == set(summary.idle)
    assert found["gone"]["status"] == "missing"


def test_the_summary_says_how_those_to_check_are_settled(tmp_path):
    class_ = roster(*"abc")
    graded(tmp_path, class_, submissions(a="ok", b="ok"))
    changed = copy.deepcopy(TOY.notebook)
    changed.cells[0].source += " "
    more = {"judge": judge, "secret": SECRET, "workers": 0}
    said = str(grade_all(replace(TOY, notebook=changed), {}, class_, tmp_path, **more))
    assert "2 graded before the assignment changed: give their submissions to grade again" in said
    assert "accept" not in said
    handed_in = submissions(b="suspicious", c="raise")
    said = str(grade_all(replace(TOY, notebook=changed), handed_in, class_, tmp_path, **more))
    assert "lets the tests' points stand (of 1 of them)\n1 graded before the assignment changed" in said
    assert "1 could not be graded: grade again, or give marks" in said
    assert "3 marks to be given by hand" in said


@pytest.mark.parametrize("command", ["feedback", "export"])
def test_the_table_follows_the_marks(tmp_path, command):
    out, class_ = tmp_path / "out", tmp_path / "roster.csv"
    graded(out, roster("a", "b"), submissions(a="ok", b="ok"))
    write_marks(out, "a,q3-written,4,")
    more = {"feedback": [], "export": ["--to", "csv"]}[command]
    run = [command, "--grades", out, "--roster", class_, *more, "--out", tmp_path / "written"]
    class_.write_text("id,name\nb,B\na,A\n")
    assert cli.main([str(word) for word in run]) == 0
    assert (table(out)["a"]["status"], table(out)["a"]["total"]) == ("graded", "10")
    assert list(table(out)) == ["b", "a"]
    class_.write_text("id,name\na,A\n")  # a part of the class
    run[-1] = tmp_path / "part"
    assert cli.main([str(word) for word in run]) == 0
    assert list(table(out)) == ["b", "a"]


def test_questions_are_everywhere_in_the_order_of_the_notebook(tmp_path):
    names = {"q2-gram": "b", "q1-mean": "z", "q1-value": "a"}
    turned = replace(
        TOY, questions=tuple(replace(q, grade_id=names[q.grade_id]) for q in TOY.questions), manual=TOY.manual
    )

    def judged(*what):
        return replace(judge(*what), scores=dict.fromkeys("zab", 1.0))

    grade_all(turned, submissions(a="ok"), roster("a"), tmp_path, judge=judged, secret=SECRET, workers=0)
    assert list(open_gradebook(tmp_path).maxima) == ["z", "a", "b", "q3-written"]
    write_marks(tmp_path, "a,q9,1,")
    with pytest.raises(MarksError, match="there are z, a, b, q3-written"):
        grade_rows(open_gradebook(tmp_path), roster("a"))


def test_a_mark_of_nought_is_a_mark(tmp_path):
    graded(tmp_path, roster("a"), submissions(a="ok"))
    write_marks(tmp_path, "a,q3-written,0,")
    graded(tmp_path, roster("a"), submissions(a="ok"))
    assert (table(tmp_path)["a"]["total"], table(tmp_path)["a"]["q3-written"]) == ("6", "0")


def test_marks_are_never_written_over_and_rows_are_only_added(tmp_path):
    graded(tmp_path, roster("a", "b"), submissions(a="ok"))
    own = b'\xef\xbb\xbfquestion;student;mood;points;comment\r\nq3-written;a;:);2,5;"two; lines\nof it"'
    (tmp_path / "marks.csv").write_bytes(own)
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    after = (tmp_path / "marks.csv").read_bytes()
    assert after == own + b"\r\nq3-written;b;;;\r\n"
    assert table(tmp_path)["a"]["total"] == "8.5"
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    assert (tmp_path / "marks.csv").read_bytes() == after


def test_a_submission_to_be_looked_at_is_settled_by_accepting_the_tests(tmp_path):
    class_, handed_in = roster("a", "b"), submissions(a="suspicious", b="suspicious")
    assert "1 for 'accept'" in str(graded(tmp_path, class_, handed_in))
    asked = [(row["student"], row["question"]) for row in rows(tmp_path / "marks.csv")]
    assert asked == [("a", "accept"), ("b", "accept"), ("a", "q3-written"), ("b", "q3-written")]
    write_marks(tmp_path, "a,accept,1,seen", "a,q3-written,4,", "b,accept,,no", "b,q3-written,4,")
    graded(tmp_path, class_, handed_in)
    found = table(tmp_path)
    assert (found["a"]["status"], found["a"]["total"]) == ("graded", "8")
    assert "accepted by hand" in found["a"]["notes"]
    assert (found["b"]["status"], found["b"]["total"]) == ("check", "")
    row = next(row for row in grade_rows(open_gradebook(tmp_path), class_) if row.student.id == "a")
    assert row.comments == {"accept": "seen"}
    assert row.by_hand == {"q3-written"}
    for points, reason in (("2", "a number from 0 to 1"), ("0.5", "1 or nothing"), ("0", "1 or nothing")):
        write_marks(tmp_path, f"a,accept,{points},")
        with pytest.raises(MarksError, match=f"a, accept: points are {points}, wanted {reason}"):
            graded(tmp_path, class_, handed_in)


def test_what_the_grader_could_not_grade_is_settled_by_marks(tmp_path):
    class_, handed_in = roster("a", "b"), submissions(a="suspicious", b="raise")
    graded(tmp_path, class_, handed_in)
    asked = [row["question"] for row in rows(tmp_path / "marks.csv") if row["student"] == "b"]
    assert asked == ["q1-mean", "q1-value", "q2-gram", "q3-written"]
    write_marks(tmp_path, *(f"{s},{q},1," for s in "ab" for q in asked), "b,accept,1,")
    graded(tmp_path, class_, handed_in)
    found = table(tmp_path)
    assert (found["a"]["status"], found["a"]["total"]) == ("graded", "4")  # every test overruled
    assert (found["b"]["status"], found["b"]["total"]) == ("graded", "4")
    assert "marks by hand in place of the tests' for q1-mean, q1-value, q2-gram" in found["a"]["notes"]
    write_marks(tmp_path, "b,accept,1,", "b,q3-written,1,", "b,q1-mean,2,")
    graded(tmp_path, class_, handed_in)
    found = table(tmp_path)
    assert (found["b"]["status"], found["b"]["total"], found["b"]["q1-mean"]) == ("check", "", "2")  # nothing to accept


def test_who_handed_in_on_paper_can_be_marked_by_hand(tmp_path):
    graded(tmp_path, roster("a", "b"), submissions())
    write_marks(tmp_path, *(f"a,{q},1," for q in ("q1-mean", "q1-value", "q2-gram", "q3-written")), "b,q1-mean,2,")
    graded(tmp_path, roster("a", "b"), submissions())
    found = table(tmp_path)
    assert (found["a"]["status"], found["a"]["total"]) == ("graded", "4")
    assert (found["b"]["status"], found["b"]["total"]) == ("missing", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,q3-written,4.5,", "line 3: a, q3-written: points are 4.5, wanted a number from 0 to 4"),
        ("a,q3-written,-1,", "line 3: .* from 0 to 4"),
        ("a,q3-written,nan,", "line 3: .* from 0 to 4"),
        ("a,q3-written,three,", "line 3: .* 'three', wanted a number"),
        ('a,q3-written,"2,5",', "line 3: .* wanted a number"),
        ("a,q9,1,", "line 3: no question 'q9'; there are q1-mean"),
        ("zed,q3-written,1,", "line 3: no student 'zed' in the roster"),
        ("b,q3-written,1,", "line 3: b, q3-written is also on line 2"),
        ("a,q3-written,1,x,y", "line 3: 5 cells where the first row has 4"),
    ],
)
def test_marks_that_cannot_be_are_refused_with_their_row_before_anything_is_graded(tmp_path, line, message):
    graded(tmp_path, roster("a", "b"), submissions(a="ok"))
    write_marks(tmp_path, "b,q3-written,1,", line)
    before = (tmp_path / "marks.csv").read_bytes()
    with pytest.raises(MarksError, match=message):
        graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    assert (tmp_path / "marks.csv").read_bytes() == before
    assert not (tmp_path / "results" / "b.json").exists()


def test_all_wrong_rows_are_named(tmp_path):
    write_marks(tmp_path, *(f"s{n},q,1," for n in range(30)))
    with pytest.raises(MarksError) as caught:
        read_marks(tmp_path / "marks.csv", ["a"], {"q": 1})
    assert str(caught.value).count("\n") == 21
    assert "and 10 more" in str(caught.value)


def test_a_marks_file_without_its_columns_is_refused(tmp_path):
    write_marks(tmp_path, head="student;question;mark")
    with pytest.raises(MarksError, match="no column 'points', 'comment'"):
        read_marks(tmp_path / "marks.csv", ["a"], {"q": 1})


def test_ids_that_lost_their_zeros_in_a_spreadsheet_are_found_where_there_is_no_doubt(tmp_path):
    write_marks(tmp_path, "7,q,1,", "08,q,1,")
    assert set(read_marks(tmp_path / "marks.csv", ["007", "8"], {"q": 1})) == {("007", "q"), ("8", "q")}
    with pytest.raises(MarksError, match="no student '7'"):
        read_marks(tmp_path / "marks.csv", ["007", "07"], {"q": 1})


def test_marks_of_a_student_who_left_are_no_error(tmp_path):
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    write_marks(tmp_path, "b,q3-written,1,")
    graded(tmp_path, roster("a"), submissions(a="ok"))
    assert list(table(tmp_path)) == ["a"]


def test_rows_added_to_a_file_keep_its_end(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(b"student,question,points,comment\na,q,1,\n")
    append_rows(path, [("b", "q")])
    assert path.read_bytes() == b"student,question,points,comment\na,q,1,\nb,q,,\r\n"


# What was written


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


def test_written_answers_are_gathered_by_question_without_names(tmp_path):
    handed_in = Submissions(
        [
            Submission("a", answer("Because $K = XX^T$.\n```\nnever closed"), file="toy`.ipynb"),
            Submission("b", answer("taken apart", label=None)),
            Submission("c", answer("x = 1\n````", kind="code")),
            Submission("d", answer("see below", attachments={"p.png": {"image/png": "aGk="}})),
            Submission("e", None, "broken"),
        ]
    )
    class_ = roster(*"abcdef")
    graded(tmp_path, class_, handed_in)
    head, *cells = written(tmp_path)
    assert "4 points" in head
    assert "2 points: an example only" in head  # the rubric
    assert cells[0] == "---\n### 1\nq3-written"
    assert cells[1] == "Because $K = XX^T$.\n```\nnever closed"
    assert cells[3].endswith("this is all that was written:)*\n\ntaken apart")
    assert cells[5] == "`````python\nx = 1\n````\n`````"
    assert cells[7].endswith("*(there are pictures in this cell: see the notebook itself)*")
    assert len(cells) == 8
    assert not any("Student" in cell for cell in cells)
    graded(tmp_path, class_, Submissions([Submission("f", answer("late"))]))
    assert written(tmp_path)[-1] == "late"
    assert len(written(tmp_path)) == 11


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


STUB = ("q3-written", "YOUR ANSWER HERE")
ELSEWHERE = "*(this question's cell is as it was given out; these are the cells that the student added:)*"


@pytest.mark.parametrize(
    ("cells", "shown", "noted"),
    [
        ([STUB], "YOUR ANSWER HERE", False),
        ([STUB, ("", "  ")], "YOUR ANSWER HERE", False),
        ([STUB, ("", "a proof")], f"{ELSEWHERE}\n\na proof", True),
        ([("q3-written", ""), ("", "a proof"), ("code", "1")], f"{ELSEWHERE}\n\na proof\n\n```python\n1\n```", True),
        ([("", "# A toy"), ("", "above"), ("code", "x"), ("q3-text", "Why?"), STUB], f"{ELSEWHERE}\n\nabove", True),
        ([("", "not this"), ("q3-written", "one"), ("", "two")], "one\n\ntwo", False),
        ([("q3-written", "one"), ("q3-text", "Why?"), ("", "two")], "one\n\ntwo", False),
        ([("q3-written", "one"), ("other", "two")], "one\n\ntwo", False),
    ],
)
def test_an_answer_in_another_cell_is_not_lost(tmp_path, cells, shown, noted):
    graded(tmp_path, roster("a"), Submissions([cells_of(*cells)]))
    assert written(tmp_path)[-1] == shown
    note = "q3-written: its own cell is empty, the marker sees the cells that were added"
    assert (note in table(tmp_path)["a"]["notes"]) == noted


def test_what_follows_the_next_question_is_no_answer_to_this_one(tmp_path):
    second = replace(TOY.manual[0], grade_id="q2-text")  # a cell that stands before
    assignment = replace(TOY, manual=(second, *TOY.manual))
    handed_in = Submissions([cells_of(("q2-text", "one"), ("", "two"), ("q3-written", "three"), ("", "four"))])
    grade_all(assignment, handed_in, roster("a"), tmp_path, judge=judge, secret=SECRET, workers=0)
    assert written(tmp_path, "q2-text")[-1] == "one\n\ntwo"
    assert written(tmp_path)[-1] == "three\n\nfour"


def test_answers_have_numbers_that_stay(tmp_path):
    first = Submissions(Submission(s, answer(s), file=f"{s}.ipynb") for s in ("b@x.org", "d@x.org"))
    graded(tmp_path, roster("b@x.org", "d@x.org"), first)
    graded(tmp_path, roster("a", "d@x.org", "b@x.org"), Submissions([Submission("a", answer("of a"))]))
    shown = written(tmp_path)
    assert shown[1::2] == [f"---\n### {number}\nq3-written" for number in (1, 2, 3)]
    assert shown[-1] == "of a"
    assert not any("x.org" in cell and "###" in cell for cell in shown)
    numbers = {row["student"]: row["number"] for row in rows(tmp_path / "numbers.csv")}
    assert numbers == {"b@x.org": "1", "d@x.org": "2", "a": "3"}
    assert {row["student"]: row["number"] for row in rows(tmp_path / "marks.csv")} == numbers
    (tmp_path / "numbers.csv").write_text("number,student\none,a\n")
    with pytest.raises(GradebookError, match=r"numbers\.csv: wanted the columns number and student"):
        graded(tmp_path, roster("a"), submissions())


# From a delivery to the table


def test_a_delivery_from_folder_to_table(tmp_path):
    class_ = roster("a", "b", "c")
    path = folder(tmp_path / "in", {"a.ipynb": notebook("ok"), "b/x.ipynb": b"{", "zed.ipynb": notebook("ok")})
    graded(tmp_path / "out", class_, collect(path, class_))
    found = table(tmp_path / "out")
    assert [found[s]["status"] for s in "abc"] == ["needs-manual", "not-graded", "missing"]
    assert found["b"]["notes"].startswith("x.ipynb: broken JSON")
    assert [row["file"] for row in rows(tmp_path / "out" / "unmatched.csv")] == ["zed.ipynb"]
