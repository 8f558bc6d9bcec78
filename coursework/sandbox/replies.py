"""What does the sandbox answer? A reply is not trusted: it is measured, decoded, and read as one to its question."""

from typing import Any

from coursework.sandbox import wire
from coursework.text import one_line


class StudentError(Exception):
    """The student's code raised (`kind` is the exception's name), or gave what cannot be used. Can be shown."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Stopped(Exception):
    """The student's code went over a limit or ended its process.

    `alive` says whether the sandbox still answers, `limit` which of a master's limits it was, or may have been.
    """

    def __init__(self, reason: str, *, alive: bool = False, limit: str = "") -> None:
        super().__init__(reason)
        self.alive, self.limit = alive, limit


class _CallableMark:
    """What stands for a function, which does not come out."""


CALLABLE = _CallableMark()

#: What may be replied to each question: to run a cell, to fetch a variable, to call a function. What is no plain data
#: was refused on its way here.
FITTING = {
    "run": {"value", "refused", "error"},
    "fetch": {"value", "callable", "missing", "refused", "error"},
    "call": {"value", "missing", "refused", "error"},
}


class Replies:
    """The bytes that came from a sandbox, taken apart into replies."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, part: bytes, number: int, *, nan: bool) -> tuple[str, Any] | None:
        """Add bytes; the reply to message `number` as its kind and value, once it is complete, else None.

        Replies to earlier messages are dropped. NaN in the value is refused unless `nan`.

        Raises:
            Stopped: if a reply announces more than any may have.
        """
        self._bytes += part
        size = wire.HEADER.size
        while len(self._bytes) >= size:
            text, arrays = wire.HEADER.unpack_from(self._bytes)
            if text > wire.MAX_JSON or arrays > wire.MAX_ARRAYS:
                raise Stopped("sent a reply that is too large")
            if len(self._bytes) < size + text + arrays:
                return None
            raw = bytes(self._bytes[: size + text + arrays])
            del self._bytes[: len(raw)]
            try:
                message, value = wire.decode(*wire.split(raw), nan=nan)
            except wire.NotPlain as error:
                return "refused", one_line(error)
            if message.get("id") == number:
                return str(message.get("kind")), value
        return None


def answer_to(question: dict[str, Any], kind: str, reply: Any) -> Any:
    """The value that a reply gives to a question (what to `do`, and the `name` that it is about).

    Raises:
        StudentError: if it gives none, because the name is not defined, the code raised, it is not plain data, or no
            reply to this question.
    """
    what = f"`{question['name']}`" if "name" in question else "a cell"
    if kind not in FITTING[question["do"]]:
        raise StudentError(f"{what} was answered with what is no reply to it")
    if kind == "value":
        return reply
    if kind == "callable":
        return CALLABLE
    if kind == "missing":
        raise StudentError(f"{what} is not defined", "NameError")
    if kind == "refused":
        raise StudentError(one_line(f"{what} {'returned what ' if question['do'] == 'call' else ''}{reply}"))
    try:
        name, text = map(str, reply)
    except (TypeError, ValueError):
        name, text = "Exception", ""
    raised = one_line(f"{name}: {text}" if text else name)
    raise StudentError(one_line(f"{what} raised {raised}") if question["do"] == "call" else raised, one_line(name))
