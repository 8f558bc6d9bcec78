"""What a notebook says to an answer: a sentence to each, and it never stops."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ntklib.book.practice import answering, check_answer, self_check
from ntklib.book.practice.selfcheck import bundle, packed, unpacked

CHECK = """
def check_half(answer):
    assert answer(4) == 2, f"the half of 4 is 2, not {answer(4)}"
    print("correct")
"""


def said(capsys, answer, name="half"):
    names: dict = {}
    exec(CHECK + answer, names)
    check_answer(names["check_half"], name)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("", "Not answered yet: write `half` in the cell “your answer”, run that cell and then this one.\n"),
        ("half = ...", "Not answered yet: write `half`"),
        ("def half(x): ...", "Not answered yet: write `half`"),
        ("def half(x):\n    'What it is.'\n    pass", "Not answered yet: write `half`"),
        ("def half(x): raise NotImplementedError", "Not answered yet: `half` still raises NotImplementedError.\n"),
        ("half = lambda x: x // 2", "correct\n"),
        ("half = lambda x: x", "Not yet: the half of 4 is 2, not 4.\n"),
        ("half = None", "Not yet: `half` was tried and stopped with TypeError: 'NoneType' object is not callable.\n"),
        ("def half(x):\n    assert False", "Not yet: an assertion without a word does not hold.\n"),
        (
            "def half(x):\n    return x / y",
            "Not yet: `half` was tried and stopped with NameError: name 'y' is not defined.",
        ),
    ],
)
def test_every_answer_gets_a_sentence(capsys, answer, sentence):
    assert said(capsys, answer).startswith(sentence)


def test_an_error_says_in_which_line_of_the_answer_it_came_up(capsys):
    shell = InteractiveShell.instance()
    shell.run_cell(CHECK)
    shell.run_cell("def half(x):\n    y = x\n    return y / 0")
    check_answer(shell.user_ns["check_half"], "half")
    told = "stopped with ZeroDivisionError: division by zero.\nThat was in line 3 of its cell:  return y / 0\n"
    assert capsys.readouterr().out.endswith(told)
    InteractiveShell.clear_instance()


def test_a_reader_who_stops_a_check_stops_it(capsys):
    with pytest.raises(KeyboardInterrupt):
        said(capsys, "def half(x): raise KeyboardInterrupt")


@pytest.mark.parametrize(("check", "name"), [(None, "half"), (print, "1 / 2"), (print, 0.5)])
def test_what_is_no_check_and_no_name_is_refused(check, name):
    with pytest.raises(TypeError, match=r"must be .*, got"):
        check_answer(check, name)


def test_a_function_that_returns_something_is_an_answer():
    assert not answering._is_missing(lambda: 0)
    assert not answering._is_missing(lambda: [])
    assert not answering._is_missing(max)


def test_a_question_is_carried_out_of_sight_and_comes_back():
    question = '<div class="self-check" data-right="1"><p>Which one is it? – So.</p></div>'
    letters = packed(question)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", letters)
    assert unpacked(letters) == question
    shown = bundle(question)
    assert question in shown["text/html"]
    assert shown["text/html"].count("<script>") == shown["text/html"].count("</script>") == 1
    for wrong in ("", "not letters of ours", letters[:-8]):
        with pytest.raises(ValueError, match="letters must be those of a notebook of the book, got"):
            self_check(wrong)
