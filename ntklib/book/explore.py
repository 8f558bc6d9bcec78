r"""How does a figure answer a reader who changes something?

:class:`Explorer` draws what a function computes for each setting of some parameters. On a page of the book it moves
without Python, from drawings that were computed when the chapter was executed; in JupyterLab the same controls ask the
function, for any value; elsewhere it is a still picture.
"""

import functools
import importlib.util
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ntklib import _arguments
from ntklib.book import _limits, _page, _parameters, _widget
from ntklib.book._drawings import Band, Bars, Drawing, Frame, Image, Line, Points, Rule, frame
from ntklib.book._roles import ROLES, Role

__all__ = ["ROLES", "Band", "Bars", "Explorer", "Image", "Line", "Points", "Role", "Rule"]


def _places(ticks: Mapping[float, str] | None) -> list[list[Any]] | None:
    """The texts of an axis with their positions, as the page has them; None leaves the axis its numbers."""
    return None if ticks is None else [[float(place), text] for place, text in ticks.items()]


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
        x_ticks: texts at positions of the axis, instead of numbers; none, with an empty mapping.
        y_ticks: the same.
        aspect: height of the drawing over its width.
        text_above: whether the sentence stands above the drawing and not below all controls.
        units: of parameters, for instance ``{"width": "units"}``.
        labels: of parameters; by default their names.
        start: the setting that is shown first; by default the first value of each parameter.
        play: the parameter that gets a button which runs through its values; by default the slider with the most
            values, if it has at least five.
        views: settings worth a look, by the words on the buttons that lead to them; a parameter that a view does not
            name stays as it is.
        max_bytes: of HTML that the explorer may add to a page.

    Raises:
        ValueError: for arguments outside of these; and when it is shown, naming the setting, if a drawing is not as
            said above; and with its size if the page would become too heavy.

    >>> import numpy as np
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
        text_above: bool = False,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | None = None,
        play: str | None = None,
        views: Mapping[str, Mapping[str, Any]] | None = None,
        max_bytes: int = 500_000,
    ) -> None:
        units, labels, start = _of_parameters(units=units, labels=labels, start=start)
        _arguments.function("compute", compute, "compute(**setting)")
        _arguments.mapping("parameters", parameters, "names to values")
        for name, text in (("title", title), ("description", description), ("x_label", x_label), ("y_label", y_label)):
            _arguments.text(name, text, empty=True)
        for axis, ends, ticks in (("x", x_limits, x_ticks), ("y", y_limits, y_ticks)):
            _arguments.interval(f"{axis}_limits", ends)
            if ticks is not None:
                _arguments.mapping(f"{axis}_ticks", ticks, "positions to texts")
                if not all(map(_arguments.is_number, ticks)):
                    raise ValueError(f"{axis}_ticks must be at positions that are numbers, got {list(ticks)}")
        aspect, max_bytes = (
            _arguments.number("aspect", aspect, positive=True),
            _arguments.count("max_bytes", max_bytes, 1),
        )
        self.compute = compute
        self.parameters = [
            _parameters.parameter(n, v, labels.get(n, n), units.get(n, "")) for n, v in parameters.items()
        ]
        if not self.parameters:
            raise ValueError("parameters must name at least one parameter")
        for argument, names in (
            ("units", units),
            ("labels", labels),
            ("start", start),
            ("play", [] if play is None else [_arguments.text("play", play)]),
        ):
            if unknown := set(names) - set(parameters):
                raise ValueError(f"{argument} names {sorted(unknown)}, but the parameters are {list(parameters)}")
        for name, scale in (("x_scale", x_scale), ("y_scale", y_scale)):
            _arguments.choice(name, scale, ("linear", "log"))
        for parameter in self.parameters:
            if start.get(parameter.name, parameter.values[0]) not in parameter.values:
                raise ValueError(f"start has {parameter.name} = {start[parameter.name]!r}, which is none of its values")
            if parameter.name == play and parameter.kind != "slider":
                raise ValueError(f"play must name a parameter of numbers, got {play!r}")
        if play is None:
            longest = max(self.parameters, key=lambda p: len(p.values) if p.kind == "slider" else 0)
            play = longest.name if longest.kind == "slider" and len(longest.values) >= 5 else None
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
            "views": _of_views(views, self.parameters),
            "aspect": aspect,
            "text_above": _arguments.flag("text_above", text_above),
            **{
                name: {"label": label, "scale": scale, "ticks": _places(ticks)}
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
        return _widget.widget(self)

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
            drawn = frame(drawing, self._scales)
        except ValueError as error:
            raise ValueError(f"{call}: {error}") from None
        self._structure = self._structure or drawn.structure()
        if drawn.structure() != self._structure:
            raise ValueError(
                f"{call} draws {_names(drawn.structure())}, other settings draw {_names(self._structure)}: kinds, "
                "names and roles must be the same for all settings (an item with empty arrays is not drawn)"
            )
        if all(value in p.values for p, value in zip(self.parameters, setting, strict=True)):
            self._computed[setting] = drawn
        return drawn

    def limits(self, frames: Sequence[Frame]) -> dict[str, Any]:
        """The ends of both axes, and of the colours of each image, for these drawings."""
        ends: dict[str, Any] = {
            axis: list(map(float, given)) if given else _limits.limits(frames, axis, self._scales[axis])
            for axis, given in self._given.items()
        }
        return {**ends, "z": [_limits.color_limits(frames, index) for index in range(len(frames[0].items))]}

    def _header(self, frames: Sequence[Frame]) -> dict[str, Any]:
        return {**self._spec, "start": list(self.start), "items": frames[0].items, "limits": self.limits(frames)}

    @functools.cached_property
    def _static(self) -> dict[str, str]:
        return _page.representations(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data: dict[str, Any] = dict(self._static)
        if importlib.util.find_spec("anywidget"):
            data |= {k: v for k, v in self.widget._repr_mimebundle_()[0].items() if "widget-view" in k}
        return data, {}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if "_static" not in self.__dict__ and _widget.someone_watches() and importlib.util.find_spec("anywidget"):
            # the live widget comes first and shows how far the rest is; then the stored output replaces it
            handle = display(self.widget._repr_mimebundle_()[0], raw=True, display_id=True)
            _page.packed(self, self.widget.show_progress)
            self.widget.show_progress(1, 1)
            self.widget.answer()  # once more, in the axes of all settings
            data, metadata = self._repr_mimebundle_()
            handle.update(data, metadata=metadata, raw=True)
        else:
            data, metadata = self._repr_mimebundle_()
            display(data, metadata=metadata, raw=True)


def _of_parameters(**given: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """What is said of parameters by their names; nothing, if nothing is."""
    for name, value in given.items():
        if value is not None:
            _arguments.mapping(name, value, "names of parameters")
    return [value or {} for value in given.values()]


def _of_views(
    views: Mapping[str, Mapping[str, Any]] | None, parameters: Sequence[_parameters.Parameter]
) -> list[tuple[str, dict[str, Any]]]:
    """The views, each with values that the page holds."""
    if views is None:
        return []
    _arguments.mapping("views", views, "words on buttons to settings")
    if not views:
        raise ValueError("views must have at least one view, got {}")
    values = {p.name: p.values for p in parameters}
    for words, setting in views.items():
        _arguments.mapping(f"views: {words!r}", setting, "names of parameters to values")
        for name, value in setting.items():
            if name not in values:
                raise ValueError(f"views: {words!r} names {name!r}, but the parameters are {list(values)}")
            if value not in values[name]:
                raise ValueError(f"views: {words!r} has {name} = {value!r}, which is none of its values")
    return [
        (words, {name: values[name][values[name].index(value)] for name, value in setting.items()})
        for words, setting in views.items()
    ]


def _names(structure: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join(f"{kind} {name!r} ({role})" for kind, name, role, _ in structure)
