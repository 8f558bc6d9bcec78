"""Builds the site strictly and tells a person what is happening: ``python -m tools.build [SOURCE]``.

The work is Jupyter Book's. This shows which chapter is executing and how long it took, repeats every warning with its
place, and fails if there was one.

``--chapter NAME`` is for an author at work: that chapter alone, executed if need be, as a site of one page. Links to
other pages lead nowhere there, so what has to do with them is not reported; the book's own checks are, but nothing but
an error stops it.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Set
from pathlib import Path
from typing import IO, NoReturn

import yaml

from tools.terminal import show_all_signs

# a checker of addresses that notebooks do without takes seconds to be imported: jsonschema goes on if it is not there
NEEDLESS = "rfc3987_syntax"
START = f"import sys; sys.modules[{NEEDLESS!r}] = None; from jupyter_book.cli.main import main; main()"
EXECUTING = re.compile(r"([\w./ -]+?)(?:\.md)?: Executing notebook")
EXECUTED = re.compile(r"([\w./ -]+?)(?:\.md)?: Executed notebook in ([\d.]+) seconds")
# what is missing from a site of one page, and may stand on another
MISSING = re.compile(
    r"WARNING: (?:could not find bibtex key \"([^\"]+)\"|label '([^']+)' not found"
    r"|the card names (\S+), which is not in the book"
    r"|claim '[^']*' names a theorem that is not in the book: ([\w-]+)|nothing checks ([\w-]+): )"
)


# the database of executed chapters is addressed as on the web: there this is another character, and a ? the end
ADDRESSED = re.compile(r"\?|%[0-9A-Fa-f]{2}")


def build(source: Path, strict: bool = True, elsewhere: Set[str] = frozenset()) -> int:
    """Build the book in `source` into its `_build/html`; returns the exit status, 0 only if nothing at all is wrong.

    Warnings that something is missing are left out if it is one of the names in `elsewhere`.
    """
    start = time.monotonic()
    if match := ADDRESSED.search(str(source.resolve())):
        print(
            f"The book cannot be built in {source.resolve()}: with {match[0]!r} in its path the database of executed "
            "chapters is looked for elsewhere. Rename that folder, or move the book.",
            file=sys.stderr,
        )
        return 1
    command = [sys.executable, "-c", START, "build", str(source)]
    command += ["--nitpick", "--warningiserror", "--keep-going"] if strict else []
    with _running(command) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        warnings = threading.Thread(target=_relay, args=(process.stderr, elsewhere), daemon=True)
        warnings.start()
        # needed at the end, and imported while the builder is at work
        sys.modules.setdefault(NEEDLESS, None)  # type: ignore[arg-type]
        from extensions.site.front_page import front_page
        from tools.times import grown, measured

        tail: list[str] = []
        for raw in process.stdout:
            line = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", raw).rstrip()
            tail = [*tail[-40:], line]
            if match := EXECUTED.search(line):
                print(f"{_name(match[1], source)}: {float(match[2]):.1f} s", flush=True)
            elif match := EXECUTING.search(line):
                print(f"{_name(match[1], source)}: executing …", flush=True)
        status = process.wait()
        warnings.join()
    index = source / "_build" / "html" / "index.html"
    if status != 0 or not index.exists():
        # Sphinx repeats a warning only for what it reads again: forget what it read, so that the next build fails too.
        (source / "_build" / ".doctrees" / "environment.pickle").unlink(missing_ok=True)
        if not any("warnings" in line for line in tail):  # it stopped before Sphinx came to count them
            print("\n".join(tail), file=sys.stderr)
        print("The book was not built: see the messages above.", file=sys.stderr)
        return status or 1
    front = re.search(r"url=([\w./-]+\.html)", index.read_text(encoding="utf-8"))
    if (
        front is not None and (index.parent / front[1]).exists()
    ):  # Jupyter Book's way to the title page says nothing else
        title_page = (index.parent / front[1]).read_text(encoding="utf-8")
        index.write_text(front_page(title_page, front[1]), encoding="utf-8")
    cache = source / "_build" / ".jupyter_cache"
    if strict and cache.is_dir():
        for line in grown(measured(cache, source)):
            print(f"Grown by half or more: {line}")
    print(f"Built in {time.monotonic() - start:.0f} s: {index.resolve()}")
    return 0


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The builder, which does not outlive this program: its kernels end by themselves when it is gone."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    try:
        yield process
    finally:
        process.terminate()  # nothing happens if it has ended
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stopped(number: int, _: object) -> NoReturn:
    """Leave as an error does, so that what was started is ended; the status is a shell's for this signal."""
    raise SystemExit(128 + number)


