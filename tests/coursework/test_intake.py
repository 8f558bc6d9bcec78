"""Rosters and deliveries: whose file it is, and every bad submission as one student's row with its reason."""

import contextlib
import io
import json
import os
import stat
import struct
import zipfile

import pytest
from toy_class import folder, notebook, roster, roster_file, zipped

from coursework.files import safe_name
from coursework.intake import delivery
from coursework.intake.collect import collect
from coursework.intake.notebook_reader import digest, read_notebook
from coursework.intake.owners import IntakeError
from coursework.intake.roster import RosterError, read_roster
from coursework.tables import TableError, read_table
from coursework.text import neutralise

GOOD = notebook("x = 1")

CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,A toy (900),Current Score
    Points Possible,,,,,10.00,(read only)
"Doe, Jane",4711,U001,jdoe,Week 1,,
"O'Neill-Núñez, José María",4712,U002,jnunez,Week 1,,
李 小龍,4713,,li,Week 2,,
"""
MOODLE_ROSTER = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 201,Jane Doe,jane@example.org,Submitted for grading - ,,10.00,Yes,-,
Participant 202,José Núñez,jose@example.org,No submission,,10.00,Yes,-,
"""  # noqa: E501
GRADESCOPE_ROSTER = """First Name,Last Name,SID,Email,Role,Sections
Jane,Doe,0012,jane@example.org,Student,A
José,Núñez,0013,jose@example.org,Student,A
Ada,Teacher,,ada@example.org,Instructor,
"""


@pytest.fixture
def canvas(tmp_path):
    return roster_file(tmp_path / "canvas.csv", CANVAS_ROSTER)


@pytest.fixture
def moodle(tmp_path):
    return roster_file(tmp_path / "moodle.csv", MOODLE_ROSTER)


@pytest.fixture
def gradescope(tmp_path):
    return roster_file(tmp_path / "gradescope.csv", GRADESCOPE_ROSTER)


def delivered(tmp_path, files, class_, how="folder", **more):
    """What is collected from files, as a folder or as a zip."""
    if how == "folder":
        path = folder(tmp_path / "delivery", files)
    else:
        path = tmp_path / "delivery.zip"
        path.write_bytes(zipped(files))
    return collect(path, class_, **more)


def source(submission):
    return submission.notebook.cells[0].source


# Rosters


def test_the_rosters_of_the_three_systems(canvas, moodle, gradescope):
    assert [s.id for s in canvas] == ["4711", "4712", "4713"]
    assert canvas.possible["A toy (900)"] == "10.00"
    assert canvas["4711"].login == "jdoe"
    assert canvas["4711"].sid == "U001"
    assert [s.id for s in moodle] == ["jane@example.org", "jose@example.org"]
    assert moodle["jose@example.org"].participant == "202"
    assert [s.name for s in gradescope] == ["Jane Doe", "José Núñez"]
    assert gradescope["jane@example.org"].sid == "0012"


def test_a_roster_as_a_spreadsheet_saves_it(tmp_path):
    (tmp_path / "r.csv").write_bytes("id;name\r\n007;Doe, Jane\r\n\r\n8;Émile\r\n".encode("utf-8-sig"))
    read = read_roster(tmp_path / "r.csv")
    assert [(s.id, s.name) for s in read] == [("007", "Doe, Jane"), ("8", "Émile")]


def test_a_roster_with_an_essay_in_a_cell(tmp_path):
    (tmp_path / "r.csv").write_text(f'id,name,Online text\n1,Jane,"{"words " * 50_000}"\n', encoding="utf-8")
    assert len(read_roster(tmp_path / "r.csv")["1"].columns["Online text"]) == 300_000


