"""What of a proof is folded, and what a chapter has to show first? On pages made by hand."""

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from sphinx_proof.nodes import proof_node

from extensions.authoring.proofs import FoldProofs, proof_rest
from extensions.checks.openings import faults, words


def paragraph(count: int, *first: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", *first, nodes.Text(" ".join(["word"] * count)))


def proof(*children: nodes.Node) -> proof_node:
    return proof_node("", nodes.admonition("", *children, classes=["proof"]))


def page(*children: nodes.Node) -> nodes.document:
    document = new_document("page", get_default_settings())
    document += nodes.section("", *children)
    return document


def idea() -> list[nodes.Node]:
    return [nodes.Text("Proof. "), nodes.emphasis("", "Idea."), nodes.Text(" Count twice. ")]


def folded(document: nodes.document) -> list[str]:
    FoldProofs(document).apply()
    return [node.children[0].astext() for node in document.findall(proof_rest)]


def test_what_follows_the_idea_is_folded_with_its_minutes():
    long = page(proof(paragraph(5, *idea()), paragraph(100), nodes.math_block("x", "x")))
    assert folded(long) == ["The proof in full, some 8 minutes; it may be skipped"]
    frame = next(iter(long.findall(proof_node))).children[0]
    assert [type(child) for child in frame.children] == [nodes.paragraph, proof_rest]
    assert len(frame.children[1].children) == 3, "the line, the paragraph and the formula"
    assert folded(page(proof(paragraph(5, *idea()), paragraph(9)))) == [
        "The proof in full, some 1 minute; it may be skipped"
    ]


@pytest.mark.parametrize(
    "children",
    [
        [paragraph(5, nodes.Text("Proof. ")), paragraph(100)],
        [paragraph(5, nodes.Text("Proof. First. "), nodes.emphasis("", "Idea.")), paragraph(100)],
        [paragraph(5, nodes.Text("Proof. "), nodes.emphasis("", "Bound.")), paragraph(100)],
        [paragraph(5, *idea())],
        [nodes.math_block("x", "x"), paragraph(100)],
    ],
)
def test_other_proofs_stay_as_they_are(children):
    assert folded(page(proof(*children))) == []


CARD = nodes.admonition("", nodes.paragraph("", "To read"), classes=["tip", "chapter-card"])


class self_check(nodes.General, nodes.Element):
    """A question, as :mod:`extensions.authoring.selfcheck` has it."""


def chapter(**changed: list[nodes.Node]) -> nodes.document:
    parts: dict[str, list[nodes.Node]] = {
        "claim": [nodes.block_quote("", paragraph(10))],
        "picture": [nodes.figure("", nodes.image(uri="a.svg"))],
        "card": [CARD.deepcopy()],
        "text": [paragraph(4000), self_check(), self_check(), proof(paragraph(80))],
        "exercises": [nodes.section("", paragraph(3000), ids=["exercises"])],
    }
    return page(*[node for part in (parts | changed).values() for node in part])


def test_a_chapter_in_order_has_no_faults():
    assert list(faults(chapter())) == []
    assert list(faults(page(paragraph(9000)))) == [], "a page without a card is no chapter"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"claim": []}, "no quoted claim stands before the first picture and the card"),
        ({"picture": []}, "no picture stands before the card"),
        (
            {"picture": [nodes.math_block("x", "x"), nodes.image(uri="a")]},
            "a displayed formula stands before the first",
        ),
        ({"picture": [nodes.bullet_list(), nodes.image(uri="a")]}, "a list stands before the first picture"),
        ({"text": [paragraph(5000), self_check(), self_check()]}, "the text has 5,012 words"),
        (
            {"text": [self_check()], "exercises": [nodes.section("", self_check(), ids=["exercises"])]},
            "1 questions are asked before the exercises",
        ),
        ({"text": [self_check(), self_check(), proof(paragraph(91))]}, "a proof of 91 words does not begin"),
        (
            {"text": [self_check(), self_check(), proof(paragraph(61), *[nodes.math_block("x", "x")] * 2)]},
            "a proof of 93 words does not begin with its idea",
        ),
    ],
)
def test_each_fault_is_named(changed, fault):
    (found,) = faults(chapter(**changed))
    assert found[0].startswith(fault)


def test_what_counts_as_a_word():
    text = nodes.paragraph("", "", nodes.Text("Kernels don’t lie, "), nodes.math("k(x, z) = 1", "k(x, z) = 1"))
    code = nodes.literal_block("x = 1", "x = 1")
    assert words(page(text, nodes.math_block("a + b", "a + b"), code, proof(paragraph(50)))) == 4
