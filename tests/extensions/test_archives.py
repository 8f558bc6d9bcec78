"""What is taken along runs where nothing of the book is: an archive of a chapter, and the first cell of a notebook.

The environments here are made from nothing but have, on a path, the packages that the tests themselves have, all but
the library: so what pip has to find is what the archive carries, and nothing is fetched. `BOOK_BARE=1` has pip fetch
all of it, as a reader's does; the weekly run does that, and executes every chapter.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from functools import cache

import nbformat
import pytest
from browser import ROOT
from nbformat.v4 import new_code_cell, new_notebook

from extensions.site import archives
from extensions.site.notebook_install import install_cell
from tools import editions
from tools.compiling import xla_flags
from tools.repository import Repository
from tools.serve import served

SITE = ROOT / "_build" / "html"
SOURCES = SITE / "_sources"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))
CHEAPEST = "svm"  # see benchmarks/chapters.json
needs_a_site = pytest.mark.skipif(not SOURCES.exists(), reason="there is no site yet: make book")

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=nbformat.NO_CONVERT)
NotebookClient(notebook, timeout=600, allow_errors=True, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[1])
"""


@cache
def packed(name):
    with zipfile.ZipFile(SOURCES / name) as archive:
        assert archive.testzip() is None
        return {path: archive.read(path) for path in archive.namelist()}


