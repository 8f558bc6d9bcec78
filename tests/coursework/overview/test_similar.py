"""Copies are found, whatever names they have; honest work, what was given and what everybody writes are not."""

import ast
import csv
import io
import json
import re
from pathlib import Path

import nbformat
import pytest
from similar_answers import TWO, answers_in, disguised, filled, honest
from toy_answers import GRAM, MEAN
from toy_class import TOY, TOY_FOLDER, folder, notebook, roster

from coursework.__main__ import parser
from coursework.intake.collect import Submission
from coursework.intake.notebook_reader import read_notebook
from coursework.masters.reading import available, load
from coursework.overview.canonical_code import MOST_PARSED, Statement
from coursework.overview.similar_code import FEWEST_SHARED, THRESHOLD, OwnCode, similar_pairs, weight
from coursework.overview.similar_table import THE_SOLUTION, Similar, similar, similar_table


def compared(assignment, notebooks, **options):
    """The pairs among notebooks by student, those with the solution left out, and what was said."""
    handed_in = {who: Submission(who, one) for who, one in notebooks.items()}
    found = similar(assignment, handed_in, **options)
    return [pair for pair in found.pairs if pair.other != THE_SOLUTION], found


def whose(pairs):
    return {(pair.one, pair.other) for pair in pairs}


def largest(assignment):
    """The answer with most code: what one copies."""
    return max(answers_in(assignment.solution()).items(), key=lambda answer: len(answer[1]))


@pytest.mark.parametrize("name", available())
def test_a_copied_and_renamed_answer_is_found(name):
    one = load(name)
    written = answers_in(one.solution())
    copy = disguised(one, written)
    assert all(copy[cell] != written[cell] for cell in written)
    for source in copy.values():
        ast.parse(source)
    notebooks = {"ada": filled(one, written, 3), "bob": filled(one, copy, 9), "cyd": one.release(5)}
    pairs, found = compared(one, notebooks)
    assert whose(pairs) == {("ada", "bob")}
    assert pairs[0].share > 0.98
    assert {place.cell for place in pairs[0].places} == {place.other_cell for place in pairs[0].places}
    assert len(pairs[0].places) == len(written)
    assert whose(found.pairs) == {("ada", "bob"), ("ada", THE_SOLUTION), ("bob", THE_SOLUTION)}


@pytest.mark.parametrize("name", available())
def test_one_copied_answer_is_found_and_said_where(name):
    one = load(name)
    cell, source = largest(one)
    notebooks = {"ada": one.solution(3), "bob": filled(one, disguised(one, {cell: source}), 9)}
    pairs, _ = compared(one, notebooks)
    assert whose(pairs) == {("ada", "bob")}
    (place,) = (place for place in pairs[0].places if f"({cell})" in place.cell and f"({cell})" in place.other_cell)
    assert place.share > 0.9
    assert place.lines
    assert place.other_lines


def test_a_copy_that_was_worked_over_is_found_beside_own_work():
    """One answer is another's, with a third of its lines rewritten, another order and more code around it."""
    one = load("parametric")
    taken = answers_in(honest(one, 2, 5))["q3b-answer"]
    copy = disguised(one, {"q3b-answer": taken})["q3b-answer"]
    worked_over = copy.replace("return sum(", "result = 1.0 * sum(").replace("numerics.size(f)", "f.size")
    assert worked_over != copy
    own = answers_in(honest(one, 1, 3))
    notebooks = {"ada": filled(one, {**own, "q3b-answer": worked_over}, 3), "bob": honest(one, 2, 5)}
    pairs, _ = compared(one, notebooks)
    assert whose(pairs) == {("ada", "bob")}
    assert pairs[0].share < THRESHOLD, "found by the answer, not by the whole"
    assert {place.cell for place in pairs[0].places} == {"cell 21 (q3b-answer)"}


