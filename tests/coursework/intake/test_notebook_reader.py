"""Bytes that anyone may have written: a notebook, or the reason why not."""

import json

import pytest
from toy_class import notebook, roster
from toy_deliveries import GOOD, delivered, source

from coursework.intake import delivery
from coursework.intake.notebook_reader import digest, read_notebook


def deep(levels):
    return b'{"nbformat": 4, "cells": ' + b"[" * levels + b"]" * levels + b"}"


BAD = {
    "broken": (b'{"nbformat": 4, "cells": [', "broken JSON"),
    "empty": (b"", "an empty file"),
    "blank": (b" \n", "an empty file"),
    "binary": (b"\xff\xfe\x00", "not UTF-8"),
    "list": (b"[]", "not a notebook"),
    "html": (b"<html>", "broken JSON"),
    "no-cells": (b'{"nbformat": 4}', "no list of cells"),
    "old": (b'{"nbformat": 3, "worksheets": []}', "a notebook of format 3; format 4"),
    "new": (b'{"nbformat": 99, "cells": []}', "a notebook of format 99"),
    "deep": (deep(100_000), "nested too deeply"),
    "digits": (b'{"nbformat": ' + b"1" * 10_000 + b"}", "thousands of digits"),
    "surrogate": (notebook("x").replace(b'"x"', rb'"\ud800"'), "half of a surrogate pair"),
    "metadata": (notebook(metadata=[1]), "that of the notebook is a list"),
    "cell-metadata": (notebook(cells=[{"cell_type": "code", "metadata": 3, "source": ""}]), "that of cell 1 is a int"),
    "much-metadata": (notebook(metadata={"x": "y" * 200_000}), "absurd metadata"),
    "cell": (notebook(cells=[7]), "cell 1 is neither"),
    "cell-type": (notebook(cells=[{"cell_type": ["code"]}]), "cell 1 is neither"),
    "source": (notebook(cells=[{"cell_type": "code", "source": {"a": 1}}]), "source of cell 1 is not text"),
    "cells": (notebook(cells=[{"cell_type": "raw", "source": ""}] * 2_001), "2,001 cells"),
    "text": (notebook("x" * 2_000_001), "characters in all"),
    "large": (b" " * (delivery.MAX_FILE + 1), "larger than 20 MB"),
}


def test_every_bad_file_is_one_row_with_its_reason(tmp_path):
    names = [*BAD, "good"]
    files = {f"{name}.ipynb": data for name, (data, _) in BAD.items()} | {"good.ipynb": GOOD}
    found = delivered(tmp_path, files, roster(*names))
    assert list(found) == names
    assert found.unmatched == []
    assert source(found["good"]) == "x = 1"
    for name, (_, reason) in BAD.items():
        assert found[name].notebook is None
        assert reason in found[name].reason, (name, found[name].reason)
        assert found[name].digest != found["good"].digest


def test_outputs_and_the_way_of_writing_do_not_matter_and_sources_do():
    plain = read_notebook(GOOD)
    raw = json.loads(GOOD)
    raw["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1000}]
    raw["cells"][0]["source"] = ["x = 1"]
    raw["cells"][0]["id"] = "anything at all !"
    again = read_notebook(b"\xef\xbb\xbf" + json.dumps(raw, indent=8).encode())
    assert digest(again) == digest(plain)
    assert "outputs" not in again.cells[0] or again.cells[0].outputs == []
    assert digest(read_notebook(notebook("x = 2"))) != digest(plain)


def test_missing_metadata_and_ids_cost_nothing():
    read = read_notebook(b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}, {"cell_type": "markdown"}]}')
    assert [cell.source for cell in read.cells] == ["x", ""]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("lines", [True, False])
def test_line_ends_of_another_system_do_not_matter(end, lines):
    source = f"x = 1{end}y = 2{end}{end}z = 3"
    read = read_notebook(notebook(source.splitlines(keepends=True) if lines else source))
    assert read.cells[0].source == "x = 1\ny = 2\n\nz = 3"
    assert digest(read) == digest(read_notebook(notebook("x = 1\ny = 2\n\nz = 3")))
