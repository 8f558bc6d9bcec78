"""Nothing can be green and broken: each small book here has one fault, and the build has to fail for that reason."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"

# what the build has to say, apart from the name of the chapter
FAULTS = {
    "failing-cell": [r"ZeroDivisionError: division by zero", r"quotient = fine / 0", r"In\[2\]"],
    "warning": [r"DeprecationWarning: this is deprecated"],
    "stderr": [r"stderr was found in the cell outputs"],
    "network": [r"chapters execute with the network off, but this one asked for example\.org"],
    "missing-reference": [r"undefined label: 'no-such-label'"],
    "missing-citation": [r"could not find bibtex key \"nobody1900\""],
    "missing-number": [r"No key 'never-measured' found"],
    "figure-without-picture": [r"this figure shows no picture$"],
    "figure-without-name": [r"this figure lacks a name$"],
    "figure-without-caption": [r"this figure lacks a caption$"],
    "figure-without-alt": [r"this figure lacks an alternative text$"],
}


def make_book(folder: Path, chapters: dict[str, str]) -> Path:
    """A book with the real configuration and extensions, and these chapters."""
    shutil.copytree(ROOT / "extensions", folder / "extensions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "requirements.txt").touch()
    (folder / "references.bib").write_text("@misc{known, title = {Known}, author = {Known, Ann}, year = {2000}}\n")
    (folder / "ntklib").mkdir()
    (folder / "ntklib" / "__init__.py").touch()
    (folder / "intro.md").write_text("# A small book\n")
    for name, text in chapters.items():
        (folder / f"{name}.md").write_text(text)
    entries = "".join(f"  - file: {name}\n" for name in chapters)
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:\n{entries}")
    return folder


def build(book: Path) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(book)}
    command = [sys.executable, "-m", "extensions.build", "."]
    process = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True, timeout=300)
    return process.returncode, re.sub(r"\x1b\[[\d;]*m", "", process.stdout + process.stderr)


def chapter(name: str) -> str:
    return (BROKEN / f"{name}.md").read_text()


def test_a_sound_book_builds(tmp_path):
    book = make_book(tmp_path, {"sound": chapter("sound")})
    status, output = build(book)
    assert status == 0, output
    assert f"{book}/_build/html/index.html" in output
    page = (book / "_build" / "html" / "sound.html").read_text()
    assert "0.25" in page
    assert "A line that rises from one to three." in page


def test_every_broken_book_is_tried():
    assert {path.stem for path in BROKEN.glob("*.md")} == {"sound", *FAULTS}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_book_fails_and_says_why(tmp_path, name):
    book = make_book(tmp_path, {name: chapter(name)})
    status, output = build(book)
    assert status != 0, f"the build passed:\n{output}"
    assert f"{name}.md" in output
    for pattern in FAULTS[name]:
        assert re.search(pattern, output, re.MULTILINE), f"{pattern!r} is not in:\n{output}"


def test_a_broken_book_still_fails_when_nothing_changed(tmp_path):
    book = make_book(tmp_path, {"missing-reference": chapter("missing-reference")})
    assert build(book)[0] != 0
    assert build(book)[0] != 0


def test_only_what_a_change_concerns_is_executed_again(tmp_path):
    head = chapter("sound").split("# A sound chapter")[0]
    cell = "\n```{{code-cell}}\nfrom ntklib.{module} import value\n\nprint(value)\n```\n"
    book = make_book(tmp_path, {m: f"{head}# Uses {m}\n{cell.format(module=m)}" for m in ("upper", "alone")})
    (book / "ntklib" / "lower.py").write_text("value = 1\n")
    (book / "ntklib" / "upper.py").write_text("from ntklib.lower import value\n")
    (book / "ntklib" / "alone.py").write_text("value = 7\n")

    def executed() -> set[str]:
        status, output = build(book)
        assert status == 0, output
        return set(re.findall(r"^(\w+): executing", output, re.MULTILINE))

    assert executed() == {"upper", "alone"}
    assert executed() == set(), "nothing has changed"

    (book / "upper.md").write_text((book / "upper.md").read_text() + "\nMore prose.\n")
    assert executed() == set(), "only prose has changed"
    assert "More prose." in (book / "_build" / "html" / "upper.html").read_text()

    (book / "ntklib" / "lower.py").write_text("value = 2345\n")
    assert executed() == {"upper"}, "a module has changed that one chapter imports through another"
    assert "2345" in (book / "_build" / "html" / "upper.html").read_text()

    (book / "requirements.txt").write_text("jax==1000\n")
    assert executed() == {"upper", "alone"}, "the lock has changed"
