r"""What is a map from functions to functions, and what does one evaluation cost? Burgers' equation and two networks.

Functions have the period :math:`2\pi` and are given by their values at :math:`2\pi i/n`. :func:`burgers` and
:func:`cole_hopf` solve :math:`u_t + uu_x = \nu u_{xx}` in two independent ways. :class:`FNO` and :class:`DeepONet`
draw and apply networks, to be trained by :func:`ntklib.dynamics.adam`.

>>> u0 = random_functions(jax.random.key(0), 3, 64)
>>> net = FNO(width=8, modes=6)
>>> net.apply(net.init(jax.random.key(1)), u0).shape
(3, 64)
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike
from numpy.typing import NDArray

from ntklib import _arguments, _validation

__all__ = [
    "FNO",
    "DeepONet",
    "burgers",
    "burgers_operations",
    "burgers_steps",
    "cole_hopf",
    "cole_hopf_operations",
    "interpolate",
    "random_functions",
]

_GELU = 10  # operations that one GELU is counted as


def random_functions(
    key: Array, m: int, n: int, modes: int = 8, *, decay: float = 2.0, dtype: DTypeLike = float
) -> Array:
    r"""Gaussian random functions of mean zero, with a mean square of one in expectation, from few frequencies.

    :math:`\sum_k s_k(a_k\cos kx + b_k\sin kx)` with standard normal :math:`a_k, b_k` and :math:`s_k \propto
    (k^2 + 1)^{-\mathrm{decay}/2}`. Which functions are drawn does not depend on n.

    Args:
        key: a JAX random key.
        m: how many.
        n: number of points, more than twice `modes`.
        modes: highest frequency.
        decay: with 0 all frequencies are alike.
        dtype: of the values.

    Returns:
        (m, n).

    Raises:
        ValueError: if an argument is not of this kind.

    >>> coarse, fine = (random_functions(jax.random.key(0), 2, n) for n in (32, 64))
    >>> bool(jnp.allclose(coarse, fine[:, ::2], atol=1e-5))
    True
    """
    _validation.key("key", key)
    _validation.dtype("dtype", dtype)
    m, modes = _arguments.count("m", m, 1), _arguments.count("modes", modes, 1)
    n = _arguments.count("n", n, 2 * modes + 1)
    decay = float(_arguments.number("decay", decay))
    k = np.arange(1, modes + 1)
    sizes = (k**2 + 1.0) ** (-decay / 2)
    sizes /= math.sqrt(np.sum(sizes**2))
    waves = np.outer(k, 2 * np.pi * np.arange(n) / n)
    a, b = jax.random.normal(key, (2, m, modes), dtype)
    kind = a.dtype
    return (a * sizes.astype(kind)) @ np.cos(waves).astype(kind) + (b * sizes.astype(kind)) @ np.sin(waves).astype(kind)


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
    u0 = _functions("u0", u0)
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
    values = _arguments.array_of_numpy("u0", u0).astype(float)
    if values.ndim < 1 or not values.size:
        raise ValueError(f"u0 must have shape (..., n), got {_arguments.got(values)}")
    time = float(_arguments.number("time", time))
    courant = float(_arguments.number("courant", courant, positive=True))
    highest = (values.shape[-1] + 2) // 3 - 1
    return np.maximum(1, np.ceil(time * np.abs(values).max(-1) * highest / courant)).astype(int)


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
        return slope * jnp.fft.rfft(_values(v, n) ** 2)[..., :kept]

    def step(done: int, v: Array) -> Array:
        a = change(v)
        b = change(half * (v + dt / 2 * a))
        c = change(half * v + dt / 2 * b)
        d = change(whole * v + dt * half * c)
        return jnp.where(done < steps, whole * v + dt / 6 * (whole * a + 2 * half * (b + c) + d), v)

    # the number of steps is no constant, so that one compilation does for all
    return _values(jax.lax.fori_loop(0, steps.max(), step, jnp.fft.rfft(u0)[..., :kept]), n)


def _values(frequencies: Array, n: int) -> Array:
    """The values at n points of functions with these frequencies, the others being zero."""
    missing = n // 2 + 1 - frequencies.shape[-1]
    padded = jnp.pad(frequencies, [(0, 0)] * (frequencies.ndim - 1) + [(0, missing)])
    return jnp.fft.irfft(padded, n)


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
    values = _arguments.array_of_numpy("u0", u0).astype(float)
    if values.ndim < 1 or not values.size:
        raise ValueError(f"u0 must have shape (..., n), got {_arguments.got(values)}")
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


def interpolate(u: ArrayLike, points: int) -> NDArray[np.float64]:
    """Values at other equidistant points of the trigonometric polynomials through given values.

    Args:
        u: (..., n).
        points: how many are wanted.

    Returns:
        (..., points).

    Raises:
        ValueError: if an argument is not of this kind.

    >>> x, fine = (2 * np.pi * np.arange(n) / n for n in (6, 10))
    >>> bool(np.allclose(interpolate(np.cos(2 * x), 10), np.cos(2 * fine)))
    True
    """
    values = _arguments.array_of_numpy("u", u).astype(float)
    if values.ndim < 1 or not values.size:
        raise ValueError(f"u must have shape (..., n), got {_arguments.got(values)}")
    points, n = _arguments.count("points", points, 1), values.shape[-1]
    finer = points * -(-n // points)  # a multiple of the points that is not coarser than u
    spectrum = np.fft.rfft(values)
    if n % 2 == 0 and finer > n:
        spectrum[..., -1] /= 2  # the highest frequency stands for itself and for its negative
    whole = np.zeros((*values.shape[:-1], finer // 2 + 1), complex)
    whole[..., : spectrum.shape[-1]] = spectrum * (finer / n)
    return np.fft.irfft(whole, finer)[..., :: finer // points]


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
    each = _transform(n, transform)
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
    return round(2 * _transform(n, transform) + 3 * n + points * (16 * n * periods + 1))


def _transform(n: int, factor: float) -> float:
    return float(_arguments.number("transform", factor)) * n * math.log2(n)


@dataclasses.dataclass(frozen=True)
class FNO:
    r"""A Fourier neural operator on the circle (Li et al. 2021), without the position as an input.

    Values are lifted to `width` channels. A layer takes h to :math:`\sigma(\mathcal F^{-1}(R_k\mathcal Fh) + Wh + b)`:
    the lowest `modes` frequencies are each multiplied by a complex matrix, the others are set to zero; W acts at each
    point. σ is GELU, and the last layer has none. A hidden layer of `head` units at each point reads the answer.

    Args:
        width: number of channels.
        modes: frequencies 0, …, modes − 1 that are kept.
        layers: number of Fourier layers.
        head: units before the output.

    Raises:
        ValueError: for values that are no positive integers.

    >>> net = FNO()
    >>> sum(leaf.size for leaf in jax.tree.leaves(net.init(jax.random.key(0))))
    137537
    """

    width: int = 32
    modes: int = 16
    layers: int = 4
    head: int = 64

    def __post_init__(self) -> None:
        for name in ("width", "modes", "layers", "head"):
            object.__setattr__(self, name, _arguments.count(name, getattr(self, name), 1))

    def init(self, key: Array, *, dtype: DTypeLike = float) -> dict[str, Any]:
        """Draw the parameters; those of the frequencies have a first axis for real and imaginary part.

        Raises:
            ValueError: if the key or the dtype is none.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)
        keys = jax.random.split(key, 2 * self.layers + 3)
        w, shape = self.width, (2, self.modes, self.width, self.width)
        return {
            "lift": _dense(keys[0], 1, w, dtype),
            "frequencies": [jax.random.normal(each, shape, dtype) / w for each in keys[3::2]],
            "points": [_dense(each, w, w, dtype) for each in keys[4::2]],
            "head": _dense(keys[1], w, self.head, dtype),
            "out": _dense(keys[2], self.head, 1, dtype),
        }

    def apply(self, params: Any, u: ArrayLike) -> Array:
        """The answers (m, n) to functions (m, n); n may be another than in training.

        Raises:
            ValueError: if a shape does not fit, or n is less than twice `modes`, minus one.
        """
        _parts(params, ("lift", "frequencies", "points", "head", "out"))
        u = _validation.matrix("u", u)
        if u.shape[1] < 2 * self.modes - 1:
            raise ValueError(f"u must have shape (m, n) with n at least {2 * self.modes - 1}, got {u.shape}")
        h = _affine(params["lift"], u[:, :, None])
        for layer, (real, imaginary) in enumerate(params["frequencies"]):
            spectrum = jnp.fft.rfft(h, axis=1)[:, : self.modes]
            product = jnp.einsum("mkc,kcd->mdk", spectrum, real + 1j * imaginary)
            smooth = jnp.moveaxis(_values(product, u.shape[1]), 1, 2)
            h = smooth + _affine(params["points"][layer], h)
            h = h if layer == self.layers - 1 else jax.nn.gelu(h)
        return _affine(params["out"], jax.nn.gelu(_affine(params["head"], h)))[:, :, 0]

    def operations(self, n: int, *, transform: float = 2.5) -> int:
        """Multiplications and additions for one function on n points; transforms as in :func:`burgers_operations`.

        A GELU is counted as ten operations.

        Raises:
            ValueError: if an argument is not of this kind.

        >>> FNO().operations(64)
        1679360
        """
        n, w = _arguments.count("n", n, 2 * self.modes - 1), self.width
        layer = 2 * w * _transform(n, transform) + 8 * self.modes * w * w + n * (2 * w * w + w)
        between = (self.layers - 1) * n * w * _GELU
        ends = n * 2 * w + n * (2 * w * self.head + self.head * _GELU + 2 * self.head)
        return round(self.layers * layer + between + ends)


