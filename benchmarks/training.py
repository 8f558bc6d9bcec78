"""Full-batch gradient descent, one network or many: as one compiled loop, and as what one would write instead."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
from compare import Case, main

from ntklib.dynamics import gradient_descent
from ntklib.mlp import MLP

N, DIM, RATE = 20, 2, 0.3


def problem():
    x = jax.random.normal(jax.random.key(1), (N, DIM))
    return x, jnp.sin(3 * x[:, 0])


NETWORK = MLP(depth=1)


def one(width, steps, **options):
    (x, y), params = problem(), NETWORK.init(jax.random.key(0), DIM, width)
    return lambda: gradient_descent(NETWORK.apply, params, x, y, learning_rate=RATE, steps=steps, **options).params


def compiled_step(x, y):
    @jax.jit
    def step(params):
        gradient = jax.grad(lambda p: jnp.sum((NETWORK.apply(p, x)[:, 0] - y) ** 2) / (2 * N))(params)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradient)

    return step


def loop_of_steps(width, steps):
    (x, y), start = problem(), NETWORK.init(jax.random.key(0), DIM, width)
    step = compiled_step(x, y)

    def run():
        params = start
        for _ in range(steps):
            params = step(params)
        return params

    return run


def train(key, width, steps):
    x, y = problem()
    params = NETWORK.init(key, DIM, width)
    return gradient_descent(NETWORK.apply, params, x, y, learning_rate=RATE, steps=steps).outputs[-1, :, 0]


def keys(networks):
    return jax.random.split(jax.random.key(2), networks)


def mapped(networks, width, steps, chunk):
    draws = keys(networks)
    run = jax.jit(lambda k: jax.lax.map(lambda key: train(key, width, steps), k, batch_size=chunk))
    return lambda: run(draws)


def loop_over_networks(networks, width, steps, compiled):
    draws = keys(networks)
    eager = functools.partial(train, width=width, steps=steps)
    run = jax.jit(eager) if compiled else eager
    return lambda: jnp.stack([run(key) for key in draws])


def threads(networks, width, steps):
    draws = keys(networks)
    run = jax.jit(functools.partial(train, width=width, steps=steps))

    def everywhere():
        with ThreadPoolExecutor(os.cpu_count()) as cores:
            return jnp.stack(list(cores.map(run, draws)))

    return everywhere


def loop_over_networks_and_steps(networks, width, steps):
    (x, y), draws = problem(), keys(networks)
    step, outputs = compiled_step(x, y), jax.jit(NETWORK.apply)

    def run():
        found = []
        for key in draws:
            params = NETWORK.init(key, DIM, width)
            for _ in range(steps):
                params = step(params)
            found.append(outputs(params, x)[:, 0])
        return jnp.stack(found)

    return run


def difference(results):
    first, *others = (jax.tree.leaves(result) for result in results.values())
    worst = max(float(jnp.abs(a - b).max()) for other in others for a, b in zip(first, other, strict=True))
    return {"largest difference of the results": worst}


CASES = [
    Case(
        "gradient descent, width 256, n = 20, 5000 steps",
        {
            "gradient_descent": functools.partial(one, 256, 5000),
            "loop of compiled steps": functools.partial(loop_of_steps, 256, 5000),
            "gradient_descent with progress": functools.partial(one, 256, 5000, progress=lambda done, steps: None),
        },
        rounds=41,
        goals={"loop of compiled steps": 0.3},
        measure=difference,
    ),
    Case(
        "ensemble of 200 networks, width 512, 300 steps",
        {
            "loop over networks, compiled, a thread for each core": functools.partial(threads, 200, 512, 300),
            "vmap, 50 at a time": functools.partial(mapped, 200, 512, 300, 50),
            "vmap, 8 at a time": functools.partial(mapped, 200, 512, 300, 8),
            "vmap, all at once": functools.partial(mapped, 200, 512, 300, 200),
            "loop over networks and steps": functools.partial(loop_over_networks_and_steps, 200, 512, 300),
            "loop over networks": functools.partial(loop_over_networks, 200, 512, 300, compiled=False),
            "loop over networks, compiled": functools.partial(loop_over_networks, 200, 512, 300, compiled=True),
        },
        goals={"loop over networks and steps": 1 / 3, "loop over networks": 1 / 3},
        measure=difference,
    ),
    Case(
        "ensemble of 200 networks, width 512, at initialisation",
        {
            "vmap, 8 at a time": functools.partial(mapped, 200, 512, 0, 8),
            "loop over networks": functools.partial(loop_over_networks, 200, 512, 0, compiled=False),
            "loop over networks, compiled": functools.partial(loop_over_networks, 200, 512, 0, compiled=True),
        },
        rounds=3,
        goals={"loop over networks": 1 / 3},
        measure=difference,
    ),
]

if __name__ == "__main__":
    main(CASES)
