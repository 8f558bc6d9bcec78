"""What does a folded cell hold, and where does its code stand?

A step of :mod:`extensions.finishing.steps`. The theme calls every fold "Show code cell source", in a box above what the
cell shows. On a page the picture or the sentences come first, and the code in one quiet line below that says what it
is. Imports that stand before an explorer come below it too: it is what a reader should see on the first screen. The
notebook has them in the order of a notebook.
"""

import html

from selectolax.lexbor import LexborNode

from extensions.finishing.page import CODE, Page

THEIRS = "Show code cell source"
CHECKED = "How this was checked"
DRAWN = "How this was drawn"
SHOWN = "How this was computed"
IMPORTS = "Imports and settings"
SOURCE = "The code"


def quiet_code(page: Page) -> None:
    """The folded code of a cell stands below what it shows, in one line that says what it is."""
    imports = []
    for code in page.tree.css("div.cell > details.above-input"):
        summary, cell = code.css_first("summary"), code.parent
        if summary is None or cell is None or not summary.text().strip().startswith(THEIRS):
            continue  # it has a name of its own, such as the check of an exercise
        output = cell.css_first("div.cell_output")
        what = _what(code, output)
        summary.inner_html = html.escape(what)
        code.attrs["class"] = CODE  # and no longer that of the theme's boxes
        if output is not None:
            cell.insert_child(code)  # a copy of it
            code.decompose()
        elif what == IMPORTS:
            imports.append(cell)
    for cell in imports:
        picture = cell.next
        while picture is not None and not picture.is_element_node:
            picture = picture.next
        if picture is not None and "cell" in _classes(picture) and picture.css_first(".ntk-explorer") is not None:
            picture.insert_after(cell)  # a copy of it
            cell.decompose()


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _what(code: LexborNode, output: LexborNode | None) -> str:
    if output is None:
        lines = code.css_first("pre")
        text = (lines.text() if lines is not None else "").lstrip()
        return IMPORTS if text.startswith(("import ", "from ", "%")) else SOURCE
    if output.css_first("details.claim") is not None:
        return CHECKED
    return DRAWN if output.css_first("img, svg, .ntk-explorer") is not None else SHOWN
