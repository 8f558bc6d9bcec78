"""Whose is a file? The names that learning management systems give to what students hand in.

How files are named, from the systems' sources: Canvas (``lib/content_zipper.rb``) writes
``doejane_LATE_4711_99_name.ipynb``, the sortable name in lower case without punctuation, `LATE` if it is, the
user's number, the file's number, and the student's own file name; Canvas adds ``-1``, ``-2`` to that when a file of
the same name is handed in again. Moodle (``mod/assign/classes/downloader.php``) writes ``Jane
Doe_123_assignsubmission_file`` with or without a last underscore, as a folder or as the beginning of a file name; 123
is the participant's number. Gradescope says it in a file of its own (:mod:`coursework.intake.gradescope`). Brightspace
and Blackboard are in :mod:`coursework.intake.dated_names`. Otherwise a
folder or a file is named after the student.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from coursework.intake.dated_names import BRIGHTSPACE, dated_file, is_dated
from coursework.intake.delivery import Budget, Entry
from coursework.intake.gradescope import METADATA, gradescope_files, submitters_in
from coursework.intake.owned_file import OwnedFile, Unmatched
from coursework.intake.student_names import Index

CANVAS_FILE = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?P<file>\d+)_")
CANVAS_TEXT = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?:text|link)\.html$")
CANVAS_AGAIN = re.compile(r"-(?P<again>\d+)(?=(\.\w+){0,2}$)")
MOODLE_FILE = re.compile(r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_[a-z]+(?:_|$)")


def unwrapped(found: list[Entry], index: Index) -> list[Entry]:
    """The entries without the folders that hold everything, such as ``assignment_123_export/``."""
    while found and len({entry.parts[0] for entry in found}) == 1 and all(len(entry.parts) > 1 for entry in found):
        top = found[0].parts[0]
        if index.by_key(top) or is_dated(top) or MOODLE_FILE.match(top) or re.fullmatch(r"submission_\d+", top):
            break
        found = [replace(entry, parts=entry.parts[1:]) for entry in found]
    return found


def owned_files(found: list[Entry], index: Index, budget: Budget) -> Iterator[OwnedFile | Unmatched]:
    """For each file, whose it is, or why that cannot be said."""
    metadata = next((entry for entry in found if entry.parts == (METADATA,)), None)
    submitters = submitters_in(metadata, budget) if metadata else {}
    brightspace = any(BRIGHTSPACE.fullmatch(entry.parts[0]) for entry in found)
    for entry in found:
        if entry is metadata or (brightspace and entry.parts == ("index.html",)):  # the system's own list of files
            continue
        top = entry.parts[0]
        if metadata:
            yield from gradescope_files(entry, submitters.get(top), index)
        elif hits := index.by_key(top):
            yield _one(hits, entry)
        elif is_dated(top):
            yield from dated_file(entry, index)
        elif match := MOODLE_FILE.match(top):
            yield _moodle_file(match, entry, index)
        elif CANVAS_FILE.search(top) or CANVAS_TEXT.search(top):
            yield _canvas_file(entry, index)
        else:
            yield Unmatched(entry.name, "its name is not that of a student in the roster")


def _one(students: set[str], entry: Entry, **more: Any) -> OwnedFile | Unmatched:
    if len(students) == 1:
        return OwnedFile(tuple(students), entry, more.pop("file", entry.parts[-1]), **more)
    if not students:
        return Unmatched(entry.name, "nobody of that name in the roster")
    return Unmatched(entry.name, f"may be from {' or '.join(sorted(students))}")


def _moodle_file(match: re.Match[str], entry: Entry, index: Index) -> OwnedFile | Unmatched:
    # The name stands first and Moodle takes underscores out of it, so the first match is Moodle's, whatever the file
    # is called.
    rest = entry.parts[0][match.end() :] if len(entry.parts) == 1 else entry.parts[-1]
    if not index.participants:
        return _one(index.by_name(match["name"]), entry, file=rest)
    student = index.participants.get(match["participant"])
    if student is None:
        reason = f"participant {match['participant']} is not in the roster (is it the worksheet of another assignment?)"
        return Unmatched(entry.name, reason)
    return OwnedFile((student,), entry, rest)


def _canvas_file(entry: Entry, index: Index) -> OwnedFile | Unmatched:
    top = entry.parts[0]
    matches = list(_overlapping(CANVAS_FILE, top)) or [match for match in [CANVAS_TEXT.search(top)] if match]
    first = matches[0]
    if not index.canvas:
        students = index.by_name(top[: first.start()])
    else:
        # The student chooses the file's name, and the name before the numbers; so another student's number further on
        # in it makes the file nobody's instead of that student's.
        students = {index.canvas[match["user"]] for match in matches if match["user"] in index.canvas}
        if first["user"] not in index.canvas:
            return Unmatched(entry.name, f"Canvas's user {first['user']} is not in the roster")
    rest = top[first.end() :] if "file" in first.groupdict() else top[first.start() + 1 :]
    again = CANVAS_AGAIN.search(rest)
    return _one(
        students,
        entry,
        file=rest,
        late=bool(first["late"]),
        base=CANVAS_AGAIN.sub("", rest).casefold(),
        order=(int(first.groupdict().get("file") or 0), int(again["again"]) if again else 0),
    )


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    start = 0
    while match := pattern.search(text, start):
        yield match
        start = match.start() + 1
