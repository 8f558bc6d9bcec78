"""Where does a chapter show what it claims, and write the numbers of its claims?

A Sphinx extension. It turns the outcome of each :func:`ntklib.book.claim` in an executed chapter into a box on the
page, and gives its number to the text (``{claim}`name:.2f```).
"""

import html
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from extensions.store import findings, in_order
from ntklib.book.claims import scientific

logger = logging.getLogger(__name__)

KEY = re.compile(r"\b[a-z]+\d{4}[a-z]*\b")  # of the bibliography
NUMBER = re.compile(r"([-−]?\d[^\s,]*(?: [±·] [^\s,]+)*)")  # as a whole, also in a text from right to left
MARK = re.compile(r'<div class="ntk-claim" data-claim="([^"]*)">')


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

    def _box(self, claim: dict[str, Any]) -> nodes.container:
        statement = nodes.paragraph("", "", *prose(claim["statement"]), classes=["claim-statement"])
        words = [
            nodes.inline(part, part, classes=["claim-number"]) if NUMBER.fullmatch(part) else nodes.Text(part)
            for part in NUMBER.split(claim["comparison"])
        ]
        numbers = nodes.paragraph("", "", *words, nodes.Text(" ("), *source_nodes(self.env, claim), nodes.Text(") "))
        numbers["classes"].append("claim-numbers")
        numbers += nodes.inline(claim["verdict"], claim["verdict"], classes=["claim-verdict"])
        classes = ["claim", "claim-" + claim["verdict"].split()[0]]
        return nodes.container("", statement, numbers, classes=classes, ids=[f"claim-{claim['name']}"])


def _value(claims: dict[str, dict[str, Any]], node: claim_value_node) -> nodes.Node:
    """The number of a claim as a link to its box."""
    name, spec = node["claim"], node["spec"]
    if name not in claims:
        warn(f"there is no claim named {name!r} on this page", node)
        return nodes.Text("?")
    claim, text = claims[name], claims[name]["measured_text"]
    if spec:
        try:
            value = claim["measured"]
            number = float(Fraction(value)) if isinstance(value, str) else value
            text = (
                scientific(number)
                if spec == "scientific"
                else format(number, spec).replace("-", "−").replace("%", " %")
            )
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(claim_value_node)
    app.add_transform(ClaimBoxes)
    app.add_role("claim", ClaimRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
