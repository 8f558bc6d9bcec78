"""Which data does a student get? A number that follows from a secret and the student; nobody else can compute it."""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

BYTES = 32
VARIANT_LINE = re.compile(r"^VARIANT = 0[ \t]*(#.*)?$", re.MULTILINE)


def variant(secret: bytes, assignment: str, student: str) -> int:
    """A student's number for an assignment, from 0 to 2**32 - 1: HMAC-SHA256 of both names.

    >>> variant(b"0" * 32, "toy", "ada") == variant(b"0" * 32, "toy", "ada")
    True
    >>> variant(b"0" * 32, "toy", "ada") == variant(b"1" * 32, "toy", "ada")
    False

    Raises:
        ValueError: if the secret is shorter than 16 bytes.
    """
    if len(secret) < 16:
        raise ValueError(f"the secret has {len(secret)} bytes, wanted 16 or more")
    # lengths first: ("a", "bc") and ("ab", "c") are different
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (assignment.encode(), student.encode()))
    return int.from_bytes(hmac.digest(secret, message, hashlib.sha256)[:4], "big")


def read_secret(path: Path, *, create: bool = False) -> bytes:
    """The secret in a file of hexadecimal digits; with `create`, made (readable by its owner only) where there is none.

    Raises:
        FileNotFoundError: if there is no file and `create` is false: marks computed with a new secret would all be
            wrong.
        ValueError: if the file does not hold 16 bytes or more.
    """
    path = Path(path)
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(BYTES) + "\n")
    if not path.exists():
        raise FileNotFoundError(f"no secret in {path}: grading needs the one that the assignments were released with")
    try:
        secret = bytes.fromhex(path.read_text(encoding="utf-8").strip())
    except ValueError as error:
        raise ValueError(f"{path}: not a secret: wanted hexadecimal digits") from error
    if len(secret) < 16:
        raise ValueError(f"{path}: the secret has {len(secret)} bytes, wanted 16 or more")
    return secret


def set_variant(source: str, variant: int) -> str:
    """The variant cell's source for one student.

    >>> set_variant("VARIANT = 0  # yours", 12)
    'VARIANT = 12  # yours'
    """
    return VARIANT_LINE.sub(lambda line: line[0].replace("0", str(variant), 1), source, count=1)
