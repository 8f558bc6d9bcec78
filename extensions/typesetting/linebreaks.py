"""Where must a line not end? Before the comma that follows a formula, and between a number and its per cent.

A Sphinx extension. A browser may break a line beside every formula, as beside a picture, whatever stands next to it.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

CLOSING = re.compile(r"[.,;:!?)\]’”]+")
PERCENT = re.compile(r"(?:(?<=\d)|^) (?=%)")
CODE = (nodes.literal, nodes.literal_block, nodes.raw, nodes.comment)


class Unbroken(SphinxPostTransform):
    """Ties a formula to the punctuation behind it, and a number to its per cent sign."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the page."""
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(parent, CODE) for parent in (text.parent, text.parent.parent)):
                written = text.astext()
                if (tied := PERCENT.sub("\N{NO-BREAK SPACE}", written)) != written:
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
