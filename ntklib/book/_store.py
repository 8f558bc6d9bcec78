r"""How are the drawings of an explorer stored in a page?

Numbers are stored as integers of 16 bits between the least and the greatest value of each array, so that each differs
from what was computed by at most :math:`(\max - \min)/131068` (on a logarithmic axis: in :math:`\log_{10}`). An array
that occurs in several settings is stored once; differences of neighbours, high bytes first, make the rest small for the
compression.
"""

import base64
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntklib.book._drawings import Array

__all__ = ["Store"]


class Store:
    """Arrays as they are stored: each once, in 16 bits a number, or as float32 where those would be too coarse."""

    MISSING = 65535  # the code of a gap; values have the codes from 0 to 65534

    def __init__(self) -> None:
        self._index: dict[tuple[bytes, bool], int] = {}
        self._codes: list[NDArray[np.uint16]] = []
        self._floats: list[NDArray[np.float32]] = []
        self.heads: list[list[Any]] = []

    def add(self, values: Array, *, log: bool = False, resolution: float = np.inf) -> int:
        """The number of an array, which is stored unless an equal one is.

        Args:
            values: numbers, nan for gaps, flattened row by row.
            log: whether to store logarithms.
            resolution: the greatest error that is not seen; beyond it the array is stored as float32.
        """
        flat = np.ascontiguousarray(values, np.float64).ravel()
        key = (flat.tobytes(), log)
        if key not in self._index:
            self._index[key] = len(self.heads)
            scaled = np.log10(flat) if log else flat
            missing = np.isnan(flat)
            low, high = (float(np.nanmin(scaled)), float(np.nanmax(scaled))) if not missing.all() else (0.0, 0.0)
            if (high - low) / (2 * 65534) > resolution:
                self._floats.append(flat.astype(np.float32))
                self.heads.append([flat.size])
            else:
                unit = (high - low) / 65534 if high - low > 1e-300 else 1.0
                codes = np.where(missing, self.MISSING, np.rint((scaled - low) / unit)).astype(np.uint16)
                self._codes.append(np.diff(codes, prepend=np.uint16(0)))  # wraps around, and back when summed
                self.heads.append([flat.size, low, high, int(log)])
        return self._index[key]

    def pack(self, header: dict[str, Any]) -> str:
        """The header, the heads of the arrays and their contents, compressed, as text that HTML leaves alone."""
        text = json.dumps({**header, "arrays": self.heads}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        codes = np.concatenate([np.empty(0, np.uint16), *self._codes])
        floats = np.concatenate([np.empty(0, np.float32), *self._floats])
        parts = [text.encode(), (codes >> 8).astype(np.uint8).tobytes(), codes.astype(np.uint8).tobytes()]
        payload = b"".join([len(parts[0]).to_bytes(4, "little"), *parts, floats.astype("<f4").tobytes()])
        return base64.b64encode(zlib.compress(payload, 9)).decode()
