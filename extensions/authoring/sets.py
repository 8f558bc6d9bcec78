"""Which problem sets are there? The directive ``coursework-sets`` answers from the masters, so it cannot go stale."""

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class CourseworkSets(SphinxDirective):
    """A table of the problem sets in the order of the chapters, and what each of them teaches."""

    def run(self) -> list[nodes.Node]:
        """The table, read from the masters; the page is made again when one of them changes."""
        from coursework.masters.reading import ASSIGNMENTS, available, load  # a book need not have coursework

        toc = (Path(self.env.srcdir) / "_toc.yml").read_text(encoding="utf-8")
        sets = sorted(
            (load(name) for name in available()), key=lambda one: (toc.find(f"chapters/{one.chapters[0]}\n"), one.name)
        )
        lines = ["| set | chapters | minutes | points by tests | points by hand |", "|---|---|---|---|---|"]
        for one in sets:
            self.env.note_dependency(str(ASSIGNMENTS / f"{one.name}.md"))
            chapters = ", ".join(f"{{doc}}`/chapters/{chapter}`" for chapter in one.chapters)
            tests, by_hand = (sum(question.points for question in kind) for kind in (one.questions, one.manual))
            lines.append(f"| {one.title} (`{one.name}`) | {chapters} | {one.minutes} | {tests:g} | {by_hand:g} |")
        for one in sets:
            lines += ["", f"After *{one.title}* students can", "", *(f"- {objective};" for objective in one.objectives)]
            lines[-1] = lines[-1].removesuffix(";") + "."
        found = nodes.container(classes=["whole-words"])
        self.state.nested_parse(StringList(lines, "coursework/assignments"), self.content_offset, found)
        return [found]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_directive("coursework-sets", CourseworkSets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
