"""The laboratory as a reader meets it: the built page in Chromium, from `file://`, with the network off."""

import itertools
import json
import re
import urllib.parse
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from browser import ROOT, axe, quiet_pages
from programs import run, run_after_others
from scipy.interpolate import RegularGridInterpolator
from small_books import build_linked

from extensions.authoring import laboratory
from ntklib.mlp import MLP

pytestmark = pytest.mark.xdist_group("laboratory")
PAGE = ROOT / "laboratory.md"
TEXT = PAGE.read_text(encoding="utf-8")


# What of the title page the small form has to do with.
HEAD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
---

# The head of a title page

```{laboratory-small} fig-intro
{doc}`The whole <laboratory>`
```

```{code-cell} ipython3
---
mystnb:
  figure: {caption: Something that stands below., name: fig-intro}
tags: [remove-input]
---
from ntklib.book import Explorer, Line
Explorer(
    lambda width: [Line([0, 1], [0, width], "twenty trained networks", role="network"),
                   Line([0, 1], [1, width], "the formula", role="kernel"),
                   Line([0, 1], [2, width], "the six points", role="data")],
    {"width": [8, 16]}, title="Twenty networks, one formula", description="Lines that end at the width, one a place.",
    x_label="angle on the circle, degrees", y_label="output", aspect=0.34, units={"width": "units"}, play="width",
)
```

Text below.
"""


def build(book: Path, link: str = "catapult") -> Path:
    """A book of the laboratory, with a link to an experiment, and of chapters with no more than the theorems named."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    (book / "_config.yml").write_text(config, encoding="utf-8")
    named = set(re.findall(r"\{(?:prf:ref|eq)\}`([\w-]+)`", TEXT))
    linked = set(re.findall(r"\{doc\}`([\w/-]+)`", TEXT))
    holds = re.compile(rf"^(?::label: |\$\$ \()(?:{'|'.join(map(re.escape, named))})\)?$", re.MULTILINE)
    chapters = sorted((ROOT / "chapters").glob("*.md"))
    pages = sorted(linked | {f"chapters/{path.stem}" for path in chapters if holds.search(path.read_text("utf-8"))})
    first = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"][0]
    assert first["chapters"] == [{"file": "laboratory"}], "it comes first after the title page"
    others = {"caption": "The chapters", "numbered": 1, "chapters": [{"file": page} for page in [*pages, "head"]]}
    (book / "head.md").write_text(HEAD, encoding="utf-8")
    toc = {"format": "jb-book", "root": "intro", "parts": [first, others]}
    (book / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (book / "intro.md").write_text(
        f"# Nothing to train here\n\nNothing moves. {{experiment}}`See it happen <{link}>`.\n", encoding="utf-8"
    )
    (book / "laboratory.md").write_text(TEXT, encoding="utf-8")
    (book / "chapters").mkdir()
    for page in pages:
        chapter = (ROOT / f"{page}.md").read_text(encoding="utf-8")
        labels = named & set(re.findall(r"^:label: (\S+)$", chapter, re.MULTILINE))
        equations = named & set(re.findall(r"^\$\$ \((\S+)\)$", chapter, re.MULTILINE))
        stub = f"# Of {page}\n\nNothing moves here.\n\n"
        stub += "".join(
            f"```{{prf:definition}} {label}\n:label: {label}\nSomething.\n```\n\n" for label in sorted(labels)
        )
        stub += "".join(f"$$\nx = y\n$$ ({equation})\n\n" for equation in sorted(equations))
        (book / f"{page}.md").write_text(stub, encoding="utf-8")
        named -= labels | equations
    assert not named, f"no chapter that the page links to has {named}"
    return build_linked(book)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("book"))


STATE = "document.querySelector('[data-laboratory]').state"
SMALL = "document.querySelector('[data-laboratory-small]')"
THERE = f"{SMALL}.shadowRoot && !{SMALL}.hidden"
ADVANCE = "(steps) => document.querySelector('[data-laboratory]').advance(steps)"


@pytest.fixture(scope="module")
def open_page(browser, site):
    """Opens the page, with what comes after # in its address; nothing may be asked for, and no script may fail."""
    with quiet_pages(browser) as new_page:

        def opened(fragment="", before="", name="laboratory", ready=STATE, **options):
            page = new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
            page.add_init_script(before)
            page.goto((site / f"{name}.html").as_uri() + (f"#{fragment}" if fragment else ""))
            if options.get("java_script_enabled", True):
                page.wait_for_function(ready)
            return page

        yield opened


@pytest.fixture(scope="module")
def shared(open_page):
    return open_page()


def press(page, name):
    page.get_by_role("button", name=name).click()


SET = """(to) => new Promise((done) => {
  const host = document.querySelector("[data-laboratory]");
  addEventListener("hashchange", () => done(host.advance(0)), { once: true });
  location.hash = to;
})"""
unlike = iter(range(10**6))


def at_start(page, fragment):
    """Another setting by the address alone, at step 0."""
    state = page.evaluate(SET, f"{fragment}&unlike={next(unlike)}")
    assert state["step"] == 0
    return state


def after(page, fragment, steps):
    at_start(page, fragment)
    state = page.evaluate(ADVANCE, steps)
    assert state["step"] == steps or state["diverged"]
    return state


def finite(state):
    """Whether each number of a state is one: JSON has no other."""
    text = json.dumps(state)
    return not re.search(r"NaN|Infinity", text) and "null" not in text.replace('"band": null', "")


def test_four_buttons_train_stop_step_and_begin_again(shared):
    page = shared
    for name in ("Play", "Pause", "Step", "Reset"):
        assert page.get_by_role("button", name=name).count() == 1, f"more than one button answers to {name}"
    assert page.locator("article").count() == 1
    first = page.evaluate(STATE)
    assert first["step"] == 0
    assert {"step", "loss", "kernelLoss", "outputs", "kernelOutputs", "settings"} <= first.keys()
    press(page, "Step")
    page.wait_for_function(f"{STATE}.step === 1")
    press(page, "Play")
    page.wait_for_function(f"{STATE}.step > 20")
    press(page, "Pause")
    page.wait_for_function(f"!{STATE}.playing")
    page.wait_for_timeout(200)
    paused = page.evaluate(STATE)
    page.wait_for_timeout(300)
    assert page.evaluate(f"{STATE}.step") == paused["step"], "it goes on after Pause"
    assert paused["loss"] < first["loss"] / 2
    press(page, "Reset")
    page.wait_for_function(f"{STATE}.step === 0")
    assert page.evaluate(f"{STATE}.loss") == first["loss"]
    again = page.evaluate(ADVANCE, paused["step"])
    assert again["loss"] == paused["loss"], "the same steps do not give the same numbers"
    assert again["curves"] == paused["curves"]
    points = np.array(again["settings"]["points"])
    one = after(page, "networks=1", 40)
    residual = np.array(one["outputs"]) - points[:, 1]
    assert one["loss"] == pytest.approx((residual**2).sum() / (2 * len(points)))


def wave(state, harmonic, curve=np.cos):
    """The part of the targets along a wave that is learned."""
    points = np.array(state["settings"]["points"])
    along = curve(harmonic * np.radians(points[:, 0]))
    return np.dot(state["outputs"], along) / np.dot(points[:, 1], along)


def apart(state):
    """The standard deviation of the networks, over the picture."""
    curves = np.array(state["curves"]).reshape(state["networks"], -1)
    return np.sqrt(curves.var(0, ddof=1).mean())


