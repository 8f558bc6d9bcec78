"""How does an explorer read: its numbers, what does nothing, its heights, its field? On pages without a book."""

import itertools
import re

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser

from extensions.finishing import heights
from ntklib.book import Explorer, Image, Line, Points
from ntklib.book._roles import ROLES
from ntklib.book._widget import SCRIPT

X = np.linspace(0.0, 1.0, 5)
ROWS = np.linspace(-1.0, 1.0, 8)
LABELS = {"title": "A title", "description": "What it shows.", "x_label": "x", "y_label": "y"}


def of_width(machine, width):
    """With the second machine the width does nothing."""
    size = width if machine == "first" else 1
    text = "short" if size < 2000 else "a line that is much longer than the other, and wraps on a phone " * 2
    return [Line(X, X / size), text]


def a_field(c, contours=(0.0,)):
    z = np.clip(2 * (ROWS[:, None] + 0.4 * c * ROWS), -1.6, 1.6)
    classes = [Points([0.2, 0.8], [0.3, 0.6], name, role=name) for name in ("negative", "positive")]
    return [Image(z, (0, 1, 0, 1), "output", colors="diverging", limits=(-1.6, 1.6), contours=contours), *classes]


WIDTHS = Explorer(
    of_width, {"machine": ["first", "second"], "width": [1, 128, 1024, 2048, 10_000, 1_000_000]}, **LABELS
)
FIELD = Explorer(a_field, {"c": [1.0, 2.0]}, x_limits=(0, 1), y_limits=(0, 1), **LABELS)
MOSAIC = Explorer(lambda c: a_field(c, ()), {"c": [1.0, 2.0]}, x_limits=(0, 1), y_limits=(0, 1), **LABELS)


@pytest.fixture
def opened(browser):
    contexts = []

    def open_page(explorer, below="", **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 900, "height": 900}, **options}))
        page = contexts[-1].new_page()
        html = explorer._repr_mimebundle_()[0]["text/html"]
        page.set_content(f"<body>{html}{below}<script>{SCRIPT.read_text(encoding='utf-8')}</script></body>")
        page.locator(".ntk-explorer .axis").wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_a_damaged_address_leads_nowhere_and_breaks_nothing(browser, tmp_path):
    html = WIDTHS._repr_mimebundle_()[0]["text/html"]
    script = f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    tall = "<div style='height: 3000px'></div><p id='é'>Below.</p>"
    (tmp_path / "page.html").write_text(f"<meta charset='utf-8'><body>{html}{tall}{script}</body>", encoding="utf-8")
    page = browser.new_context(offline=True).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for anchor, far in (("%E0%A4%A", False), ("%C3%A9", True)):
        page.goto("about:blank")
        page.goto((tmp_path / "page.html").as_uri() + "#" + anchor)
        page.locator(".ntk-explorer .axis").wait_for(state="attached")
        if far:
            page.wait_for_function("scrollY > 1000")
        else:
            page.wait_for_timeout(200)
            assert page.evaluate("scrollY") <= 1000
    page.context.close()
    assert complaints == []


def test_thousands_are_set_apart(opened):
    page = opened(WIDTHS)
    slider, said = page.locator("input[type=range]"), []
    for place in range(6):
        slider.fill(str(place))
        assert page.locator(".reading").inner_text() == slider.get_attribute("aria-valuetext")
        said.append(page.locator(".reading").inner_text())
    assert said == ["1", "128", "1,024", "2,048", "10,000", "10⁶"]


@pytest.mark.parametrize("above", [False, True])
def test_the_sentence_stands_where_it_is_wanted(opened, above):
    made = Explorer(of_width, {"machine": ["first"], "width": [1, 128]}, text_above=above, **LABELS)
    page = opened(made)
    text, plot = (page.locator(name).bounding_box()["y"] for name in (".text", ".plot"))
    assert (text < plot) == above


def test_what_does_nothing_cannot_be_moved(opened):
    page = opened(WIDTHS)
    slider = page.locator("input[type=range]")
    assert slider.is_enabled()
    page.locator("select").select_option("second")
    assert slider.is_disabled()
    assert page.locator("select").is_enabled()
    page.locator("select").select_option("first")
    assert slider.is_enabled()


@pytest.mark.parametrize("width", [390, 900])
def test_no_setting_moves_what_is_below(opened, width):
    page = opened(WIDTHS, "<p id=below>below</p>", viewport={"width": width, "height": 900})
    places = []
    for machine, place in itertools.product(["first", "second"], range(6)):
        page.locator("select").select_option(machine)
        if machine == "first":
            page.locator("input[type=range]").fill(str(place))
        places.append(page.locator("#below").bounding_box()["y"])
    assert max(places) - min(places) < 1
    if width == 390:
        assert page.locator(".text").bounding_box()["height"] > 40  # the longest takes more than a line


