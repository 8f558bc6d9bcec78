"""What does an explorer leave in a page, and is that too much?"""

import base64
import html
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ntklib.book._drawings import Frame, axes
from ntklib.book._parameters import spoken
from ntklib.book._store import Store

__all__ = ["packed", "representations"]

_MOST_SETTINGS = 20_000


def representations(explorer: Any) -> dict[str, str]:
    """The explorer without a kernel: HTML that the script brings to life, a still picture, a sentence.

    Args:
        explorer: an :class:`ntklib.book.Explorer`.

    Raises:
        ValueError: if it would be too much for the page.
    """
    from ntklib.book import _still  # and with it matplotlib

    data = packed(explorer)
    frame, limits = explorer.frame(explorer.start), explorer.limits(list(explorer._computed.values()))
    setting = ", ".join(map(spoken, explorer.parameters, explorer.start))
    alternative = f"{explorer.title}. {explorer.description} Shown for {setting}. {frame.text}".strip()
    picture = base64.b64encode(_still.picture(explorer._spec, frame, limits, setting)).decode()
    return {
        "text/html": '<div class="ntk-explorer">'
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(alternative)}">'
        f'<script type="text/plain">{data}</script></div>',
        "image/png": picture,
        "text/plain": f"{explorer!r}: {alternative}",
    }


def _pack(explorer: Any, frames: Sequence[Frame]) -> str:
    """The text that the script draws from."""
    header, store, texts = explorer._header(frames), Store(), {f.text: None for f in frames}
    ends = {a: np.log10(v) if explorer._scales.get(a) == "log" else v for a, v in header["limits"].items() if a != "z"}
    seen = {axis: abs(end[1] - end[0]) / 2000 for axis, end in ends.items()}
    letters = [axis for item in frames[0].items for axis in axes(item)]
    rows = [
        [
            store.add(array, log=explorer._scales.get(axis) == "log", resolution=seen.get(axis, math.inf))
            for array, axis in zip(itertools.chain(*frame.arrays), letters, strict=True)
        ]
        for frame in frames
    ]
    number = {text: index for index, text in enumerate(texts)}
    return store.pack({**header, "frames": rows, "texts": list(texts), "text": [number[f.text] for f in frames]})


def packed(explorer: Any, progress: Callable[[int, int], None] = lambda done, total: None) -> str:
    """Compute every setting of the page, as the text that the script draws from.

    Args:
        explorer: an :class:`ntklib.book.Explorer`.
        progress: is told how many are done, and of how many.

    Raises:
        ValueError: as soon as they are too many for the page, with their size and advice.
    """
    settings, frames = explorer.settings(), []
    if len(settings) > _MOST_SETTINGS:
        raise ValueError(_too_heavy(explorer, f"has {len(settings)} settings, of which a page holds {_MOST_SETTINGS}"))
    for done, setting in enumerate(settings):
        progress(done, len(settings))
        frames.append(explorer.frame(setting))
        if done >= 15 and (done & (done + 1)) == 0:  # after 16, 32, 64 … drawings
            _refuse_too_heavy(explorer, _pack(explorer, frames), len(frames), len(settings))
    data = _pack(explorer, frames)
    _refuse_too_heavy(explorer, data, len(frames), len(settings))
    return data


def _refuse_too_heavy(explorer: Any, data: str, done: int, total: int) -> None:
    if len(data) > explorer.max_bytes:
        about = f"about {len(data) * total / done / 1000:,.0f} kB" if done < total else f"{len(data) / 1000:,.0f} kB"
        raise ValueError(
            _too_heavy(
                explorer, f"would add {about} to the page, where {explorer.max_bytes / 1000:,.0f} kB are allowed"
            )
        )


def _too_heavy(explorer: Any, how: str) -> str:
    counts = " × ".join(f"{len(p.values)} ({p.name})" for p in explorer.parameters)
    most = max(explorer.parameters, key=lambda p: len(p.values)).name
    advice = f"give fewer values of {most!r}"
    if explorer._computed:
        frame = next(iter(explorer._computed.values()))
        sizes = [
            (sum(a.size for a in arrays), item["name"]) for item, arrays in zip(frame.items, frame.arrays, strict=True)
        ]
        advice += f", or fewer points of {max(sizes)[1]!r}, which has {max(sizes)[0]} numbers in each drawing"
    return f"the grid of {counts} settings {how}: {advice}"
