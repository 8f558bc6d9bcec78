"""Numbers of students: the same each time, and nobody else's."""

import pytest

from coursework.masters.variants import read_secret, set_variant, variant


def test_variants():
    secret = bytes(range(32))
    numbers = {variant(secret, name, student) for name in ("a", "ab") for student in ("bc", "c", "C", "é")}
    assert len(numbers) == 8
    assert all(0 <= number < 2**32 for number in numbers)
    # computed with: printf '\0\0\0\001a\0\0\0\002bc' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
    assert variant(secret, "a", "bc") == 0x7281CAF0
    with pytest.raises(ValueError, match="wanted 16 or more"):
        variant(b"short", "a", "b")
    assert set_variant("x = 1\nVARIANT = 0\nVARIANT = 0", 9) == "x = 1\nVARIANT = 9\nVARIANT = 0"


def test_the_secret(tmp_path):
    path = tmp_path / "new" / "secret.txt"
    with pytest.raises(FileNotFoundError, match="released with"):
        read_secret(path)
    secret = read_secret(path, create=True)
    assert len(secret) == 32
    assert read_secret(path, create=True) == secret == read_secret(path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("not hexadecimal", encoding="utf-8")
    with pytest.raises(ValueError, match="hexadecimal"):
        read_secret(path)
    path.write_text("00ff", encoding="utf-8")
    with pytest.raises(ValueError, match="2 bytes"):
        read_secret(path)
