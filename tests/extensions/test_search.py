"""The search finds what a student types, from `file://` and with the network off."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from browser import ROOT

from extensions.finishing.page import Page
from extensions.finishing.search import passages

SITE = ROOT / "_build" / "html"
QUESTIONS = yaml.safe_load(Path(__file__).with_name("search_questions.yml").read_text(encoding="utf-8"))
needs_a_site = pytest.mark.skipif(not (SITE / "_static" / "passages.js").exists(), reason="no site yet: make book")


@pytest.fixture(scope="module")
def ask(browser):
    """Asks the page of the search, and returns the addresses that it gives; nothing may complain."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"file://{SITE / 'search.html'}?q=kernel")
    page.locator("#search-results .search-summary").wait_for()

    def asked(question: str) -> list[str]:
        page.fill(".bd-search-container input[name=q]", question)
        page.press(".bd-search-container input[name=q]", "Enter")
        return page.eval_on_selector_all("#search-results li a", "all => all.map((a) => a.getAttribute('href'))")

    asked.page = page
    yield asked
    context.close()
    assert wrong == [], "the search complains"


def test_there_are_questions_enough():
    assert len(QUESTIONS) >= 40


@needs_a_site
def test_places_that_are_to_be_found_exist():
    for place in {place for places in QUESTIONS.values() for place in places}:
        name, _, anchor = place.partition("#")
        assert not anchor or f'id="{anchor}"' in (SITE / name).read_text(encoding="utf-8"), place


@needs_a_site
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_a_student_types_is_answered_among_the_first_three(ask, question):
    found = ask(question)
    assert set(found[:3]) & set(QUESTIONS[question]), found[:5]


@needs_a_site
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("regularisation", "regularization"),
        ("behaviour", "behavior"),
        ("nearest neighbours", "nearest neighbor"),
        ("quadratic programme", "quadratic programs"),
        ("NNGP", "neural network Gaussian process"),
        ("represnter theorem", "representer theorem"),
    ],
)
def test_spellings_names_and_a_slip_find_the_same(ask, one, other):
    assert ask(one)[0] == ask(other)[0]


@needs_a_site
def test_the_sentence_that_answers_is_shown(ask):
    ask("spectral bias")
    first = ask.page.locator("#search-results li").first
    assert "frequencies" in first.locator(".search-excerpt").inner_text()
    ask("seventh power of nothing, catapult")
    shown = ask.page.locator("#search-results .search-excerpt").all_inner_texts()
    assert any("catapult" in text.lower() for text in shown)
    assert all(len(text) <= 270 for text in shown)


@needs_a_site
def test_what_is_nowhere_is_not_found(ask):
    assert ask("xylophone") == []
    assert "did not match" in ask.page.locator("#search-results").inner_text()


@needs_a_site
def test_a_question_can_be_linked_to(ask):
    ask("Mercer's theorem")
    assert "q=Mercer" in ask.page.url
    ask.page.reload()
    ask.page.locator("#search-results li a").first.wait_for()
    assert ask.page.input_value(".bd-search-container input[name=q]") == "Mercer's theorem"


PAGE = """
<article class="bd-article"><section id="top">
<h1>1 · Title<a class="headerlink">#</a></h1><p>First.</p><p>Second <em>word</em>s.</p>
<div class="proof theorem" id="thm"><p class="admonition-title">Theorem 1.1</p>
<section class="theorem-content" id="content"><p>It holds.</p></section></div>
<section id="inner"><h2>Inner</h2><p>Deep.</p><div class="math">x</div>
<div class="cell_input"><pre>code</pre></div></section></section>
<dl class="glossary"><dt id="a">one</dt><dt id="b">other</dt><dd><p>Explained.</p></dd></dl></article>
"""


def test_a_passage_has_its_own_words_and_no_others(tmp_path):
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    assert passages(Page(SimpleNamespace(folder=tmp_path), "page.html")) == [
        ["top", "1 · Title", "First. Second words."],
        ["thm", "Theorem 1.1", "It holds."],
        ["inner", "Inner", "Deep. …"],
        ["a", "one", "Explained."],
        ["b", "other", "Explained."],
    ]
