"""A zip of feedback is named as Canvas and Moodle want it, and holds each student's own page."""

import re
import zipfile

import nbformat
import pytest
from toy_class import notebook, roster_file, zipped
from toy_deliveries import CANVAS_ROSTER, MOODLE_ROSTER
from toy_grades import graded, write_marks

from coursework.intake.collect import collect


def class_of(tmp_path, text, files):
    class_ = roster_file(tmp_path / "roster.csv", text)
    (tmp_path / "delivery.zip").write_bytes(zipped(files))
    graded(tmp_path / "out", class_, collect(tmp_path / "delivery.zip", class_, "toy"))
    return class_


def written(run, tmp_path, to):
    path = tmp_path / "back.zip"
    command = ["feedback", "--roster", tmp_path / "roster.csv", "--grades", tmp_path / "out", "--zip", path, "--to", to]
    status, said = run(*command)
    assert status == 0, said
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "exists already" in run(*command)[1]
    return found, said


def test_canvas(run, tmp_path):
    files = {"doejane_LATE_4711_99_toy_1.ipynb": notebook("half"), "xiaolong_4713_101_toy.ipynb": notebook("ok")}
    class_of(tmp_path, CANVAS_ROSTER, files)
    write_marks(tmp_path / "out", "4713,q3-written,4,<b>well</b> \x1b[31margued")
    found, said = written(run, tmp_path, "canvas")
    assert "feedback for 2 students" in said
    assert set(found) == {"student_4711_99_feedback.ipynb", "student_4713_101_feedback.ipynb"}
    for name in found:  # as Canvas reads it: the first two parts that are numbers
        assert re.findall(r"\d+", name.removesuffix(".ipynb"))[:2] in (["4711", "99"], ["4713", "101"])
    (cell,) = nbformat.reads(found["student_4713_101_feedback.ipynb"], as_version=4).cells
    assert cell.cell_type == "raw"
    assert "10 of 10 points" in cell.source
    assert "Comment on q3-written: <b>well</b> argued" in cell.source
    other = found["student_4711_99_feedback.ipynb"]
    assert "q2-gram did not pass: the shape is (4, 2)" in other
    assert "argued" not in other
    nbformat.validate(nbformat.reads(other, as_version=4))


def test_moodle(run, tmp_path):
    files = {"Jane Doe_201_assignsubmission_file/toy.ipynb": notebook("ok")}
    class_of(tmp_path, MOODLE_ROSTER.replace("José Núñez", "José_../Núñez"), files)
    found, _ = written(run, tmp_path, "moodle")
    assert set(found) == {
        "Jane Doe_201_assignfeedback_file/feedback.html",
        "José    Núñez_202_assignfeedback_file/feedback.html",
    }
    for name in found:  # as Moodle reads it
        _, participant, kind, plugin = name.split("/")[0].split("_", 4)
        assert (participant in ("201", "202"), kind, plugin) == (True, "assignfeedback", "file")
    page = found["Jane Doe_201_assignfeedback_file/feedback.html"]
    assert "Jane Doe" in page
    assert "Núñez" not in page


@pytest.mark.parametrize("to", ["canvas", "moodle"])
def test_without_numbers_nothing_is_written(run, tmp_path, to):
    class_of(tmp_path, "id,name\na,A\n", {"a.ipynb": notebook("ok")})
    command = ["feedback", "--roster", tmp_path / "roster.csv", "--grades", tmp_path / "out"]
    status, said = run(*command, "--zip", tmp_path / "back.zip", "--to", to)
    assert status == 2
    assert "nobody's number in" in said
    assert not (tmp_path / "back.zip").exists()
    assert "go together" in run(*command, "--to", to)[1]