TWO_SLOW = "preset=own&domain=circle&points=" + ",".join(
    f"{a}:{(np.cos(np.radians(a)) + np.sin(np.radians(a))) * 0.7:.3f}" for a in range(-165, 180, 30)
)


def gathered(state):
    """How far the units of the plane point along its diagonals: 1 if all do, 0 if they point everywhere; first and now.

    Longer units count for more.
    """
    units = np.array(state["units"]).reshape(-1, 5)
    along = [
        -(np.hypot(u, v) * np.cos(4 * np.arctan2(v, u))).sum() / np.hypot(u, v).sum()
        for u, v in units.T[:4].reshape(2, 2, -1)
    ]
    assert abs(along[0]) < 0.2
    return along[1]


def divided(state):
    """Whether the outputs at all points of two classes have their labels' signs."""
    return all(
        output * label > 0 for output, (_, _, label) in zip(state["outputs"], state["settings"]["points"], strict=True)
    )


# title: what of the setting is made its opposite, after how many steps, and what the sentence says of the state then
EXPERIMENTS = {
    "Wide networks do as the formula says": (("width=1024", "width=16"), 150, lambda s: s["distance"] < 0.06),
    "A number makes a narrow network lazy": (("alpha=64", "alpha=1"), 150, lambda s: s["kernelChange"] < 0.01),
    "At the mean-field scale features move": (
        ("mean_field", "ntk"), 200, lambda s: s["kernelChange"] > 0.1 and s["distance"] > 0.06
    ),
    "Above the threshold the formula blows up": (
        ("learning_rate=1.25", "learning_rate=0.9"), 10, lambda s: min(s["loss"], s["kernelLoss"]) > 1
    ),
    "The catapult": (
        ("learning_rate=1.5", "learning_rate=0.5"), 100, lambda s: s["kernelLoss"] > 1e6 and s["loss"] < 0.1
    ),
    "The slow wave is learned first": (
        ("preset=waves", TWO_SLOW), 30, lambda s: wave(s, 1) > 0.9 and wave(s, 4) < 0.5
    ),
    "Random starts stay between the points": (
        ("subtract=0", "subtract=1"), 200,
        lambda s: apart(s) > 0.08 and 0.6 < apart(s) / np.sqrt(np.mean(np.square(s["band"])) / 4) < 1.5,
    ),
    "What the kernel does not see": (
        ("b_std=0", "b_std=0.5"), 2000, lambda s: min(s["loss"], s["kernelLoss"]) > 0.1
    ),
    "In the ordered regime points look alike": (
        ("w_std=0.5", "w_std=2"), 200,
        lambda s: min(s["loss"], s["kernelLoss"]) > 0.15 and min(s["limitKernel"]) > 0.9 * max(s["limitKernel"])
    ),
    "Twenty networks, one border": (
        ("width=1024", "width=16"), 60, lambda s: s["distance"] < 0.06 and divided(s)
    ),
    "Units gather on the corners": (
        ("parameterization=mean_field", "parameterization=ntk"), 100,
        lambda s: gathered(s) > 0.8 and 25 < s["unitTurn"] < 40 and divided(s),
    ),
}  # fmt: skip
FOUND = re.findall(r"\{laboratory-experiment\} (.+)\n:name: (.+)\n:setting: (.+)\n", TEXT)
SETTINGS, NAMES = {title: setting for title, _, setting in FOUND}, {name: title for title, name, _ in FOUND}


def test_there_is_a_test_of_each_experiment():
    assert set(SETTINGS) == set(EXPERIMENTS)
    assert len(SETTINGS) == len(NAMES) == 11


@pytest.mark.parametrize("title", EXPERIMENTS)
def test_an_experiment_shows_what_it_says_and_its_opposite_does_not(shared, title):
    (part, opposite), steps, holds = EXPERIMENTS[title]
    press(shared, title)
    shared.wait_for_function(f"{STATE}.step > 0")
    assert shared.get_by_text("would be refuted", exact=False).filter(visible=True).count() == 1
    press(shared, "Reset")
    shared.wait_for_function(f"{STATE}.step === 0")
    state = shared.evaluate(ADVANCE, steps)
    assert finite(state)
    assert state["step"] == steps
    assert holds(state)
    assert part in SETTINGS[title]
    other = after(shared, SETTINGS[title].replace(part, opposite), steps)
    assert finite(other)
    if title == "The slow wave is learned first":  # its opposite has two slow waves
        assert min(wave(other, 1), wave(other, 1, np.sin)) > 0.9
    else:
        assert not holds(other)
    if title == "Units gather on the corners":
        assert divided(other), "without features they are not fitted"
        assert gathered(other) < 0.3
    if title == "The catapult":
        assert max(shared.evaluate(ADVANCE, 1)["loss"], other["loss"]) < state["settings"]["learning_rate"]
        assert after(shared, SETTINGS[title], 8)["loss"] > 1, "the loss of the network does not rise first"


def test_the_band_is_that_of_the_theorem_on_the_ensemble(shared):
    """Mean and covariance over the starts, after steps of descent, from the kernels of ntklib."""
    for alpha, steps in ((1, 0), (2, 40)):
        state = after(shared, f"preset=circle&activation=erf&subtract=0&alpha={alpha}&width=16", steps)
        with jax.enable_x64(True):
            mlp, points = MLP(activation="erf", w_std=2**0.5, b_std=0.5), np.array(state["settings"]["points"])
            x, grid = (
                2**0.5 * np.stack([np.cos(np.radians(a)), np.sin(np.radians(a))], 1)
                for a in (points[:, 0], np.array(state["grid"]))
            )
            theta, cross, k, k_cross = (
                np.asarray(m) for m in (mlp.ntk(x), mlp.ntk(grid, x), mlp.nngp(x), mlp.nngp(grid, x))
            )
            diagonal = np.asarray(mlp.nngp.diagonal(grid))
        values, vectors = np.linalg.eigh(theta)
        learned = (1 - (1 - state["learningRate"] / len(x) * values) ** steps) / values
        a = cross @ (vectors * learned) @ vectors.T
        variance = diagonal - 2 * (a * k_cross).sum(1) + np.einsum("gi,ij,gj->g", a, k, a)
        np.testing.assert_allclose(state["band"], 2 * alpha * np.sqrt(variance), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state["bandCentre"], a @ points[:, 1], rtol=1e-5, atol=1e-9)


PYTHON = {
    "twenty at the NTK scale": "width=16&activation=erf&learning_rate=0.75",
    "deep, with momentum, at the standard scale, on the line": "preset=wave&width=8&depth=2&activation=tanh&networks=1"
    "&parameterization=standard&momentum=0.8&subtract=0&alpha=2&noise=0.2&seed=3",
    "without biases at the mean-field scale": "width=32&parameterization=mean_field&b_std=0&networks=1",
    "with biases at the mean-field scale": "width=32&parameterization=mean_field&b_std=1&subtract=0&networks=1",
    "two classes in the plane": "preset=moons&noise=0.2&width=16&activation=erf&networks=20",
}


