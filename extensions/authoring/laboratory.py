"""Where do readers train networks in the page? The directive ``laboratory``, whose text a script brings to life.

A Sphinx extension. What is written in the directive stands on the page for those without a script, and becomes part of
the laboratory for all others: the captions of its readings (``laboratory-caption``, with the name of the reading) and
its experiments (``laboratory-experiment``, with a title, the setting as it stands in the address, and a sentence).
Links to theorems are so resolved, and checked, like any others. The script is one file made of those in
``ntklib/book/laboratory``, and is loaded on this page alone, and where a small form of it (``laboratory-small``) takes
the place of a picture; it asks for nothing and works from a disk.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from extensions.store import findings

FOLDER = Path(__file__).parents[2] / "ntklib" / "book" / "laboratory"
#: In the order in which they are put together: the last one starts what the others define.
PARTS = (
    *("engine", "limit", "session", "worker", "run", "settings"),
    *("picture", "plane", "controls", "points", "readings", "python", "small", "page"),
)
COMMENT = re.compile(r"^\s*//.*| // [^`]*$")
AS_THEY_ARE = ("python",)  # what is a text in them keeps its indentation
#: The readings, by the name of their place, and what stands above each. An invitation stands there for an experiment.
READINGS = {
    "invitation": "",
    "loss": "Training loss",
    "distance": "Distance to the kernel's prediction",
    "linear": "Distance to the linearisation",
    "change": "Relative change of the tangent kernel",
    "motion": "Relative motion of the parameters",
    "kernel": "Tangent kernel of the points",
    "units": "Where units point",
}
SCRIPT = "laboratory.js"
PAGE = "laboratory"
#: What stands behind # in the address for an experiment: a place just above the laboratory, to which browsers go.
ADDRESS = "experiment-{}"
logger = logging.getLogger(__name__)


class laboratory_part(nodes.General, nodes.Element):
    """A part of the page that the script finds by its attributes."""


class Laboratory(SphinxDirective):
    """The place of the laboratory, with its captions and experiments."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """What is written in it."""
        self.assert_has_content()
        findings(self.env, "laboratories")[self.env.docname] = True
        place = laboratory_part(attributes={"data-laboratory": ""})
        self.state.nested_parse(self.content, self.content_offset, place)
        names = findings(self.env, "experiments").get(self.env.docname, [])
        return [*(laboratory_part(attributes={"ids": [ADDRESS.format(name)]}) for name in names), place]


class Small(SphinxDirective):
    """A small laboratory, which takes the place of an explorer's still picture in the figure of this name."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Its place, hidden until the script has computed something, with the link to the whole."""
        self.assert_has_content()
        findings(self.env, "laboratories")[self.env.docname] = True
        place = laboratory_part(attributes={"data-laboratory-small": self.arguments[0], "hidden": ""})
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


class Caption(SphinxDirective):
    """One line below a reading."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The line, at the place of that reading."""
        if self.arguments[0] not in READINGS:
            raise self.error(f"a caption is of one of {', '.join(READINGS)}, got {self.arguments[0]!r}")
        self.assert_has_content()
        place = laboratory_part(attributes={"slot": self.arguments[0]})
        if title := READINGS[self.arguments[0]]:
            place += _title(title)
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


class Experiment(SphinxDirective):
    """A setting, and what to look at in it."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"name": directives.unchanged_required, "setting": directives.unchanged_required}  # noqa: RUF012 (docutils wants it so)

    def run(self) -> list[nodes.Node]:
        """Its title and sentence."""
        if not self.options.get("setting"):
            raise self.error("an experiment needs :setting:, as it stands in the address after #")
        name = self.options.get("name", "")
        known = findings(self.env, "experiments").setdefault(self.env.docname, [])
        if not re.fullmatch(r"[a-z][a-z-]*", name) or name in known:
            raise self.error(f"an experiment needs a :name: of its own, of small letters and hyphens, got {name!r}")
        known.append(name)
        self.assert_has_content()
        title = self.arguments[0]
        if taken := [word for word in ("play", "pause", "step", "reset") if word in title.lower()]:
            raise self.error(f"the title of an experiment becomes a button, and {taken[0]!r} is on another one")
        place = laboratory_part(attributes={"data-name": name, "data-setting": self.options["setting"]})
        place += _title(title)
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


class experiment_link(nodes.Inline, nodes.TextElement):
    """Words that lead to an experiment, when it is known where that stands."""


class ExperimentRole(ReferenceRole):
    """``{experiment}`See it happen <catapult>```: a link to the laboratory, set up for the experiment of this name."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The words, which become a link when all pages have been read."""
        return [experiment_link("", self.title, experiment=self.target, ends=self.title)], []


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    known = findings(app.env, "experiments").get(PAGE, [])
    for place in list(doctree.findall(experiment_link)):
        words, name = nodes.Text(place["ends"]), place["experiment"]
        if PAGE not in app.env.found_docs:  # a chapter that is built alone
            place.replace_self(words)
            continue
        if name not in known:
            there = ", ".join(known)
            logger.warning(
                "the laboratory has no experiment %r: there are %s", name, there, location=docname, type="book"
            )
        uri = f"{app.builder.get_relative_uri(docname, PAGE)}#{ADDRESS.format(name)}"
        place.replace_self(nodes.reference("", "", words, refuri=uri, internal=True))


def _title(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.strong(text, text), classes=["laboratory-title"])


def script(parts: Sequence[str] = PARTS) -> str:
    """The script of the page: one function around all parts, so that their names meet no others.

    Comments and indentation stay behind: they are a fifth of it.
    """
    texts = {part: (FOLDER / f"{part}.js").read_text(encoding="utf-8") for part in parts}
    for part in texts.keys() - set(AS_THEY_ARE):
        lines = (COMMENT.sub("", line).strip() for line in texts[part].splitlines())
        texts[part] = "\n".join(filter(None, lines))
    return '(() => {\n"use strict";\n' + "\n".join(texts.values()) + "\n})();\n"


def _visit(translator: Any, node: laboratory_part) -> None:
    translator.body.append(translator.starttag(node, "div", **node["attributes"]))


def _depart(translator: Any, node: laboratory_part) -> None:
    if {"data-laboratory", "data-laboratory-small"} & node["attributes"].keys():
        sheet = (FOLDER / "look.css").read_text(encoding="utf-8")
        translator.body.append(f'<script type="text/css" data-look>\n{sheet}</script>\n')
    translator.body.append("</div>\n")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "laboratories"):
        app.add_js_file(SCRIPT, loading_method="defer")


def _write_script(app: Sphinx) -> None:
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static"
        target.mkdir(parents=True, exist_ok=True)
        (target / SCRIPT).write_text(script(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(laboratory_part, html=(_visit, _depart))
    app.add_directive("laboratory", Laboratory)
    app.add_directive("laboratory-small", Small)
    app.add_directive("laboratory-caption", Caption)
    app.add_directive("laboratory-experiment", Experiment)
    app.add_node(experiment_link)
    app.add_role("experiment", ExperimentRole())
    app.connect("doctree-resolved", _link)
    app.connect("builder-inited", _write_script)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
