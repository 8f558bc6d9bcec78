"""A student's grade: from the tests and the marks by hand, whatever the order in which they come."""

from dataclasses import replace

import pytest
from toy_class import SECRET, TOY, judge, roster
from toy_grades import graded, rows, submissions, table, write_marks

from coursework import __main__ as cli
from coursework.gradebook.folder import open_gradebook
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.grades import grade_rows
from coursework.gradebook.marks import MarksError


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


@pytest.mark.parametrize("command", ["feedback", "export"])
def test_the_table_follows_the_marks(tmp_path, command):
    out, class_ = tmp_path / "out", tmp_path / "roster.csv"
    graded(out, roster("a", "b"), submissions(a="ok", b="ok"))
    write_marks(out, "a,q3-written,4,")
    more = {"feedback": [], "export": ["--to", "csv"]}[command]
    run = [command, "--grades", out, "--roster", class_, *more, "--out", tmp_path / "written"]
    class_.write_text("id,name\nb,B\na,A\n", encoding="utf-8")
    assert cli.main([str(word) for word in run]) == 0
    assert (table(out)["a"]["status"], table(out)["a"]["total"]) == ("graded", "10")
    assert list(table(out)) == ["b", "a"]
    class_.write_text("id,name\na,A\n", encoding="utf-8")  # a part of the class
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