@pytest.mark.parametrize("name", PYTHON)
def test_the_lines_of_python_compute_what_is_on_the_screen(shared, name):
    state = after(shared, PYTHON[name], 25)
    lines = shared.evaluate("document.querySelector('[data-laboratory]').python()")
    shared.get_by_text("The same in Python", exact=True).click()
    shown = "document.querySelector('[data-laboratory]').shadowRoot.querySelector('pre').textContent"
    shared.wait_for_function(f"(lines) => {shown} === lines", arg=lines)
    shared.get_by_text("The same in Python", exact=True).click()
    program = f"{lines}\nimport json\nprint(json.dumps([loss, kernel_loss, list(outputs), list(kernel_outputs)]))"
    alone = name == next(iter(PYTHON))  # it imports all that it needs
    loss, kernel_loss, outputs, kernel_outputs = (run if alone else run_after_others)(program)
    assert loss == pytest.approx(state["loss"], rel=1e-5)
    assert kernel_loss == pytest.approx(state["kernelLoss"], rel=1e-5)
    np.testing.assert_allclose(outputs, state["outputs"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(kernel_outputs, state["kernelOutputs"], rtol=1e-5, atol=1e-7)


def test_the_units_point_where_those_of_ntklib_do(shared):
    """At the start and after training at the mean-field scale, by the lines of Python that the page shows."""
    state = after(
        shared, "preset=corners&width=64&networks=1&parameterization=mean_field&learning_rate=0.125&alpha=0.25", 20
    )
    lines = shared.evaluate("document.querySelector('[data-laboratory]').python()")
    program = (
        lines
        + """
import json
start = draw(0)
F = lambda p, x: alpha * (mlp.apply(p, x) - mlp.apply(start, x))
end = gradient_descent(F, start, x, y, learning_rate=rate / alpha**2, steps=steps).params
print(json.dumps([np.asarray(w).tolist() for w in (start[0].weight.T, end[0].weight.T, end[1].weight[:, 0])]))
"""
    )
    before, behind, readout = (np.array(each) for each in run_after_others(program))
    size = np.sqrt((before**2).sum(1).mean())
    wanted = np.concatenate([before / size, behind / size, np.sign(readout)[:, None]], 1)
    np.testing.assert_allclose(np.array(state["units"]).reshape(-1, 5), wanted, rtol=1e-5, atol=1e-7)
    cosine = (before * behind).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(behind, axis=1)
    assert state["unitTurn"] == pytest.approx(np.degrees(np.arccos(cosine.clip(-1, 1))).mean(), rel=1e-5)
    assert state["unitTurn"] > 5
    assert after(shared, "preset=six&width=64", 1)["units"] == []
    assert not shared.locator("[data-laboratory] .units").is_visible()


def test_the_lines_in_the_plane_are_where_the_outputs_are_zero(shared):
    """The curves that are drawn, against the outputs in the state, by SciPy's interpolation; and the shades."""
    state = after(shared, "preset=moons&width=64&networks=1", 40)
    shared.wait_for_function("""() => {
      const root = document.querySelector("[data-laboratory]").shadowRoot;
      const path = (name) => root.querySelector(`[data-curve=${name}]`)?.getAttribute("d") || "";
      return ["networks", "kernel", "limit"].every((name) => path(name).length > 200);
    }""")  # a step is computed before it is drawn
    side = round(len(state["gridOutputs"]) ** 0.5)
    ticks = np.linspace(-1, 1, side)
    np.testing.assert_allclose(np.reshape(state["grid"], (side, side, 2)), np.stack(np.meshgrid(ticks, ticks), -1))
    frame = shared.evaluate("""() => {
      const root = document.querySelector("[data-laboratory]").shadowRoot;
      const { left, top, width, height } = root.querySelector(".field").style;
      return [left, top, width, height].map(parseFloat);
    }""")
    for name, values in (("networks", "gridOutputs"), ("kernel", "gridKernelOutputs"), ("limit", "limitOutputs")):
        path = shared.locator(f"[data-curve={name}]").get_attribute("d")
        drawn = np.array([[float(v) for v in pair.split()] for pair in re.split("[ML]", path)[1:]])
        assert len(drawn) > 15
        places = np.stack([2 * (drawn[:, 0] - frame[0]) / frame[2] - 1, 1 - 2 * (drawn[:, 1] - frame[1]) / frame[3]])
        field = RegularGridInterpolator(
            (ticks, ticks), np.reshape(state[values], (side, side)), bounds_error=False, fill_value=None
        )
        assert np.abs(field(places[::-1].T)).max() < 0.02 * np.abs(state[values]).max(), name
    shade = """([x, y]) => {
      const canvas = document.querySelector("[data-laboratory]").shadowRoot.querySelector(".field"), n = canvas.width;
      return [...canvas.getContext("2d").getImageData(((x + 1) / 2) * (n - 1), ((1 - y) / 2) * (n - 1), 1, 1).data];
    }"""
    clear = [
        (x, y, f) for (x, y, _), f in zip(state["settings"]["points"], state["outputs"], strict=True) if abs(f) > 0.3
    ]
    assert len(clear) > 8
    for x, y, output in clear:
        red, _, blue, _ = shared.evaluate(shade, [x, y])
        assert (red - blue) * output > 3, "the shades are those of the other class"


LINEARISED = {
    "on the circle": "width=16&activation=erf&networks=1&learning_rate=0.75",
    "deep, at the standard scale, on the line": "preset=wave&width=8&depth=2&activation=tanh&networks=1"
    "&parameterization=standard&subtract=0&alpha=2",
    "in the plane, at the mean-field scale": "preset=moons&width=32&parameterization=mean_field&networks=1&alpha=0.5",
}


@pytest.mark.parametrize("name", LINEARISED)
def test_the_linearisation_is_the_one_that_ntklib_trains(shared, name):
    """`ntklib.tangent.linearize`, trained step by step, against the closed form of the page, on points and grid."""
    off = after(shared, LINEARISED[name], 25)
    assert "linearOutputs" not in off
    assert not shared.get_by_text("Distance to the linearisation").is_visible()
    state = after(shared, LINEARISED[name] + "&linear=1", 25)
    assert shared.get_by_text("Distance to the linearisation").is_visible()
    assert state["outputs"] == off["outputs"]
    program = shared.evaluate("document.querySelector('[data-laboratory]').python()")
    program += f"""
import json
from ntklib.tangent import linearize
grid, domain = np.array({state["grid"]}), "{state["settings"]["domain"]}"
turn = np.radians(grid)
places = {{
    "line": lambda: grid[:, None],
    "circle": lambda: 2**0.5 * np.stack([np.cos(turn), np.sin(turn)], 1),
    "plane": lambda: grid.reshape(-1, 2),
}}[domain]()
start = draw(0)
first = (lambda x: mlp.apply(start, x)) if {state["settings"]["subtract"]} else (lambda x: 0.0)
linear = linearize(lambda p, x: alpha * (mlp.apply(p, x) - first(x)), start)
end = gradient_descent(linear, start, x, y, learning_rate=rate / alpha**2, steps=steps).params
print(json.dumps([np.asarray(linear(end, each))[:, 0].tolist() for each in (x, places)]))
"""
    on_points, on_grid = run_after_others(program)
    size = np.abs(on_grid).max()
    np.testing.assert_allclose(state["linearOutputs"], on_points, rtol=1e-5, atol=1e-5 * size)
    np.testing.assert_allclose(state["gridLinearOutputs"], on_grid, rtol=1e-5, atol=1e-5 * size)
    away = np.sqrt(np.mean((np.array(state["gridOutputs"]) - on_grid) ** 2))
    assert state["linearDistance"] == pytest.approx(away, rel=1e-4)
    assert away > 1e-3 * size, "the network is its linearisation, and the test sees no difference"


def test_the_linearisation_is_shown_and_hidden_without_training_again(shared):
    before = after(shared, "width=16&networks=1&preset=circle", 30)
    drawn = (
        "document.querySelector('[data-laboratory]').shadowRoot.querySelector('[data-curve=linear]').getAttribute('d')"
    )
    assert not shared.evaluate(drawn)
    shared.get_by_label("own linearisation", exact=True).check()
    shared.wait_for_function(f"({drawn} || '').length > 500")
    shown = shared.evaluate(STATE)
    assert (shown["step"], shown["outputs"]) == (30, before["outputs"])
    distances = [
        after(shared, f"linear=1&preset=circle&width=32&activation=erf&alpha={alpha}", 60)["linearDistance"]
        for alpha in (1, 4, 16)
    ]
    assert distances[0] > 3 * distances[1] > 9 * distances[2] > 0, "laziness brings it nearer"
    shared.get_by_label("own linearisation", exact=True).uncheck()
    shared.wait_for_function(f"!{drawn}")
    assert shared.evaluate(f"{STATE}.step") == 60


def test_the_address_holds_the_setting(open_page, shared):
    at_start(shared, "preset=wave&noise=0.3&width=16&depth=2&networks=1&momentum=0.5")
    shared.get_by_role("button", name="Point 3 of").focus()
    shared.keyboard.press("ArrowUp")
    shared.keyboard.press("Shift+ArrowLeft")
    shared.get_by_label("activation", exact=True).select_option("tanh")
    shared.wait_for_function(f"{STATE}.settings.activation === 'tanh'")
    # the address follows when things are quiet
    shared.wait_for_function("location.hash.includes('activation=tanh')")
    state, address = shared.evaluate(ADVANCE, 7), shared.evaluate("location.hash.slice(1)")
    assert state["settings"]["preset"] == "own"
    other = open_page(address)
    copied = other.evaluate(ADVANCE, 7)
    assert copied["settings"] == state["settings"]
    assert copied["outputs"] == state["outputs"]
    assert copied["loss"] == state["loss"]
    damaged = at_start(other, "preset=own&points=%E0%A4%A")
    assert finite(damaged), "a damaged link ends the laboratory"
    assert damaged["settings"]["preset"] == "circle"
    wrong = at_start(other, "width=17&depth=9&points=a:b,1:2:3&momentum=-4&" + urllib.parse.quote("σ=1"))
    assert finite(wrong)
    assert (wrong["settings"]["width"], wrong["settings"]["depth"], wrong["settings"]["momentum"]) == (16, 3, 0)


# ---------------------------------------- the clumsy one


def drag(page, name, to):
    """Drag a point by the mouse, in steps; returns where it says it is."""
    point = page.get_by_role("button", name=name)
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for part in (0.5, 1.0, 1.0):
        page.mouse.move(box["x"] + part * (to[0] - box["x"]), box["y"] + part * (to[1] - box["y"]))
    page.mouse.up()


def test_a_point_stays_until_it_is_dragged_and_does_not_jump_to_the_pointer(open_page):
    page = open_page("preset=six&width=32")
    before = page.evaluate(f"{STATE}.settings.points[1]")
    box = page.get_by_role("button", name="Point 2 of").bounding_box()
    x, y = box["x"] + box["width"] / 2 + 10, box["y"] + box["height"] / 2
    for kind, way in (("left", 2), ("right", 60)):  # a hand that trembles, and another button
        page.mouse.move(x, y)
        page.mouse.down(button=kind)
        page.mouse.move(x + way, y)
        page.mouse.up(button=kind)
        page.wait_for_timeout(100)
        assert page.evaluate(f"{STATE}.settings.points[1]") == before
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y)
    page.mouse.up()
    page.wait_for_function(f"{STATE}.settings.preset === 'own'")
    plot = page.locator("[data-laboratory] .plot svg").bounding_box()
    moved = page.evaluate(f"{STATE}.settings.points[1][0]") - before[0]
    assert 0.5 < moved / (20 * 4 / plot["width"]) < 1.5, "it jumps to the pointer"


def test_what_the_kernel_does_not_see_is_not_drawn(shared):
    """Rounding must not give a kernel of rank two more directions, along which the curve for ever would go wild."""
    state = after(shared, SETTINGS["What the kernel does not see"], 20_000)
    assert np.abs(np.subtract(state["limitOutputs"], state["gridKernelOutputs"])).max() < 1e-3
    assert np.abs(state["limitOutputs"]).max() < 2


def test_points_are_dragged_added_and_removed_and_never_lost(open_page):
    page = open_page("preset=six&width=32")
    press(page, "Play")
    page.wait_for_function(f"{STATE}.step > 3")
    drag(page, "Point 2 of", (-50, -70))  # out of the picture, and of the window
    page.wait_for_function(f"{STATE}.settings.points[1][0] === -2")
    assert page.evaluate(f"{STATE}.settings.points[1][1]") == 2
    page.wait_for_function(f"{STATE}.step > 3 && {STATE}.playing")  # it goes on, with the new data
    drag(page, "Point 2 of", (5000, 5000))
    page.wait_for_function(f"{STATE}.settings.points[1].join() === '2,-2'")
    press(page, "Pause")
    plot = page.locator("[data-laboratory] .plot").bounding_box()
    page.mouse.dblclick(plot["x"] + plot["width"] * 0.57, plot["y"] + plot["height"] * 0.3)
    page.wait_for_function(f"{STATE}.settings.points.length === 7")
    for _ in range(20):
        press(page, "Add a point")
    page.wait_for_function(f"{STATE}.settings.points.length === 16")
    page.wait_for_timeout(100)
    assert page.evaluate(f"{STATE}.settings.points.length") == 16
    page.get_by_role("button", name="Point 16 of").focus()
    for left in range(15, 0, -1):
        page.keyboard.press("Delete")
        page.wait_for_function(f"{STATE}.settings.points.length === {left}")
        assert "Point" in page.evaluate("document.activeElement.shadowRoot.activeElement.ariaLabel"), "focus is lost"
    page.keyboard.press("Delete")
    press(page, "Remove the point")
    page.wait_for_timeout(100)
    state = page.evaluate(ADVANCE, 30)
    assert len(state["settings"]["points"]) == 1
    assert finite(state)
    assert page.evaluate("document.querySelectorAll('[data-curve=data]').length") == 0, "the picture is in its shadow"
    many = "preset=own&domain=line&points=" + ",".join(["1:1", "1:-1"] * 3)
    assert finite(after(page, many, 200)), "points on one place"


def test_in_the_plane_points_are_moved_and_their_labels_flipped(open_page, shared):
    page = open_page("preset=corners&width=16&networks=1")
    drag(page, "Point 2 of", (5000, 5000))  # out of the picture: it stays in the square
    page.wait_for_function(f"{STATE}.settings.points[1].join() === '1,-1,-1'")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{STATE}.settings.points[1].join() === '1,-1,1'")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_function(f"{STATE}.settings.points[1].join() === '0.9,-0.98,1'")
    press(page, "Flip the label")
    page.wait_for_function(f"{STATE}.settings.points[1][2] === -1")
    assert "label −1" in page.get_by_role("button", name="Point 2 of").get_attribute("aria-label")
    plot = page.locator("[data-laboratory] .plot svg").bounding_box()
    page.mouse.dblclick(plot["x"] + plot["width"] * 0.55, plot["y"] + plot["height"] * 0.3)
    page.wait_for_function(f"{STATE}.settings.points.length === 5")
    x, y, label = page.evaluate(f"{STATE}.settings.points[4]")
    assert 0 < x < 0.2
    assert 0.3 < y < 0.7
    assert label == 1
    for _ in range(13):
        press(page, "Add a point")
    page.wait_for_function(f"{STATE}.settings.points.length === 16")
    points = np.array(page.evaluate(f"{STATE}.settings.points"))
    assert len({tuple(point) for point in points[:, :2]}) == 16, "one lies on another"
    press(page, "Remove the point")
    page.wait_for_function(f"{STATE}.settings.points.length === 15")
    page.get_by_role("button", name="Point 2 of").press("f")
    page.wait_for_function(f"{STATE}.settings.points[1][2] === 1")
    there = "/points=([^&]*)/.exec(decodeURIComponent(location.hash))?.[1].split(',')"  # the address follows
    page.wait_for_function(f"{there}?.length === 15 && {there}[1].split(':')[2] === '1'")
    state, copied = page.evaluate(ADVANCE, 5), open_page(page.evaluate("location.hash.slice(1)")).evaluate(ADVANCE, 5)
    assert (copied["settings"], copied["outputs"]) == (state["settings"], state["outputs"])
    assert after(shared, "preset=own&domain=plane&points=0.5:0.5:7,9:0:-1,1:1", 3)["settings"]["points"] == [
        [0.5, 0.5, 1],
        [1, 0, -1],
    ]
    page.get_by_label("points", exact=True).select_option("a jump")
    page.wait_for_function(f"{STATE}.settings.domain === 'line'")
    assert not page.get_by_role("button", name="Flip the label").is_visible()
    assert finite(page.evaluate(ADVANCE, 5))
    assert page.locator("[data-laboratory] .field").count() == 0
    moved = after(shared, "preset=corners&noise=0.5", 1)["settings"]["points"]
    assert [label for _, _, label in moved] == [1, -1, 1, -1]
    assert 0.02 < np.abs(np.abs(np.array(moved)[:, :2]) - 0.7).max() < 0.8


def test_both_ends_of_every_slider_together_give_numbers(shared):
    page = shared
    at_start(page, "preset=six")
    fields = page.evaluate("""() => [...document.querySelector("[data-laboratory]").shadowRoot
      .querySelectorAll(".control input[type=range]")].map((input) => input.id)""")
    assert len(fields) >= 9
    at_the_end = """([fields, end, but]) => {
      const root = document.querySelector("[data-laboratory]").shadowRoot;
      for (const id of fields) {
        const input = root.getElementById(id);
        input.value = but.includes(id) ? input.value : input[end];
        input.dispatchEvent(new Event("input"));
      }
    }"""
    for scale in ("ntk", "standard", "mean_field"):
        for activation in ("relu", "tanh"):
            at_start(page, f"preset=wave&parameterization={scale}&activation={activation}&subtract=0")
            for end, steps in (("max", 2), ("min", 50)):
                slow = ["laboratory-width"] if end == "max" else []  # seconds a step at 2,048 units and three layers
                page.evaluate(at_the_end, [fields, end, slow])
                state = page.evaluate(ADVANCE, steps)
                assert finite(state), (scale, activation, end)
    at_start(page, "preset=six&width=2048&depth=3&networks=20")
    assert page.evaluate(f"{STATE}.networks") == 1, "twenty of these take minutes a step, and gigabytes"
    assert page.get_by_text("Of networks this large only one is trained at a time").count() == 1
    press(page, "Play")
    page.get_by_label("hidden layers").press("Home")  # while it computes
    page.wait_for_function(f"{STATE}.settings.depth === 1 && {STATE}.step > 1")
    press(page, "Pause")


def test_divergence_is_said_and_shown_as_what_it_is(shared):
    state = after(shared, "preset=circle&learning_rate=4&width=64&networks=1", 3000)
    assert state["diverged"] == 1
    assert finite(state)
    assert state["step"] < 3000
    said = shared.get_by_role("alert").inner_text()
    assert "diverged" in said
    assert "above the threshold" in said
    for _ in range(50):  # the picture comes after the numbers
        curve = shared.locator("[data-curve=networks]").get_attribute("d")
        farthest = max(abs(float(y)) for y in re.findall(r"[\d.-]+ ([\d.-]+)", curve))
        if farthest > 500:
            break
        shared.wait_for_timeout(100)
    assert "NaN" not in curve
    assert farthest > 500, "the curve has not left"
    press(shared, "Play")  # from the start again: a network that is lost goes nowhere
    shared.wait_for_function(f"{STATE}.step === 0 || {STATE}.step < {state['step']}")
    press(shared, "Pause")
    late = after(shared, "preset=circle&activation=tanh&learning_rate=1.5&width=16&networks=1", 5000)
    assert finite(late), "the formula has left what a number can hold; the network, saturated, has not"
    assert late["kernelLoss"] > 1e100
    after(shared, "preset=circle", 1)
    assert shared.locator("[data-laboratory] .problem").text_content() == ""


def test_a_network_that_is_lost_is_in_no_mean(shared):
    state = after(shared, "preset=circle&width=2&depth=3&learning_rate=4&momentum=0.95&alpha=0.0625", 400)
    assert 0 < state["diverged"] < state["networks"] == 20
    assert "The readings are the means of the others" in shared.get_by_role("alert").inner_text()
    curves, points = np.array(state["curves"]).reshape(20, -1), np.array(state["settings"]["points"])
    lost = np.abs(curves).max(1) > 1e5
    assert lost.sum() == state["diverged"]
    assert curves[~lost].mean(0) == pytest.approx(np.array(state["gridOutputs"]))
    assert state["loss"] < 1e9, "the dead are counted"
    assert state["loss"] > ((np.array(state["outputs"]) - points[:, 1]) ** 2).mean() / 2, "the loss of the mean"


def test_on_a_low_screen_the_buttons_stay_in_sight(open_page):
    page = open_page("width=16", has_touch=True, is_mobile=True, viewport={"width": 844, "height": 390})
    inside = """(selector) => {
      const root = document.querySelector("[data-laboratory]").shadowRoot;
      root.querySelector(selector).scrollIntoView({ block: "center", behavior: "instant" });
      return [...root.querySelectorAll(".stage .main")].map((button) => {
        const at = button.getBoundingClientRect(), x = (at.left + at.right) / 2;
        return [at.top + 1, at.bottom - 1].every((y) => root.elementFromPoint(x, y) === button);
      });
    }"""
    for selector in (".legend", ".plot", ".experiments", "#laboratory-width", "#laboratory-speed"):
        assert page.evaluate(inside, selector) == [True] * 4, selector
    page.get_by_label("hidden layers").focus()
    row, field = (page.locator(f"[data-laboratory] {s}").bounding_box() for s in (".stage .row", "#laboratory-depth"))
    above = field["y"] + field["height"] <= row["y"]
    assert above or field["y"] >= row["y"] + row["height"], "what has the focus is covered"


def test_it_goes_on_while_the_window_changes_its_size(open_page):
    page = open_page("width=16&networks=1")
    press(page, "Play")
    for width, preset in itertools.product((1280, 390, 700, 320, 844), ("six on the circle", "two moons")):
        page.get_by_label("points", exact=True).select_option(preset)
        page.set_viewport_size({"width": width, "height": 800})
        step = page.evaluate(f"{STATE}.step")
        page.wait_for_function(f"{STATE}.step > {step}")
        inside = """() => {
          const root = document.querySelector("[data-laboratory]").shadowRoot, plot = root.querySelector(".plot");
          const drawn = root.querySelector(".plot svg").getBoundingClientRect().width;
          const units = root.querySelector(".units").getBoundingClientRect(), beside = units.right - innerWidth;
          const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
          return [drawn - plot.clientWidth, wide, beside];
        }"""
        page.wait_for_function(f"Math.max(...({inside})()) <= 1")
    press(page, "Pause")


@pytest.mark.parametrize("broken", ["", "throw 1", "const e = () => this.onerror(); setTimeout(e)"])
def test_without_a_worker_the_page_computes_by_itself(open_page, shared, broken):
    """There is none, it may not be started, or it fails after it was started."""
    worker = (
        f"window.Worker = function () {{ {broken}; this.postMessage = () => {{}}; }};"
        if broken
        else "delete window.Worker;"
    )
    page = open_page("width=16", before=worker)
    assert page.evaluate(ADVANCE, 30)["outputs"] == after(shared, "width=16", 30)["outputs"]


def test_who_presses_ten_times_gets_one_training(open_page):
    page = open_page("width=16&networks=1")
    for _ in range(10):
        page.evaluate("""() => {
          const all = [...document.querySelector("[data-laboratory]").shadowRoot.querySelectorAll("button")];
          for (const word of ["Play", "Pause", "Play"]) all.find((each) => each.textContent === word).click();
        }""")
    paces = page.evaluate("""() => new Promise((done) => {
      const host = document.querySelector("[data-laboratory]"), first = host.state.step;
      let frames = 0;
      const count = () => (++frames < 60 ? requestAnimationFrame(count) : done([host.state.step - first, frames]));
      requestAnimationFrame(count);
    })""")
    assert 5 < paces[0] <= 1.2 * paces[1], "more than one step a frame: several trainings run at once"
    press(page, "Pause")


def test_the_link_is_copied_and_a_link_to_an_experiment_shows_its_sentence(open_page):
    title, setting = next(iter(SETTINGS.items()))
    page = open_page(setting)
    assert page.get_by_role("button", name=title).get_attribute("aria-pressed") == "true"
    assert page.get_by_text("would be refuted").filter(visible=True).count() == 1
    page.get_by_label("width", exact=True).press("ArrowLeft")
    assert page.get_by_role("button", name=title).get_attribute("aria-pressed") == "false"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy link")
    page.get_by_text("the link to this setting").or_(page.get_by_text("in the clipboard")).first.wait_for()
    copied = page.evaluate("navigator.clipboard.readText().catch(() => '')") or page.evaluate("location.href")
    assert "width=512" in copied


def test_two_fingers_drag_two_points_and_neither_jumps(open_page):
    page = open_page("preset=six&width=16&networks=1", has_touch=True, is_mobile=True)
    client, before = page.context.new_cdp_session(page), page.evaluate(f"{STATE}.settings.points")
    places = []
    for name, aside in (("Point 2 of", 12), ("Point 5 of", -12)):  # taken hold of beside their middles
        box = page.get_by_role("button", name=name).bounding_box()
        places.append((box["x"] + box["width"] / 2 + aside, box["y"] + box["height"] / 2))

    def touch(kind, down):
        points = [{"x": places[k][0], "y": places[k][1] + down, "id": k} for k in range(2)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    touch("touchStart", 0)
    for down in (5, 10, 20):
        touch("touchMove", down)
    touch("touchEnd", 20)
    page.wait_for_function(f"{STATE}.settings.preset === 'own'")
    moved = " && ".join(f"{STATE}.settings.points[{k}][1] <= {before[k][1] - 0.05}" for k in (1, 4))
    page.wait_for_function(moved)
    after = page.evaluate(f"{STATE}.settings.points")
    for k in (1, 4):
        assert after[k][0] == pytest.approx(before[k][0], abs=0.01), "it jumps to the finger"
        assert 0.05 < before[k][1] - after[k][1] < 0.6
    assert [after[k] for k in (0, 2, 3, 5)] == [before[k] for k in (0, 2, 3, 5)]


def test_who_deletes_a_point_while_holding_it_does_not_drag_the_next(open_page):
    page = open_page("preset=six&width=16&networks=1")
    before, box = (
        page.evaluate(f"{STATE}.settings.points"),
        page.get_by_role("button", name="Point 2 of").bounding_box(),
    )
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 20)
    page.keyboard.press("Delete")
    page.mouse.move(x, y + 60)
    page.mouse.up()
    page.wait_for_function(f"{STATE}.settings.points.length === 5")
    page.wait_for_timeout(200)
    assert page.evaluate(f"{STATE}.settings.points") == [before[0], *before[2:]]


def test_what_takes_long_says_so_and_nothing_jumps_when_it_is_there(open_page):
    """A worker that answers late, as on a slow processor: points and legend are in their places, and a word is said."""
    late = """
      const Right = window.Worker;
      window.Worker = class {
        constructor(url) {
          this.inner = new Right(url);
          this.inner.onmessage = (event) => setTimeout(() => this.onmessage(event), window.later);
        }
        postMessage(message) { this.inner.postMessage(message); }
      };
      window.later = 2500;"""
    where = """() => {
      const root = document.querySelector("[data-laboratory]").shadowRoot;
      return [...root.querySelectorAll(".stage, .experiments, .groups, .readings, .point")].map((e) => {
        const { left, top } = e.getBoundingClientRect();
        return [left + scrollX, top + scrollY];
      });
    }"""
    said = "document.querySelector('[data-laboratory]').shadowRoot.querySelector('.brief').textContent"
    for size in ((1280, 800), (390, 844)):
        viewport = dict(zip(("width", "height"), size, strict=True))
        page = open_page("preset=six&width=16", before=late, ready=f"{said} === 'computing …'", viewport=viewport)
        assert page.evaluate(STATE) is None
        before = page.evaluate(where)
        assert len(before) == 10
        box = page.get_by_role("button", name="Point 1 of").bounding_box()
        page.mouse.click(box["x"] + 15, box["y"] + 15)
        page.wait_for_function(f"{STATE} && !{said}.includes('computing')")
        assert page.evaluate("window.later = 900")
        np.testing.assert_allclose(page.evaluate(where), before, atol=1)
        press(page, "Step")
        page.wait_for_function(f"{said}.startsWith('computing … · step 0')")
        page.wait_for_function(f"{said}.startsWith('step 1 ')")


def test_after_a_failure_play_begins_anew(open_page):
    page = open_page("width=16&networks=1", before="""
      const Right = window.Worker;
      window.Worker = class {
        constructor(url) {
          this.inner = new Right(url);
          const failed = (id) => ({ id, problem: "no memory" });
          this.inner.onmessage = ({ data }) => this.onmessage({ data: window.fails ? failed(data.id) : data });
        }
        postMessage(message) { this.inner.postMessage(message); }
      };""")  # fmt: skip
    press(page, "Play")
    page.wait_for_function(f"{STATE}.step > 3")
    page.evaluate("window.fails = true")
    page.get_by_role("alert").filter(has_text="no memory").wait_for()
    assert not page.evaluate(f"{STATE}.playing"), "it pretends to train"
    assert page.get_by_role("button", name="Play").get_attribute("aria-pressed") == "false"
    page.evaluate("window.fails = false")
    step = page.evaluate(f"{STATE}.step")
    press(page, "Play")
    page.wait_for_function(f"{STATE}.step > {step} && {STATE}.playing")
    press(page, "Pause")


def test_two_tabs_train_by_themselves_and_each_keeps_its_address(open_page):
    first = open_page("width=16&networks=1")
    second = first.context.new_page()
    second.goto(first.url)
    second.wait_for_function(STATE)
    for page in (first, second):
        press(page, "Play")
        page.wait_for_function(f"{STATE}.step > 3")
    second.get_by_label("width", exact=True).press("ArrowRight")
    second.wait_for_function(f"location.hash.includes('width=32') && {STATE}.settings.width === 32")
    assert first.evaluate(f"[{STATE}.settings.width, {STATE}.playing, location.hash]") == [
        16,
        True,
        "#width=16&networks=1",
    ]
    press(second, "Pause")
    step = first.evaluate(f"{STATE}.step")
    first.wait_for_function(f"{STATE}.step > {step}")


CHANGES = """(frames) => new Promise((done) => {
  const root = document.querySelector("[data-laboratory]").shadowRoot;
  const path = root.querySelector("[data-curve=networks]"), other = {};
  let drawn = 0;
  new MutationObserver((all) => {
    for (const { target, attributeName, type } of all) {
      if (target === path && attributeName === "d") drawn++;
      const name = `${target.localName} ${target.dataset?.curve ?? ""} ${attributeName ?? type}`;
      other[name] = (other[name] || 0) + 1;
    }
    if (drawn >= frames) done([drawn, other]);
  }).observe(root.querySelector(".plot"), { attributes: true, childList: true, characterData: true, subtree: true });
})"""


def test_a_frame_changes_the_curves_and_nothing_else_of_the_picture(open_page):
    """What is not drawn anew costs nothing; `python -m benchmarks.frames` says what a frame costs."""
    page = open_page("preset=wave&width=512&networks=1")
    press(page, "Play")
    page.wait_for_function(f"{STATE}.step > 3")
    drawn, changes = page.evaluate(CHANGES, 40)
    press(page, "Pause")
    spoken = changes.pop("svg  aria-label", 0)
    assert spoken < drawn, "eight times a second are enough for what is read aloud"
    assert set(changes) <= {"path networks d", "path kernel d"}, changes
    assert sum(changes.values()) <= 2 * drawn + 2


def test_the_small_form_is_turned_and_narrowed_while_it_trains(open_page):
    page = open_page(name="head", ready=THERE, viewport={"width": 1280, "height": 800})
    inside = f"""() => {{
      const host = {SMALL}.getBoundingClientRect(), root = {SMALL}.shadowRoot;
      const parts = [...root.querySelectorAll(".legend, .plot svg, .row > :not(slot)")]
        .map((e) => e.getBoundingClientRect());
      const out = parts.map((e) => Math.max(host.left - e.left, e.right - host.right, e.bottom - host.bottom));
      return [Math.max(...out), document.documentElement.scrollWidth - innerWidth];
    }}"""
    for width, height in ((390, 844), (844, 390), (320, 700), (1280, 800)):
        press(page, "Play")
        press(page, "Pause")
        press(page, "Play")
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(f"Math.max(...({inside})()) <= 1")  # when it is drawn anew
        page.wait_for_function(f"!{SMALL}.state.playing")


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_is_opened_by_its_name(shared, name):
    state = at_start(shared, f"experiment-{name}")
    title = NAMES[name]
    assert shared.get_by_role("button", name=title).get_attribute("aria-pressed") == "true"
    assert state["settings"] == at_start(shared, SETTINGS[title])["settings"]


def test_a_chapter_links_to_an_experiment_that_there_is(open_page, site, tmp_path):
    page = (site / "intro.html").read_text(encoding="utf-8")
    assert re.search(r'<a [^>]*href="laboratory.html#experiment-catapult"[^>]*>See it happen</a>', page)
    assert laboratory.SCRIPT not in page
    opened = open_page("experiment-gathering-units")
    assert opened.evaluate(f"{STATE}.settings.preset") == "corners"
    assert opened.get_by_text("would be refuted").filter(visible=True).count() == 1
    opened.wait_for_function("""() => {
      const at = document.querySelector("[data-laboratory]").getBoundingClientRect();
      return at.top > 0 && at.top < 200;
    }""")
    assert open_page("experiment-no-such-thing").evaluate(f"{STATE}.settings.preset") == "circle"
    anchors = re.findall(r'id="experiment-([^"]+)"', (site / "laboratory.html").read_text(encoding="utf-8"))
    assert anchors == list(NAMES)
    for chapter in ("nngp", "ntk", "dynamics", "finite-width", "laziness", "propagation"):
        text = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        links = re.findall(r"\{experiment\}`[^`<]+ <([^>`]+)>`", text)
        assert links, chapter
        assert set(links) <= set(NAMES), chapter
    with pytest.raises(AssertionError, match="the laboratory has no experiment 'catapul'"):
        build(tmp_path, "catapul")


# ---------------------------------------- the small form


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (844, 390), (390, 844)])
def test_the_small_form_takes_the_place_of_a_picture_and_moves_nothing(open_page, width, height):
    page = open_page(name="head", ready="true", viewport={"width": width, "height": height}, before="""
      window.requestIdleCallback = (act) => { window.takePlace = act; };
      window.shifts = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.shifts += each.value; }))
        .observe({ type: "layout-shift", buffered: true });""")  # fmt: skip
    page.wait_for_function("window.takePlace && document.querySelector('.ntk-explorer').shadowRoot")
    page.wait_for_timeout(300)
    places = "() => [...document.querySelectorAll('figcaption, #fig-intro')].map((e) => e.getBoundingClientRect().top)"
    assert page.locator(".ntk-explorer").is_visible()
    before, shifts = page.evaluate(places), page.evaluate("window.shifts")
    page.evaluate("window.takePlace()")
    page.wait_for_function(THERE)
    page.wait_for_timeout(300)
    assert not page.locator(".ntk-explorer").is_visible()
    assert page.evaluate(places) == pytest.approx(before, abs=1)
    assert page.evaluate("window.shifts") == pytest.approx(shifts, abs=0.01)
    inside = page.evaluate(f"""() => {{
      const host = {SMALL}.getBoundingClientRect(), root = {SMALL}.shadowRoot;
      const link = {SMALL}.querySelector("a").getBoundingClientRect();
      const parts = [...root.querySelectorAll(".legend, .plot svg, .row, .row > :not(slot)")];
      return [...parts.map((e) => e.getBoundingClientRect()), link].map((e) =>
        [host.left - e.left, e.right - host.right, host.top - e.top, e.bottom - host.bottom]);
    }}""")
    assert len(inside) > 6
    assert np.max(inside) <= 1, "a part of it lies outside"
    assert page.evaluate(f"{SMALL}.shadowRoot.querySelector('.plot svg').getBoundingClientRect().height") > 150
    whole = f"{SMALL}.shadowRoot.querySelector('.small').getBoundingClientRect().height"
    assert page.evaluate(whole) <= height - 60, "the buttons are out of sight while one looks at the picture"
    page.emulate_media(media="print")
    assert page.locator(".ntk-explorer").is_visible(), "the still picture is for paper"
    assert not page.locator("[data-laboratory-small]").is_visible()


