"""Executes a chapter as the build does, and writes its outputs: ``python execute.py CHAPTER OUT FOLDER``."""

import json
import os
import sys
from pathlib import Path

from extensions.execution.kernels import kernel_environment
from tools.build import NEEDLESS


def shown(notebook) -> list:
    """What the cells show, in an order and a form that two executions share."""
    found: list = []
    for outputs in (cell.outputs for cell in notebook.cells if cell.cell_type == "code"):
        # how a cell's text is cut into messages is a matter of time
        found.append("".join(output.text for output in outputs if output.output_type == "stream"))
        for output in outputs:
            if output.output_type != "stream":  # the name of a live widget is a random number
                found.append({kind: data for kind, data in output.data.items() if "widget-view" not in kind})
    return found


def main(chapter: Path, out: Path, folder: Path) -> None:
    sys.modules[NEEDLESS] = None  # before these import it, which takes a second
    import jupytext
    from nbclient import NotebookClient

    environment = {**os.environ, **kernel_environment(folder)}
    environment["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parents[2] / "_build" / ".jax_cache")
    notebook = jupytext.read(chapter)
    resources = {"metadata": {"path": str(chapter.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute(env=environment)
    out.write_text(json.dumps(shown(notebook), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
