"""Cards, the map, the glossary, previews, and what is shared: small books, and the sources of this one."""

import importlib.metadata
import json
import re
import struct
from pathlib import Path

import pytest
import yaml
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from pybtex.database import parse_file
from test_build import build, chapter, make_book

import ntklib
from extensions.authoring.chapter_map import draw
from extensions.authoring.glossary import finder
from extensions.site import sharing
from extensions.site.wrong_address import not_found
from extensions.typesetting.linebreaks import Unbroken

ROOT = Path(__file__).parents[2]
HEAD = chapter("sound").split("# A sound chapter")[0]
TITLES = {"needing": "The needing one", "needed": "The needed one", "where": "Where"}
CARD = "```{{chapter-card}}\n:about: {about}\n{options}\nyou should know nothing.\n\n- count\n```\n"

GLOSSARY = """---
glossary_forms:
  gizmo: [gizmoid]
---
# Glossary

```{glossary}
gizmo
  A thing, $x^2$.

capacity
cap
  What it holds.

NTK
  A kernel, see {prf:ref}`def-known`.
```
"""

NEEDED = f"""# The needed one

{CARD.format(about="What is needed.", options="")}
A heading is left alone, and so is `gizmo` in code.

> A gizmo in a quotation.

The Gizmos and the **capacities** of an ntk are linked once: gizmo, and its cap. {{plain}}`NTK` is not, NTK is.

```{{prf:definition}} Known thing
:label: def-known

A known thing has $y = 1$.
```

## A gizmo in a heading
"""

