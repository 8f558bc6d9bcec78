"""How does a paragraph, a formula, a list or a table of a page read as the Markdown of a notebook?"""

import re

from docutils import nodes

from extensions.site.notebook_links import pending


class Prose:
    """Writes what stands in a resolved page between its cells.

    Args:
        numbers: kind to label to number, as Sphinx counts figures, theorems and exercises on this page.
        macros: of the book's formulas, name to meaning; none takes an argument.
        docname: the page, from which links to others are seen.
    """

    def __init__(self, numbers: dict[str, dict[str, tuple[int, ...]]], macros: dict[str, str], docname: str) -> None:
        self.numbers = numbers
        self.macros = macros
        self.docname = docname

    def tex(self, node: nodes.Element) -> str:
        """A formula without the book's own macros, which notebooks do not know."""
        tex = node.astext().strip()
        for name, meaning in self.macros.items():
            tex = re.sub(rf"\\{name}(?![A-Za-z])", meaning.replace("\\", r"\\"), tex)
        return tex

    def number(self, kind: str, label: str) -> str:
        """The number of a thing on this page; empty if it has none."""
        return ".".join(map(str, self.numbers.get(kind, {}).get(label, ())))

    def text(self, node: nodes.Node) -> str:
        """A block without code cells in it."""
        if isinstance(node, nodes.math_block):
            return self._formula(node)
        if isinstance(node, nodes.literal_block):
            return listing(node.astext(), node.get("language", ""))
        if isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            return "\n".join(self._item(node, item, place) for place, item in enumerate(node.children))
        if isinstance(node, nodes.block_quote):
            return quotation("\n\n".join(self.text(child) for child in node.children))
        if isinstance(node, nodes.table):
            return self._table(node)
        if isinstance(node, nodes.definition_list):
            return "\n\n".join(self.text(item) for item in node.children)
        if isinstance(node, nodes.transition):
            return "---"
        if isinstance(node, nodes.TextElement):
            return self.inline(node)
        if isinstance(node, nodes.Element):
            return "\n\n".join(text for child in node.children if (text := self.text(child)).strip())
        return node.astext()

    def inline(self, node: nodes.Node) -> str:
        """What stands within a line."""
        if isinstance(node, nodes.Text):
            return re.sub(r"([*_`$\[\]<])", r"\\\1", re.sub(r"\s+", " ", node.astext()))
        if isinstance(node, nodes.math):
            return f"${self.tex(node)}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.raw | nodes.image | nodes.comment):
            return ""
        inner = "".join(self.inline(child) for child in node.children)
        if isinstance(node, nodes.emphasis):
            return f"*{inner}*"
        if isinstance(node, nodes.strong):
            return f"**{inner}**"
        if isinstance(node, nodes.reference):
            return pending(inner, self.docname, node.get("refuri", ""))
        return inner

    def _formula(self, node: nodes.Element) -> str:
        tex = self.tex(node)
        shown = self.number("displaymath", next(iter(node.get("ids", [])), ""))
        number = f" \\tag{{{shown}}}" if shown and "\\begin{align}" not in tex else ""
        if "\\\\" in tex and "\\begin{" not in tex:
            tex = f"\\begin{{split}}{tex}\\end{{split}}"
        return f"$$\n{tex}{number}\n$$"

    def _item(self, parent: nodes.Element, item: nodes.Node, place: int) -> str:
        mark = f"{place + 1}." if isinstance(parent, nodes.enumerated_list) else "-"
        lines = "\n\n".join(self.text(child) for child in item.children).splitlines()
        pad = " " * (len(mark) + 1)
        return "\n".join([f"{mark} {lines[0] if lines else ''}", *(f"{pad}{line}".rstrip() for line in lines[1:])])

    def _table(self, table: nodes.Element) -> str:
        rows = []
        for row in table.findall(nodes.row):
            cells = [" ".join(self.text(child) for child in entry.children) for entry in row.children]
            rows.append("| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |")
            if len(rows) == 1:
                rows.append("|" + " --- |" * len(cells))
        titles = [f"**{self.inline(title)}**\n\n" for title in table.children if isinstance(title, nodes.title)]
        return "".join(titles) + "\n".join(rows)


def quotation(text: str) -> str:
    """A text as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def listing(code: str, language: str = "") -> str:
    """A text in a fence that it does not close itself.

    >>> listing("a = '```'", "ipython3")
    "````python\\na = '```'\\n````"
    """
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in re.findall(r"`+", code)), default=0))
    name = "python" if language in ("ipython3", "python", "python3") else ""
    return f"{fence}{name}\n{code}\n{fence}"
