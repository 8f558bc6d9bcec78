"""How does an explorer answer in JupyterLab, where Python computes any setting?"""

import time
from pathlib import Path
from typing import Any

from ntklib.book._drawings import Array
from ntklib.book._needs import needed_for

__all__ = ["LIVE", "SCRIPT", "someone_watches", "widget"]

SCRIPT, LIVE = (Path(__file__).with_name(name) for name in ("explorer.js", "explorer_live.js"))


def someone_watches() -> bool:
    """Whether a person runs the cell: only to a front end that could ask one does Jupyter allow questions."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))


def widget(explorer: Any) -> Any:
    """Make the class of an explorer's widget, which has a trait for each parameter, and one object of it.

    Args:
        explorer: an :class:`ntklib.book.Explorer`.

    Raises:
        ImportError: without anywidget.
        ValueError: if a parameter has the name of something that widgets have.
    """
    with needed_for("Explorer.widget"):
        import anywidget
        import traitlets

    names = [p.name for p in explorer.parameters]

    class Base(anywidget.AnyWidget):
        _esm = SCRIPT.read_text(encoding="utf-8") + "\n" + LIVE.read_text(encoding="utf-8")
        _spec = traitlets.Dict().tag(sync=True)
        _answer = traitlets.Dict().tag(sync=True)
        _progress = traitlets.List([1, 1]).tag(sync=True)
        text = traitlets.Unicode().tag(sync=True)

        def answer(self, change: Any = None) -> None:
            setting = tuple(getattr(self, name) for name in names)
            if change is not None and setting == tuple(self._answer["setting"]):
                return
            start = time.perf_counter()
            try:
                frame = explorer.frame(setting)
            except Exception as error:
                if change is None:
                    raise
                self.text = f"{type(error).__name__}: {error}"
                self._answer = {"setting": setting, "error": self.text}
                return
            self.text = frame.text
            self._answer = {
                "setting": setting,
                "arrays": [[_listed(array) for array in arrays] for arrays in frame.arrays],
                "columns": [item.get("columns") for item in frame.items],
                "text": frame.text,
                "seconds": time.perf_counter() - start,
                "limits": explorer.limits([*explorer._computed.values(), frame]),
            }

        def show_progress(self, done: int, total: int) -> None:
            self._progress = [done, total]

    kinds = {"check": lambda p: traitlets.Bool(), "choice": lambda p: traitlets.Enum(p.values)}
    traits = {
        p.name: kinds.get(p.kind, lambda p: traitlets.Int() if p.whole else traitlets.Float())(p)
        for p in explorer.parameters
    }
    for name in traits:
        if hasattr(Base, name):
            raise ValueError(f"a widget cannot have a parameter called {name!r}; choose another name")
    made = type("ExplorerWidget", (Base,), {name: trait.tag(sync=True) for name, trait in traits.items()})
    first = explorer.frame(explorer.start)
    shown = made(_spec=explorer._header([first]), **dict(zip(names, explorer.start, strict=True)))
    shown.answer()
    shown.observe(shown.answer, names)
    return shown


def _listed(array: Array) -> list[float | None]:
    return [None if value != value else value for value in array.ravel().tolist()]
