"""How does a reader take a chapter along as a notebook, and open it where there is no installation?

A Sphinx extension. Every chapter becomes a clean notebook beside its page (``_sources/chapters/NAME.ipynb``): the
code cells as they are, without outputs, and the text as plain Markdown, with references, citations and measured
numbers written out, so that it reads the same in JupyterLab, in Colab and on GitHub. Its first cell installs the
library where it is missing. The menus at the top of a chapter get the downloads and, where the repository is known
(:mod:`extensions.repository`), links to Colab, to Binder, to the source and to a form for an error on the page.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jupytext
import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx

from extensions import repository
from extensions.numbering import numbered_title
from extensions.solutions import without_solutions

HEADER = re.compile(r"\A---\n(?:.*\n)*?jupytext:\n(?:.*\n)*?---\n")
BRANCH = "gh-pages"  # where the published site is, and so the notebooks that Colab opens

INSTALL = """\
# What this notebook needs, where it is not installed yet (in Colab, for instance).
import importlib.util

if importlib.util.find_spec("ntklib") is None:
    {command}"""


def install_cell(where: repository.Repository | None) -> str:
    """The code of the first cell: it installs the library and what the chapters import, if it is missing.

    >>> print(install_cell(repository.Repository("someone/book")).splitlines()[-1].strip())
    %pip install --quiet "ntklib[notebook] @ git+https://github.com/someone/book@main"
    """
    if where is None:
        advice = "ntklib is missing: in the folder of the book, run pip install '.[notebook]'"
        return INSTALL.format(command=f'raise ImportError("{advice}")')
    return INSTALL.format(command=f'%pip install --quiet "ntklib[notebook] @ git+{where.address}@{where.ref}"')


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


def is_notebook(app: Sphinx, docname: str) -> bool:
    """Whether a page is a text notebook with code."""
    path = Path(app.env.doc2path(docname))
    return path.suffix == ".md" and path.exists() and bool(HEADER.match(path.read_text(encoding="utf-8")))


def notebook(app: Sphinx, docname: str, doctree: nodes.document) -> Any:
    """A chapter as a notebook without outputs, from its page with everything resolved."""
    numbers, title = app.env.toc_fignumbers.get(docname, {}), numbered_title(app.env, docname)
    macros = (app.config.mathjax3_config or {}).get("tex", {}).get("macros", {})
    text = Path(app.env.doc2path(docname)).read_text(encoding="utf-8")
    if app.config.book_solutions == "hide":
        text = without_solutions(text)
    source = jupytext.reads(text, fmt="md:myst")
    code = [cell.source.rstrip() for cell in source.cells if cell.cell_type == "code"]
    cells = [new_code_cell(install_cell(repository.find())), *Markdown(numbers, macros, title).page(doctree, code)]
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"  # the same page is the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(made)
    return made


def open_links(where: repository.Repository, docname: str) -> list[tuple[str, str, str]]:
    """What a chapter offers where its repository is known, as (text, address, icon)."""
    slug, ref = where.slug, quote(where.ref, safe="")
    form = {"template": "error.yml", "page": f"{docname}.html", "version": repository.edition()}
    form["title"] = f"Error in {docname}"
    return [
        ("Open in Colab", _colab(where, docname), "fas fa-cloud"),
        (
            "Open in Binder",
            f"https://mybinder.org/v2/gh/{slug}/{ref}?urlpath={quote(f'lab/tree/{docname}.md', safe='')}",
            "fas fa-rocket",
        ),
        ("Source on GitHub", f"{where.address}/blob/{ref}/{docname}.md?plain=1", "fas fa-code"),
        ("Report an error", f"{where.address}/issues/new?{urlencode(form)}", "fas fa-bug"),
    ]


def _colab(where: repository.Repository, docname: str) -> str:
    path = f"{where.folder}_sources/{docname}.ipynb"
    return f"https://colab.research.google.com/github/{where.slug}/blob/{BRANCH}/{path}"


def _link(text: str, address: str, icon: str, label: str) -> dict[str, Any]:
    return {"type": "link", "url": address, "text": text, "tooltip": text, "icon": icon, "label": label}


def _add_buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    buttons = context.get("header_buttons")
    if doctree is None or buttons is None:
        return
    code = is_notebook(app, pagename)
    if code:
        target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(app, pagename, doctree), target)
        for group in buttons:
            if group.get("label") == "download-buttons":
                address = f"{context['pathto']('_sources', 1)}/{pagename}.ipynb"
                link = _link(".ipynb", address, "fas fa-book", "download-notebook-button")
                group["buttons"].insert(0, {**link, "tooltip": "Download as a notebook"})
    where = repository.find()
    if where is not None and Path(app.env.doc2path(pagename)).is_file():
        links = [
            _link(text, address, icon, f"open-{text.split()[-1].lower()}-button")
            for text, address, icon in open_links(where, pagename)
            if code or text.startswith(("Source", "Report"))
        ]
        buttons.insert(
            0,
            {
                "type": "group",
                "tooltip": "Open or report this page",
                "icon": "fas fa-rocket",
                "buttons": links,
                "label": "open-buttons",
            },
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.solutions")
    app.connect("html-page-context", _add_buttons, priority=700)  # the theme has made its menus by then
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
