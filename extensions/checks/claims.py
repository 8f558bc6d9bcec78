"""Has every claim a name of its own, and is the theorem that it names in the book?

A Sphinx extension. What a claim's own page tells, such as a tolerance that rejects nothing, is said where its box is
made (:mod:`extensions.authoring.claims`).
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from extensions.authoring.claims import all_claims, warn


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    seen: dict[str, str] = {}
    known = getattr(env, "proof_list", {})
    for docname, claim in all_claims(env):
        if claim["name"] in seen and seen[claim["name"]] != docname:
            warn(f"there are two claims named {claim['name']!r}, here and in {seen[claim['name']]}", docname)
        seen[claim["name"]] = docname
        for label in claim["theorem"]:
            if label not in known:
                warn(f"claim {claim['name']!r} names a theorem that is not in the book: {label}", docname)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("env-check-consistency", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
