"""Haar's transform and thresholds against PyWavelets and exact fractions; what is proved of a scattering network."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import pywt
from hypothesis import given
from hypothesis import strategies as st

from ntklib.wavelets import best_terms, haar, inverse_haar, scatter, scattering_filters, threshold


@pytest.mark.parametrize("n", [1, 2, 8, 1024])
def test_haar_is_the_transform_of_pywavelets_and_its_inverse_undoes_it(n):
    x = np.random.default_rng(n).normal(size=n)
    levels = pywt.wavedec(x, "haar", mode="periodization", level=n.bit_length() - 1) if n > 1 else [x]
    np.testing.assert_allclose(haar(x), np.concatenate(levels), atol=1e-12)
    np.testing.assert_allclose(inverse_haar(haar(x)), x, atol=1e-12)


def test_haar_of_a_basis_is_an_orthogonal_matrix():
    matrix = np.stack([haar(row) for row in np.eye(64)])
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(64), atol=1e-12)


def test_haar_of_a_jump_loses_two_ninths_of_a_power_of_two():
    cells = 2**10
    means = [max(Fraction(0), min(Fraction(1), Fraction(cells, 3) - i)) for i in range(cells)]
    squares = haar(np.array(means, float) / math.sqrt(cells)) ** 2
    for j in range(6):
        assert squares[2**j :].sum() == pytest.approx(2 / 9 * (2.0**-j - 2.0**-10), rel=1e-9)
    assert np.count_nonzero(squares > 1e-20) == 11


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8), st.data())
def test_no_other_terms_are_nearer_than_the_best(values, data):
    n = data.draw(st.integers(0, len(values)))
    kept = best_terms(values, n)
    left = sum((a - b) ** 2 for a, b in zip(values, kept, strict=True))
    squares = [v * v for v in values]
    assert left == min(sum(squares) - sum(chosen) for chosen in combinations(squares, n))
    assert np.count_nonzero(kept) <= n


def test_best_terms_of_complex_coefficients():
    assert best_terms([1, 2j, -1 - 1j], 1).tolist() == [0, 2j, 0]


@pytest.mark.parametrize("mode", ["hard", "soft"])
@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym8"])
def test_threshold_is_what_pywavelets_says_with_the_noise_known_from_the_finest_details(mode, wavelet):
    y = np.random.default_rng(1).normal(size=256) + 5 * (np.arange(256) > 100)
    coarse, *details = pywt.wavedec(y, wavelet, mode="periodization", level=3)
    cut = np.median(abs(details[-1])) / 0.6744897501960817 * math.sqrt(2 * math.log(256))
    wanted = pywt.waverec([coarse, *(pywt.threshold(d, cut, mode) for d in details)], wavelet, mode="periodization")
    np.testing.assert_allclose(threshold(y, wavelet=wavelet, mode=mode, levels=3), wanted, atol=1e-12)


def test_shifts_are_a_mean_over_moved_signals():
    y = np.random.default_rng(2).normal(size=128) + 3 * (np.arange(128) % 40 < 5)
    one = [np.roll(threshold(np.roll(y, s), mode="hard"), -s) for s in range(4)]
    np.testing.assert_allclose(threshold(y, mode="hard", shifts=4), np.mean(one, 0), atol=1e-12)
    everything = threshold(y, mode="hard", shifts=128)
    np.testing.assert_allclose(threshold(np.roll(y, 5), mode="hard", shifts=128), np.roll(everything, 5), atol=1e-12)


def test_the_factor_goes_from_nothing_to_everything():
    y = np.random.default_rng(3).normal(size=64)
    np.testing.assert_allclose(threshold(y, factor=0.0), y, atol=1e-12)
    np.testing.assert_allclose(threshold(y, wavelet="haar", levels=6, factor=1e6), y.mean(), atol=1e-12)


@pytest.mark.parametrize(
    ("given", "words"), [({"wavelet": "bior2.2"}, "orthogonal"), ({"levels": 5}, "multiple of 32")]
)
def test_threshold_refuses(given, words):
    with pytest.raises(ValueError, match=words):
        threshold(np.ones(48), **{"levels": 4, **given})


@pytest.mark.parametrize(("scales", "angles"), [(1, 1), (2, 3), (3, 4), (3, 8)])
def test_the_filters_hand_on_no_more_than_they_get(scales, angles):
    average, wavelets = scattering_filters((16, 24), scales=scales, angles=angles)
    x = np.random.default_rng(4).normal(size=(16, 24))
    maps = np.fft.ifft2(np.fft.fft2(x) * np.concatenate([average[None], wavelets.reshape(-1, 16, 24)]))
    assert np.sum(abs(maps) ** 2) <= np.sum(x**2) * (1 + 1e-12)
    waves = [
        np.cos(2 * np.pi * (a * np.arange(16)[:, None] / 16 + b * np.arange(24) / 24))
        for a in range(9)
        for b in range(13)
    ]
    shares = []
    for wave in waves:
        handed = np.fft.ifft2(np.fft.fft2(wave) * np.concatenate([average[None], wavelets.reshape(-1, 16, 24)]))
        shares.append(np.sum(abs(handed) ** 2) / np.sum(wave**2))
    assert max(shares) <= 1 + 1e-12
    assert max(shares[1:]) > 0.99  # no larger factor would do


def test_scattering_does_not_expand_and_sees_small_motions_little():
    x, other = np.random.default_rng(5).normal(size=(2, 3, 32, 32))
    assert np.linalg.norm(scatter(x) - scatter(other)) < np.linalg.norm(x - other)
    average, _ = scattering_filters((32, 32))
    move = np.exp(-2j * np.pi * np.fft.fftfreq(32)) - 1
    bound = math.sqrt(3) * np.max(abs(average * move))
    moved = scatter(np.roll(x, 1, axis=2)) - scatter(x)
    assert np.linalg.norm(moved) < bound * np.linalg.norm(x)


def test_scattering_moves_with_the_image_and_turns_with_it():
    x = np.random.default_rng(6).normal(size=(1, 16, 16))
    step = 2  # every second row is kept
    np.testing.assert_allclose(
        scatter(np.roll(x, 3 * step, axis=1), scales=2), np.roll(scatter(x, scales=2), 3, axis=2), atol=1e-12
    )


def test_orders_are_the_maps_of_the_definition():
    x = np.random.default_rng(7).normal(size=(2, 16, 16))
    average, wavelets = scattering_filters((16, 16), scales=2, angles=3)

    def convolved(u, f):
        return np.fft.ifft2(np.fft.fft2(u) * f)

    first = [abs(convolved(x, wavelets[j, a])) for j in range(2) for a in range(3)]
    second = [abs(convolved(first[a], wavelets[1, b])) for a in range(3) for b in range(3)]
    wanted = np.stack([convolved(u, average).real[:, ::2, ::2] for u in (x, *first, *second)], 1)
    for orders, maps in ((0, 1), (1, 7), (2, 16)):
        got = scatter(x, scales=2, angles=3, orders=orders)
        np.testing.assert_allclose(got, wanted[:, :maps], atol=1e-12)
    assert scatter(x.astype(np.float32), scales=2, angles=3).dtype == np.float32
    np.testing.assert_allclose(scatter(x.astype(np.float32), scales=2, angles=3), wanted, atol=1e-5)
