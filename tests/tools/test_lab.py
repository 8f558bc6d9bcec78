"""`make lab TEXT=1` opens a JupyterLab in which a chapter is a notebook on a click, and its first cells run."""

import re

import pytest
from browser import ROOT, chromium
from labs import make_lab

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture
def lab(tmp_path):
    with make_lab(tmp_path, "TEXT=1") as address:
        yield address


@pytest.fixture
def chapter():
    """A chapter that is afterwards as it was: JupyterLab saves by itself, in its own way of writing notebooks.

    The first cell of this one compiles nothing and computes a second; its picture is an explorer, as in most chapters.
    """
    path = ROOT / "chapters" / "parametric.md"
    text = path.read_bytes()
    yield path.name
    if path.read_bytes() != text:
        path.write_bytes(text)


def test_a_chapter_opens_as_a_notebook_and_runs(chapter, lab):
    with chromium() as browser:
        page = browser.new_page()
        page.goto(lab)
        page.locator(".jp-DirListing-item", has_text=chapter).dblclick()
        notebook = page.locator(".jp-NotebookPanel")
        notebook.locator("h1", has_text="Parametric or not").wait_for()
        # a cell that runs before its notebook has a kernel asks for one
        notebook.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        first = notebook.locator(".jp-CodeCell", has_text="import jax").first
        unrun = first.locator(".jp-InputPrompt", has_text="[ ]:")
        for _ in range(10):  # a notebook that is still being drawn takes the focus away again
            first.locator(".cm-content").click()
            page.keyboard.press("Control+Enter")  # the notebook stays where it is
            try:
                unrun.wait_for(state="detached", timeout=5_000)
                break
            except sync_api.TimeoutError:
                continue
        first.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]:")).wait_for()
        first.locator(".jp-OutputArea-output", has_text="The same two methods").wait_for()
        failed = "[data-mime-type$='jupyter.error'], [data-mime-type$='jupyter.stderr']"
        assert first.locator(failed).count() == 0, first.inner_text()
