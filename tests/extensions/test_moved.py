"""An address that the book has given away works for good: it leads to what it named, wherever that is now."""

import pytest
from browser import ROOT
from test_build import build, make_book

from extensions.site.moved import moved
from tools.addresses import LIST, of_site

SITE = ROOT / "_build" / "html"
needs_a_site = pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="there is no site yet: make book")


def lost(given: list[str], there: set[str], forwarded: dict[str, dict[str, str]]) -> list[str]:
    """The addresses that lead nowhere, and those that are forwarded though they are there."""
    found = []
    for address in given:
        page, _, anchor = address.partition("#")
        to = forwarded.get(page.removesuffix(".html"), {}).get(anchor)
        target = address if to is None else to.replace("#", ".html#", 1)
        if target not in there:
            found.append(f"{address} leads nowhere" if to is None else f"{address} leads to {target}, which is nowhere")
        elif to is not None and address in there:
            found.append(f"{address} is forwarded, and is there")
    return found


def test_an_address_that_leads_nowhere_is_found():
    there = {"a.html", "a.html#new", "b.html", "b.html#old"}
    forwarded = {"a": {"old": "b#old", "older": "a#new", "new": "b#old", "gone": "b#gone"}}
    given = ["a.html", "a.html#old", "a.html#older", "a.html#new", "a.html#gone", "a.html#never", "c.html"]
    assert lost(given, there, forwarded) == [
        "a.html#new is forwarded, and is there",
        "a.html#gone leads to b.html#gone, which is nowhere",
        "a.html#never leads nowhere",
        "c.html leads nowhere",
    ]


@needs_a_site
def test_every_address_that_was_given_away_leads_to_its_subject():
    given = LIST.read_text(encoding="utf-8").split()
    assert len(given) > 600
    assert lost(given, set(of_site(SITE)), moved()) == []


def test_what_is_no_address_is_refused(tmp_path):
    for text, said in (
        ("a: b#c", "a wants its anchors, each with where it is now, got 'b#c'"),
        ("a: {old: b}", "a#old wants an address with an anchor, got 'b'"),
        ("a: {old: 'b#'}", "a#old wants an address with an anchor, got 'b#'"),
    ):
        (tmp_path / "moved.yml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=f"moved.yml: {said}"):
            moved(tmp_path / "moved.yml")
    (tmp_path / "moved.yml").write_text("a: {old: '#new', older: 'b#old'}", encoding="utf-8")
    assert moved(tmp_path / "moved.yml") == {"a": {"old": "a#new", "older": "b#old"}}


LABELLED = """
```{prf:definition}
:label: def-moving

What moves.
```

```{exercise}
:label: ex-moving

Move it.
```
"""


def test_a_page_leads_on_from_files_and_says_where_it_would_lead_nowhere(browser, tmp_path):
    text = "# One\n\n## Here\n\nText.\n"
    two = text.replace("One", "Two")
    book = make_book(tmp_path, {"one": text, "two": two + LABELLED}, openings=False)
    (book / "extensions" / "site" / "moved.yml").write_text(
        "one: {gone: 'two#here', renamed: '#here'}", encoding="utf-8"
    )
    status, output = build(book)
    assert status == 0, output
    page = browser.new_context(offline=True).new_page()
    one, other = ((book / "_build" / "html" / name).as_uri() for name in ("one.html", "two.html"))
    for typed, shown in (("#gone", f"{other}#here"), ("#renamed", f"{one}#here"), ("#other", f"{one}#other")):
        page.goto("about:blank")
        page.goto(one + typed)
        page.wait_for_url(shown)
    page.goto(one)
    page.evaluate("location.hash = 'gone'")
    page.wait_for_url(f"{other}#here")
    damaged: list[str] = []
    page.on("pageerror", lambda error: damaged.append(str(error)))
    page.goto("about:blank")
    page.goto(f"{one}#%E0%A4%A")
    assert damaged == [], "a damaged address breaks the page"
    page.close()
    # a definition and an exercise move to a page that is read before the one that they leave
    for name, content in {"one": text + LABELLED, "two": two}.items():
        (book / f"{name}.md").write_text(content, encoding="utf-8")
    (book / "extensions" / "site" / "moved.yml").write_text("one: {gone: 'three#here'}", encoding="utf-8")
    status, output = build(book)
    assert status != 0
    assert "duplicate" not in output
    assert "moved.yml leads from one to three, which is not in the book" in output
