"""Every assignment: what students get gives nothing away, the solution earns everything, the release nothing."""

import ast
import json
import os
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from lines_in_files import Lines
from toy_class import TOY_FOLDER

from coursework.judging import judge as judging
from coursework.judging.judge import judge, prepare
from coursework.masters.cells import HIDDEN, SOLUTION, grade_id, without
from coursework.masters.reading import ASSIGNMENTS, available, load
from coursework.sandbox.wire import WANTED

ROOT = Path(__file__).parents[2]
ALL = [(ASSIGNMENTS, name) for name in available()] + [(TOY_FOLDER, "toy")]
IDS = [name for _, name in ALL]


@pytest.fixture(params=ALL, ids=IDS, scope="module")
def assignment(request):
    folder, name = request.param
    return load(name, folder)


def hidden(assignment) -> list[str]:
    """The lines of the master that nobody may see: long enough to be found elsewhere for no other reason."""
    lines: list[str] = []
    for cell in assignment.notebook.cells:
        flags = cell.metadata.get("nbgrader", {})
        if flags.get("solution"):
            kept = without(cell.source, SOLUTION)
            kept = "" if kept == cell.source else kept  # without markers, the whole cell is the solution
        else:
            kept = without(cell.source, HIDDEN)
        shown = set(kept.splitlines())
        lines += [line.strip() for line in cell.source.splitlines() if line not in shown]
    given = {line.strip() for cell in assignment.release().cells for line in cell.source.splitlines()}
    return [line for line in lines if len(line) > 24 and "###" not in line and line not in given]


def test_a_release_gives_nothing_away(assignment):
    secrets = hidden(assignment)
    assert len(secrets) > 3, "this test would see nothing"
    text = nbformat.writes(assignment.release(12345))
    plain = "\n".join(cell.source for cell in assignment.release(12345).cells)
    assert [line for line in secrets if line in plain or json.dumps(line)[1:-1] in text] == []
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)|Rubric:", text)
    assert all(cell.get("outputs", []) == [] for cell in assignment.release().cells)


def forms(line: str) -> tuple[bytes, bytes]:
    """A line as it stands in a file, and in a string of JSON."""
    return line.encode(), json.dumps(line)[1:-1].encode()


@cache
def given_away() -> list[tuple[str, bytes]]:
    """The hidden lines of all assignments that stand in the site, its sources, its search index, its downloads."""
    html = ROOT / "_build" / "html"
    if not html.exists():
        pytest.skip("the book is not built: make book")
    secrets = Lines({form for folder, name in ALL for line in hidden(load(name, folder)) for form in forms(line)})
    kinds = {".html", ".md", ".txt", ".js", ".json", ".ipynb", ".py"}
    found = []
    for folder, _, names in os.walk(html):
        for name in names:
            path = Path(folder, name)
            if path.suffix in kinds and path.stat().st_size < 20_000_000:
                found += [(str(path.relative_to(html)), line) for line in secrets.within(path.read_bytes())]
    return found


def test_the_built_site_gives_nothing_away(assignment):
    own = {form for line in hidden(assignment) for form in forms(line)}
    assert [(path, line) for path, line in given_away() if line in own] == []


def test_a_line_that_is_given_away_would_be_seen(assignment):
    """At whatever byte it begins."""
    lines = [form for line in hidden(assignment) for form in forms(line)]
    looked_for = Lines(lines)
    for before, one in zip(range(9), lines, strict=False):
        assert one in looked_for.within(b"x" * before + one)
        assert looked_for.within(b"x" * before + one[:-1]) == {line for line in lines if line in one[:-1]}


def test_a_release_is_a_notebook_that_compiles(assignment):
    release = assignment.release(7)
    nbformat.validate(release)
    for cell in release.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
    assert [grade_id(cell) for cell in release.cells] == [grade_id(cell) for cell in assignment.notebook.cells]


def test_the_solution_earns_full_marks_and_the_release_nothing(assignment, compiled, monkeypatch):
    verdicts, judged = [], judging._judge
    monkeypatch.setattr(judging, "_judge", lambda *args: verdicts.append(judged(*args)) or verdicts[-1])
    full = {question.grade_id: question.points for question in assignment.questions}
    assert prepare(assignment, compiled).scores == full
    another = 3141592653
    solved = judge(assignment, assignment.solution(another), another, cache=compiled)
    assert (solved.failures, solved.scores, solved.suspicious) == ({}, full, False)
    _, untouched, _ = verdicts  # `prepare` runs the release too
    assert untouched.scores == dict.fromkeys(full, 0.0)
    assert not untouched.suspicious, untouched.notes


def test_the_variant_matters(assignment):
    assert any(cell.grade_id == "variant" for cell in assignment.setup)
    assert nbformat.writes(assignment.release(1)) != nbformat.writes(assignment.release(2))


@pytest.mark.parametrize("name", available())
def test_the_first_cell_says_how_it_is_graded(name):
    text = " ".join(load(name).release(7).cells[0].source.split())
    assert "Do not rename this file" in text
    assert "`python -m coursework check lab/FILE`" in text
    assert load(name).allowance.told() in text
    assert "limits" in load(name).notebook.metadata["coursework"], "a set that comes with the book declares them"
    assert f"what functions return, are {WANTED.removeprefix('wanted ').replace('dicts or', 'dicts and')}" in text


def test_its_chapters_exist(assignment):
    missing = [name for name in assignment.chapters if not (ROOT / "chapters" / f"{name}.md").exists()]
    assert missing == []


def test_assignments_are_no_pages_of_the_book():
    assert "coursework" not in (ROOT / "_toc.yml").read_text(encoding="utf-8")


def test_no_text_needs_what_only_the_book_has(assignment):
    """A notebook knows neither the book's macros nor its roles: a formula would be shown in red."""
    macros = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    macros = macros["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    assert macros
    pattern = rf"\\(?:{'|'.join(macros)})(?![A-Za-z])|\{{(?:doc|ref|prf:ref|cite(?::\w)?|numref|eq|term)\}}`"
    texts = [cell.source for cell in assignment.notebook.cells if cell.cell_type == "markdown"]
    assert [found for text in texts for found in re.findall(pattern, text)] == []
