"""How does a reader take a chapter along as a notebook, and open it where there is no installation?

A Sphinx extension. Every chapter becomes a clean notebook beside its page (``_sources/chapters/NAME.ipynb``): the
code cells as they are, without outputs, and the text as plain Markdown, with references, citations and measured
numbers written out, so that it reads the same in JupyterLab, in Colab and on GitHub. Its first cell installs the
library where it is missing. The menus at the top of a chapter get the downloads and, where the repository is known
(:mod:`tools.repository`), links to Colab, to Binder, to the source and to a form for an error on the page.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jupytext
import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_notebook
from sphinx.application import Sphinx

from extensions.site.notebook_text import Markdown
from extensions.site.solutions import without_solutions
from extensions.typesetting.numbering import numbered_title
from tools import repository

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
    app.setup_extension("extensions.site.solutions")
    app.connect("html-page-context", _add_buttons, priority=700)  # the theme has made its menus by then
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
