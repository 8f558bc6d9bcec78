"""What does a reader take along, to where nothing of the book is? One archive per chapter, and one of all chapters.

A Sphinx extension. An archive has notebooks, the library's wheel, the ranges of what both need, and five lines that say
what to do. The wheel stands on the site too, for the first cell of a notebook that was taken along alone. The same
notebooks and library give the same archives, byte for byte; one that would be the same is not written again.
"""

import hashlib
import os
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flit_core.wheel import make_wheel_in
from sphinx.application import Sphinx

from extensions.authoring.card import cards
from extensions.site.sharing import site_address
from extensions.typesetting.numbering import numbered_title
from ntklib import __version__

ROOT = Path(__file__).resolve().parents[2]
WHEEL = f"ntklib-{__version__}-py3-none-any.whl"
ALL = "notebooks.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)
README = """\
{what}, of “{book}”, version {version}.
What the code needs: Python 3.11 or later and what requirements.txt names, among it the library {wheel}.
To have it: in this folder, with the network, python -m pip install -r requirements.txt (or let the first cell do it).
To begin: python -m jupyterlab {first}, or open it in VS Code, Notebook 7 or Colab; Run All goes through.
{where}
"""


def beside(app: Sphinx, docname: str) -> list[str]:
    """The chapters whose notebooks stand beside that of a page, in the order of the book."""
    folder = docname.rpartition("/")[0]
    return [name for name in cards(app.env) if name.rpartition("/")[0] == folder]


def together(app: Sphinx, docname: str) -> Path:
    """Where a notebook is kept whose links lead to the others: for the archive of all, and for the working copies."""
    return Path(app.outdir).parent / "notebooks" / f"{docname}.ipynb"


def has_archives() -> bool:
    """Whether there is a library to be taken along: a book of a test has none."""
    return (ROOT / "pyproject.toml").exists()


def wheel_address() -> str | None:
    """Where the site has the wheel; `None` where its address is not known."""
    address = site_address()
    return f"{address}_sources/{WHEEL}" if address and has_archives() else None


def requirements(pyproject: str) -> str:
    """The ranges of what notebooks need, with the wheel beside them.

    >>> print(requirements('''[project]
    ... dependencies = ["jax>=0.6"]
    ... [project.optional-dependencies]
    ... notebook = ["matplotlib>=3.9"]
    ... lab = ["jupyterlab>=4.2", "jupytext>=1.16"]'''))  # doctest: +ELLIPSIS
    ./ntklib-...-py3-none-any.whl
    jax>=0.6
    matplotlib>=3.9
    jupyterlab>=4.2
    <BLANKLINE>
    """
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    lab = [name for name in extras["lab"] if name.startswith("jupyterlab")]
    return "\n".join([f"./{WHEEL}", *project["dependencies"], *extras["notebook"], *lab]) + "\n"


def write_archive(target: Path, files: dict[str, bytes]) -> bool:
    """Write an archive with one folder, named as the archive is; returns whether it differs from what was there."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    known = digest.hexdigest().encode()
    if target.exists() and zipfile.is_zipfile(target):
        with zipfile.ZipFile(target) as there:
            if there.comment == known:
                return False
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = known
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, content)
    os.replace(unfinished, target)
    return True


def _wheel(sources: Path) -> bytes:
    """The library's wheel, put among the sources of the site."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, SOURCE_DATE_EPOCH="315532800"):
        made = make_wheel_in(ROOT / "pyproject.toml", Path(folder)).file
        content = made.read_bytes()
    for other in sources.glob("ntklib-*.whl"):
        if other.name != made.name:
            other.unlink()
    if made.name != WHEEL:
        raise RuntimeError(f"the library's wheel should be called {WHEEL}, got {made.name}")
    if not (sources / WHEEL).exists() or (sources / WHEEL).read_bytes() != content:
        (sources / WHEEL).write_bytes(content)
    return content


def _pack(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html" or not has_archives():
        return
    sources = Path(app.outdir) / "_sources"
    alone = {name: sources / f"{name}.ipynb" for name in sorted(app.env.all_docs)}
    alone = {name: path for name, path in alone.items() if path.exists()}
    if not alone:
        return
    wheel = _wheel(sources)
    needs = requirements((ROOT / "pyproject.toml").read_text(encoding="utf-8")).encode()

    def files(what: str, notebooks: dict[str, bytes]) -> dict[str, bytes]:
        where = f"The book is read at {site_address()}." if site_address() else "The book itself needs none of this."
        readme = README.format(
            what=what,
            book=app.config.html_title,
            version=__version__,
            wheel=WHEEL,
            first=next(iter(notebooks)),
            where=where,
        )
        return {"README.txt": readme.encode(), **notebooks, WHEEL: wheel, "requirements.txt": needs}

    for name, path in alone.items():
        title = f"The notebook of “{numbered_title(app.env, name)}”"
        write_archive(path.with_suffix(".zip"), files(title, {path.name: path.read_bytes()}))
    chapters = {name: together(app, name) for name in cards(app.env)}
    if chapters:
        notebooks = {path.name: path.read_bytes() for path in chapters.values() if path.exists()}
        write_archive(sources / ALL, files("The notebooks of all chapters", notebooks))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", _pack)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
