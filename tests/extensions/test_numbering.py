"""Numbers by chapter: what is counted, what every reference calls it, and what an edit renumbers."""

import json
import os
import posixpath
import re
import subprocess
import sys
from functools import cache
from itertools import groupby
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote

import pytest
import yaml
from browser import ROOT
from bs4 import BeautifulSoup, SoupStrainer, Tag
from test_build import build, make_book

from tools import pdf

SITE = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
LISTED = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
MODULES = sorted(f"appendix/library/{path.stem}" for path in (ROOT / "appendix" / "library").glob("*.md"))
ORDER = [*LISTED, *MODULES]
CHAPTERS = [name for name in ORDER if name.startswith("chapters/")]
needs_a_site = pytest.mark.skipif(not (SITE / "claims.json").exists(), reason="there is no site yet: make book")

# Anchors that somebody may have linked to: headings, theorems, equations, figures, exercises, claims, checks.
ANCHORS = {
    "chapters/approximation": (
        "universal-approximation exercises what-the-word-means one-dimension-units-placed-by-hand "
        "what-is-true-about-it def-approximation-universal thm-approximation-universal "
        "prop-approximation-interpolant equation-eq-approximation-digit fig-approximation-explorer "
        "ex-approximation-which sol-approximation-which claim-approximation-sawtooth check-approximation-says"
    ),
    "chapters/convolution": (
        "convolution-and-place exercises shift-in-shift-out what-zeros-at-the-border-tell "
        "infinitely-many-channels prop-convolution-equivariant thm-convolution-average "
        "equation-eq-convolution-alias fig-convolution-shift ex-convolution-fold sol-convolution-fold "
        "claim-convolution-stride check-convolution-five"
    ),
    "chapters/depth": (
        "how-many-layers exercises what-can-be-represented what-a-gradient-sees thm-depth-shallow "
        "thm-depth-chain prop-depth-narrow equation-eq-depth-time fig-depth-fold ex-depth-widest "
        "sol-depth-widest claim-depth-fold check-depth-five"
    ),
    "chapters/dynamics": (
        "training-in-function-space exercises three-objects-that-follow-the-same-equation mode-by-mode "
        "thm-dyn-stable prop-dyn-linear equation-eq-dyn-split fig-dynamics-harmonics ex-dyn-time sol-dyn-time "
        "claim-dynamics-third check-dyn-modes"
    ),
    "chapters/double-descent": (
        "double-descent exercises the-exact-risk where-the-noise-goes thm-descent-risk thm-descent-ridge "
        "thm-descent-limit thm-descent-half thm-descent-tempered equation-eq-descent-risk fig-descent-fits "
        "fig-descent-curve ex-descent-risk sol-descent-risk ex-descent-ranks claim-descent-wild check-descent-data"
    ),
    "chapters/feature-learning": (
        "feature-learning exercises what-no-fixed-kernel-can-do which-rate-for-which-width thm-features-count "
        "thm-features-units equation-eq-features-silent fig-feat-bits ex-feat-step sol-feat-step "
        "claim-feat-rich-three check-feat-first"
    ),
    "chapters/finite-width": (
        "finite-width exercises four-distances the-fluctuation-at-the-start thm-finite-drift "
        "prop-finite-motion equation-eq-finite-velocity fig-finite-gaps ex-finite-linear "
        "sol-finite-linear claim-finite-limit-gap check-finite-distance"
    ),
    "chapters/information": (
        "what-does-a-layer-forget exercises the-bottleneck a-layer-without-noise thm-info-bottleneck "
        "thm-info-onset prop-info-bins equation-eq-info-lagrangian fig-info-plane ex-info-step sol-info-step "
        "claim-info-whole check-info-lost"
    ),
    "chapters/kernels": (
        "kernels exercises what-a-kernel-is the-space-of-functions-behind-it def-ker thm-aronszajn "
        "prop-features equation-eq-rkhs-norm fig-ker-explorer ex-ker-convention sol-ker-convention "
        "claim-ker-reproducing check-ker-convention"
    ),
    "chapters/learnability": (
        "what-a-kernel-learns-from-n-examples exercises a-budget-of-n what-the-eigenvalues-say digits "
        "def-nfl-learnability thm-nfl-conservation prop-nfl-mode equation-eq-nfl-theory fig-nfl-degrees "
        "ex-nfl-neighbours sol-nfl-neighbours claim-nfl-degrees check-learn-sum"
    ),
    "chapters/laziness": (
        "lazy-training exercises laziness-is-a-scale a-theorem-for-the-network-you-have thm-finite-certificate "
        "prop-finite-alpha equation-eq-finite-phase fig-finite-explorer ex-finite-scale sol-finite-scale "
        "claim-finite-certificate check-lazy-line"
    ),
    "chapters/nngp": (
        "random-networks-are-gaussian-processes exercises one-hidden-layer-is-a-sum-of-independent-terms "
        "more-layers-what-must-be-exchangeable thm-nngp-clt prop-nngp-kurtosis equation-eq-nngp-recursion "
        "fig-nngp-histogram ex-nngp-signs sol-nngp-signs claim-nngp-bottleneck check-nngp-outputs"
    ),
    "chapters/no-free-lunch": (
        "no-free-lunch exercises every-target-every-learner what-is-gained-is-paid-for def-nfl-closed "
        "thm-nfl-wolpert prop-nfl-uniform equation-eq-nfl-cells fig-nfl-explorer ex-nfl-parity sol-nfl-parity "
        "claim-nfl-balance check-nfl-average"
    ),
    "chapters/ntk": (
        "the-tangent-kernel exercises what-one-step-does one-hidden-layer-the-limit-is-an-average def-ntk "
        "thm-one-layer prop-step equation-eq-empirical fig-explore-limit ex-bias sol-bias claim-ntk-slope-two "
        "check-ntk-width"
    ),
    "chapters/parametric": (
        "parametric-or-not exercises what-a-model-can-follow fixed-and-growing-capacity def-smoother "
        "thm-df-trace prop-laplace equation-eq-df-sum fig-par-explorer ex-par-sine sol-par-sine "
        "claim-par-df-laplace-50 check-par-definition"
    ),
    "chapters/path-kernel": (
        "the-path-kernel exercises the-identity an-empty-statement thm-path-identity thm-path-constant "
        "equation-eq-path-identity fig-path-four ex-path-empty sol-path-empty claim-path-sum check-path-four"
    ),
    "chapters/propagation": (
        "gradients-through-depth exercises how-a-gradient-travels-back what-depth-does-to-two-inputs "
        "thm-propagation-gradient prop-nngp-fixed equation-eq-nngp-map fig-nngp-depth ex-nngp-edge sol-nngp-edge "
        "claim-nngp-depth-plain check-propagation-vanish"
    ),
    "chapters/rbm": (
        "boltzmann-machines exercises contrastive-divergence sparsity-against-effort thm-rbm-free thm-rbm-gibbs "
        "def-rbm equation-eq-rbm-bias fig-rbm-fantasies ex-rbm-free sol-rbm-free claim-rbm-gain check-rbm-steps"
    ),
    "chapters/real-data": (
        "kernels-on-real-data exercises how-good-are-they a-student thm-real-size thm-real-student "
        "equation-eq-real-crossover fig-real-bytes ex-real-leak sol-real-leak claim-real-smaller check-real-small"
    ),
    "chapters/simplicity": (
        "do-networks-prefer-simple-functions exercises what-simple-means what-a-prior-is-worth "
        "thm-simp-chaitin thm-simp-occam prop-simp-angle equation-eq-simp-occam fig-simp-draw ex-simp-enough "
        "sol-simp-enough claim-simp-constant check-simp-constant"
    ),
    "chapters/svm": (
        "support-vectors-relevance-vectors-random-features exercises a-margin-is-a-quadratic-programme "
        "when-can-labels-be-separated def-svm thm-svm-dual prop-svm-radon equation-eq-svm-kkt fig-svm-fourier "
        "ex-svm-radon sol-svm-radon claim-svm-line-degree-two check-svm-removed"
    ),
    "intro": "what-it-answers where-to-begin three-ways-to-read-it",
    "appendix/explorers": "where-the-drawings-come-from a-band-and-lines a-matrix fig-explorers-regions",
    "appendix/teaching": "what-a-course-on-it-can-achieve the-problem-sets check teaching-sandbox teaching-secret",
    "glossary": "term-tangent-kernel",
    "notation": "the-same-everywhere letters-with-more-than-one-meaning",
    "chapters/wavelets": (
        "wavelets exercises haar-s-basis a-convolutional-network-with-fixed-filters thm-wavelets-haar "
        "thm-wavelets-fixed prop-wavelets-values equation-eq-wavelets-scattering fig-wavelets-terms fig-wavelets-noise "
        "ex-wavelets-haar sol-wavelets-haar claim-wavelets-values check-wavelets-terms"
    ),
    "chapters/operators": (
        "operators exercises pairs-of-functions a-fourier-layer thm-operators-hopf thm-operators-curse "
        "prop-operators-multiplier equation-eq-operators-layer fig-operators-answers fig-operators-cost "
        "ex-operators-sine sol-operators-sine claim-operators-share check-operators-worst"
    ),
    "chapters/algorithms": (
        "networks-and-algorithms exercises far-along-a-line turing-complete thm-algorithms-rays "
        "thm-algorithms-compound prop-algorithms-pass equation-eq-algorithms-stack fig-algorithms-paths "
        "ex-algorithms-code sol-algorithms-code claim-algorithms-row check-algorithms-larger"
    ),
}
HEAVY = re.compile(r"<mjx-container.*?</mjx-container>|<svg.*?</svg>|<script.*?</script>|<pre>.*?</pre>", re.DOTALL)
KINDS = ("Theorem", "Lemma", "Proposition", "Corollary", "Definition", "Remark", "Example", "Assumption", "Algorithm")
LABEL = re.compile(
    rf"(?:{'|'.join([*KINDS, 'Figure', 'Fig.', 'Table', 'Exercise'])}) \d[\d.]*|\(\d[\d.]*\)", re.IGNORECASE
)
NUMBERED = "div.proof.admonition[id], div.exercise.admonition[id], figure, table, div.math[id]"


