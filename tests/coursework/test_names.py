"""A name means one thing: a module or class of coursework/ has no namesake in the repository, a function none here."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
EACH_ITS_OWN = {"main", "HERE"}  # what a process begins with, and the folder that a file stands in


def names(folder, every):
    """(name, file) of the modules and public classes in a folder, and with `every` of all else that modules define."""
    for path in (ROOT / folder).rglob("*.py"):
        if not path.stem.startswith("__"):
            yield path.stem, path
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) or (every and isinstance(node, ast.FunctionDef)):
                yield node.name, path
            elif every and isinstance(node, ast.Assign):
                yield from ((one.id, path) for one in node.targets if isinstance(one, ast.Name))


def test_no_two_things_share_a_name():
    places = defaultdict(set)
    for folder in ("coursework", "ntklib", "extensions", "tools"):
        for name, path in names(folder, every=folder == "coursework"):
            if not name.startswith("_") and name not in EACH_ITS_OWN:
                places[name].add(path.relative_to(ROOT).as_posix())
    assert len(places) > 200
    shared = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if any("coursework" in path for path in found)} == {}