@pytest.mark.parametrize("name", TWO)
def test_honest_solutions_are_no_pairs(name):
    one = load(name)
    notebooks = {"ada": honest(one, 1, 3), "bob": honest(one, 2, 9), "cyd": one.solution(5)}
    _, found = compared(one, notebooks)
    assert whose(found.pairs) == {("cyd", THE_SOLUTION)}
    _, found = compared(one, notebooks, threshold=0.01, fewest=5)
    assert whose(found.pairs) >= {("ada", "bob"), ("ada", "cyd"), ("bob", "cyd")}, "they are compared"
    alone = [pair for pair in found.pairs if pair.one != "cyd"]
    assert max(place.share for pair in alone for place in pair.places) < THRESHOLD / 2
    assert max(pair.share for pair in alone) < THRESHOLD / 4


@pytest.mark.parametrize("name", available())
def test_untouched_releases_are_no_pairs(name):
    one = load(name)
    pairs, found = compared(one, {"ada": one.release(1), "bob": one.release(1), "cyd": one.release(2)}, fewest=1)
    assert (pairs, list(found.pairs), found.compared) == ([], [], 3)
    added = one.release(3)
    cells = [cell.source for cell in one.release(3).cells if cell.cell_type == "code"]
    added.cells += [nbformat.v4.new_code_cell(source + "\nvalue = 1") for source in cells]  # given code, taken over
    again = nbformat.from_dict(json.loads(json.dumps(added)))
    assert whose(compared(one, {"ada": added, "bob": again})[0]) == set()


def test_a_short_answer_that_everybody_writes_is_no_pair():
    students = {f"s{number}": filled(TOY, {"q1-answer": MEAN, "q2-answer": GRAM}, number) for number in range(12)}
    assert compared(TOY, students)[1].pairs == ()
    assert compared(TOY, dict(list(students.items())[:2]))[1].pairs == (), "too short to say anything, also of two"


def test_a_long_answer_that_most_of_the_class_writes_is_no_pair_and_a_copy_beside_it_is():
    one = load("parametric")
    textbook = dict([largest(one)])
    own = [answers_in(honest(one, number, 0)) for number in (1, 2)]
    class_ = {f"s{number}": filled(one, textbook, number) for number in range(10)}
    class_ |= {f"h{number}": filled(one, {**own[number], **textbook}, number) for number in (0, 1)}
    assert whose(compared(one, class_)[0]) == set()
    assert len(whose(compared(one, dict(list(class_.items())[:2]))[0])) == 1, "of two alone it would be one"
    class_["copy"] = filled(one, {**disguised(one, own[0]), **textbook}, 99)
    assert whose(compared(one, class_)[0]) == {("h0", "copy")}


def test_a_ring_of_four_is_found_in_a_class_of_twelve():
    one = load("no-free-lunch")
    taken = answers_in(honest(one, 1, 0))
    class_ = {f"r{number}": filled(one, disguised(one, taken) if number else taken, number) for number in range(4)}
    class_ |= {f"a{number}": filled(one, varied(answers_in(honest(one, 2, 0)), number), number) for number in range(8)}
    found = whose(compared(one, class_)[0])
    assert {pair for pair in found if "r" in "".join(pair)} == {
        (f"r{a}", f"r{b}") for a in range(4) for b in range(a + 1, 4)
    }


def varied(answers, seed):
    """Answers in which all numbers and some operators are others."""
    changed = {}
    for name, source in answers.items():
        tree = ast.parse(source)
        for place, node in enumerate(ast.walk(tree)):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                node.value = 100 * seed + place
            elif isinstance(node, ast.Attribute) and (place + seed) % 3 == 0:
                node.attr += str(seed)
        changed[name] = ast.unparse(tree)
    return changed


def statements_of(*texts):
    """A statement for each text, a sign for each character."""
    return [Statement(tuple(text), place, place) for place, text in enumerate(texts, 1)]


def pair_of(one, other, **options):
    """What two students with these statements share, among others who share nothing."""
    rest = [OwnCode(f"r{place}", [("c", statements_of(chr(200 + place) * 9))]) for place in range(4)]
    two = [OwnCode("a", [("c", statements_of(*one))]), OwnCode("b", [("c", statements_of(*other))])]
    found = similar_pairs([*two, *rest], **options)
    return [(round(pair.share, 3), round(pair.shared, 3)) for pair in found]


