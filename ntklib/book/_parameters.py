"""What can a reader of an explorer change?"""

import math
import numbers
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ntklib import _arguments

__all__ = ["Parameter", "parameter", "spoken"]


class Parameter(NamedTuple):
    """What a reader can change: `kind` is ``"check"``, ``"choice"`` or ``"slider"``."""

    name: str
    label: str
    unit: str
    kind: str
    values: tuple[Any, ...]
    whole: bool


def parameter(name: str, values: Iterable[Any], label: str, unit: str) -> Parameter:
    """A slider for numbers, a drop-down for texts, a check box for booleans.

    Args:
        name: of the parameter.
        values: what it can be.
        label: what a reader sees in place of the name.
        unit: of its values.

    Raises:
        ValueError: if the values are not all of one of these kinds, or not different.

    >>> parameter("width", [1, 2], "width", "units").kind
    'slider'
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"parameters must give {name!r} several values, got {_arguments.got(values)}")
    given = tuple(v.item() if isinstance(v, np.generic) or hasattr(v, "__array__") else v for v in values)
    if not given or len(set(given)) < len(given):
        raise ValueError(f"parameters: the values of {name!r} must be different and at least one, got {list(given)!r}")
    if all(isinstance(v, bool) for v in given):
        return Parameter(name, label, unit, "check", given, False)
    if all(isinstance(v, str) for v in given):
        return Parameter(name, label, unit, "choice", given, False)
    if all(isinstance(v, numbers.Real) and not isinstance(v, bool) and math.isfinite(v) for v in given):
        whole = all(isinstance(v, int) for v in given)
        return Parameter(name, label, unit, "slider", given if whole else tuple(map(float, given)), whole)
    raise ValueError(
        f"parameters: the values of {name!r} must be finite numbers, strings or booleans, got {list(given)!r}"
    )


def spoken(parameter: Parameter, value: Any) -> str:
    """A parameter and its value in words.

    >>> spoken(parameter("width", [1, 2], "width", "units"), 2)
    'width = 2 units'
    """
    if parameter.kind == "slider":
        return f"{parameter.label} = {value:g} {parameter.unit}".strip()
    return f"{parameter.label}: {value if parameter.kind == 'choice' else 'on' if value else 'off'}"
