"""How is the book built without the solutions to its exercises?

A Sphinx extension with one setting: ``BOOK_SOLUTIONS=hide make book`` builds a site for a course, in which no page, no
download and no source text holds a solution; hints and checks stay. The chapters are executed as they are, solutions
included, so nothing is executed again. (`hide_solutions` of sphinx-exercise drops the frame of a solution that has code
cells, and leaves its text and its code on the page.)

Before it ends, such a build reads everything that it has written and fails if a line of a solution is found in it
(:mod:`extensions.checks.leaks`).
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.transforms import SphinxTransform
from sphinx_exercise.nodes import solution_end_node, solution_node, solution_start_node

START = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution-start\}", re.MULTILINE)
END = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution-end\}[^\n]*\n(?P=fence)[^\n]*(?:\n|\Z)", re.MULTILINE)
PLAIN = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution\}.*?^(?P=fence)[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)


def solutions(text: str) -> Iterator[tuple[int, int]]:
    """Where the solutions of a chapter's source begin and end.

    Raises:
        ValueError: if a ``solution-start`` has no ``solution-end``.
    """
    for start in START.finditer(text):
        end = END.search(text, start.end())
        if end is None:
            raise ValueError(f"line {text[: start.start()].count(chr(10)) + 1}: solution-start without solution-end")
        yield start.start(), end.end()
    yield from (match.span() for match in PLAIN.finditer(text))


def without_solutions(text: str) -> str:
    """A chapter's source without its solutions: for every place that hands out sources or notebooks made of them.

    >>> print(without_solutions("a\\n```{solution-start} x\\n```\\nb\\n```{solution-end}\\n```\\nc"))
    a
    c
    """
    kept, position = [], 0
    for start, end in sorted(solutions(text)):
        kept.append(text[position:start])
        position = max(position, end)
    return "".join([*kept, text[position:]])


class DropSolutions(SphinxTransform):
    """Solutions leave the page, before sphinx-exercise puts their parts together."""

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        """Remove every solution, with what stands between its start and its end."""
        if self.config.book_solutions == "show":
            return
        for start in list(self.document.findall(solution_start_node)):
            siblings = start.parent.children
            first = siblings.index(start)
            last = next((i for i in range(first, len(siblings)) if isinstance(siblings[i], solution_end_node)), None)
            if last is None:
                raise ValueError(f"{self.env.docname}: the solution {start.get('label')!r} has no end in its section")
            del start.parent[first : last + 1]
        for node in list(self.document.findall(solution_node)):
            node.parent.remove(node)


def _setting(app: Sphinx, config: Config) -> None:
    if config.book_solutions not in ("show", "hide"):
        raise ConfigError(f"BOOK_SOLUTIONS must be 'show' or 'hide', got {config.book_solutions!r}")


def _start_afresh(app: Sphinx) -> None:
    """An earlier build may have left pictures and texts of solutions."""
    if app.config.book_solutions == "hide":
        for path in Path(app.outdir).glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _clean_sources(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.config.book_solutions == "hide":
        for path in (Path(app.outdir) / "_sources").rglob("*.md"):
            path.write_text(without_solutions(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("book_solutions", os.environ.get("BOOK_SOLUTIONS", "show"), "env", str)
    app.connect("config-inited", _setting)
    app.connect("builder-inited", _start_afresh, priority=100)
    app.connect("build-finished", _clean_sources)
    app.add_transform(DropSolutions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
