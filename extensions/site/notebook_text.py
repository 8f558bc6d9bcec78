"""How does a page read as a notebook? As its cells: the text as plain Markdown with boxes, the code as it is."""

import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell

from extensions.authoring.explorers import has_explorer
from extensions.site.exercises import Exercise, checked
from extensions.site.notebook_links import pending, unlinked
from extensions.site.notebook_prose import Prose, listing
from ntklib.book.practice.selfcheck import packed

FOLDED = {"jupyter": {"source_hidden": True}}
# every program that shows notebooks draws a quotation, and those that keep styles draw these
BOX = "margin: 1em 0; padding: 0.3em 1em; border-left: 5px solid {0}; background-color: {1}"
COLORS = {
    "theorem": ("#3b7dd8", "rgba(59, 125, 216, 0.08)"),
    "exercise": ("#8a63d2", "rgba(138, 99, 210, 0.08)"),
    "proof": ("#9a9a9a", "rgba(128, 128, 128, 0.06)"),
    "important": ("#d9822b", "rgba(217, 130, 43, 0.09)"),
    "tip": ("#3c9a5f", "rgba(60, 154, 95, 0.09)"),
    "note": ("#3b7dd8", "rgba(59, 125, 216, 0.06)"),
}


def box(kind: str, text: str) -> str:
    """A text in a box; the empty lines make programs read what is in it as Markdown."""
    return f'<blockquote style="{BOX.format(*COLORS[kind])}">\n\n{text}\n\n</blockquote>'


def fold(summary: str, text: str) -> str:
    """A text that is shown on a click."""
    return f"<details><summary><b>{unlinked(summary)}</b></summary>\n\n{text}\n\n</details>"


