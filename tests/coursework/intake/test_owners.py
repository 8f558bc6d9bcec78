"""Whose a file is: by the names that systems give, never by one that a student chose."""

import pytest
from toy_class import notebook, roster, roster_file, zipped
from toy_deliveries import GOOD, delivered, source

from coursework.intake.owned_file import IntakeError


@pytest.mark.parametrize("how", ["folder", "zip"])
@pytest.mark.parametrize("top", ["", "submissions/"])
def test_canvas(tmp_path, canvas, how, top):
    files = {
        "doejane_4711_90001_toy.ipynb": notebook("jane"),
        "oneillnúñezjosémaría_LATE_4712_90002_toy.ipynb": notebook("jose"),
        "stranger_4799_90003_toy.ipynb": GOOD,
        "anon_x8Ab1_90004_toy.ipynb": GOOD,
    }
    found = delivered(tmp_path, {top + name: data for name, data in files.items()}, canvas, how)
    assert {student: (source(one), one.late, one.file) for student, one in found.items()} == {
        "4711": ("jane", False, "toy.ipynb"),
        "4712": ("jose", True, "toy.ipynb"),
    }
    assert sorted(one.file for one in found.unmatched) == [
        "anon_x8Ab1_90004_toy.ipynb",
        "stranger_4799_90003_toy.ipynb",
    ]
    assert "4799 is not in the roster" in next(u.reason for u in found.unmatched if "4799" in u.file)


def test_of_canvas_resubmissions_the_last_counts_and_says_so(tmp_path, canvas):
    files = {
        "doejane_4711_90001_toy.ipynb": notebook("first"),
        "doejane_4711_90015_toy-2.ipynb": notebook("third"),
        "doejane_LATE_4711_90009_toy-1.ipynb": notebook("second"),
        "li_4713_90002_toy-1.ipynb": notebook("only"),
    }
    found = delivered(tmp_path, files, canvas)
    assert source(found["4711"]) == "third"
    assert not found["4711"].late
    assert found["4711"].notes == ("3 times handed in: toy-2.ipynb counts, toy.ipynb, toy-1.ipynb came before",)
    assert source(found["4713"]) == "only"
    assert found["4713"].notes == ()


