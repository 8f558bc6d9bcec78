"""The explorers as a reader online meets them: the built page in Chromium, from `file://`, with the network off."""

import contextlib
import re
import sys
from pathlib import Path

import jupytext
import numpy as np
import pytest
import yaml
from browser import ROOT, TRANSLATE, TURN, axe, quiet_pages
from docutils import nodes
from scipy.interpolate import RegularGridInterpolator
from small_books import build_linked

from ntklib.book import explore

pytestmark = pytest.mark.xdist_group("explorers")
PAGE = ROOT / "appendix" / "explorers.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A book of two pages, one with explorers and one without, built like the real one."""
    book = tmp_path_factory.mktemp("book")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["sphinx"]["local_extensions"]["extensions.authoring.explorers"] = "."
    (book / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (book / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n- file: explorers\n", encoding="utf-8")
    (book / "intro.md").write_text("# Nothing moves here\n\nNo explorer.\n", encoding="utf-8")
    (book / "explorers.md").write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    return build_linked(book)


@pytest.fixture(scope="module")
def computed() -> list[explore.Explorer]:
    """The explorers of the page, by running its cells here."""
    found: list[explore.Explorer] = []
    names: dict = {}
    for cell in jupytext.read(PAGE).cells:
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(None):
                exec(cell.source, names)
            last = cell.source.rpartition("\nExplorer(")
            if last[1]:
                found.append(eval("Explorer(" + last[2], names))
    assert len(found) == 6
    return found


@pytest.fixture
def open_page(browser, site):
    """Opens the page; in the end, nothing outside of the folder may have been asked for and no script have failed."""
    with quiet_pages(browser) as new_page:

        def opened(name="explorers.html", **options):
            page = new_page(**options)
            page.goto((site / name).as_uri())
            if options.get("java_script_enabled", True) and name == "explorers.html":
                page.wait_for_function(READY)
            return page

        yield opened


def explorer_at(page, index):
    return page.locator(".ntk-explorer").nth(index)


def control(explorer, label):
    return explorer.get_by_label(label, exact=True)


READY = "[...document.querySelectorAll('.ntk-explorer')].every((e) => e.shadowRoot?.querySelector('path[d*=M]'))"
# Moves every control as a person's input would, without the mouse.
CHOOSE = """(host, setting) => {
  const controls = [...host.shadowRoot.querySelectorAll('.controls input, .controls select')];
  controls.forEach((input, k) => {
    if (input.type === 'checkbox') input.checked = setting[k];
    else input.value = setting[k];
    input.dispatchEvent(new Event(input.type === 'range' ? 'input' : 'change'));
  });
}"""
READ = """(host) => {
  const root = host.shadowRoot, paths = [...root.querySelectorAll('path[data-item]')], holder = paths[0].parentNode;
  const numbers = (name) => holder.getAttribute(name).split(' ').map(Number);
  return {
    paths: paths.map((p) => p.getAttribute('d')), x: numbers('data-x'), y: numbers('data-y'), box: numbers('data-box'),
    text: root.querySelector('.text').textContent,
    label: root.querySelector('svg[role=img]').getAttribute('aria-label'),
    images: [...root.querySelectorAll('.plot canvas')].map((c) => ({
      columns: c.width, data: [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data] })),
  };
}"""


def choose(explorer, made, setting):
    places = [v if p.kind != "slider" else p.values.index(v) for p, v in zip(made.parameters, setting, strict=True)]
    explorer.evaluate(CHOOSE, places)


class Places:
    """From places in the drawing back to numbers."""

    def __init__(self, read, scales):
        left, right, bottom, top = read["box"]
        self.x = self._map(read["x"], left, right, scales["x"])
        self.y = self._map(read["y"], bottom, top, scales["y"])
        self.error = {"x": 0.011 / abs(right - left), "y": 0.011 / abs(top - bottom)}  # half a last digit, twice

    @staticmethod
    def _map(limits, start, end, scale):
        low, high = np.log10(limits) if scale == "log" else limits

        def back(places):  # as a fraction of the axis
            return (np.asarray(places, float) - start) / (end - start)

        def forth(values):
            return ((np.log10(values) if scale == "log" else np.asarray(values)) - low) / (high - low)

        return back, forth

    def same(self, axis, places, values):
        back, forth = getattr(self, axis)
        values = np.asarray(values, float)
        span = np.ptp(forth(values)) if values.size else 0
        assert len(places) == len(values)
        np.testing.assert_allclose(back(places), forth(values), rtol=0, atol=self.error[axis] + span / 131068 + 1e-12)


def pieces(path):
    """The polygons of a path as arrays of places."""
    found = [re.findall(r"(-?[\d.]+) (-?[\d.]+)", piece) for piece in path.split("M")[1:]]
    return [np.array(piece, float) for piece in found]


def runs(*columns):
    """Where none of the columns is nan: the slices between the gaps."""
    present = ~np.any(np.isnan(columns), axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], present, [0]])))
    return [slice(a, b) for a, b in edges.reshape(-1, 2)]


