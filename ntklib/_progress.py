"""How far is a computation? A bar over the digits of its residual, or over the stages that it goes through."""

import math
import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["bar", "stages"]

_WIDTH = 24


def bar(tol: float, stream: TextIO | None = None) -> Callable[..., None]:
    """What to hand over as `progress` of :func:`ntklib.iterative.solve_cg`: it draws how far the residual has fallen.

    Called once more with ``done=True``, it writes the last line.

    The bar is full where the residual has fallen to the tolerance, and counts its digits, because these arrive at about
    an equal rate. A terminal shows one line, which is written over; elsewhere there is a line every ten seconds.

    Args:
        tol: the residual at which the iterations stop, below 1.
        stream: where to write, by default what is the standard output when a line is written.

    >>> show = bar(1e-8)
    >>> show(3, 1e-4)  # doctest: +ELLIPSIS
    [############............] iteration 3, residual 1.0e-04 of 1e-08, ... s
    """
    start = time.monotonic()
    written = -math.inf

    def show(iteration: int, residual: float, done: bool = False) -> None:
        nonlocal written
        to, now = stream or sys.stdout, time.monotonic()
        terminal = to.isatty()
        if not terminal and not done and now < written + 10:
            return
        written = now
        share = min(max(math.log(max(residual, 1e-300)) / math.log(tol), 0.0), 1.0)
        full = int(_WIDTH * share + 1e-9)
        line = (
            f"[{'#' * full}{'.' * (_WIDTH - full)}] iteration {iteration}, residual {residual:.1e} of {tol:g}, "
            f"{now - start:.0f} s"
        )
        print(f"\r{line:<79}" if terminal else line, end="\n" if done or not terminal else "", file=to, flush=True)

    return show


def stages(stream: TextIO | None = None) -> Callable[[str, float], None]:
    """What draws how far a computation of several stages is, each from 0 to 1, once two seconds have gone by.

    A terminal shows one line, which is written over; elsewhere there is a line every ten seconds.

    Args:
        stream: where to write, by default what is the standard error when a line is written.
    """
    start = time.monotonic()
    written = start - 8

    def show(stage: str, share: float) -> None:
        nonlocal written
        to, now = stream or sys.stderr, time.monotonic()
        terminal = to.isatty()
        if now < start + 2 or now < written + (0.1 if terminal else 10):
            return
        written = now
        full = int(_WIDTH * min(max(share, 0.0), 1.0) + 1e-9)
        line = f"[{'#' * full}{'.' * (_WIDTH - full)}] {stage}, {now - start:.0f} s"
        print(f"\r{line:<79}" if terminal else line, end="" if terminal else "\n", file=to, flush=True)

    return show
