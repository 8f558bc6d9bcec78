"""Are these two the same number, but for what a spreadsheet does to numbers?

A table of ids that was opened and saved loses leading zeros, gains decimals, turns long numbers into powers of ten, and
makes dates of what looks like one.
"""

import re

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
OTHERS = {
    "mrz": 3,
    "mär": 3,
    "mai": 5,
    "okt": 10,
    "dez": 12,
    "fév": 2,
    "avr": 4,
    "aoû": 8,
    "déc": 12,
    "ene": 1,
    "dic": 12,
}
SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?E\+?(\d+)", re.IGNORECASE)


def respelt(one: str, other: str) -> bool:
    """Whether a spreadsheet may have made one of these texts of the other; equal ones were not changed.

    >>> respelt("004711", "4711"), respelt("4711", "4711.0"), respelt("300123456789", "3.00123E+11")
    (True, True, True)
    >>> respelt("3-12", "12-Mar"), respelt("3-12", "2026-12-03"), respelt("4711", "4712"), respelt("doe", "doe")
    (True, True, False, False)
    """
    one, other = one.strip(), other.strip()
    if one == other:
        return False
    return _whole(one) == _whole(other) != "" or _rounded(one, other) or _rounded(other, one) or _same_day(one, other)


def _whole(text: str) -> str:
    """A whole number without leading zeros and decimals; empty if it is none."""
    match = re.fullmatch(r"0*(\d+)(?:[.,]0*)?", text)
    return match[1] if match else ""


def _rounded(whole: str, short: str) -> bool:
    """Whether the second is the first as a power of ten with fewer digits."""
    match, digits = SCIENTIFIC.fullmatch(short), _whole(whole)
    if not match or not digits or int(match[3]) != len(digits) - 1:
        return False
    kept = match[1] + (match[2] or "")
    return len(kept) <= len(digits) and abs(int(digits) - int(kept.ljust(len(digits), "0"))) * 2 <= 10 ** (
        len(digits) - len(kept)
    )


def _same_day(one: str, other: str) -> bool:
    """Whether both can be read as one day of one month; the year, which a spreadsheet adds, aside."""
    first, second = _days(one), _days(other)
    return bool(first) and first == second


def _days(text: str) -> list[int]:
    """Day and month, the smaller first, of what looks like a date; empty if it does not."""
    parts = re.findall(r"[^\W\d_]+|\d+", text)
    if not 2 <= len(parts) <= 3 or not re.fullmatch(r"[\w]+([-./ ]+[\w]+){1,2}\.?", text):
        return []
    numbers: list[int] = []
    for part in parts:
        name = part.casefold()[:3]
        if part.isdigit():
            numbers += [] if len(part) == 4 or int(part) > 31 else [int(part)]
        elif name in MONTHS or name in OTHERS:
            numbers.append(OTHERS.get(name) or MONTHS.index(name) + 1)
        else:
            return []
    return sorted(numbers) if len(numbers) == 2 and 1 <= min(numbers) <= 12 else []
