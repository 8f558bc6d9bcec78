"""What a screen reader says of a formula."""

import pytest

from extensions.typesetting import formulas
from extensions.typesetting.spoken import spoken

SAID = {
    r"x_i^2": "x sub i squared",
    r"K(x) = \E[z']": "upper K open paren x close paren equals blackboard upper E open bracket z prime close bracket",
    r"\hat f_{n+1}": "f hat sub n plus 1 end sub",
    r"\frac{a + 1}{2n}": "the fraction a plus 1 over 2 n end fraction",
    r"\tfrac12": "1 over 2",
    r"e^{-\lambda t}": "e to the minus lambda t end power",
    r"\sum_{i=1}^n x_i": "the sum from i equals 1 to n of x sub i",
    r"\int_0^1 f": "the integral over 0 to 1 of f",
    r"\sqrt{n + 1}\le\sqrt n": "the square root of n plus 1 end root is at most the square root of n",
    r"\binom{n}{k}": "open paren n choose k close paren",
    r"X^\top X": "upper X transpose upper X",
    r"\Theta\ne\theta": "upper theta is not equal to theta",
    r"\begin{aligned} a &= 1, \\ b &= 2 .\end{aligned}": "line 1: a equals 1; line 2: b equals 2.",
    r"\begin{pmatrix}1 & 0\\ 0 & 1\end{pmatrix}": "open paren row 1: 1, 0; row 2: 0, 1 close paren",
    r"\underbrace{a + b}_{\text{bias}}": "the quantity a plus b with a brace below that reads bias end brace",
    r"\max_{x\in S} x": "max over x in upper S end condition x",
    r"\sqrt[3]{x}": "the root of degree 3 of x",
    r"\overline{ab}": "the quantity a b with bar",
    r"\N(0, 1)": "script upper N open paren 0, 1 close paren",
    r"a \oplus b": "a circled plus b",
}  # fmt: skip


def test_formulas_in_words(tmp_path):
    program = formulas.node_program()
    if program is None:
        pytest.skip("no Node: pip install playwright, which carries one")
    macros = {"E": r"\mathbb{E}", "N": r"\mathcal{N}"}
    renderer = formulas.Renderer(program, macros, tmp_path / "memory.json")
    heard = {tex: spoken(renderer._ask({"tex": tex, "display": False})["mathml"]) for tex in SAID}
    renderer.close()
    assert {tex: (words, SAID[tex]) for tex, words in heard.items() if words != SAID[tex]} == {}
