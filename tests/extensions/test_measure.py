"""Claims that a reader judges anew, in Chromium: the numbers of ntklib, and a failure is said where there is one."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from browser import ROOT, axe, quiet_pages
from docutils import nodes
from docutils.utils import new_document
from small_books import build_linked, built
from test_laboratory_engine import draws

from extensions.authoring import measure
from extensions.site.notebook_prose import Prose
from extensions.site.notebook_text import Page
from ntklib.dynamics import gradient_descent
from ntklib.kernels import RBF, Laplace
from ntklib.mlp import MLP, Layer
from ntklib.tangent import empirical_ntk

pytestmark = pytest.mark.xdist_group("laboratory")
CHAPTERS = ("kernels", "nngp", "ntk", "dynamics", "finite-width", "feature-learning")
BOX = re.compile(r"^:::\{measure\} ([\w-]+)\n.*?^:::$", re.MULTILINE | re.DOTALL)
TEXTS = {name: (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8") for name in CHAPTERS}
BOXES = {found[1]: found[0] for text in TEXTS.values() for found in BOX.finditer(text)}
DEGREES, TARGETS = np.array([-140.0, -95, -40, 15, 60, 130]), np.array([-0.4, 0.9, 0.3, -1, 0.7, 0.2])
X = np.sqrt(2) * np.stack([np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))], 1)
FILLER = "Words that stand between two boxes.\n\n" * 60


def book(folder, boxes):
    """A page with these boxes, far below its head, and of each theorem no more than its name."""
    (folder / "_config.yml").write_text((ROOT / "_config.yml").read_text(encoding="utf-8"), encoding="utf-8")
    labels = sorted(set(re.findall(r"^:theorem: (\S+)$", boxes, re.MULTILINE) + re.findall(r"prf:ref\}`(\S+)`", boxes)))
    stubs = "".join(f"```{{prf:definition}} {label}\n:label: {label}\nSomething.\n```\n\n" for label in labels)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n- file: boxes\n", encoding="utf-8")
    (folder / "intro.md").write_text("# Nothing to measure here\n\nNothing.\n", encoding="utf-8")
    (folder / "boxes.md").write_text(f"# Boxes\n\n{FILLER}{boxes}\n\n{FILLER}{stubs}", encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    book(folder, "\n\n".join(BOXES.values()))
    return build_linked(folder)


@pytest.fixture(scope="module")
def open_page(browser, site):
    """Opens the page with no network; nothing may be asked for outside of the site, and no script may fail."""
    with quiet_pages(browser) as new_page:

        def opened(**options):
            page = new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
            page.asked = []
            page.on("request", lambda r: page.asked.append(r.url))
            page.goto((site / "boxes.html").as_uri())
            return page

        yield opened


@pytest.fixture(scope="module")
def shared(open_page):
    return open_page()


def fill(page, name, **setting):
    """The setting, by the box's own controls; what is not named is as at first."""
    box = page.locator(f"#measure-{name}")
    for field, value in {**measure._start(name, re.search(r":start: (.*)", BOXES[name])[1]), **setting}.items():
        control = box.locator(f"[data-field={field}]")
        control.fill(str(value)) if field == "seed" else control.select_option(str(value))
    return box


def measured(page, name, **setting):
    """What the box found after a press: its state, with what it said."""
    box = fill(page, name, **setting)
    box.get_by_role("button", name="Measure").click()
    page.wait_for_function("(id) => document.getElementById(id).state", arg=f"measure-{name}")
    return {**box.evaluate("(box) => box.state"), "said": box.locator("[data-said]").inner_text(), "box": box}


# ------------------------------------------------------------------------------------------------ the same as ntklib


def network(setting, width, number=0):
    """The network that the page draws, as one of ntklib, with its parameters."""
    scale = setting.get("scale", "ntk")
    mlp = MLP(depth=1, activation=setting["activation"], w_std=2**0.5, parameterization=scale)
    numbers = draws(int(setting["seed"]), number, 3 * width)
    hidden, readout = numbers[: 2 * width].reshape(2, width), numbers[2 * width :].reshape(width, 1)
    if scale == "standard":
        hidden, readout = hidden, readout * (2 / width) ** 0.5
    return mlp, (Layer(jnp.asarray(hidden), None), Layer(jnp.asarray(readout), None))


