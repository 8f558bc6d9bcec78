"""Serves a folder on this machine as a static host does, compressed: for printing the site and for measuring it.

``python -m tools.serve [PORT]`` serves the built site to its reader.
"""

import argparse
import contextlib
import gzip
import mimetypes
import threading
from collections.abc import Iterator
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tools.terminal import show_all_signs

COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt", ".xml"}  # the rest is compressed in itself


@cache
def _body(path: Path) -> tuple[bytes, bool]:
    content = path.read_bytes()
    return (gzip.compress(content, 6), True) if path.suffix in COMPRESSED else (content, False)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are served, compressed, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = (folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
            if not path.is_relative_to(folder.resolve()) or not path.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body, compressed = _body(path)
            self.send_response(200)
            self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            if compressed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(site: Path = Path("_build/html")) -> None:
    """Serve the built site until Ctrl-C, a file as it is at the moment that it is asked for."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.serve", description=__doc__)
    parser.add_argument("port", nargs="?", type=int, default=8000)
    port = parser.parse_args().port
    if not (site / "index.html").is_file():
        raise SystemExit("There is no site yet: run 'make book' first.")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(site)))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SystemExit(
            f"Port {port} cannot be used ({reason}): try 'make serve PORT={8001 if port == 8000 else 8000}'."
        ) from None
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"The book is at http://127.0.0.1:{server.server_port} (stop with Ctrl-C).", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
