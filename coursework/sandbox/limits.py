"""What may a submission use?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Times are in seconds: of processor time where a process computes, and `patience` times as much on the clock, or more
    by what other programs take (:func:`coursework.sandbox.usage.busy`), so that a busy machine changes no mark. Memory
    and sizes are in bytes.
    """

    cell: float = 20.0  # one cell, or one call from a test
    test: float = 20.0  # one test cell, without the student's share
    total: float = 300.0  # everything, on the clock where nothing else runs
    patience: float = 3.0
    grace: float = 2.0  # from the interrupt to the kill
    start: float = 120.0
    memory: int = 4 << 30
    processes: int = 32
    threads: int = 256
    files: int = 64 << 20  # a file, and a folder in memory
    inodes: int = 20_000  # files, folders and links in them
    restarts: int = 4


DEFAULT = Limits()
