"""How long does it take to read? On pages made by hand."""

import pytest
from docutils import nodes
from sphinx_proof.nodes import proof_node

from extensions.authoring.minutes import minutes


def words(count: int) -> nodes.paragraph:
    return nodes.paragraph("", " ".join(["word"] * count))


def formulas(count: int) -> list[nodes.math_block]:
    return [nodes.math_block("x", "x") for _ in range(count)]


@pytest.mark.parametrize(
    ("parts", "taken"),
    [
        ([words(1500)], (15, 15)),
        ([words(1500), proof_node("", words(200))], (15, 25)),
        ([*formulas(40)], (30, 30)),
        ([words(1500), proof_node("", *formulas(4))], (15, 25)),
        ([words(1500), *(nodes.figure("", nodes.image(uri="a.svg")) for _ in range(10))], (30, 30)),
        ([words(1500), nodes.section("", words(9000), ids=["exercises"])], (15, 15)),
        ([words(1500), nodes.literal_block("x = 1", "x = 1 " * 900)], (15, 15)),
        ([words(10)], (5, 5)),
    ],
)
def test_minutes(parts, taken):
    assert minutes(nodes.section("", *parts)) == taken
