"""One page a student: their own, complete, inert, and asking nobody for anything."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from browser import axe, chromium
from toy_class import SECRET, TOY, judge, notebook

from coursework.gradebook.grade_class import grade_all
from coursework.handback.feedback import feedback
from coursework.intake.collect import Submission, Submissions
from coursework.intake.notebook_reader import read_notebook
from coursework.intake.roster import Roster, Student

NAME = "<script>document.title='owned'</script>\"'&<img src=x onerror=document.title='owned'>"
CLASS = Roster(
    (
        Student("../jane", "Jane Doe"),
        Student("evil", NAME),
        Student("half", "Núñez, José"),
        Student("sus", "Sus"),
        Student("raise", "Raise"),
        Student("broken", "Broken"),
        Student("gone", "Gone"),
    )
)
HEAD = "student,question,points,comment"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of a class with every status, by student."""
    out = tmp_path_factory.mktemp("grades")
    sources = {"../jane": "ok", "evil": "evil", "half": "half", "sus": "suspicious", "raise": "raise"}
    handed_in = Submissions(
        [
            *(Submission(s, read_notebook(notebook(c)), file=f"{s}.ipynb") for s, c in sources.items()),
            Submission("broken", None, "toy.ipynb: broken JSON: <b>, line 1", late=True, file="toy.ipynb"),
        ]
    )
    grade_all(TOY, handed_in, CLASS, out, judge=judge, secret=SECRET, workers=0)
    marks = [
        "sus,accept,,talk to me",
        "../jane,q3-written,3.5,well argued",
        f'evil,q3-written,1,"{NAME.replace(chr(34), chr(34) * 2)}"',
    ]
    (out / "marks.csv").write_text("\n".join([HEAD, *marks]), encoding="utf-8")
    return dict(zip((s.id for s in CLASS), feedback(out, CLASS), strict=True))


def text(path):
    """What a reader sees."""

    class Words(HTMLParser):
        words = ""

        def handle_data(self, data):
            self.words += f"{data} " if self.lasttag != "style" else ""

    parser = Words()
    parser.feed(path.read_text(encoding="utf-8"))
    return " ".join(parser.words.split())


def test_points_by_question_and_comments(pages):
    jane = text(pages["../jane"])
    assert "A toy Jane Doe · ../jane · ../jane.ipynb 9.5 of 10 points" in jane
    assert "q1-mean by tests 2 2" in jane
    assert "q3-written by hand 3.5 4 Total 9.5 10" in jane
    assert "Comments q3-written well argued" in jane
    assert "What did not pass" not in jane


def test_what_failed_and_what_is_still_to_come(pages):
    half = text(pages["half"])
    assert "Not all questions are graded yet, so there is no total." in half
    assert "q2-gram by tests 1.5 3" in half
    assert "q3-written by hand not yet 4" in half
    assert "What did not pass q2-gram the shape is (4, 2), wanted (2, 4)" in half
    assert "Total" not in half
    assert "a test cell was edited" not in half  # notes are for the instructor


def test_a_page_for_every_status(pages):
    assert "Your instructor is still looking at this submission." in text(pages["sus"])
    assert text(pages["sus"]).endswith("Comments in general talk to me")
    failed = text(pages["raise"])
    assert "Your instructor is still looking" in failed
    assert "the judge broke" not in failed  # it may quote a hidden test
    assert "Points" not in failed
    broken = text(pages["broken"])
    assert "could not be graded. Reason: toy.ipynb: broken JSON: <b>, line 1" in broken
    assert "handed in late" in broken
    assert text(pages["gone"]).endswith("No file with your id or name was received.")


def test_no_hidden_test_no_secret_no_other_student(pages):
    for student, path in pages.items():
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"hidden|471[1234]|BEGIN|assert |model answer", page)
        assert SECRET.decode() not in page
        for other in CLASS:
            if other.id not in (student, "evil"):
                assert other.name not in page or other.id == student


def test_files_are_where_they_belong_and_private(pages):
    folders = {path.parent for path in pages.values()}
    assert len(folders) == 1
    assert pages["../jane"].name == "%2E.%2Fjane.html"
    assert {path.stat().st_mode & 0o077 for path in pages.values()} == {0}
    assert folders.pop().stat().st_mode & 0o077 == 0


def test_markup_in_names_messages_and_comments_is_text(pages):
    page = pages["evil"].read_text(encoding="utf-8")
    tags = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, dict(attributes)))

    Tags().feed(page)
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "b", "link", "iframe"})
    assert not any(name.startswith("on") or name in ("href", "src", "style") for _, a in tags for name in a)
    assert "document.title='owned'" in text(pages["evil"])
    assert "\x1b" not in page


def test_a_message_without_end_is_cut(tmp_path):
    def long(assignment, handed_in, variant):
        verdict = judge(assignment, handed_in, variant)
        return replace(verdict, failures={"q1-mean": "x" * 10_000})

    class_ = Roster((Student("a", "A"),))
    handed_in = Submissions([Submission("a", read_notebook(notebook()))])
    grade_all(TOY, handed_in, class_, tmp_path, judge=long, secret=SECRET, workers=0)
    (path,) = feedback(tmp_path, class_)
    assert "(6,000 characters more)" in text(path)


def test_the_same_grades_give_the_same_bytes(pages):
    before = {path: path.read_bytes() for path in pages.values()}
    out = next(iter(pages.values())).parent.parent
    assert feedback(out, CLASS) == list(pages.values())
    assert {path: path.read_bytes() for path in pages.values()} == before


def test_in_a_browser(pages):
    """Inert, silent, accessible, and no wider than a phone; light and dark."""
    rules = axe()
    with chromium() as browser:
        for theme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 320)):
            context = browser.new_context(
                color_scheme=theme, viewport={"width": width, "height": 800}, bypass_csp=False
            )
            page = context.new_page()
            requests, errors = [], []
            page.on("request", lambda request, to=requests: to.append(request.url))
            page.on("console", lambda message, to=errors: to.append(message.text))
            page.on("pageerror", lambda error, to=errors: to.append(str(error)))
            for student in ("evil", "half", "broken"):
                page.goto(pages[student].as_uri())
                assert page.title() != "owned"
                assert page.evaluate("getComputedStyle(document.querySelector('h1')).overflowWrap") == "anywhere"
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 22)"
                assert dark == (theme == "dark")
            assert errors == []
            assert requests == [pages[student].as_uri() for student in ("evil", "half", "broken")]
            context.close()
        context = browser.new_context(bypass_csp=True)  # axe is a script, which the pages' policy does not allow
        page = context.new_page()
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            for student in ("evil", "half", "gone"):
                page.goto(pages[student].as_uri())
                page.evaluate(rules)
                found = page.evaluate("axe.run()")["violations"]
                assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        context.close()


def test_the_policy_stops_a_script_that_got_in(pages, tmp_path):
    page = pages["half"].read_text(encoding="utf-8")
    assert "</main>" in page
    broken = tmp_path / "broken.html"
    planted = (
        "<script>document.title='owned'</script><style>h1{color:red!important}</style><img src='http://127.0.0.1:9/x'>"
    )
    broken.write_text(page.replace("</main>", f"{planted}</main>"), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page()
        stopped = {}
        tab.on("requestfailed", lambda request: stopped.update({request.url: request.failure}))
        tab.goto(broken.as_uri())
        assert tab.title() != "owned"
        assert tab.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)"
        assert stopped == {"http://127.0.0.1:9/x": "csp"}
