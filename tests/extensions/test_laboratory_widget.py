"""The laboratory in a real JupyterLab, driven in Chromium: what is set in Python moves it, and back."""

import base64
import io
import json
import re

import nbconvert
import nbformat
import numpy as np
import PIL.Image
import pytest
from browser import ROOT, axe, chromium
from programs import run, run_after_others
from test_explorers_live import served

from extensions.authoring.laboratory import READINGS
from ntklib.book import laboratory
from ntklib.book._roles import ROLES
from ntklib.book.laboratory import _still

pytestmark = pytest.mark.xdist_group("explorers_live")
pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install jupyterlab")

FIRST = "from ntklib.book.laboratory import Laboratory\nlaboratory = Laboratory(width=32, networks=1)\nlaboratory"
HOST = "document.querySelector('.ntk-laboratory')"
EVERYTHING = ["domain", "width", "depth", "activation", "w_std", "b_std", "scale", "networks", "seed"]
EVERYTHING += ["alpha", "subtract", "learning_rate", "momentum", "step"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A notebook whose first cell has shown the laboratory; the second one is free."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in (FIRST, "0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "notebook.ipynb")
    with served(folder) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        dialog = page.locator(".jp-Dialog")
        page.add_locator_handler(dialog, lambda: dialog.locator(".jp-mod-accept").last.click())
        page.goto(address + "/lab/tree/notebook.ipynb?reset")
        page.wait_for_function("window.jupyterapp && document.querySelectorAll('.jp-CodeCell').length === 2")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
        for _ in range(20):  # what is pressed before the notebook is ready is lost
            page.locator(".jp-CodeCell").first.locator(".cm-content").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
            if "[ ]" not in page.locator(".jp-CodeCell .jp-InputPrompt").first.inner_text():
                break
        page.wait_for_function(f"{HOST}?.state")
        page.where, page.folder = page.url, folder
        yield page


asked = iter(range(10_000))


def python(page, code, value="None"):
    """Run lines in the second cell; what an expression is afterwards."""
    mark = f"answer {next(asked)}: "
    lines = f"import json\n{code}\nprint('{mark}' + json.dumps({value}))"
    cell = page.locator(".jp-CodeCell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(lines)
    page.keyboard.press("Control+Enter")
    said = cell.locator(".jp-OutputArea-output pre", has_text=mark)
    said.wait_for()
    return json.loads(said.inner_text().split(mark)[1])


def traits(page):
    """All that Python knows of it."""
    names = ", ".join(f"'{name}'" for name in EVERYTHING)
    arrays = "{n: getattr(laboratory, n).tolist() for n in ('x', 'y', 'outputs', 'losses', 'kernel')}"
    return python(page, "", f"{{**{{n: getattr(laboratory, n) for n in [{names}]}}, **{arrays}}}")


def at(page, step, **settings):
    """The state of the page when it is at this step of this setting, and Python has heard of it."""
    of = "".join(f" && s.settings.{name} === {json.dumps(value)}" for name, value in settings.items())
    page.wait_for_function(f"() => {{ const s = {HOST}.state; return s.step === {step}{of}; }}")
    heard(page)
    return page.evaluate(f"{HOST}.state")


def heard(page):
    """Wait until Python knows of the step that the page shows, however long that takes."""
    for _ in range(100):
        shown = page.evaluate(f"[{HOST}.state.step, {HOST}.state.outputs]")
        if python(page, "", "[laboratory.step, laboratory.outputs.tolist()]") == shown:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"Python has not heard of {shown}")


