"""What does a chapter need, what is it for, how long does it run, and which chapter needs which?

A Sphinx extension. A chapter begins with a card::

    ```{chapter-card}
    :about: One sentence, which search engines and previews show.
    :needs: ntk
    :helps: nngp

    You should know what a linear differential equation is.

    - what you can do afterwards, as a list
    ```

`needs` and `helps` name chapters by their files; an unknown one, and a circle of them, is a warning, which fails a
strict build. When the chapter was executed last, with which versions, and how long that took is taken from the
execution. From all cards, the directive ``chapter-map`` draws which chapter needs which.
"""

import datetime
import html
import importlib.metadata
import json
import platform
import posixpath
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.numbering import numbered_title
from extensions.store import changed, findings, in_order

logger = logging.getLogger(__name__)

PACKAGES = {"JAX": "jax", "NumPy": "numpy", "ntklib": "ntklib"}
ROW, STEP, TEXT = 46, 14, 16  # of the map: distance of rows and of arcs, and size of the letters
LETTERS = 31  # of the map, in a line


class run_node(nodes.General, nodes.Element):
    """Where the card says when and how the chapter was executed."""


class map_node(nodes.General, nodes.Element):
    """Where the map goes."""


@dataclass(frozen=True)
class Execution:
    """The last execution of a chapter: seconds, date (UTC), and versions by name."""

    seconds: float
    date: str
    versions: dict[str, str]


def warn(message: str, location: Any) -> None:
    """A warning of the book's own, which fails a strict build."""
    logger.warning(message, location=location, type="book", subtype="card")


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name, package in PACKAGES.items():
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a book without its library installed
            continue
    return found


