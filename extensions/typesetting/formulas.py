"""How do formulas stand on a page before any script has run? They are rendered when the book is built.

A Sphinx extension. MathJax says where each sign of a formula stands, in the Node that Playwright's package carries (or
the system's own), so that pages need neither its scripts nor the seconds that these take;
:mod:`extensions.typesetting.drawn` makes few elements of that. A screen reader is given the formula in words
(:mod:`extensions.typesetting.spoken`), and who wants to walk through it its MathML, which stands beside the words. A
formula that MathJax does not understand is a warning, which fails a strict build. Where there is no Node, or the
builder is another one, MathJax does its work in the browser: nothing else changes.
"""

import contextlib
import hashlib
import html
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math
from sphinx.util import logging

from extensions.site.offline import mathjax_folder
from extensions.typesetting.drawn import Outline, drawn, font_file
from extensions.typesetting.spoken import spoken
from extensions.typesetting.styles import to_static

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("formulas.js")
DRAWN = Path(__file__).with_name("drawn.py")
SPOKEN = Path(__file__).with_name("spoken.py")
BUTTON = Path(__file__).with_name("mathml.js")
RULES = Path(__file__).with_name("formulas.css")
FONT = "formulas.woff"
NAME = "prerendered"

FORMULA = re.compile(
    r'(?P<head><(?:span|div) class="math[^>]*>\s*(?:<span class="eqno">.*?</span>)?)'
    r"(?P<tex>.*?)(?P<tail></(?:span|div)>)\s*",
    re.DOTALL,
)
DELIMITERS = re.compile(r"\\\((.*)\\\)|\\\[(.*)\\\]", re.DOTALL)
NUMERIC = re.compile("&#x([0-9A-F]+);")
UNSAID = re.compile(
    r' (?:data-mjx-[\w-]+|xmlns)="[^"]*"|(?<=>)\s+(?=<)'
)  # in MathML: how MathJax came to it, and white space


def node_program() -> str | None:
    """The Node that Playwright's package carries, else the system's own, else `None`."""
    spec = importlib.util.find_spec("playwright")
    if spec is not None and spec.origin is not None:
        for name in ("node", "node.exe"):
            if (carried := Path(spec.origin).parent / "driver" / name).exists():
                return str(carried)
    return shutil.which("node")


def renderer_key(macros: dict[str, Any]) -> str:
    """Changes with everything that decides what a formula looks like."""
    files = (mathjax_folder() / "node-main.js", SCRIPT, DRAWN, SPOKEN, Path(__file__))
    version = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(version + json.dumps(macros, sort_keys=True).encode()).hexdigest()


def _macros(config: Config) -> dict[str, Any]:
    return (config.mathjax3_config or {}).get("tex", {}).get("macros", {})


class Renderer:
    """MathJax in a process of its own, with what it has rendered before; the process starts when it is needed.

    Args:
        program: a Node.
        macros: MathJax's macros, by name.
        memory: the file that keeps what was rendered between builds.
    """

    def __init__(self, program: str, macros: dict[str, Any], memory: Path) -> None:
        self.command = [program, str(SCRIPT), str(mathjax_folder()), json.dumps(macros)]
        key = renderer_key(macros)
        self.memory = memory
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
        if known.get("key") != key:
            known = {"key": key, "rendered": {}, "outlines": {}}
        self.known: dict[str, Any] = known
        self.outlines = {char: Outline(*outline) for char, outline in known["outlines"].items()}
        self.process: subprocess.Popen[str] | None = None

    def _ask(self, question: dict[str, Any]) -> dict[str, str]:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"MathJax stopped, with status {self.process.wait()}; it was asked for {question}")
        return json.loads(answer)

    def render(self, tex: str, display: bool) -> str:
        """A formula as HTML.

        Raises:
            ValueError: if MathJax does not understand it.
        """
        key = f"{'display' if display else 'inline'} {tex}"
        if key not in self.known["rendered"]:
            answer = self._ask({"tex": tex, "display": display})
            if "error" in answer:
                raise ValueError(answer["error"])
            self.known["rendered"][key] = written(answer["drawing"], answer["mathml"], display, self.outlines)
        return self.known["rendered"][key]

    def close(self) -> bytes:
        """End the process; returns the font of everything that was ever rendered into this memory."""
        if self.process is not None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None
            self.known["outlines"] = self.outlines
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            self.memory.write_text(json.dumps(self.known), encoding="utf-8")
        return font_file(self.outlines)


