"""What a master declares of limits is what students are told and what the sandbox gets."""

from dataclasses import replace

import nbformat
import pytest
from toy_answers import GRAM, MEAN
from toy_class import TOY_FOLDER

from coursework.judging.judge import judge
from coursework.judging.setting import limits_of
from coursework.masters.allowance import SHOWN, Allowance, allowance_in, with_told
from coursework.masters.reading import MasterError, load, parse


def declaring(limits, tmp_path, text="# A toy"):
    """The toy with these limits in its head and this text at its beginning."""
    whole = (TOY_FOLDER / "toy.md").read_text(encoding="utf-8")
    head = f"  title: A toy\n  limits: {limits}\n" if limits else "  title: A toy\n"
    (tmp_path / "toy.md").write_text(
        whole.replace("  title: A toy\n", head).replace("# A toy\n", f"{text}\n"), encoding="utf-8"
    )
    return load("toy", tmp_path)


def test_a_master_without_limits_has_the_usual_ones(tmp_path):
    assert declaring("", tmp_path).allowance == Allowance() == Allowance(20, 300, 4096)


def test_declared_limits_are_told_and_kept(tmp_path):
    toy = declaring("{seconds: 7, memory: 2048}", tmp_path, f"# A toy\n\n- {SHOWN}\n- more")
    assert toy.allowance == Allowance(7, 300, 2048)
    released = toy.release(3)
    told = "compute for 7 seconds, all together for 300, in 2048 MB of memory."
    assert [cell.source for cell in released.cells if told in cell.source] == [
        f"# A toy\n\n- A cell, and a call of one of your functions, may {told}\n- more"
    ]
    assert SHOWN not in nbformat.writes(released)
    assert parse(released, "toy", "mine", released=True).allowance == toy.allowance, "check holds to them too"
    limits = limits_of(toy.allowance)
    assert (limits.cell, limits.test, limits.total, limits.memory) == (7, 7, 300, 2 << 30)


def test_without_a_place_they_stand_below_the_first_text(toy):
    cells = toy.release().cells
    assert cells[0].source == f"# A toy\n\n{Allowance().told()}"
    assert with_told(["# A\n- b", "c"], "Told.") == ["# A\n- b\n- Told.", "c"]
    assert with_told([], "Told.") == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("{seconds: 0}", "coursework.limits.seconds is 0, wanted a number from 0.1 to 3600"),
        ("{seconds: yes}", "limits.seconds is True"),
        ("{memory: large}", "limits.memory is 'large'"),
        ("{seconds: 400}", "limits.total is 300, wanted limits.seconds"),
        ("{hours: 4}", "wanted some of seconds, total, memory"),
        ("[4]", "wanted some of seconds"),
    ],
)
def test_limits_that_cannot_be_used(tmp_path, limits, said):
    with pytest.raises(MasterError, match=said.replace("(", r"\(")):
        declaring(limits, tmp_path)


def test_what_a_student_wrote_into_the_head_may_be_anything(toy):
    notebook = toy.release()
    notebook.metadata["coursework"]["limits"] = {"seconds": "x" * 1000}
    with pytest.raises(MasterError):
        parse(notebook, "toy", "mine", released=True)
    assert allowance_in(None) == Allowance()


def test_the_sandbox_is_held_to_them(toy, cache, answered):
    short = replace(toy, allowance=Allowance(seconds=1.5, total=100, memory=3072))
    verdict = judge(short, answered(toy, 5, q1_answer=f"{MEAN}\nwhile True: pass", q2_answer=GRAM), 5, cache=cache)
    assert any("took more than 1.5 s" in note for note in verdict.notes), verdict.notes
    assert verdict.struck == ("seconds",)
    assert verdict.used["seconds"] >= 1.5
    hungry = answered(toy, 5, q1_answer=f"{MEAN}\nhoard = bytearray(3 << 30)", q2_answer=GRAM)
    assert "MemoryError" in str(judge(short, hungry, 5, cache=cache).notes)
    assert judge(toy, hungry, 5, cache=cache).notes == []
    fine = judge(short, answered(toy, 5, q1_answer=MEAN, q2_answer=GRAM), 5, cache=cache)
    assert fine.struck == ()
    assert 0 < fine.used["seconds"] < 1.5
    assert 50 < fine.used["memory"] < 3072
    assert 0 < fine.used["total"] < 100


def test_the_command_line_goes_before_the_master(run, tmp_path):
    out = tmp_path / "mine.ipynb"
    command = ["release", "toy", "--assignments", TOY_FOLDER, "--out", out]
    assert run(*command, "--seconds", "33", "--memory", "1000")[0] == 0
    assert "33 seconds, all together for 300, in 1000 MB" in out.read_text(encoding="utf-8")
    out.unlink()
    assert "limits.seconds is -1" in run(*command, "--seconds", "-1")[1]
