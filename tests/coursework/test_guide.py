"""The instructor's guide says nothing that is not so: its commands, its example, its sums of points."""

import re
import shlex
from pathlib import Path

import jupytext
import pytest
from bs4 import BeautifulSoup
from toy_class import roster

from coursework.__main__ import parser
from coursework.gradebook.lateness import read_rules
from coursework.judging.judge import judge
from coursework.masters.reading import available, load

GUIDE = (Path(__file__).parents[2] / "appendix" / "teaching.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m coursework (.+)$", re.sub(r" \\\n +", " ", GUIDE), re.MULTILINE)


def test_there_is_a_command_for_everything():
    assert {command.split()[0] for command in COMMANDS} == {
        *("list", "release", "solution", "check", "grade", "export", "feedback", "stats")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_guide_is_one(command):
    options = parser().parse_args(shlex.split(command))
    name = getattr(options, "name", None)
    assert name in (None, "my-set", "small", *available())
    assert "[" not in command


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_about_students_is_not_in_the_repository(command):
    """Files that a command of the guide reads or writes in the book's folder are ignored by git, there only."""
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text(encoding="utf-8").splitlines()
    options = vars(parser().parse_args(shlex.split(command)))
    for option in ("roster", "secret", "submissions", "grades", "out"):
        given = options.get(option)
        path = given[0] if isinstance(given, list) else given
        if path is not None and path.suffix != ".ipynb" and path.parts[0] != "..":
            assert {f"/{path}", f"/{path}/", str(path)} & set(ignored), f"{path} could get into the repository"


def test_no_notebook_in_the_guide_has_the_name_of_a_chapter():
    chapters = {path.stem for path in (Path(__file__).parents[2] / "chapters").glob("*.md")}
    written = [getattr(parser().parse_args(shlex.split(command)), "out", None) for command in COMMANDS]
    assert not {path.stem for path in written if path} & chapters


@pytest.fixture
def example(tmp_path):
    """The example of the guide, as a master in a private folder."""
    text = re.search(r"^:name: teaching-example\n(.+?)^````$", GUIDE, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "small.md").write_text(text, encoding="utf-8")
    return load("small", tmp_path)


def test_the_example_can_be_released(example):
    assert (example.title, example.minutes, example.points) == ("A small set", 10, 5)
    assert [question.points for question in example.questions] == [2, 1]
    released = jupytext.writes(example.release(7), fmt="py:percent")
    assert "VARIANT = 7" in released
    assert not re.search("SOLUTION|HIDDEN|Rubric|np.exp|squares =", released)


def test_the_example_can_be_graded(example, sandboxed):
    assert sum(judge(example, example.solution(7), 7).scores.values()) == 3
    assert sum(judge(example, example.release(7), 7).scores.values()) == 0
    copied = example.solution(8)  # another student's notebook, with the number that it computed
    for cell in copied.cells:
        cell.source = cell.source.replace("gram(points) @ gram(points)", "np.full((1, 1), 6.0)")
    assert judge(example, copied, 7).scores == {"q1-gram-test": 2, "q1-trace-test": 0}


def test_the_rules_for_lateness_in_the_guide_are_some(tmp_path):
    text = re.search(r"^:name: teaching-late\n(.+?)^```$", GUIDE, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "late.toml").write_text(text, encoding="utf-8")
    rules = read_rules(tmp_path, roster("4711", "4712"))
    assert (rules.per_cent_a_day, rules.most, rules.grace.total_seconds()) == (10, 50, 7200)
    assert set(rules.extensions) == {"4711"}
    assert set(rules.submitted) == {"4712"}


@pytest.mark.parametrize("name", available())
def test_headings_have_the_points_of_their_questions(name):
    """Where a set says how many points a question has, that is the sum of its cells."""
    said, found = {}, {}
    current = None
    for cell in load(name).notebook.cells:
        for heading in re.findall(r"^## (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else ():
            current = heading
            if points := re.search(r"\(([\d.]+) points?\)$", heading):
                said[current] = float(points[1])
        if (points := cell.metadata.get("nbgrader", {}).get("points")) is not None:
            found[current] = found.get(current, 0) + points
    assert said == {heading: points for heading, points in found.items() if heading in said}


def test_the_table_of_sets_is_that_of_the_masters():
    page = Path(__file__).parents[2] / "_build" / "html" / "appendix" / "teaching.html"
    if not page.exists():
        pytest.skip("the book is not built: make book")
    rows = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find("table").find_all("tr")[1:]
    told = {row.find("code").get_text(): row.find_all("td") for row in rows}
    assert set(told) == set(available())
    for name in available():
        one = load(name)
        assert told[name][0].get_text() == f"{one.title} ({name})"
        assert [Path(link["href"]).stem for link in told[name][1].find_all("a")] == list(one.chapters)
        by_hand = sum(question.points for question in one.manual)
        assert [cell.get_text() for cell in told[name][2:]] == [
            str(one.minutes),
            f"{one.points - by_hand:g}",
            f"{by_hand:g}",
        ]


def test_a_set_is_due_after_its_chapters():
    """In the syllabus all chapters of a set are taught before it is due, and the first of them before it is out.

    What is read stands in a row without a number, below the week to which it belongs.
    """
    begun, out, due = {}, {}, {}
    weeks = GUIDE[GUIDE.index("## Fourteen weeks") : GUIDE.index("## Five days")]
    number = 0
    for week, lectures, sets in re.findall(r"^\| (\d+ |)\| (.+?) \| .*\|([^|]*)\|$", weeks, re.MULTILINE):
        number = int(week or number)
        for chapter in re.findall(r"/chapters/([\w-]+)", lectures):
            begun.setdefault(chapter, number)
        for name, when in re.findall(r"`([\w-]+)` (out|in)", sets):
            (out if when == "out" else due)[name] = number
    assert number == 14
    assert set(out) == set(available())
    assert set(due) == set(out) - {"approximation", "convolution", "depth", "frontier"}  # handed in after the last week
    for name in available():
        taught = [begun[chapter] for chapter in load(name).chapters]
        assert min(taught) <= out[name] < due.get(name, 99)
        assert max(taught) < due.get(name, 99)
