"""What moved between two builds of the book? ``python -m tools.compare_claims OTHER [THIS]``.

Reads two ledgers (``claims.json``, or the folder or the address of a site that has one) and prints each claim whose
measured number differs, the largest movement relative to its tolerance first.
"""

import argparse
import json
import math
import sys
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tools.terminal import show_all_signs


def read(place: str) -> dict[str, Any]:
    """The ledger at a path or an address.

    Raises:
        ValueError: if there is none.
    """
    remote = place.startswith(("http://", "https://"))
    if not place.endswith(".json"):
        place = f"{place.rstrip('/')}/claims.json"
    try:
        if remote:
            with urllib.request.urlopen(place, timeout=30) as answer:
                ledger = json.load(answer)
        else:
            ledger = json.loads(Path(place).read_text(encoding="utf-8"))
        if not isinstance(ledger, dict) or not {"build", "claims"} <= ledger.keys():
            raise ValueError("it is not the ledger of a book")
        return ledger
    except (OSError, ValueError) as error:
        raise ValueError(f"there is no ledger at {place}: {error}") from error


def _numbers(measured: Any) -> np.ndarray | None:
    try:
        exact = [float(Fraction(v)) if isinstance(v, str) else v for v in np.ravel(np.array(measured, dtype=object))]
        return np.array(exact, dtype=float)
    except ValueError:  # a text
        return None


def movement(old: dict[str, Any], new: dict[str, Any]) -> float:
    """How far a measurement moved, as a fraction of its tolerance; infinite where nothing may move."""
    before, after = _numbers(old["measured"]), _numbers(new["measured"])
    if before is None or after is None or before.shape != after.shape:
        return 0.0 if old["measured"] == new["measured"] else math.inf
    distance = float(np.max(np.abs(after - before), initial=0.0))
    if distance == 0:
        return 0.0
    if new["kind"] == "measured":
        return math.nan
    return distance / new["tolerance"] if new["tolerance"] else math.inf


def compare(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """The lines of the report."""
    for name in sorted(old["build"].keys() | new["build"].keys()):
        was, now = old["build"].get(name, "–"), new["build"].get(name, "–")
        if was != now:
            yield f"{name}: {was} → {now}"
    before, after = ({claim["name"]: claim for claim in ledger["claims"]} for ledger in (old, new))
    moved = {name: movement(before[name], after[name]) for name in before.keys() & after.keys()}
    rank = {name: -math.inf if math.isnan(size) else size for name, size in moved.items()}
    for name in sorted((n for n, size in moved.items() if size != 0), key=lambda n: (-rank[n], n)):
        size = moved[name]
        amount = "no tolerance" if not math.isfinite(size) else f"{100 * size:.2g} % of the tolerance"
        yield f"{name}: {before[name]['measured_text']} → {after[name]['measured_text']}  ({amount})"
    for name in sorted(after.keys() - before.keys()):
        yield f"{name}: new, {after[name]['measured_text']}"
    for name in sorted(before.keys() - after.keys()):
        yield f"{name}: gone, was {before[name]['measured_text']}"
    yield f"{sum(size != 0 for size in moved.values())} of {len(moved)} claims moved."


def main() -> int:
    """Read the command line and print the report."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.compare_claims", description=__doc__)
    parser.add_argument("other", help="the ledger to compare with: a path or an address")
    parser.add_argument("this", nargs="?", default="_build/html", help="the ledger of this build")
    places = parser.parse_args()
    try:
        old, new = read(places.other), read(places.this)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(compare(old, new)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
