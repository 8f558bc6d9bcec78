"""Starting without what is never used: a check of addresses alone costs more than reading all sets.

Imported before anything that imports nbformat, whose validator asks jsonschema for checkers of addresses and durations;
the first builds a grammar of several seconds. The schema of notebooks has no such field. And jupytext loads the server
of Jupyter, to be a part of it, which in this process it is not: its classes for it then say that there is none. Whoever
imports these packages later gets them as always.
"""

import importlib
import sys

UNUSED = {"nbformat": ("rfc3987_syntax", "rfc3987", "isoduration"), "jupytext": ("jupyter_server", "tornado.web")}


def import_lean(name: str) -> None:
    """Import a module while its packages of `UNUSED` that are not there yet seem not to be installed."""
    hidden = [package for package in UNUSED[name] if package not in sys.modules]
    for package in hidden:
        sys.modules[package] = None  # type: ignore[assignment]  # Python is told so that there is none
    try:
        importlib.import_module(name)
    finally:
        for package in hidden:
            sys.modules.pop(package, None)


for module in UNUSED:
    import_lean(module)
