"""From a delivery of submissions, a folder or a zip as a learning management system makes it, to one a student.

How files are named, from the systems' sources: Canvas (``lib/content_zipper.rb``) writes
``doejane_LATE_4711_99_name.ipynb``, the sortable name in lower case without punctuation, ``LATE`` if it is, the
user's number, the file's number, and the student's own file name; Canvas adds ``-1``, ``-2`` to that when a file of
the same name is handed in again. Moodle (``mod/assign/classes/downloader.php``) writes ``Jane
Doe_123_assignsubmission_file`` with or without a last underscore, as a folder or as the beginning of a file name; 123
is the participant's number. Gradescope makes a folder ``submission_123`` for each submission, with all submitters in
``submission_metadata.yml``. Otherwise a folder or a file is named after the student.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode

from coursework.archive import EMPTY, Budget, Entry, Refused, entries, zip_entries
from coursework.files import safe_name
from coursework.notebooks import digest, read_notebook
from coursework.roster import Roster, Student, folded

__all__ = ["IntakeError", "Submission", "Submissions", "Unmatched", "collect"]

NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # browsers and mail programs add the second ending
CANVAS = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?P<file>\d+)_")
CANVAS_TEXT = re.compile(r"_(?:(?P<late>LATE)_)?(?P<user>\d+)_(?:text|link)\.html$")
CANVAS_AGAIN = re.compile(r"-(?P<again>\d+)(?=(\.\w+){0,2}$)")
MOODLE = re.compile(r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_[a-z]+(?:_|$)")
METADATA = "submission_metadata.yml"


class IntakeError(ValueError):
    """A delivery that cannot be read at all."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in: a notebook, or None and the ``reason`` (fit to be shown to the student)."""

    student: str
    notebook: NotebookNode | None
    reason: str = ""
    late: bool = False
    file: str = ""
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A fingerprint that changes when what was handed in does."""
        if self.notebook is None:
            return hashlib.sha256(f"{self.file}: {self.reason}".encode()).hexdigest()
        return digest(self.notebook)


@dataclass(frozen=True)
class Unmatched:
    """A file that belongs to nobody in the roster, or not to one student only."""

    file: str
    reason: str


class Submissions(dict[str, Submission]):
    """Submissions by student id; ``unmatched`` are the files that none of them took."""

    def __init__(self, found: Iterable[Submission] = (), unmatched: Iterable[Unmatched] = ()):
        super().__init__((one.student, one) for one in found)
        self.unmatched = list(unmatched)


@dataclass(frozen=True)
class _Claim:
    """One file and whose it is; ``order`` says which of several with the same ``base`` came last."""

    students: tuple[str, ...]
    entry: Entry
    file: str
    late: bool = False
    base: str = ""
    order: tuple[Any, ...] = ()
    note: str = ""


def collect(path: str | Path, roster: Roster, assignment: str = "") -> Submissions:
    """Read a delivery and say what each student handed in.

    Parameters
    ----------
    path
        A folder or a zip: Canvas's *Download Submissions*, Moodle's *Download all submissions*, Gradescope's *Export
        submissions*, or one file, folder or zip a student, named after the id (or login, e-mail address, university's
        number).
    roster
        The class.
    assignment
        The assignment's name: ``NAME-ID.ipynb`` and ``ID-NAME.ipynb`` (or with an underscore) are then understood too.

    Returns
    -------
    Submissions
        One :class:`Submission` for each student from whom anything came, with the notebook or the reason why there is
        none, and the files that match no student. Students from whom nothing came are not in it.

    Raises
    ------
    IntakeError
        If ``path`` is not a folder or a zip, or holds nothing.
    """
    try:
        with entries(Path(path)) as found:
            return _collected(found, _Index(roster, assignment), Budget())
    except (Refused, OSError) as error:
        raise IntakeError(str(error)) from None


def _collected(found: list[Entry], index: "_Index", budget: Budget) -> Submissions:
    found = _unwrapped(found, index)
    if not found:
        raise Refused("no files in the delivery")
    unmatched: list[Unmatched] = []
    piles: dict[str, list[_Claim]] = {}
    for claim in _claims(found, index, budget):
        if isinstance(claim, Unmatched):
            unmatched.append(claim)
        else:
            for student in claim.students:
                piles.setdefault(student, []).append(claim)
    order = {student.id: number for number, student in enumerate(index.roster)}
    taken = [_submission(student, piles[student], budget) for student in sorted(piles, key=order.__getitem__)]
    return Submissions(taken, unmatched)


# Whose file it is -----------------------------------------------------------------------------------------------------


@dataclass
class _Index:
    """The students by all the names under which a system may hand them over."""

    roster: Roster
    assignment: str = ""
    keys: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    canvas: dict[str, str] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for student in self.roster:
            for key in {student.id, safe_name(student.id), student.sid, student.login, student.email} - {""}:
                self.keys.setdefault(folded(key), set()).add(student.id)
            for name in _names(student):
                self.names.setdefault(name, set()).add(student.id)
            if student.canvas:
                self.canvas[student.canvas] = student.id
            if student.participant:
                self.participants[student.participant] = student.id

    def by_key(self, text: str) -> set[str]:
        """The students that a file or folder name stands for."""
        stem = re.sub(r"\.zip$", "", NOTEBOOK.sub("", text), flags=re.IGNORECASE)
        hits: set[str] = set()
        for candidate in (text, stem):
            hits |= self.keys.get(folded(candidate), set())
        for mark in "-_" if self.assignment and not hits else "":
            hits |= self.keys.get(folded(stem.removeprefix(self.assignment + mark)), set())
            hits |= self.keys.get(folded(stem.removesuffix(mark + self.assignment)), set())
        return hits

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


def _unwrapped(found: list[Entry], index: _Index) -> list[Entry]:
    """The entries without the folders that hold everything, such as ``assignment_123_export/``."""
    while found and len({entry.parts[0] for entry in found}) == 1 and all(len(entry.parts) > 1 for entry in found):
        top = found[0].parts[0]
        if index.by_key(top) or MOODLE.match(top) or re.fullmatch(r"submission_\d+", top):
            break
        found = [replace(entry, parts=entry.parts[1:]) for entry in found]
    return found


def _claims(found: list[Entry], index: _Index, budget: Budget) -> Iterator[_Claim | Unmatched]:
    metadata = next((entry for entry in found if entry.parts == (METADATA,)), None)
    submitters = _gradescope(metadata, budget) if metadata else {}
    for entry in found:
        if entry is metadata:
            continue
        top = entry.parts[0]
        if metadata:
            yield from _gradescope_claims(entry, submitters.get(top), index)
        elif hits := index.by_key(top):
            yield _one(hits, entry)
        elif match := MOODLE.match(top):
            yield _moodle_claim(match, entry, index)
        elif CANVAS.search(top) or CANVAS_TEXT.search(top):
            yield _canvas_claim(entry, index)
        else:
            yield Unmatched(entry.name, "its name is not that of a student in the roster")


def _one(students: set[str], entry: Entry, **more: Any) -> _Claim | Unmatched:
    if len(students) == 1:
        return _Claim(tuple(students), entry, more.pop("file", entry.parts[-1]), **more)
    if not students:
        return Unmatched(entry.name, "nobody of that name in the roster")
    return Unmatched(entry.name, f"may be from {' or '.join(sorted(students))}")


def _moodle_claim(match: re.Match[str], entry: Entry, index: _Index) -> _Claim | Unmatched:
    # The name stands first and Moodle takes underscores out of it, so the first match is Moodle's, whatever the file
    # is called.
    rest = entry.parts[0][match.end() :] if len(entry.parts) == 1 else entry.parts[-1]
    if not index.participants:
        return _one(index.by_name(match["name"]), entry, file=rest)
    student = index.participants.get(match["participant"])
    if student is None:
        reason = f"participant {match['participant']} is not in the roster (is it the worksheet of another assignment?)"
        return Unmatched(entry.name, reason)
    return _Claim((student,), entry, rest)


def _canvas_claim(entry: Entry, index: _Index) -> _Claim | Unmatched:
    top = entry.parts[0]
    matches = list(_overlapping(CANVAS, top)) or [match for match in [CANVAS_TEXT.search(top)] if match]
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


def _gradescope_claims(entry: Entry, said: Any, index: _Index) -> Iterator[_Claim | Unmatched]:
    submitters = said.get(":submitters") if isinstance(said, dict) else None
    if not isinstance(submitters, list) or not submitters:
        yield Unmatched(entry.name, f"{METADATA} does not say who handed it in")
        return
    students: list[str] = []
    strangers: list[str] = []
    for person in submitters:
        keys = [person.get(key, "") for key in (":email", ":sid")] if isinstance(person, dict) else []
        hits = next(filter(None, (index.by_key(key) for key in keys if isinstance(key, str) and key)), set())
        if len(hits) == 1:
            students += hits
        else:
            strangers.append(str(person.get(":name", "?")) if isinstance(person, dict) else "?")
    for name in strangers:
        yield Unmatched(entry.name, f"handed in by {name}, who is not in the roster or not one student only")
    if students:
        note = f"handed in together by {', '.join(students)}" if len(students) > 1 else ""
        moment = _moment(str(said.get(":created_at", "")))
        yield _Claim(tuple(students), entry, entry.parts[-1], base=f"\0{entry.parts[0]}", order=(moment,), note=note)


def _moment(text: str) -> str:
    """A time of Gradescope's in UTC, such that later ones sort later."""
    from datetime import UTC, datetime

    match = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*\s*(Z|[+-]\d\d:?\d\d)?", text)
    if not match:
        return text
    zone = (match[3] or "Z").replace("Z", "+00:00")
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC).isoformat(timespec="microseconds")


