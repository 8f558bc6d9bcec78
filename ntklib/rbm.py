r"""What does a restricted Boltzmann machine say of its data, and what does training it cost? Exact where it is small.

:math:`p(v, h) \propto \exp(b^\top v + c^\top h + v^\top W h)` over zeros and ones, with d visible units, m hidden ones
and no connection within either kind. Given one kind, the other's units are independent: blocks can be drawn at once,
and either kind can be summed out. What is enumerated here has :math:`2^d` or :math:`2^m` terms.

>>> machine = RBM(jnp.array([[2.0], [2.0]]), jnp.zeros(2), jnp.array([-2.0]))  # one hidden unit that likes both
>>> both, first = machine.log_prob(jnp.array([[1.0, 1.0], [1.0, 0.0]]))
>>> bool(both > first)
True
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ntklib import _arguments, _validation

__all__ = ["RBM", "ais", "expected_cd", "gibbs", "gibbs_kernel", "mixing", "train"]

_MOST_SUMMED = 20  # of the smaller kind of units: a million terms
_MOST_LISTED = 12  # of either kind: all pairs of patterns are held


class RBM(NamedTuple):
    """The numbers of a restricted Boltzmann machine.

    Attributes:
        weights: W, (d, m).
        visible: the biases b of the visible units, (d,).
        hidden: the biases c of the hidden units, (m,).
    """

    weights: Array
    visible: Array
    hidden: Array

    def log_unnormalised(self, v: ArrayLike) -> Array:
        r"""The sum of the probability over h, before it is divided by Z: a network of softplus units.

        :math:`b^\top v + \sum_j\log(1 + e^{c_j + W_j^\top v})`. Its negative is called the free energy.

        Args:
            v: patterns, (n, d).

        Returns:
            (n,).

        Raises:
            ValueError: if a shape or dtype does not fit.

        >>> RBM(jnp.zeros((2, 3)), jnp.ones(2), jnp.zeros(3)).log_unnormalised(jnp.ones((1, 2)))  # 2 + 3 ln 2
        Array([4.0794415], dtype=float32)
        """
        machine = _machine(self)
        return _log_unnormalised(machine, _patterns("v", v, machine.visible))

    def log_partition(self) -> Array:
        r"""The logarithm of Z, by summing over all patterns of the smaller kind of units.

        Raises:
            ValueError: if both kinds have more than 20 units, or an array does not fit.

        >>> bool(jnp.isclose(RBM(jnp.zeros((2, 3)), jnp.zeros(2), jnp.zeros(3)).log_partition(), 5 * jnp.log(2)))
        True
        """
        machine = _machine(self)
        if min(machine.weights.shape) > _MOST_SUMMED:
            raise ValueError(
                f"one kind of units must have at most {_MOST_SUMMED} to sum over, got weights {machine.weights.shape}"
            )
        return _log_partition(machine)

    def log_prob(self, v: ArrayLike) -> Array:
        """The exact logarithm of the probability of patterns.

        Args:
            v: patterns, (n, d).

        Returns:
            (n,), in nats.

        Raises:
            ValueError: as :meth:`log_partition`, and if the shape or dtype of `v` does not fit.

        >>> RBM(jnp.zeros((2, 3)), jnp.zeros(2), jnp.zeros(3)).log_prob(jnp.zeros((1, 2)))  # 2 ln ½
        Array([-1.3862944], dtype=float32)
        """
        return self.log_unnormalised(v) - self.log_partition()

    def label_logit(self, x: ArrayLike) -> Array:
        r"""The logit of the probability that the last visible unit is 1, given all others; Z does not enter.

        With its bias a and its weights u it is
        :math:`a + \sum_j\bigl[\log(1 + e^{c_j + u_j + W_j^\top x}) - \log(1 + e^{c_j + W_j^\top x})\bigr]`
        (Larochelle and Bengio 2008).

        Args:
            x: patterns of the other units, (n, d - 1).

        Returns:
            (n,).

        Raises:
            ValueError: if a shape or dtype does not fit, or there is no other visible unit.

        >>> RBM(jnp.zeros((3, 2)), jnp.array([0.0, 0.0, 0.5]), jnp.zeros(2)).label_logit(jnp.ones((1, 2)))
        Array([0.5], dtype=float32)
        """
        machine = _machine(self)
        if len(machine.visible) < 2:
            raise ValueError(f"x must have a column, and the machine two visible units, got {machine.weights.shape}")
        inputs = _patterns("x", x, machine.visible[:-1])
        z = inputs @ machine.weights[:-1] + machine.hidden
        return machine.visible[-1] + jnp.sum(jax.nn.softplus(z + machine.weights[-1]) - jax.nn.softplus(z), axis=1)


def gibbs(key: Any, rbm: RBM, v: ArrayLike, steps: int) -> Array:
    """Patterns after so many steps of block Gibbs sampling; in each all hidden units are drawn, then all visible ones.

    Args:
        key: of JAX's random numbers.
        rbm: the machine.
        v: where the chains start, (n, d).
        steps: how many, from 0.

    Returns:
        (n, d), zeros and ones.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> sure = RBM(jnp.zeros((2, 1)), jnp.array([50.0, -50.0]), jnp.zeros(1))
    >>> gibbs(jax.random.key(0), sure, jnp.zeros((1, 2)), 1)
    Array([[1., 0.]], dtype=float32)
    """
    _validation.key("key", key)
    machine = _machine(rbm)
    return _gibbs(key, machine, _patterns("v", v, machine.visible), _arguments.count("steps", steps, 0))


def gibbs_kernel(rbm: RBM) -> Array:
    """The transition matrix of one step of block Gibbs sampling between all patterns of the visible units.

    Pattern number i has the digits of i in binary, the first unit the lowest. The matrix is self-adjoint with respect
    to the law of the machine, and its eigenvalues lie between 0 and 1.

    Args:
        rbm: a machine with at most 12 units of each kind.

    Returns:
        (2^d, 2^d), rows that sum to one.

    Raises:
        ValueError: if it has more units, or an array does not fit.

    >>> gibbs_kernel(RBM(jnp.zeros((1, 1)), jnp.zeros(1), jnp.zeros(1)))
    Array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    up, down = _halves(_listed(rbm))
    return up @ down


