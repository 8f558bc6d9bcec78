"""Where does a chapter show what it claims, and write the numbers of its claims?

A Sphinx extension. It turns the outcome of each :func:`ntklib.book.claim` in an executed chapter into a line on the
page that unfolds to the numbers behind it, and gives its number to the text (``{claim}`name:.2f```).
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from extensions.store import findings, in_order
from ntklib.book._values import written

logger = logging.getLogger(__name__)

KEY = re.compile(r"\b[a-z]+\d{4}[a-z]*\b")  # of the bibliography
NUMBER = re.compile(r"([-−]?\d[^\s,]*(?: [±·] [^\s,]+)*)")  # as a whole, also in a text from right to left
MARK = re.compile(r'<details class="ntk-claim" data-claim="([^"]*)">')


class claim_fold(nodes.General, nodes.Element):
    """A claim: a line, and what is unfolded below it."""


class claim_line(nodes.General, nodes.Element):
    """The line of a claim."""


class claim_value_node(nodes.Inline, nodes.TextElement):
    """Where the measured number of a claim goes."""


def warn(message: str, location: Any = None) -> None:
    """A warning of the book's own, which fails a strict build."""
    logger.warning(message, location=location, type="book", subtype="claim")


def all_claims(env: BuildEnvironment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every claim with the name of its page, in the order of the book."""
    found = findings(env, "claims")
    for docname in in_order(env, found):
        claims = found[docname]
        for claim in claims:
            yield docname, claim


def prose(text: str) -> list[nodes.Node]:
    """A sentence with $maths$ and `code` as nodes."""
    found: list[nodes.Node] = []
    for index, part in enumerate(re.split(r"\$([^$]+)\$|`([^`]+)`", text)):
        if part:
            found.append((nodes.Text(part), nodes.math(part, part), nodes.literal(part, part))[index % 3])
    return found


def reference(env: BuildEnvironment, key: str) -> nodes.Node | None:
    """An entry of the bibliography as a link to where it can be read; `None` if there is no such entry."""
    entry = env.get_domain("cite").bibdata.data.entries.get(key)  # type: ignore[attr-defined]
    if entry is None:
        return None
    names = [" ".join(person.last_names) for person in entry.persons.get("author", [])] or [key]
    who = names[0] if len(names) == 1 else f"{names[0]} and {names[1]}" if len(names) == 2 else f"{names[0]} et al."
    fields = entry.fields
    label = re.sub(r"[{}\\]", "", f"{who} {fields.get('year', '')}")
    if "doi" in fields:
        address = f"https://doi.org/{fields['doi']}"
    elif "eprint" in fields:
        address = f"https://arxiv.org/abs/{fields['eprint']}"
    else:
        address = fields.get("url")
    return nodes.reference("", label, refuri=address, internal=False) if address else nodes.Text(label)


def source_nodes(env: BuildEnvironment, claim: dict[str, Any]) -> list[nodes.Node]:
    """Where the expected value comes from, with the keys of the bibliography as links."""
    found: list[nodes.Node] = []
    for part in re.split(rf"({KEY.pattern})", claim["source"]):
        link = reference(env, part) if KEY.fullmatch(part) else None
        found += prose(part) if link is None else [link]
    return found


def claim_link(app: Sphinx, fromdoc: str, todoc: str, anchor: str, text: str) -> nodes.reference:
    """A link from one page to a place on another, such as the box of a claim."""
    path = "" if fromdoc == todoc else app.builder.get_relative_uri(fromdoc, todoc)
    return nodes.reference(text, text, refuri=f"{path}#{anchor}", internal=True)


class ClaimBoxes(SphinxTransform):
    """Each outcome of a claim among the outputs becomes a box, and is remembered."""

    default_priority = 300

    def apply(self, **kwargs: Any) -> None:
        """Replace the outputs that are claims, then the roles that ask for their numbers."""
        claims: dict[str, dict[str, Any]] = {}
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            match = next((m for raw in bundle.findall(nodes.raw) if (m := MARK.match(raw.astext()))), None)
            if match is not None:
                claim = json.loads(html.unescape(match[1]))
                if claim["name"] in claims:
                    warn(f"there are two claims named {claim['name']!r} on this page", bundle)
                claims[claim["name"]] = claim
                self._check(claim, bundle)
                bundle.replace_self(self._box(claim))
        if claims:
            findings(self.env, "claims")[self.env.docname] = list(claims.values())
        for node in list(self.document.findall(claim_value_node)):
            node.replace_self(_value(claims, node))

    def _check(self, claim: dict[str, Any], location: nodes.Node) -> None:
        judged = claim["expected_text"] and claim["tolerance_text"] != "exactly"
        if judged and claim["agrees"] and not claim["rejects"]:
            warn(
                f"claim {claim['name']!r} has a tolerance that rejects nothing: name wrong answers, rejects=…", location
            )
        if claim["kind"] == "literature":
            for key in KEY.findall(claim["source"]):
                if reference(self.env, key) is None:
                    warn(f"claim {claim['name']!r} has a source that the bibliography lacks: {key}", location)

    def _box(self, claim: dict[str, Any]) -> claim_fold:
        classes = ["claim", "claim-" + claim["verdict"].split()[0]]
        box = claim_fold("", classes=classes, ids=[f"claim-{claim['name']}"])
        line = claim_line("", sign=claim["sign"], verdict=claim["verdict"])
        line += nodes.inline("", "", *prose(claim["statement"]), classes=["claim-statement"])
        if claim["number"]:
            line += [nodes.Text(" "), _number(claim["number"])]
        if not claim["agrees"]:
            line += [nodes.Text(" "), nodes.inline(claim["verdict"], claim["verdict"], classes=["claim-verdict"])]
        rows = nodes.definition_list(classes=["claim-numbers"])
        for name, words in claim["rows"]:
            said = source_nodes(self.env, {**claim, "source": words}) if name == "source" else _isolated(words)
            rows += _row(name, said)
        if claim["theorem"]:
            rows += _row("illustrates", _separated(_theorem(self.env, label) for label in claim["theorem"]))
        box += [line, rows]
        return box


def _number(words: str) -> nodes.inline:
    """A number as a whole, also in a text from right to left."""
    return nodes.inline(words, words, classes=["claim-number"])


def _isolated(words: str) -> list[nodes.Node]:
    return [_number(part) if NUMBER.fullmatch(part) else nodes.Text(part) for part in NUMBER.split(words)]


def _row(name: str, words: list[nodes.Node]) -> nodes.definition_list_item:
    meaning = nodes.definition("", nodes.paragraph("", "", *words))
    return nodes.definition_list_item("", nodes.term(name, name), meaning)


def _theorem(env: BuildEnvironment, label: str) -> pending_xref:
    shown = nodes.literal(label, label)
    return pending_xref(
        "", shown, refdomain="prf", reftype="ref", reftarget=label, refexplicit=False, refwarn=False, refdoc=env.docname
    )


def _separated(found: Iterable[nodes.Node]) -> list[nodes.Node]:
    return [part for node in found for part in (nodes.Text(", "), node)][1:]


def _value(claims: dict[str, dict[str, Any]], node: claim_value_node) -> nodes.Node:
    """The number of a claim as a link to its box."""
    name, spec = node["claim"], node["spec"]
    if name not in claims:
        warn(f"there is no claim named {name!r} on this page", node)
        return nodes.Text("?")
    text = claims[name]["measured_text"]
    if spec:
        try:
            text = written(claims[name]["measured"], spec)
        except (ValueError, TypeError) as error:
            warn(f"claim {name!r} cannot be written as {spec!r}: {error}", node)
    return nodes.reference(text, text, refid=f"claim-{name}", internal=True, classes=["claim-value"])


class ClaimRole(SphinxRole):
    """``{claim}`name``` or ``{claim}`name:.2f```: what was measured; the format ``scientific`` is a power of ten."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A place for the number, which is filled when the whole page has been read."""
        name, _, spec = self.text.partition(":")
        node = claim_value_node(claim=name, spec=spec)
        self.set_source_info(node)
        return [node], []


def _visit_fold(self: Any, node: claim_fold) -> None:
    self.body.append(self.starttag(node, "details"))


def _depart_fold(self: Any, _: claim_fold) -> None:
    self.body.append("</details>\n")


def _visit_line(self: Any, node: claim_line) -> None:
    sign = f'<span class="claim-sign" role="img" aria-label="{self.attval(node["verdict"])}:">{node["sign"]}</span>'
    self.body.append(f"<summary>{sign} ")


def _depart_line(self: Any, _: claim_line) -> None:
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(claim_value_node)
    app.add_node(claim_fold, html=(_visit_fold, _depart_fold))
    app.add_node(claim_line, html=(_visit_line, _depart_line))
    app.add_transform(ClaimBoxes)
    app.add_role("claim", ClaimRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
