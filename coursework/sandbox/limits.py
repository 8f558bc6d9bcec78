"""What may a submission use?"""

from dataclasses import dataclass

from coursework.sandbox.walls import FILES


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a submission may use. What a master declares has no default here.

    Times are in seconds: of processor time where a process computes, and `patience` times as much on the clock, or more
    by what other programs take (:func:`coursework.sandbox.usage.busy`), so that a busy machine changes no mark. Memory
    and sizes are in bytes.
    """

    cell: float  # one cell, or one call from a test
    test: float  # one test cell, without the student's share
    total: float  # everything, on the clock where nothing else runs
    memory: int
    patience: float = 3.0
    grace: float = 2.0  # from the interrupt to the kill
    start: float = 120.0
    processes: int = 32
    threads: int = 256
    files: int = FILES  # a file, and a folder in memory
    inodes: int = 20_000  # files, folders and links in them
    restarts: int = 4
