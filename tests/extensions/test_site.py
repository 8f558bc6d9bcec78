"""Every page of the site as it was built: in Chromium, from `file://`, with the network off.

`.ci/run` builds the book before it tests; elsewhere these are skipped until there is a site.
"""

import io
import re
import struct
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import ROOT, axe
from visits import FORMULAS_ARE_THERE, SCREENS, Visitor

SITE = ROOT / "_build" / "html"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
NEEDS_A_SITE = "there is no site yet: make book"


@cache
def anchors(path: Path) -> set[str] | None:
    """The places on a page to which a link may lead; none in a file that is no page; `None` if it is not there."""
    if path.suffix != ".html" or not path.is_file():
        return set() if path.is_file() else None
    return set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def visited(browser):
    """What was found on a page, by its name: opened once for all that is asked of it here."""
    visitor = Visitor(browser)
    yield cache(lambda name: visitor.visit(SITE / name))
    visitor.close()


FAULTY = """<!doctype html><html lang="en"><head><title>Faulty</title><style>
@media (prefers-color-scheme: dark) { .comment { color: #222; background: #111 } }
</style></head><body><main class="bd-article"><h1>Faulty</h1><p>$x^2$, 5 %</p><img src="gone.png" alt="gone">
<pre><span class="name">x</span></pre><pre><span class="comment">twice</span></pre>
<pre><span class="comment">again</span></pre>
<pre style="overflow: hidden; width: 9em">a line that is cut off where its box ends</pre>
<div><p>on paper</p><p>on paper</p></div><div><p>on paper</p></div><div style="background: #555"><p>on slate</p></div>
<p>on paper <a href="sound.html">a link</a></p><p>on paper <a href="sound.html">a link</a></p>
<p style="color: #00c">of many words <a href="sound.html" style="text-decoration: none">no link</a></p>
<div style="width: 500px">wide</div></main></body></html>"""

SOUND = """<!doctype html><html lang="en"><head><title>Sound</title></head><body><main class="bd-article"><h1>Sound</h1>
<p>Words.</p></main><script>
document.title += localStorage.getItem("seen") || ""; localStorage.setItem("seen", "before");
</script></body></html>"""


@pytest.mark.parametrize("kind", ["refresh", "Refresh"])
def test_of_a_page_that_leads_on_what_is_there_is_looked_at(browser, tmp_path, kind):
    slow = "<script>for (const begin = Date.now(); Date.now() - begin < 20;);</script>" * 20
    (tmp_path / "sound.html").write_text(SOUND.replace("</head>", f"{slow}</head>"), encoding="utf-8")
    led = f'<!doctype html><title>Led</title><meta http-equiv="{kind}" content="1; url=sound.html">'
    (tmp_path / "index.html").write_text(led, encoding="utf-8")
    visitor = Visitor(browser)
    seen = visitor.visit(tmp_path / "index.html")
    visitor.close()
    assert (seen.look["title"], seen.failed, seen.said) == ("Sound", [], [])


def test_what_is_wrong_with_a_page_is_found(browser, tmp_path):
    (tmp_path / "faulty.html").write_text(FAULTY, encoding="utf-8")
    (tmp_path / "sound.html").write_text(SOUND, encoding="utf-8")
    visitor = Visitor(browser)
    alone, seen, after = (visitor.visit(tmp_path / f"{name}.html") for name in ("sound", "faulty", "sound"))
    visitor.close()
    assert alone == after, "what was seen on one page was found on the next"
    assert (alone.failed, alone.said, alone.look["title"]) == ([], [], "Sound")
    assert seen.look["raw"] == ["$x^2$, 5 %"]
    assert seen.look["wide"] > 0
    assert seen.failed == [(tmp_path / "gone.png").as_uri()]
    assert seen.breakable == ["$x^2$, 5 %"]
    assert seen.cut == ["pre.: a line that is cut off where its box ends"] * 2
    assert seen.longer == ["pre.: a line that is cut off where its box ends"]
    slate, comment = "<p>on slate</p>", '<span class="comment">twice</span>'
    link = '<a href="sound.html" style="text-decoration: none">no link</a>'
    assert dict(seen.faults["light"]) == {"color-contrast": [slate], "link-in-text-block": [link]}
    assert dict(seen.faults["dark"]) == {"color-contrast": [comment, slate], "link-in-text-block": [link]}


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", PAGES or ["no page"])
def test_a_page_alone(visited, name):
    seen = visited(name)
    assert seen.outside == [], "the page asks for something outside of the site"
    assert seen.failed == [], "a file is missing"
    assert seen.said == [], "the browser complains"
    found = seen.look
    assert found["raw"] == [], "a formula or a reference was not rendered"
    assert found["errors"] == [], "MathJax does not understand a formula"
    assert found["unrendered"] == 0, "formulas without MathJax"
    assert found["broken"] == [], "a picture cannot be shown"
    assert found["wide"] <= 0, "on a phone the page is wider than the screen"
    assert found["title"].strip()
    assert seen.cut == [], "wider than its box, and nothing shows that it goes on"
    if name.startswith("chapters/"):
        assert seen.longer == [], "a line of code is longer than the column: at most 80 characters"
    dead = []
    for link in found["links"]:
        parts = urlsplit(link)
        if parts.scheme == "file":
            target = Path(unquote(parts.path))
            known = set(found["ids"]) if target == SITE / name else anchors(target)
            if known is None or (target.suffix == ".html" and parts.fragment and unquote(parts.fragment) not in known):
                dead.append(link.removeprefix(f"file://{SITE}/"))
    assert dead == [], "links that lead nowhere"


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES or ["no page"])
def test_nothing_for_axe_to_find(visited, name, scheme):
    assert visited(name).faults[scheme] == []


