"""What a claim accepts and refuses, what it shows, and what it records."""

import html
import json
import math
import re
import subprocess
import sys
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from ntklib import estimators
from ntklib.book._display import box
from ntklib.book.claims import AtLeast, AtMost, ClaimError, Estimate, Interval, claim, in_common, progress, scientific

numbers = st.floats(-1e6, 1e6)
sizes = st.floats(1e-6, 1e3)


def make(measured, expected, name="name", **options):
    options = {"source": "theorem", "statement": "It holds.", **options}
    return claim(name, measured, expected, **options)


@given(numbers, numbers, sizes)
def test_an_absolute_tolerance(measured, expected, atol):
    if abs(measured - expected) <= atol:
        outcome = make(measured, expected, atol=atol)
        assert outcome.deviation == abs(measured - expected) / atol <= 1
        assert outcome.tolerance == atol
    else:
        with pytest.raises(ClaimError, match="is not"):
            make(measured, expected, atol=atol)


@given(numbers, st.floats(1e-3, 1e6), st.floats(1e-3, 10))
def test_a_relative_tolerance(measured, expected, rtol):
    within = abs(measured - expected) <= rtol * expected
    assert _passes(measured, expected, rtol=rtol) == within


@given(numbers, numbers, numbers)
def test_intervals_and_bounds(measured, a, b):
    low, high = sorted((a, b))
    if low < high:
        assert _passes(measured, Interval(low, high)) == (low <= measured <= high)
    assert _passes(measured, AtMost(a)) == (measured <= a)
    assert _passes(measured, AtLeast(a)) == (measured >= a)


def _passes(*arguments, **options):
    try:
        make(*arguments, **options)
    except ClaimError:
        return False
    return True


@given(st.fractions(), st.fractions())
def test_fractions_are_compared_exactly(measured, expected):
    assert _passes(measured, expected) == (measured == expected)


def test_a_fraction_that_a_float_would_hide():
    third = Fraction(1, 3)
    assert not _passes(third + Fraction(1, 10**30), third)
    assert make(Fraction(2, 6), third).measured == "1/3"


@pytest.mark.parametrize("measured", [3, np.int64(3), Fraction(3), np.array(3)])
def test_whole_numbers_of_any_kind(measured):
    assert make(measured, 3).tolerance_text == "exactly"
    assert not _passes(measured, 4)


def test_texts_and_booleans():
    assert make("ab", "ab").measured == "ab"
    assert not _passes("ab", "ac")
    assert not _passes("1", 1)
    assert make(np.bool_(True), True).measured is True


def test_arrays():
    outcome = make(np.array([1.0, 2.1]), [1.0, 2.0], atol=0.2, rejects=[np.zeros(2)])
    assert outcome.deviation == pytest.approx(0.5)
    assert outcome.measured == [1.0, 2.1]
    assert not _passes(np.array([1.0, 3.0]), [1.0, 2.0], atol=0.2)
    assert make([Fraction(1, 2), 1], [Fraction(1, 2), Fraction(1)]).measured == ["1/2", 1]
    with pytest.raises(ValueError, match=r"measured shape \(3,\) and expects shape \(2,\)"):
        make(np.ones(3), np.ones(2), atol=0.1)
    assert make(np.ones((4, 3)), np.ones((4, 3)), atol=0.1).measured_text == "12 numbers, all 1.00"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.array([1.0, math.nan])])
def test_what_is_not_finite_never_passes(bad):
    for expected in (1.0, AtMost(1), AtLeast(1), Interval(0, 1), None):
        with pytest.raises(ClaimError, match="not finite"):
            make(bad, expected, **({"atol": 1.0} if expected == 1.0 else {}))
    with pytest.raises(ValueError, match="expected of claim 'name' must be finite, got nan"):
        make(1.0, math.nan, atol=1.0)


