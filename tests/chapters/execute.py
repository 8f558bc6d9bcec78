"""Executes a chapter as the build does, and writes its outputs: ``python execute.py CHAPTER OUT FOLDER``."""

import json
import os
import sys
from pathlib import Path

import jupytext
from nbclient import NotebookClient

from extensions.execution import kernel_environment


def main(chapter: Path, out: Path, folder: Path) -> None:
    environment = {**os.environ, **kernel_environment(folder)}
    environment["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parents[2] / "_build" / ".jax_cache")
    notebook = jupytext.read(chapter)
    resources = {"metadata": {"path": str(chapter.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute(env=environment)
    outputs = []
    for cell in notebook.cells:
        shown = cell.get("outputs", [])
        # how a cell's text is cut into messages is a matter of time
        outputs.append("".join(output.text for output in shown if output.output_type == "stream"))
        outputs += [output.data for output in shown if output.output_type != "stream"]
    out.write_text(json.dumps(outputs, indent=1))


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
