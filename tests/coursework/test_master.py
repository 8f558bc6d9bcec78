import copy
import re
import warnings
from pathlib import Path

import nbformat
import pytest

from coursework.masters.reading import MasterError, available, load, parse
from coursework.masters.variants import read_secret, set_variant, variant

TOY = Path(__file__).parent / "toy"


def test_what_a_master_holds(toy):
    assert [question.grade_id for question in toy.questions] == ["q1-mean", "q1-value", "q2-gram"]
    assert [question.grade_id for question in toy.manual] == ["q3-written"]
    assert toy.points == 10
    assert toy.questions[1].answers == ("q1-answer",)
    assert "4711" in toy.questions[0].source
    assert "4711" not in toy.questions[0].visible


def test_a_release_holds_no_solution_and_no_hidden_test(toy):
    text = nbformat.writes(toy.release(7))
    for secret in ("np.sum(values)", "answer = mean", "a @ b.T", "4711", "4712", "4713", "17.5", "Rubric", "BEGIN"):
        assert secret not in text
    assert "VARIANT = 7  # yours" in toy.release(7).cells[2].source
    assert toy.release(7) == toy.release(7) == load("toy", TOY).release(7)
    assert "VARIANT = 0" in toy.notebook.cells[2].source, "a release must not change the master"


def test_a_release_is_that_of_nbgrader(toy):
    with warnings.catch_warnings(action="ignore"):  # what it imports is old
        from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells
    theirs, resources = copy.deepcopy(toy.solution(3)), {}
    for preprocessor in (LockCells(), ClearSolutions(), ClearHiddenTests()):
        theirs, resources = preprocessor.preprocess(theirs, resources)
    ours = toy.release(3)
    assert [cell.source for cell in ours.cells] == [cell.source for cell in theirs.cells]
    assert [cell.metadata for cell in ours.cells] == [cell.metadata for cell in theirs.cells]


def test_a_release_is_a_valid_notebook(toy):
    nbformat.validate(toy.release())
    nbformat.validate(toy.solution(2**32 - 1))
    with pytest.raises(ValueError, match="variant is -1"):
        toy.release(-1)


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
    text = (TOY / "toy.md").read_text()
    assert old in text
    (tmp_path / "bad.md").write_text(text.replace(old, new, 1))
    with pytest.raises(MasterError, match=re.escape(reason)) as caught:
        load("bad", tmp_path)
    assert "bad.md" in str(caught.value)


def test_no_such_master(tmp_path):
    (tmp_path / "one.md").write_text("# Text only\n")
    assert available(tmp_path) == ["one"]
    with pytest.raises(MasterError, match="it has one"):
        load("two", tmp_path)
    with pytest.raises(MasterError, match="no 'coursework'"):
        load("one", tmp_path)
    with pytest.raises(MasterError, match="no assignment"):
        load("../one", tmp_path)
    (tmp_path / "My Set.md").write_text("# Text only\n")
    assert available(tmp_path) == ["one"]
    with pytest.raises(MasterError, match=r"a name has small letters, digits and '-' .* \(rename My Set\.md\)"):
        load("My Set", tmp_path)


def test_a_released_notebook_can_be_read_again(toy, answered):
    notebook = answered(toy, 5, q1_answer="def mean(v): return 1 /")
    notebook.cells.append(nbformat.v4.new_code_cell("%timeit 1"))
    notebook.cells.append(copy.deepcopy(notebook.cells[5]))
    again = parse(notebook, "toy", "student.ipynb", released=True)
    assert [question.visible for question in again.questions] == [question.visible for question in toy.questions]


def test_variants():
    secret = bytes(range(32))
    numbers = {variant(secret, name, student) for name in ("a", "ab") for student in ("bc", "c", "C", "é")}
    assert len(numbers) == 8
    assert all(0 <= number < 2**32 for number in numbers)
    # computed with: printf '\0\0\0\001a\0\0\0\002bc' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
    assert variant(secret, "a", "bc") == 0x7281CAF0
    with pytest.raises(ValueError, match="wanted 16 or more"):
        variant(b"short", "a", "b")
    assert set_variant("x = 1\nVARIANT = 0\nVARIANT = 0", 9) == "x = 1\nVARIANT = 9\nVARIANT = 0"


def test_the_secret(tmp_path):
    path = tmp_path / "new" / "secret.txt"
    with pytest.raises(FileNotFoundError, match="released with"):
        read_secret(path)
    secret = read_secret(path, create=True)
    assert len(secret) == 32
    assert read_secret(path, create=True) == secret == read_secret(path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("not hexadecimal")
    with pytest.raises(ValueError, match="hexadecimal"):
        read_secret(path)
    path.write_text("00ff")
    with pytest.raises(ValueError, match="2 bytes"):
        read_secret(path)
