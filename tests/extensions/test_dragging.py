"""Observations that readers drag, in Chromium: the curve of the kernels chapter is that of ntklib, always."""

import contextlib
import re
from collections.abc import Iterator

import jax
import jupytext
import matplotlib as mpl
import numpy as np
import pytest
import yaml
from browser import ROOT, axe, quiet_pages
from small_books import build_linked

pytestmark = pytest.mark.xdist_group("explorers")
CHAPTER = ROOT / "chapters" / "kernels.md"
SMOOTH, ROUGH = "smooth (RBF)", "rough (Laplace)"
READY = "() => document.querySelector('.ntk-explorer').shadowRoot?.querySelector('.handle')"


def cell() -> str:
    """The chapter's first cell, which draws the observations."""
    return next(cell.source for cell in jupytext.read(CHAPTER).cells if cell.cell_type == "code")


@pytest.fixture(scope="module")
def names() -> Iterator[dict]:
    """What the chapter's first cell defines; its 64 bits and its style of figures end with these tests."""
    found: dict = {}
    double = jax.config.jax_enable_x64
    with mpl.rc_context():
        with contextlib.redirect_stdout(None):
            exec(cell(), found)
        yield found
    jax.config.update("jax_enable_x64", double)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A book of two pages, one with the chapter's figure and one with an explorer that stays as it is."""
    book = tmp_path_factory.mktemp("book")
    (book / "_config.yml").write_text((ROOT / "_config.yml").read_text(encoding="utf-8"), encoding="utf-8")
    toc = {"format": "jb-book", "root": "intro", "chapters": [{"file": "dragged"}]}
    (book / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    head = CHAPTER.read_text(encoding="utf-8").split("\n# ", 1)[0]
    still = (
        "from ntklib.book import Explorer, Line\n"
        "Explorer(lambda a: Line([0, 1], [0, a], 'line'), {'a': [1, 2]}, title='Title', description='A line.',\n"
        "         x_label='x', y_label='y')"
    )
    named = "---\nmystnb:\n  figure:\n    name: fig-still\n    caption: A line.\n---"
    figure = re.search(r"^```\{code-cell\} ipython3\n.*?^```$", CHAPTER.read_text(encoding="utf-8"), re.M | re.S)
    (book / "intro.md").write_text(
        f"{head}\n# Nothing is dragged\n\n```{{code-cell}} ipython3\n{named}\n{still}\n```\n", encoding="utf-8"
    )
    (book / "dragged.md").write_text(f"{head}\n# Dragged\n\n{figure[0]}\n\nBelow.\n", encoding="utf-8")
    return build_linked(book)


@pytest.fixture
def open_page(browser, site):
    """Opens the page with no network; nothing may be asked for outside of the site, and no script may fail."""
    with quiet_pages(browser) as new_page:

        def opened(name="dragged.html", *, ready=True, without="", **options):
            page = new_page(**options)
            if without:
                page.route(f"**/{without}*", lambda route: route.abort())
            page.goto((site / name).as_uri())
            if ready:
                # by the page itself: the element that Chromium would wait for is exchanged when the handles come
                page.evaluate("document.querySelector('.ntk-explorer').scrollIntoView({ behavior: 'instant' })")
                page.wait_for_function(READY)
            return page

        yield opened


def drag(page, which, height):
    """Take an observation by the mouse to this height; the height at which it then is."""
    handle = page.locator(".handle").nth(which)
    box = handle.bounding_box()
    low, high, bottom, top = page.locator(".ntk-explorer").evaluate(
        "(e) => ['data-y', 'data-box'].flatMap((n, k) => "
        "e.shadowRoot.querySelector('[data-box]').getAttribute(n).split(' ').slice(2 * k).map(Number))"
    )
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    was = float(handle.get_attribute("aria-valuenow"))
    page.mouse.move(x + 3, y + 4)  # not in its middle: it does not jump
    page.mouse.down()
    page.mouse.move(x + 9, y + 4 + (height - was) / (high - low) * (top - bottom), steps=3)
    page.mouse.up()
    got = float(handle.get_attribute("aria-valuenow"))
    assert abs(got - height) <= (high - low) / abs(top - bottom)
    return got


def setting(page, height=1.0, place=0.0, kernel=SMOOTH):
    explorer = page.locator(".ntk-explorer")
    places = [-2.5, -0.75, 0.0, 0.75, 1.5, 3.0, 3.75]
    for label, index in (("height", round((height + 3) * 2)), ("place", places.index(place))):
        slider = explorer.get_by_label(label, exact=True)
        slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", index)
    explorer.get_by_label("kernel", exact=True).select_option(kernel)


def tables(page):
    """The numbers that are shown, a table of rows by its caption."""
    page.locator(".ntk-explorer details").evaluate("(e) => { e.open = true; }")
    page.wait_for_function("() => document.querySelector('.ntk-explorer').shadowRoot.querySelector('.numbers td')")
    read = page.locator(".ntk-explorer").evaluate(
        "(e) => [...e.shadowRoot.querySelectorAll('.numbers table')].map((t) => [t.caption.textContent, "
        "[...t.tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent))])"
    )
    superscript = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")

    def number(text):
        text = text.translate(superscript).replace("×10", "e")
        return float(re.sub(r"^(-?)10(-\d+)$", r"\g<1>1e\2", text))

    return {caption: np.array([[number(text) for text in row] for row in rows]) for caption, rows in read}


def posterior(names, x, y, kernel):
    """Mean and half-width of the band as ntklib has them."""
    process = names["condition"](names["two_kernels"][kernel], x[:, None], y, names["noise_few"])
    at = names["shown"][:, None]
    return np.asarray(process.mean(at)), 1.96 * np.sqrt(np.asarray(process.variance(at)))


@pytest.mark.parametrize(("height", "place", "kernel"), [(1.0, 0.0, SMOOTH), (-2.5, 0.75, ROUGH), (3.0, 3.75, SMOOTH)])
def test_the_curve_is_the_one_of_ntklib(open_page, names, height, place, kernel):
    page = open_page()
    setting(page, height, place, kernel)
    rest = np.arange(9) != 4
    x = np.append(names["x_few"][rest], place)
    y = np.append(names["y_few"][rest], height)
    for which, to in ((1, 2.7), (7, -3.1), (8, -1.3)):
        y[which] = drag(page, which, to)
        mean, half = posterior(names, x, y, kernel)
        shown = tables(page)
        [lines] = [table for name, table in shown.items() if "curve" in name]
        [band] = [table for name, table in shown.items() if "band" in name]
        if lines is band:
            band, curve = lines[:, 1:3], lines[:, 4]
        else:
            band, curve = band[:, 1:3], lines[:, 2]
        np.testing.assert_allclose(curve, mean, rtol=0, atol=1e-5)
        np.testing.assert_allclose(band, np.stack([mean - half, mean + half], 1), rtol=0, atol=1e-5)
        drawn = np.concatenate([table for name, table in shown.items() if "observations" in name or "moved" in name])
        np.testing.assert_allclose(drawn[:, 1], y, atol=1e-5)
        path = page.locator("path[data-item=curve]").get_attribute("d")
        places = np.array(re.findall(r"[ML](\S+) ([\d.]+)", path), float)[:, 1]
        assert abs(np.corrcoef(places, mean)[0, 1] + 1) < 1e-6
        there = np.abs(names["shown"] - x[which]).argmin()
        said = page.locator(".ntk-explorer .text").inner_text().replace("\u00a0", " ").replace("−", "-")
        assert said.endswith(f"to {y[which]:+.2f}; there the curve is at {mean[there]:+.2f} ± {half[there]:.2f}")


def test_keys_move_an_observation_and_it_says_where_it_is(open_page):
    page = open_page()
    handle = page.get_by_role("slider", name="Observation at x = −1", exact=True)
    handle.focus()
    for key, value in [
        ("ArrowUp", "−0.30"), ("ArrowRight", "−0.20"), ("ArrowDown", "−0.30"), ("ArrowLeft", "−0.40"),
        ("PageUp", "+0.10"), ("PageDown", "−0.40"), ("Home", "−4.00"), ("ArrowDown", "−4.00"), ("End", "+4.00"),
    ]:  # fmt: skip
        handle.press(key)
        assert handle.get_attribute("aria-valuetext") == f"y = {value}"
        assert handle.evaluate("(e) => e.getRootNode().activeElement === e")
    assert "there the curve is at" in page.locator(".ntk-explorer .text").inner_text()
    assert "went from −0.40 to +4.00" in page.locator(".ntk-explorer svg[role=img]").get_attribute("aria-label")
    page.wait_for_function(
        "() => document.querySelector('.ntk-explorer').shadowRoot.querySelector('.heard').textContent.includes('+4.00')"
    )


HEIGHTS = "(all) => all.map((e) => Number(e.getAttribute('aria-valuenow')))"


def test_the_observation_of_the_slider_moves_with_it_and_it_with_the_slider(open_page):
    page = open_page()
    slider = page.locator(".ntk-explorer").get_by_label("height", exact=True)
    setting(page, height=-2.0)
    assert page.locator(".handle").last.get_attribute("aria-valuetext") == "y = −2.00"
    got = drag(page, 8, 2.31)
    assert slider.get_attribute("aria-valuetext") == f"{got:g}"
    assert slider.input_value() == str(round((got + 3) * 2))
    assert page.locator(".ntk-explorer .reading").first.inner_text() == f"{got:g}"
    assert f"height {got:g}, place 0" in page.locator(".ntk-explorer svg[role=img]").get_attribute("aria-label")


def test_all_are_put_back_and_a_view_is_of_what_was_observed(open_page, names):
    page = open_page()
    explorer, handles = page.locator(".ntk-explorer"), page.locator(".handle")
    at_first = handles.evaluate_all(HEIGHTS)
    words = explorer.locator(".text").inner_text()
    np.testing.assert_allclose(at_first, [*np.delete(names["y_few"], 4), 1.0])
    for name, last in (("Put all back", 1.0), ("Far up", 3.0), ("As it was observed", 1.0), ("Put all back", 1.0)):
        drag(page, 2, 3.0)
        drag(page, 8, -1.0)
        setting(page, height=-1.0, kernel=ROUGH)
        assert explorer.locator(".moved").count() == 2
        explorer.get_by_role("button", name=name).click()
        assert handles.evaluate_all(HEIGHTS) == [*at_first[:8], last]
        assert explorer.get_by_label("kernel", exact=True).input_value() == ROUGH
    explorer.get_by_label("kernel", exact=True).select_option(SMOOTH)
    assert explorer.locator(".text").inner_text() == words


def test_a_finger_drags_and_the_page_stays_where_it_is(open_page):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    handle = page.locator(".handle").nth(0)
    handle.scroll_into_view_if_needed()
    box, scrolled = handle.bounding_box(), page.evaluate("scrollY")
    x, y = box["x"] + 12, box["y"] + 12
    session = page.context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]),
        *(("touchMove", [{"x": x, "y": y - step}]) for step in (8, 16, 24, 32)),
        ("touchEnd", []),
    ]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert float(handle.get_attribute("aria-valuenow")) > 0.3
    assert page.evaluate("scrollY") == scrolled
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_handles_lie_on_the_observations_at_every_width(open_page):
    page = open_page()
    drag(page, 3, -2.0)
    for width in (1280, 500, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            """() => {
              const e = document.querySelector('.ntk-explorer');
              const root = e.shadowRoot, plot = root.querySelector('svg[role=img]').getBoundingClientRect();
              const drawn = [...root.querySelectorAll('path[data-item]')].slice(3).flatMap((p) =>
                [...p.getAttribute('d').matchAll(/M(\\S+) (\\S+?)m/g)].map((m) => [Number(m[1]), Number(m[2])]));
              const off = [...root.querySelectorAll('.handle')].map((handle, i) => {
                const box = handle.getBoundingClientRect();
                const [x, y] = [(box.left + box.right) / 2 - plot.left, (box.top + box.bottom) / 2 - plot.top];
                return Math.hypot(x - drawn[i][0], y - drawn[i][1]);
              });
              return off.length === 9 && Math.max(...off) < 0.6;
            }"""
        )


