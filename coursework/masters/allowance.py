"""What may a submission to this assignment use? A master declares it, and students are told."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

SHOWN = "<!-- limits -->"  # where a text of a master says them; without it, they stand below its first text
TOLD = re.compile(r"(\s*- |\s*)A cell, and a call of one of your functions, may compute for [^\n]+ MB of memory\.")
RANGES = {"seconds": (0.1, 3600), "total": (1, 36000), "memory": (256, 1 << 20)}


@dataclass(frozen=True)
class Allowance:
    """What a cell, a call of a function or a test may use: `seconds`; what all may: `total`; MB of memory.

    Seconds are of processor time, or some times as many on the clock, so that a busy machine changes no mark.

    Raises:
        ValueError: if one is no number, or out of range.
    """

    seconds: float = 20
    total: float = 300
    memory: int = 4096

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise ValueError(f"limits.{name} is {value!r}, wanted a number from {least} to {most}")
        if self.total < self.seconds:
            raise ValueError(f"limits.total is {self.total:g}, wanted limits.seconds ({self.seconds:g}) or more")

    def told(self) -> str:
        """The sentence for students.

        >>> Allowance(seconds=7).told().split(", ")[2:]
        ['may compute for 7 seconds', 'all together for 300', 'in 4096 MB of memory.']
        """
        return (
            f"A cell, and a call of one of your functions, may compute for {self.seconds:g} seconds, all together for "
            f"{self.total:g}, in {self.memory:g} MB of memory."
        )

    def changed(self, **given: float | None) -> "Allowance":
        """This with other limits where any are given.

        >>> Allowance().changed(seconds=40, memory=None).seconds
        40
        """
        return replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]

    def as_data(self) -> dict[str, float]:
        """The limits by name."""
        return asdict(self)


def allowance_in(declared: Any) -> Allowance:
    """The limits that a notebook's metadata declare.

    >>> allowance_in({"seconds": 5}).total
    300

    Raises:
        ValueError: if they cannot be used.
    """
    if declared is None:
        return Allowance()
    if not isinstance(declared, Mapping) or not set(declared) <= set(RANGES):
        raise ValueError(f"limits is {declared!r}, wanted some of {', '.join(RANGES)}, each with a number")
    return Allowance(**declared)


def without_told(text: str) -> str:
    """A text of a released notebook without the sentence, whatever the limits in it are.

    >>> without_told("# Set\\n\\n" + Allowance(seconds=7).told())
    '# Set'
    """
    return TOLD.sub("", text)


def with_told(texts: list[str], sentence: str) -> list[str]:
    """The texts of a notebook with the sentence in its place: the marked one, or below the first text.

    >>> with_told(["# Set\\n\\n- a\\n- b"], "Ten seconds.")
    ['# Set\\n\\n- a\\n- b\\n- Ten seconds.']
    """
    if any(SHOWN in text for text in texts):
        return [text.replace(SHOWN, sentence) for text in texts]
    if not texts:
        return texts
    listed = texts[0].rstrip().rpartition("\n")[2].startswith("- ")
    return [texts[0].rstrip() + (f"\n- {sentence}" if listed else f"\n\n{sentence}"), *texts[1:]]
