"""From a delivery of submissions, a folder or a zip as a learning management system makes it, to one a student."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from coursework.intake.delivery import EMPTY, Budget, Entry, Unreadable, entries, zip_entries
from coursework.intake.notebook_reader import digest, read_notebook
from coursework.intake.owned_file import IntakeError, OwnedFile, Unmatched
from coursework.intake.owners import owned_files, unwrapped
from coursework.intake.roster import Roster
from coursework.intake.student_names import NOTEBOOK, Index
from coursework.masters.identity import name_in, number_in


@dataclass(frozen=True)
class Submission:
    """What one student handed in: a notebook, or None and the `reason` (fit to be shown to the student).

    `moment` is when, if the system says so; without a zone it is in the system's own time. `delivered` is the name that
    the system gave to the file or its folder.
    """

    student: str
    notebook: NotebookNode | None
    reason: str = ""
    late: bool = False
    file: str = ""
    notes: tuple[str, ...] = ()
    moment: str = ""
    delivered: str = ""

    @property
    def digest(self) -> str:
        """A fingerprint that changes when what was handed in does."""
        if self.notebook is None:
            return hashlib.sha256(f"{self.file}: {self.reason}".encode()).hexdigest()
        return digest(self.notebook)


class Submissions(dict[str, Submission]):
    """Submissions by student id; `unmatched` are the files that none of them took."""

    def __init__(self, found: Iterable[Submission] = (), unmatched: Iterable[Unmatched] = ()):
        super().__init__((one.student, one) for one in found)
        self.unmatched = list(unmatched)


def collect(
    path: str | Path,
    roster: Roster,
    assignment: str = "",
    *,
    numbers: Mapping[str, int] | None = None,
    everyone: int | None = None,
) -> Submissions:
    """Read a delivery and say what each student handed in.

    Args:
        path: a folder or a zip: Canvas's *Download Submissions*, Moodle's *Download all submissions*, Gradescope's
            *Export submissions*, or one file, folder or zip a student, named after the id (or login, e-mail address,
            university's number).
        roster: the class.
        assignment: the assignment's name: ``NAME-ID.ipynb`` and ``ID-NAME.ipynb`` (or with an underscore) are then
            understood too.
        numbers: the variant of each student, by id: a notebook with somebody else's is then told by it.
        everyone: the one variant that everybody had, where that was so.

    Returns:
        One :class:`Submission` for each student from whom anything came, with the notebook or the reason why there is
        none, and the files that match no student. Students from whom nothing came are not in it.

    Raises:
        IntakeError: if `path` is not a folder or a zip, or holds nothing; if all notebooks in it are of another
            assignment, or have other numbers than anybody here.
    """
    try:
        with entries(Path(path)) as found:
            collected = _collected(found, Index(roster, assignment), Budget(), numbers or {})
    except (Unreadable, OSError) as error:
        raise IntakeError(str(error)) from None
    _refuse_other_numbers(collected, numbers or {}, everyone)
    return collected


def _refuse_other_numbers(submissions: Submissions, numbers: Mapping[str, int], everyone: int | None) -> None:
    """If nobody's notebook has a number that anybody should have, no student is to blame."""
    held = [number_in(one.notebook) for one in submissions.values() if one.notebook]
    wanted = set(numbers.values()) if everyone is None else {everyone}
    if wanted and len(held) > 1 and None not in held and not wanted & set(held):
        raise IntakeError(
            f"all {len(held)} notebooks have another number than the students here: is it the right --secret, --id, "
            "--variant?"
        )


def _told(one: Unmatched, entry: Entry, index: Index, owners: Mapping[int, str]) -> tuple[Unmatched, str]:
    """A file that is nobody's with what the notebook in it tells, and the assignment that it is of ("" if unknown)."""
    try:
        notebook = read_notebook(entry.read(Budget()))
    except Unreadable:
        return one, ""
    name = name_in(notebook)
    if name is not None and index.assignment and name != index.assignment:
        return replace(one, reason=f"{one.reason}; it is a notebook of {name[:60]!r}"), name
    number = number_in(notebook)
    if number is not None and number in owners:
        one = replace(one, reason=f"{one.reason}; its number is that of {owners[number]}")
    return one, name or ""


def _collected(found: list[Entry], index: Index, budget: Budget, numbers: Mapping[str, int]) -> Submissions:
    found = unwrapped(found, index)
    if not found:
        raise Unreadable("no files in the delivery")
    unmatched: list[Unmatched] = []
    others: list[str] = []  # the assignments that the unmatched notebooks are of
    owners = {number: student for student, number in numbers.items()}
    by_name = {entry.name: entry for entry in found}
    piles: dict[str, list[OwnedFile]] = {}
    for owned in owned_files(found, index, budget):
        if isinstance(owned, Unmatched):
            told, other = owned, ""
            if NOTEBOOK.search(owned.file):
                told, other = _told(owned, by_name[owned.file], index, owners)
                others.append(other)
            changed = index.respelt(by_name[owned.file].parts[0]) if owned.file in by_name else ""
            unmatched.append(replace(told, reason=f"{told.reason}; {changed}") if changed else told)
        else:
            for student in owned.students:
                piles.setdefault(student, []).append(owned)
    if index.assignment and not piles and others and set(others).isdisjoint({"", index.assignment}):
        raise Unreadable(f"not of {index.assignment!r}: the notebooks are of {_listed(map(repr, sorted(set(others))))}")
    order = {student.id: number for number, student in enumerate(index.roster)}
    taken = [_submission(student, piles[student], budget) for student in sorted(piles, key=order.__getitem__)]
    return Submissions([_noted(one, numbers, owners) for one in taken], unmatched)


def _noted(one: Submission, numbers: Mapping[str, int], owners: Mapping[int, str]) -> Submission:
    """A submission with a note if the number in it is that of somebody else in the class."""
    number = number_in(one.notebook) if one.notebook else None
    if number is None or number == numbers.get(one.student) or number not in owners:
        return one
    return replace(one, notes=(*one.notes, f"the number in it is that of {owners[number]}"))


def _submission(student: str, pile: Sequence[OwnedFile], budget: Budget) -> Submission:
    """The one notebook in what a student handed in, or the reason why there is not one."""
    pile = [owned for owned in pile if owned.entry.refused != EMPTY]
    if not pile:
        return Submission(student, None, EMPTY)
    notes = list(dict.fromkeys(owned.note for owned in pile if owned.note))
    pile = _last_delivered(pile, notes)
    late = any(owned.late for owned in pile)
    moment = max(owned.moment for owned in pile)

    def failed(reason: str, file: str = "") -> Submission:
        return Submission(student, None, reason, late, file, tuple(notes), moment)

    refused = next((owned for owned in pile if owned.entry.refused), None)
    if refused:
        return failed(f"{refused.file}: {refused.entry.refused}", refused.file)
    notebooks = [owned for owned in pile if NOTEBOOK.search(owned.file)]
    zips = [owned for owned in pile if owned.file.casefold().endswith(".zip")]
    chosen = _latest(notebooks or zips, notes)
    if not chosen:
        return failed(f"no notebook, but {_listed(owned.file for owned in pile)}")
    if len(chosen) > 1:
        what = "notebooks" if notebooks else "zip files"
        return failed(f"{len(chosen)} {what}: {_listed(owned.file for owned in chosen)}")
    (owned,) = chosen
    late, moment, name = owned.late, owned.moment, owned.entry.parts[0]
    try:
        if notebooks:
            notebook = read_notebook(owned.entry.read(budget))
            return Submission(student, notebook, "", late, owned.file, tuple(notes), moment, name)
        inner = _only_notebook(zip_entries(owned.entry.read(budget), limit=5_000))
        notebook = read_notebook(inner.read(budget))
        return Submission(student, notebook, "", late, f"{owned.file}/{inner.name}", tuple(notes), moment, name)
    except Unreadable as error:
        return failed(f"{owned.file}: {error}", owned.file)


def _last_delivered(pile: Sequence[OwnedFile], notes: list[str]) -> list[OwnedFile]:
    """Of several submissions of one student the one that came last, where the system says; anything else as it is."""
    if not pile[0].base.startswith("\0"):
        return list(pile)
    last = max(pile, key=lambda owned: (owned.order, owned.base))
    others = sorted({owned.base[1:] for owned in pile} - {last.base[1:]})
    if others:
        notes.append(f"{len(others) + 1} submissions: {last.base[1:]} counts, {_listed(others)} came before")
    return [owned for owned in pile if owned.base == last.base]


def _latest(files: list[OwnedFile], notes: list[str]) -> list[OwnedFile]:
    """Of Canvas's files handed in again under the same name, the last; other files all stay."""
    bases: dict[str, list[OwnedFile]] = {}
    for number, owned in enumerate(files):
        again = owned.base and not owned.base.startswith("\0")
        bases.setdefault(owned.base if again else f"\0{number}", []).append(owned)
    for same in bases.values():
        if len(same) > 1:
            same.sort(key=lambda owned: owned.order)
            notes.append(
                f"{len(same)} times handed in: {same[-1].file} counts, {_listed(c.file for c in same[:-1])} came before"
            )
    return [same[-1] for same in bases.values()]


def _only_notebook(inside: list[Entry]) -> Entry:
    refused = next((entry for entry in inside if entry.refused), None)
    if refused:
        raise Unreadable(f"{refused.name}: {refused.refused}")
    notebooks = [entry for entry in inside if NOTEBOOK.search(entry.name)]
    if len(notebooks) != 1:
        what = (
            f"{len(notebooks)} notebooks: {_listed(e.name for e in notebooks)}"
            if notebooks
            else "no notebook in the zip file"
        )
        raise Unreadable(what)
    return notebooks[0]


def _listed(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name if len(name) <= 80 else f"{name[:77]}…" for name in names[:most]) + more
