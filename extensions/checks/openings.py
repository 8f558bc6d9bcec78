"""Does a chapter show first what it is about, ask before it tells, and end before its reader is tired?

A Sphinx extension that warns, on each page with a card, if before the card there is no quoted claim or no picture; if
a displayed formula or a list comes before the picture; if the text is longer than 5,000 words; if fewer than two
questions are asked before the exercises; and of a long proof that does not begin with its idea.
"""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from extensions.authoring.explorers import has_explorer
from extensions.authoring.minutes import SKIPPED
from extensions.authoring.proofs import IDEA, has_idea, proofs

logger = logging.getLogger(__name__)

MOST_WORDS, MOST_IN_PROOF = 5000, 90
FORMULA = 15  # words for which a displayed formula stands in a proof
UNCOUNTED = ("proof_node", "claim_fold", "measure_", "exercise", "solution", "self_check", "bibliography")


def warn(message: str, location: Any) -> None:
    """A warning of the book's own, which fails a strict build."""
    logger.warning(message, location=location, type="book", subtype="opening")


def words(node: nodes.Node) -> int:
    """Words of running text, without code, claims, proofs, questions, exercises and further reading.

    A formula in the text is one word, a displayed one none.
    """
    found = 0
    for child in node.children:
        name = child.__class__.__name__
        if isinstance(child, nodes.Text):
            found += len(re.findall(r"\w[\w'’-]*", child.astext()))
        elif isinstance(child, nodes.math):
            found += 1
        elif (
            isinstance(child, nodes.math_block | nodes.literal_block | nodes.raw | nodes.comment | nodes.system_message)
            or name.startswith(UNCOUNTED)
            or (isinstance(child, nodes.section) and SKIPPED & set(child["ids"]))
        ):
            continue
        else:
            found += words(child)
    return found


def _before(document: nodes.Node, end: nodes.Node) -> Iterator[nodes.Element]:
    for node in document.findall(nodes.Element):
        if node is end:
            return
        yield node


def _is_picture(node: nodes.Element) -> bool:
    return isinstance(node, nodes.figure | nodes.image) or (isinstance(node, nodes.raw) and has_explorer(node))


def _opening(document: nodes.Node, card: nodes.Element) -> Iterator[str]:
    before = list(_before(document, card))
    picture = next((index for index, node in enumerate(before) if _is_picture(node)), len(before))
    if not any(isinstance(node, nodes.block_quote) for node in before[:picture]):
        yield "no quoted claim stands before the first picture and the card"
    if picture == len(before):
        yield "no picture stands before the card"
    for kind, name in ((nodes.math_block, "a displayed formula"), (nodes.bullet_list, "a list")):
        if any(isinstance(node, kind) for node in before[:picture]):
            yield f"{name} stands before the first picture"


def faults(document: nodes.Node) -> Iterator[tuple[str, nodes.Element]]:
    """What a chapter lacks, and where."""
    card = next((node for node in document.findall(nodes.Admonition) if "chapter-card" in node["classes"]), None)
    if not isinstance(card, nodes.Element):
        return
    yield from ((fault, card) for fault in _opening(document, card))
    if (length := words(document)) > MOST_WORDS:
        yield f"the text has {length:,} words; {MOST_WORDS:,} are the most that one sitting bears", card
    end = next((node for node in document.findall(nodes.section) if "exercises" in node["ids"]), None)
    asked = sum(node.__class__.__name__ == "self_check" for node in _before(document, end)) if end else 2
    if asked < 2:
        yield f"{asked} questions are asked before the exercises: have the reader guess at least two numbers", card
    for frame in proofs(document):
        length = len(frame.astext().split()) + FORMULA * sum(1 for _ in frame.findall(nodes.math_block))
        if length > MOST_IN_PROOF and not has_idea(frame):
            yield f"a proof of {length} words does not begin with its idea, in a paragraph '*{IDEA}* …'", frame


def _check(app: Sphinx, doctree: nodes.document) -> None:
    for fault, node in faults(doctree):
        warn(fault, node)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
