"""Which words of a chapter does the glossary explain? The first use of each becomes a link.

A Sphinx extension. In the running text of a page, the first occurrence of each term of the glossary leads to its
definition; headings, captions, code, formulas, quotations, cards, exercises and what is a link already are left
alone. A term is found in the plural too, and with a space for a hyphen; other forms stand in the head of the page
with the glossary::

    glossary_forms:
      nearest neighbour: [nearest-neighbour rule]

A page whose head says ``glossary_links: false`` gets no links, and ``glossary_skip: [unit, target]`` leaves these
out. One occurrence is left alone as ``{plain}`unit```.
"""

import json
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

from extensions.store import changed, findings

logger = logging.getLogger(__name__)

#: In these no term is linked.
CLOSED = (
    nodes.title,
    nodes.rubric,
    nodes.caption,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.block_quote,
    nodes.footnote,
    nodes.citation,
    nodes.table,
    nodes.comment,
    nodes.term,
    addnodes.pending_xref,
    addnodes.desc,
    addnodes.glossary,
)
CLOSED_CLASSES = {
    "chapter-card",
    "claim",
    "claim-links",
    "measured",
    "exercise",
    "solution",
    "plain-words",
    "pasted-text",
    "sd-card",
    "cell_output",
}


def pattern(term: str) -> str:
    """A regular expression for a term: in the plural too, with a space or a line end for a hyphen, in any case.

    >>> bool(re.fullmatch(pattern("ridge function"), "Ridge\\nfunctions")), bool(re.fullmatch(pattern("NTK"), "ntk"))
    (True, False)
    >>> bool(re.fullmatch(pattern("capacity"), "capacities")), bool(re.fullmatch(pattern("bias"), "biases"))
    (True, True)
    """
    words = [re.escape(word) for word in re.split(r"[\s-]+", term)]
    last = words[-1]
    plural = rf"(?:{last[:-1]}ies|{last})" if last.endswith("y") else rf"{last}(?:e?s)?"
    text = r"[\s-]".join([*words[:-1], plural])
    capitals = sum(letter.isupper() for letter in term) > 1 and " " not in term  # NTK is not ntk, ReLU is not relu
    return text if capitals else f"(?i:{text})"


def finder(forms: dict[str, str]) -> re.Pattern[str]:
    """One expression for all forms, the longer ones first; the name of the group that matches says which it is."""
    ordered = sorted(forms, key=len, reverse=True)
    inside = "|".join(f"(?P<t{index}>{pattern(form)})" for index, form in enumerate(ordered))
    return re.compile(rf"(?<![\w-])(?:{inside})(?![\w-])")


def all_forms(env: BuildEnvironment) -> dict[str, str]:
    """Every form of every term, to the term under which the glossary explains it."""
    return {form: term for _, found in sorted(findings(env, "terms").items()) for form, term in found.items()}


def _remember(app: Sphinx, doctree: nodes.document) -> None:
    """The terms of this page, and the forms that its head lists."""
    env, docname = app.env, app.env.docname
    explained: dict[str, str] = {}
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            names = [re.sub(r"\s+", " ", term.astext()).strip() for term in item.findall(nodes.term)]
            explained |= dict.fromkeys(names, names[0])
    if not explained:
        return
    listed = env.metadata.get(docname, {}).get("glossary_forms", {})
    listed = json.loads(listed) if isinstance(listed, str) else listed
    for term, forms in listed.items():
        if term in explained:
            explained |= dict.fromkeys(forms, explained[term])
        else:
            message = "glossary_forms names %r, which is no term of this glossary"
            logger.warning(message, term, location=docname, type="book", subtype="glossary")
    findings(env, "terms")[docname] = explained


def is_open(text: nodes.Node) -> bool:
    """Whether a piece of text is running prose, in which terms may be linked."""
    node, paragraph = text.parent, False
    while node is not None:
        if isinstance(node, CLOSED):
            return False
        if isinstance(node, nodes.Element):
            if CLOSED_CLASSES & set(node.get("classes", [])) or "nb_element" in node:
                return False
            if type(node).__name__ in ("exercise_node", "exercise_enumerable_node", "solution_node"):
                return False
            paragraph = paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return paragraph


def _skipped(metadata: dict[str, Any]) -> set[str] | None:
    """The terms that the head of a page leaves out; None if all."""
    if str(metadata.get("glossary_links", "")).lower() == "false":
        return None
    skip = metadata.get("glossary_skip", [])
    return set(json.loads(skip.replace("'", '"')) if isinstance(skip, str) else skip)


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    env = app.env
    skip = _skipped(env.metadata.get(docname, {}))
    forms = {form: term for form, term in all_forms(env).items() if skip is None or term not in skip}
    if skip is None or not forms or docname not in linked_pages(env):
        return
    ordered = sorted(forms, key=len, reverse=True)
    find = finder(forms)
    objects = env.get_domain("std").data["objects"]
    targets = {term: objects[("term", term)] for term in set(forms.values()) if ("term", term) in objects}
    seen: set[str] = set()
    for text in [node for node in doctree.findall(nodes.Text) if is_open(node)]:
        parts: list[nodes.Node] = []
        words, end = str(text), 0
        for match in find.finditer(words):
            term = forms[ordered[int(str(match.lastgroup)[1:])]]
            if term not in targets or term in seen:
                continue
            page, anchor = targets[term]
            seen.add(term)
            link = make_refnode(app.builder, docname, page, anchor, nodes.Text(match[0]))
            link["classes"] = ["term-link"]
            parts += [nodes.Text(words[end : match.start()]), link]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(words[end:])])


def linked_pages(env: BuildEnvironment) -> set[str]:
    """The pages in which terms are linked: those with a chapter's card, unless their head says otherwise."""
    return {
        name for name in findings(env, "cards") if _skipped(env.metadata.get(name, {})) is not None
    } & env.all_docs.keys()


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """All linked pages, when the glossary has changed."""
    return sorted(linked_pages(env)) if changed(env, "glossary", all_forms(env)) else []


class PlainRole(SphinxRole):
    """``{plain}`words```: in these no term of the glossary is linked."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The words as they are."""
        return [nodes.inline(self.rawtext, self.text, classes=["plain-words"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_role("plain", PlainRole())
    app.connect("doctree-read", _remember)
    app.connect("env-updated", _pages_to_write)
    app.connect("doctree-resolved", _link, priority=600)  # after the links of others
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
