"""What is done to a finished page: each step by itself, the order, and that a page goes through them once."""

import base64
import json
import zlib
from types import SimpleNamespace

import pytest

from extensions.finishing import (
    accessibility,
    folds,
    heights,
    icons,
    listings,
    pictures,
    previews,
    rules,
    scripts,
    search,
    sheets,
    steps,
    titles,
)
from extensions.finishing.page import GIVEN, Facts, Page, Site

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<title>A — A &amp; B</title>
<link rel="stylesheet" type="text/css" href="../_static/a.css?v=1" />
<link rel="stylesheet" type="text/css" href="../_static/c.css?v=1" />
<link rel="stylesheet" media="print" href="../_static/print.css" />
<script src="../_static/documentation_options.js?v=1"></script>
<script src="../_static/copybutton.js?v=1"></script>
<script src="../_static/scripts/fontawesome.js?digest=1"></script>
<script src="../_static/searchtools.js?v=1" defer=""></script>
<script type="text/x-thebe-config">{"useThebeLite": true}</script>
<script>kernelName = 'python3'</script>
<script>document.documentElement.dataset.mode = "a" < "b" && "</p>";</script>
</head>
"""
PAGE = (
    HEAD
    + """<body>
<div id="pst-primary-sidebar" class="bd-sidebar-primary bd-sidebar">
<button class="btn search-button__button" title="Search" aria-label="Search"><i class="fa-solid fa-sun"></i></button>
<i class="theme-switch fa-solid" data-mode="light" title="Light"></i>
<ul><li><a href="../library.html">The library</a><details>
<summary><span class="toctree-toggle"><i></i></span></summary></details></li></ul>
</div>
<article class="bd-article" role="main">
<details><summary aria-label="Toggle hidden content"><span>Show code cell source</span></summary></details>
<div role="list" class="citation-list"><div id="a2000" role="doc-biblioentry" class="citation">A, 2000.</div></div>
<div class="proof admonition" id="proof"><p>Q.&nbsp;E. D. &lt; &amp;</p></div>
<p><a href="b.html#thm-there">there</a> <a href="b.html#thm-there">again</a> <a href="https://b.org/c.html#d">out</a></p>
<span class="math notranslate"><mjx-container jax="CHTML"><mjx-c class="mjx-c31"></mjx-c></mjx-container></span>
<svg viewBox="0 0 9 9" preserveAspectRatio="none"><path d="M0 0L9 9"/></svg>
<img alt="a" src="../_images/a.svg"><img src="gone.svg"><img width="3" src="../_images/a.svg">
<div class="cell"><details class="hide above-input"><summary>Show code cell source</summary>c</details>
<div class="cell_output"><details class="claim"><summary>It is.</summary></details></div></div>
<div class="cell"><details class="hide above-input"><summary>Show code cell source</summary>c</details>
<div class="cell_output"><svg viewBox="0 0 1 1"></svg></div></div>
<div class="cell"><details class="hide above-input"><summary>Show code cell source</summary>
<pre>import a</pre></details></div>
<div class="cell"><details class="hide above-input"><summary>Check your answer</summary>c</details></div>
<pre><span></span>two
  lines</pre>
