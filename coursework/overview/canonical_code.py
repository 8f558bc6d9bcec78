"""What stays of code when what is easily changed is taken away: names, comments, layout, docstrings?

Names that the code binds are marked as its own, to be told apart only within a passage; imported names become what they
stand for. The code is parsed, never run; it may have come from anybody, and hold anything.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_PARSED = 50_000  # characters that are parsed; all answers of a set have some five thousand
ITS_OWN = "\0"  # before a name that the code binds
MAGIC = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)  # a line stays, empty: lines keep their numbers
IMPORTS = (ast.Import, ast.ImportFrom)
NAMING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
LEFT_OUT = {"print", "display"}  # calls that change nothing
#: What of a node is no part of its meaning: contexts, and what annotates.
PASSED_OVER = {"ctx", "annotation", "returns", "type_comment", "type_ignores", "type_params", "simple", "kind"}


class NotParsed(ValueError):
    """Code that cannot be compared, with the reason."""


@dataclass(frozen=True)
class Statement:
    """A statement, without those in its body: its signs, and the lines that it stands in."""

    signs: tuple[str, ...]
    first: int
    last: int


def parsed(source: str) -> ast.Module:
    """The tree of a cell, without lines that only a notebook understands, such as ``%timeit f()`` and ``!ls``.

    Raises:
        NotParsed: if it is too long, too deep, or no Python.
    """
    if len(source) > MOST_PARSED:
        raise NotParsed(f"more than {MOST_PARSED:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return ast.parse(source)
            except SyntaxError:
                return ast.parse(MAGIC.sub("", source))
    except (RecursionError, MemoryError):
        raise NotParsed("nested too deeply") from None
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise NotParsed(f"no Python{where}") from None


def imported(trees: Sequence[ast.Module]) -> dict[str, str]:
    """What each imported name stands for.

    >>> imported([parsed("import numpy as np\\nfrom scipy.linalg import solve as s")])
    {'np': 'numpy', 's': 'scipy.linalg.solve'}
    """
    found: dict[str, str] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found |= {one.asname: one.name for one in node.names if one.asname}
            found |= {one.name.partition(".")[0]: one.name.partition(".")[0] for one in node.names if not one.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f"{node.module or ''}.{one.name}" for one in node.names}
    return found


def bound(trees: Sequence[ast.Module]) -> set[str]:
    """The names that code gives to something, other than by an import."""
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, NAMING) and node.name:
            found.add(node.name)
    return found


def statements(tree: ast.Module, own: set[str], modules: Mapping[str, str]) -> list[Statement]:
    """The statements of a cell as signs, without imports, docstrings and what only prints.

    >>> [found] = statements(parsed("'''Twice.'''\\n2 * (a)  # so"), {"a"}, {})
    >>> found.signs
    ('Expr', 'BinOp', '2', 'Mult', '\\x00a')

    Args:
        tree: the cell.
        own: the names that the whole notebook binds.
        modules: what its imported names stand for.
    """
    found, waiting = [], list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        inner: list[ast.stmt] = []
        signs = tuple(_signs(node, own, modules, inner))
        waiting += reversed(inner)
        if not _says_nothing(node):
            last = inner[0].lineno - 1 if inner else node.end_lineno
            found.append(Statement(signs, node.lineno, max(node.lineno, last or 0)))
    return found


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        call = node.value
        named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in LEFT_OUT
        return named or isinstance(call, ast.Constant)
    return isinstance(node, (*IMPORTS, ast.Pass, ast.Global, ast.Nonlocal))


def _signs(node: ast.stmt, own: set[str], modules: Mapping[str, str], inner: list[ast.stmt]) -> Iterator[str]:
    """A statement's signs, from the root of its tree; the statements of its body go into `inner`.

    A stack and not a recursion: the tree may be as deep as Python's parser allows.
    """
    waiting: list[ast.AST | str] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, ast.stmt) and one is not node:
            inner.append(one)
        elif isinstance(one, ast.Name):
            yield from _name(one.id, own, modules)
        elif isinstance(one, ast.Constant):
            yield _constant(one.value)
        elif isinstance(one, ast.AugAssign):  # a += b is a = a + b
            waiting += [one.value, type(one.op).__name__, one.target, "BinOp", one.target, "Assign"]
        else:
            yield "Assign" if isinstance(one, ast.AnnAssign) else type(one).__name__
            waiting += reversed(list(_parts(one, own, modules)))


def _parts(node: ast.AST, own: set[str], modules: Mapping[str, str]) -> Iterator[ast.AST | str]:
    for field, value in ast.iter_fields(node):
        if field in PASSED_OVER or value is None:
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield part
            elif isinstance(part, str):
                named = field == "name" or isinstance(node, ast.arg | ast.keyword)
                yield from _name(part, own, modules) if named else [part]


def _name(name: str, own: set[str], modules: Mapping[str, str]) -> Iterator[str]:
    if name in own:
        yield ITS_OWN + name
        return
    *path, last = modules.get(name, name).split(".")
    yield from ["Attribute"] * len(path)  # an imported solve is numpy.linalg.solve
    yield from (*path, last)


def _constant(value: object) -> str:
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return repr(value)
    if isinstance(value, int | float) and abs(value) < 2**53:
        return f"{float(value):.12g}"
    return type(value).__name__
