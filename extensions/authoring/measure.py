"""Which claims does a reader judge anew, in the page? The directive ``measure``.

A Sphinx extension. The directive names a measurement of the laboratory's engine, a theorem, what is expected, the
tolerance, what this rejects, and the setting that stands there first; its content is the claim, as it is printed and
read without a script. ``:outside:`` is said when a measurement does not agree. The controls are part of the page, and
nothing moves when the script comes, which it does when a reader is near: ``measure.js`` loads ``measuring.js``, made of
the engine, the kernels and the measurements in ``ntklib/book/laboratory``.
"""

import hashlib
import html
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.laboratory import script
from extensions.store import findings

LOADER = Path(__file__).with_suffix(".js")
SCRIPT = "measuring.js"
EXACT = re.compile(r"-?\d+(?:/[1-9]\d*)?")
PARTS = ("engine", "limit", "measures", "measure")
logger = logging.getLogger(__name__)


class Field(NamedTuple):
    """What a reader can change: its label, and its values as they are handed over, with their words."""

    label: str
    values: dict[str, str]


def _counts(*values: int) -> dict[str, str]:
    return {str(value): f"{value:,}" for value in values}


ACTIVATION = Field("activation", {"relu": "ReLU", "erf": "erf", "tanh": "tanh"})
SCALE = Field("scale", {"ntk": "NTK", "standard": "standard", "mean_field": "mean field"})
SEEDS = range(100)  # the only field that is typed
SEED = Field("seed", {str(seed): str(seed) for seed in SEEDS})
#: The measurements of ``measures.js``, with the fields of each; a law says what is expected of a setting.
MEASURES = {
    "cosines-against-kernel": {
        "kernel": Field("kernel", {"rbf": "RBF", "laplace": "Laplace"}),
        "frequencies": Field("frequencies from", {"normal": "normal", "cauchy": "Cauchy"}),
        "width": Field("cosines", _counts(4, 16, 64, 256, 1024, 2048)),
        "seed": SEED,
    },
    "kurtosis-of-outputs": {
        "activation": ACTIVATION,
        "width": Field("width", _counts(4, 8, 16, 64, 256)),
        "seed": SEED,
    },
    "tangent-kernel-against-limit": {
        "activation": ACTIVATION,
        "width": Field("width", _counts(4, 16, 64, 256, 1024, 2048)),
        "scale": SCALE,
        "seed": SEED,
    },
    "factor-of-a-step": {
        "rate": Field(
            "learning rate / bound", {"0.25": "1/4", "0.5": "1/2", "0.75": "3/4", "1.1": "11/10", "1.25": "5/4"}
        ),
        "activation": ACTIVATION,
        "width": Field("width", _counts(4, 16, 64, 256, 1024, 2048)),
        "seed": SEED,
    },
    "power-of-kernel-change": {
        "activation": ACTIVATION,
        "width": Field("width", _counts(4, 16, 64, 256, 512)),
        "scale": SCALE,
        "seed": SEED,
    },
    "power-of-unit-motion": {
        "scale": SCALE,
        "activation": ACTIVATION,
        "width": Field("width", _counts(4, 16, 64, 256, 512)),
        "seed": SEED,
    },
}
LAWS = {"factor-of-a-step": ("one minus twice the learning rate over its bound", "one minus once that")}


OPTIONS = ("theorem", "measured", "expected", "tolerance", "rejects", "start", "outside")


class measure_box(nodes.General, nodes.Element):
    """The claim, its law and its controls."""


class measure_controls(nodes.General, nodes.Element):
    """The setting, the button, and the place of what comes out."""


class measure_outside(nodes.General, nodes.Element):
    """What is said when a measurement does not agree."""