def test_another_column_can_be_the_id(tmp_path):
    (tmp_path / "r.csv").write_text(MOODLE_ROSTER, encoding="utf-8")
    assert [s.id for s in read_roster(tmp_path / "r.csv", id_column="Full name")] == ["Jane Doe", "José Núñez"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("name\nJane\n", "no column 'id'"),
        ("id,name\n", "no students"),
        ("id,name\n,Jane\n", "line 2: id is blank"),
        ("id,name\n1,Jane\n2,Joe\n1,Ann\n", "line 4: id '1' is also on line 2"),
        ("id,name\nab,Jane\nAB,Joe\n", "upper and lower case"),
        ("id,name\n=1+1,Jane\n", "line 2: id '=1\\+1' begins with '='"),
        ("id,name\na\x07b,Jane\n", "do not print"),
        ("id,name\n1,Doe, Jane\n", "line 2: 3 cells where the first row has 2"),
        ("id,name,name\n1,a,b\n", "two columns are called 'name'"),
    ],
)
def test_a_bad_roster_is_refused_with_the_line(tmp_path, text, message):
    with pytest.raises(RosterError, match=message):
        roster_file(tmp_path / "r.csv", text)


def test_a_roster_that_is_not_utf8_says_how_to_save_it(tmp_path):
    (tmp_path / "r.csv").write_bytes("id,name\n1,Émile\n".encode("latin-1"))
    with pytest.raises(RosterError, match="CSV UTF-8"):
        read_roster(tmp_path / "r.csv")
    with pytest.raises(TableError, match="No such file"):
        read_table(tmp_path / "none.csv")


# Whose file it is


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


def test_a_plain_folder_of_files_folders_and_zips(tmp_path):
    class_ = roster_file(
        tmp_path / "r.csv", "id,name,email,sid\na/b,A,,\nbob@x.org,B,,\nc,C,c@x.org,77\nd,D,,\ne,E,,\nf,F,,\n"
    )
    files = {
        "a%2Fb.ipynb": notebook("a"),
        "BOB@x.org/work/toy.ipynb": notebook("b"),
        "bob@x.org/.ipynb_checkpoints/toy-checkpoint.ipynb": GOOD,
        "77.zip": zipped({"toy.ipynb": notebook("c"), "__MACOSX/._toy.ipynb": b"\0"}),
        "toy-d.ipynb": notebook("d"),
        "e/notes.pdf": b"%PDF",
        "f/toy.ipynb.txt": notebook("f"),
        "g.ipynb": GOOD,
        ".DS_Store": b"",
    }
    found = delivered(tmp_path, files, class_, assignment="toy")
    assert {k: source(v) if v.notebook else v.reason for k, v in found.items()} == {
        "a/b": "a",
        "bob@x.org": "b",
        "c": "c",
        "d": "d",
        "e": "no notebook, but notes.pdf",
        "f": "f",
    }
    assert list(found) == ["a/b", "bob@x.org", "c", "d", "e", "f"]  # the roster's order
    assert [one.file for one in found.unmatched] == ["g.ipynb"]


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


def numbered(number, name="toy"):
    return notebook(f"VARIANT = {number}  # yours", metadata={"coursework": {"name": name}})


def test_a_file_of_nobody_is_told_by_its_number_or_its_assignment(tmp_path):
    files = {
        "mine.ipynb": numbered(7), "old.ipynb": numbered(9), "x.ipynb": numbered(7, "tin"),
        "y.ipynb": b"{", "s1.ipynb": numbered(7), "s2.ipynb": numbered(7),
    }  # fmt: skip
    found = delivered(tmp_path, files, roster("s1", "s2"), assignment="toy", numbers={"s1": 7, "s2": 8})
    nobody = "its name is not that of a student in the roster"
    assert {one.file: one.reason for one in found.unmatched} == {
        "mine.ipynb": f"{nobody}; its number is that of s1",
        "old.ipynb": nobody,
        "x.ipynb": f"{nobody}; it is a notebook of 'tin'",
        "y.ipynb": nobody,
    }
    assert (found["s1"].notes, found["s2"].notes) == ((), ("the number in it is that of s1",))


def test_a_delivery_of_another_assignment_is_refused(tmp_path):
    files = {"tin_s1.ipynb": numbered(7, "tin"), "tin_s2.ipynb": numbered(8, "tin")}
    with pytest.raises(IntakeError, match="not of 'toy': the notebooks are of 'tin'"):
        delivered(tmp_path, files, roster("s1", "s2"), assignment="toy")