def test_what_python_sets_is_trained_and_what_is_computed_is_in_python(page):
    python(page, "laboratory.activation, laboratory.w_std, laboratory.networks, laboratory.step = 'erf', 1.5, 1, 25")
    state = at(page, 25, activation="erf", w_std=1.5)
    known = traits(page)
    lines = page.evaluate(f"{HOST}.python()")
    program = f"{lines}\nimport json\nprint(json.dumps([list(outputs), loss, kernel_loss]))"
    outputs, loss, kernel_loss = run(program)
    np.testing.assert_allclose(known["outputs"], outputs, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(known["losses"][-1], [25, loss, kernel_loss], rtol=1e-5)
    assert known["losses"][0][0] == 0
    assert known["kernel"] == np.reshape(state["empiricalKernel"], (6, 6)).tolist()
    python(page, "laboratory.step = 0")
    at(page, 0)
    at_start = "import json\nfrom ntklib.tangent import empirical_ntk\n"
    at_start += "print(json.dumps(np.asarray(empirical_ntk(mlp.apply, draw(0), x)).tolist()))"
    np.testing.assert_allclose(traits(page)["kernel"], run_after_others(f"{lines}\n{at_start}"), rtol=1e-5)


def test_what_is_set_begins_the_training_anew_at_once(page):
    steps = python(
        page,
        "steps = []\n"
        "for name, value in [('step', 9), ('width', 64), ('step', 9), ('width', 64), ('x', laboratory.x / 2),\n"
        "                    ('step', 9), ('seed', 3)]:\n"
        "    setattr(laboratory, name, value)\n    steps.append(laboratory.step)\n"
        "laboratory.step = 4",
        "steps",
    )
    assert steps == [9, 0, 9, 9, 0, 9, 0]
    state = at(page, 4, width=64, seed=3)
    assert state["settings"]["points"][0] == [-70, -0.4]
    assert traits(page)["step"] == 4


def test_points_are_set_from_python_in_every_domain(page):
    for points, targets, domain in [
        ([[-0.5, 0.25], [0.5, 0.125], [0.0, -0.75]], [1.0, -1.0, 1.0], "plane"),
        ([-1.5, 0.3333, 1.0], [0.5, -1.5, 0.25], "line"),
        ([-90.0, 45.5], [1.25, -0.5], "circle"),
    ]:
        python(page, f"laboratory.set_points({points}, {targets}, '{domain}')\nlaboratory.step = 5")
        state = at(page, 5, domain=domain)
        assert len(state["outputs"]) == len(targets)
        known = traits(page)
        assert (known["domain"], known["y"], known["step"]) == (domain, targets, 5)
        np.testing.assert_allclose(known["x"], points, atol=5e-4)
        shown = np.array(state["settings"]["points"])
        assert np.array_equal(shown[:, :-1].squeeze(), np.array(known["x"]))
        assert np.array_equal(shown[:, -1], targets)


def test_what_is_moved_in_the_widget_moves_python(page):
    python(page, "laboratory.set_points([-90, 45], [1, -0.5], 'circle')\nlaboratory.width = 32")
    at(page, 0, domain="circle", width=32)
    point = page.locator(".ntk-laboratory .point").first
    point.press("ArrowUp")
    point.press("ArrowRight")
    page.locator(".ntk-laboratory").get_by_label("width", exact=True).press("ArrowRight")
    page.locator(".ntk-laboratory").get_by_label("scale", exact=True).select_option("mean field")
    state = at(page, 0, width=64, parameterization="mean_field")
    known = traits(page)
    assert (known["width"], known["scale"]) == (64, "mean_field")
    assert known["x"] == [-86.4, 45]
    assert known["y"] == [1.05, -0.5]
    assert known["outputs"] == state["outputs"]
    point.press("Delete")  # and no cell of the notebook
    at(page, 0)
    assert page.locator(".jp-CodeCell").count() == 2
    assert traits(page)["x"] == [45]
    assert page.url == page.where, "the address is the notebook's"


def test_play_counts_in_python_and_pause_stops(page):
    python(page, "laboratory.set_points([-1, 0, 1], [1, -0.5, 0.5], 'line')\nseen = []")
    python(page, "laboratory.observe(lambda change: seen.append(change['new']), 'step')")
    page.locator(".ntk-laboratory").get_by_role("button", name="Play").click()
    page.wait_for_function(f"{HOST}.state.step > 60")
    page.locator(".ntk-laboratory").get_by_role("button", name="Pause").click()
    page.wait_for_function(f"!{HOST}.state.playing")
    heard(page)
    known, state = traits(page), page.evaluate(f"{HOST}.state")
    assert not state["playing"]
    assert known["step"] == state["step"] > 60
    assert known["outputs"] == state["outputs"]
    seen = python(page, "", "seen")
    assert len(seen) > 2
    assert seen == sorted(seen)
    steps = np.array(known["losses"])[:, 0]
    assert steps[-1] == state["step"]
    assert (np.diff(steps) > 0).all()


def test_what_is_wrong_is_said_and_nothing_moves(page):
    before = traits(page)
    said = python(
        page,
        "said = []\n"
        "for name, value in [('width', 100), ('x', [1, 2]), ('activation', 'gelu'), ('step', -1)]:\n"
        "    try:\n        setattr(laboratory, name, value)\n"
        "    except ValueError as error:\n        said.append(str(error))",
        "said",
    )
    assert said[0] == "width must be 4, 8, 16, 32, 64, 128, 256, 512, 1024 or 2048, got 100"
    assert said[1].startswith("x must be of shape (3,) in the line, got x float64 of shape (2,)")
    assert said[2:] == [
        "activation must be relu, erf or tanh, got 'gelu'", "step must be an integer from 0 to 100000, got -1",
    ]  # fmt: skip
    assert traits(page) == before


def test_two_views_show_the_same(page):
    python(page, "laboratory.width, laboratory.step = 16, 0\nfrom IPython.display import display\ndisplay(laboratory)")
    page.wait_for_function("document.querySelectorAll('.ntk-laboratory').length === 2")
    states = "[...document.querySelectorAll('.ntk-laboratory')].map((e) => e.state)"
    page.wait_for_function(f"{states}.every((s) => s && s.settings.width === 16)")
    second = page.locator(".ntk-laboratory").nth(1)
    second.get_by_label("width", exact=True).press("ArrowRight")
    page.wait_for_function(f"{states}.every((s) => s.settings.width === 32)")
    page.locator(".ntk-laboratory").first.get_by_role("button", name="Step").click()
    page.wait_for_function(f"{states}.every((s) => s.step === 1)")
    first, other = page.evaluate(states)
    assert first["outputs"] == other["outputs"]
    heard(page)  # in the cell that showed the second one
    assert python(page, "", "[laboratory.width, laboratory.step]") == [32, 1]
    page.wait_for_function("document.querySelectorAll('.ntk-laboratory').length === 1")
    python(page, "laboratory.step = 3")
    at(page, 3)


def test_it_follows_the_theme_of_the_lab(page):
    ink = f"getComputedStyle({HOST}.shadowRoot.querySelector('.all')).color"
    light = page.evaluate(ink)
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.locator(".ntk-laboratory .all.dark").wait_for()
    assert page.evaluate(ink) != light
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    page.locator(".ntk-laboratory .all:not(.dark)").wait_for()
    assert page.evaluate(ink) == light


def test_an_experiment_is_set_up_by_name_and_by_a_press(page):
    python(page, "laboratory.set_experiment('catapult')\nlaboratory.step = 8")
    state = at(page, 8, learning_rate=1.5, width=2048)
    assert state["loss"] > 1, "the loss of the network rises first"
    widget = page.locator(".ntk-laboratory")
    assert widget.get_by_role("button", name="The catapult").get_attribute("aria-pressed") == "true"
    assert widget.get_by_text("would be refuted").filter(visible=True).inner_text().startswith("Half above")
    widget.get_by_role("button", name="Units gather on the corners").click()
    page.wait_for_function(f"{HOST}.state.settings.domain === 'plane' && {HOST}.state.step > 20")
    widget.get_by_role("button", name="Pause").click()
    page.wait_for_function(f"!{HOST}.state.playing")
    heard(page)
    known = python(page, "", "[laboratory.experiment, laboratory.scale, laboratory.x.tolist(), laboratory.step]")
    assert known[:2] == ["gathering-units", "mean_field"]
    assert len(known[2]) == 4
    assert known[3] == page.evaluate(f"{HOST}.state.step") > 20
    assert python(page, "laboratory.width = 64", "laboratory.experiment") is None
    at(page, 0, width=64)
    assert widget.locator(".experiments [aria-pressed=true]").count() == 0


SAVED = """() => jupyterapp.shell.currentWidget.context.model.cells.get(0).outputs.toJSON()"""


def test_a_saved_notebook_keeps_the_picture_that_was_seen(page):
    """In the notebook, as nbconvert shows it, and in a JupyterLab whose kernel knows no widget."""
    before = page.evaluate(SAVED)
    python(page, "laboratory.set_points([-1, 0, 1], [1, -0.5, 0.5], 'line')\nlaboratory.step = 40")
    at(page, 40)
    page.wait_for_function(f"() => ({SAVED})()[1].data['text/plain'].includes('step 40, 3 points')")
    for _ in range(100):  # Python says at once where it stands; the picture comes from the page
        live, still = page.evaluate(SAVED)
        drawn = PIL.Image.open(io.BytesIO(base64.b64decode(still["data"]["image/png"]))).convert("RGB")
        colors = {color: count for count, color in drawn.getcolors(1 << 20)}
        if drawn.width > drawn.height:  # that of the plane, before, is the other way
            break
        page.wait_for_timeout(100)
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    assert "step 40, 3 points, width" in still["data"]["text/plain"]
    assert before[0] == live
    assert before[1]["data"]["image/png"] != still["data"]["image/png"], "the picture is the one of the start"
    assert colors.get((255, 255, 255), 0) > 0.5 * drawn.width * drawn.height
    for role in ("network", "kernel", "data"):
        wanted = tuple(bytes.fromhex(ROLES[role].light[1:]))
        assert colors.get(wanted, 0) > 15, f"nothing has the colour of {role}"
    assert page.locator(".jp-RenderedImage").first.is_hidden(), "who sees the widget needs no picture of it"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(FIRST)])
    notebook.cells[0].outputs = [nbformat.from_dict(output) for output in (live, still)]
    shown = nbconvert.HTMLExporter().from_notebook_node(notebook)[0]
    assert still["data"]["image/png"].replace("\n", "")[:200] in shown.replace("\n", "")
    view = notebook.cells[0].outputs[0]["data"]["application/vnd.jupyter.widget-view+json"]
    view["model_id"] = "of-a-kernel-that-is-gone"
    nbformat.write(notebook, page.folder / "saved.ipynb")
    other = page.context.browser.new_page(viewport={"width": 1280, "height": 900})
    other.goto(page.where.split("/lab/")[0] + "/lab/workspaces/other/tree/saved.ipynb?reset")
    picture = other.locator(".jp-RenderedImage img").first
    picture.wait_for()
    assert picture.evaluate("(image) => image.naturalWidth") > 300
    other.close()


