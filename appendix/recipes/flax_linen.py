"""Flax (linen): a convolutional network with BatchNorm."""

import flax.linen as nn
import jax

from ntklib.dynamics import gradient_descent
from ntklib.laziness import laziness
from ntklib.tangent import empirical_ntk, linearize


class Network(nn.Module):
    """Images (n, h, w, c) to two outputs."""

    @nn.compact
    def __call__(self, x, train=False):
        """The outputs; in training mode normalised by the batch."""
        x = nn.Conv(8, (3, 3))(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        return nn.Dense(2)(x.mean((1, 2)))


images = jax.random.normal(jax.random.key(0), (10, 8, 8, 3))
model = Network()
variables = model.init(jax.random.key(1), images)


def apply(params, x):
    """The outputs in evaluation mode, with the statistics as they are."""
    return model.apply(
        {"params": params, "batch_stats": variables["batch_stats"]}, x
    )


params = variables["params"]
theta = empirical_ntk(apply, params, images)  # (10, 10)
linear = linearize(apply, params)  # linear(params, x)
targets = jax.nn.one_hot(jax.numpy.arange(10) % 2, 2)
run = gradient_descent(
    apply, params, images, targets, learning_rate=0.1, steps=20
)
report = laziness(apply, params, run.params, images, targets)
