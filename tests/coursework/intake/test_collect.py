"""Rosters and deliveries: whose file it is, and every bad submission as one student's row with its reason."""

import pytest
from toy_class import notebook, roster, roster_file, zipped
from toy_deliveries import GOOD, delivered, source

from coursework.intake.collect import collect
from coursework.intake.owned_file import IntakeError


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


@pytest.mark.parametrize(
    ("stands", "handed_in"),
    [
        ("4711", "004711"),
        ("4711.0", "4711"),
        ("3.00123E+11", "300123456789"),
        ("12-Mar", "3-12"),
        ("12. Mrz", "2026-03-12"),
    ],
)
@pytest.mark.parametrize("name", ["{}.ipynb", "toy-{}.ipynb", "{}/toy.ipynb"])
def test_an_id_that_a_spreadsheet_has_changed_is_noticed_and_both_forms_are_named(tmp_path, stands, handed_in, name):
    class_ = roster_file(tmp_path / "r.csv", f"id,name\n{stands},Jane\n9,Joe\n")
    for one in (name.format(handed_in), name.format("4712")):
        (tmp_path / "in" / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / one).write_bytes(notebook())
    found = {one.file: one.reason for one in collect(tmp_path / "in", class_, "toy").unmatched}
    assert f"the roster has {stands!r}: did a spreadsheet make it of {handed_in!r}" in found[name.format(handed_in)]
    assert "spreadsheet" not in found[name.format("4712")]


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


def test_nothing_to_read(tmp_path):
    for path, message in ((tmp_path / "none", "no such file"), (tmp_path, "no files")):
        with pytest.raises(IntakeError, match=message):
            collect(path, roster("a"))
    (tmp_path / "x.zip").write_bytes(b"PK no zip")
    with pytest.raises(IntakeError, match="neither a folder nor a zip"):
        collect(tmp_path / "x.zip", roster("a"))


def test_two_submissions_in_a_plain_folder(tmp_path):
    found = delivered(tmp_path, {"a.ipynb": GOOD, "a/toy.ipynb": GOOD}, roster("a"))
    assert found["a"].reason == "2 notebooks: toy.ipynb, a.ipynb"
