"""Right answers to the toy, and the points that they earn."""

import copy
from dataclasses import replace

import nbformat

from coursework.judging.setting import limits_of
from coursework.masters.allowance import Allowance

USUAL = limits_of(Allowance())
QUICK = replace(USUAL, cell=1.5, test=4.0, patience=4.0, grace=1.0)
MEAN = "def mean(values):\n    return float(np.sum(values) / len(values))\n\nanswer = mean(x)"
GRAM = "def gram(a, b):\n    return a @ b.T"
FULL = {"q1-mean": 2.0, "q1-value": 1.0, "q2-gram": 3.0}
NONE = dict.fromkeys(FULL, 0.0)
FIRST = {"q1-mean": 2.0, "q1-value": 1.0, "q2-gram": 0.0}
SECOND = {"q1-mean": 0.0, "q1-value": 0.0, "q2-gram": 3.0}


def fill(path, **sources):
    """What a student does to a released file."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").replace("-", "_")
        cell.source = sources.get(name, cell.source)
    nbformat.write(notebook, path)


def with_line_ends(notebook, end):
    """A notebook as an editor of another system saves it: other line ends in every cell."""
    changed = copy.deepcopy(notebook)
    for cell in changed.cells:
        cell.source = cell.source.replace("\n", end)
    return changed
