"""What is executed twice: everything that is not on record with the inputs that it has."""

import json

import pytest
import test_chapters
from browser import ROOT

from tools import twice

NOTEBOOK = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---

# A page

Some prose.

```{code-cell}
from ntklib import claims
1 + 1
```
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A book of one page, with nothing on record."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "page.md").write_text(NOTEBOOK, encoding="utf-8")
    monkeypatch.setattr(twice, "ROOT", tmp_path)
    monkeypatch.setattr(twice, "RECORD", tmp_path / "twice.json")
    monkeypatch.setattr(twice, "FOUND", tmp_path / "found")
    return tmp_path


def test_what_was_found_is_known_and_can_be_recorded(place):
    assert not twice.known("chapters/page", NOTEBOOK)
    assert twice.main() == 0
    assert json.loads((place / "twice.json").read_text(encoding="utf-8")) == {}, "recorded before it was found"
    twice.remember("chapters/page", NOTEBOOK)
    assert twice.known("chapters/page", NOTEBOOK)
    assert twice.main() == 0
    (place / "found" / "chapters--page.txt").unlink()  # as on another machine
    assert twice.known("chapters/page", NOTEBOOK)
    assert not twice.known("chapters/other", NOTEBOOK)


def test_prose_changes_nothing_and_code_a_module_or_the_lock_everything(place, monkeypatch):
    module = place / "module.py"
    module.write_text("value = 1\n", encoding="utf-8")
    known = twice.dependencies(NOTEBOOK)
    assert {ROOT / "ntklib" / "claims.py", ROOT / "requirements.txt"} <= set(known)
    monkeypatch.setattr(twice, "dependencies", lambda text: [*known, module])
    twice.remember("chapters/page", NOTEBOOK)
    assert twice.known("chapters/page", NOTEBOOK.replace("Some prose.", "Other prose."))
    assert not twice.known("chapters/page", NOTEBOOK.replace("1 + 1", "1 + 2"))
    module.write_text("value = 2\n", encoding="utf-8")
    assert not twice.known("chapters/page", NOTEBOOK)


def test_what_changed_leaves_the_record(place, capsys):
    twice.remember("chapters/page", NOTEBOOK)
    assert twice.main() == 0
    (place / "chapters" / "page.md").write_text(NOTEBOOK.replace("1 + 1", "1 + 2"), encoding="utf-8")
    assert twice.main() == 1
    assert "run 'make test' first: chapters/page" in capsys.readouterr().out
    assert json.loads((place / "twice.json").read_text(encoding="utf-8")) == {}


def test_the_second_execution_is_left_out_for_what_is_known_only_and_never_where_all_are_asked_for(monkeypatch):
    class Executed(Exception):
        pass

    def execute(name, folder):
        raise Executed

    def tried():
        try:
            test_chapters.test_two_executions_without_network_agree("chapters/ntk", ROOT)
        except Executed:
            return True
        return False

    monkeypatch.delenv("BOOK_TWICE", raising=False)
    monkeypatch.setattr(test_chapters, "execute", execute)
    monkeypatch.setattr(twice, "known", lambda name, text: False)
    assert tried()
    monkeypatch.setattr(twice, "known", lambda name, text: True)
    assert not tried()
    monkeypatch.setenv("BOOK_TWICE", "all")
    assert tried()


@pytest.mark.parametrize("workflow", ["newest.yml", "release.yml"])
def test_every_week_and_for_a_release_all_are_executed_twice(workflow):
    assert "BOOK_TWICE: all" in (ROOT / ".github" / "workflows" / workflow).read_text(encoding="utf-8")


def test_the_record_names_pages_of_this_book():
    assert twice.recorded().keys() <= set(test_chapters.chapters())
