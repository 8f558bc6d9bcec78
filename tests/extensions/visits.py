"""What does a browser find on a page of the site? Each page is opened once for all that the tests ask of it, and all of
them one after the other in the same tab, as a reader would: opening a tab costs as much as a page of the library.

On a phone: whether formulas, references and pictures are there, where links lead, where lines break. Then on a
desktop, in the light and in the dark: what axe-core finds. On both: how far the first screen goes, and how high
explorers are. Opening a long page and running axe-core on it takes seconds, and the site has dozens of pages.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser import axe

# formulas that were not rendered, and references that were not resolved; code may hold all of these
LOOK = r"""
() => {
  const walk = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT);
  const raw = [];
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest("pre, code, script, style, svg, mjx-container, .ntk-explorer, .MathJax")) continue;
    if (/\\[a-zA-Z(\[]|\$[^$]*\$|\?\?\?|\{[a-z:]+\}`/.test(node.data)) raw.push(node.data.trim().slice(0, 80));
  }
  return {
    raw,
    errors: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map((e) => e.textContent),
    unrendered: [...document.querySelectorAll(".math")].filter((e) => !e.querySelector("mjx-container")).length,
    broken: [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src),
    links: [...document.querySelectorAll("main a[href], nav a[href]")].map(
      (a) => new URL(a.getAttribute("href"), location.href).href),  // an SVG's links have another kind of href
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    title: document.title,
  };
}
"""

# a sign that stands at the beginning of a line, behind the formula that it belongs to
PARTED = """() => {
  const parted = [];
  for (const formula of document.querySelectorAll(".bd-article p span.math")) {
    const text = formula.nextSibling;
    if (text === null || text.nodeType !== Node.TEXT_NODE || !/^[.,;:!?)]/.test(text.data)) continue;
    const sign = document.createRange();
    sign.setStart(text, 0);
    sign.setEnd(text, 1);
    const [end] = [...formula.getClientRects()].slice(-1), at = sign.getBoundingClientRect();
    if (end && at.width > 0 && at.top > end.bottom) parted.push(formula.textContent + text.data.slice(0, 9));
  }
  return parted;
}"""

# a number that a line may end with, although its per cent sign follows
BREAKABLE = """() => [...document.querySelectorAll(".bd-article p")].flatMap((paragraph) => {
  const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const ours = text.parentElement.closest("code, .cell, .ntk-explorer") === null;
    if (ours && /(^|\\d) %/.test(text.data)) found.push(text.data.slice(0, 60));
  }
  return found;
})"""

# What is wider than its box, with all folds open: cut off, unless it can be scrolled and shows so by fading where it
# goes on. And code that goes on below because its line is longer than the column.
CUT = """() => {
  const folds = [...document.querySelectorAll("details:not([open])")];
  folds.forEach((fold) => { fold.open = true; });
  const blocks = [...document.querySelectorAll(
    ".bd-article :is(pre, table, mjx-container[display='true'], div.output, div.cell_output, figure, p, dd, li), "
    + ".bd-article .pst-scrollable-table-container"
  )].filter((block) => block.getClientRects().length && !block.closest("svg, .ntk-explorer, mjx-assistive-mml"));
  const name = (block) => `${block.localName}.${block.className}: ${block.textContent.trim().slice(0, 60)}`;
  const over = (block) => block.scrollWidth - block.clientWidth > 1 && getComputedStyle(block).display !== "inline";
  const cut = blocks.filter((block) => {
    const style = getComputedStyle(block);
    return over(block) && style.overflowX !== "visible"
      && !(["auto", "scroll"].includes(style.overflowX) && style.animationName === "book-scrolled");
  }).map(name);
  // a formula that is narrower than its line must not fade, though its last letter leans out by a pixel
  const faded = [...document.querySelectorAll(".bd-article span.math")].filter((formula) =>
    getComputedStyle(formula).animationName === "book-scrolled" && formula.scrollWidth > formula.clientWidth
    && formula.clientWidth < formula.closest("p, li, dd, dt, td, th, figcaption, summary, div").clientWidth - 8
  ).map(name);
  const listings = blocks.filter((block) => block.localName === "pre" && !block.closest(".cell_output"));
  listings.forEach((block) => { block.style.whiteSpace = "pre"; });
  const longer = listings.filter(over).map(name);
  listings.forEach((block) => { block.style.whiteSpace = ""; });
  folds.forEach((fold) => { fold.open = false; });
  return { cut: cut.concat(faded), longer };
}"""

# The parts of a formula are drawn under one name: each becomes a word of its width.
# Of the signs of code one of each kind is looked at, in each kind of cell: the others have the same colours.
FEWER_ELEMENTS = """() => {
  const formulas = [...document.querySelectorAll("mjx-container")];
  // all is read before anything changes, or each is laid out anew
  const widths = formulas.map((formula) => formula.scrollWidth);
  const inline = formulas.map((formula) => getComputedStyle(formula).display === "inline");
  formulas.forEach((formula, index) => {
    if (inline[index]) formula.style.display = "inline-block";
    formula.style.minWidth = `${widths[index]}px`;
    formula.replaceChildren(formula.textContent);
  });
  const seen = new Set();
  for (const listing of document.querySelectorAll("pre")) {
    const place = [listing.parentElement, listing.parentElement.parentElement].map((e) => e.className).join("|");
    const kinds = [...listing.querySelectorAll("*")].map((sign) => `${place}|${sign.localName}|${sign.className}`);
    if (listing.querySelector("a, [id], [tabindex]") === null && kinds.every((kind) => seen.has(kind)))
      listing.replaceChildren(listing.textContent);
    kinds.forEach((kind) => seen.add(kind));
  }
}"""

# Of a page that opens with a claim and a picture: how far down they and what stands between them end.
FIRST_SCREEN = """() => {
  const article = document.querySelector('article.bd-article'), end = (node) => node.getBoundingClientRect().bottom;
  const claim = article && article.querySelector('blockquote');
  const picture = article && article.querySelector('figure, .ntk-explorer');
  if (!claim || !picture) return null;
  const before = [...article.querySelectorAll('section > p')]
    .filter((p) => p.compareDocumentPosition(picture) & Node.DOCUMENT_POSITION_FOLLOWING);
  return {
    claim: end(claim),
    decides: Math.max(...before.map(end)),
    picture: picture.getBoundingClientRect().top + 60,
  };
}"""

# Contrast is most of what axe-core does on a page of thousands of words. Whether a word can be read is a matter of its
# colours, its size, and what lies behind it: of those that are alike in all of that, and in what they and what is
# around them are, two are looked at; of links also in what tells them from the words around them. What lies elsewhere
# than in the flow of the page, and what is typed into, always. Chosen in one scheme, it is looked at in both.
CHOOSE = """() => {
  const roots = [document], all = [];
  for (const root of roots)
    for (const element of root.querySelectorAll("*")) {
      all.push(element);
      if (element.shadowRoot) roots.push(element.shadowRoot);
    }
  const around = (element) => element.assignedSlot || element.parentElement || element.getRootNode().host;
  const kind = (element) => `${element.localName}.${element.getAttribute("class")}`;
  const known = new Map();  // what lies behind an element, and whether it and what is around it is in the flow
  const place = (element) => {
    if (!element) return { ground: "", flows: true };
    if (!known.has(element)) {
      const style = getComputedStyle(element), outer = place(around(element));
      const { backgroundColor, backgroundImage, opacity, mixBlendMode, filter } = style;
      const own = [backgroundColor, backgroundImage, opacity, mixBlendMode, filter].join();
      const plain = own === "rgba(0, 0, 0, 0),none,1,normal,none";
      const flows = /static|relative/.test(style.position) && `${style.zIndex} ${style.transform}` === "auto none";
      known.set(element, { ground: plain ? outer.ground : `${outer.ground}|${own}`, flows: flows && outer.flows });
    }
    return known.get(element);
  };
  const long = (element) => element.textContent.trim().length;
  const linked = (link) => {  // axe-core looks at one that stands among more words than it has
    let block = around(link);
    while (block && getComputedStyle(block).display === "inline") block = around(block);
    const style = getComputedStyle(link), words = block ? getComputedStyle(block) : {};
    return [
      style.textDecorationLine, style.borderBottomStyle, style.backgroundColor, style.fontStyle, style.fontFamily,
      words.color, words.fontWeight, words.fontStyle, words.fontSize,
      block && long(block) - [...block.querySelectorAll("a")].map(long).reduce((a, b) => a + b, 0) > long(link),
    ].join();
  };
  const alike = new Map(), chosen = all.filter((element) => {
    if (element.matches("input, select, textarea, button, label")) return true;
    const link = element.localName === "a" && element.textContent.trim();
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!(texts.length || link) || element.matches("script, style, template, script *")) return false;
    const style = getComputedStyle(element), { ground, flows } = place(element), outer = around(element);
    const key = [
      kind(element), outer && kind(outer), style.color, style.fontSize, style.fontWeight, style.textShadow,
      style.webkitTextStroke, style.overflow, style.visibility, element.checkVisibility(),
      /\\w\\w/.test(texts.map((text) => text.data).join(" ")), ground, link ? linked(element) : "",
    ].join("~");
    alike.set(key, (alike.get(key) || 0) + 1);
    return alike.get(key) <= 2 || !flows;
  });
  chosen.forEach((element) => element.setAttribute("data-contrast", ""));
  return [chosen.length, all.length];
}"""

# What holds nothing chosen becomes an empty box of its size, or plain words in its line: axe-core finds out of each
# element of a page where it is painted, before it looks at the first colour.
ONLY_CHOSEN = """() => {
  const kept = new Set(), roots = [document];
  for (const root of roots)
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      if (!element.hasAttribute("data-contrast")) continue;
      for (let e = element; e && !kept.has(e); e = e.assignedSlot || e.parentNode || e.host) kept.add(e);
    }
  const boxes = [], words = [];
  const sort = (parent) => {
    for (const element of parent.children) {
      if (kept.has(element)) sort(element);
      else if (!element.matches("head, script, style, link, template, br, hr, img, canvas, slot")) {
        const style = getComputedStyle(element), inline = /^(inline|contents)$/.test(style.display);
        if (!inline || element.localName === "svg") boxes.push([element, element.getBoundingClientRect()]);
        else if (!element.shadowRoot && !element.querySelector("img, canvas, svg")) words.push(element);
      }
    }
  };
  roots.filter((root) => root === document || kept.has(root.host)).forEach(sort);
  for (const [element, { width, height }] of boxes) {
    element.replaceChildren();
    Object.assign(element.style, { boxSizing: "border-box", width: `${width}px`, height: `${height}px` });
  }
  words.forEach((element) => element.replaceWith(element.textContent));
  return document.querySelectorAll("*").length;
}"""

# how much room each explorer takes, before its script draws it (as its copy, which no script has seen) and after,
# and how high what is drawn is
EXPLORERS = """() => [...document.querySelectorAll(".ntk-explorer")].map((explorer) => {
  const room = () => explorer.parentElement.getBoundingClientRect().height;
  const drawing = explorer.shadowRoot && explorer.shadowRoot.querySelector("div.all");
  const after = room(), drawn = drawing && drawing.getBoundingClientRect().height;
  const copy = explorer.cloneNode(true);
  explorer.after(copy);
  explorer.style.display = "none";
  const before = room();
  copy.remove();
  explorer.style.display = "";
  return [before, after, drawn];
})"""

# In the dark the elements are the same and have other colours.
COLOURS = ("color-contrast", "link-in-text-block")
SCHEMES = ("light", "dark")
SCREENS = {390: 844, 1280: 800}  # of a phone and of a desktop: how high, by how wide
LEADS_ON = re.compile(r'<meta\s+http-equiv="refresh"', re.IGNORECASE)
# the page to which another leads, all of it: before its body comes there is nothing to look at
IS_ELSEWHERE = "(left) => location.href !== left && document.readyState === 'complete'"
FORMULAS_ARE_THERE = "!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"
IN_SCHEME = "(scheme) => [scheme, undefined].includes(document.documentElement.dataset.theme)"  # 404.html has no theme
# They draw themselves anew for another width, some frames later, and the columns of a page find theirs in two steps.
EXPLORERS_FIT = """() => {
  const widths = [...document.querySelectorAll(".ntk-explorer")].map((host) => {
    const drawing = host.shadowRoot && host.shadowRoot.querySelector("svg[role=img]");
    return [drawing ? drawing.getBoundingClientRect().width : 0, host.clientWidth];
  });
  window.frames_alike = String(widths) === window.widths_before ? window.frames_alike + 1 : 0;
  window.widths_before = String(widths);
  return !widths.length || (window.frames_alike > 15 && widths.every(([drawn, room]) => drawn <= room + 1));
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True)
class Visit:
    """What was found on a page.

    Attributes:
        outside: addresses outside of the site that it asked for.
        failed: addresses that it asked for and did not get.
        said: what the browser complained of.
        look: by `LOOK`.
        parted: by `PARTED`.
        breakable: by `BREAKABLE`.
        first: by `FIRST_SCREEN`, at each width of `SCREENS`.
        explorers: by `EXPLORERS`, at each width of `SCREENS`.
        cut: by `CUT`, on a phone and on a desktop.
        longer: lines of code that are longer than the column of a desktop.
        faults: what axe-core found, by the scheme: the rule and the elements.
    """

    outside: list[str]
    failed: list[str]
    said: list[str]
    look: dict[str, Any]
    parted: list[str]
    breakable: list[str]
    first: dict[int, dict[str, float] | None]
    explorers: dict[int, list[tuple[float, float, float | None]]]
    cut: list[str]
    longer: list[str]
    faults: dict[str, list[tuple[str, list[str]]]]


class Visitor:
    """A tab with the network off, in which pages are opened one after the other; `close` it at the end."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.page: Any = None

    def close(self) -> None:
        """Close the tab, if there is one."""
        if self.page is not None:
            self.page.context.close()
            self.page = None

    def visit(self, path: Path) -> Visit:
        """Open a page, which finds nothing of what was seen before, and look at it in every way."""
        page = self.page or self.browser.new_context(offline=True).new_page()
        self.page = None  # the tab of a page that stops a visit is left alone
        heard: dict[str, list[str]] = {"outside": [], "failed": [], "said": []}
        listening = {
            "request": lambda r: r.url.startswith(("file:", "data:", "blob:")) or heard["outside"].append(r.url),
            # what a page asked for that only leads to another is left before it came
            "requestfailed": lambda r: r.failure == "net::ERR_ABORTED" or heard["failed"].append(r.url),
            "console": lambda m: m.type in ("error", "warning") and heard["said"].append(m.text),
            "pageerror": lambda error: heard["said"].append(str(error)),
        }
        for event, listener in listening.items():
            page.on(event, listener)
        seen = look_at(page, path, heard)
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.goto("about:blank")  # nothing of this page speaks up in the next
        for event, listener in listening.items():
            page.remove_listener(event, listener)
        self.page = page
        return seen


def in_scheme(page: Any, scheme: str) -> None:
    """Show a page in the light or in the dark, until it is drawn so."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(IN_SCHEME, arg=scheme)
    page.evaluate(DRAWN)


def found_by_axe(page: Any, rules: dict[str, Any], only: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    """What axe-core finds: the rule and the elements; by these `rules` as it knows them, or by some `only`."""
    options = {"resultTypes": ["violations"], "rules": rules}
    if only:
        options["runOnly"] = {"type": "rule", "values": list(only)}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        (v["id"], [n["html"].replace(' data-contrast=""', "")[:160] for n in v["nodes"][:5]])
        for v in found["violations"]
    ]


def look_at(page: Any, path: Path, heard: dict[str, list[str]]) -> Visit:
    """Open a page as a file and look at it in every way; what its tab says is `heard` meanwhile."""
    (phone, tall), (desktop, high) = SCREENS.items()
    page.set_viewport_size({"width": phone, "height": tall})
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    page.goto(path.as_uri())
    if LEADS_ON.search(path.read_text(encoding="utf-8")):
        page.wait_for_function(IS_ELSEWHERE, arg=path.as_uri())
    page.wait_for_function(FORMULAS_ARE_THERE)
    look, parted, breakable = (page.evaluate(question) for question in (LOOK, PARTED, BREAKABLE))
    first, explorers, cuts = {}, {}, {}

    def measure(width: int) -> None:
        page.wait_for_function(EXPLORERS_FIT)
        first[width], explorers[width], cuts[width] = map(page.evaluate, (FIRST_SCREEN, EXPLORERS, CUT))

    measure(phone)
    asked = [list(found) for found in heard.values()]  # axe-core asks for style sheets again, in vain

    page.set_viewport_size({"width": desktop, "height": high})
    measure(desktop)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(FEWER_ELEMENTS)
    page.add_script_tag(content=axe())
    faults = {"light": found_by_axe(page, {rule: {"enabled": False} for rule in COLOURS}), "dark": []}
    for scheme in SCHEMES:
        in_scheme(page, scheme)
        page.evaluate(CHOOSE)
    page.evaluate(ONLY_CHOSEN)
    page.evaluate("""() => axe.configure({ rules: [{ id: "color-contrast", selector: "[data-contrast]" }] })""")
    for scheme in reversed(SCHEMES):
        in_scheme(page, scheme)
        faults[scheme] += found_by_axe(page, {}, COLOURS)
    cut, longer = cuts[phone]["cut"] + cuts[desktop]["cut"], cuts[desktop]["longer"]
    return Visit(*asked, look, parted, breakable, first, explorers, cut, longer, faults)
