"""What does a page of the built site transfer, how soon is it whole, does it jump? ``python -m benchmarks.site``.

The pages are served from this machine, compressed as static hosts do, to a Chromium whose processor is slowed down
four times. Budgets: 1.5 MB a page when it has been read to its end, first paint and a stable layout within a second,
and no more elements than a long chapter needs, on which the time until it is whole depends. A test
(`tests/extensions/test_weight.py`) holds bytes and elements to their budgets; times depend on the machine and are only
shown. With ``--against`` the pages of another build are opened in turn with these.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
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
  const told = (whole) => done({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    ready: performance.getEntriesByType("navigation")[0].loadEventEnd,
    whole,
    elements: document.getElementsByTagName("*").length,
    shifts: shifts,
  });
  new PerformanceObserver((list) => list.getEntries().forEach((e) => shifts.push([e.value, e.startTime])))
    .observe({type: "layout-shift", buffered: true});
  const drawn = () => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)));
  const wait = () => setTimeout(() => drawn().then(() => {
    const whole = performance.now();
    setTimeout(() => told(whole), 500);
  }));
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


TIMES = ("paint", "stable", "ready", "whole", "work")  # of a first look, in milliseconds


@dataclass(frozen=True)
class Look:
    """What a reader with a slow processor sees first.

    Attributes:
        paint: milliseconds until the first text or picture was painted.
        stable: milliseconds until the last shift of the layout of what is seen at first; 0 if nothing shifted.
        ready: milliseconds until the page was loaded and its scripts had run.
        whole: milliseconds until it was laid out and drawn after that.
        work: milliseconds for which the page's main thread was at work, of the processor at its own speed.
        elements: of the page, when it was whole.
        shift: the cumulative layout shift until then, as browsers report it (below 0.1 is good).
    """

    paint: float
    stable: float
    ready: float
    whole: float
    work: float
    elements: int
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

    ask("Performance.enable", timeDomain="threadTicks")
    ask("Emulation.setCPUThrottlingRate", rate=slowdown)
    ask("Page.navigate", url=address)
    time.sleep(1)  # questions asked before the first paint would delay it
    seen = ask("Runtime.evaluate", expression=LOADED, awaitPromise=True, returnByValue=True)["result"]["value"]
    spent = {metric["name"]: metric["value"] for metric in ask("Performance.getMetrics")["metrics"]}
    if seen["paint"] is None:
        raise RuntimeError(f"nothing was painted at {address}")
    devtools.send("Target.disposeBrowserContext", {"browserContextId": private})
    devtools.detach()
    shifts = [(value, at) for value, at in seen["shifts"] if value > 0.001]
    return Look(
        paint=seen["paint"],
        stable=max((at for _, at in shifts), default=0),
        ready=seen["ready"],
        whole=seen["whole"],
        work=1000 * spent["TaskDuration"],
        elements=seen["elements"],
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


def _summed(looks: Sequence[Look], seen: Visit) -> dict[str, Any]:
    """Medians of the times, and the rest of what was measured."""
    middle = {name: statistics.median(getattr(x, name) for x in looks) for name in TIMES}
    shift = max(seen.shift, *(x.shift for x in looks))
    return {**asdict(seen), **middle, "elements": looks[-1].elements, "shift": shift}


def _line(name: str, result: dict[str, Any]) -> str:
    times = " ".join(f"{result[time]:6.0f}" for time in TIMES)
    return (
        f"{name:28} {result['elements']:8} {result['bytes'] / 1000:6.0f} {result['requests']:8} {times} "
        f"{result['shift']:6.3f} {result['reading']:6.3f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every chapter and print a table."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parser.add_argument("pages", nargs="*", help="addresses within the site; otherwise every chapter")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    parser.add_argument("--slowdown", type=float, default=4, help="how many times slower the processor is made")
    parser.add_argument("--width", type=int, default=1280, help="of the window, in CSS pixels")
    parser.add_argument("--repeat", type=int, default=5, help="first looks at each page; medians are shown")
    parser.add_argument(
        "--against", type=Path, help="the folder of another build, to be measured in turn with this one"
    )
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    options = parser.parse_args(arguments)
    names = options.pages or pages(options.site)
    if not names or not all((options.site / name).exists() for name in names):
        parser.error(f"there is no such page in {options.site}: build the book first")
    results: dict[str, Any] = {}
    sites = [options.site, *([options.against] if options.against else [])]
    print(
        f"{'page':28} {'elements':>8} {'kB':>6} {'requests':>8} "
        + " ".join(f"{name:>6}" for name in (*TIMES, "shift", "later"))
    )
    with ExitStack() as stack:
        addresses = [stack.enter_context(served(site)) for site in sites]
        browser = stack.enter_context(launched())
        for name in names:
            if absent := [str(site) for site in sites if not (site / name).exists()]:
                print(f"{name} is left out, as it is not in {absent[0]}", file=sys.stderr)
                continue
            looks: list[list[Look]] = [[] for _ in sites]
            for _ in range(options.repeat):  # in turn: what else the machine does meanwhile meets each alike
                for place, address in enumerate(addresses):
                    looks[place].append(
                        look(browser, f"{address}/{name}", slowdown=options.slowdown, width=options.width)
                    )
            for site, address, found in zip(sites, addresses, looks, strict=True):
                result = _summed(found, visit(browser, f"{address}/{name}", width=options.width))
                results[name if site == options.site else f"{name}, against"] = result
                print(_line(name if site == options.site else "  against", result), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
