"""Which calls of the kernel are not there for a student's code? Those that hold memory which no process is charged for.

A limit on memory counts what processes have mapped, and what lies in their folders. An anonymous file, a segment of
System V or a ring of requests can hold gigabytes beside both. A filter in the kernel answers these calls as an old
kernel would, which does not know them; libraries then do without.
"""

import errno
import platform
import struct

#: By machine: how the kernel names it in a filter, and the numbers of the calls.
MACHINES = {
    "x86_64": (
        0xC000003E,
        {
            "memfd_create": 319,
            "memfd_secret": 447,
            "shmget": 29,
            "msgget": 68,
            "semget": 64,
            "io_uring_setup": 425,
            "userfaultfd": 323,
            "bpf": 321,
            "perf_event_open": 298,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "memfd_create": 279,
            "memfd_secret": 447,
            "shmget": 194,
            "msgget": 186,
            "semget": 190,
            "io_uring_setup": 425,
            "userfaultfd": 282,
            "bpf": 280,
            "perf_event_open": 241,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
        },
    ),
}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of a classic packet filter
_NUMBER, _MACHINE = 0, 4  # where the call and the machine stand in what the filter sees
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.ENOSYS, 0x80000000
_OTHER_NUMBERS = 0x40000000  # of x86-64's second table of calls


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def kernel_filter(machine: str | None = None) -> bytes | None:
    """The filter, as bubblewrap's ``--seccomp`` takes it; None for a machine whose calls are not listed here.

    A process of another machine, such as a program of 32 bits, is ended: its calls have other numbers.

    >>> len(kernel_filter("x86_64")) // 8, kernel_filter("s390x")
    (19, None)
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        return None
    name, calls = MACHINES[machine]
    numbers = sorted(calls.values())
    steps = [_step(_LOAD, _MACHINE), _step(_EQUAL, name, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    # each test jumps over those that are left, and over "allow", to "refuse"
    tests = [(_AT_LEAST, _OTHER_NUMBERS), *((_EQUAL, number) for number in numbers)]
    steps += [_step(code, value, len(tests) - place, 0) for place, (code, value) in enumerate(tests)]
    return b"".join([*steps, _step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE)])
