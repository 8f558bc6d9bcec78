r"""How does a reader drag the observations of an explorer, and the fitted curve follows without Python?

Many fits are linear in the observations: :math:`\hat f = A y`, with a matrix that depends on the places, the kernel and
the noise, but not on the heights :math:`y`. :class:`Draggable` stores that matrix for each setting of an explorer, and
the page multiplies. A band around the curve keeps its width, whatever the heights are.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ntklib import _arguments
from ntklib.book._drawings import Array, Frame
from ntklib.book._store import Store
from ntklib.book.explore import Explorer

__all__ = ["Draggable"]

#: What the extension that adds the script looks for.
MARK = "data-dragging"
EXACT = 1e-6  # of the height of the picture: a curve that is farther from A y is another one
GRAIN = 2.0**-22  # what the entries of A are multiples of: the bits beyond would be most of what is stored
_FLOATS = -1.0  # a resolution of Store for which everything is stored as float32


class Draggable:
    r"""An explorer whose observations can be dragged up and down on a page of the book, and a curve follows them.

    Elsewhere it is the explorer that it is made of.

    Args:
        explorer: it draws the curve and the observations, with `y_limits`, within which they can be dragged.
        weights: ``weights(**setting)``, for the parameters other than `height`, returns the matrix :math:`A` of shape
            (points of the curve, observations), with :math:`\hat f = A y`, which is exact to a millionth.
        observations: the names of the :class:`ntklib.book.Points` that can be dragged; the columns of :math:`A` are
            in this order, and the curve is drawn at each of their places.
        curve: the name of the :class:`ntklib.book.Line` that follows.
        band: the name of the :class:`ntklib.book.Band` around it, which goes with it and keeps its width.
        height: the parameter that is the height of one of the observations, the last one.

    Raises:
        ValueError: for arguments outside of these; and when it is shown, naming the setting, if the explorer draws
            another curve than :math:`A y`.

    >>> import numpy as np
    >>> from ntklib.book import Explorer, Line, Points
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])
    >>> explorer = Explorer(
    ...     lambda share: [Line(x, share * y, "fit", role="kernel"), Points(x, y, "data")], {"share": [0.5, 1.0]},
    ...     title="Shrunk", description="Data, and a part of them.", x_label="x", y_label="y", y_limits=(0, 4),
    ... )
    >>> Draggable(explorer, lambda share: share * np.eye(3), observations=["data"], curve="fit")
    Draggable(Explorer('Shrunk', share: 2 values))
    """

    def __init__(
        self,
        explorer: Explorer,
        weights: Callable[..., Any],
        *,
        observations: Sequence[str],
        curve: str,
        band: str | None = None,
        height: str | None = None,
    ) -> None:
        if not isinstance(explorer, Explorer):
            raise ValueError(f"explorer must be an ntklib.book.Explorer, got {_arguments.got(explorer)}")
        _arguments.function("weights", weights, "weights(**setting)")
        if isinstance(observations, str) or not isinstance(observations, Sequence) or not observations:
            raise ValueError(f"observations must be names of Points, got {_arguments.got(observations)}")
        for name in observations:
            _arguments.text("observations", name)
        _arguments.text("curve", curve)
        if band is not None:
            _arguments.text("band", band)
        names = [parameter.name for parameter in explorer.parameters]
        if height is not None:
            _arguments.choice("height", height, names)
        if explorer._given["y"] is None or explorer._scales != {"x": "linear", "y": "linear"}:
            raise ValueError("explorer must have y_limits and linear axes, within which observations are dragged")
        self.explorer = explorer
        self._weights = weights
        self._observations, self._curve, self._band = list(observations), curve, band
        self._height = None if height is None else names.index(height)

    def __repr__(self) -> str:
        return f"Draggable({self.explorer!r})"

    @functools.cached_property
    def _static(self) -> dict[str, Any]:
        data = self.explorer._repr_mimebundle_()[0]
        head, end, rest = data["text/html"].rpartition("</div>")
        data["text/html"] = f'{head}<script type="text/plain" {MARK}>{self._packed()}</script>{end}{rest}'
        if len(data["text/html"]) > self.explorer.max_bytes:
            size = (
                f"{len(data['text/html']) / 1000:,.0f} kB, where {self.explorer.max_bytes / 1000:,.0f} kB are allowed"
            )
            raise ValueError(f"explorer would add {size}: give fewer values, or fewer points of {self._curve!r}")
        return data

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(self._static), {}

    def _packed(self) -> str:
        """What the page needs to draw every setting for any heights."""
        explorer, store, rows = self.explorer, Store(), {}
        settings = explorer.settings()
        items = self._items(explorer.frame(settings[0]).items)
        for setting in settings:
            others = self._others(setting)
            if others not in rows:
                rows[others] = self._row(setting, items)
            self._check(setting, items, rows[others])
        frames = [explorer.frame(setting) for setting in settings]
        texts = list(dict.fromkeys(frame.text for frame in frames))
        header, first = explorer._header(frames), explorer.frame(settings[0]).arrays
        stored = [[store.add(array, resolution=_FLOATS) for array in row] for row in rows.values()]
        low, high = sorted(header["limits"]["y"])
        return store.pack(
            {
                **header,
                "texts": texts,
                "text": [texts.index(frame.text) for frame in frames],
                "rows": stored,
                "height": self._height,
                "unit": 10.0 ** math.floor(math.log10((high - low) / 200)),
                **items,
                "sizes": [len(first[k][0]) for k in items["observations"]],
            }
        )

    def _others(self, setting: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(value for k, value in enumerate(setting) if k != self._height)

    def _items(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Where in the drawing what follows and what is dragged stands."""

        def place(argument: str, kind: str, name: str) -> int:
            found = [k for k, item in enumerate(items) if (item["kind"], item["name"]) == (kind, name)]
            if len(found) != 1:
                there = [item["name"] for item in items if item["kind"] == kind]
                raise ValueError(f"{argument} must name one {kind} of the explorer, got {name!r}: there are {there}")
            return found[0]

        return {
            "curve": place("curve", "line", self._curve),
            "band": None if self._band is None else place("band", "band", self._band),
            "observations": [place("observations", "points", name) for name in self._observations],
        }

    def _row(self, setting: tuple[Any, ...], items: dict[str, Any]) -> list[Array]:
        """The matrix, the places and heights of the observations, half the band, and what does not follow."""
        names, arrays = [p.name for p in self.explorer.parameters], self.explorer.frame(setting).arrays
        arguments = {
            name: value for k, (name, value) in enumerate(zip(names, setting, strict=True)) if k != self._height
        }
        x, y = (np.concatenate([arrays[k][part] for k in items["observations"]]) for part in (0, 1))
        at = arrays[items["curve"]][0]
        matrix = np.asarray(self._weights(**arguments), float)
        if matrix.shape != (at.size, x.size) or not np.isfinite(matrix).all():
            wanted = f"finite numbers of shape ({at.size}, {x.size}), points of the curve and observations"
            raise ValueError(f"weights({_words(arguments)}) must return {wanted}, got {_arguments.got(matrix)}")
        if far := [float(place) for place in x if np.abs(at - place).min() > 1e-9]:
            raise ValueError(f"curve must be drawn at each observation, but {self._curve!r} is not at x = {far[0]!r}")
        half = np.zeros(at.size) if items["band"] is None else np.diff(arrays[items["band"]][1:], axis=0)[0] / 2
        still = [a for k, each in enumerate(arrays) if k not in self._moving(items) for a in each]
        return [np.round(matrix.T / GRAIN) * GRAIN, x, y, at, half, *still]

    def _moving(self, items: dict[str, Any]) -> set[int | None]:
        return {items["curve"], items["band"], *items["observations"]}

    def _check(self, setting: tuple[Any, ...], items: dict[str, Any], row: list[Array]) -> None:
        """Refuse a setting whose drawing the page would not get from the row."""
        frame: Frame = self.explorer.frame(setting)
        named = dict(zip((p.name for p in self.explorer.parameters), setting, strict=True))
        matrix, _, _, at, half, *still = row
        y = np.concatenate([frame.arrays[k][1] for k in items["observations"]])
        curve = y @ matrix
        wanted: list[tuple[str | None, Array, Array]] = [(self._curve, frame.arrays[items["curve"]][1], curve)]
        if items["band"] is not None:
            lower, upper = frame.arrays[items["band"]][1:]
            wanted += [(self._band, lower, curve - half), (self._band, upper, curve + half)]
            wanted.append((f"x of {self._band}", frame.arrays[items["band"]][0], at))
        others = [a for k, each in enumerate(frame.arrays) if k not in self._moving(items) for a in each]
        wanted += [("what does not follow", drawn, kept) for drawn, kept in zip(others, still, strict=True)]
        if self._height is not None:
            wanted.append((f"the height of {self._observations[-1]!r}", y[-1:], np.array([setting[self._height]])))
        size = float(np.ptp(np.asarray(self.explorer._given["y"], float)))
        for name, drawn, got in wanted:
            away = np.nanmax(np.abs(drawn - got), initial=0) if drawn.shape == got.shape else math.inf
            if away > EXACT * size:
                raise ValueError(
                    f"weights must give what the explorer draws, for {_words(named)} got another {name}: {away:.3g} off"
                )


def _words(setting: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in setting.items())
