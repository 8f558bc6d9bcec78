"""BOOK_SOLUTIONS=hide: no file of the site holds a solution; and the build notices one that got in another way."""

import io
import json
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
from sphinx.errors import ConfigError
from test_build import build, make_book

from extensions.checks.leaks import leaks
from extensions.site.solutions import _setting, without_solutions

CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Sums

```{code-cell}
import matplotlib.pyplot as plt

numbers = [1, 2, 4]
```

````{exercise-start} Add them
:label: ex-sums-add
````
Write `total`, the sum of the numbers.
````{exercise-end}
````

```{admonition} Hint
:class: dropdown
The hinted way is to begin with the first.
```

````{solution-start} ex-sums-add
:label: sol-sums-add
:class: dropdown
````
SECRETPROSE: one after the *other*, $1 + 2 + 4$.

```{code-cell}
total = sum(numbers)  # SECRETCODE
print("SECRET" + "OUTPUT", 10**6 + total)
```

```{code-cell}
---
tags: [hide-input]
mystnb:
  figure: {name: fig-sums-secret, caption: "SECRETCAPTION: a line."}
  image: {alt: "SECRETALT of a line."}
---
plt.plot(numbers);
```
````{solution-end}
````

````{exercise-start} Multiply them
:label: ex-sums-multiply
````
And the product?
````{exercise-end}
````

````{solution} ex-sums-multiply
:label: sol-sums-multiply
SECRETSHORT: eight.
````

````{exercise-start} Find the largest
:label: ex-sums-largest
````
Which function has it?
````{exercise-end}
````

```{code-cell}
:tags: [hide-input]

def check_largest(answer):
    '''Run `check_largest(largest_of_all_numbers)` on your own function.'''
    assert answer(numbers, 0) == 4, "the largest is 4"
    print("correct")
```

````{solution-start} ex-sums-largest
:label: sol-sums-largest
:class: dropdown
````
```{code-cell}
def largest_of_all_numbers(numbers, otherwise):
    return max(numbers, default=otherwise)  # SECRETBODY


check_largest(largest_of_all_numbers)
```
````{solution-end}
````

## Afterwards

The text goes on.
"""
SECRETS = (
    "SECRETPROSE",
    "SECRETCODE",
    "SECRETOUTPUT",
    "1000007",
    "SECRETCAPTION",
    "SECRETALT",
    "SECRETSHORT",
    "SECRETBODY",
)


def found_in(site):
    contents = [path.read_bytes() for path in site.rglob("*") if path.is_file()]
    return {secret for secret in SECRETS if any(secret.encode() in content for content in contents)}


def test_a_site_without_solutions(tmp_path, monkeypatch):
    book = make_book(tmp_path, {"sums": CHAPTER})
    site = book / "_build" / "html"
    assert build(book)[0] == 0
    assert found_in(site) == set(SECRETS)
    pictures = len(list((site / "_images").glob("*")))
    monkeypatch.setenv("BOOK_SOLUTIONS", "hide")
    status, output = build(book)  # where a site with solutions stood
    assert status == 0, output
    assert "executing" not in output  # what was executed before still holds
    assert found_in(site) == set()
    assert len(list(site.glob("_images/*"))) == pictures - 1
    page = (site / "sums.html").read_text(encoding="utf-8")
    assert "Write" in page
    assert "The hinted way" in page
    assert "And the product?" in page
    assert "Check your answer, in the notebook" in page
    cells = json.loads((site / "_sources" / "sums.ipynb").read_text(encoding="utf-8"))["cells"]
    stub = "# your answer\ndef largest_of_all_numbers(numbers, otherwise):\n    ..."  # the solution has its name alone
    assert ["".join(cell["source"]) for cell in cells if cell["id"] == "answer-ex-sums-largest"] == [stub]
    assert "The text goes on." in page
    assert "The text goes on." in (site / "_sources" / "sums.md").read_text(encoding="utf-8")


def test_a_setting_that_is_none():
    with pytest.raises(ConfigError, match="BOOK_SOLUTIONS must be 'show' or 'hide', got 'hidden'"):
        _setting(None, SimpleNamespace(book_solutions="hidden"))


def test_a_source_without_solutions():
    text = without_solutions(CHAPTER)
    assert "SECRET" not in text
    assert text.count("{exercise-start}") == text.count("{exercise-end}") == 3
    assert without_solutions(text) == text
    with pytest.raises(ValueError, match="line 2: solution-start without solution-end"):
        without_solutions("a\n```{solution-start} x\n```\n")


def archive_of(name, content, kind):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


def test_a_solution_that_got_in_another_way_is_found(tmp_path):
    telling = "total = sum(numbers)  # SECRETCODE"
    notebook = json.dumps({"cells": [{"source": ["x = 1\n", telling]}]})
    (tmp_path / "clean.html").write_text("<p>The text goes on.</p>", encoding="utf-8")
    assert leaks(tmp_path, {"sums": CHAPTER}) == []
    for name, content in {
        "page.html": b"<pre>total <b>=</b> sum(numbers)  # SECRETCODE</pre>",
        "lab.ipynb": notebook.encode(),
        "all.zip": archive_of("sums.ipynb", notebook, "zip"),
        "all.tar.gz": archive_of("sums.md", CHAPTER, "tar"),
        "searchindex.js": telling.encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert [leak.split("!")[0].split(":")[0] for leak in leaks(tmp_path, {"sums": CHAPTER})] == [name]
        (tmp_path / name).unlink()
