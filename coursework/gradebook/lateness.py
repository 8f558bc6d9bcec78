"""What does lateness cost, by the rules in ``late.toml`` of the grades' folder? The raw marks stay as they are."""

import contextlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from coursework.intake.roster import Roster, Student

RULES = "late.toml"
KEYS = {"due", "zone", "per_cent_a_day", "grace_hours", "most_per_cent", "extensions", "submitted"}
ROSTER_COLUMN = "due"


class LateError(ValueError):
    """Rules that cannot be used; the message names the file, what stands there and what is wanted."""


@dataclass(frozen=True)
class LateRules:
    """When it is due, what a day costs, who has another date, and who handed in when where no system tells.

    A day begun counts as one, from the due time on; up to `grace` after it nothing does. Times are compared as moments,
    whatever their zones; `zone` is that of times that name none, and of all that are shown.
    """

    due: datetime
    zone: ZoneInfo
    per_cent_a_day: float = 0.0
    grace: timedelta = timedelta(0)
    most: float = 100.0
    extensions: Mapping[str, datetime] = field(default_factory=dict)
    submitted: Mapping[str, datetime] = field(default_factory=dict)

    def shown(self, moment: datetime) -> str:
        """A time with its zone."""
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M %Z")


@dataclass(frozen=True)
class Lateness:
    """How much is taken off, in per cent, and the sentence that says so; `unknown`: late, and nobody knows how much."""

    per_cent: float = 0.0
    note: str = ""
    late: bool = False
    unknown: bool = False


def read_rules(folder: Path, roster: Roster) -> LateRules | None:
    """The rules of a folder of grades; None if there are none.

    Raises:
        LateError: if the file, or the roster's column `due`, cannot be used.
    """
    path = folder / RULES
    if not path.exists():
        return None
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise LateError(f"{path}: {error}") from None
    if more := sorted(set(read) - KEYS):
        raise LateError(f"{path}: {more[0]!r} is none of {', '.join(sorted(KEYS))}")
    if "due" not in read or "zone" not in read:
        raise LateError(f"{path}: wanted due, such as 2026-11-30T23:59:00, and zone, such as 'Europe/Zurich'")
    try:
        zone = ZoneInfo(read["zone"])
    except Exception:  # it raises what it likes
        raise LateError(f"{path}: zone is {read['zone']!r}, wanted a name such as 'Europe/Zurich' or 'UTC'") from None
    own = {
        student.id: _moment(text, zone, f"{roster.path or 'roster'}: due of {student.id!r}")
        for student in roster
        if (text := student.columns.get(ROSTER_COLUMN, "").strip())
    }
    return LateRules(
        _moment(read["due"], zone, f"{path}: due"),
        zone,
        _number(read, "per_cent_a_day", 100, path),
        timedelta(hours=_number(read, "grace_hours", 10_000, path)),
        _number(read, "most_per_cent", 100, path, 100.0),
        {**own, **_by_student(read, "extensions", roster, zone, path)},
        _by_student(read, "submitted", roster, zone, path),
    )


def lateness(rules: LateRules, student: Student, moment: str, system_says_late: bool) -> Lateness:
    """What the rules say of a student's submission.

    Args:
        rules: of this assignment.
        student: whose it is.
        moment: when it was handed in, as the system told; "" if it did not.
        system_says_late: whether the system did, with a time or without.
    """
    due = rules.extensions.get(student.id, rules.due)
    until = f"due {rules.shown(due)}" + (" (this student's own date)" if student.id in rules.extensions else "")
    at = rules.submitted.get(student.id)
    if at is None and moment:
        with contextlib.suppress(LateError):  # a time that nobody can read is none
            at = _moment(moment, rules.zone, "the time")
    if at is None:
        if not system_says_late:
            return Lateness(note=f"when it was handed in is not known, {until}: nothing taken off")
        return Lateness(
            note=f"the system says late, but not when it was handed in, {until}: nothing taken off yet; give its time "
            f"in {RULES} under [submitted], or accept it",
            late=True,
            unknown=True,
        )
    over = at.astimezone(UTC) - due.astimezone(UTC)
    told = f"handed in {rules.shown(at)}, {until}"
    if over <= timedelta(0):
        return Lateness(note=f"{told}: in time" if system_says_late or student.id in rules.extensions else "")
    if over <= rules.grace:
        return Lateness(note=f"{told}: within the grace, nothing taken off", late=True)
    days = math.ceil(over / timedelta(days=1))
    off = min(days * rules.per_cent_a_day, rules.most)
    return Lateness(off, f"{told}: {days} day{'s' * (days > 1)} late, {off:g} per cent taken off", late=True)


def _moment(value: Any, zone: ZoneInfo, where: str) -> datetime:
    """A time with a zone; a date alone is its last second."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            raise LateError(f"{where} is {value!r}, wanted a time such as 2026-11-30 23:59, or a date") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(23, 59, 59))
    if not isinstance(value, datetime):
        raise LateError(f"{where} is {value!r}, wanted a time such as 2026-11-30T23:59:00, or a date")
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _number(read: Mapping[str, Any], key: str, most: float, path: Path, default: float = 0.0) -> float:
    value = read.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise LateError(f"{path}: {key} is {value!r}, wanted a number from 0 to {most:g}")
    return float(value)


def _by_student(read: Mapping[str, Any], key: str, roster: Roster, zone: ZoneInfo, path: Path) -> dict[str, datetime]:
    table = read.get(key, {})
    if not isinstance(table, dict):
        raise LateError(f"{path}: {key} is {table!r}, wanted a table of ids with a time each")
    if strangers := [student for student in table if student not in roster]:
        raise LateError(f"{path}: {key} has {strangers[0]!r}, who is not in the roster")
    return {student: _moment(value, zone, f"{path}: {key} of {student!r}") for student, value in table.items()}