@pytest.mark.parametrize("more", [{"numbers": {"s1": 7, "s2": 8, "s3": 9}}, {"everyone": 7}])
def test_if_nobody_has_the_right_number_nobody_is_graded(tmp_path, more):
    class_ = roster("s1", "s2", "s3")
    files = {"s1.ipynb": numbered(17), "s2.ipynb": numbered(18)}
    with pytest.raises(IntakeError, match=r"all 2 notebooks have another number .* --secret, --id, --variant\?"):
        delivered(tmp_path, files, class_, **more)
    assert delivered(tmp_path, {"s1.ipynb": numbered(7)}, class_, **more)["s2"].notes == ()  # one has the right one
    (tmp_path / "one").mkdir()
    assert delivered(
        tmp_path / "one", {"s1.ipynb": numbered(17)}, class_, **more
    )  # one alone may be the student's fault


def test_an_id_goes_before_another_students_number(tmp_path):
    class_ = roster_file(tmp_path / "r.csv", "id,name,sid\n1,A,2\n2,B,1\n")
    found = delivered(tmp_path, {"1.ipynb": notebook("one")}, class_)
    assert {student: source(one) for student, one in found.items()} == {"1": "one"}


def test_nothing_to_read(tmp_path):
    for path, message in ((tmp_path / "none", "no such file"), (tmp_path, "no files")):
        with pytest.raises(IntakeError, match=message):
            collect(path, roster("a"))
    (tmp_path / "x.zip").write_bytes(b"PK no zip")
    with pytest.raises(IntakeError, match="neither a folder nor a zip"):
        collect(tmp_path / "x.zip", roster("a"))


# Every bad submission is one row


def deep(levels):
    return b'{"nbformat": 4, "cells": ' + b"[" * levels + b"]" * levels + b"}"


BAD = {
    "broken": (b'{"nbformat": 4, "cells": [', "broken JSON"),
    "empty": (b"", "an empty file"),
    "blank": (b" \n", "an empty file"),
    "binary": (b"\xff\xfe\x00", "not UTF-8"),
    "list": (b"[]", "not a notebook"),
    "html": (b"<html>", "broken JSON"),
    "no-cells": (b'{"nbformat": 4}', "no list of cells"),
    "old": (b'{"nbformat": 3, "worksheets": []}', "a notebook of format 3; format 4"),
    "new": (b'{"nbformat": 99, "cells": []}', "a notebook of format 99"),
    "deep": (deep(100_000), "nested too deeply"),
    "digits": (b'{"nbformat": ' + b"1" * 10_000 + b"}", "thousands of digits"),
    "surrogate": (notebook("x").replace(b'"x"', rb'"\ud800"'), "half of a surrogate pair"),
    "metadata": (notebook(metadata=[1]), "that of the notebook is a list"),
    "cell-metadata": (notebook(cells=[{"cell_type": "code", "metadata": 3, "source": ""}]), "that of cell 1 is a int"),
    "much-metadata": (notebook(metadata={"x": "y" * 200_000}), "absurd metadata"),
    "cell": (notebook(cells=[7]), "cell 1 is neither"),
    "cell-type": (notebook(cells=[{"cell_type": ["code"]}]), "cell 1 is neither"),
    "source": (notebook(cells=[{"cell_type": "code", "source": {"a": 1}}]), "source of cell 1 is not text"),
    "cells": (notebook(cells=[{"cell_type": "raw", "source": ""}] * 2_001), "2,001 cells"),
    "text": (notebook("x" * 2_000_001), "characters in all"),
    "large": (b" " * (delivery.MAX_FILE + 1), "larger than 20 MB"),
}


