"""The book as an EPUB: a small one is made whole and held to the standard, and what a reader would miss fails."""

import datetime
import re
import shutil
import zipfile
from xml.etree import ElementTree as ET

import pytest
from browser import ROOT
from test_build import build, chapter, make_book

from tools import epub
from tools.epub_pages import Article, file_name

HOME = "https://example.org/book/"
ABOUT = {"title": "A small & simple book", "author": "We", "date": datetime.date(2026, 3, 4)}
PAGES = ["intro.html", "sound.html", "other.html", "other/inner.html"]
XHTML = "{http://www.w3.org/1999/xhtml}"
OTHER = """# Another page

See [the other](sound.md) and $e^{i\\pi} = -1$, [what is left out](last.md).

## A section with $x_i$

$$
\\begin{aligned}
a &= \\frac12\\sum_{i=1}^n\\sqrt{x_i}, \\\\ \\underbrace{b}_{\\text{bias}} &\\le \\mathcal N(0, 1)
\\end{aligned}
$$ (eq-a)

As {eq}`eq-a` shows.

```{admonition} Folded
:class: dropdown

The solution is here.
```

| one | two |
|---|--:|
| a | 1 |

:::{self-check}
:name: check-a

Is it so?

- right: So it is.

  It is.
- wrong: It is not.

  It is, though.
:::
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("epub")
    (folder / "other").mkdir()
    pages = {"sound": chapter("sound"), "other": OTHER, "other/inner": "# A page below\n", "last": "# Last\n"}
    book = make_book(folder, pages)
    status, output = build(book)
    assert status == 0, output
    return book / "_build" / "html"


def made(site, target, home=HOME, pages=PAGES):
    epub.make(site, pages, {"sound.html": "A part"}, target, **ABOUT, home=home)
    return zipfile.ZipFile(target)


def test_it_is_a_valid_epub(site, tmp_path):
    archive = made(site, tmp_path / "book.epub")
    found = epub.complaints(tmp_path / "book.epub")
    if found is None:
        pytest.skip(f"no epubcheck or no Java: {epub.MISSING}")
    assert found == []
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(broken, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(
                name, content.replace(b"<ol>", b"<ul>").replace(b"</ol>", b"</ul>") if "nav" in name else content
            )
    assert any("ERROR" in line for line in epub.complaints(broken)), "epubcheck is not asked"


def test_its_files_are_there_in_order_and_the_same_every_time(site, tmp_path):
    archive = made(site, tmp_path / "book.epub")
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert archive.read("mimetype") == b"application/epub+zip"
    package = ET.fromstring(archive.read("EPUB/book.opf"))
    items = {item.get("href"): item for item in package.iter("{http://www.idpf.org/2007/opf}item")}
    assert {f"EPUB/{name}" for name in items} == {n for n in archive.namelist() if n.startswith("EPUB/")} - {
        "EPUB/book.opf"
    }
    assert items["images/cover.png"].get("properties") == "cover-image"
    assert items["other.xhtml"].get("properties") == "mathml"
    ids = {item.get("id"): name for name, item in items.items()}
    spine = [ids[ref.get("idref")] for ref in package.iter("{http://www.idpf.org/2007/opf}itemref")]
    assert spine == ["cover.xhtml", "nav.xhtml", *map(file_name, PAGES)]
    assert "A small &amp; simple book" in archive.read("EPUB/book.opf").decode()
    made(site, tmp_path / "again.epub")
    assert (tmp_path / "book.epub").read_bytes() == (tmp_path / "again.epub").read_bytes()


def test_contents_lead_to_parts_pages_and_sections(site, tmp_path):
    navigation = ET.fromstring(made(site, tmp_path / "book.epub").read("EPUB/nav.xhtml"))
    [part] = [item for item in navigation.iter(f"{XHTML}li") if item.findtext(f"{XHTML}span") == "A part"]
    links = {"".join(link.itertext()): link.get("href") for link in part.iter(f"{XHTML}a")}
    assert links["Another page"] == "other.xhtml"
    assert links["A page below"] == "other-inner.xhtml"
    assert next(iter(navigation.iter(f"{XHTML}a"))).get("href") == "intro.xhtml"
    [section] = [to for name, to in links.items() if name.startswith("A section with")]
    assert section.startswith("other.xhtml#")


def test_a_page_has_its_text_and_nothing_that_only_a_browser_can_do(site, tmp_path):
    archive = made(site, tmp_path / "book.epub")
    text = archive.read("EPUB/other.xhtml").decode()
    page = ET.fromstring(text)
    tags = {node.tag.rpartition("}")[2] for node in page.iter()}
    assert not tags & {"script", "button", "input", "details", "summary", "mjx-container", "mjx-c", "style"}
    math = list(page.iter("{http://www.w3.org/1998/Math/MathML}math"))
    assert [formula.get("alttext") for formula in math][:2] == ["e to the i pi end power equals minus 1", "x sub i"]
    assert math[2].get("display") == "block"
    assert "The solution is here." in text
    assert "So it is." in text
    links = {"".join(link.itertext()).strip(): link.get("href") for link in page.iter(f"{XHTML}a")}
    assert links["the other"] == "sound.xhtml"
    assert links["what is left out"] == f"{HOME}last.html"
    assert links["(1)"].startswith("other.xhtml#equation-eq-a")
    assert re.search(r'<td class="[^"]*text-right[^"]*"><p>1</p>', text)
    without = ET.fromstring(made(site, tmp_path / "nowhere.epub", home="").read("EPUB/other.xhtml"))
    assert {"".join(a.itertext()).strip(): a.get("href") for a in without.iter(f"{XHTML}a")}["what is left out"] is None


def test_an_explorer_is_its_still_and_a_drawing_is_whole(tmp_path):
    still = "iVBORw0KGgo="
    (tmp_path / "a.svg").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "a" "b">\n<svg viewBox="0 0 1 1"/>', encoding="utf-8"
    )
    (tmp_path / "page.html").write_text(
        f"""<article class="bd-article"><h1>T</h1><figure id="f"><div class="ntk-explorer">
        <img alt="What it shows" src="data:image/png;base64,{still}"><script type="text/plain">data</script>
        </div></figure>
        <img alt="drawn" src="a.svg"><svg viewBox="0 0 2 2"><path d="M0 0"></path></svg></article>""",
        encoding="utf-8",
    )
    article = Article(tmp_path, "page.html")
    page = ET.fromstring(article.write({"page.html": {"f"}}, HOME))
    first, second = page.iter(f"{XHTML}img")
    assert first.get("alt") == "What it shows"
    assert article.pictures[first.get("src").removeprefix("images/")] == b"\x89PNG\r\n\x1a\n"
    assert article.pictures["a.svg"] == b'<svg viewBox="0 0 1 1"/>'
    assert second.get("src") == "images/a.svg"
    [drawing] = page.iter("{http://www.w3.org/2000/svg}svg")
    assert drawing.get("viewBox") == "0 0 2 2"
    assert [link.get("href") for link in page.iter(f"{XHTML}a")] == [f"{HOME}page.html#f"]
    assert "answers on its page" in "".join(page.itertext())
    assert "data" not in "".join(page.itertext())


def test_what_a_reader_would_miss_fails(site, tmp_path):
    broken = tmp_path / "html"
    shutil.copytree(site, broken)
    page = broken / "sound.html"
    whole = page.read_text(encoding="utf-8")
    page.write_text(whole.replace("</article>", '<a href="other.html#gone">there</a></article>'), encoding="utf-8")
    with pytest.raises(epub.DeadLinks, match=r"dead link on sound\.html: other\.html#gone"):
        made(broken, tmp_path / "book.epub")
    page.write_text(whole.replace("</article>", '<img src="gone.png" alt="gone"></article>'), encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        made(broken, tmp_path / "book.epub")
    assert not (tmp_path / "book.epub").exists()


def test_it_says_what_is_missing(tmp_path, capsys):
    assert epub.main(["--site", str(tmp_path)]) == 1
    assert "run 'make book' first" in capsys.readouterr().err


def test_the_whole_book_is_made_for_a_release_and_each_week():
    for name in ("release", "newest"):
        workflow = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        assert re.search(r"make (?:\w+ )*epub", workflow), name
    assert "epubcheck" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
