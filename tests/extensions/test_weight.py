"""A page of the book stays light, and nothing on it jumps: bytes as a static host would send them, in Chromium."""

import io
import re

import pytest
from fontTools.ttLib import TTFont
from selectolax.lexbor import LexborHTMLParser

from benchmarks.site import SITE, look, pages, visit
from extensions.finishing import pictures
from extensions.typesetting import formulas
from tools.serve import served

BUDGET = 1_500_000
ELEMENTS = 11_500  # of a chapter; each takes a third of a millisecond and more on a slow processor
OF_A_FORMULA = 8  # in the mean
CHAPTERS = pages() if SITE.exists() else []
NEEDS_A_SITE = "there is no site yet: make book"


@pytest.fixture(scope="module")
def address():
    with served(SITE) as at:
        yield at


@pytest.mark.skipif(not CHAPTERS, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", CHAPTERS or ["no page"])
def test_a_chapter_is_light_and_does_not_jump(browser, address, name):
    seen = visit(browser, f"{address}/{name}", width=390)
    assert 50_000 < seen.bytes <= BUDGET, seen.largest
    assert seen.shift + seen.reading < 0.1, "the layout jumps"
    page = (SITE / name).read_text(encoding="utf-8")
    unsized = [image[:90] for image in re.findall(r"<img [^>]*>", page) if not re.search(r' width="\d+"', image)]
    assert unsized == [], "a picture does not say how large it is"
    assert "mjx-container" in page, "the formulas wait for a script"
    blocking = re.findall(r'<script(?![^>]*(?:defer|async|type=))[^>]* src="([^"?]*)', page)
    assert [script.rsplit("/", 1)[1] for script in blocking] == ["documentation_options.js"]
    [sheet] = re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="([^"]*)"', page)
    rules = (SITE / name).parent.joinpath(sheet).read_text(encoding="utf-8")
    assert len(rules) < 250_000, "rules that no page needs hold up the first paint"
    [font] = re.findall(r"url\((formulas-\w+\.woff)\)", rules)
    signs = set(TTFont(SITE / "_static" / font).getBestCmap())
    formulas_here = LexborHTMLParser(page).css("[data-mathml]")
    used = {ord(sign) for formula in formulas_here for sign in formula.text()}
    assert len(formulas_here) > 50
    tree = LexborHTMLParser(page)
    assert len(tree.css("*")) <= ELEMENTS, "the page takes longer to be whole"
    assert len(tree.css("mjx-container, mjx-container *")) <= OF_A_FORMULA * len(formulas_here)
    assert tree.css("div.highlight pre :is(.n, .p, .w)") == [], "signs that look like plain code have elements"
    assert used - signs == set(), "a sign of a formula is not in the font, and so is drawn in another one"


@pytest.mark.skipif(not CHAPTERS, reason=NEEDS_A_SITE)
def test_a_first_look_is_timed_and_a_slower_processor_takes_longer(browser, address):
    fast, slow = (look(browser, f"{address}/{CHAPTERS[0]}", slowdown=slowdown) for slowdown in (1, 4))
    assert 0 < fast.paint < fast.ready
    assert fast.shift < 0.1
    assert slow.work > 2 * fast.work, "the processor was not slowed down"  # when it is ready depends on who else works
    assert fast.ready < fast.whole
    assert 0 < fast.work < fast.whole
    assert 2000 < fast.elements <= ELEMENTS


def test_a_drawing_keeps_its_look_and_loses_its_digits():
    path = '<path d="M 57.601111 -0.001 L 3.999999 4e-05" transform="scale(0.015625)"/>'
    drawing = f'<svg>{path}<use x="10.123456" y="2"/></svg>'
    lighter = pictures.lighter_drawing(drawing)
    assert 'transform="scale(0.015625)"' in lighter, "a scale needs its digits"
    assert 'x="10.12"' in lighter
    assert pictures.lighter_drawing(lighter) == lighter


@pytest.fixture
def renderer(tmp_path):
    program = formulas.node_program()
    if program is None:
        pytest.skip("no Node: pip install playwright, which carries one")
    made = formulas.Renderer(program, {"R": r"\mathbb{R}"}, tmp_path / "memory.json")
    yield made
    made.close()


def test_formulas_are_rendered_once_and_remembered(renderer):
    first = renderer.render(r"x \in \R^2", False)
    assert "ℝ" in first, "the macro is not known"
    assert 'aria-label="x in blackboard upper R squared"' in first, "nothing for a screen reader"
    assert "data-mathml=" in first
    renderer.render(r"\{a\} \times \eta", False)
    font = renderer.close()
    assert {ord(sign) for sign in "𝑥∈ℝ2{𝑎}×𝜂"} <= set(TTFont(io.BytesIO(font)).getBestCmap()), "a sign was lost"
    again = formulas.Renderer(formulas.node_program(), {"R": r"\mathbb{R}"}, renderer.memory)
    assert again.render(r"x \in \R^2", False) == first
    assert again.process is None
    assert again.close() == font
    other = formulas.Renderer(formulas.node_program(), {"R": "r"}, renderer.memory)
    assert other.known["rendered"] == {}, "the macros have changed"


@pytest.mark.parametrize("tex", [r"\nosuch{x}", r"\frac{1", r"\begin{matrix} a"])
def test_a_formula_that_is_not_one_is_refused(renderer, tex):
    with pytest.raises(ValueError, match=r"\w"):
        renderer.render(tex, True)


def test_the_site_has_no_script_of_icons():
    if not SITE.exists():
        pytest.skip(NEEDS_A_SITE)
    assert not (SITE / "_static" / "scripts" / "fontawesome.js").exists()
