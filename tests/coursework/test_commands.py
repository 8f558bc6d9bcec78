"""The command line, from release to feedback."""

import csv
import io
from dataclasses import replace

import pytest
from toy_answers import GRAM, MEAN, fill
from toy_class import TOY_FOLDER
from toy_grades import graded_roster

from coursework.gradebook.folder import open_gradebook
from coursework.gradebook.grades import grade_rows
from coursework.handback.feedback import feedback_page
from coursework.judging.judge import judge
from coursework.sandbox import walls

ROSTER = "id,name,email\nada,Ada Lovelace,ada@example.org\nbob,=Bob,bob@example.org\ncyd,Cyd,cyd@example.org\n"


def test_list(run):
    status, said = run("list", "--assignments", TOY_FOLDER)
    assert (status, said) == (
        0,
        "toy                  A toy (5 minutes, 10 points, 4 of them by hand; chapters: ntk)\n",
    )


def test_list_passes_over_what_is_no_assignment(run, tmp_path):
    (tmp_path / "toy.md").write_text((TOY_FOLDER / "toy.md").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "notes.md").write_text("# To do\n", encoding="utf-8")
    (tmp_path / "My Set.md").write_text((TOY_FOLDER / "toy.md").read_text(encoding="utf-8"), encoding="utf-8")
    status, said = run("list", "--assignments", tmp_path)
    assert status == 0
    assert said.startswith("toy                  A toy (5 minutes")
    assert f"skipped: {tmp_path}/notes.md: the notebook's metadata has no 'coursework'" in said
    assert "skipped: no assignment 'My Set'" in said
    assert "rename My Set.md" in said
    (tmp_path / "toy.md").unlink()
    assert run("list", "--assignments", tmp_path)[0] == 2


