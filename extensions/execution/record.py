"""When was a chapter executed last, with which versions, and how long did it take?"""

import datetime
import importlib.metadata
import json
import platform
from dataclasses import dataclass
from pathlib import Path

from sphinx.environment import BuildEnvironment

PACKAGES = {"JAX": "jax", "NumPy": "numpy", "ntklib": "ntklib"}


@dataclass(frozen=True)
class Execution:
    """The last execution of a chapter: seconds, date (UTC), and versions by name."""

    seconds: float
    date: str
    versions: dict[str, str]


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name, package in PACKAGES.items():
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a book without its library installed
            continue
    return found


def last_execution(env: BuildEnvironment, docname: str) -> Execution | None:
    """When and how the chapter was executed, or None if it has not been.

    MyST-NB says how long it took and when. Versions are those of the first build that saw this execution, which is the
    one that made it; they are kept beside the cache, so that a build that executes nothing changes nothing.
    """
    known = getattr(env, "nb_metadata", {})
    data = known[docname].get("exec_data") if docname in known else None
    if not data or not data.get("runtime"):
        return None
    date = datetime.datetime.fromtimestamp(data["mtime"], datetime.UTC).strftime("%Y-%m-%d")
    folder = Path(env.mystnb_config.execution_cache_path or "")  # type: ignore[attr-defined]
    record = folder / "executed_with.json"
    key = f"{data['runtime']:.6f}"  # two executions take the same number of microseconds only by a miracle
    kept = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    entry = kept.get(docname)
    if entry is None or entry["key"] != key:
        entry = {"key": key, "date": date, "versions": _versions()}
        if folder.is_dir():
            record.write_text(json.dumps({**kept, docname: entry}, indent=1), encoding="utf-8")
    return Execution(float(data["runtime"]), entry["date"], entry["versions"])


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(0.4), duration(41.3), duration(127.0)
    ('a second', '41 seconds', '2 min 7 s')
    """
    whole = max(1, round(seconds))
    if whole < 100:
        return "a second" if whole == 1 else f"{whole} seconds"
    return f"{whole // 60} min {whole % 60} s"
