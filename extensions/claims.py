"""Where are the claims of the book, and what came of them?

A Sphinx extension. It turns the outcome of each :func:`ntklib.claims.claim` in an executed chapter into a box on the
page, gives its number to the text (``{claim}`name:.2f```), links theorems and library functions to the claims that
concern them, and makes the ledger (directive ``claims-ledger``, and ``claims.json`` beside the site) of them all.
"""

import datetime
import html
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from extensions.numbering import numbered_title
from extensions.store import changed, findings, in_order
from extensions.styles import to_static
from ntklib.claims import scientific

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("claims.js")
KEY = re.compile(r"\b[a-z]+\d{4}[a-z]*\b")  # of the bibliography
MARK = re.compile(r'<div class="ntk-claim" data-claim="([^"]*)">')
KINDS = {
    "literature": "literature",
    "theorem": "theorem or identity",
    "ours": "our own, measured before",
    "measured": "measured only",
}


class ledger_node(nodes.General, nodes.Element):
    """Where the ledger goes."""


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
        words = nodes.Text(f"{claim['comparison']} (")
        numbers = nodes.paragraph("", "", words, *source_nodes(self.env, claim), nodes.Text(") "))
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


class LedgerDirective(SphinxDirective):
    """Marks the place of the ledger."""

    def run(self) -> list[nodes.Node]:
        """A place for the table, which is made when all pages have been read."""
        findings(self.env, "ledger")[self.env.docname] = True
        return [ledger_node()]


