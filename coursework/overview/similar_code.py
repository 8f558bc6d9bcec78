"""Whose answers are nearly the same code?

Passages of `LENGTH` signs are compared, as fingerprints of documents are (Schleimer, Wilkerson, Aiken, *Winnowing*,
SIGMOD 2003, here with a window of one passage: answers are short), within a statement, so that the order of statements
does not count. Within a passage names are numbered as they come (Baker, WCRE 1995), so that renaming does not either.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from coursework.overview.canonical_code import ITS_OWN, Statement

LENGTH = 8  # signs of a passage
THRESHOLD = 0.6  # of its own passages that an answer has to share
FEWEST_SHARED = 30.0  # passages shared, each weighed: some five lines

Passage = tuple[str | int, ...]


@dataclass(frozen=True)
class OwnCode:
    """What somebody wrote: for each cell a label and its statements."""

    who: str
    cells: Sequence[tuple[str, Sequence[Statement]]]


@dataclass(frozen=True)
class Place:
    """A cell of one that agrees with a cell of the other: labels, lines, and the share of the first one's passages."""

    cell: str
    lines: str
    other_cell: str
    other_lines: str
    share: float


@dataclass(frozen=True)
class Pair:
    """Two that agree: `share` of the code of the one who has less, `shared` passages, and where."""

    one: str
    other: str
    share: float
    shared: float
    places: tuple[Place, ...]


def passages(statement: Statement) -> list[Passage]:
    """The passages of a statement, the names of each numbered as they come; a short statement is one.

    >>> passages(Statement(("Return", "\\0b", "\\0a", "\\0b"), 1, 1))
    [('Return', 0, 1, 0)]
    """
    found = []
    for start in range(max(1, len(statement.signs) - LENGTH + 1)):
        names: dict[str, int] = {}
        part = statement.signs[start : start + LENGTH]
        found.append(tuple(names.setdefault(sign, len(names)) if sign.startswith(ITS_OWN) else sign for sign in part))
    return found


def weight(students: int, having: int) -> float:
    """What a passage counts that so many of the students have: all if it is one's or two's, nothing if everybody's.

    >>> [round(weight(200, having), 2) for having in (1, 2, 20, 100, 200)]
    [1.0, 1.0, 0.5, 0.15, 0.0]
    """
    if students <= 2 or having <= 2:
        return 1.0
    return math.log(students / having) / math.log(students / 2)


def similar_pairs(
    students: Sequence[OwnCode],
    others: Sequence[OwnCode] = (),
    *,
    released: Iterable[Statement] = (),
    threshold: float = THRESHOLD,
    fewest: float = FEWEST_SHARED,
) -> list[Pair]:
    """The pairs whose code is nearly the same, those first that share the larger share.

    A pair is one if the smaller of the two, or a cell of one of them, shares `threshold` of its passages with the
    other, and these are `fewest` or more. Passages count by :func:`weight`.

    Args:
        students: the class.
        others: whose code is compared with the class's, but not counted in it: the solution.
        released: what everybody was given; its passages are nobody's own.
        threshold: the share, above 0 and at most 1.
        fewest: how many.

    Raises:
        ValueError: if `threshold` is no share.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold:g}, wanted a share above 0 and at most 1")
    given = {passage for statement in released for passage in passages(statement)}
    everybody = [*students, *others]
    cells = [_Cell(who, label, found, given) for who, one in enumerate(everybody) for label, found in one.cells]
    measured = _Measured(cells, len(students), len(everybody))
    found = []
    for one, other in np.argwhere(measured.alike(threshold, fewest)):
        if one < other and one < len(students):
            share, shared = measured.of(one, other)
            places = tuple(_places(measured, int(one), int(other), threshold))
            found.append(Pair(everybody[one].who, everybody[other].who, share, shared, places))
    return sorted(found, key=lambda pair: (-round(pair.share, 6), -round(pair.shared, 6), pair.one, pair.other))


class _Cell:
    """A cell's own passages, statement by statement, and whose it is."""

    def __init__(self, who: int, label: str, found: Sequence[Statement], given: set[Passage]) -> None:
        self.who, self.label = who, label
        self.parts = [(one, {part for part in passages(one) if part not in given}) for one in found]
        self.passages = set().union(*(own for _, own in self.parts))

    def lines(self, shared: set[Passage]) -> str:
        """The lines of the statements of which half or more is shared."""
        found: set[int] = set()
        for statement, own in self.parts:
            if own and 2 * len(own & shared) >= len(own):
                found |= set(range(statement.first, statement.last + 1))
        starts = sorted(line for line in found if line - 1 not in found)
        ends = sorted(line for line in found if line + 1 not in found)
        return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


