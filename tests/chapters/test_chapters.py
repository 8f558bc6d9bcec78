"""Every chapter executes with the network off, and twice with the same outcome.

The build is the first of the two executions, if it has been made of the chapter as it stands. What has shown the same
twice, with the inputs that it has now, need not do so again (`tools/twice.py`); with BOOK_TWICE=all everything does.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from execute import shown
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook

from extensions.execution.fingerprint import with_fingerprint
from extensions.execution.side_by_side import cached
from tools import twice

ROOT = Path(__file__).parents[2]
BUBBLEWRAP = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]


def chapters() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [name for name in files if with_fingerprint((ROOT / f"{name}.md").read_text(encoding="utf-8"))[1]]


def isolated() -> list[str]:
    """A command that runs another without any network, if this machine has one that works."""
    if shutil.which("bwrap") and subprocess.run([*BUBBLEWRAP, "true"], capture_output=True).returncode == 0:
        return BUBBLEWRAP
    return []  # the kernels of the book still refuse every connection that leaves the machine


def test_there_are_chapters():
    assert "chapters/ntk" in chapters()


def execution_of_the_build(name: str) -> list | None:
    """What the chapter showed when the book was built, if it was built as it stands."""
    folder = ROOT / "_build" / ".jupyter_cache"
    if not folder.exists():
        return None
    text, _ = with_fingerprint((ROOT / f"{name}.md").read_text(encoding="utf-8"))
    notebook = read_myst_markdown_notebook(text, path=str(ROOT / f"{name}.md"))
    cache = get_cache(folder)
    if not cached(cache, notebook):
        return None
    _, executed = cache.merge_match_into_notebook(notebook)
    return json.loads(json.dumps(shown(executed)))


def execute(name: str, folder: Path) -> subprocess.Popen:
    folder.mkdir()
    script = [sys.executable, str(Path(__file__).with_name("execute.py")), str(ROOT / f"{name}.md")]
    command = [*isolated(), *script, str(folder / "shown.json"), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8")


@pytest.mark.parametrize("name", chapters())
def test_two_executions_without_network_agree(name, tmp_path):
    text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    if os.environ.get("BOOK_TWICE") != "all" and twice.known(name, text):
        return  # they did
    built = execution_of_the_build(name)
    runs = ["again"] if built is not None else ["first", "again"]
    processes = [execute(name, tmp_path / run) for run in runs]
    errors = [process.communicate(timeout=900)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(runs), "\n".join(errors)[-4000:]
    again = json.loads((tmp_path / "again" / "shown.json").read_text(encoding="utf-8"))
    first = built if built is not None else json.loads((tmp_path / "first" / "shown.json").read_text(encoding="utf-8"))
    assert any(first), "the chapter shows nothing"
    assert len(first) == len(again)
    for index, (one, other) in enumerate(zip(first, again, strict=True)):
        assert one == other, f"output {index} differs"
    twice.remember(name, text)