def test_nothing_of_it_is_cut_on_a_phone_and_in_the_dark_and_axe_finds_nothing(page):
    python(page, "laboratory.set_points([-1, 0, 1], [1, -0.5, 0.5], 'line')\nlaboratory.step = 5")
    at(page, 5)
    page.add_script_tag(content=axe())
    wide = """() => {
      const host = document.querySelector(".ntk-laboratory"), root = host.shadowRoot;
      const room = host.getBoundingClientRect();
      return [...root.querySelectorAll(".legend li, .plot svg, button, select, input, .reading svg, .control, canvas")]
        .filter((e) => e.getClientRects().length && !e.matches(".point"))
        .map((e) => [`${e.localName} ${e.id} ${e.textContent.slice(0, 30)}`, e.getBoundingClientRect()])
        .filter(([, at]) => at.left < room.left - 1 || at.right > room.right + 1).map(([name]) => name);
    }"""
    narrow = """(width) => { document.querySelector(".ntk-laboratory").parentElement.style.width = width; }"""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        page.locator(".ntk-laboratory .all" + (".dark" if "Dark" in theme else ":not(.dark)")).wait_for()
        page.wait_for_timeout(600)
        for width in ("390px", "300px", ""):
            page.evaluate(narrow, width)
            page.wait_for_timeout(300)
            assert page.evaluate(wide) == [], (theme, width)
            found = page.evaluate(f"() => axe.run({HOST}, {{ resultTypes: ['violations'] }})")["violations"]
            said = [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]
            assert said == [], (theme, width)


