"""How does a notebook get what it needs, where nothing of the book is installed? By its first cell.

The cell tries what it finds: the library's wheel beside the notebook, as it is in an archive of the book, then the
wheel on the book's site, then the book's repository. It says in one line when none of them will do. Where the library
is installed it does nothing.
"""

from tools import repository

CELL = """\
# What this notebook needs, where it is not installed yet: from beside it{others}.
import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("ntklib") is None:

    class NotInstalled(ImportError):
        def _render_traceback_(self):
            return [str(self)]

    places = [wheel.resolve().as_uri() for wheel in sorted(Path().glob("ntklib-*.whl"))]
    places += {places}
    told = []
    if places:
        print("Installing the book's library and what it needs: a minute or two, once.", flush=True)
    for place in places:
        command = [sys.executable, "-m", "pip", "install", "--quiet", f"ntklib[notebook] @ {{place}}"]
        pip = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        importlib.invalidate_caches()
        if importlib.util.find_spec("ntklib") is not None:
            break
        told.append(f"{{place}} ({{(pip.stderr.strip().splitlines() or ['no word of why'])[-1].strip()}})")
    else:
        raise NotInstalled(
            "ntklib is missing, and could not be installed from "
            + (", ".join(told) or "beside this notebook, where no ntklib-*.whl is")
            + ". With the book's folder at hand, run there: pip install '.[notebook]'"
        )

from ntklib.book.practice import check_answer, self_check"""


def install_cell(where: repository.Repository | None, wheel: str | None = None) -> str:
    """The code of the first cell.

    Args:
        where: the book's repository, where it is known.
        wheel: the address of the library's wheel on the book's site, where that is known.

    >>> print(install_cell(repository.Repository("someone/book")).splitlines()[0])
    # What this notebook needs, where it is not installed yet: from beside it or from the book's repository.
    """
    places = {}
    if wheel is not None:
        places["the book's site"] = wheel
    if where is not None:
        places["the book's repository"] = f"git+{where.address}@{where.ref}"
    others = "".join(f" or from {name}" for name in places)
    listed = "[" + ", ".join(f'"{place}"' for place in places.values()) + "]"
    return CELL.format(others=others, places=listed)
