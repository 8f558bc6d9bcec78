"""A formula as lines of text: every sign stands where MathJax puts it, and is found, read and heard."""

import io
import re
import unicodedata

import pytest
from fontTools.ttLib import TTFont

from extensions.typesetting import drawn, formulas

EXAMPLES = {
    r"x": False,
    r"\|f(x)_i\|^2 = \frac{a+1}{2}\sqrt{\Theta}": False,
    r"\text{for all } x\in\mathcal N,\ \phi'(\hat x) = \tfrac1{\sqrt n}": False,
    r"\left(\begin{matrix}1\\2\\3\\4\end{matrix}\right) + \underbrace{a + b + c}_{\text{three}} + \overline{ab}": 1,
    r"\begin{aligned} a &= \sum_{i=1}^n \bigl(x_i - y\bigr)^2 \\ \not{b} &\le \int_0^1 e^{-s^2/2}\,ds\end{aligned}": 1,
    r"\frac12": False,
    r"*": False,
}
# where MathJax's own drawing has its signs and bars, and where ours has them, from the left end of the baseline
PLACES = """() => [...document.querySelectorAll("div")].map((row) => {
  const svg = row.querySelector("svg.theirs"), ours = row.querySelector("mjx-container[role], mjx-math");
  const box = svg.getBoundingClientRect(), at = ours.getBoundingClientRect();
  const theirs = [...svg.querySelectorAll("path[data-c]:not(svg svg path), rect")]
    .filter((p) => p.localName === "rect" || p.getAttribute("d"))
    .map((p) => { const m = p.getScreenCTM(), r = p.getBoundingClientRect();
      return p.localName === "rect" ? [r.left - box.left, r.top - box.top] : [m.e - box.left, m.f - box.top]; });
  const found = [], range = document.createRange();
  const texts = document.createTreeWalker(ours, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    let k = 0;
    for (const sign of texts.currentNode.data) {
      range.setStart(texts.currentNode, k);
      range.setEnd(texts.currentNode, k += sign.length);
      const r = range.getBoundingClientRect();
      if (sign.trim() && sign !== "\\u200b") found.push([r.left - at.left, (r.top + r.bottom) / 2 - at.top]);
    }
  }
  for (const line of ours.querySelectorAll("mjx-line")) {
    const r = line.getBoundingClientRect();
    found.push([r.left - at.left, r.top - at.top]);
  }
  const size = [Math.abs(box.width - at.width), Math.abs(box.height - at.height)];
  return { theirs, found, size, stretched: [svg.querySelectorAll("svg").length, ours.querySelectorAll("svg").length] };
})"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    program = formulas.node_program()
    if program is None:
        pytest.skip("no Node: pip install playwright, which carries one")
    renderer = formulas.Renderer(program, {}, tmp_path_factory.mktemp("formulas") / "memory.json")
    found = {tex: renderer._ask({"tex": tex, "display": display}) for tex, display in EXAMPLES.items()}
    renderer.close()
    return found


@pytest.fixture(scope="module")
def written(answers):
    outlines: dict[str, drawn.Outline] = {}
    return {
        tex: formulas.written(answer["drawing"], answer["mathml"], EXAMPLES[tex], outlines)
        for tex, answer in answers.items()
    }, outlines


def test_every_sign_stands_where_mathjax_puts_it(browser, answers, written, tmp_path):
    rows = ""
    for tex, answer in answers.items():
        svg = re.sub(
            r'(<svg) style="([^"]*)" (.*?)width="[^"]*" height="[^"]*" (.*?)viewBox="([^"]*)"',
            _in_em,
            answer["drawing"],
            count=1,
        )
        rows += f"<div>{svg} {written[0][tex]}</div>"
    (tmp_path / "formulas.woff").write_bytes(drawn.font_file(written[1]))
    rules = formulas.RULES.read_text(encoding="utf-8")
    page_file = tmp_path / "page.html"
    page_file.write_text(
        f"<!doctype html><meta charset=utf-8><style>{rules} div {{ font: 20px serif }}</style>{rows}", encoding="utf-8"
    )
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(page_file.as_uri())
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('20px BookFormulas')")
    for tex, places in zip(EXAMPLES, page.evaluate(PLACES), strict=True):
        theirs, found = places["theirs"], places["found"]
        assert len(found) == len(theirs) >= 1, tex
        assert max(places["size"]) < 1, tex
        assert places["stretched"][0] == places["stretched"][1]
        for (left, _), (x, _) in zip(sorted(theirs), sorted(found), strict=True):
            assert abs(left - x) < 1, tex
        for (_, top), (_, y) in zip(sorted(theirs, key=lambda p: p[1]), sorted(found, key=lambda p: p[1]), strict=True):
            assert abs(top - y) < 1, tex
    page.evaluate("getSelection().removeAllRanges()")
    assert page.evaluate("window.find('x')"), "find in page does not find a formula"
    assert page.evaluate("window.find('three')")
    page.close()


def _in_em(match: re.Match[str]) -> str:
    width, height = (
        f'{name}="{float(size) / 50}px"' for name, size in zip(("width", "height"), match[5].split()[2:], strict=True)
    )
    return f'<svg class="theirs" {match[3]}{width} {height} {match[4]}viewBox="{match[5]}"'


def test_a_formula_is_few_elements_and_its_letters_are_read_in_order(written):
    texts = {tex: re.sub(r"<[^>]*>", "", text) for tex, text in written[0].items()}
    plain = [unicodedata.normalize("NFKC", text) for text in texts.values()]
    assert plain[0] == "x"
    assert plain[1].startswith("‖f(x)i‖2=a+12")
    assert plain[2].startswith("for all x ∈ N,")
    elements = [text.count("<") - text.count("</") for text in written[0].values()]
    assert elements[0] == 1
    assert elements[1] <= 12, "MathJax has 29 for it"
    negative = [tex for tex, text in written[0].items() if re.search(r"padding:[^;\"]*-", text)]
    assert negative == [], "no browser takes such a padding"


def test_the_font_has_the_signs_and_the_same_signs_give_the_same_file(written):
    outlines = written[1]
    content = drawn.font_file(outlines)
    font = TTFont(io.BytesIO(content))
    assert set(map(ord, outlines)) <= set(font.getBestCmap())
    assert font["hmtx"][font.getBestCmap()[ord("𝑥")]][0] == 572
    assert font["hmtx"][font.getBestCmap()[ord(drawn.SPACES[222])]][0] == 222
    assert drawn.font_file(dict(reversed(outlines.items()))) == content


def test_what_has_no_place_in_a_text_is_refused():
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 2 3"><g><g>{}</g></g></svg>'
    with pytest.raises(ValueError, match="what has no place in a text: <circle>"):
        drawn.drawn(drawing.format("<circle/>"), {})
    sign = '<path data-c="28" data-font="normal" data-width="0.4" d="{}"/>'
    with pytest.raises(ValueError, match="two signs have the place 28"):
        drawn.drawn(drawing.format(sign.format("M0 0L1 1") + sign.format("M0 0L2 2")), {})
