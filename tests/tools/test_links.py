"""Links to other sites: what Sphinx's linkcheck finds out about a server of ours, and what of it fails."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_build import make_book

from tools import links


class Elsewhere(BaseHTTPRequestHandler):
    """A server with a page, a redirection, a page that is gone, one for people only, and one that is busy at first."""

    busy = 1

    def do_GET(self):
        code = {"/here": 200, "/moved": 302, "/gone": 404, "/people": 403}.get(self.path, 200)
        if self.path == "/busy" and Elsewhere.busy:
            Elsewhere.busy, code = 0, 429
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/here")
        if code == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"<p id='part'>")

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


def test_a_book_is_asked_for_all_that_it_links_to(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_address[1]}"
        names = ("here#part", "here#nowhere", "moved", "gone", "people", "busy")
        text = "# Links\n\nSee [inside](intro.md).\n\n" + "\n".join(f"- [x]({place}/{name})" for name in names)
        book = make_book(tmp_path, {"links": text})
        command = [sys.executable, "-m", "tools.links", "."]
        process = subprocess.run(
            command, cwd=book, env={**os.environ, "PYTHONPATH": str(book)}, capture_output=True, encoding="utf-8"
        )
        server.shutdown()
    assert process.returncode == 1, process.stdout + process.stderr
    lines = process.stdout.splitlines()
    assert lines[0].startswith(f"gone: 404 Client Error: Not Found for url: {place}/gone: {place}/gone (in links.md)")
    assert any(line.startswith("unclear: 403 Client Error: Forbidden") for line in lines)
    assert any(line.startswith("unclear: Anchor 'nowhere' not found") for line in lines)
    assert lines[-1] == "6 addresses: 3 answer, 1 gone, 2 unclear."


@pytest.mark.parametrize(
    ("status", "info", "gone"),
    [
        ("broken", "410 Client Error: Gone for url: x", 1),
        (
            "broken",
            "… (Caused by NameResolutionError(\"…: Failed to resolve 'x' ([Errno -2] Name or service not known)",
            1,
        ),
        ("broken", "403 Client Error: Forbidden for url: x", 0),
        ("broken", "500 Server Error: Internal Server Error for url: x", 0),
        ("ignored", "service unavailable", 0),
        ("timeout", "Read timed out.", 0),
        ("redirected", "https://example.org/404", 0),
        ("unchecked", "", 0),
    ],
)
def test_only_what_does_not_exist_any_more_fails(status, info, gone):
    assert links.judge([{"status": status, "info": info, "uri": "https://x", "filename": "a.md"}]) == gone


def test_it_says_when_nothing_was_asked(tmp_path):
    with pytest.raises(RuntimeError, match="linkcheck did not run"):
        links.check(tmp_path / "nowhere")