class _Measured:
    """How much any two share: `common` of persons, `in_cell` of a cell with a person."""

    def __init__(self, cells: list[_Cell], students: int, persons: int) -> None:
        self.cells = cells
        column: dict[Passage, int] = {}
        places = [[column.setdefault(passage, len(column)) for passage in cell.passages] for cell in cells]
        starts = np.cumsum([0, *map(len, places)])
        columns = np.array([place for row in places for place in row], int)
        rows = csr_array((np.ones(len(columns)), columns, starts), (len(cells), len(column)))
        self.owner = np.array([cell.who for cell in cells], int)
        belongs = csr_array((np.ones(len(cells)), (self.owner, np.arange(len(cells)))), (persons, len(cells)))
        person = (belongs @ rows > 0).astype(float)
        class_ = person[:students]
        writing = int(np.count_nonzero(class_.sum(axis=1)))  # who handed in nothing of their own is not counted
        weights = np.array([weight(writing, int(having)) for having in class_.sum(axis=0)])
        self.weights = dict(zip(column, weights, strict=True))
        self.common = (person.multiply(weights) @ person.T).toarray()
        self.in_cell = (rows.multiply(weights) @ person.T).toarray()

    def alike(self, threshold: float, fewest: float) -> Any:
        """Which persons agree, whole or in a cell, from either side."""
        smaller = np.minimum.outer(self.common.diagonal(), self.common.diagonal())
        whole = _enough(self.common, smaller, threshold, fewest)
        of_cell = self.in_cell[np.arange(len(self.cells)), self.owner]
        for cell, reached in enumerate(_enough(self.in_cell, of_cell[:, None], threshold, fewest)):
            whole[self.owner[cell]] |= reached
        return whole | whole.T

    def of(self, one: int, other: int) -> tuple[float, float]:
        """The share of the smaller code that two have in common, and how many passages that is."""
        common = float(self.common[one, other])
        return common / float(min(self.common[one, one], self.common[other, other])), common


def _enough(shared: Any, own: Any, threshold: float, fewest: float) -> Any:
    """Where what is shared is the wanted share of what one has, and not too little to say anything."""
    return (shared >= threshold * own - 1e-9) & (shared >= fewest)


def _places(measured: _Measured, one: int, other: int, threshold: float) -> Iterator[Place]:
    """The cells of either that share `threshold` with the other, each with the other's cell that is most like it."""
    seen = set()
    for mine, theirs in ((one, other), (other, one)):
        for number in np.flatnonzero(measured.owner == mine):
            cell, own = measured.cells[number], measured.in_cell[number, mine]
            if own <= 0 or measured.in_cell[number, theirs] < threshold * own - 1e-9:
                continue
            partners = [measured.cells[place] for place in np.flatnonzero(measured.owner == theirs)]
            partner = max(partners, key=lambda them: sum(measured.weights[p] for p in cell.passages & them.passages))
            first, second = (cell, partner) if mine == one else (partner, cell)
            if (id(first), id(second)) not in seen:
                seen.add((id(first), id(second)))
                both = first.passages & second.passages
                share = float(measured.in_cell[number, theirs] / own)
                yield Place(first.label, first.lines(both), second.label, second.lines(both), share)
