"""Plain data as bytes, between the student's process and the grader: JSON for structure, raw bytes for arrays.

Shared by both sides, so it needs nothing but NumPy. What `decode` returns consists of None, bool, int, float, complex,
str, list, tuple, dict, set, Fraction, NumPy arrays (of objects only where these are numbers) and NumPy scalars, of
exactly these types, freshly made. It never unpickles, and everything has a limit.
"""

import json
import math
import struct
import sys
from fractions import Fraction
from typing import Any

import numpy as np

HEADER = struct.Struct(">QQ")  # bytes of JSON, bytes of arrays
MAX_JSON = 2_000_000
MAX_ARRAYS = 16_000_000  # bytes: 2 million float64
MAX_ITEMS = 20_000  # outside of arrays
MAX_ENTRIES = 2_000  # of one dict or set: keys that collide must not cost more than a moment
MAX_DEPTH = 20
MAX_BITS = 4096  # of an int
DTYPES = (
    frozenset("?") | frozenset(np.dtype(f"{kind}{size}").char for kind in "iu" for size in (1, 2, 4, 8)) | set("efdFD")
)
NUMBERS = (bool, int, float, complex, Fraction, np.bool_, np.number)
WANTED = "wanted numbers, text, lists, tuples, dicts or arrays of numbers"


class NotPlain(ValueError):
    """Data that is not plain, too large, or not a number; the message can be shown."""


class _Encoder:
    def __init__(self) -> None:
        self.items = 0
        self.bytes = 0
        self.arrays: list[bytes] = []

    def value(self, value: Any, depth: int = 0) -> Any:
        self.items += 1
        if depth > MAX_DEPTH:
            raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels")
        if self.items > MAX_ITEMS:
            raise NotPlain(f"has more than {MAX_ITEMS} numbers in lists: use a NumPy array")
        if isinstance(value, np.generic | np.ndarray) or hasattr(value, "__array__"):
            return self.array(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if int(value).bit_length() > MAX_BITS:
                raise NotPlain(f"holds an integer of more than {MAX_BITS} bits")
            return int(value)
        if isinstance(value, float | str):
            return float(value) if isinstance(value, float) else str(value)
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, Fraction):
            return {"fraction": [self.value(value.numerator), self.value(value.denominator)]}
        if isinstance(value, list):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, tuple | set | frozenset):
            kind = "tuple" if isinstance(value, tuple) else "set"
            return {kind: [self.value(item, depth + 1) for item in value]}
        if isinstance(value, dict):
            pairs = [[self.value(key, depth + 1), self.value(item, depth + 1)] for key, item in value.items()]
            return {"dict": pairs}
        raise NotPlain(f"is of type {type(value).__name__}, {WANTED}")

    def number(self, item: Any) -> Any:
        """One item of an array of objects, such as a Fraction or a large integer."""
        if not isinstance(item, NUMBERS):
            raise NotPlain(f"is an array with a {type(item).__name__} in it, {WANTED}")
        return self.value(item)

    def array(self, value: Any) -> Any:
        is_jax = type(value).__module__.startswith("jax")
        is_key = is_jax and "key<" in str(getattr(value, "dtype", ""))
        if is_key:
            value = sys.modules["jax"].random.key_data(value)
        array = np.asarray(value)
        if array.dtype.name == "bfloat16":
            array = array.astype(np.float32)
        if array.dtype.char not in DTYPES and array.dtype.kind in "iu":  # long long, where it is int64
            array = array.astype(f"{array.dtype.kind}{array.dtype.itemsize}")
        if array.dtype.kind == "O":
            return {"objects": [list(array.shape), [self.number(item) for item in array.ravel()]]}
        if array.dtype.char not in DTYPES:
            raise NotPlain(f"is an array of {array.dtype}, {WANTED}")
        self.bytes += array.nbytes
        if self.bytes > MAX_ARRAYS:
            raise NotPlain(f"holds arrays of more than {MAX_ARRAYS} bytes")
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        self.arrays.append(array.tobytes())
        kind = "key" if is_key else "jax" if is_jax else "scalar" if isinstance(value, np.generic) else "array"
        return {kind: [array.dtype.char, list(array.shape)]}


