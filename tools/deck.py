"""Which slides does a built chapter make? Its claim, statements without proofs, figures, measurements, and verdict.

The prose between two of them becomes the speaker's notes of the one that it leads to. What cannot be followed from a
slide loses its link and keeps its words.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

STATEMENTS = ("theorem", "proposition", "lemma", "corollary", "definition", "remark", "property", "assumption")
GONE = (
    "a.headerlink, .copybtn, button, noscript, details.cell-code, div.cell_input, details.hide.above-input, "
    "div.proof:not(.theorem, .proposition, .lemma, .corollary, .definition, .remark, .property, .assumption), "
    "div.solution, .claim-links, .claims-controls, .chapter-run, .chapter-reading"
)
OUTSIDE = re.compile(r"(https?|mailto):")
MEASUREMENTS = 5  # on one slide


@dataclasses.dataclass
class Slide:
    """One slide.

    Attributes:
        kind: ``claim``, ``statement``, ``figure``, ``explorer``, ``table``, ``question``, ``measured``, ``points``,
            ``exercises`` or ``verdict``.
        title: of the section that it belongs to.
        body: its content as HTML.
        notes: what the speaker reads, as HTML.
    """

    kind: str
    title: str
    body: str
    notes: str = ""


def slides(page: str) -> list[Slide]:
    """The slides of a built page, in its order.

    Args:
        page: the page as HTML, with links as it has them.

    Raises:
        ValueError: if the page has no article with a heading.
    """
    tree = LexborHTMLParser(page)
    article = tree.css_first("article.bd-article section")
    heading = article and article.css_first("h1")
    if not article or not heading:
        raise ValueError("page has no article with a heading of the first order, so that it makes no slides")
    for node in article.css(GONE):
        node.decompose()
    for link in article.css("a"):
        if not OUTSIDE.match(link.attributes.get("href") or ""):
            link.unwrap()
    made = _Deck(_inside(heading))
    made.section(article)
    return made.slides


class _Deck:
    """Collects slides, and the prose that waits for the slide it leads to."""

    def __init__(self, title: str) -> None:
        self.slides: list[Slide] = []
        self.title = title
        self.waiting: list[str] = []

    def add(self, kind: str, body: str) -> None:
        self.slides.append(Slide(kind, self.title, body, "\n".join(self.waiting)))
        self.waiting = []

    def section(self, section: LexborNode) -> None:
        """The slides of a section; prose after the last of them belongs to that one."""
        before = len(self.slides)
        measured: list[str] = []
        name = section.attributes.get("id") or ""
        for node in section.iter():
            classes = (node.attributes.get("class") or "").split()
            if node.tag == "section":
                self.close(before, measured)
                before, measured = self.nested(node), []
            elif node.tag == "h1":
                self.opening(section)
            elif node.tag in ("h2", "h3"):
                self.title = _inside(node)
            elif name == "exercises" and "exercise" in classes:
                self.waiting.append(node.html or "")
            elif node.attributes.get("data-taken") is None:
                measured += self.block(node, classes, final=name in ("what-is-true-about-it", "take-away"))
        if name == "exercises":
            self.exercises(section)
        self.close(before, measured)

    def nested(self, section: LexborNode) -> int:
        """The slides of a section within another, whose title comes back after it; returns how many there are now."""
        if section.attributes.get("id") == "further-reading":
            return len(self.slides)
        outer = self.title
        self.section(section)
        self.title = outer
        return len(self.slides)

    def opening(self, section: LexborNode) -> None:
        """The claim, and what would decide it: what stands between the heading and the first picture."""
        taken = []
        for node in section.iter():
            if node.tag in ("blockquote", "p") and not node.css_first("img"):
                taken.append(node.html or "")
                node.attrs["data-taken"] = ""
            elif taken and (node.tag == "section" or node.css_first("figure, .ntk-explorer, table")):
                break
        self.add("claim", f"<h1>{self.title}</h1>\n" + "\n".join(taken))

    def block(self, node: LexborNode, classes: list[str], *, final: bool) -> list[str]:
        """The slides of one block; what it measured is returned, to stand on one slide with its neighbours."""
        if set(STATEMENTS) & set(classes):
            self.add("statement", node.html or "")
        elif "self-check" in classes:
            self.add("question", node.html or "")
        elif final and "admonition" in classes:
            self.add("verdict", node.html or "")
        elif node.css_first("figure, .ntk-explorer"):
            for picture in _outermost(node):
                self.shorten(picture)
                self.add("explorer" if picture.css_first(".ntk-explorer") else "figure", picture.html or "")
        elif table := node.css_first("table"):
            self.add("table", table.html or "")
        elif claims := node.css("details.claim"):
            return [f"<li>{_inside(line)}</li>" for claim in claims if (line := claim.css_first("summary"))]
        elif node.tag in ("p", "ul", "ol", "dl", "div", "blockquote", "details") and node.text(strip=True):
            self.waiting.append(node.html or "")
        return []

    def shorten(self, picture: LexborNode) -> None:
        """Leave the first sentence of a caption on the slide; all of it is said."""
        for text in picture.css("figcaption .caption-text"):
            whole = _inside(text)
            self.waiting.append(f"<p>{whole}</p>")
            first = LexborHTMLParser(f'<span class="caption-text">{_cut(whole)}</span>').css_first("span")
            if first is not None:
                text.replace_with(first)

    def exercises(self, section: LexborNode) -> None:
        titles = [_inside(title) for title in section.css("div.exercise > p.admonition-title")]
        if titles:
            self.add("exercises", "<ol>" + "".join(f"<li>{title}</li>" for title in titles) + "</ol>")

    def close(self, before: int, measured: list[str]) -> None:
        """End a section: what was measured there, its first sentences if it has no slide, and the rest as notes."""
        for first in range(0, len(measured), MEASUREMENTS):
            self.add("measured", f'<ul class="measured-here">{"".join(measured[first : first + MEASUREMENTS])}</ul>')
        if not self.waiting:
            return
        if len(self.slides) == before:
            self.add("points", "<ul>" + "".join(f"<li>{p}</li>" for p in _first_sentences(self.waiting)) + "</ul>")
        else:
            self.slides[-1].notes += "\n" + "\n".join(self.waiting)
            self.waiting = []


def _outermost(node: LexborNode) -> Iterator[LexborNode]:
    figures = node.css("figure")
    yield from figures or node.css(".ntk-explorer")[:1]


def _inside(node: LexborNode) -> str:
    """The HTML within an element."""
    return (node.inner_html or "").strip()


def _first_sentences(paragraphs: list[str], most: int = 5) -> list[str]:
    """The first sentence of each paragraph, with its formulas.

    >>> _first_sentences(["<p>One. Two.</p>", "<ul><li>no</li></ul>", "<p>Is it 1.5? Yes.</p>"])
    ['One.', 'Is it 1.5?']
    """
    found = []
    for text in paragraphs:
        if (inner := re.fullmatch(r"\s*<p[^>]*>(.*)</p>\s*", text, re.S)) and "<p" not in inner[1]:
            found.append(_cut(inner[1]))
    return found[:most]


def _cut(text: str) -> str:
    """The first sentence of a text with elements in it; none is left open.

    >>> _cut('A <b>bold. Word</b> here. And more.')
    'A <b>bold. Word</b> here.'
    """
    depth = 0
    for match in re.finditer(r"<(/?)\w[^>]*?(/?)>|[.?!](?=\s|$)", text):
        if match[0] in ".?!":
            if depth == 0:
                return text[: match.end()].strip()
        elif not match[2]:
            depth += -1 if match[1] else 1
    return text.strip()


def scripts(page: str) -> list[str]:
    """What a page loads and its slides need: the scripts of explorers, self-checks and formulas, by their addresses."""
    wanted = re.compile(r"(explorer|selfcheck|mathml)\.js(\?|$)")
    found = (node.attributes.get("src") or "" for node in LexborHTMLParser(page).css("script[src]"))
    return [source for source in found if wanted.search(source)]


def sheet(page: str) -> str:
    """The address of the sheet of a page.

    Raises:
        ValueError: if it has none.
    """
    found = LexborHTMLParser(page).css_first("link[rel=stylesheet]")
    if found is None:
        raise ValueError("page has no sheet")
    return found.attributes["href"] or ""


def local(site: Path, page: str, address: str) -> Path:
    """The file of a site that an address on one of its pages means."""
    return (site / page).parent.joinpath(address.split("?")[0].split("#")[0]).resolve()
