"""Which addresses does the book give away? Each page, and each section, theorem, claim, figure and exercise on it.

    python -m tools.addresses [SITE]            those that the site has and the list has not
    python -m tools.addresses [SITE] --keep     put them into the list, when a release is made

The list is `tests/extensions/addresses.txt`. An address in it works for good: a test follows each one, to its anchor or
by `extensions/site/moved.yml` to where its subject is now.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "extensions" / "addresses.txt"
# numbered by where they stand, or made for a script: nobody is given these
PASSING = re.compile(
    r"id\d+|index-\d+|footnote|codecell|equation-|pst-|__|.*-(?:question|content)$|(?:exercise|solution|proof)-content"
)


def anchors(page: str) -> set[str]:
    """The anchors of a page, from its HTML, that a reader may keep.

    >>> sorted(anchors('<article><h1 id="kernels">Kernels</h1><p id="id3">…</p><p id="thm-mercer">…</p></article>'))
    ['kernels', 'thm-mercer']
    """
    article = LexborHTMLParser(page).css_first("article")
    found = {node.attributes["id"] or "" for node in article.css("[id]")} if article else set()
    return {anchor for anchor in found if anchor and not PASSING.match(anchor)}


def of_site(site: Path) -> Iterator[str]:
    """The addresses of the chapters and of the other pages of a built site, in order."""
    for path in sorted(site.rglob("*.html")):
        page = path.relative_to(site).as_posix()
        if not page.startswith("_"):
            yield page
        if page.startswith("chapters/"):
            yield from (f"{page}#{anchor}" for anchor in sorted(anchors(path.read_text(encoding="utf-8"))))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", nargs="?", type=Path, default=ROOT / "_build" / "html", help="a site that was built")
    parser.add_argument("--keep", action="store_true", help="put what is new into the list")
    options = parser.parse_args()
    if not (options.site / "index.html").is_file():
        parser.error(f"{options.site} is no built site: make book")
    kept = set(LIST.read_text(encoding="utf-8").split())
    new = [address for address in of_site(options.site) if address not in kept]
    print("\n".join(new) or "The list has them all.")
    if options.keep:
        LIST.write_text("\n".join(sorted({*kept, *new})) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
