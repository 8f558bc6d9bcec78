"""What does the check of an exercise say to an answer? A sentence, also where there is none yet; it never stops."""

import dis
import linecache
from collections.abc import Callable
from types import CodeType
from typing import Any

__all__ = ["check_answer"]

_IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}  # what a function does that has no body yet


def check_answer(check: Callable[[Any], Any], name: str) -> None:
    """Run the check of an exercise on an answer, and say in a sentence what came of it.

    A notebook that is run from top to bottom goes on, whether an answer is right, wrong, stops with an error or is not
    there yet.

    Args:
        check: the check, as the chapter defines it: called with the answer, it raises an `AssertionError` that says
            what is wrong with it, and says itself what is right.
        name: of the answer, a function or a value; it is looked up where the check was defined.

    Raises:
        TypeError: if `check` cannot be called, or `name` is not a name.

    >>> def check_double(answer):
    ...     assert answer(3) == 6, f"the double of 3 is 6, not {answer(3)}"
    ...     print("correct")
    >>> def double(x): ...
    >>> check_answer(check_double, "double")
    Not answered yet: write `double` in the cell “your answer”, run that cell and then this one.
    >>> def double(x):
    ...     return x + 2
    >>> check_answer(check_double, "double")
    Not yet: the double of 3 is 6, not 5.
    >>> double = lambda x: 2 * x
    >>> check_answer(check_double, "double")
    correct
    """
    if not callable(check):
        raise TypeError(f"check must be a function of the answer, got {check!r}")
    if not (isinstance(name, str) and name.isidentifier()):
        raise TypeError(f"name must be the name of the answer, such as 'double', got {name!r}")
    answer = getattr(check, "__globals__", {}).get(name, ...)
    if _is_missing(answer):
        print(f"Not answered yet: write `{name}` in the cell “your answer”, run that cell and then this one.")
        return
    try:
        check(answer)
    except NotImplementedError:
        print(f"Not answered yet: `{name}` still raises NotImplementedError.")
    except AssertionError as wrong:
        print(f"Not yet: {_sentence(str(wrong) or 'an assertion without a word does not hold')}")
    except Exception as error:
        print(f"Not yet: `{name}` was tried and stopped with {_told(error, answer)}")


def _is_missing(answer: Any) -> bool:
    """Whether an answer is the placeholder: an ellipsis, or a function that does nothing.

    >>> def empty(x):
    ...     "What it should do."
    ...     ...
    >>> [_is_missing(answer) for answer in (..., empty, lambda x: x, lambda x: 0, 0, None)]
    [True, True, False, False, False, False]
    """
    code = getattr(answer, "__code__", None)
    if not isinstance(code, CodeType):
        return answer is ...
    instructions = list(dis.get_instructions(code))
    returned = [i.argval for i in instructions if i.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {i.opname for i in instructions} <= _IDLE and returned[-1:] == [None]


def _told(error: Exception, answer: Any) -> str:
    """An error in a sentence, with the line of the answer in which it came up.

    >>> _told(ZeroDivisionError("division by zero"), None)
    'ZeroDivisionError: division by zero.'
    """
    said = type(error).__name__ + (f": {error}" if str(error) else "")
    written = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [frame.tb_lineno for frame in _frames(error) if frame.tb_frame.f_code.co_filename == written]
    if written is None or not lines:
        return _sentence(said)
    text = linecache.getline(written, lines[-1]).strip()
    return _sentence(said) + (f"\nThat was in line {lines[-1]} of its cell:  {text}" if text else "")


def _frames(error: Exception) -> list[Any]:
    frames, frame = [], error.__traceback__
    while frame is not None:
        frames.append(frame)
        frame = frame.tb_next
    return frames


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "\n")) else text + "."