def test_the_small_form_trains_what_is_dragged_and_is_the_laboratory(open_page, shared):
    page = open_page(name="head", ready=THERE)
    state = f"{SMALL}.state"
    first = page.evaluate(state)
    assert first["step"] == 240
    whole = after(shared, "", 240)
    assert (first["loss"], first["kernelLoss"], first["networks"]) == (whole["loss"], whole["kernelLoss"], 20)
    assert whole["settings"] == first["settings"]
    curve = f"{SMALL}.shadowRoot.querySelector('[data-curve=networks]').getAttribute('d')"
    learned = page.evaluate(curve)
    press(page, "Play")  # all was learned: from the start
    page.wait_for_function(f"{state}.step < 100 && {state}.playing")
    press(page, "Pause")
    page.wait_for_function(f"!{state}.playing")
    drag(page, "Point 2 of", (300, 5000))
    page.wait_for_function(f"{state}.settings.points[1][1] === -2 && {state}.playing")
    page.wait_for_function(f"{state}.step >= 240 && !{state}.playing")  # and ends when all is learned
    assert page.evaluate(curve) != learned
    apart = {}
    for key in ("Home", "End"):
        page.get_by_role("slider", name="width", exact=True).press(key)
        wanted = {"Home": 4, "End": 1024}[key]
        label = f"{SMALL}.shadowRoot.querySelector('.plot svg').getAttribute('aria-label')"
        drawn = f"{label}.includes('20 networks of width {wanted:,} ')"  # the picture comes after the setting
        page.wait_for_function(f"{state}.settings.width === {wanted} && {state}.step > 20 && {drawn}")
        apart[key] = page.evaluate(label)
    page.get_by_role("link", name="The whole").click()
    page.wait_for_url("**/laboratory.html")


