"""The checks of the exercises of `finite-width` refuse what looks right, and take what is right in another form."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exercises import all_refused, each_refused, exercise


@pytest.mark.parametrize(
    ("check", "needs"),
    [("check_linear", []), ("check_break", ["closed_form"]), ("check_deepest", ["second_moments", "closed_form"])],
)
def test_finite_wants_a_function(check, needs):
    names = exercise("finite-width", check, *needs) if check != "check_break" else breaking()
    each_refused(
        names[check],
        [
            ("hand over the function itself, without calling it, not float", 0.5),
            ("hand over the function itself, without calling it, not NoneType", None),
            (r"it does not work with these \d arguments", lambda: 1),
        ],
    )


def test_finite_linear():
    names = exercise("finite-width", "check_linear")
    check, right = names["check_linear"], names["linear_velocity"]
    check(lambda c, m: np.float64(right(c, m)))
    check(lambda c, m: Fraction(-4) * Fraction(c) ** 2 / m)
    each_refused(
        check,
        [
            (r"c = 1\.0, m = 1: yours is -\d\.\d\d times the mean of 400,000", lambda c, m: -right(c, m)),
            (r"c = 1\.0, m = 1: yours is 0\.\d\d times", lambda c, m: right(c, m) / 2),
            (r"c = 1\.0, m = 1: yours is 1\.[45]\d times", lambda c, m: 1.5 * right(c, m)),
            ("c = 1.0, m = 1: yours is -?0.00 times", lambda c, m: 0.0),
            (r"c = 1\.0, m = 1: yours is 0\.\d\d times", lambda c, m: -4 * c**2 / (m + 1)),
            (r"c = 2\.0, m = 5: yours is 0\.[45]\d times", lambda c, m: -4 * c / m),
            (r"c = 2\.0, m = 5: yours is [12]\.\d\d times", lambda c, m: -4 * c**3 / m),
            (r"c = 2\.0, m = 5: yours is 0\.[12]\d times", lambda c, m: -4 * c**2 / m**2),
            (r"c = 2\.0, m = 5: yours is 2\.\d\d times", lambda c, m: -4 * c**2 / m**0.5),
            (r"c = 2\.0, m = 5: yours is [45]\.\d\d times", lambda c, m: -4 * c**2),
            ("the velocity should be a number, not None", lambda c, m: None),
            (r"the velocity should be a number, not \[", lambda c, m: [right(c, m)]),
            ("the velocity should be a number, not '-4'", lambda c, m: "-4"),
        ],
    )


def breaking():
    """The names of `check_break`; its first cell of measurements is cut before its sweep."""
    import jupytext
    from exercises import CHAPTERS

    cells = [c.source for c in jupytext.read(CHAPTERS / "finite-width.md").cells if c.cell_type == "code"]
    number = next(n for n, source in enumerate(cells) if "def check_break(" in source)
    helpers = next(source for source in cells if "def sweep(" in source)
    names: dict = {}
    solved = cells[number + 1].partition("\n\n\ncheck")[0]
    for source in (cells[0], helpers.partition("\nwidths = ")[0], cells[number], solved):
        exec(source, names)
    return names


def test_finite_break():
    names = breaking()
    check, right, smooth = names["check_break"], names["lopsided"], names["smooth"]
    check(lambda key, width: tuple(right(key, width)))

    def one_sign(key, width):  # for all weights of a layer: each of them is normal, as its sign is a coin
        first, second = jax.random.split(jax.random.fold_in(key, 0))
        return changed(
            key,
            width,
            lambda w: jax.random.rademacher(first, (), w.dtype) * jnp.abs(w),
            lambda w: jax.random.rademacher(second, (), w.dtype) * jnp.abs(w),
        )

    def changed(key, width, hidden=lambda w: w, readout=lambda w: w):
        first, last = smooth.init(key, 16, width)
        return first._replace(weight=hidden(first.weight)), last._replace(weight=readout(last.weight))

    def by_place(key, width):  # half of the units have positive weights, half negative ones
        side = jnp.where(jnp.arange(width) < width // 2, 1.0, -1.0)
        return changed(key, width, lambda w: side * jnp.abs(w), lambda w: side[:, None] * jnp.abs(w))

    def only_at(wide, key, width):  # normal at the other width
        return changed(key, width, jnp.abs if width == wide else lambda w: w)

    check(one_sign)
    each_refused(
        check,
        [
            ("hidden weights have a mean of 0.1", lambda key, width: changed(key, width, lambda w: w + 0.1)),
            (r"the slope is -\d\.\d\d; more than -0\.81 is wanted", lambda key, width: smooth.init(key, 16, width)),
            (r"readout weights have a mean of 0\.[78]\d", lambda key, width: changed(key, width, readout=jnp.abs)),
            (r"hidden weights have a mean of 0\.[78]\d", lambda key, width: changed(key, width, hidden=jnp.abs)),
            (
                r"readout weights have a mean square of (4\.\d|3\.9)\d",
                lambda key, width: changed(key, width, readout=lambda w: 2 * w),
            ),
            ("readout weights have a mean 4th power of 1.00", lambda key, width: changed(key, width, readout=jnp.sign)),
            (r"one of the (hidden|readout) weights has a mean of ±(0\.[6-9]|1\.\d)\d over 100 keys", by_place),
            (r"the hidden weights have a mean of 0\.[78]\d", lambda key, width: only_at(512, key, width)),
            (r"the hidden weights have a mean of 0\.[78]\d", lambda key, width: only_at(4096, key, width)),
            ("at the width 512 the parameters have the shapes", lambda key, width: right(key, 100)),
            ("at the width 512 the parameters have the shapes", lambda key, width: right(key, width)[:1]),
            ("at the width 512 the parameters have the shapes", lambda key, width: None),
            ("at the width 512 the parameters have the shapes", lambda key, width: [1.0, 2.0]),
        ],
    )


def test_finite_deepest():
    names = exercise("finite-width", "check_deepest", "second_moments", "closed_form")
    check, right, closed = names["check_deepest"], names["deepest"], names["closed_form"]
    check(lambda m: float(right(m)))
    check(lambda m: np.int64(right(m)))

    def until(too_much):
        def answer(m):
            depth = 0
            while not too_much(depth + 1, m):
                depth += 1
            return depth

        return answer

    all_refused(
        check,
        [
            lambda m: int(3 * m / 44),  # the hint's formula
            lambda m: round(3 * m / 44),
            lambda m: 3 * m / 44,
            lambda m: right(m) + 1,
            lambda m: max(right(m) - 1, 0),
            lambda m: int(np.log(1.25) / np.log(1 + 5 / m)),  # of the norm
            lambda m: int(m / 20 * np.log(1.25) * 4),
            until(lambda L, m: closed(L, m) > Fraction(3, 2)),  # half of the mean as a variance
            until(lambda L, m: closed(L, m) > Fraction(5, 4) ** 2),
            lambda m: 2,
        ],
        r"wrong at \d+ of 102 widths; at the width \d+ it is off by [+-]\d+(\.\d+)? layers",
    )
    each_refused(
        check,
        [
            ("the number of layers should be a number, not None", lambda m: None),
            (r"the number of layers should be a number, not \[", lambda m: [right(m)]),
            ("the number of layers should be a number, not True", lambda m: True),
        ],
    )
