"""Explorers without a browser: what is stored is what was computed, and what cannot be drawn is refused by name."""

import base64
import io
import json
import re
import subprocess
import sys
import zlib

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntklib.book import _page, _roles, _still, figures
from ntklib.book._store import Store
from ntklib.book.explore import ROLES, Band, Bars, Explorer, Image, Line, Points, Rule

LINEAR = {"x": "linear", "y": "linear"}
X = np.linspace(0, 1, 5)


def unpack(text):
    """An own reading of the stored text: the header, and the arrays as the page sees them."""
    payload = zlib.decompress(base64.b64decode(text))
    size = int.from_bytes(payload[:4], "little")
    header, rest = json.loads(payload[4 : 4 + size]), payload[4 + size :]
    coded = sum(head[0] for head in header["arrays"] if len(head) == 4)
    floats = np.frombuffer(rest[2 * coded :], "<f4")
    result, place, place_of_floats = [], 0, 0
    for head in header["arrays"]:
        n = head[0]
        if len(head) == 1:
            result.append(floats[place_of_floats : place_of_floats + n].astype(float))
            place_of_floats += n
            continue
        code, values = 0, []
        for i in range(place, place + n):
            code = (code + 256 * rest[i] + rest[coded + i]) % 65536
            values.append(np.nan if code == 65535 else head[1] + code / 65534 * (head[2] - head[1]))
        result.append(10 ** np.array(values) if head[3] else np.array(values))
        place += n
    assert place == coded
    assert place_of_floats == len(floats)
    return header, result


def explorer(compute, parameters=None, **arguments):
    said = {"title": "Title", "description": "Description.", "x_label": "x", "y_label": "y"}
    return Explorer(compute, parameters or {"a": [1, 2]}, **{**said, **arguments})


def stored(made):
    """What is in the page: the header and a function from a setting to its arrays, item by item."""
    page = made._repr_mimebundle_()[0]["text/html"]
    header, known = unpack(re.search(r'<script type="text/plain">([A-Za-z0-9+/=]+)</script>', page)[1])

    def of(**setting):
        index = 0
        for parameter in header["parameters"]:
            values = parameter["values"]
            index = index * len(values) + values.index(setting[parameter["name"]])
        return [known[number] for number in header["frames"][index]], header["texts"][header["text"][index]]

    return header, of


# ------------------------------------------------------------------------------------------------------ what is stored

numbers = st.floats(-1e30, 1e30) | st.just(np.nan) | st.floats(-1, 1)


@given(arrays(np.float64, st.integers(1, 40), elements=numbers))
def test_arrays_come_back_within_the_stated_error(values):
    store = Store()
    store.add(values)
    (back,) = unpack(store.pack({}))[1]
    assert np.array_equal(np.isnan(back), np.isnan(values))
    if not np.isnan(values).all():
        error = np.nanmax(np.abs(back - values))
        assert (
            error
            <= (np.nanmax(values) - np.nanmin(values)) / 131068 * (1 + 1e-9)
            + 1e-15 * np.nanmax(np.abs(values))
            + 1e-300
        )


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-300, 1e30)))
def test_on_a_logarithmic_axis_the_error_is_one_of_the_logarithm(values):
    store = Store()
    store.add(values, log=True)
    (back,) = unpack(store.pack({}))[1]
    logs = np.log10(values)
    assert np.abs(np.log10(back) - logs).max() <= np.ptp(logs) / 131068 * (1 + 1e-9) + 1e-12


@given(st.lists(arrays(np.float64, st.integers(0, 9), elements=st.floats(-5, 5)), min_size=1, max_size=6))
def test_several_arrays_are_told_apart_and_equal_ones_are_stored_once(many):
    store = Store()
    numbers = [store.add(values) for values in [*many, *many]]
    back = unpack(store.pack({}))[1]
    assert numbers[: len(many)] == numbers[len(many) :]
    assert len(back) == len({values.tobytes() for values in many})
    for number, values in zip(numbers, many, strict=False):
        np.testing.assert_allclose(back[number], values, atol=10 / 131068 + 1e-12)


def test_a_range_that_would_hide_the_details_is_stored_as_float32():
    spike = np.array([0.1, 0.2, 1e9])
    header, of = stored(explorer(lambda a: Line([0, 1, 2], spike, "spike"), y_limits=(0, 1)))
    np.testing.assert_allclose(of(a=1)[0][1], spike, rtol=1e-7)
    assert [len(head) for head in header["arrays"]] == [4, 1]