def test_the_small_form_is_for_everybody(open_page):
    for scheme in ("light", "dark"):
        page = open_page(name="head", ready=THERE, color_scheme=scheme)
        assert (page.locator("[data-laboratory-small] .all.dark").count() == 1) == (scheme == "dark")
        page.add_script_tag(content=axe())
        found = page.evaluate("() => axe.run(document.querySelector('main'), { resultTypes: ['violations'] })")
        assert [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found["violations"]] == []
    page.get_by_role("button", name="Point 1 of").press("ArrowUp")
    page.wait_for_function(f"{SMALL}.state.settings.points[0][1] === -0.35")
    without = open_page(name="head", java_script_enabled=False)
    assert without.locator(".ntk-explorer").is_visible()
    assert not without.locator("[data-laboratory-small]").is_visible()
    assert "```{laboratory-small} fig-intro\n" in (ROOT / "intro.md").read_text(encoding="utf-8")


# ---------------------------------------- for everybody


def test_axe_finds_nothing_in_the_light_and_in_the_dark(open_page):
    for scheme, preset in itertools.product(("light", "dark"), ("six", "moons")):
        page, root = open_page(f"preset={preset}&subtract=0", color_scheme=scheme), "document.querySelector('main')"
        for fold in page.locator("[data-laboratory] details").all():
            fold.locator("summary").click()
        page.evaluate(ADVANCE, 20)
        page.add_script_tag(content=axe())
        found = page.evaluate(f"() => axe.run({root}, {{ resultTypes: ['violations'] }})")
        assert [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found["violations"]] == []
        dark = page.evaluate(
            "document.querySelector('[data-laboratory]').shadowRoot.querySelector('.all.dark') !== null"
        )
        assert dark == (scheme == "dark")


