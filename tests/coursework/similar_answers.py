"""Answers to compare: honest ones, written for this test by different ways, and copies in disguise."""

import ast
import re
from pathlib import Path

HONEST = Path(__file__).parent / "overview" / "honest"
TWO = ("parametric", "no-free-lunch")  # the sets with honest answers to compare


def honest(assignment, number, variant):
    """A notebook with the answers of one who has worked alone."""
    text = (HONEST / f"{assignment.name}-{number}.txt").read_text(encoding="utf-8")
    _, *parts = re.split(r"^# %% (.+)\n", text, flags=re.MULTILINE)
    answers = dict(zip(parts[::2], parts[1::2], strict=True))
    return filled(assignment, answers, variant)


def filled(assignment, answers, variant):
    """The release with these answers, by grade id."""
    notebook = assignment.release(variant)
    left = dict(answers)
    for cell in notebook.cells:
        cell.source = left.pop(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    assert not left, f"no such cells: {sorted(left)}"
    return notebook


def answers_in(notebook):
    """The code of a notebook's answer cells, by grade id."""
    flags = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    return {
        own["grade_id"]: cell.source
        for cell, own in flags
        if cell.cell_type == "code" and own.get("solution") and not own.get("grade")
    }


class _Disguise(ast.NodeTransformer):
    """Other names, docstrings and annotations; a longer form of a += b; another name for NumPy."""

    def __init__(self, kept, bound):
        self.names = {"np": "numerics", **{name: f"my_{name[::-1]}" for name in bound - kept}}

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_keyword(self, node):
        self.generic_visit(node)
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], ast.BinOp(read, node.op, node.value), lineno=node.lineno)

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = self.names.get(node.name, node.name)
        node.returns = ast.Name("object", ast.Load())
        for argument in node.args.args:
            argument.annotation = ast.Name("float", ast.Load())
        node.body.insert(0, ast.Expr(ast.Constant("My own idea.")))
        return node


def disguised(assignment, answers):
    """The answers with other names, layout, docstrings and comments, and with functions in another order."""
    tests = " ".join(question.source for question in assignment.questions)
    changed, bound = {}, set()
    for node in (node for source in answers.values() for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            bound.add(node.name)
    disguise = _Disguise(set(re.findall(r"\w+", tests)), bound)
    for name, source in answers.items():
        tree = disguise.visit(ast.parse(source))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        others = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
        tree.body = [*functions[::-1], *others]
        text = ast.unparse(ast.fix_missing_locations(tree))
        changed[name] = "import numpy as numerics\n\n# all by myself\n" + text.replace("\n", "  # so\n", 1)
    return changed
