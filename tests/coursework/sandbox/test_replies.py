"""What a submission replies is its own affair: it gives a value, or fails with its reason, whatever its bytes are."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursework.sandbox import wire
from coursework.sandbox.replies import CALLABLE, FITTING, Replies, Stopped, StudentError, answer_to

QUESTIONS = [{"do": "run"}, {"do": "fetch", "name": "x"}, {"do": "call", "name": "f"}]
KINDS = ["value", "callable", "missing", "refused", "error"]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["tuple", "set", "dict", "array", "x"]), inner),
)
heads = st.dictionaries(st.sampled_from(["id", "kind", "value", "do"]), plain | st.sampled_from([1, *KINDS]))
whole = st.tuples(heads | plain, st.binary(max_size=20)).map(
    lambda parts: _framed(json.dumps(parts[0]).encode(), parts[1])
)
sound = st.sampled_from(KINDS).flatmap(
    lambda kind: plain.map(lambda value: wire.encode({"id": 1, "kind": kind}, value))
)


def _framed(text: bytes, arrays: bytes) -> bytes:
    return wire.HEADER.pack(len(text), len(arrays)) + text + arrays


@settings(deadline=None)  # how long it takes is the machine's affair
@given(question=st.sampled_from(QUESTIONS), sent=st.binary() | whole | sound, cut=st.integers(0, 40))
def test_any_bytes_give_a_value_or_the_reason_why_not(question, sent, cut):
    replies, reason = Replies(), ""
    try:
        found = replies.take(sent[:cut], 1, nan=False) or replies.take(sent[cut:], 1, nan=False)
        if found is not None:
            answer_to(question, *found)
    except (StudentError, Stopped) as error:
        reason = str(error)
    assert reason.isprintable()
    assert len(reason) <= 300


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["do"])
@pytest.mark.parametrize("kind", ["refused", "error"])
def test_a_reason_keeps_to_its_length_with_what_stands_before_it(question, kind):
    """One of these once had 301 characters: it was cut first, and what it is about was put before it then."""
    for length in (*range(270, 305), 5000):
        nested = [[None] * (length // 6) + [-1.3461793523087828e16]]
        for value in ([None, nested], ["ValueError", "x" * length], ["N" * length, "x"], ["N" * length, ""]):
            found = Replies().take(wire.encode({"id": 1, "kind": kind}, value), 1, nan=False)
            assert found is not None
            with pytest.raises(StudentError) as raised:
                answer_to(question, *found)
            assert 250 < len(str(raised.value)) <= 300


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["do"])
@pytest.mark.parametrize("kind", [*KINDS, "passed", "None", ""])
def test_each_reply_is_one_to_its_question(question, kind):
    raw = wire.encode({"id": 1, "kind": kind}, ["ValueError", "no"])
    found = Replies().take(raw, 1, nan=False)
    assert found is not None
    if kind in FITTING[question["do"]] and kind in ("value", "callable"):
        assert answer_to(question, *found) == (CALLABLE if kind == "callable" else ["ValueError", "no"])
        return
    with pytest.raises(StudentError) as raised:
        answer_to(question, *found)
    if kind not in FITTING[question["do"]]:
        what = f"`{question['name']}`" if "name" in question else "a cell"
        assert str(raised.value) == f"{what} was answered with what is no reply to it"


def test_what_is_sent_is_read():
    value = {"a": (1, 2.5), "b": np.arange(3)}
    found = Replies().take(wire.encode({"id": 7, "kind": "value"}, value), 7, nan=False)
    assert found is not None
    assert str(answer_to(QUESTIONS[1], *found)) == str(value)
