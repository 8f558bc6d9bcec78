"""What did each page that executes take in this build? The directive ``execution-times`` is a table of it.

A Sphinx extension: seconds and peak memory, as measured in this build, beside what was published last. What has grown
is said by `tools/times.py`.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.store import changed, findings
from tools.times import measured, published


class times_node(nodes.General, nodes.Element):
    """Where the table goes."""


class TimesDirective(SphinxDirective):
    """Marks the place of the table."""

    def run(self) -> list[nodes.Node]:
        """A place for the table, which is made when everything has been executed."""
        findings(self.env, "times")[self.env.docname] = True
        return [times_node()]


def _of_this_build(app: Sphinx) -> dict[str, dict[str, float]]:
    return measured(Path(app.env.mystnb_config.execution_cache_path), Path(app.srcdir))  # type: ignore[attr-defined]


def _table(app: Sphinx, docname: str) -> nodes.Node:
    pages = _of_this_build(app)
    group = nodes.tgroup(cols=5)
    group += [nodes.colspec(colwidth=width) for width in (3, 1, 1, 1, 1)]
    head, body = nodes.thead(), nodes.tbody()
    titles = ("Page", "Time (s)", "Peak memory (MB)", "Published time (s)", "Published memory (MB)")
    head += nodes.row("", *(nodes.entry("", nodes.paragraph("", title)) for title in titles))
    for name in (name for name in pages if name in app.env.titles):
        link = nodes.reference(
            "", app.env.titles[name].astext(), refuri=app.builder.get_relative_uri(docname, name), internal=True
        )
        cells: list[nodes.Node] = [nodes.entry("", nodes.paragraph("", "", link))]
        for found in (pages[name], published(name)):
            for kind, size in (("seconds", 1), ("bytes", 1e6)):
                text = f"{found[kind] / size:.0f}" if kind in found else "–"
                cells.append(nodes.entry("", nodes.paragraph("", text, classes=["measured"])))
        body += nodes.row("", *cells)
    group += [head, body]
    return nodes.table("", group, classes=["execution-times"])


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(times_node)):
        place.replace_self(_table(app, docname))


def _pages_to_write(app: Sphinx, env: Any) -> list[str]:
    """The pages with a table: it changes with the executions of others."""
    shown = sorted(set(findings(env, "times")) & env.all_docs.keys())
    pages = _of_this_build(app)
    return shown if changed(env, "times", [shown, pages, {name: published(name) for name in pages}]) else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(times_node)
    app.add_directive("execution-times", TimesDirective)
    app.connect("env-updated", _pages_to_write)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
