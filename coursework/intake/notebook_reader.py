"""A notebook out of bytes that anyone may have written: what the grader needs of it, or why it is not one."""

import hashlib
import json
from typing import Any

import nbformat
from nbformat import NotebookNode

from coursework.intake.delivery import Unreadable
from coursework.masters.cells import source_of

MAX_CELLS = 2_000
MAX_SOURCE = 2_000_000  # characters of all cells together
MAX_METADATA = 100_000  # characters of one cell's metadata, or of the notebook's
CELLS = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell, "raw": nbformat.v4.new_raw_cell}


def read_notebook(data: bytes) -> NotebookNode:
    """Read a notebook of format 4: its cells, their sources and metadata, without outputs.

    Of pictures in Markdown cells only a fingerprint stays, as `metadata.pictures`; of what widgets showed, nothing.

    >>> data = b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["x = 1\\\\n", "x"]}]}'
    >>> read_notebook(data).cells[0].source
    'x = 1\\nx'

    Raises:
        Unreadable: with a reason that may be shown to the student: empty, not UTF-8, broken JSON, not a notebook,
            another format, or metadata and sizes that no notebook has.
    """
    if not data.strip():
        raise Unreadable("an empty file")
    try:
        raw = json.loads(data.decode("utf-8-sig"))
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Unreadable("not a notebook: not UTF-8 text") from None
    except UnicodeEncodeError:
        raise Unreadable("broken text: half of a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"broken JSON: {error.msg}, line {error.lineno}") from None
    except RecursionError:
        raise Unreadable("broken JSON: nested too deeply") from None
    except ValueError:  # an integer of more digits than Python converts
        raise Unreadable("broken JSON: a number of thousands of digits") from None
    if not isinstance(raw, dict) or "nbformat" not in raw:
        raise Unreadable("not a notebook: JSON without the field nbformat")
    if raw["nbformat"] != 4:
        raise Unreadable(
            f"a notebook of format {str(raw['nbformat'])[:20]}; format 4 is wanted (open it in JupyterLab and save it)"
        )
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("not a notebook: no list of cells")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"{len(cells):,} cells; more than {MAX_CELLS:,} are not read")
    notebook = nbformat.v4.new_notebook(metadata=_metadata(raw.get("metadata", {}), "the notebook"))
    notebook.cells = [_cell(cell, f"cell {number}") for number, cell in enumerate(cells, start=1)]
    if sum(len(cell.source) for cell in notebook.cells) > MAX_SOURCE:
        raise Unreadable(f"cells of more than {MAX_SOURCE:,} characters in all")
    return notebook


def _metadata(metadata: Any, where: str) -> NotebookNode:
    if not isinstance(metadata, dict):
        raise Unreadable(f"broken metadata: that of {where} is a {type(metadata).__name__}, not an object")
    metadata = {key: value for key, value in metadata.items() if key != "widgets"}  # what they showed, as an output
    if len(json.dumps(metadata)) > MAX_METADATA:
        raise Unreadable(f"absurd metadata: that of {where} has more than {MAX_METADATA:,} characters")
    return nbformat.from_dict(metadata)


def _cell(cell: Any, where: str) -> NotebookNode:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str) or cell["cell_type"] not in CELLS:
        raise Unreadable(f"not a notebook: {where} is neither code nor Markdown nor raw text")
    source = cell.get("source", "")
    if not isinstance(source, str) and not (isinstance(source, list) and all(isinstance(line, str) for line in source)):
        raise Unreadable(f"not a notebook: the source of {where} is not text")
    made = CELLS[cell["cell_type"]](source_of(cell), metadata=_metadata(cell.get("metadata", {}), where))
    if cell.get("attachments"):
        made.metadata["pictures"] = hashlib.sha256(json.dumps(cell["attachments"], sort_keys=True).encode()).hexdigest()
    made.id = where.replace(" ", "-")  # a student's may be anything, or twice the same
    return made


def digest(notebook: NotebookNode) -> str:
    """The SHA-256 of what counts in a notebook: cells, sources, metadata; not outputs, nor ids (made up by readers)."""
    cells = [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    return hashlib.sha256(json.dumps([notebook.metadata, cells], sort_keys=True).encode()).hexdigest()
