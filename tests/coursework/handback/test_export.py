"""Grades as Canvas and Moodle import them, read back by their own rules."""

import csv
import io
import re

import pytest
from toy_grades import graded_roster

from coursework.gradebook.marks import MarksError
from coursework.handback.export import export
from coursework.handback.scaling import ExportError
from coursework.intake.roster import RosterError, read_roster

CANVAS = '''Student,ID,SIS User ID,SIS Login ID,Root Account,Section,Essay (899),A toy (900),Current Score
,,,,,,,Manual Posting,
    Points Possible,,,,,,20.00,10.00,(read only)
"Doe, Jane ""J""",4711,0012,=jdoe,uni.edu,"Week 1, Monday",5.00,,50.00
=cmd|'/C calc'!A0,4712,0013,joe,uni.edu,Week 1,,3.00,
李 小龍,4713,,li,uni.edu,+Week 2,,,
"Doe, Jane ""J""",4714,,jane2,uni.edu,Week 1,,,
'''
MOODLE = """Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments
Participant 201,Jane Doe,0012,jane@x.org,Submitted for grading -  - ,,10.00,Yes,"Sunday, 1 March 2026, 10:00 AM",-,
Participant 202,@José,0013,jose@x.org,Submitted for grading -  - ,3.00,10.00,Yes,-,"Monday, 2 March 2026, 9:00 AM",see me
Participant 203,Li,0014,li@x.org,No submission,,10.00,Yes,-,-,
"""  # noqa: E501


def read(path):
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")  # systems read UTF-8 as it is
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def canvas_import(path):
    """What Canvas's importer takes from a file: points possible, grades by the student's number."""
    head, *body = read(path)
    assert "Student" in head[0]
    assert "ID" in head[1]
    students = 3
    if re.search(r"SIS\s+Login\s+ID", head[2]):
        students += 1
    elif re.search(r"SIS\s+User\s+ID", head[2]) and re.search(r"SIS\s+Login\s+ID", head[3]):
        students += 2 + bool(re.search(r"Integration\s+ID", head[4]))
        students += bool(re.search(r"Root\s+Account", head[students - 1]))
    assert "Section" in head[students - 1]
    (assignment,) = head[students:]
    possible = [row[-1] for row in body if "Points Possible" in row[0]]
    return assignment, possible, {row[1]: row[-1] for row in body if "Points Possible" not in row[0]}