def test_every_setting_of_every_kind_comes_back():
    rng = np.random.default_rng(0)
    drawn = {(a, b): rng.normal(size=(6, 7)) for a in (1, 2, 3) for b in (False, True)}

    def compute(a, b):
        z = drawn[a, b]
        return [
            Image(z, (0, 7, 0, 6), "image", contours=(0.0,)),
            Band(np.arange(7), z[0] - 1, z[0] + 1, "band", role="kernel"),
            Line(np.arange(7), np.ma.masked_less(z[:2], -0.5), "lines"),
            Points(z[1], z[2], "points"),
            Bars(np.arange(8), np.abs(z[3]), "bars"),
            Rule(x=float(z[0, 0]), name="rule"),
            f"a {a} b {b}",
        ]

    header, of = stored(explorer(compute, {"a": [1, 2, 3], "b": [False, True]}))
    assert [item["kind"] for item in header["items"]] == ["image", "band", "line", "points", "bars", "rule"]
    for (a, b), z in drawn.items():
        got, text = of(a=a, b=b)
        want = [[0, 7], [0, 6], z.ravel(), np.arange(7), z[0] - 1, z[0] + 1, np.arange(7)]
        want += [np.where(z[:2] < -0.5, np.nan, z[:2]).ravel(), z[1], z[2], np.arange(8), np.abs(z[3]), z[0, :1]]
        assert text == f"a {a} b {b}"
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, atol=10 / 131068)


def test_a_grid_of_hundreds_of_settings_is_light():
    x = np.linspace(0, 1, 121)

    def compute(width, depth, t):
        return [Line(x, np.sin(depth * x + t) * width, "one"), Line(x, np.cos(3 * x) * t + depth, "two")]

    made = explorer(
        compute, {"width": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "depth": [1, 2, 3, 4], "t": list(range(24))}
    )
    assert len(made.settings()) == 672
    assert len(made._repr_mimebundle_()[0]["text/html"]) < 300_000


def test_a_setting_is_computed_once():
    calls = []
    made = explorer(lambda a: [calls.append(a), Line(X, a * X, "line")][1:], {"a": [1, 2, 3]})
    made._repr_mimebundle_()
    made._repr_mimebundle_()
    made.widget.a = 3
    assert calls == [1, 2, 3]
    made.widget.a = 7  # not one of the page's
    assert calls == [1, 2, 3, 7]


def test_the_limits_hold_all_settings_and_bars_stand_on_zero():
    header, _ = stored(explorer(lambda a: Bars([0, 1, 2], [10.0 * a, 12.0 * a], "bars")))
    assert header["limits"]["x"] == [0, 2]
    assert header["limits"]["y"][0] == 0
    assert 24 < header["limits"]["y"][1] < 27
    header, _ = stored(
        explorer(lambda a: Points([1.0, 100.0], [10.0**-a, 1.0], "points"), x_scale="log", y_scale="log")
    )
    assert 0 < header["limits"]["y"][0] < 0.01
    assert header["limits"]["x"][0] < 1 < 100 < header["limits"]["x"][1]


def test_colors_of_an_image_are_the_same_for_all_settings():
    header, _ = stored(explorer(lambda a: Image([[3.0 * a, -a]], (0, 2, 0, 1), "image", colors="diverging")))
    assert header["limits"]["z"] == [[-6, 6]]


