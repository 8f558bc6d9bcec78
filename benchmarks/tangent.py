"""The tangent kernel of one network, 3 × 512 units and 10 outputs, at 200 inputs: layer by layer, and by its peers."""

import functools

import jax
from compare import Case, main

from ntklib import neural_tangents as nt
from ntklib import tangent
from ntklib.mlp import MLP

NETWORK, N, DIM, WIDTH = MLP(depth=3, out_dim=10), 200, 784, 512


def unknown(params, x):
    """The same network, as a function of which nothing is known."""
    return NETWORK.apply(params, x)


def inputs(n):
    params = NETWORK.init(jax.random.key(0), DIM, WIDTH)
    return params, jax.random.normal(jax.random.key(1), (n, DIM))


def ours(apply, outputs, n=N):
    params, x = inputs(n)
    return lambda: tangent.empirical_ntk(apply, params, x, outputs=outputs)


def theirs(name, outputs, n=N):
    params, x = inputs(n)
    kernel = nt.empirical_ntk_fn(
        NETWORK.apply,
        trace_axes=(-1,) if outputs == "trace" else (),
        vmap_axes=0,
        implementation=nt.NtkImplementation[name],
    )
    compiled = jax.jit(kernel)
    return lambda: compiled(x, None, params)


def jacobians(outputs, n=N):
    params, x = inputs(n)
    return lambda: tangent._block(NETWORK.apply, params, x, None, trace=outputs == "trace")


def case(outputs, n, slow):
    contenders = {
        "MLP": functools.partial(ours, NETWORK.apply, outputs, n),
        "structured derivatives": functools.partial(theirs, "STRUCTURED_DERIVATIVES", outputs, n),
        "any function": functools.partial(ours, unknown, outputs, n),
    }
    if slow:
        contenders |= {
            "NTK-vector products": functools.partial(theirs, "NTK_VECTOR_PRODUCTS", outputs, n),
            "Jacobian contraction": functools.partial(theirs, "JACOBIAN_CONTRACTION", outputs, n),
            "vmap(jacrev)": functools.partial(jacobians, outputs, n),
        }
    return Case(
        f"empirical NTK, {outputs}, 3 × 512, 10 outputs, n = {n}",
        contenders,
        rounds=5 if slow else 41,
        goals={} if slow else {"structured derivatives": 0.7},
    )


# The Jacobians of 200 inputs take 7.5 GB and their contraction a quarter of a minute, so those peers get 40.
CASES = [case("trace", N, False), case("full", N, False), case("trace", 40, True), case("full", 40, True)]

if __name__ == "__main__":
    main(CASES)
