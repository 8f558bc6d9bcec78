"""`make serve` says in a sentence why it cannot serve."""

import socket

import pytest

from tools.serve import main


def test_a_port_in_use(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("The book.", encoding="utf-8")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["serve", str(port)])
        with pytest.raises(SystemExit, match=rf"Port {port} cannot be used \(.+\): try 'make serve PORT=8000'"):
            main(tmp_path)


def test_a_port_that_is_none(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("The book.", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["serve", "99999"])
    with pytest.raises(SystemExit, match="Port 99999 cannot be used"):
        main(tmp_path)


def test_without_a_site(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["serve"])
    with pytest.raises(SystemExit, match="There is no site yet: run 'make book' first"):
        main(tmp_path)