def test_lines_of_one_role_differ_in_their_dashes():
    header, _ = stored(explorer(lambda a: [Line(X, X + k, str(k), role="network") for k in range(4)]))
    assert len({item["dash"] for item in header["items"]}) == 4


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (Line(X, [0, 1, np.nan, 3, np.inf], "loss"), r"2 of 5 values of y of Line 'loss' are not finite \(nan\)"),
        (Line(X, [1, 2, 3], "loss"), r"Line 'loss' needs arrays of equal length, got x \(5,\), y \(3,\)"),
        (
            Line([[0, 1], [2]], [1, 2], "loss"),
            "x of Line 'loss' must be an array of numbers, got rows of diff",
        ),
        (Line(np.ma.masked_less(X, 0.5), X, "loss"), "x of Line 'loss' must not be masked"),
        (Band(X, X, X[1:], "band"), "Band 'band' needs arrays of equal length"),
        (Points(X, np.ones((2, 5)), "points"), "Points 'points' needs arrays of equal length"),
        (Bars(X, X, "bars"), "Bars 'bars' needs one edge more than heights"),
        (Image(X, (0, 1, 0, 1), "image"), "Image 'image' needs z with rows and columns"),
        (
            Image([[1.0]], (0, 1, 0, 1), "image", colors="rainbow"),
            "colors of Image 'image' must be 'sequential'",
        ),
        (Rule(name="rule"), "Rule 'rule' needs either x or y"),
        (Line(X, X, "loss", role="hero"), "role of Line 'loss' must be 'data', 'network'"),
        (Line(X, X, "loss", dash="wavy"), "dash of Line 'loss' must be"),
        ([Line(X, X), 3], "a drawing is made of Line, Band"),
        (["only text"], "a drawing has one item or more"),
        ([Line(X, X), "one", "two"], "at most one text, got 1 and 2"),
        ([], "a drawing has one item or more"),
        (
            [Line(X, X), Line(X, X)],
            "other settings draw line '' \\(neutral\\): kinds, names and roles must be the same",
        ),
    ],
)
def test_a_wrong_drawing_names_its_setting(drawing, message):
    made = explorer(lambda a, b: drawing if (a, b) == (2, "yes") else Line(X, X), {"a": [1, 2], "b": ["no", "yes"]})
    with pytest.raises(ValueError, match=rf"^compute\(a=2, b='yes'\)[:\s].*{message}"):
        made._repr_mimebundle_()


@pytest.mark.parametrize(("axis", "drawing"), [("x", Line([0, 1], [1, 2], "l")), ("y", Line([1, 2], [1, -1], "l"))])
def test_logarithmic_axes_refuse_what_they_cannot_show(axis, drawing):
    made = explorer(lambda a: drawing, **{f"{axis}_scale": "log"})
    with pytest.raises(ValueError, match=rf"compute\(a=1\): {axis} of Line 'l' has values that are not positive"):
        made._repr_mimebundle_()
    explorer(lambda a: drawing)._repr_mimebundle_()


