"""Has a chapter grown by half? What each page took in the last build, against what was published.

``python -m tools.times`` says which pages took half as much again as stands in `benchmarks/chapters.json`, in time or
in memory; after a change that is meant to cost more, ``python -m tools.times --publish`` writes the new numbers there.
"""

import argparse
import json
import os
import platform
from pathlib import Path

from jupyter_cache import get_cache

from tools.terminal import show_all_signs

PUBLISHED = Path(__file__).parent.parent / "benchmarks" / "chapters.json"
GROWN = 1.5  # that much more than published is worth a word
NOISE = {"seconds": 5.0, "bytes": 100e6}  # and no less than this


def measured(folder: Path, source: Path) -> dict[str, dict[str, float]]:
    """What the executions in the cache `folder` took, by the page's name relative to `source`: seconds and bytes."""
    found: dict[str, dict[str, float]] = {}
    for record in sorted(get_cache(folder).list_cache_records(), key=lambda record: record.created):
        path = Path(record.uri).resolve()
        if not path.exists() or not path.is_relative_to(source.resolve()):
            continue
        name = path.relative_to(source.resolve()).with_suffix("").as_posix()
        found[name] = {"seconds": record.data["execution_seconds"]}
        if record.data.get("peak_bytes"):
            found[name]["bytes"] = record.data["peak_bytes"]
    return found


def published(name: str) -> dict[str, float]:
    """What the execution of a page took when it was last published: seconds and bytes, or nothing.

    >>> published("no/such-page")
    {}
    """
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))["pages"].get(name, {}) if PUBLISHED.exists() else {}


def grown(pages: dict[str, dict[str, float]]) -> list[str]:
    """A line for each page that took half as much again as was published, in time or in memory.

    >>> grown({"no/such-page": {"seconds": 1e9}})
    []
    """
    lines = []
    for name, now in pages.items():
        before = published(name)
        for kind, unit, size in (("seconds", "s", 1), ("bytes", "MB", 1e6)):
            if kind in now and kind in before and now[kind] > max(GROWN * before[kind], before[kind] + NOISE[kind]):
                lines.append(f"{name}: {now[kind] / size:.0f} {unit}, against the {before[kind] / size:.0f} published")
    return lines


def main() -> None:
    """Compare the last build with what is published, or publish it."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.times", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write benchmarks/chapters.json from the last build")
    pages = measured(Path("_build/.jupyter_cache"), Path())
    if not parser.parse_args().publish:
        print("\n".join(grown(pages)) or "nothing has grown by half")
        return
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    rounded = {name: {kind: round(value) for kind, value in page.items()} for name, page in sorted(pages.items())}
    PUBLISHED.write_text(json.dumps({"machine": machine, "pages": rounded}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rounded)} pages written to {PUBLISHED}")


if __name__ == "__main__":
    main()
