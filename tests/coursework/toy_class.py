"""A class, its submissions, and a judge that does what a submission's first cell says, without a sandbox."""

import io
import json
import os
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from coursework.intake.roster import Roster, Student, read_roster
from coursework.masters.reading import load

TOY_FOLDER = Path(__file__).parent / "toy"
TOY = load("toy", folder=TOY_FOLDER)
SECRET = b"0123456789abcdef"
FULL = {"q1-mean": 2.0, "q1-value": 1.0, "q2-gram": 3.0}  # q3-written, 4 points, is graded by hand


@dataclass(frozen=True)
class Verdict:
    """As the judge's, but this module needs no sandbox."""

    scores: dict
    notes: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)
    seconds: float = 0.0
    suspicious: bool = False


def judge(assignment, notebook, variant):
    """The points of the toy, or what the first cell asks for."""
    what, _, rest = notebook.cells[0].source.partition(" ")
    if what == "half":
        return Verdict(
            {**FULL, "q2-gram": 1.5}, ["a test cell was edited"], {"q2-gram": "the shape is (4, 2), wanted (2, 4)"}
        )
    if what == "raise":
        raise RuntimeError("the judge broke")
    if what == "die":
        os._exit(9)
    if what == "hang":
        time.sleep(600)
    if what == "suspicious":
        return Verdict({**FULL, "q1-mean": 0.0}, [f"variant {variant}"], {"q1-mean": "stopped"}, 9.5, True)
    if what == "too-much":
        return Verdict({**FULL, "q1-mean": 1e9})
    if what == "nan":
        return Verdict({**FULL, "q1-mean": float("nan")})
    if what == "evil":
        return Verdict(FULL, ["=1+1"], {"q1-mean": "<script>document.title='owned'</script>\x1b[31mred\x1b[0m"})
    if what == "count":
        with open(rest.strip(), "a", encoding="utf-8") as file:
            file.write(f"{variant}\n")
    return Verdict(dict(FULL), seconds=time.time())


def notebook(source="ok", **top):
    """The bytes of a notebook with one cell."""
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]} | top).encode()


def roster(*ids, **columns):
    """A plain roster of these students."""
    return Roster(tuple(Student(one, f"Student {one}") for one in ids))


def roster_file(path: Path, text: str):
    """A roster read from a file of that text."""
    path.write_text(text, encoding="utf-8")
    return read_roster(path)


def folder(root: Path, files: dict):
    """A folder of files."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zipped(files: dict, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files; names are used as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()
