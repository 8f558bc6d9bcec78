"""Tasks side by side in processes of their own, such that one that dies or hangs costs its task only.

``concurrent.futures`` gives up the whole pool when a worker dies and does not say over which task; grading wants to
know.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any


class Failed(Exception):
    """A task that gave no result, with the reason."""


class _Worker:
    """One process and the task it is at."""

    def __init__(self, function: Callable[..., Any], common: tuple[Any, ...]):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function, common), daemon=True)
        self.process.start()
        theirs.close()
        self.key: Any = None
        self.since = 0.0

    def give(self, key: Any, task: tuple[Any, ...]) -> None:
        self.key, self.since = key, time.monotonic()
        with contextlib.suppress(OSError):  # it died; receiving says so
            self.pipe.send(task)

    def receive(self) -> Any:
        """The result, or :class:`Failed`."""
        try:
            ok, value = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            raise Failed(f"the process that graded it ended with code {self.process.exitcode}") from None
        return value if ok else Failed(value)

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _serve(pipe: Connection, function: Callable[..., Any], common: tuple[Any, ...]) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C goes to the process that hands out the tasks; nothing that runs here is to see it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            reply = True, function(*common, *task)
        except Exception as error:  # whatever it is, it belongs to this task
            reply = False, f"{type(error).__name__}: {error}"
        try:
            pipe.send(reply)
        except OSError:
            return
        except Exception as error:
            pipe.send((False, f"its result cannot be sent: {type(error).__name__}: {error}"))


def _here(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}")


def run(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, tuple[Any, ...]]],
    *,
    workers: int,
    limit: float,
    common: tuple[Any, ...] = (),
) -> Generator[tuple[Any, Any], None, None]:
    """Yield (key, result) for each (key, arguments) in the order in which ``function(*common, *arguments)`` finishes.

    The result is a :class:`Failed` if the function raised, its process died, or it took too long. When the iterator is
    closed, as by an exception in the caller, all processes are stopped at once.

    Args:
        function: what to do; other processes have to be able to import it.
        tasks: the keys, and the arguments of each task.
        workers: how many side by side. With 0 the tasks run in this process, one after the other, with nothing to stop
            them: for debugging.
        limit: seconds for a task.
        common: arguments that all tasks share.
    """
    waiting = iter(tasks)
    if workers == 0:
        yield from ((key, _here(function, (*common, *task))) for key, task in waiting)
        return
    idle: list[_Worker] = []
    busy: list[_Worker] = []
    try:
        while True:
            while len(busy) < workers and (following := next(waiting, None)):
                worker = idle.pop() if idle else _Worker(function, common)
                busy.append(worker)
                worker.give(*following)
            if not busy:
                return
            pause = max(0.0, min(worker.since + limit for worker in busy) - time.monotonic())
            ready = wait([worker.pipe for worker in busy], pause)
            for worker in list(busy):
                result: Any
                if worker.pipe in ready:
                    try:
                        result = worker.receive()
                        idle.append(worker)
                    except Failed as failure:
                        result = failure
                        worker.stop()
                elif time.monotonic() >= worker.since + limit:
                    result = Failed(f"it took more than {limit:g} seconds")
                    worker.stop()
                else:
                    continue
                busy.remove(worker)
                yield worker.key, result
    finally:
        for worker in busy + idle:
            worker.stop()
