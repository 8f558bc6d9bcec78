"""What the page on accessibility says is tested is tested; and what no other test looks at, is looked at here."""

import re

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
    """The formulas of a page that a screen reader would pass over, or read twice."""
    found = []
    for formula in LexborHTMLParser(page).css("mjx-container"):
        spoken, drawn = formula.css("mjx-assistive-mml > math"), formula.css("mjx-math")
        hidden = all(part.attributes.get("aria-hidden") == "true" for part in drawn)
        if len(spoken) != 1 or not spoken[0].text().strip() or not hidden:
            found.append(formula.text()[:60])
    return found


def test_a_formula_without_words_is_found():
    spoken = "<mjx-assistive-mml><math><mi>x</mi></math></mjx-assistive-mml>"
    sound = f'<mjx-container><mjx-math aria-hidden="true">x</mjx-math>{spoken}</mjx-container>'
    assert formulas_without_words(sound) == []
    assert len(formulas_without_words(sound.replace(spoken, ""))) == 1
    assert len(formulas_without_words(sound.replace(' aria-hidden="true"', ""))) == 1


@needs_a_site
def test_each_formula_has_words_for_a_screen_reader():
    texts = {path.relative_to(SITE).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
    assert sum(text.count("<mjx-container") for text in texts.values()) > 1000
    assert {name: found for name, text in texts.items() if (found := formulas_without_words(text))} == {}


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
