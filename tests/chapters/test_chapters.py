"""Every chapter executes with the network off, and twice with the same outcome."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BUBBLEWRAP = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]


def chapters() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [name for name in files if "\nkernelspec:" in (ROOT / f"{name}.md").read_text()]


def isolated() -> list[str]:
    """A command that runs another without any network, if this machine has one that works."""
    if shutil.which("bwrap") and subprocess.run([*BUBBLEWRAP, "true"], capture_output=True).returncode == 0:
        return BUBBLEWRAP
    return []  # the kernels of the book still refuse every connection that leaves the machine


def test_there_are_chapters():
    assert "chapters/ntk" in chapters()


@pytest.mark.parametrize("name", chapters())
@pytest.mark.xdist_group("chapters")  # one at a time: two executions of one chapter already use both cores
def test_two_executions_without_network_agree(name, tmp_path):
    runs = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        script = [sys.executable, str(Path(__file__).with_name("execute.py")), str(ROOT / f"{name}.md")]
        command = [*isolated(), *script, str(tmp_path / f"{run}.json"), str(tmp_path / run)]
        runs.append(subprocess.Popen(command, cwd=ROOT, env=None, stderr=subprocess.PIPE, text=True))
    for run in runs:
        _, errors = run.communicate(timeout=900)
        assert run.returncode == 0, errors[-4000:]
    first, second = (json.loads((tmp_path / f"{run}.json").read_text()) for run in ("first", "second"))
    assert first, "the chapter shows nothing"
    assert len(first) == len(second)
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        assert one == other, f"output {index} differs"