def check_item(item, arrays, path, image, places, limits):
    kind = item["kind"]
    if kind == "line":
        x, lines = arrays[0], np.atleast_2d(arrays[1])
        wanted = [(x[run], line[run]) for line in lines for run in runs(line)]
        drawn = pieces(path)
        assert len(drawn) == len(wanted)
        for got, (x, y) in zip(drawn, wanted, strict=True):
            places.same("x", got[:, 0], x)
            places.same("y", got[:, 1], y)
    elif kind == "band":
        x, lower, upper = arrays
        (got,) = pieces(path)
        places.same("x", got[:, 0], [*x, *x[::-1]])
        places.same("y", got[:, 1], [*upper, *lower[::-1]])
    elif kind == "points":
        got = np.array(re.findall(r"M(-?[\d.]+) (-?[\d.]+)m", path), float).reshape(-1, 2)
        places.same("x", got[:, 0], arrays[0])
        places.same("y", got[:, 1], arrays[1])
    elif kind == "bars":
        got = np.array(re.findall(r"M(\S+) (\S+)V(\S+)H(\S+)V(\S+)Z", path), float)
        places.same("x", [*got[:, 0], got[-1, 3]], arrays[0])
        places.same("y", got[:, 2], arrays[1])
        places.same("y", got[:, 1], np.zeros(len(got)))
    elif kind == "rule":
        place = float(re.match(r"M(\S+) (\S+)", path)[1 if item["axis"] == "x" else 2])
        places.same(item["axis"], [place], arrays[0])
    else:
        check_image(item, arrays, path, image, places, limits)


def check_image(item, arrays, path, image, places, limits):
    (_, y, z), (low, high) = arrays, limits
    stops = np.array([[int(s[i : i + 2], 16) for i in (1, 3, 5)] for s in item["colors"][0]])
    along = np.clip((z - low) / (high - low), 0, 1) * (len(stops) - 1)
    wanted = np.stack([np.interp(along, np.arange(len(stops)), stops[:, c]) for c in range(3)], -1)
    pixels = np.array(image["data"]).reshape(*z.shape, 4)
    top_down = np.ptp(y) and places.y[1](y[1]) > places.y[1](y[0])
    np.testing.assert_allclose(pixels[::-1, :, :3] if top_down else pixels[..., :3], wanted, atol=2.5)
    assert (pixels[..., 3] == 255).all()
    if item["contours"]:
        rows, columns = z.shape
        at = np.concatenate(pieces(path))
        c = places.x[0](at[:, 0]) * columns - 0.5  # the extent of this image is the whole drawing
        r = places.y[0](at[:, 1]) * rows - 0.5
        r, c = np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)
        between = RegularGridInterpolator((np.arange(rows), np.arange(columns)), z)(np.stack([r, c], -1))
        np.testing.assert_allclose(between, item["contours"][0], atol=2e-3)
        assert np.abs(z - item["contours"][0]).min() > 2 * np.ptp(z) / 131068  # else storing could move the line
        signs = np.sign(z - item["contours"][0])
        crossings = (signs[1:] != signs[:-1]).sum() + (signs[:, 1:] != signs[:, :-1]).sum()
        outer = (signs[1:, [0, -1]] != signs[:-1, [0, -1]]).sum() + (signs[[0, -1], 1:] != signs[[0, -1], :-1]).sum()
        # each crossing of an edge between two squares ends two pieces; from those of outermost cells one leads out
        assert len(at) == 2 * crossings + outer


