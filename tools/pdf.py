"""Prints the whole book from the built site: ``python -m tools.pdf``, or ``make pdf``.

Chromium puts all pages into one document and prints it: contents with page numbers, bookmarks, running heads, links
that work, formulas and figures as vectors. An explorer stands there as a still with the address of its page, a folded
solution unfolded; of a cell whose code the site folds away, only what it shows. What a reader would miss on paper
fails: a picture that is not there, a link that leads nowhere, a formula, table or line of code that is wider than the
page.
"""

import argparse
import datetime
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tools import chromium, repository
from tools.serve import served
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
BOOK = ROOT / "_build" / "book.pdf"
COMPOSE = Path(__file__).with_name("pdf.js")
STYLES = Path(__file__).with_name("pdf.css")

WIDTH = round((210 - 2 * 20) / 25.4 * 96)  # of the text on an A4 page, in CSS pixels
EMPTY = "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'></head><body></body></html>"
logging.getLogger("pypdf").setLevel(logging.ERROR)  # it reports that Chromium counts objects in its own way
SMALLEST = 0.7  # a formula may be printed at this part of its size before it counts as too wide


class Unprintable(Exception):
    """What is wrong with the book on paper, a line each."""


def contents(toc: Path) -> tuple[list[str], dict[str, str]]:
    """The pages of the book in its order, and the caption of the part that begins with a page."""
    table = yaml.safe_load(toc.read_text(encoding="utf-8"))

    def within(entries: list[dict[str, Any]]) -> Iterator[str]:
        for entry in entries:
            files = [entry["file"]] if "file" in entry else []
            for path in sorted(toc.parent.glob(f"{entry['glob']}.md")) if "glob" in entry else ():
                files.append(path.relative_to(toc.parent).as_posix().removesuffix(".md"))
            yield from (f"{file}.html" for file in files)
            yield from within(entry.get("sections", []))

    pages, parts = [f"{table['root']}.html"], {}
    for part in table.get("parts", [table]):
        names = list(within(part["chapters"]))
        if "caption" in part:
            parts[names[0]] = part["caption"]
        pages += names
    return pages, parts


def page_numbers(pdf: Path, names: Sequence[str]) -> dict[str, int]:
    """The page on which each named place of a PDF is, counted from 1."""
    from pypdf import PdfReader

    reader = PdfReader(pdf)
    found = {}
    for name in names:
        destination = reader.named_destinations.get(name) or reader.named_destinations.get(f"/{name}")
        if destination is not None and (number := reader.get_destination_page_number(destination)) is not None:
            found[name] = number + 1
    return found


def once(text: str) -> str:
    """A bookmark without what Chromium writes twice: the first line of a heading.

    >>> once("KernelsKernels"), once("5 · A title of5 · A title oftwo lines"), once("Kernels")
    ('Kernels', '5 · A title of two lines', 'Kernels')
    """
    match = re.fullmatch(r"(.+)\1", text) or re.fullmatch(r"(.{8,})\1(.+)", text)
    return " ".join(match.groups()) if match else text


def finish(draft: Path, target: Path, title: str) -> None:
    """Write the printed book with its title, and with bookmarks that say their heading once."""
    from pypdf import PdfWriter
    from pypdf.generic import NameObject, TextStringObject

    writer = PdfWriter(clone_from=draft)
    waiting: list[Any] = [writer.root_object["/Outlines"].get_object()]
    while waiting:
        item = waiting.pop()
        if "/Title" in item:
            item[NameObject("/Title")] = TextStringObject(once(str(item["/Title"])))
        waiting += [item[key].get_object() for key in ("/First", "/Next") if key in item]
    writer.add_metadata({"/Title": title, "/Creator": title, "/Producer": "Chromium"})
    writer.write(target)