def moodle_import(path):
    """What Moodle's importer takes: grade and comment by participant, blank grades passed over."""
    head, *body = read(path)
    at = {name: head.index(name) for name in ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")}
    records = {row[at["Identifier"]][len("Participant ") :]: row for row in body}
    grades = {who: row[at["Grade"]] for who, row in records.items() if row[at["Grade"]] != ""}
    return grades, {who: row[at["Feedback comments"]] for who, row in records.items()}


SOURCES = {"4711": "ok", "4712": "half", "4713": "suspicious"}
MARKS = ("4711,q3-written,4,fine", "4712,q3-written,0.5,")


def test_canvas(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS, MARKS, **SOURCES)
    done = export(out, class_, "canvas", tmp_path / "c.csv")
    assert canvas_import(tmp_path / "c.csv") == (
        "A toy (900)",
        ["10"],
        {"4711": "10", "4712": "5", "4713": "", "4714": ""},
    )
    assert (done.grades, done.blank) == (2, {"check": 1, "missing": 1})
    assert "2 grades; left blank: 1 check, 1 missing" in str(done)
    head, possible, jane, joe, li, _ = read(tmp_path / "c.csv")
    assert head == [
        "Student", "ID", "SIS User ID", "SIS Login ID", "Root Account", "Section", "A toy (900)"
    ]  # fmt: skip
    assert possible == ["    Points Possible", "", "", "", "", "", "10"]
    assert jane == ['Doe, Jane "J"', "4711", "0012", "'=jdoe", "uni.edu", "Week 1, Monday", "10"]
    assert joe[0] == "'=cmd|'/C calc'!A0"
    assert li[0] == "李 小龍"
    assert li[5] == "'+Week 2"


def test_canvas_keeps_the_grade_of_a_student_who_has_none_here(tmp_path):
    line = next(line for line in CANVAS.splitlines() if ",4714," in line)
    out, class_ = graded_roster(tmp_path, CANVAS.replace(line, line[:-1] + "7.5,"), MARKS, **SOURCES)
    export(out, class_, "canvas", tmp_path / "c.csv")
    assert canvas_import(tmp_path / "c.csv")[2] == {"4711": "10", "4712": "5", "4713": "", "4714": "7.5"}


def test_canvas_takes_a_column_that_is_named_and_one_without_its_number(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS.replace("A toy (900)", "Homework 1 (900)"), MARKS, **SOURCES)
    export(out, class_, "canvas", tmp_path / "c.csv")
    assert canvas_import(tmp_path / "c.csv")[0] == "A toy"
    export(out, class_, "canvas", tmp_path / "d.csv", column="Homework 1 (900)")
    assert canvas_import(tmp_path / "d.csv")[0] == "Homework 1 (900)"


def test_canvas_with_first_and_last_names_apart(tmp_path):
    text = "LastName,FirstName,ID,SIS Login ID,Section\n-Doe,Jane,4711,jdoe,A\n"
    out, class_ = graded_roster(tmp_path, text, MARKS[:1], **{"4711": "ok"})
    export(out, class_, "canvas", tmp_path / "c.csv")
    assert read(tmp_path / "c.csv") == [
        ["LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Section", "A toy"],
        ["    Points Possible", "", "", "", "", "", "10"],
        ["'-Doe", "Jane", "4711", "", "jdoe", "A", "10"],
    ]


def test_canvas_is_not_made_to_change_its_points(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS.replace(",10.00,", ',"1,000.00",'), MARKS, **SOURCES)
    with pytest.raises(
        ExportError, match=r"1,000.00 points are set in Canvas for 'A toy \(900\)', the assignment has 10"
    ):
        export(out, class_, "canvas", tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()
    export(out, class_, "canvas", tmp_path / "c.csv", scale=True)
    assert canvas_import(tmp_path / "c.csv")[1:] == (["1000"], {"4711": "1000", "4712": "500", "4713": "", "4714": ""})


def test_a_plain_roster_goes_to_canvas_by_its_ids_unless_two_have_one_name(tmp_path):
    out, class_ = graded_roster(tmp_path, "id,name\n007,Jane\n8,Bo\n", ["007,q3-written,4,"], **{"007": "ok"})
    done = export(out, class_, "canvas", tmp_path / "c.csv")
    assert read(tmp_path / "c.csv") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "A toy"],
        ["    Points Possible", "", "", "", "", "10"],
        ["Jane", "", "007", "", "", "10"],
        ["Bo", "", "8", "", "", ""],
    ]
    assert "before you confirm the import" in str(done)
    (tmp_path / "same").mkdir()
    out, class_ = graded_roster(tmp_path / "same", "id,name\n1,Jane Doe\n2,jane  doe\n", **{"1": "ok"})
    with pytest.raises(ExportError, match="'Jane Doe' is the name of '1' and '2', and Canvas may go by names"):
        export(out, class_, "canvas", tmp_path / "d.csv")


def test_two_columns_of_the_same_title_must_be_told_apart(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS.replace("Essay (899)", "a toy (899)"), MARKS, **SOURCES)
    with pytest.raises(ExportError, match=r"2 columns of that title: a toy \(899\), A toy \(900\)"):
        export(out, class_, "canvas", tmp_path / "c.csv")


def test_a_plain_roster_with_the_sis_columns_goes_to_canvas(tmp_path):
    out, class_ = graded_roster(tmp_path, "id,name,SIS Login ID\n1,Jane,jdoe\n", ["1,q3-written,4,"], **{"1": "ok"})
    export(out, class_, "canvas", tmp_path / "c.csv")
    assert read(tmp_path / "c.csv")[2] == ["Jane", "", "", "jdoe", "", "10"]


