"""How is a formula read aloud? In words, made from its MathML.

A screen reader is given one name for a drawn formula, in place of dozens of elements that only it would use: *x sub i
squared* for $x_i^2$. Short arguments are said plainly; what could be misheard begins and ends in words (*the fraction
a plus 1 over 2 end fraction*). Capitals are said, since $n$ and $N$ are two things here.
"""

import re
import unicodedata
from collections.abc import Callable
from xml.etree import ElementTree as ET

MATHML = "{http://www.w3.org/1998/Math/MathML}"
SIGNS = {
    "=": "equals", "=:": "defines", "≠": "is not equal to", "<": "is less than", ">": "is greater than",
    "≤": "is at most", "≥": "is at least", "≪": "is much less than", "≫": "is much greater than", "≈": "is about",
    "∼": "is distributed as", "∝": "is proportional to", "∈": "in", "∉": "not in", "⊂": "is a subset of",
    "⊆": "is a subset of or equals", "⊊": "is a proper subset of", "∪": "union", "∩": "intersection",
    "∖": "without", "∅": "the empty set", "+": "plus", "−": "minus", "-": "minus", "±": "plus or minus",
    "∓": "minus or plus", "×": "times", "⋅": "dot", "·": "dot", "∘": "composed with", "∗": "star", "*": "star",
    "/": "over", "!": "factorial",
    "→": "to", "⟶": "to", "←": "from", "↦": "maps to", "⇒": "implies", "∑": "the sum", "∏": "the product",
    "∫": "the integral", "∬": "the double integral", "∂": "partial", "∇": "gradient", "∞": "infinity",
    "⊤": "transpose", "⊥": "perpendicular", "′": "prime", "″": "double prime", "‴": "triple prime", "‖": "norm bar",
    "|": "bar", "∣": "given", "(": "open paren", ")": "close paren", "[": "open bracket", "]": "close bracket",
    "{": "open brace", "}": "close brace", "⟨": "open angle", "⟩": "close angle", ",": ",", ".": ".", ";": ";",
    ":": ":", "…": "and so on", "⋯": "and so on", "ℓ": "ell", "#": "the number of",
    "\u2061": "of", "\u2062": "", "\u2063": "",
}  # fmt: skip
OVER = {
    "^": "hat",
    "ˆ": "hat",
    "~": "tilde",
    "˜": "tilde",
    "¯": "bar",
    "―": "bar",
    "‾": "bar",
    "˙": "dot",
    "¨": "double dot",
    "→": "vector",
}
UNDER = {"⏟": "with a brace below", "⏞": "with a brace above"}
LETTERS = {
    "ϕ": "phi",
    "φ": "var phi",
    "ϵ": "epsilon",
    "ε": "epsilon",
    "ϱ": "var rho",
    "ϑ": "var theta",
    "ϖ": "var pi",
    "ς": "final sigma",
}
FONTS = {"double-struck": "blackboard", "script": "script", "bold": "bold", "fraktur": "fraktur"}
POWERS = {
    "2": "squared",
    "3": "cubed",
    "⊤": "transpose",
    "∗": "star",
    "*": "star",
    "′": "prime",
    "″": "double prime",
    "‴": "triple prime",
}
BIG = set("∑∏∫∬⋃⋂")


def spoken(mathml: str) -> str:
    """A formula in words.

    >>> spoken("<math><msup><mi>X</mi><mi>⊤</mi></msup><mi>X</mi><mo>+</mo><mfrac><mi>λ</mi><mn>2</mn></mfrac></math>")
    'upper X transpose upper X plus lambda over 2'
    """
    words = " ".join(_said(ET.fromstring(mathml)))
    return re.sub(r"[,.]+;", ";", re.sub(r" +([,.;:])", r"\1", words)).strip()


def _said(node: ET.Element) -> list[str]:
    tag = node.tag.removeprefix(MATHML)
    return WAYS[tag](node) if tag in WAYS else _row(node)


def _row(node: ET.Element) -> list[str]:
    return [word for child in node for word in _said(child)]


def _short(words: list[str]) -> bool:
    """Whether nobody can mishear where this ends."""
    return len([word for word in words if word not in ("upper", "blackboard", "script")]) <= 1


def _closed(words: list[str], end: str) -> list[str]:
    return words if _short(words) else [*words, f"end {end}"]


