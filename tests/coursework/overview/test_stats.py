"""What a class shows as a whole: numbers that can be checked by hand, a picture that says what it shows."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from toy_class import FULL, SECRET, TOY, Verdict, roster, roster_file
from toy_grades import graded, rows, submissions, write_marks

from coursework.gradebook.folder import open_gradebook
from coursework.gradebook.grade_class import grade_all
from coursework.gradebook.grades import grade_rows
from coursework.overview.question_stats import question_stats

NAMES = [f"s{number:03d}" for number in range(200)]


def judge(assignment, notebook, variant):
    """The first cell says which of the tests failed, and the student's own number."""
    what = notebook.cells[0].source.split()
    scores = {name: 0.0 if name in what else points for name, points in FULL.items()}
    said = {"q1-value": f"answer is {variant / 7:.3f}, which is not the mean", "q2-gram": "a hidden test failed"}
    failures = {name: said.get(name, "<b>wrong</b>") for name in what if name in FULL}
    return Verdict(scores, failures=failures)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A class of 200: the able solve q1-value and write well; q2-gram is a coin; q1-mean everybody has."""
    out = tmp_path_factory.mktemp("simulated")
    random = np.random.default_rng(0)
    able = random.random(200)
    solved = {"q1-value": able + 0.1 * random.normal(size=200) > 0.5, "q2-gram": random.random(200) > 0.25}
    sources = {
        name: " ".join(["ok"] + [question for question, good in solved.items() if not good[place]])
        for place, name in enumerate(NAMES)
    }
    class_ = roster(*NAMES)
    grade_all(TOY, submissions(**sources), class_, out, judge=judge, secret=SECRET, workers=0)
    write_marks(out, *(f"{name},q3-written,{round(4 * able[place])}," for place, name in enumerate(NAMES)))
    return out, class_, solved, np.round(4 * able)


def test_every_number_is_that_of_the_class(simulated):
    out, class_, solved, written = simulated
    book = open_gradebook(out)
    found = {one.question: one for one in question_stats(book, grade_rows(book, class_))}
    assert [one.students for one in found.values()] == [200] * 4
    assert found["q1-mean"].full == 1
    assert found["q1-mean"].discrimination is None, "nobody differs"
    assert found["q2-gram"].full == pytest.approx(solved["q2-gram"].mean())
    assert found["q2-gram"].none == pytest.approx(1 - solved["q2-gram"].mean())
    assert found["q3-written"].mean == pytest.approx(written.mean())
    assert found["q3-written"].median == np.median(written)
    others = 2 + 3 * solved["q2-gram"] + written
    assert found["q1-value"].discrimination == pytest.approx(np.corrcoef(solved["q1-value"], others)[0, 1])
    assert found["q1-value"].discrimination > 0.3 > abs(found["q2-gram"].discrimination)
    assert found["q1-value"].wrong == (("answer is #, which is not the mean", int((~solved["q1-value"]).sum())),)


def test_the_command_writes_tables_and_pictures(simulated, run, tmp_path):
    out, class_, solved, _ = simulated
    text = "id,name\n" + "".join(f"{name},=Name {name}\n" for name in NAMES)
    roster_file(tmp_path / "roster.csv", text)
    command = ["stats", "--roster", tmp_path / "roster.csv", "--grades", out, "--out", tmp_path / "stats"]
    status, said = run(*command)
    assert status == 0
    assert f"q1-value, {(~solved['q1-value']).sum()} times: answer is #" in said
    table = {row["question"]: row for row in rows(tmp_path / "stats" / "toy-questions.csv")}
    assert table["q2-gram"]["wrong answer 1"] == "a hidden test failed"
    assert float(table["q3-written"]["full marks"]) < 0.3
    every = rows(tmp_path / "stats" / "all-sets.csv")
    assert len(every) == 200
    assert every[0]["name"] == "'=Name s000"
    book = open_gradebook(out)
    assert every[0]["sum"] == every[0]["toy"] == f"{grade_rows(book, class_)[0].total:g}"
    assert (tmp_path / "stats" / "toy.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    before = (tmp_path / "stats" / "toy.svg").read_bytes()
    assert run(*command)[0] == 0
    assert (tmp_path / "stats" / "toy.svg").read_bytes() == before, "the same grades give the same picture"


def test_the_picture_says_what_it_shows_and_loads_nothing(simulated, run, tmp_path):
    out, _, solved, _ = simulated
    roster_file(tmp_path / "roster.csv", "id,name\n" + "".join(f"{name},{name}\n" for name in NAMES))
    run("stats", "--roster", tmp_path / "roster.csv", "--grades", out, "--out", tmp_path)
    text = (tmp_path / "toy.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    own = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    labels = {child.get("id"): child.text for child in root if child.get("id") in root.get("aria-labelledby").split()}
    assert labels["title"] == "A toy"
    assert f"q2-gram: full marks {solved['q2-gram'].mean():.0%}" in labels["desc"]
    shown = " ".join(element.text or "" for element in root.iter(f"{own}text"))
    assert all(word in shown for word in ("q1-mean", "q3-written", "full marks", "students"))
    assert len({element.get("id") for element in root.iter(f"{own}pattern")}) == 2, "some and none have their pattern"
    assert not re.search(r"(href|src)=[\"'](?!#)|url\((?!#)|<script|DOCTYPE", text)
    assert not any(name in text for name in NAMES)


def test_all_sets_in_one_table(run, tmp_path):
    class_ = roster("a", "b", "c")
    roster_file(tmp_path / "roster.csv", "id,name\na,A\nb,B\nc,C\n")
    graded(tmp_path / "one", class_, submissions(a="ok", b="half"))
    write_marks(tmp_path / "one", "a,q3-written,4,", "b,q3-written,1,")
    graded(tmp_path / "two", class_, submissions(a="ok"))
    path = tmp_path / "two" / "assignment.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"toy"', '"tin"'), encoding="utf-8")
    command = ["stats", "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out"]
    assert run(*command, "--grades", tmp_path / "one", tmp_path / "two")[0] == 0
    found = {row["id"]: row for row in rows(tmp_path / "out" / "all-sets.csv")}
    assert (found["a"]["toy"], found["a"]["tin"], found["a"]["tin status"]) == ("10", "", "needs-manual")
    assert (found["a"]["sum"], found["a"]["maximum"], found["a"]["of sets"]) == ("", "20", "1")
    assert (found["b"]["toy"], found["c"]["toy"], found["c"]["toy status"]) == ("5.5", "", "missing")
    write_marks(tmp_path / "two", "a,q3-written,2,")
    run(*command, "--grades", tmp_path / "one", tmp_path / "two")
    assert rows(tmp_path / "out" / "all-sets.csv")[0]["sum"] == "18"
    assert "two folders hold the grades of 'toy'" in run(*command, "--grades", *[tmp_path / "one"] * 2)[1]


def test_too_few_to_tell(tmp_path):
    class_ = roster("a", "b", "c")
    graded(tmp_path, class_, submissions(a="ok", b="half"))
    write_marks(tmp_path, "a,q3-written,4,", "b,q3-written,1,")
    book = open_gradebook(tmp_path)
    found = {one.question: one for one in question_stats(book, grade_rows(book, class_))}
    assert (found["q2-gram"].students, found["q2-gram"].full, found["q2-gram"].none) == (2, 0.5, 0)
    assert found["q2-gram"].discrimination is None
    assert found["q3-written"].students == 2
    write_marks(tmp_path)
    assert question_stats(book, grade_rows(book, class_))[-1].students == 0