@needs_a_site
@pytest.mark.parametrize("name", CHAPTERS)
def test_an_archive_has_the_notebook_the_library_the_ranges_and_five_lines(name):
    files = packed(f"chapters/{name}.zip")
    wheel = archives.WHEEL
    assert list(files) == [f"{name}/{file}" for file in ("README.txt", f"{name}.ipynb", wheel, "requirements.txt")]
    assert files[f"{name}/{name}.ipynb"] == (SOURCES / "chapters" / f"{name}.ipynb").read_bytes()
    assert files[f"{name}/{wheel}"] == (SOURCES / wheel).read_bytes()
    told = files[f"{name}/README.txt"].decode().splitlines()
    assert len(told) == 5
    for file in (wheel, "requirements.txt", f"{name}.ipynb"):
        assert file in "".join(told)
    page = (SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8")
    for link, text in {
        f"chapters/{name}.zip": "Notebook with what it needs (.zip)",
        f"chapters/{name}.ipynb": "The notebook alone (.ipynb)",
        "notebooks.zip": "All chapters as notebooks (.zip)",
        f"chapters/{name}.md": "Text of this page (.md)",
    }.items():
        button = re.search(rf'<a[^>]*href="../_sources/{link}".*?</a>', page, re.DOTALL)
        assert re.sub(r"<[^>]+>|\s+", " ", button[0]).split() == text.split()
    assert "Print, or save as PDF" in page


@needs_a_site
def test_the_archive_of_all_has_every_chapter_and_its_links_lead_to_files_in_it():
    files = packed("notebooks.zip")
    names = [path.removeprefix("notebooks/") for path in files]
    assert sorted(names) == sorted(
        [f"{name}.ipynb" for name in CHAPTERS] + ["README.txt", "requirements.txt", archives.WHEEL]
    )
    for name in CHAPTERS:
        notebook = nbformat.reads(files[f"notebooks/{name}.ipynb"].decode(), as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        linked = set(re.findall(r"\]\(([\w-]+\.ipynb)\)", text))
        assert linked <= set(names) - {f"{name}.ipynb"}
        assert linked, "every chapter mentions another"


@needs_a_site
def test_the_wheel_is_the_library_and_its_needs_are_those_of_the_archive():
    with zipfile.ZipFile(SOURCES / archives.WHEEL) as wheel:
        inside = {name: wheel.read(name) for name in wheel.namelist()}
    tracked = subprocess.run(["git", "ls-files", "ntklib"], cwd=ROOT, capture_output=True, encoding="utf-8").stdout
    assert {name for name in inside if name.startswith("ntklib/")} == set(tracked.split())
    for name in tracked.split():
        assert inside[name] == (ROOT / name).read_bytes(), "make book"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = packed(f"chapters/{CHEAPEST}.zip")[f"{CHEAPEST}/requirements.txt"].decode().splitlines()
    assert needs[0] == f"./{archives.WHEEL}"
    assert set(needs) > {*project["dependencies"], *project["optional-dependencies"]["notebook"]}
    assert all(re.search(r">=\d", need) for need in needs[1:]), "a range, and no pin"


def test_an_archive_is_written_anew_only_if_something_in_it_is_new(tmp_path):
    target = tmp_path / "a.zip"
    assert archives.write_archive(target, {"one": b"1", "two": b"2"})
    first = target.read_bytes()
    assert not archives.write_archive(target, {"one": b"1", "two": b"2"})
    assert archives.write_archive(target, {"one": b"1", "two": b"3"})
    assert target.read_bytes() != first
    target.write_bytes(b"half an archive")
    assert archives.write_archive(target, {"one": b"1", "two": b"2"})
    assert target.read_bytes() == first, "the same files are the same archive"


def as_colab_saves(notebook):
    """Names of cells among their metadata, a notebook of the first format of its kind, and Colab's own keys."""
    saved = copy.deepcopy(notebook)
    saved.nbformat_minor = 0
    saved.metadata = {"colab": {"provenance": [], "toc_visible": True}, "kernelspec": saved.metadata.kernelspec}
    saved.metadata["language_info"] = {"name": "python"}
    for cell in saved.cells:
        cell.metadata = {"id": cell.pop("id")}
        if cell.cell_type == "code":
            cell.metadata |= {"colab": {"base_uri": "https://localhost:8080/"}, "outputId": "0a1b"}
    return saved


def as_vs_code_saves(notebook):
    """What folds a cell is gone, and the kernel is whichever was chosen."""
    saved = copy.deepcopy(notebook)
    language = {"name": "python", "version": "3.12.1", "codemirror_mode": {"name": "ipython", "version": 3}}
    saved.metadata = {"language_info": language}
    for cell in saved.cells:
        cell.metadata = {"vscode": {"languageId": "python"}} if cell.cell_type == "code" else {}
    return saved


@needs_a_site
@pytest.mark.parametrize("saves", [as_colab_saves, as_vs_code_saves])
def test_a_notebook_that_another_program_saved_is_one_and_known_as_untouched(saves, tmp_path):
    original = nbformat.read(SOURCES / "chapters" / f"{CHEAPEST}.ipynb", as_version=4)
    saved = saves(original)
    nbformat.validate(saved)
    assert editions.content(saved) == editions.content(original)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Makes environments that have no library, each with a folder in which nothing else is."""

    def make(name):
        folder = tmp_path_factory.mktemp(name)
        everything = bool(os.environ.get("BOOK_BARE"))
        options = [] if everything else ["--without-pip"]
        subprocess.run([sys.executable, "-m", "venv", *options, folder / "venv"], check=True)
        python = folder / "venv" / "bin" / "python"
        if everything:
            subprocess.run([python, "-m", "pip", "install", "--quiet", "nbclient", "ipykernel"], check=True)
        else:  # a path in such a file is taken as it is: files of that kind in it, such as the library's, are not read
            packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
            (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        (folder / "work").mkdir()
        return python, folder / "work"

    return make


def executed(python, folder, path):
    """The notebook after that Python has run it, without the network."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    environment |= {"IPYTHONDIR": str(folder.parent / "ipython"), "JAX_PLATFORMS": "cpu"}
    if os.environ.get("BOOK_BARE"):  # the newest JAX, as a reader has it
        environment = {
            n: v for n, v in environment.items() if not n.startswith(("XLA_", "JAX_COMPILATION", "JAX_PERS"))
        }
    else:  # with what the build has compiled
        environment |= {"XLA_FLAGS": xla_flags(), "JAX_COMPILATION_CACHE_DIR": str(ROOT / "_build" / ".jax_cache")}
        environment |= {
            "PIP_NO_INDEX": "1",
            "PIP_RETRIES": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }
    script = folder.parent / "execute.py"
    script.write_text(EXECUTE, encoding="utf-8")
    process = subprocess.run(
        [python, script, path, folder], env=environment, cwd=folder.parent, capture_output=True, encoding="utf-8"
    )
    assert process.returncode == 0, process.stderr
    return json.loads(path.read_text(encoding="utf-8"))


def errors(notebook):
    return [o["traceback"] for c in notebook["cells"] for o in c.get("outputs", []) if o["output_type"] == "error"]


@needs_a_site
def test_the_first_cell_finds_the_library_on_the_site_and_says_in_one_line_where_there_is_none(bare):
    python, folder = bare("site")
    gone = "http://127.0.0.1:9/book/_sources/" + archives.WHEEL  # nothing answers there
    with served(SITE) as address:
        found = install_cell(Repository("someone/book"), f"{address}/_sources/{archives.WHEEL}")
        where = "import ntklib; print(ntklib.__file__)"
        cells = [install_cell(None), install_cell(None, gone), found, where, install_cell(None, gone)]
        notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
        nbformat.write(notebook, folder / "one.ipynb")
        made = executed(python, folder, folder / "one.ipynb")
    [nowhere], [unreachable] = errors(made)
    assert "from beside this notebook, where no ntklib-*.whl is" in nowhere
    said = r"ntklib is missing, and could not be installed from http://127\.0\.0\.1:9/\S+ \(.+\)\. .*'\.\[notebook\]'"
    assert re.fullmatch(said, unreachable)
    outputs = ["".join("".join(o.get("text", "")) for o in cell["outputs"]) for cell in made["cells"]]
    assert outputs[2].startswith("Installing the book's library")
    assert str(folder.parent / "venv") in outputs[3]
    assert made["cells"][4]["outputs"] == [], "where the library is, the cell does nothing"


@needs_a_site
def test_a_chapter_that_was_taken_along_runs_to_its_end_where_nothing_is(bare):
    python, folder = bare("chapter")
    installed = []
    for name in [CHEAPEST, *CHAPTERS] if os.environ.get("BOOK_BARE") else [CHEAPEST]:
        for path, content in packed(f"chapters/{name}.zip").items():
            (folder / path.partition("/")[2]).write_bytes(content)
        path = folder / f"{name}.ipynb"
        original = nbformat.read(path, as_version=4)
        for cell in original.cells:  # what is there afterwards is what was run
            if cell.cell_type == "code":
                cell.outputs = []
        path.write_text(json.dumps(as_vs_code_saves(as_colab_saves(original))), encoding="utf-8")
        made = executed(python, folder, path)
        assert errors(made) == [], name
        cells = {cell.id: ran for cell, ran in zip(original.cells, made["cells"], strict=True)}
        installed.append("".join(text for output in cells["cell-0"]["outputs"] for text in output["text"]))
        checks = [ran for cell, ran in cells.items() if cell.startswith("check-")]
        assert len(checks) > 2
        for check in checks:
            assert "".join(check["outputs"][0]["text"]).startswith("Not answered yet")
        assert all(cell["execution_count"] for cell in made["cells"] if cell["cell_type"] == "code")
    assert installed[0].startswith("Installing the book's library")
    assert set(installed[1:]) <= {""}
    shutil.rmtree(folder.parent)
