"""Which chapter has which number, and which pages have to be written again when a number changes?

A Sphinx extension. Sphinx counts: `numbered` in `_toc.yml` gives chapters their numbers, through the parts, and
theorems, equations, figures and exercises are counted within a chapter; on pages without a number figures are counted
through. What Sphinx leaves open is here. A page that refers to a number on another page is written again when that
number changes, and every page when the list of chapters at its side does. Where the title of a chapter stands for
itself, in the list on the title page or in a card, its number stands before it. And a chapter that is built alone has
the numbers that it has in the book.
"""

from collections.abc import Set
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join

from extensions.store import changed, findings, in_order


def numbered_title(env: BuildEnvironment, docname: str) -> str:
    """The title of a page, after its number if it is a chapter: ``5 · The tangent kernel``."""
    number = env.toc_secnumbers.get(docname, {}).get("")
    title = env.titles[docname].astext()
    return ".".join(map(str, number)) + env.config.html_secnumber_suffix + title if number else title


class NumberedTitles(SphinxPostTransform):
    """Put the number before the title of a chapter to which a term of a list or a card leads."""

    default_priority = 5  # before references are resolved

    def run(self, **kwargs: Any) -> None:
        """Give these references their text."""
        for node in self.document.findall(addnodes.pending_xref):
            alone = isinstance(node.parent, nodes.term) or "chapter-needs" in node.parent.get("classes", [])
            if alone and node.get("reftype") == "doc" and not node.get("refexplicit"):
                docname = docname_join(node.get("refdoc", self.env.docname), node["reftarget"])
                if docname in self.env.titles:
                    node["refexplicit"] = True
                    node[:] = [nodes.inline("", numbered_title(self.env, docname))]


def _number_alone(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give the only chapter of a book its number, and then what stands in it."""
    number, page = app.config.book_chapter_number, env.config.root_doc
    if not number:
        return []
    sections = {heading["anchorname"]: () for heading in env.tocs[page].findall(nodes.reference)}
    env.toc_secnumbers[page] = {**sections, "": (number,)}
    env.titles[page]["secnumber"] = [number]
    TocTreeCollector().assign_figure_numbers(env)
    return [page]


def _remember(app: Sphinx, doctree: nodes.document) -> None:
    """Note to which labels a page refers."""
    targets = {nodes.make_id(node["reftarget"]) for node in doctree.findall(addnodes.pending_xref)}
    findings(app.env, "mentions")[app.env.docname] = sorted(targets)


def numbers(env: BuildEnvironment) -> dict[str, str]:
    """The number of everything that has one, by its label."""
    return {
        label.removeprefix("equation-"): ".".join(map(str, number))
        for kinds in env.toc_fignumbers.values()
        for found in kinds.values()
        for label, number in found.items()
    }


def _moved(env: BuildEnvironment) -> Set[str]:
    """The labels whose number is another one than in the last build."""
    now = numbers(env)
    before: dict[str, str] = getattr(env, "book_numbers", {})
    env.book_numbers = now  # type: ignore[attr-defined]
    return {label for label in now.keys() | before.keys() if now.get(label) != before.get(label)}


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """All pages when the list of chapters has changed, else those that refer to something whose number has."""
    moved = _moved(env)
    if changed(env, "contents", [numbered_title(env, name) for name in in_order(env, env.all_docs)]):
        return sorted(env.all_docs)
    return [name for name, targets in findings(env, "mentions").items() if not moved.isdisjoint(targets)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_config_value("book_chapter_number", 0, "env", int)  # of the chapter that is built alone
    app.add_post_transform(NumberedTitles)
    app.connect("doctree-read", _remember)
    app.connect("env-get-updated", _number_alone, priority=550)  # when Sphinx has counted
    app.connect("env-get-updated", _pages_to_write, priority=560)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
