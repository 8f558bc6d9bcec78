"""Releases: what archives and citations say of one, where each stays, and the feed that tells of them."""

import datetime
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from selectolax.lexbor import LexborHTMLParser
from test_build import build, make_book

import ntklib
from extensions.site.feed import ATOM, FILE, feed, sections
from extensions.site.releases import Release, downloads, releases, top

ROOT = Path(__file__).parents[2]
SITE = "https://example.org/book/"
CHANGES = """# Changes

**Next**

- What nobody has yet.

## 0.2.0

Released on 2026-03-04.

- A formula, $x^2 < 3$, and {doc}`another page <appendix/errata>`.

## 0.1.0

Released on 2026-01-02.

- *The first* & only.
"""
ERRATA = "# Errata\n\n```{releases}\n```\n\n```{take-along}\n```\n"
ON_GITHUB = {"BOOK_REPOSITORY": "someone/book", "BOOK_URL": SITE, "GITHUB_REF_TYPE": "", "GITHUB_REF_NAME": ""}
A_RELEASE = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v0.2.0", "BOOK_URL": f"{SITE}v0.2.0/"}


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """A book with two releases and what is not released yet."""
    folder = make_book(tmp_path_factory.mktemp("releases"), {"CHANGELOG": CHANGES})
    (folder / "appendix").mkdir(exist_ok=True)
    (folder / "appendix" / "errata.md").write_text(ERRATA, encoding="utf-8")
    with (folder / "_toc.yml").open("a", encoding="utf-8") as toc:
        toc.write("  - file: appendix/errata\n")
    return folder