def read(site: Path, name: str) -> Tag:
    """The text of a page, without what is large and holds no number."""
    page = HEAVY.sub("", (site / f"{name}.html").read_text(encoding="utf-8"))
    article = BeautifulSoup(page, "html.parser", parse_only=SoupStrainer("article")).find("article")
    assert article is not None
    return article


@cache
def article(name: str) -> Tag:
    return read(SITE, name)


def text(element: Tag) -> str:
    return " ".join(element.get_text().split())


def numbers(page: Tag) -> dict[str, str]:
    """What is numbered on a page, in its order: `Theorem 5.3`, `Figure 5.1`, `(5.1)`, by the anchor."""
    found = {}
    for element in page.select(NUMBERED):
        mark = element.select_one(".eqno, .caption-number")
        if mark is not None:
            found[str(element["id"])] = re.sub(r"#$", "", text(mark)).strip()
    return found


def counted(label: str) -> tuple[str, tuple[int, ...]]:
    """What counts a label, and the number.

    >>> counted("Lemma 5.4"), counted("(5.12)")
    (('theorem', (5, 4)), ('equation', (5, 12)))
    """
    word, _, number = label.strip("()").rpartition(" ")
    counter = "theorem" if word in KINDS else word.lower() or "equation"
    return counter, tuple(map(int, number.split(".")))