def test_every_bad_file_is_one_row_with_its_reason(tmp_path):
    names = [*BAD, "good"]
    files = {f"{name}.ipynb": data for name, (data, _) in BAD.items()} | {"good.ipynb": GOOD}
    found = delivered(tmp_path, files, roster(*names))
    assert list(found) == names
    assert found.unmatched == []
    assert source(found["good"]) == "x = 1"
    for name, (_, reason) in BAD.items():
        assert found[name].notebook is None
        assert reason in found[name].reason, (name, found[name].reason)
        assert found[name].digest != found["good"].digest


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(data):
    """A zip whose only file claims to be encrypted."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


def lying(data, size):
    """A zip whose headers say that its only file unpacks to ``size`` bytes."""
    at = data.index(b"PK\x01\x02")
    packed = struct.pack("<I", size)
    return data[:22] + packed + data[26 : at + 24] + packed + data[at + 28 :]


def test_every_bad_zip_is_one_row_and_nothing_is_unpacked(tmp_path):
    bomb = zipped({"toy.ipynb": b" " * 5_000_000})
    bad = {
        "slip": (zipped({"../../../toy.ipynb": GOOD}), "leads out of the archive"),
        "slip2": (zipped({"toy.ipynb": GOOD, "..\\..\\evil": b""}), "leads out of the archive"),
        "root": (zipped({"/etc/toy.ipynb": GOOD}), "leads out of the archive"),
        "drive": (zipped({"C:/toy.ipynb": GOOD}), "leads out of the archive"),
        "link": (zipped({link("toy.ipynb"): b"/etc/passwd"}), "a symbolic link"),
        "bomb": (bomb, "zip bomb"),
        "liar": (lying(bomb, 10), "cannot be read"),
        "crypt": (encrypted(zipped({"toy.ipynb": GOOD})), "toy.ipynb: encrypted"),
        "two": (zipped({"a.ipynb": GOOD, "b.ipynb": GOOD}), "2 notebooks: a.ipynb, b.ipynb"),
        "none": (zipped({"a.txt": b""}), "no notebook in the zip file"),
        "nested": (zipped({"b.zip": zipped({"toy.ipynb": GOOD})}), "no notebook in the zip file"),
        "lzma": (zipped({"toy.ipynb": GOOD}, zipfile.ZIP_LZMA), "an uncommon method"),
        "many": (zipped({f"{n}.txt": b"" for n in range(5_001)}), "more than 5,000 files"),
        "torn": (zipped({"toy.ipynb": GOOD})[:60], "a broken zip file"),
        "damaged": (zipped({"toy.ipynb": GOOD}).replace(GOOD[:9], b"#########"), "cannot be read"),
    }
    bad["damaged"] = (zipped({"toy.ipynb": GOOD}, zipfile.ZIP_STORED).replace(GOOD[:9], b"#########"), "cannot be read")
    before = sorted(p for p in tmp_path.rglob("*"))
    path = folder(tmp_path / "in", {f"{name}.zip": data for name, (data, _) in bad.items()})
    found = collect(path, roster(*bad, "good"))
    assert set(found) == set(bad)
    for name, (_, reason) in bad.items():
        assert found[name].notebook is None
        assert reason in found[name].reason, (name, found[name].reason)
    made = {p for p in tmp_path.rglob("*") if p.is_file()} - set(before)
    assert made == {path / f"{name}.zip" for name in bad}


@pytest.mark.parametrize("value", [0x00, 0x01, 0x2F, 0xFF])
def test_no_damaged_byte_of_a_zip_is_more_than_a_reason(value):
    good = zipped({"toy.ipynb": GOOD, "a/b.txt": b"x"})
    read = 0
    for at in range(len(good)):
        damaged = good[:at] + bytes([value]) + good[at + 1 :]
        with contextlib.suppress(delivery.Unreadable):
            for entry in delivery.zip_entries(damaged):
                with contextlib.suppress(delivery.Unreadable):
                    read += entry.read(delivery.Budget()) == GOOD
    assert read  # damage to what nobody needs, such as a date, is no reason


def test_bad_entries_of_the_delivery_itself(tmp_path):
    files = {
        "../../slip.ipynb": GOOD,
        link("link.ipynb"): b"/etc/passwd",
        "bomb.ipynb": b" " * 9_000_000,
        "good.ipynb": GOOD,
        "back\\slash.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, roster("slip", "link", "bomb", "good", "back"), "zip")
    assert {name: one.reason.split(": ")[-1].split(":")[0] for name, one in found.items()} == {
        "slip": "its path leads out of the archive",
        "link": "a symbolic link",
        "bomb": "more than 150 times as large as it is packed",
        "good": "",
        "back": "",
    }


def test_links_pipes_and_empty_folders(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook("another's work"))
    path = folder(tmp_path / "in", {"other/toy.ipynb": GOOD, "with-link/toy.ipynb": GOOD})
    (path / "file.ipynb").symlink_to(secret)
    (path / "dir").symlink_to(path / "other", target_is_directory=True)
    (path / "with-link" / "more").symlink_to("/", target_is_directory=True)
    (path / "hollow" / ".ipynb_checkpoints").mkdir(parents=True)
    os.mkfifo(path / "pipe.ipynb")
    found = collect(path, roster("file", "dir", "hollow", "pipe", "other", "with-link"))
    assert {name: one.reason.split(": ")[-1] for name, one in found.items()} == {
        "file": "a symbolic link",
        "dir": "a symbolic link",
        "hollow": "an empty folder",
        "pipe": "not a regular file",
        "other": "",
        "with-link": "a symbolic link",
    }
    assert (
        found["pipe"].reason == "pipe.ipynb: not a regular file"
    )  # seen before it is opened, which would wait for ever


def test_an_empty_folder_beside_the_notebook_costs_nothing(tmp_path):
    path = folder(tmp_path / "in", {"a/toy.ipynb": GOOD})
    (path / "a" / "data").mkdir()
    assert collect(path, roster("a"))["a"].notebook is not None


def test_a_delivery_of_many_large_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery.Budget, "__init__", lambda self: setattr(self, "left", 1_500))
    files = {f"{name}.ipynb": GOOD + b" " * 700 for name in "abc"}
    found = delivered(tmp_path, files, roster("a", "b", "c"))
    assert found["a"].notebook is not None
    assert found["c"].notebook is None
    assert "more than the grader reads" in found["c"].reason


def test_two_submissions_in_a_plain_folder(tmp_path):
    found = delivered(tmp_path, {"a.ipynb": GOOD, "a/toy.ipynb": GOOD}, roster("a"))
    assert found["a"].reason == "2 notebooks: toy.ipynb, a.ipynb"


# Notebooks and names


def test_outputs_and_the_way_of_writing_do_not_matter_and_sources_do():
    plain = read_notebook(GOOD)
    raw = json.loads(GOOD)
    raw["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1000}]
    raw["cells"][0]["source"] = ["x = 1"]
    raw["cells"][0]["id"] = "anything at all !"
    again = read_notebook(b"\xef\xbb\xbf" + json.dumps(raw, indent=8).encode())
    assert digest(again) == digest(plain)
    assert "outputs" not in again.cells[0] or again.cells[0].outputs == []
    assert digest(read_notebook(notebook("x = 2"))) != digest(plain)


def test_missing_metadata_and_ids_cost_nothing():
    read = read_notebook(b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}, {"cell_type": "markdown"}]}')
    assert [cell.source for cell in read.cells] == ["x", ""]


@pytest.mark.parametrize(
    "text", ["../../etc", ".hidden", "a/b", "a\\b", "", "-rf", "~x", "x" * 300, "CON:", "a\nb", "é"]
)
def test_names_of_files_are_safe_and_different(text, tmp_path):
    name = safe_name(text)
    (tmp_path / f"{name}.json").write_text("x")
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}.json"]
    assert not name.startswith((".", "-", "~"))
    assert not set(name) & set('/\\:*?"<>|\n\0')
    assert len(name) <= 120
    assert safe_name(text + "!") != name


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_formula_characters_are_neutralised_at_the_start_only(first):
    assert neutralise(f"{first}cmd|' /C calc'!A0").startswith("'")
    assert neutralise(f"Jane{first.strip() or ' '}Doe") == f"Jane{first.strip() or ' '}Doe"
    assert "\n" not in neutralise(f"a{first}b")
    assert neutralise("a\x1b[31mb\x00; =1") == "a[31mb; '=1"


def test_a_zip_is_read_from_a_stream_too():
    assert [e.name for e in delivery.zip_entries(io.BytesIO(zipped({"a/b.txt": b"x", "a/": b""})))] == ["a/b.txt"]
