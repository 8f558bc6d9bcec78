"""The recurring plots: what they refuse to draw."""

import importlib.util
import sys

import numpy as np
import pytest

from ntklib.book import figures

SIZES = np.array([1.0, 2.0, 4.0])
FOUR = dict.fromkeys("abcd", 1 / SIZES)


def power_law(values, **options):
    return figures.power_law(SIZES, values, dict.fromkeys(values, -1.0), x_label="n", y_label="error", **options)


def test_no_series_is_left_out_for_want_of_a_role():
    with pytest.raises(ValueError, match="roles must name one for each of the 4 series, got 3"):
        power_law(FOUR)
    assert len(power_law(FOUR, roles=("network", "prediction", "kernel", "data")).axes[0].lines) == 8
    with pytest.raises(ValueError, match="series must be at most 3, got 4"):
        figures.spectrum(dict.fromkeys("abcd", (SIZES, SIZES)), x_label="i", y_label="λ", floor=1e-9)


def test_repetitions_in_the_other_order_are_refused():
    with pytest.raises(ValueError, match=r"values\['a'\] must have shape \(3,\) or \(3, repetitions\), got \(5, 3\)"):
        power_law({"a": np.ones((5, 3))})
    assert len(power_law({"a": np.ones((3, 5))}).axes[0].lines) == 2


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    spec = importlib.util.spec_from_file_location("figures_of_another_place", figures.__file__)
    with pytest.raises(
        ImportError, match=r'ntklib\.book\.figures needs matplotlib, .*: pip install "ntklib\[notebook\]"'
    ):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_gram_matrix_spends_its_colours_on_what_is_there():
    """And goes from the ground to its opposite, so that what is small is near the ground in the dark theme too."""
    far = np.array([[1.0, 0.4], [0.4, 1.0]])
    for matrix, least in ((far, 0.4), (far - 0.4, 0.0), (far - 0.35, 0.0)):
        figure = figures.gram(matrix, [0, 1, 2], ["a", "b"], label="cosine")
        image = figure.axes[0].images[0]
        assert image.get_clim() == (least, matrix.max())
        small, large = (np.mean(image.cmap(end)[:3]) for end in (0.0, 1.0))
        assert small > 0.9
        assert large < 0.3
