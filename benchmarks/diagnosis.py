"""How long does the diagnosis of a large network take: a convolutional one of 10⁶ parameters, on 200 digits?

The goal is two minutes on two cores. Seconds of the processor are recorded beside those of the clock: where others use
the machine only they can be compared.
"""

import itertools
import resource

import jax
import jax.numpy as jnp
import numpy as np
import optax
from compare import Case, main
from jax import lax

from ntklib import data
from ntklib.laziness import laziness

CHANNELS, TRAINED, TESTED = (1, 64, 128, 256, 256), 200, 50
spent: dict[str, float] = {}


def start():
    """Parameters of four convolutions of 3 × 3 and a readout, 965,514 in all."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: jnp.asarray(rng.standard_normal(shape), jnp.float32)  # noqa: E731
    layers = [
        (normal(3, 3, here, there) * (2 / (9 * here)) ** 0.5, jnp.zeros(there, jnp.float32))
        for here, there in itertools.pairwise(CHANNELS)
    ]
    return *layers, (normal(CHANNELS[-1], 10) / CHANNELS[-1] ** 0.5, jnp.zeros(10, jnp.float32))


def apply(params, images):
    """Images (n, 28, 28, 1) to (n, 10): after each convolution but the last, means of 2 × 2."""
    *layers, (weights, bias) = params
    for i, (kernel, shift) in enumerate(layers):
        maps = lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        images = jax.nn.relu(maps + shift)
        if i < len(layers) - 1:
            images = lax.reduce_window(images, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
    return images.mean((1, 2)) @ weights + bias


def trained(params, x, y, steps=120):
    """After Adam's steps on batches of 50, one at a time: a compiled loop of convolutions is slower on a CPU."""
    adam = optax.adam(2e-3)

    @jax.jit
    def step(params, state, x, y):
        change, state = adam.update(jax.grad(lambda p: jnp.mean(jnp.square(apply(p, x) - y)))(params), state)
        return optax.apply_updates(params, change), state

    state = adam.init(params)
    for i in range(steps):
        rows = slice(50 * (i % 4), 50 * (i % 4 + 1))
        params, state = step(params, state, x[rows], y[rows])
    return jax.block_until_ready(params)


def diagnosis():
    digits = data.mnist5k(28)
    as_images = lambda x: np.asarray(x, np.float32).reshape(-1, 28, 28, 1)  # noqa: E731
    x, x_test = as_images(digits.x_train[:TRAINED]), as_images(digits.x_test[:TESTED])
    y = data.one_hot(digits.y_train[:TRAINED]).astype(np.float32)
    before = start()
    after = trained(before, x, y)

    def call():
        first = resource.getrusage(resource.RUSAGE_SELF)
        report = laziness(apply, before, after, x, y, x_test, progress=lambda stage, share: None)
        last = resource.getrusage(resource.RUSAGE_SELF)
        spent["processor"] = last.ru_utime + last.ru_stime - first.ru_utime - first.ru_stime
        return report

    return call


def measured(results):
    """Numbers to record beside the seconds of the clock."""
    report = results["ours"]
    return {
        "seconds of the processor": spent["processor"],
        "position": report.position,
        "left by the rich": report.residuals[1],
    }


CASES = [Case("diagnosis, 10⁶ parameters, 200 inputs", {"ours": diagnosis}, rounds=0, measure=measured)]

if __name__ == "__main__":
    main(CASES)
