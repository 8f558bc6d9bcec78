"""What does a link to a page show where it is posted, and on a reader's tab?

A Sphinx extension. Each page gets a description (a chapter's card, else its first paragraph), and where the site's
address is known, by the environment variable `BOOK_URL`, a picture: the one that the title page draws for itself, and
for every other page a card with its title. The tags and the cards are sphinxext-opengraph's. Left to itself it would
describe a chapter by whatever words come first, formulas as TeX and apostrophes as `&#x27;`, and write relative
addresses, which nobody can follow, where the site's is not known: it is told what a page is about, and corrected.

Three cells of the title page draw its picture, the icon and the emblem on the cards; they are tagged `book-preview`,
`book-icon` and `book-emblem`.
"""

import html
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

from extensions.store import changed, findings

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # the font of the cards has one weight

LONGEST = 200
PREVIEW, ICON, EMBLEM = "preview.png", "icon.svg", "emblem.png"
DRAWN = {"book-preview": PREVIEW, "book-icon": ICON, "book-emblem": EMBLEM}  # by the tag of the cell
PREVIEW_SAYS = "Networks of growing width, and the kernel that they fall onto"
BLANK = "blank.png"  # in place of the logo of Sphinx, which a card would have in its corner


def site_address() -> str | None:
    """Where the site is to be found, with a slash at the end; None if nobody said so."""
    address = os.environ.get("BOOK_URL", "").strip()
    if not address:
        return None
    if not re.fullmatch(r"https?://[^\s\"<>]+", address):
        raise ValueError(f"BOOK_URL must be an address such as https://example.org/book/, got {address!r}")
    return address.rstrip("/") + "/"


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut after a sentence or, with an ellipsis, after a word.

    >>> shortened("One. Two three. Four", 16), shortened("One two three", 9)
    ('One. Two three.', 'One two …')
    """
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= longest:
        return line
    sentences = [match.end() for match in re.finditer(r"[.!?](?= )", line[: longest + 1])]
    if sentences and sentences[-1] > longest // 2:
        return line[: sentences[-1]]
    return line[: line.rindex(" ", 0, longest - 1)].rstrip(",;:") + " …"


def first_paragraph(doctree: nodes.document) -> str:
    """The first paragraph of running text that has no formula, or nothing."""
    for paragraph in doctree.findall(nodes.paragraph):
        parent: nodes.Node | None = paragraph.parent
        if not isinstance(parent, nodes.section) or any(True for _ in paragraph.findall(nodes.math)):
            continue
        if text := paragraph.astext().strip():
            return text
    return ""


def _describe(app: Sphinx, doctree: nodes.document) -> None:
    """Remember what a page is about."""
    docname = app.env.docname
    card = findings(app.env, "cards").get(docname)
    text = card["about"] if card else first_paragraph(doctree)
    findings(app.env, "descriptions")[docname] = shortened(text)


class Pictures(SphinxTransform):
    """Takes the cells that draw the pictures out of the page, and keeps what they drew."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Find the cells by their tags."""
        drawn: dict[str, bytes] = {}
        for cell in list(self.document.findall(nodes.container)):
            for tag, name in DRAWN.items():
                if f"tag_{tag}" in cell["classes"]:
                    for image in cell.findall(nodes.image):
                        path = Path(self.env.app.outdir).parent / "jupyter_execute" / Path(image["uri"]).name
                        if path.suffix == Path(name).suffix and path.exists():
                            drawn[name] = path.read_bytes()
                    cell.parent.remove(cell)
        if drawn:
            findings(self.env, "drawn")[self.env.docname] = drawn