def written(drawing: str, mathml: str, display: bool, outlines: dict[str, Outline]) -> str:
    """The elements of a formula: drawn for the eye, named for the ear, with its MathML for who asks for it.

    Args:
        drawing: MathJax's SVG.
        mathml: what it says.
        display: whether it stands on a line of its own.
        outlines: the signs of the font, to which those of this formula are added.
    """
    style, text = drawn(drawing, outlines)
    plain = NUMERIC.sub(lambda sign: chr(int(sign[1], 16)), UNSAID.sub("", mathml)).replace('"', "'")
    words, read = html.escape(spoken(mathml)), html.escape(plain, quote=False)
    named = f'role="img" aria-roledescription="formula" aria-label="{words}" data-mathml="{read}" style="{style}"'
    if not display:
        return f'<mjx-container class="MathJax" jax="book" {named}>{text}</mjx-container>'
    # a formula that is wider than the screen is scrolled in what is around it
    return (
        f'<mjx-container class="MathJax" jax="book" display="true"><mjx-math {named}>{text}</mjx-math></mjx-container>'
    )


def prerendered(written: str, render: Any) -> str:
    """What Sphinx writes for MathJax in the browser, with the formula in it rendered.

    >>> prerendered('<span class="math">\\\\(a &lt; b\\\\)</span>', lambda tex, display: f"[{tex}, {display}]")
    '<span class="math">[a < b, False]</span>'
    """
    match = FORMULA.fullmatch(written.strip())
    if match is None:
        raise ValueError(f"not a formula as Sphinx writes it: {written}")
    tex = html.unescape(match["tex"]).strip()
    inside = DELIMITERS.fullmatch(tex)
    display = inside is None or inside[1] is None
    if inside is not None:
        tex = inside[1] if inside[1] is not None else inside[2]
    return f"{match['head']}{render(tex.strip(), display)}{match['tail']}"


def _visit(translator: Any, node: nodes.Element, visit: Any) -> None:
    mark = len(translator.body)
    with contextlib.suppress(nodes.SkipNode):
        visit(translator, node)
    written = "".join(translator.body[mark:])
    renderer: Renderer = translator.builder.app.book_renderer
    try:
        translator.body[mark:] = [prerendered(written, renderer.render) + ("\n" if written.endswith("\n") else "")]
    except ValueError as problem:
        logger.warning(
            "MathJax does not understand a formula: %s: %s",
            problem,
            node.astext(),
            location=node,
            type="book",
            subtype="formula",
        )
    raise nodes.SkipNode


def _visit_math(translator: Any, node: nodes.Element) -> None:
    _visit(translator, node, html_visit_math)


def _visit_display(translator: Any, node: nodes.Element) -> None:
    _visit(translator, node, html_visit_displaymath)


def _choose(app: Sphinx, config: Config) -> None:
    if node_program() is not None:
        config.html_math_renderer = NAME
        app.add_js_file(BUTTON.name, loading_method="defer")
        config.book_formulas = renderer_key(_macros(config))  # all pages are written again when it changes


def _start(app: Sphinx) -> None:
    program = node_program()
    if program is not None:
        to_static(app, BUTTON)
        app.book_renderer = Renderer(program, _macros(app.config), Path(app.doctreedir) / "formulas.json")  # type: ignore[attr-defined]


def _give_font(static: Path, font: bytes) -> None:
    """Write the font under a name that changes with its signs, so that no browser takes the one of an older page."""
    named = f"{Path(FONT).stem}-{hashlib.sha256(font).hexdigest()[:12]}.woff"
    (static / named).write_bytes(font)
    rules = static / RULES.name
    rules.write_text(RULES.read_text(encoding="utf-8").replace(FONT, named), encoding="utf-8")


def _finish(app: Sphinx, exception: Exception | None) -> None:
    renderer: Renderer | None = getattr(app, "book_renderer", None)
    if renderer is not None:
        font = renderer.close()
        if app.builder.format == "html":
            _give_font(Path(app.outdir) / "_static", font)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("book_formulas", "", "html")
    app.add_html_math_renderer(NAME, (_visit_math, None), (_visit_display, None))
    app.connect("config-inited", _choose)
    app.connect("builder-inited", _start)
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
