"""Files: replaced whole or not at all, on the disk before they have their name."""

import os

import pytest

from coursework.files import atomic_write, safe_name


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    atomic_write(path, b"old")

    def full_disk(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_what_is_written_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    calls = []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), real_sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), real_replace(a, b))[1])
    atomic_write(tmp_path / "x", b"new")
    assert calls == ["fsync", "replace", "fsync"]  # the file, the name, the folder


@pytest.mark.parametrize(
    "text", ["../../etc", ".hidden", "a/b", "a\\b", "", "-rf", "~x", "x" * 300, "CON:", "a\nb", "é"]
)
def test_names_of_files_are_safe_and_different(text, tmp_path):
    name = safe_name(text)
    (tmp_path / f"{name}.json").write_text("x", encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}.json"]
    assert not name.startswith((".", "-", "~"))
    assert not set(name) & set('/\\:*?"<>|\n\0')
    assert len(name) <= 120
    assert safe_name(text + "!") != name
