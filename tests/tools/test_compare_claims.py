"""What moved between two ledgers."""

import json

import pytest

from tools import compare_claims


def ledger(*claims, **build):
    keys = ("name", "measured", "tolerance", "kind")
    records = [dict(zip(keys, claim, strict=True)) for claim in claims]
    return {"build": build, "claims": [{**r, "measured_text": str(r["measured"])} for r in records]}


def test_movements_relative_to_the_tolerance_largest_first():
    old = ledger(
        ("small", 1.0, 0.5, "ours"),
        ("large", 1.0, 0.1, "literature"),
        ("exact", "1/3", None, "theorem"),
        ("still", [1.0, 2.0], 0.1, "theorem"),
        ("seen", 5.0, None, "measured"),
        ("gone", 1, None, "ours"),
        jax="1",
        numpy="2",
    )
    new = ledger(
        ("small", 1.05, 0.5, "ours"),
        ("large", 0.95, 0.1, "literature"),
        ("exact", "2/3", None, "theorem"),
        ("still", [1.0, 2.0], 0.1, "theorem"),
        ("seen", 6.0, None, "measured"),
        ("fresh", 1, None, "ours"),
        jax="3",
        numpy="2",
    )
    assert list(compare_claims.compare(old, new)) == [
        "jax: 1 → 3",
        "exact: 1/3 → 2/3  (no tolerance)",
        "large: 1.0 → 0.95  (50 % of the tolerance)",
        "small: 1.0 → 1.05  (10 % of the tolerance)",
        "seen: 5.0 → 6.0  (no tolerance)",
        "fresh: new, 1",
        "gone: gone, was 1",
        "4 of 5 claims moved.",
    ]


def test_ledgers_are_found_by_file_and_by_folder(tmp_path, capsys, monkeypatch):
    (tmp_path / "claims.json").write_text(json.dumps(ledger(("a", 1.0, 0.1, "ours"))), encoding="utf-8")
    for place in (tmp_path, tmp_path / "claims.json"):
        monkeypatch.setattr("sys.argv", ["compare", str(place), str(tmp_path)])
        assert compare_claims.main() == 0
        assert capsys.readouterr().out == "0 of 1 claims moved.\n"


@pytest.mark.parametrize("content", [None, "not json", "[]", "{}"])
def test_what_is_no_ledger(tmp_path, content, capsys, monkeypatch):
    if content is not None:
        (tmp_path / "claims.json").write_text(content, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["compare", str(tmp_path)])
    assert compare_claims.main() == 1
    assert f"there is no ledger at {tmp_path}/claims.json" in capsys.readouterr().err
