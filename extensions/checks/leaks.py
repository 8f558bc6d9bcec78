"""Does a site that is built without solutions hold a piece of one all the same?

A Sphinx extension. When everything is written, archives included, all of it is read, and what tells a solution is a
warning.
"""

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser
from sphinx.application import Sphinx
from sphinx.util import logging

from extensions.site.solutions import solutions, without_solutions

logger = logging.getLogger(__name__)

# what an exercise asks for: the cell for the answer begins with it, also where there are no solutions
SIGNATURE = re.compile(r"def \w+\(.*\)(?: -> .*)?:")
TELLING = 30  # a piece of text of so many characters is recognised where it stands
TEXT = {".html", ".md", ".txt", ".js", ".json", ".ipynb", ".tex", ".py", ".svg", ".xml", ".rst"}


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
            telling = (piece for piece in pieces(text[start:end]) if not SIGNATURE.fullmatch(piece))
            hidden |= {piece for piece in telling if piece not in open_text}
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
            text = LexborHTMLParser(text).text()
        yield name, re.sub(r"\s+", " ", text)


def _check(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.config.book_solutions == "hide":
        chapters = {name: Path(app.env.doc2path(name)).read_text(encoding="utf-8") for name in app.env.found_docs}
        for leak in leaks(Path(app.outdir), chapters):
            logger.warning("a solution is still in the site: %s", leak, type="book", subtype="solutions")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.site.solutions")
    app.connect("build-finished", _check, priority=990)  # when everything is written
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
