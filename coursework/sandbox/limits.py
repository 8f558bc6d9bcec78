"""What may a submission use?"""

from dataclasses import dataclass

from coursework.sandbox.usage import Usage
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

    def over(self, used: Usage) -> tuple[str, str]:
        """What of that is too much, and which of a master's limits it is; twice nothing if all is within the limits."""
        if used.processes > self.processes:
            return f"started more than {self.processes} processes", ""
        if used.threads > self.threads:
            return f"started more than {self.threads} threads", ""
        if used.memory > self.memory:
            return f"used more than {self.memory >> 20} MB of memory", "memory"
        if used.files > self.inodes:
            return f"made more than {self.inodes} files", ""
        return "", ""
