"""What does a page of the built site transfer, how soon is it painted, does it jump? ``python -m benchmarks.site``.

The pages are served from this machine, compressed as static hosts do, to a Chromium whose processor is slowed down
four times. Budgets: 1.5 MB a page when it has been read to its end, first paint and a stable layout within a second.
A test (`tests/extensions/test_weight.py`) holds the bytes to their budget; times depend on the machine and are only
shown.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.chromium import launched
from tools.serve import served
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"

OBSERVE = """
window.seen = {shifts: []};
new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  if (!e.hadRecentInput) window.seen.shifts.push(e.value);
})).observe({type: "layout-shift", buffered: true});
"""

LOADED = """
new Promise((done) => {
  const shifts = [];
  const told = () => done({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    ready: performance.getEntriesByType("navigation")[0].loadEventEnd,
    shifts: shifts,
  });
  new PerformanceObserver((list) => list.getEntries().forEach((e) => shifts.push([e.value, e.startTime])))
    .observe({type: "layout-shift", buffered: true});
  const wait = () => setTimeout(told, 500);
  if (document.readyState === "complete") wait();
  else addEventListener("load", wait);
})
"""

READ_TO_THE_END = """
async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo({top: y, behavior: "instant"});
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)));
  }
}
"""


@dataclass(frozen=True)
class Look:
    """What a reader with a slow processor sees first.

    Attributes:
        paint: milliseconds until the first text or picture was painted.
        stable: milliseconds until the last shift of the layout of what is seen at first; 0 if nothing shifted.
        ready: milliseconds until the page was loaded whole and its scripts had run.
        shift: the cumulative layout shift until then, as browsers report it (below 0.1 is good).
    """

    paint: float
    stable: float
    ready: float
    shift: float


def look(browser: Any, address: str, *, slowdown: float = 4, width: int = 1280, height: int = 800) -> Look:
    """Open a page with an empty cache, as a reader does: nothing but the slowdown is connected to it.

    What Playwright connects to each of its pages costs a long page a quarter of a second at a fourth of the speed: the
    developer tools decode the page a second time, and two more scripting worlds are made for it.

    Raises:
        RuntimeError: if the browser refuses a command, or nothing was painted.
        TimeoutError: if it does not answer for two minutes.
    """
    devtools = browser.new_browser_cdp_session()
    answers: dict[int, dict[str, Any]] = {}

    def heard(event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            answers[message["id"]] = message

    devtools.on("Target.receivedMessageFromTarget", heard)
    private = devtools.send("Target.createBrowserContext")["browserContextId"]
    window = {"url": "about:blank", "browserContextId": private, "width": width, "height": height}
    target = devtools.send("Target.createTarget", window)["targetId"]
    session = devtools.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]

    def ask(method: str, **parameters: Any) -> dict[str, Any]:
        number = len(answers) + 1
        message = json.dumps({"id": number, "method": method, "params": parameters})
        devtools.send("Target.sendMessageToTarget", {"sessionId": session, "message": message})
        end = time.monotonic() + 120
        while number not in answers:
            if time.monotonic() > end:
                raise TimeoutError(f"{method}: no answer from the browser for two minutes, at {address}")
            time.sleep(0.02)
            devtools.send("Browser.getVersion")  # lets the answer come in
        if "error" in answers[number]:
            raise RuntimeError(f"{method}: {answers[number]['error']}")
        return answers[number]["result"]

    ask("Emulation.setCPUThrottlingRate", rate=slowdown)
    ask("Page.navigate", url=address)
    time.sleep(1)  # questions asked before the first paint would delay it
    seen = ask("Runtime.evaluate", expression=LOADED, awaitPromise=True, returnByValue=True)["result"]["value"]
    if seen["paint"] is None:
        raise RuntimeError(f"nothing was painted at {address}")
    devtools.send("Target.disposeBrowserContext", {"browserContextId": private})
    devtools.detach()
    shifts = [(value, at) for value, at in seen["shifts"] if value > 0.001]
    return Look(
        paint=seen["paint"],
        stable=max((at for _, at in shifts), default=0),
        ready=seen["ready"],
        shift=sum(value for value, _ in shifts),
    )


@dataclass(frozen=True)
class Visit:
    """What one visit to a page transfers, and whether anything jumps.

    Attributes:
        bytes: as transferred, with everything that the page asked for until its end was read.
        requests: how many.
        shift: the cumulative layout shift at loading, as browsers report it (below 0.1 is good).
        reading: the cumulative layout shift while the page was read to its end.
        largest: the addresses that transferred most, with their bytes.
    """

    bytes: int
    requests: int
    shift: float
    reading: float
    largest: tuple[tuple[str, int], ...]


def visit(browser: Any, address: str, *, width: int = 1280, height: int = 800) -> Visit:
    """Open a page with an empty cache, let it come to rest, read it to its end, and say what that took."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    devtools.on("Network.requestWillBeSent", lambda e: urls.__setitem__(e["requestId"], e["request"]["url"]))
    devtools.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], int(e["encodedDataLength"])))
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)
    shift = page.evaluate("() => window.seen.shifts.splice(0).reduce((sum, value) => sum + value, 0)")
    page.evaluate(READ_TO_THE_END)
    page.wait_for_timeout(300)
    reading = page.evaluate("() => window.seen.shifts.reduce((sum, value) => sum + value, 0)")
    asked = {key: url for key, url in urls.items() if url.startswith("http")}
    largest = sorted(((asked[k], sizes[k]) for k in asked if k in sizes), key=lambda item: -item[1])
    context.close()
    return Visit(
        bytes=sum(size for _, size in largest),
        requests=len(asked),
        shift=shift,
        reading=reading,
        largest=tuple(largest[:8]),
    )


def pages(site: Path = SITE) -> list[str]:
    """The chapters of a built site, by their addresses within it."""
    return sorted(str(path.relative_to(site)) for path in (site / "chapters").glob("*.html"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every chapter and print a table."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parser.add_argument("pages", nargs="*", help="addresses within the site; otherwise every chapter")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    parser.add_argument("--slowdown", type=float, default=4, help="how many times slower the processor is made")
    parser.add_argument("--width", type=int, default=1280, help="of the window, in CSS pixels")
    parser.add_argument("--repeat", type=int, default=5, help="first looks at each page; medians are shown")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    options = parser.parse_args(arguments)
    names = options.pages or pages(options.site)
    if not names or not all((options.site / name).exists() for name in names):
        parser.error(f"there is no such page in {options.site}: build the book first")
    results: dict[str, Any] = {}
    print(f"{'page':32} {'kB':>6} {'requests':>8} {'paint ms':>9} {'stable':>7} {'ready':>6} {'shift':>6} {'later':>6}")
    with served(options.site) as address, launched() as browser:
        for name in names:
            looks = [
                look(browser, f"{address}/{name}", slowdown=options.slowdown, width=options.width)
                for _ in range(options.repeat)
            ]
            seen = visit(browser, f"{address}/{name}", width=options.width)
            middle = {key: statistics.median(getattr(x, key) for x in looks) for key in ("paint", "stable", "ready")}
            shift = max(seen.shift, *(x.shift for x in looks))
            results[name] = {**asdict(seen), **middle, "shift": shift}
            print(
                f"{name:32} {seen.bytes / 1000:6.0f} {seen.requests:8} {middle['paint']:9.0f} {middle['stable']:7.0f} "
                f"{middle['ready']:6.0f} {shift:6.3f} {seen.reading:6.3f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
