"""`make lab` opens a JupyterLab in which a chapter is a notebook on a click, and its first cells run."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
from browser import ROOT, chromium

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture
def lab(tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = f"--no-browser --allow-root --IdentityProvider.token= --port={port} --ServerApp.port_retries=0"
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run", "IPYTHONDIR": "ip"}
    environment = {**os.environ, **{name: str(tmp_path / place) for name, place in own.items()}}
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(
            ["make", "lab", f"LAB={options}"], cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).read()
                break
            except OSError:
                assert server.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture
def chapter():
    """A chapter that is afterwards as it was: JupyterLab saves by itself, in its own way of writing notebooks."""
    path = ROOT / "chapters" / "ntk.md"
    text = path.read_bytes()
    yield path.name
    if path.read_bytes() != text:
        path.write_bytes(text)


def test_a_chapter_opens_as_a_notebook_and_runs(chapter, lab):
    with chromium() as browser:
        page = browser.new_page()
        page.goto(lab, timeout=90_000)
        page.locator(".jp-DirListing-item", has_text=chapter).dblclick(timeout=90_000)
        notebook = page.locator(".jp-NotebookPanel")
        notebook.locator("h1", has_text="The tangent kernel").wait_for(timeout=90_000)
        # a cell that runs before its notebook has a kernel asks for one
        notebook.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=180_000)
        first = notebook.locator(".jp-CodeCell", has_text="import jax").first
        unrun = first.locator(".jp-InputPrompt", has_text="[ ]:")
        for _ in range(10):  # a notebook that is still being drawn takes the focus away again
            first.locator(".cm-content").click()
            page.keyboard.press("Shift+Enter")
            try:
                unrun.wait_for(state="detached", timeout=5_000)
                break
            except sync_api.TimeoutError:
                continue
        first.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]:")).wait_for(timeout=180_000)
        assert first.locator(".jp-OutputArea-output").count() == 0, first.inner_text()
