"""Whose is a file of Brightspace's or Blackboard's, and when was it handed in? Both put that into its name.

Neither system's source is public. From programs that read their downloads: Brightspace makes a folder
``397063-2557369 - Jane Doe - Sep 24, 2024 926 PM`` a submission, or begins a file's name so, and adds an
``index.html``; its numbers are the same for several students, so that only the name tells. Blackboard writes
``Set_jdoe_attempt_2024-09-24-21-26-05_mine.ipynb``, and a text file of its own without the last part; the assignment's
name stands before the user's, and both may have underscores. Neither says in which zone its times are.
"""

import re
from collections.abc import Iterator

from coursework.intake.delivery import Entry
from coursework.intake.owned_file import OwnedFile, Unmatched
from coursework.intake.student_names import Index

MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
BRIGHTSPACE = re.compile(
    r"\d+-\d+ - (?P<name>.+?) - (?P<month>[A-Za-z]{3,9})\.? (?P<day>\d\d?), (?P<year>\d{4}) "
    r"(?P<hour>\d\d?):?(?P<minute>\d\d) ?(?P<half>[AaPp][Mm])(?: - (?P<file>.+))?"
)
BLACKBOARD = re.compile(r"(?P<head>.+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)")


def is_dated(top: str) -> bool:
    """Whether one of the two systems has made this name."""
    return bool(BRIGHTSPACE.fullmatch(top) or BLACKBOARD.fullmatch(top))


def dated_file(entry: Entry, index: Index) -> Iterator[OwnedFile | Unmatched]:
    """Whose a file is whose name :func:`is_dated`; of several submissions of one student the last will count."""
    top = entry.parts[0]
    if match := BRIGHTSPACE.fullmatch(top):
        moment = _brightspace_time(match)
        students = index.by_name(match["name"])
        base = top.removesuffix(f" - {match['file']}") if match["file"] else top
    elif match := BLACKBOARD.fullmatch(top):
        date, clock = match["when"][:10], match["when"][11:].replace("-", ":")
        moment, students = f"{date}T{clock}", _user(match["head"], index)
        base = f"{match['head']}_attempt_{match['when']}"
    else:
        raise ValueError(f"{top!r} is neither of Brightspace nor of Blackboard")
    if len(students) == 1:
        file = (match["file"] if len(entry.parts) == 1 else None) or entry.parts[-1]
        yield OwnedFile(tuple(students), entry, file, base=f"\0{base}", order=(moment,), moment=moment)
    elif students:
        yield Unmatched(entry.name, f"may be from {' or '.join(sorted(students))}")
    else:
        yield Unmatched(entry.name, "nobody of that name in the roster")


def _brightspace_time(match: re.Match[str]) -> str:
    month = match["month"][:3].casefold()
    number = MONTH_NAMES.index(month) + 1 if month in MONTH_NAMES else 0
    hour = int(match["hour"]) % 12 + 12 * (match["half"].casefold() == "pm")
    return f"{match['year']}-{number:02}-{int(match['day']):02}T{hour:02}:{match['minute']}:00"


def _user(head: str, index: Index) -> set[str]:
    """The students whose login, id, address or number the assignment's name and the user's may end with."""
    parts = head.split("_")
    found: set[str] = set()
    for start in range(1, len(parts)):
        found |= index.by_key("_".join(parts[start:]))
    return found