def _pictures(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Put the pictures into the site; every page has to be written again when there are others."""
    if app.builder.format != "html":
        return []
    drawn = {name: content for page in findings(env, "drawn").values() for name, content in page.items()}
    for name, content in drawn.items():
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        (Path(app.outdir) / "_static" / name).write_bytes(content)
    return sorted(env.all_docs) if changed(env, "shared", sorted(drawn)) else []


def _configure(app: Sphinx, config: Config) -> None:
    """Tell Sphinx and the package where the site is."""
    config.html_baseurl = config.ogp_site_url = site_address() or ""
    config.ogp_site_name = config.html_title or config.project
    config.ogp_type = "article"
    config.ogp_social_cards = {"enable": False}  # they are drawn here, with our description


def card(app: Sphinx, pagename: str, title: str, description: str) -> str:
    """The path within the site of a page's card, which is drawn if no build before has done so."""
    from sphinxext.opengraph import (
        create_social_card,
    )  # with matplotlib, for which other users of this module need not wait

    static, blank = Path(app.outdir) / "_static", Path(app.doctreedir) / BLANK
    if not blank.exists():
        Image.new("RGBA", (1, 1)).save(blank)
    look: dict[str, Any] = {"image_mini": os.path.relpath(blank, app.srcdir), "line_color": "#1f6fb4"}
    if (static / EMBLEM).exists():
        look["image"] = os.path.relpath(static / EMBLEM, app.srcdir)
    words = [text.replace("$", r"\$") for text in (app.config.ogp_site_name, title, description)]
    site = app.config.ogp_site_url.partition("://")[2]
    where = {"srcdir": app.srcdir, "outdir": app.outdir, "env": app.env}
    return create_social_card(look, *words, site, pagename, **where).as_posix()


def _picture(app: Sphinx, pagename: str, title: str, description: str) -> dict[str, str]:
    """What a page's tags say about its picture."""
    if pagename == app.config.root_doc and (Path(app.outdir) / "_static" / PREVIEW).exists():
        path, width, height, says = f"_static/{PREVIEW}", 1200, 630, PREVIEW_SAYS
    else:
        path, width, height, says = card(app, pagename, title, description), 1146, 600, title
    facts = {"og:image": path, "og:image:width": str(width), "og:image:height": str(height)}
    return facts | {"og:image:alt": html.escape(says)}


def _describe_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Before the package writes its tags: what they have to say."""
    if doctree is None:  # what Sphinx adds, as the index
        return
    title = re.sub(r"<[^>]+>", "", html.unescape(str(context.get("title", ""))))
    description = findings(app.env, "descriptions").get(pagename, "")
    facts = {"og:title": html.escape(title)}
    named = {"twitter:card": "summary_large_image" if app.config.ogp_site_url else "summary"}
    if description:
        facts["og:description"] = named["description"] = html.escape(description)
    if app.config.ogp_site_url:
        facts |= _picture(app, pagename, title, description)
    context["meta"] = (context.get("meta") or {}) | facts
    context["metatags"] += "".join(f'<meta name="{name}" content="{value}" />\n' for name, value in named.items())


def _head(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """After the package and the theme: no address that is not one, and our icon."""
    if doctree is not None and not app.config.ogp_site_url:
        context["metatags"] = re.sub(r'<meta property="og:url"[^>]*>\s*', "", context["metatags"])
    if ICON in {name for page in findings(app.env, "drawn").values() for name in page}:
        icon = context["favicon_url"] = context["pathto"](f"_static/{ICON}", 1)
        logo = {"text": context.get("docstitle", ""), **(context.get("theme_logo") or {})}
        context["theme_logo"] = {**logo, "image_relative": {"light": icon, "dark": icon}}


@contextmanager
def _without_cards() -> Iterator[None]:
    """Import without what draws cards: none is drawn where the address is not known, and matplotlib takes a second."""
    drawing = "sphinxext.opengraph._social_cards"
    with patch.dict(sys.modules, {drawing: None}), redirect_stdout(StringIO()):  # it says that there will be none
        yield


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    with nullcontext() if site_address() else _without_cards():
        app.setup_extension("sphinxext.opengraph")
    app.connect("config-inited", _configure, priority=900)
    app.connect("doctree-read", _describe)
    app.connect("env-updated", _pictures)
    app.add_transform(Pictures)
    app.connect("html-page-context", _describe_page, priority=400)
    app.connect("html-page-context", _head, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
