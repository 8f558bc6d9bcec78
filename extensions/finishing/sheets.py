"""What does a style sheet consist of? Each is parsed once, and what was found is kept in a file for other builds.

To parse the theme's sheets takes a second, which was a sixth of what a small book costs; they change with a release of
the theme. A file is named by what its sheet and this module contain, so that what is found there is never outdated, and
is written whole or not at all: builds side by side may share a folder. Tests do, by the variable `BOOK_SHEETS`.
"""

import hashlib
import itertools
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import tinycss2

CONDITIONAL = ("media", "supports", "layer", "container")  # rules that hold rules
READER = f"tinycss2 {tinycss2.VERSION}".encode() + Path(__file__).read_bytes()


def parsed(sheet: str) -> list[dict[str, Any]]:
    """The rules of a style sheet: selectors with the classes that each asks for, rules inside of rules, other text.

    Raises:
        ValueError: if it cannot be read; the message names the line.

    >>> parsed(".a, .b:not(.c) { top: 0 }")
    [{'selectors': [['.a', ['a']], ['.b:not(.c)', ['b']]], 'content': 'top: 0'}]
    >>> parsed("@media print { p { top: 0 } }")
    [{'head': '@media print ', 'inside': [{'selectors': [['p', []]], 'content': 'top: 0'}]}]
    """
    return _rules(tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True))


def _rules(nodes: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for node in nodes:
        if node.type == "qualified-rule":
            selectors = [[tinycss2.serialize(part).strip(), _classes(part)] for part in _split(node.prelude)]
            found.append({"selectors": selectors, "content": tinycss2.serialize(node.content).strip()})
        elif node.type == "at-rule" and node.lower_at_keyword in CONDITIONAL and node.content is not None:
            inside = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            head = f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}"
            found.append({"head": head, "inside": _rules(inside)})
        elif node.type == "error":
            raise ValueError(f"line {node.source_line} of a style sheet cannot be read: {node.message}")
        else:
            found.append({"text": node.serialize()})
    return found


def _split(prelude: list[Any]) -> list[list[Any]]:
    """The selectors of a rule."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _classes(selector: list[Any]) -> list[str]:
    """The classes that a selector asks for; not those inside of `:not()` and its like, which need not be there."""
    pairs = itertools.pairwise(selector)
    return [name.value for dot, name in pairs if dot.type == "literal" and dot.value == "." and name.type == "ident"]


def remembered(sheet: str, memory: Path) -> list[dict[str, Any]]:
    """As :func:`parsed`, from the folder `memory` if it was parsed before, and kept there if it was not."""
    path = memory / f"{hashlib.sha256(READER + sheet.encode()).hexdigest()}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    found = parsed(sheet)
    memory.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=memory)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.replace(unfinished, path)
    return found
