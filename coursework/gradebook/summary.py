"""What did a run do, and how far is it?"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from coursework.gradebook.grades import ACCEPT


@dataclass(frozen=True)
class Summary:
    """What a run did: how many it judged and kept, whom it graded again and why, how many there are of each status.

    `passed` says of whom what was delivered does not count, and why. Of those to check, `accept` is the number of
    those whose tests' points may be accepted, `stale` of those graded before the assignment changed; `idle` are the
    students with an accept and nothing to accept.
    """

    judged: int
    kept: int
    again: Mapping[str, str]
    passed: Mapping[str, str]
    statuses: Mapping[str, int]
    unmatched: int
    unmarked: int
    accept: int
    stale: int
    idle: tuple[str, ...]
    out: Path

    def __str__(self) -> str:
        lines = [f"{self.judged} graded now, {self.kept} graded before and unchanged"]
        lines += [f"graded again: {student}: {why}" for student, why in self.again.items()]
        lines += [f"not graded: {student}: {why}" for student, why in self.passed.items()]
        lines += [f"{count:5d} {status}" for status, count in self.statuses.items() if count]
        if self.accept:
            lines.append(
                f"look at those to check: 1 for {ACCEPT!r} in {self.out / 'marks.csv'} lets the tests' points stand"
                + (f" (of {self.accept} of them)" if self.accept < self.statuses["check"] else "")
            )
        if self.stale:
            lines.append(f"{self.stale} graded before the assignment changed: give their submissions to grade again")
        if failed := self.statuses["check"] - self.accept - self.stale:
            lines.append(f"{failed} could not be graded: grade again, or give marks in {self.out / 'marks.csv'}")
        if self.idle:
            lines.append(f"{ACCEPT!r} does nothing where no points of tests can stand: {', '.join(self.idle)}")
        if self.unmarked:
            lines.append(f"{self.unmarked} marks to be given by hand in {self.out / 'marks.csv'}")
        if self.unmatched:
            lines.append(f"{self.unmatched} files belong to nobody in the roster: {self.out / 'unmatched.csv'}")
        return "\n".join(lines)


def terminal_progress(stream: TextIO | None = None) -> Callable[[int, int, float | None], None]:
    """A `progress` that keeps one line of a terminal up to date; into a file, it writes a line for each tenth."""
    stream = stream or sys.stderr
    live = stream.isatty()
    tenth = -1

    def report(done: int, total: int, left: float | None) -> None:
        nonlocal tenth
        if not total:
            return
        text = f"{done}/{total} graded"
        if left is not None and done < total:
            text += f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"
        if live:
            stream.write(f"\r{text:<50}" + ("\n" if done == total else ""))
        elif done * 10 // total > tenth:
            tenth = done * 10 // total
            stream.write(f"{text}\n")
        stream.flush()

    return report