def mixing(rbm: RBM) -> float:
    r"""The second largest eigenvalue of :func:`gibbs_kernel`, found among the patterns of the smaller kind of units.

    The bias of an expected value after k steps falls like its k-th power.

    Args:
        rbm: a machine with at most 12 units of each kind.

    Returns:
        a number from 0 to 1.

    Raises:
        ValueError: if it has more units, or an array does not fit.

    >>> mixing(RBM(jnp.zeros((3, 1)), jnp.ones(3), jnp.zeros(1)))  # one step forgets everything
    0.0
    """
    machine = _listed(rbm)
    up, down = (np.asarray(half, float) for half in _halves(machine))
    small = down @ up if machine.weights.shape[1] <= machine.weights.shape[0] else up @ down
    values = np.sort(np.linalg.eigvals(small).real)
    return float(min(max(values[-2], 0.0), 1.0))


def expected_cd(rbm: RBM, p: ArrayLike, k: int | None = None) -> RBM:
    r"""What a step of contrastive divergence adds to the parameters on average, before the learning rate.

    :math:`E_p s - E_{pP^k}s` with the statistics :math:`s = (vE[h \mid v]^\top, v, E[h \mid v])` and the kernel P of
    :func:`gibbs_kernel` (Hinton 2002). Without k the exact gradient of the mean log-likelihood,
    :math:`E_p s - E_{model}s`.

    Args:
        rbm: a machine with at most 12 units of each kind.
        p: the law of the data, a probability of each pattern in the order of :func:`gibbs_kernel`, (2^d,).
        k: how many steps.

    Returns:
        the three changes, in the place of the parameters.

    Raises:
        ValueError: if a shape does not fit, `p` is no law, or k is no positive integer.

    >>> machine = RBM(jnp.zeros((1, 1)), jnp.zeros(1), jnp.zeros(1))
    >>> expected_cd(machine, jnp.array([0.0, 1.0])).visible  # all data are 1, half of the model's patterns
    Array([0.5], dtype=float32)
    """
    machine = _listed(rbm)
    law = _vector("p", p, 2 ** len(machine.visible))
    law = law.astype(machine.weights.dtype)
    if not _validation.traced(law) and (float(law.min()) < 0 or abs(float(law.sum()) - 1) > 1e-4):
        raise ValueError(
            f"p must be probabilities that sum to one, got {float(law.min()):.3g} as the least and "
            f"the sum {float(law.sum()):.3g}"
        )
    steps = 0 if k is None else _arguments.count("k", k, 1)
    return _expected_cd(machine, law, steps, k is None)


