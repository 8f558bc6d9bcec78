"""What has to be in the site so that no page asks for anything outside of it?

A Sphinx extension: MathJax is copied from the package that carries it, and the scripts that Jupyter Book adds from
content-delivery networks without being asked are dropped. sphinx-mathjax-offline puts all of MathJax into a site:
pages whose formulas were rendered in the build need its fonts alone.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX = ("tex-mml-chtml.js", "input/tex/extensions", "output/chtml/fonts", "a11y", "sre")


def mathjax_folder() -> Path:
    """Where the installed package keeps MathJax's browser files."""
    spec = importlib.util.find_spec("mathjax")
    if spec is None or spec.origin is None:
        raise ImportError("MathJax is missing: install django-static-mathjax, or everything with 'make book'")
    return Path(spec.origin).parent / "static" / "mathjax" / "es5"


def _use_own_mathjax(app: Sphinx, config: Config) -> None:
    config.mathjax_path = "mathjax/tex-mml-chtml.js"
    config.mathjax_options = {"defer": "defer"}


def _copy_mathjax(app: Sphinx) -> None:
    if app.builder.format != "html" or app.config.html_math_renderer == "prerendered":
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)


def _drop_foreign_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    def foreign(resource: Any) -> bool:
        filename = str(getattr(resource, "filename", resource) or "")
        body = str(getattr(resource, "attributes", {}).get("body", ""))
        return filename.startswith(("http:", "https:", "//")) or "thebe" in filename or "THEBE" in body

    for key in ("script_files", "css_files"):
        context[key] = [resource for resource in context[key] if not foreign(resource)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", _use_own_mathjax, priority=900)
    app.connect("builder-inited", _copy_mathjax)
    app.connect("html-page-context", _drop_foreign_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
