"""Where must a line not end? Before the comma behind a formula, before a per cent sign, and within α = 16.

A Sphinx extension. A browser may break a line beside every formula, as beside a picture, whatever stands next to it.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

CLOSING = re.compile(r"[.,;:!?)\]’”]+")
PERCENT = re.compile(r"(?:(?<=\d)|^) (?=%)")
EQUALS = re.compile(r"(?<!\w)([^\W\d_]) ([=≈<>≤≥]) (?=[−-]?\d)")  # one letter and its value
CODE = (nodes.literal, nodes.literal_block, nodes.raw, nodes.comment)


class Unbroken(SphinxPostTransform):
    """Ties a formula to the punctuation behind it, a number to its per cent sign and a letter to its value."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the page."""
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(parent, CODE) for parent in (text.parent, text.parent.parent)):
                written = text.astext()
                tied = PERCENT.sub("\N{NO-BREAK SPACE}", written)
                tied = EQUALS.sub("\\1\N{NO-BREAK SPACE}\\2\N{NO-BREAK SPACE}", tied)
                if tied != written:
                    _put(nodes.Text(tied), text)
        for formula in list(self.document.findall(nodes.math)):
            behind = formula.next_node(descend=False, siblings=True)
            if isinstance(behind, nodes.Text) and (match := CLOSING.match(behind.astext())):
                _put(nodes.Text(behind.astext()[match.end() :]), behind)
                whole = nodes.inline(classes=["unbroken"])
                formula.replace_self(whole)
                whole += [formula, nodes.Text(match[0])]


def _put(new: nodes.Text, old: nodes.Text) -> None:
    """Put a text in the place of another, found by identity: a paragraph can hold the same text more than once."""
    siblings = old.parent.children
    old.parent[next(place for place, child in enumerate(siblings) if child is old)] = new


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_post_transform(Unbroken)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
