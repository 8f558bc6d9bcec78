"""How does a reader find out at once, without a kernel, whether they have understood? Practice, never a grade.

A Sphinx extension with the directive ``self-check``. Its content is a question and then a list: for a choice, every
item is one answer, marked ``right:`` or ``wrong:``, and its further paragraphs say why; for a number, ``:answer:`` is
an integer, a fraction, or ``claim:NAME`` for what a claim of the page measured, and the list holds what to say to a
``right:`` and to a ``wrong:`` one; ``wrong 1/2:`` is said to who answers 1/2, ``wrong:`` to everybody else. A decimal
that nobody measured is refused. The script of
:mod:`ntklib.book.practice` makes it answer, here and in the notebooks; without it the question stands there with the
answer in a fold.
"""

import json
import re
from fractions import Fraction
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.claims import all_claims
from extensions.store import findings
from extensions.typesetting.styles import to_static
from ntklib.book.practice.selfcheck import SCRIPT

logger = logging.getLogger(__name__)

TITLE = "Check yourself"
REMARK = "practice, never graded"
MARK = re.compile(r"\s*(right|wrong)(?: (-?\d+(?:/[1-9]\d*)?|claim:[\w-]+))?:\s*")
EXACT = re.compile(r"-?\d+(?:/[1-9]\d*)?")
TOLERANCE = re.compile(r"(\d+)\s*%")


class self_check(nodes.General, nodes.Element):
    """A question with its answers."""


class self_check_answer(nodes.General, nodes.Element):
    """The fold with the answer."""


