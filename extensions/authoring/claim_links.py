"""Which claims concern a theorem or a function of the library? Links to them stand below it.

A Sphinx extension. An author names them in the claim: ``theorem=``, ``function=``.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from extensions.authoring.claims import all_claims, claim_link
from extensions.store import changed


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    claims = list(all_claims(app.env))
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
        line += claim_link(app, docname, page, f"claim-{claim['name']}", claim["name"])
    return line


def _add_theorems(app: Sphinx, docname: str, line: nodes.paragraph, claims: list[tuple[str, dict[str, Any]]]) -> None:
    known = getattr(app.env, "proof_list", {})
    labels = dict.fromkeys(label for _, claim in claims for label in claim["theorem"] if label in known)
    for index, label in enumerate(labels):
        page, kind = known[label]["docname"], known[label]["countertype"]
        number = app.env.toc_fignumbers.get(page, {}).get(kind, {}).get(label, ())
        line += nodes.Text(", " if index else "; about ")
        line += claim_link(
            app, docname, page, label, f"{known[label]['realtype']} {'.'.join(map(str, number))}".strip()
        )


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that show what stands on other pages: the theorems, and the reference of the library."""
    claims = list(all_claims(env))
    known = getattr(env, "proof_list", {})
    theorems = {known[label]["docname"] for _, c in claims for label in c["theorem"] if label in known}
    reference = {entry.docname for entry in env.get_domain("py").data["objects"].values()}
    shown = sorted((theorems | reference) & env.all_docs.keys())
    numbers = [env.toc_fignumbers, {label: entry["docname"] for label, entry in known.items()}]
    return shown if changed(env, "claim links", [shown, claims, numbers, app.builder.name]) else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.connect("env-get-updated", _pages_to_write, priority=600)  # when theorems have their numbers
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