def test_a_slope_with_its_standard_error():
    x = np.arange(5.0)
    outcome = make(linregress(x, 2 * x + [0.1, -0.1, 0.1, -0.1, 0.1]), 2, atol=0.2, rejects=1)
    assert outcome.measured_text == "2.00 ± 0.04"
    assert make(Estimate(1.25, 0.031), None).measured_text == "1.25 ± 0.03"
    with pytest.raises(ClaimError, match=r"standard error above ± 0\.1: it cannot tell"):
        make(Estimate(1.0, 0.2), 1.0, atol=0.1)
    with pytest.raises(ClaimError, match=r"standard error above 0\.5, which 0.5 to 1.5 allows: it cannot tell"):
        make(Estimate(1.0, 0.9), Interval(0.5, 1.5))


@pytest.mark.parametrize("wrong", [-0.55, [-1.0, -0.55]])
def test_a_tolerance_that_admits_a_wrong_answer(wrong):
    with pytest.raises(ClaimError, match=r"so wide that the wrong answer −0\.55 would pass"):
        make(-0.5, -0.5, atol=0.1, rejects=wrong)
    assert make(-0.5, -0.5, atol=0.04, rejects=wrong).rejects


def test_rejecting_with_bounds_and_arrays():
    assert make(0.1, AtMost(1), rejects=2).rejects == ["2"]
    with pytest.raises(ClaimError, match="would pass"):
        make(0.1, AtMost(1), rejects=0.9)
    with pytest.raises(ClaimError, match="would pass"):
        make(np.zeros(2), np.zeros(2), atol=0.1, rejects=np.full(2, 0.05))


def test_a_stated_disagreement_is_held_to_it():
    outcome = make(2.5, 2.0, atol=0.1, agrees=False, source="someone1999, Table 2")
    assert outcome.verdict == "disagrees with the source"
    with pytest.raises(ClaimError, match="although the text says that it is not"):
        make(2.05, 2.0, atol=0.1, agrees=False)


def test_the_message_of_a_failure_says_everything():
    with pytest.raises(ClaimError) as failure:
        make(1.5, 1.0, name="some-name", atol=0.1, source="ours", statement="The sky is blue.")
    for part in ("some-name", "The sky is blue.", "measured 1.5", "1.0", "± 0.1", "ours"):
        assert part in str(failure.value).replace("is not 1 ", "is not 1.0 ")
    assert isinstance(failure.value, AssertionError)


@pytest.mark.parametrize(
    ("source", "expected", "kind"),
    [
        ("jacot2018", 1, "literature"),
        ("jacot2018a, Theorem 1", 1, "literature"),
        ("ours", 1, "ours"),
        ("Ours, in another build", 1, "ours"),
        ("theorem", 1, "theorem"),
        ("closed form", 1, "theorem"),
        ("jacot2018", None, "measured"),
    ],
)
def test_kinds_of_sources(source, expected, kind):
    assert make(1, expected, source=source).kind == kind


def test_theorems_and_functions():
    from ntklib.mlp import MLP
    from ntklib.tangent import empirical_ntk

    outcome = make(1, 1, theorem="thm-a", function=[empirical_ntk, MLP.ntk, MLP().nngp, "ntklib.data.circle"])
    assert outcome.theorem == ["thm-a"]
    wanted = ["ntklib.tangent.empirical_ntk", "ntklib.mlp.MLP.ntk", "ntklib.mlp.NetworkKernel", "ntklib.data.circle"]
    assert outcome.function == wanted
    with pytest.raises(ValueError, match="function of claim 'name' must be one of ntklib, got <built-in"):
        make(1, 1, function=math.sin)


def test_an_object_that_is_called_is_its_class_and_a_computed_attribute_is_what_computes_it():
    from ntklib.kernels import RBF
    from ntklib.mlp import MLP

    outcome = make(1, 1, function=[MLP.nngp, RBF()])
    assert outcome.function == ["ntklib.mlp.MLP.nngp", "ntklib.kernels.RBF"]


