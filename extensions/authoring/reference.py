"""Where is the library explained? On a page for each module, written from what is on disk, below a page that lists all.

A Sphinx extension. `appendix/library.md` names the modules, a name a line, in directives ``library-modules``; what a
module is for is the first line of its docstring, so that neither can go stale. Sphinx's autosummary would write such
pages too, but puts them into the contents with a `toctree`, which a book with a `_toc.yml` may not have.

In version 0.1.0 all modules stood on the page that lists them now: its names carry the old anchors, and lead on.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from extensions.authoring.claims import prose
from extensions.store import changed, findings

logger = logging.getLogger(__name__)

LIBRARY = "ntklib"
INDEX = "appendix/library"
PAGE = """# {name}

```{{eval-rst}}
.. automodule:: {name}
```
"""
LEAD_ON = """
addEventListener("DOMContentLoaded", () => {
  let name = "", old = null;
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* a damaged address leads nowhere */ }
  // what is gone leads to its class or module
  for (; name && !(old && old.dataset.to); name = name.replace(/\\.?[^.]*$/, "")) {
    old = document.getElementById(name) || document.getElementById(`module-${name}`);
  }
  if (old && old.dataset.to) location.replace(new URL("#" + old.dataset.to, old.closest("a").href));
});
"""


class moved_node(nodes.Inline, nodes.Element):
    """An anchor of the time when all modules stood on one page, and the one that took its place."""


class names_node(nodes.Inline, nodes.Element):
    """Where the names that a module offers go."""


def _file(library: Path, name: str) -> Path:
    """The file of a module; a page that depends on one that does not exist would be read again by each build."""
    path = library.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _parsed(library: Path, name: str) -> ast.Module:
    return _tree(_file(library, name).read_text(encoding="utf-8"))


@functools.cache  # the same files are asked about by several steps of one build
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def _public(library: Path) -> Iterator[str]:
    """All modules whose names do not begin with an underscore, with dots; packages only if they define something."""
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
            if not parts or not _defined(_tree(path.read_text(encoding="utf-8"))):
                continue
        if not any(part.startswith("_") for part in parts) and parts != (
            "neural_tangents",
        ):  # which is explained apart
            yield ".".join((library.name, *parts))


def _defined(module: ast.Module) -> list[ast.stmt]:
    return [node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def passed_on(library: Path, name: str) -> list[tuple[str, str]]:
    """If a module defines nothing itself: what it takes from which other, each a name or ``*``; else nothing.

    What it takes from private modules, which have no pages, is explained on its own.
    """
    body = _parsed(library, name).body
    imports = [
        node for node in body if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(library.name)
    ]
    private = [node for node in imports if str(node.module).rpartition(".")[2].startswith("_")]
    return (
        []
        if _defined(_parsed(library, name)) or private
        else [(str(node.module), alias.name) for node in imports for alias in node.names]
    )


def modules(library: Path) -> list[str]:
    """The public modules that have something to explain, with dots.

    >>> "ntklib.mlp" in modules(Path(__file__).parents[2] / "ntklib")
    True
    """
    return [name for name in _public(library) if not passed_on(library, name)]


def sentence(library: Path, name: str) -> str:
    """What a module is for: the first paragraph of its docstring, in one line, with code and formulas as in Markdown.

    Raises:
        ValueError: if it has no docstring.
    """
    text = ast.get_docstring(_parsed(library, name))
    if not text:
        raise ValueError(f"{name} has no docstring, whose first line would say what the module is for")
    line = " ".join(text.split("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", re.sub(r":math:`([^`]+)`", r"$\1$", line))


def write_pages(source: Path) -> None:
    """A page for each module beside the one that lists them; pages of modules that are gone are removed."""
    if not (source / f"{INDEX}.md").exists():
        return
    folder = source / INDEX
    folder.mkdir(exist_ok=True)
    pages = {folder / f"{name}.md": PAGE.format(name=name) for name in modules(source / LIBRARY)}
    for path in set(folder.glob("*.md")) - pages.keys():
        path.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # a file that is written again is read again
            path.write_text(text, encoding="utf-8")


class ModulesDirective(SphinxDirective):
    """``library-modules``: names of modules, each with what it is for and what it offers."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """A list; what each module offers is added when its page has been read."""
        library = Path(self.env.srcdir) / LIBRARY
        known = modules(library)
        listed = nodes.definition_list(classes=["library-modules"])
        for line in filter(None, map(str.strip, self.content)):
            name = f"{LIBRARY}.{line}"
            if name not in known:
                message = f"library-modules names {line!r}, which is no public module of {LIBRARY}"
                logger.warning(message, location=self.get_location(), type="book", subtype="library")
                continue
            self.env.note_dependency(str(_file(library, name)))
            findings(self.env, "library").setdefault(self.env.docname, []).append(name)
            term = nodes.term("", "", names_node(module=name, itself=True))
            about = nodes.paragraph("", "", *prose(sentence(library, name)))
            offered = nodes.paragraph("", "", names_node(module=name, itself=False), classes=["library-names"])
            listed += nodes.definition_list_item("", term, nodes.definition("", about, offered))
        return [listed]


def _objects(env: BuildEnvironment, module: str) -> list[str]:
    """The full names of what is explained on a module's page, in its order."""
    objects = env.get_domain("py").data["objects"]
    return [
        name for name, entry in objects.items() if entry.docname == f"{INDEX}/{module}" and entry.objtype != "module"
    ]