@pytest.mark.parametrize("title", ["A title", "A title in letters of which some are wide: MMMMM"])
@pytest.mark.parametrize(
    "names", [("", ""), ("network", "kernel machine"), ("wide networks, mean", "kernel on landmarks")]
)
@pytest.mark.parametrize(
    "views",
    [(), ("One byte a number", "One byte, and ten biases", "Weights removed"), ("iiiiiiii llll", "mmmmmmm wwww")],
)
def test_as_much_room_is_kept_as_its_texts_will_take(opened, title, names, views):
    """Names that nearly fill a row decide how many rows there are: their letters count, not their number."""
    lines = [Line(X, X, name, role=role) for name, role in zip(names, ("network", "kernel"), strict=True)]
    explorer = Explorer(
        lambda c: [*lines, Line(X, c * X, "data", role="data"), f"{c} is seen, " + "and more of it " * 3],
        {"c": [1.0, 2.0, 3.0]},
        **{**LABELS, "title": title},
        views={words: {"c": 2.0} for words in views} or None,
    )
    page = opened(explorer, viewport={"width": heights.PHONE + 32, "height": 844})
    page.add_style_tag(content=":root { font-family: 'DejaVu Sans'; line-height: 1.65 } body { margin: 16px }")
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    page.wait_for_timeout(100)
    node = LexborHTMLParser(explorer._repr_mimebundle_()[0]["text/html"]).css_first("div.ntk-explorer")
    kept = heights.height(heights.data(node), heights.PHONE)
    drawn = page.locator(".ntk-explorer div.all").bounding_box()["height"]
    assert abs(kept - drawn) <= 8


def test_what_a_finger_moves_is_high_enough(opened):
    page = opened(WIDTHS, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for control in page.locator("input[type=range], select, button, summary").all():
        assert control.bounding_box()["height"] > 43.9


def test_the_slider_with_the_most_values_plays(opened):
    page = opened(WIDTHS)
    button = page.get_by_role("button", name="Play, width")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause, width").wait_for()
    page.wait_for_function(
        "document.querySelector('.ntk-explorer').shadowRoot.querySelector('input[type=range]').value == 5"
    )
    page.get_by_role("button", name="Play, width").wait_for()
    page.wait_for_function(
        "document.querySelector('.ntk-explorer').shadowRoot.querySelector('.heard').textContent.includes('10⁶')"
    )
    still = opened(WIDTHS, reduced_motion="reduce")
    still.get_by_role("button", name="Step, width").click()
    assert still.locator(".reading").inner_text() == "128"
    assert opened(FIELD).get_by_role("button").count() == 0  # two values are no film


@pytest.mark.parametrize(("explorer", "rendering"), [(FIELD, "auto"), (MOSAIC, "pixelated")])
def test_a_field_is_drawn_between_its_values(opened, explorer, rendering):
    page = opened(explorer)
    style = "e => getComputedStyle(e).imageRendering"
    assert page.locator(".plot canvas").evaluate(style) == rendering


def test_a_contour_goes_on_to_the_edge(opened):
    page = opened(FIELD)
    left, right, bottom, top = map(float, page.locator("g[data-box]").get_attribute("data-box").split())
    path = page.locator("path[data-item=output]").get_attribute("d")
    at = np.array(re.findall(r"[ML](\S+) ([\d.]+)", path), float)
    assert at[:, 0].min() == pytest.approx(left, abs=0.02)
    assert at[:, 0].max() == pytest.approx(right, abs=0.02)
    assert bottom > at[:, 1].max() > at[:, 1].min() > top


def test_a_table_has_the_digits_that_colours_tell(opened):
    page = opened(FIELD)
    page.locator("summary").click()
    cells = page.locator("table").first.locator("td").all_inner_texts()
    assert "−1.60" in cells
    assert "1.60" in cells
    assert all(re.fullmatch(r"−?\d\.\d\d|0", cell) for cell in cells)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_markers_on_a_field_have_an_outline_in_the_colour_of_the_ground(opened, scheme):
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}[scheme]
    page = opened(FIELD, f"<style>body {{ background: {ground}; }}</style>", color_scheme=scheme)
    page.wait_for_timeout(100)
    for name in ("negative", "positive"):
        marker = page.locator(f"path[data-item={name}]")
        page.evaluate("document.documentElement.className = 'x'")  # it looks again
        fill = ROLES[name].light if scheme == "light" else ROLES[name].dark
        drawn = "([e, fill, ground]) => e.getAttribute('fill') === fill && e.getAttribute('stroke') === ground"
        page.wait_for_function(drawn, arg=[marker.element_handle(), fill, ground])
        assert marker.get_attribute("fill") == fill
        assert marker.get_attribute("stroke") == ground
        assert marker.get_attribute("paint-order") == "stroke"
        assert float(marker.get_attribute("stroke-width")) >= 2


def test_a_link_to_a_place_below_leads_there(browser, tmp_path):
    html = WIDTHS._repr_mimebundle_()[0]["text/html"]
    page_text = f"{html}<h2 id=below>below</h2><div style='height: 3000px'></div>"
    path = tmp_path / "page.html"
    script = f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    # as in a browser that does not hold what is seen in its place
    page_text = f"<style>html {{ overflow-anchor: none; }}</style>{page_text}"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{page_text}{script}</body>", encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.goto(f"file://{path}#below")
    page.locator(".ntk-explorer .axis").wait_for(state="attached")
    page.wait_for_function("Math.abs(document.getElementById('below').getBoundingClientRect().y) < 25")
    page.close()
