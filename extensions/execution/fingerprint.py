"""When does a chapter have to be executed again, and what does its kernel see?

A Sphinx extension. The execution cache of Jupyter Book knows a notebook by its code cells and its kernelspec. This adds
to the kernelspec a fingerprint of everything else that decides the outcome: the modules of `ntklib` that the chapter
imports, directly or through each other, the lock, and the version of Python. So a change in a module re-executes the
chapters that use it, and only those; a change of prose re-executes nothing.

Kernels start in a profile of their own, with the network blocked and warnings raised as errors
(:mod:`extensions.execution.kernel_startup`), and with the settings that make two executions agree. Where
several chapters have to be executed, as many run side by side as there are processor cores.
"""

import ast
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jupytext
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from tools import compiling, threads
from tools.compiling import LOCK, xla_flags
from tools.times import published

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "ntklib"
RESULTS = ROOT / "benchmarks" / "results"
STARTUP = Path(__file__).with_name("kernel_startup.py")
SETTINGS = (STARTUP, Path(compiling.__file__), Path(threads.__file__))


def kernel_environment(folder: Path) -> dict[str, str]:
    """Write a fresh IPython profile below `folder`; returns the environment that a kernel of the book needs."""
    profile = folder / "ipython"
    startup = profile / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(STARTUP, startup / "00-book.py")
    # the kernel's remarks on its own transport are nobody's concern here
    (profile / "profile_default" / "ipython_kernel_config.py").write_text("get_config().IPKernelApp.log_level = 40\n")
    return {
        "IPYTHONDIR": str(profile),
        "PYTHONHASHSEED": "0",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": xla_flags(),
        **threads.ONE_EACH,
        # compiling is much of a chapter's time: chapters share what they compile, and keep it between builds
        "JAX_COMPILATION_CACHE_DIR": str(folder / ".jax_cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }


def imported_modules(source: str) -> set[str]:
    """The modules of `ntklib` that a piece of Python imports, by their names inside the package.

    >>> sorted(imported_modules("from ntklib.mlp import MLP\\nfrom ntklib import data"))
    ['data', 'mlp']
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ntklib.")}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            if node.module == "ntklib":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith("ntklib."):
                found.add(node.module.split(".")[1])
    return found


def closure(modules: set[str], library: Path = LIBRARY) -> list[Path]:
    """The files of these modules and of all that they import, and the files that are not Python, sorted."""
    seen: set[Path] = {library / "__init__.py", *(p for p in library.iterdir() if p.is_file() and p.suffix != ".py")}
    waiting = [library / f"{name}.py" for name in modules]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        waiting += [library / f"{name}.py" for name in imported_modules(path.read_text())]
    return sorted(seen)


def code_cells(text: str) -> Iterator[str]:
    """The Python of each code cell of a text notebook, without the lines that only IPython understands."""
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        if cell.cell_type == "code":
            yield "\n".join("pass" if line.lstrip()[:1] in ("%", "!") else line for line in cell.source.splitlines())


def dependencies(text: str, library: Path = LIBRARY) -> list[Path]:
    """The files on which the outcome of a text notebook depends, apart from itself."""
    try:
        modules = set().union(*(imported_modules(cell) for cell in code_cells(text)))
    except SyntaxError:  # the execution will say what is wrong with it; until then, anything may matter
        modules = {path.stem for path in library.glob("*.py")}
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


def cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    """Whether the outcome of this notebook is known."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _add_fingerprint(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0], files = with_fingerprint(source[0])
    for path in files:
        app.env.note_dependency(str(path))


def _execute_side_by_side(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Execute what is not in the cache, and put it there; what fails is left to the build, which says why."""
    config = env.mystnb_config  # type: ignore[attr-defined]
    if config.execution_mode != "cache":
        return
    cache = get_cache(config.execution_cache_path)
    waiting: list[tuple[Path, NotebookNode]] = []
    for docname in docnames:
        path = Path(env.doc2path(docname))
        text, files = with_fingerprint(path.read_text())
        if files:
            reader = create_nb_reader(str(path), env.myst_config, config, text)  # type: ignore[attr-defined]
            notebook = reader.read(text) if reader is not None else None
            if notebook is not None and not cached(cache, notebook):
                waiting.append((path, notebook))
    longest_first = sorted(waiting, key=lambda item: -published(_name(item[0], env)).get("seconds", 0.0))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for path, notebook, outcome in [(*item, pool.submit(_run, *item, config)) for item in longest_first]:
            data = outcome.result()
            if data is not None:
                logger.info("%s: Executed notebook in %.2f seconds", path, data["execution_seconds"])
                bundle = CacheBundleIn(notebook, str(path), data=data)
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _run(path: Path, notebook: NotebookNode, config: Any) -> dict[str, float | None] | None:
    """Execute a notebook in place; returns its seconds and its peak memory in bytes, or None if it failed."""
    logger.info("%s: Executing notebook", path)
    peak: list[int] = []

    def look(**_: Any) -> None:
        kernel = getattr(client.km, "provisioner", None)
        peak[:] = peak_memory(getattr(kernel, "pid", 0)) or peak

    where = {"metadata": {"path": str(path.parent)}}
    # times in the cells' metadata would make it another notebook for the cache
    client = NotebookClient(notebook, timeout=config.execution_timeout, record_timing=False, resources=where)
    client.on_cell_executed = look
    start = time.monotonic()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError):  # the build executes it again, and says why
        return None
    return {"execution_seconds": time.monotonic() - start, "peak_bytes": peak[0] if peak else None}


def peak_memory(pid: int) -> list[int]:
    """The most memory, in bytes, that a process has held so far; empty where the system does not tell.

    >>> [peak > 1e6 for peak in peak_memory(os.getpid())] in ([True], [])
    True
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return [int(size) * 1024 for size in re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)]


def _name(path: Path, env: BuildEnvironment) -> str:
    return env.path2doc(str(path)) or path.stem


def _prepare_kernels(app: Sphinx) -> None:
    os.environ.update(kernel_environment(Path(app.outdir).parent))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", _add_fingerprint)
    app.connect("builder-inited", _prepare_kernels)
    app.connect("env-before-read-docs", _execute_side_by_side)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
