"""Equinox: of a model, a tree, what is no floating array is split off."""

import equinox as eqx
import jax

from ntklib.dynamics import gradient_descent
from ntklib.laziness import laziness
from ntklib.tangent import empirical_ntk, linearize

points = jax.random.normal(jax.random.key(0), (10, 3))
model = eqx.nn.MLP(
    in_size=3, out_size=2, width_size=64, depth=2, key=jax.random.key(1)
)
model = eqx.nn.inference_mode(model)  # of layers such as dropout
params, rest = eqx.partition(model, eqx.is_inexact_array)


def apply(params, x):
    """The outputs; an Equinox model is for one example, so it is mapped."""
    return jax.vmap(eqx.combine(params, rest))(x)


theta = empirical_ntk(apply, params, points)
linear = linearize(apply, params)
targets = jax.nn.one_hot(jax.numpy.arange(10) % 2, 2)
run = gradient_descent(
    apply, params, points, targets, learning_rate=0.1, steps=20
)
report = laziness(apply, params, run.params, points, targets)
trained = eqx.combine(run.params, rest)  # a model again
