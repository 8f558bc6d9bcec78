"""Does a claim hold by luck of the draw? ``python -m tools.redraw CHAPTER [SHIFT ...]``.

Runs a chapter with other random numbers, those of every seed plus a shift, and names the claims and checks that then
fail. A tolerance should leave room for other draws; a claim that fails here wants more samples, or a wider one.

What a chapter says of other draws is recorded: ``--record NAME ...`` keeps what the notes and claims of these names are
in each of them, in a file that the chapter reads by :func:`ntklib.book.draws.redrawn`.
"""

import argparse
import contextlib
import io
import json
import numbers
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tools import threads
from tools.compiling import xla_flags
from tools.terminal import show_all_signs

RECORDS = Path(__file__).parents[1] / "ntklib" / "book" / "draws"


def failing(chapter: Path, shift: int, noted: dict[str, float] | None = None) -> list[str]:
    """What fails in a chapter, a line each, when `shift` is added to every whole number that seeds a generator.

    Args:
        chapter: its file.
        shift: what is added.
        noted: where the numbers of its notes and claims are put, by their names.
    """
    import jax
    import jupytext
    import numpy as np

    from ntklib import _arguments, book
    from ntklib.book import claims

    failed: list[str] = []
    numbers_of: dict[str, float] = {} if noted is None else noted

    def shifted(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda seed=None, **options: make(_moved(seed, shift), **options)

    def keep(name: str, value: Any) -> None:
        if _arguments.is_number(value):
            numbers_of[name] = float(value)

    def judge(*arguments: Any, **options: Any) -> Any:
        keep(*arguments[:2])
        try:
            return judged(*arguments, **options)
        except claims.ClaimError as error:
            failed.append(" ".join(str(error).split()))

    judged, names = claims.judged, {"__name__": "__main__"}
    with (
        mock.patch.object(jax.random, "key", shifted(jax.random.key)),
        mock.patch.object(np.random, "default_rng", shifted(np.random.default_rng)),
        mock.patch.object(claims, "judged", judge),
        mock.patch.object(claims, "show"),
        mock.patch.object(book, "note", keep),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for cell in jupytext.read(chapter).cells:
            if cell.cell_type == "code":
                try:
                    exec(cell.source, names)
                except Exception as error:
                    failed.append(f"{type(error).__name__}: {error}, in the cell {cell.source.strip()[:60]!r}")
    return failed


def _moved(seed: Any, shift: int) -> Any:
    """A seed, or the first number of one that has several, plus a shift; what is no seed, as a generator, stays.

    >>> _moved(3, 1000), _moved((3, 7), 1000), _moved(None, 1000)
    (1003, (1003, 7), None)
    """
    if isinstance(seed, (tuple, list)) and seed:
        return type(seed)([_moved(seed[0], shift), *seed[1:]])
    return seed + shift if isinstance(seed, numbers.Integral) else seed


def record(chapter: str, draws: dict[int, dict[str, float]], names: Sequence[str], folder: Path = RECORDS) -> Path:
    """Write down what these numbers of a chapter were in each draw; returns the file.

    Raises:
        SystemExit: if a number was not noted or claimed in each of them.
    """
    missing = [name for name in names if not all(name in noted for noted in draws.values())]
    if missing:
        raise SystemExit(f"not noted or claimed in every draw of {chapter}, so nothing is recorded: {missing}")
    kept = {name: [float(f"{noted[name]:.4g}") for noted in draws.values()] for name in names}
    path = folder / f"{chapter}.json"
    path.write_text(json.dumps({"shifts": list(draws), "values": kept}, indent=1) + "\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the chapter, and print what fails."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.redraw", description=__doc__)
    parser.add_argument("chapter", help="its name, without the ending")
    parser.add_argument("shifts", nargs="*", type=int, default=[1000, 2000, 3000], help="added to every seed")
    parser.add_argument("--record", nargs="+", metavar="NAME", help="notes and claims to record")
    options = parser.parse_args(arguments)
    chapter = Path("chapters") / f"{options.chapter}.md"
    if not chapter.exists():
        parser.error(f"there is no {chapter}")
    os.environ |= {"XLA_FLAGS": xla_flags(), **threads.ONE_EACH}  # before JAX and NumPy are imported
    draws: dict[int, dict[str, float]] = {shift: {} for shift in options.shifts}
    found = [f"{shift:+}: {line}" for shift, noted in draws.items() for line in failing(chapter, shift, noted)]
    print("\n".join(found) or "every claim holds")
    if options.record:
        print(f"recorded in {record(options.chapter, draws, options.record)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
