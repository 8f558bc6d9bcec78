"""`make lab` brings new editions of notebooks, and overwrites nothing that a reader has done."""

import copy
import subprocess
from pathlib import Path

import nbformat
import pytest
from browser import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import editions, notebooks

TOC = "format: jb-book\nroot: intro\nparts:\n- {caption: One, chapters: [{file: chapters/a}, {file: chapters/b}]}\n"


def edition(text, minutes="3 minutes"):
    cells = [new_markdown_cell(f"# 1 · {text}\n\nIt takes {minutes}.", id="one"), new_code_cell("1 + 1", id="two")]
    made = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    editions.sign(made, source=text, passing=[minutes])
    return made


def files(folder):
    return {path.name: nbformat.read(path, as_version=4).cells[0].source.split("\n")[0] for path in folder.iterdir()}


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "ntk.ipynb"
    assert notebooks.deliver(edition("first"), path, "2026-11-01") == path
    return path


def opened(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    path.write_text(
        nbformat.writes(notebook, indent=4), encoding="utf-8"
    )  # in another form, as other programs write it


CHANGES = {
    "text": lambda n: n.cells[0].update(source="mine"),
    "code": lambda n: n.cells[1].update(source="1 + 2"),
    "run": lambda n: n.cells[1].update(execution_count=1),
    "output": lambda n: n.cells[1].outputs.append(new_output("stream", text="2\n")),
    "cell": lambda n: n.cells.append(new_markdown_cell("mine")),
    "removed": lambda n: n.cells.pop(),
    "no signature": lambda n: n.metadata.pop("book"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_reader_has_changed_stays_and_the_new_edition_comes_beside_it(target, name):
    opened(target, CHANGES[name])
    mine = target.read_bytes()
    beside = target.with_name("ntk (edition 2026-12-01).ipynb")
    assert notebooks.deliver(edition("second"), target, "2026-12-01") == beside
    assert target.read_bytes() == mine
    assert files(target.parent)[beside.name] == "# 1 · second"
    assert notebooks.deliver(edition("second"), target, "2026-12-02") is None  # it is there already
    # the next one takes the place of the one that nobody touched, and not that of one that somebody did
    opened(beside, CHANGES["code"])
    assert notebooks.deliver(edition("third"), target, "2026-12-01").name == "ntk (edition 2026-12-01, 2).ipynb"
    assert notebooks.deliver(edition("fourth"), target, "2026-12-03").name == "ntk (edition 2026-12-03).ipynb"
    assert target.read_bytes() == mine
    assert sorted(files(target.parent)) == [
        "ntk (edition 2026-12-01).ipynb",
        "ntk (edition 2026-12-03).ipynb",
        "ntk.ipynb",
    ]


def test_a_copy_that_was_only_looked_at_is_replaced(target):
    def looked(notebook):
        notebook.metadata["language_info"] = {"name": "python", "version": "3.13.1"}
        notebook.cells[1].metadata.update(trusted=True, jupyter={"source_hidden": False})

    opened(target, looked)
    assert notebooks.deliver(edition("second"), target, "2026-12-01") == target
    assert files(target.parent) == {"ntk.ipynb": "# 1 · second"}


def test_the_same_text_built_again_is_no_new_edition(target):
    before = target.read_bytes()
    assert notebooks.deliver(edition("first", minutes="4 minutes"), target, "2026-12-01") is None
    assert target.read_bytes() == before


def test_what_is_no_notebook_any_more_stays(target):
    target.write_text('{"cells": [', encoding="utf-8")
    assert notebooks.deliver(edition("second"), target, "2026-12-01").name == "ntk (edition 2026-12-01).ipynb"
    assert target.read_text(encoding="utf-8") == '{"cells": ['


def test_all_chapters_come_with_contents_in_the_order_of_the_book(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    book, lab = tmp_path / "book", tmp_path / "lab"
    site = book / "_build" / "html" / "_sources" / "chapters"
    for folder in (site, book / "chapters"):
        folder.mkdir(parents=True)
    (book / "_toc.yml").write_text(TOC, encoding="utf-8")
    (book / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="run 'make book' first"):
        notebooks.prepare(book, lab, "2026-11-01")
    for name in ("a", "b"):
        (book / "chapters" / f"{name}.md").write_text(name, encoding="utf-8")
        nbformat.write(edition(name), site / f"{name}.ipynb")
    assert notebooks.prepare(book, lab, "2026-11-01") == ["2 chapters are in lab/, 3 files of them new."]
    assert sorted(files(lab)) == ["Contents.ipynb", "a.ipynb", "b.ipynb"]
    contents = nbformat.read(lab / "Contents.ipynb", as_version=4).cells[0].source
    assert "**One**\n\n- [1 · a](a.ipynb)\n- [1 · b](b.ipynb)" in contents
    assert notebooks.prepare(book, lab, "2026-11-02") == ["2 chapters are in lab/."]
    (book / "chapters" / "b.md").write_text("b, changed", encoding="utf-8")
    opened(lab / "a.ipynb", CHANGES["code"])
    nbformat.write(edition("a, new"), site / "a.ipynb")
    (book / "chapters" / "a.md").write_text("a, new", encoding="utf-8")
    told = notebooks.prepare(book, lab, "2026-12-01")
    assert told[1] == "a: there is a new edition. Yours stays as it is; the new one is “a (edition 2026-12-01).ipynb”."
    assert told[2] == "Not as the chapters are now: b. 'make book' brings them up to date."


def test_a_book_that_is_not_built_is_built_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    site = tmp_path / "_build" / "html" / "_sources" / "chapters"
    site.mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    (tmp_path / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    nbformat.write(new_notebook(), site / "a.ipynb")  # of a book that was built before there were editions
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    built = []

    def build(command, cwd):
        built.append((command[1:], cwd))
        for name in ("a", "b")[: len(built)]:
            nbformat.write(edition(name), site / f"{name}.ipynb")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", build)
    assert notebooks.main([str(tmp_path / "lab")]) == 0
    assert built == [(["-m", "tools.build"], tmp_path)]
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("The notebooks are made with the book, which is not built yet. That executes 2 chapters")
    assert told[1:] == [
        "1 chapters are in lab/, 2 files of them new.",
        "Not as the chapters are now: b. 'make book' brings them up to date.",
    ]
    monkeypatch.setattr(subprocess, "run", lambda command, cwd: subprocess.CompletedProcess(command, 3))
    (site / "a.ipynb").unlink()
    assert notebooks.main([str(tmp_path / "lab")]) == 3


def test_a_signature_is_of_this_notebook_alone():
    made = edition("first")
    other = copy.deepcopy(made)
    other.cells[0].source += " "
    assert editions.untouched(made)
    assert not editions.untouched(other)
    assert editions.edition(made) == editions.edition(other) != editions.edition(edition("second"))


def test_git_ignores_the_working_copies():
    path = Path("lab") / "ntk.ipynb"
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0