def test_a_notebook_is_not_named_as_a_chapter(run, tmp_path, monkeypatch):
    """Students put it into the folder of the chapters, where two files of one name would be one page."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("00" * 32, encoding="utf-8")
    more = ["--assignments", TOY_FOLDER, "--secret", "secret.txt"]
    for arguments in ([], ["--variant", "7"], ["--student", "a/b"]):
        assert run("release", "toy", *more, *arguments)[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*.ipynb")) == ["toy_0.ipynb", "toy_7.ipynb", "toy_a%2Fb.ipynb"]


def released(tmp_path):
    """A class with its notebooks, and the command that made them."""
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return [
        *("release", "toy", "--assignments", TOY_FOLDER, "--roster", tmp_path / "roster.csv"),
        *("--secret", tmp_path / "secret.txt", "--out", tmp_path / "out"),
    ]


def test_release_replaces_no_notebook_that_was_handed_out(run, tmp_path):
    command = released(tmp_path)
    assert run(*command)[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    status, said = run(*command)
    assert (status, "3 notebooks" in said, "3 of them as they were" in said) == (0, True, True)
    (tmp_path / "out" / "toy_ada.ipynb").write_bytes(before["toy_ada.ipynb"].replace(b"\n", b"\r\n"))
    assert "3 of them as they were" in run(*command)[1], "line ends of another system are no change"
    (tmp_path / "out" / "toy_ada.ipynb").write_bytes(before["toy_ada.ipynb"])

    (tmp_path / "roster.csv").write_text(ROSTER + "dan,Dan,dan@example.org\n", encoding="utf-8")
    (tmp_path / "secret.txt").rename(tmp_path / "kept.txt")
    status, said = run(*command)  # as from another folder, where there is no secret
    assert status == 2
    assert "there is no secret in" in said
    assert not (tmp_path / "secret.txt").exists()
    (tmp_path / "secret.txt").write_text("11" * 32, encoding="utf-8")
    status, said = run(*command)
    assert status == 2
    assert "toy_ada.ipynb exists already, and its number differs: another secret or --id?" in said
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before

    (tmp_path / "kept.txt").rename(tmp_path / "secret.txt")
    assert run(*command)[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == 4, "who joined the class gets a notebook"
    fill(tmp_path / "out" / "toy_bob.ipynb", q1_answer=MEAN)
    changed = (tmp_path / "out" / "toy_bob.ipynb").read_bytes()
    (tmp_path / "out" / "toy_ada.ipynb").unlink()
    status, said = run(*command)
    assert (status, "it or the assignment was changed since" in said) == (2, True)
    assert (tmp_path / "out" / "toy_bob.ipynb").read_bytes() == changed
    assert not (tmp_path / "out" / "toy_ada.ipynb").exists(), "all or nothing"


def test_release_leaves_nothing_behind_if_it_cannot_begin(run, tmp_path):
    command = released(tmp_path)
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    status, said = run(*command)
    assert status == 2
    assert "out is a file, wanted a folder" in said
    (tmp_path / "out").unlink()
    (tmp_path / "roster.csv").unlink()
    assert run(*command)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_solution_for_a_student_who_is_not_in_the_roster_is_refused(run, tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("00" * 32, encoding="utf-8")
    common = [
        "solution",
        "toy",
        "--assignments",
        TOY_FOLDER,
        "--secret",
        tmp_path / "secret.txt",
        "--out",
        tmp_path / "s.ipynb",
    ]
    roster = ["--roster", tmp_path / "roster.csv"]
    for more, reason in ((["--student", "Ada"], "no student 'Ada' in"), ([], "give --student too")):
        status, said = run(*common, *roster, *more)
        assert (status, reason in said, (tmp_path / "s.ipynb").exists()) == (2, True, False)
    assert run(*common, *roster, "--student", "ada")[0] == 0


def test_grades_among_the_submissions_are_refused(run, tmp_path, sandboxed):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "in").mkdir()
    for submissions, out in (("in", "in"), ("in", "in/grades"), ("grades/in", "grades")):
        (tmp_path / submissions).mkdir(parents=True, exist_ok=True)
        status, said = run(
            *("grade", "toy", tmp_path / submissions, "--assignments", TOY_FOLDER, "--variant", "1"),
            *("--roster", tmp_path / "roster.csv", "--out", tmp_path / out),
        )
        assert status == 2
        assert "lie in one another" in said
    assert list((tmp_path / "in").iterdir()) == []


def test_feedback_says_who_has_no_total_and_refuses_other_ids(run, tmp_path):
    out, _ = graded_roster(tmp_path, ROSTER, ada="ok", bob="ok", cyd="half")
    (out / "marks.csv").write_text("student,question,points,comment\nada,q3-written,4,\n", encoding="utf-8")
    pages = tmp_path / "pages"
    common = ["feedback", "--roster", tmp_path / "roster.csv", "--grades", out, "--out", pages]
    status, said = run(*common)
    assert (status, said) == (0, f"3 pages in {pages}; without a total: 2 needs-manual\n")
    status, said = run(*common, "--id", "email")
    assert status == 2
    assert "nobody who was graded is in the roster: graded were 'ada', 'bob', 'cyd'" in said
    assert len(list(pages.iterdir())) == 3
    (tmp_path / "roster.csv").write_text(ROSTER.replace("cyd,Cyd,cyd@example.org\n", ""), encoding="utf-8")
    status, said = run(*common)
    assert status == 0
    assert "2 pages" in said
    assert "of nobody in the roster: cyd.html" in said
    assert "not in the roster, and so left out: 'cyd'" in said


def test_the_page_says_that_the_notebook_has_another_number(toy, cache, answered, tmp_path):
    note = judge(toy, answered(toy, 4, q1_answer=MEAN, q2_answer=GRAM), 5, cache=cache).notes[0]
    out, class_ = graded_roster(tmp_path, ROSTER, ada="suspicious")
    book = open_gradebook(out)
    row = grade_rows(book, class_)[0]
    said = "This notebook has another number than yours."
    assert said not in feedback_page(book, row)
    assert said in feedback_page(book, replace(row, notes=(note,)))


def test_release_and_solution(run, tmp_path):
    status, _ = run("release", "toy", "--assignments", TOY_FOLDER, "--out", tmp_path / "a.ipynb")
    assert status == 0
    assert "BEGIN" not in (tmp_path / "a.ipynb").read_text(encoding="utf-8")
    status, _ = run("solution", "toy", "--assignments", TOY_FOLDER, "--variant", "7", "--out", tmp_path / "b.ipynb")
    assert status == 0
    assert "VARIANT = 7" in (tmp_path / "b.ipynb").read_text(encoding="utf-8")
    assert "hidden 4711" in (tmp_path / "b.ipynb").read_text(encoding="utf-8")
    status, said = run("release", "toy", "--assignments", TOY_FOLDER, "--out", tmp_path / "a.ipynb")
    assert status == 2
    assert "exists already" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["release", "tin", "--assignments", TOY_FOLDER], "no assignment 'tin'"),
        (["list", "--assignments", "/nowhere"], "no assignment in /nowhere"),
        (
            ["release", "toy", "--assignments", TOY_FOLDER, "--student", "ada", "--secret", "/nowhere"],
            "no secret in /nowhere",
        ),
        (["release", "toy", "--assignments", TOY_FOLDER, "--student", "a", "--variant", "1"], "do not go together"),
        (["release", "toy", "--assignments", TOY_FOLDER, "--roster", "r.csv", "--variant", "1"], "do not go with it"),
        (["check", "/nowhere.ipynb"], "/nowhere.ipynb: no such file"),
        (["feedback", "--roster", "/nowhere.csv", "--grades", "/nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, arguments, reason):
    status, said = run(*arguments)
    assert status == 2
    assert reason in said
    assert "Traceback" not in said


def test_a_class_from_release_to_feedback(run, tmp_path, sandboxed):
    roster, secret, out = tmp_path / "roster.csv", tmp_path / "secret.txt", tmp_path / "grades"
    roster.write_text(ROSTER, encoding="utf-8")
    common = ["--roster", roster, "--secret", secret]
    status, said = run("release", "toy", "--assignments", TOY_FOLDER, *common, "--out", tmp_path / "toy")
    assert status == 0, said
    assert "3 notebooks" in said
    ada, bob = tmp_path / "toy" / "toy_ada.ipynb", tmp_path / "toy" / "toy_bob.ipynb"
    assert ada.read_text(encoding="utf-8") != bob.read_text(encoding="utf-8")
    fill(ada, q1_answer=MEAN, q2_answer=GRAM)
    fill(bob, q1_answer=MEAN + "\nimport os\nos.remove('/etc/passwd')", q2_answer="import os\nos._exit(1)")
    (tmp_path / "toy" / "toy_cyd.ipynb").unlink()

    grade = ["grade", "toy", tmp_path / "toy", "--assignments", TOY_FOLDER, *common, "--out", out, "--workers", "1"]
    status, said = run(*grade)
    assert status == 0, said
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO((out / "grades.csv").read_text("utf-8-sig")))}
    assert [rows[name]["status"] for name in ("ada", "bob", "cyd")] == ["needs-manual", "check", "missing"]
    assert (rows["ada"]["q1-mean"], rows["bob"]["q2-gram"], rows["cyd"]["q2-gram"]) == ("2", "0", "")
    first = (out / "grades.csv").read_bytes()
    status, said = run(*grade)
    assert status == 0
    assert "0 graded now, 2 graded before" in said
    assert (out / "grades.csv").read_bytes() == first

    status, said = run("export", "--to", "csv", "--roster", roster, "--grades", out, "--out", tmp_path / "all.csv")
    assert status == 0, said
    status, said = run("feedback", "--roster", roster, "--grades", out, "--out", tmp_path / "pages")
    assert status == 0, said
    page = (tmp_path / "pages" / "bob.html").read_text(encoding="utf-8")
    assert "q2-gram" in page
    assert not any(secret in page for secret in ("4711", "4712", "4713", "17.5", "Ada"))


def test_grading_without_bubblewrap_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    status, said = run("grade", "toy", tmp_path, "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out")
    assert status == 2
    assert "apt-get install bubblewrap" in said
    assert not (tmp_path / "out").exists()
