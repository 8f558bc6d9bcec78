"""Text is UTF-8 wherever it is read or written, whatever the machine's own encoding is."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_build import chapter, make_book

ROOT = Path(__file__).parents[1]
FOLDERS = ("ntklib", "extensions", "coursework", "tools", "tests", "benchmarks")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NO_PATHS = {"os", "self", "archive", "Image", "PIL", "tarfile"}  # what these open is bytes


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _opens_text(call: ast.Call, place: int) -> bool:
    mode = _keyword(call, "mode") or (call.args[place] if len(call.args) > place else None)
    return mode is None or not (isinstance(mode, ast.Constant) and "b" in str(mode.value))


def nameless(source: str) -> Iterator[int]:
    """The lines of calls that read or write text and name no encoding. Ruff sees only those whose types it knows."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or _keyword(call, "encoding") is not None:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        owner = ast.unparse(call.func).split(".")[0]
        positional = {"read_text": 0, "write_text": 1}.get(name, 99)
        if (
            len(call.args) <= positional < 99
            or (name == "open" and isinstance(call.func, ast.Name) and _opens_text(call, 1))
            or (
                name == "open"
                and isinstance(call.func, ast.Attribute)
                and owner not in NO_PATHS
                and _opens_text(call, 0)
            )
            or (name == "fdopen" and _opens_text(call, 1))
            or name == "TextIOWrapper"
            or (name.endswith("TemporaryFile") and _keyword(call, "mode") is not None and _opens_text(call, 0))
            or any(getattr(_keyword(call, word), "value", False) is True for word in ("text", "universal_newlines"))
        ):
            yield call.lineno


@pytest.mark.parametrize(
    "call",
    [
        "path.read_text()",
        "path.write_text(text)",
        "open(path)",
        "open(path, 'w')",
        "path.open('a')",
        "(folder / name).open()",
        "os.fdopen(handle, 'w')",
        "subprocess.run(command, text=True)",
        "NamedTemporaryFile(mode='w')",
    ],
)
def test_a_call_that_names_no_encoding_is_found(call):
    assert list(nameless(call)) == [1]


@pytest.mark.parametrize(
    "call",
    ["path.read_text('utf-8')", "open(path, 'rb')", "path.open(mode='wb')", "Image.open(path)", "run(command)"],
)
def test_what_reads_bytes_or_names_its_encoding_is_not(call):
    assert list(nameless(call)) == []


def test_every_file_is_read_and_written_as_utf8():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 150
    found = {path.relative_to(ROOT).as_posix(): list(nameless(path.read_text(encoding="utf-8"))) for path in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


TURKISH, WINDOWS = ("tr_TR", "ISO-8859-9"), ("en_US", "CP1252")


@pytest.fixture
def elsewhere(request, tmp_path) -> dict[str, str]:
    """The environment of a machine with this language and encoding, or where they cannot be made, with ASCII."""
    language, encoding = request.param
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", language, "-f", encoding, tmp_path / f"{language}.{encoding}"],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode != 0:
        return {**os.environ, **ASCII}
    return {**os.environ, "PYTHONUTF8": "0", "LOCPATH": str(tmp_path), "LC_ALL": f"{language}.{encoding}"}


SCRIPT = """
import locale, sys
assert locale.getencoding() != "UTF-8" and sys.stdout.encoding != "utf-8", "this proves nothing"
from coursework.__main__ import main
from ntklib.book import Explorer, Line, _widget
said = {name: name for name in ("title", "description", "x_label", "y_label")}
explorer = Explorer(lambda power: Line([0, 1], [0, power], "a", role="kernel"), {"power": [1, 2]}, **said)
assert explorer.widget._esm.encode("utf-8").startswith(_widget.SCRIPT.read_bytes())
sys.exit(main(["list", "--assignments", sys.argv[1]]))
"""


@pytest.mark.parametrize("elsewhere", [TURKISH, WINDOWS], indirect=True, ids=lambda machine: machine[1])
def test_the_library_and_the_grader_on_a_machine_with_another_encoding(elsewhere, tmp_path):
    master = (ROOT / "tests" / "coursework" / "toy" / "toy.md").read_text(encoding="utf-8")
    (tmp_path / "toy.md").write_text(master.replace("title: A toy", "title: ψ → φ"), encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=elsewhere, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert rb"toy                  \u03c8 \u2192 \u03c6 (5 minutes" in done.stdout, (
        "what a terminal lacks stops nothing"
    )


@pytest.mark.parametrize("elsewhere", [WINDOWS], indirect=True, ids=lambda machine: machine[1])
def test_the_book_on_a_machine_with_another_encoding(elsewhere, tmp_path):
    """By Jupyter Book's own command; `test_build.py` builds by the book's, which says what its terminal lacks."""
    signs = "Zürich, İstanbul, ψ → 𝒩"
    cell = f'```{{code-cell}}\nfrom pathlib import Path\n\nPath("signs").write_text("{signs}")\nprint("{signs}")\n```'
    book = make_book(tmp_path, {"sound": f"{chapter('sound')}\n{signs}\n\n{cell}\n"})
    environment = elsewhere | {"PYTHONPATH": str(book)}
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "-W", "-n", "."]
    done = subprocess.run(command, cwd=book, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    assert (book / "_build" / "html" / "sound.html").read_text(encoding="utf-8").count(
        signs
    ) == 4  # text, cell twice, output
    assert (book / "signs").read_text(encoding="utf-8") == signs
