"""Which everyday claims does the book examine, and what does it say of each? The directive ``verdicts`` lists them.

A Sphinx extension. A chapter's section *What is true about it* holds a box for each claim: its title is the claim, it
begins with the verdict in bold, and its first sentence says why. The page repeats just that, with the theorems and the
measured numbers that the box names, so that it cannot say anything else than the chapter.
"""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.claims import all_claims, claim_link, prose
from extensions.store import alone, changed, findings, in_order
from extensions.typesetting.numbering import numbered_title

logger = logging.getLogger(__name__)

SECTION = "What is true about it"
END = re.compile(r"(?<=\.)\s")


class verdicts_node(nodes.General, nodes.Element):
    """Where the verdicts go."""


class VerdictsDirective(SphinxDirective):
    """Marks the place of the verdicts."""

    def run(self) -> list[nodes.Node]:
        """A place for the list, which is made when all pages have been read."""
        findings(self.env, "verdict pages")[self.env.docname] = True
        return [verdicts_node()]


def _read(app: Sphinx, doctree: nodes.document) -> None:
    """Keep what the boxes of a page say."""
    kept = []
    for section in doctree.findall(nodes.section):
        if section.children and section.children[0].astext() == SECTION:
            boxes = [box for box in section.children if isinstance(box, nodes.admonition)]
            kept += [_verdict(app, box, section["ids"][0]) for box in boxes]
            if not boxes and app.env.docname in findings(app.env, "cards"):
                logger.warning("no verdict: a box for each claim is wanted", location=section, type="book")
    if kept:
        findings(app.env, "verdicts")[app.env.docname] = kept


def _verdict(app: Sphinx, box: nodes.admonition, anchor: str) -> dict[str, Any]:
    title, *body = box.children
    paragraph = next(part for part in body if isinstance(part, nodes.paragraph))
    strong = next(iter(paragraph.findall(nodes.strong)), None)
    if strong is None or not paragraph.astext().startswith(strong.astext()):
        logger.warning("a verdict begins with itself, in bold: **Half true.**", location=paragraph, type="book")
    refs = [ref["reftarget"] for ref in box.findall(addnodes.pending_xref) if ref.get("refdomain") == "prf"]
    claims = [link["refid"].removeprefix("claim-") for link in box.findall(nodes.reference) if "refid" in link]
    why = _first_sentence(paragraph, strong)
    if not any(part.astext().strip() for part in why):
        logger.warning("no sentence after the verdict can be shown on another page", location=paragraph, type="book")
    return {
        "anchor": anchor,
        "quote": [alone(part) for part in title.children],
        "verdict": strong.astext() if strong is not None else "",
        "why": why,
        "theorems": list(dict.fromkeys(refs)),
        "claims": list(dict.fromkeys(claims)),
    }


def _first_sentence(paragraph: nodes.paragraph, strong: nodes.strong | None) -> list[nodes.Node]:
    """The words, formulas and links of the first sentence after the verdict that another page can show too."""
    sentence: list[nodes.Node] = []
    for child in paragraph.children:
        if child is strong:
            continue
        if not isinstance(child, nodes.Text):
            sentence.append(alone(child))
            continue
        words, *later = END.split(child.astext(), maxsplit=1)
        sentence.append(nodes.Text(words))
        if later:
            if any(part.astext().strip() for part in sentence) and not _unknown(sentence):
                return sentence
            sentence = [nodes.Text(later[0])] if later[0].strip() else []
    return sentence if not _unknown(sentence) else []


def _unknown(sentence: list[nodes.Node]) -> bool:
    """Whether it holds what can be written only on its own page, such as a glued number."""
    return any(
        isinstance(part, nodes.Element)
        and not isinstance(part, nodes.math | nodes.emphasis | nodes.strong | nodes.literal)
        and not _elsewhere(part)
        for part in sentence
    )


def _elsewhere(part: nodes.Element) -> bool:
    """Whether it is a link that can be written on another page too: to a theorem, or from a number to its claim."""
    if isinstance(part, addnodes.pending_xref):
        return part.get("refdomain") == "prf"
    return isinstance(part, nodes.reference) and part.get("refid", "").startswith("claim-")


def _said(app: Sphinx, docname: str, page: str, parts: list[nodes.Node]) -> list[nodes.Node]:
    """A sentence of one page, written on another."""
    found: list[nodes.Node] = []
    for part in parts:
        if isinstance(part, nodes.reference):
            found.append(claim_link(app, docname, page, part["refid"], part.astext()))
            continue
        copy = part.deepcopy()
        if isinstance(copy, addnodes.pending_xref):
            copy["refdoc"] = docname
        found.append(copy)
    return found


def _block(app: Sphinx, docname: str, page: str, said: dict[str, Any], known: dict[str, dict[str, Any]]) -> nodes.Node:
    block = nodes.container(classes=["verdict"])
    block += nodes.paragraph("", "", *(part.deepcopy() for part in said["quote"]), classes=["verdict-quote"])
    words = nodes.paragraph(classes=["verdict-says"])
    words += nodes.strong("", said["verdict"])
    words += nodes.Text(" ")
    words += _said(app, docname, page, said["why"])
    block += words
    decided = nodes.paragraph(classes=["verdict-decided"])
    decided += nodes.Text("Decided by " if said["theorems"] else "Argued in ")
    parts: list[nodes.Node] = []
    for label in said["theorems"]:
        parts += [
            addnodes.pending_xref(
                "", nodes.literal(label, label), refdomain="prf", reftype="ref", reftarget=label, refexplicit=False,
                refwarn=False, refdoc=docname,
            ),
            nodes.Text(", "),
        ]  # fmt: skip
    parts += [claim_link(app, docname, page, said["anchor"], "the verdict in full")]
    decided += parts
    block += decided
    if said["claims"]:
        measured = nodes.bullet_list(classes=["verdict-measured"])
        for name in said["claims"]:
            if name in known:
                line = nodes.paragraph("", "", *prose(known[name]["statement"]), nodes.Text(" "))
                line += claim_link(app, docname, page, f"claim-{name}", "measured")
                measured += nodes.list_item("", line)
        block += measured
    return block


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    places = list(doctree.findall(verdicts_node))
    if not places:
        return
    known = {claim["name"]: claim for _, claim in all_claims(app.env)}
    found = findings(app.env, "verdicts")
    for place in places:
        made: list[nodes.Node] = []
        for page in in_order(app.env, found):
            title = numbered_title(app.env, page)
            head = nodes.rubric("", "", claim_link(app, docname, page, "", title))
            made += [head, *(_block(app, docname, page, said, known) for said in found[page])]
        place.replace_self(made)
        app.env.resolve_references(doctree, docname, app.builder)


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    shown = sorted(set(findings(env, "verdict pages")) & env.all_docs.keys())
    state = {page: [str(said) for said in boxes] for page, boxes in findings(env, "verdicts").items()}
    claims = {claim["name"]: claim["statement"] for _, claim in all_claims(env)}
    return shown if changed(env, "verdicts", [shown, state, claims, env.toc_secnumbers]) else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(verdicts_node)
    app.add_directive("verdicts", VerdictsDirective)
    app.connect("doctree-read", _read)
    app.connect("env-get-updated", _pages_to_write, priority=600)  # when chapters that were read again have a number
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
