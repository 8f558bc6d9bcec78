"""Has every theorem a proof, and a measurement that would notice if it were wrong?

A Sphinx extension. After each theorem, lemma, proposition and corollary, and before the next, a ``prf:proof`` block
has to follow: a proof, a sketch that is called one, or the place where the proof stands. And a claim has to name the
theorem, or a ``no-numerical-check`` directive has to say why none does.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_proof.nodes import proof_node

from extensions.authoring.claims import all_claims
from extensions.store import findings

logger = logging.getLogger(__name__)

STATEMENTS = ("theorem", "lemma", "proposition", "corollary")


def warn(message: str, location: Any) -> None:
    """A warning of the book's own, which fails a strict build."""
    logger.warning(message, location=location, type="book", subtype="theorem")


class NoNumericalCheck(SphinxDirective):
    """Says why no claim illustrates a theorem."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The reason, as a quiet paragraph."""
        self.assert_has_content()
        label = self.arguments[0]
        findings(self.env, "unchecked").setdefault(self.env.docname, {})[label] = (self.env.docname, self.lineno)
        reason = nodes.container(classes=["no-numerical-check"])
        self.state.nested_parse(self.content, self.content_offset, reason)
        if reason.children and isinstance(reason.children[0], nodes.paragraph):
            reason.children[0].insert(0, nodes.emphasis("", "No numerical check. "))
        return [reason]


def _read(app: Sphinx, doctree: nodes.document) -> None:
    """Find the statements of a page, and those that no proof follows."""
    pending: nodes.Element | None = None
    labels = {}

    def unproved(statement: nodes.Element | None) -> None:
        if statement is not None:
            warn(
                f"no proof follows {statement['realtype']} {statement['label']!r}: prove it, sketch it or say in a "
                "prf:proof block where the proof stands",
                statement,
            )

    for node in doctree.findall(nodes.Element):
        if node.get("realtype") in STATEMENTS:
            unproved(pending)
            pending = node
            labels[node["label"]] = (app.env.docname, node.line)
        elif isinstance(node, proof_node):
            pending = None
    unproved(pending)
    if labels:
        findings(app.env, "statements")[app.env.docname] = labels


def _check_all(app: Sphinx, env: BuildEnvironment) -> None:
    statements = {label: at for page in findings(env, "statements").values() for label, at in page.items()}
    excused = {label: at for page in findings(env, "unchecked").values() for label, at in page.items()}
    claimed = {label for _, claim in all_claims(env) for label in claim["theorem"]}
    for label, location in statements.items():
        if label not in claimed | excused.keys():
            message = (
                "nothing checks {}: name it in a claim (theorem=…), or say why not in a no-numerical-check directive"
            )
            warn(message.format(label), location)
    for label, location in excused.items():
        if label not in statements:
            warn(f"no-numerical-check names {label}, which is not in the book", location)
        elif label in claimed:
            warn(f"no-numerical-check names {label}, which a claim does check", location)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_directive("no-numerical-check", NoNumericalCheck)
    app.connect("doctree-read", _read)
    app.connect("env-check-consistency", _check_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
