"""Self-checks answer in the browser without a kernel, with the keyboard, and show their answer without the script."""

import re

import pytest
from browser import ROOT, TRANSLATE
from test_build import build, chapter, make_book

CHECKS = """

:::{self-check}
:name: check-choice

Which of $a$ and $b$?

- wrong: Only $a$.

  There is $b$ too.
- right: Both.

  So it is.
:::

:::{self-check}
:name: check-third
:answer: 1/3
:tolerance: 2 %

What is a third?

- right: Of one.
- wrong: Divide by three.
:::

:::{self-check}
:name: check-measured
:answer: claim:sum
:tolerance: 10 %
:unit: units

What was measured?

- right: It is near two.
- wrong: One and one.
:::
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    book = make_book(tmp_path_factory.mktemp("checks"), {"sound": chapter("sound") + CHECKS})
    status, output = build(book)
    assert status == 0, output
    return book / "_build" / "html"


@pytest.fixture(params=["light", "dark"])
def page(browser, site, request):
    context = browser.new_context(offline=True, color_scheme=request.param, viewport={"width": 390, "height": 844})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"file://{site / 'sound.html'}")
    yield opened
    context.close()
    assert complaints == []


def said(page, name: str) -> str:
    return re.sub(r"\s+", " ", page.locator(f"#{name} [role=status]").inner_text()).strip()


def test_a_choice_is_answered_with_the_keyboard(page):
    assert "practice, never graded" in page.locator("#check-choice").inner_text()
    check = page.locator("#check-choice button")
    check.click()
    assert said(page, "check-choice") == "Choose an answer first."
    first = page.locator("#check-choice input").first
    first.focus()
    page.keyboard.press("Space")
    check.focus()
    page.keyboard.press("Enter")
    assert said(page, "check-choice").startswith("No. There is")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert said(page, "check-choice") == "Right. So it is."
    assert page.locator("#check-choice [role=status]").get_attribute("aria-live") == "polite"
    assert page.get_by_role("radio", name="Both.").is_checked()
    first.check()
    assert said(page, "check-choice") == ""  # it was said of another answer


@pytest.mark.parametrize(
    ("name", "typed", "answer"),
    [
        ("check-third", "1/3", "Right. Of one."),
        ("check-third", "0,33", "Right. Of one."),
        ("check-third", "2/6", "Right. Of one."),
        ("check-third", "0.3", "No. Divide by three."),
        ("check-third", "-1/3", "No. Divide by three."),
        ("check-third", "a third", "That is not a number: write it like 3, 0.25 or 1/4."),
        ("check-third", "", "That is not a number: write it like 3, 0.25 or 1/4."),
        ("check-measured", "2 units", "Right. It is near two."),
        ("check-measured", "1.7", "No. One and one."),
    ],
)
def test_a_number_is_compared_within_its_tolerance(page, name, typed, answer):
    page.locator(f"#{name} input").fill(typed)
    page.keyboard.press("Enter")
    assert said(page, name) == answer
    page.locator(f"#{name} input").press("5")
    assert said(page, name) == ""


def test_without_the_script_the_answer_is_in_a_fold(browser, site):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{site / 'sound.html'}")
    for name, answer in (
        ("check-choice", "So it is."),
        ("check-third", "1/3 (within 2 %)"),
        ("check-measured", "2.013"),
    ):
        fold = page.locator(f"#{name} details")
        assert answer not in fold.inner_text()
        fold.locator("summary").click()
        assert answer in fold.inner_text()
    assert "Divide by three" not in page.locator("#check-third details").inner_text()  # said of wrong answers only
    context.close()


def test_a_translated_check_judges_as_before(page):
    page.evaluate(TRANSLATE)
    assert "Both" not in page.locator("#check-choice").inner_text()
    page.locator("#check-choice input").nth(1).check()
    page.locator("#check-choice button").click()
    assert page.locator("#check-choice .self-check-said.right").count() == 1
    page.locator("#check-choice input").nth(0).check()
    page.locator("#check-choice button").click()
    assert page.locator("#check-choice .self-check-said.right").count() == 0
    for typed, right in (("1/3", 1), ("1/4", 0)):
        page.locator("#check-third input").fill(typed)
        page.keyboard.press("Enter")
        assert page.locator("#check-third .self-check-said.right").count() == right
        assert said(page, "check-third").startswith("Right. ж" if right else "No. ж")


def test_every_chapter_has_at_least_two():
    for path in sorted((ROOT / "chapters").glob("*.md")):
        assert path.read_text(encoding="utf-8").count("{self-check}") >= 2, path.name
