"""By which names may a system hand a student over? Ids, logins, addresses, numbers, names in any order."""

import re
from dataclasses import dataclass, field

from coursework.files import safe_name
from coursework.intake.respelling import respelt
from coursework.intake.roster import Roster, Student, folded

NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # browsers and mail programs add the second ending
# what browsers, JupyterLab, Windows and macOS add to the name of a second copy
COPY = re.compile(r"(?:\s*\(\d+\)|\s*-\s*copy\d*|\s+copy(?:\s\d+)?)+$", re.IGNORECASE)


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

    def respelt(self, text: str) -> str:
        """Which number in the roster a spreadsheet may have changed, so that this file is nobody's; empty if none."""
        stem = re.sub(r"\.zip$", "", NOTEBOOK.sub("", text), flags=re.IGNORECASE)
        whole = [stem, COPY.sub("", stem)]
        name = self.assignment
        whole += [one.removeprefix(name + mark).removesuffix(mark + name) for mark in "-_" for one in whole if name]
        parts = {*whole, *re.split(r"[_\s]+", stem)}
        for student in self.roster:
            for number in {student.id, student.sid, student.login, student.canvas} - {""}:
                for part in sorted(parts):
                    if respelt(part, number):
                        return (
                            f"the roster has {number!r}: did a spreadsheet make it of {part!r}, or the other way round?"
                        )
        return ""


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
