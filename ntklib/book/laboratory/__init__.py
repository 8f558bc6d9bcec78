r"""How does one train networks beside a kernel's prediction in JupyterLab? The laboratory of the book, as a widget.

What is set in the widget stands in its traits, and what is set in Python moves the widget. The networks are trained in
the browser: what they say is there as soon as the widget is shown, and the next cell can read it.
"""

import base64
import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments
from ntklib.book._needs import needed_for
from ntklib.book._widget import someone_watches

with needed_for("Laboratory"):
    import anywidget
    import traitlets

__all__ = ["Laboratory"]

_HERE = Path(__file__).parent
#: The scripts in the order in which they are put together; those of the page, and the widget's own.
_PARTS = (
    *("engine", "limit", "session", "worker", "run", "settings", "picture", "plane", "controls", "points"),
    *("readings", "python", "page", "widget"),
)
_REACH = {"line": 2.0, "circle": 180.0, "plane": 1.0}
_DECIMALS = {"line": 3, "circle": 1, "plane": 3}
_MOST_POINTS, _MOST_STEPS = 16, 100_000
#: What can be chosen, as the settings of the page have it (`settings.js`).
_CHOICES: dict[str, tuple[Any, ...]] = {
    "domain": tuple(_REACH),
    "width": tuple(2**power for power in range(2, 12)),
    "depth": (1, 2, 3),
    "activation": ("relu", "erf", "tanh"),
    "w_std": (0.5, 0.75, 1.0, 1.25, 2**0.5, 1.5, 1.75, 2.0, 2.5, 3.0),
    "b_std": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    "scale": ("ntk", "standard", "mean_field"),
    "networks": (1, 20),
    "alpha": tuple(2.0**power for power in range(-4, 7)),
    "subtract": (False, True),
    "learning_rate": (1 / 64, 1 / 32, 1 / 16, 0.125, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0),
    "momentum": (0.0, 0.5, 0.8, 0.9, 0.95),
}
_EXPERIMENTS = {each["name"]: each for each in json.loads((_HERE / "experiments.json").read_text(encoding="utf-8"))}
_X, _Y = (-140.0, -95.0, -40.0, 15.0, 60.0, 130.0), (-0.4, 0.9, 0.3, -1.0, 0.7, 0.2)


class _RefusedError(traitlets.TraitError, ValueError):
    """What traitlets takes back, and the rest of the library raises."""


def _listed(value: NDArray[np.float64], _: Any) -> Any:
    return value.tolist()


def _array(value: Any, _: Any) -> NDArray[np.float64]:
    return np.asarray(value, float)


class _Array(traitlets.TraitType):
    """An array that Python and the page both know; in Python nobody writes into it, but sets another one."""

    def validate(self, obj: Any, value: Any) -> NDArray[np.float64]:
        try:
            array = np.array(_arguments.array_of_numpy(str(self.name), value), np.float64)
        except ValueError as error:
            raise _RefusedError(str(error)) from None
        array.setflags(write=False)
        return array


class _Choice(traitlets.TraitType):
    """One of the values that the page offers."""

    def validate(self, obj: Any, value: Any) -> Any:
        values = _CHOICES[str(self.name)]
        kinds = {bool: (bool, np.bool_), str: (str,)}.get(type(values[0]))
        if isinstance(value, kinds) if kinds else _arguments.is_number(value):
            for each in values:
                if value == each:
                    return each
        *most, last = map(str, values)
        raise _RefusedError(f"{self.name} must be {', '.join(most)} or {last}, got {_arguments.got(value)}")


class _Count(traitlets.TraitType):
    """An integer from 0 to `most`: a seed, or the step itself."""

    def __init__(self, most: int) -> None:
        super().__init__(0)
        self.most = most

    def validate(self, obj: Any, value: Any) -> int:
        try:
            return _arguments.count(str(self.name), value, 0, self.most)
        except ValueError as error:
            raise _RefusedError(str(error)) from None


def _shared(trait: Any, **how: Any) -> Any:
    """A trait that the page knows too; an echo of what the page has said would come when it says something else."""
    return trait.tag(sync=True, echo_update=False, **how)


def _choice(value: Any) -> Any:
    return _shared(_Choice(value))


def _given(value: ArrayLike) -> Any:
    return _shared(_Array(np.asarray(value, float)), to_json=_listed, from_json=_array)


def _computed(*shape: int) -> Any:
    return _shared(_Array(np.zeros(shape), read_only=True), to_json=_listed, from_json=_array)


def _script() -> str:
    sheet = json.dumps((_HERE / "look.css").read_text(encoding="utf-8"))
    of_page = ("name", "title", "setting", "words")
    experiments = json.dumps([{key: each[key] for key in of_page} for each in _EXPERIMENTS.values()])
    given = [f"const laboratorySheet = {sheet};", f"const laboratoryExperiments = {experiments};"]
    return "\n".join([*given, *((_HERE / f"{part}.js").read_text(encoding="utf-8") for part in _PARTS)])


