"""How does a chapter read as a notebook? Its text as plain Markdown, its code as it is, without outputs."""

import re
from typing import Any

from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell


class Markdown:
    """Writes a resolved page as the cells of a notebook.

    Args:
        numbers: kind to label to number, as Sphinx counts figures, theorems and exercises on this page.
        macros: of the book's formulas, name to meaning; none takes an argument.
        title: of the page, with its number.
    """

    def __init__(self, numbers: dict[str, dict[str, tuple[int, ...]]], macros: dict[str, str], title: str = "") -> None:
        self.numbers = numbers
        self.macros = macros
        self.title = title
        self.cells: list[Any] = []
        self.blocks: list[str] = []
        self.code: list[str] = []

    def page(self, document: nodes.document, code: list[str]) -> list[Any]:
        """The cells of a page; `code` are all its code cells in order, of which the page may not show some."""
        self.code = list(code)
        self._children(document, level=0)
        self._flush()
        self._add_code(None, {})
        return self.cells

    def _add_code(self, source: str | None, metadata: dict[str, Any]) -> None:
        """A code cell, and before it, folded, those that the page does not show; all that are left if it is `None`."""
        if source is not None and source.rstrip() not in self.code:
            return  # it is there already
        while self.code:
            text = self.code.pop(0)
            shown = source is not None and text == source.rstrip()
            self.cells.append(new_code_cell(text, metadata=metadata if shown else {"jupyter": {"source_hidden": True}}))
            if shown:
                break

    def _flush(self) -> None:
        text = "\n\n".join(block for block in self.blocks if block.strip())
        self.blocks = []
        if text:
            self.cells.append(new_markdown_cell(text))

    def _children(self, node: nodes.Element, level: int) -> None:
        for child in node.children:
            self._block(child, level)

    def _tex(self, node: nodes.Element) -> str:
        """A formula without the book's own macros, which notebooks do not know."""
        tex = node.astext().strip()
        for name, meaning in self.macros.items():
            tex = re.sub(rf"\\{name}(?![A-Za-z])", meaning.replace("\\", r"\\"), tex)
        return tex

    def _number(self, kind: str, label: str) -> str:
        number = self.numbers.get(kind, {}).get(label, ())
        return ".".join(map(str, number))

    def _block(self, node: nodes.Node, level: int) -> None:
        if not isinstance(node, nodes.Element) or isinstance(
            node, nodes.comment | nodes.substitution_definition | nodes.target | nodes.raw | nodes.system_message
        ):
            return
        kind = node.get("countertype")
        if node.get("nb_element") == "cell_code":
            self._code(node)
        elif "claim" in node.get("classes", []) or node.get("nb_element") == "cell_code_output":
            return
        elif isinstance(node, nodes.section):
            theorem_content = any(name.endswith("-content") for name in node.get("classes", []))
            self._children(node, level if theorem_content else level + 1)
        elif kind or node.tagname in ("exercise_node", "exercise_enumerable_node", "solution_node", "proof_node"):
            self._statement(node, level)
        elif isinstance(node, nodes.title):
            text = self.title if level == 1 and self.title else self._inline(node)
            self.blocks.append("#" * max(level, 1) + " " + text)
        elif isinstance(node, nodes.figure):
            self._figure(node)
        elif isinstance(node, nodes.Admonition):
            self._admonition(node, level)
        elif node.tagname == "self_check_answer":
            self.blocks.append("<details><summary>Show the answer</summary>")
            self._children(node, level)
            self.blocks.append("</details>")
        elif isinstance(node, nodes.container | nodes.compound) or node.tagname.startswith(("details", "self_check")):
            self._children(node, level)
        elif (text := self._text(node)).strip():
            self.blocks.append(text)

    def _code(self, cell: nodes.Element) -> None:
        for source in cell.findall(nodes.literal_block):
            if isinstance(source.parent, nodes.Element) and source.parent.get("nb_element") == "cell_code_source":
                self._flush()
                hidden = "hide-input" in cell.get("cell_metadata", {}).get("tags", [])
                metadata = {"jupyter": {"source_hidden": True}} if hidden else {}
                self._add_code(source.astext(), metadata)
        for figure in cell.findall(nodes.figure):
            self._figure(figure)

    def _figure(self, figure: nodes.Element) -> None:
        label = next(iter(figure.get("ids", [])), "")
        for caption in figure.findall(nodes.caption):
            self.blocks.append(f"**Figure {self._number('figure', label)}.** {self._inline(caption)}")

    def _statement(self, node: nodes.Element, level: int) -> None:
        kind = node.get("countertype") or node.get("type", "")
        rest = list(node.children)
        if node.tagname.startswith("exercise"):
            kind = "exercise"
            title = next((self._inline(c) for c in rest if c.__class__.__name__.endswith("title")), "").strip()
            number = self._number(kind, node.get("label", "") or next(iter(node.get("ids", [])), ""))
            self.blocks.append(f"**Exercise {number}** {title}".rstrip() + ".")
            rest = [child for child in rest if not child.__class__.__name__.endswith("title")]
        elif node.get("countertype"):
            number = self._number(kind, node.get("label", ""))
            self.blocks.append(f"**{node['realtype'].capitalize()} {number}**{node.get('title', '')}".rstrip() + ".")
            rest = [child for child in rest if not isinstance(child, nodes.title)]
        elif (rest and isinstance(rest[0], nodes.title)) or (rest and rest[0].__class__.__name__.endswith("_title")):
            self.blocks.append(f"**{self._inline(rest.pop(0))}**")
        for child in rest:
            self._block(child, level)

    def _admonition(self, node: nodes.Element, level: int) -> None:
        inner = Markdown(self.numbers, self.macros)
        inner.code = self.code
        for child in node.children:
            if isinstance(child, nodes.title):
                inner.blocks.append(f"**{inner._inline(child)}**")
            else:
                inner._block(child, level)
        if inner.cells:  # code inside: it cannot stand in a quotation
            inner._flush()
            self._flush()
            self.cells += inner.cells
        else:
            quoted = "\n\n".join(inner.blocks)
            self.blocks.append("\n".join(f"> {line}".rstrip() for line in quoted.splitlines()))

    def _text(self, node: nodes.Node, indent: str = "") -> str:
        """A block without code in it."""
        if isinstance(node, nodes.math_block):
            tex = self._tex(node)
            shown = self._number("displaymath", next(iter(node.get("ids", [])), ""))
            number = f" \\tag{{{shown}}}" if shown and "\\begin{align}" not in tex else ""
            if "\\\\" in tex and "\\begin{" not in tex:
                tex = f"\\begin{{split}}{tex}\\end{{split}}"
            return f"$$\n{tex}{number}\n$$"
        if isinstance(node, nodes.literal_block):
            return f"```\n{node.astext()}\n```"
        if isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            return "\n".join(self._item(node, item, place) for place, item in enumerate(node.children))
        if isinstance(node, nodes.block_quote):
            inner = "\n\n".join(self._text(child) for child in node.children)
            return "\n".join(f"> {line}".rstrip() for line in inner.splitlines())
        if isinstance(node, nodes.table):
            return self._table(node)
        if isinstance(node, nodes.definition_list):
            return "\n\n".join(self._text(item) for item in node.children)
        if isinstance(node, nodes.transition):
            return "---"
        if isinstance(node, nodes.TextElement):
            return self._inline(node)
        if isinstance(node, nodes.Element):
            return "\n\n".join(text for child in node.children if (text := self._text(child)).strip())
        return node.astext()

    def _item(self, parent: nodes.Element, item: nodes.Node, place: int) -> str:
        mark = f"{place + 1}." if isinstance(parent, nodes.enumerated_list) else "-"
        lines = "\n\n".join(self._text(child) for child in item.children).splitlines()
        pad = " " * (len(mark) + 1)
        return "\n".join([f"{mark} {lines[0] if lines else ''}", *(f"{pad}{line}".rstrip() for line in lines[1:])])

    def _table(self, table: nodes.Element) -> str:
        rows = []
        for row in table.findall(nodes.row):
            cells = [" ".join(self._text(child) for child in entry.children) for entry in row.children]
            rows.append("| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |")
            if len(rows) == 1:
                rows.append("|" + " --- |" * len(cells))
        titles = [f"**{self._inline(title)}**\n\n" for title in table.children if isinstance(title, nodes.title)]
        return "".join(titles) + "\n".join(rows)

    def _inline(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Text):
            return re.sub(r"([*_`$\[\]<])", r"\\\1", re.sub(r"\s+", " ", node.astext()))
        if isinstance(node, nodes.math):
            return f"${self._tex(node)}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.raw | nodes.image | nodes.comment):
            return ""
        inner = "".join(self._inline(child) for child in node.children)
        if isinstance(node, nodes.emphasis):
            return f"*{inner}*"
        if isinstance(node, nodes.strong):
            return f"**{inner}**"
        if isinstance(node, nodes.reference) and "://" in node.get("refuri", ""):
            return f"[{inner}]({node['refuri']})"
        return inner