def opened(browser, name, **options):
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}, **options).new_page()
    page.goto(f"file://{SITE / name}")
    page.wait_for_function(FORMULAS_ARE_THERE)
    return page


CHAPTERS = [name for name in PAGES if name.startswith("chapters/")]


@pytest.mark.skipif(not CHAPTERS, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", CHAPTERS or ["no page"])
def test_the_first_screen_shows_the_claim_and_what_decides_it(visited, name):
    for width, wanted in ((1280, ("claim", "decides", "picture")), (390, ("claim",))):
        found, height = visited(name).first[width], SCREENS[width]
        assert found is not None, "the page does not open with a claim and a picture"
        assert {part: found[part] for part in wanted if found[part] > height} == {}, f"below the screen of {width} px"


@pytest.mark.skipif(not CHAPTERS, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("width", [1280, 390])
def test_an_explorer_is_as_high_before_its_script_has_started(visited, width):
    seen = 0
    for name in [*CHAPTERS, "appendix/explorers.html"]:
        for before, after, drawn in visited(name).explorers[width]:
            seen += 1
            assert drawn is not None, f"{name}: an explorer is not drawn"
            assert abs(after - before) <= 12, f"{name}: what is below an explorer moves by more than half a line"
            assert before - drawn <= 40, f"{name}: below an explorer there is a hole"
    assert seen >= len(CHAPTERS)


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_a_link_shows_what_it_leads_to(browser):
    page = opened(browser, "chapters/dynamics.html", color_scheme="dark")
    shown = page.locator("#book-preview")
    for link, words in {
        "a.term-link[href$='#term-spectral-bias']": "are learned first",  # of another page
        "a.reference[href='ntk.html#thm-fit']:not(details a)": "smallest eigenvalue",  # with formulas of another page
        "a.reference[href='#prop-dyn-time']:not(details a)": "Proposition",  # of this page
    }.items():
        page.keyboard.press("Tab")  # so that the focus is shown
        page.locator(f"article {link}").first.focus()
        shown.wait_for(state="visible")
        assert words in shown.inner_text()
        assert shown.locator("a, [id]").count() == 0
        assert shown.locator(".math").count() == shown.locator(".math:has(mjx-container)").count()
        assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "book-preview"
    page.locator("article section > p a.reference[href^='#fig-']").first.focus()
    image = shown.locator("img")
    image.wait_for(state="visible")
    assert image.evaluate("img => getComputedStyle(img).filter") != "none"  # drawn dark, shown light
    box = shown.bounding_box()
    assert 0 <= box["y"] <= box["y"] + box["height"] <= page.viewport_size["height"]
    page.add_script_tag(content=axe())
    found = page.evaluate("() => axe.run('#book-preview', {rules: {region: {enabled: false}}})")["violations"]
    assert [(v["id"], [n["html"][:160] for n in v["nodes"][:5]]) for v in found] == []
    page.keyboard.press("Escape")
    assert shown.is_hidden()
    page.locator("article a.term-link").first.hover()
    shown.wait_for(state="visible")
    page.context.close()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_the_formulas_to_keep_are_two_sheets(browser):
    pypdf = pytest.importorskip("pypdf", reason="no pypdf: pip install pypdf")
    page = opened(browser, "formulas.html")
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4"))).pages
    page.context.close()
    assert len(printed) <= 4, "two sheets have four sides"
    assert "Tangent kernel of very deep ReLU networks" in printed[-1].extract_text()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_its_scheme_before_any_script_has_come(browser, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.route("**/*.js*", lambda route: route.abort())
    page.goto((SITE / "intro.html").as_uri())
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark"), ground
    assert page.locator(".logo__image:visible").count() == 1
    page.close()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_the_keyboard_finds_the_way(browser):
    page = opened(browser, "chapters/ntk.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    for _ in range(25):
        visible = page.evaluate("""() => {
          const style = getComputedStyle(document.activeElement), box = document.activeElement.getBoundingClientRect();
          const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
          return document.activeElement === document.body || (marked && box.width > 0);
        }""")
        assert visible, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        page.keyboard.press("Tab")
    page.context.close()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_on_paper_there_is_the_text_and_nothing_is_cut_off(browser):
    page = opened(browser, "chapters/dynamics.html", color_scheme="dark")
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 with margins
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    found = page.evaluate("""async () => {
      const tall = Object.assign(new Image(600, 900), {  // it would leave the page before it empty
        src: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='600' height='900'/>" });
      document.querySelector("article figure").append(tall);
      await tall.decode();
      const all = (selector) => [...document.querySelectorAll(selector)];
      const shown = (e) => e.getClientRects().length > 0;
      const clipped = all("article figure img, article table, article pre")
        .filter((e) => shown(e) && e.getBoundingClientRect().right > innerWidth + 1);
      return {
        navigation: all(".bd-sidebar, .bd-header-article, .prev-next-area, .copybtn").filter(shown).length,
        solutions: all("div.solution").filter((e) => e.getBoundingClientRect().height < 90).length,
        clipped: clipped.map((e) => e.outerHTML.slice(0, 100)),
        tall: tall.getBoundingClientRect().height > 380,  // ten centimetres
        ink: getComputedStyle(document.querySelector("article p")).color,
      };
    }""")
    page.context.close()
    assert found == {"navigation": 0, "solutions": 0, "clipped": [], "tall": False, "ink": "rgb(0, 0, 0)"}


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_search_finds_the_glossary(browser):
    page = opened(browser, "search.html?q=spectral+bias")
    page.locator("#search-results li a").first.wait_for()
    results = page.eval_on_selector_all("#search-results li a", "links => links.map((a) => a.getAttribute('href'))")
    page.context.close()
    assert any(address.startswith("glossary.html#term-spectral-bias") for address in results), results


class Missing(SimpleHTTPRequestHandler):
    """Serves the site below /course/, and its 404 page for everything that is not there."""

    def translate_path(self, path):
        return super().translate_path(path.removeprefix("/course")) if path.startswith("/course/") else "/nowhere"

    def send_error(self, code, message=None, explain=None):
        body = (SITE / "404.html").read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("path", ["nothing.html", "chapters/nothing.html", "some/where/nothing"])
def test_a_wrong_address_leads_back(browser, path):
    if "<script>" not in (SITE / "404.html").read_text(encoding="utf-8"):
        return  # built for one address, which it links to
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Missing, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_address[1]}/course/"
        page = browser.new_page()
        page.goto(root + path)
        page.locator("a[href='/course/CHANGELOG.html']").click()
        page.wait_for_url(root + "CHANGELOG.html", wait_until="commit")
        page.close()
        server.shutdown()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_the_picture_for_previews_has_the_size_that_they_take():
    header = (SITE / "_static" / "preview.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:24]) == (1200, 630)
    assert (SITE / "_static" / "icon.svg").stat().st_size < 20_000


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("chapters/")] or ["no page"])
def test_numbered_things_are_named_and_terms_are_linked(name):
    text = (SITE / name).read_text(encoding="utf-8")
    article = re.search(r'<article class="bd-article".*?</article>', text, re.DOTALL)[0]
    assert len(re.findall(r'class="term-link', article)) >= 10
    assert "Last executed on" in article
    assert '<meta name="description"' in text
    for figure in re.findall(r"<figure\b.*?</figure>", article, re.DOTALL):
        assert 'class="caption-number"' in figure
    for title in re.findall(
        r'<div class="(?:proof \w+|exercise) admonition".*?<p class="admonition-title">(.*?)</p>', article
    ):
        assert re.search(r"\d", title), title


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("chapters/")] or ["no page"])
def test_no_line_begins_with_a_comma_or_a_per_cent(visited, name):
    assert visited(name).parted == []
    assert visited(name).breakable == []
    assert (SITE / name).read_text(encoding="utf-8").count('class="unbroken"') > 20