def letter(char: str) -> str:
    """What a letter or a sign is called.

    >>> letter("Θ"), letter("n"), letter("K"), letter("≤"), letter("⊕")
    ('upper theta', 'n', 'upper K', 'is at most', 'circled plus')
    """
    if char in SIGNS:
        return SIGNS[char]
    name = LETTERS.get(char)
    if name is None and "GREEK" in (full := unicodedata.name(char, "")):
        name = full.split(" LETTER ")[-1].removesuffix(" SYMBOL").lower().replace("lam" + "da", "lambda")
    if name is None:
        name = char if char.isalnum() else unicodedata.name(char, "sign").lower()
    return f"upper {name}" if char.isupper() else name


def _identifier(node: ET.Element) -> list[str]:
    text = (node.text or "").strip()
    if not text:
        return []
    font = FONTS.get(node.get("mathvariant", ""), "")
    words = letter(text).split() if len(text) == 1 else text.replace("\u2006", " ").split()
    return [*([font] if font else []), *words]


def _operator(node: ET.Element) -> list[str]:
    text = (node.text or "").strip()
    words = SIGNS.get(text, text.replace("\u2006", " ") if len(text) != 1 else letter(text))
    return words.split()


def _text(node: ET.Element) -> list[str]:
    return (node.text or "").replace("\xa0", " ").split()


def _name(node: ET.Element) -> str:
    """The sign that is all of a node, or nothing."""
    inner = node
    while len(inner) == 1:
        inner = inner[0]
    return (inner.text or "").strip() if len(inner) == 0 else ""


def _below(base: ET.Element, index: ET.Element) -> list[str]:
    if _name(base) in BIG:
        return ["over" if _name(index) else "from" if "=" in "".join(index.itertext()) else "over", *_said(index)]
    return ["sub", *_closed(_said(index), "sub")]


def _above(base: ET.Element, power: ET.Element) -> list[str]:
    name = _name(power)
    if _name(base) in BIG:
        return ["to", *_said(power)]
    if name in POWERS:
        return [POWERS[name]]
    return ["to the", *_closed(_said(power), "power")]


def _sub(node: ET.Element) -> list[str]:
    base, index = node
    return [*_said(base), *_below(base, index), *(["of"] if _name(base) in BIG else [])]


def _sup(node: ET.Element) -> list[str]:
    base, power = node
    return [*_said(base), *_above(base, power)]


def _both(node: ET.Element) -> list[str]:
    base, index, power = node
    return [*_said(base), *_below(base, index), *_above(base, power), *(["of"] if _name(base) in BIG else [])]


def _fraction(node: ET.Element) -> list[str]:
    top, bottom = map(_said, node)
    if node.get("linethickness") == "0":
        return [*top, "choose", *bottom]
    if _short(top) and _short(bottom):
        return [*top, "over", *bottom]
    return ["the fraction", *top, "over", *bottom, "end fraction"]


def _root(node: ET.Element) -> list[str]:
    return ["the square root of", *_closed(_row(node), "root")]


def _other_root(node: ET.Element) -> list[str]:
    of, degree = map(_said, node)
    return ["the root of degree", *degree, "of", *_closed(of, "root")]


def _over(node: ET.Element) -> list[str]:
    base, sign = node
    name = _name(sign)
    said = _said(base)
    if name in OVER:
        return [*(said if _short(said) else ["the quantity", *said, "with"]), OVER[name]]
    return [*said, *([UNDER[name]] if name in UNDER else ["with", *_said(sign), "above"])]


def _under(node: ET.Element) -> list[str]:
    base, sign = node
    name = _name(sign)
    if name in UNDER:
        return ["the quantity", *_said(base), UNDER[name]]
    if _name(base) in BIG:
        return [*_said(base), *_below(base, sign), "of"]
    if "⏟" in "".join(base.itertext()):
        return [*_said(base), "that reads", *_said(sign), "end brace"]
    return [*_said(base), "over", *_closed(_said(sign), "condition")]


def _table(node: ET.Element) -> list[str]:
    words: list[str] = []
    for number, row in enumerate(node, 1):
        cells = [_said(cell) for cell in row]
        aligned = "right" in node.get("columnalign", "")
        join = [] if aligned else [","]
        line = [word for place, cell in enumerate(cells) for word in ([*join, *cell] if place else cell)]
        words += [
            *([f"line {number}:" if aligned else f"row {number}:"] if len(node) > 1 else []),
            *line,
            *([";"] if number < len(node) else []),
        ]
    return words


WAYS: dict[str, Callable[[ET.Element], list[str]]] = {
    "mi": _identifier,
    "mo": _operator,
    "mn": _text,
    "mtext": _text,
    "mspace": lambda _: [],
    "mphantom": lambda _: [],
    "msub": _sub,
    "msup": _sup,
    "msubsup": _both,
    "munderover": _both,
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": _other_root,
    "mover": _over,
    "munder": _under,
    "mtable": _table,
}