def test_the_threshold_is_where_it_says():
    """Statements of one passage each, so that passages can be counted."""
    ten = [f"{number}" for number in range(10)]
    for common, wanted in ((6, [(0.6, 6)]), (5, [])):
        other = [*ten[:common], *"abcdefghij"[common:]]
        assert pair_of(ten, other, fewest=6) == wanted
        assert pair_of(ten, [*other, *"uvw"], fewest=6) == wanted, "of the one who has less"
        assert pair_of([*ten, *"xyz"], other, fewest=6) == wanted
    assert pair_of(ten, ten, fewest=10) == [(1, 10)]
    assert pair_of(ten, ten, fewest=10.5) == []
    assert pair_of(ten, [*ten[:5], *"abcde"], fewest=5, threshold=0.5) == [(0.5, 5)]
    many = [chr(5000 + number) for number in range(int(FEWEST_SHARED))]
    assert pair_of(many, many) == [(1, FEWEST_SHARED)]
    assert pair_of(many[1:], many[1:]) == []
    for share in (0, -1, 1.01, float("nan")):
        with pytest.raises(ValueError, match=r"threshold is .*, wanted a share above 0 and at most 1"):
            similar_pairs([], threshold=share)


def test_a_cell_makes_a_pair_from_either_side():
    cell, more, other = statements_of(*"0123456789"), statements_of(*"abcdefghijkl"), statements_of(*"mnopqrstuvwx")
    two = [OwnCode("a", [("c", cell), ("d", more)]), OwnCode("b", [("e", [*cell, *other])])]
    for students in (two, two[::-1]):
        (pair,) = similar_pairs(students, fewest=10)
        assert pair.share == pytest.approx(10 / 22)
        (place,) = pair.places
        assert {place.cell, place.other_cell} == {"c", "e"}
        assert {place.lines, place.other_lines} == {"1-10"}
        assert similar_pairs(students, fewest=11) == []
    half = [two[0], OwnCode("b", [("e", [*cell[:5], *other])])]
    assert similar_pairs(half, fewest=5) == []


def test_what_others_share_weighs_less():
    assert [weight(2, 2), weight(1, 1), weight(3, 2), weight(3, 3), weight(40, 40)] == [1, 1, 1, 0, 0]
    assert weight(40, 3) < 1
    assert weight(40, 20) == pytest.approx(1 - weight(40, 4), abs=0.01)
    ten = statements_of(*"0123456789")
    class_ = [OwnCode(f"s{place}", [("c", ten)]) for place in range(8)]
    empty = [OwnCode(f"e{place}", [("c", [])]) for place in range(100)]
    assert similar_pairs(class_, fewest=1) == []
    assert similar_pairs([*class_, *empty], fewest=1) == [], "who wrote nothing is not in the class"
    assert (
        similar_pairs(class_[:4] + [OwnCode(f"o{place}", [("c", statements_of(f"{place}"))]) for place in "abcd"]) == []
    )
    beside = [*class_[:4], *(OwnCode(f"o{one}", [("c", statements_of(one))]) for one in "abcd")]
    assert {round(pair.shared, 6) for pair in similar_pairs(beside, fewest=1)} == {5}, "ten that half of eight have"


def test_others_are_compared_with_the_class_and_not_with_each_other():
    ten = statements_of(*"0123456789")
    others = [OwnCode(name, [("c", ten)]) for name in ("solution", "of last year")]
    assert similar_pairs([OwnCode("a", [("c", statements_of("x"))])], others, fewest=5) == []
    pairs = similar_pairs([OwnCode("a", [("c", ten)])], others, fewest=5)
    assert whose(pairs) == {("a", "solution"), ("a", "of last year")}


