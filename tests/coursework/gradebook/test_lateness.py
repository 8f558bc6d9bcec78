"""Lateness costs what the rules say, with a sentence that says so; the raw marks stay."""

from dataclasses import replace

import pytest
from toy_class import roster, roster_file
from toy_grades import graded, rows, submissions, table, write_marks

from coursework.gradebook.folder import open_gradebook
from coursework.gradebook.grades import grade_rows
from coursework.gradebook.lateness import LateError, lateness, read_rules
from coursework.handback.export import export
from coursework.handback.feedback import feedback
from coursework.intake.collect import Submissions

RULES = """
due = 2026-11-30T23:59:00
zone = "Europe/Zurich"
per_cent_a_day = 10
grace_hours = 2
most_per_cent = 50
"""


def class_of(out, *moments, rules=RULES, late=(), roster_text=None):
    """Students a, b, ... who handed in full work at these times, graded; the roster."""
    names = "abcdefgh"[: len(moments)]
    class_ = roster(*names) if roster_text is None else roster_file(out / "roster.csv", roster_text)
    handed_in = submissions(**dict.fromkeys(names, "ok"))
    timed = Submissions(
        replace(handed_in[name], moment=moment, late=name in late) for name, moment in zip(names, moments, strict=True)
    )
    graded(out / "out", class_, timed)
    write_marks(out / "out", *(f"{name},q3-written,4," for name in names))
    if rules:
        (out / "out" / "late.toml").write_text(rules, encoding="utf-8")
    return class_


def found(tmp_path, class_):
    return {row.student.id: row for row in grade_rows(open_gradebook(tmp_path / "out"), class_)}


@pytest.mark.parametrize(
    ("moment", "total", "said"),
    [
        ("2026-11-30T22:58:00+00:00", 10.0, ""),
        ("2026-11-30T23:59:00", 10.0, ""),
        ("2026-11-30T23:59:00+00:00", 10.0, "within the grace, nothing taken off"),
        ("2026-12-01T02:00", 9.0, "handed in 2026-12-01 02:00 CET, due 2026-11-30 23:59 CET: 1 day late, 10 per cent"),
        ("2026-12-01T23:59:00", 9.0, "1 day late"),
        ("2026-12-01T23:59:01", 8.0, "2 days late, 20 per cent taken off"),
        ("2026-12-01T14:59:01-08:00", 8.0, "handed in 2026-12-01 23:59 CET"),
        ("2027-03-01T12:00:00Z", 5.0, "91 days late, 50 per cent taken off"),
    ],
)
def test_a_day_begun_counts_in_any_zone(tmp_path, moment, total, said):
    row = found(tmp_path, class_of(tmp_path, moment))["a"]
    assert row.total == pytest.approx(total)
    assert row.raw == 10
    assert row.points == {"q1-mean": 2.0, "q1-value": 1.0, "q2-gram": 3.0, "q3-written": 4.0}
    assert any(said in note for note in row.notes) if said else row.notes == ()
    assert row.late is bool(said)


def test_a_date_of_one_s_own(tmp_path):
    late = "2026-12-03T12:00:00"
    rules = RULES + '[extensions]\nb = 2026-12-03T12:00:00\nc = 2026-12-03\n"d" = 2026-12-02T12:00:00\n'
    text = "id,name,due\na,A,\nb,B,2026-11-01\nc,C,\nd,D,\ne,E,2026-12-04\n"
    rows_ = found(tmp_path, class_of(tmp_path, *[late] * 5, rules=rules, roster_text=text))
    assert {name: row.total for name, row in rows_.items()} == pytest.approx(
        {"a": 7, "b": 10, "c": 10, "d": 9, "e": 10}
    )
    assert "due 2026-12-03 12:00 CET (this student's own date): in time" in str(rows_["b"].notes)
    assert "due 2026-12-04 23:59 CET (this student's own date)" in str(rows_["e"].notes)


