"""The ledger of claims as a reader meets it: the built page in Chromium, from `file://`, with the network off."""

import io
import re

import pytest
from browser import ROOT, TRANSLATE, TURN, axe
from test_build import build, chapter, make_book

LEDGER = ROOT / "_build" / "html" / "claims.html"
LEFT_TO_RIGHT = """
Call `f(x)[0] - 1`, and compare with $f_a(x') - y$, or with

$$
f(x) = \\sum_{i=1}^n (x_i - 1)^2 .
$$

```{code-cell}
print("f(1) - 2, [3] (4)")
```
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    other = chapter("sound").split("# A sound chapter")[0] + (
        "# Another chapter\n\n```{code-cell}\nfrom ntklib.book import claim\n\n"
        'claim("tenth", 0.11, 0.1, atol=0.02, rejects=0, source="ours", statement="It is a tenth.")\n'
        'claim("seen", 7.5, None, source="nobody knows", statement="It was seen.")\n'
        'claim("other", 3, 2, agrees=False, source="known2000", statement="It is not two.")\n```\n'
    )
    book = make_book(tmp_path_factory.mktemp("book"), {"sound": chapter("sound") + LEFT_TO_RIGHT, "other": other})
    status, output = build(book)
    assert status == 0, output
    return book / "_build" / "html"


@pytest.fixture
def page(browser, site):
    page = browser.new_context(offline=True).new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"file://{site}/sound.html")
    page.wait_for_selector("table.claims-ledger th button")
    yield page
    assert not problems


def shown(page):
    return [link.inner_text() for link in page.locator("table.claims-ledger tbody tr:visible td:first-child a").all()]


def test_all_claims_are_there_and_lead_to_their_boxes(page, site):
    assert shown(page) == ["sum", "third", "step", "tenth", "seen", "other"]  # in the order of the book
    assert "6 claims in 2 chapters. 2 compare with the literature, and 1 of these disagrees;" in page.content()
    page.get_by_role("link", name="other", exact=True).last.click()
    assert page.url.endswith("other.html#claim-other")
    box = page.locator("#claim-other")
    page.locator("#claim-other[open]").wait_for()
    assert re.sub(r"\s+", " ", box.inner_text()) == (
        "≠ It is not two. disagrees with the source measured 3 expected 2 exactly "
        "source Known et al. 2000"  # the link has unfolded it
    )
    assert "disagrees with the source" in box.inner_text()


def test_filtering_by_chapter_and_kind(page):
    page.get_by_label("Chapter").select_option("Another chapter")
    assert shown(page) == ["tenth", "seen", "other"]
    assert page.get_by_text("3 of 6 claims are shown.").is_visible()
    page.get_by_label("Compared with").select_option("measured only")
    assert shown(page) == ["seen"]
    page.get_by_label("Chapter").select_option("all")
    page.get_by_label("Compared with").select_option("literature")
    assert shown(page) == ["sum", "other"]


def test_sorting_by_keyboard_numbers_as_numbers(page):
    button = page.locator("table.claims-ledger th button", has_text="measured")
    button.focus()
    page.keyboard.press("Enter")
    assert shown(page) == ["step", "tenth", "third", "sum", "other", "seen"]
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("measured")
    page.keyboard.press("Enter")
    assert shown(page) == ["seen", "other", "sum", "third", "tenth", "step"]
    assert page.locator("th[aria-sort]").count() == 1


def test_rows_without_a_number_come_last_whichever_way(page):
    button = page.locator("table.claims-ledger th button", has_text="expected")
    place = page.locator("table.claims-ledger th", has_text="expected").evaluate("head => head.cellIndex + 1")
    for _ in ("up", "down"):
        button.click()
        cells = page.locator(f"table.claims-ledger tbody td:nth-child({place})").all_inner_texts()
        numbered = [bool(re.search(r"\d", cell)) for cell in cells]
        assert any(numbered)
        assert not all(numbered)
        assert numbered == sorted(numbered, reverse=True), cells


def test_a_translated_ledger_filters_and_sorts_as_before(page):
    """It goes by what the book wrote: no word or number that it had is shown any more."""
    page.evaluate(TRANSLATE)
    assert set(re.sub(r"\s", "", page.locator("table.claims-ledger").inner_text())) <= set("ж▲▼")

    def left():
        rows = page.locator("table.claims-ledger tbody tr:visible td:first-child a").all()
        return [row.get_attribute("href").partition("#claim-")[2] for row in rows]

    chapter, kind = page.locator(".claims-controls select").all()
    chapter.select_option("Another chapter")
    assert left() == ["tenth", "seen", "other"]
    assert page.get_by_text("3 of 6 claims are shown.").is_visible()
    kind.select_option("measured only")
    assert left() == ["seen"]
    chapter.select_option(index=0)
    kind.select_option(index=0)
    page.locator("table.claims-ledger th button").nth(5).click()
    assert left() == ["step", "tenth", "third", "sum", "other", "seen"]
    page.locator("table.claims-ledger th button").nth(1).click()
    assert left() == ["step", "third", "sum", "tenth", "other", "seen"]


def test_from_right_to_left_text_is_turned_and_code_and_numbers_are_not(page):
    kept = {
        "pre": 5, "code": 1, "mjx-container": 3, ".cell_output pre": 1, "a.claim-value": 3, ".claim-number": 3,
        "td:nth-child(n + 5):nth-child(-n + 8) p": 24,
    }  # fmt: skip
    for selectors, least in kept.items():
        page.evaluate("document.documentElement.dir = 'ltr'")
        found = page.evaluate(TURN, selectors)
        assert found["seen"] >= least, selectors
        assert found["turned"] == []
    line = (
        "(e) => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().right; }"
    )
    for selector in ("h1", "article section > p", "figcaption", ".claim-statement"):
        element = page.locator(f"{selector}:visible").first
        assert element.evaluate("(e) => getComputedStyle(e).direction") == "rtl", selector
        box = element.bounding_box()
        assert abs(element.evaluate(line) - box["x"] - box["width"]) < 12, f"{selector} begins at the right"


def test_the_number_in_the_text_leads_to_its_box(page):
    page.locator("a.claim-value", has_text="2.0").click()
    assert page.url.endswith("#claim-sum")
    assert re.sub(r"\s+", " ", page.locator("#claim-sum .claim-numbers").inner_text()) == (
        "measured 2.01 ± 0.02 expected 2 ± 0.1 wrong would be 3 source Known et al. 2000, Table 1 illustrates Theorem 1"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_for_axe_to_find_in_boxes_and_ledger(browser, site, scheme, width):
    page = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    page.goto(f"file://{site}/sound.html")
    page.wait_for_selector("table.claims-ledger th button")
    page.add_script_tag(content=axe())
    found = page.evaluate(
        "() => axe.run({include: ['.claim', '.claims-ledger', '.claims-controls', '.claim-links', '.claim-value']})"
    )["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_paper_a_row_is_a_sentence_in_a_size_that_can_be_read(page):
    page.set_viewport_size({"width": 642, "height": 900})  # A4 with margins
    page.emulate_media(media="print")
    rows = page.evaluate("""() => [...document.querySelectorAll("table.claims-ledger tbody tr")].map((row) => {
      const before = (cell) => getComputedStyle(cell, "::before").content.replace(/^none$|^"|"$/g, "");
      const cells = [...row.querySelectorAll("td")].filter((cell) => cell.getClientRects().length);
      return {
        points: Math.min(...cells.map((cell) => 0.75 * parseFloat(getComputedStyle(cell.querySelector("p")).fontSize))),
        right: Math.max(...cells.map((cell) => cell.getBoundingClientRect().right)),
        said: cells.map((cell) => before(cell) + cell.innerText).join("").replace(/\\s+/g, " "),
      };
    })""")
    assert len(rows) == 6
    assert min(row["points"] for row in rows) >= 8
    assert max(row["right"] for row in rows) <= 642
    [summed] = [row["said"] for row in rows if " sum" in row["said"]]
    assert "· source Known et al. 2000" in summed
    assert re.search(
        r"· expected 2 · measured 2\.01\d* ± 0\.02 · tolerance ± 0\.1 · difference / tolerance 0\.\d+ ·", summed
    )
    [seen] = [row["said"] for row in rows if " seen" in row["said"]]
    assert "tolerance" not in seen, "it has none"


def test_on_paper_claims_are_not_tied_to_the_figure_below_them(page):
    pypdf = pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")
    page.evaluate("""() => {
      const claim = document.querySelector("#claim-sum"), space = document.createElement("div");
      const output = document.createElement("div"), figure = document.createElement("figure");
      space.style.height = "750px";
      output.className = "cell_output docutils container";
      output.append(...[1, 2, 3, 4].map(() => claim.cloneNode(true)));
      figure.style.height = "400px";
      document.querySelector("article.bd-article").replaceChildren(space, output, figure);
    }""")
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4")))
    begun = [len(re.findall(r"wrong\s+would\s+be", paper.extract_text())) for paper in printed.pages]
    assert sum(begun) == 4
    assert begun[0] >= 1, "all are on the page of the figure, and the rest of the first is empty"


@pytest.mark.skipif(not LEDGER.exists(), reason="there is no site yet: make book")
def test_a_chapter_is_its_number_in_the_table_and_its_name_where_one_chooses(browser):
    page = browser.new_page()
    page.goto(LEDGER.as_uri())
    page.wait_for_selector("table.claims-ledger th button")
    cells = page.locator("table.claims-ledger tbody td:nth-child(2)")
    found = cells.evaluate_all("(cells) => cells.map((c) => [c.textContent.trim(), c.title, c.dataset.words])")
    assert len(found) > 100
    for number, title, words in found:
        assert re.fullmatch(r"\d+", number), "a row is as high as the name of its chapter is long"
        assert title == words
        assert title.startswith(f"{number} · ")
    chosen = page.get_by_label("Chapter").locator("option").all_inner_texts()
    assert chosen == ["all", *dict.fromkeys(title for _, title, _ in found)]
    page.close()
