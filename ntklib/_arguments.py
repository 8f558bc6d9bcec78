"""How is an argument refused that is no array? The checks that every public function shares; each names the argument.

Nothing here imports JAX, so that what needs NumPy only can share them.
"""

import math
import operator
import os
import reprlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = [
    "advice",
    "array_of_numpy",
    "choice",
    "count",
    "flag",
    "function",
    "got",
    "inside",
    "interval",
    "is_number",
    "is_sparse",
    "mapping",
    "number",
    "path",
    "read",
    "refuse_unless_callable_kernel",
    "text",
]


def got(value: Any) -> str:
    """What was handed over, in a few words: of an array dtype and shape, of a class that it is one.

    >>> got(None), got(dict), got(np.ones(2))
    ('None', 'the class dict', 'float64 of shape (2,)')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if is_sparse(value):
        return f"a sparse {type(value).__name__} of shape {value.shape}"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        if value.shape == ():
            return str(value)
        return f"{value.dtype} of shape {tuple(value.shape)}"
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 120
    return shortened.repr(value)


def is_sparse(value: Any) -> bool:
    """Whether it is one of SciPy's sparse arrays, which are not imported for that."""
    return type(value).__module__.startswith("scipy.sparse")


def count(name: str, value: Any, least: int, most: int | None = None) -> int:
    """`value` as an integer, refused unless it is one, possibly written as a float, and within the bounds."""
    number: int | None = None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        number = int(value)
    elif not isinstance(value, bool | np.bool_):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
    if number is None or number < least or (most is not None and number > most):
        wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be an integer {wanted}, got {got(value)}")
    return number


def flag(name: str, value: Any) -> bool:
    """`value` as a truth value, refused unless it is one: any text would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {got(value)}")
    return bool(value)


def choice(name: str, value: Any, choices: Collection[str]) -> str:
    """`value`, refused unless it is one of these texts."""
    if not isinstance(value, str) or value not in choices:
        *most, last = map(repr, choices)
        raise ValueError(f"{name} must be {', '.join(most)} or {last}, got {got(value)}")
    return value


def text(name: str, value: Any, *, empty: bool = False) -> str:
    """`value`, refused unless it is a text, not empty unless it may be."""
    if not isinstance(value, str) or not (value or empty):
        raise ValueError(f"{name} must be a text, got {got(value)}")
    return value


def is_number(value: Any) -> bool:
    """Whether it is one real number; neither a truth value nor a text that could be read as one."""
    if isinstance(value, bool | np.bool_ | str):
        return False
    if hasattr(value, "dtype"):  # `bfloat16` is of a kind of its own
        return value.ndim == 0 and (value.dtype.kind in "iuf" or "float" in value.dtype.name)
    return isinstance(value, float | int)


def number(name: str, value: Any, *, positive: bool = False) -> Any:
    """`value` as it is, refused unless it is a real number, finite, and positive or not negative."""
    wanted = "finite and positive" if positive else "finite and not negative"
    if not is_number(value):
        raise ValueError(f"{name} must be {wanted}, a number, got {got(value)}")
    if not (float(value) > 0 if positive else float(value) >= 0) or not float(value) < math.inf:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return value


def interval(name: str, value: Any) -> None:
    """Refuse what is neither None nor two different numbers."""
    if value is None:
        return
    two = isinstance(value, Sequence | np.ndarray) and len(value) == 2 and all(map(is_number, value))
    if not two or not all(map(math.isfinite, value)) or value[0] == value[1]:
        raise ValueError(f"{name} must be two different numbers, got {value!r}")


def mapping(name: str, value: Any, holds: str) -> None:
    """Refuse what is no mapping; `holds` says what it maps to what."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping of {holds}, got {got(value)}")


def path(name: str, value: Any) -> None:
    """Refuse what is neither None nor the path of a file."""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise ValueError(f"{name} must be the path of a file, got {got(value)}")


def function(name: str, value: Any, how: str, *, optional: bool = False) -> None:
    """Refuse what cannot be called; `how` says how it will be."""
    if (value is None and optional) or (callable(value) and not isinstance(value, type)):
        return
    raise ValueError(f"{name} must be a function that is called as {how}, got {got(value)}{advice(value)}")


def refuse_unless_callable_kernel(value: Any) -> None:
    """Refuse what is no function of two sets of points: a network has two of them, and a class has none yet."""
    function("kernel", value, "kernel(x1, x2) and gives a matrix (n1, n2)")


def advice(value: Any) -> str:
    """What to pass in place of something that is no kernel or function, if that is known."""
    if hasattr(value, "ntk") and hasattr(value, "nngp"):  # a network has two kernels
        its = f"{value.__name__}(...)" if isinstance(value, type) else "its "
        return f"; a network has two kernels: pass {its}.ntk or {its}.nngp"
    if isinstance(value, type):
        return f"; make one of the class: {value.__name__}(...)"
    return "; pass its .apply" if callable(getattr(value, "apply", None)) else ""


def read(name: str, value: Any, make: Callable[[Any], Any]) -> Any:
    """`value` as an array, as `make` has it, refused if that is none of numbers or something of it would be lost."""
    if is_sparse(value):
        raise ValueError(f"{name} must be a dense array, got {got(value)}: take its toarray()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} must be an array without masked entries, got {np.ma.count_masked(value)} of them")
    try:
        with np.errstate(over="ignore"):  # what is beyond 32 bits is infinite there, and refused by name
            array = None if value is None or isinstance(value, str | bytes | type) else make(value)
    except (TypeError, ValueError) as error:
        if type(error).__module__.startswith("jax"):  # what JAX traces is no array of NumPy's
            raise
        array = None
    if array is None or array.dtype.kind in "OUSV":
        raise ValueError(f"{name} must be an array of numbers, got {inside(value)}")
    return array


def array_of_numpy(name: str, value: Any) -> np.ndarray:
    """`value` as NumPy's array of real numbers or truth values, refused unless it is one and finite."""
    array = read(name, value, np.asarray)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {got(array)}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(f"{name} must be finite, got {array[where]} at {list(where)}")
    return array


def inside(value: Any) -> str:
    """What it is in a list or an array of objects that is no number; what it is itself, if it is none of these."""
    if not isinstance(value, list | tuple | np.ndarray):
        return got(value)
    if isinstance(value, list | tuple) and any(isinstance(row, Sequence) and not isinstance(row, str) for row in value):
        lengths = sorted({len(row) if isinstance(row, Sequence) else 0 for row in value})
        if len(lengths) > 1:
            return f"rows of different lengths, {', '.join(map(str, lengths))}"
    entries = value.ravel() if isinstance(value, np.ndarray) else value
    for entry in entries:
        if isinstance(entry, list | tuple):
            return inside(entry)
        if not isinstance(entry, int | float | complex | np.number):
            return f"the entry {got(entry)}"
    return got(value)