class SelfCheck(SphinxDirective):
    """A question that answers."""

    has_content = True
    option_spec = {  # noqa: RUF012 (docutils wants it so)
        "name": directives.unchanged_required,
        "answer": directives.unchanged_required,
        "tolerance": directives.unchanged_required,
        "unit": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The question, the choices and the fold with the answer."""
        try:
            return [self._made()]
        except ValueError as problem:
            logger.warning("self-check: %s", problem, location=self.get_location(), type="book", subtype="selfcheck")
            return []

    def _made(self) -> self_check:
        self.assert_has_content()
        if "name" not in self.options:
            raise ValueError("it lacks a name, :name: check-…")
        read = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, read)
        lists = [child for child in read.children if isinstance(child, nodes.bullet_list)]
        if len(lists) != 1 or read.children[-1] is not lists[0]:
            raise ValueError("it wants a question and, after it, one list of answers marked right: or wrong:")
        question = read.children[:-1]
        marked = [(*_take_mark(item), item) for item in lists[0].children]
        answers = [(mark, item) for mark, _, item in marked]
        right = [place for place, (mark, _) in enumerate(answers) if mark == "right"]
        if len(right) != 1 or len(answers) < 2:
            raise ValueError(
                f"it wants one answer marked right: and at least one marked wrong:, got {len(right)} right"
            )
        made = self_check(ids=[nodes.make_id(self.options["name"])], names=[self.options["name"]])
        self.state.document.note_explicit_target(made, made)
        made["right"] = right[0]
        made["kind"] = "number" if "answer" in self.options else "choice"
        made["at"] = [at for _, at, _ in marked]
        if made["kind"] == "choice" and any(made["at"]):
            raise ValueError("only the answers to a number have numbers of their own: write right: or wrong:")
        made += nodes.paragraph(
            "", "", nodes.strong("", TITLE), nodes.Text(f" ({REMARK})"), classes=["self-check-label"]
        )
        made += nodes.container("", *question, classes=["self-check-question"])
        fold = self_check_answer()
        feedback = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".", classes=["self-check-feedback"])
        if made["kind"] == "number":
            self._number(made)
            plain = [mark for mark, at, _ in marked if not at]
            if sorted(plain) != ["right", "wrong"]:
                raise ValueError(f"it wants one right: and one wrong: without a number, got {plain}")
            fold += nodes.paragraph(classes=["self-check-value"])
            for mark, item in answers:
                feedback += nodes.list_item("", *item.children, classes=[mark])
        else:
            choices = nodes.enumerated_list(
                enumtype="upperalpha", prefix="", suffix=".", classes=["self-check-choices"]
            )
            for mark, item in answers:
                if len(item.children) < 2:
                    raise ValueError(f"it does not say why this answer is {mark}: {item.astext()[:60]!r}")
                choices += nodes.list_item("", item.children[0])
                verdict = nodes.strong("", "Right." if mark == "right" else "No.")
                why = nodes.list_item("", *item.children[1:], classes=[mark])
                if isinstance(why.children[0], nodes.paragraph):
                    why.children[0].insert(0, [verdict, nodes.Text(" ")])
                feedback += why
            feedback["enumtype"] = "upperalpha"
            made += choices
        fold += feedback
        made += fold
        findings(self.env, "selfchecks")[self.env.docname] = True
        return made

    def _number(self, made: self_check) -> None:
        answer = self.options["answer"].strip()
        if not (EXACT.fullmatch(answer) or answer.startswith("claim:")):
            raise ValueError(
                f"its answer is an integer, a fraction or claim:NAME, so that it is exact or measured, got {answer!r}"
            )
        tolerance = self.options.get("tolerance", "0 %")
        if not TOLERANCE.fullmatch(tolerance):
            raise ValueError(f"its tolerance is a whole number of per cent, such as 5 %, got {tolerance!r}")
        made["answer"], made["tolerance"], made["unit"] = answer, tolerance, self.options.get("unit", "")


def _take_mark(item: nodes.Node) -> tuple[str, str | None]:
    """``right`` or ``wrong`` and the number that it is said to, taken off the beginning of the item."""
    text = next(iter(item.findall(nodes.Text)), None)
    match = MARK.match(text.astext()) if text is not None else None
    if text is None or match is None:
        raise ValueError(f"an answer is marked right: or wrong:, got {item.astext()[:60]!r}")
    text.parent.replace(text, nodes.Text(text.astext()[match.end() :]))
    return match[1], match[2]


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the number that is wanted into each check: exact, or as a claim measured it."""
    known = {claim["name"]: claim for page, claim in all_claims(app.env) if page == docname}
    for check in doctree.findall(self_check):
        if check["kind"] != "number":
            continue
        try:
            value, shown = _number_of(check["answer"], known)
            check["at"] = [None if at is None else _number_of(at, known)[0] for at in check["at"]]
            reach = float(check["tolerance"].split()[0].rstrip("%")) / 100 * abs(value)
            if any(at is not None and abs(at - value) <= reach for at in check["at"]):
                raise ValueError(f"it calls wrong what its tolerance takes for its answer, {shown}")
        except ValueError as problem:
            logger.warning("self-check: %s", problem, location=check, type="book", subtype="selfcheck")
            continue
        check["value"] = repr(float(value))
        slack = "" if check["tolerance"].startswith("0") else f" (within {check['tolerance'].replace(' ', chr(0xA0))})"
        for line in check.findall(nodes.paragraph):
            if "self-check-value" in line["classes"]:
                line += nodes.strong("", f"{shown}\N{NO-BREAK SPACE}{check['unit']}".strip())
                line += nodes.Text(slack)


def _number_of(answer: str, known: dict[str, Any]) -> tuple[float, str]:
    """The number that an answer stands for, exact or as a claim measured it, and how it is written."""
    name = answer.removeprefix("claim:").strip()
    if not answer.startswith("claim:"):
        return float(Fraction(name)), name
    if name not in known:
        raise ValueError(f"there is no claim named {name!r} on this page")
    measured = known[name]["measured"]
    value = float(Fraction(measured)) if isinstance(measured, str) else float(measured)
    return value, known[name]["measured_text"]


def _visit(translator: Any, node: self_check) -> None:
    data = {"kind": node["kind"], "right": str(node["right"])}
    if node["kind"] == "number":
        data |= {"answer": node.get("value", ""), "tolerance": node["tolerance"], "unit": node["unit"]}
        if any(at is not None for at in node["at"]):
            data["at"] = json.dumps(node["at"])
    attributes = {f"data-{key}": value for key, value in data.items()}
    translator.body.append(translator.starttag(node, "div", CLASS="self-check", **attributes))


def _depart(translator: Any, node: self_check) -> None:
    translator.body.append("</div>\n")


def _visit_answer(translator: Any, node: self_check_answer) -> None:
    translator.body.append('<details class="self-check-answer"><summary>Show the answer</summary>\n')


def _depart_answer(translator: Any, node: self_check_answer) -> None:
    translator.body.append("</details>\n")


def _add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "selfchecks"):
        app.add_js_file(SCRIPT.name, loading_method="defer")


def _copy_script(app: Sphinx) -> None:
    to_static(app, SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("extensions.store")
    app.add_node(self_check, html=(_visit, _depart))
    app.add_node(self_check_answer, html=(_visit_answer, _depart_answer))
    app.add_directive("self-check", SelfCheck)
    app.connect("builder-inited", _copy_script)
    app.connect("doctree-resolved", _resolve)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