def negative_zeros(page):
    """Numbers that were rounded to zero and have a minus left, in what a page says outside of its code."""
    said = re.sub(r"<(script|style|pre|code|svg|mjx-container)\b.*?</\1>", " ", page, flags=re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", said)
    zeros = re.finditer(r"(?<![\w.,)\]⁰¹²³⁴⁵⁶⁷⁸⁹])[-−]0(?:[.,]0+)?(?![\d.,]*\d)", words)
    return [words[zero.start() : zero.end() + 20] for zero in zeros]


def test_a_negative_zero_is_found():
    page = "<p>moved by −0.05, from −0.5 to 10−0</p><pre>-0.0</pre><td>−0.0 %</td><td>-0</td><p>0.0, (−0.00, 1)</p>"
    assert [found.split()[0] for found in negative_zeros(page)] == ["−0.0", "-0", "−0.00,"]


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
@pytest.mark.parametrize("name", PAGES or ["no page"])
def test_no_number_is_a_negative_zero(name):
    assert negative_zeros((SITE / name).read_text(encoding="utf-8")) == []


SHAPES = """
(host) => [...host.shadowRoot.querySelectorAll('.plot path:not(.axis, .lines)')].map((path) => ({
  name: path.dataset.item, d: path.getAttribute('d'),
  fill: path.getAttribute('fill'), dash: path.getAttribute('stroke-dasharray'),
}))
"""


def explorer_of(browser, name, figure):
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"file://{SITE}/chapters/{name}.html")
    explorer = page.locator(f"#{figure} .ntk-explorer")
    explorer.scroll_into_view_if_needed()
    explorer.locator(".plot path[data-item][d*=M]").first.wait_for()
    return page, explorer


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_the_numbers_have_no_more_digits_than_are_stored(browser):
    # places from 0 to 1 are stored in 16 bits, to 1.5e-5: a fifth decimal would be made of rounding
    page, explorer = explorer_of(browser, "approximation", "fig-approximation-explorer")
    explorer.locator("summary").click()
    places = explorer.locator(".numbers table").first.locator("tbody th").all_inner_texts()
    assert len(places) > 100
    assert max(len(place.partition(".")[2]) for place in places) == 4
    page.context.close()
    page, explorer = explorer_of(browser, "dynamics", "fig-dynamics-harmonics")
    explorer.locator("summary").click()
    edges = explorer.locator(".numbers table").first.locator("tbody th").all_inner_texts()
    assert {edge.partition(".")[2] for edge in edges} == {"500"}, "3.4999 where it is 3.5"
    page.context.close()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_what_a_drawing_has_twice_differs_in_more_than_colour(browser):
    page, explorer = explorer_of(browser, "svm", "fig-svm-delete")
    (boundary, margins) = [
        shape for shape in explorer.evaluate(SHAPES) if (shape["name"] or "output").startswith("output")
    ]
    assert boundary["d"]
    assert margins["d"]
    assert (boundary["dash"], margins["dash"]) == (None, "5 4")
    page.context.close()
    page, explorer = explorer_of(browser, "dynamics", "fig-dynamics-harmonics")
    target, learned = explorer.evaluate(SHAPES)
    assert (target["name"], learned["name"]) == ("target", "learned")
    assert target["fill"] == "none" != learned["fill"]
    page.context.close()