class _Decoder:
    def __init__(self, arrays: bytes, trusted: bool, nan: bool) -> None:
        self.arrays = memoryview(arrays)
        self.at = 0
        self.items = 0
        self.trusted = trusted
        self.nan = nan

    def value(self, data: Any, depth: int = 0) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > 2 * MAX_ITEMS:
            raise NotPlain(f"is nested deeper than {MAX_DEPTH} levels, or has more than {MAX_ITEMS} items")
        if data is None or type(data) is bool:
            return data
        if type(data) is str:
            data.encode()  # a lone surrogate could not be written to any file
            return data
        if type(data) is int:
            if data.bit_length() > MAX_BITS:
                raise NotPlain(f"holds an integer of more than {MAX_BITS} bits")
            return data
        if type(data) is float:
            return self.number(data)
        if type(data) is list:
            return [self.value(item, depth + 1) for item in data]
        [(kind, parts)] = data.items()
        if kind in ("array", "jax", "scalar", "key"):
            return self.array(kind, *parts)
        if kind == "complex":
            real, imaginary = parts
            return complex(self.number(float(real)), self.number(float(imaginary)))
        if kind == "fraction":
            numerator, denominator = (self.value(int(part)) for part in parts)
            return Fraction(numerator, denominator)
        if kind == "objects":
            shape, items = parts
            return self.objects(shape, items, depth)
        if kind == "tuple":
            return tuple(self.value(item, depth + 1) for item in parts)
        if len(parts) > MAX_ENTRIES:
            raise NotPlain(f"is a {kind} of more than {MAX_ENTRIES} entries")
        if kind == "set":
            return {self.value(item, depth + 1) for item in parts}
        if kind == "dict":
            return {self.value(key, depth + 1): self.value(item, depth + 1) for key, item in parts}
        raise ValueError(kind)

    def objects(self, shape: list[int], items: list[Any], depth: int) -> Any:
        values = [self.value(item, depth + 1) for item in items]
        if not all(isinstance(value, NUMBERS) for value in values):
            raise ValueError("not numbers")
        if len(shape) > 8 or not all(type(side) is int and 0 <= side <= MAX_ITEMS for side in shape):
            raise ValueError(f"shape {shape!r}")
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(shape)

    def number(self, number: float) -> float:
        if math.isnan(number) and not self.nan:
            raise NotPlain("contains NaN")
        return number

    def array(self, kind: str, char: str, shape: list[int]) -> Any:
        if type(char) is not str or char not in DTYPES or len(shape) > 8:
            raise ValueError(f"dtype {char!r}, shape {shape!r}")
        if not all(type(side) is int and 0 <= side <= MAX_ARRAYS for side in shape):
            raise ValueError(f"shape {shape!r}")
        dtype = np.dtype(char).newbyteorder("<")
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size > len(self.arrays) - self.at:
            raise ValueError("fewer bytes than the shape says")
        raw = self.arrays[self.at : self.at + size]
        self.at += size
        array = np.frombuffer(raw, dtype).astype(np.dtype(char)).reshape(shape)
        if char == "?":
            array = np.frombuffer(raw, np.uint8).reshape(shape) != 0  # a byte of 2 would be true, but not equal to True
        if array.dtype.kind in "fc" and not self.nan and np.isnan(array).any():
            raise NotPlain("contains NaN")
        if kind == "scalar":
            return array.reshape(())[()]
        if kind in ("jax", "key") and self.trusted:
            import jax

            return jax.numpy.asarray(array) if kind == "jax" else jax.random.wrap_key_data(jax.numpy.asarray(array))
        return array


def encode(message: dict[str, Any], value: Any = None) -> bytes:
    """A message with its `value` as bytes.

    Raises:
        NotPlain: if `value` is not plain data, or too large.
    """
    encoder = _Encoder()
    data = encoder.value(value)
    return _join({**message, "value": data}, b"".join(encoder.arrays))


def _join(message: dict[str, Any], arrays: bytes) -> bytes:
    text = json.dumps(message).encode()
    if len(text) > MAX_JSON:
        raise NotPlain(f"holds more than {MAX_JSON} bytes of text and lists")
    return HEADER.pack(len(text), len(arrays)) + text + arrays


def addressed(raw: bytes, message: dict[str, Any]) -> bytes:
    """An encoded message with more in its head; the value is not looked at.

    Raises:
        NotPlain: if these bytes are no message.
    """
    try:
        text, arrays = split(raw)
        head = {**json.loads(text), **message}
    except (struct.error, ValueError, TypeError, RecursionError) as error:
        raise NotPlain(f"is no message ({type(error).__name__})") from None
    return _join(head, arrays)


def decode(text: bytes, arrays: bytes, *, trusted: bool = False, nan: bool = False) -> tuple[dict[str, Any], Any]:
    """A message and its value.

    >>> raw = encode({"id": 1}, {"a": (1, 2.5), "b": np.arange(3)})
    >>> decode(*split(raw))
    ({'id': 1}, {'a': (1, 2.5), 'b': array([0, 1, 2])})

    Args:
        text: its JSON.
        arrays: the bytes of its arrays.
        trusted: whether jax arrays and keys arrive as such; else they are NumPy's.
        nan: whether NaN is accepted.

    Raises:
        NotPlain: if these bytes are not what `encode` makes, or the value is NaN somewhere.
    """
    try:
        message = json.loads(text)
        data = message.pop("value")
        return message, _Decoder(arrays, trusted, nan).value(data)
    except NotPlain as error:
        raise NotPlain(str(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ZeroDivisionError, OverflowError) as error:
        raise NotPlain(f"is not plain data ({type(error).__name__})") from None


def split(raw: bytes) -> tuple[bytes, bytes]:
    """The text and the arrays of an encoded message."""
    text, arrays = HEADER.unpack_from(raw)
    start = HEADER.size
    return raw[start : start + text], raw[start + text : start + text + arrays]