def check_counting(pages: list[tuple[int | None, Tag]], kinds: set[str]) -> None:
    """Hold numbers to the chapters in which they stand; pages without a number share their counters."""
    plain: dict[str, int] = {}
    met = set()
    for chapter, page in pages:
        ordered = sorted(map(counted, numbers(page).values()), key=lambda item: item[0])  # stable: as on the page
        for counter, group in groupby(ordered, key=lambda item: item[0]):
            got = [number for _, number in group]
            met.add(counter)
            if chapter is None:
                first = plain.get(counter, 0) + 1
                plain[counter] = plain.get(counter, 0) + len(got)
                assert got == [(place,) for place in range(first, first + len(got))]
            else:
                assert got == [(chapter, place) for place in range(1, len(got) + 1)]
    assert met >= kinds


def check_references(site: Path, pages: dict[str, Tag]) -> int:
    """Hold the text of every link to the number of what it leads to; returns how many were held."""
    known = {name: numbers(page) for name, page in pages.items()}
    held = 0
    for name, page in pages.items():
        for link in page.select("a[href*='#']:not(.headerlink)"):
            path, _, anchor = str(link["href"]).partition("#")
            said = LABEL.match(text(link))
            if ":" in path or said is None:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else f"{name}.html"
            number = known[target.removesuffix(".html")].get(unquote(anchor), "nothing")
            assert said[0].lower() == number.lower(), f"{name}: {text(link)!r} leads to {number}"
            held += 1
    return held


