"""The names that a reader has after an exercise, and what its check says to a wrong answer."""

import copy
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jupytext
import numpy as np
import pytest

CHAPTERS = Path(__file__).parents[2] / "chapters"
MUTABLE = (np.ndarray, np.random.Generator, list, dict, set)


@functools.lru_cache(maxsize=1)  # a file has the tests of a chapter
def cells_of(chapter: str) -> tuple[list[str], dict, bool]:
    """The code of a chapter; the names after its first cell, which may train networks; and whether it wants 64 bits."""
    cells = [cell.source for cell in jupytext.read(CHAPTERS / f"{chapter}.md").cells if cell.cell_type == "code"]
    names: dict = {}
    exec(cells[0], names)
    return cells, {name: value for name, value in names.items() if name != "__builtins__"}, jax.config.jax_enable_x64


def exercise(chapter: str, check: str, *needs: str) -> dict:
    """The names that a reader has after the solution: of the first cell, the check and what defines `needs`.

    The first cell is executed once for all tests of the chapter, each of which has its own copy of what may change.
    """
    cells, first, bits = cells_of(chapter)
    jax.config.update("jax_enable_x64", bits)  # which the test before has set back
    number = next(n for n, source in enumerate(cells) if f"def {check}(" in source)
    wanted = [n for n, source in enumerate(cells) if any(re.search(rf"^def {need}\(", source, re.M) for need in needs)]
    names = {name: copy.deepcopy(value) if isinstance(value, MUTABLE) else value for name, value in first.items()}
    for n in sorted({*wanted, number, number + 1} - {0}):
        exec(cells[n], names)
    return names


def column(answer):
    return lambda *arguments: np.asarray(answer(*arguments))[:, None]


def refused(check: Callable[[Any], None], wrong: Any, words: str) -> None:
    """The check refuses this answer, with a sentence that has these words in it."""
    with pytest.raises(AssertionError, match=words):
        check(wrong)


def each_refused(check: Callable[[Any], None], answers: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
    """Each answer is refused with the words that belong to it."""
    for words, wrong in answers.items() if isinstance(answers, Mapping) else answers:
        refused(check, wrong, words)


def all_refused(check: Callable[[Any], None], answers: Iterable[Any], words: str) -> None:
    """All these answers are refused with the same words."""
    for wrong in answers:
        refused(check, wrong, words)


def no_numbers(right: Callable[..., Any]) -> list[tuple[str, Callable[..., Any]]]:
    """What is no number where one is asked for, each with the words that refuse it."""
    return [
        ("should be a number, not None", lambda *given: None),
        (r"should be a number, not \[", lambda *given: [right(*given)]),
        ("should be a number, not '", lambda *given: str(right(*given))),
        ("should be a number, not True", lambda *given: True),
        ("should be a number, not array", lambda *given: np.array([right(*given)])),
    ]