class Measure(SphinxDirective):
    """A claim that is measured in the page."""

    has_content = True
    required_arguments = 1
    option_spec = dict.fromkeys(OPTIONS, directives.unchanged_required)

    def run(self) -> list[nodes.Node]:
        """The box, or a warning that says what is wrong, which fails the build."""
        try:
            return [self._made(self.arguments[0])]
        except ValueError as problem:
            logger.warning("measure: %s", problem, location=self.get_location(), type="book", subtype="measure")
            return []

    def _made(self, name: str) -> measure_box:
        self.assert_has_content()
        if name not in MEASURES:
            raise ValueError(f"there is no measurement {name!r}: there are {', '.join(MEASURES)}")
        law = name in LAWS
        wanted = ["theorem", "measured", "tolerance", "start", "outside", *(() if law else ("expected", "rejects"))]
        if missing := [option for option in wanted if option not in self.options]:
            raise ValueError(f"{name} lacks {', '.join(f':{option}:' for option in missing)}")
        if law and {"expected", "rejects"} & self.options.keys():
            raise ValueError(f"what is expected of {name}, and what is not, is a law of the setting: leave both out")
        if f"measure-{name}" in self.state.document.ids:
            raise ValueError(f"there are two measurements {name!r} on this page")
        start = _start(name, self.options["start"])
        [tolerance, *_] = _numbers("tolerance", self.options["tolerance"])
        if tolerance <= 0:
            raise ValueError(f"its tolerance must be greater than zero, got {self.options['tolerance']!r}")
        data = {"measure": name, "tolerance": _decimal(tolerance)}
        expects, rejects = LAWS.get(name, (self.options.get("expected", ""), self.options.get("rejects", "")))
        if not law:
            [expected, *_], wrong = _numbers("expected", expects), _numbers("rejects", rejects)
            if near := [each for each in wrong if abs(each - expected) <= tolerance]:
                raise ValueError(f"its tolerance does not reject {near[0]}, which it should")
            data |= {"expected": _decimal(expected), "rejects": " ".join(map(_decimal, wrong))}
        box = measure_box(ids=[f"measure-{name}"], data=data)
        title = nodes.strong("", "Measure it yourself")
        box += nodes.paragraph("", "", title, classes=["measure-title"])
        self.state.nested_parse(self.content, self.content_offset, box)
        words = f"{{prf:ref}}`{self.options['theorem']}` · {self.options['measured']}: expected {expects}, "
        words += f"tolerance {self.options['tolerance']}, which rejects {rejects}"
        read = self._parsed(words)
        for paragraph in read.findall(nodes.paragraph):
            paragraph["classes"].append("measure-law")
        outside = measure_outside("", *self._parsed(self.options["outside"]).children)
        box += [*read.children, measure_controls(measure=name, start=start), outside]
        findings(self.env, "measures")[self.env.docname] = True
        return box

    def _parsed(self, words: str) -> nodes.Element:
        read = nodes.container()
        self.state.nested_parse(StringList([words], self.get_source_info()[0]), self.content_offset, read)
        return read


def _numbers(option: str, text: str) -> list[Fraction]:
    """The numbers of an option, each an integer or a fraction, so that nobody takes them for measured ones."""
    parts = [part.strip() for part in text.split(",")]
    if not all(map(EXACT.fullmatch, parts)):
        raise ValueError(f":{option}: wants integers or fractions such as 1/4, got {text!r}")
    return list(map(Fraction, parts))


def _decimal(number: Fraction) -> str:
    return repr(float(number))


def _start(name: str, text: str) -> dict[str, str]:
    """The setting that stands there first: a value for each field."""
    pairs = [part.partition("=") for part in re.split(r",\s*", text)]
    start = {field.strip(): value.strip() for field, _, value in pairs}
    fields = MEASURES[name]
    if start.keys() != fields.keys():
        raise ValueError(f":start: of {name} has to name {', '.join(fields)}, got {', '.join(start)}")
    for field, value in start.items():
        if value not in fields[field].values:
            raise ValueError(f":start: has {field}={value}, but there are {', '.join(list(fields[field].values)[:12])}")
    return start


def _visit_box(self: Any, node: measure_box) -> None:
    data = {f"data-{name}": value for name, value in node["data"].items()}
    label = "Claim that you can measure"
    self.body.append(self.starttag(node, "div", CLASS="measure", role="group", **{"aria-label": label}, **data))


def _depart_box(self: Any, _: measure_box) -> None:
    self.body.append("</div></div>\n")


def _visit_controls(self: Any, node: measure_controls) -> None:
    made = []
    for name, field in MEASURES[node["measure"]].items():
        first = node["start"][name]
        if field is SEED:
            last = max(SEEDS)
            control = f'<input type="number" data-field="seed" min="0" max="{last}" step="1" value="{first}">'
        else:
            options = "".join(
                f'<option value="{value}"{" selected" if value == first else ""}>{html.escape(words)}</option>'
                for value, words in field.values.items()
            )
            words = "" if all(map(_is_number, field.values)) else ' data-words="1"'
            # where it was left, browsers would put it back, with no outcome beside it
            control = f'<select data-field="{name}" autocomplete="off"{words}>{options}</select>'
        made.append(f"<label>{html.escape(field.label)}{control}</label>")
    button = '<button type="button">Measure</button>'
    self.body.append(f'<div class="measure-setting">{"".join(made)}{button}</div>\n')
    self.body.append('<div class="measure-result"><p role="status" data-said>Not measured yet.</p>\n')
    raise nodes.SkipNode


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _visit_outside(self: Any, _: measure_outside) -> None:
    self.body.append('<div data-outside style="visibility: hidden" role="note">')


def _depart_outside(self: Any, _: measure_outside) -> None:
    self.body.append("</div>\n")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "measures"):
        app.add_js_file(LOADER.name, loading_method="defer")


def _write_scripts(app: Sphinx) -> None:
    if app.builder.format == "html":
        target, text = Path(app.outdir) / "_static", script(PARTS)
        target.mkdir(parents=True, exist_ok=True)
        version = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]  # or a browser would keep an older one
        loader = LOADER.read_text(encoding="utf-8").replace(f'"{SCRIPT}"', f'"{SCRIPT}?v={version}"')
        (target / LOADER.name).write_text(loader, encoding="utf-8")
        (target / SCRIPT).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(measure_box, html=(_visit_box, _depart_box))
    app.add_node(measure_controls, html=(_visit_controls, lambda *_: None))
    app.add_node(measure_outside, html=(_visit_outside, _depart_outside))
    app.add_directive("measure", Measure)
    app.connect("builder-inited", _write_scripts)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