def train(
    key: Any,
    rbm: RBM,
    v: ArrayLike,
    *,
    method: str = "cd",
    k: int = 1,
    steps: int = 1000,
    batch: int = 100,
    learning_rate: float = 0.1,
) -> RBM:
    """A machine after stochastic steps that raise the likelihood, at a rate that falls linearly to zero.

    Args:
        key: of JAX's random numbers.
        rbm: where it starts.
        v: examples, (n, d).
        method: ``"cd"``, contrastive divergence: Gibbs chains start at the batch (Hinton 2002); ``"pcd"``, persistent:
            they go on where they ended (Tieleman 2008); ``"exact"``, the gradient of the exact likelihood.
        k: Gibbs steps for a step of training, not for the exact gradient.
        steps: of training, from 0.
        batch: examples in a step, drawn with replacement.
        learning_rate: at the first step.

    Returns:
        the trained machine.

    Raises:
        ValueError: if a shape, dtype, number or the method does not fit; for ``"exact"`` also as
            :meth:`RBM.log_partition`.

    >>> start = RBM(0.1 * jax.random.normal(jax.random.key(0), (2, 1)), jnp.zeros(2), jnp.zeros(1))
    >>> same = jnp.array([[0.0, 0.0], [1.0, 1.0]])  # two units that are equal
    >>> end = train(jax.random.key(1), start, same, steps=2000, learning_rate=0.5)
    >>> bool(jnp.exp(end.log_prob(same)).sum() > 0.9)
    True
    """
    _validation.key("key", key)
    machine = _machine(rbm)
    examples = _patterns("v", v, machine.visible)
    if not len(examples):
        raise ValueError(f"v must have at least one row, got {examples.shape}")
    _arguments.choice("method", method, ("cd", "pcd", "exact"))
    counts = (
        _arguments.count("k", k, 1),
        _arguments.count("steps", steps, 0),
        _arguments.count("batch", batch, 1),
    )
    rate = jnp.asarray(_validation.number("learning_rate", learning_rate), machine.weights.dtype)
    if method == "exact":
        machine.log_partition()  # refuses what is too large
    return _train(key, machine, examples, rate, method == "exact", method == "pcd", *counts)


def ais(key: Any, rbm: RBM, base: ArrayLike, *, temperatures: int = 1000, chains: int = 256) -> tuple[float, float]:
    r"""An estimate of the logarithm of Z by annealed importance sampling.

    Chains go from independent units to the machine (Neal 2001; Salakhutdinov and Murray 2008). The mean of the weights
    is unbiased for Z, whatever the number of temperatures; its logarithm is too low on average.

    Args:
        key: of JAX's random numbers.
        rbm: the machine.
        base: the biases of the independent units where the chains start, (d,).
        temperatures: how many steps, at equal distances.
        chains: how many.

    Returns:
        the estimate, and the standard deviation of the mean weight over that mean.

    Raises:
        ValueError: if a shape or dtype does not fit, or a count is not positive.

    >>> free = RBM(jnp.zeros((4, 2)), jnp.ones(4), jnp.zeros(2))
    >>> estimate, error = ais(jax.random.key(0), free, jnp.ones(4), temperatures=2, chains=3)
    >>> bool(abs(estimate - float(free.log_partition())) < 1e-4), round(error, 4)
    (True, 0.0)
    """
    _validation.key("key", key)
    machine = _machine(rbm)
    start = _vector("base", base, len(machine.visible))
    weights = np.asarray(
        _ais(
            key,
            machine,
            start.astype(machine.weights.dtype),
            _arguments.count("temperatures", temperatures, 1),
            _arguments.count("chains", chains, 1),
        ),
        float,
    )
    shares = np.exp(weights - weights.max())
    log_partition = weights.max() + np.log(shares.mean())
    return float(log_partition), float(shares.std() / shares.mean() / len(shares) ** 0.5)


