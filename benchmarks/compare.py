"""How much time and memory does a computation take against a peer that does the same work?

A benchmark is a script in this folder. It describes its work as a list of `Case` and ends with
``if __name__ == "__main__": main(CASES)``; the contenders of a case are functions that prepare what they need and
return the function that is timed:

    CASES = [Case("double, n = 1000", {"ours": prepare_ours, "loop": prepare_loop}, n=1000, goals={"loop": 0.5})]

`main` times the contenders in turn, round after round, there and back, so that whatever else the machine does meets
all of them, and takes the median over the rounds of the ratio of the first contender to each other one. What the
first call takes longer than the median is counted apart, as compiling. The growth of peak memory is measured in a
process of its own for each contender. The numbers, with the machine's description, are appended to
``results/NAME.json``, which is committed and shown in the appendix, *What it costs*. What is measured again on the
same day and machine replaces what was there.

    python benchmarks/NAME.py                     all of its cases
    python benchmarks/NAME.py --case 2000         those with 2000 in their name
    python benchmarks/compare.py                  all benchmarks (make bench)
    python benchmarks/compare.py NAME ...         some of them (make bench ONLY=NAME)

What has no peers has a command of its own: ``python -m benchmarks.site``, ``python -m benchmarks.many``,
``python benchmarks/grading.py``.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools.terminal import show_all_signs

FOLDER = Path(__file__).parent
Prepare = Callable[[], Callable[[], Any]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One piece of work and those who do it.

    Attributes:
        work: what is computed, with its sizes: a row of the table.
        contenders: by name, functions that prepare the inputs and return the function that is timed. The first is
            ours; ratios are its time divided by that of each other one.
        n: the size that is plotted, if there is one; cases with the same `series` make one curve.
        series: what `n` varies in; the work without its size.
        goals: by name of a peer, the greatest ratio that we want.
        rounds: how often each contender runs, after a first call that compiles; with 0 there is that call only, for
            work that takes minutes, and its time and memory count, compiling included.
        x64: whether JAX has 64 bits while the contenders are prepared and run.
        memory: whether the peak memory is measured, in one process more for each contender.
        measure: from the results by contender, numbers to record besides: accuracies, iterations.
    """

    work: str
    contenders: Mapping[str, Prepare]
    n: int | None = None
    series: str | None = None
    goals: Mapping[str, float] = dataclasses.field(default_factory=dict)
    rounds: int = 7
    x64: bool = False
    memory: bool = True
    measure: Callable[[dict[str, Any]], dict[str, float]] | None = None

    def __post_init__(self) -> None:
        if not self.contenders or not set(self.goals) <= set(list(self.contenders)[1:]):
            raise ValueError(f"{self.work}: goals must name peers, {list(self.contenders)[1:]}, got {list(self.goals)}")


