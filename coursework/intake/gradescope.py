"""Who handed a file in, by what Gradescope says? It exports a folder `submission_123` for each submission.

All submitters stand in `submission_metadata.yml`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml

from coursework.intake.delivery import Budget, Entry
from coursework.intake.owned_file import IntakeError, OwnedFile, Unmatched
from coursework.intake.student_names import Index

METADATA = "submission_metadata.yml"


def submitters_in(metadata: Entry, budget: Budget) -> dict[str, Any]:
    """What Gradescope says of each submission, all of it as text: ids keep their zeros, Ruby tags make no objects.

    Raises:
        IntakeError: if the file cannot be read as a table of submissions.
    """
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        content = yaml.load(metadata.read(budget, 200_000_000), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise IntakeError(f"{METADATA}: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise IntakeError(f"{METADATA}: no submissions in it")
    return content


def gradescope_files(entry: Entry, said: Any, index: Index) -> Iterator[OwnedFile | Unmatched]:
    """Whose a file is, once for all who handed it in, and for each of them who is not in the roster.

    Args:
        entry: the file.
        said: what the metadata say of the file's folder; None if nothing.
        index: the class.
    """
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
        yield OwnedFile(
            tuple(students),
            entry,
            entry.parts[-1],
            base=f"\0{entry.parts[0]}",
            order=(moment,),
            note=note,
            moment=moment,
        )


def _moment(text: str) -> str:
    """A time of Gradescope's in UTC, such that later ones sort later."""
    match = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*\s*(Z|[+-]\d\d:?\d\d)?", text)
    if not match:
        return text
    zone = (match[3] or "Z").replace("Z", "+00:00")
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC).isoformat(timespec="microseconds")