def _machine(rbm: Any) -> RBM:
    """The machine with arrays of JAX, refused unless their shapes fit each other."""
    if not isinstance(rbm, RBM):
        raise ValueError(f"rbm must be an RBM, got {_arguments.got(rbm)}")
    weights, visible, hidden = map(_validation.floating, ("weights", "visible", "hidden"), rbm)
    if (
        weights.ndim != 2
        or min(weights.shape) == 0
        or (visible.shape, hidden.shape) != (weights.shape[:1], weights.shape[1:])
    ):
        raise ValueError(
            f"weights must be (d, m) for visible (d,) and hidden (m,), got weights {weights.shape}, "
            f"visible {visible.shape}, hidden {hidden.shape}"
        )
    return RBM(weights, visible.astype(weights.dtype), hidden.astype(weights.dtype))


def _listed(rbm: Any) -> RBM:
    machine = _machine(rbm)
    if max(machine.weights.shape) > _MOST_LISTED:
        raise ValueError(
            f"rbm must have at most {_MOST_LISTED} units of each kind to list all patterns, got weights "
            f"{machine.weights.shape}"
        )
    return machine


def _patterns(name: str, v: ArrayLike, like: Array) -> Array:
    # what it holds is looked at before its shape, which then says less
    return _validation.matrix(name, _validation.floating(name, v), columns=len(like)).astype(like.dtype)


def _vector(name: str, values: ArrayLike, size: int) -> Array:
    found = _validation.floating(name, values)
    if found.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), got {found.shape}")
    return found


def _every(size: int, dtype: Any) -> Array:
    """All patterns of so many units, the first unit changing fastest."""
    return ((jnp.arange(2**size)[:, None] >> jnp.arange(size)) & 1).astype(dtype)


def _log_unnormalised(rbm: RBM, v: Array) -> Array:
    return v @ rbm.visible + jnp.sum(jax.nn.softplus(v @ rbm.weights + rbm.hidden), axis=-1)


def _turned(rbm: RBM) -> RBM:
    """The same machine with its two kinds of units exchanged."""
    return RBM(rbm.weights.T, rbm.hidden, rbm.visible)


@jax.jit
def _log_partition(rbm: RBM) -> Array:
    small = rbm if rbm.weights.shape[0] <= rbm.weights.shape[1] else _turned(rbm)
    size = len(small.visible)
    rows = min(size, 10)  # the low digits together, the high ones in turn: 2^20 rows at once would not fit a cache
    low = _every(rows, small.visible.dtype)

    def block(number: Array) -> Array:
        high = ((number >> jnp.arange(size - rows)) & 1).astype(low.dtype)
        tail = jnp.broadcast_to(high, (len(low), size - rows))
        return jax.nn.logsumexp(_log_unnormalised(small, jnp.concatenate([low, tail], axis=1)))

    return jax.nn.logsumexp(jax.lax.map(block, jnp.arange(2 ** (size - rows))))


def _halves(rbm: RBM) -> tuple[Array, Array]:
    """The two half steps: from visible to hidden patterns, (2^d, 2^m), and back."""
    dtype = rbm.weights.dtype
    v, h = _every(len(rbm.visible), dtype), _every(len(rbm.hidden), dtype)
    joint = (v @ rbm.visible)[:, None] + h @ rbm.hidden + v @ rbm.weights @ h.T
    return jax.nn.softmax(joint, axis=1), jax.nn.softmax(joint, axis=0).T


def _statistics(rbm: RBM, v: Array, mass: Array) -> RBM:
    """Expected statistics under weights of patterns."""
    h = jax.nn.sigmoid(v @ rbm.weights + rbm.hidden)
    return RBM((v * mass[:, None]).T @ h, mass @ v, mass @ h)


