"""Did somebody type a number into the prose that nobody measured?

A Sphinx extension that warns about decimal numbers in the text of the chapters. A number comes from a cell, through
``glue`` or a claim; one that a paper reports is marked as quoted: ``{quoted}`1.08 <tipping2001>```. Formulas, code,
the outputs of cells, citations, and numbers of theorems, sections and versions are not meant.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

logger = logging.getLogger(__name__)

DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?![\w.]*\.\d)")
NUMBERED = re.compile(
    r"(?:Theorem|Thm\.?|Lemma|Proposition|Corollary|Definition|Remark|Section|Sec\.|Chapter|Equation|Eq\.|Figure|Table"
    r"|Appendix|Exercise|Algorithm|Assumption|Example|version|Attribution|arXiv:?|Python|JAX|NumPy|§)s?[\s(]*$"
)
NOT_PROSE = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment, nodes.citation)
NOT_TYPED = {"pasted-text", "quoted", "claim", "claim-value", "measured", "output"}


def typed_numbers(text: str) -> list[str]:
    """The decimal numbers in a piece of prose, without those that number something.

    >>> typed_numbers("Theorem 3.1 of the paper says 0.25, and 1,797 digits give .5 or 12.5 %.")
    ['0.25', '.5', '12.5']
    """
    return [match[0] for match in DECIMAL.finditer(text) if not NUMBERED.search(text[: match.start()])]


def _is_prose(node: nodes.Node) -> bool:
    while node is not None:
        if isinstance(node, NOT_PROSE):
            return False
        if isinstance(node, nodes.Element):
            if NOT_TYPED & set(node.get("classes", [])) or node.get("refdomain") == "cite":
                return False
            if node.get("nb_element") in ("cell_code_source", "cell_code_output", "mime_bundle"):
                return isinstance(node.parent, nodes.figure)
        node = node.parent
    return True


def _check(app: Sphinx, doctree: nodes.document) -> None:
    if app.env.docname.startswith("appendix/"):
        return
    for text in doctree.findall(nodes.Text):
        if numbers := [n for n in typed_numbers(text.astext()) if _is_prose(text)]:
            logger.warning(
                "typed into the prose: %s. Measure it (a claim, or glue), or mark it as {quoted}`%s <key>`",
                ", ".join(numbers),
                numbers[0],
                location=text.parent,
                type="book",
                subtype="number",
            )


class QuotedRole(SphinxRole):
    """``{quoted}`1.08 <tipping2001>```: a number that a source reports and this book did not measure."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The number and its citation."""
        match = re.fullmatch(r"(.+?)\s*<([^<>]+)>", self.text)
        if match is None:
            message = f"quoted needs a number and the key of its source, `1.08 <tipping2001>`, got `{self.text}`"
            return [], [self.inliner.reporter.warning(message, line=self.lineno)]
        cited, messages = self.inliner.parse(f"{{cite:p}}`{match[2]}`", self.lineno, self.inliner, self.inliner.parent)
        return [nodes.inline(match[1], match[1], classes=["quoted"]), nodes.Text(" "), *cited], messages


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_role("quoted", QuotedRole())
    app.connect("doctree-read", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