def test_only_a_page_that_needs_it_has_the_script(open_page, site):
    assert "dragging.js" in (site / "dragged.html").read_text(encoding="utf-8")
    assert "dragging.js" not in (site / "intro.html").read_text(encoding="utf-8")
    page = open_page("intro.html", ready=False)
    page.wait_for_function("() => document.querySelector('.ntk-explorer').shadowRoot?.querySelector('path[d*=M]')")
    assert page.locator(".handle").count() == 0


def test_without_the_script_the_explorer_is_what_it_was_and_without_any_a_picture(open_page):
    page = open_page(ready=False, without="dragging.js")
    page.wait_for_function("() => document.querySelector('.ntk-explorer').shadowRoot?.querySelector('path[d*=M]')")
    setting(page, height=3.0)
    assert "at the moved observation" in page.locator(".ntk-explorer .text").inner_text()
    assert page.locator(".handle").count() == 0
    none = open_page(ready=False, java_script_enabled=False)
    assert none.locator(".ntk-explorer img").is_visible()
    assert "height = 1, place = 0, kernel: smooth" in none.locator(".ntk-explorer img").get_attribute("alt")


def test_on_paper_there_are_no_handles_and_nothing_moves_when_they_come(open_page):
    page = open_page(ready=False, without="dragging.js")
    page.wait_for_function("() => document.querySelector('.ntk-explorer').shadowRoot?.querySelector('path[d*=M]')")
    before = page.locator(".ntk-explorer").bounding_box()["height"]
    page = open_page()
    assert abs(page.locator(".ntk-explorer").bounding_box()["height"] - before) <= 12
    page.emulate_media(media="print")
    assert not page.locator(".handle").first.is_visible()


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_accessible(open_page, look, width):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=look)
    drag(page, 2, 2.0)
    page.evaluate(axe())
    result = page.evaluate("axe.run('.ntk-explorer')")
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in result["violations"]] == []