def typeset(text):
    superscript = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    text = re.sub(r"(\d)e([+-]\d+)", lambda m: f"{m[1]}×10" + str(int(m[2])).translate(superscript), text)
    return re.sub(r"(^|[\s(=])-(?=[\d.])", r"\1−", text)


@pytest.mark.parametrize("index", range(6))
def test_what_is_drawn_is_what_python_computes(open_page, computed, index):
    made, explorer = computed[index], explorer_at(open_page(), index)
    limits = made.limits([made.frame(setting) for setting in made.settings()])
    for setting in made.settings():
        choose(explorer, made, setting)
        frame, read = made.frame(setting), explorer.evaluate(READ)
        np.testing.assert_allclose([*read["x"], *read["y"]], [*limits["x"], *limits["y"]])
        places, images = Places(read, made._scales), iter(read["images"])
        for k, (item, arrays, path) in enumerate(zip(frame.items, frame.arrays, read["paths"], strict=True)):
            image = next(images) if item["kind"] == "image" else None
            check_item(item, arrays, path, image, places, limits["z"][k])
        assert read["text"] == typeset(frame.text)
        assert read["label"].endswith(read["text"])


def test_a_view_leads_to_its_setting_and_leaves_the_rest(open_page, computed):
    explorer = explorer_at(open_page(), 0)
    control(explorer, "points").evaluate("(slider) => { slider.value = 2; slider.dispatchEvent(new Event('input')); }")
    for words, lengthscale, points in (
        ("It believes nothing between the data", 0.25, 8),
        ("Three points settle it", 4.0, 3),
    ):
        explorer.get_by_role("button", name=words).click()
        read = explorer.evaluate(READ)
        assert read["text"] == computed[0].frame((lengthscale, points, True)).text
        assert f"length scale {lengthscale:g}" in read["label"]
        assert control(explorer, "points").get_attribute("aria-valuetext") == str(points)


def test_the_page_has_the_script_once_and_nothing_of_the_widget_manager(open_page, site):
    page = (site / "explorers.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<script[^>]*/explorer\.js|<script[^>]*_static/explorer\.js", page)) == 1
    for unwanted in ("require", "html-manager", "widget-state", "widget-view", "cdn.", "unpkg"):
        assert unwanted not in re.sub(r'<script type="text/plain">[^<]*', "", page), unwanted
    assert "explorer.js" not in (site / "intro.html").read_text(encoding="utf-8")
    assert open_page("intro.html").locator(".ntk-explorer").count() == 0


def test_the_weights(site):
    assert (site / "_static" / "explorer.js").stat().st_size <= 41_000  # 12 kB as it is transferred
    explorers = re.findall(
        r'<div class="ntk-explorer"[^>]*>.*?</div>', (site / "explorers.html").read_text(encoding="utf-8")
    )
    assert len(explorers) == 6
    assert max(map(len, explorers)) <= 500_000


