"""Data sets: what they promise about shapes, scales, classes and repetition."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ntklib.data import accuracy, circle, co2, digits, one_hot, ripley, ripley_probability


def test_digits_are_divided_without_overlap_and_all_used():
    data = digits(500)
    assert [part.shape for part in data] == [(500, 64), (500,), (1297, 64), (1297,)]
    together = np.concatenate([data.x_train, data.x_test])
    images, labels = load_digits(return_X_y=True)
    direction = images / np.linalg.norm(images, axis=1, keepdims=True)
    assert np.array_equal(np.sort((together / 8).round(9), 0), np.sort(direction.round(9), 0))
    assert np.array_equal(np.bincount(np.r_[data.y_train, data.y_test]), np.bincount(labels))


def test_every_digit_keeps_its_label():
    images, labels = load_digits(return_X_y=True)
    data = digits(100, 50)
    direction = images / np.linalg.norm(images, axis=1, keepdims=True)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        nearest = np.argmax(x @ direction.T, 1)
        np.testing.assert_allclose(8 * direction[nearest], x, atol=1e-12)
        assert np.array_equal(labels[nearest], y)


def test_digits_have_unit_mean_square_and_classes_in_proportion():
    data = digits(1000, 300)
    np.testing.assert_allclose((data.x_train**2).sum(1), 64)
    np.testing.assert_allclose((data.x_test**2).sum(1), 64)
    assert (data.x_train.dtype, data.y_train.dtype) == (np.float64, np.int64)
    share = np.bincount(load_digits().target) / 1797
    assert np.abs(np.bincount(data.y_train) / 1000 - share).max() < 2e-3
    assert np.abs(np.bincount(data.y_test) / 300 - share).max() < 5e-3


def test_the_seed_alone_decides_the_division():
    assert np.array_equal(digits(50).x_train, digits(50, seed=0).x_train)
    assert not np.array_equal(digits(50).x_train, digits(50, seed=1).x_train)


@pytest.mark.parametrize("sizes", [(9,), (1788,), (100, 9), (100, 0), (1700, 98)])
def test_more_or_fewer_digits_than_there_can_be_are_refused(sizes):
    with pytest.raises(ValueError, match=rf"n_train and n_test must .* 1797 together, got {sizes[0]} and"):
        digits(*sizes)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_the_circle_is_equally_spaced_with_the_squared_radius_of_the_dimension(n):
    angles, x = circle(n)
    assert x.shape == (n, 2)
    np.testing.assert_allclose(np.diff(angles), 2 * np.pi / n)
    np.testing.assert_allclose(x[:, 0] + 1j * x[:, 1], np.sqrt(2) * np.exp(2j * np.pi * np.arange(n) / n), atol=1e-14)


def test_an_empty_circle_is_refused():
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        circle(0)


def test_one_hot_targets_sum_to_zero_and_stand_one_apart():
    labels = np.array([2, 0, 1, 2])
    targets = one_hot(labels, classes=4)
    assert targets.shape == (4, 4)
    np.testing.assert_allclose(targets.sum(1), 0, atol=1e-15)
    assert np.array_equal(targets.argmax(1), labels)
    np.testing.assert_allclose(np.sort(targets, 1), [[-0.25, -0.25, -0.25, 0.75]] * 4)
    assert one_hot(labels).shape == (4, 10)
    assert one_hot(labels[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "labels must be from 0 to 2, got 0 to 3"),
        ([-1, 0], "labels must be from 0 to 2, got -1 to 0"),
        ([0.0, 1.0], r"labels must be integers of shape \(n,\), got float64 of shape \(2,\)"),
        ([[0, 1]], r"labels must be integers of shape \(n,\), got int64 of shape \(1, 2\)"),
        ([True, False], "labels must be integers"),
    ],
)
def test_labels_that_are_no_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        one_hot(np.array(labels), classes=3)


def weekly_lines():
    """The file that statsmodels ships, read without statsmodels or pandas: (year, month, ppm) of each week."""
    import importlib.util

    folder = Path(importlib.util.find_spec("statsmodels").origin).parent / "datasets" / "co2"
    with open(folder / "co2.csv", newline="", encoding="utf-8") as file:
        for row in list(csv.reader(file))[1:]:
            date, value = row[-2:]
            yield int(date[:4]), int(date[4:6]), float(value) if value else None


def test_the_carbon_dioxide_record_is_the_mean_of_the_weeks_of_each_month():
    weeks = {}
    for year, month, value in weekly_lines():
        weeks.setdefault((year, month), []).append(value)
    kept = {key: [v for v in values if v is not None] for key, values in weeks.items()}
    record = co2()
    months = [(int(y), round((y % 1) * 12 + 0.5)) for y in record.year]
    assert months == sorted(key for key, values in kept.items() if values)
    np.testing.assert_allclose(record.value, [np.mean(kept[key]) for key in months], rtol=1e-12)


def test_months_without_a_measurement_are_left_out_of_the_record_and_nothing_is_filled_in():
    record = co2()
    steps = np.round(np.diff(record.year) * 12).astype(int)
    assert steps.sum() + 1 == (2001 - 1958) * 12 + 10  # March 1958 to December 2001
    after = record.year[:-1][steps > 1]
    assert dict(zip(np.round(after, 2).tolist(), (steps[steps > 1] - 1).tolist(), strict=True)) == {
        1958.38: 1,  # June follows May
        1958.71: 1,
        1964.04: 3,
    }
    assert np.isfinite(record.value).all()
    assert (record.year.dtype, record.value.dtype) == (np.float64, np.float64)


def test_the_carbon_dioxide_record_rises_and_peaks_in_may():
    record = co2()
    trend = np.polynomial.Polynomial.fit(record.year, record.value, 3)
    month = np.round((record.year % 1) * 12 + 0.5).astype(int)
    season = [np.mean((record.value - trend(record.year))[month == m]) for m in range(1, 13)]
    assert (np.argmax(season) + 1, np.argmin(season) + 1) in {(5, 9), (5, 10)}
    assert 313 < record.value.min() < record.value.max() < 374


def test_ripley_has_the_moments_of_its_mixtures():
    data = ripley(40_000, 10, seed=1)
    assert [part.shape for part in data] == [(40_000, 2), (40_000,), (10, 2), (10,)]
    assert np.bincount(data.y_train).tolist() == [20_000, 20_000]
    for label, mean, spread in ((0, [-0.2, 0.3], 0.5), (1, [0.05, 0.7], 0.35)):
        x = data.x_train[data.y_train == label]
        np.testing.assert_allclose(x.mean(0), mean, atol=0.02)
        # the two components are `spread` away from their mean along the first axis
        np.testing.assert_allclose(np.cov(x.T), [[0.03 + spread**2, 0], [0, 0.03]], atol=0.005)


def test_ripley_has_the_bayes_error_that_is_said():
    side = np.linspace(-2, 2, 801)
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    means = [[(-0.7, 0.3), (0.3, 0.3)], [(-0.3, 0.7), (0.4, 0.7)]]
    density = [sum(np.exp(-((points - m) ** 2).sum(1) / 0.06) / (0.06 * np.pi) for m in pair) / 2 for pair in means]
    cell = (side[1] - side[0]) ** 2
    assert abs(np.minimum(*density).sum() / 2 * cell - 0.08933) < 5e-5
    probability = ripley_probability(points)
    near = sum(density) > 1e-9
    np.testing.assert_allclose(probability[near], (density[1] / sum(density))[near], rtol=1e-9)
    drawn = ripley(2, 100_000, seed=2)
    errors = (ripley_probability(drawn.x_test) > 0.5) != drawn.y_test
    assert abs(errors.mean() - 0.08933) < 0.003


def test_ripley_repeats_and_refuses():
    assert np.array_equal(ripley(50).x_train, ripley(50, seed=0).x_train)
    assert not np.array_equal(ripley(50).x_train, ripley(50, seed=1).x_train)
    assert np.bincount(ripley(51).y_train).tolist() == [25, 26]
    with pytest.raises(ValueError, match="n_train and n_test must each be at least 2, got 1 and 1000"):
        ripley(1)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 2\), got \(3,\)"):
        ripley_probability(np.zeros(3))


def test_a_part_of_a_point_is_refused():
    with pytest.raises(ValueError, match=r"n must be an integer of at least 1, got 2\.5"):
        circle(2.5)


def test_answers_are_counted_for_each_set_of_outputs():
    rng = np.random.default_rng(0)
    outputs, labels = rng.normal(size=(3, 50, 4)), rng.integers(0, 4, 50)
    by_hand = [
        sum(max(range(4), key=row.__getitem__) == y for row, y in zip(one, labels, strict=True)) / 50 for one in outputs
    ]
    np.testing.assert_allclose(accuracy(outputs, labels), by_hand, rtol=1e-15)
    assert accuracy(outputs.astype(np.float32)[0].tolist(), labels.tolist()) == by_hand[0]


@pytest.mark.parametrize(
    ("outputs", "labels", "says"),
    [
        ([[0.0, np.nan]], [0], r"outputs must be finite, got nan at \[0, 1\]"),
        ([[0.0, 1.0]], [2], "labels must be from 0 to 1, got 2 to 2"),
        ([[0.0, 1.0]], [0.0], "labels must be integers"),
        ([[0.0, 1.0]], [0, 1], r"outputs must have shape \(..., 2, classes\) as labels, got \(1, 2\)"),
        (np.zeros((0, 2)), np.zeros(0, int), r"outputs must have shape \(..., n, classes\)"),
    ],
)
def test_answers_of_what_has_diverged_are_not_counted(outputs, labels, says):
    with pytest.raises(ValueError, match=says):
        accuracy(outputs, labels)