def main(cases: list[Case]) -> None:
    """Run the benchmark that calls this; what `python NAME.py` does."""
    # a compilation that is read from disk would count as none
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    show_all_signs()
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", help="only cases with this in their name")
    parser.add_argument("--peak", nargs=2, metavar=("WORK", "CONTENDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        work, contender = options.peak
        (case,) = (case for case in cases if case.work == work)
        print(json.dumps(_peak(case, contender)))
        return
    if len({case.work for case in cases}) < len(cases):
        raise ValueError("two cases have the same work")
    script = Path(sys.argv[0])
    chosen = [case for case in cases if options.case is None or options.case in case.work]
    if not chosen:
        raise SystemExit(f"no case has {options.case!r} in its name; there are: {[case.work for case in cases]}")
    order = [case.work for case in cases]
    for case in chosen:
        result = _run(case, script)
        print(_line(result), flush=True)
        _record(script.stem, result, order)


def _run(case: Case, script: Path) -> dict[str, Any]:
    with _precision(case.x64):
        first: dict[str, float] = {}
        calls, kept = {}, {}
        peaks: dict[str, int | None] = {}
        for name, prepare in case.contenders.items():
            calls[name] = prepare()
            before = _restart_peak()
            first[name], result = _timed(calls[name])
            peaks[name] = max(_resident("VmHWM") - before, 0) if case.memory and not case.rounds else None
            if case.measure:
                kept[name] = result
            del result
        times: dict[str, list[float]] = {name: [] for name in calls}
        for index in range(case.rounds):
            # there and back: memory that one has just given up is slow for whoever comes next
            for name in list(calls)[:: -1 if index % 2 else 1]:
                times[name].append(_timed(calls[name])[0])
        if not case.rounds:
            times = {name: [seconds] for name, seconds in first.items()}
        extra = case.measure(kept) if case.measure else {}
        del kept, calls
    gc.collect()
    ours = next(iter(times))
    contenders = {}
    for name, each in times.items():
        ratios = [mine / theirs for mine, theirs in zip(times[ours], each, strict=True)]
        contenders[name] = {
            "seconds": statistics.median(each),
            "fastest": min(each),
            "compile_seconds": max(first[name] - statistics.median(each), 0.0),
            "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
            "peak_bytes": _peak_apart(script, case.work, name) if case.memory and case.rounds else peaks[name],
        }
    return {
        "work": case.work,
        "series": case.series,
        "n": case.n,
        "rounds": case.rounds,
        "ours": ours,
        "goals": dict(case.goals),
        "contenders": contenders,
        "measured": extra,
    }


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    if "jax" in sys.modules:
        sys.modules["jax"].block_until_ready(result)
    return time.perf_counter() - start, result


def _precision(x64: bool) -> Any:
    if "jax" not in sys.modules:
        return contextlib.nullcontext()
    return sys.modules["jax"].enable_x64(x64)


def _peak_apart(script: Path, work: str, contender: str) -> int:
    done = subprocess.run(
        [sys.executable, str(script), "--peak", work, contender], stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _peak(case: Case, contender: str) -> int:
    """By how many bytes one call raises the memory of this process at its peak: output, work and compiling."""
    with _precision(case.x64):
        call = case.contenders[contender]()
        gc.collect()
        before = _resident("VmRSS")
        _timed(call)
    return max(_resident("VmHWM") - before, 0)


def _restart_peak() -> int:
    """Forget the peak so far, where the system can (Linux), and return what the process holds now."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # what is free but still ours would hide what comes next
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return _resident("VmRSS")


def _resident(field: str) -> int:
    """Memory that this process has now (VmRSS) or had at most (VmHWM); elsewhere than on Linux, always the latter."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith(field + ":"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in info.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    versions = {}
    for name in ("jax", "numpy", "scipy", "scikit-learn", "neural-tangents", "gpytorch", "torch"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model,
        "cores": cores,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _record(name: str, result: dict[str, Any], order: list[str]) -> None:
    """Add a case to the run of today on this machine, or begin one."""
    path = FOLDER / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    head = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "machine": machine()}
    if not runs or {name: runs[-1][name] for name in head} != head:
        runs.append(head | {"cases": []})
    cases = {case["work"]: case for case in runs[-1]["cases"]} | {result["work"]: result}
    runs[-1]["cases"] = [cases[work] for work in order if work in cases]
    partial = path.with_suffix(".json.part")
    partial.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _line(result: dict[str, Any]) -> str:
    ours = result["contenders"][result["ours"]]
    lines = [f"{result['work']}: {result['ours']} {_described(ours)}"]
    for name, peer in result["contenders"].items():
        if name != result["ours"]:
            goal = result["goals"].get(name)
            aim = "" if goal is None else f" ({'reached' if peer['ratio'] <= goal else 'missed'}: {goal:g})"
            lines.append(f"    {peer['ratio']:.3g} × {name}{aim}; it took {_described(peer)}")
    lines += [f"    {name}: {value:.3g}" for name, value in result["measured"].items()]
    return "\n".join(lines)


def _described(contender: dict[str, Any]) -> str:
    peak = contender["peak_bytes"]
    memory = "" if peak is None else f", {peak / 1e6:.0f} MB"
    return f"{contender['seconds']:.4g} s, compiling {contender['compile_seconds']:.2g} s{memory}"


def _run_all(names: list[str]) -> None:
    scripts = sorted(
        path for path in FOLDER.glob("*.py") if path.read_text(encoding="utf-8").rstrip().endswith("    main(CASES)")
    )
    unknown = set(names) - {path.stem for path in scripts}
    if unknown:
        raise SystemExit(f"no benchmark {sorted(unknown)}; there are {[path.stem for path in scripts]}")
    failed = []
    for path in scripts:
        if not names or path.stem in names:
            print(f"== {path.stem}", flush=True)
            if subprocess.run([sys.executable, str(path)], check=False, cwd=FOLDER.parent).returncode:
                failed.append(path.stem)
    if failed:
        raise SystemExit(f"failed, see above: {', '.join(failed)}")


if __name__ == "__main__":
    _run_all(sys.argv[1:])