def test_everything_is_reached_and_moved_by_the_keyboard(open_page):
    page = open_page("preset=six&networks=1&width=16")
    press(page, "Reset")
    reached = []
    page.locator("[data-laboratory] .point").first.focus()
    while len(reached) < 80:
        name = page.evaluate("""() => {
          const active = document.activeElement, at = active.shadowRoot && active.shadowRoot.activeElement;
          if (!at) return active.closest("[data-laboratory]") && active.textContent; // a link of a caption
          return at.ariaLabel || at.id || at.textContent.trim();
        }""")
        if name is None:
            break
        reached.append(name)
        page.keyboard.press("Tab")
    text = " | ".join(reached)
    buttons = ("Point 6 of", "Play", "Pause", "Step", "Reset", "Add a point", "Copy link", *EXPERIMENTS)
    for wanted in (*buttons, "laboratory-learning_rate", "laboratory-preset", "laboratory-speed", "The same in Python"):
        assert wanted in text
    page.get_by_role("button", name="Point 1 of").focus()
    before = page.evaluate(f"{STATE}.settings.points[0]")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.wait_for_function(f"{STATE}.settings.points[0][1] !== {before[1]}")
    moved = page.evaluate(f"{STATE}.settings.points[0]")
    assert moved == pytest.approx([before[0] + 0.08, before[1] + 0.05])
    page.get_by_role("button", name="Step").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{STATE}.step === 1")
    page.get_by_label("width", exact=True).focus()
    page.keyboard.press("End")
    page.wait_for_function(f"{STATE}.settings.width === 2048")


