"""Flax (nnx): parameters are split from the rest, and merged in apply."""

import jax
from flax import nnx

from ntklib.dynamics import gradient_descent
from ntklib.laziness import laziness
from ntklib.tangent import empirical_ntk, linearize


class Network(nnx.Module):
    """Points (n, 3) to two outputs, with BatchNorm and dropout."""

    def __init__(self, rngs):
        self.first, self.last = (
            nnx.Linear(3, 64, rngs=rngs),
            nnx.Linear(64, 2, rngs=rngs),
        )
        self.norm, self.dropout = (
            nnx.BatchNorm(64, rngs=rngs),
            nnx.Dropout(0.5, rngs=rngs),
        )

    def __call__(self, x):
        """The outputs."""
        return self.last(self.dropout(nnx.relu(self.norm(self.first(x)))))


points = jax.random.normal(jax.random.key(0), (10, 3))
model = Network(nnx.Rngs(1))
model.eval()  # running averages, no dropout
graph, params, rest = nnx.split(model, nnx.Param, ...)


def apply(params, x):
    """The outputs of the model with these parameters."""
    return nnx.merge(graph, params, rest)(x)


theta = empirical_ntk(apply, params, points)
linear = linearize(apply, params)
targets = jax.nn.one_hot(jax.numpy.arange(10) % 2, 2)
run = gradient_descent(
    apply, params, points, targets, learning_rate=0.1, steps=20
)
report = laziness(apply, params, run.params, points, targets)
trained = nnx.merge(graph, run.params, rest)  # a model again
