"""Nothing can be green and broken: each small book here has one fault, and the build has to fail for that reason."""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_cache import get_cache
from sqlalchemy.exc import OperationalError
from threadpoolctl import threadpool_info

from extensions.execution.fingerprint import closure
from extensions.execution.kernels import kernel_environment
from tools.build import build as build_strictly
from tools.build import one_chapter
from tools.compiling import SETTINGS, xla_flags
from tools.times import grown, measured

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"

BIBLIOGRAPHY = (
    "@misc{known2000, title={Known}, author={Known, Ann and So, Bo and On, Cy}, year={2000}, eprint={2000.1}}\n"
)

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
    "claim-out-of-tolerance": [r"half: It is a half\.\n  measured 0\.520 is not 0\.5 ± 0\.01"],
    "tolerance-too-wide": [
        r"half: expected 0\.5 ± 0\.2: the tolerance is so wide that the wrong answer 0\.6 would pass"
    ],
    "tolerance-rejects-nothing": [r"claim 'half' has a tolerance that rejects nothing"],
    "claim-of-no-theorem": [r"claim 'two' names a theorem that is not in the book: thm-nowhere"],
    "claim-without-source": [r"claim 'two' has a source that the bibliography lacks: nobody1900"],
    "claim-twice": [r"there are two claims named 'two' on this page"],
    "number-of-no-claim": [r"there is no claim named 'never-claimed' on this page"],
    "typed-number": [r"typed into the prose: 0\.07\."],
    "quoted-without-source": [r"quoted needs a number and the key of its source"],
    "theorem-without-check": [r"nothing checks thm-unchecked"],
    "theorem-without-proof": [r"no proof follows theorem 'thm-unproved'"],
    "self-check-decimal": [r"an integer, a fraction or claim:NAME, so that it is exact or measured, got '0\.67'"],
    "self-check-of-no-claim": [r"self-check: there is no claim named 'never-claimed' on this page"],
    "self-check-without-answer": [r"self-check: it wants one answer marked right: .* got 0 right"],
    "self-check-right-is-wrong": [r"self-check: it calls wrong what its tolerance takes for its answer, 1/2"],
    "formula-not-understood": [r"MathJax does not understand a formula: Undefined control sequence \\nosuchmacro"],
    "card-before-claim": [
        r"no quoted claim stands before the first picture and the card",
        r"no picture stands before the card",
    ],
    "check-of-no-theorem": [r"no-numerical-check names thm-nothing, which is not in the book"],
}

# what `glue` imports would read the grammar of all addresses, which takes a second of each kernel
LEAN = "\n```{code-cell}\nimport sys\n\nassert 'myst_nb' in sys.modules\nassert 'lark' not in sys.modules\n```\n"


def make_book(folder: Path, chapters: dict[str, str], *, openings: bool = True) -> Path:
    """A book with the real configuration and extensions, and these chapters, whose openings are looked at or not."""
    unfinished = shutil.ignore_patterns("*.pyc.*")  # what another process compiles at this moment
    for name in ("extensions", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=unfinished)
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    if not openings:
        config += "    suppress_warnings: [book.opening]\n"  # it ends with what Sphinx is told
    (folder / "_config.yml").write_text(config, encoding="utf-8")
    (folder / "requirements.txt").touch()
    (folder / "references.bib").write_text(BIBLIOGRAPHY, encoding="utf-8")
    shutil.copytree(ROOT / "ntklib" / "book", folder / "ntklib" / "book", ignore=unfinished)
    for name in ("__init__.py", "_arguments.py"):  # what ntklib.book needs of the library
        shutil.copy(ROOT / "ntklib" / name, folder / "ntklib")
    (folder / "intro.md").write_text("# A small book\n", encoding="utf-8")
    for name, text in chapters.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    entries = "".join(f"  - file: {name}\n" for name in chapters)
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:\n{entries}", encoding="utf-8")
    return folder


def build(book: Path, **variables: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(book), **variables}
    command = [sys.executable, "-m", "tools.build", "."]
    process = subprocess.run(command, cwd=book, env=environment, capture_output=True, encoding="utf-8", timeout=300)
    return process.returncode, re.sub(r"\x1b\[[\d;]*m", "", process.stdout + process.stderr)


SLOW = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Slow

