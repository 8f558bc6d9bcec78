"""Does a test pass on what a notebook gives?

What the test needs is fetched from the session's sandbox as plain data, and what it calls is called in there.
"""

import atexit
import builtins
import functools
import os
import re
import symtable
import threading
import time
from collections.abc import Iterator

from coursework.judging.session import Session
from coursework.judging.setting import JudgeError, Setting
from coursework.judging.trusted_process import ProcessStopped, TrustedProcess
from coursework.masters.assignment import Cell, Question
from coursework.sandbox import wire
from coursework.sandbox.replies import CALLABLE, Stopped, StudentError
from coursework.text import one_line


class ReadyTests:
    """The trusted process, ready for one submission; started again where a test has ended it."""

    def __init__(self, setup: list[Cell], setting: Setting) -> None:
        self.setup, self.setting = tuple((cell.grade_id, cell.source) for cell in setup), setting
        self.process: TrustedProcess | None = None
        self.names: set[str] = set()
        self.ready()

    def ready(self) -> TrustedProcess:
        """The process, with the setup run.

        Raises:
            JudgeError: if the setup fails.
        """
        if self.process is None:
            process = _process(self.setting)
            process.seconds = 0.0
            try:
                self.names = process.prepare(self.setup)
            except (ValueError, ProcessStopped) as error:
                forget_process()
                raise JudgeError(f"the assignment's setup fails: {error}") from error
            self.process = process
        return self.process

    def forget(self) -> None:
        """End the process."""
        self.process = None
        forget_process()


_here = threading.local()  # one trusted process a thread: it ends with the thread that has started it


def _process(setting: Setting) -> TrustedProcess:
    """This thread's trusted process. A process made by fork starts its own."""
    key = (os.getpid(), setting)
    if getattr(_here, "key", None) != key:
        forget_process()
        _here.key, _here.process = (
            key,
            TrustedProcess(
                setting.limits,
                setting.own.folder,
                writable=setting.own.writable,
                behind_walls=setting.strange,
            ),
        )
        atexit.register(_here.process.close)
    return _here.process


def forget_process() -> None:
    """End this thread's trusted process; the next test starts another."""
    if getattr(_here, "key", None) is not None and _here.key[0] == os.getpid():
        _here.process.close()
        atexit.unregister(_here.process.close)
    _here.key = _here.process = None


def failure_of(session: Session, tests: ReadyTests, question: Question, source: str) -> str | None:
    """Why a test fails; None if it passes.

    Args:
        session: the submission's cells, run.
        tests: the trusted process.
        question: the question of the test.
        source: the test, with its hidden part or without.
    """
    if session.sandbox is None or time.monotonic() > session.deadline:
        session.suspicious = True
        session.struck |= {"total"} if time.monotonic() > session.deadline else set()
        return "not tested: the notebook ended the sandbox again and again, or used up its time"
    sandbox = session.sandbox
    ended: list[tuple[str, Stopped]] = []
    process = tests.ready()
    nan = bool(re.search(r"\b(isnan|equal_nan)\b", question.source))  # other tests may be passed by NaN, by mistake

    def call(name: str, raw: bytes) -> tuple:
        try:
            return ("value", sandbox.forward(name, raw, nan=nan))
        except StudentError as error:
            return ("error", str(error), error.kind)
        except wire.NotPlain as error:
            return ("error", f"an argument of `{name}` {error}", "TypeError")
        except Stopped as stop:
            ended.append((f"`{name}`", stop))
            return ("stopped",)

    values, functions = {}, []
    failure: str | None
    try:
        for name in sorted(free_names(source) - tests.names):
            value = sandbox.fetch(name, nan=nan)
            if value is CALLABLE:
                functions.append(name)
            else:
                values[name] = value
        failure = process.run(source, values, functions, call)
    except StudentError as error:
        because = [session.errors[answer] for answer in question.answers if answer in session.errors]
        failure = one_line(f"{error}: {because[0]}" if because and error.kind == "NameError" else str(error))
    except Stopped as stop:
        ended.append(("reading what the test needs", stop))
    except ProcessStopped as error:
        tests.forget()
        session.stopped(question.grade_id, str(error), error.limit)
        failure = str(error)
    session.took(process.seconds)
    for what, stopped in ended:
        failure = one_line(f"{what} {stopped}")
        session.stopped(question.grade_id, failure, stopped.limit)
        if not stopped.alive:
            session.start()
    return failure


@functools.cache
def free_names(source: str) -> frozenset[str]:
    """The names that a piece of Python reads and neither defines nor finds among Python's own.

    >>> sorted(free_names("import numpy as np; assert np.sum([f(i) for i in range(n)]) > 0"))
    ['f', 'n']
    """
    module = symtable.symtable(source, "<test>", "exec")
    own = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read = {
        symbol.get_name()
        for table in _tables(module)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is module or symbol.is_global())
    }
    return frozenset(read - own - set(dir(builtins)))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