def test_moodle(tmp_path):
    marks = ["jane@x.org,q3-written,4,=1+1 is 2"]
    out, class_ = graded_roster(tmp_path, MOODLE, marks, **{"jane@x.org": "half", "jose@x.org": "ok"})
    done = export(out, class_, "moodle", tmp_path / "m.csv")
    grades, comments = moodle_import(tmp_path / "m.csv")
    assert grades == {"201": "8.5", "202": "3.00"}  # 202 is not graded in full: Moodle keeps what it had
    assert comments["201"] == "q1-mean: 2 of 2; q1-value: 1 of 1; q2-gram: 1.5 of 3; q3-written: 4 of 4 (=1+1 is 2)"
    assert comments["202"] == "see me"  # a blank would delete it
    assert done.blank == {"missing": 1, "needs-manual": 1}
    before, after = list(csv.reader(io.StringIO(MOODLE))), read(tmp_path / "m.csv")
    mine = [before[0].index(name) for name in ("Grade", "Feedback comments", "Full name")]
    for old, new in zip(before, after, strict=True):  # everything else goes back as it came
        assert [c for n, c in enumerate(old) if n not in mine] == [c for n, c in enumerate(new) if n not in mine]
    assert [row[1] for row in after] == ["Full name", "Jane Doe", "'@José", "Li"]


def test_moodle_that_would_misread_the_grades_is_refused_or_they_are_converted(tmp_path):
    marks = ["jane@x.org,q3-written,4,"]
    out, class_ = graded_roster(tmp_path, MOODLE.replace(",10.00,", ',"100,00",'), marks, **{"jane@x.org": "half"})
    with pytest.raises(ExportError, match="100,00 points are set in Moodle as maximum grade, the assignment has 10"):
        export(out, class_, "moodle", tmp_path / "m.csv")
    export(out, class_, "moodle", tmp_path / "m.csv", scale=True)
    assert moodle_import(tmp_path / "m.csv")[0] == {"201": "85", "202": "3.00"}


def test_without_the_worksheet_participants_are_not_made_up(tmp_path):
    text = "id,name,email\n1,=Jane,jane@x.org\n2,Bo,\n"
    out, class_ = graded_roster(tmp_path, text, ["1,q3-written,4,"], **{"1": "ok"})
    done = export(out, class_, "moodle", tmp_path / "m.csv")
    head, jane, bo = (dict(zip(read(tmp_path / "m.csv")[0], row, strict=True)) for row in read(tmp_path / "m.csv"))
    assert list(head) == [
        "Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Maximum Grade",
        "Grade can be changed", "Last modified (grade)", "Feedback comments",
    ]  # fmt: skip
    assert jane["Identifier"] == bo["Identifier"] == ""
    assert (jane["Full name"], jane["Email address"], jane["ID number"], jane["Grade"]) == (
        "'=Jane",
        "jane@x.org",
        "",
        "10",
    )
    assert (bo["Email address"], bo["ID number"], bo["Grade"], bo["Feedback comments"]) == ("", "2", "", "")
    assert "Grades > Import" in str(done)