# This book.


@needs_a_site
def test_chapters_are_numbered_in_the_order_of_the_book_and_nothing_else_is():
    for number, name in enumerate(CHAPTERS, 1):
        page = (SITE / f"{name}.html").read_text(encoding="utf-8")
        heading = text(article(name).select_one("h1"))
        assert heading.startswith(f"{number} · ")
        assert f"<title>{heading.removesuffix('#')} — " in page
        assert [text(mark) for mark in article(name).select(".section-number")] == [f"{number} ·"], "a section has one"
        sidebar = re.search(r'<nav class="bd-links.*?</nav>', page, re.DOTALL)[0]
        listed = re.findall(r'<a class="[^"]*reference internal" href="[^"]*">\s*(\d[^<]*?)\s*</a>', sidebar)
        assert [entry.split(" ")[0] for entry in listed] == [str(n) for n in range(1, len(CHAPTERS) + 1)]
    for name in set(ORDER) - set(CHAPTERS) - {"genindex"}:
        assert not article(name).select(".section-number")
    listed = article("intro").select("dt a[href^='chapters/']")
    for link in listed:
        number = CHAPTERS.index(str(link["href"]).removesuffix(".html")) + 1
        assert text(link).startswith(f"{number} · ")
    assert listed


@needs_a_site
def test_everything_is_counted_within_its_chapter_and_elsewhere_through():
    pages = [
        (CHAPTERS.index(name) + 1 if name in CHAPTERS else None, article(name)) for name in ORDER if name != "genindex"
    ]
    check_counting(pages, {"theorem", "equation", "figure", "exercise"})
    every = [label for _, page in pages for label in map(counted, numbers(page).values())]
    assert len(set(every)) == len(every) > 200


@needs_a_site
def test_every_reference_says_the_number_of_what_it_leads_to():
    assert check_references(SITE, {name: article(name) for name in ORDER if name != "genindex"}) > 400


