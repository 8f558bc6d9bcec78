"""What does a chapter need, what is it for, and how long does it run?

A Sphinx extension. A chapter begins with a card::

    ```{chapter-card}
    :about: One sentence, which search engines and previews show.
    :needs: ntk
    :helps: nngp

    You should know what a linear differential equation is.

    - what you can do afterwards, as a list
    ```

`needs` and `helps` name chapters by their files; :mod:`extensions.checks.needs` warns of an unknown one and of a
circle. How long it takes to read is counted on the page (:mod:`extensions.authoring.minutes`); when it was executed
last, with which versions, and how long that took is taken from the execution (:mod:`extensions.execution.record`).
"""

import datetime
import posixpath
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from extensions.authoring.minutes import minutes
from extensions.execution.record import duration, last_execution
from extensions.store import changed, findings, in_order

logger = logging.getLogger(__name__)


class run_node(nodes.General, nodes.Element):
    """Where the card says when and how the chapter was executed."""


def _names(argument: str | None) -> list[str]:
    return [name.strip() for name in (argument or "").split(",") if name.strip()]


def cards(env: BuildEnvironment) -> dict[str, dict[str, Any]]:
    """The card of each chapter, in the order of the book."""
    found = findings(env, "cards")
    return {name: found[name] for name in in_order(env, found)}


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


class minutes_node(nodes.Inline, nodes.TextElement):
    """Where the minutes go that some chapters take to read."""


class MinutesRole(SphinxRole):
    """``{minutes}`ntk + finite-width```: what these chapters take to read without proofs.

    ``proofs: ntk`` says what they take with them, ``both: ntk`` the two numbers of minutes, for a table.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A place for the number, which is filled when all pages have been read."""
        what, _, names = self.text.rpartition(":")
        found = [name.strip() for name in names.split("+")]
        return [minutes_node(chapters=found, proofs=what == "proofs", both=what == "both")], []


def _fill_minutes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    known = {posixpath.basename(name): taken for name, taken in findings(app.env, "minutes").items()}
    for place in list(doctree.findall(minutes_node)):
        if unknown := [name for name in place["chapters"] if name not in known]:
            logger.warning("minutes: no chapter has the name %s", unknown, location=docname, type="book")
        short, whole = (sum(known.get(name, (0, 0))[kind] for name in place["chapters"]) for kind in (0, 1))
        total = whole if place["proofs"] else short
        text = f"{total} minutes" if total < 120 else f"{round(total / 60)} hours"
        text = f"{short} / {whole}" if place["both"] else text
        place.replace_self(nodes.Text(text))


def _pages_with_minutes(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """A page that names minutes is written again when they change."""
    shown = [name for name in sorted(env.all_docs) if name in findings(env, "minutes named")]
    return shown if changed(env, "minutes", [shown, sorted(findings(env, "minutes").items())]) else []


def _note_minutes(app: Sphinx, doctree: nodes.document) -> None:
    if next(iter(doctree.findall(minutes_node)), None) is not None:
        findings(app.env, "minutes named")[app.env.docname] = True


class LastRun(SphinxTransform):
    """Say in the card how long the chapter takes to read, and when it was executed."""

    default_priority = 310  # after the claims

    def apply(self, **kwargs: Any) -> None:
        """Replace the places that the cards hold free."""
        for node in list(self.document.findall(run_node)):
            short, whole = minutes(self.document)
            findings(self.env, "minutes")[self.env.docname] = [short, whole]
            reading = nodes.paragraph(classes=["chapter-reading"])
            reading += nodes.strong("", "To read")
            reading += nodes.Text(f" it takes some {short} minutes, {whole} with the proofs.")
            place = node.parent
            place.insert(place.index(node), reading)
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(run_node)
    app.add_node(minutes_node)
    app.add_role("minutes", MinutesRole())
    app.connect("doctree-read", _note_minutes)
    app.connect("env-updated", _pages_with_minutes)
    app.connect("doctree-resolved", _fill_minutes)
    app.add_transform(LastRun)
    app.add_directive("chapter-card", CardDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