def test_the_table_for_people_is_utf8_with_a_mark_and_cannot_calculate(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS, MARKS, **SOURCES)
    export(out, class_, "csv", tmp_path / "p.csv")
    data = (tmp_path / "p.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    read_back = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["name"] for row in read_back] == ['Doe, Jane "J"', "'=cmd|'/C calc'!A0", "李 小龍", 'Doe, Jane "J"']
    assert [row["id"] for row in read_back] == ["4711", "4712", "4713", "4714"]
    assert [row["total"] for row in read_back] == ["10", "5", "", ""]
    for row in read_back:
        assert not any(str(cell).startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


@pytest.mark.parametrize("to", ["canvas", "moodle", "csv"])
def test_no_column_of_an_export_can_calculate(tmp_path, to):
    evil = "\x1b=HYPERLINK(1)"
    roster = {"canvas": CANVAS.replace("=jdoe,uni.edu", f"{evil},{evil}").replace("0013", evil), "csv": CANVAS}
    roster["moodle"] = MOODLE.replace("Status", "Online text").replace("Submitted for grading -  - ", evil)
    roster["moodle"] = roster["moodle"].replace("see me", evil).replace("0013", evil)
    student = "jane@x.org" if to == "moodle" else "4711"
    marks = [f"{student},q3-written,4,{evil}"]
    out, class_ = graded_roster(tmp_path, roster[to], marks, **{student: "evil"})
    export(out, class_, to, tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_text("utf-8-sig")
    assert "\x1b" not in text
    assert text.count("'=HYPERLINK") == {"canvas": 3, "moodle": 4, "csv": 0}[to]
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not any(cell.startswith(tuple("=+-@")) and cell != "-" for cell in cells)


def test_marks_made_after_the_grading_are_in_the_export(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS, **SOURCES)
    assert export(out, class_, "csv", tmp_path / "p.csv").grades == 0
    (out / "marks.csv").write_text("student,question,points,comment\n4711,q3-written,4,\n", encoding="utf-8")
    assert export(out, class_, "csv", tmp_path / "q.csv").grades == 1
    (out / "marks.csv").write_text("student,question,points,comment\n4711,q3-written,40,\n", encoding="utf-8")
    with pytest.raises(MarksError, match="line 2"):
        export(out, class_, "csv", tmp_path / "r.csv")


def test_wrong_arguments(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS, **SOURCES)
    before = (tmp_path / "roster.csv").read_bytes()
    with pytest.raises(ExportError, match="is the roster"):
        export(out, class_, "canvas", tmp_path / "roster.csv")
    assert (tmp_path / "roster.csv").read_bytes() == before
    with pytest.raises(ExportError, match="wanted canvas, moodle or csv"):
        export(out, class_, "blackboard", tmp_path / "x.csv")
    with pytest.raises(ExportError, match="is not a folder"):
        export(out, class_, "csv", tmp_path / "none" / "x.csv")


def test_an_export_replaces_no_file(tmp_path):
    out, class_ = graded_roster(tmp_path, CANVAS, MARKS, **SOURCES)
    (tmp_path / "secret.txt").write_text("00" * 16, encoding="utf-8")
    with pytest.raises(ExportError, match=r"secret\.txt exists already: give another name"):
        export(out, class_, "csv", tmp_path / "secret.txt")
    assert (tmp_path / "secret.txt").read_text(encoding="utf-8") == "00" * 16
    export(out, class_, "csv", tmp_path / "p.csv")
    export(out, class_, "csv", tmp_path / "p.csv")  # the same again changes nothing
    (out / "marks.csv").write_text("student,question,points,comment\n", encoding="utf-8")
    with pytest.raises(ExportError, match=r"p\.csv exists already"):
        export(out, class_, "csv", tmp_path / "p.csv")


@pytest.mark.parametrize("own", ["marks.csv", "GRADES.csv", "assignment.json", "results/4711.json", "marking/new.csv"])
def test_an_export_is_not_written_where_the_grades_are(tmp_path, own):
    out, class_ = graded_roster(tmp_path, CANVAS, MARKS, **SOURCES)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ExportError, match="keeps what was graded; give another file"):
        export(out, class_, "csv", out / own)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    export(out, class_, "csv", out / "all.csv")


def test_a_roster_with_other_ids_is_refused_and_who_left_the_class_is_named(tmp_path):
    out, _ = graded_roster(tmp_path, CANVAS, MARKS, **SOURCES)
    (tmp_path / "other.csv").write_text("id,name,mail\n4711,Jane,jane@x.org\n4715,New,new@x.org\n", encoding="utf-8")
    with pytest.raises(RosterError, match=r"graded were '4711', '4712', '4713', the roster has 'jane@x.org'.*--id"):
        export(out, read_roster(tmp_path / "other.csv", "mail"), "csv", tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()
    done = export(out, read_roster(tmp_path / "other.csv"), "csv", tmp_path / "p.csv")
    assert "not in the roster, and so left out: '4712', '4713'." in str(done)