def this_build() -> dict[str, str]:
    """The versions, the processor and the date that the ledger records."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (match := re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)):
        processor = match[1]
    return {
        "Python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in ("jax", "numpy", "scipy", "scikit-learn")},
        "processor": processor,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def _link(app: Sphinx, fromdoc: str, todoc: str, anchor: str, text: str) -> nodes.reference:
    path = "" if fromdoc == todoc else app.builder.get_relative_uri(fromdoc, todoc)
    return nodes.reference(text, text, refuri=f"{path}#{anchor}", internal=True)


def _summary(claims: list[tuple[str, dict[str, Any]]]) -> str:
    count = {kind: sum(claim["kind"] == kind for _, claim in claims) for kind in KINDS}
    disagree = sum(claim["kind"] == "literature" and not claim["agrees"] for _, claim in claims)
    pages = len({docname for docname, _ in claims})
    return (
        f"{len(claims)} claims in {pages} {'chapter' if pages == 1 else 'chapters'}. {count['literature']} compare "
        f"with the literature, and {disagree or 'none'} of these {'disagrees' if disagree == 1 else 'disagree'}; "
        f"{count['theorem']} compare with a theorem or an identity, {count['ours']} with what this book measured "
        f"before; {count['measured']} {'is' if count['measured'] == 1 else 'are'} recorded and not judged."
    )


def _table(app: Sphinx, docname: str, claims: Iterable[tuple[str, dict[str, Any]]]) -> nodes.table:
    heads = (
        "claim",
        "chapter",
        "kind",
        "source",
        "expected",
        "measured",
        "tolerance",
        "difference / tolerance",
        "verdict",
    )
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    table = nodes.table("", group, classes=["claims-ledger"])
    group += nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph(head, head)) for head in heads)))
    body = nodes.tbody()
    group += body
    for page, claim in claims:
        title = numbered_title(app.env, page)
        deviation = claim["deviation"]
        cells: list[list[nodes.Node]] = [
            [
                *prose(claim["statement"]),
                nodes.Text(" "),
                _link(app, docname, page, f"claim-{claim['name']}", claim["name"]),
            ],
            [nodes.Text(title)],
            [nodes.Text(KINDS[claim["kind"]])],
            source_nodes(app.env, claim),
            [nodes.Text(claim["expected_text"] or "–")],
            [nodes.Text(claim["measured_text"])],
            [nodes.Text(claim["tolerance_text"] or "–")],
            [nodes.Text("–" if deviation is None else f"{deviation:.2g}")],
            [nodes.Text(claim["verdict"])],
        ]
        body += nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))
    return table


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """The ledger, and the links from theorems and functions to their claims."""
    claims = list(all_claims(app.env))
    for place in list(doctree.findall(ledger_node)):
        build = ", ".join(
            f"{name} {value}" for name, value in this_build().items() if name not in ("processor", "date")
        )
        about = f"Built on {this_build()['date']} with {build}, on {this_build()['processor']}."
        summary = _summary(claims)
        parts = [nodes.paragraph(summary, summary), nodes.paragraph(about, about)]
        place.replace_self([*parts, _table(app, docname, claims)] if claims else parts)
    for node in list(doctree.findall(nodes.Element)):
        if "countertype" in node and "label" in node:
            concerned = [(page, claim) for page, claim in claims if node["label"] in claim["theorem"]]
            if concerned:
                node.children[-1].append(_links(app, docname, "Measured here: ", concerned))
    for signature in list(doctree.findall(lambda n: n.tagname == "desc_signature")):
        for name in signature["ids"]:
            concerned = [(page, claim) for page, claim in claims if name in claim["function"]]
            if concerned:
                line = _links(app, docname, "Held to its word by: ", concerned)
                _add_theorems(app, docname, line, concerned)
                signature.parent.children[-1].append(line)


def _links(app: Sphinx, docname: str, words: str, claims: list[tuple[str, dict[str, Any]]]) -> nodes.paragraph:
    line = nodes.paragraph("", words, classes=["claim-links"])
    for index, (page, claim) in enumerate(claims):
        line += nodes.Text(", " if index else "")
        line += _link(app, docname, page, f"claim-{claim['name']}", claim["name"])
    return line


def _add_theorems(app: Sphinx, docname: str, line: nodes.paragraph, claims: list[tuple[str, dict[str, Any]]]) -> None:
    known = getattr(app.env, "proof_list", {})
    labels = dict.fromkeys(label for _, claim in claims for label in claim["theorem"] if label in known)
    for index, label in enumerate(labels):
        page, kind = known[label]["docname"], known[label]["countertype"]
        number = app.env.toc_fignumbers.get(page, {}).get(kind, {}).get(label, ())
        line += nodes.Text(", " if index else "; about ")
        line += _link(app, docname, page, label, f"{known[label]['realtype']} {'.'.join(map(str, number))}".strip())


def _check_all(app: Sphinx, env: BuildEnvironment) -> None:
    seen: dict[str, str] = {}
    known = getattr(env, "proof_list", {})
    for docname, claim in all_claims(env):
        if claim["name"] in seen and seen[claim["name"]] != docname:
            warn(f"there are two claims named {claim['name']!r}, here and in {seen[claim['name']]}", docname)
        seen[claim["name"]] = docname
        for label in claim["theorem"]:
            if label not in known:
                warn(f"claim {claim['name']!r} names a theorem that is not in the book: {label}", docname)


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that show what stands on other pages: the ledger, the theorems, the reference of the library."""
    known = getattr(env, "proof_list", {})
    theorems = {known[label]["docname"] for _, c in all_claims(env) for label in c["theorem"] if label in known}
    ledgers = set(findings(env, "ledger"))
    for docname in ledgers:  # or Sphinx would not put MathJax there
        env.get_domain("math").data["has_equations"][docname] = True
    reference = {entry.docname for entry in env.get_domain("py").data["objects"].values()}
    shown = sorted((ledgers | theorems | reference) & env.all_docs.keys())
    bibliography = [Path(app.srcdir, name).read_text() for name in app.config.bibtex_bibfiles]
    numbers = [env.toc_fignumbers, {label: entry["docname"] for label, entry in known.items()}]
    state = [shown, list(all_claims(env)), bibliography, numbers, app.builder.name]
    return shown if changed(env, "claims", state) else []


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        claims = [{**claim, "page": f"{docname}.html"} for docname, claim in all_claims(app.env)]
        text = json.dumps({"build": this_build(), "claims": claims}, indent=1, ensure_ascii=False)
        (Path(app.outdir) / "claims.json").write_text(text + "\n")
        to_static(app, SCRIPT)


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "ledger"):
        app.add_js_file(SCRIPT.name, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(ledger_node)
    app.add_node(claim_value_node)
    app.add_transform(ClaimBoxes)
    app.add_role("claim", ClaimRole())
    app.add_directive("claims-ledger", LedgerDirective)
    app.connect("env-get-updated", _pages_to_write, priority=600)  # when theorems have their numbers
    app.connect("env-check-consistency", _check_all)
    app.connect("doctree-resolved", _fill)
    app.connect("html-page-context", _add_script)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
