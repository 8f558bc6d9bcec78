"""Do the links to other sites still lead somewhere? ``python -m tools.links [SITE]`` asks each address once.

The addresses are those of the built pages. One that does not exist any more fails the check (404, 410, no such host);
one whose server is busy, or does not answer programs, is reported and does not: a publisher that refuses robots says
nothing about the link. Links within the book are checked by the tests, without the network.
"""

import argparse
import html
import re
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

LINK = re.compile(r'<a\b[^>]*?\bhref="(https?://[^"]+)"')
AGENT = "Mozilla/5.0 (compatible; link check of a textbook)"
GONE = {404, 410}


def addresses(site: Path) -> dict[str, list[str]]:
    """Every address outside of the site, without its fragment, to the pages that link to it."""
    found: dict[str, list[str]] = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            for address in LINK.findall(path.read_text(encoding="utf-8")):
                pages = found.setdefault(urldefrag(html.unescape(address)).url, [])
                if (name := path.relative_to(site).as_posix()) not in pages:
                    pages.append(name)
    return found


def ask(address: str, timeout: float = 30, pause: float = 5, attempts: int = 3) -> str:
    """`ok`, `gone: …` or `unclear: …`; asks again after a pause if the server is busy or the connection breaks."""
    answer = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause)
        request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept": "*/*"})
        try:
            with urllib.request.urlopen(request, timeout=timeout):
                return "ok"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in GONE:
                return f"gone: {error.code} {error.reason}"
            answer = f"unclear: {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:
                return answer
        except urllib.error.URLError as error:
            unknown = "not known" in str(error.reason) or "No address associated" in str(error.reason)
            answer = f"{'gone' if unknown else 'unclear'}: {error.reason}"
        except (OSError, ValueError) as error:
            answer = f"unclear: {error}"
    return answer


def check(site: Path, timeout: float = 30, pause: float = 5) -> int:
    """Ask all addresses, at most four hosts at a time and each host one by one; returns how many are gone."""
    found = addresses(site)
    hosts: dict[str, list[str]] = {}
    for address in found:
        hosts.setdefault(urlsplit(address).netloc, []).append(address)

    def ask_host(host: str) -> list[tuple[str, str]]:
        return [(address, ask(address, timeout, pause)) for address in hosts[host]]

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = dict(pair for pairs in pool.map(ask_host, hosts) for pair in pairs)
    for address, answer in sorted(answers.items()):
        if answer != "ok":
            print(f"{answer}: {address} (in {', '.join(found[address][:3])})")
    gone = sum(answer.startswith("gone") for answer in answers.values())
    unclear = sum(answer.startswith("unclear") for answer in answers.values())
    print(f"{len(answers)} addresses: {len(answers) - gone - unclear} answer, {gone} gone, {unclear} unclear.")
    return gone


def main() -> int:
    """Read the command line and check."""
    parser = argparse.ArgumentParser(prog="python -m tools.links", description=__doc__)
    parser.add_argument("site", nargs="?", type=Path, default=Path("_build/html"), help="the folder of the built site")
    site = parser.parse_args().site
    if not (site / "index.html").exists():
        print(f"There is no site in {site}: run 'make book' first.", file=sys.stderr)
        return 2
    return 1 if check(site) else 0


if __name__ == "__main__":
    raise SystemExit(main())