@needs_a_site
def test_the_index_gives_the_numbers_of_theorems():
    page = (SITE / "genindex.html").read_text(encoding="utf-8")
    listed = re.findall(r'<a href="([^"#]+)\.html#([^"]+)">[^<]*\((\w+) ([\d.]+)\)</a>', page)
    for name, anchor, kind, number in listed:
        assert numbers(article(name))[anchor] == f"{kind.capitalize()} {number}"
    assert len(listed) > 50
    assert not re.search(rf"\((?:{'|'.join(KINDS)})\)</a>", page, re.IGNORECASE)


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_notebook_has_the_numbers_of_its_page(name):
    cells = json.loads((SITE / "_sources" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    written = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    labels = {label for label in numbers(article(name)).values() if label.strip("()") == label}
    assert (
        set(re.findall(rf"^>? ?\*\*((?:{'|'.join([*KINDS, 'Figure', 'Exercise'])}) [\d.]*\d)", written, re.M)) == labels
    )
    assert written.startswith(f"# {CHAPTERS.index(name) + 1} · ")
    tagged = set(re.findall(r"\\tag\{([\d.]+)\}", written))
    assert tagged <= {label.strip("()") for label in numbers(article(name)).values() if label.startswith("(")}
    assert tagged


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_site_without_solutions_has_the_same_numbers(name):
    """What is numbered in a solution comes last of its kind, so that nothing outside changes when it is left out."""
    hidden = {str(element["id"]) for element in article(name).select(".solution [id]")}
    for _, group in groupby(
        sorted(numbers(article(name)).items(), key=lambda item: counted(item[1])), lambda i: counted(i[1])[0]
    ):
        inside = [anchor in hidden for anchor, _ in group]
        assert inside == sorted(inside)


@needs_a_site
@pytest.mark.parametrize("name", ANCHORS)
def test_what_somebody_linked_to_is_still_there(name):
    page = (SITE / f"{name}.html").read_text(encoding="utf-8")
    assert [anchor for anchor in ANCHORS[name].split() if f' id="{anchor}"' not in page] == []


# A small book.

DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle cx="4" cy="4" r="3"/></svg>'
PAGE = """# The NAME page

CARD

See {prf:ref}`lem-OTHER`, {eq}`eq-OTHER`, {numref}`fig-OTHER` and {ref}`ex-OTHER`, after {doc}`/chapters/first`.

```{prf:definition}
:label: def-NAME

A thing.
```

## A section

```{prf:lemma}
:label: lem-NAME

It is one.
```

```{prf:proof}
By {prf:ref}`def-NAME`.
```

```{no-numerical-check} lem-NAME
It is a word.
```

$$ 1 + 1 = 2 $$ (eq-NAME)

```{figure} /dot.svg
:name: fig-NAME
:alt: A dot.

A dot.
```

```{exercise} Count
:label: ex-NAME

How many?
```

```{solution} ex-NAME
:label: sol-NAME

One.
```
"""
CARD = """```{chapter-card}
:about: It is about one thing.
:needs: first

nothing.

- count.
```"""
PAGES = ["chapters/first", "chapters/second", "chapters/third", "extra"]


def page_of(name: str, other: str, card: str = "") -> str:
    return PAGE.replace("NAME", name).replace("OTHER", other).replace("CARD", card)


def toc_of(*parts: list[str]) -> str:
    listed = [
        {"caption": f"Part {place}", "numbered": 1, "chapters": [{"file": f"chapters/{name}"} for name in names]}
        for place, names in enumerate(parts)
    ]
    return yaml.safe_dump(
        {"format": "jb-book", "root": "intro", "parts": [*listed, {"caption": "End", "chapters": [{"file": "extra"}]}]}
    )


def labels(book: Path, name: str) -> list[str]:
    return list(numbers(read(book / "_build" / "html", name)).values())


def of(chapter: int | str) -> list[str]:
    """The numbers on an unchanged page."""
    dot = f"{chapter}." if chapter else ""
    return [f"Definition {dot}1", f"Lemma {dot}2", f"({dot}1)", f"Figure {dot}1", f"Exercise {dot}1"]


def contents(book: Path) -> list[str]:
    """What the sidebar of every page says, if all say the same."""
    said = set()
    for page in [*(book / "_build" / "html").glob("chapters/*.html"), book / "_build" / "html" / "extra.html"]:
        sidebar = re.search(r'<nav class="bd-links.*?</nav>', page.read_text(encoding="utf-8"), re.DOTALL)[0]
        said.add(tuple(re.findall(r"(?:\d · )?The \w+ page", sidebar)))
    (only,) = said
    return list(only)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Two parts with three chapters, each of which refers to another, and a page without a number."""
    book = make_book(tmp_path_factory.mktemp("numbered"), {}, openings=False)
    (book / "chapters").mkdir()
    (book / "dot.svg").write_text(DOT, encoding="utf-8")
    (book / "chapters" / "first.md").write_text(
        page_of("first", "third", CARD.replace(":needs: first\n", "")), encoding="utf-8"
    )
    (book / "chapters" / "second.md").write_text(page_of("second", "first", CARD), encoding="utf-8")
    (book / "chapters" / "third.md").write_text(page_of("third", "second", CARD), encoding="utf-8")
    (book / "extra.md").write_text(page_of("extra", "first"), encoding="utf-8")
    (book / "intro.md").write_text(
        "# A small book\n\n{doc}`chapters/second`\n: A chapter.\n\n```{chapter-map}\n```\n", encoding="utf-8"
    )
    (book / "_toc.yml").write_text(toc_of(["first", "second"], ["third"]), encoding="utf-8")
    status, output = build(book)
    assert status == 0, output
    return book


def test_numbers_run_through_the_parts_and_references_follow(small):
    site = small / "_build" / "html"
    assert [labels(small, name) for name in PAGES] == [of(1), of(2), of(3), of("")]
    assert contents(small) == ["1 · The first page", "2 · The second page", "3 · The third page", "The extra page"]
    assert check_references(site, {name: read(site, name) for name in PAGES}) == 5 * len(PAGES) + len(PAGES)
    shown = text(read(site, "chapters/second"))
    assert "See Lemma 1.2, (1.1), Figure 1.1 and Exercise 1.1, after The first page." in shown
    assert "Read first 1 · The first page." in shown
    assert "Solution to Exercise 2.1 (Count)" in shown
    front = (site / "intro.html").read_text(encoding="utf-8")
    assert 'href="chapters/second.html"><span class="doc">2 · The second page</span></a></dt>' in front
    assert re.findall(r"<tspan[^>]*>(\d · The \w+ page) </tspan>", front) == [
        "1 · The first page", "2 · The second page", "3 · The third page",
    ]  # fmt: skip
    previews = (site / "_previews" / "chapters" / "second.js").read_text(encoding="utf-8")
    assert "Lemma 1.2" in previews


def test_the_printed_book_has_the_numbers_in_its_contents(small, browser, tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")
    pages = [f"{name}.html" for name in PAGES]
    command = [sys.executable, "-m", "tools.pdf", "--out", str(tmp_path / "book.pdf")]
    done = subprocess.run(
        command, cwd=small, env={**os.environ, "PYTHONPATH": str(small)}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert pdf.contents(small / "_toc.yml")[0] == ["intro.html", *pages]
    book = pypdf.PdfReader(tmp_path / "book.pdf")
    texts = [" ".join(normalize("NFKC", page.extract_text()).split()) for page in book.pages]
    assert re.search(r"1 · The first page \d+ .*3 · The third page \d+ .*End The extra page \d+", texts[1])
    assert "3 · The third page" in [entry["/Title"] for entry in book.outline if isinstance(entry, dict)]


def test_a_chapter_alone_has_the_numbers_of_the_book(small):
    command = [sys.executable, "-m", "tools.build", "--chapter", "second"]
    done = subprocess.run(
        command, cwd=small, env={**os.environ, "PYTHONPATH": str(small)}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    alone = read(small / "_build" / "chapter" / "second" / "_build" / "html", "chapters/second")
    assert list(numbers(alone).values()) == of(2)
    assert [text(mark) for mark in alone.select(".section-number")] == ["2 ·"]


def test_prose_is_edited_without_counting_every_page_again(small):
    file, kept = (
        small / "chapters" / "first.md",
        small / "_build" / ".doctrees" / "extra.doctree",
    )  # nothing refers to it
    whole, age = kept.read_bytes(), kept.stat()
    kept.write_bytes(b"whoever reads this stops")
    os.utime(kept, ns=(age.st_atime_ns, age.st_mtime_ns))
    file.write_text(file.read_text(encoding="utf-8") + "\nA sentence more.\n", encoding="utf-8")
    status, said = build(small)
    kept.write_bytes(whole)
    os.utime(kept, ns=(age.st_atime_ns, age.st_mtime_ns))
    assert status == 0, said
    assert labels(small, "chapters/first") == of(1), "the numbers of a page that is read again are remembered"
    assert "A sentence more." in text(read(small / "_build" / "html", "chapters/first"))


def test_a_new_theorem_renumbers_its_chapter_everywhere_and_nothing_else(small):
    site = small / "_build" / "html"
    before = {name: (site / f"{name}.html").read_bytes() for name in PAGES}
    file = small / "chapters" / "first.md"
    added = "```{prf:remark}\n:label: rem-new\n\nIt comes first.\n```\n\n```{prf:definition}"
    file.write_text(file.read_text(encoding="utf-8").replace("```{prf:definition}", added, 1), encoding="utf-8")
    assert build(small)[0] == 0
    assert labels(small, "chapters/first") == ["Remark 1.1", "Definition 1.2", "Lemma 1.3", *of(1)[2:]]
    assert [labels(small, name) for name in PAGES[1:]] == [of(2), of(3), of("")]
    assert "See Lemma 1.3, (1.1)" in text(read(site, "chapters/second")), "it has to be written again"
    check_references(site, {name: read(site, name) for name in PAGES})
    written = [name for name in PAGES if (site / f"{name}.html").read_bytes() != before[name]]
    assert written == ["chapters/first", "chapters/second", "extra"], "the third refers to the second"


def test_an_inserted_chapter_renumbers_those_that_follow(small):
    (small / "chapters" / "new.md").write_text(page_of("new", "second"), encoding="utf-8")
    (small / "_toc.yml").write_text(toc_of(["first", "new", "second"], ["third"]), encoding="utf-8")
    assert build(small)[0] == 0
    assert [labels(small, name) for name in ["chapters/new", *PAGES[1:]]] == [of(2), of(3), of(4), of("")]
    assert contents(small)[:4] == [
        "1 · The first page",
        "2 · The new page",
        "3 · The second page",
        "4 · The third page",
    ]
    site = small / "_build" / "html"
    pages = {name: read(site, name) for name in [*PAGES, "chapters/new"]}
    assert check_references(site, pages) == 6 * len(pages)
    assert "2 · The new page" in (site / "chapters" / "first.html").read_text(encoding="utf-8"), "what comes next"
