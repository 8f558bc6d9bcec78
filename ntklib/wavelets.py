r"""What do wavelets see of a signal? Haar's basis, the largest terms, thresholds, and a scattering network.

Signals and images lie on a circle or a torus: what leaves at one end enters at the other. Other wavelets than Haar's
come from PyWavelets, which :func:`threshold` imports when it is called.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntklib import _arguments

__all__ = ["best_terms", "haar", "inverse_haar", "scatter", "scattering_filters", "threshold"]


def haar(x: ArrayLike) -> NDArray[np.float64]:
    r"""The coefficients of a signal in Haar's orthonormal basis, in fewer than 2n additions (Haar 1910).

    A step takes sums and differences of neighbours, both over :math:`\sqrt2`, and goes on with the sums.

    Args:
        x: n values, n a power of two.

    Returns:
        (n,): the coefficient of the constant, then 1, 2, 4, … details, from the coarsest level to the finest.

    Raises:
        ValueError: if the shape is not (n,) with n a power of two, or a value is no finite number.

    >>> haar([4.0, 2.0, 1.0, 1.0]).round(4).tolist()
    [4.0, 2.0, 1.4142, 0.0]
    """
    sums = _power_of_two("x", x)
    levels = []
    while len(sums) > 1:
        left, right = sums[::2], sums[1::2]
        levels.append((left - right) / math.sqrt(2))
        sums = (left + right) / math.sqrt(2)
    return np.concatenate([sums, *levels[::-1]])


def inverse_haar(coefficients: ArrayLike) -> NDArray[np.float64]:
    """The signal that has these coefficients in Haar's basis.

    Args:
        coefficients: as :func:`haar` returns them, (n,), n a power of two.

    Returns:
        (n,).

    Raises:
        ValueError: if the shape is not (n,) with n a power of two, or a value is no finite number.

    >>> inverse_haar(haar([4.0, 2.0, 1.0, 1.0])).round(12).tolist()
    [4.0, 2.0, 1.0, 1.0]
    """
    values = _power_of_two("coefficients", coefficients)
    signal = values[:1]
    while len(signal) < len(values):
        details = values[len(signal) : 2 * len(signal)]
        signal = np.stack([signal + details, signal - details], 1).ravel() / math.sqrt(2)
    return signal


def best_terms(coefficients: ArrayLike, n: int) -> NDArray[np.float64]:
    """The n coefficients of largest size, the others set to zero; of equal ones the first are kept.

    In an orthonormal basis no other n terms are nearer to the signal.

    Args:
        coefficients: in an orthonormal basis, (m,), real or complex.
        n: how many to keep, at most m.

    Returns:
        (m,).

    Raises:
        ValueError: if the shape does not fit, or n is no integer from 0 to m.

    >>> best_terms([1.0, -3.0, 2.0, 0.5], 2).tolist()
    [0.0, -3.0, 2.0, 0.0]
    """
    values = _arguments.read("coefficients", coefficients, np.asarray)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"coefficients must have shape (m,), got {_arguments.got(coefficients)}")
    if values.dtype.kind != "c":
        values = _arguments.array_of_numpy("coefficients", coefficients).astype(float)
    n = _arguments.count("n", n, 0, len(values))
    kept = np.zeros_like(values)
    largest = np.argsort(-np.abs(values), kind="stable")[:n]
    kept[largest] = values[largest]
    return kept


def threshold(
    signal: ArrayLike,
    *,
    wavelet: str = "sym8",
    mode: str = "soft",
    levels: int = 5,
    shifts: int = 1,
    factor: float = 1.0,
) -> NDArray[np.float64]:
    r"""A noisy signal without the wavelet coefficients that noise explains.

    The noise is taken to be white. Its deviation s is estimated by the median size of the finest details over 0.6745,
    and the threshold is :math:`s\sqrt{2\ln n}` (Donoho and Johnstone 1994). With shifts the result is a mean over
    shifted copies, each shifted back (Coifman and Donoho 1995).

    Args:
        signal: n values on a circle; n a multiple of 2 to the power of `levels`.
        wavelet: the name of an orthogonal wavelet of PyWavelets.
        mode: ``"hard"`` sets coefficients below the threshold to zero, ``"soft"`` moves the others towards zero too.
        levels: how many levels of details are thresholded, at least 1.
        shifts: how many shifts are averaged, at least 1.
        factor: by which the threshold is multiplied.

    Returns:
        (n,).

    Raises:
        ValueError: if an argument is not of this kind, or the wavelet is not orthogonal.

    >>> step = np.repeat([0.0, 1.0], 128)
    >>> noisy = step + 0.1 * np.random.default_rng(0).normal(size=256)
    >>> bool(np.mean((threshold(noisy, wavelet="haar", mode="hard") - step) ** 2) < 0.1 * np.mean((noisy - step) ** 2))
    True
    """
    import pywt

    values = _arguments.array_of_numpy("signal", signal).astype(float)
    levels = _arguments.count("levels", levels, 1, 40)
    if values.ndim != 1 or not len(values) or len(values) % 2**levels:
        wanted = f"a signal (n,) with n a multiple of {2**levels}, for {levels} levels"
        raise ValueError(f"signal must be {wanted}, got {_arguments.got(values)}")
    if (
        _arguments.text("wavelet", wavelet) not in pywt.wavelist(kind="discrete")
        or not pywt.Wavelet(wavelet).orthogonal
    ):
        raise ValueError(f"wavelet must name an orthogonal one, such as 'haar', 'db4' or 'sym8', got {wavelet!r}")
    _arguments.choice("mode", mode, ("hard", "soft"))
    shifts = _arguments.count("shifts", shifts, 1)
    universal = float(_arguments.number("factor", factor)) * math.sqrt(2 * math.log(len(values)))
    copies = np.stack([np.roll(values, shift) for shift in range(shifts)])
    smooth, details = copies, []
    for _ in range(
        levels
    ):  # wavedec warns of levels at which a wavelet is longer than the signal; on a circle it may be
        smooth, detail = pywt.dwt(smooth, wavelet, mode="periodization")
        details.append(detail)
    cut = universal * np.median(np.abs(details[0]), axis=1, keepdims=True) / 0.6744897501960817
    for detail in details[::-1]:
        beyond = np.abs(detail) > cut
        kept = np.where(beyond, detail - (np.sign(detail) * cut if mode == "soft" else 0.0), 0.0)
        smooth = pywt.idwt(smooth, kept, wavelet, mode="periodization")
    return np.mean([np.roll(row, -shift) for shift, row in enumerate(smooth)], 0)


def scattering_filters(
    shape: tuple[int, int], *, scales: int = 3, angles: int = 4
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""The Fourier transforms of the filters of :func:`scatter`: one average, and wavelets by scale and angle.

    A wavelet is Morlet's, a wave under a Gaussian from which as much of the Gaussian is taken as makes its mean zero.
    Each scale is twice as wide as the one before. All wavelets have a common factor, the largest with
    :math:`|\hat\phi(\omega)|^2 + \frac12\sum_\psi(|\hat\psi(\omega)|^2 + |\hat\psi(-\omega)|^2)\le1` for every
    frequency, by which :func:`scatter` does not increase distances (Bruna and Mallat 2013).

    Args:
        shape: height and width of the images.
        scales: how many scales, at least 1; the average is over about 2 to that power pixels.
        angles: how many directions, in half a turn.

    Returns:
        the average, (h, w), and the wavelets, (scales, angles, h, w); they are real.

    Raises:
        ValueError: if a count is none, or an image has fewer pixels a side than 2 to the power of `scales`.

    >>> average, wavelets = scattering_filters((16, 16), scales=2, angles=3)
    >>> wavelets.shape, float(average[0, 0]), bool(np.abs(wavelets[..., 0, 0]).max() < 1e-12)
    ((2, 3, 16, 16), 1.0, True)
    """
    scales, angles = _arguments.count("scales", scales, 1, 20), _arguments.count("angles", angles, 1)
    sides = tuple(shape) if isinstance(shape, tuple | list) else ()
    whole = all(isinstance(side, int | np.integer) and not isinstance(side, bool) for side in sides)
    if len(sides) != 2 or not whole or min(sides) < 2**scales:
        wanted = f"a height and a width of at least {2**scales}, for {scales} scales"
        raise ValueError(f"shape must be {wanted}, got {_arguments.got(shape)}")
    h, w = sides
    rows, columns = np.meshgrid(np.fft.fftfreq(h) * h, np.fft.fftfreq(w) * w, indexing="ij")

    def gaussian(along: NDArray, across: NDArray, width: float) -> NDArray:
        bump = np.exp(-(along**2 + across**2) / (2 * width**2))
        return bump / bump.sum()

    average = np.fft.fft2(gaussian(rows, columns, 0.8 * 2**scales)).real
    wavelets = np.empty((scales, angles, h, w))
    for scale in range(scales):
        for turn in range(angles):
            c, s = math.cos(math.pi * turn / angles), math.sin(math.pi * turn / angles)
            along, across = c * columns + s * rows, c * rows - s * columns
            envelope = gaussian(along, across / 2, 0.8 * 2**scale)
            wave = np.exp(0.75j * math.pi / 2**scale * along) * envelope
            wavelets[scale, turn] = np.fft.fft2(wave - envelope * wave.sum()).real
    sums = np.sum(wavelets**2, (0, 1))
    opposite = np.roll(sums[::-1, ::-1], 1, (0, 1))  # at the frequencies with the other sign
    energy, room = (sums + opposite) / 2, 1 - average**2
    seen = energy > 1e-12
    return average, wavelets * math.sqrt(np.min(room[seen] / energy[seen]))


