"""What opens the book elsewhere is ready to: Codespaces' container, and Binder's script."""

import io
import json
import os
import shlex
import subprocess
import sys
import zipfile

import pytest
import yaml
from browser import ROOT

CONTAINER = ROOT / ".devcontainer" / "devcontainer.json"


def test_the_container_of_codespaces_calls_what_there_is():
    made = json.loads(CONTAINER.read_text(encoding="utf-8"))
    commands = [made["updateContentCommand"], made["postCreateCommand"]]
    for command in commands:
        program, target, *settings = shlex.split(command)
        assert program == "make"
        done = subprocess.run(["make", "-n", target, *settings], cwd=ROOT, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
    steps = subprocess.run([*shlex.split(commands[1]), "-n"], cwd=ROOT, capture_output=True, encoding="utf-8").stdout
    assert "tools.notebooks" in steps
    assert "--version" in steps, "it makes the notebooks, and starts no server"
    interpreter = made["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.removeprefix("${containerWorkspaceFolder}/") == ".venv/bin/python"
    assert made["updateContentCommand"].split()[1] == ".venv/.installed"
    [opened] = made["customizations"]["codespaces"]["openFiles"]
    assert subprocess.run(["git", "check-ignore", "-q", opened], cwd=ROOT).returncode == 0
    python = made["image"].rpartition(":")[2]
    tested = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert python in tested["jobs"]["check"]["strategy"]["matrix"]["python"]


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def book(tmp_path):
    """A checkout whose remote has a published site, and a Python that installs nothing."""
    remote, folder, programs = (tmp_path / name for name in ("remote", "book", "programs"))
    for path in (remote, programs):
        path.mkdir()
    git(remote, "init", "--quiet", "--bare")
    git(tmp_path, "clone", "--quiet", remote, folder)
    for place in ("binder", "chapters", "tools/lab/labconfig"):
        (folder / place).mkdir(parents=True)
    (folder / "binder" / "postBuild").write_bytes((ROOT / "binder" / "postBuild").read_bytes())
    (folder / "tools" / "lab" / "labconfig" / "default_setting_overrides.json").write_text("{}", encoding="utf-8")
    (folder / "chapters" / "a.md").write_text("# A\n\nText.\n", encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "book")
    python = programs / "python"
    prefix = tmp_path / "prefix"
    python.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *"pip install"*) exit 0 ;; *sys.prefix*) echo {shlex.quote(str(prefix))} ; exit 0 ;; esac\n'
        f'exec {shlex.quote(sys.executable)} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    return folder


def prepared(book):
    environment = {**os.environ, "PATH": f"{book.parent / 'programs'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "binder/postBuild"], cwd=book, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert (book.parent / "prefix" / "share" / "jupyter" / "lab" / "settings" / "overrides.json").exists()
    return {path.name: path.read_text(encoding="utf-8") for path in (book / "lab").iterdir()}


def publish(book, folder, words):
    site = book.parent / "site"
    (site / folder / "_sources").mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("notebooks/a.ipynb", words)
    (site / folder / "_sources" / "notebooks.zip").write_bytes(packed.getvalue())
    if not (site / ".git").exists():
        git(site, "init", "--quiet")
        git(site, "remote", "add", "origin", book.parent / "remote")
    git(site, "add", "--all")
    git(site, "commit", "--quiet", "--message", "site")
    git(site, "push", "--quiet", "--force", "origin", "HEAD:gh-pages")


def test_binder_opens_the_notebooks_of_the_published_site_and_a_release_its_own(book):
    publish(book, "", "of main")
    publish(book, "v1.2.3", "of the release")
    assert prepared(book) == {"a.ipynb": "of main"}
    git(book, "tag", "v1.2.3")
    assert prepared(book) == {"a.ipynb": "of the release"}


def test_where_no_site_is_published_binder_opens_the_text_of_the_chapters(book):
    [(name, text)] = prepared(book).items()
    assert name == "a.ipynb"
    assert json.loads(text)["cells"][0]["source"] == ["# A\n", "\n", "Text."]
