"""What did the extensions find on each page? Findings that Sphinx keeps between builds, and forgets with their page."""

import json
from collections.abc import Collection
from typing import Any, TypeVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def findings(env: BuildEnvironment, kind: str) -> dict[str, Any]:
    """What was found of this kind, by the name of the page."""
    if not hasattr(env, "book_findings"):
        env.book_findings = {}  # type: ignore[attr-defined]
    return env.book_findings.setdefault(kind, {})  # type: ignore[attr-defined]


def in_order(env: BuildEnvironment, pages: Collection[str]) -> list[str]:
    """These pages in the order of the book; those that are in no table of contents come last."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in order:
            order[name] = None
            for child in env.toctree_includes.get(name, []):
                visit(child)

    visit(env.config.root_doc)
    return [name for name in [*order, *sorted(set(pages) - order.keys())] if name in pages]


def changed(env: BuildEnvironment, kind: str, state: Any) -> bool:
    """Whether this differs from what it was at the last build of this kind of output, and remember it.

    Pages that show what stands on others have to be written again then, and only then.
    """
    kind = f"{env.app.builder.name} {kind}"
    if not hasattr(env, "book_states"):
        env.book_states = {}  # type: ignore[attr-defined]
    now = json.dumps(state, sort_keys=True, default=str)
    if env.book_states.get(kind) == now:  # type: ignore[attr-defined]
        return False
    env.book_states[kind] = now  # type: ignore[attr-defined]
    return True


Kept = TypeVar("Kept", bound=nodes.Node)


def alone(node: Kept) -> Kept:
    """A copy of a part of a page that may be kept between builds: as it stands on its page, it holds all of that."""
    copied = node.deepcopy()
    for part in copied.findall():
        part.document = None
    return copied


def _purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    for pages in getattr(env, "book_findings", {}).values():
        pages.pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    for kind, pages in getattr(other, "book_findings", {}).items():
        findings(env, kind).update({name: pages[name] for name in docnames if name in pages})


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    # another form of what is kept wants another number here: all pages are then read again
    return {"version": "1", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
