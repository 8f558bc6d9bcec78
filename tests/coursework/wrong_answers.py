"""Answers that are right in another form, and answers that are wrong in every way that is easily had."""

from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[np.ndarray], Any]

WRONG: dict[str, Change] = {
    "empty": lambda v: v[:0] if v.ndim else np.zeros(0),
    "an empty column": lambda v: np.zeros((0, 1)),
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "not a number": lambda v: np.full(v.shape, np.nan),
    "infinite": lambda v: np.full(v.shape, np.inf),
    "transposed": lambda v: v.T,
    "in a row": lambda v: v[None],
    "in a column": lambda v: v[..., None],
    "the first alone": lambda v: v[:1] if v.ndim else v,
    "their mean": lambda v: v.mean() if v.size else v,
    "their mean, as often": lambda v: np.full(v.shape, v.mean()) if v.size else v,
    "halved": lambda v: v / 2,
    "negative": np.negative,
    "none": lambda v: None,
    "doubled": lambda v: v * 2 if v.dtype.kind != "b" else v,
    "one more": lambda v: v + 1,
    "reversed": lambda v: v[..., ::-1] if v.ndim else v,
    "sorted": lambda v: np.sort(v) if v.ndim else v,
    "moved by one": lambda v: np.roll(v, 1, axis=-1) if v.ndim else v,
    "the largest, as often": lambda v: np.full(v.shape, v.max()) if v.size and v.dtype.kind != "c" else v,
    "half of them": lambda v: np.where(np.arange(v.size).reshape(v.shape) % 2, 0, v) if v.ndim else v,
    "in whole numbers": np.round,
    "a twentieth more": lambda v: v * 1.05,
}
RIGHT: dict[str, Change] = {
    "32 bits": lambda v: v.astype(np.float32) if v.dtype.kind == "f" else v,
    "32 bits of whole numbers": lambda v: v.astype(np.int32) if v.dtype.kind == "i" else v,
    "whole numbers as floats": lambda v: v.astype(float) if v.dtype.kind == "i" else v,
    "lists": lambda v: v.tolist(),
    "tuples": lambda v: (
        tuple(tuple(row) if isinstance(row, list) else row for row in v.tolist()) if v.ndim else v.item()
    ),
}


#: What is as right: units in another order, a filter that stands elsewhere on its circle, counts that differ by one.
AS_RIGHT = {
    ("approximation", "q2-best-test"): ("reversed", "moved by one"),
    ("depth", "q1-test-zigzag"): ("reversed", "moved by one"),
    ("depth", "q4c-test-medians"): ("sorted",),
    ("convolution", "q3b-test-lift"): ("moved by one",),
}


class Changed:
    """Answers, changed number by number: also what functions return, and what stands in lists and dicts.

    `differs` tells whether something became another answer: a single number is the same in a row, and zeros are not
    changed by halving.

    >>> halved = Changed(WRONG["halved"])
    >>> float(halved({"a": 0.0})["a"]), halved.differs
    (0.0, False)
    >>> [float(half) for half in halved(lambda x: [x, 2])(1)], halved.differs
    ([0.5, 1.0], True)
    """

    def __init__(self, change: Change) -> None:
        self.change = change
        self.differs = False

    def __call__(self, answer: Any) -> Any:
        if callable(answer):
            return lambda *args, **keywords: self(answer(*args, **keywords))
        if isinstance(answer, list | tuple):
            return type(answer)(self(part) for part in answer)
        if isinstance(answer, dict):
            return {key: self(part) for key, part in answer.items()}
        before = np.asarray(answer)
        if before.dtype.kind not in "biufc":
            return answer
        try:
            after = self.change(before)
        except TypeError:  # half of a truth value, or less than one
            after = None
        self.differs |= not _same(before, after)
        return after


def _same(before: np.ndarray, after: Any) -> bool:
    """Whether these are nearly the same numbers; one number may stand in an array of its own."""
    if after is None:
        return False
    after = np.asarray(after)
    if before.size == after.size == 1:
        before, after = before.ravel(), after.ravel()
    return before.shape == after.shape and np.allclose(before, after, rtol=0.01, atol=1e-14, equal_nan=True)
