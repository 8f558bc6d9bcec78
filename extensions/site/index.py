"""Which definitions and theorems does the index name? All that have a title.

A Sphinx extension. Their numbers, which Sphinx knows when all pages have been read, are put in when the index is
written. The terms of the glossary are in the index anyway. `genindex.md` is empty: it gives the index, which Sphinx
writes, its place in the table of contents. sphinx-proof makes an index of its own, of labels and files.
"""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from extensions.typesetting.numbering import numbers


class IndexStatements(SphinxTransform):
    """An entry of the index for each definition, theorem and so on: its title, and what it is."""

    default_priority = 600  # before the index collects its entries

    def apply(self, **kwargs: Any) -> None:
        """Put the entries beside the statements."""
        for node in list(self.document.findall(nodes.Element)):
            if "countertype" in node and node.get("label") and node.children:
                title = node.children[0].astext().strip() if isinstance(node.children[0], nodes.title) else ""
                # sphinx-proof writes "Theorem (Mercer)"
                title = re.sub(r"^(?:An?|The) (.)", lambda m: m[1].upper(), title.removeprefix("(").removesuffix(")"))
                if title:
                    entry = ("single", f"{title} ({node['realtype']})", node["label"], "", None)
                    node.parent.insert(node.parent.index(node), addnodes.index(entries=[entry]))


def _number(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Write `Mercer (theorem 2.5)` for `Mercer (theorem)`, also where that stands below an entry of the same name."""
    known = numbers(app.env) if "genindexentries" in context else {}

    def numbered(text: str, links: list[tuple[str, str]]) -> str:
        number = next((known[label] for _, uri in links if (label := uri.partition("#")[2]) in known), None)
        return text if number is None else re.sub(r"(\(\w+)\)$", rf"\1 {number})", text)

    for _, entries in context.get("genindexentries", []):
        entries[:] = [
            (numbered(text, links), [links, [(numbered(below, others), others) for below, others in inner], *key])
            for text, (links, inner, *key) in entries
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_transform(IndexStatements)
    app.connect("html-page-context", _number)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
