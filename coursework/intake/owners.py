"""Whose is a file? The names that learning management systems give to what students hand in.

How files are named, from the systems' sources: Canvas (``lib/content_zipper.rb``) writes
``doejane_LATE_4711_99_name.ipynb``, the sortable name in lower case without punctuation, `LATE` if it is, the
user's number, the file's number, and the student's own file name; Canvas adds ``-1``, ``-2`` to that when a file of
the same name is handed in again. Moodle (``mod/assign/classes/downloader.php``) writes ``Jane
Doe_123_assignsubmission_file`` with or without a last underscore, as a folder or as the beginning of a file name; 123
is the participant's number. Gradescope makes a folder `submission_123` for each submission, with all submitters in
``submission_metadata.yml``. Otherwise a folder or a file is named after the student.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import yaml

from coursework.files import safe_name
from coursework.intake.delivery import Budget, Entry
from coursework.intake.roster import Roster, Student, folded

NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # browsers and mail programs add the second ending
# what browsers, JupyterLab, Windows and macOS add to the name of a second copy
COPY = re.compile(r"(?:\s*\(\d+\)|\s*-\s*copy\d*|\s+copy(?:\s\d+)?)+$", re.IGNORECASE)
CANVAS_FILE = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?P<file>\d+)_")
CANVAS_TEXT = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?:text|link)\.html$")
CANVAS_AGAIN = re.compile(r"-(?P<again>\d+)(?=(\.\w+){0,2}$)")
MOODLE_FILE = re.compile(r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_[a-z]+(?:_|$)")
METADATA = "submission_metadata.yml"


class IntakeError(ValueError):
    """A delivery that cannot be read at all."""


@dataclass(frozen=True)
class Unmatched:
    """A file that belongs to nobody in the roster, or not to one student only."""

    file: str
    reason: str


@dataclass(frozen=True)
class OwnedFile:
    """One file and whose it is; `order` says which of several with the same `base` came last."""

    students: tuple[str, ...]
    entry: Entry
    file: str
    late: bool = False
    base: str = ""
    order: tuple[Any, ...] = ()
    note: str = ""


@dataclass
class Index:
    """The students by all the names under which a system may hand them over."""

    roster: Roster
    assignment: str = ""
    ids: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    canvas: dict[str, str] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for student in self.roster:
            for key in {student.id, safe_name(student.id)}:
                self.ids.setdefault(folded(key), set()).add(student.id)
            for key in {student.sid, student.login, student.email} - {""}:
                self.keys.setdefault(folded(key), set()).add(student.id)
            for name in _names(student):
                self.names.setdefault(name, set()).add(student.id)
            if student.canvas:
                self.canvas[student.canvas] = student.id
            if student.participant:
                self.participants[student.participant] = student.id

    def by_key(self, text: str) -> set[str]:
        """The students that a file or folder name stands for; an id goes before a login, an address, another number."""
        stem = re.sub(r"\.zip$", "", NOTEBOOK.sub("", text), flags=re.IGNORECASE)
        whole = [folded(text), folded(stem), folded(COPY.sub("", stem))]
        candidates, name = list(whole), folded(self.assignment)
        for mark in "-_" if name else "":
            for one in whole[1:]:
                candidates += [one.removeprefix(name + mark), one.removesuffix(mark + name)]
        for known in (self.ids, self.keys):
            for candidate in candidates:
                if hits := known.get(candidate):
                    return hits
        return set()

    def by_name(self, text: str) -> set[str]:
        """The students of that name, however it is written."""
        return self.names.get(_squashed(text), set())


def _squashed(name: str) -> str:
    """A name as Canvas writes it: lower case, letters and digits only."""
    return re.sub(r"\W", "", folded(name))


def _names(student: Student) -> set[str]:
    """A student's name first-last and last-first, squashed."""
    if "," in student.name:
        last, first = student.name.split(",", 1)
        return {_squashed(last + first), _squashed(first + last)}
    words = student.name.split()
    return {_squashed(student.name)} | {_squashed("".join(words[cut:] + words[:cut])) for cut in range(1, len(words))}


def unwrapped(found: list[Entry], index: Index) -> list[Entry]:
    """The entries without the folders that hold everything, such as ``assignment_123_export/``."""
    while found and len({entry.parts[0] for entry in found}) == 1 and all(len(entry.parts) > 1 for entry in found):
        top = found[0].parts[0]
        if index.by_key(top) or MOODLE_FILE.match(top) or re.fullmatch(r"submission_\d+", top):
            break
        found = [replace(entry, parts=entry.parts[1:]) for entry in found]
    return found


def owned_files(found: list[Entry], index: Index, budget: Budget) -> Iterator[OwnedFile | Unmatched]:
    """For each file, whose it is, or why that cannot be said."""
    metadata = next((entry for entry in found if entry.parts == (METADATA,)), None)
    submitters = _gradescope(metadata, budget) if metadata else {}
    for entry in found:
        if entry is metadata:
            continue
        top = entry.parts[0]
        if metadata:
            yield from _gradescope_files(entry, submitters.get(top), index)
        elif hits := index.by_key(top):
            yield _one(hits, entry)
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


def _gradescope(metadata: Entry, budget: Budget) -> dict[str, Any]:
    """What Gradescope says of each submission, all of it as text: ids keep their zeros, Ruby tags make no objects."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        content = yaml.load(metadata.read(budget, 200_000_000), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise IntakeError(f"{METADATA}: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise IntakeError(f"{METADATA}: no submissions in it")
    return content


def _gradescope_files(entry: Entry, said: Any, index: Index) -> Iterator[OwnedFile | Unmatched]:
    submitters = said.get(":submitters") if isinstance(said, dict) else None
    if not isinstance(submitters, list) or not submitters:
        yield Unmatched(entry.name, f"{METADATA} does not say who handed it in")
        return
    students: list[str] = []
    strangers: list[str] = []
    for person in submitters:
        person = person if isinstance(person, dict) else {}
        name, *keys = (str(person.get(key, "")) for key in (":name", ":email", ":sid"))
        hits = next(filter(None, (index.by_key(key) for key in keys if key)), set())
        if not hits and not index.keys:  # the roster has nothing but ids and names
            hits = index.by_name(name)
        if len(hits) == 1:
            students += hits
        else:
            strangers.append(name or "?")
    for name in strangers:
        yield Unmatched(entry.name, f"handed in by {name}, who is not in the roster or not one student only")
    if students:
        note = f"handed in together by {', '.join(students)}" if len(students) > 1 else ""
        moment = _moment(str(said.get(":created_at", "")))
        yield OwnedFile(tuple(students), entry, entry.parts[-1], base=f"\0{entry.parts[0]}", order=(moment,), note=note)


def _moment(text: str) -> str:
    """A time of Gradescope's in UTC, such that later ones sort later."""
    match = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*\s*(Z|[+-]\d\d:?\d\d)?", text)
    if not match:
        return text
    zone = (match[3] or "Z").replace("Z", "+00:00")
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC).isoformat(timespec="microseconds")
