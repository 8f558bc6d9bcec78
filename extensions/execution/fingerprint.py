"""When does a chapter have to be executed again? When something has changed that decides its outcome.

A Sphinx extension. The execution cache of Jupyter Book knows a notebook by its code cells and its kernelspec. This adds
to the kernelspec a fingerprint of everything else that decides the outcome: the modules of `ntklib` that the chapter
imports, directly or through each other, the lock, the version of Python, and the settings of its kernel. So a change in
a module re-executes the chapters that use it, and only those; a change of prose re-executes nothing.
"""

import ast
import functools
import hashlib
import platform
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import jupytext
from sphinx.application import Sphinx

from extensions.execution.kernels import SETTINGS
from tools.compiling import LOCK, xla_flags

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "ntklib"
RESULTS = ROOT / "benchmarks" / "results"


@functools.cache  # the same modules are asked about for each chapter
def imported_modules(source: str) -> frozenset[str]:
    """What a piece of Python imports from `ntklib`, by its dotted name inside the package.

    The last part may name something in a module: what is a module, :func:`closure` finds out.

    >>> sorted(imported_modules("import ntklib.data\\nfrom ntklib import mlp\\nfrom ntklib.book import figures"))
    ['book', 'book.figures', 'data', 'mlp']
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name.removeprefix("ntklib.") for name in found if name.startswith("ntklib."))


def closure(modules: Set[str], library: Path = LIBRARY) -> list[Path]:
    """The files of these modules and of all that they import, and of their packages what is not Python, sorted."""
    seen: set[Path] = set()
    waiting = [library / "__init__.py", *(path for name in modules for path in files_of(name, library))]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        seen |= {p for p in path.parent.iterdir() if p.is_file() and p.suffix != ".py"}
        imported = imported_modules(path.read_text(encoding="utf-8"))
        waiting += [file for name in imported for file in files_of(name, library)]
    return sorted(seen)


def files_of(name: str, library: Path) -> Iterator[Path]:
    """The files that importing a dotted name reads: a package on the way runs its `__init__.py`."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        here = library.joinpath(*parts[:depth])
        yield from (path for path in (here.with_suffix(".py"), here / "__init__.py") if path.exists())


@functools.cache
def code_cells(text: str) -> tuple[str, ...]:
    """The Python of each code cell of a text notebook, without the lines that only IPython understands."""
    return tuple(
        "\n".join("pass" if line.lstrip()[:1] in ("%", "!") else line for line in cell.source.splitlines())
        for cell in jupytext.reads(text, fmt="md:myst").cells
        if cell.cell_type == "code"
    )


def dependencies(text: str, library: Path = LIBRARY) -> list[Path]:
    """The files on which the outcome of a text notebook depends, apart from itself."""
    try:
        modules: set[str] = set().union(*(imported_modules(cell) for cell in code_cells(text)))
    except SyntaxError:  # the execution will say what is wrong with it; until then, anything may matter
        modules = {".".join(path.relative_to(library).with_suffix("").parts) for path in library.rglob("*.py")}
    measured = sorted(RESULTS.glob("*.json")) if "benchmarks/results" in text else []
    return [*closure(modules, library), LOCK, *SETTINGS, *measured]


def fingerprint(files: list[Path]) -> str:
    """A hash of the contents of the files, of the version of Python and of how JAX compiles."""
    digest = hashlib.sha256(platform.python_version().encode())
    digest.update(xla_flags().encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def with_fingerprint(text: str) -> tuple[str, list[Path]]:
    """A text notebook with the fingerprint in its kernelspec, and what it depends on; a page stays as it is."""
    head, separator, body = text.partition("\nkernelspec:\n")
    if not (text.startswith("---\n") and separator and "\n---\n" in body and "\n---\n" not in head[3:]):
        return text, []
    files = dependencies(text)
    return f"{head}{separator}  fingerprint: {fingerprint(files)}\n{body}", files


def _add_fingerprint(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0], files = with_fingerprint(source[0])
    for path in files:
        app.env.note_dependency(str(path))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", _add_fingerprint)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