def _relay(lines: IO[str], elsewhere: Set[str]) -> None:
    """Repeat the warnings, but not those that miss what stands on another page."""
    for line in lines:
        match = MISSING.search(line)
        if match is None or match[match.lastindex or 0] not in elsewhere:
            sys.stderr.write(line)
            sys.stderr.flush()


def names_elsewhere(source: Path, name: str) -> set[str]:
    """What a chapter alone does not see of the whole book: its pages, their labels, what they check, what is cited."""
    found = set()
    for path in [*source.glob("*.md"), *source.glob("appendix/*.md"), *source.glob("chapters/*.md")]:
        if path.stem != name:
            text = path.read_text(encoding="utf-8")
            found |= {str(path.relative_to(source).with_suffix("")), *re.findall(r"^:label: (\S+)", text, re.MULTILINE)}
            found |= set(re.findall(r"\btheorem=\"([\w-]+)\"", text))
    bibliography = (source / "references.bib").read_text(encoding="utf-8")
    return found | set(re.findall(r"^@\w+\{([^,\s]+)", bibliography, re.MULTILINE))


def _name(path: str, source: Path) -> str:
    return path.removeprefix(f"{source.resolve()}/")


def chapter_number(toc: Path, name: str) -> int:
    """The number of a chapter in the whole book; 0 if it has none, or not yet."""
    parts = yaml.safe_load(toc.read_text(encoding="utf-8")).get("parts", [])
    numbered = [chapter["file"] for part in parts if part.get("numbered") for chapter in part["chapters"]]
    return numbered.index(f"chapters/{name}") + 1 if f"chapters/{name}" in numbered else 0


def one_chapter(source: Path, name: str) -> Path:
    """Make a book of one chapter below `_build`, of links to the files of the whole book; returns its folder."""
    chapters = sorted(path.stem for path in (source / "chapters").glob("*.md"))
    if name not in chapters:
        raise SystemExit(f"There is no chapter {name!r}: there are {', '.join(chapters)}.")
    book = source / "_build" / "chapter" / name
    (book / "chapters").mkdir(parents=True, exist_ok=True)
    shared = [
        "extensions",
        "tools",
        "ntklib",
        "benchmarks",
        "requirements.txt",
        "references.bib",
        f"chapters/{name}.md",
    ]
    for file in shared:
        if not (book / file).is_symlink() and (source / file).exists():
            (book / file).symlink_to((source / file).resolve())
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["cache"] = str((source / "_build" / ".jupyter_cache").resolve())
    config["sphinx"]["config"] |= {
        "suppress_warnings": ["ref", "myst.xref_missing", "app.add_directive"],
        "nb_execution_raise_on_error": True,
        "book_chapter_number": chapter_number(source / "_toc.yml", name),
    }
    (book / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (book / "_toc.yml").write_text(yaml.safe_dump({"format": "jb-book", "root": f"chapters/{name}"}), encoding="utf-8")
    return book


def main() -> int:
    """Read the command line and build."""
    show_all_signs()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last is not everywhere
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stopped)
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=Path(), help="the folder of the book")
    parser.add_argument("--chapter", metavar="NAME", help="that chapter alone, for an author at work")
    options = parser.parse_args()
    if options.chapter:
        book = one_chapter(options.source, options.chapter)
        return build(book, strict=False, elsewhere=names_elsewhere(options.source, options.chapter))
    return build(options.source)


if __name__ == "__main__":
    raise SystemExit(main())