def test_an_error_in_compute_keeps_its_type_and_gets_the_setting():
    with pytest.raises(ZeroDivisionError) as caught:
        explorer(lambda a: Line(X, X * (1 // (a - 2))))._repr_mimebundle_()
    assert caught.value.__notes__ == ["raised by compute(a=2)"]


def test_a_grid_that_is_too_heavy_is_refused_early_with_its_size_and_advice():
    rng, calls = np.random.default_rng(0), []

    def compute(a, b):
        calls.append(a)
        return [Line(X, X, "small"), Line(np.arange(3000), rng.normal(size=3000), "large")]

    with pytest.raises(
        ValueError, match=r"the grid of 50 \(a\) × 100 \(b\) settings would add about [\d,]+ kB"
    ) as caught:
        explorer(compute, {"a": list(range(50)), "b": list(range(100))})._repr_mimebundle_()
    assert "give fewer values of 'b', or fewer points of 'large', which has 6000 numbers in each drawing" in str(
        caught.value
    )
    estimate = float(re.search(r"about ([\d,]+) kB", str(caught.value))[1].replace(",", ""))
    assert 0.8 * 5000 * 7.5 < estimate < 1.3 * 5000 * 8  # 3000 random numbers of 16 bits in base 64
    assert len(calls) < 500
    with pytest.raises(ValueError, match="has 1000000 settings"):
        explorer(compute, {"a": list(range(1000)), "b": list(range(1000))})._repr_mimebundle_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"a": []}}, "the values of 'a' must be different and at least one"),
        ({"parameters": {"a": [1, 1]}}, "the values of 'a' must be different"),
        (
            {"parameters": {"a": [1, "two"]}},
            "parameters: the values of 'a' must be finite numbers, strings or",
        ),
        ({"parameters": {"a": [1, np.inf]}}, "must be finite numbers"),
        ({"parameters": {"a": [1, 2]}, "units": {"b": "s"}}, r"units names \['b'\], but the parameters are \['a'\]"),
        ({"parameters": {"a": [1, 2]}, "play": "b"}, r"play names \['b'\]"),
        ({"parameters": {"a": ["x", "y"]}, "play": "a"}, "play must name a parameter of numbers, got 'a'"),
        ({"parameters": {"a": [1, 2]}, "start": {"a": 3}}, "start has a = 3, which is none of its values"),
        ({"parameters": {"a": [1, 2]}, "views": {"far": {"a": 3}}}, "views: 'far' has a = 3, which is none of its"),
        (
            {"parameters": {"a": [1, 2]}, "views": {"far": {"b": 1}}},
            r"views: 'far' names 'b', but the parameters are \['a'\]",
        ),
        ({"parameters": {"a": [1, 2]}, "views": {"far": 2}}, "views: 'far' must be a mapping of names of parameters"),
        ({"parameters": {"a": [1, 2]}, "x_scale": "cubic"}, "x_scale must be 'linear' or 'log', got 'cubic'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        explorer(lambda a: Line(X, X), **arguments)


# --------------------------------------------------------------------------------------------------- what is displayed


def test_the_representations():
    made = explorer(lambda a: [Line(X, a * X, "line"), f'"{a}" < 3'], title='A "title" & <more>', units={"a": "units"})
    data, _ = made._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    alternative = re.search(r'alt="([^"]*)"', data["text/html"])[1]
    assert alternative == (
        "A &quot;title&quot; &amp; &lt;more&gt;. Description. Shown for a = 1 units. &quot;1&quot; &lt; 3"
    )
    assert re.fullmatch(
        r'<div class="ntk-explorer"><img [^<>]*><script type="text/plain">[\w+/=]*</script></div>', data["text/html"]
    )


def test_without_anywidget_the_page_is_the_same(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert set(explorer(lambda a: Line(X, X))._repr_mimebundle_()[0]) == {"text/html", "image/png", "text/plain"}
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"Explorer\.widget needs anywidget, .*: pip install \"ntklib\[notebook\]\""):
        _ = explorer(lambda a: Line(X, X)).widget


@pytest.mark.parametrize("package", ["PIL", "matplotlib"])
def test_without_what_draws_the_still_picture_it_is_named(monkeypatch, package):
    monkeypatch.delitem(sys.modules, "ntklib.book._still", raising=False)
    monkeypatch.delattr("ntklib.book._still", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ImportError, match=f"picture of an explorer needs {package}, which is not installed: pip install"
    ):
        explorer(lambda a: Line(X, X))._repr_mimebundle_()


def test_the_still_picture_shows_every_kind():
    empty = np.empty(0)
    items = [
        Image(np.arange(6.0).reshape(2, 3), (0, 3, 0, 2), "image", contours=(2.5, 99.0)),
        Band(X, X, X + 1, "band"),
        Line(X, np.ma.masked_less([X, X + 1], 0.3), "lines"),
        Points(empty, empty, "nothing", marker="ring"),
        Bars([0, 1, 2], np.ma.masked_less([1.0, -1.0], 0), "bars"),
        Rule(y=1.0, name="rule"),
    ]
    made = explorer(lambda a: items, x_ticks={0: "none", 1: "all"}, aspect=1)
    frame = made.frame((1,))
    plain = _still.picture(made._spec, made.frame((1,)), made.limits([frame]), "")
    for index in range(len(items)):  # an item more or less is seen
        fewer = frame._replace(
            items=frame.items[:index] + frame.items[index + 1 :],
            arrays=frame.arrays[:index] + frame.arrays[index + 1 :],
        )
        assert _still.picture(made._spec, fewer, made.limits([fewer]), "") != plain


def test_the_edges_of_a_still_picture_are_smooth_in_the_style_of_the_book():
    made = explorer(lambda a: [Line(X, X**2, "line")])
    frame = made.frame((1,))
    with plt.rc_context():  # it leaves the ground transparent, and a still has none to lie on
        figures.use_style()
        picture = _still.picture(made._spec, frame, made.limits([frame]), "")
    with PIL.Image.open(io.BytesIO(picture)) as image:
        grey = np.asarray(image.convert("L"))
    assert grey[0, 0] == 255
    assert len(np.unique(grey)) > 40


def test_imports_are_light():
    code = "import sys, ntklib; assert 'ntklib.book' not in sys.modules; import ntklib.book; "
    code += "print([name for name in ('matplotlib', 'anywidget', 'IPython', 'jax') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8").stdout.strip() == "[]"


def luminance(color):
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_seen_on_both_backgrounds(role):
    for color, backgrounds in ((ROLES[role].light, ["#ffffff"]), (ROLES[role].dark, ["#121212", "#14181e", "#1e1e1e"])):
        for background in backgrounds:
            low, high = sorted([luminance(color), luminance(background)])
            assert (high + 0.05) / (low + 0.05) >= 4.5


# ------------------------------------------------------------------------------------------------------ the live widget


