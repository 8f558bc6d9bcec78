"""Makes a deck of slides of each chapter of the built site: ``python -m tools.slides``, or ``make slides``.

The claim, statements without their proofs, figures, explorers that work, what was measured, and the verdict; the prose
is in the speaker's notes (press S). Needs no network when it is shown, also from a double click. Reveal.js, which shows
it, comes from npm when the decks are made.
"""

import argparse
import html
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import deck
from tools.pdf import contents
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
DECKS = ROOT / "_build" / "slides"
REVEAL = ROOT / "_build" / "reveal"
VERSION = "5.2.1"
SHOWN = ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js", "LICENSE")
OURS = ("slides.css", "slides.js")
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-mode="light" data-content_root="./">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{sheet}">
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="slides.css">
{scripts}
</head>
<body>
<div class="reveal"><main class="slides">
{slides}
</main></div>
<script src="reveal/reveal.js"></script>
<script src="reveal/notes.js"></script>
<script src="slides.js"></script>
</body></html>
"""
LIST = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title><link rel="stylesheet" href="slides.css"></head>
<body class="decks"><main><h1>Slides</h1>
<p>A deck for each chapter. Arrows or the space bar turn the pages, S opens the speaker’s notes, ? shows the other keys.
To print one, or to make a PDF of it, follow its second link and print that page.</p>
<ol>{decks}</ol></main></body></html>
"""


class Unmade(Exception):
    """Why there are no slides."""


def fetched(folder: Path) -> bool:
    """Whether reveal.js is there."""
    return all((folder / "node_modules" / "reveal.js" / name).exists() for name in SHOWN)


def reveal(folder: Path = REVEAL) -> Path:
    """The folder of reveal.js, which npm fetches if it is not there.

    Raises:
        Unmade: if it is not there and npm cannot bring it.
    """
    package = folder / "node_modules" / "reveal.js"
    if not fetched(folder):
        npm = shutil.which("npm")
        if npm is None:
            raise Unmade("reveal.js is not there and npm is missing: apt-get install npm")
        command = [npm, "install", "--silent", "--no-save", "--prefix", str(folder), f"reveal.js@{VERSION}"]
        if subprocess.run(command, check=False).returncode or not fetched(folder):
            raise Unmade(f"npm could not bring reveal.js {VERSION}")
    return package


def write(site: Path, page: str, target: Path) -> int:
    """Write the deck of one page into a folder, with what it shows; returns how many slides it has.

    Args:
        site: the folder of the built site.
        page: the address of the page within it.
        target: the folder of the decks.

    Raises:
        Unmade: if the page, or something that it shows, is not in the site.
        ValueError: if the page makes no slides.
    """
    if not (site / page).exists():
        raise Unmade(f"there is no {page} in {site}: run 'make book' first")
    text = (site / page).read_text(encoding="utf-8")
    made = deck.slides(text)
    bodies = "\n".join(_slide(slide) for slide in made)

    def kept(address: str) -> str:
        """The address of a copy, in the folder of the decks, of a file of the site."""
        if re.match(r"(data:|https?:)", address):
            return address
        source = deck.local(site, page, html.unescape(address))
        if not source.is_relative_to(site.resolve()) or not source.is_file():
            raise Unmade(f"{page} shows {address}, which is not in the site")
        copy = target / "shown" / source.relative_to(site.resolve())
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        if copy.suffix == ".css":
            for font in re.findall(r"url\([\"']?([^\"')]+)", source.read_text(encoding="utf-8")):
                beside = (source.parent / font.split("?")[0].split("#")[0]).resolve()
                if not font.startswith("data:") and beside.is_file():
                    there = target / "shown" / beside.relative_to(site.resolve())
                    there.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(beside, there)
        return copy.relative_to(target).as_posix()

    bodies = re.sub(r'(<img\b[^>]*?\bsrc=")([^"]+)', lambda found: found[1] + kept(found[2]), bodies)
    title = re.sub(r"<[^>]+>", "", made[0].title)
    loaded = "\n".join(f'<script defer src="{kept(source)}"></script>' for source in deck.scripts(text))
    whole = PAGE.format(title=title, sheet=kept(deck.sheet(text)), scripts=loaded, slides=bodies)
    (target / Path(page).name).write_text(whole, encoding="utf-8")
    return len(made)


def _slide(slide: deck.Slide) -> str:
    body, spoken = (
        re.sub(r"<(/?)section\b", r"<\1div", text) for text in (slide.body, slide.notes)
    )  # or it is a slide
    head = "" if slide.kind == "claim" else f'<h2 class="slide-section">{slide.title}</h2>\n'
    notes = f'<aside class="notes">{spoken}</aside>\n' if spoken else ""
    return (
        f'<section class="slide-{slide.kind}">{head}<div class="slide-body bd-article"><div class="slide-fit">'
        f"{body}</div></div>\n{notes}</section>"
    )


def make(site: Path, pages: Sequence[str], target: Path, shower: Path) -> dict[str, int]:
    """Write the decks of some pages, the list of them and what shows them; returns the slides of each.

    Args:
        site: the folder of the built site.
        pages: addresses within it.
        target: the folder to write, which is emptied first.
        shower: the folder of reveal.js.

    Raises:
        Unmade: as :func:`write`; nothing that was there is lost then.
    """
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "reveal").mkdir(parents=True)
    for name in SHOWN:
        shutil.copyfile(shower / name, fresh / "reveal" / Path(name).name)
    for name in OURS:
        shutil.copyfile(Path(__file__).with_name(name), fresh / name)
    counts = {page: write(site, page, fresh) for page in pages}
    entries = []
    for page, count in counts.items():
        name = Path(page).name
        title = re.search(r"<title>(.*?)</title>", (fresh / name).read_text(encoding="utf-8"), re.S)
        entries.append(
            f'<li><a href="{name}">{title[1] if title else name}</a>, {count} slides '
            f'(<a href="{name}?print-pdf">to print</a>)</li>'
        )
    (fresh / "index.html").write_text(LIST.format(decks="\n".join(entries)), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the decks and say how many slides each has."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="names of chapters; all, if none is given")
    parser.add_argument("--site", type=Path, default=SITE, help="the built site")
    parser.add_argument("--out", type=Path, default=DECKS, help="the folder to write")
    options = parser.parse_args(arguments)
    chapters = [page for page in contents(ROOT / "_toc.yml")[0] if page.startswith("chapters/")]
    try:
        for name in options.chapter:
            if f"chapters/{name}.html" not in chapters:
                raise Unmade(f"chapter must be one of the book's, such as 'ntk', got {name!r}")
        pages = [f"chapters/{name}.html" for name in options.chapter] or chapters
        counts = make(options.site, pages, options.out, reveal())
    except Unmade as problem:
        print(f"No slides were made: {problem}.", file=sys.stderr)
        return 1
    for page, count in counts.items():
        print(f"{Path(page).stem}: {count} slides")
    print(f"{options.out / 'index.html'} lists them")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
