"""How many minutes does it take to read a chapter?

Counted from the page itself, with and without the proofs. The rates are round numbers, set so that the first edition's
chapters come out near what students said that they took, 60 to 75 minutes without the proofs and two to four hours with
them: prose at 100 words a minute, proofs at 20, 45 seconds for a displayed formula and two and a half minutes for one
in a proof, 90 seconds for a figure, a minute for an open cell. Exercises, further reading and folded code are not
counted.
"""

from docutils import nodes

WORDS, WORDS_IN_PROOFS = 100, 20  # a minute
SKIPPED = {"exercises", "further-reading"}


def minutes(document: nodes.Node) -> tuple[int, int]:
    """Minutes without the proofs and with them, rounded to five.

    Args:
        document: the page as it was read, executed.
    """
    plain, proofs = seconds(document, proof=False)
    return _rounded(plain), _rounded(plain + proofs)


def _rounded(seconds: float) -> int:
    return max(5, 5 * round(seconds / 300))


def seconds(node: nodes.Node, proof: bool) -> tuple[float, float]:
    """Outside of proofs, and inside of them."""
    found = [0.0, 0.0]
    for child in node.children:
        classes = set(child.get("classes", [])) if isinstance(child, nodes.Element) else set()
        if isinstance(child, nodes.Text):
            found[proof] += 60 * len(child.astext().split()) / (WORDS_IN_PROOFS if proof else WORDS)
        elif isinstance(child, nodes.section) and SKIPPED & set(child["ids"]):
            continue
        elif isinstance(child, nodes.math_block):
            found[proof] += 150 if proof else 45
        elif isinstance(child, nodes.figure) or "ntk-explorer" in classes:
            found[proof] += 90
        elif child.__class__.__name__ == "claim_fold":
            line = child.children[0]
            found[proof] += 60 * len(line.astext().split()) / WORDS
        elif isinstance(child, nodes.Element) and child.get("nb_element") == "cell_code":
            folded = any(tag.startswith(("hide", "remove")) for tag in child.get("cell_metadata", {}).get("tags", []))
            found[proof] += 0 if folded else 60
            output = [part for part in child.children if part.get("nb_element") == "cell_code_output"]
            for part in output:
                plain, inside = seconds(part, proof)
                found[0] += plain
                found[1] += inside
        elif isinstance(
            child, nodes.literal_block | nodes.raw | nodes.comment | nodes.system_message
        ) or child.__class__.__name__.startswith(("exercise", "solution")):
            continue
        else:
            plain, inside = seconds(child, proof or child.__class__.__name__ == "proof_node")
            found[0] += plain
            found[1] += inside
    return found[0], found[1]