class Laboratory(anywidget.AnyWidget):
    r"""The laboratory as a widget: networks that train in the browser, beside what their kernel says.

    Each argument is a trait, which can be read, set, observed and linked; what is moved in the widget moves the trait.
    Whatever is set begins the training anew, but `step`. Three more traits can only be read, and are empty until the
    widget is shown: `outputs` (n,), the mean of the networks' outputs at the points; `losses` (seen, 3), for the steps
    that were seen the step, the training loss of the networks and that of the kernel's prediction; `kernel` (n, n), the
    tangent kernel of the first network.

    The experiments of the book's laboratory are buttons in the widget; :meth:`set_experiment` sets one up by its name,
    `EXPERIMENTS` has their names with their titles, and `experiment` is the name of the one that is set up, or None.

    A saved notebook keeps a picture below the widget, hidden while the widget is alive: what the browser showed last,
    when nothing moved, or, if no browser has shown it, the data and what the kernel predicts for them.

    Args:
        x: the points: (n,) on the line, from -2 to 2; (n,) angles in degrees on the circle of radius :math:`\sqrt2`;
            (n, 2) in the plane, from -1 to 1. There are at most 16.
        y: (n,) the targets, from -2 to 2; in the plane 1 or -1.
        domain: ``"line"``, ``"circle"`` or ``"plane"``.
        width: of each hidden layer, a power of two from 4 to 2,048.
        depth: hidden layers, 1 to 3.
        activation: ``"relu"``, ``"erf"`` or ``"tanh"``.
        w_std: the standard deviation of the weights, as in :class:`ntklib.mlp.MLP`.
        b_std: that of the biases.
        scale: the parameterization, ``"ntk"``, ``"standard"`` or ``"mean_field"``.
        networks: 1 or 20.
        seed: of the random starts, 0 to 99.
        alpha: the laziness scale of the output, a power of two from 1/16 to 64.
        subtract: whether the output at the start is subtracted.
        learning_rate: over the threshold :math:`2n/\lambda_{\max}` of the kernel at infinite width.
        momentum: of gradient descent.
        step: to which step they are trained; it grows while they train.

    Raises:
        ValueError: for a value that the laboratory does not offer, with those that it does.

    >>> laboratory = Laboratory(width=256, activation="erf")
    >>> laboratory.step = 100
    >>> laboratory.x.shape, laboratory.scale
    ((6,), 'ntk')
    >>> laboratory.set_experiment("catapult")
    >>> laboratory.learning_rate, laboratory.experiment
    (1.5, 'catapult')
    """

    #: The names of the experiments, with their titles.
    EXPERIMENTS: Mapping[str, str] = types.MappingProxyType({n: each["title"] for n, each in _EXPERIMENTS.items()})

    _esm = _script()
    _picture = _shared(traitlets.Unicode())
    x, y = _given(_X), _given(_Y)
    domain, width, depth, activation = _choice("circle"), _choice(64), _choice(1), _choice("relu")
    w_std, b_std, scale, networks = _choice(2**0.5), _choice(0.5), _choice("ntk"), _choice(20)
    seed = _shared(_Count(99))
    alpha, subtract, learning_rate, momentum = _choice(1.0), _choice(True), _choice(0.5), _choice(0.0)
    step = _shared(_Count(_MOST_STEPS))
    outputs, losses, kernel = _computed(0), _computed(0, 3), _computed(0, 0)

    def __init__(
        self,
        x: ArrayLike = _X,
        y: ArrayLike = _Y,
        domain: str = "circle",
        *,
        width: int = 64,
        depth: int = 1,
        activation: str = "relu",
        w_std: float = 2**0.5,
        b_std: float = 0.5,
        scale: str = "ntk",
        networks: int = 20,
        seed: int = 1,
        alpha: float = 1.0,
        subtract: bool = True,
        learning_rate: float = 0.5,
        momentum: float = 0.0,
        step: int = 0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**{name: value for name, value in given.items() if name != "step"})
        self.step = step
        self._stills: list[Any] = []
        self.observe(self._redraw, "_picture")

    @property
    def experiment(self) -> str | None:
        """The name of the experiment whose settings these are, whatever the step; None if it is none."""
        for name, each in _EXPERIMENTS.items():
            if all(np.array_equal(getattr(self, trait), value) for trait, value in each["traits"].items()):
                return str(name)
        return None

    def set_experiment(self, name: str) -> None:
        """Set everything up for an experiment, at its start; Play, or `step`, trains it.

        Args:
            name: one of `EXPERIMENTS`.

        Raises:
            ValueError: for another name, with those that there are.

        >>> laboratory = Laboratory()
        >>> laboratory.set_experiment("gathering-units")
        >>> laboratory.domain, laboratory.scale, laboratory.x.shape
        ('plane', 'mean_field', (4, 2))
        """
        if not isinstance(name, str) or name not in _EXPERIMENTS:
            raise ValueError(f"name must be one of {', '.join(_EXPERIMENTS)}, got {_arguments.got(name)}")
        with self.hold_sync(), self.hold_trait_notifications():
            for trait, value in _EXPERIMENTS[name]["traits"].items():
                setattr(self, trait, value)
        self.step = 0

    def _still(self, *, curves: bool = True) -> dict[str, Any]:
        """The picture that a notebook keeps, and its text."""
        picture = self._picture
        if not picture:
            from ntklib.book.laboratory import _still  # and with it matplotlib

            picture = base64.b64encode(_still.picture(self, curves=curves)).decode()
        words = f"The laboratory at step {self.step:,}, {len(self.y)} points, width {self.width:,}"
        if len(self.losses) and self.losses[-1, 0] == self.step:
            words += f": training loss {self.losses[-1, 1]:.3g}, of the kernel's prediction {self.losses[-1, 2]:.3g}"
        return {"image/png": picture, "text/plain": f"{words}."}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, **self._still()}, metadata

    def _ipython_display_(self) -> None:
        """The widget, and below it the picture: of two kinds in one output JupyterLab would show the dead widget."""
        from IPython.display import display

        data, metadata = super()._repr_mimebundle_() or ({}, {})
        display({**data, "text/plain": "The laboratory: run this cell to train."}, metadata=metadata, raw=True)
        # the curves take seconds to compile: who watches has a browser, which draws its own in a moment
        self._stills.append(display(self._still(curves=not someone_watches()), raw=True, display_id=True))

    def _redraw(self, change: Any) -> None:
        """The browser has drawn another picture."""
        for handle in self._stills:
            handle.update(self._still(), raw=True)

    def set_points(self, x: ArrayLike, y: ArrayLike, domain: str | None = None) -> None:
        """Set other points at once, where `x` alone would not fit to the `y` that there is.

        Args:
            x: as above.
            y: as above, as many.
            domain: as above; None leaves it.

        Raises:
            ValueError: if they are none, or do not fit together.

        >>> laboratory = Laboratory()
        >>> laboratory.set_points([-1, 0, 1], [0.5, 0, 1], "line")
        >>> laboratory.x
        array([-1.,  0.,  1.])
        """
        with self.hold_sync(), self.hold_trait_notifications():
            self.domain = self.domain if domain is None else domain
            self.x, self.y = x, y
        self.step = 0

    @traitlets.validate("x", "y", "domain")
    def _fit(self, proposal: Any) -> Any:
        """Points and targets that belong together, as exact as the page has them."""
        name = proposal["trait"].name
        known = {"x": self.x, "y": self.y, "domain": self.domain, name: proposal["value"]}
        x, y, domain = known["x"], known["y"], known["domain"]
        shape = (len(y), 2) if domain == "plane" else (len(y),) if y.ndim == 1 else "as y"
        if not (y.ndim == 1 and 1 <= len(y) <= _MOST_POINTS) and name == "y":
            raise _RefusedError(f"y must be of shape (n,), with n from 1 to {_MOST_POINTS}, got {_arguments.got(y)}")
        if x.shape != shape:
            what = f"{name} must fit to the others" if name != "x" else f"x must be of shape {shape} in the {domain}"
            at_once = "set_points(x, y, domain) sets all at once"
            raise _RefusedError(f"{what}, got x {_arguments.got(x)}, y {_arguments.got(y)}, {domain!r}: {at_once}")
        exact = {"x": self._rounded("x", x, domain), "y": self._rounded("y", y, domain), "domain": domain}
        return self._renewed(name, exact[name])

    @traitlets.validate(*(name for name in (*_CHOICES, "seed") if name != "domain"))
    def _set(self, proposal: Any) -> Any:
        return self._renewed(proposal["trait"].name, proposal["value"])

    def _renewed(self, name: str, value: Any) -> Any:
        """`value`; if it is another one, training is at its start, and Python does not wait for the page to say so."""
        if not self._property_lock and not np.array_equal(self._trait_values.get(name, value), value):
            self.step = 0
        return value

    def _rounded(self, name: str, value: Any, domain: str) -> Any:
        most = _REACH[domain] if name == "x" else 1.0 if domain == "plane" else 2.0
        if (np.abs(value) > most).any() or (name == "y" and domain == "plane" and (np.abs(value) != 1).any()):
            wanted = "1 or -1" if name == "y" and domain == "plane" else f"from {-most:g} to {most:g}"
            wrong = value[np.abs(value) > most] if (np.abs(value) > most).any() else value[np.abs(value) != 1]
            raise _RefusedError(f"{name} must be {wanted} in the {domain}, got {wrong[0]:g}")
        rounded = np.round(value, _DECIMALS[domain] if name == "x" else 3) + 0.0
        rounded.setflags(write=False)
        return rounded