def largest(setting, width):
    """The greatest eigenvalue of the kernel at infinite width, with what this scale and width make of it."""
    mlp = MLP(depth=1, activation=setting["activation"], w_std=2**0.5)
    if setting.get("scale") == "standard":  # the readout's part times m / σ_w², the first layer's times d / σ_w²
        nngp = np.asarray(mlp.nngp(X))
        return np.linalg.eigvalsh(width / 2 * nngp + np.asarray(mlp.ntk(X)) - nngp)[-1]
    return np.linalg.eigvalsh(mlp.ntk(X))[-1] / (width if setting.get("scale") == "mean_field" else 1)


def power(setting, change):
    """The power of the width, from networks of ntklib trained by it."""
    means = []
    for width in (int(setting["width"]), 4 * int(setting["width"])):
        rate, changes = 6 / largest(setting, width), []
        for number in range(8):
            mlp, start = network(setting, width, number)
            end = gradient_descent(mlp.apply, start, X, TARGETS, learning_rate=rate, steps=60).params
            changes.append(change(mlp, start, end))
        means.append(np.mean(changes))
    return np.log(means[1] / means[0]) / np.log(4)


def by_ntklib(name, setting):
    """What the page should have measured."""
    width, seed = int(setting["width"]), int(setting["seed"])
    if name == "cosines-against-kernel":
        cauchy = setting["frequencies"] == "cauchy"
        numbers = draws(seed, 0, width * (1 + cauchy))
        frequencies = numbers[::2] / numbers[1::2] if cauchy else numbers
        r = np.linspace(0, 4, 41)
        kernel = (RBF if setting["kernel"] == "rbf" else Laplace)()(np.zeros((1, 1)), r[:, None])[0]
        return np.sqrt(np.mean((np.cos(np.outer(r, frequencies)).mean(1) - kernel) ** 2))
    if name == "kurtosis-of-outputs":
        mlp, all_draws = network(setting, width)[0], np.stack([draws(seed, k, 3 * width) for k in range(10_000)])
        both = (
            Layer(all_draws[:, : 2 * width].reshape(-1, 2, width), None),
            Layer(all_draws[:, 2 * width :].reshape(-1, width, 1), None),
        )
        f = np.asarray(jax.vmap(lambda params: mlp.apply(params, X[:1])[0, 0])(both))
        return np.mean(f**4) / np.mean(f**2) ** 2 - 3
    if name == "tangent-kernel-against-limit":
        mlp, params = network(setting, width)
        limit = MLP(depth=1, activation=setting["activation"], w_std=2**0.5).ntk(X)
        return np.linalg.norm(empirical_ntk(mlp.apply, params, X) - limit) / np.linalg.norm(limit)
    if name == "factor-of-a-step":
        mlp, params = network(setting, width)
        values, vectors = np.linalg.eigh(mlp.ntk(X))
        first, f0 = vectors[:, -1] * np.sign(vectors[0, -1]), np.asarray(mlp.apply(params, X))[:, 0]
        rate = float(setting["rate"]) * 12 / values[-1]
        run = gradient_descent(mlp.apply, params, X, f0 + first, learning_rate=rate, steps=3)
        left = first @ (np.asarray(run.outputs[-1, :, 0]) - f0 - first)
        return -np.cbrt(left)  # it was -1
    if name == "power-of-kernel-change":

        def of_the_kernel(mlp, start, end):
            before, after = (empirical_ntk(mlp.apply, params, X) for params in (start, end))
            return np.linalg.norm(after - before) / np.linalg.norm(before)

        return power(setting, of_the_kernel)
    assert name == "power-of-unit-motion"
    return power(
        setting,
        lambda _, start, end: np.linalg.norm(end[0].weight - start[0].weight) / np.linalg.norm(start[0].weight),
    )


SETTINGS = {
    "cosines-against-kernel": [
        {"width": 256},
        {"width": 64, "kernel": "laplace", "frequencies": "cauchy", "seed": 7},
    ],
    "kurtosis-of-outputs": [{"width": 16}, {"width": 8, "activation": "erf", "seed": 4}],
    "tangent-kernel-against-limit": [
        {"activation": activation, "scale": scale, "width": 64, "seed": 3}
        for activation, scale in itertools.product(("relu", "erf", "tanh"), ("ntk", "standard", "mean_field"))
    ],
    "factor-of-a-step": [{"width": 256}, {"width": 16, "activation": "relu", "rate": 0.25, "seed": 2}],
    "power-of-kernel-change": [{"width": 16}, {"width": 16, "activation": "tanh", "scale": "mean_field", "seed": 5}],
    "power-of-unit-motion": [{"width": 16}, {"width": 16, "scale": "standard", "activation": "erf", "seed": 6}],
}


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, found in SETTINGS.items() for place in range(len(found))]
)
def test_the_page_measures_what_ntklib_does(shared, name, place):
    found = measured(shared, name, **SETTINGS[name][place])
    with jax.enable_x64(True):
        wanted = by_ntklib(name, found["setting"])
    assert found["measured"] == pytest.approx(float(wanted), rel=1e-5, abs=1e-7), found["said"]


