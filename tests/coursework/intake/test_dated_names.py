"""Brightspace's and Blackboard's downloads, by the names that they give to files."""

import pytest
from toy_class import notebook, roster_file
from toy_deliveries import GOOD, delivered, source

BLACKBOARD_ROSTER = (
    "Last Name,First Name,Username,Student ID,Last Access,Availability,Total\n"
    "Doe,Jane,jdoe,0012,,Yes,\nNúñez,José,j_nunez,0013,,Yes,\nNunez,Juana,nunez,0014,,Yes,\n"
)
BRIGHTSPACE_ROSTER = (
    "OrgDefinedId,Username,Last Name,First Name,Email,End-of-Line Indicator\n"
    "#0012,#jdoe,Doe,Jane,jane@example.org,#\n#0013,#jsmith,Smith,Mary-Ann,m@example.org,#\n"
    "#0014,#lee1,Lee,Kim,k1@example.org,#\n#0015,#lee2,Lee,Kim,k2@example.org,#\n"
)


def class_of(tmp_path, text, column):
    from coursework.intake.roster import read_roster

    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path, column)


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_brightspace(tmp_path, how):
    files = {
        "index.html": b"<html>",
        "397063-2557369 - Jane Doe - Sep 24, 2024 926 PM/toy_jdoe.ipynb": notebook("first"),
        "397063-2557369 - Jane Doe - Sep 24, 2024 1129 PM/toy_jdoe.ipynb": notebook("second"),
        "397063-2557369 - Mary-Ann Smith - October 1, 2024 12:05 AM/toy.ipynb": GOOD,
        "397063-2557369 - Kim Lee - Oct 1, 2024 105 PM/toy.ipynb": GOOD,
        "397063-2557369 - Nobody Here - Oct 1, 2024 105 PM/toy.ipynb": GOOD,
    }
    class_ = class_of(tmp_path, BRIGHTSPACE_ROSTER, "Username")
    found = delivered(tmp_path, files, class_, how)
    assert set(found) == {"#jdoe", "#jsmith"}
    assert source(found["#jdoe"]) == "second"
    assert found["#jdoe"].moment == "2024-09-24T23:29:00"
    assert "2 submissions" in str(found["#jdoe"].notes)
    assert found["#jsmith"].moment == "2024-10-01T00:05:00"
    reasons = {one.file.split(" - ")[1]: one.reason for one in found.unmatched}
    assert reasons == {"Kim Lee": "may be from #lee1 or #lee2", "Nobody Here": "nobody of that name in the roster"}


def test_brightspace_with_all_files_beside_one_another(tmp_path):
    begin = "55-66 - Jane Doe - May 3, 2024 1:26 PM - "
    files = {f"{begin}my - notes.ipynb": notebook("mine"), f"{begin}data - 1.csv": b"1", "index.html": b""}
    found = delivered(tmp_path, files, class_of(tmp_path, BRIGHTSPACE_ROSTER, "Email"))
    assert (found["jane@example.org"].file, found["jane@example.org"].moment) == (
        "my - notes.ipynb",
        "2024-05-03T13:26:00",
    )
    assert found.unmatched == []
    assert found["jane@example.org"].delivered == f"{begin}my - notes.ipynb"


def test_one_submission_alone_is_no_wrapper(tmp_path):
    files = {"1-2 - Jane Doe - May 3, 2024 126 PM/toy.ipynb": GOOD}
    assert set(delivered(tmp_path, files, class_of(tmp_path, BRIGHTSPACE_ROSTER, "Email"))) == {"jane@example.org"}


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_blackboard(tmp_path, how):
    files = {
        "A_toy_jdoe_attempt_2024-09-24-21-26-05.txt": b"Name: Jane Doe (jdoe)",
        "A_toy_jdoe_attempt_2024-09-24-21-26-05_mine.ipynb": notebook("first"),
        "A_toy_jdoe_attempt_2024-09-25-08-00-00.txt": b"Name: Jane Doe (jdoe)",
        "A_toy_jdoe_attempt_2024-09-25-08-00-00_my_nunez_attempt_2024-01-01-00-00-00_2.ipynb": notebook("second"),
        "A_toy_0014_attempt_2024-09-25-08-00-00.txt": b"Name: Juana Nunez, nothing attached",
        "A_toy_j_nunez_attempt_2024-09-25-08-00-00_x.ipynb": GOOD,
        "A_toy_stranger_attempt_2024-09-25-08-00-00_jdoe.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, class_of(tmp_path, BLACKBOARD_ROSTER, "Username"), how)
    assert (source(found["jdoe"]), found["jdoe"].file) == ("second", "my_nunez_attempt_2024-01-01-00-00-00_2.ipynb")
    assert found["jdoe"].moment == "2024-09-25T08:00:00"
    reasons = {one.file: one.reason for one in found.unmatched}
    assert reasons == {
        "A_toy_j_nunez_attempt_2024-09-25-08-00-00_x.ipynb": "may be from j_nunez or nunez",
        "A_toy_stranger_attempt_2024-09-25-08-00-00_jdoe.ipynb": "nobody of that name in the roster",
        **(
            {}
            if "nunez" in found
            else {"A_toy_0014_attempt_2024-09-25-08-00-00.txt": "nobody of that name in the roster"}
        ),
    }


def test_other_deliveries_are_read_as_before(tmp_path):
    class_ = roster_file(tmp_path / "plain.csv", "id,name\njdoe,Jane Doe\n")
    files = {"jdoe/index.html": b"", "jdoe/toy.ipynb": GOOD, "index.html": b""}
    found = delivered(tmp_path, files, class_)
    assert set(found) == {"jdoe"}
    assert [one.file for one in found.unmatched] == ["index.html"], "it is a system's list only where that system is"
