"""Every page of the site as it was built: in Chromium, from `file://`, with the network off.

`.ci/run` builds the book before it tests; elsewhere these are skipped until there is a site.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import ROOT, axe

SITE = ROOT / "_build" / "html"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
NEEDS_A_SITE = "there is no site yet: make book"

# formulas that were not rendered, and references that were not resolved; code may hold all of these
LOOK = r"""
() => {
  const walk = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT);
  const raw = [];
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest("pre, code, script, style, svg, mjx-container, .ntk-explorer, .MathJax")) continue;
    if (/\\[a-zA-Z(\[]|\$[^$]*\$|\?\?\?|\{[a-z:]+\}`/.test(node.data)) raw.push(node.data.trim().slice(0, 80));
  }
  return {
    raw,
    errors: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map((e) => e.textContent),
    unrendered: [...document.querySelectorAll(".math")].filter((e) => !e.querySelector("mjx-container")).length,
    broken: [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src),
    links: [...document.querySelectorAll("main a[href], nav a[href]")].map((a) => a.href),
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    title: document.title,
  };
}
"""


@cache
def anchors(path: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', path.read_text()))


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", PAGES or ["no page"])
def test_a_page_alone(browser, name):
    page = browser.new_context(offline=True, viewport={"width": 390, "height": 844}).new_page()
    outside, failed, said = [], [], []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("requestfailed", lambda r: failed.append(r.url))
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"file://{SITE / name}")
    page.wait_for_load_state("load")
    page.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    found = page.evaluate(LOOK)
    page.context.close()

    assert outside == [], "the page asks for something outside of the site"
    assert failed == [], "a file is missing"
    assert said == [], "the browser complains"
    assert found["raw"] == [], "a formula or a reference was not rendered"
    assert found["errors"] == [], "MathJax does not understand a formula"
    assert found["unrendered"] == 0, "formulas without MathJax"
    assert found["broken"] == [], "a picture cannot be shown"
    assert found["wide"] <= 0, "on a phone the page is wider than the screen"
    assert found["title"].strip()
    dead = []
    for link in found["links"]:
        parts = urlsplit(link)
        if parts.scheme == "file":
            target = Path(unquote(parts.path))
            known = set(found["ids"]) if target == SITE / name else anchors(target) if target.is_file() else None
            if known is None or (target.suffix == ".html" and parts.fragment and unquote(parts.fragment) not in known):
                dead.append(link.removeprefix(f"file://{SITE}/"))
    assert dead == [], "links that lead nowhere"


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES or ["no page"])
def test_nothing_for_axe_to_find(browser, name, scheme):
    page = browser.new_context(offline=True, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto(f"file://{SITE / name}")
    page.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    page.add_script_tag(content=axe())
    # what MathJax makes of a formula is its own affair, and most of a page's elements
    found = page.evaluate("() => axe.run({exclude: ['mjx-container']})")["violations"]
    page.context.close()
    assert [(v["id"], [n["html"][:160] for n in v["nodes"][:5]]) for v in found] == []