def test_what_was_given_is_nobodys():
    ten, given = statements_of(*"0123456789"), statements_of(*"abcdefghij")
    two = [OwnCode("a", [("c", [*ten, *given])]), OwnCode("b", [("c", [*statements_of(*"mnopqrstuv"), *given])])]
    assert len(similar_pairs(two, fewest=5, threshold=0.5)) == 1
    assert similar_pairs(two, released=given, fewest=1, threshold=0.01) == []


HOSTILE = {
    "unparsable": ("def f(:\n  pass", "cell 5 (q1-answer) not compared: no Python, line 1"),
    "deep": ("x = " + "-" * 10_000 + "1", "cell 5 (q1-answer) not compared: nested too deeply"),
    "chain": ("x = 1" + " + 1" * 12_000, "cell 5 (q1-answer) not compared: nested too deeply"),
    "ladder": ("if a:\n pass\n" + "elif a:\n pass\n" * 3_500, "cell 5 (q1-answer) not compared: nested too deeply"),
    "nothing": ("x = 1\0", "cell 5 (q1-answer) not compared: no Python"),
    "digits": ("x = " + "9" * 5_000, "cell 5 (q1-answer) not compared: no Python, line 1"),
    "huge": ("a = b\n" * (MOST_PARSED // 6 + 1), f"not compared: more than {MOST_PARSED:,} characters of code"),
    "magic": ("x = %time f(", "cell 5 (q1-answer) not compared: no Python, line 1"),
}


def test_a_hostile_notebook_is_named_and_the_others_are_compared(capfd):
    own = answers_in(honest(load("parametric"), 1, 0))
    long = {"q2-answer": "\n\n".join(own.values())}
    notebooks = {"ada": filled(TOY, long, 1), "bob": filled(TOY, long, 2)}
    notebooks |= {who: filled(TOY, {"q1-answer": source}, 3) for who, (source, _) in HOSTILE.items()}
    odd = filled(TOY, {"q1-answer": "x = '\\d' is 1\nprint(exec('raise SystemExit'))\nopen('/tmp/never', 'w')"}, 4)
    many = read_notebook(notebook(cells=[json.loads(notebook())["cells"][0]] * 1500))
    pairs, found = compared(TOY, notebooks | {"odd": odd, "many": many})
    assert whose(pairs) == {("ada", "bob")}
    said = dict(remark.split(": ", 1) for remark in found.remarks)
    assert set(said) == {*HOSTILE, "many"}
    assert {who: said[who] for who in HOSTILE} == {who: reason for who, (_, reason) in HOSTILE.items()}
    assert "more than 1000 cells" in said["many"]
    assert capfd.readouterr() == ("", "")


def test_what_only_a_notebook_understands_is_passed_over():
    own = answers_in(honest(load("parametric"), 1, 0))
    plain = "\n\n".join(own.values())
    magical = "%%time\n%matplotlib inline\n!ls\n  %timeit 1\nimport numpy as np\n" + plain
    notebooks = {"ada": filled(TOY, {"q2-answer": plain}, 1), "bob": filled(TOY, {"q2-answer": magical}, 2)}
    pairs, found = compared(TOY, notebooks)
    assert found.remarks == ()
    assert (whose(pairs), pairs[0].share) == ({("ada", "bob")}, 1)
    (place,) = pairs[0].places
    lines, shifted = ([int(line) for line in re.findall(r"\d+", text)] for text in (place.lines, place.other_lines))
    assert shifted == [line + 5 for line in lines]


@pytest.fixture
def handed_in(tmp_path):
    """A folder with three notebooks of the toy, two of them with the same code, and the command for it."""
    own = answers_in(honest(load("parametric"), 1, 0))
    long = {"q1-answer": MEAN, "q2-answer": "\n\n".join(own.values())}
    notebooks = {"ada": filled(TOY, long, 1), "bob": filled(TOY, disguised(TOY, long), 2), "cyd": TOY.release(3)}
    files = {f"{who}.ipynb": nbformat.writes(one).encode() for who, one in notebooks.items()}
    folder(tmp_path / "in", files | {"dan.ipynb": b"{", "who.ipynb": notebook("x = 1")})
    names = "id,name\nada,=Ada\nbob,Bob\ncyd,Cyd\ndan,Dan\n"
    (tmp_path / "roster.csv").write_text(names, encoding="utf-8")
    return ["similar", "toy", tmp_path / "in", "--assignments", TOY_FOLDER, "--roster", tmp_path / "roster.csv"]


def test_the_command_writes_a_table_that_its_owner_alone_reads(handed_in, tmp_path, run):
    out = tmp_path / "new" / "similar.csv"
    status, said = run(*handed_in, "--out", out)
    assert status == 0
    assert "ada and bob share 100% (" in said
    assert "1 pairs among 3 submissions and the solution" in said
    assert "dan: not compared: dan.ipynb: broken JSON" in said
    assert "not compared: who.ipynb: " in said
    assert out.stat().st_mode & 0o077 == 0
    (row,) = [row for row in csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))) if "q2-answer" in row["cell"]]
    assert (row["student"], row["name"], row["other"], row["share"]) == ("ada", "'=Ada", "bob", "100%")
    assert (row["cell"], row["other's cell"]) == ("cell 9 (q2-answer)",) * 2
    first = out.read_bytes()
    assert first.startswith(b"\xef\xbb\xbf"), "spreadsheets read names in UTF-8 by it"
    status, said = run(*handed_in, "--out", out)
    assert (status, "exists already" in said) == (2, True)
    out.unlink()
    run(*handed_in, "--out", out)
    assert out.read_bytes() == first
    status, said = run(*handed_in, "--out", tmp_path / "in" / "similar.csv")
    assert (status, "would lie among the submissions" in said) == (2, True)
    assert run(*handed_in, "--out", tmp_path / "t.csv", "--threshold", "60")[0] == 2
    run(*handed_in, "--out", tmp_path / "t.csv", "--fewest", "1000")
    assert len((tmp_path / "t.csv").read_text("utf-8-sig").splitlines()) == 1
    options = parser().parse_args([*map(str, handed_in), "--out", "t.csv"])
    assert (options.threshold, options.fewest) == (THRESHOLD, FEWEST_SHARED)


