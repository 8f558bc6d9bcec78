"""The search of the site works from `file://` with the network off."""

import pytest
from browser import ROOT

SITE = ROOT / "_build" / "html"


@pytest.mark.skipif(not SITE.exists(), reason="there is no site yet: make book")
@pytest.mark.parametrize(
    ("words", "page"), [("representer", "chapters/kernels.html"), ("sawtooth", "approximation.html")]
)
def test_a_word_is_found(browser, words, page):
    context = browser.new_context(offline=True)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    opened.goto(f"file://{SITE / 'search.html'}?q={words}")
    opened.wait_for_function(
        "() => document.querySelector('#search-results .search-summary')?.textContent.match(/found/)"
    )
    opened.wait_for_selector("#search-results li a")
    links = opened.eval_on_selector_all("#search-results li a", "all => all.map((a) => a.href)")
    context.close()
    assert any(page in link for link in links), links
    assert wrong == [], "the search complains"


@pytest.mark.skipif(not SITE.exists(), reason="there is no site yet: make book")
def test_what_is_nowhere_is_not_found(browser):
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.goto(f"file://{SITE / 'search.html'}?q=xylophone")
    opened.wait_for_function("() => document.querySelector('#search-results')?.textContent.includes('did not match')")
    assert opened.query_selector("#search-results li") is None
    context.close()
