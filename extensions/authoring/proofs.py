"""Which part of a long proof does a reader see at once?

A Sphinx extension. A proof that begins with ``*Idea.*`` shows that paragraph; what follows it is folded, with the
minutes that it takes. A proof that begins otherwise is shown as it is; :mod:`extensions.checks.openings` warns if it is
long.
"""

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx_proof.nodes import proof_node

from extensions.authoring.minutes import seconds

IDEA = "Idea."


class proof_rest(nodes.General, nodes.Element):
    """What of a proof is folded."""


class proof_summary(nodes.General, nodes.TextElement):
    """The line that unfolds it."""


def proofs(document: nodes.Node) -> Iterator[nodes.Element]:
    """The frame of each proof of a page, whose children are its paragraphs."""
    for node in document.findall(proof_node):
        for frame in node.children[:1]:
            if isinstance(frame, nodes.Element):
                yield frame


def has_idea(frame: nodes.Element) -> bool:
    """Whether a proof begins with its idea; before that stands the word *Proof*."""
    first = frame.children[0] if frame.children else None
    if not isinstance(first, nodes.paragraph):
        return False
    found = next((child for child in first.children if isinstance(child, nodes.emphasis)), None)
    before = first.children[: first.index(found)] if found is not None else []
    return (
        found is not None and found.astext() == IDEA and "".join(n.astext() for n in before).strip() in ("", "Proof.")
    )


class FoldProofs(SphinxTransform):
    """Fold what follows the idea of a proof."""

    default_priority = 305  # before the minutes of the page are counted, which a fold does not change

    def apply(self, **kwargs: Any) -> None:
        """Move the paragraphs behind the first into a fold."""
        for frame in proofs(self.document):
            rest = frame.children[1:]
            if not has_idea(frame) or not rest:
                continue
            fold = proof_rest("")
            for child in rest:
                frame.remove(child)
                fold += child
            taken = max(1, round(sum(seconds(fold, proof=True)) / 60))
            words = f"The proof in full, some {taken} minute{'s' if taken > 1 else ''}; it may be skipped"
            fold.insert(0, proof_summary("", words))
            frame += fold


def _visit_rest(self: Any, node: proof_rest) -> None:
    self.body.append('<details class="proof-rest">')


def _depart_rest(self: Any, _: proof_rest) -> None:
    self.body.append("</details>\n")


def _visit_summary(self: Any, _: proof_summary) -> None:
    self.body.append("<summary>")


def _depart_summary(self: Any, _: proof_summary) -> None:
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(proof_rest, html=(_visit_rest, _depart_rest))
    app.add_node(proof_summary, html=(_visit_summary, _depart_summary))
    app.add_transform(FoldProofs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
