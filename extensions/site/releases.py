"""Which releases are there, since when, and where does each of them stay?

A Sphinx extension. A release is a section of `CHANGELOG.md`; the first line below its heading says when it came. The
workflow publishes it in a folder of its own, which later ones leave alone, and attaches the PDF and the archive to it.
The directive ``releases`` lists them, with their addresses where the site's is known, and ``take-along`` says how to
get the whole book at once: nobody promises there what is not published.
"""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.site.sharing import site_address
from tools import repository

CHANGES = "CHANGELOG"
HEADING = re.compile(r"^## (\d\S*)[ \t]*$", re.MULTILINE)
SINCE = re.compile(r"\s*Released on (\d{4}-\d\d-\d\d)\.$", re.MULTILINE)  # months have other names elsewhere
FILE = "wide-networks-{tag}.{kind}"  # as the workflow attaches it to a release


@dataclass(frozen=True)
class Release:
    """A version of the book that stays as it is.

    Attributes:
        version: its number, `0.1.0`.
        date: the day of its release.
    """

    version: str
    date: datetime.date

    @property
    def tag(self) -> str:
        """Of the repository, and the name of its folder on the site."""
        return f"v{self.version}"

    def __str__(self) -> str:
        return f"{self.version}, released on {self.date}"


def releases(changes: str) -> list[Release]:
    """The releases that a list of changes names, newest first; what is no release yet has no heading there.

    Raises:
        ValueError: if one has no date, or one that is none.

    >>> str(releases("# Changes\\n\\n**Next**\\n\\n## 0.1.0\\n\\nReleased on 2026-05-02.\\n")[0])
    '0.1.0, released on 2026-05-02'
    """
    found = []
    for heading in HEADING.finditer(changes):
        since = SINCE.match(changes, heading.end())
        if since is None:
            raise ValueError(f"{CHANGES}.md: below the heading {heading[1]} a line 'Released on 2026-11-22.' is wanted")
        found.append(Release(heading[1], datetime.date.fromisoformat(since[1])))
    return found


def known(app: Sphinx) -> list[Release]:
    """The releases of the book that is being built; none if it has no list of changes."""
    path = Path(app.srcdir) / f"{CHANGES}.md"
    return releases(path.read_text(encoding="utf-8")) if path.is_file() else []


def top() -> str | None:
    """The address at which the newest state of the site stands, and below it each release; None if nobody said so."""
    address, where = site_address(), repository.find()
    return address.removesuffix(where.folder) if address and where else address


def downloads() -> list[tuple[str, str]]:
    """What is published of the whole book, as (text, address): of the release that is being built, else of the last."""
    where = repository.find()
    if where is None:
        return []
    if where.ref == "main":
        return [("PDF, EPUB and archive of the newest release", f"{where.address}/releases/latest")]
    files = f"{where.address}/releases/download/{where.ref}"
    return [
        ("The whole book as a PDF", f"{files}/{FILE.format(tag=where.ref, kind='pdf')}"),
        ("The whole book as an EPUB", f"{files}/{FILE.format(tag=where.ref, kind='epub')}"),
        ("The whole book as an archive (.zip)", f"{files}/{FILE.format(tag=where.ref, kind='zip')}"),
    ]


def _linked(text: str, address: str) -> nodes.reference:
    return nodes.reference("", text, refuri=address, internal=False)


class releases_node(nodes.General, nodes.Element):
    """Where the list of the releases goes."""


class along_node(nodes.General, nodes.Element):
    """Where it goes how to take the book along."""


class ReleasesDirective(SphinxDirective):
    """Marks the place of the list."""

    def run(self) -> list[nodes.Node]:
        """A place, as where the site stands is asked whenever a page is written."""
        self.env.note_dependency(str(Path(self.env.srcdir) / f"{CHANGES}.md"))
        return [releases_node()]


class TakeAlongDirective(SphinxDirective):
    """Marks the place where it says how to take the whole book along."""

    def run(self) -> list[nodes.Node]:
        """A place, as in `ReleasesDirective`."""
        return [along_node()]


def _list(app: Sphinx) -> nodes.Node:
    found, address = nodes.bullet_list(), top()
    for release in known(app):
        said = nodes.paragraph("", str(release))
        if address:
            said += [nodes.Text(": "), _linked(f"{address}{release.tag}/", f"{address}{release.tag}/")]
        found += nodes.list_item("", said)
    return found


def _along() -> nodes.Node:
    """A sentence that is true of the site that is being built."""
    published = downloads()
    if not published:
        made = [
            ("make pdf", " prints the whole book, "),
            ("make epub", " makes an EPUB of it, "),
            ("make archive", " packs the site to be read offline."),
        ]
        said: list[nodes.Node] = []
        for command, what in made:
            said += [nodes.literal("", command), nodes.Text(what)]
        return nodes.paragraph("", "", *said)
    said = [nodes.Text("To take along: ")]
    for place, (text, address) in enumerate(published):
        said += [nodes.Text(", ")] if place else []
        said.append(_linked(text[0].lower() + text[1:] if text.startswith("The") else text, address))
    return nodes.paragraph("", "", *said, nodes.Text("."))


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(releases_node)):
        place.replace_self(_list(app))
    for place in list(doctree.findall(along_node)):
        place.replace_self(_along())


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(releases_node)
    app.add_node(along_node)
    app.add_directive("releases", ReleasesDirective)
    app.add_directive("take-along", TakeAlongDirective)
    app.add_config_value("book_releases", [top(), downloads()], "html")  # other addresses: all pages are written anew
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
