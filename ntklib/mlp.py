r"""What is a fully connected network, at finite and at infinite width?

One object answers both: :class:`MLP` draws and applies finite networks, and has the two kernels that describe
their initialisation and their training in the limit of infinite width. These are kernels like any other
(:class:`ntklib.kernels.Kernel`).
"""

import dataclasses
import functools
import itertools
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from ntklib import _draws, _range, _tree, _validation
from ntklib._inputs import input_pairs
from ntklib._pairs import Pairs
from ntklib.activations import Activation, by_name
from ntklib.kernels import Kernel

__all__ = ["MLP", "Layer", "NetworkKernel", "Params"]


class Layer(NamedTuple):
    """Parameters of one dense layer: weight (fan_in, fan_out), bias (fan_out,) or `None` if `b_std` is zero."""

    weight: Array
    bias: Array | None


Params = tuple[Layer, ...]

_STATIC: Any = {"static": True}


@dataclasses.dataclass(frozen=True)
class MLP:
    r"""A multilayer perceptron with Gaussian weights, and its kernels at infinite width.

    Every dense layer is ``w_std * W x / sqrt(fan_in) + b_std * b`` at initialisation, with all entries of
    `W` and `b` standard normal; hidden layers apply the activation to it, the readout does not. What the three
    parameterisations share is that law of the hidden layers; they differ in what gradient descent moves:

    - ``"ntk"``: the entries of `W` and `b` as above. The tangent kernel converges as the width grows
      (Jacot, Gabriel and Hongler 2018).
    - ``"standard"``: the factors are part of the parameters, as in most code. Same networks at initialisation, but
      the tangent kernel grows in proportion to the width.
    - ``"mean_field"``: as ``"ntk"`` with all of the readout, its bias too, divided by another root of its `fan_in`,
      so that the output is that of ``"ntk"`` divided by the root of the width. It vanishes and the tangent kernel
      falls like 1/width, so the learning rate has to grow in proportion to the width; features then move by an
      amount that does not vanish (Mei, Montanari and Nguyen 2018; for more than one hidden layer this is the
      maximal-update scaling of Yang and Hu 2021). With a bias of its ``"ntk"`` size such a rate would diverge.

    Args:
        depth: number of hidden layers, at least 0.
        activation: ``"relu"``, ``"erf"``, ``"gelu"``, ``"tanh"`` or an :class:`~ntklib.activations.Activation`.
        w_std: standard deviation of the weights, times the root of the fan-in.
        b_std: standard deviation of the biases; with 0 there are no biases.
        out_dim: number of outputs, k.
        parameterization: ``"ntk"``, ``"standard"`` or ``"mean_field"``.

    Raises:
        ValueError: for values outside of these.

    A network is a JAX tree whose leaves are `w_std` and `b_std`, so it goes through `jax.jit` and `jax.grad`.

    >>> import jax
    >>> mlp, x = MLP(depth=2), jnp.eye(3)
    >>> params = mlp.init(jax.random.key(0), in_dim=3, width=64)
    >>> mlp.apply(params, x).shape
    (3, 1)
    >>> [round(float(entry), 3) for entry in mlp.ntk(x)[0]]  # on the diagonal, (depth + 1) w_std² ‖x‖²/d
    [2.0, 0.457, 0.457]
    """

    depth: int = dataclasses.field(default=1, metadata=_STATIC)
    activation: str | Activation = dataclasses.field(default="relu", metadata=_STATIC)
    w_std: float = 2**0.5
    b_std: float = 0.0
    out_dim: int = dataclasses.field(default=1, metadata=_STATIC)
    parameterization: Literal["ntk", "standard", "mean_field"] = dataclasses.field(default="ntk", metadata=_STATIC)

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "out_dim", _validation.count("out_dim", self.out_dim, 1))
        _validation.choice("parameterization", self.parameterization, ("ntk", "standard", "mean_field"))

    @property
    def has_bias(self) -> bool:
        """Whether the layers have biases: they do unless `b_std` is the number zero.

        Where JAX traces a network that was handed in, numbers are unknown, and there are biases.
        """
        return not _range.is_zero(self.b_std)

    def init(self, key: Array, in_dim: int, width: int, *, dtype: DTypeLike = float) -> Params:
        """Draw a finite network.

        Args:
            key: a JAX random key.
            in_dim: number of inputs, d.
            width: number of units of each hidden layer; a network of depth 0 has none, and is the same for each.
            dtype: of the parameters; the default is JAX's own, float32 unless 64 bits are switched on.

        Returns:
            `depth + 1` layers.

        Raises:
            ValueError: if `in_dim` or `width` is not a positive integer.
        """
        _validation.key("key", key)
        _validation.dtype("dtype", dtype)
        in_dim, width = _validation.count("in_dim", in_dim, 1), _validation.count("width", width, 1)
        sizes = [in_dim] + [width] * self.depth + [self.out_dim]
        weights, biases = _draws.layers(key, tuple(itertools.pairwise(sizes)), bias=self.has_bias, dtype=dtype)
        if self.parameterization == "standard":
            weights = [weight * (self.w_std / len(weight) ** 0.5) for weight in weights]
            biases = [None if bias is None else bias * self.b_std for bias in biases]
        return tuple(map(Layer, weights, biases))

    def apply(self, params: Params, x: ArrayLike) -> Array:
        """The outputs (n, k) of the network with these parameters at the inputs `x` (n, d).

        Raises:
            ValueError: if the number of layers, the shape of `x`, or its dtype does not fit, or, not while JAX traces,
                an input or a parameter is not finite.
        """
        _validation.layers("params", params, self.depth + 1)
        h = _validation.matrix("x", x, columns=params[0].weight.shape[0])
        function = by_name(self.activation).function
        for layer in params[:-1]:
            h = function(self.dense(layer, h))
        return self.dense(params[-1], h, readout=True)

    def dense(self, layer: Layer, h: Array, *, readout: bool = False) -> Array:
        """What one layer makes of its inputs (n, fan_in), before the activation: (n, fan_out)."""
        weight_scale, bias_scale = self.scales(layer, readout=readout)
        z = h @ layer.weight * weight_scale
        return z if layer.bias is None else z + bias_scale * layer.bias

    def scales(self, layer: Layer, *, readout: bool = False) -> tuple[float, float]:
        """The factors in front of the weights and of the biases of a layer, in this parameterisation."""
        if self.parameterization == "standard":
            return 1.0, 1.0
        root = layer.weight.shape[0] ** 0.5
        smaller = root if readout and self.parameterization == "mean_field" else 1.0
        return self.w_std / (root * smaller), self.b_std / smaller

    @functools.cached_property
    def nngp(self) -> "NetworkKernel":
        r"""Covariance of one output at initialisation as the width grows: the neural-network Gaussian process.

        :math:`K^0 = \sigma_w^2 x^\top x'/d + \sigma_b^2` and
        :math:`K^{l} = \sigma_w^2\,\mathbb E[\phi(u)\phi(v)] + \sigma_b^2` with :math:`(u, v) \sim N(0, K^{l-1})`
        (Lee et al. 2018, eq. 5); the readout counts, so the result is :math:`K^{depth}`.

        A kernel: ``mlp.nngp(x1, x2)`` is the matrix (n1, n2) for inputs (n1, d) and (n2, d), in the dtype of the
        inputs, and ``mlp.nngp(x)`` that of one set, whose diagonal is exact.

        Raises:
            ValueError: in the mean-field parameterisation, whose outputs vanish in the limit; and when it is called, if
                a shape or dtype does not fit.

        >>> [round(float(entry), 4) for entry in MLP(depth=1).nngp(jnp.eye(2))[0]]
        [1.0, 0.3183]
        """
        if self.parameterization == "mean_field":
            raise ValueError(
                "the outputs of the mean-field parameterisation vanish as the width grows, so it has no nngp; "
                "parameterization='ntk' has the same hidden layers"
            )
        return NetworkKernel("nngp", self.depth, self.activation, self.w_std, self.b_std)

    @functools.cached_property
    def ntk(self) -> "NetworkKernel":
        r"""The neural tangent kernel of one output in the limit of infinite width, in the NTK parameterisation.

        :math:`\Theta^0 = K^0` and
        :math:`\Theta^l = K^l + \sigma_w^2\,\mathbb E[\phi'(u)\phi'(v)]\,\Theta^{l-1}` with
        :math:`(u, v) \sim N(0, K^{l-1})` (Jacot et al. 2018, Theorem 1). Different outputs do not interact: the
        kernel of k outputs is this one times the identity.

        It is called as :attr:`nngp` is, and errors are the same; the standard parameterisation is refused too,
        because its tangent kernel grows with the width. In float64 the result is accurate to 1e-12
        relative to :math:`\sqrt{\Theta(x,x)\,\Theta(x',x')}`, for nearly parallel inputs too. That holds for the named
        activations; one of :func:`ntklib.activations.from_function` has the accuracy that is stated there, and gives
        NaN where it has none.

        >>> ntk = MLP(depth=1).ntk
        >>> [round(float(entry), 4) for entry in ntk(jnp.eye(2))[0]]
        [2.0, 0.3183]
        >>> [round(float(entry), 4) for entry in (0.5 * ntk + 1.0)(jnp.eye(2))[0]]
        [2.0, 1.1592]
        """
        if self.parameterization != "ntk":
            behaviour = {"standard": "grows in proportion to the width", "mean_field": "falls like 1/width"}
            raise ValueError(
                f"the tangent kernel of the {self.parameterization} parameterisation "
                f"{behaviour[self.parameterization]} and has no limit; use parameterization='ntk', or "
                "ntklib.tangent.empirical_ntk for one network"
            )
        return NetworkKernel("ntk", self.depth, self.activation, self.w_std, self.b_std)