```{code-cell} ipython3
import time

time.sleep(600)
```
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_build_that_is_stopped_leaves_nothing_running(tmp_path, number):
    psutil = pytest.importorskip("psutil", reason="no psutil: pip install psutil, which kernels bring along")
    book = make_book(tmp_path, {"slow": SLOW})
    command = [sys.executable, "-m", "tools.build", "."]
    environment = {**os.environ, "PYTHONPATH": str(book)}
    with subprocess.Popen(command, cwd=book, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
        children = []
        try:
            assert any("slow: executing" in line for line in process.stdout)
            end = time.monotonic() + 60
            while not any("ipykernel_launcher" in child.cmdline() for child in children):
                assert time.monotonic() < end, "there is no kernel"
                time.sleep(0.1)
                children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(number)
            gone, alive = psutil.wait_procs([psutil.Process(process.pid), *children], timeout=30)
        finally:
            for left in [process, *children]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    left.kill()
    assert alive == []
    assert len(gone) >= 3
    assert 128 + number in [ended.returncode for ended in gone]


def chapter(name: str) -> str:
    return (BROKEN / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sound_book(tmp_path_factory) -> tuple[Path, str, str, dict]:
    """A book without a fault: its folder, what its build printed, a page of it and its ledger, as they were then."""
    pages = {"sound": chapter("sound") + LEAN, "other": "# Other\n\n{index}`lasting entry`\n"}
    book = make_book(tmp_path_factory.mktemp("sound"), pages)
    # whatever signs a terminal has, and whatever windows somebody's figures open in
    status, output = build(book, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", MPLBACKEND="agg")
    assert status == 0, output
    page, ledger = (
        (book / "_build" / "html" / name).read_text(encoding="utf-8") for name in ("sound.html", "claims.json")
    )
    return book, output, page, json.loads(ledger)


def test_a_sound_book_builds(sound_book):
    book, output, page, ledger = sound_book
    assert f"{book}/_build/html/index.html" in output
    assert r"sound: executing \u2026" in output
    assert "0.25" in page
    assert "A line that rises from one to three." in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "It is 2.0, 1/3, 0.333 and -2 · 10⁻⁸; others found 1.93" in text
    shown = (
        "measured 2.01 ± 0.02 expected 2 ± 0.1 wrong would be 3 source Known et al. 2000, Table 1 illustrates Theorem 1"
    )
    assert shown in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace(" , ", ", ")
    assert 'href="https://arxiv.org/abs/2000.1"' in page
    assert "Measured here: sum" in text
    assert "3 claims in 1 chapter. 1 compare with the literature, and none of these disagree;" in text
    assert ledger["build"].keys() >= {"Python", "jax", "numpy", "processor", "date"}
    assert [(c["name"], c["page"], c["measured"]) for c in ledger["claims"]] == [
        ("sum", "sound.html", 2.013),
        ("third", "sound.html", "1/3"),
        ("step", "sound.html", -2.5e-8),
    ]


def test_a_build_after_which_nothing_changed_writes_no_page(sound_book):
    book, _, _, ledger = sound_book
    pages = {path: path.stat().st_mtime_ns for path in (book / "_build" / "html").rglob("*.html")}
    shown = ledger["claims"]
    assert build(book)[0] == 0
    written = {path.name for path, time in pages.items() if path.stat().st_mtime_ns != time}
    assert written <= {"index.html", "intro.html", "search.html", "404.html"}  # the first page lists the others
    changed = chapter("sound").replace('"sum"', '"total"').replace("`sum:", "`total:")
    (book / "sound.md").write_text(changed, encoding="utf-8")
    assert build(book)[0] == 0
    now = json.loads((book / "_build" / "html" / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [c["name"] for c in now] == ["total" if c["name"] == "sum" else c["name"] for c in shown]
    assert "claim-total" in (book / "_build" / "html" / "sound.html").read_text(encoding="utf-8")
    found = (book / "_build" / "html" / "_static" / "passages.js").read_text(encoding="utf-8")
    assert "lasting entry" in found, "of the other page"


def test_xla_gets_settings_only_where_it_is_known_to_take_them(tmp_path, monkeypatch):
    lock = tmp_path / "requirements.txt"
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    lock.write_text(f"jax==1\njaxlib=={importlib.metadata.version('jaxlib')}\n", encoding="utf-8")
    known = xla_flags(lock)
    assert known.split()[-1] == "--xla_cpu_multi_thread_eigen=false"  # what somebody wants comes last and prevails
    assert {flag.lstrip("-").split("=")[0] for flag in known.split()[:-1]} == set(SETTINGS)
    monkeypatch.setenv("XLA_FLAGS", known)
    assert xla_flags(lock) == known
    monkeypatch.setenv("XLA_FLAGS", "")
    for other in ("jaxlib==0.0.1\n", ""):
        lock.write_text(other, encoding="utf-8")
        assert xla_flags(lock) == ""


def test_programs_that_run_side_by_side_do_linear_algebra_in_one_thread_each(tmp_path):
    ask = "import numpy, scipy.linalg, threadpoolctl as t; print({pool['num_threads'] for pool in t.threadpool_info()})"
    given = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    told = {**given, **kernel_environment(tmp_path)}
    asked = subprocess.run([sys.executable, "-c", ask], env=told, capture_output=True, encoding="utf-8", check=True)
    assert asked.stdout.strip() == "{1}"
    assert {pool["num_threads"] for pool in threadpool_info()} <= {1}, "a test has more"


def test_every_broken_book_is_tried():
    assert {path.stem for path in BROKEN.glob("*.md")} == {"sound", *FAULTS}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory) -> tuple[int, dict[str, str]]:
    """The exit status of a book that has every fault, and what the build said of each chapter."""
    status, output = build(make_book(tmp_path_factory.mktemp("broken"), {name: chapter(name) for name in FAULTS}))
    said = dict.fromkeys(FAULTS, "")
    current = None
    for line in output.splitlines(keepends=True):
        if place := re.match(r"\S*/([\w-]+)\.md:", line):
            current = place[1] if "WARNING" in line or "ERROR" in line else None
        if current is not None:
            said[current] += line
    return status, said


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_a_warning_that_says_why(complaints, name):
    status, said = complaints
    assert status != 0
    for pattern in FAULTS[name]:
        assert re.search(pattern, said[name], re.MULTILINE), f"{pattern!r} is not in:\n{said[name]}"


@pytest.mark.parametrize("name", ["failing-cell", "typed-number"])  # in what is executed, and in what is read
def test_one_fault_is_enough(tmp_path, name):
    status, output = build(make_book(tmp_path, {"sound": chapter("sound"), name: chapter(name)}))
    assert status != 0, f"the build passed:\n{output}"
    assert f"{name}.md" in output
    assert not re.search(r"sound\.md:?\d*:? (WARNING|ERROR)", output)


def test_a_broken_book_still_fails_when_nothing_changed(tmp_path):
    book = make_book(tmp_path, {"missing-reference": chapter("missing-reference")})
    assert build(book)[0] != 0
    assert build(book)[0] != 0


def test_only_what_a_change_concerns_is_executed_again(tmp_path):
    head = chapter("sound").split("# A sound chapter")[0]
    cell = "\n```{{code-cell}}\nfrom ntklib.{module} import value\n\nprint(value)\n```\n"
    book = make_book(tmp_path, {m: f"{head}# Uses {m}\n{cell.format(module=m)}" for m in ("upper", "alone")})
    (book / "ntklib" / "lower.py").write_text("value = 1\n", encoding="utf-8")
    (book / "ntklib" / "upper.py").write_text("from ntklib.lower import value\n", encoding="utf-8")
    (book / "ntklib" / "alone.py").write_text("value = 7\n", encoding="utf-8")

    def executed() -> list[str]:
        status, output = build(book)
        assert status == 0, output
        return sorted(re.findall(r"^(\w+): executing", output, re.MULTILINE))

    assert executed() == ["alone", "upper"], "each once"
    times = measured(book / "_build" / ".jupyter_cache", book)
    assert times.keys() == {"alone", "upper"}
    assert all(page["seconds"] > 0 for page in times.values())
    assert executed() == [], "nothing has changed"

    (book / "upper.md").write_text(
        (book / "upper.md").read_text(encoding="utf-8") + "\nMore prose.\n", encoding="utf-8"
    )
    assert executed() == [], "only prose has changed"
    assert "More prose." in (book / "_build" / "html" / "upper.html").read_text(encoding="utf-8")

    (book / "ntklib" / "lower.py").write_text("value = 2345\n", encoding="utf-8")
    assert executed() == ["upper"], "a module has changed that one chapter imports through another"
    assert "2345" in (book / "_build" / "html" / "upper.html").read_text(encoding="utf-8")

    (book / "requirements.txt").write_text("jax==1000\n", encoding="utf-8")
    assert executed() == ["alone", "upper"], "the lock has changed"


def test_what_a_chapter_imports_is_followed_into_packages_and_through_old_paths(tmp_path):
    files = {
        "__init__.py": "",
        "old.py": "from ntklib.book.claims import *\n",
        "book/__init__.py": "from ntklib.book.claims import claim\n",
        "book/claims.py": "from ntklib.book._text import written\nclaim = written\n",
        "book/_text.py": "import ntklib.numbers\nwritten = 1\n",
        "book/figures.py": "",
        "book/script.js": "",
        "numbers.py": "",
        "other.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def followed(*modules: str) -> set[str]:
        return {path.relative_to(tmp_path).as_posix() for path in closure(set(modules), tmp_path)}

    book = {"__init__.py", "book/__init__.py", "book/claims.py", "book/_text.py", "book/script.js", "numbers.py"}
    assert followed("book.claims.claim") == followed("book.claim") == followed("book") == book
    assert followed("book.figures") == book | {"book/figures.py"}
    assert followed("old") == book | {"old.py"}
    assert followed("other") == {"__init__.py", "other.py"}


@pytest.mark.parametrize("name", ["a%41b", "what?", "100%25"])
def test_a_folder_in_which_no_chapter_would_be_found_executed_is_named_before_anything_starts(tmp_path, capsys, name):
    book = tmp_path / name
    book.mkdir()
    assert build_strictly(book) == 1
    assert re.search(
        rf"cannot be built in .*{re.escape(name)}: with '(%41|\?|%25)' in its path", capsys.readouterr().err
    )
    assert not list(book.iterdir())
    with contextlib.suppress(OperationalError):
        get_cache(book / "_build" / ".jupyter_cache").list_cache_records()
    assert not (book / "_build" / ".jupyter_cache" / "global.db").exists()  # the day it does, refuse no longer


def test_one_chapter_alone(tmp_path):
    """An author's loop: the chapter executes, its page is there, and the whole book finds it executed."""
    (tmp_path / "book").mkdir()
    book = make_book(tmp_path / "book", {})
    (book / "chapters").mkdir()
    there = "# Elsewhere\n\n```{prf:theorem}\n:label: thm-there\n\nYes.\n```\n"
    (book / "chapters" / "elsewhere.md").write_text(there, encoding="utf-8")
    faults = "{doc}`elsewhere` {prf:ref}`thm-there` {prf:ref}`thm-nowhere` {cite}`known2000,nobody1900` is 0.07."
    text = chapter("sound").replace("# A sound chapter", f"# A sound chapter\n\n{faults}", 1)
    (book / "chapters" / "sound.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "tools.build", "--chapter", "sound"]
    done = subprocess.run(command, cwd=book, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sound: executing" in done.stdout.replace("chapters/", "")
    said = re.findall(r"WARNING: ([^\[.\x1b]*[^\[.\x1b ])", done.stderr)  # of this page, not of what another has
    assert said == [
        "typed into the prose: 0",
        "label 'thm-nowhere' not found",
        'could not find bibtex key "nobody1900"',
    ]
    assert list((book / "_build" / "chapter" / "sound" / "_build" / "html").rglob("sound.html"))
    assert "chapters/sound" in measured(book / "_build" / ".jupyter_cache", book)
    with pytest.raises(SystemExit, match="There is no chapter 'sond': there are elsewhere, sound"):
        one_chapter(book, "sond")


def test_what_has_grown_is_said(tmp_path, monkeypatch):
    published = tmp_path / "chapters.json"
    pages = {"slow": {"seconds": 40, "bytes": 4e8}, "noisy": {"seconds": 1, "bytes": 1e8}}
    published.write_text(json.dumps({"pages": pages}), encoding="utf-8")
    monkeypatch.setattr("tools.times.PUBLISHED", published)
    now = {
        "slow": {"seconds": 61.0, "bytes": 4.1e8},
        "noisy": {"seconds": 5.0, "bytes": 1.9e8},
        "new": {"seconds": 9e9},
    }
    assert grown(now) == ["slow: 61 s, against the 40 published"]
    assert grown({"slow": {"seconds": 41.0, "bytes": 7e8}}) == ["slow: 700 MB, against the 400 published"]