@functools.partial(jax.jit, static_argnums=3)
def _expected_cd(rbm: RBM, p: Array, k: ArrayLike, exact: bool) -> RBM:
    v = _every(len(rbm.visible), rbm.weights.dtype)
    if exact:
        q = jax.nn.softmax(_log_unnormalised(rbm, v))
    else:
        up, down = _halves(rbm)
        q = jax.lax.fori_loop(0, k, lambda _, law: (law @ up) @ down, p)
    return _statistics(rbm, v, p - q)


def _step(key: Any, rbm: RBM, v: Array) -> Array:
    """One step of each chain. All random numbers are drawn at once, since each call takes long to compile."""
    d, m = rbm.weights.shape
    u = jax.random.uniform(key, (len(v), d + m), v.dtype)
    h = (u[:, d:] < jax.nn.sigmoid(v @ rbm.weights + rbm.hidden)).astype(v.dtype)
    return (u[:, :d] < jax.nn.sigmoid(h @ rbm.weights.T + rbm.visible)).astype(v.dtype)


@jax.jit
def _gibbs(key: Any, rbm: RBM, v: Array, steps: ArrayLike) -> Array:
    return jax.lax.fori_loop(0, steps, lambda i, u: _step(jax.random.fold_in(key, i), rbm, u), v)


@functools.partial(jax.jit, static_argnames=("exact", "batch"))
def _train(
    key: Any, rbm: RBM, v: Array, rate: Array, exact: bool, persists: bool, k: ArrayLike, steps: ArrayLike, batch: int
) -> RBM:
    share = jnp.full((batch,), 1 / batch, v.dtype)

    def gradient(now: RBM, rows: Array, chains: Array, key: Any) -> tuple[RBM, Array]:
        if exact:
            return jax.grad(lambda p: jnp.mean(_log_unnormalised(p, rows)) - _log_partition(p))(now), chains
        ends = _gibbs(key, now, jnp.where(persists, chains, rows), k)
        data, model = _statistics(now, rows, share), _statistics(now, ends, share)
        return jax.tree.map(jnp.subtract, data, model), ends

    def step(t: Array, state: tuple[RBM, Array]) -> tuple[RBM, Array]:
        now, chains = state
        here = jax.random.fold_in(key, t)
        rows = v[(jax.random.uniform(jax.random.fold_in(key, steps + t), (batch,)) * len(v)).astype(int)]
        chains = jnp.where(t == 0, rows, chains)  # they start at the first batch
        change, chains = gradient(now, rows, chains, here)
        size = (rate * (1 - t / steps)).astype(rate.dtype)
        return jax.tree.map(lambda a, g: a + size * g, now, change), chains

    trained, _ = jax.lax.fori_loop(0, steps, step, (rbm, jnp.zeros((batch, v.shape[1]), v.dtype)))
    return trained


@functools.partial(jax.jit, static_argnums=4)
def _ais(key: Any, rbm: RBM, base: Array, temperatures: ArrayLike, chains: int) -> Array:
    """The logarithms of the weights of the chains."""
    start = (
        jax.random.uniform(jax.random.fold_in(key, temperatures), (chains, len(base)), base.dtype)
        < jax.nn.sigmoid(base)
    ).astype(base.dtype)

    def at(number: Array) -> RBM:
        share = (number / temperatures).astype(base.dtype)
        return RBM(share * rbm.weights, (1 - share) * base + share * rbm.visible, share * rbm.hidden)

    def move(i: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        v, weight = state
        before, after = at(i), at(i + 1)
        weight += _log_unnormalised(after, v) - _log_unnormalised(before, v)
        return _step(jax.random.fold_in(key, i), after, v), weight

    of_base = jnp.sum(jax.nn.softplus(base)) + len(rbm.hidden) * jnp.log(2.0)
    weight = jnp.full(chains, of_base, base.dtype)
    return jax.lax.fori_loop(0, temperatures, move, (start, weight))[1]