def last_execution(env: BuildEnvironment, docname: str) -> Execution | None:
    """When and how the chapter was executed, or None if it has not been.

    MyST-NB says how long it took and when. Versions are those of the first build that saw this execution, which is the
    one that made it; they are kept beside the cache, so that a build that executes nothing changes nothing.
    """
    known = getattr(env, "nb_metadata", {})
    data = known[docname].get("exec_data") if docname in known else None
    if not data or not data.get("runtime"):
        return None
    date = datetime.datetime.fromtimestamp(data["mtime"], datetime.UTC).strftime("%Y-%m-%d")
    folder = Path(env.mystnb_config.execution_cache_path or "")  # type: ignore[attr-defined]
    record = folder / "executed_with.json"
    key = f"{data['runtime']:.6f}"  # two executions take the same number of microseconds only by a miracle
    kept = json.loads(record.read_text()) if record.exists() else {}
    entry = kept.get(docname)
    if entry is None or entry["key"] != key:
        entry = {"key": key, "date": date, "versions": _versions()}
        if folder.is_dir():
            record.write_text(json.dumps({**kept, docname: entry}, indent=1))
    return Execution(float(data["runtime"]), entry["date"], entry["versions"])


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(0.4), duration(41.3), duration(127.0)
    ('a second', '41 seconds', '2 min 7 s')
    """
    whole = max(1, round(seconds))
    if whole < 100:
        return "a second" if whole == 1 else f"{whole} seconds"
    return f"{whole // 60} min {whole % 60} s"


def _names(argument: str | None) -> list[str]:
    return [name.strip() for name in (argument or "").split(",") if name.strip()]


class CardDirective(SphinxDirective):
    """What stands at the head of a chapter."""

    has_content = True
    option_spec = {"about": directives.unchanged_required, "needs": _names, "helps": _names}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """The card, as a box."""
        self.assert_has_content()
        if "about" not in self.options:
            raise self.error("a chapter-card needs :about:, one sentence that says what the chapter is about")
        folder = posixpath.dirname(self.env.docname)
        card = {
            "about": self.options["about"],
            **{
                kind: [posixpath.normpath(posixpath.join(folder, name)) for name in self.options.get(kind, [])]
                for kind in ("needs", "helps")
            },
            "line": self.lineno,
        }
        findings(self.env, "cards")[self.env.docname] = card
        box = nodes.admonition(classes=["tip", "chapter-card"])
        box += nodes.title("", "This chapter")
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if not any(isinstance(child, nodes.bullet_list) for child in body.children):
            raise self.error("a chapter-card needs a list of what the reader can do afterwards")
        first = True
        for child in body.children:
            if isinstance(child, nodes.paragraph) and first:
                child.insert(0, [nodes.strong("", "Before you start"), nodes.Text(" ")])
                first = False
            if isinstance(child, nodes.bullet_list):
                box += self._read_first(card)
                box += nodes.paragraph("", "", nodes.strong("", "Afterwards you can"))
            box += child
        box += run_node()
        return [box]

    def _read_first(self, card: dict[str, Any]) -> list[nodes.Node]:
        """The chapters that this one needs, as links."""
        line = nodes.paragraph(classes=["chapter-needs"])
        for words, kind in (("Read first", "needs"), ("It helps to have read", "helps")):
            if card[kind]:
                line += nodes.strong("", words) if not line.children else nodes.Text(". It helps to have read")
                for index, name in enumerate(card[kind]):
                    line += nodes.Text(" " if index == 0 else " and " if index == len(card[kind]) - 1 else ", ")
                    line += addnodes.pending_xref(
                        "",
                        nodes.inline("", name),
                        refdomain="std",
                        reftype="doc",
                        reftarget="/" + name,
                        refdoc=self.env.docname,
                        refexplicit=False,
                        refwarn=False,
                    )
        if not line.children:
            return []
        line += nodes.Text(".")
        return [line]


class LastRun(SphinxTransform):
    """Say in the card when the chapter was executed."""

    default_priority = 300

    def apply(self, **kwargs: Any) -> None:
        """Replace the places that the cards hold free."""
        for node in list(self.document.findall(run_node)):
            execution = last_execution(self.env, self.env.docname)
            if execution is None:
                node.parent.remove(node)
                continue
            line = nodes.paragraph(classes=["chapter-run"])
            line += nodes.strong("", "To run")
            line += nodes.Text(" it took ")
            line += nodes.inline("", duration(execution.seconds), classes=["measured"])
            line += nodes.Text(", without a graphics card and without the network. Last executed on ")
            with_ = ", ".join(f"{name} {version}" for name, version in execution.versions.items())
            day = datetime.date.fromisoformat(execution.date)
            line += nodes.inline("", f"{day.day} {day:%B %Y} with {with_}", classes=["measured"])
            line += nodes.Text(".")
            node.replace_self(line)


class MapDirective(SphinxDirective):
    """Marks the place of the map."""

    def run(self) -> list[nodes.Node]:
        """A place for the map, which is drawn when all cards have been read."""
        findings(self.env, "maps")[self.env.docname] = True
        return [map_node()]


def cards(env: BuildEnvironment) -> dict[str, dict[str, Any]]:
    """The card of each chapter, in the order of the book."""
    found = findings(env, "cards")
    return {name: found[name] for name in in_order(env, found)}


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


def _title(env: BuildEnvironment, name: str) -> str:
    return numbered_title(env, name) if name in env.titles else name


def draw(chapters: list[tuple[str, str, list[int], list[int]]]) -> str:
    """The map as SVG: a row for each chapter, and arcs at its left from what it needs.

    Args:
        chapters: title, address, and the rows of the chapters that it needs and that help, for each row.
    """
    arcs = [(a, b, kind) for b, (_, _, *rows) in enumerate(chapters) for kind, which in enumerate(rows) for a in which]
    far = max((abs(b - a) for a, b, _ in arcs), default=0)
    left = 14 + STEP * far
    lines = [textwrap.wrap(title, LETTERS) for title, *_ in chapters]
    letters = max((len(line) for title in lines for line in title), default=0)
    width, height = left + 24 + letters * TEXT * 0.6, ROW * len(chapters)
    parts = [
        f'<svg class="chapter-map" viewBox="0 0 {width:.0f} {height}" role="group" '
        'aria-label="Which chapter needs which: below, the same in words" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for a, b, kind in arcs:
        y1, y2, reach = ROW * a + ROW / 2, ROW * b + ROW / 2, STEP * abs(b - a)
        x = left
        parts.append(
            f'<path class="arc {"helps" if kind else "needs"} from-{a} to-{b}" d="M{x} {y1:.0f}'
            f"C{x - reach} {y1:.0f} {x - reach} {y2 - 2:.0f} {x - 7} {y2 - 2:.0f}"
            f'm-6 -5l6 5l-6 5" />'
        )
    for row, (_, address, *_) in enumerate(chapters):
        y = ROW * row + ROW / 2
        first = y + TEXT * 0.35 - (len(lines[row]) - 1) * TEXT * 0.6
        text = "".join(
            f'<tspan x="{left + 20}" y="{first + index * TEXT * 1.2:.1f}">{html.escape(line)} </tspan>'
            for index, line in enumerate(lines[row])
        )
        parts.append(
            f'<a href="{html.escape(address)}" class="row-{row}">'
            f'<circle cx="{left + 4}" cy="{y:.0f}" r="5"/><text font-size="{TEXT}">{text}</text></a>'
        )
    # who points at a chapter, or comes to it with the keyboard, sees its arcs
    rules = [
        f".chapter-map:has(.row-{row}:is(:hover, :focus)) :is(.from-{row}, .to-{row})" for row in range(len(chapters))
    ]
    parts.append(f"<style>{', '.join(rules)} {{ opacity: 1; stroke-width: 3; }}</style></svg>")
    return "".join(parts)


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _in_words(app: Sphinx, docname: str) -> nodes.bullet_list:
    """The map as a list."""
    items = nodes.bullet_list()
    for name, card in cards(app.env).items():
        title = _title(app.env, name)
        line = nodes.paragraph()
        line += nodes.reference("", title, refuri=app.builder.get_relative_uri(docname, name), internal=True)
        needs = [_title(app.env, other) for other in card["needs"]]
        helps = [_title(app.env, other) for other in card["helps"]]
        text = " needs " + _join(needs) if needs else " needs no other chapter"
        line += nodes.Text(text + ("; it helps to have read " + _join(helps) if helps else "") + ".")
        items += nodes.list_item("", line)
    return items


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(map_node)):
        found = cards(app.env)
        rows = {name: row for row, name in enumerate(found)}
        chapters = [
            (
                _title(app.env, name),
                app.builder.get_relative_uri(docname, name),
                [rows[other] for other in card["needs"] if other in rows],
                [rows[other] for other in card["helps"] if other in rows],
            )
            for name, card in found.items()
        ]
        words = _in_words(app, docname)
        if app.builder.format == "html" and chapters:
            before = nodes.raw("", draw(chapters) + "<details><summary>The same in words</summary>", format="html")
            place.replace_self([before, words, nodes.raw("", "</details>", format="html")])
        else:
            place.replace_self(words)


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages with a map: it changes with the cards of others."""
    shown = sorted(set(findings(env, "maps")) & env.all_docs.keys())
    return shown if changed(env, "maps", [shown, findings(env, "cards")]) else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(run_node)
    app.add_node(map_node)
    app.add_transform(LastRun)
    app.add_directive("chapter-card", CardDirective)
    app.add_directive("chapter-map", MapDirective)
    app.connect("env-check-consistency", _check)
    app.connect("env-updated", _pages_to_write)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
