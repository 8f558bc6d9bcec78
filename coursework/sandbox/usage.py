"""What does a process use, with all that it has started?"""

import os
from dataclasses import dataclass

TICK = 0.05  # seconds between two looks at what a process uses
MOST = 16.0  # who only waits is not waited for longer


@dataclass
class Usage:
    """What a process and its descendants use; `memory` has what lies in their folders in memory, too."""

    processes: int = 0
    threads: int = 0
    memory: int = 0
    seconds: float = 0.0
    files: int = 0
    reserved: int = 0  # address space of the largest process, which its limit of memory counts


def busy() -> float:
    """By how much a program that computes takes longer here than alone: programs that want a processor, for each one.

    From 1 to 16, of the last minute. Limits on the clock are multiplied by it.

    >>> 1 <= busy() <= 16
    True
    """
    return min(max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0))), MOST)


def usage(pid: int, folders: tuple[str, ...] = ()) -> Usage:
    """What the process and everything below it use now; in a namespace's process 1, that is the whole namespace.

    Args:
        pid: the process.
        folders: those in memory, by their paths as the process sees them.
    """
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    children: dict[int, list[tuple[int, list[str]]]] = {}
    found: list[tuple[int, list[str]]] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        children.setdefault(int(fields[1]), []).append((int(entry), fields))
        if int(entry) == pid:
            found.append((pid, fields))
    total = Usage()
    while found:
        number, fields = found.pop()
        found += children.get(number, [])
        total.processes += 1
        total.threads += int(fields[17])
        total.memory += int(fields[21]) * page
        total.reserved = max(total.reserved, int(fields[20]))
        total.seconds += sum(map(int, fields[11:15])) / tick
    for folder in folders:
        try:
            there = os.statvfs(f"/proc/{pid}/root{folder}")
        except OSError:  # it has ended
            continue
        total.memory += (there.f_blocks - there.f_bfree) * there.f_frsize
        total.files += there.f_files - there.f_ffree
    return total


def peak(pid: int) -> int:
    """The most address space that a process had, in bytes; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return next((int(line.split()[1]) << 10 for line in file if line.startswith("VmPeak:")), 0)
    except OSError:
        return 0
