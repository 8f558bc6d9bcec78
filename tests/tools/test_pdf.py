"""The book on paper: a small one is printed whole, and what a reader would miss on paper fails."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from browser import ROOT
from test_build import build, chapter, make_book

from tools import pdf

pypdf = pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")

HOME = "https://example.org/book/"
OTHER = """# Another page

See [the other](sound.md) and $e^{i\\pi} = -1$.

## A section

```{admonition} Folded
:class: dropdown

The solution is here.
```

""" + "A line.\n\n" * 90  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("paper")
    (folder / "other").mkdir()
    inner = "# A page below\n\n" + "A line.\n\n" * 90
    book = make_book(folder, {"sound": chapter("sound"), "other": OTHER, "other/inner": inner, "last": "# Last\n"})
    status, output = build(book)
    assert status == 0, output
    return book / "_build" / "html"


def printed(site: Path, target: Path) -> int:
    pages = ["intro.html", "sound.html", "other.html", "other/inner.html", "last.html"]
    how = {"title": "A small book", "home": HOME}
    with ThreadPoolExecutor() as pool:  # in a thread of its own: other tests keep a browser open in this one
        return pool.submit(pdf.print_book, site, pages, {"sound.html": "A part"}, target, **how).result()


def lines(page) -> list[str]:
    return page.extract_text(extraction_mode="layout").splitlines()


def test_contents_links_bookmarks_and_running_heads(site, tmp_path):
    target = tmp_path / "book.pdf"
    count = printed(site, target)
    book = pypdf.PdfReader(target)
    assert count == len(book.pages) >= 6
    texts = [" ".join(page.extract_text().split()) for page in book.pages]
    assert "A small book" in texts[0]
    begins = {
        name: next(n for n, t in enumerate(texts[2:], 3) if name in t)
        for name in ("A sound chapter", "Another page", "A page below")
    }
    for name, number in begins.items():
        assert f"{name} {number}" in texts[1], "the number in the contents is wrong"
        assert "A small book" in texts[number - 1], "there is no running head"
        assert re.match(rf"A small book {name} {number}\b", texts[number - 1]), "the running head is wrong"
    indents = {line.strip(" .0123456789"): len(line) - len(line.lstrip()) for line in lines(book.pages[1])}
    assert indents["A page below"] > indents["Another page"] == indents["Last"], (
        "it is not below the page it belongs to"
    )
    everything = " ".join(texts)
    assert "The solution is here." in everything
    assert "Theorem 1" in everything
    bookmarks = [entry["/Title"] for entry in book.outline if isinstance(entry, dict)]
    assert {"Contents", "A sound chapter", "Another page"} <= set(bookmarks)
    assert book.metadata.title == "A small book"
    inside = [a.get_object() for page in book.pages for a in page.get("/Annots", [])]
    assert any("/Dest" in link or link.get("/A", {}).get("/S") == "/GoTo" for link in inside)
    assert not any("127.0.0.1" in str(link.get("/A", {}).get("/URI", "")) for link in inside)
    assert not any("/Image" in str(page.get("/Resources", {}).get("/XObject", {})) for page in book.pages)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ('<img src="gone.png" alt="gone">', "missing picture"),
        ('<a href="other.html#gone">there</a>', r"dead link #p-other\.html--gone"),
        ("<table><tr><td style='min-width: 2000px'>wide</td></tr></table>", r"wider than the page .* <table> wide"),
        ("<pre style='min-width: 900px'>code</pre>", "wider than the page"),
        (
            '<div class="math"><mjx-container display="true"><mjx-math style="display: inline-block; width: 200em">x'
            "</mjx-math></mjx-container></div>",
            "a formula is",
        ),
    ],
)
def test_what_a_reader_would_miss_fails(site, tmp_path, fault, complaint):
    broken = tmp_path / "html"
    shutil.copytree(site, broken)
    page = broken / "sound.html"
    text = page.read_text(encoding="utf-8")
    assert "<h1>" in text
    before, end, after = text.rpartition("</h1>")  # the first one is the theme's, outside of the text
    page.write_text(before + end + fault + after, encoding="utf-8")
    with pytest.raises(pdf.Unprintable, match=complaint):
        printed(broken, tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()


def test_every_page_of_the_book_is_printed_in_its_order():
    pages, parts = pdf.contents(ROOT / "_toc.yml")
    table = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert pages[0] == "intro.html"
    named = [f"{chapter['file']}.html" for part in table["parts"] for chapter in part["chapters"]]
    assert [page for page in pages[1:] if "library/" not in page] == named
    assert parts["chapters/nngp.html"] == "The equivalence"


def test_pages_below_a_page_follow_it(tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("b", "a"):
        (tmp_path / "below" / f"{name}.md").touch()
    sections = [{"glob": "below/*"}, {"file": "last", "sections": [{"file": "inside"}]}]
    table = {"root": "intro", "chapters": [{"file": "one"}, {"file": "two", "sections": sections}, {"file": "three"}]}
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(table), encoding="utf-8")
    names = "intro one two below/a below/b last inside three"
    assert pdf.contents(tmp_path / "_toc.yml") == ([f"{name}.html" for name in names.split()], {})


def test_it_says_what_is_missing(tmp_path, capsys):
    assert pdf.main(["--site", str(tmp_path)]) == 1
    assert "run 'make book' first" in capsys.readouterr().err
