"""The decks of all chapters in Chromium: nothing is cut or fetched, explorers move, and a deck prints."""

import re
import subprocess

import pytest
from browser import ROOT
from selectolax.lexbor import LexborHTMLParser

from benchmarks.site import SITE, pages
from tools import deck, slides

CHAPTERS = [page for page in pages() if page.startswith("chapters/")] if SITE.exists() else []
pytestmark = pytest.mark.skipif(not CHAPTERS, reason="there is no site yet: make book")

# Turns to a slide, waits until its pictures are there, and says by how many pixels something is outside of it.
TURN = """async (k) => {
  deck.slide(k);
  const slide = deck.getCurrentSlide(), body = slide.querySelector(".slide-body");
  const explorers = [...slide.querySelectorAll(".ntk-explorer")];
  const drawn = () => explorers.every((e) => e.shadowRoot?.querySelector("svg, canvas"));
  for (let tries = 0; tries < 100 && !drawn(); tries++) await new Promise((done) => setTimeout(done, 50));
  await new Promise(requestAnimationFrame);
  await document.fonts.ready;  // the fonts of this slide
  const size = () => [body, ...explorers].map((e) => e.getBoundingClientRect().height).join();
  for (let same = 0, before = size(); same < (explorers.length ? 8 : 2); before = size()) {
    await new Promise(requestAnimationFrame);
    same = size() === before ? same + 1 : 0;
  }
  const box = body.getBoundingClientRect();
  let outside = 0;
  for (const e of slide.querySelectorAll(".slide-fit *")) {
    if (e.closest("svg *, .aside") || !e.checkVisibility()) continue;
    const at = e.getBoundingClientRect();
    const over = Math.max(at.bottom - box.bottom, at.right - box.right, box.left - at.left);
    if (at.width && at.height) outside = Math.max(outside, over);
  }
  const wide = "div.math, mjx-container[display], table";
  const scrolls = [...slide.querySelector(".slide-fit").querySelectorAll(wide)]
    .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 60));
  const zoom = +slide.querySelector(".slide-fit").style.zoom || 1;
  return { kind: slide.className, outside, scrolls, drawn: drawn(), zoom, chars: slide.textContent.trim().length };
}"""


@pytest.fixture(scope="module")
def shower():
    """A test fetches nothing, and two that run side by side would fetch it twice."""
    if not slides.fetched(slides.REVEAL):
        pytest.skip("no reveal.js: make slides")
    return slides.reveal()


@pytest.fixture(scope="module")
def decks(tmp_path_factory, shower):
    folder = tmp_path_factory.mktemp("decks") / "slides"
    counts = slides.make(SITE, CHAPTERS, folder, shower)
    return folder, counts


