"""How are chapters executed? Those whose outcome is not known, as many side by side as there are processor cores.

A Sphinx extension. The outcomes go into Jupyter Book's cache, where the build finds them when it reads the chapters.
"""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from extensions.execution.fingerprint import with_fingerprint
from tools.times import published

logger = logging.getLogger(__name__)


def cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    """Whether the outcome of this notebook is known."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _execute_side_by_side(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Execute what is not in the cache, and put it there; what fails is left to the build, which says why."""
    config = env.mystnb_config  # type: ignore[attr-defined]
    if config.execution_mode != "cache":
        return
    cache = get_cache(config.execution_cache_path)
    waiting: list[tuple[Path, NotebookNode]] = []
    for docname in docnames:
        path = Path(env.doc2path(docname))
        text, files = with_fingerprint(path.read_text(encoding="utf-8"))
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
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(size) * 1024 for size in re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)]


def _name(path: Path, env: BuildEnvironment) -> str:
    return env.path2doc(str(path)) or path.stem


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("env-before-read-docs", _execute_side_by_side)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
