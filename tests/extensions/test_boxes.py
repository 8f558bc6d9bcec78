"""Boxes are quiet, their signs mean something, and they are legible in the light and in the dark."""

import re

import pytest
from test_build import build, chapter, make_book

BOXES = """

:::{prf:definition} A
Let $n$ be.
:::

:::{important} “It is.”
A verdict.
:::

:::{tip} Take-away
Keep it.
:::

:::{warning} Beware
Of it.
:::

```{exercise}
:label: ex-a
Do it, for all $x$.
```
"""
SIGNS = {"important": "\uf24e", "tip": "\uf02e", "exercise": "\uf303", "warning": "\uf071"}

# of each box: its classes, the width of its rule, its ground, its sign, and the colours of what is written
SEEN = """() => [...document.querySelectorAll(".bd-article div.admonition")].map((box) => {
  const title = box.querySelector(":scope > p.admonition-title"), style = getComputedStyle;
  const sign = title && style(title, "::before").content.replace(/ \\/ .*/, "").replace(/"|^none$/g, "");
  return {
    names: [...box.classList], shadow: style(box).boxShadow, rule: style(box).borderInlineStartWidth,
    frame: style(box).borderTopWidth, grounds: [box, title || box].map((e) => style(e).backgroundColor),
    bell: title ? style(title, "::after").content : "none", sign,
    inks: [box, title || box].map((e) => style(e).color).concat(sign ? style(title, "::before").color : []),
    page: style(document.body).backgroundColor,
  };
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    book = make_book(tmp_path_factory.mktemp("boxes"), {"sound": chapter("sound") + BOXES})
    status, output = build(book)
    assert status == 0, output
    return book / "_build" / "html"


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_box_is_a_thin_rule_with_a_sign_that_means_something(browser, site, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"file://{site / 'sound.html'}")
    boxes = page.evaluate(SEEN)
    page.close()
    kinds = {name for box in boxes for name in box["names"]}
    assert kinds >= {"theorem", "proof", "definition", *SIGNS}
    for box in boxes:
        assert box["shadow"] == "none", box
        assert (box["rule"], box["frame"]) == ("2px", "0px"), box
        assert set(box["grounds"]) == {"rgba(0, 0, 0, 0)"}, box
        assert box["bell"] == "none", box
        wanted = next((SIGNS[name] for name in box["names"] if name in SIGNS), "")
        assert (box["sign"] or "") == wanted, box
        assert min(contrast(ink, box["page"]) for ink in box["inks"]) > 4.5, box


def test_the_font_holds_the_signs_of_boxes(site):
    from fontTools.ttLib import TTFont

    font = next((site / "_static" / "vendor" / "fontawesome" / "webfonts").glob("fa-solid-900.woff"))
    assert {ord(sign) for sign in SIGNS.values()} <= set(TTFont(font).getBestCmap())


@pytest.mark.parametrize("width", [390, 1280])
def test_a_formula_in_a_line_that_is_whole_does_not_fade(browser, site, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"file://{site / 'sound.html'}")
    masks = """() => [...document.querySelectorAll(".bd-article span.math")].map((e) => {
      const style = getComputedStyle(e), faded = style.maskImage !== "none" && style.getPropertyValue("--on") !== "0px";
      return [faded, style.overflowX === "auto" && e.scrollWidth > e.clientWidth];
    })"""
    page.wait_for_function(f"({masks})().every(([faded, scrolls]) => faded === scrolls)")  # a script looks at them
    seen = page.evaluate(masks)
    page.close()
    assert len(seen) >= 2
    assert [faded for faded, scrolls in seen] == [scrolls for faded, scrolls in seen]
