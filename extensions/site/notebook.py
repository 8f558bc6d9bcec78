"""What is the notebook of a chapter? Its page with everything resolved, as one file that other programs open.

:func:`notebooks` is the one writer of notebooks: the page's download and the working copies of ``make lab`` are what it
makes. The text is plain Markdown with references, citations and measured numbers written out; code cells keep what they
showed when the book was built; an exercise has a cell for its answer and one that checks it, its solution is folded
text, so that the notebook goes through from top to bottom before anything is solved. The first cell installs the
library where it is missing. A notebook that is taken along alone leads to the book's site, one of all to the others.
"""

import copy
import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from myst_nb.core.read import create_nb_reader
from nbformat.v4 import new_code_cell, new_notebook
from sphinx.application import Sphinx

from extensions.execution.fingerprint import with_fingerprint
from extensions.finishing.pictures import lighter_drawing
from extensions.site.archives import beside, wheel_address
from extensions.site.exercises import exercises
from extensions.site.notebook_install import install_cell
from extensions.site.notebook_links import settled
from extensions.site.notebook_prose import Prose
from extensions.site.notebook_text import FOLDED, Page
from extensions.site.sharing import site_address
from extensions.site.solutions import without_solutions
from extensions.typesetting.numbering import numbered_title
from ntklib.book.practice.selfcheck import SCRIPT, SHEET, bundle, unpacked
from tools import editions, repository

HEADER = re.compile(r"\A---\n(?:.*\n)*?jupytext:\n(?:.*\n)*?---\n")
EXPLORER = '<div class="ntk-explorer">'
# Jupyter shows no drawing of a notebook that was downloaded and not yet run: in its place, not the name of a type
UNSEEN = "Run this cell to see its figure."
GROUND = '<rect width="100%" height="100%" fill="white"/>'  # the lines are black, and a notebook may be dark
QUESTION = re.compile(r'^self_check\("([^"]+)"\)$', re.MULTILINE)


def is_notebook(app: Sphinx, docname: str) -> bool:
    """Whether a page is a text notebook with code."""
    path = Path(app.env.doc2path(docname))
    return path.suffix == ".md" and path.exists() and bool(HEADER.match(path.read_text(encoding="utf-8")))


def notebooks(app: Sphinx, docname: str, doctree: nodes.document) -> tuple[Any, Any]:
    """A chapter as a notebook, from its page with everything resolved: for itself, and for among the others."""
    macros = (app.config.mathjax3_config or {}).get("tex", {}).get("macros", {})
    prose = Prose(app.env.toc_fignumbers.get(docname, {}), macros, docname)
    text = Path(app.env.doc2path(docname)).read_text(encoding="utf-8")
    shown = without_solutions(text) if app.config.book_solutions == "hide" else text
    code = [cell.source.rstrip() for cell in jupytext.reads(shown, fmt="md:myst").cells if cell.cell_type == "code"]
    page = Page(
        prose, lambda node: _question(app, prose, node), exercises(text), numbered_title(app.env, docname), code
    )
    install = install_cell(repository.find(), wheel_address())
    cells = [new_code_cell(install, metadata=FOLDED), *page.read(doctree)]
    for place, cell in enumerate(cells):
        if not re.match(r"(answer|check|question)-", cell["id"]):
            cell["id"] = f"cell-{place}"  # the same page is the same file
    _show(cells, _executed(app, docname, text))
    ways = ((), beside(app, docname))
    alone, together = (_settled(cells, page.passing, text, names) for names in ways)
    return alone, together


def _settled(cells: list[Any], passing: list[str], text: str, names: Collection[str]) -> Any:
    """A notebook whose links lead somewhere, in a folder with the notebooks of these pages."""
    settled_cells = copy.deepcopy(cells)
    for cell in settled_cells:
        if cell.cell_type == "markdown":
            cell.source = settled(cell.source, names, site_address())
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = new_notebook(cells=settled_cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    editions.sign(made, source=text, passing=[settled(piece, names, site_address()) for piece in passing])
    nbformat.validate(made)
    return made


def _question(app: Sphinx, prose: Prose, node: nodes.Element) -> str:
    """A self-check as its page has it, with formulas as they are written: a notebook sets them itself."""
    check = node.deepcopy()  # without its page, which the module `copy` would take along
    for formula in list(check.findall(nodes.math)):
        formula.replace_self(nodes.Text(f"\\({prose.tex(formula)}\\)"))
    for block in list(check.findall(nodes.math_block)):
        block.replace_self(nodes.paragraph("", "", nodes.Text(f"\\[{prose.tex(block)}\\]")))
    for link in list(check.findall(nodes.reference)):
        if "://" not in link.get("refuri", ""):  # it leads to a place on the page
            link.replace_self(nodes.inline("", "", *link.children))
    return app.builder.render_partial(check)["fragment"].strip()  # type: ignore[attr-defined]


def _executed(app: Sphinx, docname: str, text: str) -> list[Any]:
    """The code cells of a chapter with what they showed when it was executed; none where nothing is known of that."""
    config, path = app.env.mystnb_config, app.env.doc2path(docname)  # type: ignore[attr-defined]
    if config.execution_mode != "cache":
        return []
    text, _ = with_fingerprint(text)
    reader = create_nb_reader(str(path), app.env.myst_config, config, text)  # type: ignore[attr-defined]
    try:
        _, found = get_cache(config.execution_cache_path).merge_match_into_notebook(reader.read(text))
    except KeyError:
        return []
    return [cell for cell in found.cells if cell.cell_type == "code"]


def _show(cells: list[Any], executed: list[Any]) -> None:
    """Give each code cell what it showed."""
    waiting = list(executed)
    for cell in cells:
        if cell.cell_type != "code":
            continue
        if (question := QUESTION.search(cell.source)) is not None:
            shown = bundle(unpacked(question[1]))
            cell.outputs = [nbformat.v4.new_output("display_data", shown)]
            continue
        place = next((n for n, other in enumerate(waiting) if other.source.rstrip() == cell.source), None)
        if place is not None:
            cell.outputs = list(_kept(waiting[place].outputs))
            del waiting[: place + 1]


def _kept(outputs: Iterable[Any]) -> Iterable[Any]:
    """What a notebook keeps of outputs: nothing that needs a kernel which is gone, or that only the page asks for."""
    for output in outputs:
        if output.output_type == "stream":
            yield copy.deepcopy(output)
        elif output.output_type in ("display_data", "execute_result"):
            moves = EXPLORER in output.data.get("text/html", "")
            data = {
                kind: value for kind, value in output.data.items() if "papermill" not in kind and "widget" not in kind
            }
            if moves:  # until the cell is run, its picture
                del data["text/html"]
            if "image/svg+xml" in data:
                drawing = lighter_drawing("".join(data["image/svg+xml"]))
                data["image/svg+xml"] = re.sub(r"<svg\b[^>]*>", lambda start: start[0] + GROUND, drawing, count=1)
                data["text/plain"] = UNSEEN
            if data:
                yield nbformat.v4.new_output("display_data", data)


def key() -> str:
    """Changes with what decides how a notebook is written: pages and their notebooks are then written anew."""
    files = [*Path(__file__).parent.glob("notebook*.py"), Path(__file__).with_name("exercises.py"), SCRIPT, SHEET]
    found = repository.find()
    where = f"{site_address()} {found.slug} {found.ref}" if found else f"{site_address()}"
    return hashlib.sha256(where.encode() + b"".join(path.read_bytes() for path in sorted(files))).hexdigest()
