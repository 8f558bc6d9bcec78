"""What changed is judged again, what did not is kept, what was replaced does not come back."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
from toy_class import SECRET, TOY, TOY_FOLDER, judge, notebook, roster
from toy_grades import CHANGED, answer, counted, graded, rows, snapshot, submissions, table, write_marks

from coursework.gradebook.folder import open_gradebook, what_marks
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.grades import grade_rows
from coursework.gradebook.marks import MarksError
from coursework.intake.collect import Submission, Submissions
from coursework.intake.notebook_reader import read_notebook
from coursework.masters.reading import load


def test_the_second_run_judges_nothing_and_changes_no_byte(tmp_path):
    log = tmp_path / "log"
    handed_in = submissions(a=f"count {log}", b=f"count {log}", c=None, d="half")
    class_ = roster("a", "b", "c", "d")
    graded(tmp_path / "out", class_, handed_in)
    before = snapshot(tmp_path / "out")
    again = load("toy", folder=TOY_FOLDER)
    for number, cell in enumerate(again.notebook.cells):  # readers make up ids of cells, other ones each time
        cell.id = f"made-up-{number}"
    summary = grade_all(again, handed_in, class_, tmp_path / "out", judge=judge, secret=SECRET, workers=0)
    assert (summary.judged, summary.kept, summary.again) == (0, 3, {})
    assert len(counted(log)) == len(set(counted(log))) == 2  # each with a variant of its own
    after = snapshot(tmp_path / "out")
    assert {path: data for path, (data, _) in after.items()} == {path: data for path, (data, _) in before.items()}
    assert after[Path("results/a.json")] == before[Path("results/a.json")]


def test_grading_again_from_nothing_gives_the_same_bytes(tmp_path):
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

    summary = grade_all(CHANGED, second, class_, out, judge=judge, secret=SECRET, workers=0)
    assert summary.again["b"] == "the assignment changed"
    summary = grade_all(CHANGED, second, class_, out, judge=judge, secret=b"x" * 16, workers=0)
    assert summary.again["b"] == "the variant (another secret?) changed"
    assert len(counted(log)) == 7


def test_a_mended_text_judges_nobody_again(tmp_path):
    """What students read, the solution and the rubric change no mark of a test; a test, a point, the setup do."""
    class_, handed_in = roster("a", "b"), submissions(a="ok", b="ok")
    graded(tmp_path, class_, handed_in)
    mended = copy.deepcopy(TOY.notebook)
    for cell in mended.cells:
        flags = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" or (flags.get("solution") and not flags.get("grade")):
            cell.source += " "
    more = {"judge": judge, "secret": SECRET, "workers": 0}
    summary = grade_all(replace(TOY, notebook=mended), handed_in, class_, tmp_path, **more)
    assert summary.again == {}
    assert {row["status"] for row in table(tmp_path).values()} == {"needs-manual"}
    first, *others = TOY.questions
    for changed in (
        replace(TOY, setup=(*TOY.setup[:-1], replace(TOY.setup[-1], source=TOY.setup[-1].source + "\ny = 1"))),
        replace(TOY, questions=(replace(first, points=first.points + 1), *others)),
        CHANGED,
    ):
        assert what_marks(changed) != what_marks(TOY)


def test_an_earlier_delivery_stays_and_one_of_another_version_is_to_be_looked_at(tmp_path):
    class_ = roster("a", "b")
    graded(tmp_path, class_, submissions(a="ok"))
    graded(tmp_path, class_, submissions(b="ok"))
    assert {row["status"] for row in table(tmp_path).values()} == {"needs-manual"}
    grade_all(CHANGED, submissions(b="ok"), class_, tmp_path, judge=judge, secret=SECRET, workers=0)
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
    (tmp_path / "results" / "a.json").write_text('{"student": "a"', encoding="utf-8")
    assert graded(tmp_path, roster("a"), submissions(a="ok")).judged == 1
    other = json.loads((tmp_path / "results" / "a.json").read_text(encoding="utf-8")) | {"student": "b"}
    (tmp_path / "results" / "a.json").write_text(json.dumps(other), encoding="utf-8")
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


def interrupted(*what):
    """A judge during whose work somebody presses Ctrl-C."""
    raise KeyboardInterrupt


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
    old = (
        (tmp_path / "marks.csv")
        .read_text(encoding="utf-8")
        .replace("a,accept,,", "a,accept,1,")
        .replace("(2),,", "(2),1,")
    )
    (tmp_path / "marks.csv").write_text(old.replace("paper,accept,,", "paper,accept,1,"), encoding="utf-8")
    graded(tmp_path, class_, submissions())
    found = table(tmp_path)
    assert {s: found[s]["total"] for s in found} == {"a": "8.5", "b": "8", "paper": "7"}


def test_results_of_an_earlier_version_can_be_read(tmp_path):
    graded(tmp_path, roster("a"), Submissions([Submission("a", answer("one"))]))
    write_marks(tmp_path, "a,q3-written,3,")
    path = tmp_path / "results" / "a.json"
    old = {
        k: v
        for k, v in json.loads(path.read_text(encoding="utf-8")).items()
        if k not in ("earlier", "unread", "marked")
    }
    path.write_text(json.dumps(old, indent=1, sort_keys=True), encoding="utf-8")
    (tmp_path / "numbers.csv").unlink()
    assert graded(tmp_path, roster("a"), Submissions([Submission("a", answer("one"))])).kept == 1
    assert table(tmp_path)["a"]["total"] == "9"
    graded(tmp_path, roster("a"), Submissions([Submission("a", answer("two"))]))
    assert table(tmp_path)["a"]["status"] == "needs-manual"
