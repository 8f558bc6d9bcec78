"""Plain data: as it was on the other side, and nothing else is let in."""

import json

import numpy as np
import pytest

from coursework.sandbox import wire


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"[]",
        b'{"value": {"array": ["d", [3]]}}',  # no bytes behind it
        b'{"value": {"array": ["O", [1]]}}',
        b'{"value": {"array": ["d", [-1]]}}',
        b'{"value": {"array": ["d", [1e9]]}}',
        b'{"value": {"array": ["d", [4611686018427387904, 4]]}}',
        b'{"value": {"array": ["d", ["3"]]}}',
        b'{"value": {"array": [["d"], [0]]}}',
        b'{"value": {"scalar": ["d", [2]]}}',
        b'{"value": {"objects": [[1], ["x"]]}}',
        b'{"value": {"objects": [[2], [1]]}}',
        b'{"value": {"objects": [[-1], [1]]}}',
        b'{"value": {"objects": [[1], [[1]]]}}',
        b'{"value": {"objects": [[1], [NaN]]}}',
        b'{"value": {"objects": 3}}',
        b'{"value": {"pickle": "x"}}',
        b'{"value": {}}',
        b'{"value": {"dict": [[{"dict": []}, 1]]}}',
        b'{"value": {"dict": 3}}',
        b'{"value": {"fraction": [1, 0]}}',
        b'{"value": {"complex": ["a", 1]}}',
        b'{"value": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"value": ' + b"9" * 100_000 + b"}",
        b'{"value": "\\ud800"}',
        b'{"value": NaN}',
        b'{"value": {"complex": [NaN, 0]}}',
        b"\xff\xfe",
    ],
)
def test_forged_replies_are_refused(reply):
    with pytest.raises(wire.NotPlain):
        wire.decode(reply, b"")


def test_what_the_sandbox_would_refuse_to_send_is_refused_on_arrival():
    with pytest.raises(wire.NotPlain, match="NaN"):
        wire.decode(b'{"value": {"array": ["d", [1]]}}', np.array(np.nan).tobytes())
    _, truth = wire.decode(b'{"value": {"array": ["?", [2]]}}', b"\x02\x00")
    assert truth.tobytes() == b"\x01\x00"
    keys = json.dumps({"value": {"dict": [[key, 0] for key in range(3000)]}}).encode()
    with pytest.raises(wire.NotPlain, match="2000 entries"):
        wire.decode(keys, b"")
