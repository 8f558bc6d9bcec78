"""What does a frame of the laboratory cost while it trains? ``python -m benchmarks.frames``.

The built page trains in Chromium; what is counted is processor time, which a busy machine leaves nearly as it is, for
each frame that is drawn: of the page's main thread, and of all threads of its process, with the worker that trains. A
processor four times slower draws 30 frames a second if the main thread needs less than 8.3 ms a frame at full speed,
and, with a single core, if all threads together do. ``--slow`` also slows the main thread four times, as the browser's
developer tools do, and counts frames by the clock: on a busy machine these are fewer.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.chromium import launched
from tools.terminal import show_all_signs

SITE = Path(__file__).parent.parent / "_build" / "html"
SETTINGS = {
    "one network, width 512, 12 points": "preset=wave&width=512&networks=1",
    "twenty networks, width 512, 12 points": "preset=wave&width=512&networks=20",
    "one network, width 512, 12 points of the plane": "preset=moons&width=512&networks=1",
}
SLOWDOWN, WANTED = 4, 30

COUNT = """(ms) => new Promise((done) => {
  const host = document.querySelector("[data-laboratory]"), start = performance.now();
  const path = host.shadowRoot.querySelector("[data-curve=networks]");
  let drawn = 0;
  const seen = new MutationObserver(() => { drawn++; });
  seen.observe(path, { attributes: true, attributeFilter: ["d"] });
  setTimeout(() => { seen.disconnect(); done([drawn, performance.now() - start]); }, ms);
})"""
BUSY = """() => {
  const turn = () => {
    const start = performance.now();
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += Math.sqrt(i);
    return performance.now() - start;
  };
  const source = `const turn = ${turn}; turn(); onmessage = () => postMessage(turn());`;
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  turn();
  const main = turn();
  return new Promise((done) => {
    worker.onmessage = ({ data }) => { worker.terminate(); done([main, data]); };
    worker.postMessage(0);
  });
}"""


@dataclass(frozen=True)
class Frames:
    """What was seen of one setting.

    Attributes:
        main: milliseconds of processor time of the page's main thread, for each frame drawn.
        everything: of all threads of the page's process.
        rate: frames drawn a second, by the clock.
    """

    main: float
    everything: float
    rate: float


def frames(browser: Any, page: Any, milliseconds: int = 4000) -> Frames:
    """Watch a laboratory that plays."""
    devtools, whole = page.context.new_cdp_session(page), browser.new_browser_cdp_session()
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> tuple[float, dict[int, float]]:
        of_main = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        processes = whole.send("SystemInfo.getProcessInfo")["processInfo"]
        return of_main["TaskDuration"], {p["id"]: p["cpuTime"] for p in processes if p["type"] == "renderer"}

    main, processes = spent()
    drawn, took = page.evaluate(COUNT, milliseconds)
    main_after, processes_after = spent()
    most = max(after - processes.get(process, 0) for process, after in processes_after.items())
    return Frames(1000 * (main_after - main) / drawn, 1000 * most / drawn, 1000 * drawn / took)


def play(page: Any, site: Path, setting: str) -> None:
    """Open the laboratory with a setting, and let it train."""
    page.goto("about:blank")
    page.goto((site / "laboratory.html").as_uri() + "#" + setting)
    page.wait_for_function("document.querySelector('[data-laboratory]').state")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1000)


def main() -> None:
    """Print a line for each setting."""
    show_all_signs()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--site", type=Path, default=SITE, help="the built site")
    parser.add_argument("--repeat", type=int, default=3, help="how often each setting is watched; the median counts")
    parser.add_argument("--slow", action="store_true", help="count frames with the main thread slowed down, too")
    given = parser.parse_args()
    if not (given.site / "laboratory.html").exists():
        parser.error(f"no laboratory.html in {given.site}: run 'make book' first")
    budget = 1000 / WANTED / SLOWDOWN
    print(f"milliseconds of processor time a frame, median of {given.repeat}; the budget is {budget:.1f}")
    with launched(windowless=True) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for name, setting in SETTINGS.items():
            play(page, given.site, setting)
            seen = [frames(browser, page) for _ in range(given.repeat)]
            middle = Frames(*(statistics.median(getattr(s, f) for s in seen) for f in ("main", "everything", "rate")))
            print(f"{name}: main thread {middle.main:.1f}, all {middle.everything:.1f}; {middle.rate:.0f} frames/s")
            if given.slow:
                slowed = page.context.new_cdp_session(page)
                slowed.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
                rate = statistics.median(frames(browser, page).rate for _ in range(given.repeat))
                slowed.send("Emulation.setCPUThrottlingRate", {"rate": 1})
                print(f"  with the main thread slowed down {SLOWDOWN} times: {rate:.0f} frames/s")
        if given.slow:
            page.goto("about:blank")
            slowed = page.context.new_cdp_session(page)
            for rate in (1, SLOWDOWN):
                slowed.send("Emulation.setCPUThrottlingRate", {"rate": rate})
                here, worker = page.evaluate(BUSY)
                print(f"slowed down {rate} times, the same loop takes {here:.0f} ms here and {worker:.0f} in a worker")


if __name__ == "__main__":
    main()
