"""Has a number of digits sufficed? What a solve with a kernel matrix is held to."""

from typing import Any

import numpy as np

__all__ = ["ADVICE", "LOST", "refuse_if_lost"]

ADVICE = (
    "compute the kernel in float64 (jax.config.update('jax_enable_x64', True) before anything else), "
    "or take a larger ridge"
)
LOST = 0.01
"""The relative error of an answer that counts as losing it."""


def refuse_if_lost(dtype: Any, largest: float, smallest: float, what: str) -> None:
    """Refuse a solve whose matrix is disturbed by rounding as much as its smallest eigenvalue.

    A matrix of this dtype is known to the rounding unit times its largest eigenvalue; the part of the answer in the
    direction of its smallest one is known to the quotient of the two.

    Raises:
        ValueError: if that is more than a hundredth, with the quotient, and advice.

    >>> refuse_if_lost(np.float32, 1e4, 1e-3, "the ridge")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: in float32 this solve loses the answer: the largest eigenvalue is 1e+07 times the ridge, and float32 ...
    """
    name, eps = np.dtype(dtype).name, float(np.finfo(dtype).eps)
    condition = largest / smallest if smallest > 0 else float("inf")
    if eps * condition > LOST:
        raise ValueError(
            f"in {name} this solve loses the answer: the largest eigenvalue is {condition:.2g} times {what}, and "
            f"{name} carries {LOST / eps:.2g}; {ADVICE}"
        )