def test_what_a_private_module_defines_is_named_by_the_module_that_offers_it():
    outcome = make(1, 1, function=[estimators.RelevanceVectorRegressor.predict, estimators.NTK()])
    assert outcome.function == ["ntklib.estimators.RelevanceVectorRegressor.predict", "ntklib.estimators.NTK"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1.0, 1.0), {}, "give atol or rtol"),
        ((np.ones(2), np.ones(2)), {}, "give atol or rtol"),
        ((1.0, 1.0), {"atol": 0.0}, "must be positive"),
        ((1.0, 1.0), {"atol": math.inf}, "must be positive and finite"),
        ((1.0, 1.0), {"rtol": -1.0}, "rtol of claim 'name' must be positive"),
        ((0.0, 0.0), {"rtol": 0.1}, "give atol"),
        (("a", "a"), {"atol": 0.1}, "compares a text"),
        ((1.0, AtMost(2)), {"atol": 0.1}, "takes neither atol nor rtol"),
        ((1.0, None), {"atol": 0.1}, "takes neither atol nor rtol"),
        ((1.0, None), {"rejects": 2}, "can neither reject"),
        ((1.0, Interval(2, 1)), {}, "empty or a point"),
        ((1.0, AtMost(math.inf)), {}, "not finite"),
        ((1, 1), {"name": "Bad Name"}, "lower-case words with hyphens"),
        ((1, 1), {"statement": " "}, "needs a statement and a source"),
        ((1, 1), {"source": ""}, "needs a statement and a source"),
        ((1, 1), {"agrees": "no"}, "agrees of claim 'name' must be True or False, got 'no'"),
        ((object(), 1), {}, "measured of claim 'name' must be an array of numbers, got <object"),
        (([], 1), {}, r"measured of claim 'name' must be numbers or a text, got \[\]"),
    ],
)
def test_what_is_not_a_claim(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        make(*arguments, **options)


def alone(name, measured, expected, **options):
    return claim(name, measured, expected, statement="It holds.", **options)


def test_what_is_in_common_is_what_each_claim_could_have_said():
    common = {"source": "theorem", "theorem": "thm-a", "function": ["ntklib.mlp.MLP"]}
    with in_common(**common):
        made = [
            alone("one", 0.5, 0.5, atol=0.1, rejects=[1, 2]),
            alone("two", np.ones(2), None, source="ours", theorem=["thm-b", "thm-c"], function="ntklib.data.circle"),
            alone("three", 3, 4, agrees=False, theorem=(), function=()),
        ]
    wanted = [
        alone("one", 0.5, 0.5, atol=0.1, rejects=[1, 2], **common),
        alone("two", np.ones(2), None, source="ours", theorem=["thm-b", "thm-c"], function="ntklib.data.circle"),
        alone("three", 3, 4, agrees=False, source="theorem"),
    ]
    assert [outcome.to_dict() for outcome in made] == [outcome.to_dict() for outcome in wanted]


def test_blocks_inside_one_another_add_up_and_end():
    with in_common(source="ours", theorem="thm-a"):
        with in_common(theorem="thm-b", function="ntklib.data.circle"):
            inner = alone("inner", 1, 1)
        outer = alone("outer", 1, 1)
    assert (inner.source, inner.theorem, inner.function) == ("ours", ["thm-b"], ["ntklib.data.circle"])
    assert (outer.source, outer.theorem, outer.function) == ("ours", ["thm-a"], [])
    with pytest.raises(ValueError, match="claim 'after' needs a statement and a source"):
        alone("after", 1, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"measured": 0.6, "atol": 0.05, "rejects": 1},
            r"^wrong: It holds\.\n  measured 0\.60 is not 0\.5 ± 0\.05\n",
        ),
        ({"measured": 0.5, "atol": 1.0, "rejects": 1}, r"^wrong: .* so wide that the wrong answer 1 would pass"),
        ({"measured": 0.5, "atol": 1.0, "agrees": False}, r"^wrong: .*\n.*although the text says that it is not"),
    ],
)
def test_a_claim_that_fails_in_a_block_is_named_as_alone_and_the_block_ends(wrong, message, capsys):
    with in_common(source="identity"):
        alone("first", 1, 1)
    with pytest.raises(ClaimError, match=message) as found, in_common(source="identity"):
        alone("wrong", expected=0.5, **wrong)
    with pytest.raises(ClaimError) as by_itself:
        alone("wrong", expected=0.5, source="identity", **wrong)
    assert str(found.value) == str(by_itself.value)
    assert capsys.readouterr().out.count("It holds.") == 1
    with pytest.raises(ValueError, match="claim 'after' needs a statement and a source"):
        alone("after", 1, 1)


