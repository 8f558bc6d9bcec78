"""What is easily changed does not count in code that is compared; what it computes does."""

import ast

import pytest

from coursework.overview.canonical_code import MOST_PARSED, NotParsed, bound, imported, parsed, statements
from coursework.overview.similar_code import passages

ALIKE = [
    ("x = 1", "other = 1.0  # one"),
    ("x = a + (b)", "x=(a+\n  b)"),
    ("def f(a):\n    'Doc.'\n    return a", "def g(b: int) -> int:\n    return b"),
    ("x = 1\nprint(x)", "x = 1"),
    ("x = 1\npass", "global x\nx = 1"),
    ("import os\nfrom a import b\nx = 1", "x = 1"),
    ("x: float = 1", "x = 1"),
    ("x = 2\nx += 1", "y = 2\ny = y + 1"),
    ("import numpy as np\nx = np.linalg.solve(a, b)", "from numpy.linalg import solve as s\nx = s(a, b)"),
    ("import numpy\nx = numpy.sum(a)", "import numpy as n\ny = n.sum(a)"),
    ("raise ValueError('no')", 'raise ValueError("never")'),
    ("x = [i for i in a]", "x = [j for j in a]"),
    ("try:\n    x = 1\nexcept KeyError as e:\n    y = e", "try:\n    x = 1\nexcept KeyError as k:\n    z = k"),
    ("match a:\n    case [b, *c]:\n        x = b", "match a:\n    case [d, *e]:\n        x = d"),
    ("x = lambda a: a", "x = lambda b: b"),
    ("%time\nx = 1\n!ls", "x = 1"),
]
OTHERS = [
    ("x = a + b", "x = a - b"),
    ("x = a", "x = b"),
    ("x = 1", "x = 2"),
    ("x = 1", "x = True"),
    ("x = 1", "x = 1j"),
    ("f(axis=0)", "f(out=0)"),
    ("x = a.T", "x = a.S"),
    ("import numpy as np\nx = np.sum(a)", "import jax as np\nx = np.sum(a)"),
    ("def f(a, b):\n    return a + b", "def f(a, b):\n    return a + a"),
    ("for i in a:\n    x = i", "while a:\n    x = i"),
    ("f()", "g()"),
    ("print(1)", "log(1)"),
]


def compared(source):
    """The passages of a cell, statement by statement."""
    tree = parsed(source)
    return [passages(one) for one in statements(tree, bound([tree]), imported([tree]))]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_is_easily_changed_does_not_count(one, other):
    assert compared(one) == compared(other)
    assert compared(one) != []


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_is_computed_counts(one, other):
    assert compared(one) != compared(other)


def test_a_statement_stands_in_its_lines_without_its_body():
    tree = parsed("@cache\ndef f(a,\n      b):\n    if a:\n        return (a +\n                b)\n    return b")
    found = statements(tree, bound([tree]), {})
    assert [(one.first, one.last) for one in found] == [(2, 3), (4, 4), (5, 6), (7, 7)]


def test_code_of_any_depth_that_parses_is_read():
    deep = "x = " + "[" * 90 + "1" + "]" * 90 + "\n" + "y = a" + ".b" * 900
    assert len(compared(deep)) == 2
    ladder = "if a:\n    x = 1\n" + "elif a:\n    x = 1\n" * 300
    assert len(compared(ladder)) == 2 * 301


def test_the_length_of_what_is_parsed_has_an_end():
    parsed("x" * MOST_PARSED)
    with pytest.raises(NotParsed, match="more than 50,000 characters"):
        parsed("x" * (MOST_PARSED + 1))


def test_nothing_is_run(tmp_path):
    place = tmp_path / "made"
    source = f"@(lambda f: open({str(place)!r}, 'w'))\ndef f(a=open({str(place)!r}, 'w')): pass\n!touch {place}"
    assert isinstance(parsed(source), ast.Module)
    compared(source)
    assert not place.exists()
