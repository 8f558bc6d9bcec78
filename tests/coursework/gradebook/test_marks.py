"""Marks by hand: read strictly, never written over."""

import pytest
from toy_class import roster
from toy_grades import graded, submissions, table, write_marks

from coursework.gradebook.marks import MarksError, append_rows, read_marks


def test_marks_are_never_written_over_and_rows_are_only_added(tmp_path):
    graded(tmp_path, roster("a", "b"), submissions(a="ok"))
    own = b'\xef\xbb\xbfquestion;student;mood;points;comment\r\nq3-written;a;:);2,5;"two; lines\nof it"'
    (tmp_path / "marks.csv").write_bytes(own)
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    after = (tmp_path / "marks.csv").read_bytes()
    assert after == own + b"\r\nq3-written;b;;;\r\n"
    assert table(tmp_path)["a"]["total"] == "8.5"
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    assert (tmp_path / "marks.csv").read_bytes() == after


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,q3-written,4.5,", "line 3: a, q3-written: points are 4.5, wanted a number from 0 to 4"),
        ("a,q3-written,-1,", "line 3: .* from 0 to 4"),
        ("a,q3-written,nan,", "line 3: .* from 0 to 4"),
        ("a,q3-written,three,", "line 3: .* 'three', wanted a number"),
        ('a,q3-written,"2,5",', "line 3: .* wanted a number"),
        ("a,q9,1,", "line 3: no question 'q9'; there are q1-mean"),
        ("zed,q3-written,1,", "line 3: no student 'zed' in the roster"),
        ("b,q3-written,1,", "line 3: b, q3-written is also on line 2"),
        ("a,q3-written,1,x,y", "line 3: 5 cells where the first row has 4"),
    ],
)
def test_marks_that_cannot_be_are_refused_with_their_row_before_anything_is_graded(tmp_path, line, message):
    graded(tmp_path, roster("a", "b"), submissions(a="ok"))
    write_marks(tmp_path, "b,q3-written,1,", line)
    before = (tmp_path / "marks.csv").read_bytes()
    with pytest.raises(MarksError, match=message):
        graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    assert (tmp_path / "marks.csv").read_bytes() == before
    assert not (tmp_path / "results" / "b.json").exists()


def test_all_wrong_rows_are_named(tmp_path):
    write_marks(tmp_path, *(f"s{n},q,1," for n in range(30)))
    with pytest.raises(MarksError) as caught:
        read_marks(tmp_path / "marks.csv", ["a"], {"q": 1})
    assert str(caught.value).count("\n") == 21
    assert "and 10 more" in str(caught.value)


def test_a_marks_file_without_its_columns_is_refused(tmp_path):
    write_marks(tmp_path, head="student;question;mark")
    with pytest.raises(MarksError, match="no column 'points', 'comment'"):
        read_marks(tmp_path / "marks.csv", ["a"], {"q": 1})


def test_ids_that_lost_their_zeros_in_a_spreadsheet_are_found_where_there_is_no_doubt(tmp_path):
    write_marks(tmp_path, "7,q,1,", "08,q,1,")
    assert set(read_marks(tmp_path / "marks.csv", ["007", "8"], {"q": 1})) == {("007", "q"), ("8", "q")}
    with pytest.raises(MarksError, match="no student '7'"):
        read_marks(tmp_path / "marks.csv", ["007", "07"], {"q": 1})


def test_marks_of_a_student_who_left_are_no_error(tmp_path):
    graded(tmp_path, roster("a", "b"), submissions(a="ok", b="ok"))
    write_marks(tmp_path, "b,q3-written,1,")
    graded(tmp_path, roster("a"), submissions(a="ok"))
    assert list(table(tmp_path)) == ["a"]


def test_rows_added_to_a_file_keep_its_end(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(b"student,question,points,comment\na,q,1,\n")
    append_rows(path, [("b", "q")])
    assert path.read_bytes() == b"student,question,points,comment\na,q,1,\nb,q,,\r\n"