<div class="ntk-explorer"><script type="text/plain">SPEC</script></div><div class="ntk-explorer"></div>
<div class="highlight"><pre><span class="n">a</span> <span class="o">=</span><span class="w"> </span>
<span class="n b">b</span></pre></div>
</article>
</body>
</html>
"""
)
SPEC = json.dumps(
    {"title": "T", "aspect": 0.55, "parameters": [{}], "items": [{"kind": "line", "label": "a"}], "texts": ["It is."]}
)
PAGE = PAGE.replace("SPEC", base64.b64encode(zlib.compress(len(SPEC).to_bytes(4, "little") + SPEC.encode())).decode())


def other(inside):
    """Another page of the same folder."""
    return f'{HEAD}<body><article class="bd-article">{inside}</article></body></html>'


def theorem(text):
    link = '<a class="headerlink" href="#thm-there">#</a>'
    return f'<div class="proof theorem" id="thm-there"><p>{text} {link}</p><img src="../_images/a.svg"></div>'


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "html"
    for name in ("chapters", "_images", "_static/scripts", "_static/vendor/fontawesome/webfonts"):
        (site / name).mkdir(parents=True)
    static = site / "_static"
    (static / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.woff").touch()
    (static / "scripts" / "theme.js").write_text(
        'e.classList.add("open"); e.className = `tip-${side}`;', encoding="utf-8"
    )
    (static / "dot.png").touch()
    colours = {"light": ("#000", "#00f"), "dark": ("#fff", "#99f")}
    (static / "pygments.css").write_text(
        "\n".join(
            f'html[data-theme="{scheme}"] .highlight {{ background: #ccc; color: {plain} }}\n'
            f'html[data-theme="{scheme}"] .highlight .n {{ color: {plain} }}\n'
            f'html[data-theme="{scheme}"] .highlight .w {{ color: {plain} }}\n'
            f'html[data-theme="{scheme}"] .highlight .x {{ color: {"#000" if scheme == "light" else "#f00"} }}\n'
            f'html[data-theme="{scheme}"] .highlight .o {{ color: {operator} }}'
            for scheme, (plain, operator) in colours.items()
        ),
        encoding="utf-8",
    )
    (static / "print.css").touch()
    (static / "a.css").write_text(
        "@charset 'utf-8'; @import 'scripts/b.css'; .citation p, .unseen { top: 0 } .open { top: 1px }\n"
        "@media print { .unseen.math { top: 2px } } @media (width > 9px) { .tip-left { top: 3px } }",
        encoding="utf-8",
    )
    (static / "scripts" / "b.css").write_text(
        "/* about */ .math:not(.unseen) { background: url(../dot.png) } .mjx-c41 { top: 4px }", encoding="utf-8"
    )
    (static / "c.css").write_text(
        "@font-face { src: url(data:font/woff,) } p > .math-not { top: 5px }", encoding="utf-8"
    )
    (site / "_images" / "a.svg").write_text(
        '<svg width="72pt" height="36pt" viewBox="0 0 72 36"></svg>', encoding="utf-8"
    )
    (site / "chapters" / "a.html").write_text(PAGE, encoding="utf-8")
    (site / "chapters" / "b.html").write_text(other(theorem("Yes.")), encoding="utf-8")
    return site


def read(folder):
    return Site(folder, folder.parent / "finished.json", "key", front="chapters/a.html", title="A & B")


@pytest.fixture
def page(folder):
    return Page(read(folder), "chapters/a.html")


def finished(folder):
    """Finish what is new; returns the pages that were."""
    site = read(folder)
    steps.finish(site, site.pages)
    return site.written


def elements(page):
    """Every element with its attributes, and every text."""
    return [
        node.text_content if node.is_text_node else (node.tag, node.attributes)
        for node in page.tree.root.traverse(include_text=True)
    ]


def test_a_page_that_no_step_changes_is_the_same_to_a_browser(folder, page):
    before = elements(page)
    page.write()
    assert elements(Page(page.site, page.name)) == before
    text = (folder / page.name).read_text(encoding="utf-8")
    assert 'document.documentElement.dataset.mode = "a" < "b" && "</p>";' in text, "a script is not text"
    assert '<svg viewBox="0 0 9 9" preserveAspectRatio="none">' in text
    assert '<mjx-c class="mjx-c31"></mjx-c>' in text
    assert "Q.&nbsp;E. D. &lt; &amp;" in text
    assert "<pre><span></span>two\n  lines</pre>" in text
    assert text.startswith("<!DOCTYPE html>")


# each step, an element that it is about, and what the page has there before and after
CHANGES = [
    (scripts.no_icon_script, "script[src*=fontawesome]", 1, 0),
    (scripts.no_thebe, "script:not([src])", 4, 2),
    (scripts.deferred, "script[defer]", 1, 3),
    (scripts.deferred, "script[src*=documentation_options][defer]", 0, 0),
    (accessibility.own_labels, "[aria-label]", 2, 0),
    (heights.reserved, 'div.ntk-explorer[style*="--desktop"]', 0, 1),
    (listings.quiet_signs, "div.highlight span", 4, 2),
    (listings.quiet_signs, "div.highlight span.n", 2, 1),
    (folds.quiet_code, "div.cell_output + details.cell-code", 0, 2),
    (folds.quiet_code, "details.cell-code:not(div + details)", 0, 1),
    (folds.quiet_code, "details.above-input", 4, 1),
    (accessibility.named_folds, 'summary[aria-label="Pages below The library"]', 0, 1),
    (accessibility.silent_icons, "i[title]", 1, 0),
    (accessibility.silent_icons, "button[title]", 1, 1),
    (accessibility.plain_bibliography, "[role=list], [role=doc-biblioentry]", 2, 0),
    (accessibility.different_ids, "#proof", 1, 0),
    (search.of_the_book, "script[src*=searchtools]", 1, 0),
    (search.of_the_book, 'script[src$="passages.js"], script[src$="search.js"]', 0, 2),
    (titles.of_the_book, "title", 1, 1),
    (accessibility.landmarks, 'div[role=complementary][aria-label="Book"]', 0, 1),
    (pictures.sized, 'img[width="96"][height="48"]', 0, 1),
    (pictures.sized, "img[width]", 1, 2),
    (rules.one_sheet, "link:not([media])", 2, 1),
    (rules.one_sheet, "link[media=print]", 1, 1),
]


@pytest.mark.parametrize(
    ("step", "selector", "before", "after"), CHANGES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_step_does_what_it_says_and_a_second_time_nothing(page, step, selector, before, after):
    assert len(page.tree.css(selector)) == before
    step(page)
    assert len(page.tree.css(selector)) == after
    once = page.tree.html
    step(page)
    assert page.tree.html == once


def test_folded_code_says_what_it_is(page):
    folds.quiet_code(page)
    labels = [summary.text() for summary in page.tree.css("div.cell > details > summary")]
    assert labels == [folds.CHECKED, folds.DRAWN, folds.IMPORTS, "Check your answer"]


def test_imports_stand_below_the_explorer_that_they_come_before_and_not_below_other_pictures(page):
    def cell(shown, code):
        fold = f'<details class="hide above-input"><summary>{folds.THEIRS}</summary><pre>{code}</pre></details>'
        return f'<div class="cell docutils">{fold}{shown}</div>\n'

    imports = cell("", "import a")
    for first, moved in (("<div class='ntk-explorer'></div>", True), ("<img>", False)):
        picture = cell(f'<div class="cell_output">{first}</div>', "draw()")
        page.tree.body.inner_html = imports + picture + imports
        folds.quiet_code(page)
        found = [summary.text() for summary in page.tree.css("details > summary")]
        drawn = [folds.DRAWN, folds.IMPORTS] if moved else [folds.IMPORTS, folds.DRAWN]
        assert found == [*drawn, folds.IMPORTS]
        once = page.tree.html
        folds.quiet_code(page)
        assert page.tree.html == once


def test_the_title_page_alone_is_called_as_the_book(folder):
    finished(folder)
    assert "<title>A &amp; B</title>" in (folder / "chapters" / "a.html").read_text(encoding="utf-8")
    assert "<title>A — A &amp; B</title>" in (folder / "chapters" / "b.html").read_text(encoding="utf-8")


def test_every_step_is_tried():
    assert {step for step, *_ in CHANGES} == set(steps.STEPS)


def test_no_step_gives_an_element_a_class_for_which_the_sheet_has_no_rules(page):
    def classes():
        return {name for node in page.tree.css("[class]") for name in node.attributes["class"].split()}

    before = classes()
    for step in steps.STEPS:
        step(page)
        assert classes() - GIVEN <= before <= page.site.names
    assert page.site.names >= GIVEN


def test_a_page_is_finished_once_and_again_when_it_is_written_again(folder):
    assert finished(folder) == ["chapters/a.html", "chapters/b.html"]
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    assert finished(folder) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == times
    left = (folder / "chapters" / "b.html").read_text(encoding="utf-8")
    (folder / "chapters" / "a.html").write_text(PAGE, encoding="utf-8")
    assert finished(folder) == ["chapters/a.html"]
    assert (folder / "chapters" / "b.html").read_text(encoding="utf-8") == left
    (folder.parent / "finished.json").unlink()  # nobody knows what was finished: that does no harm
    once = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    assert finished(folder) == ["chapters/a.html", "chapters/b.html"]
    assert {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")} == once


def test_a_drawing_is_made_lighter_once(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(pictures, "lighter_drawing", lambda text: seen.append(text) or text)
    finished(folder)
    finished(folder)
    assert len(seen) == 1
    (folder / "_images" / "a.svg").write_text("<svg></svg>", encoding="utf-8")
    finished(folder)
    assert len(seen) == 2


def test_previews_follow_the_page_that_they_show(folder):
    path = folder / "_previews" / "chapters" / "a.js"
    shown = '<div class="proof theorem"><p>{} </p><img src="../_images/a.svg" width="96" height="48"></div>'
    for text in ("Yes.", "No."):
        (folder / "chapters" / "b.html").write_text(other(theorem(text)), encoding="utf-8")
        finished(folder)
        found = json.loads(path.read_text(encoding="utf-8").removeprefix("bookPreviews(").removesuffix(")\n"))
        assert found == {"b.html#thm-there": shown.format(text)}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a", '<div class="proof"><div>x</div></div>'),
        ("b", None),
        ("c", None),
        ("d", None),
        ("e", '<strong>e</strong><p>The first.</p>'),
        ("f", '<figure><img src="_images/a.svg"></figure>'),
        ("g", '<div class="math">g</div>'),
        ("h", '<div class="math">h</div>'),
        ("i", None),
        ("sig", None),
    ],
)  # fmt: skip
def test_a_preview_is_of_one_element_and_of_some_kinds(folder, name, shown):
    body = """<div class="proof" id="a"><div>x</div></div><p id="b">no</p><div id="c">no</div>
