"""What does a page of the built site transfer, how soon is it painted, does it jump? ``python -m benchmarks.site``.

The pages are served from this machine, compressed as static hosts do, to a Chromium whose processor is slowed down
four times. Budgets: 1.5 MB a page when it has been read to its end, first paint and a stable layout within a second.
A test (`tests/book/test_weight.py`) holds the bytes to their budget; times depend on the machine and are only shown.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from extensions.chromium import launched
from extensions.serve import served

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"

OBSERVE = """
window.seen = {shifts: [], paint: null, stable: 0};
new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  if (!e.hadRecentInput) window.seen.shifts.push({
    value: e.value, time: e.startTime,
    what: (e.sources || []).map((s) => s.node && (s.node.id || s.node.className || s.node.nodeName)).slice(0, 3),
  });
})).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  if (e.name === "first-contentful-paint") window.seen.paint = e.startTime;
})).observe({type: "paint", buffered: true});
"""

TYPESET = "() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"

READ_TO_THE_END = """
async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo({top: y, behavior: "instant"});
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)));
  }
}
"""


@dataclass(frozen=True)
class Visit:
    """One visit to a page.

    Attributes:
        bytes: as transferred, with everything that the page asked for until its end was read.
        requests: how many.
        paint: milliseconds until the first text or picture was painted.
        typeset: milliseconds until every formula that is typeset at loading was.
        stable: milliseconds until the last shift of the layout of what is seen at first.
        shift: the cumulative layout shift until then, as browsers report it (below 0.1 is good).
        reading: the cumulative layout shift while the page was read to its end.
        largest: the addresses that transferred most, with their bytes.
    """

    bytes: int
    requests: int
    paint: float
    typeset: float
    stable: float
    shift: float
    reading: float
    largest: tuple[tuple[str, int], ...]


def visit(browser: Any, address: str, *, slowdown: float = 1, width: int = 1280, height: int = 800) -> Visit:
    """Open a page with an empty cache, let it come to rest, read it to its end, and say what that took."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    devtools.on("Network.requestWillBeSent", lambda e: urls.__setitem__(e["requestId"], e["request"]["url"]))
    devtools.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], int(e["encodedDataLength"])))
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_function(TYPESET)
    typeset = page.evaluate("() => performance.now()")
    page.wait_for_timeout(500)
    seen = page.evaluate("() => structuredClone(window.seen)")
    page.evaluate("() => { window.seen.shifts = []; }")
    page.evaluate(READ_TO_THE_END)
    page.wait_for_timeout(300)
    later = page.evaluate("() => window.seen.shifts.reduce((sum, s) => sum + s.value, 0)")
    asked = {key: url for key, url in urls.items() if url.startswith("http")}
    largest = sorted(((asked[k], sizes[k]) for k in asked if k in sizes), key=lambda item: -item[1])
    context.close()
    shifts = [s for s in seen["shifts"] if s["value"] > 0.001]
    return Visit(
        bytes=sum(size for _, size in largest),
        requests=len(asked),
        paint=seen["paint"] or float("nan"),
        typeset=typeset,
        stable=max([s["time"] for s in shifts], default=0),
        shift=sum(s["value"] for s in shifts),
        reading=later,
        largest=tuple(largest[:8]),
    )


def pages(site: Path = SITE) -> list[str]:
    """The chapters of a built site, by their addresses within it."""
    return sorted(str(path.relative_to(site)) for path in (site / "chapters").glob("*.html"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every chapter and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parser.add_argument("pages", nargs="*", help="addresses within the site; otherwise every chapter")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    parser.add_argument("--slowdown", type=float, default=4, help="how many times slower the processor is made")
    parser.add_argument("--width", type=int, default=1280, help="of the window, in CSS pixels")
    parser.add_argument("--repeat", type=int, default=3, help="visits to each page; medians are shown")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    options = parser.parse_args(arguments)
    names = options.pages or pages(options.site)
    if not names or not all((options.site / name).exists() for name in names):
        parser.error(f"there is no such page in {options.site}: build the book first")
    results: dict[str, Any] = {}
    print(
        f"{'page':32} {'kB':>6} {'requests':>8} {'paint ms':>9} {'stable':>7} {'typeset':>8} {'shift':>6} {'later':>6}"
    )
    with served(options.site) as address, launched() as browser:
        for name in names:
            visits = [
                visit(browser, f"{address}/{name}", slowdown=options.slowdown, width=options.width)
                for _ in range(options.repeat)
            ]
            middle = {
                key: statistics.median(getattr(v, key) for v in visits)
                for key in ("bytes", "requests", "paint", "stable", "typeset", "shift", "reading")
            }
            results[name] = {**middle, "largest": asdict(visits[0])["largest"]}
            print(
                f"{name:32} {middle['bytes'] / 1000:6.0f} {middle['requests']:8.0f} {middle['paint']:9.0f} "
                f"{middle['stable']:7.0f} {middle['typeset']:8.0f} {middle['shift']:6.3f} {middle['reading']:6.3f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