_tree.register(MLP)


@dataclasses.dataclass(frozen=True)
class NetworkKernel(Kernel):
    """What :attr:`MLP.nngp` and :attr:`MLP.ntk` are: the kernel of a network at infinite width, by its recursion.

    Its leaves are `w_std` and `b_std`. Points are refused, with a ValueError, if they are so large that the moments of
    the activation overflow in their dtype: in float32 above a length of about 2e8, in float64 of 1e67, per root of d.
    ReLU has no such bound.

    Args:
        kind: ``"nngp"`` or ``"ntk"``.
        depth: number of hidden layers, as of :class:`MLP`.
        activation: as of :class:`MLP`.
        w_std: as of :class:`MLP`.
        b_std: as of :class:`MLP`.

    >>> of_ones = lambda kernel: kernel(jnp.ones((1, 3))).sum()  # noqa: E731
    >>> float(jax.grad(of_ones)(MLP(depth=0, w_std=1.5).ntk).w_std)  # of w²
    3.0
    """

    kind: Literal["nngp", "ntk"] = dataclasses.field(metadata=_STATIC)
    depth: int = dataclasses.field(default=1, metadata=_STATIC)
    activation: str | Activation = dataclasses.field(default="relu", metadata=_STATIC)
    w_std: ArrayLike = 2**0.5
    b_std: ArrayLike = 0.0

    def __post_init__(self) -> None:
        _validation.choice("kind", self.kind, ("nngp", "ntk"))
        _check(self)

    def evaluate(self, x: Array, y: Array) -> Array:
        """The kernel of one pair of points, both (d,)."""
        return self.evaluate_matrix(x[None], y[None])[0, 0]

    def evaluate_matrix(self, x1: Array, x2: Array | None = None) -> Array:
        """The kernel of all pairs of points (n1, d) and (n2, d), or of one set, with an exact diagonal."""
        unit1 = self._unit(x1)
        unit2 = unit1 if x2 is None else self._unit(x2)
        pairs = input_pairs(x1 / unit1, None if x2 is None else x2 / unit2)
        return self._recursion(pairs, unit1, unit2, alone=x2 is None) * unit1 * unit2

    def evaluate_diagonal(self, x: Array) -> Array:
        """The kernel of each of the points (n, d) with itself, (n,)."""
        unit = self._unit(x)

        def one(square: Array) -> Array:
            a = square[None, None]
            return self._recursion(Pairs(a, a, a, 0 * a, 2 * a), unit, unit, alone=True)[0, 0]

        return jax.vmap(one)(jnp.sum(jnp.square(x / unit), 1) / x.shape[1]) * unit * unit

    @property
    def _is_homogeneous(self) -> bool:
        return self.depth == 0 or by_name(self.activation).homogeneous

    def _unit(self, x: Array) -> Array:
        return _range.unit(x, self.b_std, homogeneous=self._is_homogeneous)

    def _refuse(self, name: str, x: Array) -> None:
        if not self._is_homogeneous:
            _range.refuse_if_too_large(name, x, self.w_std, by_name(self.activation), "w_std² ‖x‖²/d")

    @functools.cached_property
    def _compilable(self) -> Kernel:
        """Without biases, where it is known that there are none: they would cost as much as the activation."""
        if not _range.is_zero(self.b_std):
            return self
        return jax.tree.unflatten(jax.tree.structure(self), [self.w_std, None])

    def _recursion(self, pairs: Pairs, unit1: Array, unit2: Array, *, alone: bool) -> Array:
        """The kernel of pairs of points that are measured in these units, in the product of the units."""
        w_std, b_std = self.w_std, 0.0 if self.b_std is None else self.b_std
        activation = by_name(self.activation)
        biases = (0.0, 0.0) if _range.is_zero(b_std) else (b_std / unit1, b_std / unit2)
        pairs = pairs.dense(w_std, *biases)
        if not self._is_homogeneous:
            limit = _range.largest_variance(pairs.c.dtype)
            pairs = pairs._replace(
                a=jnp.where(pairs.a > limit, jnp.nan, pairs.a), b=jnp.where(pairs.b > limit, jnp.nan, pairs.b)
            )

        def layer(carry: tuple[Pairs, Array], _: None) -> tuple[tuple[Pairs, Array], None]:
            pairs, theta = carry
            after, derivative = activation.moments(pairs)
            pairs = after.dense(w_std, *biases)
            if alone:
                pairs = _exact_diagonal(pairs)
            return (pairs, pairs.c + jnp.square(w_std) * derivative * theta), None

        # unrolled where that is quick to compile; a thousand layers then still are
        unroll = max(1, min(self.depth, 8 if activation.quick else 1))
        (pairs, theta), _ = jax.lax.scan(layer, (pairs, pairs.c), length=self.depth, unroll=unroll)
        return theta if self.kind == "ntk" else pairs.c


def _check(network: MLP | NetworkKernel) -> None:
    """Refuse what is no network, and make numbers of the scalars of NumPy and JAX."""
    by_name(network.activation)
    object.__setattr__(network, "depth", _validation.count("depth", network.depth, 0))
    for name in ("w_std", "b_std"):
        object.__setattr__(network, name, _range.deviation(name, getattr(network, name)))


def _exact_diagonal(pairs: Pairs) -> Pairs:
    """Every input with itself: rounding there would grow with every layer of a network that pulls inputs apart."""
    diagonal = jnp.eye(len(pairs.a), dtype=bool)
    return Pairs(
        pairs.a,
        pairs.b,
        jnp.where(diagonal, pairs.a, pairs.c),
        jnp.where(diagonal, 0, pairs.gap),
        jnp.where(diagonal, 2 * pairs.a, pairs.cogap),
    )