<dl><dt id="e">e<a class="headerlink" href="#e">#</a></dt><dd><p>The <a href="b.html" id="x">first</a>.</p></dd></dl>
<figure id="f"><img src="../_images/a.svg"></figure>
<p><span id="g"></span></p><div class="math">g</div>
<span id="h"></span>
<div class="math">h</div>
<p>text <span id="i"></span> text</p>
<div class="proof" id="d"><div class="ntk-explorer"></div></div>
<dl><dt class="sig" id="sig">f()</dt><dd>no</dd></dl>"""
    (folder / "chapters" / "b.html").write_text(other(body), encoding="utf-8")
    page = Page(read(folder), "chapters/b.html")
    assert previews.preview(page, name, "index.html") == shown
    assert previews.preview(page, "nowhere", "index.html") is None


def test_one_sheet_holds_what_the_pages_can_use(folder):
    finished(folder)
    [sheet] = folder.glob("_static/book-*.css")
    assert f'<link rel="stylesheet" href="../_static/{sheet.name}">' in (folder / "chapters" / "a.html").read_text(
        encoding="utf-8"
    )
    assert sheet.read_text(encoding="utf-8").splitlines() == [
        ".math:not(.unseen){background: url(dot.png)}",
        ".mjx-c41{top: 4px}",
        ".citation p{top: 0}",
        ".open{top: 1px}",
        "@media (width > 9px) {.tip-left{top: 3px}}",
        "@font-face { src: url(data:font/woff,) }",
    ]


def test_a_sheet_of_an_earlier_build_stays_as_long_as_a_page_asks_for_it(folder):
    finished(folder)
    [first] = folder.glob("_static/book-*.css")
    (folder / "_static" / "c.css").write_text("p > .math { top: 6px }", encoding="utf-8")
    (folder / "chapters" / "a.html").write_text(PAGE, encoding="utf-8")
    finished(folder)
    assert len(list(folder.glob("_static/book-*.css"))) == 2, "b.html still asks for the first"
    (folder / "chapters" / "b.html").write_text(other(""), encoding="utf-8")
    finished(folder)
    [second] = folder.glob("_static/book-*.css")
    assert second != first


def test_a_sheet_that_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="line 2 of a style sheet cannot be read"):
        sheets.parsed("p { top: 0 }\n.a")


def test_a_sheet_is_parsed_once_for_all_sites_that_share_a_memory(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("BOOK_SHEETS", str(tmp_path / "shared"))
    read_of, really = [], sheets.parsed
    monkeypatch.setattr(sheets, "parsed", lambda sheet: read_of.append(sheet) or really(sheet))
    finished(folder)
    [first] = folder.glob("_static/book-*.css")
    written = first.read_text(encoding="utf-8")
    assert len(read_of) == 2
    (folder / "chapters" / "a.html").write_text(PAGE, encoding="utf-8")
    finished(folder)
    assert len(read_of) == 2
    assert first.read_text(encoding="utf-8") == written
    (folder / "_static" / "c.css").write_text("p > .math { top: 6px }", encoding="utf-8")
    (folder / "chapters" / "a.html").write_text(PAGE, encoding="utf-8")
    finished(folder)
    assert read_of[2:] == ["p > .math { top: 6px }"]
    assert "p > .math{top: 6px}" in "".join(p.read_text(encoding="utf-8") for p in folder.glob("_static/book-*.css"))


def test_another_build_finds_a_whole_sheet_or_none_while_one_is_written(monkeypatch, tmp_path):
    text, really, found = ".a { top: 0 }", json.dump, []

    def slowly(rules, file):
        file.write("[")
        file.flush()
        if not found:
            found.append(None)
            found[0] = sheets.remembered(text, tmp_path)
        file.seek(0)
        really(rules, file)

    monkeypatch.setattr(sheets.json, "dump", slowly)
    assert sheets.remembered(text, tmp_path) == sheets.parsed(text)
    assert found == [sheets.parsed(text)]
    assert sheets.remembered(text, tmp_path) == found[0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_only_the_icons_that_are_used_are_kept(folder):
    drawn = (
        '.fa-sun:before{content:"\\f185"}.fa-moon:before,.fa-night:before{content:"\\f186"}.x:after{content:"\\f107"}'
    )
    assert icons.used_icons({"fa-solid", "fa-night"}, drawn) == {0xF186, 0xF107}
    assert icons.used_icons(set(), '.y:after{content:"\uf0eb"}') == {0xF0EB}
    (folder / "_static" / "icons.css").write_text(drawn, encoding="utf-8")
    site = read(folder)
    shown = icons.of_site(site)
    assert shown == {0xF185, 0xF107}, "the sun is on the page"
    assert icons.without_unused(drawn, shown) == '.fa-sun:before{content:"\\f185"}.x:after{content:"\\f107"}'


def test_a_theme_that_keeps_its_icons_elsewhere_is_noticed(folder):
    (folder / "_static" / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.woff").unlink()
    with pytest.raises(steps.icons.ExtensionError, match="the theme's icons are not where they were"):
        finished(folder)


def test_the_facts_of_a_page(page):
    assert page.site.facts[page.name] == Facts(
        names=page.site.facts[page.name].names,
        links=["b.html#thm-there"],
        sheets=["../_static/a.css?v=1", "../_static/c.css?v=1", "../_static/print.css"],
    )
    assert {"citation", "fa-sun", "dataset", "useThebeLite"} <= set(page.site.facts[page.name].names)
    assert "nbsp" not in page.site.names, "a word of the text is no word of a script"


def test_nothing_is_done_to_other_builders_and_after_an_error(folder):
    app = SimpleNamespace(builder=SimpleNamespace(format="latex"), outdir=folder, doctreedir=folder.parent)
    steps._finish(app, None)
    app.builder.format = "html"
    steps._finish(app, ValueError())
    assert (folder / "chapters" / "a.html").read_text(encoding="utf-8") == PAGE
