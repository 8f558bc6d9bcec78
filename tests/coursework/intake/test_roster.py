"""Rosters of three systems, and as spreadsheets save them."""

import pytest
from toy_class import roster_file
from toy_deliveries import MOODLE_ROSTER

from coursework.intake.roster import RosterError, read_roster
from coursework.tables import TableError, read_table


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
        (
            "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung\nTeilnehmer/in101,Jane,j@x.org,,,10\n",
            "'ID', holds 'Teilnehmer/in101': this seems to be Moodle's grading worksheet in another language",
        ),
        ("ID,Étudiant,Section,Devoir 1,Devoir 2,Note\n4711,Jane,A,1,2,3\n", "no column of names or addresses"),
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
