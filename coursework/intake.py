"""From a delivery of submissions, a folder or a zip as a learning management system makes it, to one a student."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from coursework.archive import EMPTY, Budget, Entry, Refused, entries, zip_entries
from coursework.matching import NOTEBOOK, Claim, Index, IntakeError, Unmatched, claims, unwrapped
from coursework.notebooks import digest, read_notebook
from coursework.roster import Roster

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
            return _collected(found, Index(roster, assignment), Budget())
    except (Refused, OSError) as error:
        raise IntakeError(str(error)) from None


def _collected(found: list[Entry], index: Index, budget: Budget) -> Submissions:
    found = unwrapped(found, index)
    if not found:
        raise Refused("no files in the delivery")
    unmatched: list[Unmatched] = []
    piles: dict[str, list[Claim]] = {}
    for claim in claims(found, index, budget):
        if isinstance(claim, Unmatched):
            unmatched.append(claim)
        else:
            for student in claim.students:
                piles.setdefault(student, []).append(claim)
    order = {student.id: number for number, student in enumerate(index.roster)}
    taken = [_submission(student, piles[student], budget) for student in sorted(piles, key=order.__getitem__)]
    return Submissions(taken, unmatched)


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
