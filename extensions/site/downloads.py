"""How does a reader take a chapter along as a notebook, and open it where there is no installation?

A Sphinx extension. Every chapter becomes a notebook beside its page (``_sources/chapters/NAME.ipynb``), which
:mod:`extensions.site.notebook` writes and :mod:`extensions.site.archives` packs. The menus at the top of a page say
what each download is and, where the repository is known (:mod:`tools.repository`), have the whole book as a release
holds it (:mod:`extensions.site.releases`), and links to Colab, to Binder, to Codespaces, to the source and to a form
for an error on the page. They are ours, in the theme's menus: the theme's own launch buttons would hand Colab the text
of a chapter, which it cannot open.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import nbformat
from sphinx.application import Sphinx

from extensions.authoring.card import cards
from extensions.site.archives import ALL, has_archives, together
from extensions.site.exercises import colab
from extensions.site.notebook import is_notebook, key, notebooks
from extensions.site.releases import downloads as whole_book
from tools import repository


def open_links(where: repository.Repository, docname: str) -> list[tuple[str, str, str]]:
    """What a chapter offers where its repository is known, as (text, address, icon)."""
    slug, ref = where.slug, quote(where.ref, safe="")
    form = {"template": "error.yml", "page": f"{docname}.html", "version": repository.edition()}
    form["title"] = f"Error in {docname}"
    binder = quote(f"lab/tree/lab/{docname.rpartition('/')[2]}.ipynb", safe="")  # where binder/postBuild puts it
    return [
        ("Open in Colab", colab(where, docname), "fas fa-cloud"),
        ("Open in Binder", f"https://mybinder.org/v2/gh/{slug}/{ref}?urlpath={binder}", "fas fa-rocket"),
        (
            "The whole book in Codespaces",
            f"https://codespaces.new/{slug}/tree/{ref}?quickstart=1",
            "fas fa-laptop-code",
        ),
        ("Source on GitHub", f"{where.address}/blob/{ref}/{docname}.md?plain=1", "fas fa-code"),
        ("Report an error", f"{where.address}/issues/new?{urlencode(form)}", "fas fa-bug"),
    ]


def _link(text: str, address: str, icon: str, label: str) -> dict[str, Any]:
    return {"type": "link", "url": address, "text": text, "tooltip": text, "icon": icon, "label": label}


def _name_the_downloads(app: Sphinx, pagename: str, code: bool, context: dict[str, Any], group: dict[str, Any]) -> None:
    """Say of each download what it is, and put those of a notebook first."""
    sources = context["pathto"]("_sources", 1)
    for button in group["buttons"]:
        if button.get("label") == "download-source-button":
            button |= {"text": f"Text of this page ({button['text']})", "tooltip": "As its authors write it"}
        elif button.get("label") == "download-pdf-button":
            button |= {"text": "Print, or save as PDF", "tooltip": "This page, as it is on paper"}
    group["buttons"] += [
        _link(text, address, "fas fa-file-pdf" if address.endswith(".pdf") else "fas fa-book", "download-book-button")
        for text, address in whole_book()
    ]
    if not code:
        return
    links = [("The notebook alone (.ipynb)", f"{pagename}.ipynb", "fas fa-book", "download-notebook-button")]
    tips = ["Its first cell installs what is missing"]
    if has_archives():
        address = f"{pagename}.zip"
        links.insert(0, ("Notebook with what it needs (.zip)", address, "fas fa-suitcase", "download-archive-button"))
        tips.insert(0, "With the library: runs where nothing of the book is installed")
        if cards(app.env):
            links.append(("All chapters as notebooks (.zip)", ALL, "fas fa-layer-group", "download-all-button"))
            tips.append("With the library; the chapters lead to each other")
    group["buttons"][:0] = [
        {**_link(text, f"{sources}/{file}", icon, label), "tooltip": tip}
        for (text, file, icon, label), tip in zip(links, tips, strict=True)
    ]


def _add_buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    buttons = context.get("header_buttons")
    if doctree is None or buttons is None:
        return
    code = is_notebook(app, pagename)
    if code:
        places = (Path(app.outdir) / "_sources" / f"{pagename}.ipynb", together(app, pagename))
        for target, made in zip(places, notebooks(app, pagename, doctree), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(made, target)
    for group in buttons:
        if group.get("label") == "download-buttons":
            _name_the_downloads(app, pagename, code, context, group)
    where = repository.find()
    if where is not None and Path(app.env.doc2path(pagename)).is_file():
        links = [
            _link(text, address, icon, f"open-{text.split()[-1].lower()}-button")
            for text, address, icon in open_links(where, pagename)
            if code or text.startswith(("The whole", "Source", "Report"))
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