def paths(library: Path, module: str, offered: list[str]) -> dict[str, str]:
    """Every path to what a module offers, old ones included, and the name under which that is explained."""
    found = {name: name for name in offered}
    for old in _public(library):
        for source, passed in passed_on(library, old):
            for name in offered if source == module else ():
                inside = name.removeprefix(f"{module}.")
                if passed in ("*", inside.split(".")[0]):
                    found[f"{old}.{inside}"] = name
    return found


def _link(address: str, text: str, anchors: dict[str, str]) -> nodes.reference:
    link = nodes.reference("", "", refuri=address, internal=True)
    link += [moved_node(old=old, new=new) for old, new in anchors.items()]
    link += nodes.literal(text, text)
    return link


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """The links to the pages of modules, and to what they offer."""
    library = Path(app.srcdir) / LIBRARY
    for place in list(doctree.findall(names_node)):
        module = place["module"]
        page = app.builder.get_relative_uri(docname, f"{INDEX}/{module}")
        offered = _objects(app.env, module)
        known = paths(library, module, offered)
        if place["itself"]:
            own = {
                f"module-{old.removesuffix(new.removeprefix(module))}": f"module-{module}" for old, new in known.items()
            }
            place.replace_self(_link(page, module, {f"module-{module}": f"module-{module}"} | own))
            continue
        names = [name for name in offered if "." not in name.removeprefix(f"{module}.")]
        found: list[nodes.Node] = []
        for name in names:
            anchors = {old: new for old, new in known.items() if f"{new}.".startswith(f"{name}.")}
            found += [nodes.Text(", "), _link(f"{page}#{name}", name.removeprefix(f"{module}."), anchors)]
        place.replace_self(found[1:])


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    """Every page of a module is listed, or a reader would find it by chance."""
    listed = [name for names in findings(env, "library").values() for name in names]
    for module in modules(Path(app.srcdir) / LIBRARY) if listed else ():
        if listed.count(module) != 1:
            message = "%s belongs into one list library-modules, and is in %d"
            logger.warning(message, module, listed.count(module), location=INDEX, type="book", subtype="library")


def _pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages that list modules, when these offer something else."""
    listed = findings(env, "library")
    offered = {module: _objects(env, module) for names in listed.values() for module in names}
    return sorted(listed) if changed(env, "library", offered) else []


def _lead_on(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename in findings(app.env, "library"):
        app.add_js_file(None, body=LEAD_ON)


def _visit_moved(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<span id="{node["old"]}" data-to="{node["new"]}"></span>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages, before Sphinx looks for them, and connect."""
    write_pages(Path(app.srcdir))
    app.setup_extension("extensions.store")
    app.add_node(moved_node, html=(_visit_moved, None))
    app.add_node(names_node)
    app.add_directive("library-modules", ModulesDirective)
    app.connect("env-updated", _pages_to_write)
    app.connect("env-check-consistency", _check)
    app.connect("doctree-resolved", _fill)
    app.connect("html-page-context", _lead_on)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
