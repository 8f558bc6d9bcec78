"""Where on a page is the code that makes its claims?

A step of :mod:`extensions.finishing.steps`. The notebook has the cell first and what comes of it below; on the page a
reader wants the sentences, and the code if they doubt them.
"""

from extensions.finishing.page import CLAIM_CODE, Page

LABEL = "How this was checked"


def code_below(page: Page) -> None:
    """The folded code of a cell that makes claims stands below them, under a name that says what it is."""
    for output in page.tree.css("div.cell_output:has(> details.claim)"):
        cell = output.parent
        code = cell.css_first("details.above-input") if cell is not None else None
        if cell is None or code is None:
            continue
        summary = code.css_first("summary")
        if summary is not None:
            summary.inner_html = LABEL
        code.attrs["class"] = CLAIM_CODE  # and no longer that of the theme's boxes
        cell.insert_child(code)  # a copy of it
        code.decompose()
