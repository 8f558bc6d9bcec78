"""What the page on accessibility says is tested is tested; and what no other test looks at, is looked at here."""

import re
import unicodedata

import pytest
from browser import ROOT
from selectolax.lexbor import LexborHTMLParser

PAGE = (ROOT / "appendix" / "accessibility.md").read_text(encoding="utf-8")
SITE = ROOT / "_build" / "html"
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)
needs_a_site = pytest.mark.skipif(not PAGES, reason="there is no site yet: make book")

# what moves by itself or when something changes, in the shadow of an element as in the page
MOVING = """() => {
  const roots = [document, ...[...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean)];
  const parts = roots.flatMap((root) => [...root.querySelectorAll("*")])
    .flatMap((e) => [null, "::before", "::after"].map((part) => [e, part, getComputedStyle(e, part)]));
  const long = (times) => times.split(",").some((time) => parseFloat(time) > 0);
  return parts.filter(([, , style]) => style.animationName)  // a still behind its explorer has no box and no style
    .filter(([, , style]) =>
      style.animationName !== "none" || (long(style.transitionDuration) && style.transitionProperty !== "none")
    ).map(([e, part]) => e.outerHTML.slice(0, 80) + (part || ""));
}"""

COUNTED = """() => {
  const formulas = [...document.querySelectorAll("[data-mathml]")];
  return [formulas.filter((f) => f.ariaHidden !== "true" && f.ariaLabel).length,
    document.querySelectorAll("mjx-assistive-mml > math").length, document.documentElement.scrollHeight];
}"""


def test_every_statement_names_tests_that_are_there():
    said = PAGE.split("## What is tested")[1].split("\n## ")[0]
    statements = re.split(r"\n\n(?=[A-Z][\w ]+\n: )", said.strip())
    assert len(statements) >= 9
    for statement in statements:
        [named] = re.findall(r"\(`tests/.*`\)$", statement.strip(), re.DOTALL)
        groups = re.findall(r"`(tests/[\w/]+\.py)`: ((?:`[\w-]+`(?:,\s+)?)+)", named)
        assert sum(len(re.findall("`", group)) for _, group in groups) + 2 * len(groups) == named.count("`"), named
        for path, group in groups:
            source = (ROOT / path).read_text(encoding="utf-8")
            for name in re.findall(r"`([\w-]+)`", group):
                assert f"def {name}(" in source or f'"{name}": [' in source, f"{path} has no {name}"


def formulas_without_words(page: str) -> list[str]:
    """The formulas of a page that a screen reader would pass over, or read sign by sign, or that have no MathML."""
    found = []
    for formula in LexborHTMLParser(page).css("mjx-container"):
        named = [part for part in (formula, *formula.iter()) if part.attributes.get("role") == "img"]
        words, mathml = (
            (named[0].attributes.get(name) or "" if named else "") for name in ("aria-label", "data-mathml")
        )
        letters = unicodedata.normalize("NFKC", "".join(re.findall(r">([^<]+)<", mathml)))
        said = [word for word in re.findall("[a-z]{2,}|[a-z]", words.lower()) if word not in ("upper", "end")]
        plain = bool(said or re.search(r"[\d∞…]", words)) and len(words) >= len(letters) / 2
        if len(named) != 1 or formula.text().strip() != named[0].text().strip() or not plain or "<math" not in mathml:
            found.append(formula.text()[:60])
    return found


def test_a_formula_without_words_is_found():
    inside = 'role="img" aria-label="x squared" data-mathml="<math><msup><mi>x</mi><mn>2</mn></msup></math>">𝑥<mjx-c>2'
    inline = f"<mjx-container {inside}</mjx-c></mjx-container>"
    displayed = f"<mjx-container><mjx-math {inside}</mjx-c></mjx-math></mjx-container>"
    for sound in (inline, displayed):
        assert formulas_without_words(sound) == []
        for lost in ('role="img"', "x squared", "<math>"):
            assert len(formulas_without_words(sound.replace(lost, ""))) == 1, lost
    assert len(formulas_without_words(displayed.replace("<mjx-math", "𝑥<mjx-math"))) == 1, (
        "a sign outside of what is named"
    )


@needs_a_site
def test_each_formula_has_words_for_a_screen_reader():
    texts = {path.relative_to(SITE).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
    assert sum(text.count("<mjx-container") for text in texts.values()) > 1000
    assert {name: found for name, text in texts.items() if (found := formulas_without_words(text))} == {}


@needs_a_site
def test_who_wants_to_walk_through_formulas_gets_mathml_by_one_key_and_keeps_it(browser):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()

    def read(of):
        """How many formulas are named in words, how many are MathML, and how tall the page is."""
        page.goto((SITE / of).as_uri())
        page.wait_for_function("[...document.querySelectorAll('.ntk-explorer')].every((e) => e.shadowRoot)")
        return page.evaluate(COUNTED)

    named, walked, height = read("chapters/svm.html")
    assert named > 200
    assert walked == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Read formulas as MathML"
    page.keyboard.press("Enter")
    assert page.evaluate(COUNTED) == [0, named, height], "a formula is read twice or not at all, or the page moves"
    tree = context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    heard = [node.get("role", {}).get("value") for node in tree if not node["ignored"]]
    assert heard.count("MathMLMath") >= named / 2, "folded ones are not heard"
    for _ in range(50):  # the browser hands on what is kept to the next page in its own time
        if (counted := read("chapters/ntk.html"))[0] == 0:
            break
        page.wait_for_timeout(100)
    assert counted[:2] == [0, page.locator("[data-mathml]").count()], "it was forgotten"
    page.locator("button.book-mathml").press("Enter")
    assert page.evaluate(COUNTED)[1] == 0
    context.close()


@needs_a_site
def test_who_wants_less_motion_gets_none(browser):
    for name in ("intro.html", "chapters/ntk.html"):
        context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto((SITE / name).as_uri())
        page.wait_for_load_state("load")
        assert page.evaluate(MOVING) == []
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(MOVING) != [], "the test sees no motion where there is some"
        context.close()