def scatter(images: ArrayLike, *, scales: int = 3, angles: int = 4, orders: int = 2) -> NDArray:
    r"""The features of a scattering network: convolutions with wavelets, moduli, averages (Bruna and Mallat 2013).

    Order 0 is the image, averaged; order 1 the maps :math:`|x * \psi_1|`, averaged; order 2 the maps
    :math:`||x * \psi_1| * \psi_2|` with :math:`\psi_2` of a coarser scale, averaged. Of an averaged map each
    :math:`2^{\mathrm{scales} - 1}`-th row and column is kept. Convolutions are on a torus.

    Args:
        images: (n, h, w); computed in 32 bits if they are, otherwise in 64.
        scales: number of scales of :func:`scattering_filters`.
        angles: number of directions.
        orders: the highest order, 0, 1 or 2.

    Returns:
        (n, maps, rows, columns): with L angles and J scales one map of order 0, then JL of order 1, then J(J - 1)L²/2
        of order 2.

    Raises:
        ValueError: if an argument is not of this kind, or images are smaller than 2 to the power of `scales`.

    >>> scatter(np.ones((2, 16, 16)), scales=2, angles=3).shape
    (2, 16, 8, 8)
    """
    import scipy.fft

    values = _arguments.array_of_numpy("images", images)
    scales = _arguments.count("scales", scales, 1, 20)
    if values.ndim != 3 or min(values.shape[1:]) < 2**scales:
        wanted = f"(n, h, w) with h and w of at least {2**scales}, for {scales} scales"
        raise ValueError(f"images must have shape {wanted}, got {_arguments.got(images)}")
    orders = _arguments.count("orders", orders, 0, 2)
    average, wavelets = scattering_filters(values.shape[1:], scales=scales, angles=angles)
    kind = np.float32 if values.dtype == np.float32 else np.float64
    average, wavelets = average.astype(kind), wavelets.astype(kind)
    step = 2 ** (len(wavelets) - 1)

    def averaged(spectrum: NDArray) -> NDArray:
        return scipy.fft.ifft2(spectrum * average).real[:, ::step, ::step]

    by_order: list[list[NDArray]] = [[] for _ in range(orders + 1)]

    def onward(spectrum: NDArray, finest: int, order: int) -> None:
        by_order[order].append(averaged(spectrum))
        if order < orders:
            for scale in range(finest, len(wavelets)):
                for wavelet in wavelets[scale]:
                    modulus = np.abs(scipy.fft.ifft2(spectrum * wavelet))
                    onward(scipy.fft.fft2(modulus), scale + 1, order + 1)

    onward(scipy.fft.fft2(values.astype(kind)), 0, 0)
    return np.stack([each for maps in by_order for each in maps], 1)


def _power_of_two(name: str, value: ArrayLike) -> NDArray[np.float64]:
    values = _arguments.array_of_numpy(name, value).astype(float)
    n = values.size
    if values.ndim != 1 or not n or n & (n - 1):
        raise ValueError(f"{name} must have shape (n,) with n a power of two, got {_arguments.got(values)}")
    return values