# --------------------------------------------------------------------------------- it agrees, and can fail, and says so

#: Of each, settings at which its theorem's claim is not what one finds: a narrow width, another scale or law.
FAILS = {
    "cosines-against-kernel": [{"width": 4}, {"frequencies": "cauchy"}],
    "kurtosis-of-outputs": [{"width": 8}],
    "tangent-kernel-against-limit": [{"width": 16}, {"scale": "standard"}, {"scale": "mean_field"}],
    "factor-of-a-step": [{"width": 16}],
    "power-of-kernel-change": [{"width": 4}, {"scale": "mean_field"}],
    "power-of-unit-motion": [{"scale": "ntk"}, {"scale": "standard"}],
}


@pytest.mark.parametrize("name", measure.MEASURES)
def test_a_claim_agrees_at_first_and_can_fail_in_front_of_the_reader(shared, name):
    for seed in (1, 2):
        found = measured(shared, name, seed=seed)
        assert found["verdict"] == "agrees", found["said"]
        assert found["box"].locator("[data-outside]").is_hidden()
    for setting in FAILS[name]:
        found = measured(shared, name, **setting)
        assert found["verdict"] == "disagrees", found["said"]
        assert found["said"].startswith("✗ It does not agree: measured "), found["said"]
        assert re.search(r" \(Definition \d+\)\.", found["said"]), "it does not name the theorem"
        assert found["box"].locator("[data-outside]").is_visible(), "it does not say why"
        wrong = abs(found["measured"] - found["expected"])
        assert wrong > found["tolerance"]
        assert min(abs(r - found["expected"]) for r in found["rejects"]) > found["tolerance"]


def test_a_changed_setting_forgets_what_was_measured(shared):
    found = measured(shared, "tangent-kernel-against-limit", width=16)
    fill(shared, "tangent-kernel-against-limit", width=2048)
    assert found["box"].evaluate("(box) => box.state") is None
    assert found["box"].get_attribute("data-verdict") is None
    assert found["box"].locator("[data-said]").inner_text() == "The setting has changed: press Measure."
    assert found["box"].locator("[data-outside]").is_hidden()


@pytest.mark.parametrize("typed", ["", "-3", "1000", "2.5"])
def test_a_seed_that_is_none_is_put_back(shared, typed):
    assert measured(shared, "tangent-kernel-against-limit", seed=typed)["setting"]["seed"] == 1


def test_what_measures_is_loaded_when_the_reader_comes_near(open_page):
    page = open_page()
    page.wait_for_timeout(300)
    assert not [url for url in page.asked if measure.SCRIPT in url], "loaded before anybody is near"
    before = page.evaluate("document.body.scrollHeight")
    page.locator("#measure-kurtosis-of-outputs").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('script[src*=measuring]')")
    [url] = [url for url in page.asked if measure.SCRIPT in url]
    assert re.search(r"/_static/measuring\.js\?v=\w{8}$", url), "a browser may keep an older one"
    measured(page, "tangent-kernel-against-limit", width=16)
    assert page.evaluate("document.body.scrollHeight") == before, "what comes out moves the page"


