"""A folder or a zip: every bad entry is told, nothing is unpacked, every byte is counted."""

import contextlib
import io
import os
import stat
import struct
import zipfile

import pytest
from toy_class import folder, notebook, roster, zipped
from toy_deliveries import GOOD, delivered

from coursework.intake import delivery
from coursework.intake.collect import collect


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(data):
    """A zip whose only file claims to be encrypted."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


def lying(data, size):
    """A zip whose headers say that its only file unpacks to ``size`` bytes."""
    at = data.index(b"PK\x01\x02")
    packed = struct.pack("<I", size)
    return data[:22] + packed + data[26 : at + 24] + packed + data[at + 28 :]


def test_every_bad_zip_is_one_row_and_nothing_is_unpacked(tmp_path):
    bomb = zipped({"toy.ipynb": b" " * 5_000_000})
    bad = {
        "slip": (zipped({"../../../toy.ipynb": GOOD}), "leads out of the archive"),
        "slip2": (zipped({"toy.ipynb": GOOD, "..\\..\\evil": b""}), "leads out of the archive"),
        "root": (zipped({"/etc/toy.ipynb": GOOD}), "leads out of the archive"),
        "drive": (zipped({"C:/toy.ipynb": GOOD}), "leads out of the archive"),
        "link": (zipped({link("toy.ipynb"): b"/etc/passwd"}), "a symbolic link"),
        "bomb": (bomb, "zip bomb"),
        "liar": (lying(bomb, 10), "cannot be read"),
        "crypt": (encrypted(zipped({"toy.ipynb": GOOD})), "toy.ipynb: encrypted"),
        "two": (zipped({"a.ipynb": GOOD, "b.ipynb": GOOD}), "2 notebooks: a.ipynb, b.ipynb"),
        "none": (zipped({"a.txt": b""}), "no notebook in the zip file"),
        "nested": (zipped({"b.zip": zipped({"toy.ipynb": GOOD})}), "no notebook in the zip file"),
        "lzma": (zipped({"toy.ipynb": GOOD}, zipfile.ZIP_LZMA), "an uncommon method"),
        "many": (zipped({f"{n}.txt": b"" for n in range(5_001)}), "more than 5,000 files"),
        "torn": (zipped({"toy.ipynb": GOOD})[:60], "a broken zip file"),
        "damaged": (zipped({"toy.ipynb": GOOD}).replace(GOOD[:9], b"#########"), "cannot be read"),
    }
    bad["damaged"] = (zipped({"toy.ipynb": GOOD}, zipfile.ZIP_STORED).replace(GOOD[:9], b"#########"), "cannot be read")
    before = sorted(p for p in tmp_path.rglob("*"))
    path = folder(tmp_path / "in", {f"{name}.zip": data for name, (data, _) in bad.items()})
    found = collect(path, roster(*bad, "good"))
    assert set(found) == set(bad)
    for name, (_, reason) in bad.items():
        assert found[name].notebook is None
        assert reason in found[name].reason, (name, found[name].reason)
    made = {p for p in tmp_path.rglob("*") if p.is_file()} - set(before)
    assert made == {path / f"{name}.zip" for name in bad}


@pytest.mark.parametrize("value", [0x00, 0x01, 0x2F, 0xFF])
def test_no_damaged_byte_of_a_zip_is_more_than_a_reason(value):
    good = zipped({"toy.ipynb": GOOD, "a/b.txt": b"x"})
    read = 0
    for at in range(len(good)):
        damaged = good[:at] + bytes([value]) + good[at + 1 :]
        with contextlib.suppress(delivery.Unreadable):
            for entry in delivery.zip_entries(damaged):
                with contextlib.suppress(delivery.Unreadable):
                    read += entry.read(delivery.Budget()) == GOOD
    assert read  # damage to what nobody needs, such as a date, is no reason


def test_bad_entries_of_the_delivery_itself(tmp_path):
    files = {
        "../../slip.ipynb": GOOD,
        link("link.ipynb"): b"/etc/passwd",
        "bomb.ipynb": b" " * 9_000_000,
        "good.ipynb": GOOD,
        "back\\slash.ipynb": GOOD,
    }
    found = delivered(tmp_path, files, roster("slip", "link", "bomb", "good", "back"), "zip")
    assert {name: one.reason.split(": ")[-1].split(":")[0] for name, one in found.items()} == {
        "slip": "its path leads out of the archive",
        "link": "a symbolic link",
        "bomb": "more than 150 times as large as it is packed",
        "good": "",
        "back": "",
    }


def test_links_pipes_and_empty_folders(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook("another's work"))
    path = folder(tmp_path / "in", {"other/toy.ipynb": GOOD, "with-link/toy.ipynb": GOOD})
    (path / "file.ipynb").symlink_to(secret)
    (path / "dir").symlink_to(path / "other", target_is_directory=True)
    (path / "with-link" / "more").symlink_to("/", target_is_directory=True)
    (path / "hollow" / ".ipynb_checkpoints").mkdir(parents=True)
    os.mkfifo(path / "pipe.ipynb")
    found = collect(path, roster("file", "dir", "hollow", "pipe", "other", "with-link"))
    assert {name: one.reason.split(": ")[-1] for name, one in found.items()} == {
        "file": "a symbolic link",
        "dir": "a symbolic link",
        "hollow": "an empty folder",
        "pipe": "not a regular file",
        "other": "",
        "with-link": "a symbolic link",
    }
    assert (
        found["pipe"].reason == "pipe.ipynb: not a regular file"
    )  # seen before it is opened, which would wait for ever


def test_an_empty_folder_beside_the_notebook_costs_nothing(tmp_path):
    path = folder(tmp_path / "in", {"a/toy.ipynb": GOOD})
    (path / "a" / "data").mkdir()
    assert collect(path, roster("a"))["a"].notebook is not None


def test_a_delivery_of_many_large_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery.Budget, "__init__", lambda self: setattr(self, "left", 1_500))
    files = {f"{name}.ipynb": GOOD + b" " * 700 for name in "abc"}
    found = delivered(tmp_path, files, roster("a", "b", "c"))
    assert found["a"].notebook is not None
    assert found["c"].notebook is None
    assert "more than the grader reads" in found["c"].reason


def test_a_zip_is_read_from_a_stream_too():
    assert [e.name for e in delivery.zip_entries(io.BytesIO(zipped({"a/b.txt": b"x", "a/": b""})))] == ["a/b.txt"]
