"""What ARCHITECTURE.md and README.md say of the tree is true of the tree, and the rooms keep to what they are."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROOMS = sorted(path.name for path in (ROOT / "extensions").iterdir() if any(path.glob("*.py")))
#: What a new maintainer asks for, and a word of the entry that answers.
QUESTIONS = {
    "a chapter": "chapters/",
    "how a theorem looks": "boxes.css",
    "a kernel": "ntklib/kernels.py",
    "the grader's limits": "coursework/",
    "an explorer": "explorer.js",
    "a check of the build": "extensions/checks/",
    "the lock": "requirements.in",
    "what CI runs": ".ci/run",
    "a style of the page": "page.css",
    "the line of a claim": "claims.css",
    "the search": "search.py",
    "the download of a chapter": "downloads.py",
    "the download of the book": "tools/pdf.py",
}


def named(text: str) -> list[str]:
    """The paths between backticks: of what is in the repository, not of what a build makes."""
    found = re.findall(r"`([\w./-]+)`", text)
    return [path for path in found if ("/" in path or "." in path) and not path.startswith("_build")]


def entries() -> list[list[str]]:
    table = TEXT.split("## To change X, go to Y")[1]
    return [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines() if line.startswith("| ")][1:]


def test_every_path_that_is_named_is_there():
    assert len(named(TEXT)) > 60
    assert [path for path in named(TEXT) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_new_maintainer_finds_the_place_in_one_look(question):
    [place] = [place for change, place in entries() if change == question or change.startswith(f"{question},")]
    assert QUESTIONS[question] in place


def test_every_room_has_its_line():
    lines = re.findall(r"^\| `([\w/]+)/` \|", TEXT.split("## To change X")[0], re.MULTILINE)
    assert set(ROOMS) == {line.removeprefix("extensions/") for line in lines if line.startswith("extensions/")}
    assert [line for line in lines if not (ROOT / line).is_dir()] == []
    picture = TEXT.split("```mermaid")[1].split("```")[0]
    assert set(re.findall(r'\["(\w+)/<br>', picture)) >= set(ROOMS)


def test_the_readme_leads_here_and_to_every_folder():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](ARCHITECTURE.md)" in readme
    listed = set(re.findall(r"^    (\w+)/ ", readme, re.MULTILINE))
    rooms = set(re.findall(r"^\| `(\w+)/", TEXT.split("## To change X")[0], re.MULTILINE))
    assert rooms <= listed
    assert [name for name in listed if not (ROOT / name).is_dir()] == []


def imports(path: Path) -> set[str]:
    """The packages of this repository that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found & {"ntklib", "coursework", "extensions", "tools", "benchmarks", "tests"}


def test_the_rooms_import_downwards():
    """The library and the grader need nothing that builds the book, and two commands alone need an extension."""
    found = {
        folder: set().union(*(imports(path) for path in (ROOT / folder).rglob("*.py"))) - {folder}
        for folder in ("ntklib", "coursework", "tools", "extensions")
    }
    assert found == {
        "ntklib": set(),
        "coursework": set(),
        "tools": {"ntklib", "extensions"},
        "extensions": {"ntklib", "coursework", "tools"},
    }
    users = sorted(path.name for path in (ROOT / "tools").glob("*.py") if "extensions" in imports(path))
    assert users == ["build.py", "twice.py"]


def test_every_extension_is_switched_on():
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in (ROOT / "extensions").rglob("*.py")
    }
    extensions = {name for name, text in modules.items() if "\ndef setup(app: Sphinx)" in text}
    by_others = {name for text in modules.values() for name in re.findall(r'setup_extension\("([\w.]+)"\)', text)}
    listed = set(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["local_extensions"])
    assert listed <= extensions
    assert extensions - listed == {"extensions.store", "extensions.finishing.previews", "extensions.finishing.search"}
    assert extensions - listed <= by_others
