r"""What does Burgers' equation make of a function, and what does the answer cost? By a solver and by a formula.

:func:`burgers` and :func:`cole_hopf` solve :math:`u_t + uu_x = \nu u_{xx}` in two independent ways, for functions of
the period :math:`2\pi` given at :math:`2\pi i/n`. Their operations are counted, not timed.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from ntklib import _arguments, _circle, _validation

__all__ = ["burgers", "burgers_operations", "burgers_steps", "cole_hopf", "cole_hopf_operations"]


def burgers(u0: ArrayLike, viscosity: float, time: float, steps: int | NDArray[np.int64]) -> Array:
    r"""Solutions of Burgers' equation at one time, by a Fourier method.

    Derivatives are taken in the frequencies below n/3, the others are set to zero, so that the square is not aliased
    (Orszag 1971). The viscous term is integrated exactly, the rest by the classical Runge-Kutta method. With too few
    steps it blows up. Derivatives in the arguments are taken forwards (`jax.jvp`), not backwards.

    Args:
        u0: initial functions, (..., n).
        viscosity: :math:`\nu`.
        time: at which the solution is wanted.
        steps: number of time steps, or an array of one for each function, as from :func:`burgers_steps`.

    Returns:
        (..., n), in the dtype of `u0`.

    Raises:
        ValueError: if an argument is not of this kind.

    >>> x = 2 * np.pi * np.arange(64) / 64
    >>> u = burgers(0.2 * np.sin(x), 0.5, 1.0, 20)  # closed form: Cole 1951
    >>> bool(jnp.abs(u - cole_hopf(0.2 * np.sin(x), 0.5, 1.0)).max() < 1e-5)
    True
    """
    u0 = _circle.of_jax("u0", u0)
    _validation.number("viscosity", viscosity)
    _validation.number("time", time)
    if not (isinstance(steps, np.ndarray) and steps.ndim):
        return _burgers(u0, viscosity, time, jnp.asarray([_validation.count("steps", steps, 1)]))
    if steps.shape != u0.shape[:-1] or steps.dtype.kind not in "iu" or steps.min(initial=1) < 1:
        raise ValueError(f"steps must be positive integers of the shape {u0.shape[:-1]}, got {_validation.got(steps)}")
    return _burgers(u0, viscosity, time, jnp.asarray(steps[..., None]))


def burgers_steps(u0: ArrayLike, time: float, *, courant: float = 4.0) -> NDArray[np.int64]:
    r"""How many steps :func:`burgers` needs for each function, from the size of the function.

    No value of a solution is larger than the largest of :math:`|u_0|` (a maximum principle), so in one step of the
    length dt the highest kept frequency :math:`k` turns by at most :math:`\max|u_0|\,k\,dt`. The number of steps is the
    least that keeps this below `courant`. Without viscosity the Runge-Kutta method is stable up to
    :math:`2\sqrt2\approx2.8`; viscosity lets one go farther, how far has to be tried.

    Args:
        u0: initial functions, (..., n).
        time: at which the solution is wanted.
        courant: the largest turn in one step.

    Returns:
        (...): positive integers.

    Raises:
        ValueError: if an argument is not of this kind.

    >>> u0 = np.sin(2 * np.pi * np.arange(80) / 80)
    >>> burgers_steps(np.stack([u0, 3 * u0]), 1.0)
    array([ 7, 20])
    """
    values = _circle.of_numpy("u0", u0)
    time = float(_arguments.number("time", time))
    courant = float(_arguments.number("courant", courant, positive=True))
    highest = (values.shape[-1] + 2) // 3 - 1
    return np.maximum(1, np.ceil(time * np.abs(values).max(-1) * highest / courant)).astype(int)


def cole_hopf(
    u0: ArrayLike, viscosity: float, time: float, points: int | None = None, *, periods: int = 5
) -> NDArray[np.float64]:
    r"""Solutions of Burgers' equation at one time, by the formula of Cole and Hopf.

    :math:`u = -2\nu\varphi_x/\varphi`, where :math:`\varphi` is a solution of the heat equation. So :math:`u(x, t)` is
    the mean of :math:`(x - y)/t` under the density :math:`\propto\exp(-\frac1{2\nu}(U_0(y) + (x - y)^2/(2t)))`, with
    :math:`U_0' = u_0`. The integral is a sum over the points of `u0` and their periodic images.

    Args:
        u0: initial functions of mean zero, (..., n); n so large that the density is resolved.
        viscosity: :math:`\nu`, positive.
        time: positive.
        points: number of equidistant points at which the solution is wanted; n if None.
        periods: how many images of each point, the nearest ones; odd.

    Returns:
        (..., points).

    Raises:
        ValueError: if an argument is not of this kind, or a mean is not zero.

    >>> x = 2 * np.pi * np.arange(128) / 128
    >>> u0 = 0.2 * np.sin(x) / (1.5 + np.cos(x))  # a solution is 0.2 e sin x / (1.5 + e cos x), e = exp(-0.1 t)
    >>> e = np.exp(-0.1)
    >>> bool(np.abs(cole_hopf(u0, 0.1, 1.0) - 0.2 * e * np.sin(x) / (1.5 + e * np.cos(x))).max() < 1e-12)
    True
    """
    values = _circle.of_numpy("u0", u0)
    viscosity = float(_arguments.number("viscosity", viscosity, positive=True))
    time = float(_arguments.number("time", time, positive=True))
    n = values.shape[-1]
    points = n if points is None else _arguments.count("points", points, 1)
    if _arguments.count("periods", periods, 1) % 2 == 0:
        raise ValueError(f"periods must be odd, got {periods}")
    rows = values.reshape(-1, n)
    if np.any(np.abs(rows.mean(1)) > 1e-5 * np.abs(rows).max(1)):
        raise ValueError(f"u0 must have mean zero, got means up to {np.abs(rows.mean(1)).max():.3g}")
    k = np.arange(1, (n + 1) // 2)
    spectrum = np.fft.rfft(rows)
    integral = np.zeros_like(spectrum)
    integral[:, 1 : len(k) + 1] = spectrum[:, 1 : len(k) + 1] / (1j * k)
    potential = np.tile(np.fft.irfft(integral, n), periods) / (2 * viscosity)
    x, y = (2 * np.pi * np.arange(size) / size for size in (points, n))
    nearest = (x[:, None] - y + np.pi) % (2 * np.pi) - np.pi
    away = np.hstack([nearest + 2 * np.pi * image for image in range(-(periods // 2), periods // 2 + 1)])
    near = away**2 / (4 * viscosity * time)
    answers = np.empty((len(rows), points))
    for row, own in enumerate(potential):
        exponent = -(own + near)
        density = np.exp(exponent - exponent.max(1, keepdims=True))
        answers[row] = (density * away).sum(1) / (time * density.sum(1))
    return answers.reshape(*values.shape[:-1], points)


def burgers_operations(n: int, steps: int, *, transform: float = 2.5) -> int:
    r"""Multiplications and additions of real numbers that :func:`burgers` takes for one function.

    A real transform of n values is counted as :math:`\mathrm{transform}\cdot n\log_2n`. A step has eight of them, four
    squares of n values and 40 operations for each frequency that is kept: 2 for the slope in each of the four stages, 6
    for each of the three intermediate states and 14 for the new one; powers of the viscous factor and products of
    constants are computed once and not counted.

    Args:
        n: number of points.
        steps: number of time steps.
        transform: 2.5 for half of the :math:`5n\log_2n` that are usual for complex transforms.

    Raises:
        ValueError: if an argument is not of this kind.

    >>> burgers_operations(64, 20)
    178240
    """
    n, steps = _arguments.count("n", n, 1), _arguments.count("steps", steps, 1)
    each = _circle.transform_operations(n, transform)
    return round(steps * (8 * each + 4 * n + 40 * ((n + 2) // 3)) + 2 * each)


def cole_hopf_operations(n: int, points: int, *, periods: int = 5, transform: float = 2.5) -> int:
    """Multiplications and additions of real numbers that :func:`cole_hopf` takes for one function.

    Two transforms and 3 n operations for the potential; then for each pair of a point and an image of a point of `u0`
    two additions and a comparison for the exponent, ten operations for the exponential and three for the two sums; at
    the end a division. Distances are the same for all functions and not counted.

    Args:
        n: number of points of `u0`.
        points: at which the solution is wanted.
        periods: as of :func:`cole_hopf`.
        transform: as of :func:`burgers_operations`.

    Raises:
        ValueError: if an argument is not of this kind.

    >>> cole_hopf_operations(32, 64, periods=1)
    33728
    """
    n, points = _arguments.count("n", n, 1), _arguments.count("points", points, 1)
    periods = _arguments.count("periods", periods, 1)
    return round(2 * _circle.transform_operations(n, transform) + 3 * n + points * (16 * n * periods + 1))


@jax.jit
def _burgers(u0: Array, viscosity: float, time: float, steps: Array) -> Array:
    n = u0.shape[-1]
    kept = (n + 2) // 3  # frequencies 0, ..., those below n/3
    k = np.arange(kept)
    dt = (time / steps).astype(u0.dtype)
    half = jnp.exp(-viscosity * k**2 * dt / 2).astype(u0.dtype)  # what viscosity leaves after half a step
    whole = half**2
    slope = jnp.asarray(-0.5j * k, jnp.result_type(u0.dtype, 1j))

    def change(v: Array) -> Array:
        return slope * jnp.fft.rfft(_circle.values_at(v, n) ** 2)[..., :kept]

    def step(done: int, v: Array) -> Array:
        a = change(v)
        b = change(half * (v + dt / 2 * a))
        c = change(half * v + dt / 2 * b)
        d = change(whole * v + dt * half * c)
        return jnp.where(done < steps, whole * v + dt / 6 * (whole * a + 2 * half * (b + c) + d), v)

    # the number of steps is no constant, so that one compilation does for all
    return _circle.values_at(jax.lax.fori_loop(0, steps.max(), step, jnp.fft.rfft(u0)[..., :kept]), n)
