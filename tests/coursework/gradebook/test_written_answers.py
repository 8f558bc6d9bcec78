"""Written answers: all of them, in one place, without names."""

from dataclasses import replace

import nbformat
import pytest
from toy_answers import with_line_ends
from toy_class import SECRET, TOY, judge, roster
from toy_grades import answer, cells_of, graded, rows, submissions, table, written

from coursework.gradebook.folder import GradebookError
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.written_answers import answers_to
from coursework.intake.collect import Submission, Submissions
from coursework.intake.notebook_reader import read_notebook


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
    (tmp_path / "numbers.csv").write_text("number,student\none,a\n", encoding="utf-8")
    with pytest.raises(GradebookError, match=r"numbers\.csv: wanted the columns number and student"):
        graded(tmp_path, roster("a"), submissions())


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("labels", [True, False])
def test_line_ends_of_another_system_make_no_answer(end, labels):
    given = TOY.release(5)
    handed_in = [with_line_ends(given, end), given]
    for one in [] if labels else handed_in:
        for cell in one.cells:
            cell.metadata = {}
    found = [answers_to(TOY, read_notebook(nbformat.writes(one).encode()), TOY.release(5)) for one in handed_in]
    assert found[0] == found[1]
    assert "Gram matrix" not in found[0][0]["q3-written"], "that is the question's text, not an answer"
