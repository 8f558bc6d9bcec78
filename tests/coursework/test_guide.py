"""The instructor's guide says nothing that is not so: its commands, its example, its sums of points."""

import re
import shlex
from pathlib import Path

import jupytext
import nbformat
import pytest
from bs4 import BeautifulSoup
from toy_class import roster

from coursework import commands
from coursework.__main__ import parser
from coursework.gradebook.lateness import read_rules
from coursework.judging.judge import judge
from coursework.judging.students_check import check
from coursework.masters.reading import available, load
from coursework.sandbox.kernel_calls import MACHINES
from coursework.sandbox.usage import TICK

GUIDE = (Path(__file__).parents[2] / "appendix" / "teaching.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m coursework (.+)$", re.sub(r" \\\n +", " ", GUIDE), re.MULTILINE)


def test_there_is_a_command_for_everything():
    assert {command.split()[0] for command in COMMANDS} == {
        *("list", "release", "solution", "check", "grade", "export", "feedback", "stats", "similar")
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


def part(begin, end):
    """The text of the guide from one heading or anchor to another."""
    return GUIDE[GUIDE.index(begin) : GUIDE.index(end)]


LECTURES = part("(teaching-weeks)=", "(teaching-seminar)=")
SEMINAR = part("(teaching-seminar)=", "(teaching-slides)=")
CHAPTERS = re.findall(r"file: chapters/([\w-]+)", (Path(__file__).parents[2] / "_toc.yml").read_text(encoding="utf-8"))
UNCOMMENT = "appendix/teaching.md has its line ready, as a comment below a table of the seminar: move it into the table"


def weeks_of(text):
    """What stands in each row of a course, by week: the row is one of its cells."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    return [(int(week), row.split(" | ")) for week, row in rows]


def taught(text):
    """The week in which each chapter is begun, and that in which it ends."""
    begun, ended = {}, {}
    for week, (chapters, *_) in weeks_of(text):
        for chapter in re.findall(r"/chapters/([\w-]+)", chapters):
            begun.setdefault(chapter, week)
            ended[chapter] = week
    return begun, ended


def lectures_sets():
    """(set, "out" or "in", week), as the rows of the lecture course say it."""
    return [
        (name, when, week)
        for week, cells in weeks_of(LECTURES)
        for name, when in re.findall(r"`([\w-]+)` (out|in)", cells[-1])
    ]


def seminar_sets(comments=False):
    """(set, week out, week due) of the seminar, or of the lines that wait for their set."""
    found = re.findall(rf"^{'% ' if comments else ''}\| `([\w-]+)` \| (\d+) \| (\d+) \|$", SEMINAR, re.MULTILINE)
    return [(name, int(out), int(due)) for name, out, due in found]


@pytest.mark.parametrize("course", [LECTURES, SEMINAR], ids=["lectures", "seminar"])
def test_a_course_has_fourteen_weeks(course):
    assert list(dict.fromkeys(week for week, _ in weeks_of(course))) == list(range(1, 15))
    begun, _ = taught(course)
    assert set(begun) <= set(CHAPTERS)
    assert list(begun.values()) == sorted(begun.values())


def after_its_chapters(name, out, due, course):
    """A set is out for two weeks, from when its first chapter is begun, and due after its last one."""
    begun, ended = taught(course)
    chapters = load(name).chapters
    assert set(chapters) <= set(begun), f"{name} is about a chapter that this course has not"
    assert due == out + 2, name
    assert min(begun[chapter] for chapter in chapters) <= out, name
    assert max(ended[chapter] for chapter in chapters if chapter in ended) < due, name


def test_a_set_of_the_lectures_is_due_after_its_chapters():
    said = lectures_sets()
    out = {name: week for name, when, week in said if when == "out"}
    due = {name: week for name, when, week in said if when == "in"}
    assert len(said) == len(out) + len(due), "a set is out once, and due once"
    assert set(out) == {"parametric", "kernel-machines", "tangent-kernel", "no-free-lunch", "approximation"}
    assert set(due) == {name for name, week in out.items() if week + 2 <= 14}
    for name, week in out.items():
        after_its_chapters(name, week, due.get(name, week + 2), LECTURES)
    assert max(sum(out[name] <= week < out[name] + 2 for name in out) for week in range(1, 15)) == 1, "one at a time"


def test_a_set_of_the_seminar_is_due_after_its_chapters():
    sets = seminar_sets()
    assert len({name for name, *_ in sets}) == len(sets), "a set is due in one place"
    assert [due for *_, due in sets] == sorted(due for *_, due in sets)
    for name, out, due in sets:
        after_its_chapters(name, out, due, SEMINAR)


def test_every_set_and_every_chapter_is_in_a_course():
    """The seminar has all of them, each chapter in one week; the lectures have some."""
    begun, ended = taught(SEMINAR)
    assert begun == ended
    missing = set(CHAPTERS) - set(begun)
    assert not missing, f"{missing}: {UNCOMMENT}"
    missing = set(available()) - {name for name, *_ in seminar_sets()}
    assert not missing, f"{missing}: {UNCOMMENT}"
    assert {name for name, *_ in seminar_sets()} == set(available())
    assert {name for name, *_ in lectures_sets()} <= set(available())


def test_what_waits_for_its_chapter_or_set_can_be_moved_into_its_table():
    waiting = re.findall(r"^% (\| 14 \| .+ \|)$", SEMINAR, re.MULTILINE)
    columns = {row.count(" | ") for row in re.findall(r"^\| 1 \| .+$", SEMINAR, re.MULTILINE)}
    assert {row.count(" | ") for row in waiting} <= columns
    chapters = [chapter for row in waiting for chapter in re.findall(r"/chapters/([\w-]+)", row)]
    assert not set(chapters) & set(CHAPTERS), UNCOMMENT
    sets = seminar_sets(comments=True)
    assert not {name for name, *_ in sets} & set(available()), UNCOMMENT
    assert all(due == out + 2 for _, out, due in sets)
    assert GUIDE.count("\n% | ") == len(waiting) + len(sets), "each of these lines is read by this test"


def test_the_minutes_of_a_week_are_those_of_its_chapters():
    rows = [cells for _, cells in weeks_of(SEMINAR.replace("% |", "|")) if len(cells) == 4 and "/chapters/" in cells[0]]
    assert len(rows) >= 13
    for chapters, minutes, question, _ in rows:
        names = " + ".join(re.findall(r"/chapters/([\w-]+)", chapters))
        assert minutes == f"{{minutes}}`both: {names}`"
        assert "?" in question


def test_what_the_guide_says_of_the_sandbox_is_what_it_does():
    said = " ".join(part("(teaching-sandbox)=", "## Privacy").split())
    assert {len(calls) for _, calls in MACHINES.values()} == {12}
    assert "A filter of system calls refuses about a dozen" in said
    assert set(MACHINES) == {"x86_64", "aarch64"}
    assert "on 64-bit x86 and ARM alone, and elsewhere there is none" in said
    assert round(1 / TICK) == 20
    assert "only counted, some twenty times a second" in said
    assert not re.search(r"\bno (system )?call|\b(never|not) filtered", said)


def test_grading_refuses_to_start_where_the_guide_says(monkeypatch, tmp_path):
    """What must not lie where submissions can read it is what `require` is asked about."""
    asked = []

    class Asked(Exception):
        """The rest of the command does not matter."""

    def require(*private):
        asked.extend(private)
        raise Asked

    monkeypatch.setattr(commands, "require", require)
    options = ["grade", "toy", "submissions", "--roster", "roster.csv", "--out", "grades"]
    options += ["--assignments", "masters", "--secret", "secret"]
    with pytest.raises(Asked):
        commands.grade_delivery(parser().parse_args(options))
    words = re.search(r"Grading refuses to start if the\s+(.+?)\s+lie in them", GUIDE, re.DOTALL)[1]
    assert set(re.findall(r"\w+", words)) - {"the", "or"} == {path.stem for path in asked}


def test_the_guide_names_the_commands_that_need_no_bubblewrap():
    (sentence,) = re.findall(r"`grade` refuses to start; (.+?) work\.", GUIDE)
    known = next(action.choices for action in parser()._actions if action.dest == "command")
    assert set(re.findall(r"`(\w+)`", sentence)) == set(known) - {"grade"}


def test_check_gives_no_cell_of_a_file_any_rights_and_the_guide_says_so(sandboxed, toy, answered, tmp_path):
    there = {name: tmp_path / name for name in ("setup", "test", "answer")}
    write = {name: f"open({str(path)!r}, 'w', encoding='utf-8').close()" for name, path in there.items()}
    guarded = f"import contextlib\nimport numpy as np\nwith contextlib.suppress(OSError):\n    {write['setup']}"
    notebook = answered(toy, 3, setup=guarded, q2_gram=f"{write['test']}\nassert True", q1_answer=write["answer"])
    nbformat.write(notebook, tmp_path / "theirs.ipynb")
    check(tmp_path / "theirs.ipynb")
    assert not any(path.exists() for path in there.values())
    said = " ".join(GUIDE.split())
    assert "with bubblewrap it runs them in a sandbox of their own" in said
    assert "Without bubblewrap all of the notebook has your rights" in said
    judge(toy, notebook, 3)
    assert not any(path.exists() for path in there.values())
