"""When have figures, equations and theorems to be counted again, and when do their numbers still hold?

A Sphinx extension. To count, Sphinx reads every page of the book again, also when none has changed: with twenty-four
chapters a quarter of a build that has nothing to do. What is counted on a page, in which order and under which
headings, is noted when the page is read, in a few lines. Sphinx counts only if these lines, the order of the pages or
the numbers of their sections are others than when it counted last; else the numbers of that time are taken.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

from extensions.store import changed, findings


def outline(env: BuildEnvironment, page: nodes.Element, depth: int = 0) -> list[list[Any]]:
    """All that decides about the numbers of a page, in the order of the page: depth, kind, and what it is."""
    lines: list[list[Any]] = []
    for node in page.children:
        if isinstance(node, nodes.section):
            lines.append([depth, "section", node["ids"][0]])
        elif isinstance(node, addnodes.toctree):
            lines.append([depth, "pages", [name for _, name in node["entries"]]])
        elif not isinstance(node, nodes.Element):
            continue
        elif kinds := _counted(env, node):
            lines.append([depth, *kinds, node["ids"]])
        lines += outline(env, node, depth + isinstance(node, nodes.section))
    return lines


def _counted(env: BuildEnvironment, node: nodes.Element) -> list[str]:
    """As what this may be counted, by the domains that know it, and whether it has the title that some need."""
    kinds = {name: domain.get_enumerable_node_type(node) for name, domain in env.domains.items()}
    found = [f"{name} {kind}" for name, kind in kinds.items() if kind]
    if found and kinds["std"]:
        found.append("titled" if env.get_domain("std").get_numfig_title(node) else "untitled")  # type: ignore[attr-defined]
    return found


def _note(app: Sphinx, doctree: nodes.document) -> None:
    """Note what is counted on a page."""
    findings(app.env, "outlines")[app.env.docname] = outline(app.env, doctree)


def _where_needed(count: Callable[[BuildEnvironment], list[str]], env: BuildEnvironment) -> list[str]:
    """Number what is counted on all pages, if need be; returns the pages on which something has another number now."""
    config = [env.config.numfig, env.config.numfig_secnum_depth, env.config.root_doc]
    if changed(env, "counted", [config, sorted(findings(env, "outlines").items()), env.toc_secnumbers]):
        again = count(env)
        env.book_fignumbers = dict(env.toc_fignumbers)  # type: ignore[attr-defined]
        return again
    env.toc_fignumbers = dict(env.book_fignumbers)  # type: ignore[attr-defined]  # a page that is read loses its own
    return []


def _take_over(app: Sphinx) -> None:
    """Let the collector of contents, whoever's it is, count where that is needed."""
    for listener in app.events.listeners["env-get-updated"]:
        collector = getattr(listener.handler, "__self__", None)
        if isinstance(collector, TocTreeCollector):
            collector.assign_figure_numbers = partial(  # type: ignore[method-assign]
                _where_needed, collector.assign_figure_numbers
            )


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.connect("doctree-read", _note, priority=900)  # when the page is as it stays
    app.connect("builder-inited", _take_over)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
