r"""Which coefficients stand in `INVERSE_ROOT` of ntklib/_interpolants.py? ``python -m tools.inverse_root`` prints them.

The moments of tanh (`ntklib/_tanh.py`) are expectations over two scales of :math:`(1 - s)^{-1/2}`, with s a product of
two factors that each belong to one point, and of the squared correlation. A sum of powers :math:`\sum_e c_es^e` in its
place has to be right in these expectations only, not at each s. So that is what is minimised: the largest relative
error of the expected product of the derivatives, over variances up to `LARGEST` and all correlations. It is linear in
the coefficients, and the best are found by least squares whose weights grow where the error is large (Lawson 1961).
They may not be negative, as the vectors of `point_factors` have their roots.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ntklib._tanh import _SCALES, LARGEST

# For 32 bits and for 64: of some more that were tried the fit makes the coefficients zero.
EXPONENTS = (
    (*range(7), 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 384),
    (
        *(*range(11), 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 56, 72, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        *(448, 512, 640, 896, 1280),
    ),
)

Long = NDArray[np.longdouble]


def conditions(which: int, exponents: tuple[int, ...], variances: int, correlations: int) -> tuple[Long, Long]:
    """The expected product of derivatives of each power over the true one, (cases, powers), and ones, (cases,).

    Args:
        which: 0 for the scales of 32 bits, 1 for those of 64.
        exponents: of the powers.
        variances: how many, on a logarithmic scale; all pairs of them are taken.
        correlations: how many, denser towards one.
    """
    scale, weight = (each.astype(np.longdouble) for each in _SCALES[which])
    a = np.exp(np.linspace(np.log(1e-3), np.log(LARGEST), variances)).astype(np.longdouble)[:, None]
    twice = 2 * scale**2
    start, r = weight * np.sqrt(2 / np.pi * twice / (1 + twice * a)), twice * a / (1 + twice * a)
    power = np.array(exponents, np.longdouble)
    of_point = np.stack([(start * r**e).sum(1) for e in exponents], axis=1)  # (variances, powers)
    squares = (1 - np.concatenate([[0], np.logspace(-4, 0, correlations - 1)]).astype(np.longdouble)) ** 2
    rows = []
    for i in range(variances):
        for j in range(i + 1):
            both, factors = start[i][:, None] * start[j], r[i][:, None] * r[j]
            for square in squares:
                true = (both / np.sqrt(1 - factors * square)).sum()
                rows.append(of_point[i] * of_point[j] * square**power / true)
    return np.array(rows), np.ones(len(rows), np.longdouble)


def fitted(which: int, *, rounds: int = 80) -> tuple[Long, float]:
    """The coefficients (powers,), and the largest error that they leave in the cases they were fitted to."""
    matrix, wanted = conditions(which, EXPONENTS[which], 14, 32)
    matrix = matrix / (size := np.abs(matrix).max(0))
    weights = np.full(len(wanted), 1 / len(wanted))
    best, least = np.zeros(matrix.shape[1], np.longdouble), np.inf
    for _ in range(rounds):
        root = np.sqrt(weights)
        found = nnls((root[:, None] * matrix).astype(float), (root * wanted).astype(float), maxiter=5000)[0]
        found, active = found.astype(np.longdouble), found > 0
        rest = root * (wanted - matrix @ found)  # what 64 bits have left of it
        found[active] += np.linalg.lstsq((root[:, None] * matrix)[:, active].astype(float), rest.astype(float))[0]
        error = np.abs(wanted - matrix @ found)
        if error.max() < least and (found >= 0).all():
            best, least = found / size, float(error.max())
        weights = weights * (error / error.max() + 1e-12).astype(float)
        weights /= weights.sum()
    return best, least


def main() -> None:
    """Print the table as it stands in the library."""
    print("INVERSE_ROOT = (")
    for which, exponents in enumerate(EXPONENTS):
        coefficients, error = fitted(which)
        lines = [f"        ({e}, {float(c)!r})," for e, c in zip(exponents, coefficients, strict=True)]
        print(f"    (  # error {error:.1e}", *lines, "    ),", sep="\n")
    print(")")


if __name__ == "__main__":
    main()
