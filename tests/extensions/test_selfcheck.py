"""Self-checks answer in the browser without a kernel, with the keyboard, and show their answer without the script."""

import re

import pytest
from browser import ROOT, TRANSLATE
from test_build import build, chapter, make_book

from ntklib.book.practice.selfcheck import bundle

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
- wrong 3: Of one by three, not of three by one.
- wrong claim:sum: That is the sum.
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


@pytest.fixture(scope="module", params=["light", "dark"])
def open_page(browser, site, request):
    """Opens the page; in the end no script may have failed."""
    context = browser.new_context(offline=True, color_scheme=request.param, viewport={"width": 390, "height": 844})
    complaints: list[str] = []

    def opened():
        made = context.new_page()
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.goto(f"file://{site / 'sound.html'}")
        return made

    yield opened
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def shared(open_page):
    """A page for the tests that leave it as they found it."""
    return open_page()


@pytest.fixture
def page(open_page):
    opened = open_page()
    yield opened
    opened.close()


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
        ("check-third", "3", "No. Of one by three, not of three by one."),
        ("check-third", "3.05", "No. Of one by three, not of three by one."),
        ("check-third", "2.01", "No. That is the sum."),
        ("check-third", "a third", "“a third” is not a number: write it like 3, 0.25, 1/4 or 25 %."),
        ("check-third", "  ", "Your answer is empty: type a number first."),
        ("check-third", "33,3 %", "Right. Of one."),
        ("check-measured", "2 units", "Right. It is near two."),
        ("check-measured", "1.7", "No. One and one."),
    ],
)
def test_a_number_is_compared_within_its_tolerance(shared, name, typed, answer):
    shared.locator(f"#{name} input").fill(typed)
    shared.keyboard.press("Enter")
    assert said(shared, name) == answer
    shared.locator(f"#{name} input").press("5")
    assert said(shared, name) == ""


# What a reader may type, the unit in which the question asks, and the number that it is, or the two that it can be.
TYPED = [
    *((typed, "", 0.5) for typed in ("0.5", "0,5", ".5", ",5", "1/2", "1 / 2", "1⁄2", "½", " ½ ", "5e-1", "5E−1")),
    *((typed, "", 0.5) for typed in ("50 %", "50%", "50,0 %", "50 percent", "50 per cent", "+0.5", "= 0.5")),
    *(
        (typed, "", 0.5)
        for typed in ("≈ 0.5", "0.50", "00.5", "5·10⁻¹", "5 × 10^-1", "０．５", "１／２", "0.25/0.5", "50\u00a0%")
    ),
    *((typed, "", -0.5) for typed in ("−0.5", "-0.5", "–0,5", "- 0.5", "−½", "-1/2", "−50 %", "－０．５")),
    *((typed, "", 1.5) for typed in ("1½", "1 ½", "1 1/2", "150 %", "3/2", "1 500/1000")),
    *((typed, "", -1.5) for typed in ("−1½", "- 1 1/2")),
    *((typed, "", 1000) for typed in ("1000", "1 000", "1\u202f000", "1'000", "1’000", "1_000", "1e3", "10^3", "10³")),
    *((typed, "", 1234.5) for typed in ("1,234.5", "1.234,5", "1 234.5", "1 234,5", "1’234.5", "1234,5")),
    *((typed, "", 1234567) for typed in ("1,234,567", "1.234.567", "1 234 567", "1234567")),
    *((typed, "", 0.125) for typed in ("0,125", "0.125", ".125", "⅛", "12.5 %", "12½ %")),
    *((typed, "", 1) for typed in ("1.000", "1,0", "1", "1,0000", "100 %", "5/5")),
    *((typed, "", 250) for typed in ("1 000/4", "1000/4", "250.")),
    ("1,000", "", 1000, 1),
    ("−1,500", "", -1500, -1.5),
    ("1,000 %", "", 10, 0.01),
    *((typed, "%", 25) for typed in ("25", "25 %", "25%", "25,0")),
    ("0.25", "%", 0.25),
    ("¼ %", "%", 0.25),
    *((typed, "m", 2) for typed in ("2", "2 m", "2m", "2 M")),
    *(
        (typed, "")
        for typed in ("a half", "1/0", "1/2/3", "0.5.5", "0,5,5", "1,00,00", "1 00", "e", "-", "%", "/", "1/")
    ),
    *(
        (typed, "")
        for typed in ("/2", "NaN", "Infinity", "0x10", "5 m", "1..2", "10^", "½½", "2²", "<b>1</b>", "--1", "1 1 1/2")
    ),
]
QUESTION = """<div class="self-check" id="check-{place}" data-kind="number" data-answer="{answer}"
data-tolerance="0 %" data-unit="{unit}">
<div class="self-check-question">Which?</div><details><ol class="self-check-feedback"><li class="right">so</li>
<li class="wrong">not so</li></ol></details></div>"""
AMBIGUOUS = re.compile(r"“(.+)” can mean (\S+) or (\S+): type the one that you mean\.")


def answered(page, place: int, typed: str) -> str:
    page.locator(f"#check-{place} input").fill(typed)
    page.locator(f"#check-{place} input").press("Enter")
    return said(page, f"check-{place}")


def test_what_a_reader_may_type_is_the_number_that_it_is(browser):
    """In a notebook's cell, which has the script of the page: right where it is the answer, and wrong beside it."""
    asked = [(typed, unit, numbers, answer) for typed, unit, *numbers in TYPED for answer in numbers or [1]]
    questions = [
        QUESTION.format(place=2 * place + beside, answer=repr(answer * (1 + beside)), unit=unit)
        for place, (_, unit, _, answer) in enumerate(asked)
        for beside in (0, 1)
    ]
    page = browser.new_page()
    page.set_content(bundle("".join(questions))["text/html"])
    wrong = []
    for place, (typed, _, numbers, _) in enumerate(asked):
        at, beside = answered(page, 2 * place, typed), answered(page, 2 * place + 1, typed)
        if not numbers:
            expected = f"“{typed.strip()}” is not a number: write it like 3, 0.25, 1/4 or 25 %."
            fits = at == beside == expected
        elif len(numbers) == 2:
            ambiguous = AMBIGUOUS.fullmatch(at)
            fits = ambiguous and {float(ambiguous[2]), float(ambiguous[3])} == set(numbers) and beside == "No. not so"
        else:
            fits = (at, beside) == ("Right. so", "No. not so")
        if not fits:
            wrong.append((typed, at, beside))
    page.close()
    assert wrong == []


def test_without_the_script_the_answer_is_in_a_fold(browser, site):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{site / 'sound.html'}")
    for name, answer in (
        ("check-choice", "So it is."),
        ("check-third", "1/3 (within 2 %)"),
        ("check-measured", "2.01 ± 0.02 units (within 10 %)"),
    ):
        fold = page.locator(f"#{name} details")
        assert answer not in fold.inner_text()
        fold.locator("summary").click()
        assert answer in fold.inner_text().replace("\N{NO-BREAK SPACE}", " ")
        assert " %" not in fold.inner_text(), "no line ends between a number and its sign"
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