def test_a_finger_moves_a_point_and_the_page_fits_a_phone(open_page):
    page = open_page("width=16", has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    client, box = page.context.new_cdp_session(page), page.get_by_role("button", name="Point 3 of").bounding_box()
    assert min(box["width"], box["height"]) >= 44
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 6):
        at = {"x": x + 8 * part, "y": y - 12 * part}
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function(f"{STATE}.settings.preset === 'own'")
    moved = page.evaluate(f"{STATE}.settings.points[2]")
    assert moved[0] > -20
    assert moved[1] > 0.9


def test_less_motion_is_a_picture_a_second(open_page):
    page = open_page("width=16", reduced_motion="reduce")
    count = """() => new Promise((done) => {
      const path = document.querySelector("[data-laboratory]").shadowRoot.querySelector("[data-curve=networks]");
      let times = 0;
      new MutationObserver(() => times++).observe(path, { attributes: true, attributeFilter: ["d"] });
      setTimeout(() => done(times), 2500);
    })"""
    press(page, "Play")
    assert 1 <= page.evaluate(count) <= 4
    assert page.evaluate(f"{STATE}.step") > 10
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(count) > 10, "the test sees no motion where there is some"
    press(page, "Pause")


def test_without_a_script_the_page_says_what_there_would_be(open_page):
    page = open_page(java_script_enabled=False)
    text = page.locator("article").inner_text()
    assert "needs a script" in text
    assert all(title in text for title in EXPERIMENTS)
    assert page.locator("article a[href*='chapters/dynamics']").count() >= 1


