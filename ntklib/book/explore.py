r"""How does a figure answer a reader who changes something?

:class:`Explorer` draws what a function computes for each setting of some parameters. On a page of the book it moves
without Python, from drawings that were computed when the chapter was executed; in JupyterLab the same controls ask the
function, for any value; elsewhere it is a still picture.
"""

import base64
import functools
import html
import importlib.util
import itertools
import math
import numbers
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ntklib.book import _frames
from ntklib.book._frames import ROLES, Band, Bars, Frame, Image, Item, Line, Points, Role, Rule, Store

__all__ = ["ROLES", "Band", "Bars", "Explorer", "Image", "Line", "Points", "Role", "Rule"]

SCRIPT = Path(__file__).with_name("explorer.js")
_MOST_SETTINGS = 20_000

Drawing = Item | Iterable[Item | str]


class Parameter(NamedTuple):
    """What a reader can change: `kind` is ``"check"``, ``"choice"`` or ``"slider"``."""

    name: str
    label: str
    unit: str
    kind: str
    values: tuple[Any, ...]
    whole: bool


class Explorer:
    r"""A figure with controls.

    Args:
        compute: ``compute(**setting)`` returns what to draw for a setting: one of :class:`Line`, :class:`Band`,
            :class:`Points`, :class:`Bars`, :class:`Image`, :class:`Rule`, or several of them and a line of text. Kinds,
            names and roles have to be the same for all settings; lengths may differ. Values have to be finite;
            a masked array leaves a gap where it is masked.
        parameters: the values of each parameter. Numbers make a slider, strings a drop-down, booleans a check box.
            The page holds every combination.
        title: what the figure is about, in a few words.
        description: what it shows, for those who do not see it.
        x_label: of the horizontal axis, with the unit.
        y_label: of the vertical axis, with the unit.
        x_scale: ``"linear"`` or ``"log"``.
        y_scale: ``"linear"`` or ``"log"``.
        x_limits: the ends of the axis (the first at the left); by default what all settings need.
        y_limits: the same, the first at the bottom.
        x_ticks: texts at positions of the axis, instead of numbers.
        y_ticks: the same.
        aspect: height of the drawing over its width.
        units: of parameters, for instance ``{"width": "units"}``.
        labels: of parameters; by default their names.
        start: the setting that is shown first; by default the first value of each parameter.
        play: a parameter that is a time, or like one, and gets a button that lets it run.
        max_bytes: of HTML that the explorer may add to a page.

    Raises:
        ValueError: for arguments outside of these; and when it is shown, naming the setting, if a drawing is not as
            said above; and with its size if the page would become too heavy.

    >>> x = np.linspace(0, 1, 50)
    >>> explorer = Explorer(
    ...     lambda power: [Line(x, x**power, "power", role="kernel"), f"area {1 / (power + 1):.3f}"],
    ...     {"power": [1, 2, 3]}, title="Powers", description="A power of x.", x_label="x", y_label="y",
    ... )
    >>> explorer
    Explorer('Powers', power: 3 values)
    """

    def __init__(
        self,
        compute: Callable[..., Drawing],
        parameters: Mapping[str, Iterable[Any]],
        *,
        title: str,
        description: str,
        x_label: str,
        y_label: str,
        x_scale: str = "linear",
        y_scale: str = "linear",
        x_limits: tuple[float, float] | None = None,
        y_limits: tuple[float, float] | None = None,
        x_ticks: Mapping[float, str] | None = None,
        y_ticks: Mapping[float, str] | None = None,
        aspect: float = 0.55,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | None = None,
        play: str | None = None,
        max_bytes: int = 500_000,
    ) -> None:
        units, labels, start = units or {}, labels or {}, start or {}
        self.compute = compute
        self.parameters = [_parameter(n, v, labels.get(n, n), units.get(n, "")) for n, v in parameters.items()]
        if not self.parameters:
            raise ValueError("parameters must name at least one parameter")
        for argument, names in (
            ("units", units),
            ("labels", labels),
            ("start", start),
            ("play", [play] if play else []),
        ):
            if unknown := set(names) - set(parameters):
                raise ValueError(f"{argument} names {sorted(unknown)}, but the parameters are {list(parameters)}")
        for name, scale in (("x_scale", x_scale), ("y_scale", y_scale)):
            if scale not in ("linear", "log"):
                raise ValueError(f"{name} must be 'linear' or 'log', got {scale!r}")
        for parameter in self.parameters:
            if start.get(parameter.name, parameter.values[0]) not in parameter.values:
                raise ValueError(f"start has {parameter.name} = {start[parameter.name]!r}, which is none of its values")
            if parameter.name == play and parameter.kind != "slider":
                raise ValueError(f"play must name a parameter of numbers, got {play!r}")
        self.title, self.description = title, description
        self.start = tuple(start.get(p.name, p.values[0]) for p in self.parameters)
        self.max_bytes = max_bytes
        self._scales = {"x": x_scale, "y": y_scale}
        self._given = {"x": x_limits, "y": y_limits}
        self._spec = {
            "title": title,
            "description": description,
            "parameters": [p._asdict() for p in self.parameters],
            "play": play,
            "aspect": aspect,
            **{
                name: {"label": label, "scale": scale, "ticks": ticks and [[float(k), v] for k, v in ticks.items()]}
                for name, label, scale, ticks in (("x", x_label, x_scale, x_ticks), ("y", y_label, y_scale, y_ticks))
            },
        }
        self._computed: dict[tuple[Any, ...], Frame] = {}
        self._structure: list[Any] = []

    def __repr__(self) -> str:
        counts = ", ".join(f"{p.name}: {len(p.values)} values" for p in self.parameters)
        return f"Explorer({self.title!r}, {counts})"

    @functools.cached_property
    def widget(self) -> Any:
        """The live widget, an `anywidget.AnyWidget` with a trait for each parameter and one for the `text`.

        Where `compute` fails, `text` says how.
        It takes part in `ipywidgets.VBox`, `observe` and `link`, and computes only the settings that it is asked for.
        """
        return _widget(self)

    def settings(self) -> list[tuple[Any, ...]]:
        """All combinations of the values of the parameters, the last parameter changing fastest."""
        return list(itertools.product(*(p.values for p in self.parameters)))

    def frame(self, setting: tuple[Any, ...]) -> Frame:
        """The checked drawing for one value of each parameter; those of the page are computed once."""
        if setting in self._computed:
            return self._computed[setting]
        arguments = {p.name: value for p, value in zip(self.parameters, setting, strict=True)}
        call = "compute(" + ", ".join(f"{name}={value!r}" for name, value in arguments.items()) + ")"
        try:
            drawing = self.compute(**arguments)
        except Exception as error:
            error.add_note(f"raised by {call}")
            raise
        try:
            frame = _frames.frame(drawing, self._scales)
        except ValueError as error:
            raise ValueError(f"{call}: {error}") from None
        self._structure = self._structure or frame.structure()
        if frame.structure() != self._structure:
            raise ValueError(
                f"{call} draws {_names(frame.structure())}, other settings draw {_names(self._structure)}: kinds, "
                "names and roles must be the same for all settings (an item with empty arrays is not drawn)"
            )
        if all(value in p.values for p, value in zip(self.parameters, setting, strict=True)):
            self._computed[setting] = frame
        return frame

    def limits(self, frames: Sequence[Frame]) -> dict[str, Any]:
        """The ends of both axes, and of the colours of each image, for these drawings."""
        ends: dict[str, Any] = {
            axis: list(map(float, given)) if given else _frames.limits(frames, axis, self._scales[axis])
            for axis, given in self._given.items()
        }
        return {**ends, "z": [_color_limits(frames, index) for index in range(len(frames[0].items))]}

    def _header(self, frames: Sequence[Frame]) -> dict[str, Any]:
        return {**self._spec, "start": list(self.start), "items": frames[0].items, "limits": self.limits(frames)}

    def _pack(self, frames: Sequence[Frame]) -> str:
        """The text that the script draws from."""
        header, store, texts = self._header(frames), Store(), {f.text: None for f in frames}
        ends = {a: np.log10(v) if self._scales.get(a) == "log" else v for a, v in header["limits"].items() if a != "z"}
        seen = {axis: abs(end[1] - end[0]) / 2000 for axis, end in ends.items()}
        axes = [axis for item in frames[0].items for axis in _frames.axes(item)]
        rows = [
            [
                store.add(array, log=self._scales.get(axis) == "log", resolution=seen.get(axis, math.inf))
                for array, axis in zip(itertools.chain(*frame.arrays), axes, strict=True)
            ]
            for frame in frames
        ]
        number = {text: index for index, text in enumerate(texts)}
        return store.pack({**header, "frames": rows, "texts": list(texts), "text": [number[f.text] for f in frames]})

    def _compute_all(self, progress: Callable[[int, int], None] = lambda done, total: None) -> str:
        """Compute every setting of the page, and give up as soon as they are too many for it."""
        settings, frames = self.settings(), []
        if len(settings) > _MOST_SETTINGS:
            raise ValueError(self._too_heavy(f"has {len(settings)} settings, of which a page holds {_MOST_SETTINGS}"))
        for done, setting in enumerate(settings):
            progress(done, len(settings))
            frames.append(self.frame(setting))
            if done >= 15 and (done & (done + 1)) == 0:  # after 16, 32, 64 … drawings
                self._refuse_too_heavy(self._pack(frames), len(frames), len(settings))
        packed = self._pack(frames)
        self._refuse_too_heavy(packed, len(frames), len(settings))
        return packed

    def _refuse_too_heavy(self, packed: str, done: int, total: int) -> None:
        if len(packed) > self.max_bytes:
            about = (
                f"about {len(packed) * total / done / 1000:,.0f} kB"
                if done < total
                else f"{len(packed) / 1000:,.0f} kB"
            )
            raise ValueError(
                self._too_heavy(f"would add {about} to the page, where {self.max_bytes / 1000:,.0f} kB are allowed")
            )

    def _too_heavy(self, how: str) -> str:
        counts = " × ".join(f"{len(p.values)} ({p.name})" for p in self.parameters)
        most = max(self.parameters, key=lambda p: len(p.values)).name
        advice = f"give fewer values of {most!r}"
        if self._computed:
            frame = next(iter(self._computed.values()))
            sizes = [
                (sum(a.size for a in arrays), item["name"])
                for item, arrays in zip(frame.items, frame.arrays, strict=True)
            ]
            advice += f", or fewer points of {max(sizes)[1]!r}, which has {max(sizes)[0]} numbers in each drawing"
        return f"the grid of {counts} settings {how}: {advice}"

    @functools.cached_property
    def _static(self) -> dict[str, str]:
        """The explorer without a kernel: HTML that the script brings to life, a still picture, a sentence."""
        from ntklib.book import _still  # and with it matplotlib

        packed = self._compute_all()
        frame, limits = self.frame(self.start), self.limits(list(self._computed.values()))
        setting = ", ".join(map(_spoken, self.parameters, self.start))
        alternative = f"{self.title}. {self.description} Shown for {setting}. {frame.text}".strip()
        picture = base64.b64encode(_still.picture(self._spec, frame, limits, setting)).decode()
        return {
            "text/html": '<div class="ntk-explorer">'
            f'<img src="data:image/png;base64,{picture}" alt="{html.escape(alternative)}">'
            f'<script type="text/plain">{packed}</script></div>',
            "image/png": picture,
            "text/plain": f"{self!r}: {alternative}",
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data: dict[str, Any] = dict(self._static)
        if importlib.util.find_spec("anywidget"):
            data |= {k: v for k, v in self.widget._repr_mimebundle_()[0].items() if "widget-view" in k}
        return data, {}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if "_static" not in self.__dict__ and _someone_watches() and importlib.util.find_spec("anywidget"):
            # the live widget comes first and shows how far the rest is; then the stored output replaces it
            handle = display(self.widget._repr_mimebundle_()[0], raw=True, display_id=True)
            self._compute_all(self.widget.show_progress)
            self.widget.show_progress(1, 1)
            self.widget.answer()  # once more, in the axes of all settings
            data, metadata = self._repr_mimebundle_()
            handle.update(data, metadata=metadata, raw=True)
        else:
            data, metadata = self._repr_mimebundle_()
            display(data, metadata=metadata, raw=True)


def _parameter(name: str, values: Iterable[Any], label: str, unit: str) -> Parameter:
    given = tuple(v.item() if isinstance(v, np.generic) or hasattr(v, "__array__") else v for v in values)
    if not given or len(set(given)) < len(given):
        raise ValueError(f"the values of {name!r} must be different and at least one, got {list(given)!r}")
    if all(isinstance(v, bool) for v in given):
        return Parameter(name, label, unit, "check", given, False)
    if all(isinstance(v, str) for v in given):
        return Parameter(name, label, unit, "choice", given, False)
    if all(isinstance(v, numbers.Real) and not isinstance(v, bool) and math.isfinite(v) for v in given):
        whole = all(isinstance(v, int) for v in given)
        return Parameter(name, label, unit, "slider", given if whole else tuple(map(float, given)), whole)
    raise ValueError(f"the values of {name!r} must be finite numbers, or strings, or booleans, got {list(given)!r}")


def _spoken(parameter: Parameter, value: Any) -> str:
    if parameter.kind == "slider":
        return f"{parameter.label} = {value:g} {parameter.unit}".strip()
    return f"{parameter.label}: {value if parameter.kind == 'choice' else 'on' if value else 'off'}"


def _names(structure: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join(f"{kind} {name!r} ({role})" for kind, name, role, _ in structure)


def _color_limits(frames: Sequence[Frame], index: int) -> list[float] | None:
    item = frames[0].items[index]
    if item["kind"] != "image" or item["limits"]:
        return item.get("limits")
    values = np.concatenate([frame.arrays[index][2].ravel() for frame in frames])
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if not np.isnan(values).all() else (0.0, 1.0)
    if item["diverging"]:
        high = max(-low, high)
        low = -high
    return [low, high] if high > low else [low, low + 1.0]


def _someone_watches() -> bool:
    """Whether a person runs the cell: only to a front end that could ask one does Jupyter allow questions."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))


def _widget(explorer: Explorer) -> Any:
    """Make the class of the widget, which has a trait for each parameter, and one object of it."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise ImportError("Explorer.widget needs anywidget: pip install anywidget") from None

    names = [p.name for p in explorer.parameters]

    class Base(anywidget.AnyWidget):
        _esm = SCRIPT.read_text() + "\nexport default { render: explorer.render };\n"
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
    widget = made(_spec=explorer._header([first]), **dict(zip(names, explorer.start, strict=True)))
    widget.answer()
    widget.observe(widget.answer, names)
    return widget


def _listed(array: _frames.Array) -> list[float | None]:
    return [None if value != value else value for value in array.ravel().tolist()]