def html(book: Path, name: str) -> LexborHTMLParser:
    return LexborHTMLParser((book / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8"))


def links(book: Path, name: str) -> dict[str, str]:
    return {a.text().strip(): a.attributes["href"] or "" for a in html(book, name).css("article a.external")}


def menu(book: Path) -> dict[str, str]:
    """What the download menu of a page has of the whole book."""
    found = {a.text().strip(): a.attributes["href"] or "" for a in html(book, "intro").css("ul.dropdown-menu a")}
    return {text: address for text, address in found.items() if "/releases/" in address}


def of(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return element.findall(f"{{{ATOM}}}{name}")


def test_the_feed_has_an_entry_for_each_release_and_stands_at_the_top_of_the_site(book):
    status, output = build(book, **ON_GITHUB)
    assert status == 0, output
    root = ElementTree.fromstring((book / "_build" / "html" / FILE).read_bytes())
    assert root.tag == f"{{{ATOM}}}feed"
    for element in (root, *of(root, "entry")):  # what RFC 4287 demands
        assert [len(of(element, name)) for name in ("id", "title", "updated")] == [1, 1, 1]
        assert urlsplit(of(element, "id")[0].text).scheme == "https"
        datetime.datetime.strptime(of(element, "updated")[0].text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    assert of(of(root, "author")[0], "name")[0].text == "The authors of the book"
    assert {link.get("rel"): link.get("href") for link in of(root, "link")} == {
        "self": f"{SITE}{FILE}",
        "alternate": f"{SITE}CHANGELOG.html",
    }
    entries = of(root, "entry")
    assert [of(entry, "title")[0].text for entry in entries] == ["Version 0.2.0", "Version 0.1.0"]
    assert [of(entry, "link")[0].get("href") for entry in entries] == [f"{SITE}v0.2.0/", f"{SITE}v0.1.0/"]
    assert [of(entry, "updated")[0].text[:10] for entry in entries] == ["2026-03-04", "2026-01-02"]
    assert of(root, "updated")[0].text == of(entries[0], "updated")[0].text
    said = [of(entry, "content")[0] for entry in entries]
    assert [content.get("type") for content in said] == ["html", "html"]
    assert f'href="{SITE}appendix/errata.html"' in said[0].text
    assert "<em>The first</em> &amp; only." in said[1].text
    assert "What nobody has yet" not in "".join(content.text for content in said)
    for name in ("intro", "appendix/errata", "index"):
        [link] = html(book, name).css('head > link[rel="alternate"][type="application/atom+xml"]')
        assert link.attributes["href"] == f"{SITE}{FILE}"
    assert links(book, "appendix/errata") == {
        f"{SITE}v0.2.0/": f"{SITE}v0.2.0/",
        f"{SITE}v0.1.0/": f"{SITE}v0.1.0/",
        "PDF, EPUB and archive of the newest release": "https://github.com/someone/book/releases/latest",
    }

    assert menu(book) == {
        "PDF, EPUB and archive of the newest release": "https://github.com/someone/book/releases/latest",
    }

    # the same book as a release, in its own folder: the feed is that of the top, and the downloads are its own
    status, output = build(book, **ON_GITHUB | A_RELEASE)
    assert status == 0, output
    assert not (book / "_build" / "html" / FILE).exists()
    [link] = html(book, "intro").css('head > link[type="application/atom+xml"]')
    assert link.attributes["href"] == f"{SITE}{FILE}"
    files = "https://github.com/someone/book/releases/download/v0.2.0/wide-networks-v0.2.0"
    found = links(book, "appendix/errata")
    assert found.pop("the whole book as a PDF") == f"{files}.pdf"
    assert found.pop("the whole book as an EPUB") == f"{files}.epub"
    assert found.pop("the whole book as an archive (.zip)") == f"{files}.zip"
    assert list(found) == [f"{SITE}v0.2.0/", f"{SITE}v0.1.0/"]
    assert menu(book) == {
        "The whole book as a PDF": f"{files}.pdf",
        "The whole book as an EPUB": f"{files}.epub",
        "The whole book as an archive (.zip)": f"{files}.zip",
    }

    # where nobody says where it stands, nothing is promised
    status, output = build(book, BOOK_URL="", BOOK_REPOSITORY="", GITHUB_REPOSITORY="", GIT_DIR="/nowhere")
    assert status == 0, output
    assert not html(book, "intro").css('link[type="application/atom+xml"]')
    assert links(book, "appendix/errata") == menu(book) == {}
    text = html(book, "appendix/errata").css_first("article").text()
    assert "0.2.0, released on 2026-03-04" in text
    assert "make pdf prints the whole book, make epub makes an EPUB of it, make archive packs the site" in text


def test_a_release_without_a_day_stops_the_build(book, tmp_path):
    with pytest.raises(ValueError, match=r"below the heading 0\.1\.0 a line 'Released on 2026-11-22\.' is wanted"):
        releases(CHANGES.replace("Released on 2026-01-02.", "Released in winter."))
    with pytest.raises(ValueError, match="month must be in"):
        releases(CHANGES.replace("2026-01-02", "2026-13-02"))
    with pytest.raises(ValueError, match="a feed needs a release"):
        feed("Book", "Us", SITE, [])


def test_an_entry_is_read_without_the_sheets_of_the_site():
    page = """<article><section id="a"><h1>Changes</h1><section id="id1"><h2>0.1.0<a class="headerlink">#</a></h2>
    <p><mjx-container role="img" aria-label="x" aria-roledescription="formula" style="width:1em"
    data-mathml="<math><mi>x</mi></math>">drawn</mjx-container><a href="../a.html#b">a</a>
    <img src="c.png" alt="c"></p></section></section></article>"""
    said = sections(page, f"{SITE}appendix/changes.html")
    assert said.keys() == {"0.1.0"}
    assert "drawn" not in said["0.1.0"]
    assert "<math><mi>x</mi></math>" in said["0.1.0"]
    assert f'href="{SITE}a.html#b"' in said["0.1.0"]
    assert f'src="{SITE}appendix/c.png"' in said["0.1.0"]
    assert "<h2" not in said["0.1.0"]


def test_the_top_of_the_site_is_above_the_folder_of_a_release(monkeypatch):
    for name, value in (ON_GITHUB | A_RELEASE).items():
        monkeypatch.setenv(name, value)
    assert top() == SITE
    assert len(downloads()) == 3
    monkeypatch.setenv("BOOK_URL", f"{SITE}elsewhere")
    assert top() == f"{SITE}elsewhere/"
    monkeypatch.delenv("BOOK_URL")
    assert top() is None


# This book.


def test_what_archives_and_citations_say_is_what_the_book_says():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert cff.keys() >= {"cff-version", "message", "title", "authors", "abstract", "license", "keywords", "type"}
    assert zenodo.keys() >= {"title", "upload_type", "creators", "description", "license", "access_right", "keywords"}
    names = [author["name"] for author in cff["authors"]]
    assert names == [creator["name"] for creator in zenodo["creators"]]
    assert cff["title"] == zenodo["title"]
    assert cff["abstract"] == re.sub(r"</?p>", "", zenodo["description"])
    assert cff["keywords"] == zenodo["keywords"]
    assert cff["version"] == zenodo["version"] == ntklib.__version__
    assert cff["type"] == zenodo["upload_type"] == "software"

    [newest, *_] = releases((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert cff["date-released"] == newest.date
    assert zenodo["publication_date"] == newest.date.isoformat()
    assert newest.version == ntklib.__version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [author["name"] for author in project["authors"]] == names
    assert project["license"]["text"] == zenodo["license"] == cff["license"][0]
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert {"MIT": "MIT licence", "CC-BY-4.0": "creativecommons.org/licenses/by/4.0/"}.keys() == set(cff["license"])
    assert "MIT licence" in licence
    assert "creativecommons.org/licenses/by/4.0/" in licence
    assert all(name in zenodo["notes"] for name in cff["license"])
    assert f"Copyright (c) {newest.date.year} {names[0][0].lower()}{names[0][1:]}" in licence

    entry = (ROOT / "intro.md").read_text(encoding="utf-8").split("```{code-block} bibtex")[1].split("```")[0]
    assert f"title = {{{cff['title']}}}" in entry
    assert f"author = {{{{{names[0]}}}}}" in entry
    assert f"year = {{{newest.date.year}}}" in entry
    assert f"Version {cff['version']}" in entry
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert settings["author"] == names[0]
    assert cff["title"].startswith(settings["title"])


def test_the_title_page_says_how_to_take_the_book_along():
    assert "```{take-along}\n```" in (ROOT / "intro.md").read_text(encoding="utf-8")


def test_each_release_has_its_errata():
    errata = (ROOT / "appendix" / "errata.md").read_text(encoding="utf-8")
    found = releases((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert re.findall(r"^## Errata of (\S+)$", errata, re.MULTILINE) == [release.version for release in found]
    assert str(Release("1.2.3", datetime.date(2030, 4, 5))) == "1.2.3, released on 2030-04-05"


def test_a_release_is_published_where_the_pages_say():
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert 'publish.sh "$GITHUB_REF_NAME"' in workflow, "in the folder of its tag"
    for kind in ("pdf", "epub", "zip"):
        assert f'"wide-networks-$GITHUB_REF_NAME.{kind}"' in workflow, "attached as releases.downloads says"
    [address] = re.findall(r"BOOK_URL: (.+)", workflow)
    assert address.endswith("/${{ github.ref_name }}/")
