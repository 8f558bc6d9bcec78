"""What a master has to be, and what is said of one that is not."""

import copy
import re

import nbformat
import pytest
from toy_class import TOY_FOLDER

from coursework.masters.reading import MasterError, available, load, parse


def test_what_a_master_holds(toy):
    assert [question.grade_id for question in toy.questions] == ["q1-mean", "q1-value", "q2-gram"]
    assert [question.grade_id for question in toy.manual] == ["q3-written"]
    assert toy.points == 10
    assert toy.questions[1].answers == ("q1-answer",)
    assert "4711" in toy.questions[0].source
    assert "4711" not in toy.questions[0].visible


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    ### END SOLUTION\n", "", "'### BEGIN SOLUTION' without its partner"),
        ("### END HIDDEN TESTS\n", "", "'### BEGIN HIDDEN TESTS' without '### END HIDDEN TESTS'"),
        ("### BEGIN HIDDEN TESTS", "## BEGIN HIDDEN TESTS", "without its partner"),
        ("### BEGIN SOLUTION\ndef gram(a, b):\n    return a @ b.T\n### END SOLUTION", "gram = 1", "an answer without"),
        ("import numpy as np\n", "import numpy as np\n### BEGIN SOLUTION\n### END SOLUTION\n", "in a cell that is no"),
        ("import numpy as np\n", "%matplotlib inline\n", "line 1 is not plain Python"),
        ("VARIANT = 0  # yours", "VARIANT = 1 - 1", "needs the line 'VARIANT = 0'"),
        ("grade_id: q1-value", "grade_id: q1-mean", "its grade_id is that of an earlier cell"),
        ("grade_id: q1-value", "grade_id: q1 value", "grade_id is 'q1 value', wanted letters"),
        ("points: 1}", "points: 0}", "points is 0, wanted"),
        ("points: 1}", "points: -1}", "points is -1, wanted"),
        ("locked: true, task: false, points: 1}", "locked: false, task: false, points: 1}", "a test must be locked"),
        ("schema_version: 3, grade_id: q1-value", "schema_version: 2, grade_id: q1-value", "schema_version: 3"),
        ("assert np.isclose(answer, np.mean(x))", "assert not abs(answer) > 9", "is true where a is NaN"),
        ("assert np.isclose(answer, np.mean(x))", "print(answer)\n#", "a test without an assert"),
        ("Rubric:", "Marks:", "no line 'Rubric:'"),
        ("minutes: 5", "minutes: soon", "coursework.minutes is 'soon', wanted a int"),
        ("  objectives: [see how an assignment is written]\n", "", "coursework.objectives is None"),
        (
            "```{code-cell}\n---\nnbgrader",
            "```{code-cell}\n1 + 1\n```\n\n```{code-cell}\n---\nnbgrader",
            "without nbgrader",
        ),
    ],
)
def test_bad_masters(tmp_path, toy, old, new, reason):
    text = (TOY_FOLDER / "toy.md").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "bad.md").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MasterError, match=re.escape(reason)) as caught:
        load("bad", tmp_path)
    assert "bad.md" in str(caught.value)


def test_no_such_master(tmp_path):
    (tmp_path / "one.md").write_text("# Text only\n", encoding="utf-8")
    assert available(tmp_path) == ["one"]
    with pytest.raises(MasterError, match="it has one"):
        load("two", tmp_path)
    with pytest.raises(MasterError, match="no 'coursework'"):
        load("one", tmp_path)
    with pytest.raises(MasterError, match="no assignment"):
        load("../one", tmp_path)
    (tmp_path / "My Set.md").write_text("# Text only\n", encoding="utf-8")
    assert available(tmp_path) == ["one"]
    with pytest.raises(MasterError, match=r"a name has small letters, digits and '-' .* \(rename My Set\.md\)"):
        load("My Set", tmp_path)


def test_a_released_notebook_can_be_read_again(toy, answered):
    notebook = answered(toy, 5, q1_answer="def mean(v): return 1 /")
    notebook.cells.append(nbformat.v4.new_code_cell("%timeit 1"))
    notebook.cells.append(copy.deepcopy(notebook.cells[5]))
    again = parse(notebook, "toy", "student.ipynb", released=True)
    assert [question.visible for question in again.questions] == [question.visible for question in toy.questions]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_master_with_other_line_ends_is_the_same(toy, tmp_path, end):
    text = (TOY_FOLDER / "toy.md").read_text(encoding="utf-8")
    (tmp_path / "toy.md").write_bytes(text.replace("\n", end).encode())
    again = load("toy", tmp_path)
    assert again.release(5) == toy.release(5)
    assert again.questions == toy.questions
