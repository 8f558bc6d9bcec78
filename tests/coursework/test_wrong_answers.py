"""No answer that is wrong in an easy way earns a point, in any assignment, and none that is right loses one.

The tests of a master run here on its solution's answers, changed; no sandbox is needed for that.
"""

import os
import warnings
from functools import cache
from typing import Any

import jax
import matplotlib.pyplot
import numpy as np
import pytest
from nbformat import NotebookNode
from similar_answers import TWO, honest
from toy_class import TOY_FOLDER
from wrong_answers import AS_RIGHT, RIGHT, WRONG, Change, Changed

from coursework.judging.cell_order import setup_cells
from coursework.judging.tests import free_names
from coursework.masters.assignment import Assignment
from coursework.masters.cells import grade_id
from coursework.masters.reading import ASSIGNMENTS, available, load

ALL = [*available(), "toy"]
YOURS, THEIRS = 20, 21  # two students' numbers


@cache
def opened(name: str):
    return load(name, TOY_FOLDER if name == "toy" else ASSIGNMENTS)


@cache
def solved(name: str, variant: int) -> dict[str, Any]:
    """The names that the solution leaves behind."""
    assignment = opened(name)
    return left_behind(assignment, assignment.solution(variant))


def left_behind(assignment: Assignment, notebook: NotebookNode) -> dict[str, Any]:
    """The names that a notebook's cells leave behind, without those of tests."""
    tests = {question.grade_id for question in assignment.questions}
    names: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell in notebook.cells:
            if cell.cell_type == "code" and grade_id(cell) not in tests:
                exec(cell.source, names)
    return names


@cache
def given(name: str) -> frozenset[str]:
    """The names that the setup leaves behind: no answers."""
    names: dict[str, Any] = {}
    for cell in setup_cells(opened(name), YOURS):
        exec(cell.source, names)
    return frozenset(names)


def earned(name: str, answers: dict[str, Any], question) -> str:
    """Nothing if a question's test passes with these answers in place of the solution's; else what it says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(question.source, {**solved(name, YOURS), **answers})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def answers_to(name: str, question) -> dict[str, Any]:
    wanted = free_names(question.source) - given(name)
    return {key: value for key, value in solved(name, YOURS).items() if key in wanted}


def with_each(change: Change, name: str, question) -> tuple[str, bool]:
    """What a question's test says of the solution's answers, each changed, and whether that made others of them."""
    changed = Changed(change)
    answers = {key: changed(value) for key, value in answers_to(name, question).items()}
    assert answers, f"{question.grade_id} asks for nothing"
    return earned(name, answers, question), changed.differs


def alike(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.all(np.asarray(one) == np.asarray(other)))


@pytest.fixture(autouse=True, scope="module")
def what_the_cells_set_is_set_back():
    """They choose double precision and a style, as in a notebook of their own; other tests run in this process."""
    double, style = jax.config.jax_enable_x64, matplotlib.rcParams.copy()
    with pytest.MonkeyPatch.context() as patch:  # a book that a later test builds would have no figures
        patch.setenv("MPLBACKEND", os.environ.get("MPLBACKEND", "agg"))
        yield
    jax.config.update("jax_enable_x64", double)
    matplotlib.rcParams.update(style)
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("change", WRONG)
@pytest.mark.parametrize("name", ALL)
def test_what_is_wrong_earns_nothing(name, change):
    for question in opened(name).questions:
        says, differs = with_each(WRONG[change], name, question)
        if change in AS_RIGHT.get((name, question.grade_id), ()):
            assert not says
            continue
        assert says or not differs, f"{change} earns {question.points:g} points in {question.grade_id}"


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_answer_at_all_earns_nothing(name):
    for question in opened(name).questions:
        for nothing in (None, [], {}, ""):
            answers = {
                key: (lambda *_, nothing=nothing, **__: nothing) if callable(value) else nothing
                for key, value in answers_to(name, question).items()
            }
            assert earned(name, answers, question), f"{nothing!r} earns points in {question.grade_id}"


@pytest.mark.parametrize("name", ALL)
def test_another_students_numbers_earn_nothing(name):
    for question in opened(name).questions:
        own = {key: value for key, value in answers_to(name, question).items() if not callable(value)}
        others = {key: solved(name, THEIRS)[key] for key in own}
        if any(not alike(value, others[key]) for key, value in own.items()):
            assert earned(name, others, question), f"another's numbers earn points in {question.grade_id}"


@pytest.mark.parametrize("form", RIGHT)
@pytest.mark.parametrize("name", ALL)
def test_what_is_right_in_another_form_loses_nothing(name, form):
    for question in opened(name).questions:
        says, _ = with_each(RIGHT[form], name, question)
        assert says == "", f"{form} lose {question.points:g} points in {question.grade_id}"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", TWO)
def test_honest_work_loses_nothing(name, number):
    assignment = opened(name)
    names = left_behind(assignment, honest(assignment, number, 4711))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for question in assignment.questions:
            exec(question.source, dict(names))


def key_of(args: Any, keywords: Any) -> str:
    """What a function was called with, as text."""
    with np.printoptions(threshold=10**9, precision=17):
        return repr((args, sorted(keywords.items())))


@pytest.mark.parametrize("name", ALL)
def test_who_knows_the_visible_examples_alone_earns_nothing(name):
    """Functions that are right for what the visible test asks, and return zeros of the right shape otherwise."""
    for question in opened(name).questions:
        answers = answers_to(name, question)
        if question.source == question.visible or not any(callable(value) for value in answers.values()):
            continue
        seen: set[tuple[str, str]] = set()
        zeros = Changed(np.zeros_like)

        def knows(key, function, learning, seen=seen, zeros=zeros):
            def known(*args, **keywords):
                call = key, key_of(args, keywords)
                if learning:
                    seen.add(call)
                answer = function(*args, **keywords)
                return answer if call in seen else zeros(answer)

            return known

        def with_known(learning, answers=answers, knows=knows):
            return {key: knows(key, one, learning) if callable(one) else one for key, one in answers.items()}

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(question.visible, {**solved(name, YOURS), **with_known(True)})
        zeros.differs = False
        says = earned(name, with_known(False), question)
        assert says or not zeros.differs, f"the visible examples earn {question.points:g} points in {question.grade_id}"
