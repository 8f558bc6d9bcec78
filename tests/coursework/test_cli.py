"""The command line, from release to feedback."""

import csv
import io
from pathlib import Path

import nbformat
import pytest
from test_judge import GRAM, MEAN

from coursework import __main__ as cli
from coursework import checks, sandbox
from coursework.checks import check
from coursework.master import MasterError

TOY = Path(__file__).parent / "toy"

ROSTER = "id,name,email\nada,Ada Lovelace,ada@example.org\nbob,=Bob,bob@example.org\ncyd,Cyd,cyd@example.org\n"


@pytest.fixture
def run(capsys):
    """A command's exit status and what it printed."""

    def run(*arguments) -> tuple[int, str]:
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


def fill(path, **sources):
    """What a student does to a released file."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").replace("-", "_")
        cell.source = sources.get(name, cell.source)
    nbformat.write(notebook, path)


def test_list(run):
    status, said = run("list", "--assignments", TOY)
    assert (status, said) == (
        0,
        "toy                  A toy (5 minutes, 10 points, 4 of them by hand; chapters: ntk)\n",
    )


def test_release_and_solution(run, tmp_path):
    status, _ = run("release", "toy", "--assignments", TOY, "--out", tmp_path / "a.ipynb")
    assert status == 0
    assert "BEGIN" not in (tmp_path / "a.ipynb").read_text()
    status, _ = run("solution", "toy", "--assignments", TOY, "--variant", "7", "--out", tmp_path / "b.ipynb")
    assert status == 0
    assert "VARIANT = 7" in (tmp_path / "b.ipynb").read_text()
    assert "hidden 4711" in (tmp_path / "b.ipynb").read_text()
    status, said = run("release", "toy", "--assignments", TOY, "--out", tmp_path / "a.ipynb")
    assert status == 2
    assert "exists already" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["release", "tin", "--assignments", TOY], "no assignment 'tin'"),
        (["list", "--assignments", "/nowhere"], "no assignment in /nowhere"),
        (["release", "toy", "--assignments", TOY, "--student", "ada", "--secret", "/nowhere"], "no secret in /nowhere"),
        (["release", "toy", "--assignments", TOY, "--student", "a", "--variant", "1"], "do not go together"),
        (["release", "toy", "--assignments", TOY, "--roster", "r.csv", "--variant", "1"], "do not go with it"),
        (["check", "/nowhere.ipynb"], "No such file"),
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
    roster.write_text(ROSTER)
    common = ["--roster", roster, "--secret", secret]
    status, said = run("release", "toy", "--assignments", TOY, *common, "--out", tmp_path / "toy")
    assert status == 0, said
    assert "3 notebooks" in said
    ada, bob = tmp_path / "toy" / "toy_ada.ipynb", tmp_path / "toy" / "toy_bob.ipynb"
    assert ada.read_text() != bob.read_text()
    fill(ada, q1_answer=MEAN, q2_answer=GRAM)
    fill(bob, q1_answer=MEAN + "\nimport os\nos.remove('/etc/passwd')", q2_answer="import os\nos._exit(1)")
    (tmp_path / "toy" / "toy_cyd.ipynb").unlink()

    grade = ["grade", "toy", tmp_path / "toy", "--assignments", TOY, *common, "--out", out, "--workers", "1"]
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
    page = (tmp_path / "pages" / "bob.html").read_text()
    assert "q2-gram" in page
    assert not any(secret in page for secret in ("4711", "4712", "4713", "17.5", "Ada"))


def test_grading_without_bubblewrap_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    (tmp_path / "roster.csv").write_text(ROSTER)
    status, said = run("grade", "toy", tmp_path, "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out")
    assert status == 2
    assert "apt-get install bubblewrap" in said
    assert not (tmp_path / "out").exists()


# check ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["sandbox", "kernel"])
def test_check_says_what_passes(run, toy, tmp_path, where, monkeypatch, request):
    if where == "sandbox":
        request.getfixturevalue("sandboxed")
    else:
        monkeypatch.setattr(checks, "require", _missing)
    path = tmp_path / "mine.ipynb"
    nbformat.write(toy.release(9), path)
    fill(path, q1_answer="def mean(v): return 3.0\nanswer = x.mean()\nimport os\nos.getcwd()")
    result = check(path)
    assert result.sandboxed is (where == "sandbox")
    assert result.results["q1-mean"] is None, "it passes what it sees; the grader has more"
    assert result.results["q1-value"] is None
    assert "gram" in result.results["q2-gram"]
    status, said = run("check", path) if where == "sandbox" else (1, str(result))
    assert status == 1
    assert "ok      q1-mean (2)" in said
    assert "not yet q2-gram (3)" in said
    assert "read by a person: q3-written (4)" in said
    if where == "sandbox":
        fill(path, q1_answer=MEAN, q2_answer=GRAM)
        assert run("check", path)[0] == 0


def _missing() -> None:
    raise sandbox.SandboxMissing("none")


def test_check_of_what_is_no_assignment(tmp_path):
    path = tmp_path / "other.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    with pytest.raises(MasterError, match="no 'coursework'"):
        check(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="not a notebook"):
        check(path)