def test_late_without_a_time_is_looked_at(tmp_path):
    class_ = class_of(tmp_path, "", "", "rubbish", late="a")
    rows_ = found(tmp_path, class_)
    assert (rows_["a"].status, rows_["a"].total) == ("check", None)
    assert "late, but not when it was handed in" in str(rows_["a"].notes)
    for name in "bc":
        assert (rows_[name].status, rows_[name].total) == ("graded", 10)
        assert "when it was handed in is not known" in str(rows_[name].notes), "nothing is on time in silence either"
    path = tmp_path / "out" / "late.toml"
    path.write_text(RULES + "[submitted]\na = 2026-12-01T03:00:00\n", encoding="utf-8")
    assert found(tmp_path, class_)["a"].total == 9
    path.write_text(RULES, encoding="utf-8")
    write_marks(tmp_path / "out", *(f"{name},q3-written,4," for name in "abc"), "a,accept,1,")
    assert found(tmp_path, class_)["a"].total == 10


def test_rules_come_and_go_and_the_marks_stay(tmp_path):
    class_ = class_of(tmp_path, "2026-12-02T12:00:00", "2026-11-01T12:00:00", rules="")
    marks = (tmp_path / "out" / "marks.csv").read_bytes()
    assert found(tmp_path, class_)["a"].total == 10
    (tmp_path / "out" / "late.toml").write_text(RULES, encoding="utf-8")
    again = replace(submissions(a="ok")["a"], moment="")  # delivered once more, without its time
    graded(tmp_path / "out", class_, Submissions([again]))
    assert found(tmp_path, class_)["a"].total == 8
    found_table = table(tmp_path / "out")["a"]
    assert (found_table["total"], found_table["total before lateness"]) == ("8", "10")
    assert (found_table["per cent taken off"], found_table["late"], found_table["q3-written"]) == ("20", "late", "4")
    assert (tmp_path / "out" / "marks.csv").read_bytes() == marks
    export(tmp_path / "out", class_, "moodle", tmp_path / "moodle.csv")
    told = {row["Full name"]: row for row in rows(tmp_path / "moodle.csv")}
    assert told["Student a"]["Grade"] == "8"
    assert "2 days late, 20 per cent taken off" in told["Student a"]["Feedback comments"]
    page = feedback(tmp_path / "out", class_)[0].read_text(encoding="utf-8")
    assert "<strong>8 of 10 points</strong>" in page
    assert "2 days late, 20 per cent taken off. Before that: 10 points." in page
    (tmp_path / "out" / "late.toml").unlink()
    graded(tmp_path / "out", class_, submissions())
    assert "total before lateness" not in table(tmp_path / "out")["a"]
    assert table(tmp_path / "out")["a"]["total"] == "10"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("due = 2026-11-30T23:59:00", "wanted due, such as 2026-11-30T23:59:00, and zone"),
        ('due = 2026-11-30\nzone = "Mars/Base"', "zone is 'Mars/Base', wanted a name"),
        ('due = "soon"\nzone = "UTC"', "due is 'soon', wanted a time"),
        ('due = 12:00:00\nzone = "UTC"', "wanted a time"),
        (RULES + "fine = 3", "'fine' is none of"),
        (RULES.replace("= 10", "= 110"), "per_cent_a_day is 110, wanted a number from 0 to 100"),
        (RULES.replace("= 10", "= true"), "per_cent_a_day is True"),
        (RULES + "[extensions]\nzoe = 2026-12-01", "extensions has 'zoe', who is not in the roster"),
        (RULES + "[submitted]\na = 3", "submitted of 'a' is 3, wanted a time"),
        (RULES + "extensions = 3", "extensions is 3, wanted a table"),
        ("due = ", "late.toml"),
    ],
)
def test_rules_that_cannot_be_used(tmp_path, rules, said):
    (tmp_path / "late.toml").write_text(rules, encoding="utf-8")
    with pytest.raises(LateError, match=said):
        read_rules(tmp_path, roster("a"))


def test_summer_time_does_not_shorten_a_day(tmp_path):
    (tmp_path / "late.toml").write_text(
        'due = 2026-10-24T12:00:00\nzone = "Europe/Zurich"\nper_cent_a_day = 10', encoding="utf-8"
    )
    class_ = roster("a")
    rules = read_rules(tmp_path, class_)
    (student,) = class_
    assert lateness(rules, student, "2026-10-25T12:00:00", False).per_cent == 20, "that day has 25 hours"
    assert lateness(rules, student, "2026-10-25T11:00:00", False).per_cent == 10