@pytest.mark.skipif(not PAGES, reason=NEEDS_A_SITE)
def test_an_explorer_on_paper_says_its_setting_and_shrinks_with_its_image(browser):
    page, explorer = explorer_of(browser, "svm", "fig-explore-svm")
    assert not explorer.locator(".setting").is_visible()
    page.emulate_media(media="print")
    assert (
        explorer.locator(".setting").inner_text()
        == "machine support vectors, C (support vectors only) 1, width r of the kernel 0.5"
    )
    assert not explorer.locator(".controls").is_visible()
    # as a printer does: smaller, without a new drawing
    corners = explorer.evaluate(
        """(host) => {
          const plot = host.shadowRoot.querySelector('.plot'), svg = plot.querySelector('svg');
          plot.style.width = '300px';
          const box = plot.querySelector('g[data-box]').getAttribute('data-box');
          const [left, right, bottom, top] = box.split(' ').map(Number);
          const whole = svg.getBoundingClientRect(), image = plot.querySelector('canvas').getBoundingClientRect();
          const scale = whole.width / svg.viewBox.baseVal.width;
          return [whole.width - 300, image.left - whole.left - left * scale, image.right - whole.left - right * scale,
                  image.top - whole.top - top * scale, image.bottom - whole.top - bottom * scale];
        }"""
    )
    assert max(map(abs, corners)) < 1
    page.context.close()
