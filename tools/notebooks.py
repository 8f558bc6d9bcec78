"""Which notebooks does `make lab` open? Working copies of the chapters in `lab/`, none of which it ever overwrites.

``python -m tools.notebooks`` brings the notebooks that were made with the book into that folder, which git ignores, so
that nothing that is done to them changes the book. A copy that is as it was handed out is replaced when there is a
newer edition of its chapter. One in which anything was changed or run stays, and the new edition comes beside it.
"""

import argparse
import datetime
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.sign import NotebookNotary

from tools import editions

ROOT = Path(__file__).parent.parent
ABOUT = """\
# {title}

A click on a chapter opens it; *Run → Run All Cells* goes through it from top to bottom. These notebooks are your own
copies, in the folder `lab` of the book: change what you like. What you have changed or run stays as it is, also when
there is a new edition of the chapter; that comes beside it.

An exercise has a cell `# your answer` and, below it, one that checks it. The hint and the solution unfold on a click.
To begin a chapter again, delete its file and call `make lab`.

{parts}"""


def chapters(root: Path) -> dict[str, list[str]]:
    """The chapters of the book in its order, by the part in which they stand."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = {part.get("caption", ""): [entry["file"] for entry in part["chapters"]] for part in toc["parts"]}
    return {
        caption: names
        for caption, files in parts.items()
        if (names := [name.removeprefix("chapters/") for name in files if name.startswith("chapters/")])
    }


def read(path: Path) -> Any:
    """A notebook; `None` where the file is none (any more)."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError, AttributeError):
        return None


def write(notebook: Any, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def deliver(new: Any, target: Path, today: str) -> Path | None:
    """Bring a notebook into a folder, without overwriting what its reader has done there.

    Args:
        new: the notebook, signed by :func:`tools.editions.sign`.
        target: where it goes.
        today: what a new edition beside a changed copy is called after.

    Returns:
        the file that was written; `None` if what is there is this edition.
    """
    if target.exists():
        there = read(target)
        if there is not None and editions.edition(there) == editions.edition(new):
            return None
        if there is None or not editions.untouched(there):
            return _beside(new, target, today)
    write(new, target)
    return target


def _beside(new: Any, target: Path, today: str) -> Path | None:
    """Put a new edition next to a changed copy; earlier ones that nobody has touched go."""
    for path in sorted(target.parent.glob(f"{target.stem} (edition *).ipynb")):
        there = read(path)
        if there is not None and editions.edition(there) == editions.edition(new):
            return None
        if there is not None and editions.untouched(there):
            path.unlink()
    names = [f"{target.stem} (edition {today}{more}).ipynb" for more in ("", *(f", {n}" for n in range(2, 100)))]
    free = next(target.with_name(name) for name in names if not target.with_name(name).exists())
    write(new, free)
    return free


def contents(made: dict[str, Any], parts: dict[str, list[str]], title: str) -> Any:
    """A notebook that leads to the others."""
    lines = []
    for caption, names in parts.items():
        there = [name for name in names if name in made]
        lines += (
            [f"**{caption}**\n", *(f"- [{_title(made[name])}]({name}.ipynb)" for name in there), ""] if there else []
        )
    text = ABOUT.format(title=title, parts="\n".join(lines).strip())
    cell = nbformat.v4.new_markdown_cell(text, id="contents")
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    editions.sign(notebook, source=text)
    return notebook


def _title(notebook: Any) -> str:
    first = next(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return first.splitlines()[0].removeprefix("# ")


def prepare(root: Path, lab: Path, today: str) -> list[str]:
    """Bring all notebooks of the built book into `lab`; returns what there is to tell.

    Raises:
        FileNotFoundError: if the book is not built.
    """
    parts, site = chapters(root), root / "_build" / "html" / "_sources" / "chapters"
    names = [name for chapter in parts.values() for name in chapter]
    # those whose links lead to each other, else those that are downloaded alone
    together = root / "_build" / "notebooks" / "chapters"
    found = {name: read(together / f"{name}.ipynb") or read(site / f"{name}.ipynb") for name in names}
    # one that does not say which edition it is was made before there were editions
    made = {name: notebook for name, notebook in found.items() if notebook and editions.edition(notebook)}
    if not made:
        raise FileNotFoundError(f"there are no notebooks in {site}: run 'make book' first")
    lab.mkdir(parents=True, exist_ok=True)
    title = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["title"]
    told, old, brought = [], [], 0
    notary = NotebookNotary()
    Path(notary.data_dir).mkdir(parents=True, exist_ok=True)  # it does not make the folder for its key
    for name, notebook in {"Contents": contents(made, parts, title), **made}.items():
        target = lab / f"{name}.ipynb"
        written = deliver(notebook, target, today)
        brought += written == target
        if written not in (None, target):
            told.append(f"{name}: there is a new edition. Yours stays as it is; the new one is “{written.name}”.")
        if (there := read(target)) is not None and editions.untouched(there):
            notary.sign(there)  # what the book shows is shown, also before a cell is run
        source = root / "chapters" / f"{name}.md"
        if name in made and source.exists():
            known = notebook["metadata"].get(editions.NAME, {}).get("source")
            old += [name] if known != editions.source_digest(source.read_text(encoding="utf-8")) else []
    missing = [name for name in names if name not in made]
    told.insert(0, f"{len(made)} chapters are in {lab.name}/" + (f", {brought} files of them new." if brought else "."))
    if old + missing:
        told.append(f"Not as the chapters are now: {', '.join(old + missing)}. 'make book' brings them up to date.")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and prepare the notebooks; where the book is not built yet, build it."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "lab", help="where the copies are kept")
    lab, today = parser.parse_args(arguments).folder, datetime.date.today().isoformat()
    try:
        told = prepare(ROOT, lab, today)
    except FileNotFoundError:
        count = sum(map(len, chapters(ROOT).values()))
        print("The notebooks are made with the book, which is not built yet.", end=" ")
        print(f"That executes {count} chapters: some minutes, once.", flush=True)
        if status := subprocess.run([sys.executable, "-m", "tools.build"], cwd=ROOT).returncode:
            return status
        told = prepare(ROOT, lab, today)
    print("\n".join(told), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
