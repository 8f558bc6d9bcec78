"""The explorers as a self-learner meets them: live in a real JupyterLab, driven in Chromium."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from browser import ROOT, chromium

pytestmark = pytest.mark.xdist_group("explorers_live")
pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install jupyterlab")

FIRST = """
import pathlib
import time
import numpy as np
from ntklib.book import Explorer, Line

calls = []

def compute(slope, count, kind):
    calls.append(slope)
    time.sleep(0.25 if slope in (1, 2, 3) else 1)
    while slope == 1.375 and not pathlib.Path("go").exists():
        time.sleep(0.1)
    if slope > 3.5:
        raise ArithmeticError("too steep")
    x = np.linspace(0, 1, count)
    return [Line(x, slope * x if kind == "up" else -slope * x, "line", role="network"), f"slope is {slope}"]

print("before")
explorer = Explorer(
    compute, {"slope": [1.0, 2.0, 3.0], "count": [2, 3, 4], "kind": ["up", "down"]},
    title="A line", description="A line of a slope.", x_label="x", y_label="y", units={"count": "points"},
)
explorer
"""
SECOND = """
import ipywidgets
slider = ipywidgets.FloatSlider(1, min=1, max=4, step=0.05, description="other")
ipywidgets.link((slider, "value"), (explorer.widget, "slope"))
seen = []
explorer.widget.observe(lambda change: seen.append(change["new"]), "text")
ipywidgets.VBox([slider, explorer.widget])
"""
THIRD = "explorer.widget.slope = 2.25"


@contextlib.contextmanager
def served(folder):
    """The address of a JupyterLab on this folder, with settings and data of its own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = ["--no-browser", "--expose-app-in-browser", "--IdentityProvider.token=", "--allow-root", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", "--LabApp.news_url=None", f"--ServerApp.root_dir={folder}"]
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(folder / place) for name, place in own.items()}}
    with open(folder / "log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(3000):  # it may take minutes
            try:
                urllib.request.urlopen(address + "/api", timeout=5).read()
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(120)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on a folder with one notebook, and the notebook."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (FIRST, SECOND, THIRD)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "notebook.ipynb")
    with served(folder) as address:
        yield address, folder / "notebook.ipynb"


@pytest.fixture(scope="module")
def page(lab):
    """The notebook, opened, before anything was run."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        # on a busy machine JupyterLab may ask something, about a kernel that is slow to come: agree
        dialog = page.locator(".jp-Dialog")
        page.add_locator_handler(dialog, lambda: dialog.locator(".jp-mod-accept").last.click())
        page.goto(lab[0] + "/lab/tree/notebook.ipynb?reset")
        page.wait_for_function("window.jupyterapp && document.querySelectorAll('.jp-CodeCell').length === 3")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
        yield page


def run(page, index):
    cell = page.locator(".jp-CodeCell").nth(index)
    before = cell.locator(".jp-InputPrompt").inner_text()
    for _ in range(20):  # what is typed before the notebook is ready is lost
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(500)
        if cell.locator(".jp-InputPrompt").inner_text() != before:
            return
    raise AssertionError("the cell does not run")


def output(page, index):
    return page.locator(".jp-CodeCell").nth(index).locator("[data-lm-suppress-shortcuts]")


LIMITS = "(e) => e.shadowRoot.querySelector('path[data-item]').parentNode.dataset.y"
READ = "(e) => e.shadowRoot.querySelector('path[data-item]').getAttribute('d')"


def drawn(explorer):
    """The heights of the line, as fractions of the axis turned into numbers."""
    path, y, box = explorer.evaluate(
        """(e) => { const p = e.shadowRoot.querySelector('path[data-item]'), g = p.parentNode;
           return [p.getAttribute('d'), g.dataset.y, g.dataset.box]; }"""
    )
    low, high = map(float, y.split())
    _, _, bottom, top = map(float, box.split())
    return [
        low + (float(v) - bottom) / (top - bottom) * (high - low) for _, v in re.findall(r"[ML](\S+?) ([\d.]+)", path)
    ]


def says(explorer, text):
    return explorer.locator(".text", has_text=text)


def note(explorer, text):
    explorer.locator(".note", has_text=text).wait_for()


def ready(page):
    """The explorer of the first cell at its first setting, whatever was done with it before."""
    explorer = output(page, 0)
    if not explorer.count():
        run(page, 0)
        note(explorer, "Computed by Python for exactly this setting")
    for label in ("slope", "count"):
        explorer.get_by_label(label, exact=True).press("Home")
    explorer.get_by_label("kind", exact=True).select_option("up")
    says(explorer, "slope is 1.0").wait_for()
    explorer.locator(".all[aria-busy=false]").wait_for()
    return explorer


def test_a_person_sees_how_far_the_grid_is_and_then_one_output(lab, page):
    run(page, 0)
    explorer = output(page, 0)
    bar = explorer.get_by_role("progressbar")
    bar.wait_for()
    assert float(bar.get_attribute("max")) == 18
    page.wait_for_function("(e) => e.value >= 5", arg=bar.element_handle())
    explorer.locator("path[data-item][d*=M]").wait_for(state="attached")  # the figure is there already
    bar.wait_for(state="detached")
    note(explorer, "Computed by Python for exactly this setting")
    assert float(explorer.evaluate(LIMITS).split()[0]) < -3  # the axes are those of all settings
    for _ in range(20):
        page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        outputs = json.loads(lab[1].read_text(encoding="utf-8"))["cells"][0]["outputs"]
        if len(outputs) == 2 and "text/html" in outputs[1]["data"]:
            break
        time.sleep(0.5)
    assert outputs[0]["text"] == ["before\n"]  # what the cell printed is still there
    assert [kind["output_type"] for kind in outputs] == ["stream", "display_data"]
    kinds = {"text/html", "image/png", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert set(outputs[1]["data"]) == kinds
    assert "data:image/png" in "".join(outputs[1]["data"]["text/html"])


def test_the_keyboard_moves_a_slider_and_not_the_notebook(page):
    explorer = ready(page)
    slider = explorer.get_by_label("slope", exact=True)
    slider.focus()
    for key, value in [("ArrowRight", 2), ("ArrowUp", 3), ("ArrowLeft", 2), ("Home", 1), ("End", 3), ("PageDown", 2)]:
        slider.press(key)
        says(explorer, f"slope is {value}.0").wait_for()
        assert slider.get_attribute("aria-valuetext") == str(value)
        assert drawn(explorer)[-1] == pytest.approx(value, abs=0.01)
        assert slider.evaluate("(e) => e.getRootNode().activeElement === e")
    assert page.locator(".jp-CodeCell").count() == 3


def test_any_value_is_computed_and_busy_until_it_is(lab, page):
    explorer = ready(page)
    exact = explorer.get_by_label("slope, any value")
    exact.click()
    exact.press("Control+A")
    page.keyboard.type("1.375")  # in a notebook, digits make headings unless the widget keeps them
    page.keyboard.press("Enter")
    explorer.locator(".busy").wait_for()
    assert explorer.locator(".all").get_attribute("aria-busy") == "true"
    assert explorer.locator(".note").inner_text() == "Computing …"
    (lab[1].parent / "go").touch()  # until then it is computing
    says(explorer, "slope is 1.375").wait_for()
    assert explorer.locator(".all").get_attribute("aria-busy") == "false"
    assert drawn(explorer)[-1] == pytest.approx(1.375, abs=0.01)
    assert page.locator(".jp-MarkdownCell").count() == 0
    count = explorer.get_by_label("count, any value")
    count.fill("99")  # beyond the range
    count.press("Enter")
    assert count.input_value() == "4"
    four = "(e) => e.shadowRoot.querySelector('path[data-item]').getAttribute('d').match(/[ML]/g).length === 4"
    page.wait_for_function(four, arg=explorer.element_handle())


def test_a_list_is_for_the_keyboard_too(page):
    explorer = ready(page)
    choice = explorer.get_by_label("kind", exact=True)
    choice.focus()
    before = explorer.evaluate(READ)
    choice.press("d")
    changed = "([e, d]) => e.shadowRoot.querySelector('path[data-item]').getAttribute('d') !== d"
    page.wait_for_function(changed, arg=[explorer.element_handle(), before])
    assert choice.input_value() == "down"
    assert drawn(explorer)[-1] == pytest.approx(-1, abs=0.02)
    assert page.locator(".jp-CodeCell").count() == 3  # d, d deletes a cell where shortcuts reach


def test_many_moves_end_at_the_last(page):
    explorer = ready(page)
    slider = explorer.get_by_label("slope", exact=True)
    for key in ["Home", "End"] * 6 + ["Home", "ArrowRight"]:
        slider.press(key)
    says(explorer, "slope is 2.0").wait_for()
    page.wait_for_timeout(1500)
    assert explorer.locator(".text").inner_text() == "slope is 2.0"
    assert slider.get_attribute("aria-valuetext") == "2"
    assert explorer.locator(".busy").count() == 0


def test_widgets_are_linked_and_moved_from_a_cell(page):
    ready(page)
    run(page, 1)
    second = page.locator(".jp-CodeCell").nth(1)
    second.locator("[data-lm-suppress-shortcuts]").wait_for()
    run(page, 2)
    for explorer in (output(page, 0), output(page, 1)):
        says(explorer, "slope is 2.25").wait_for()
        assert explorer.get_by_label("slope, any value").input_value() == "2.25"
    assert second.locator(".widget-readout").inner_text() == "2.25"


def test_errors_are_shown_and_go_away(page):
    explorer = ready(page)
    page.locator(".jp-CodeCell").nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("explorer.widget.slope = 3.75")
    run(page, 2)
    alert = explorer.locator("[role=alert]")
    explorer.get_by_text("ArithmeticError: too steep").wait_for()
    assert "slope 3.75" in alert.inner_text()
    assert explorer.locator(".note").inner_text() == "The drawing is still the one before."
    explorer.get_by_label("slope", exact=True).press("Home")
    note(explorer, "Computed by Python for exactly this setting")
    assert says(explorer, "slope is 1.0").count() == 1
    assert alert.text_content() == ""


def test_it_follows_the_theme_of_the_lab(page):
    explorer = ready(page)
    stroke = "(e) => e.shadowRoot.querySelector('path[data-item]').getAttribute('stroke')"
    light = explorer.evaluate(stroke)
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    explorer.locator(".all.dark").wait_for()
    assert explorer.evaluate(stroke) != light
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    explorer.locator(".all:not(.dark)").wait_for()
    assert explorer.evaluate(stroke) == light
