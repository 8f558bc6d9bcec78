"""Which assignment is a notebook of, and whose number is in it? It may have come from anybody, and hold anything."""

import re

from nbformat import NotebookNode

from coursework.masters.cells import grade_id, source_of

VARIANT_SET = re.compile(r"^VARIANT *= *(\d{1,10})\b", re.MULTILINE)
TESTED_WITH = ", with which it was tested"  # ends the note about a notebook that has another student's number


def name_in(notebook: NotebookNode) -> str | None:
    """The name of the assignment that a notebook says it is of; None if it says none.

    >>> from nbformat.v4 import new_notebook
    >>> name_in(new_notebook(metadata={"coursework": {"name": "toy"}}))
    'toy'
    """
    head = notebook.metadata.get("coursework")
    name = head.get("name") if isinstance(head, dict) else None
    return name if isinstance(name, str) else None


def number_in(notebook: NotebookNode) -> int | None:
    """The number of the variant that a notebook holds, whatever else was done to it; None if it holds none.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> number_in(new_notebook(cells=[new_code_cell("VARIANT = 12  # yours")]))
    12
    """
    code = [cell for cell in notebook.get("cells", []) if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    for cell in sorted(code, key=lambda cell: grade_id(cell) != "variant"):
        if match := VARIANT_SET.search(source_of(cell)):
            return int(match[1])
    return None
