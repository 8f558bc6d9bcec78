"""How does a reader take a chapter along as a notebook, and open it where there is no installation?

A Sphinx extension. Every chapter becomes a notebook beside its page (``_sources/chapters/NAME.ipynb``), which
:mod:`extensions.site.notebook` writes. The menus at the top of a chapter get the downloads and, where the repository is
known (:mod:`tools.repository`), links to Colab, to Binder, to the source and to a form for an error on the page.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import nbformat
from sphinx.application import Sphinx

from extensions.site.exercises import colab
from extensions.site.notebook import is_notebook, key, notebook
from tools import repository


def open_links(where: repository.Repository, docname: str) -> list[tuple[str, str, str]]:
    """What a chapter offers where its repository is known, as (text, address, icon)."""
    slug, ref = where.slug, quote(where.ref, safe="")
    form = {"template": "error.yml", "page": f"{docname}.html", "version": repository.edition()}
    form["title"] = f"Error in {docname}"
    return [
        ("Open in Colab", colab(where, docname), "fas fa-cloud"),
        (
            "Open in Binder",
            f"https://mybinder.org/v2/gh/{slug}/{ref}?urlpath={quote(f'lab/tree/{docname}.md', safe='')}",
            "fas fa-rocket",
        ),
        ("Source on GitHub", f"{where.address}/blob/{ref}/{docname}.md?plain=1", "fas fa-code"),
        ("Report an error", f"{where.address}/issues/new?{urlencode(form)}", "fas fa-bug"),
    ]


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
    app.add_config_value("book_notebooks", key(), "html", str)  # pages whose notebooks were written otherwise
    app.connect("html-page-context", _add_buttons, priority=700)  # the theme has made its menus by then
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