def test_python_offers_what_the_page_offers(page):
    page = page.context.browser.new_page()
    page.set_content("<!doctype html><p></p>")
    page.add_script_tag(content=laboratory._script().replace("export default { render };", ""))
    fields, traits_, titles, most = page.evaluate(
        "() => { const s = laboratorySettings(laboratoryEngine().normals);"
        " return [Object.fromEntries(Object.entries(s.FIELDS).map(([n, [, values]]) => [n, values])), laboratoryTraits,"
        " Object.entries(laboratoryWords).map(([slot, [title]]) => [slot, title]), [s.MOST, s.REACH]]; }"
    )
    page.close()
    for name, values in laboratory._CHOICES.items():
        if name != "domain":
            assert fields[traits_[name]] == list(values), name
    assert fields["seed"] == list(range(100))
    assert most == [laboratory._MOST_POINTS, laboratory._REACH]
    assert dict(titles) == {slot: title for slot, title in READINGS.items() if title}


def test_the_experiments_are_those_of_the_page(page):
    """Titles and settings; the sentences without references; the traits are what the page makes of a setting."""
    page = page.context.browser.new_page()
    page.set_content("<!doctype html><p></p>")
    page.add_script_tag(content=laboratory._script().replace("export default { render };", ""))
    known = list(laboratory._EXPERIMENTS.values())
    decode = "(texts) => texts.map((text) => laboratorySettings(laboratoryEngine().normals).decode(text))"
    settings = page.evaluate(decode, [each["setting"] for each in known])
    names = page.evaluate("laboratoryTraits")
    page.close()
    text = (ROOT / "laboratory.md").read_text(encoding="utf-8")
    block = r"\{laboratory-experiment\} (.+)\n:name: (.+)\n:setting: (.+)\n\n(.+)\n"
    assert [(e["title"], e["name"], e["setting"]) for e in known] == [f[:3] for f in re.findall(block, text)]
    for each, setting, (*_, words) in zip(known, settings, re.findall(block, text), strict=True):
        plain = re.sub(r" ?\([^()]*\{prf:ref\}`[^`]+`[^()]*\)", "", words)
        assert each["words"] == plain.replace(r"$\sigma_w$", "σ_w").replace("*", "")
        points = [tuple(np.hstack(pair)) for pair in zip(each["traits"]["x"], each["traits"]["y"], strict=True)]
        assert points == [tuple(point) for point in setting["points"]]
        for name, field in names.items():
            assert each["traits"][name] == setting[field], (each["name"], name)
    assert dict(laboratory.Laboratory.EXPERIMENTS) == {each["name"]: each["title"] for each in known}