# What the student handed in -------------------------------------------------------------------------------------------


def _submission(student: str, pile: Sequence[_Claim], budget: Budget) -> Submission:
    """The one notebook in what a student handed in, or the reason why there is not one."""
    pile = [claim for claim in pile if claim.entry.refused != EMPTY]
    if not pile:
        return Submission(student, None, EMPTY)
    notes = list(dict.fromkeys(claim.note for claim in pile if claim.note))
    pile = _last_delivered(pile, notes)
    late = any(claim.late for claim in pile)

    def failed(reason: str, file: str = "") -> Submission:
        return Submission(student, None, reason, late, file, tuple(notes))

    refused = next((claim for claim in pile if claim.entry.refused), None)
    if refused:
        return failed(f"{refused.file}: {refused.entry.refused}", refused.file)
    notebooks = [claim for claim in pile if NOTEBOOK.search(claim.file)]
    zips = [claim for claim in pile if claim.file.casefold().endswith(".zip")]
    chosen = _latest(notebooks or zips, notes)
    if not chosen:
        return failed(f"no notebook, but {_listed(claim.file for claim in pile)}")
    if len(chosen) > 1:
        what = "notebooks" if notebooks else "zip files"
        return failed(f"{len(chosen)} {what}: {_listed(claim.file for claim in chosen)}")
    (claim,) = chosen
    late = claim.late
    try:
        if notebooks:
            return Submission(student, read_notebook(claim.entry.read(budget)), "", late, claim.file, tuple(notes))
        inner = _only_notebook(zip_entries(claim.entry.read(budget), limit=5_000))
        notebook = read_notebook(inner.read(budget))
        return Submission(student, notebook, "", late, f"{claim.file}/{inner.name}", tuple(notes))
    except Refused as error:
        return failed(f"{claim.file}: {error}", claim.file)


