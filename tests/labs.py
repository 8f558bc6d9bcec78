"""A JupyterLab for the tests, started by a command of the book, with settings and data of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from browser import ROOT


def own_places(folder: Path) -> dict[str, str]:
    """An environment in which Jupyter keeps what it writes below this folder."""
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run"}
    places |= {
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
    }
    return {**os.environ, **{name: str(folder / place) for name, place in places.items()}}


@contextlib.contextmanager
def make_lab(folder: Path, *variables: str) -> Iterator[str]:
    """The address of the JupyterLab that `make lab` starts with these variables of make."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = "--no-browser --expose-app-in-browser --allow-root --IdentityProvider.token= --ServerApp.port_retries=0"
    command = ["make", "lab", f"LAB={options} --port={port}", *variables]
    log = folder / "log"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, env=own_places(folder), stdout=out, stderr=out, start_new_session=True
        )
    try:
        for _ in range(3000):  # it may take minutes
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).read()
                break
            except OSError:
                assert server.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(120)