def test_the_last_readable_submission_of_several_deliveries_counts(handed_in, tmp_path, run):
    late = {"bob.ipynb": nbformat.writes(TOY.release(2)).encode(), "ada.ipynb": b"{"}
    folder(tmp_path / "late", late)
    more = [*handed_in[:3], tmp_path / "late", *handed_in[3:]]
    status, said = run(*more, "--out", tmp_path / "t.csv")
    assert (status, "0 pairs among 3" in said) == (0, True)


def test_a_pair_without_a_place_has_a_line():
    """Two that agree as a whole, where no cell does: one has five passages of its own in both of its cells."""
    ten, again = statements_of(*"0123456789"), statements_of(*"abcde")
    spread = [("c", [*ten[:5], *again]), ("d", [*ten[5:], *again])]
    two = [OwnCode("a", spread), OwnCode("b", [("e", [*ten, *statements_of(*"klmnopqrst")])])]
    (pair,) = similar_pairs(two, fewest=10)
    assert (pair.share, pair.places) == (pytest.approx(10 / 15), ())
    table = similar_table(Similar((pair,), 2, ()), roster("a", "b"))
    assert {len(row) for row in table} == {11}
    assert table[1:] == [["a", "Student a", "b", "Student b", "67%", "10", "", "", "", "", ""]]


def test_nothing_of_it_goes_to_students_or_into_grades():
    """What feedback, exports, pictures and grades are made by knows nothing of pairs."""
    root = Path(__file__).parents[3] / "coursework"
    users = [path for path in root.rglob("*.py") if "similar" in path.read_text(encoding="utf-8")]
    assert {path.relative_to(root).as_posix() for path in users} == {
        *("__main__.py", "commands.py", "overview/similar_code.py", "overview/similar_table.py"),
    }