def test_the_widget_answers_for_any_value_and_shows_errors():
    def compute(a, kind, on):
        if a > 90:
            raise RuntimeError("too much")
        return [Line(X, a * X, "line"), f"{a} {kind} {on}"]

    widget = explorer(compute, {"a": [1.0, 2.0], "kind": ["p", "q"], "on": [True, False]}).widget
    assert widget.text == "1.0 p True"
    widget.a = 1.2345
    assert widget.text == "1.2345 p True"
    assert widget._answer["arrays"] == [[X.tolist(), (1.2345 * X).tolist()]]  # exact, not in 16 bits
    widget.a = 91
    assert widget._answer["error"] == widget.text == "RuntimeError: too much"  # and not the text of the drawing before
    widget.on = False
    assert "error" in widget._answer
    widget.a = 2
    assert "error" not in widget._answer
    assert widget.text == "2.0 p False"


def test_gaps_are_sent_as_nothing_and_the_axes_grow():
    made = explorer(lambda a: Line([0, 1], np.ma.masked_equal([a, 0], 0), "line"), {"a": [1, 2]})
    made._repr_mimebundle_()
    first = made.widget._answer
    assert first["arrays"] == [[[0, 1], [1, None]]]
    made.widget.a = 50
    assert made.widget._answer["limits"]["y"][1] > 50 > first["limits"]["y"][1]


def test_the_widget_keeps_the_habits_of_ipywidgets():
    ipywidgets = pytest.importorskip("ipywidgets")
    widget = explorer(lambda a: [Line(X, a * X, "line"), f"a is {a}"], {"a": [1, 2, 3]}).widget
    slider, seen = ipywidgets.IntSlider(1, 1, 9), []
    ipywidgets.link((slider, "value"), (widget, "a"))
    widget.observe(lambda change: seen.append(change["new"]), "text")
    assert ipywidgets.VBox([slider, widget]).children[1] is widget
    slider.value = 7
    widget.a = 2
    assert (slider.value, seen) == (2, ["a is 7", "a is 2"])


def test_a_parameter_cannot_be_called_like_a_property_of_widgets():
    with pytest.raises(ValueError, match="a widget cannot have a parameter called 'layout'"):
        _ = explorer(lambda layout: Line(X, X), {"layout": [1, 2]}).widget


@settings(max_examples=25)
@given(st.data())
def test_a_drawing_is_refused_or_stored_but_never_stored_wrongly(data):
    values = data.draw(arrays(np.float64, 6, elements=st.floats(allow_nan=True, allow_infinity=True, width=32)))
    scale = data.draw(st.sampled_from(["linear", "log"]))
    made = explorer(lambda a: Line(np.arange(6), values, "line"), {"a": [0]}, y_scale=scale)
    drawable = np.isfinite(values).all() and (np.abs(values) < 1e37).all() and (scale == "linear" or (values > 0).all())
    if not drawable:
        with pytest.raises(ValueError, match=r"^compute\(a=0\): "):
            _page.packed(made)
        return
    header, known = unpack(_page.packed(made))
    back = known[header["frames"][0][1]]
    change = np.log10(back / values) if scale == "log" else back - values
    extent = np.ptp(np.log10(values)) if scale == "log" else np.ptp(values)
    assert np.abs(change).max() <= extent / 131068 * 1.001 + 1e-6 * np.abs(values).min() * (scale == "linear") + 1e-9


@pytest.mark.parametrize("theme", [0, 1])
def test_the_two_ends_of_a_diverging_image_are_different_greys(theme):
    greys = [
        PIL.Image.new("RGB", (1, 1), end).convert("L").getpixel((0, 0)) for end in _roles.COLORS["diverging"][theme]
    ]
    middle = greys[2]
    assert abs(greys[0] - greys[4]) > 60
    assert all(abs(end - middle) > 60 for end in (greys[0], greys[4]))
    assert len(set(greys)) == len(greys)


def test_an_axis_without_texts_is_one_and_not_one_with_numbers():
    items = lambda a: [Line(X, X, "line")]  # noqa: E731
    numbers, none = explorer(items), explorer(items, y_ticks={})
    assert numbers._spec["y"]["ticks"] is None
    assert none._spec["y"]["ticks"] == []  # a list, which the script filters
    drawn = [_still.picture(e._spec, e.frame((1,)), e.limits([e.frame((1,))]), "") for e in (numbers, none)]
    assert drawn[0] != drawn[1]
