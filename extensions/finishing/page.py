"""What is a finished page? Its HTML as a tree, and the site in which it stands.

Pages are parsed by Lexbor, as browsers parse them: what is written again is the same document to a reader. A parser of
older HTML writes `viewBox` in small letters; BeautifulSoup takes a second for a chapter, Lexbor a fiftieth of it.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urldefrag

from selectolax.lexbor import LexborHTMLParser, LexborNode

NAME = re.compile(r"[A-Za-z_][\w-]*")
ELSEWHERE = re.compile(r"[a-z]+:|/")
CODE = "cell-code"
GIVEN = {CODE}  # classes that steps give: the pages do not have them yet when the style sheet is made


class Page:
    """A page of a site, parsed.

    Attributes:
        site: the site.
        name: its address within the site, such as ``chapters/ntk.html``.
        tree: its elements; what is changed there is written by :meth:`write`.
    """

    def __init__(self, site: "Site", name: str) -> None:
        self.site, self.name = site, name
        self.tree = LexborHTMLParser((site.folder / name).read_text(encoding="utf-8"))

    def file(self, address: str) -> Path | None:
        """The file at an address as this page writes it; `None` if it is elsewhere or not there."""
        path = self.site.folder / posixpath.dirname(self.name) / address.partition("#")[0].partition("?")[0]
        return path.resolve() if not ELSEWHERE.match(address) and path.is_file() else None

    def links(self) -> list[str]:
        """The addresses in the article that lead to places on pages of the site, each once, as they are written."""
        addresses = (link.attributes["href"] or "" for link in self.tree.css('article.bd-article a[href*=".html#"]'))
        return list(dict.fromkeys(address for address in addresses if not ELSEWHERE.match(address)))

    def sheets(self) -> list[str]:
        """The style sheets that the page asks for, as it writes them."""
        return [link.attributes["href"] or "" for link in self.tree.css('link[rel="stylesheet"][href]')]

    @cached_property
    def by_id(self) -> dict[str, LexborNode]:
        """The elements that have an id; the first where several have the same."""
        found: dict[str, LexborNode] = {}
        for node in self.tree.css("[id]"):
            found.setdefault(node.attributes["id"] or "", node)
        return found

    def write(self) -> None:
        """Write the page where it was read."""
        (self.site.folder / self.name).write_text(self.tree.html or "", encoding="utf-8")


def destination(name: str, address: str) -> tuple[str, str]:
    """The page and the id to which an address leads that stands on the page `name`.

    >>> destination("chapters/a.html", "../glossary.html#term-b")
    ('glossary.html', 'term-b')
    """
    path, identifier = urldefrag(address)
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path)), unquote(identifier)


@dataclass
class Facts:
    """What the finishing of other pages needs to know of a page.

    Attributes:
        names: the classes of its elements, and the words of its scripts, which may give or take one.
        links: into other pages of the site, as it writes them.
        sheets: the style sheets that it asks for, as it writes them.
        passages: what can be found on it: id, title and text of each.
    """

    names: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    passages: list[list[str]] = field(default_factory=list)


class Site:
    """The pages and drawings of a built site, of which an earlier build may have finished some.

    Args:
        folder: where the site is.
        memory: the file that keeps what is known of the finished ones between builds.
        key: changes with everything that decides what finishing does; what is known under another one is forgotten.
        front: the name of the title page.
        title: of the book.

    Attributes:
        pages: the names of all pages.
        written: those that were written since they were finished.
        drawn: the drawings that were.
        facts: what is known of each page.
        sheets: the one style sheet that stands for several, by their files.
    """

    def __init__(self, folder: Path, memory: Path, key: str, *, front: str, title: str) -> None:
        self.folder, self.memory, self.key = folder, memory, key
        self.front, self.title = front, title
        self.sheets: dict[tuple[Path, ...], str] = {}
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
        if known.get("key") != key:
            known = {"digests": {}, "facts": {}}
        self.pages = [name for name in self._names("**/*.html") if not name.startswith("_static/")]
        self.drawings = self._names("_images/*.svg")
        self.digests = {name: self._digest(name) for name in [*self.pages, *self.drawings]}
        self.written = [name for name in self.pages if self.digests[name] != known["digests"].get(name)]
        self.drawn = [name for name in self.drawings if self.digests[name] != known["digests"].get(name)]
        self.facts = {name: Facts(**facts) for name, facts in known["facts"].items() if name in self.digests}
        for name in self.written:
            self.facts[name] = _facts(Page(self, name))

    def _names(self, pattern: str) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern))

    def _digest(self, name: str) -> str:
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    @cached_property
    def names(self) -> set[str]:
        """All classes that elements of the site have or may get, and every other word of a script."""
        scripts = (path for path in (self.folder / "_static").rglob("*.js") if "mathjax" not in path.parts)
        names = words(path.read_text(encoding="utf-8") for path in scripts)
        return names.union(GIVEN, *(facts.names for facts in self.facts.values()))

    def remember(self) -> None:
        """Keep for the next build what is known of the pages and drawings, as they are now."""
        self.digests |= {name: self._digest(name) for name in [*self.written, *self.drawn]}
        facts = {name: asdict(facts) for name, facts in self.facts.items()}
        known = {"key": self.key, "digests": self.digests, "facts": facts}
        self.memory.write_text(json.dumps(known), encoding="utf-8")


def _facts(page: Page) -> Facts:
    classes = {node.attributes["class"] or "" for node in page.tree.css("[class]")}
    scripts = words(script.text() for script in page.tree.css("script"))
    return Facts(sorted(scripts.union(*(value.split() for value in classes))), page.links(), page.sheets())


def words(scripts: Iterable[str]) -> set[str]:
    """Every word of some scripts.

    >>> sorted(words(["toggle('off-' + x)"]))
    ['off-', 'toggle', 'x']
    """
    return {name for script in scripts for name in NAME.findall(script)}
