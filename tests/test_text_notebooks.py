"""A text notebook that is opened as a notebook and saved without a change is the file that it was."""

import ast
import difflib
import shutil
from pathlib import Path

import jupytext
import jupytext.cli
import pytest
from jupytext.config import load_jupytext_configuration_file
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).parents[1]
FOLDERS = ("", "chapters", "appendix", "coursework/assignments")


def is_notebook(path: Path) -> bool:
    """Whether its head names a kernel."""
    head = path.read_text(encoding="utf-8").partition("\n---\n")[0]
    return head.startswith("---\n") and "\nkernelspec:\n" in head


NAMES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in (ROOT / folder).glob("*.md")
    if is_notebook(path)
)
HINT = "written otherwise than jupytext does: open it in JupyterLab, or with `jupytext`, and save it"


def changed(before: str, after: str) -> str:
    """What differs, and what to do about it; nothing if nothing does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=0)
    return "\n".join([HINT, *lines]) if before != after else ""


def test_all_are_seen():
    assert {"intro.md", "chapters/svm.md", "appendix/costs.md", "coursework/assignments/parametric.md"} <= set(NAMES)
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and path.name != "tests" and path.name[:1] not in "._"]
    files = [path for room in rooms for path in room.rglob("*.md")]
    files = [path for path in files if not any(part[0] == "." for part in path.relative_to(ROOT).parts)]  # checkpoints
    found = {path.relative_to(ROOT).as_posix() for path in files if is_notebook(path)}
    assert found <= set(NAMES), "a folder that is not in FOLDERS"


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name):
    """Through a notebook in a file, whose keys are sorted."""
    config = load_jupytext_configuration_file(str(ROOT / name).rpartition("/")[0] + "/jupytext.toml")
    text = (ROOT / name).read_text(encoding="utf-8")
    there = jupytext.writes(jupytext.reads(text, fmt="md:myst", config=config), fmt="ipynb")
    assert not changed(text, jupytext.writes(jupytext.reads(there, fmt="ipynb"), fmt="md:myst", config=config))


def test_every_folder_of_text_notebooks_says_what_is_kept():
    """Jupyter looks no further up than the folder that it was started in."""
    said = {folder: (ROOT / folder / "jupytext.toml").read_bytes() for folder in FOLDERS}
    assert len(set(said.values())) == 1, "one of them differs"


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Path:
    """Copies of what people open."""
    folder = tmp_path_factory.mktemp("opened")
    for file in [*NAMES, *(f"{place}/jupytext.toml".lstrip("/") for place in FOLDERS)]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    return folder


@pytest.mark.filterwarnings("ignore:Overriding existing pre_save_hook")  # Jupyter looks at it twice
@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("", "intro.md"),
        ("", "chapters/svm.md"),
        ("chapters", "svm.md"),
        ("appendix", "explorers.md"),
        ("coursework", "assignments/tangent-kernel.md"),
        ("coursework/assignments", "tangent-kernel.md"),
    ],
)
def test_saved_in_jupyterlab(opened, start, name):
    """JupyterLab adds what it knows of the kernel, in an order of its own, and that it trusts a cell."""
    config = PyFileConfigLoader("jupyter_server_config.py", str(ROOT / "tools" / "lab")).load_config()
    manager = jupytext.TextFileContentsManager(config=config, root_dir=str(opened / start))
    path = opened / start / name
    before = path.read_text(encoding="utf-8")
    model = manager.get(name, type="notebook")
    metadata = model["content"]["metadata"]
    kernel = metadata["kernelspec"]
    metadata["kernelspec"] = {key: kernel[key] for key in ("name", "display_name", "language")}
    metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py"}
    for cell in model["content"]["cells"]:
        if cell["cell_type"] == "code":
            cell["metadata"]["trusted"] = True
    model["content"]["metadata"] = dict(reversed(metadata.items()))
    manager.save(model, name)
    assert not changed(before, path.read_text(encoding="utf-8"))


def test_a_key_of_ones_own_is_kept_by_the_command_line(opened, monkeypatch):
    """And an edit of one cell changes that cell alone."""
    monkeypatch.chdir(opened / "chapters")
    text = Path("ntk.md").read_text(encoding="utf-8").replace("---\n", "---\nanything:\n  else: [1]\n", 1)
    own, notebook = Path("own.md"), Path("own.ipynb")
    own.write_text(text, encoding="utf-8")
    jupytext.cli.jupytext(["--quiet", "--to", "ipynb", "own.md"])
    there = notebook.read_text(encoding="utf-8")
    notebook.write_text(there.replace("import jax\\n", "import jax  # new\\n", 1), encoding="utf-8")
    jupytext.cli.jupytext(["--quiet", "--to", "md:myst", "own.ipynb"])
    assert not changed(text.replace("import jax\n", "import jax  # new\n", 1), own.read_text(encoding="utf-8"))


def imported_and_assigned(cells: list[str]) -> set[str]:
    """Names that a notebook imports with `from`, and also gives another value outside of its functions."""
    imported, assigned = set(), set()
    for source in cells:
        found = [ast.parse(source)]
        while found:
            for node in ast.iter_child_nodes(found.pop()):
                if isinstance(node, ast.ImportFrom):
                    imported |= {alias.asname or alias.name for alias in node.names}
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    assigned.add(node.id)
                elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                    assigned.add(node.name)
                if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.comprehension):
                    found.append(node)
    return imported & assigned


def test_a_name_that_is_imported_and_assigned_is_found():
    assert imported_and_assigned(["from a import b, c, d, e", "for b in (1, 2):\n    c = 3\n", "def d(e): ..."]) == {
        "b",
        "c",
        "d",
    }
    assert imported_and_assigned(["from a import b", "def f():\n    b = 3\n", "x = [b for b in y]"]) == set()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("chapters/")])
def test_a_chapter_keeps_what_it_imports(name):
    cells = [cell.source for cell in jupytext.read(ROOT / name).cells if cell.cell_type == "code"]
    assert imported_and_assigned(cells) == set(), "a check that calls it later would call something else"