def test_by_keyboard_and_said_aloud(open_page):
    page = open_page(reduced_motion="reduce")
    box = page.locator("#measure-tangent-kernel-against-limit")
    box.locator("select").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Measure"
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#measure-tangent-kernel-against-limit').state")
    assert box.evaluate("(box) => box.state.setting.width") == 256
    said = box.get_by_role("status")
    assert said.count() == 1
    assert re.match(r"[✓✗] It .*: measured 0\.\d+, expected 0 ± 0\.125 \(Definition \d+\)", said.inner_text())


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_it_fits_and_axe_finds_nothing(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    heights = page.evaluate("[...document.querySelectorAll('.measure')].map((box) => box.offsetHeight)")
    for name in ("power-of-unit-motion", "factor-of-a-step"):
        measured(page, name, width=16)
    after = page.evaluate("[...document.querySelectorAll('.measure')].map((box) => box.offsetHeight)")
    assert after == heights, "there is too little room for what is said"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.locator(".measure").all():
        assert box.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    page.add_script_tag(content=axe())
    found = page.evaluate("() => axe.run('main', { resultTypes: ['violations'] })")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


def test_without_a_script_the_claim_is_printed(open_page):
    page = open_page(java_script_enabled=False)
    box = page.locator("#measure-power-of-kernel-change")
    text = box.inner_text()
    assert "Four times the width, a quarter of the change, for nearly every seed." in text
    assert "expected -1, tolerance 1/4, which rejects 0, -1/2" in text
    assert not box.get_by_role("button").is_visible()
    assert "Not measured yet" not in text


# ------------------------------------------------------------------------------------------------- names and chapters


def test_each_of_six_chapters_has_one_and_each_measurement_is_used():
    for name, text in TEXTS.items():
        assert BOX.search(text), f"chapters/{name}.md has nothing to measure"
        for found in BOX.finditer(text):
            [theorem] = re.findall(r"^:theorem: (\S+)$", found[0], re.MULTILINE)
            assert f"\n:label: {theorem}\n" in text, "its theorem stands in another chapter"
    assert BOXES.keys() == measure.MEASURES.keys()


def test_a_notebook_has_no_box_that_nothing_moves():
    box = measure.measure_box("", nodes.paragraph("", "Press Measure."))
    document = new_document("page")
    document += [nodes.paragraph("", "Before."), box, nodes.paragraph("", "After.")]
    cells = Page(Prose({}, {}, "page"), lambda node: "", {}).read(document)
    assert [cell["source"] for cell in cells] == ["Before.\n\nAfter."]


def test_both_languages_know_the_same_measurements_and_laws(browser):
    page = browser.new_page()
    for part in measure.PARTS[:3]:
        source = (ROOT / "ntklib" / "book" / "laboratory" / f"{part}.js").read_text(encoding="utf-8")
        page.add_script_tag(content=source)
    names = page.evaluate("Object.keys(laboratoryMeasures(laboratoryEngine(), laboratoryLimit()))")
    laws = page.evaluate("Object.keys(laboratoryLaws)")
    page.close()
    assert names == list(measure.MEASURES)
    assert laws == list(measure.LAWS)


WRONG = {
    "{measure} no-such-thing": ("tangent-kernel-against-limit", "there is no measurement 'no-such-thing'"),
    ":start: activation=relu, width=1000": (":start: activation=relu, width=1024", ":start: has width=1000"),
    ":start: activations=relu": (":start: activation=relu", "has to name activation, width, scale, seed"),
    ":tolerance: 0.1": (":tolerance: 1/8", "wants integers or fractions"),
    ":rejects: 1/16": (":rejects: 1/2", "its tolerance does not reject 1/16"),
    ":theorem: thm-none": (":theorem: thm-one-layer", "thm-none"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """The exit status of a book that has a page with each of these faults, and what its build said of each page."""
    folder, box = tmp_path_factory.mktemp("misspelt"), BOXES["tangent-kernel-against-limit"]
    book(folder, box)
    for number, (wrong, (right, _)) in enumerate(WRONG.items()):
        right = f"{{measure}} {right}" if wrong.startswith("{") else right
        assert right in box
        (folder / f"wrong-{number}.md").write_text(f"# Wrong\n\n{box.replace(right, wrong)}\n", encoding="utf-8")
    with (folder / "_toc.yml").open("a", encoding="utf-8") as toc:
        toc.writelines(f"- file: wrong-{number}\n" for number in range(len(WRONG)))
    status, output = built(folder)
    said = dict.fromkeys(range(len(WRONG)), "")
    for line in re.sub(r"\x1b\[[\d;]*m", "", output).splitlines():
        if place := re.match(r"\S*/wrong-(\d)\.md:", line):
            said[int(place[1])] += line + "\n"
    assert not re.search(r"/(boxes|intro)\.md\S* WARNING", output), "what is not wrong is refused"
    return status, said


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_misspelt_fails_the_build(refused, wrong):
    status, said = refused
    assert status != 0
    found = said[list(WRONG).index(wrong)]
    assert re.search("WARNING|ERROR", found)
    assert WRONG[wrong][1] in found
