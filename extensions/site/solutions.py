"""How is the book built without the solutions to its exercises?

A Sphinx extension with one setting: ``BOOK_SOLUTIONS=hide make book`` builds a site for a course, in which no page, no
download and no source text holds a solution; hints and checks stay. The chapters are executed as they are, solutions
included, so nothing is executed again. (`hide_solutions` of sphinx-exercise drops the frame of a solution that has code
cells, and leaves its text and its code on the page.)

Before it ends, such a build reads everything that it has written, archives included, and fails if a line of a solution
is found in it.
"""

import html
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx_exercise.nodes import solution_end_node, solution_node, solution_start_node

logger = logging.getLogger(__name__)

START = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution-start\}", re.MULTILINE)
END = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution-end\}[^\n]*\n(?P=fence)[^\n]*(?:\n|\Z)", re.MULTILINE)
PLAIN = re.compile(r"^(?P<fence>`{3,}|:{3,})\{solution\}.*?^(?P=fence)[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)
TELLING = 30  # a piece of text of so many characters is recognised where it stands
TEXT = {".html", ".md", ".txt", ".js", ".json", ".ipynb", ".tex", ".py", ".svg", ".xml", ".rst"}


def solutions(text: str) -> Iterator[tuple[int, int]]:
    """Where the solutions of a chapter's source begin and end.

    Raises
    ------
    ValueError
        If a ``solution-start`` has no ``solution-end``.
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


def pieces(text: str) -> set[str]:
    """The pieces of a text that are the same in a source, a notebook and a page, and long enough to be recognised.

    >>> sorted(pieces("Try *all* of them, one after the other. $x + y = z$\\n    answer = len(candidates) - 1"))
    ['answer = len(candidates) - 1', 'of them, one after the other.']
    """
    found = (re.sub(r"\s+", " ", part).strip() for part in re.split(r"[$*`\\{}\n]", text))
    return {part for part in found if len(part) >= TELLING - 5}


def leaks(folder: Path, chapters: dict[str, str]) -> list[str]:
    """The files below `folder` that hold a piece of a solution of these sources, with the piece."""
    shown = " ".join(re.sub(r"\s+", " ", without_solutions(text)) for text in chapters.values())
    open_text = shown + re.sub(r"[$*`]", "", shown)  # as in a source, as on a page
    hidden: set[str] = set()
    for text in chapters.values():
        for start, end in solutions(text):
            hidden |= {piece for piece in pieces(text[start:end]) if piece not in open_text}
    if not hidden:
        return []
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "_static" in path.relative_to(folder).parts:
            continue
        for name, text in _texts(path.name, path.read_bytes()):
            piece = next((piece for piece in hidden if piece in text), None)
            if piece is not None:
                found.append(f"{path.relative_to(folder)}{name.removeprefix(path.name)}: {piece!r}")
    return found


def _texts(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    """The texts in a file, or in the files of an archive, without markup and with single spaces."""
    suffix = Path(name).suffix
    if suffix in (".zip", ".whl"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from ((f"{name}!{inner}", text) for inner, text in _texts(member, archive.read(member)))
    elif suffix in (".tar", ".gz", ".tgz", ".xz", ".bz2") and tarfile.is_tarfile(io.BytesIO(content)):
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            for item in packed:
                file = packed.extractfile(item)
                if file is not None:
                    yield from ((f"{name}!{inner}", text) for inner, text in _texts(item.name, file.read()))
    elif suffix in TEXT:
        text = content.decode(errors="replace")
        if suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        elif suffix == ".html":
            text = html.unescape(re.sub(r"<[^>]*>", "", text))
        yield name, re.sub(r"\s+", " ", text)


def _setting(app: Sphinx, config: Config) -> None:
    if config.book_solutions not in ("show", "hide"):
        raise ConfigError(f"BOOK_SOLUTIONS must be 'show' or 'hide', got {config.book_solutions!r}")


def _start_afresh(app: Sphinx) -> None:
    """An earlier build may have left pictures and texts of solutions."""
    if app.config.book_solutions == "hide":
        for path in Path(app.outdir).glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.config.book_solutions == "show":
        return
    for path in (Path(app.outdir) / "_sources").rglob("*.md"):
        path.write_text(without_solutions(path.read_text(encoding="utf-8")), encoding="utf-8")
    chapters = {name: Path(app.env.doc2path(name)).read_text(encoding="utf-8") for name in app.env.found_docs}
    for leak in leaks(Path(app.outdir), chapters):
        logger.warning("a solution is still in the site: %s", leak, type="book", subtype="solutions")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("book_solutions", os.environ.get("BOOK_SOLUTIONS", "show"), "env", str)
    app.connect("config-inited", _setting)
    app.connect("builder-inited", _start_afresh, priority=100)
    app.connect("build-finished", _finish, priority=990)
    app.add_transform(DropSolutions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