def test_paper_shows_the_present_picture_and_no_controls(open_page):
    page = open_page("width=16")
    page.evaluate(ADVANCE, 30)
    page.emulate_media(media="print")
    assert page.locator("[data-laboratory] .plot svg").is_visible()
    assert page.locator("[data-laboratory] .readings svg").first.is_visible()
    assert "width: 16" in page.locator("[data-laboratory] .setting").inner_text()
    for hidden in (".groups", ".row button", ".experiments", "details"):
        assert not page.locator(f"[data-laboratory] {hidden}").first.is_visible()


@pytest.mark.parametrize("question", ["laboratory", "playground", "drag a point"])
def test_who_looks_for_it_finds_it(browser, site, question):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + f"?q={question}")
    page.locator("main a[href^='laboratory.html']").first.wait_for()
    assert page.locator("main a").first.get_attribute("href").startswith("laboratory.html")
    page.close()


def test_the_script_is_small_and_on_no_other_page(site):
    script = site / "_static" / laboratory.SCRIPT
    # 61,000 for curves alone; the plane with its field, lines and units takes 15,000, linearisations take 4,000,
    # and the small form 5,000
    assert script.stat().st_size < 87_000
    assert script.read_text(encoding="utf-8") == laboratory.script()
    holders = [path.name for path in site.rglob("*.html") if laboratory.SCRIPT in path.read_text(encoding="utf-8")]
    assert sorted(holders) == ["head.html", "laboratory.html"]
