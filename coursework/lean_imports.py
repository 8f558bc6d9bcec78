"""Starting without what is never used: a check of addresses alone costs more than reading all sets.

Imported before anything that imports nbformat, whose validator asks jsonschema for checkers of addresses and durations;
the first builds a grammar of several seconds. The schema of notebooks has no such field. Whoever imports these packages
later gets them as always.
"""

import importlib
import sys

UNUSED = ("rfc3987_syntax", "rfc3987", "isoduration")


def import_lean(name: str) -> None:
    """Import a module while the packages of `UNUSED` that are not there yet seem not to be installed."""
    hidden = [package for package in UNUSED if package not in sys.modules]
    for package in hidden:
        sys.modules[package] = None  # type: ignore[assignment]  # Python is told so that there is none
    try:
        importlib.import_module(name)
    finally:
        for package in hidden:
            sys.modules.pop(package, None)


import_lean("nbformat")
