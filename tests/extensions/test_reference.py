"""The pages of the library: one for each module on disk, and one that lists them, from which old addresses lead on."""

from pathlib import Path

import pytest
from test_build import build, make_book

from extensions.authoring import reference
from tools.serve import served

TOY = '''"""What is a toy? A thing with `parts`, see :class:`Thing`.

More about it.
"""

__all__ = ["Thing", "play"]


class Thing:
    """Something."""

    def move(self):
        """Somewhere.

        >>> for step in range(2):
        ...     step
        0
        1
        >>> 3 + 4
        7
        """


def play():
    """With it."""
'''
INDEX = """# The library

```{library-modules}
NAMES
```
"""


@pytest.fixture
def library(tmp_path) -> Path:
    folder = tmp_path / "ntklib"
    (folder / "book").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "book" / "__init__.py").write_text('"""A package."""\n', encoding="utf-8")
    (folder / "book" / "toy.py").write_text(TOY, encoding="utf-8")
    (folder / "_private.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "neural_tangents.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "toy.py").write_text('"""The old path."""\n\nfrom ntklib.book.toy import *\n', encoding="utf-8")
    (folder / "part.py").write_text('"""Some of it."""\n\nfrom ntklib.book.toy import play\n', encoding="utf-8")
    (folder / "chapters.py").write_text(
        '"""Of numbers."""\n\nfrom ntklib.book.toy import play\n\n\ndef f(): ...\n', encoding="utf-8"
    )
    return folder


def test_modules_that_only_pass_on_have_no_page(library):
    assert reference.modules(library) == ["ntklib.book.toy", "ntklib.chapters"]
    assert reference.sentence(library, "ntklib.book.toy") == "What is a toy? A thing with `parts`, see `Thing`."
    (library / "whole.py").write_text(
        '"""Of parts that have no page."""\n\nfrom ntklib._private import x\n', encoding="utf-8"
    )
    assert "ntklib.whole" in reference.modules(library)
    (library / "empty.py").touch()
    with pytest.raises(ValueError, match=r"ntklib\.empty has no docstring"):
        reference.sentence(library, "ntklib.empty")


def test_old_paths_lead_to_where_a_thing_is_explained(library):
    names = [f"ntklib.book.toy.{name}" for name in ("Thing", "Thing.move", "play")]
    own = {name: name for name in names}
    old = {name.replace("book.", ""): name for name in names}
    assert reference.paths(library, "ntklib.book.toy", names) == own | old | {"ntklib.part.play": names[2]}


def test_pages_follow_the_modules(library):
    source = library.parent
    reference.write_pages(source)
    assert not (source / "appendix").exists(), "a book without the list gets no pages"
    folder = source / "appendix" / "library"
    folder.mkdir(parents=True)
    (source / "appendix" / "library.md").touch()
    (folder / "ntklib.gone.md").touch()
    reference.write_pages(source)
    assert sorted(path.name for path in folder.iterdir()) == ["ntklib.book.toy.md", "ntklib.chapters.md"]
    page = folder / "ntklib.chapters.md"
    assert page.read_text(encoding="utf-8").startswith("# ntklib.chapters\n")
    before = page.stat().st_mtime_ns
    reference.write_pages(source)
    assert page.stat().st_mtime_ns == before, "a page that did not change would be read again"


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """A book with a toy in its library, an old path to it, and a page that lists all modules."""
    made = make_book(tmp_path_factory.mktemp("library"), {"last": "# Last\n"})
    (made / "ntklib" / "toy.py").write_text(TOY, encoding="utf-8")
    (made / "ntklib" / "old.py").write_text('"""The old path."""\n\nfrom ntklib.toy import *\n', encoding="utf-8")
    (made / "appendix" / "library").mkdir(parents=True)
    names = [name.removeprefix("ntklib.") for name in reference.modules(made / "ntklib")]
    (made / "appendix" / "library.md").write_text(INDEX.replace("NAMES", "\n".join(names)), encoding="utf-8")
    toc = "  - file: appendix/library\n    sections:\n      - glob: appendix/library/*\n"
    with (made / "_toc.yml").open("a", encoding="utf-8") as file:
        file.write(toc)
    status, output = build(made)
    assert status == 0, output
    return made


@pytest.mark.parametrize(
    ("old", "new"),
    {
        "ntklib.toy.play": "ntklib.toy.play",
        "ntklib.old.Thing": "ntklib.toy.Thing",
        "ntklib.toy.Thing.move": "ntklib.toy.Thing.move",
        "module-ntklib.toy": "module-ntklib.toy",
        "module-ntklib.old": "module-ntklib.toy",
        "ntklib.old.Thing.gone": "ntklib.toy.Thing",
        "ntklib.toy.gone": "module-ntklib.toy",
    }.items(),
)
def test_an_old_address_leads_to_the_page_of_the_module(book, browser, old, new):
    page = browser.new_context(offline=True).new_page()
    page.goto(f"{(book / '_build' / 'html' / 'appendix' / 'library.html').as_uri()}#{old}")
    page.wait_for_url(f"**/appendix/library/ntklib.toy.html#{new}")
    assert page.evaluate("document.querySelector(':target') !== null"), "the page has no such place"
    page.context.close()


def test_without_scripts_an_old_address_shows_the_way(book, browser):
    page = browser.new_context(offline=True, java_script_enabled=False).new_page()
    page.goto(f"{(book / '_build' / 'html' / 'appendix' / 'library.html').as_uri()}#ntklib.old.Thing.move")
    page.locator("a:has(:target)").click()
    page.wait_for_url("**/appendix/library/ntklib.toy.html#ntklib.toy.Thing")
    page.context.close()


def test_what_is_copied_of_an_example_can_be_executed(book, browser):
    with served(book / "_build" / "html") as address:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(f"{address}/appendix/library/ntklib.toy.html")
        page.locator(".highlight .copybtn").first.click()
        page.locator(".copybtn.success").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        context.close()
    assert [line for line in copied.splitlines() if line] == ["for step in range(2):", "    step", "3 + 4"]


def test_the_list_follows_the_modules_and_misses_none(book):
    listed = (book / "_build" / "html" / "appendix" / "library.html").read_text(encoding="utf-8")
    assert "<p>What is a toy? A thing with <code" in listed
    toy = book / "ntklib" / "toy.py"
    toy.write_text(TOY.replace("What is a toy?", "What is it?").replace("play", "rest"), encoding="utf-8")
    (book / "ntklib" / "unlisted.py").write_text(
        '"""Nobody knows."""\n\n\ndef f():\n    """Of x."""\n', encoding="utf-8"
    )
    status, output = build(book)
    assert status != 0
    assert "ntklib.unlisted belongs into one list library-modules, and is in 0" in output
    listed = (book / "_build" / "html" / "appendix" / "library.html").read_text(encoding="utf-8")
    assert "<p>What is it? A thing" in listed
    assert 'href="library/ntklib.toy.html#ntklib.toy.rest"' in listed
    assert "ntklib.toy.play" not in listed


def test_a_page_that_lists_modules_depends_on_files_that_exist():
    """A package is no `name.py`; a page with such a dependency is read again by each build."""
    library = Path(reference.__file__).parents[2] / "ntklib"
    files = {name: reference._file(library, name) for name in reference.modules(library)}
    assert [name for name, file in files.items() if not file.is_file()] == []
    assert any(file.name == "__init__.py" for file in files.values()), "no package is listed"
