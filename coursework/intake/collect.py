"""From a delivery of submissions, a folder or a zip as a learning management system makes it, to one a student."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from coursework.intake.delivery import EMPTY, Budget, Entry, Refused, entries, zip_entries
from coursework.intake.notebook_reader import digest, read_notebook
from coursework.intake.owners import NOTEBOOK, Claim, Index, IntakeError, Unmatched, claims, unwrapped
from coursework.intake.roster import Roster
from coursework.masters.reading import number_in

__all__ = ["IntakeError", "Submission", "Submissions", "Unmatched", "collect"]


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


class Submissions(dict[str, Submission]):
    """Submissions by student id; ``unmatched`` are the files that none of them took."""

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
    numbers
        The variant of each student, by id: a notebook with somebody else's is then told by it.
    everyone
        The one variant that everybody had, where that was so.

    Returns
    -------
    Submissions
        One :class:`Submission` for each student from whom anything came, with the notebook or the reason why there is
        none, and the files that match no student. Students from whom nothing came are not in it.

    Raises
    ------
    IntakeError
        If ``path`` is not a folder or a zip, or holds nothing; if all notebooks in it are of another assignment, or
        have other numbers than anybody here.
    """
    try:
        with entries(Path(path)) as found:
            collected = _collected(found, Index(roster, assignment), Budget(), numbers or {})
    except (Refused, OSError) as error:
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
    except Refused:
        return one, ""
    head = notebook.metadata.get("coursework")
    name = head.get("name") if isinstance(head, dict) else None
    if isinstance(name, str) and index.assignment and name != index.assignment:
        return replace(one, reason=f"{one.reason}; it is a notebook of {name[:60]!r}"), name
    number = number_in(notebook)
    if number is not None and number in owners:
        one = replace(one, reason=f"{one.reason}; its number is that of {owners[number]}")
    return one, name if isinstance(name, str) else ""


def _collected(found: list[Entry], index: Index, budget: Budget, numbers: Mapping[str, int]) -> Submissions:
    found = unwrapped(found, index)
    if not found:
        raise Refused("no files in the delivery")
    unmatched: list[Unmatched] = []
    others: list[str] = []  # the assignments that the unmatched notebooks are of
    owners = {number: student for student, number in numbers.items()}
    by_name = {entry.name: entry for entry in found}
    piles: dict[str, list[Claim]] = {}
    for claim in claims(found, index, budget):
        if isinstance(claim, Unmatched):
            told, other = claim, ""
            if NOTEBOOK.search(claim.file):
                told, other = _told(claim, by_name[claim.file], index, owners)
                others.append(other)
            unmatched.append(told)
        else:
            for student in claim.students:
                piles.setdefault(student, []).append(claim)
    if index.assignment and not piles and others and set(others).isdisjoint({"", index.assignment}):
        raise Refused(f"not of {index.assignment!r}: the notebooks are of {_listed(map(repr, sorted(set(others))))}")
    order = {student.id: number for number, student in enumerate(index.roster)}
    taken = [_submission(student, piles[student], budget) for student in sorted(piles, key=order.__getitem__)]
    return Submissions([_noted(one, numbers, owners) for one in taken], unmatched)


def _noted(one: Submission, numbers: Mapping[str, int], owners: Mapping[int, str]) -> Submission:
    """A submission with a note if the number in it is that of somebody else in the class."""
    number = number_in(one.notebook) if one.notebook else None
    if number is None or number == numbers.get(one.student) or number not in owners:
        return one
    return replace(one, notes=(*one.notes, f"the number in it is that of {owners[number]}"))


def _submission(student: str, pile: Sequence[Claim], budget: Budget) -> Submission:
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


def _last_delivered(pile: Sequence[Claim], notes: list[str]) -> list[Claim]:
    """Of several of Gradescope's submissions of one student the one that came last; anything else as it is."""
    if not pile[0].base.startswith("\0"):
        return list(pile)
    last = max(pile, key=lambda claim: (claim.order, claim.base))
    others = sorted({claim.base[1:] for claim in pile} - {last.base[1:]})
    if others:
        notes.append(f"{len(others) + 1} submissions: {last.base[1:]} counts, {_listed(others)} came before")
    return [claim for claim in pile if claim.base == last.base]


def _latest(claims: list[Claim], notes: list[str]) -> list[Claim]:
    """Of Canvas's files handed in again under the same name, the last; other files all stay."""
    bases: dict[str, list[Claim]] = {}
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
