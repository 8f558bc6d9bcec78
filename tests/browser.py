"""A real Chromium for the tests, the one that prints the book; without it the test is skipped."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chromium import launched

ROOT = Path(__file__).parent.parent
PATIENCE = 180_000  # milliseconds until what never comes is given up; a slow machine comes to the same results

# Sets the page from right to left, and says which of some elements then write their signs, or draw their parts, in
# another order or at other distances than from left to right. In the shadow of an element as in the page.
TURN = """(selectors) => {
  const roots = [document, ...[...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean)];
  const found = roots.flatMap((root) => [...root.querySelectorAll(selectors)]).filter((e) => e.getClientRects().length);
  const places = (element) => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), lefts = [], range = document.createRange();
    while (texts.nextNode()) for (let k = 0; k < Math.min(200, texts.currentNode.data.length); k++) {
      range.setStart(texts.currentNode, k);
      range.setEnd(texts.currentNode, k + 1);
      lefts.push(range.getBoundingClientRect().left);
    }
    for (const part of [...element.querySelectorAll(":not(clipPath, clipPath *)")].slice(0, 200))
      lefts.push(part.getBoundingClientRect().left);
    return lefts.map((left) => Math.round(left - lefts[0]));
  };
  const before = found.map(places);
  document.documentElement.dir = "rtl";
  const turned = found.filter((e, k) => places(e).some((left, part) => Math.abs(left - before[k][part]) > 1));
  return { seen: found.length, turned: turned.map((e) => `${e.localName}: ${e.textContent.slice(0, 60)}`) };
}"""

# What a browser's translation does to a page: each run of text is wrapped twice, and other words stand in its place.
TRANSLATE = """() => {
  const translate = (root) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) found.push(texts.currentNode);
    for (const text of found) {
      const parent = text.parentElement, words = text.data.replace(/[^\\s]/g, "ж");
      if (!text.data.trim() || (parent && parent.closest("script, style, textarea"))) continue;
      if (parent && parent.closest("svg, option, title")) { text.data = words; continue; }
      const [outer, inner] = [document.createElement("font"), document.createElement("font")];
      inner.append(words);
      outer.append(inner);
      text.replaceWith(outer);
    }
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) translate(element.shadowRoot);
  };
  translate(document.body);
}"""


@contextlib.contextmanager
def chromium(*, windowless: bool = False) -> Iterator:
    """A browser; skips the test if there is none."""
    pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(launched(windowless=windowless))
        except FileNotFoundError as missing:
            pytest.skip(str(missing))
        _make_patient(browser)
        yield browser


def _make_patient(browser) -> None:
    """No page of this browser gives up while a busy machine may still be at work."""
    new_context, new_page = browser.new_context, browser.new_page

    def context(**options):
        made = new_context(**options)
        made.set_default_timeout(PATIENCE)
        return made

    def page(**options):
        made = new_page(**options)
        made.set_default_timeout(PATIENCE)
        return made

    browser.new_context, browser.new_page = context, page


@contextlib.contextmanager
def quiet_pages(browser) -> Iterator:
    """Makes new pages, without a network; at the end none has asked for anything outside of the site or stopped."""
    contexts, wrong = [], []

    def new_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "offline": True, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert wrong == []


def axe() -> str:
    """The source of axe-core; skips the test if it is not installed."""
    places = [os.environ.get("AXE_CORE", ""), ROOT / "_build" / "node" / "node_modules" / "axe-core" / "axe.min.js"]
    for place in places:
        if place and Path(place).exists():
            return Path(place).read_text(encoding="utf-8")
    pytest.skip("no axe-core: npm install --prefix _build/node axe-core@4.14.1")
