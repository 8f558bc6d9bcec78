"""A change of a limit judges again what it can change, and nothing else."""

from dataclasses import replace

import pytest
from toy_class import FULL, SECRET, TOY, Verdict, roster
from toy_grades import submissions, table

from coursework.gradebook.folder import open_gradebook, read_result
from coursework.gradebook.grade_class import grade_all
from coursework.masters.allowance import Allowance

USED = {"seconds": 4.0, "total": 30.0, "memory": 1500.0}
CLASS = roster("quick", "slow", "stopped", "lost", "old")


def judge(assignment, notebook, variant):
    """By the first cell: quick, slow, stopped by seconds, one that lost points, one of an earlier version."""
    what = notebook.cells[0].source
    if what == "slow":
        return Verdict2(FULL, used={"seconds": 12.0, "total": 200.0, "memory": 3900.0})
    if what == "stopped":
        return Verdict2({**FULL, "q1-mean": 0.0}, ["stopped"], {"q1-mean": "stopped"}, used=USED, struck=("seconds",))
    if what == "lost":
        return Verdict2({**FULL, "q1-mean": 0.0}, failures={"q1-mean": "wrong"}, used=USED)
    return Verdict2(FULL, used=USED if what == "quick" else {})


class Verdict2(Verdict):
    """A verdict that says what was used."""

    def __init__(self, *arguments, used, struck=(), **more):
        super().__init__(*arguments, **more)
        object.__setattr__(self, "used", used)
        object.__setattr__(self, "struck", struck)


def run(out, **limits):
    """What one more run with these limits judges again, and why."""
    changed = replace(TOY, allowance=Allowance(**limits))
    handed_in = submissions(**{student.id: student.id for student in CLASS})
    return dict(grade_all(changed, handed_in, CLASS, out, judge=judge, secret=SECRET, workers=0).again)


@pytest.mark.parametrize(
    ("limits", "again"),
    [
        ({}, set()),
        ({"seconds": 40}, {"stopped", "old"}),
        ({"seconds": 23}, {"stopped", "old"}),
        ({"seconds": 10}, {"slow", "stopped", "old"}),
        ({"seconds": 7}, {"quick", "slow", "stopped", "lost", "old"}),
        ({"total": 600}, {"old"}),
        ({"total": 250}, {"slow", "old"}),
        ({"memory": 8192}, {"lost", "stopped", "old"}),
        ({"memory": 4000}, {"slow", "old"}),
        ({"memory": 1600}, {"quick", "slow", "stopped", "lost", "old"}),
    ],
)
def test_only_what_it_can_change(tmp_path, limits, again):
    run(tmp_path)
    found = run(tmp_path, **limits)
    assert set(found) == again
    for name, value in limits.items():
        assert all(f"{name} was {getattr(Allowance(), name):g}, is {value}" in why for why in found.values())
    assert read_result(open_gradebook(tmp_path), "quick").limits == (
        Allowance(**(limits if "quick" in again else {})).as_data()
    )


def test_who_was_not_delivered_again_is_to_be_looked_at(tmp_path):
    run(tmp_path)
    changed = replace(TOY, allowance=Allowance(seconds=10))
    grade_all(changed, submissions(), CLASS, tmp_path, judge=judge, secret=SECRET, workers=0)
    found = table(tmp_path)
    assert found["slow"]["status"] == "check"
    assert "before the assignment changed, or its limits" in found["slow"]["notes"]
    assert found["quick"]["status"] == "needs-manual"
