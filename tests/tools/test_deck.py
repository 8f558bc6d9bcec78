"""Which slides a page makes: what is to be shown is not left out, and what is to be said is not shown."""

import pytest

from tools import deck

PAGE = """<html><head><link rel="stylesheet" href="../_static/book.css">
<script defer src="../_static/explorer.js?v=1"></script><script src="../_static/doctools.js"></script></head>
<body><article class="bd-article"><section id="top">
<h1>1 · A claim<a class="headerlink" href="#top">#</a></h1>
<blockquote><p>“It is so.”</p></blockquote>
<p>What decides? <a href="other.html#thm">There</a>.</p>
<div class="cell"><figure id="f"><div class="ntk-explorer"><script type="text/plain">e</script></div>
<figcaption><p><span class="caption-text">One sentence. Another, of 1.5.</span></p></figcaption></figure>
<details class="cell-code"><summary>Code</summary><div class="cell_input"><pre>hidden code</pre></div></details></div>
<p>Each fold costs two.</p>
<section id="first"><h2>First<a class="headerlink" href="#first">#</a></h2>
<p>Before the theorem.</p>
<div class="proof theorem admonition" id="thm"><p class="admonition-title">Theorem</p>
<section class="theorem-content"><p>For all.</p></section><p class="claim-links">Measured here: x</p></div>
<div class="proof admonition"><p>Proof. Secret.</p></div>
<div class="cell"><details class="claim"><summary><span class="claim-sign">✓</span> It is 3.</summary>
<dl><dt>measured</dt><dd>3.001</dd></dl></details></div>
<div class="cell"><div><table><tr><td>7</td></tr></table></div></div>
<p>After the table, see <a href="https://example.org/">them</a>.</p></section>
<section id="words"><h2>Words</h2><p>Only words. And more.</p><p>Twice.</p></section>
<section id="what-is-true-about-it"><h2>What is true</h2>
<div class="important admonition"><p class="admonition-title">“It is so.”</p><p>Half.</p></div></section>
<section id="exercises"><h2>Exercises</h2><div class="self-check" id="c">Is it?</div>
<div class="exercise admonition"><p class="admonition-title">Exercise 1.1 (Do)</p><p>Do it.</p></div>
<div class="solution admonition"><p>Done so.</p></div></section>
<section id="further-reading"><h2>Further reading</h2><p>Books.</p></section>
</section></article></body></html>"""


def test_what_is_shown_and_what_is_said():
    made = deck.slides(PAGE)
    assert [slide.kind for slide in made] == [
        "claim", "explorer", "statement", "table", "measured", "points", "verdict", "question", "exercises",
    ]  # fmt: skip
    claim, explorer, statement, table, measured, points, verdict, question, exercises = made
    assert "“It is so.”" in claim.body
    assert "What decides?" in claim.body
    assert "1 · A claim" in claim.body
    assert "One sentence." in explorer.body
    assert "Another" not in explorer.body
    assert "Another, of 1.5." in explorer.notes
    assert statement.title == "First"
    assert "For all." in statement.body
    assert "Before the theorem." in statement.notes
    assert "Each fold costs two." in explorer.notes
    assert "7" in table.body
    assert "It is 3." in measured.body
    assert "3.001" not in measured.body
    assert "After the table" in measured.notes
    assert points.body == "<ul><li>Only words.</li><li>Twice.</li></ul>"
    assert "And more" in points.notes
    assert "Half." in verdict.body
    assert "Is it?" in question.body
    assert "Exercise 1.1 (Do)" in exercises.body
    assert "Do it." in exercises.notes
    whole = "".join(slide.body + slide.notes for slide in made)
    for gone in ("Secret", "Done so", "hidden code", "Measured here", "Books", "headerlink", "other.html"):
        assert gone not in whole
    assert "https://example.org/" in whole


def test_a_section_measures_on_as_many_slides_as_it_takes():
    lines = '<details class="claim"><summary>It is.</summary></details>' * 7
    made = deck.slides(
        PAGE.replace('<div class="cell"><div><table>', f'<div class="cell">{lines}</div><div><div><table>')
    )
    assert [slide.body.count("<li>") for slide in made if slide.kind == "measured"] == [5, 3]


def test_what_a_page_loads_for_its_slides():
    assert deck.scripts(PAGE) == ["../_static/explorer.js?v=1"]
    assert deck.sheet(PAGE) == "../_static/book.css"


def test_a_page_without_an_article_or_a_sheet_is_refused():
    with pytest.raises(ValueError, match="page has no article with a heading"):
        deck.slides("<html><body><p>nothing</p></body></html>")
    with pytest.raises(ValueError, match="page has no sheet"):
        deck.sheet("<html></html>")