def _last_delivered(pile: Sequence[_Claim], notes: list[str]) -> list[_Claim]:
    """Of several of Gradescope's submissions of one student the one that came last; anything else as it is."""
    if not pile[0].base.startswith("\0"):
        return list(pile)
    last = max(pile, key=lambda claim: (claim.order, claim.base))
    others = sorted({claim.base[1:] for claim in pile} - {last.base[1:]})
    if others:
        notes.append(f"{len(others) + 1} submissions: {last.base[1:]} counts, {_listed(others)} came before")
    return [claim for claim in pile if claim.base == last.base]


def _latest(claims: list[_Claim], notes: list[str]) -> list[_Claim]:
    """Of Canvas's files handed in again under the same name, the last; other files all stay."""
    bases: dict[str, list[_Claim]] = {}
    for number, claim in enumerate(claims):
        again = claim.base and not claim.base.startswith("\0")
        bases.setdefault(claim.base if again else f"\0{number}", []).append(claim)
    for same in bases.values():
        if len(same) > 1:
            same.sort(key=lambda claim: claim.order)
            notes.append(
                f"{len(same)} times handed in: {same[-1].file} counts, {_listed(c.file for c in same[:-1])} came before"
            )
    return [same[-1] for same in bases.values()]


def _only_notebook(inside: list[Entry]) -> Entry:
    refused = next((entry for entry in inside if entry.refused), None)
    if refused:
        raise Refused(f"{refused.name}: {refused.refused}")
    notebooks = [entry for entry in inside if NOTEBOOK.search(entry.name)]
    if len(notebooks) != 1:
        what = (
            f"{len(notebooks)} notebooks: {_listed(e.name for e in notebooks)}"
            if notebooks
            else "no notebook in the zip file"
        )
        raise Refused(what)
    return notebooks[0]


def _listed(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name if len(name) <= 80 else f"{name[:77]}…" for name in names[:most]) + more