@dataclasses.dataclass(frozen=True)
class DeepONet:
    r"""A deep operator network on the circle (Lu et al. 2021): :math:`\sum_k b_k(u)\,t_k(x)` by two networks.

    The branch net has the values of u at the sensors, the trunk net :math:`\cos jx, \sin jx` for j up to `waves`; each
    has two hidden layers of GELU.

    Args:
        sensors: number of values of u.
        width: of the hidden layers.
        terms: number of terms of the sum.
        waves: highest frequency given to the trunk.

    Raises:
        ValueError: for values that are no positive integers.

    >>> net = DeepONet(sensors=32)
    >>> params = net.init(jax.random.key(0))
    >>> net.apply(params, jnp.ones((5, 32))).shape, net.apply(params, jnp.ones((5, 32)), points=100).shape
    ((5, 32), (5, 100))
    """

    sensors: int = 64
    width: int = 128
    terms: int = 100
    waves: int = 4

    def __post_init__(self) -> None:
        for name in ("sensors", "width", "terms", "waves"):
            object.__setattr__(self, name, _arguments.count(name, getattr(self, name), 1))

    def init(self, key: Array, *, dtype: DTypeLike = float) -> dict[str, Any]:
        """Draw the parameters.

        Raises:
            ValueError: if the key or the dtype is none.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)

        def network(key: Array, inputs: int) -> list[tuple[Array, Array]]:
            sizes = (inputs, self.width, self.width, self.terms)
            keys = jax.random.split(key, 3)
            return [_dense(*pair, dtype) for pair in zip(keys, sizes[:-1], sizes[1:], strict=True)]

        branch, trunk = jax.random.split(key)
        return {"branch": network(branch, self.sensors), "trunk": network(trunk, 2 * self.waves)}

    def apply(self, params: Any, u: ArrayLike, points: int | None = None) -> Array:
        """The answers (m, points) at equidistant points to functions (m, sensors); as many as sensors if None.

        Raises:
            ValueError: if a shape does not fit.
        """
        _parts(params, ("branch", "trunk"))
        u = _validation.matrix("u", u, columns=self.sensors)
        points = self.sensors if points is None else _arguments.count("points", points, 1)
        angles = np.outer(2 * np.pi * np.arange(points) / points, np.arange(1, self.waves + 1))
        waves = jnp.asarray(np.hstack([np.cos(angles), np.sin(angles)]), u.dtype)
        return _network(params["branch"], u) @ _network(params["trunk"], waves).T / math.sqrt(self.terms)

    def operations(self, points: int) -> int:
        """Multiplications and additions for one function; the trunk is the same for all and not counted.

        Raises:
            ValueError: if the number of points is no positive integer.

        >>> DeepONet().operations(64)
        90112
        """
        points = _arguments.count("points", points, 1)
        weights = self.sensors * self.width + self.width**2 + self.width * self.terms
        return 2 * weights + 2 * self.width * _GELU + 2 * points * self.terms


def _dense(key: Array, fan_in: int, fan_out: int, dtype: DTypeLike) -> tuple[Array, Array]:
    return jax.random.normal(key, (fan_in, fan_out), dtype) / math.sqrt(fan_in), jnp.zeros(fan_out, dtype)


def _affine(layer: Any, h: Array) -> Array:
    weight, bias = layer
    return h @ weight + bias


def _network(layers: Any, h: Array) -> Array:
    for layer in layers[:-1]:
        h = jax.nn.gelu(_affine(layer, h))
    return _affine(layers[-1], h)


def _functions(name: str, u: ArrayLike) -> Array:
    return _validation.array(name, u, "(..., n)", lambda shape: len(shape) > 0 and shape[-1] > 0)


def _parts(params: Any, names: tuple[str, ...]) -> None:
    """Refuse parameters that :meth:`init` of the network does not draw."""
    _validation.parameters("params", params)
    if not isinstance(params, dict) or set(params) != set(names):
        raise ValueError(f"params must be as init draws them, with {', '.join(names)}, got {_validation.got(params)}")
