"""How does what came of a claim, or a number for the prose, get onto the page, and what is shown on the way?"""

import html
import json
import sys
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TypeVar

from ntklib import _arguments
from ntklib.book._needs import needed_for
from ntklib.book._outcome import Outcome

__all__ = ["box", "note", "progress", "show"]

T = TypeVar("T")
_KEPT = "application/papermill.record/"  # before the kind of what a page keeps and does not show


def show(outcome: Outcome) -> None:
    """Show what came of a claim: a box below the cell in a notebook, two lines of text elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.publish_display_data({"text/plain": str(outcome), "text/html": box(outcome)})
    else:
        print(outcome)


def box(outcome: Outcome) -> str:
    """HTML that says what came of a claim, unfolds to the numbers, and carries the record that the ledger collects."""
    data = html.escape(json.dumps(outcome.to_dict()), quote=True)
    number = html.escape(outcome.number)
    rows = "".join(f"<div>{html.escape(name)}: {html.escape(words)}</div>" for name, words in outcome.rows())
    return (
        f'<details class="ntk-claim" data-claim="{data}"><summary>{outcome.sign} {html.escape(outcome.statement)} '
        f"<small>{number}</small></summary><small>{rows}</small></details>"
    )


def note(name: str, value: float | str) -> None:
    """Make a number or a text available to the prose of a chapter: ``{glue:text}`name:.2f```.

    Args:
        name: of the number, unique in the chapter.
        value: a number, or a scalar array, or a text.
    """
    _arguments.text("name", name)
    if not isinstance(value, str) and not _arguments.is_number(value):
        raise ValueError(f"value of {name!r} must be a number or a text, got {_arguments.got(value)}")
    with needed_for("note"):
        from IPython.core.formatters import format_display_data
        from IPython.display import display

    # the form in which `myst_nb.glue` keeps a value; that imports Sphinx first, which takes two seconds in each chapter
    data, metadata = format_display_data(value if isinstance(value, (int, str)) else float(value))
    kept = {"scrapbook": {"name": name, "mime_prefix": _KEPT}}
    display({_KEPT + kind: shown for kind, shown in data.items()}, raw=True, metadata=metadata | kept)


def progress(items: Sequence[T]) -> Iterator[T]:
    """Go through items that take long: who runs the cell sees how far it is, the page does not.

    Args:
        items: what to go through.

    Yields:
        each of them.
    """
    if not isinstance(items, Sized) or not isinstance(items, Iterable):
        raise ValueError(f"items must be a sequence, got {_arguments.got(items)}")
    with needed_for("progress"):
        from IPython.display import clear_output

    for done, item in enumerate(items):
        print(f"{done} of {len(items)} done, now {item}")
        yield item
        clear_output()
