"""Explorers whose observations are dragged, without a browser: the page gets the matrix; another curve is refused."""

import re

import numpy as np
import pytest
from book.test_explore import explorer, unpack

from ntklib.book.dragging import Draggable
from ntklib.book.explore import Band, Line, Points

X = np.array([0.0, 0.5, 2.0])
NAMES = {"observations": ["data", "last"], "curve": "curve", "band": "band", "height": "height"}


def weights(slope):
    """A matrix of no symmetry, so that one that is turned is another."""
    return slope * np.arange(1.0, 10.0).reshape(3, 3) / 20


def drawn(height, slope, *, aside=0.0, lift=0.0, other=0.0):
    y = np.array([1.0, -1.0, height])
    curve = weights(slope) @ y + aside
    return [
        Points([0.3], [height * other], "something else"),
        Band(X, curve - slope + lift, curve + slope, "band"),
        Line(X, curve, "curve"),
        Points(X[:2], y[:2], "data"),
        Points(X[2:], y[2:], "last"),
        f"height {height}",
    ]


def made(compute=drawn, matrix=weights, **changed):
    parameters = {"height": [0.0, 1.0, 2.0], "slope": [1.0, 2.0]}
    return Draggable(explorer(compute, parameters, y_limits=(-4, 4)), matrix, **{**NAMES, **changed})


def shown(compute=drawn, matrix=weights, **changed):
    return made(compute, matrix, **changed)._repr_mimebundle_()[0]


def test_the_page_has_the_explorer_and_a_row_for_each_setting_that_is_no_height():
    data = shown()
    found = re.search(r'<script type="text/plain" data-dragging>([\w+/=]+)</script></div>$', data["text/html"])
    header, arrays = unpack(found[1])
    assert data["text/html"].startswith('<div class="ntk-explorer"><img ')
    assert len(header["rows"]) == 2
    assert (header["height"], header["unit"], header["sizes"]) == (0, 0.01, [2, 1])
    for slope, row in zip((1.0, 2.0), header["rows"], strict=True):
        matrix, x, y, at, half, *_ = (arrays[index] for index in row)
        np.testing.assert_allclose(matrix.reshape(3, 3).T, weights(slope), atol=1e-6)
        np.testing.assert_allclose(x, X)
        np.testing.assert_allclose(y[:2], [1, -1])
        np.testing.assert_allclose(at, X)
        np.testing.assert_allclose(half, slope)
    assert header["texts"][header["text"][2]] == "height 1.0"


def test_elsewhere_it_is_the_explorer():
    draggable = made()
    assert draggable._repr_mimebundle_()[0]["image/png"] == draggable.explorer._repr_mimebundle_()[0]["image/png"]
    assert repr(draggable) == f"Draggable({draggable.explorer!r})"


def moved(**how):
    return lambda height, slope: drawn(height, slope, **how)


@pytest.mark.parametrize(
    ("compute", "matrix", "changed", "said"),
    [
        (moved(aside=0.1), weights, {}, r"height=0.0, slope=1.0 got another curve: 0.1 off"),
        (drawn, lambda slope: weights(slope).T, {}, "another curve"),
        (moved(lift=0.5), weights, {}, "another band"),
        (moved(other=1.0), weights, {}, "height=1.0, slope=1.0 got another what does not follow: 1 off"),
        (drawn, lambda height: weights(1.0), {"height": "slope"}, "another"),
        (drawn, lambda slope: np.eye(2), {}, r"weights\(slope=1.0\) must return .*\(3, 3\).* \(2, 2\)"),
        (drawn, lambda slope: np.nan * weights(slope), {}, "finite"),
        (drawn, weights, {"curve": "band"}, r"curve must name one line of .*, got 'band': there are \['curve'\]"),
        (drawn, weights, {"observations": ["data", "lost"]}, "observations must name one points .*got 'lost'"),
    ],
)  # fmt: skip
def test_what_the_page_would_draw_differently_is_refused(compute, matrix, changed, said):
    with pytest.raises(ValueError, match=said):
        shown(compute, matrix, **changed)


def test_an_observation_needs_its_point_of_the_curve():
    def compute(height, slope):
        *rest, text = drawn(height, slope)
        return [*rest[:-1], Points([1.9], [height], "last"), text]

    with pytest.raises(ValueError, match=r"curve must be drawn at each observation, but 'curve' is not at x = 1\.9"):
        shown(compute)


def test_an_explorer_without_limits_is_refused_and_one_that_is_too_heavy():
    with pytest.raises(ValueError, match="explorer must have y_limits"):
        Draggable(explorer(drawn, {"height": [0.0], "slope": [1.0]}), weights, **NAMES)
    heavy = Draggable(
        explorer(drawn, {"height": [0.0], "slope": [1.0]}, y_limits=(-4, 4), max_bytes=9000), weights, **NAMES
    )
    heavy.explorer.max_bytes = len(heavy.explorer._repr_mimebundle_()[0]["text/html"]) + 100
    with pytest.raises(ValueError, match=r"explorer would add .* kB"):
        heavy._repr_mimebundle_()
