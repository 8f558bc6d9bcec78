"""Haiku: a function, transformed; its state is kept apart."""

import haiku as hk
import jax

from ntklib.dynamics import gradient_descent
from ntklib.laziness import laziness
from ntklib.tangent import empirical_ntk, linearize


def network(x, is_training):
    """Points (n, 3) to two outputs."""
    h = hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)(
        hk.Linear(64)(x), is_training
    )
    return hk.Linear(2)(jax.nn.relu(h))


points = jax.random.normal(jax.random.key(0), (10, 3))
init, call = hk.without_apply_rng(hk.transform_with_state(network))
params, state = init(jax.random.key(1), points, is_training=True)


def apply(params, x):
    """The outputs in evaluation mode, without the state."""
    return call(params, state, x, is_training=False)[0]


theta = empirical_ntk(apply, params, points)
linear = linearize(apply, params)
targets = jax.nn.one_hot(jax.numpy.arange(10) % 2, 2)
run = gradient_descent(
    apply, params, points, targets, learning_rate=0.1, steps=20
)
report = laziness(apply, params, run.params, points, targets)
