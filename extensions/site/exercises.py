"""Where does a reader answer an exercise, and what is its check called with?

A Sphinx extension. An exercise of a chapter has a cell that defines its check, ``def check_NAME(answer)``, and a
solution whose cell calls it: with a function, or with a value. What the reader of a notebook has to write follows from
that call (:func:`exercises`); on the page, where nothing runs, the folded check says that it is for the notebook, and
leads to the exercise there.
"""

import ast
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from sphinx.application import Sphinx

from extensions.store import alone
from tools import repository

FOLDED = "Check your answer, in the notebook"
BRANCH = "gh-pages"  # where the published site is, and so the notebooks that Colab opens
SOLUTION = re.compile(r"^[`:]{3,}\{solution-(?:start\}[ \t]+(\S+)|end\})", re.MULTILINE)
ASKED = re.compile(r"Run `check_\w+\((.*?)\)` (?:on|with) (.*?)\.?$")


@dataclass(frozen=True)
class Exercise:
    """What the notebook needs to know of an exercise that has a check.

    Attributes:
        label: of the exercise.
        check: the name of the function that checks it.
        answer: the name of what it is called with.
        stub: the cell in which the reader answers.
    """

    label: str
    check: str
    answer: str
    stub: str

    @property
    def place(self) -> str:
        """The name of the cell for the answer, within its notebook."""
        return f"answer-{self.label}"[:64]


def exercises(text: str) -> dict[str, Exercise]:
    """The exercises of a chapter's source that have a check, by the name of the check."""
    found: dict[str, Exercise] = {}
    checks: dict[str, ast.FunctionDef] = {}
    solved = None
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        if cell.cell_type == "markdown":
            for match in SOLUTION.finditer(cell.source):
                solved = match[1]
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # the execution says what is wrong with it
            continue
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        if solved is None:
            checks |= functions
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in checks and node.args:
                check, argument = checks[node.func.id], node.args[0]
                name, stub = _asked(check, argument, functions, cell.source)
                found[check.name] = Exercise(solved, check.name, name, stub)
    return {name: exercise for name, exercise in found.items() if name.startswith("check_")}


def _asked(check: ast.FunctionDef, argument: ast.expr, functions: dict[str, Any], source: str) -> tuple[str, str]:
    """The name of the answer, and the cell that waits for it."""
    if isinstance(argument, ast.Name) and argument.id in functions:
        function = functions[argument.id]
        return function.name, f"# your answer\n{_signature(function, source)}\n    ..."
    told = ASKED.match(ast.get_docstring(check) or "")
    name = told[1] if told and told[1].isidentifier() else "answer"
    return name, f"# your answer{f': {told[2]}' if told else ''}\n{name} = ..."


def _signature(function: ast.FunctionDef, source: str) -> str:
    lines = source.splitlines()[function.lineno - 1 : function.body[0].lineno - 1]
    return "\n".join(lines) if lines else f"def {function.name}({ast.unparse(function.args)}):"


def checked(cell: nodes.Element, known: dict[str, Exercise]) -> Exercise | None:
    """The exercise that a code cell of a page checks, if it does."""
    for source in cell.findall(nodes.literal_block):
        for name in re.findall(r"^def (check_\w+)\(", source.astext(), re.MULTILINE):
            if name in known:
                return known[name]
    return None


def colab(where: repository.Repository, docname: str) -> str:
    """Where Colab opens the notebook of a page."""
    path = f"{where.folder}_sources/{docname}.ipynb"
    return f"https://colab.research.google.com/github/{where.slug}/blob/{BRANCH}/{path}"


def _name_the_folds(app: Sphinx, doctree: nodes.document) -> None:
    known = exercises(Path(app.env.doc2path(app.env.docname)).read_text(encoding="utf-8"))
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code" or "prompt_show" not in cell:
            continue
        exercise = checked(cell, known)
        if exercise is not None:
            cell["prompt_show"] = cell["prompt_hide"] = FOLDED
            code = next(child for child in cell.children if child.get("nb_element") == "cell_code_source")
            code.insert(0, way_there(app.env.docname, exercise))


def _keep_titles(app: Sphinx, doctree: nodes.document) -> None:
    """What sphinx-exercise keeps of an exercise between builds holds its whole page; what it asks for is the title."""
    for kept in getattr(app.env, "sphinx_exercise_registry", {}).values():
        node = kept["node"]
        if kept["docname"] == app.env.docname and node.children:
            kept["node"] = alone(node.copy())
            kept["node"] += alone(node.children[0])


def way_there(docname: str, exercise: Exercise) -> nodes.paragraph:
    """Where the exercise is answered, as links."""
    notebook = posixpath.relpath(f"_sources/{docname}.ipynb", posixpath.dirname(docname) or ".")
    way = nodes.paragraph(classes=["to-the-notebook"])
    way += nodes.Text("You answer in the chapter’s notebook, where this check has a cell below yours: ")
    way += nodes.reference("", "download it", refuri=notebook, internal=False)
    where = repository.find()
    if where is not None:
        way += nodes.Text(", ")
        address = f"{colab(where, docname)}#scrollTo={exercise.place}"
        way += nodes.reference("", "open it at this exercise in Colab", refuri=address, internal=False)
    way += nodes.Text(", or run ")
    way += nodes.literal("", "make lab")
    way += nodes.Text(f" in the folder of the book and open {posixpath.basename(docname)}.")
    return way


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", _name_the_folds)
    app.connect("doctree-read", _keep_titles)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
