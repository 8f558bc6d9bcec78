"""What does the kernel of a chapter see? A profile of its own, no network, and the settings that make runs agree.

A Sphinx extension. Warnings are errors in these kernels, and what leaves the machine is refused
(:mod:`extensions.execution.kernel_startup`); each does its linear algebra in one thread.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from tools import compiling, threads
from tools.build import NEEDLESS
from tools.compiling import xla_flags

STARTUP = Path(__file__).with_name("kernel_startup.py")
#: The files that say how a kernel is set up.
SETTINGS = (STARTUP, Path(compiling.__file__), Path(threads.__file__))


def kernel_environment(folder: Path) -> dict[str, str]:
    """Write a fresh IPython profile below `folder`; returns the environment that a kernel of the book needs."""
    profile = folder / "ipython"
    startup = profile / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(STARTUP, startup / "00-book.py")
    settings = profile / "profile_default" / "ipython_kernel_config.py"
    # the kernel's remarks on its own transport are nobody's concern here
    quiet = "get_config().IPKernelApp.log_level = 40"
    settings.write_text(f"import sys\n\nsys.modules[{NEEDLESS!r}] = None\n{quiet}\n", encoding="utf-8")
    return {
        "IPYTHONDIR": str(profile),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",  # a cell reads and writes the same whatever the machine's encoding is
        # whoever builds may have chosen another for windows of their own: then no page would have a figure
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": xla_flags(),
        **threads.ONE_EACH,
        # compiling is much of a chapter's time: chapters share what they compile, and keep it between builds
        "JAX_COMPILATION_CACHE_DIR": str(folder / ".jax_cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }


def _prepare_kernels(app: Sphinx) -> None:
    os.environ.update(kernel_environment(Path(app.outdir).parent))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _prepare_kernels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