STILL = {
    "momentum": {"momentum": 0.8, "networks": 1},
    "standard scale, two layers": {"scale": "standard", "depth": 2, "activation": "tanh", "learning_rate": 0.25},
    "mean-field scale, in the plane": {"scale": "mean_field", "domain": "plane"},
}


def test_what_the_picture_shows_of_the_kernel_is_what_the_page_computes(page):
    for settings in STILL.values():
        settings = {"domain": "line", "scale": "ntk", "depth": 1, "momentum": 0.0, **settings}
        x, y = ([[-0.5, 0.25], [0.5, 0.5]], [1, -1]) if settings["domain"] == "plane" else ([-1, 0.25], [1, -0.5])
        lines = "\n".join(f"laboratory.{name} = {value!r}" for name, value in settings.items() if name != "domain")
        python(page, f"laboratory.set_points({x}, {y}, '{settings['domain']}')\n{lines}\nlaboratory.step = 7")
        state = at(page, 7, domain=settings["domain"], parameterization=settings["scale"])
        names = ("width", "activation", "w_std", "b_std", "learning_rate", "momentum", "depth")
        here = {name: state["settings"][name] for name in names}
        made = laboratory.Laboratory(x, y, settings["domain"], scale=settings["scale"], step=7, **here)
        now, _ = _still.prediction(made, made.x)
        np.testing.assert_allclose(now, state["kernelOutputs"], rtol=1e-5, atol=1e-6)
        grid = np.array(state["grid"]).reshape(len(state["limitOutputs"]), -1).squeeze()
        np.testing.assert_allclose(_still.prediction(made, grid)[1], state["limitOutputs"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", STILL)
def test_without_a_browser_the_picture_shows_what_the_kernel_predicts(name):
    """Step by step, with the kernel that the page uses, against the closed form."""
    settings = dict(STILL[name])
    x, y = [-100, 10, 95], [1, -0.5, 0.3]
    if "domain" in settings:
        x, y = [[-0.5, 0.2], [0.4, 0.6], [0.1, -0.7]], [1, -1, 1]
    made = laboratory.Laboratory(x, y, **settings, width=64, step=12)
    again = laboratory.Laboratory(x, y, **settings, width=64, step=0)
    inputs = _still._inputs(made.domain, made.x)
    theta = np.asarray(_still._tangent(made, inputs, inputs), float)
    rate = 2 * made.learning_rate / np.linalg.eigvalsh(theta)[-1]
    outputs, velocity = np.zeros(3), np.zeros(3)
    for _ in range(12):
        velocity = made.momentum * velocity + rate * theta @ (made.y - outputs)
        outputs = outputs + velocity
    now, ever = _still.prediction(made, made.x)
    np.testing.assert_allclose(now, outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ever, made.y, atol=1e-4)
    assert np.abs(now - ever).max() > 1e-3, "all is learned, and the test sees no step"
    assert np.abs(_still.prediction(again, made.x)[0]).max() == 0
    data, _ = made._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"].startswith("The laboratory at step 12, 3 points, width 64")
    assert _still.picture(made, curves=False) != base64.b64decode(data["image/png"])
    with pytest.raises(ValueError, match=r"name must be one of wide-networks, .*, got 'catapul'"):
        made.set_experiment("catapul")