def print_book(site: Path, pages: Sequence[str], parts: dict[str, str], target: Path, *, title: str, home: str) -> int:
    """Print pages of a site, in this order, into one PDF; returns the number of its pages.

    Args:
        site: the folder of the built site.
        pages: addresses within it.
        parts: page to the caption of the part that it begins.
        target: the file to write.
        title: of the book.
        home: where the site is published, ending in a slash; empty where nobody knows.

    Raises:
        Unprintable: if something is missing, leads nowhere or is too wide.
        FileNotFoundError: if there is no Chromium.
    """
    from pypdf import PdfReader

    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    options = {
        "pages": list(pages),
        "parts": parts,
        "title": title,
        "subtitle": ["An executable textbook", f"Version {repository.edition()}, {today}", *([home] if home else [])],
        "home": home,
        "styles": STYLES.read_text(encoding="utf-8"),
    }
    with served(site) as address, chromium.launched() as browser:
        page = browser.new_context(viewport={"width": WIDTH, "height": 1000}, color_scheme="light").new_page()
        missing: list[str] = []
        page.on("response", lambda r: missing.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.route("**/printed.html", lambda route: route.fulfill(body=EMPTY, content_type="text/html"))
        page.goto(f"{address}/printed.html")
        page.add_script_tag(content=COMPOSE.read_text(encoding="utf-8"))
        page.emulate_media(media="print", color_scheme="light")
        page.evaluate("(options) => window.book.compose(options)", options)
        page.evaluate("(smallest) => window.book.fit(smallest)", SMALLEST)
        problems = page.evaluate("() => window.book.problems")
        problems += missing
        if problems:
            raise Unprintable("\n".join(problems))
        names = page.evaluate(
            "() => [...document.querySelectorAll('.pdf-contents a')].map((a) => a.getAttribute('href').slice(1))"
        )
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / "draft.pdf"
            settings: dict[str, Any] = {
                "prefer_css_page_size": True, "print_background": True, "outline": True, "tagged": True,
            }  # fmt: skip
            page.pdf(path=draft, **settings)
            numbers = page_numbers(draft, names)
            if lost := [name for name in names if name not in numbers]:
                raise Unprintable("\n".join(f"not found on any page: {name}" for name in lost))
            # a heading at the foot of a page may move in the next print, though nothing has changed, and then back
            for turn in range(6):
                page.evaluate("(numbers) => window.book.number(numbers)", numbers)
                page.pdf(path=draft, **settings)
                found = page_numbers(draft, names)
                if found == numbers:
                    break
                numbers = found if turn % 2 else numbers
            else:
                raise Unprintable("the page numbers moved each time that they were written into the contents")
            target.parent.mkdir(parents=True, exist_ok=True)
            finish(draft, target, title)
    return len(PdfReader(target).pages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the book and say how large it is, or what is wrong."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.pdf", description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE, help="the built site")
    parser.add_argument("--out", type=Path, default=BOOK, help="the file to write")
    parser.add_argument("--home", default=os.environ.get("BOOK_HOME", ""), help="the address of the published site")
    options = parser.parse_args(arguments)
    try:
        import pypdf  # noqa: F401
    except ImportError:
        print("pypdf is missing: install it with pip, or everything with 'make book'.", file=sys.stderr)
        return 1
    if not (options.site / "index.html").exists():
        print(f"There is no site in {options.site}: run 'make book' first.", file=sys.stderr)
        return 1
    start = time.monotonic()
    pages, parts = contents(ROOT / "_toc.yml")
    title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
    home = options.home and options.home.rstrip("/") + "/"
    print(f"Printing {len(pages)} pages of the site: a minute or two.", flush=True)
    try:
        count = print_book(options.site, pages, parts, options.out, title=title, home=home)
    except FileNotFoundError as problem:
        print(f"The book was not printed: {problem}", file=sys.stderr)
        return 1
    except Unprintable as problems:
        print(f"The book was not printed:\n{problems}", file=sys.stderr)
        return 1
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {count} pages, {size:.1f} MB, in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