@pytest.fixture
def opened(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
    yield page
    page.close()


def show(page, path, query=""):
    page.goto(path.as_uri() + query)
    page.wait_for_function("window.deck && deck.isReady()")


@pytest.mark.parametrize("name", CHAPTERS or ["no page"])
def test_no_slide_is_cut_and_nothing_is_fetched(decks, opened, name):
    folder, counts = decks
    show(opened, folder / name.removeprefix("chapters/"))
    count = opened.evaluate("deck.getTotalSlides()")
    assert count == counts[name]
    for k in range(count):
        seen = opened.evaluate(TURN, k)
        about = (k + 1, seen)
        assert seen["outside"] < 3, about
        assert seen["scrolls"] == [], about
        assert seen["drawn"], about
        assert seen["zoom"] >= 0.42, about
        assert seen["chars"] > 3, about
    assert opened.faults == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("name", CHAPTERS or ["no page"])
def test_a_deck_has_all_that_is_to_be_shown_and_no_proof(decks, name):
    folder, _ = decks
    page = LexborHTMLParser((SITE / name).read_text(encoding="utf-8")).css_first("article.bd-article")
    shown = LexborHTMLParser((folder / name.removeprefix("chapters/")).read_text(encoding="utf-8"))
    ids = {node.attributes.get("id") for node in shown.css(".slide-fit [id]")}
    statements = [node.attributes.get("id") for kind in deck.STATEMENTS for node in page.css(f"div.proof.{kind}[id]")]
    assert len(statements) > 1
    assert set(statements) <= ids
    assert len(shown.css(".slide-fit .ntk-explorer")) == len(page.css(".ntk-explorer")) > 0
    assert len(shown.css(".slide-fit figure")) == len(page.css("figure"))
    assert len(shown.css(".slide-verdict")) >= 2
    assert len(shown.css(".slide-claim h1")) == 1
    proofs = [node.text()[:80] for node in shown.css("div.proof") if node.text().lstrip().startswith("Proof.")]
    assert proofs == []
    assert shown.css("div.solution, details.cell-code") == []
    words = sum(len(notes.text().split()) for notes in shown.css("aside.notes"))
    assert words > 700, "the prose is not in the notes"


def test_an_explorer_on_a_slide_moves_and_keeps_its_keys(decks, opened):
    folder, _ = decks
    show(opened, folder / "svm.html")
    at = opened.evaluate(
        "[...document.querySelectorAll('.slides > section')].findIndex(s => s.matches('.slide-explorer'))"
    )
    opened.evaluate(TURN, at)
    words = "document.querySelector('section.present .ntk-explorer').shadowRoot.textContent"
    before = opened.evaluate(words)
    slider = opened.locator("section.present .ntk-explorer input[type=range]").first
    slider.focus()
    opened.keyboard.press("ArrowRight")
    opened.wait_for_function(f"(before) => {words} !== before", arg=before)  # the explorer moves
    assert opened.evaluate("deck.getIndices().h") == at, "the deck took the explorer's key"
    opened.evaluate("document.activeElement.blur()")
    opened.keyboard.press("ArrowRight")
    assert opened.evaluate("deck.getIndices().h") == at + 1


def test_an_explorer_that_is_higher_later_is_made_to_fit(decks, opened):
    """However late: on a slow machine it draws itself when the slide has long been shown."""
    folder, _ = decks
    show(opened, folder / "svm.html")
    find = "[...document.querySelectorAll('.slides > section')].findIndex(s => s.matches('.slide-explorer'))"
    opened.evaluate(TURN, opened.evaluate(find))
    opened.wait_for_timeout(1000)
    opened.evaluate("document.querySelector('section.present .ntk-explorer').style.minHeight = '900px'")
    opened.wait_for_function("""() => {
      const [body, explorer] = [".slide-body", ".ntk-explorer"].map((name) =>
        document.querySelector("section.present " + name).getBoundingClientRect());
      return explorer.bottom < body.bottom + 3;
    }""")


def test_a_deck_prints_a_page_for_each_slide(decks, opened, tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")
    folder, counts = decks
    show(opened, folder / "laziness.html", "?print-pdf")
    opened.wait_for_selector(".pdf-page")
    count = counts["chapters/laziness.html"]
    opened.wait_for_function("(count) => document.querySelectorAll('.pdf-page').length === count", arg=count)
    opened.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    opened.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
    printed = pypdf.PdfReader(tmp_path / "deck.pdf").pages
    assert len(printed) == count
    assert printed[0].mediabox.width / printed[0].mediabox.height == pytest.approx(16 / 9, rel=0.01)
    assert all(len(page.extract_text()) > 3 for page in printed)


def test_the_command_says_what_it_made_and_what_it_could_not(tmp_path, shower):
    def run(*arguments):
        command = [slides.sys.executable, "-m", "tools.slides", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)

    made = run("laziness", "--out", str(tmp_path / "decks"))
    assert made.returncode == 0, made.stderr
    assert re.search(r"laziness: \d\d slides", made.stdout)
    listed = (tmp_path / "decks" / "index.html").read_text(encoding="utf-8")
    assert 'href="laziness.html"' in listed
    assert 'href="laziness.html?print-pdf"' in listed
    wrong = run("no-such", "--out", str(tmp_path / "decks"))
    assert wrong.returncode == 1
    assert "chapter must be one of the book's, such as 'ntk', got 'no-such'" in wrong.stderr
    empty = run("laziness", "--site", str(tmp_path), "--out", str(tmp_path / "decks"))
    assert empty.returncode == 1
    assert "run 'make book' first" in empty.stderr
    assert (tmp_path / "decks" / "index.html").read_text(encoding="utf-8") == listed, "what was there is kept"
