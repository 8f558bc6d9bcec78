"""The rooms of coursework/: a name means one thing, and a room imports only from those before it."""

import ast
import re
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


def test_rooms_import_downwards():
    """What keeps the grades knows nothing of the sandbox; what judges reads a notebook as the class's are read."""
    found = {}
    for room in (ROOT / "coursework").iterdir():
        text = "".join(path.read_text(encoding="utf-8") for path in room.glob("*.py"))
        if text:
            found[room.name] = set(re.findall(r"from coursework\.(\w+)", text)) - {room.name}
    assert found == {
        "masters": set(),
        "sandbox": {"text"},
        "intake": {"masters", "files", "tables", "text"},
        "judging": {"intake", "masters", "sandbox", "text"},
        "gradebook": {"masters", "intake", "files", "tables", "text"},
        "overview": {"masters", "intake", "judging", "gradebook", "files", "tables", "text"},
        "handback": {"masters", "intake", "gradebook", "files", "tables", "text"},
    }
