"""What a notebook passes of the tests in it, with a sandbox and without."""

import socket
from pathlib import Path

import nbformat
import pytest
from toy_answers import GRAM, MEAN, fill, with_line_ends
from toy_class import TOY_FOLDER

from coursework.judging import students_check
from coursework.judging.students_check import check
from coursework.masters.cells import grade_id
from coursework.masters.reading import MasterError
from coursework.sandbox.walls import SandboxMissing


@pytest.mark.parametrize("where", ["sandbox", "kernel"])
def test_check_says_what_passes(run, toy, tmp_path, where, monkeypatch, request):
    if where == "sandbox":
        request.getfixturevalue("sandboxed")
    else:
        monkeypatch.setattr(students_check, "require", _missing)
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
    assert "The grader has more of them" in said
    assert ("without bubblewrap" in said) is (where == "kernel"), "types and limits were not tried then"
    if where == "sandbox":
        fill(path, q1_answer=MEAN, q2_answer=GRAM)
        assert run("check", path)[0] == 0
        nbformat.write(toy.solution(9), path)
        status, said = run("check", path)
        assert status == 0
        assert "the hidden ones too" in said
        assert "The grader has more" not in said


def _missing() -> None:
    raise SandboxMissing("none")


def test_check_of_what_is_no_assignment(tmp_path):
    path = tmp_path / "other.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    with pytest.raises(MasterError, match="no 'coursework'"):
        check(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="not a notebook"):
        check(path)


def test_what_grading_will_drop_is_named(sandboxed, toy, answered, tmp_path):
    path = tmp_path / "mine.ipynb"
    notebook = answered(toy, 9, q1_answer="def mean(v): return math.fsum(v) / len(v)\nanswer = mean(x)", q2_answer=GRAM)
    notebook.cells[1].source += "\nimport math"
    nbformat.write(notebook, path)
    notes = check(path).notes
    assert any("locked cells edited; the grader runs the originals" in note and "setup" in note for note in notes), (
        notes
    )


@pytest.mark.parametrize("name", ["mine.ipynb", "mine.ipynb.txt", "mine.ipynb.json", "MINE.IPYNB"])
def test_what_the_grader_reads_is_read(sandboxed, toy, answered, tmp_path, name):
    notebook = answered(toy, 9, q1_answer=MEAN, q2_answer=GRAM)
    notebook.metadata["widgets"] = {"state": "x" * 200_000}
    del notebook.metadata["kernelspec"]
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + nbformat.writes(notebook).encode())
    result = check(tmp_path / name)
    assert result.passed
    assert result.notes == []


def test_what_the_grader_refuses_is_refused(tmp_path):
    path = tmp_path / "large.ipynb"
    path.write_bytes(b" " * 30_000_000)
    with pytest.raises(ValueError, match=r"30.0 MB; the grader takes 20 MB: clear the outputs"):
        check(path)
    path.write_text('{"nbformat": 4, "cells": [], "metadata": {"x": "' + 200_000 * "y" + '"}}', encoding="utf-8")
    with pytest.raises(ValueError, match="absurd metadata"):
        check(path)


@pytest.mark.parametrize("suffix", [".ipynb", ".md"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_the_kind_of_file_do_not_matter(sandboxed, toy, answered, tmp_path, suffix, end):
    path = tmp_path / f"mine{suffix}"
    if suffix == ".md":
        text = (TOY_FOLDER / "toy.md").read_text(encoding="utf-8")
        path.write_bytes(text.replace("  # yours", "").replace("\n", end).encode())
    else:
        notebook = answered(toy, 9, q1_answer=MEAN, q2_answer=GRAM)
        nbformat.write(with_line_ends(notebook, end), path)
    result = check(path)
    assert (result.passed, result.notes) == (True, [])
    assert list(result.results) == ["q1-mean", "q1-value", "q2-gram"]


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.parametrize("where", ["setup", "q1-mean"])
def test_somebody_elses_setup_and_tests_do_no_harm(sandboxed, toy, tmp_path, where, monkeypatch, server):
    """They run behind walls, as the other cells do: they write nothing, read nothing, reach nobody."""
    secret = tmp_path / "roster.csv"
    secret.write_text("secret", encoding="utf-8")
    monkeypatch.setenv("TOKEN_OF_MINE", "secret")
    places = [str(secret), str(Path(students_check.__file__).parents[1] / "masters"), str(Path.home() / ".ssh")]
    harm = (
        "import os, pathlib, socket\n"
        f"seen = [place for place in {places!r} if os.path.exists(place)]\n"
        "seen += [name for name in os.environ if 'TOKEN' in name]\n"
        "seen += [name for name in os.listdir('/proc') if name.isdigit() and name != '1']\n"
        f"for folder in ({str(tmp_path)!r}, '/tmp', os.getcwd()):\n"
        "    try: (pathlib.Path(folder) / 'left-behind').write_text('x')\n"
        "    except OSError: pass\n"
        f"try: seen += [socket.create_connection({server.getsockname()!r}, 1)]\n"
        "except OSError: pass\n"
        "if seen: raise RuntimeError(f'seen {seen}')\n"
    )
    notebook = toy.solution(9)
    for cell in notebook.cells:
        if grade_id(cell) == where:
            cell.source = harm + cell.source
    nbformat.write(notebook, tmp_path / "theirs.ipynb")
    before = {path.name for path in Path("/tmp").iterdir()}
    result = check(tmp_path / "theirs.ipynb")
    assert result.results == dict.fromkeys(result.results), "what it may do is done, and it saw nothing"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["roster.csv", "theirs.ipynb"]
    assert "left-behind" not in {path.name for path in Path("/tmp").iterdir()} - before


PICKLE = b"cposix\nsystem\n(S'touch %s'\ntR."
DRIVER_OF_TESTS = "import sys\nframe = sys._getframe()\nwhile 'self' not in frame.f_locals: frame = frame.f_back\n"


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        ("pipe.write(size(len(b)) + b); pipe.flush()", "ended its process"),
        ("pipe.write(size(1 << 60)); pipe.flush()", "ended its process"),
        ("pipe.write(size(9)); pipe.flush()\nwhile True: pass", "took more than 1 s"),
        ("me.say('done', ['x'])", "['x']"),
        ("me.say('call', 'exit', b'')", "ended its process"),
        ("me.say('call', 'mean', b'')", ""),
        ("me.say('ready', [])", "ended its process"),
        ("import os\nwhile True: os.fork()", "started more than"),
        ("import os\nos._exit(0)", "ended its process"),
        ("x = 'x' * (1 << 34)", "MemoryError"),
        ("for n in range(1 << 20): open(f'/tmp/{n}', 'w').close()", "files"),
    ],
)
def test_what_somebody_elses_tests_say_is_not_believed(sandboxed, toy, tmp_path, forged, reason):
    """Bytes that are no reply, one that is too long, half of one, one to another question; no end, no measure."""
    mark = tmp_path / "unpickled"
    notebook = toy.solution(9)
    for cell in notebook.cells:
        if grade_id(cell) == "q1-mean":
            head = "me = frame.f_locals['self']\npipe, size = me.outgoing, __import__('struct').Struct('>Q').pack\n"
            cell.source = f"{DRIVER_OF_TESTS}{head}b = {PICKLE % str(mark).encode()!r}\n{forged}\nassert mean([1.0])\n"
    nbformat.write(notebook, tmp_path / "theirs.ipynb")
    result = check(tmp_path / "theirs.ipynb", seconds=1.0)
    assert reason in str(result.results["q1-mean"])
    assert not mark.exists()
    assert result.results["q2-gram"] is None, "the next test but one, with a process of its own"
