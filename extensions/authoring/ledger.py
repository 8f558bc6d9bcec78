"""Which claims does the book make, and what came of them? The directive ``claims-ledger`` is a table of them all.

A Sphinx extension. ``claims.json`` beside the site holds the same, to be compared with other builds (`make claims`).
"""

import datetime
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.claims import all_claims, claim_link, prose, source_nodes
from extensions.store import changed, findings
from extensions.typesetting.numbering import numbered_title
from extensions.typesetting.styles import to_static

SCRIPT = Path(__file__).with_name("claims.js")
KINDS = {
    "literature": "literature",
    "theorem": "theorem or identity",
    "ours": "our own, measured before",
    "measured": "measured only",
}


class ledger_node(nodes.General, nodes.Element):
    """Where the ledger goes."""


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
    known = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    if match := re.search(r"^model name\s*:\s*(.+)$", known, re.MULTILINE):
        processor = match[1]
    return {
        "Python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in ("jax", "numpy", "scipy", "scikit-learn")},
        "processor": processor,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


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


class stored_entry(nodes.entry):
    """A cell that keeps what it says in the book's words, whatever a browser's translation shows in their place."""


def _entry(cell: list[nodes.Node]) -> stored_entry:
    words = "".join(node.astext() for node in cell)
    return stored_entry("", nodes.paragraph("", "", *cell), words=" ".join(words.split()))


def _chapter(app: Sphinx, page: str) -> stored_entry:
    """The number of a chapter, as its title would make each row three lines high; without a number, its title."""
    title = numbered_title(app.env, page)
    number, parted, _ = title.partition(app.config.html_secnumber_suffix)
    entry = _entry([nodes.Text(number if parted and number.isdigit() else title)])
    entry["words"] = title
    return entry


def _visit_stored_entry(self: Any, node: stored_entry) -> None:
    self.visit_entry(node)
    words = self.attval(node["words"])
    named = "" if " ".join(node.astext().split()) == node["words"] else f' title="{words}"'
    self.body[-1] = self.body[-1].replace("<td", f'<td data-words="{words}"{named}', 1)


def _depart_stored_entry(self: Any, node: stored_entry) -> None:
    self.depart_entry(node)


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
        deviation = claim["deviation"]
        cells: list[list[nodes.Node]] = [
            [
                *prose(claim["statement"]),
                nodes.Text(" "),
                claim_link(app, docname, page, f"claim-{claim['name']}", claim["name"]),
            ],
            [nodes.Text(KINDS[claim["kind"]])],
            source_nodes(app.env, claim),
            [nodes.Text(claim["expected_text"] or "–")],
            [nodes.Text(claim["measured_text"])],
            [nodes.Text(claim["tolerance_text"] or "–")],
            [nodes.Text("–" if deviation is None else f"{deviation:.2g}")],
            [nodes.Text(claim["verdict"])],
        ]
        first, *others = map(_entry, cells)
        body += nodes.row("", first, _chapter(app, page), *others)
    return table


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """The ledger, where a page has a place for it."""
    claims = list(all_claims(app.env))
    for place in list(doctree.findall(ledger_node)):
        build = ", ".join(
            f"{name} {value}" for name, value in this_build().items() if name not in ("processor", "date")
        )
        about = f"Built on {this_build()['date']} with {build}, on {this_build()['processor']}."
        summary = _summary(claims)
        parts = [nodes.paragraph(summary, summary), nodes.paragraph(about, about)]
        place.replace_self([*parts, _table(app, docname, claims)] if claims else parts)


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages with a ledger: it shows what stands on others."""
    shown = sorted(set(findings(env, "ledger")) & env.all_docs.keys())
    for docname in shown:  # or Sphinx would not put MathJax there
        env.get_domain("math").data["has_equations"][docname] = True
    bibliography = [Path(app.srcdir, name).read_text(encoding="utf-8") for name in app.config.bibtex_bibfiles]
    return shown if changed(env, "ledger", [shown, list(all_claims(env)), bibliography, app.builder.name]) else []


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        claims = [{**claim, "page": f"{docname}.html"} for docname, claim in all_claims(app.env)]
        text = json.dumps({"build": this_build(), "claims": claims}, indent=1, ensure_ascii=False)
        (Path(app.outdir) / "claims.json").write_text(text + "\n", encoding="utf-8")
        to_static(app, SCRIPT)


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "ledger"):
        app.add_js_file(SCRIPT.name, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(ledger_node)
    app.add_node(stored_entry, html=(_visit_stored_entry, _depart_stored_entry))
    app.add_directive("claims-ledger", LedgerDirective)
    app.connect("env-get-updated", _pages_to_write)
    app.connect("doctree-resolved", _fill)
    app.connect("html-page-context", _add_script)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
