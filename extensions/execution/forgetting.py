"""What becomes of a page that is read again? All of them are forgotten first, and only then is one read.

A Sphinx extension. Sphinx forgets a page when its turn comes. When a label has moved to a page that is read before the
one that it left, the old page still holds it: theorems and exercises complain of labels given twice, and the build
breaks off.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def _forget(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    for docname in docnames:
        app.emit("env-purge-doc", env, docname)
        env.clear_doc(docname)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("env-before-read-docs", _forget)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
