"""What did each page that executes take in this build, and has one grown?

A Sphinx extension: the directive ``execution-times`` is a table of seconds and peak memory, as measured in this build,
beside what was published last (`benchmarks/chapters.json`). After a build, what has grown by half is said; after a
change that is meant to cost more, ``python -m extensions.times --publish`` writes the new numbers.
"""

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.execution import PUBLISHED, published
from extensions.store import changed, findings

GROWN = 1.5  # that much more than published is worth a word
NOISE = {"seconds": 5.0, "bytes": 100e6}  # and no less than this


class times_node(nodes.General, nodes.Element):
    """Where the table goes."""


def measured(folder: Path, source: Path) -> dict[str, dict[str, float]]:
    """What the executions in the cache `folder` took, by the page's name relative to `source`: seconds and bytes."""
    found: dict[str, dict[str, float]] = {}
    for record in sorted(get_cache(folder).list_cache_records(), key=lambda record: record.created):
        path = Path(record.uri).resolve()
        if not path.exists() or not path.is_relative_to(source.resolve()):
            continue
        name = path.relative_to(source.resolve()).with_suffix("").as_posix()
        found[name] = {"seconds": record.data["execution_seconds"]}
        if record.data.get("peak_bytes"):
            found[name]["bytes"] = record.data["peak_bytes"]
    return found


def grown(pages: dict[str, dict[str, float]]) -> list[str]:
    """A line for each page that took half as much again as was published, in time or in memory.

    >>> grown({"no/such-page": {"seconds": 1e9}})
    []
    """
    lines = []
    for name, now in pages.items():
        before = published(name)
        for kind, unit, size in (("seconds", "s", 1), ("bytes", "MB", 1e6)):
            if kind in now and kind in before and now[kind] > max(GROWN * before[kind], before[kind] + NOISE[kind]):
                lines.append(f"{name}: {now[kind] / size:.0f} {unit}, against the {before[kind] / size:.0f} published")
    return lines


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


def main() -> None:
    """Compare the last build with what is published, or publish it."""
    parser = argparse.ArgumentParser(prog="python -m extensions.times", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write benchmarks/chapters.json from the last build")
    pages = measured(Path("_build/.jupyter_cache"), Path())
    if not parser.parse_args().publish:
        print("\n".join(grown(pages)) or "nothing has grown by half")
        return
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    rounded = {name: {kind: round(value) for kind, value in page.items()} for name, page in sorted(pages.items())}
    PUBLISHED.write_text(json.dumps({"machine": machine, "pages": rounded}, indent=1) + "\n")
    print(f"{len(rounded)} pages written to {PUBLISHED}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(times_node)
    app.add_directive("execution-times", TimesDirective)
    app.connect("env-updated", _pages_to_write)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    main()