def test_the_keyboard_moves_a_slider(open_page):
    explorer = explorer_at(open_page(), 3)
    slider = control(explorer, "step")
    slider.focus()
    values = [1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 200, 300]
    for key, place in [
        ("Home", 0), ("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("ArrowDown", 0), ("ArrowDown", 0),
        ("PageUp", 3), ("PageUp", 6), ("PageDown", 3), ("End", 13), ("ArrowRight", 13), ("ArrowLeft", 12),
    ]:  # fmt: skip
        before, was = explorer.evaluate(READ)["paths"], slider.input_value()
        slider.press(key)
        assert slider.get_attribute("aria-valuetext") == str(values[place])
        assert slider.input_value() == str(place)
        assert explorer.locator(".reading").nth(0).inner_text() == str(values[place])
        assert (explorer.evaluate(READ)["paths"] == before) == (was == str(place))
        assert slider.evaluate("(e) => e.getRootNode().activeElement === e")


def test_the_mouse_moves_a_slider(open_page):
    explorer = explorer_at(open_page(), 0)
    slider = control(explorer, "length scale")
    box = slider.bounding_box()
    for fraction, value in [(0.99, "4"), (0.01, "0.25"), (0.5, "1")]:
        slider.click(position={"x": fraction * box["width"], "y": box["height"] / 2})
        assert slider.get_attribute("aria-valuetext") == value


def test_a_check_box_and_a_list(open_page):
    page = open_page()
    explorer = explorer_at(page, 0)
    box = control(explorer, "show draws")
    assert explorer.evaluate(READ)["paths"][2]
    box.click()
    assert not box.is_checked()
    assert not explorer.evaluate(READ)["paths"][2]
    box.press("Space")
    assert explorer.evaluate(READ)["paths"][2]
    explorer = explorer_at(page, 2)
    choice = control(explorer, "kernel")
    before = explorer.evaluate(READ)["images"]
    choice.select_option("Gauss")
    assert explorer.evaluate(READ)["images"] != before
    choice.press("L")
    assert explorer.evaluate(READ)["images"] == before


def test_translated_and_from_right_to_left_they_are_drawn_and_move_as_before(open_page):
    page = open_page()
    found = page.evaluate(TURN, ".plot svg, .reading")
    assert found["seen"] >= 10
    assert found["turned"] == []
    for explorer in page.locator(".ntk-explorer").all():
        picture = explorer.locator("svg[role=img]").bounding_box()
        for text in explorer.locator("svg[role=img] text").all():
            box = text.bounding_box()
            assert box["x"] >= picture["x"] - 1
            assert box["x"] + box["width"] <= picture["x"] + picture["width"] + 1
    explorer = explorer_at(page, 0)
    assert (
        control(explorer, "show draws").evaluate("(e) => getComputedStyle(e.closest('.controls')).direction") == "rtl"
    )
    page.evaluate(TRANSLATE)
    slider, check = explorer.locator("input[type=range]").first, explorer.locator("input[type=checkbox]")
    box = slider.bounding_box()
    for fraction, value in [(0.99, "4"), (0.01, "0.25"), (0.5, "1")]:
        slider.click(position={"x": fraction * box["width"], "y": box["height"] / 2})
        assert slider.get_attribute("aria-valuetext") == value
        assert explorer.locator(".reading").first.inner_text() == value
    check.click()
    assert not explorer.evaluate(READ)["paths"][2]
    before = explorer_at(page, 2).evaluate(READ)["images"]
    explorer_at(page, 2).locator("select").select_option("Gauss")
    assert explorer_at(page, 2).evaluate(READ)["images"] != before


def test_what_a_screen_reader_says(open_page):
    page = open_page()
    explorer = explorer_at(page, 2)
    slider = control(explorer, "length scale")
    assert slider.get_attribute("aria-valuetext") == "2 steps"
    assert explorer.get_by_role("group", name="A kernel matrix").count() == 1
    status = explorer.get_by_role("status")
    assert status.text_content() == ""  # nothing is said before something changes
    slider.press("Home")
    page.wait_for_function("(e) => e.textContent", arg=status.element_handle())  # it is said when nothing moves
    text = explorer.locator(".text").inner_text()
    assert status.text_content() == f"kernel Laplace, length scale 0.5 steps. {text}"
    picture = explorer.get_by_role("img", name=re.compile("A kernel matrix. The kernel between all pairs"))
    assert picture.get_attribute("aria-label").endswith(f"kernel Laplace, length scale 0.5 steps. {text}")


def test_the_numbers_are_shown_and_follow_the_setting(open_page, computed):
    explorer, made = explorer_at(open_page(), 0), computed[0]
    assert explorer.locator("table").count() == 0
    explorer.get_by_text("Show the numbers").click()
    control(explorer, "length scale").press("End")
    frame = made.frame((4.0, 5, True))
    tables = explorer.locator("table").evaluate_all(
        """(all) => all.map((t) =>
            [t.caption.textContent, [...t.rows].map((r) => [...r.cells].map((c) => c.textContent))])"""
    )
    assert [name for name, _ in tables] == ["two standard deviations", "posterior mean, three draws", "data"]
    assert tables[1][1][0] == ["x", "posterior mean", *(f"three draws {k}" for k in (1, 2, 3))]
    band, lines, points = (np.array([[_number(cell) for cell in row] for row in rows[1:]]) for _, rows in tables)
    (x, lower, upper), (_, mean), (_, draws), data = frame.arrays
    np.testing.assert_allclose(band, np.stack([x, lower, upper], 1), atol=1e-4)
    np.testing.assert_allclose(lines, np.stack([x, mean, *draws], 1), atol=1e-4)
    np.testing.assert_allclose(points, np.stack(data, 1), atol=1e-4)


def _number(text):
    back = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    mantissa, _, power = text.replace("−", "-").rpartition("10") if re.search("10[⁻⁰-⁹¹²³]", text) else (text, "", "⁰")
    mantissa = mantissa.replace("−", "-").rstrip("×")
    return float(mantissa if mantissa not in ("", "-") else mantissa + "1") * 10 ** int(power.translate(back))


def test_time_runs_and_can_be_stopped(open_page):
    explorer = explorer_at(open_page(), 3)
    slider = control(explorer, "step")
    button = explorer.get_by_role("button", name="Play, step")
    slider.press("Home")
    button.click()
    explorer.get_by_role("button", name="Pause, step").wait_for()
    explorer.page.wait_for_function("(e) => Number(e.value) >= 2", arg=slider.element_handle())
    explorer.get_by_role("button", name="Pause, step").click()
    place = slider.input_value()
    explorer.page.wait_for_timeout(1000)
    assert slider.input_value() == place
    button.press("Enter")
    explorer.page.wait_for_function("(e) => e.value === '13'", arg=slider.element_handle())
    button.wait_for()


def test_who_wants_less_motion_steps_through_time(open_page):
    explorer = explorer_at(open_page(reduced_motion="reduce"), 3)
    slider = control(explorer, "step")
    slider.press("Home")
    explorer.get_by_role("button", name="Step, step").click()
    explorer.page.wait_for_timeout(1500)  # time to move on three times
    assert slider.input_value() == "1"
    slider.press("End")
    explorer.get_by_role("button", name="Step, step").click()
    assert slider.input_value() == "0"


STROKES = "(e) => [...e.shadowRoot.querySelectorAll('path[data-item]')].map((p) => p.getAttribute('stroke'))"


def test_colors_follow_the_theme(open_page):
    page = open_page(color_scheme="dark")
    explorer = explorer_at(page, 3)
    network = explore.ROLES["network"]
    assert explorer.evaluate(STROKES)[0] == network.dark
    box = "(e) => getComputedStyle(e.closest('.output')).backgroundColor"
    assert explorer.evaluate(box) == "rgba(0, 0, 0, 0)"  # not the theme's light box around outputs
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    switched = "([e, color]) => e.shadowRoot.querySelector('path[data-item]').getAttribute('stroke') === color"
    page.wait_for_function(switched, arg=[explorer.element_handle(), network.light])


@pytest.mark.parametrize("width", [320, 390])
def test_it_fits_a_phone(open_page, width):
    page = open_page(viewport={"width": width, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for explorer in page.locator(".ntk-explorer").all():
        for part in explorer.locator("svg[role=img], input, select, button, .legend li").all():
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width + 0.5
            if part.evaluate("(e) => ['INPUT', 'SELECT', 'BUTTON'].includes(e.tagName)"):
                assert box["height"] >= 20
        inside = explorer.evaluate(
            """(e) => [...e.shadowRoot.querySelectorAll('svg[role=img] text')].every((t) => {
              const box = t.getBoundingClientRect(), size = parseFloat(getComputedStyle(t).fontSize);
              return box.left >= -0.5 && box.right <= innerWidth + 0.5 && size >= 12; })"""
        )
        assert inside


def test_tick_labels_do_not_overlap(open_page):
    for width in (390, 1280):
        page = open_page(viewport={"width": width, "height": 844})
        for explorer in page.locator(".ntk-explorer").all():
            overlaps = explorer.evaluate(
                """(e) => {
                  const texts = [...e.shadowRoot.querySelectorAll('svg[role=img] text')];
                  const boxes = texts.map((t) => [t.textContent, t.getBoundingClientRect()]);
                  const overlap = (a, b) =>
                    a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
                  return boxes.flatMap(([s, a], i) =>
                    boxes.slice(i + 1).filter(([, b]) => overlap(a, b)).map(([t]) => s + ' | ' + t)); }"""
            )
            assert overlaps == []
            for side in ("middle", "end"):  # the numbers at the bottom and at the left
                assert 3 <= explorer.locator(f"svg[role=img] text.tick[text-anchor={side}]").count() <= 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, scheme):
    source = axe()
    page = open_page(color_scheme=scheme)
    for index in (2, 4):  # those with the shortest tables
        explorer_at(page, index).get_by_text("Show the numbers").click()
    page.evaluate(source)
    report = page.evaluate("axe.run('.ntk-explorer')")
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in report["violations"]] == []
    assert {"label", "color-contrast", "svg-img-alt"} <= {rule["id"] for rule in report["passes"]}


def test_focus_is_visible(open_page):
    explorer = explorer_at(open_page(), 3)
    control(explorer, "step size").focus()
    explorer.page.keyboard.press("Shift+Tab")
    for _ in range(3):
        style = explorer.evaluate(
            """(e) => { const s = getComputedStyle(e.shadowRoot.activeElement);
                       return [s.outlineStyle, parseFloat(s.outlineWidth)]; }"""
        )
        assert style[0] == "solid"
        assert style[1] >= 2
        explorer.page.keyboard.press("Tab")


def test_without_scripts_there_is_a_picture_with_words(open_page):
    page = open_page(java_script_enabled=False)
    for picture in page.locator(".ntk-explorer > img").all():
        assert picture.is_visible()
        assert len(picture.get_attribute("alt")) > 60
    assert page.locator(".ntk-explorer > img").count() == 6


# -------------------------------------------------------------------------------------------- the extension by itself


def bundle(**outputs):
    tree = nodes.container(nb_element="mime_bundle")
    for kind, text in outputs.items():
        mime = {"html": "text/html", "png": "image/png", "widget": "application/vnd.jupyter.widget-view+json"}[kind]
        node = nodes.image(uri="x.png") if kind == "png" else nodes.raw(text=text, format="html")
        tree += nodes.container("", node, mime_type=mime)
    return tree


def test_the_still_picture_gets_its_words_and_a_lonely_widget_a_warning(monkeypatch):
    sys.path.insert(0, str(ROOT))
    from extensions.authoring import explorers

    said = []
    monkeypatch.setattr(explorers.logger, "warning", lambda message, **kwargs: said.append(message))
    good = bundle(widget="w", html='<div class="ntk-explorer"><img src="" alt="a &lt; b"></div>', png="")
    explorers._check_outputs(None, good)
    assert good.next_node(nodes.image)["alt"] == "a < b"
    assert said == []
    plot = bundle(png="")
    explorers._check_outputs(None, plot)
    assert "alt" not in plot.next_node(nodes.image)
    assert not explorers.has_explorer(plot)
    explorers._check_outputs(None, bundle(widget="w"))
    assert said == ["this widget needs Python, which readers of the page do not have: show an Explorer instead"]
