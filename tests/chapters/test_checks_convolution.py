"""The checks of the exercises of `convolution` refuse what looks right, and take what is right in another form."""

import numpy as np
import pytest
from exercises import each_refused, exercise, no_numbers


@pytest.mark.parametrize("check", ["check_circular", "check_gap", "check_predict"])
def test_convolution_wants_a_function(check):
    each_refused(
        exercise("convolution", check)[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_convolution_circular():
    names = exercise("convolution", "check_circular")
    check, right = names["check_circular"], names["circular"]
    check(lambda a: right(a).tolist())
    check(lambda a: np.array([[a[(p - q) % len(a)] for q in range(len(a))] for p in range(len(a))]))
    each_refused(
        check,
        [
            ("its first column a, or its first row", lambda a: right(a).T),
            ("its first column a, or its first row", lambda a: right(a) / len(a)),
            ("its first column a, or its first row", lambda a: np.roll(right(a), 1, 0)),
            ("does not commute", lambda a: np.tril(right(a))),  # a signal that does not close
            ("does not commute", lambda a: right(a)[:, ::-1]),  # p + q
            ("does not commute", lambda a: np.diag(a)),
            ("should have shape", lambda a: a),
            ("should have shape", lambda a: right(a)[:, :-1]),
            ("should be finite", lambda a: right(a) * np.nan),
            ("the matrix should", lambda a: None),
            ("the matrix should", lambda a: "matrix"),
        ],
    )


def test_convolution_gap():
    names = exercise("convolution", "check_gap")
    check, right = names["check_gap"], names["gap"]
    check(lambda F, b: np.float64(right(F, b)))

    def by_hand(F, b):
        h = np.fft.ifft(F).real * len(F)
        soft = (1 - 2 * b) * h + b * (np.roll(h, 1) + np.roll(h, -1))
        return soft[::2].mean() - soft[1::2].mean()

    check(by_hand)
    words = "without the average it is"
    each_refused(
        check,
        [
            (words, lambda F, b: 2 * F[len(F) // 2].real),
            (words, lambda F, b: right(F, b) / 2),
            (words, lambda F, b: -right(F, b)),
            (words, lambda F, b: 2 * (1 - 2 * b) * F[len(F) // 2].real),
            (words, lambda F, b: 2 * (1 - 4 * b) * F[0].real),
            (words, lambda F, b: 2 * (1 - 4 * b) * F[len(F) // 2 - 1].real),
            (words, lambda F, b: len(F) * right(F, b)),
            *no_numbers(right),
        ],
    )


def test_convolution_predict():
    names = exercise("convolution", "check_predict")
    check, right = names["check_predict"], names["predict"]

    def on_all(k, X, y, x, ridge):
        copies = np.stack([np.roll(row, s) for row in X for s in range(len(x))])
        gram = np.array([[k(u, v) for v in copies] for u in copies])
        c = np.linalg.solve(gram + len(x) * ridge * np.eye(len(copies)), np.repeat(y, len(x)))
        return np.array([k(x, v) for v in copies]) @ c

    check(on_all)
    check(lambda k, X, y, x, ridge: float(right(k, X, y, x, ridge)))
    words = "with the ridge as it is, on all shifts"
    each_refused(
        check,
        [
            (words, lambda k, X, y, x, ridge: right(k, X, y, x, ridge * len(x))),
            (words, lambda k, X, y, x, ridge: right(k, X, y, x, ridge / len(x))),
            (words, lambda k, X, y, x, ridge: len(x) * right(k, X, y, x, ridge)),
            (words, lambda k, X, y, x, ridge: right(k, X[:1], y[:1], x, ridge) if len(X) > 1 else 0.0),
            (words, lambda k, X, y, x, ridge: right(k, X, y, np.roll(x, 1)[::-1], ridge)),
            (words, lambda k, X, y, x, ridge: plain(k, X, y, x, ridge)),  # no shifts at all
            *no_numbers(right),
        ],
    )


def plain(k, X, y, x, ridge):
    gram = np.array([[k(u, v) for v in X] for u in X])
    return np.array([k(x, v) for v in X]) @ np.linalg.solve(gram + ridge * np.eye(len(X)), y)