def test_what_claims_cannot_have_in_common():
    with pytest.raises(ValueError, match="a source, theorem or function, got none"), in_common():
        pass
    for key in ("atol", "statement", "theorems"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{key}'"):
            in_common(**{key: 1})
    with pytest.raises(TypeError, match="unexpected keyword argument 'tolerance'"), in_common(source="ours"):
        alone("one", 1.0, 1.0, tolerance=0.1)
    wrong = in_common(source="ours", function="math.sin")
    with pytest.raises(ValueError, match=r"^function must be one of ntklib, got math\.sin"), wrong:
        alone("one", 1, 1)


def test_text_in_a_terminal(capsys):
    outcome = make(0.512, 0.5, atol=0.1, rejects=1, statement="A half.", source="ours")
    assert capsys.readouterr().out == "✓ A half.\n  measured 0.51, expected 0.5 ± 0.1  (ours)\n"
    assert outcome._ipython_display_() is None
    make(0.512, None, statement="A half.", source="nobody knows")
    assert capsys.readouterr().out == "· A half.\n  measured 0.512  (nobody knows)\n"


def test_the_box_carries_the_record():
    outcome = make(0.5, 0.5, atol=0.1, rejects=1, statement='Less < more & "so"', theorem="thm-a")
    shown = box(outcome)
    record = json.loads(html.unescape(re.search(r'data-claim="([^"]*)"', shown)[1]))
    assert record == json.loads(json.dumps(outcome.to_dict()))
    assert record["statement"] == 'Less < more & "so"'
    assert record["verdict"] == "agrees"
    assert "<more" not in shown
    assert "Less &lt; more &amp; &quot;so&quot;" in shown


def test_in_a_notebook_the_box_is_shown_once():
    code = (
        "from IPython.testing.globalipapp import start_ipython\n"
        "shell = start_ipython()\n"
        "from IPython.utils.capture import capture_output\n"
        "cell = \"from ntklib.book.claims import claim\\nclaim('a', 1, 1, source='s', statement='t')\"\n"
        "with capture_output() as shown:\n"
        "    shell.run_cell(cell)\n"
        "print(len(shown.outputs), 'ntk-claim' in shown.outputs[0].data['text/html'], repr(shown.stdout))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert "1 True" in done.stdout, done.stdout + done.stderr


def test_progress_is_seen_while_it_lasts_and_gone_after(capsys):
    with mock.patch("IPython.display.clear_output") as cleared:
        found = []
        for item in progress(["a", "b"]):
            found.append((item, capsys.readouterr().out, cleared.call_count))
    assert found == [("a", "0 of 2 done, now a\n", 0), ("b", "1 of 2 done, now b\n", 1)]
    assert cleared.call_count == 2


def test_a_note_is_kept_as_the_book_builder_keeps_it_but_sooner():
    code = (
        "import sys\n"
        "from IPython.testing.globalipapp import start_ipython\n"
        "start_ipython()\n"
        "from IPython.utils.capture import capture_output\n"
        "import numpy as np\n"
        "from ntklib.book.claims import note\n"
        "with capture_output() as ours:\n"
        "    for value in (0.5, 3, 'text', np.float32(0.25)): note('name', value)\n"
        "print('sphinx' in sys.modules)\n"
        "from myst_nb import glue\n"
        "with capture_output() as theirs:\n"
        "    for value in (0.5, 3, 'text', 0.25): glue('name', value, display=False)\n"
        "shown = [[(output.data, output.metadata) for output in each.outputs] for each in (ours, theirs)]\n"
        "print(len(shown[0]), shown[0] == shown[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout.split() == ["False", "4", "True"], done.stdout + done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (-0.0, "0"), (2.5e-8, "2 · 10⁻⁸"), (-3e-13, "-3 · 10⁻¹³"), (9.6, "1 · 10¹"), (1, "1 · 10⁰")),
        *((math.nan, "nan"), (-math.inf, "-inf")),
    ],
)
def test_powers_of_ten(value, text):
    assert scientific(value) == text


@pytest.mark.parametrize(
    ("measured", "statement", "said"),
    [
        (-0.4951, "The slope is {measured:.2f}.", "The slope is −0.50."),
        (Fraction(1, 8), "It is {measured}, or {measured:.1%}.", "It is 1/8, or 12.5 %."),
        ([0.25, 0.5, 0.125], "From {measured[min]} to {measured[max]:.0%}, last {measured[2]:.3f}.",
         "From 0.125 to 50 %, last 0.125."),
        (2.6e-9, "Off by {measured:scientific} in $\\{x\\}$.", "Off by 3 · 10⁻⁹ in $\\{x\\}$."),
    ],
)  # fmt: skip
def test_a_statement_says_what_was_measured(measured, statement, said):
    outcome = make(measured, None, statement=statement)
    assert (outcome.statement, outcome.said) == (said, True)
    assert not make(measured, None, statement="It is as it is.").said


def test_a_statement_says_what_was_expected():
    assert make(1.3, 1.351, atol=0.1, rejects=2, statement="It is {expected:.2f}.").statement == "It is 1.35."
    plain = make(1.3, 1.351, atol=0.1, rejects=2, statement="It is {measured}, not {expected}.")
    assert plain.statement == "It is 1.30, not 1.351."
    with pytest.raises(ValueError, match="statement asks for what was expected, which is no value"):
        make(1.3, AtMost(2), rejects=3, statement="It is {expected:.2f}.")


def test_a_statement_that_asks_for_what_was_not_measured():
    with pytest.raises(ValueError, match="statement asks for number 2 of 2"):
        make([1, 2], None, statement="The third is {measured[2]}.")
    with pytest.raises(ValueError, match=r"statement cannot write 0\.5 as 'd'"):
        make(0.5, None, statement="It is {measured:d}.")


@pytest.mark.parametrize(
    ("measured", "expected", "options", "shown"),
    [
        (-0.7557, -0.8, {"atol": 0.05, "rejects": -1}, "−0.76"),  # digits that the tolerance cannot tell are left out
        (1e-17, 0, {"atol": 1e-3, "rejects": 1}, "0"),
        (4.889e-8, AtMost(1e-6), {"rejects": 1}, "4.9 · 10⁻⁸"),  # how small it is says something
        (0.81034, AtMost(1), {"rejects": 2}, "0.81"),
        (True, True, {}, "true"),
        (2829056, 2829056, {}, "2829056"),
        (np.linspace(-1e-17, 1.216, 13), np.linspace(0, 1.216, 13), {"atol": 1e-2, "rejects": 9},
         "13 numbers from 0 to 1.216"),
    ],
)  # fmt: skip
def test_digits_that_mean_something(measured, expected, options, shown):
    assert make(measured, expected, **options).measured_text == shown


def test_what_stands_behind_a_statement():
    outcome = make(0.512, 0.5, atol=0.1, rejects=[1, 2])
    assert outcome.rows() == [
        ("measured", "0.51"), ("expected", "0.5 ± 0.1"), ("wrong would be", "1, 2"), ("source", "theorem"),
    ]  # fmt: skip
    assert dict(make(True, True).rows())["expected"] == "true"  # not "exactly"
