"""How long does the book take to build when it has more chapters? ``python -m benchmarks.many 24``.

Below `_build/many` a book is made that has as many chapters as asked for: those of today, and copies of them under
other names, with other names for their labels, figures, claims and self-checks, so that the strict build passes. What
the chapters showed when the book was built last is handed to it, so nothing is executed: what executing takes is known
per chapter, *How long the chapters took*. Three builds are timed: from nothing, with nothing changed, and after a
change of prose. The goals, for twenty-four chapters, are 10 s unchanged and 12 s after a change of prose.

Seconds of the processor are printed beside those of the clock: where others use the machine only they can be compared.
"""

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.read import read_myst_markdown_notebook
from nbformat import NotebookNode

from extensions.execution.fingerprint import with_fingerprint
from extensions.execution.side_by_side import cached
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
NAMED = (
    r"^\((?P<target>[\w-]+)\)=$",
    r"^:(?:label|name): (?P<option>[\w-]+)",
    r"^\s+(?:figure: \{)?name: (?P<figure>fig-[\w-]+)",
    r"\$\$ \((?P<equation>[\w-]+)\)",
    r"\{exercise-start\}[^\n]*\n:label: (?P<exercise>[\w-]+)",
)
CLAIMED = re.compile(r'data-claim=\\"[^"]*?&quot;name&quot;: &quot;([\w-]+)&quot;')


def names_of(text: str, outputs: str) -> set[str]:
    """The labels that a chapter defines, and the names of the claims among its outputs."""
    found = {match[match.lastgroup or 0] for named in NAMED for match in re.finditer(named, text, re.MULTILINE)}
    return found | set(CLAIMED.findall(outputs))


def renamed(text: str, names: set[str], suffix: str) -> str:
    """The text with the suffix behind each of the names.

    >>> renamed("{eq}`eq-a` and eq-a-b", {"eq-a"}, "-2")
    '{eq}`eq-a-2` and eq-a-b'
    """
    whole = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![\w-])(?:{whole})(?![\w-])", lambda match: match[0] + suffix, text)


def executed(path: Path, cache: Any) -> tuple[NotebookNode, dict[str, Any]]:
    """A page as it was executed when the book was built last, and what that took.

    Raises:
        SystemExit: if the book was not built with the page as it stands.
    """
    notebook = read_myst_markdown_notebook(with_fingerprint(path.read_text(encoding="utf-8"))[0], path=str(path))
    if not cached(cache, notebook):
        raise SystemExit(f"{path} has not been executed as it stands: run 'make book' first.")
    record, found = cache.merge_match_into_notebook(notebook)
    return found, cache.get_cache_record(record).data


def make(folder: Path, chapters: int) -> Path:
    """Make the book in `folder`, with what its pages showed; returns a chapter of it, a copy if there is one."""
    shutil.rmtree(folder, ignore_errors=True)
    kept = shutil.ignore_patterns("_build", ".*", "tests", "*.pyc", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=kept)
    there, here = (get_cache(place / "_build" / ".jupyter_cache") for place in (ROOT, folder))
    toc = yaml.safe_load((folder / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part["chapters"] for part in toc["parts"]]
    originals = [(part, e["file"]) for part in parts for e in part if e["file"].startswith("chapters/")]
    pages = [toc["root"], *(entry["file"] for part in parts for entry in part)]

    def put(name: str, text: str, notebook: NotebookNode, data: dict[str, Any]) -> None:
        path = folder / f"{name}.md"
        path.write_text(text, encoding="utf-8")
        read = read_myst_markdown_notebook(with_fingerprint(text)[0], path=str(path))
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell, known in zip((c for c in read.cells if c.cell_type == "code"), cells, strict=True):
            cell.outputs, cell.execution_count = known.outputs, known.execution_count
        here.cache_notebook_bundle(CacheBundleIn(read, str(path), data=data), check_validity=False, overwrite=True)

    for name in pages:
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        if with_fingerprint(text)[1]:
            put(name, text, *executed(ROOT / f"{name}.md", there))
    missing = chapters - len(originals)
    copies = ((part, name, number) for number in count(2) for part, name in originals)
    last = originals[-1][1]
    for part, name, number in (next(copies) for _ in range(missing)):
        text, last = (ROOT / f"{name}.md").read_text(encoding="utf-8"), f"{name}-{number}"
        notebook, data = executed(ROOT / f"{name}.md", there)
        outputs = json.dumps(notebook)
        names = names_of(text, outputs)
        copy = re.sub(r"^# (.+)$", rf"# \1 ({number})", renamed(text, names, f"-{number}"), count=1, flags=re.MULTILINE)
        notebook = NotebookNode(json.loads(renamed(outputs, names, f"-{number}"), object_hook=NotebookNode))
        put(last, copy, notebook, data)
        part.append({"file": last})
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return folder / f"{last}.md"


def timed(what: str, book: Path) -> None:
    """Build the book and print what that took.

    Raises:
        SystemExit: if it was not built.
    """
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "tools.build", "."]
    done = subprocess.run(command, cwd=book, capture_output=True, encoding="utf-8", errors="replace", check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-8000:])
    if "executing" in done.stdout:
        raise SystemExit(f"a page was executed, so the time means nothing:\n{done.stdout}")
    spent = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    print(f"{what:16} {time.monotonic() - start:6.1f} s, of the processor {spent:6.1f} s", flush=True)


def main() -> None:
    """Make the book and time its builds."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("chapters", nargs="?", type=int, default=24, help="how many chapters there are to be")
    book = ROOT / "_build" / "many"
    chapter = make(book, parser.parse_args().chapters)
    timed("from nothing", book)
    timed("unchanged", book)
    chapter.write_text(
        chapter.read_text(encoding="utf-8").replace("\n## ", "\nA sentence that was not there.\n\n## ", 1),
        encoding="utf-8",
    )
    timed("after prose", book)


if __name__ == "__main__":
    main()
