"""Which chapter needs which? The directive ``chapter-map`` draws it, from what the cards say, and says it in words.

A Sphinx extension.
"""

import html
import textwrap
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.card import cards
from extensions.store import changed, findings
from extensions.typesetting.numbering import numbered_title

ROW, STEP, TEXT = 46, 14, 16  # distance of rows and of arcs, and size of the letters
LETTERS = 31  # in a line


class map_node(nodes.General, nodes.Element):
    """Where the map goes."""


class MapDirective(SphinxDirective):
    """Marks the place of the map."""

    def run(self) -> list[nodes.Node]:
        """A place for the map, which is drawn when all cards have been read."""
        findings(self.env, "maps")[self.env.docname] = True
        return [map_node()]


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
    begin = 'class="begin" '  # where one can: it needs no other
    for a, b, kind in arcs:
        y1, y2, reach = ROW * a + ROW / 2, ROW * b + ROW / 2, STEP * abs(b - a)
        x = left
        parts.append(
            f'<path class="arc {"helps" if kind else "needs"} from-{a} to-{b}" d="M{x} {y1:.0f}'
            f"C{x - reach} {y1:.0f} {x - reach} {y2 - 2:.0f} {x - 7} {y2 - 2:.0f}"
            f'm-6 -5l6 5l-6 5" />'
        )
    for row, (_, address, needs, _) in enumerate(chapters):
        y = ROW * row + ROW / 2
        first = y + TEXT * 0.35 - (len(lines[row]) - 1) * TEXT * 0.6
        text = "".join(
            f'<tspan x="{left + 20}" y="{first + index * TEXT * 1.2:.1f}">{html.escape(line)} </tspan>'
            for index, line in enumerate(lines[row])
        )
        parts.append(
            f'<a href="{html.escape(address)}" class="row-{row}">'
            f'<circle {"" if needs else begin}cx="{left + 4}" cy="{y:.0f}" r="{5 if needs else 7}"/>'
            f'<text font-size="{TEXT}">{text}</text></a>'
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
        text = " needs " + _join(needs) if needs else " needs no other chapter: you can begin here"
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
    app.add_node(map_node)
    app.add_directive("chapter-map", MapDirective)
    app.connect("env-updated", _pages_to_write)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