def test_canvas_text_and_two_different_notebooks_are_reported(tmp_path, canvas):
    files = {
        "doejane_4711_text.html": b"<p>I could not upload it</p>",
        "li_4713_1_a.ipynb": GOOD,
        "li_4713_2_b.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, canvas)
    assert found["4711"].reason.startswith("no notebook, but")
    assert found["4713"].reason == "2 notebooks: a.ipynb, b.ipynb"


def test_a_name_or_file_name_chosen_to_be_taken_for_another_student(tmp_path, canvas):
    files = {
        "doejane_4711_90001_x_4712_90002_toy.ipynb": GOOD,  # Jane's file "x_4712_90002_toy.ipynb"
        "x_4713_88_4711_90003_toy.ipynb": GOOD,  # her name is "x_4713_88"
    }
    found = delivered(tmp_path, files, canvas)
    assert found == {}
    assert len(found.unmatched) == 2
    assert "may be from 4711 or 4712" in found.unmatched[0].reason


def test_canvas_without_numbers_in_the_roster_goes_by_unique_names(tmp_path):
    class_ = roster_file(tmp_path / "r.csv", 'id,name\n1,Jane Doe\n2,"Roe, Ann"\n3,Ann Roe\n4,Bo Li\n')
    files = {"doejane_4711_1_a.ipynb": notebook("jane"), "roeann_4_2_a.ipynb": GOOD}
    found = delivered(tmp_path, files, class_)
    assert set(found) == {"1"}  # and not 4, whose id happens to be Canvas's number of someone else
    assert "may be from 2 or 3" in found.unmatched[0].reason


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_moodle(tmp_path, moodle, how):
    files = {
        "Jane Doe_201_assignsubmission_file_/week 1/toy.ipynb": notebook("jane"),
        "Jane Doe_201_assignsubmission_onlinetext_/onlinetext.html": b"hello",
        "José Núñez_202_assignsubmission_file_toy.ipynb": notebook("jose"),
        "José Núñez_777_assignsubmission_file_toy.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, moodle, how)
    assert source(found["jane@example.org"]) == "jane"
    assert source(found["jose@example.org"]) == "jose"
    assert [one.reason.split(" (")[0] for one in found.unmatched] == ["participant 777 is not in the roster"]


def test_newer_moodle_without_the_last_underscore_and_a_file_named_to_deceive(tmp_path, moodle):
    files = {
        "Jane Doe_201_assignsubmission_file/toy.ipynb": notebook("jane"),
        "José Núñez_202_assignsubmission_file_x_201_assignsubmission_file_toy.ipynb": notebook("jose"),
    }
    found = delivered(tmp_path, files, moodle)
    assert source(found["jane@example.org"]) == "jane"
    assert source(found["jose@example.org"]) == "jose"


def test_moodle_by_name_if_the_roster_has_no_participants(tmp_path):
    class_ = roster_file(tmp_path / "r.csv", "id,name\n1,Jane Doe\n2,Ann Roe\n3,Ann Roe\n")
    files = {
        "Jane Doe_5_assignsubmission_file_/a.ipynb": notebook("jane"),
        "Ann Roe_6_assignsubmission_file_/a.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, class_)
    assert set(found) == {"1"}
    assert "2 or 3" in found.unmatched[0].reason


METADATA = """submission_11:
  :submitters:
  - :name: Jane Doe
    :sid: '0012'
    :email: jane@example.org
  :created_at: 2026-03-01 10:00:00.123456000 -08:00
submission_12: !ruby/object:Hash
  :submitters:
  - :name: José Núñez
    :sid: 0013
    :email: ''
  - :name: Jane Doe
    :sid: 0012
    :email: jane@example.org
  - :name: Nobody
    :sid: 9
    :email: nobody@example.org
  :created_at: 2026-03-01 17:30:00.5 Z
submission_13:
  :submitters: []
"""


def test_gradescope_with_a_group_and_two_submissions_of_one_student(tmp_path, gradescope):
    files = {
        "submission_metadata.yml": METADATA.encode(),
        "submission_11/toy.ipynb": notebook("alone, at 18:00 in UTC"),
        "submission_12/deep/toy.ipynb": notebook("together, at 17:30"),
        "submission_13/toy.ipynb": GOOD,
        "submission_14/toy.ipynb": GOOD,
    }
    found = delivered(
        tmp_path, {"assignment_9_export/" + name: data for name, data in files.items()}, gradescope, "zip"
    )
    assert source(found["jane@example.org"]) == "alone, at 18:00 in UTC"
    assert "2 submissions: submission_11 counts, submission_12 came before" in found["jane@example.org"].notes
    assert source(found["jose@example.org"]) == "together, at 17:30"
    assert found["jose@example.org"].notes == ("handed in together by jose@example.org, jane@example.org",)
    assert sorted(one.file for one in found.unmatched) == [
        "submission_12/deep/toy.ipynb",
        "submission_13/toy.ipynb",
        "submission_14/toy.ipynb",
    ]


def test_gradescope_by_name_if_the_roster_has_nothing_else(tmp_path):
    class_ = roster_file(tmp_path / "r.csv", "id,name\n1,Jane Doe\n0013,Bo Li\n3,José Núñez\n4,Nobody\n5,Nobody\n")
    files = {"submission_metadata.yml": METADATA.encode(), "submission_12/toy.ipynb": notebook("x")}
    found = delivered(tmp_path, files, class_)
    assert set(found) == {"1", "0013"}  # Núñez's number is an id, so it is Li's, whatever the name
    assert "Nobody" in found.unmatched[0].reason


def test_gradescope_metadata_that_is_broken_is_an_error(tmp_path, gradescope):
    with pytest.raises(IntakeError, match="submission_metadata"):
        delivered(tmp_path, {"submission_metadata.yml": b"a: [", "submission_1/a.ipynb": GOOD}, gradescope)


@pytest.mark.parametrize(
    "name",
    [
        "toy_s1 (1).ipynb", "toy_s1(2).ipynb", "toy_s1-Copy1.ipynb", "toy_s1 - Copy.ipynb", "toy_s1 - Copy (2).ipynb",
        "toy_s1 copy 2.ipynb", "TOY_S1.IPYNB", "Toy-s1.ipynb", "s1 (1).zip", "S1 (1)/toy.ipynb",
    ],
)  # fmt: skip
def test_a_copy_belongs_to_whom_the_original_does(tmp_path, name):
    data = zipped({"toy.ipynb": GOOD}) if name.endswith("zip") else GOOD
    found = delivered(tmp_path, {name: data, "s2.ipynb": GOOD}, roster("s1", "s2"), assignment="toy")
    assert (list(found), found.unmatched) == (["s1", "s2"], [])
    assert found["s1"].notebook


def test_a_copy_beside_the_original_is_not_passed_over(tmp_path):
    files = {"toy_s1.ipynb": notebook("1"), "toy_s1 (1).ipynb": notebook("2"), "s2 (1).ipynb": GOOD, "s2.ipynb": GOOD}
    found = delivered(tmp_path, files, roster("s1", "s2 (1)", "s2"), assignment="toy")
    assert found["s1"].reason == "2 notebooks: toy_s1 (1).ipynb, toy_s1.ipynb"
    assert found["s2"].notebook  # somebody's id may look like a copy's name
    assert found["s2 (1)"].notebook


def test_a_folder_named_after_the_id_settles_whose_it_is(tmp_path):
    found = delivered(tmp_path, {"s1/final version.ipynb": notebook("mine")}, roster("s1", "s2"), assignment="toy")
    assert source(found["s1"]) == "mine"
    assert (list(found), found.unmatched) == (["s1"], [])


def test_an_id_goes_before_another_students_number(tmp_path):
    class_ = roster_file(tmp_path / "r.csv", "id,name,sid\n1,A,2\n2,B,1\n")
    found = delivered(tmp_path, {"1.ipynb": notebook("one")}, class_)
    assert {student: source(one) for student, one in found.items()} == {"1": "one"}