class Page:
    """Writes a resolved page as the cells of a notebook.

    Args:
        prose: what writes its paragraphs.
        question: writes a self-check as HTML.
        exercises: the exercises that have a check, by its name.
        title: of the page, with its number.
        code: all its code cells in order, of which the page may not show some.

    Attributes:
        cells: of the notebook.
        passing: pieces of text that differ from one build to the next though the page is the same.
    """

    def __init__(
        self,
        prose: Prose,
        question: Callable[[nodes.Element], str],
        exercises: dict[str, Exercise],
        title: str = "",
        code: list[str] | None = None,
        folded: bool = False,
    ) -> None:
        self.prose = prose
        self.question = question
        self.exercises = exercises
        self.title = title
        self.code = code if code is not None else []
        self.visible: set[str] = set()
        self.folded = folded  # code is shown as text
        self.number = ""  # of the exercise that was read last
        self.cells: list[Any] = []
        self.blocks: list[str] = []
        self.passing: list[str] = []

    def read(self, document: nodes.document) -> list[Any]:
        """The cells of a page."""
        self.visible |= {block.astext().rstrip() for block in document.findall(nodes.literal_block)}
        self._children(document, level=0)
        self._flush()
        return self.cells

    def _taken(self, source: str) -> list[str]:
        """This cell, with those that stand beside it and that the page does not show."""
        if source not in self.code:
            return []
        place = self.code.index(source) + 1
        while place < len(self.code) and self.code[place] not in self.visible:
            place += 1
        taken, self.code[:] = self.code[:place], self.code[place:]
        return taken

    def _flush(self) -> None:
        text = "\n\n".join(block for block in self.blocks if block.strip())
        self.blocks = []
        if text:
            self.cells.append(new_markdown_cell(text))

    def _children(self, node: nodes.Element, level: int) -> None:
        for child in node.children:
            self._block(child, level)

    def _block(self, node: nodes.Node, level: int) -> None:
        if not isinstance(node, nodes.Element) or isinstance(
            node, nodes.comment | nodes.substitution_definition | nodes.target | nodes.raw | nodes.system_message
        ):
            return
        classes = node.get("classes", [])
        if node.get("nb_element") == "cell_code":
            self._code(node)
        elif "claim" in classes or node.get("nb_element") == "cell_code_output" or node.tagname == "measure_box":
            return
        elif isinstance(node, nodes.section):
            statement_content = any(name.endswith("-content") for name in classes + node.get("ids", []))
            self._children(node, level if statement_content else level + 1)
        elif node.tagname.startswith("solution"):
            self._solution(node, level)
        elif node.get("countertype") or node.tagname.startswith("exercise") or node.tagname == "proof_node":
            self._statement(node, level)
        elif isinstance(node, nodes.title):
            text = self.title if level == 1 and self.title else self.prose.inline(node)
            self.blocks.append("#" * max(level, 1) + " " + text)
        elif isinstance(node, nodes.figure):
            self._figure(node)
        elif isinstance(node, nodes.Admonition):
            self._admonition(node, level)
        elif node.tagname == "proof_rest":
            self._folded_proof(node, level)
        elif node.tagname == "self_check":
            self._self_check(node)
        elif isinstance(node, nodes.container | nodes.compound) or node.tagname.startswith("details"):
            self._children(node, level)
        elif "claim-links" in classes:
            self.blocks.append(self._links(node))
        elif (text := self.prose.text(node)).strip():
            self.blocks.append(text)
            if "chapter-run" in classes:
                self.passing.append(text)

    def _code(self, cell: nodes.Element) -> None:
        for source in cell.findall(nodes.literal_block):
            if isinstance(source.parent, nodes.Element) and source.parent.get("nb_element") == "cell_code_source":
                text = source.astext().rstrip()
                taken = self._taken(text)
                if self.folded:
                    self.blocks += [listing(text, "python") for _ in taken[:1]]
                elif taken:
                    self._flush()
                    hidden = "hide-input" in cell.get("cell_metadata", {}).get("tags", [])
                    for one in taken:
                        self.cells.append(new_code_cell(one, metadata=FOLDED if hidden or one != text else {}))
        if self.folded:
            printed = [text.astext().rstrip() for text in cell.findall(nodes.literal_block) if _is_output(text)]
            self.blocks += [f"It prints\n\n{listing(text)}" for text in printed if text != "correct"]
        for figure in cell.findall(nodes.figure):
            self._figure(figure)
        if has_explorer(cell):
            self.blocks.append("*Run the cell above: then this figure has its controls.*")
        if (exercise := checked(cell, self.exercises)) is not None:
            self._answer(exercise)

    def _answer(self, exercise: Exercise) -> None:
        """The cell for the answer, and the one that checks it."""
        # Colab goes by a name among the metadata, others by that of the cell
        self.cells.append(new_code_cell(exercise.stub, id=exercise.place, metadata={"id": exercise.place}))
        call = f'check_answer({exercise.check}, "{exercise.answer}")'
        label = f"# Exercise {self.number}: run this cell to check your answer"
        self.cells.append(new_code_cell(f"{label}\n{call}", id=f"check-{exercise.label}"[:64]))

    def _figure(self, figure: nodes.Element) -> None:
        number = self.prose.number("figure", next(iter(figure.get("ids", [])), ""))
        for caption in figure.findall(nodes.caption):
            self.blocks.append(f"**Figure {number}.** {self.prose.inline(caption)}")

    def _inside(self, children: list[nodes.Node], level: int, folded: bool = False) -> "Page":
        """These nodes, written for a box."""
        inner = Page(self.prose, self.question, self.exercises, code=self.code, folded=folded or self.folded)
        inner.visible = self.visible
        for child in children:
            inner._block(child, level)
        if inner.cells:  # code inside: it cannot stand in a box
            inner._flush()
            self._flush()
            self.cells += inner.cells
            inner.blocks = []
        self.passing += inner.passing
        return inner

    def _boxed(self, kind: str, head: str, children: list[nodes.Node], level: int) -> None:
        inner = self._inside(children, level)
        if head or inner.blocks:
            text = "\n\n".join(filter(str.strip, [head, *inner.blocks]))
            self.blocks.append(box(kind, re.sub(r"\AProof\.", "*Proof.*", text)))

    def _statement(self, node: nodes.Element, level: int) -> None:
        """A theorem or one of its kind, a proof, an exercise."""
        rest = list(node.children)
        if len(rest) == 1 and isinstance(rest[0], nodes.Admonition):  # the frame of a proof
            rest = list(rest[0].children)
        if node.tagname.startswith("exercise"):
            title = next((self.prose.inline(c) for c in rest if _is_title(c)), "").strip()
            label = node.get("label", "") or next(iter(node.get("ids", [])), "")
            self.number = self.prose.number("exercise", label)
            head, kind = f"**Exercise {self.number}** {title}".rstrip() + ".", "exercise"
        elif node.get("countertype"):
            number = self.prose.number(node["countertype"], node.get("label", ""))
            head, kind = (
                f"**{node['realtype'].capitalize()} {number}**{node.get('title', '')}".rstrip() + ".",
                "theorem",
            )
        else:
            head = next((f"**{self.prose.inline(c)}**" for c in rest if _is_title(c)), "")
            kind = "proof"
        self._boxed(kind, head, [child for child in rest if not _is_title(child)], level)

    def _folded_proof(self, node: nodes.Element, level: int) -> None:
        """What follows the idea of a proof; the first child is the line that unfolds it."""
        inner = self._inside(node.children[1:], level)
        self.blocks.append(fold(node.children[0].astext(), "\n\n".join(filter(str.strip, inner.blocks))))

    def _solution(self, node: nodes.Element, level: int) -> None:
        title = next((self.prose.inline(c) for c in node.children if _is_title(c)), "Solution")
        inner = self._inside([c for c in node.children if not _is_title(c)], level, folded=True)
        self.blocks.append(fold(title, "\n\n".join(filter(str.strip, inner.blocks))))

    def _admonition(self, node: nodes.Element, level: int) -> None:
        title = next((self.prose.inline(c) for c in node.children if isinstance(c, nodes.title)), "")
        children = [child for child in node.children if not isinstance(child, nodes.title)]
        classes = node.get("classes", [])
        if "dropdown" in classes:
            inner = self._inside(children, level)
            self.blocks.append(fold(title, "\n\n".join(filter(str.strip, inner.blocks))))
            return
        kind = next((name for name in ("important", "tip", "proof") if name in classes), "note")
        self._boxed(kind, f"**{title}**" if title else "", children, level)

    def _links(self, line: nodes.Element) -> str:
        """Which claims concern a theorem: their names, as the cells that make them have them."""
        links = [child for child in line.children if isinstance(child, nodes.reference)]
        names = (pending(f"`{link.astext()}`", self.prose.docname, link.get("refuri", "")) for link in links)
        return f"{line.children[0].astext()}{', '.join(names)}"

    def _self_check(self, node: nodes.Element) -> None:
        self._flush()
        label = "# Check yourself: run this cell, and answer below it (practice, never graded)"
        name = f"question-{next(iter(node.get('ids', [])), '')}"[:64]
        source = f'{label}\nself_check("{packed(self.question(node))}")'
        self.cells.append(new_code_cell(source, metadata=FOLDED, id=name))


def _is_title(node: nodes.Node) -> bool:
    return isinstance(node, nodes.title) or node.__class__.__name__.endswith("title")


def _is_output(block: nodes.literal_block) -> bool:
    return isinstance(block.parent, nodes.Element) and block.parent.get("nb_element") == "cell_code_output"