NEEDING = (
    HEAD
    + f"""# The needing one

{CARD.format(about="What needs.", options=":needs: needed" + chr(10))}
A gizmoid with a capacity, see {{prf:ref}}`def-known`.

## What is true about it

:::{{admonition}} "Gizmos have $x > 1$."
:class: important

**Half true.** They have it by {{prf:ref}}`def-known`, and there are {{claim}}`gizmos` of them. More is not known.
:::

:::{{admonition}} "All is well."
:class: important

**Right.** Nothing is known against it: so it is.
:::

```{{code-cell}}
from ntklib.book import claim

claim("gizmos", 3, 3, source="counted", statement="There are {{measured}} gizmos.")
```

```{{code-cell}}
---
tags: [book-preview]
---
import base64
from IPython.display import SVG, Image

Image(data=base64.b64decode("PIXELS"), format="png")
```

```{{code-cell}}
---
tags: [book-icon]
---
SVG("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>")
```
""".replace(
        "PIXELS",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    )
)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A book of two chapters, a glossary and a map, built with an address."""
    pages = {
        "needed": NEEDED,
        "needing": NEEDING,
        "unlinked": NEEDED.replace("# The needed", "---\nglossary_links: false\n---\n# The unlinked", 1)
        .replace("def-known", "def-other")
        .replace("{prf:ref}", ""),
        "glossary": GLOSSARY,
        "where": "# Where\n\nThe first words. More.\n\n```{chapter-map}\n```\n",
        "genindex": "# Index\n",
        "verdicts": "# Verdicts\n\nIn {minutes}`needing + needed`; {minutes}`both: needing + needed`.\n\n"
        "```{verdicts}\n```\n",
    }
    book = make_book(tmp_path_factory.mktemp("small"), pages, openings=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOK_URL", "https://example.org/book")
        for page in ("needed", "unlinked"):  # definitions need no proof, and these pages execute nothing
            assert "code-cell" not in pages[page]
        status, output = build(book)
    assert status == 0, output
    return book


def page(book: Path, name: str) -> str:
    return (book / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")


def article(book: Path, name: str) -> str:
    return re.search(r'<article class="bd-article".*?</article>', page(book, name), re.DOTALL)[0]


def test_the_card_says_what_was_executed(small):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", article(small, "needing")))
    assert "Read first The needed one." in text
    jax = importlib.metadata.version("jax")
    assert re.search(
        rf"To run it took [\w ]+, without .* Last executed on \d+ [A-Z][a-z]+ 20\d\d with Python 3\S+, JAX {jax},", text
    )
    assert "To run" not in article(small, "needed"), "it has no cells"


def test_the_map_leads_to_the_chapters(small):
    found = article(small, "where")
    assert re.findall(r'<a href="([^"]+)" class="row-\d"', found) == ["needed.html", "needing.html", "unlinked.html"]
    assert 'class="arc needs from-0 to-1"' in found
    assert found.count('class="arc') == 1
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found))
    assert "The needing one needs The needed one." in words
    assert "The needed one needs no other chapter: you can begin here." in words
    assert found.count('class="begin"') == 2  # the needed and the unlinked one


def test_the_verdicts_say_what_the_chapters_say(small):
    found = article(small, "verdicts")
    words = re.sub(r"\s+", " ", re.sub(r"<mjx-assistive.*?</mjx-assistive-mml>|<[^>]+>", "", found))
    assert "Half true. They have it by Definition 1, and there are 3 of them. Decided by Definition 1, the ver" in words
    assert "the verdict in full There are 3 gizmos. measured" in words
    assert '<a class="reference internal" href="needing.html#claim-gizmos">3</a>' in found, "the number leads there"
    assert "“All is well.” Right. Nothing is known against it: so it is. Argued in the verdict in full" in words
    assert 'href="needing.html#what-is-true-about-it"' in found
    assert 'href="needing.html#claim-gizmos"' in found


def test_minutes_to_read(small):
    for name in ("needing", "needed"):
        assert "To read it takes some 5 minutes, 5 with the proofs." in re.sub(r"<[^>]+>", "", article(small, name))
    assert "In 10 minutes; 10 / 10." in article(small, "verdicts")


def test_only_the_first_use_in_running_text_is_linked(small):
    marked = r'<a class="term-link reference internal" href="glossary.html#([^"]+)">(.*?)</a>'
    found = re.findall(marked, article(small, "needed"))
    assert found == [("term-gizmo", "Gizmos"), ("term-capacity", "capacities"), ("term-NTK", "NTK")]
    assert '<span class="plain-words">NTK</span>' in article(small, "needed")
    found = re.findall(marked, article(small, "needing"))
    assert found == [("term-gizmo", "gizmoid"), ("term-capacity", "capacity")]
    assert "term-link" not in article(small, "unlinked")
    assert "term-link" not in article(small, "where"), "it is no chapter"


def test_previews_of_other_pages(small):
    text = (small / "_build" / "html" / "_previews" / "needing.js").read_text(encoding="utf-8")
    shown = json.loads(text.removeprefix("bookPreviews(").rstrip().removesuffix(")"))
    assert shown.keys() == {"glossary.html#term-gizmo", "glossary.html#term-capacity", "needed.html#def-known"}
    assert "A known thing has" in shown["needed.html#def-known"]
    formula = r"\\\(x\^2\\\)|<mjx-container"  # as it stands, or rendered in the build
    assert re.search(formula, shown["glossary.html#term-gizmo"])
    assert all("<a " not in html and " id=" not in html for html in shown.values())


def test_the_index_names_terms_and_definitions(small):
    index = page(small, "genindex")
    for entry, target in {
        "gizmo": "glossary.html#term-gizmo",
        "Known thing (definition 1)": "needed.html#def-known",
    }.items():
        assert re.search(rf'<a href="{re.escape(target)}">(?:<strong>)?{re.escape(entry)}<', index)


def test_what_is_shared(small):
    html = small / "_build" / "html"
    head = page(small, "needing").split("</head>")[0]
    assert '<meta name="description" content="What needs.">' in head
    assert '<meta property="og:title" content="The needing one">' in head
    assert '<meta property="og:url" content="https://example.org/book/needing.html">' in head
    assert '<link rel="canonical" href="https://example.org/book/needing.html">' in head
    assert '<meta name="description" content="The first words. More.">' in page(small, "where")
    assert "<title>The needing one — Wide networks as kernel machines</title>" in head
    assert "<title>Wide networks as kernel machines</title>" in page(small, "intro")
    index = page(small, "index")
    assert 'url=intro.html"' in index
    assert '<meta property="og:title" content="A small book">' in index
    locations = re.findall(r"<loc>(.*?)</loc>", (html / "sitemap.xml").read_text(encoding="utf-8"))
    assert locations[0] == "https://example.org/book/intro.html"
    assert "https://example.org/book/needing.html" in locations
    assert '<a href="https://example.org/book/needed.html">The needed one</a>' in page(small, "404")


def test_each_page_has_a_card_of_its_own_and_the_title_page_its_picture(small):
    html, found = small / "_build" / "html", {}
    for name in ("intro", "needing", "needed", "where"):
        head = page(small, name).split("</head>")[0]
        [address] = re.findall(r'property="og:image" content="https://example\.org/book/([^"]+)"', head)
        assert '<meta name="twitter:card" content="summary_large_image">' in head
        [size] = re.findall(
            r'"og:image:width" content="(\d+)">\s*<meta property="og:image:height" content="(\d+)"', head
        )
        found[name] = (html / address).read_bytes()
        if name == "intro":
            assert address == "_static/preview.png"
        else:
            assert struct.unpack(">II", found[name][16:24]) == tuple(map(int, size))
            assert f'<meta property="og:image:alt" content="{TITLES[name]}">' in head
    assert len(set(found.values())) == 4


def test_pictures_come_from_the_cells_with_their_tags(small):
    static = small / "_build" / "html" / "_static"
    assert (static / "preview.png").read_bytes().startswith(b"\x89PNG")
    assert (static / "icon.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "<img" not in article(small, "needing"), "they are not in the page"
    assert '<link rel="icon" href="_static/icon.svg">' in page(small, "where")


def test_a_build_that_executes_nothing_changes_no_card(small):
    record = small / "_build" / ".jupyter_cache" / "executed_with.json"
    known = json.loads(record.read_text(encoding="utf-8"))
    known["needing"]["versions"]["JAX"] = "0.0.7"
    known["needing"]["date"] = "2001-02-03"
    record.write_text(json.dumps(known), encoding="utf-8")
    source = small / "needing.md"
    source.write_text(source.read_text(encoding="utf-8") + "\nMore words.\n", encoding="utf-8")
    status, output = build(small)
    assert status == 0, output
    assert "executing" not in output
    for name in ("needing", "where", "index"):
        assert '<meta property="og:title"' in page(small, name)
        assert not re.search("og:url|og:image|canonical|https?://", page(small, name).split("</head>")[0])
    assert not (small / "_build" / "html" / "sitemap.xml").exists()
    assert re.search(r"3 February 2001 with Python [\d.]+, JAX 0\.0\.7,", article(small, "needing"))


def test_the_address_is_one(monkeypatch):
    monkeypatch.delenv("BOOK_URL", raising=False)
    assert sharing.site_address() is None
    assert 'href="t.html"' in not_found("B", [("T", "t.html")], None)
    monkeypatch.setenv("BOOK_URL", "example.org")
    with pytest.raises(ValueError, match="BOOK_URL must be an address such as"):
        sharing.site_address()


FAULTY = {
    "unknown": CARD.format(about="A.", options=":needs: nowhere\n"),
    "cardless": CARD.format(about="A.", options=":helps: plain\n"),
    "plain": "Nothing.\n",
    "one": CARD.format(about="A.", options=":needs: two\n"),
    "two": CARD.format(about="A.", options=":helps: one\n"),
    "nothing-afterwards": "```{chapter-card}\n:about: A.\n\nyou should know nothing.\n```\n",
    "about-nothing": "```{chapter-card}\n\nyou should know nothing.\n\n- count\n```\n",
    "glossary": GLOSSARY.split("# Glossary\n", 1)[1].replace("{prf:ref}", ""),
}


def test_faults_stop_the_build(tmp_path):
    pages = {name: f"# {name}\n\n{text}" for name, text in FAULTY.items()}
    pages["glossary"] = "---\nglossary_forms:\n  gadget: [gadgets]\n---\n" + pages["glossary"]
    status, output = build(make_book(tmp_path, pages))
    assert status != 0
    for place, message in {
        "unknown": "the card names nowhere, which is not in the book",
        "cardless": "the card names plain, which has no card",
        "one": "these chapters need each other: one → two → one",
        "nothing-afterwards": "a chapter-card needs a list of what the reader can do afterwards",
        "about-nothing": "a chapter-card needs :about:",
        "glossary": "glossary_forms names 'gadget', which is no term of this glossary",
    }.items():
        assert re.search(rf"{place}\.md:?\d*:? (?:WARNING|ERROR): .*{re.escape(message)}", output), (
            f"{message}\n{output}"
        )


def test_longer_terms_come_first():
    find = finder({"kernel": "kernel", "kernel ridge regression": "krr"})
    assert [match[0] for match in find.finditer("Kernel\nridge regression; kernels, kernel-based")] == [
        "Kernel\nridge regression",
        "kernels",
    ]


def test_the_map_is_drawn_to_its_size():
    rows = [("One", "one.html", [], []), ("Two & more", "two.html", [0], []), ("Three", "three.html", [], [0])]
    svg = draw(rows)
    assert "Two &amp; more" in svg
    assert re.findall(r'class="arc (\w+) from-(\d) to-(\d)"', svg) == [("needs", "0", "1"), ("helps", "0", "2")]


# This book.


def chapters() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [e["file"] for part in toc["parts"] for e in part["chapters"] if e["file"].startswith("chapters/")]


@pytest.mark.parametrize("name", chapters())
def test_every_chapter_has_a_card(name):
    text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    head, card, _ = re.split(r"^(```\{chapter-card\}\n:about: )", text, maxsplit=1, flags=re.MULTILINE)
    assert card, "a card"
    assert re.findall(r"^#+ ", head, re.MULTILINE) == ["# "], "before the first section"
    assert "To run" not in text.split("```{code-cell}")[0], "the card measures it"


def test_every_reference_can_be_followed_and_is_cited():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("", "chapters", "appendix", "ntklib")
        for path in sorted((ROOT / folder).glob("*.[mp][dy]"))
    )
    cited = set()
    for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", sources):
        cited |= {key.strip() for key in group.split(",")}
    cited |= set(re.findall(r"<(\w+)>`", sources))
    cited |= {
        key for text in re.findall(r'source=\(?\s*f?"([^"]*)"', sources) for key in re.findall(r"\w+\d{4}\w*", text)
    }
    entries = parse_file(str(ROOT / "references.bib")).entries
    own = [f"https://{name}/" for name in ("papers.nips.cc", "proceedings.neurips.cc", "proceedings.mlr.press")]
    own.append("https://jmlr.org/papers/")  # these give no DOI
    own += ["https://www.quantamagazine.org/", "https://nautil.us/"]  # articles for the public
    for key, entry in entries.items():
        address = entry.fields.get("url", "")
        assert {"doi", "eprint"} & set(entry.fields) or address.startswith(tuple(own)), f"{key}: neither DOI nor arXiv"
    assert sorted(set(entries) - cited) == [], "in the bibliography, but never cited"


def test_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == ntklib.__version__
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest[1] == ntklib.__version__
    assert f"Version {ntklib.__version__}" in (ROOT / "intro.md").read_text(encoding="utf-8")


def test_the_glossary_explains_what_the_chapters_say():
    text = (ROOT / "glossary.md").read_text(encoding="utf-8")
    forms = yaml.safe_load(text.split("---")[1])["glossary_forms"]
    prose = " ".join((ROOT / f"{name}.md").read_text(encoding="utf-8") for name in chapters())
    block = text.split("```{glossary}\n")[1].split("```")[0]
    entries = [re.findall(r"^(\S.*)$", entry, re.MULTILINE) for entry in block.split("\n\n")]
    terms = [[term for term in names if not term.startswith(":")] for names in entries]
    terms = [names for names in terms if names]
    assert 60 <= len(terms) <= 140
    for names in terms:
        if "(in this book)" in names[0] or names == ["explorer"]:
            continue
        known = {form: names[0] for name in names for form in (name, *forms.get(name, []))}
        assert finder(known).search(prose), f"{names[0]}: no chapter uses it"


def test_the_comma_behind_a_formula_is_tied_to_that_formula():
    document = new_document("page", get_default_settings())
    paragraph = nodes.paragraph()
    document += paragraph
    paragraph += [nodes.emphasis("a", "a"), nodes.Text(", "), nodes.math("b", "b"), nodes.Text(", ")]
    Unbroken(document).run()
    assert document.astext() == "a, b, ", "the comma of another word was taken"
    assert [tied.astext() for tied in paragraph.findall(nodes.inline)] == ["b,"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("with α = 16 or m < −3, at 5 % of C = 1.", "with α~=~16 or m~<~−3, at 5~% of C~=~1."),
        ("the width = 16, 2 = 2, and x = y", "the width = 16, 2 = 2, and x = y"),
    ],
)
def test_a_letter_stays_on_the_line_of_its_value(written, shown):
    document = new_document("page")
    document += (paragraph := nodes.paragraph())
    code = nodes.literal(text="α = 16")
    paragraph += [nodes.Text(written), code]
    Unbroken(document).run()
    assert paragraph[0].astext() == shown.replace("~", "\N{NO-BREAK SPACE}")
    assert code.astext() == "α = 16"
