"""Do any of many lines stand in any of many files? All lines are looked for in one pass."""

from collections import defaultdict
from collections.abc import Collection

import numpy as np

WINDOW = 24  # bytes at the beginning of a line, of which a number of 24 bits is made
FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


class Lines:
    """Lines of at least 24 bytes.

    >>> lines = Lines([b"a line that is looked for,", b"and another one of this kind"])
    >>> lines.within(b"xyz a line that is looked for, and nothing else")
    {b'a line that is looked for,'}
    """

    def __init__(self, lines: Collection[bytes]) -> None:
        self.by_number: dict[int, set[bytes]] = defaultdict(set)
        for line in lines:
            assert len(line) >= WINDOW, line
            self.by_number[int(_numbers(line[:WINDOW], 0)[0])].add(line)
        self.wanted = np.zeros(1 << 24, bool)
        self.wanted[list(self.by_number)] = True

    def within(self, data: bytes) -> set[bytes]:
        """Those that stand somewhere in these bytes."""
        near: set[int] = set()
        for offset in range(min(8, max(0, len(data) - WINDOW + 1))):
            numbers = _numbers(data, offset)
            near |= set(numbers[self.wanted[numbers]].tolist())
        return {line for number in near for line in self.by_number[number] if line in data}


def _numbers(data: bytes, offset: int) -> np.ndarray:
    """One for each window of 24 bytes that begins at this offset, or a multiple of 8 bytes behind it."""
    words = np.frombuffer(data, "<u8", (len(data) - offset) // 8, offset)
    return (words[:-2] * FACTORS[0] + words[1:-1] * FACTORS[1] + words[2:] * FACTORS[2]) >> np.uint64(40)
