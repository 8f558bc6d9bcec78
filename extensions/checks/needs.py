"""Are the chapters that a card names in the book, and does none need itself?

A Sphinx extension that warns of a card that names a chapter without a card, and of a circle of chapters.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from extensions.authoring.card import cards

logger = logging.getLogger(__name__)


def warn(message: str, location: Any) -> None:
    """A warning of the book's own, which fails a strict build."""
    logger.warning(message, location=location, type="book", subtype="card")


def circle(needs: dict[str, list[str]]) -> list[str]:
    """A chain of chapters of which each needs the next and the last is the first; empty if there is none.

    >>> circle({"a": ["b"], "b": ["c"], "c": ["a"]})
    ['a', 'b', 'c', 'a']
    >>> circle({"a": ["b"], "b": []})
    []
    """
    done: set[str] = set()

    def follow(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for other in needs.get(name, []):
                if found := follow(other, [*path, name]):
                    return found
            done.add(name)
        return []

    for name in needs:
        if found := follow(name, []):
            return found
    return []


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    found = cards(env)
    for name, card in found.items():
        for other in [*card["needs"], *card["helps"]]:
            if other not in found:
                what = "has no card" if other in env.all_docs else "is not in the book"
                warn(f"the card names {other}, which {what}", (name, card["line"]))
    if loop := circle({name: [*card["needs"], *card["helps"]] for name, card in found.items()}):
        warn("these chapters need each other: " + " → ".join(loop), (loop[0], found[loop[0]]["line"]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("env-check-consistency", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
